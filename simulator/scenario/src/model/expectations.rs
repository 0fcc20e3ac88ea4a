//! What must come of a run.

use std::sync::Arc;
use std::time::Duration;

use simulator_record::events::{DeviceId, Level, PinKind};

use super::{Begin, End, Place};
use crate::matcher::{FieldMatch, Matcher};

/// What must come of a run.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// What.
    pub check: Check,
    /// Why, in the author's words.
    pub because: Option<String>,
    /// With which seeds of a sweep it must be met.
    pub over_seeds: OverSeeds,
    /// The expectation in plain words: "a line on the serial port that contains `joined home`, by 1m".
    pub text: String,
    /// Where it stands in the file.
    pub place: Place,
}

/// With which seeds of a sweep an expectation must be met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverSeeds {
    /// With each.
    #[default]
    Always,
    /// With one or more.
    Sometimes,
}

/// What is checked.
#[derive(Clone, Debug)]
pub enum Check {
    /// So many events in a window.
    Events {
        /// Which count.
        matcher: Matcher,
        /// How many there must be.
        quantity: Quantity,
        /// When.
        window: Window,
    },
    /// No more than so many events in any stretch of a window.
    Rate(RateCheck),
    /// Something is so at one moment.
    StateAt {
        /// What.
        state: State,
        /// The moment.
        at: Duration,
    },
    /// Something is so throughout a window.
    StateThroughout {
        /// What.
        state: State,
        /// The window.
        window: Window,
    },
    /// What the channel holds at the end.
    Channel(ChannelCheck),
}

/// How often something may happen at most.
#[derive(Clone, Debug)]
pub struct RateCheck {
    /// Which events count.
    pub matcher: Matcher,
    /// So many of one device in each stretch of this length; 1 or more.
    pub most: u64,
    /// The stretch's length; its last moment does not belong to it. More than 0.
    pub per: Duration,
    /// Where such stretches are looked for.
    pub window: Window,
}

/// A time in which something is looked for.
#[derive(Clone, Debug)]
pub struct Window {
    /// It opens (this moment belongs to it).
    pub open: Begin,
    /// It closes (this moment belongs to it).
    pub close: End,
}

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// So many.
    Exactly(u64),
    /// So many or more.
    AtLeast(u64),
    /// So many or fewer.
    AtMost(u64),
    /// No fewer and no more.
    Between(u64, u64),
}

impl Quantity {
    /// The least that is enough.
    pub fn least(self) -> u64 {
        match self {
            Self::Exactly(least) | Self::AtLeast(least) | Self::Between(least, _) => least,
            Self::AtMost(_) => 0,
        }
    }

    /// Whether `count` is such a quantity.
    pub fn allows(self, count: u64) -> bool {
        match self {
            Self::Exactly(wanted) => count == wanted,
            Self::AtLeast(least) => count >= least,
            Self::AtMost(most) => count <= most,
            Self::Between(least, most) => (least..=most).contains(&count),
        }
    }
}

impl Quantity {
    /// Whether a count that is such a quantity stays so whatever comes.
    pub fn is_final(self) -> bool {
        match self {
            Self::AtLeast(_) => true,
            Self::Exactly(_) | Self::AtMost(_) | Self::Between(..) => false,
        }
    }
}

/// Something that is so for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// A pin has a level.
    Pin(PinState),
    /// A device has power, or has not.
    Power {
        /// Which device.
        device: DeviceId,
        /// Its name, if the file gives it one.
        of: Option<Arc<str>>,
        /// Whether it has.
        on: bool,
    },
}

/// The level of an LED's, a switch's or a button's pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinState {
    /// Which device.
    pub device: DeviceId,
    /// Its name, if the file gives it one.
    pub of: Option<Arc<str>>,
    /// GPIO number.
    pub gpio: u8,
    /// The level that it must have.
    pub level: Level,
    /// The level that it has at the beginning; of an output also after a reset.
    pub begins: Level,
    /// Whether the device drives it: an LED's pin.
    pub is_output: bool,
    /// What the file says of it.
    pub words: PinWords,
}

/// What a file says of a pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinWords {
    /// Its level.
    Level,
    /// That the part on it is on, or off.
    On {
        /// What kind of part it is.
        kind: PinKind,
        /// The part's name, if it is named.
        part: Option<Arc<str>>,
        /// Which.
        on: bool,
    },
}

impl State {
    /// The opposite.
    pub fn opposite(&self) -> Self {
        let mut opposite = self.clone();
        match &mut opposite {
            Self::Pin(pin) => {
                pin.level = pin.level.opposite();
                if let PinWords::On { on, .. } = &mut pin.words {
                    *on = !*on;
                }
            }
            Self::Power { on, .. } => *on = !*on,
        }
        opposite
    }
}

/// What the channel must hold at the end.
#[derive(Clone, Debug, Default)]
pub struct ChannelCheck {
    /// Whose channel it is.
    pub device: DeviceId,
    /// Its name, if the file gives it one.
    pub of: Option<Arc<str>>,
    /// How many entries with a reading.
    pub entries: Option<Quantity>,
    /// How many entries that tell a status and no reading.
    pub status_reports: Option<Quantity>,
    /// Each entry's `created_at` is later than that of the entry before.
    pub ascending: bool,
    /// The longest time between the `created_at` of two neighbours with a reading.
    pub longest_gap: Option<Duration>,
    /// The longest time over which a field stays the same.
    pub longest_same: Option<Duration>,
    /// What `field1` to `field8` must be in every entry.
    pub fields: Box<[Option<FieldMatch>; 8]>,
}
