//! Registers that show a clock or a state, and of which nothing is changed by reading.
//!
//! A program may read them a million times or once; the devices are the same afterwards. Registers that are not told
//! to be such are not: what is taken out of a FIFO, counters that a read clears, random numbers, levels of pins.

use super::clock::Time;

/// What such a register shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steady {
    /// The same until the device changes.
    Constant(u32),
    /// The same until a program changes it: one that reads nothing else waits in vain.
    Kept(u32),
    /// The low half of a number that grows by one in each period.
    Up { count: u64, period: Time },
    /// The low half of a number that only shrinks with time.
    Down(u64),
}

impl Steady {
    /// What it shows, if that does not depend on time.
    pub const fn constant(self) -> Option<u32> {
        match self {
            Self::Constant(shown) | Self::Kept(shown) => Some(shown),
            Self::Up { .. } | Self::Down(_) => None,
        }
    }
}
