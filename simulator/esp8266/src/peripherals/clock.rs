//! Time as the devices know it, and the clocks derived from the crystal.
//!
//! Devices must not mind when the CPU changes its frequency, so they count in units of which all clocks are multiples.
//! With the crystal of 26 MHz the CPU and the APB run at 52 MHz until software sets up the PLL (over the analogue
//! blocks' bus), then the APB at 80 MHz and the CPU at 80 or 160 MHz (a bit in DPORT).

use core::ops::Add;

/// A moment since the chip was powered, or a duration: in units of 1/2080 µs, of which the periods of 52, 80 and 160
/// MHz are whole multiples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    /// Later than anything.
    pub const NEVER: Self = Self(u64::MAX);
    /// A microsecond.
    pub const MICROSECOND: Self = Self(2080);

    /// In nanoseconds, rounded down.
    pub const fn nanoseconds(self) -> u64 {
        (self.0 as u128 * 25 / 52) as u64
    }

    /// From nanoseconds, rounded up.
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self((nanoseconds as u128 * 52).div_ceil(25) as u64)
    }

    /// From milliseconds.
    pub const fn from_milliseconds(milliseconds: u64) -> Self {
        Self(milliseconds * 2_080_000)
    }

    /// `count` times as long.
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// How much later than `earlier`; 0 if it is not.
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Time {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// The CPU's and the APB's clock.
#[derive(Clone, Debug)]
pub struct Clock {
    /// A cycle of the CPU and the moment it began; the frequency has not changed since.
    cycle: u64,
    moment: Time,
    pll: bool,
    double: bool,
}

impl Clock {
    /// At power on, with the CPU at `cycle` and the moment it stands for.
    pub fn new(cycle: u64, moment: Time) -> Self {
        Self { cycle, moment, pll: false, double: false }
    }

    /// Length of a CPU cycle.
    pub const fn cpu_period(&self) -> Time {
        let period = if self.pll { 26 } else { 40 };
        Time(if self.double { period / 2 } else { period })
    }

    /// Length of a cycle of the bus that UARTs, timers and the watchdog count.
    pub const fn apb_period(&self) -> Time {
        Time(if self.pll { 26 } else { 40 })
    }

    /// Frequency of the CPU.
    pub const fn cpu_megahertz(&self) -> u32 {
        (2080 / self.cpu_period().0) as u32
    }

    /// The moment at which CPU cycle `cycle` begins.
    pub fn moment(&self, cycle: u64) -> Time {
        self.moment + self.cpu_period().times(cycle.saturating_sub(self.cycle))
    }

    /// The first CPU cycle that does not begin before `moment`.
    pub fn cycle(&self, moment: Time) -> u64 {
        if moment == Time::NEVER {
            return u64::MAX;
        }
        self.cycle + moment.since(self.moment).0.div_ceil(self.cpu_period().0)
    }

    /// The CPU cycle since which the frequency is what it is.
    pub const fn since(&self) -> u64 {
        self.cycle
    }

    /// Switches the PLL, or the CPU's doubled frequency, at CPU cycle `cycle`.
    pub fn switch(&mut self, cycle: u64, pll: bool, double: bool) {
        self.moment = self.moment(cycle);
        self.cycle = cycle;
        self.pll = pll;
        self.double = double;
    }

    /// Whether the PLL runs, and whether the CPU's frequency is doubled.
    pub const fn state(&self) -> (bool, bool) {
        (self.pll, self.double)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_and_moments_agree_across_switches() {
        let mut clock = Clock::new(0, Time(0));
        assert_eq!(clock.moment(52), Time::MICROSECOND);
        clock.switch(52, true, false);
        assert_eq!(clock.moment(52 + 80), Time::MICROSECOND.times(2));
        clock.switch(52 + 80, true, true);
        assert_eq!(clock.moment(52 + 80 + 160).nanoseconds(), 3000);
        assert_eq!(clock.cycle(Time::MICROSECOND.times(3)), 52 + 80 + 160);
        assert_eq!(clock.cpu_megahertz(), 160);
    }

    #[test]
    fn nanoseconds_round_down_and_back_up() {
        assert_eq!(Time(13).nanoseconds(), 6);
        assert_eq!(Time::from_nanoseconds(7), Time(15));
        assert!(Time::from_nanoseconds(Time(13).nanoseconds()) <= Time(13));
    }
}
