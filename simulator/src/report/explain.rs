//! Why something happened, as a chain of facts of the record: each link is an event and what connects it with the one
//! before. Nothing is guessed: where the record does not say why, the chain ends and says so, with the faults that were
//! in force, which may or may not have had a hand in it.

mod causes;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use simulator_record::events::{DeviceId, Event, EventKind, InForce};
use simulator_record::time::Instant;

use super::lane::{Lane, News};
use causes::Cause;

/// What is to be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question<'q> {
    /// The event at this place in the record.
    Event(u64),
    /// The last event until then.
    At(Duration),
    /// That no entry of a device was stored then: since the last one before it.
    NoEntry(Duration, Option<&'q str>),
}

/// A chain of causes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Explanation {
    /// What is explained, in words, where it is no event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// From what is explained to what began it.
    pub chain: Vec<Link>,
    /// Why the chain ends.
    pub end: End,
    /// What the chain ends with, in words.
    pub because: String,
    /// The faults that were in force at its first event.
    pub in_force: Vec<String>,
}

/// An event of a chain.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Link {
    /// How it explains the one before; of the first what connects it with the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<&'static str>,
    /// Virtual time.
    pub at_seconds: f64,
    /// The same, to the microsecond.
    #[serde(skip)]
    pub at: Instant,
    /// Its place in the record.
    pub sequence: u64,
    /// Its lane.
    pub lane: &'static str,
    /// The event in words.
    pub text: String,
}

/// Why a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// At what the scenario does.
    Scenario,
    /// At what the device's firmware decides.
    Firmware,
    /// The record does not say why.
    Unknown,
}

/// There is nothing to explain.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ExplainError {
    /// The record ends before.
    #[error("there is no event {asked}: the record has those from 0 to {last}")]
    NoEvent {
        /// What was asked for.
        asked: u64,
        /// The last one.
        last: u64,
    },
    /// The record is of several devices.
    #[error("the record is of several devices: say with --device which of {}", .0.join(", "))]
    WhichDevice(Vec<String>),
    /// It has none of that name.
    #[error("the record has no device `{asked}`: {}", devices(names))]
    NoDevice {
        /// What was asked for.
        asked: String,
        /// Those that it has.
        names: Vec<String>,
    },
    /// The record is empty, or begins later.
    #[error("nothing had happened yet at {0:?}")]
    Nothing(Duration),
}

fn devices(names: &[String]) -> String {
    match names {
        [] => "it is of one device, which has no name".to_owned(),
        names => format!("it has {}", names.join(", ")),
    }
}

/// The device of a name, or the only one.
fn device(events: &[Event], name: Option<&str>) -> Result<Option<DeviceId>, ExplainError> {
    let named: BTreeMap<DeviceId, &str> =
        events.iter().filter_map(|event| Some((event.device?, event.name.as_deref()?))).collect();
    let names = || named.values().map(|name| (*name).to_owned()).collect();
    match name {
        Some(asked) => match named.iter().find(|(_, name)| **name == asked) {
            Some((id, _)) => Ok(Some(*id)),
            None => Err(ExplainError::NoDevice { asked: asked.to_owned(), names: names() }),
        },
        None if named.len() > 1 => Err(ExplainError::WhichDevice(names())),
        None => Ok(events.iter().find_map(|event| event.device)),
    }
}

/// Explains something by the events of a run, which are all, in order, with their places as sequence.
///
/// # Errors
/// If there is no such event.
pub fn explain(events: &[Event], question: Question<'_>) -> Result<Explanation, ExplainError> {
    // As finely as times are printed, so that one that was read there is found again.
    let until = |at: Duration| {
        let at = (Instant::START + at).as_micros();
        events.partition_point(|event| event.at.as_micros() <= at)
    };
    let (asked, first) = match question {
        Question::Event(asked) => {
            let found = events.binary_search_by_key(&asked, |event| event.sequence).ok();
            let last = events.last().map_or(0, |event| event.sequence);
            (None, Some((found.ok_or(ExplainError::NoEvent { asked, last })?, None)))
        }
        Question::At(at) => {
            let place = until(at).checked_sub(1).ok_or(ExplainError::Nothing(at))?;
            (None, Some((place, None)))
        }
        Question::NoEntry(at, name) => {
            let device = device(events, name)?;
            let known = &events[..until(at)];
            if known.is_empty() {
                return Err(ExplainError::Nothing(at));
            }
            let is_stored = |event: &Event| event.device == device && matches!(event.kind, EventKind::Stored(_));
            let stored = known.iter().rposition(is_stored);
            let since = match stored {
                Some(place) => format!("since {} s (event {})", known[place].at, known[place].sequence),
                None => "from the beginning".to_owned(),
            };
            let of = name.map(|name| format!(" of `{name}`")).unwrap_or_default();
            let asked = format!("no entry{of} was stored until {} s, {since}", Instant::START + at);
            (Some(asked), causes::of_no_entry(known, device, stored))
        }
    };
    let Some((first, relation)) = first else {
        let at = match question {
            Question::NoEntry(at, _) | Question::At(at) => Instant::START + at,
            Question::Event(_) => Instant::START,
        };
        return Ok(Explanation {
            asked,
            chain: Vec::new(),
            end: End::Unknown,
            because: "the record has no attempt of the device that failed since".to_owned(),
            in_force: in_force(events, at),
        });
    };
    let mut chain = vec![link(&events[first], relation)];
    let mut place = first;
    let (end, because) = loop {
        match causes::cause(events, place) {
            // Causes come earlier, so this comes to an end.
            Cause::Event { place: earlier, relation } if earlier < place => {
                chain.push(link(&events[earlier], Some(relation)));
                place = earlier;
            }
            Cause::Event { .. } => break (End::Unknown, "the record does not say why".to_owned()),
            Cause::End(end, because) => break (end, because),
        }
    };
    Ok(Explanation { asked, chain, end, because, in_force: in_force(events, events[first].at) })
}

fn link(event: &Event, relation: Option<&'static str>) -> Link {
    Link {
        relation,
        at_seconds: event.at.since_start().as_secs_f64(),
        at: event.at,
        sequence: event.sequence,
        lane: Lane::of(&event.kind).word(),
        text: event.to_string(),
    }
}

/// The faults in force at a moment.
fn in_force(events: &[Event], at: Instant) -> Vec<String> {
    let mut in_force = InForce::default();
    for event in events.iter().take_while(|event| event.at.as_micros() <= at.as_micros()) {
        if let EventKind::Fault(fault) = &event.kind {
            in_force.see(event.at, fault);
        }
    }
    in_force.all().into_iter().map(|(rule, _)| rule.to_owned()).collect()
}

/// Whether an event tells of something that failed.
fn failed(event: &Event) -> bool {
    News::of(&event.kind) == News::Bad
}
