//! What may differ between two targets that run the same scenario.

use std::fmt;
use std::time::Duration;

/// What is compared of two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Which entries the channel got, what is in them and when they were created.
    Entries,
    /// When they arrived.
    Arrivals,
    /// The device's attempts to join a network.
    Joins,
    /// The device's starts.
    Reboots,
    /// What LD1 showed.
    Led,
}

impl Aspect {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 5] = [Self::Entries, Self::Arrivals, Self::Joins, Self::Reboots, Self::Led];

    /// As scenario files have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Arrivals => "arrivals",
            Self::Joins => "joins",
            Self::Reboots => "reboots",
            Self::Led => "led",
        }
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entries => "entries",
            Self::Arrivals => "arrivals of entries",
            Self::Joins => "attempts to join",
            Self::Reboots => "starts of the device",
            Self::Led => "changes of the LED",
        })
    }
}

/// What may differ between host and chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// How much earlier or later the same may happen on the other target; default [`Targets::TOLERANCE`].
    pub tolerance: Duration,
    /// What is not compared; default nothing.
    pub may_differ: Vec<Aspect>,
    /// Why, in the author's words; only where the file says something.
    pub because: Option<String>,
}

impl Targets {
    /// A TLS handshake takes the chip more than a second, and with each failed try the next comes later by as much:
    /// enough for a handful of tries in a row, and less than the 15 s that lie between two entries at least.
    pub const TOLERANCE: Duration = Duration::from_secs(10);
}

impl Default for Targets {
    fn default() -> Self {
        Self { tolerance: Self::TOLERANCE, may_differ: Vec::new(), because: None }
    }
}
