//! What is so at a moment or throughout a window, read off the events that change it.

use super::{Failure, Span};
use crate::events::{self, Event, EventKind, PowerState};
use crate::scenario::model::State;
use crate::time::Instant;

/// What an event makes of a state: whether it holds from now on; `None` if the event says nothing about it.
///
/// A reset or the loss of power releases an LED's pin, whether the record has an event of its own for it or not;
/// switches stay as they are.
fn after(state: &State, event: &Event) -> Option<bool> {
    match state {
        State::Pin(pin) if event.device == Some(pin.device) => match &event.kind {
            EventKind::Pin(events::Pin { gpio, level, .. }) if *gpio == pin.gpio => Some(*level == pin.level),
            EventKind::Boot(_) | EventKind::Power(events::Power { state: PowerState::Off | PowerState::BrownOut })
                if pin.is_output =>
            {
                Some(pin.begins == pin.level)
            }
            _ => None,
        },
        State::Power { device, on, .. } if event.device == Some(*device) => match &event.kind {
            EventKind::Power(events::Power { state }) => Some(*on == (*state != PowerState::Off)),
            _ => None,
        },
        State::Pin(_) | State::Power { .. } => None,
    }
}

/// Whether a state holds before anything has happened: no power, each pin as its part leaves it.
fn initially(state: &State) -> bool {
    match state {
        State::Pin(pin) => pin.begins == pin.level,
        State::Power { on, .. } => !on,
    }
}

/// How long a state has been as it is: whether it holds, and since when (`None`: since the beginning).
struct Held {
    holds: bool,
    since: Option<Instant>,
}

fn held<'e>(state: &State, events: impl Iterator<Item = &'e Event>) -> Held {
    let mut held = Held { holds: initially(state), since: None };
    for event in events {
        if let Some(holds) = after(state, event)
            && holds != held.holds
        {
            held = Held { holds, since: Some(event.at) };
        }
    }
    held
}

/// The opposite of a state in words, and since when.
fn opposite(state: &State, since: Option<Instant>) -> String {
    let opposite = state.opposite();
    match since {
        Some(since) => format!("{opposite} since {since} s"),
        None => format!("{opposite} from the beginning"),
    }
}

/// Judges a state at a moment; events of that very moment have happened.
pub(super) fn at_moment(state: &State, at: Instant, events: &[Event], end: Instant) -> Result<(), Failure> {
    if at > end {
        return Err(Failure::new(format!("the run ended at {end} s, before that moment"), None));
    }
    let held = held(state, events.iter().take_while(|event| event.at <= at));
    if held.holds { Ok(()) } else { Err(Failure::new(opposite(state, held.since), at)) }
}

/// Judges a state throughout a window; it may change at the window's first moment.
pub(super) fn throughout(state: &State, span: &Span, events: &[Event]) -> Result<(), Failure> {
    let before = held(state, events.iter().take_while(|event| event.at <= span.open));
    if !before.holds {
        return Err(Failure::new(opposite(state, before.since), span.open));
    }
    let changed = events
        .iter()
        .skip_while(|event| event.at <= span.open)
        .take_while(|event| event.at <= span.close)
        .find(|event| after(state, event) == Some(false));
    match changed {
        Some(event) => Err(Failure::new(opposite(state, Some(event.at)), event.at)),
        None => Ok(()),
    }
}
