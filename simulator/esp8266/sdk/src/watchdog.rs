//! The SDK's software watchdog (`pp_soft_wdt_*`, NONOS SDK 3.0).
//!
//! A timer of the radio's expires every 3 s. Its interrupt posts to the SDK's task; the task feeds the hardware
//! watchdog and winds the timer up again. If the timer expires before the task has run, the chip restarts: 3 to 6 s
//! after a program has returned to the SDK for the last time. The SDK's idling feeds both watchdogs, so neither notices
//! a program that merely waits for ever. `system_soft_wdt_feed` makes the next expiry the first again.
//!
//! The interrupt is an ordinary one. While a program masks interrupts the software watchdog sleeps, and the hardware
//! watchdog resets the chip in its place.

use std::time::Duration;

use simulator_record::time::Instant;

/// `soft_wdt_interval`.
const PERIOD: Duration = Duration::from_secs(3);

/// What the timer's end leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// The timer's interrupt posts to the SDK's task.
    Post,
    /// The task has not run since the last time: the chip restarts.
    Reset,
}

/// The software watchdog.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SoftwareWatchdog {
    expires: Instant,
    posted: bool,
}

impl SoftwareWatchdog {
    /// Wound up at `now`, as the SDK's start-up does.
    pub(crate) fn new(now: Instant) -> Self {
        Self { expires: now + PERIOD, posted: false }
    }

    /// When the timer's interrupt comes.
    pub(crate) fn expires(&self) -> Instant {
        self.expires
    }

    /// The timer's interrupt at `now`.
    pub(crate) fn expire(&mut self, now: Instant) -> Expiry {
        if self.posted {
            return Expiry::Reset;
        }
        *self = Self { expires: now + PERIOD, posted: true };
        Expiry::Post
    }

    /// The SDK's task runs, posted or not.
    pub(crate) fn rewind(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    /// `system_soft_wdt_feed`.
    pub(crate) fn feed(&mut self) {
        self.posted = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    #[test]
    fn without_the_sdks_task_the_second_expiry_resets() {
        let mut watchdog = SoftwareWatchdog::new(at(10));
        assert_eq!(watchdog.expires(), at(13));
        assert_eq!(watchdog.expire(at(13)), Expiry::Post);
        assert_eq!(watchdog.expires(), at(16));
        assert_eq!(watchdog.expire(at(16)), Expiry::Reset);
    }

    #[test]
    fn the_sdks_task_and_a_feed_put_it_off() {
        let mut watchdog = SoftwareWatchdog::new(at(0));
        assert_eq!(watchdog.expire(at(3)), Expiry::Post);
        watchdog.rewind(at(4));
        assert_eq!((watchdog.expires(), watchdog.expire(at(7))), (at(7), Expiry::Post));
        watchdog.feed();
        assert_eq!((watchdog.expires(), watchdog.expire(at(10))), (at(10), Expiry::Post), "the timer goes on");
        assert_eq!(watchdog.expire(at(13)), Expiry::Reset);
    }
}
