//! The sensors one can solder in, each a row: its times on the wire, what it makes of a start pulse, how it writes
//! values.
//!
//! Where a range stands without another source it is what sigrok's collection of captures shows of real sensors
//! (`sigrok-dumps`, `am230x/`, in the public domain; 152 frames of AM2302, AM2303, AM2320, AM2321, AM2322 and RHT03, 18
//! of AM2301, 11 of DHT11, most at 1 MHz): from the shortest to the longest that was captured.
//! `simulator/tests/it/captures.rs` compares. The sensors were some ten years old, perhaps two of AM2302 and one of
//! each other kind; how far a part may stray by its data sheet is swept in `simulator/tests/it/sensor_timing.rs`.
//!
//! Between release and response the captures leave only a sum certain: in most of them the host drove the line high
//! into the response. Where it let go at once, an AM2302 responded after 21 to 30 us.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Which sensor it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhtModel {
    /// AM2302, sold as DHT22: tenths, −40 to 80 °C, 0 to 100 %.
    Am2302,
    /// AM2301, sold as DHT21: the same values on slower edges, with three bytes of zeros behind the checksum.
    Am2301,
    /// Whole units, 0 to 50 °C, 20 to 90 %.
    Dht11,
    /// A DHT22 of another maker.
    Clone,
}

impl DhtModel {
    /// All of them, the usual one first.
    pub const ALL: [Self; 4] = [Self::Am2302, Self::Am2301, Self::Dht11, Self::Clone];

    /// As files name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Am2302 => "AM2302",
            Self::Am2301 => "AM2301",
            Self::Dht11 => "DHT11",
            Self::Clone => "clone",
        }
    }

    pub(super) const fn part(self) -> &'static Part {
        match self {
            Self::Am2302 => &AM2302,
            Self::Am2301 => &AM2301,
            Self::Dht11 => &DHT11,
            Self::Clone => &CLONE,
        }
    }
}

/// Nanoseconds.
pub(super) type Range = RangeInclusive<u64>;

/// A kind of sensor.
pub(super) struct Part {
    /// How often, in a million, it answers a start pulse of such a length: on a straight line from one to the next,
    /// never below the first, and above the last as there.
    pub(super) start: &'static [(Duration, u32)],
    pub(super) wire: Wire,
    pub(super) coding: Coding,
    /// Bytes of zeros that follow the checksum.
    pub(super) trailing: usize,
    /// How often its response is late, and by how much.
    pub(super) late: Option<Lateness>,
    /// From the release that it answers until it has measured, during which it hears nothing.
    pub(super) measuring: Duration,
    /// From power-up until it has measured for the first time, during which it hears nothing.
    pub(super) settling: Duration,
}

/// By how much responses are late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lateness {
    /// By so much or more.
    pub least: Duration,
    /// By so much or less; not below `least`.
    pub most: Duration,
    /// So many in a million are late.
    pub per_million: u32,
}

/// Its times on the wire.
#[derive(Clone)]
pub(super) struct Wire {
    /// From the host's release to the response.
    pub(super) release: Range,
    pub(super) response_low: Range,
    pub(super) response_high: Range,
    /// Low before the first bit of each byte; the last is for all that follow, too.
    pub(super) byte_low: [Range; 5],
    /// Low before every other bit.
    pub(super) bit_low: Range,
    pub(super) zero_high: Range,
    pub(super) one_high: Range,
    /// Low after the last bit.
    pub(super) end_low: Range,
}

/// How it writes what it measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Tenths in 16 bits each, a temperature's sign in its highest bit (AM2302 data sheet, §7.3).
    Sign,
    /// Tenths in 16 bits each, temperatures in two's complement.
    TwosComplement,
    /// Whole units, the fraction's bytes zero (DHT11 data sheet, §5).
    WholeUnits,
}

const fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

const ALWAYS: u32 = 1_000_000;

/// Captures: a request is ignored 362 ms after one that was answered, and answered again after 434 ms, with a value
/// that has moved on. That it measures meanwhile is what the data sheet says it does then (§7.2).
const MEASURING: Duration = Duration::from_millis(430);

const AM2302: Part = Part {
    // Captures: none of 10 pulses of 104 to 111 us, 2 of 10 of 205 to 211 us, 5 of 10 of 304 to 311 us, 3 of 3 of 505
    // to 511 us, and all that are longer. The data sheet asks for 800 us.
    start: &[(us(111), 0), (us(205), 200_000), (us(305), 500_000), (us(505), ALWAYS)],
    wire: Wire {
        release: 21_000..=30_000,
        response_low: 78_000..=83_000,
        response_high: 81_000..=83_000,
        byte_low: [53_000..=54_000, 66_000..=68_000, 66_000..=68_000, 66_000..=68_000, 64_000..=65_000],
        bit_low: 53_000..=54_000,
        zero_high: 25_000..=27_000,
        one_high: 72_000..=74_000,
        end_low: 46_000..=48_000,
    },
    coding: Coding::Sign,
    trailing: 0,
    late: None,
    measuring: MEASURING,
    // Data sheet, §7.2.
    settling: Duration::from_secs(2),
};

const AM2301: Part = Part {
    // Data sheet; what it makes of shorter ones was not captured.
    start: &[(us(800), ALWAYS)],
    wire: Wire {
        // Captured as a sum: the response ends 103 to 104 us after the host's release.
        release: 22_000..=23_000,
        response_low: 81_000..=81_500,
        response_high: 81_000..=81_500,
        byte_low: [61_000..=61_500, 63_000..=63_500, 63_000..=63_500, 63_000..=63_500, 63_000..=63_500],
        bit_low: 59_000..=60_000,
        zero_high: 26_000..=27_000,
        one_high: 75_000..=75_500,
        end_low: 53_000..=54_000,
    },
    coding: Coding::Sign,
    trailing: 3,
    late: None,
    // Not captured; its maker's AM2302.
    measuring: MEASURING,
    // Data sheet.
    settling: Duration::from_secs(2),
};

const DHT11: Part = Part {
    // Data sheet, §5.2; what it makes of shorter ones was not captured.
    start: &[(Duration::from_millis(18), ALWAYS)],
    wire: Wire {
        // Captured as a sum: the response ends 95 to 96 us after the host's release.
        release: 12_000..=13_000,
        response_low: 83_000..=83_500,
        response_high: 86_000..=87_000,
        byte_low: [54_000..=55_000, 54_000..=55_000, 54_000..=55_000, 54_000..=55_000, 54_000..=55_000],
        bit_low: 54_000..=55_000,
        zero_high: 23_000..=25_000,
        one_high: 68_000..=72_000,
        end_low: 56_000..=57_000,
    },
    coding: Coding::WholeUnits,
    trailing: 0,
    late: None,
    // Not captured; its maker's AM2302.
    measuring: MEASURING,
    // Data sheet, §4.
    settling: Duration::from_secs(1),
};

/// Not one part, but what has been told of parts sold as DHT22 by others, on the AM2302's other times: temperatures
/// below zero in two's complement (RobTillaart/DHTNew#52, arendst/Tasmota#14165), and 4 to 8 of a hundred responses
/// later than 40 us, which a driver that looks once takes for a bit (adafruit/DHT-sensor-library#124). How late these
/// were is not told; up to the 200 us that the AM2302's data sheet allows.
const CLONE: Part = Part {
    start: &[(us(800), ALWAYS)],
    coding: Coding::TwosComplement,
    late: Some(Lateness { least: us(20), most: us(160), per_million: 60_000 }),
    ..AM2302
};
