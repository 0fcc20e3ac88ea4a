//! From the core's cycles to time, over changes of the core's frequency.
//!
//! The core runs at 52 MHz from the crystal until a program starts the PLL, then at 80 or 160 MHz. Device time is in nanoseconds
//! since the power came.

/// Core frequency and how long it has run.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    since_cycle: u64,
    since_nanos: u64,
    mhz: u32,
}

impl Clock {
    /// A clock that starts at cycle 0 with `mhz` MHz.
    pub const fn new(mhz: u32) -> Self {
        Self { since_cycle: 0, since_nanos: 0, mhz }
    }

    /// The core's frequency.
    pub const fn mhz(self) -> u32 {
        self.mhz
    }

    /// The time of a cycle, in nanoseconds.
    pub const fn nanos(self, cycle: u64) -> u64 {
        self.since_nanos + (cycle - self.since_cycle) * 1_000 / self.mhz as u64
    }

    /// The first cycle that is not before a time.
    pub const fn cycle(self, nanos: u64) -> u64 {
        let nanos = nanos.saturating_sub(self.since_nanos);
        match nanos.checked_mul(self.mhz as u64) {
            Some(product) => self.since_cycle.saturating_add(product.div_ceil(1_000)),
            None => u64::MAX,
        }
    }

    /// Runs with another frequency from `cycle` on.
    pub const fn change(&mut self, cycle: u64, mhz: u32) {
        *self = Self { since_cycle: cycle, since_nanos: self.nanos(cycle), mhz };
    }
}
