//! The SDK's software watchdog (`pp_soft_wdt_*`, NONOS SDK 3.0).
//!
//! A timer of the radio's expires every 3 s. Its interrupt asks the SDK's task for a sign of life; the task feeds the hardware
//! watchdog and winds the timer up again. If the timer expires while that is still asked for, the chip restarts. So a
//! program that does not return to the SDK is bitten 3 to 6 s after it was last seen, and the SDK's idling feeds both
//! watchdogs: neither notices a program that merely waits for ever. `system_soft_wdt_feed` takes the question back.
//!
//! The interrupt is an ordinary one. While a program masks interrupts the software watchdog sleeps, and the hardware
//! watchdog bites in its place.

use std::time::Duration;

use crate::time::Instant;

/// `soft_wdt_interval`.
const PERIOD: Duration = Duration::from_secs(3);

/// What the timer's end leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// The SDK's task is asked for a sign of life.
    Ask,
    /// It has been asked before.
    Bite,
}

/// The software watchdog.
#[derive(Clone, Copy, Debug)]
pub(super) struct SoftwareWatchdog {
    expires: Instant,
    asked: bool,
}

impl SoftwareWatchdog {
    /// Wound up at `now`, as the SDK's start-up does.
    pub(super) fn new(now: Instant) -> Self {
        Self { expires: now + PERIOD, asked: false }
    }

    /// When the timer's interrupt comes.
    pub(super) fn expires(&self) -> Instant {
        self.expires
    }

    /// The timer's interrupt at `now`.
    pub(super) fn expire(&mut self, now: Instant) -> Expiry {
        if self.asked {
            return Expiry::Bite;
        }
        *self = Self { expires: now + PERIOD, asked: true };
        Expiry::Ask
    }

    /// The SDK's task runs, asked or not: a sign of life.
    pub(super) fn rewind(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    /// `system_soft_wdt_feed`.
    pub(super) fn feed(&mut self) {
        self.asked = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    #[test]
    fn who_gives_no_sign_of_life_is_bitten_at_the_second_expiry() {
        let mut watchdog = SoftwareWatchdog::new(at(10));
        assert_eq!(watchdog.expires(), at(13));
        assert_eq!(watchdog.expire(at(13)), Expiry::Ask);
        assert_eq!(watchdog.expires(), at(16));
        assert_eq!(watchdog.expire(at(16)), Expiry::Bite);
    }

    #[test]
    fn the_sdks_task_and_a_feed_put_it_off() {
        let mut watchdog = SoftwareWatchdog::new(at(0));
        assert_eq!(watchdog.expire(at(3)), Expiry::Ask);
        watchdog.rewind(at(4));
        assert_eq!((watchdog.expires(), watchdog.expire(at(7))), (at(7), Expiry::Ask));
        watchdog.feed();
        assert_eq!((watchdog.expires(), watchdog.expire(at(10))), (at(10), Expiry::Ask), "the timer goes on");
        assert_eq!(watchdog.expire(at(13)), Expiry::Bite);
    }
}
