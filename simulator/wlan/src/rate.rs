//! Rates, by the codes of the ESP8266's MAC, and how long a frame is on the air (IEEE 802.11-2020 clauses 15, 16, 18,
//! 19).
//!
//! Not modelled: 40 MHz channels, several spatial streams, aggregation.

use std::fmt;
use std::time::Duration;

/// Between a frame and its acknowledgement, at 2.4 GHz.
pub const SIFS: Duration = Duration::from_micros(10);
/// A slot, where no old stations (802.11b) are.
pub const SHORT_SLOT: Duration = Duration::from_micros(9);
/// Bytes of an acknowledgement, with its frame check sequence.
pub const ACK_BYTES: usize = 14;
/// Bytes of a frame check sequence.
pub const FCS_BYTES: usize = 4;

/// A rate, by the MAC's code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u8);

/// How a rate is put on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modulation {
    /// 802.11b: DSSS and CCK.
    Dsss {
        /// Whether the preamble is the short one.
        short_preamble: bool,
    },
    /// 802.11g.
    Ofdm,
    /// 802.11n with 20 MHz, in mixed mode.
    HighThroughput {
        /// Modulation and coding scheme, 0 to 7.
        mcs: u8,
        /// Whether the guard interval is the short one.
        short_guard: bool,
    },
}

/// Codes 8 to 15 in Mbit/s.
const OFDM: [u32; 8] = [48, 24, 12, 6, 54, 36, 18, 9];
/// Data bits of an OFDM symbol of 4 µs by MCS.
const MCS_SYMBOL_BITS: [u32; 8] = [26, 52, 78, 104, 156, 208, 234, 260];
/// What a receiver of OFDM frames at 2.4 GHz may still need, in microseconds.
const SIGNAL_EXTENSION: u64 = 6;
/// Service field and tail of OFDM frames, in bits.
const SERVICE_AND_TAIL: u64 = 16 + 6;

impl Rate {
    /// 1 Mbit/s: what beacons and answers to unknown stations are sent with.
    pub const ONE_MEGABIT: Self = Self(0);
    /// 11 Mbit/s.
    pub const ELEVEN_MEGABITS: Self = Self(3);
    /// 6 Mbit/s OFDM.
    pub const SIX_MEGABITS: Self = Self(0xB);
    /// 24 Mbit/s OFDM.
    pub const TWENTY_FOUR_MEGABITS: Self = Self(0x9);
    /// 54 Mbit/s OFDM.
    pub const FIFTY_FOUR_MEGABITS: Self = Self(0xC);

    /// By the MAC's code: 0 to 3 are 1, 2, 5.5 and 11 Mbit/s, 5 to 7 the last three with short preamble, 8 to 15 are
    /// 48, 24, 12, 6, 54, 36, 18 and 9 Mbit/s, 16 to 23 MCS 0 to 7, 24 to 31 the same with short guard interval.
    pub fn from_code(code: u8) -> Option<Self> {
        (code < 32 && code != 4).then_some(Self(code))
    }

    /// The MAC's code.
    pub fn code(self) -> u8 {
        self.0
    }

    /// How it is put on the air.
    pub fn modulation(self) -> Modulation {
        match self.0 {
            code @ 0..8 => Modulation::Dsss { short_preamble: code >= 4 },
            8..16 => Modulation::Ofdm,
            code => Modulation::HighThroughput { mcs: code & 7, short_guard: code >= 24 },
        }
    }

    /// Kilobits a second.
    pub fn kilobits(self) -> u32 {
        match self.modulation() {
            Modulation::Dsss { .. } => [1_000, 2_000, 5_500, 11_000][usize::from(self.0 & 3)],
            Modulation::Ofdm => OFDM[usize::from(self.0 - 8)] * 1_000,
            Modulation::HighThroughput { mcs, short_guard } => {
                let bits = MCS_SYMBOL_BITS[usize::from(mcs)];
                if short_guard { bits * 10_000 / 36 } else { bits * 1_000 / 4 }
            }
        }
    }

    /// How long a frame is on the air, preamble included.
    pub fn air_time(self, bytes_with_fcs: usize) -> Duration {
        let bits = 8 * bytes_with_fcs as u64;
        let micros = match self.modulation() {
            Modulation::Dsss { short_preamble } => {
                let preamble = if short_preamble { 96 } else { 192 };
                preamble + (bits * 1_000).div_ceil(u64::from(self.kilobits()))
            }
            Modulation::Ofdm => {
                let symbol_bits = u64::from(OFDM[usize::from(self.0 - 8)] * 4);
                20 + 4 * (SERVICE_AND_TAIL + bits).div_ceil(symbol_bits) + SIGNAL_EXTENSION
            }
            Modulation::HighThroughput { mcs, short_guard } => {
                let symbols = (SERVICE_AND_TAIL + bits).div_ceil(u64::from(MCS_SYMBOL_BITS[usize::from(mcs)]));
                // Short symbols have 3.6 µs; the last ends with a whole symbol's time.
                let data = if short_guard { 4 * (symbols * 36).div_ceil(40) } else { 4 * symbols };
                36 + data + SIGNAL_EXTENSION
            }
        };
        Duration::from_micros(micros)
    }

    /// The rate of the acknowledgement of a frame of this rate (IEEE 802.11-2020 §10.6.6.5.2): the highest of the basic
    /// rates 1, 2, 5.5, 11, 6, 12 and 24 Mbit/s that is of the same kind and not faster.
    pub fn of_acknowledgement(self) -> Self {
        match self.modulation() {
            Modulation::Dsss { .. } => self,
            _ => match self.kilobits() {
                24_000.. => Self::TWENTY_FOUR_MEGABITS,
                12_000.. => Self(0xA),
                _ => Self::SIX_MEGABITS,
            },
        }
    }

    /// From the end of a frame of this rate to the end of its acknowledgement.
    pub fn acknowledgement_time(self) -> Duration {
        SIFS + self.of_acknowledgement().air_time(ACK_BYTES)
    }
}

/// As people name rates: `5.5 Mbit/s`, `MCS 7, short guard interval`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.modulation() {
            Modulation::HighThroughput { mcs, short_guard } => {
                write!(f, "MCS {mcs}{}", if short_guard { ", short guard interval" } else { "" })
            }
            _ if self.0 & 3 == 2 && self.0 < 8 => f.write_str("5.5 Mbit/s"),
            _ => write!(f, "{} Mbit/s", self.kilobits() / 1_000),
        }
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rate({}: {self})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(code: u8) -> Rate {
        Rate::from_code(code).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_mac() {
        let kilobits: Vec<u32> = (0..32).filter_map(Rate::from_code).map(Rate::kilobits).collect();
        assert_eq!(kilobits[..7], [1_000, 2_000, 5_500, 11_000, 2_000, 5_500, 11_000]);
        assert_eq!(kilobits[7..15], [48_000, 24_000, 12_000, 6_000, 54_000, 36_000, 18_000, 9_000]);
        assert_eq!(kilobits[15..23], [6_500, 13_000, 19_500, 26_000, 39_000, 52_000, 58_500, 65_000]);
        assert_eq!(kilobits[30], 72_222);
        assert_eq!(kilobits.len(), 31);
        assert_eq!((Rate::from_code(4), Rate::from_code(32)), (None, None));
        assert_eq!((rate(6).to_string(), rate(0xB).to_string()), ("5.5 Mbit/s".to_owned(), "6 Mbit/s".to_owned()));
        assert_eq!(rate(31).to_string(), "MCS 7, short guard interval");
    }

    /// Worked by hand from the formulas of the standard (16.3.4, 18.4.3 with 17.4.3, 19.4.3).
    #[test]
    fn air_time_is_what_the_standard_says() {
        let micros = |code, bytes| rate(code).air_time(bytes).as_micros();
        assert_eq!(micros(0, 14), 304, "an acknowledgement at 1 Mbit/s");
        assert_eq!(micros(3, 1_500), 192 + 1_091);
        assert_eq!(micros(7, 1_500), 96 + 1_091);
        assert_eq!(micros(5, 14), 96 + 56);
        assert_eq!(micros(0xB, 14), 20 + 4 * 6 + 6, "134 bits in symbols of 24");
        assert_eq!(micros(0xC, 1_500), 20 + 4 * 56 + 6, "12022 bits in symbols of 216");
        assert_eq!(micros(23, 1_500), 36 + 4 * 47 + 6, "12022 bits in symbols of 260");
        assert_eq!(micros(31, 1_500), 36 + 4 * 43 + 6, "47 symbols of 3.6 µs end with the 43rd of 4 µs");
    }

    #[test]
    fn an_acknowledgement_is_no_faster_than_what_it_acknowledges() {
        for code in (0..32).filter(|code| *code != 4) {
            let (rate, ack) = (rate(code), rate(code).of_acknowledgement());
            assert!(ack.kilobits() <= rate.kilobits());
            assert_eq!(
                matches!(ack.modulation(), Modulation::Dsss { .. }),
                matches!(rate.modulation(), Modulation::Dsss { .. })
            );
        }
        assert_eq!(rate(0xC).of_acknowledgement(), Rate::TWENTY_FOUR_MEGABITS);
        assert_eq!(rate(0).acknowledgement_time(), Duration::from_micros(314));
    }
}
