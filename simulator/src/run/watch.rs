//! Runs as they are seen from outside while they go on: how far one is, and the wish that no more be run.
//!
//! The way out of a run is a note of the virtual time it has reached; the way in is one question, whether to give it up.
//! A run that is watched is the same run; one that is given up has no outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::time::Instant;

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

/// How far a case is.
#[derive(Debug, Default)]
pub struct Watch {
    stop: Stop,
    repetition: AtomicU32,
    /// Nanoseconds of virtual time.
    reached: AtomicU64,
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

    /// Notes how far the case is; `false` if it is to be given up.
    pub(super) fn goes_on(&self, repetition: u32, reached: Instant) -> bool {
        self.repetition.store(repetition, Ordering::Relaxed);
        self.reached.store(reached.as_nanos(), Ordering::Relaxed);
        !self.stop.requested()
    }
}
