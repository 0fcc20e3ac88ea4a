//! The hardware watchdog as the vendor's SDK sets it, for whoever answers for the SDK.

use std::time::Duration;

use simulator_record::time::Instant;

/// How long the hardware watchdog waits after it was last fed. The SDK sets its first stage, which only tells an
/// interrupt, to 2^(16+11) cycles of 80 MHz, and the second, which resets, to 2^(16+13) (NONOS SDK 3.0, `wdt_init`).
pub const WATCHDOG_PERIOD: Duration = Duration::from_micros(8_388_608);

/// The hardware watchdog.
#[derive(Clone, Copy, Debug)]
pub struct HardwareWatchdog {
    fed: Instant,
}

impl HardwareWatchdog {
    /// Started at `now`.
    pub fn new(now: Instant) -> Self {
        Self { fed: now }
    }

    /// Fed at `now`.
    pub fn feed(&mut self, now: Instant) {
        self.fed = now;
    }

    /// When it was last fed.
    #[cfg(test)]
    pub(crate) fn fed_at(&self) -> Instant {
        self.fed
    }

    /// When it resets the chip if it is not fed again.
    pub fn resets_at(&self) -> Instant {
        self.fed + WATCHDOG_PERIOD
    }
}
