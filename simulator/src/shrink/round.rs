//! Quantities of a scenario as they vary: durations, probabilities, counts; which ones are simpler than another.

use std::fmt;
use std::time::Duration;

use simulator_scenario::units;

/// A value that may vary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    /// Nanoseconds.
    Duration(u64),
    /// Thousandths of a percent.
    Share(u64),
    Count(u64),
}

const SECOND: u64 = 1_000_000_000;

/// A percent, in thousandths.
const PERCENT: u64 = 1_000;

impl Quantity {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(number) = text.strip_suffix('%') {
            let share: f64 = number.trim().parse().ok().filter(|share| (0.0..=100.0).contains(share))?;
            return Some(Self::Share((share * PERCENT as f64).round() as u64));
        }
        let duration = units::duration(text).ok()?;
        u64::try_from(duration.as_nanos()).ok().map(Self::Duration)
    }

    /// Its number, whatever it counts.
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Duration(number) | Self::Share(number) | Self::Count(number) => number,
        }
    }

    /// Another number of the same.
    pub(super) fn with(self, number: u64) -> Self {
        match self {
            Self::Duration(_) => Self::Duration(number),
            Self::Share(_) => Self::Share(number.min(100 * PERCENT)),
            Self::Count(_) => Self::Count(number),
        }
    }

    /// How fine a limit is worth knowing: a hundredth of a number, and no finer than its unit.
    pub(super) fn step(self, at: u64) -> u64 {
        match self {
            Self::Duration(_) => (at / 100).max(1_000),
            Self::Share(_) => (at / 100).max(10),
            Self::Count(_) => 1,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration(nanos) => humantime::format_duration(Duration::from_nanos(*nanos)).fmt(f),
            Self::Share(share) if share % PERCENT == 0 => write!(f, "{} %", share / PERCENT),
            Self::Share(share) => write!(f, "{} %", *share as f64 / PERCENT as f64),
            Self::Count(count) => count.fmt(f),
        }
    }
}

/// Rounder values than this one, the roundest first.
pub(super) fn simpler(value: &Quantity) -> Vec<Quantity> {
    let scales: &[u64] = match value {
        Quantity::Duration(_) => &[
            86_400 * SECOND,
            3_600 * SECOND,
            1_800 * SECOND,
            600 * SECOND,
            300 * SECOND,
            60 * SECOND,
            30 * SECOND,
            10 * SECOND,
            5 * SECOND,
            SECOND,
            SECOND / 10,
            SECOND / 100,
            SECOND / 1_000,
            1_000,
        ],
        Quantity::Share(_) => &[100 * PERCENT, 50 * PERCENT, 10 * PERCENT, 5 * PERCENT, PERCENT, PERCENT / 10],
        Quantity::Count(_) => &[1_000, 100, 10, 5],
    };
    let number = value.number();
    let mut found: Vec<Quantity> = Vec::new();
    if matches!(value, Quantity::Count(count) if *count > 1) {
        found.push(Quantity::Count(1));
    }
    for scale in scales {
        // What is a multiple of this is as round as it gets from here on.
        if number.is_multiple_of(*scale) {
            break;
        }
        let down = number / scale * scale;
        for candidate in [down, down + scale].into_iter().filter(|it| *it > 0) {
            let candidate = value.with(candidate);
            // No wilder than twice the value.
            if candidate.number() <= number.saturating_mul(2) && !found.contains(&candidate) {
                found.push(candidate);
            }
        }
    }
    found
}

/// Durations of a run that are shorter than this one, the shortest first, and then those that are rounder.
pub(super) fn shorter(value: &Quantity) -> Vec<Quantity> {
    let minutes = [1, 2, 5, 10, 20, 30, 60, 120, 360, 720, 1_440, 10_080];
    let mut found: Vec<Quantity> = minutes
        .into_iter()
        .map(|minutes| Quantity::Duration(minutes * 60 * SECOND))
        .chain(simpler(value))
        .filter(|it| it.number() < value.number())
        .collect();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simpler_values_are_rounder_and_the_roundest_come_first() {
        let simpler = |text| -> Vec<String> {
            simpler(&Quantity::parse(text).unwrap()).iter().map(Quantity::to_string).collect()
        };
        assert_eq!(simpler("7m 13s")[..3], ["10m", "5m", "7m"]);
        assert!(simpler("7m 13s").contains(&"7m".to_owned()));
        assert!(simpler("1h").is_empty());
        let value = Quantity::parse("47m 13s").unwrap();
        assert!(shorter(&value).iter().all(|it| it.number() < value.number()), "{:?}", shorter(&value));
        assert_eq!(simpler("13 %"), ["10 %", "20 %", "15 %"]);
        assert_eq!(Quantity::parse("2.5 %").unwrap().to_string(), "2.5 %");
        assert_eq!((Quantity::parse("-70 dBm"), Quantity::parse("off"), Quantity::parse("101 %")), (None, None, None));
    }
}
