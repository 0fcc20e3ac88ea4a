//! An order to inject a fault, as `/_preflash/faults` is given it: read once, into what the rules work with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::injection::{ConnectionFault, InjectedEffect, TlsFault, injections};
use fake_thingspeak::serve::{Fault, WrittenReply};
use tokio::time::Instant;

mod written;

/// The longest delay, and the longest that a rule may last.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// The words for faults.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    injections().map(|injection| injection.word)
}

/// Words in a message.
fn list(words: impl Iterator<Item = &'static str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

/// What goes wrong, and with what.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Effect {
    /// With a request.
    Request(Fault),
    /// A request is answered like this.
    Reply(Arc<WrittenReply>),
    /// With a new connection.
    Connection(ConnectionFault),
    /// With a new connection over TLS.
    Tls(TlsFault),
}

/// How long a rule is in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Remaining {
    /// Until it is cleared.
    Always,
    /// For so many more times.
    Times(u32),
    /// Until this time.
    Until(Instant),
}

/// A rule as it was asked for; the words of the request are kept to be shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    pub(super) word: &'static str,
    /// What was said with the word, by its name.
    pub(super) parameter: Option<(&'static str, Parameter)>,
    /// How the paths of requests begin that it concerns; `None` for all.
    pub(super) path: Option<String>,
    pub(super) effect: Effect,
    pub(super) remaining: Remaining,
}

/// What is said with a fault's word, as it is shown again.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Parameter {
    Number(f64),
    Word(&'static str),
}

impl Order {
    /// Whether it is for connections over TLS alone.
    pub(crate) fn is_of_tls(&self) -> bool {
        matches!(self.effect, Effect::Tls(_))
    }

    /// Reads an order: `fault`, what that fault needs (`status`, `delay` in seconds, `certificate`, `attack`), and
    /// perhaps `count` or `seconds`, and `path`. The error says what would be right.
    pub(crate) fn parse(mut given: BTreeMap<String, String>, now: Instant) -> Result<Self, String> {
        let mut take = |name: &str| given.remove(name).map(|value| value.trim().to_owned());
        let fault = take("fault").ok_or_else(|| format!("`fault` is missing: one of {}", list(words())))?;
        let found = injections().find(|injection| injection.word == fault);
        let injection = found.ok_or_else(|| format!("`{fault}` is no fault; there are {}", list(words())))?;
        let word = injection.word;
        let mut parameter = None;
        let effect = match injection.effect {
            InjectedEffect::Request(fault) => Effect::Request(fault),
            InjectedEffect::RequestWithStatus(make) => {
                let status = take("status").ok_or_else(|| format!("`{word}` needs a `status` like 503"))?;
                let number = status_of(&status)?;
                parameter = Some(("status", Parameter::Number(number.into())));
                Effect::Request(make(number))
            }
            InjectedEffect::RequestWithDelay(make) => {
                let given = take("delay").ok_or_else(|| format!("`{word}` needs `delay`, in seconds"))?;
                let delay = seconds("delay", &given)?;
                parameter = Some(("delay", Parameter::Number(delay.as_secs_f64())));
                Effect::Request(make(delay))
            }
            InjectedEffect::Reply => {
                let reply = written::parse(&mut take)?;
                parameter = Some(("status", Parameter::Number(reply.status.into())));
                Effect::Reply(Arc::new(reply))
            }
            InjectedEffect::Connection(fault) => Effect::Connection(fault),
            InjectedEffect::Tls(kind) => {
                let name = kind.parameter();
                let (shown, fault) = choice(&kind.choices(), word, name, take(name))?;
                parameter = Some((name, Parameter::Word(shown)));
                Effect::Tls(fault)
            }
        };
        let path = take("path");
        match &path {
            Some(_) if !matches!(effect, Effect::Request(_) | Effect::Reply(_)) => {
                return Err(format!("`path` means nothing for `{word}`, which strikes before there is a request"));
            }
            Some(path) if !path.starts_with('/') => {
                return Err(format!("`path` is how the paths of requests begin, like /update, not `{path}`"));
            }
            _ => {}
        }
        let remaining = match (take("count"), take("seconds")) {
            (Some(_), Some(_)) => return Err("either `count` or `seconds`, not both".to_owned()),
            (Some(count), None) => {
                let number = count.parse().ok().filter(|count| *count > 0);
                Remaining::Times(number.ok_or_else(|| format!("`{count}` is no count from 1"))?)
            }
            (None, Some(text)) => Remaining::Until(now + seconds("seconds", &text)?),
            (None, None) => Remaining::Always,
        };
        let refuses = effect == Effect::Connection(ConnectionFault::Refused);
        if refuses && !matches!(remaining, Remaining::Until(_)) {
            return Err(format!(
                "`{word}` needs `seconds`: until they are over, nobody reaches the server to clear it"
            ));
        }
        match given.keys().next() {
            Some(name) => Err(format!("`{name}` means nothing for `{word}`")),
            None => Ok(Self { word, parameter, path, effect, remaining }),
        }
    }
}

/// What the word `given` for `name` stands for, which the fault `fault` needs.
fn choice<T: Copy>(
    known: &[(&'static str, T)],
    fault: &str,
    name: &str,
    given: Option<String>,
) -> Result<(&'static str, T), String> {
    let all = || list(known.iter().map(|(word, _)| *word));
    let given = given.ok_or_else(|| format!("`{fault}` needs `{name}`: one of {}", all()))?;
    let found = known.iter().find(|(word, _)| *word == given).copied();
    found.ok_or_else(|| format!("`{given}` is no {name}; there are {}", all()))
}

/// A status that a fault may answer with.
fn status_of(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|status| (200..=599).contains(status));
    number.ok_or_else(|| format!("`{text}` is no status from 200 to 599"))
}

/// A number of seconds, perhaps with decimals.
fn seconds(name: &str, text: &str) -> Result<Duration, String> {
    let number: Option<f64> = text.parse().ok().filter(|seconds| *seconds > 0.0);
    let duration = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| format!("`{name}` is a number of seconds above 0, of 366 days at most, not `{text}`"))
}
