//! Runs as they are seen from outside while they go on: how far one is, and the wish that no more be run.
//!
//! The way out of a run is a note of the virtual time it has reached; the way in is one question, whether to give it
//! up. A run that is watched is the same run; of one that is given up there is what happened until then, and no
//! verdict.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use simulator_record::time::Instant;

use super::Name;

/// The wish that nothing more be run, shared by all who may utter or must heed it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Wishes it. There is no way back.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody wished it.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A case that was given up: what came of it until then. Its last run ends where it was given up, and nothing of that
/// run was judged.
#[derive(Clone, Debug)]
pub struct GivenUp<T>(pub Box<T>);

/// How far a case is.
#[derive(Debug, Default)]
pub struct Watch {
    stop: Stop,
    /// Which subject it is with, from 1; 0 if there is only one.
    subject: AtomicU8,
    repetition: AtomicU32,
    /// Nanoseconds of virtual time.
    reached: AtomicU64,
    crashes: AtomicU32,
}

impl Watch {
    /// A watch over a case that heeds `stop`.
    pub fn new(stop: Stop) -> Self {
        Self { stop, ..Self::default() }
    }

    /// The repetition that is under way (0 without a sweep), and the virtual time that it has reached. For people: the
    /// two are not read in one go.
    pub fn reached(&self) -> (u32, Instant) {
        (self.repetition.load(Ordering::Relaxed), Instant::from_nanos(self.reached.load(Ordering::Relaxed)))
    }

    /// How often the device has crashed in this repetition.
    pub fn crashes(&self) -> u32 {
        self.crashes.load(Ordering::Relaxed)
    }

    /// The subject it is run with, if there are several.
    pub fn subject(&self) -> Option<Name> {
        let number = usize::from(self.subject.load(Ordering::Relaxed));
        Name::ALL.get(number.checked_sub(1)?).copied()
    }

    /// Notes that the case goes on with that subject.
    pub(super) fn goes_to(&self, subject: Name) {
        let number = (1..).zip(Name::ALL).find(|(_, name)| *name == subject).map_or(0, |(number, _)| number);
        self.subject.store(number, Ordering::Relaxed);
    }

    /// Notes how far the case is, and how often its device has crashed; `false` if it is to be given up.
    pub(super) fn goes_on(&self, repetition: u32, reached: Instant, crashes: u32) -> bool {
        self.repetition.store(repetition, Ordering::Relaxed);
        self.reached.store(reached.as_nanos(), Ordering::Relaxed);
        self.crashes.store(crashes, Ordering::Relaxed);
        !self.stop.requested()
    }
}
