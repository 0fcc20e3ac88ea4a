//! Faults that are injected while the server runs: rules that are set and cleared by hand, each for so many requests,
//! for so long, or until it is cleared.
//!
//! Of several rules that concern the same thing (a request, a connection, what it meets over TLS), the one that was set
//! last counts, as in a scenario.

use std::collections::BTreeMap;

use crate::injection::{ConnectionFault, TlsFault};
use fake_thingspeak::serve::Verdict;
use serde::ser::{Serialize, SerializeMap, Serializer};
use tokio::time::Instant;

pub(crate) use order::Order;
use order::{Effect, Parameter, Remaining};

mod order;
#[cfg(test)]
mod tests;

/// A rule that is set.
#[derive(Debug)]
struct Rule {
    id: u64,
    order: Order,
}

impl Rule {
    /// Its name for the log, such as `fault 3, status`.
    fn name(&self) -> String {
        let kind = match self.order.parameter {
            Some((_, Parameter::Word(kind))) => format!(" {kind}"),
            _ => String::new(),
        };
        format!("fault {}, {}{kind}", self.id, self.order.word)
    }
}

/// A rule as it is shown at some time.
pub(crate) struct Shown<'a>(&'a Rule, Instant);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Rule { id, order }, now) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", id)?;
        map.serialize_entry("fault", order.word)?;
        match &order.parameter {
            Some((name, Parameter::Number(number))) if number.fract() == 0.0 => {
                map.serialize_entry(name, &(*number as u64))?;
            }
            Some((name, Parameter::Number(number))) => map.serialize_entry(name, number)?,
            Some((name, Parameter::Word(word))) => map.serialize_entry(name, word)?,
            None => {}
        }
        if let Some(path) = &order.path {
            map.serialize_entry("path", path)?;
        }
        match order.remaining {
            Remaining::Always => map.serialize_entry("remaining", &())?,
            Remaining::Times(count) => map.serialize_entry("remaining", &BTreeMap::from([("count", count)]))?,
            Remaining::Until(end) => {
                let seconds = end.saturating_duration_since(*now).as_millis().div_ceil(1_000) as u64;
                map.serialize_entry("remaining", &BTreeMap::from([("seconds", seconds)]))?;
            }
        }
        map.end()
    }
}

/// The rules that are set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    last_id: u64,
}

impl Faults {
    /// Sets a rule; returns its number.
    pub(crate) fn set(&mut self, order: Order) -> u64 {
        self.last_id += 1;
        self.rules.push(Rule { id: self.last_id, order });
        self.last_id
    }

    /// Clears a rule; returns whether there was one.
    pub(crate) fn clear(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        self.rules.len() < before
    }

    /// Clears all rules.
    pub(crate) fn clear_all(&mut self) {
        self.rules.clear();
    }

    /// The rules that are still in force, in the order in which they were set.
    pub(crate) fn list(&mut self, now: Instant) -> Vec<Shown<'_>> {
        self.expire(now);
        self.rules.iter().map(|rule| Shown(rule, now)).collect()
    }

    /// What happens to a request for `path`, counted.
    pub(crate) fn request(&mut self, path: &str, now: Instant) -> Verdict {
        let struck = self.apply(now, |order| {
            let concerned = order.path.as_ref().is_none_or(|begin| path.starts_with(begin));
            match &order.effect {
                Effect::Request(fault) if concerned => Some(Verdict::fault("", *fault)),
                Effect::Reply(reply) if concerned => Some(Verdict::reply("", reply.clone())),
                _ => None,
            }
        });
        struck.map_or_else(Verdict::honest, |(rule, verdict)| Verdict { rule: Some(rule), ..verdict })
    }

    /// What happens to a new connection, counted.
    pub(crate) fn connection(&mut self, now: Instant) -> Option<(String, ConnectionFault)> {
        self.apply(now, |order| if let Effect::Connection(fault) = order.effect { Some(fault) } else { None })
    }

    /// What happens to a new connection over TLS, counted.
    pub(crate) fn tls(&mut self, now: Instant) -> Option<(String, TlsFault)> {
        self.apply(now, |order| if let Effect::Tls(fault) = order.effect { Some(fault) } else { None })
    }

    /// Whether there is a rule for connections.
    pub(crate) fn has_connection_faults(&mut self, now: Instant) -> bool {
        self.expire(now);
        self.rules.iter().any(|rule| matches!(rule.order.effect, Effect::Connection(_)))
    }

    /// Whether connections are refused: the rule's name for the log, and until when.
    pub(crate) fn refusal(&mut self, now: Instant) -> Option<(String, Instant)> {
        self.expire(now);
        let rule = self.rules.iter().rev().find(|rule| matches!(rule.order.effect, Effect::Connection(_)))?;
        match (&rule.order.effect, rule.order.remaining) {
            (Effect::Connection(ConnectionFault::Refused), Remaining::Until(end)) => Some((rule.name(), end)),
            _ => None,
        }
    }

    fn expire(&mut self, now: Instant) {
        self.rules.retain(|rule| match rule.order.remaining {
            Remaining::Always => true,
            Remaining::Times(count) => count > 0,
            Remaining::Until(end) => end > now,
        });
    }

    fn apply<F>(&mut self, now: Instant, select: impl Fn(&Order) -> Option<F>) -> Option<(String, F)> {
        if self.rules.is_empty() {
            return None;
        }
        self.expire(now);
        self.rules.iter_mut().rev().find_map(|rule| {
            let fault = select(&rule.order)?;
            if let Remaining::Times(count) = &mut rule.order.remaining {
                *count -= 1;
            }
            Some((rule.name(), fault))
        })
    }
}
