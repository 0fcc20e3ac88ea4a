//! Where what happens in the runs of a case goes: into memory, onto a disk, or only past what a run before had.

use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use simulator_record::events::{Event, Kind};
use simulator_record::recorder::Recorder;

use super::determinism::Repeat;
use super::{TargetName, compare};

/// A place for what happens in the runs of a case, while they go on.
pub trait Evidence {
    /// Opens the place of a run on a target; `repetition` is a sweep's, from 1, or 0.
    ///
    /// # Errors
    /// If nothing can be kept there.
    fn open(&self, target: TargetName, repetition: u32) -> io::Result<Box<dyn Recorder>>;

    /// Where a run's events lie, one JSON object a line, once it is over.
    fn events(&self, target: TargetName, repetition: u32) -> PathBuf;

    /// Something could not be kept; the case is given up.
    fn failed(&self, error: io::Error);
}

/// Where what happens in the runs of a case goes.
#[derive(Clone, Copy)]
pub(super) enum Keep<'k> {
    /// All of it stays in memory.
    Memory,
    /// Into a place of its own; in memory stays what reports ask for, and if targets are to be compared, what they are
    /// compared by.
    Evidence { place: &'k dyn Evidence, target: TargetName, compared: bool },
    /// It is only compared with what the same case had before.
    Repeat(&'k Repeat<'k>),
}

impl Keep<'_> {
    /// Who is told what happens in a run.
    pub(super) fn open(&self, repetition: u32) -> io::Result<Box<dyn Recorder + '_>> {
        match self {
            Self::Memory => Ok(Box::new(Nobody)),
            Self::Evidence { place, target, .. } => Ok(place.open(*target, repetition)?),
            Self::Repeat(repeat) => Ok(Box::new(repeat.run(repetition)?)),
        }
    }

    /// Whether an event stays in memory.
    pub(super) fn keeps(&self, event: &Event) -> bool {
        match self {
            Self::Memory => true,
            Self::Evidence { compared, .. } => {
                let kind = event.kind.kind();
                // What the emulated chip tells of a crash stands below a failure.
                matches!(kind, Kind::Crash | Kind::Watchdog) || *compared && compare::KINDS.contains(&kind)
            }
            Self::Repeat(_) => false,
        }
    }

    /// Where a run's events lie, if not in memory.
    pub(super) fn record(&self, repetition: u32) -> Option<PathBuf> {
        match self {
            Self::Evidence { place, target, .. } => Some(place.events(*target, repetition)),
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
