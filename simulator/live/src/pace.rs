//! How far a world may have come by now.

#![expect(clippy::disallowed_methods, reason = "the one place where a world follows a clock on the wall")]

use std::time::{Duration, Instant as WallInstant};

use simulator_record::time::Instant;

/// Further behind than that, a world is not made to catch up.
const MOST_BEHIND: Duration = Duration::from_millis(100);

/// A clock that a world follows.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    began: WallInstant,
    /// The world's time then.
    from: Instant,
    /// How much time the world has lost.
    lost: Duration,
}

impl Pace {
    /// From now on, with a world that has come to `from`.
    pub fn new(from: Instant) -> Self {
        Self { began: WallInstant::now(), from, lost: Duration::ZERO }
    }

    /// How far the world may have come by now.
    pub fn target(&self) -> Instant {
        self.from + self.began.elapsed().saturating_sub(self.lost)
    }

    /// The world has come to `now`. If that is too late, it goes on from there.
    pub fn reached(&mut self, now: Instant) {
        let behind = self.target().saturating_since(now);
        if behind > MOST_BEHIND {
            self.lost += behind;
        }
    }

    /// How much time the world has lost in all.
    pub fn lost(&self) -> Duration {
        self.lost
    }

    /// Until the world may come to `at`.
    pub fn until(&self, at: Instant) -> Duration {
        at.saturating_since(self.target())
    }
}
