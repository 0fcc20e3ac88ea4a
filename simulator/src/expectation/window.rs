//! Windows of a run: when they open and close, found while the events go by.

use std::rc::Rc;

use simulator_record::events::Event;
use simulator_record::time::Instant;
use simulator_scenario::model::{Begin, End, Trigger, Window};
use simulator_scenario::words::times;

use super::nearest::Nearest;
use super::{Budget, Failure};

/// Waits for the event that a trigger means.
pub(super) struct Search<'s> {
    pub(super) trigger: &'s Trigger,
    /// How many have come that count.
    seen: u32,
    /// The event, once it has come: when, and its place in the record.
    pub(super) found: Option<(Instant, u64)>,
    /// What came instead.
    nearest: Nearest<'s>,
}

impl<'s> Search<'s> {
    pub(super) fn new(trigger: &'s Trigger, budget: &Budget) -> Self {
        Self { trigger, seen: 0, found: None, nearest: Nearest::new(&trigger.matcher, budget) }
    }

    pub(super) fn see(&mut self, event: &Rc<Event>) {
        if self.found.is_some() || event.kind.kind() != self.trigger.matcher.kind() {
            return;
        }
        if self.trigger.matcher.matches(event) {
            self.seen += 1;
            if self.seen >= self.trigger.count {
                self.found = Some((event.at, event.sequence));
            }
        } else if self.seen == 0 {
            self.nearest.see(event);
        }
    }

    /// What came instead of the event, at the end of a run.
    pub(super) fn seen_instead(&self) -> String {
        match self.seen {
            0 => self.nearest.failure().seen,
            count => format!("it happened {} only", times(count.into())),
        }
    }
}

/// A window of a run: from just after one event, or from a moment, to a moment; both moments belong to it.
pub(super) struct Span<'s> {
    window: &'s Window,
    search: Option<Search<'s>>,
}

/// Where an event lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Before the window opened, or it is the event that opened it.
    Before,
    Inside,
    /// After it closed.
    After,
}

impl<'s> Span<'s> {
    pub(super) fn new(window: &'s Window, budget: &Budget) -> Self {
        let search = match &window.open {
            Begin::At(_) => None,
            Begin::After(trigger) => Some(Search::new(trigger, budget)),
        };
        Self { window, search }
    }

    /// The trigger that it waits for.
    pub(super) fn trigger(&self) -> Option<&'s Trigger> {
        self.search.as_ref().map(|search| search.trigger)
    }

    /// Looks at an event for the one that opens the window, and says where it lies.
    pub(super) fn place(&mut self, event: &Rc<Event>) -> Side {
        let was_open = self.open().is_some();
        if let Some(search) = &mut self.search {
            search.see(event);
        }
        // The event that opens a window does not itself belong to it.
        let Some(open) = self.open().filter(|open| was_open && event.at >= *open) else { return Side::Before };
        let closed = match self.window.close {
            End::Never => false,
            End::At(at) => event.at > Instant::START + at,
            End::For(length) => event.at > open + length,
        };
        if closed { Side::After } else { Side::Inside }
    }

    /// When it opens, as far as that is known.
    pub(super) fn open(&self) -> Option<Instant> {
        match (&self.window.open, &self.search) {
            (Begin::At(at), _) => Some(Instant::START + *at),
            (Begin::After(trigger), Some(Search { found: Some((at, _)), .. })) => Some(*at + trigger.plus),
            (Begin::After(_), _) => None,
        }
    }

    /// Whether it has opened and closed by then.
    pub(super) fn has_closed(&self, at: Instant) -> bool {
        match (self.open(), self.window.close) {
            (_, End::Never) | (None, _) => false,
            (Some(_), End::At(close)) => at > Instant::START + close,
            (Some(open), End::For(length)) => at > open + length,
        }
    }

    /// What it was in a run that ended at `end`, perhaps before its time.
    pub(super) fn closed(&self, end: Instant, early: bool) -> Result<Closed, Failure> {
        let Some(open) = self.open() else {
            let seen = self.search.as_ref().map(Search::seen_instead).unwrap_or_default();
            let trigger = self.trigger().map(ToString::to_string).unwrap_or_default();
            return Err(Failure::new(format!("the window never opened ({trigger}): {seen}"), None));
        };
        let close = match self.window.close {
            End::Never => end,
            End::At(at) => Instant::START + at,
            End::For(length) => open + length,
        };
        if open > end {
            return Err(Failure::new(format!("the run ended at {end} s, before the window opened at {open} s"), None));
        }
        let cut_off = Some(close).filter(|close| early && *close > end);
        Ok(Closed { open, close: close.min(end), cut_off })
    }
}

/// A window of a run that is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closed {
    pub(super) open: Instant,
    pub(super) close: Instant,
    /// When it would have closed, had the run not ended before its time.
    cut_off: Option<Instant>,
}

impl Closed {
    /// Fails what has been so up to now and would have had to stay so.
    pub(super) fn is_over(&self) -> Result<(), Failure> {
        match self.cut_off {
            Some(close) => {
                let seen = format!("the run ended at {} s, before the window closed at {close} s", self.close);
                Err(Failure::new(seen, self.close))
            }
            None => Ok(()),
        }
    }
}
