//! What can be wrong with a sensor, and the words for it: a new fault is a variant and a row here, and what the sensor
//! makes of it.

use std::sync::Arc;
use std::time::Duration;

use super::part::{Lateness, Wire};
use super::{likely, nanoseconds};
use simulator_record::events::Row;
use simulator_record::random::{Draw as _, Stream};

/// What is wrong with the sensor for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SensorFault {
    /// It does not answer.
    Silent,
    /// One bit of its checksum is wrong.
    BadChecksum,
    /// It latches up: it does not answer until it loses power, even after the fault's end. Seen in the field after days
    /// on a marginal supply.
    Latched,
    /// Its response begins later than it would.
    LateResponse(Lateness),
    /// It answers for ever with what it measured when the fault began, though the checksum is right: condensation, age.
    Stuck,
    /// It sends temperatures below zero in two's complement, as some clones do.
    TwosComplement,
    /// The end of its last bit never comes: a long cable, a weak pull-up.
    LastEdgeLost,
    /// One bit of a frame is another than it sent, in so many frames of a million.
    BitFlips(u32),
    /// A spike of 2 us is somewhere in a frame, in so many frames of a million.
    Glitches(u32),
    /// The line takes so long to rise: a cable's capacity behind a weak pull-up.
    SlowEdges(Duration),
    /// It does not answer while it is as warm as this, in tenths of a degree Celsius.
    SilentBetween(i32, i32),
    /// It keeps exactly these times, whatever its kind.
    Exact(ExactTiming),
    /// It answers any start pulse with this train, as one that was captured: how long the line stays high after the
    /// release, then low, high and so on.
    Replay(Arc<[Duration]>),
}

/// Makes a fault of how late responses are.
pub type MadeOfLateness = fn(Lateness) -> SensorFault;

impl SensorFault {
    /// Those that scenarios have a word for: the word, the fault, and a sentence.
    pub const WORDS: [Row<Self>; 6] = [
        ("silent", Self::Silent, "Says nothing."),
        ("bad-checksum", Self::BadChecksum, "Sends a wrong checksum."),
        ("latched", Self::Latched, "Says nothing any more until it loses power."),
        ("stuck", Self::Stuck, "Answers, with a good checksum, for ever what it measured when this began."),
        ("twos-complement", Self::TwosComplement, "Sends temperatures below 0 °C in two's complement."),
        ("last-edge-lost", Self::LastEdgeLost, "The end of its last bit never comes, as with a long cable."),
    ];

    /// The one that says with its word how late.
    pub const LATE: Row<MadeOfLateness> = (
        "late-response",
        Self::LateResponse,
        "Begins each response later than it would, by this much, or some of them: { from = \"20us\", to = \"60us\", probability = \"6 %\" }.",
    );
}

impl Lateness {
    /// Each response is late, by exactly so much.
    pub const fn always(by: Duration) -> Self {
        Self { least: by, most: by, per_million: 1_000_000 }
    }

    /// How late the next response is.
    pub(super) fn draw(self, stream: &mut Stream) -> Duration {
        if !likely(self.per_million, stream) {
            return Duration::ZERO;
        }
        Duration::from_nanos(stream.between(nanoseconds(self.least), nanoseconds(self.most)))
    }
}

/// Times of a sensor that has no tolerances: to find where a driver stops to understand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExactTiming {
    /// From the host's release to the response.
    pub release: Duration,
    /// Low of the response.
    pub response_low: Duration,
    /// High of the response.
    pub response_high: Duration,
    /// Low before each bit.
    pub bit_low: Duration,
    /// High of a zero.
    pub zero_high: Duration,
    /// High of a one.
    pub one_high: Duration,
}

impl ExactTiming {
    /// A sensor's wire with these times.
    pub(super) fn on(self, wire: &Wire) -> Wire {
        let always = |time: Duration| nanoseconds(time)..=nanoseconds(time);
        Wire {
            release: always(self.release),
            response_low: always(self.response_low),
            response_high: always(self.response_high),
            byte_low: std::array::from_fn(|_| always(self.bit_low)),
            bit_low: always(self.bit_low),
            zero_high: always(self.zero_high),
            one_high: always(self.one_high),
            end_low: wire.end_low.clone(),
        }
    }
}
