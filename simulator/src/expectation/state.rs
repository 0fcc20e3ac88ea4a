//! What is so at a moment or throughout a window, read off the events that change it.

use std::rc::Rc;

use simulator_record::events::{self, Event, EventKind, Kind, PowerState};
use simulator_record::time::Instant;
use simulator_scenario::model::{State, Window};

use super::window::Span;
use super::{Budget, Failure, Judge};

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

/// The kinds of events that say something about a state.
fn kinds(state: &State) -> Vec<Kind> {
    match state {
        State::Pin(_) => vec![Kind::Pin, Kind::Boot, Kind::Power],
        State::Power { .. } => vec![Kind::Power],
    }
}

/// How long a state has been as it is.
#[derive(Clone, Copy)]
struct Held {
    holds: bool,
    /// `None`: since the beginning.
    since: Option<Instant>,
}

impl Held {
    /// Before anything has happened: no power, each pin as its part leaves it.
    fn initially(state: &State) -> Self {
        let holds = match state {
            State::Pin(pin) => pin.begins == pin.level,
            State::Power { on, .. } => !on,
        };
        Self { holds, since: None }
    }

    fn see(&mut self, state: &State, event: &Event) {
        if let Some(holds) = after(state, event)
            && holds != self.holds
        {
            *self = Self { holds, since: Some(event.at) };
        }
    }
}

/// The opposite of a state in words, and since when.
fn opposite(state: &State, since: Option<Instant>) -> String {
    let opposite = state.opposite();
    match since {
        Some(since) => format!("{opposite} since {since} s"),
        None => format!("{opposite} from the beginning"),
    }
}

/// A state at a moment; events of that very moment have happened.
pub(super) struct AtMoment<'s> {
    state: &'s State,
    at: Instant,
    held: Held,
}

impl<'s> AtMoment<'s> {
    pub(super) fn new(state: &'s State, at: Instant) -> Self {
        Self { state, at, held: Held::initially(state) }
    }
}

impl Judge for AtMoment<'_> {
    fn kinds(&self) -> Vec<Kind> {
        kinds(self.state)
    }

    fn see(&mut self, event: &Rc<Event>) {
        if event.at <= self.at {
            self.held.see(self.state, event);
        }
    }

    fn judge(&self, end: Instant, _: bool) -> Result<(), Failure> {
        if self.at > end {
            return Err(Failure::new(format!("the run ended at {end} s, before that moment"), None));
        }
        if self.held.holds { Ok(()) } else { Err(Failure::new(opposite(self.state, self.held.since), self.at)) }
    }
}

/// A state throughout a window; it may change at the window's first moment.
pub(super) struct Throughout<'s> {
    state: &'s State,
    span: Span<'s>,
    held: Held,
    /// What it was when the window's first moment was over, once that is known.
    at_the_opening: Option<Held>,
    /// When it first changed within the window.
    changed: Option<Instant>,
}

impl<'s> Throughout<'s> {
    pub(super) fn new(state: &'s State, window: &'s Window, budget: &Budget) -> Self {
        let held = Held::initially(state);
        Self { state, span: Span::new(window, budget), held, at_the_opening: None, changed: None }
    }
}

impl Judge for Throughout<'_> {
    fn kinds(&self) -> Vec<Kind> {
        let trigger = self.span.trigger().map(|trigger| trigger.matcher.kind());
        kinds(self.state).into_iter().chain(trigger).collect()
    }

    fn see(&mut self, event: &Rc<Event>) {
        self.span.place(event);
        if self.span.open().is_some_and(|open| event.at > open) {
            self.at_the_opening.get_or_insert(self.held);
            if self.changed.is_none() && !self.span.has_closed(event.at) && after(self.state, event) == Some(false) {
                self.changed = Some(event.at);
            }
        }
        self.held.see(self.state, event);
    }

    fn judge(&self, end: Instant, early: bool) -> Result<(), Failure> {
        let closed = self.span.closed(end, early)?;
        let before = self.at_the_opening.unwrap_or(self.held);
        if !before.holds {
            return Err(Failure::new(opposite(self.state, before.since), closed.open));
        }
        match self.changed {
            Some(at) => Err(Failure::new(opposite(self.state, Some(at)), at)),
            None => closed.is_over(),
        }
    }
}
