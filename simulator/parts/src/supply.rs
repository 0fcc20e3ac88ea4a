//! A supply that sags: a source behind an inner resistance, and a capacitor at the chip.
//!
//! The chip draws one current while it listens and a higher one while it sends. Behind the resistance the voltage goes
//! towards what that current leaves of the source's, with the time constant of resistance and capacitor; between two
//! transmissions it recovers in the same way. Once it is below the least voltage, the chip has lost its state. It then
//! draws nothing, until the capacitor is full enough for it to start again.
//!
//! After Espressif's ESP8266EX data sheet, version 4.3 and later: currents of table "power consumption" (typical, at
//! 3.3 V), and the least operating voltage. The exponential function is a library's own, so that a run is the same on
//! every machine.
//!
//! Not modelled: what the chip draws for microseconds only, or while it calibrates its radio; acknowledgements; sleep;
//! what the rest of the board draws; regulators that give up at a certain current; a chip that goes astray before it
//! stops.

use std::time::Duration;

use simulator_record::time::Instant;

/// Below this, in millivolts, the chip loses its state.
pub const LEAST: u32 = 2_500;
/// So much above it, in millivolts, it starts again.
pub const HYSTERESIS: u32 = 100;
/// What the chip draws while it listens, in milliamperes.
pub const LISTENING: u32 = 56;
/// The shortest reset by a supply that dips.
const SHORTEST_RESET: Duration = Duration::from_millis(1);

/// How a frame is sent, as far as it is a matter of current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// 802.11b.
    Dsss,
    /// 802.11g.
    Ofdm,
    /// 802.11n.
    HighThroughput,
}

impl Sending {
    /// What the chip draws meanwhile, in milliamperes.
    pub fn milliamperes(self) -> u32 {
        match self {
            Self::Dsss => 170,
            Self::Ofdm => 140,
            Self::HighThroughput => 120,
        }
    }
}

/// What a supply is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    /// The source without a load.
    pub millivolts: u32,
    /// Its inner resistance, with that of the leads.
    pub milliohms: u32,
    /// The capacitor at the chip, not 0.
    pub nanofarads: u32,
}

impl Supply {
    /// What a current leaves in the end, in microvolts; negative if the source cannot drive it.
    pub fn leaves(self, milliamperes: u32) -> i64 {
        i64::from(self.millivolts) * 1_000 - i64::from(self.milliohms) * i64::from(milliamperes)
    }

    /// The same in millivolts.
    fn left(self, milliamperes: u32) -> f64 {
        self.leaves(milliamperes) as f64 / 1_000.0
    }

    /// The time constant in nanoseconds: milliohms times nanofarads are picoseconds.
    fn time_constant(self) -> f64 {
        f64::from(self.milliohms) * f64::from(self.nanofarads) / 1_000.0
    }

    /// How long the voltage takes from one value to another, both in millivolts, on its way towards a third that lies
    /// behind them; `None` if it never gets there.
    fn time(self, from: f64, to: f64, towards: f64) -> Option<Duration> {
        let left = (to - towards) / (from - towards);
        (left > 0.0).then(|| Duration::from_nanos((-libm::log(left) * self.time_constant()).max(0.0) as u64))
    }

    /// How long a chip whose voltage fell below the least one is in reset.
    pub fn reset(self) -> Duration {
        let (least, enough) = (f64::from(LEAST), f64::from(LEAST + HYSTERESIS));
        self.time(least, enough, f64::from(self.millivolts)).unwrap_or(SHORTEST_RESET).max(SHORTEST_RESET)
    }
}

/// How far the voltage at a chip is below what the supply leaves it while it listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sag {
    /// In millivolts, at `at`.
    below: f64,
    at: Instant,
}

impl Sag {
    /// The chip sends for so long, from `at` on or from when it has sent what was before. Says when the voltage falls
    /// below the least one, if it does before the end.
    pub fn send(&mut self, supply: Supply, at: Instant, on_air: Duration, how: Sending) -> Option<Instant> {
        let from = at.max(self.at);
        let to = from + on_air;
        let listening = supply.left(LISTENING);
        let sending = supply.left(how.milliamperes());
        let at_first = listening - self.below * fade(supply, self.at, from);
        let falls = if at_first <= f64::from(LEAST) {
            Some(from)
        } else if sending < f64::from(LEAST) {
            supply.time(at_first, f64::from(LEAST), sending).map(|after| from + after).filter(|at| *at < to)
        } else {
            None
        };
        let at_last = sending + (at_first - sending) * fade(supply, from, to);
        *self = Self { below: listening - at_last, at: to };
        falls
    }

    /// The chip starts again after its supply fell below the least voltage.
    pub fn restart(&mut self, supply: Supply, at: Instant) {
        *self = Self { below: supply.left(LISTENING) - f64::from(LEAST + HYSTERESIS), at };
    }
}

/// What is left of a distance after that time.
fn fade(supply: Supply, from: Instant, to: Instant) -> f64 {
    libm::exp(-(to.saturating_since(from).as_nanos() as f64) / supply.time_constant())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 6 Ohm and 100 µF: 0.6 ms.
    const WEAK: Supply = Supply { millivolts: 3_300, milliohms: 6_000, nanofarads: 100_000 };

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn a_long_frame_takes_the_voltage_below_what_the_chip_needs() {
        // 2.964 V while it listens, 2.28 V in the end while it sends: 2.5 V after 0.6 ms times ln(684 / 220).
        let falls = Sag::default().send(WEAK, at(0), micros(2_000), Sending::Dsss).unwrap();
        assert!((680..=681).contains(&falls.as_micros()), "{falls:?}");
        assert_eq!(Sag::default().send(WEAK, at(0), micros(600), Sending::Dsss), None, "a short one is over before");
        assert_eq!(Sag::default().send(WEAK, at(0), micros(9_000), Sending::HighThroughput), None, "2.58 V hold it");
    }

    #[test]
    fn frames_in_a_row_take_it_further_than_one() {
        let mut sag = Sag::default();
        assert_eq!(sag.send(WEAK, at(0), micros(500), Sending::Dsss), None);
        let falls = sag.send(WEAK, at(520), micros(500), Sending::Dsss).unwrap();
        assert!(falls < at(800), "{falls:?}");
        let mut sag = Sag::default();
        sag.send(WEAK, at(0), micros(500), Sending::Dsss);
        let falls = sag.send(WEAK, at(0), micros(500), Sending::Dsss).unwrap();
        assert!((680..=681).contains(&falls.as_micros()), "what is handed over at once is sent one after the other");
        let mut sag = Sag::default();
        sag.send(WEAK, at(0), micros(500), Sending::Dsss);
        assert_eq!(sag.send(WEAK, at(10_000), micros(500), Sending::Dsss), None, "it has recovered meanwhile");
    }

    #[test]
    fn a_larger_capacitor_carries_a_frame_that_a_small_one_does_not() {
        let with = |nanofarads| {
            let supply = Supply { nanofarads, ..WEAK };
            Sag::default().send(supply, at(0), micros(1_000), Sending::Dsss)
        };
        assert!(with(10_000).is_some());
        assert!(with(100_000).is_some());
        assert_eq!(with(470_000), None);
    }

    #[test]
    fn a_chip_that_was_reset_starts_with_an_empty_capacitor() {
        let large = Supply { nanofarads: 10_000_000, ..WEAK };
        // 60 ms times ln(0.8 / 0.7).
        assert_eq!(large.reset().as_millis(), 8);
        assert_eq!(WEAK.reset(), SHORTEST_RESET);
        // 6 ms: from 2.6 V to 2.5 V in 2.4 ms, from 2.96 V in 6.8 ms.
        let large = Supply { nanofarads: 1_000_000, ..WEAK };
        let after = |later| {
            let mut sag = Sag::default();
            sag.restart(large, at(0));
            sag.send(large, at(later), micros(5_000), Sending::Dsss)
        };
        assert!(after(100).is_some());
        assert_eq!(after(100_000), None);
    }
}
