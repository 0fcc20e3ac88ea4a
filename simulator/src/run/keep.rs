//! Where what happens in the runs of a case goes: into memory, onto a disk, or only past what a run before had.

use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use simulator_record::events::{Event, Kind};
use simulator_record::recorder::Recorder;

use super::Name;
use super::determinism::Repeat;

/// A place for what happens in the runs of a case, while they go on.
pub trait Evidence {
    /// Opens the place of a run with a subject; `repetition` is a sweep's, from 1, or 0.
    ///
    /// # Errors
    /// If nothing can be kept there.
    fn open(&self, subject: Name, repetition: u32) -> io::Result<Box<dyn Recorder>>;

    /// Where a run's events lie, one JSON object a line, once it is over.
    fn events(&self, subject: Name, repetition: u32) -> PathBuf;

    /// Whether events of a kind stay in memory, too, for a report.
    fn asks_for(&self, kind: Kind) -> bool;

    /// Something could not be kept; the case is given up.
    fn failed(&self, error: io::Error);
}

/// Where what happens in the runs of a case goes.
#[derive(Clone, Copy)]
pub(super) enum Keep<'k> {
    /// All of it stays in memory.
    Memory,
    /// Into a place of its own; in memory stays what that asks for.
    Evidence { place: &'k dyn Evidence, subject: Name },
    /// It is only compared with what the same case had before.
    Repeat(&'k Repeat<'k>),
}

impl Keep<'_> {
    /// Who is told what happens in a run.
    pub(super) fn open(&self, repetition: u32) -> io::Result<Box<dyn Recorder + '_>> {
        match self {
            Self::Memory => Ok(Box::new(Nobody)),
            Self::Evidence { place, subject, .. } => Ok(place.open(*subject, repetition)?),
            Self::Repeat(repeat) => Ok(Box::new(repeat.run(repetition)?)),
        }
    }

    /// Whether an event stays in memory.
    pub(super) fn keeps(&self, event: &Event) -> bool {
        match self {
            Self::Memory => true,
            Self::Evidence { place, .. } => place.asks_for(event.kind.kind()),
            Self::Repeat(_) => false,
        }
    }

    /// Where a run's events lie, if not in memory.
    pub(super) fn record(&self, repetition: u32) -> Option<PathBuf> {
        match self {
            Self::Evidence { place, subject, .. } => Some(place.events(*subject, repetition)),
            Self::Memory | Self::Repeat(_) => None,
        }
    }

    /// Something could not be kept.
    pub(super) fn failed(&self, error: io::Error) {
        match self {
            Self::Evidence { place, .. } => place.failed(error),
            Self::Repeat(repeat) => repeat.failed(error),
            Self::Memory => {}
        }
    }
}

/// What a run leaves in memory, in order.
#[derive(Default)]
pub(super) struct Kept(Vec<Rc<Event>>);

impl Kept {
    pub(super) fn add(&mut self, event: &Rc<Event>) {
        self.0.push(Rc::clone(event));
    }

    pub(super) fn into_events(self) -> Vec<Event> {
        self.0.into_iter().map(Rc::unwrap_or_clone).collect()
    }
}

/// Told everything, and keeps nothing.
struct Nobody;

impl Recorder for Nobody {
    fn event(&mut self, _: &Event) -> io::Result<()> {
        Ok(())
    }
}
