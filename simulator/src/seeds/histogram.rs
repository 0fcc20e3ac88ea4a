//! How often which value came up: exact counts of values that are rounded to three digits, so that two of them add up
//! to the one of all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A distribution of milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Histogram(BTreeMap<u64, u64>);

impl From<Vec<(u64, u64)>> for Histogram {
    fn from(pairs: Vec<(u64, u64)>) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl From<Histogram> for Vec<(u64, u64)> {
    fn from(histogram: Histogram) -> Self {
        histogram.0.into_iter().collect()
    }
}

impl Histogram {
    /// One more value, in milliseconds.
    pub(super) fn add(&mut self, value: u64) {
        *self.0.entry(rounded(value)).or_default() += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (value, count) in &other.0 {
            *self.0.entry(*value).or_default() += count;
        }
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The value below or at which lies this share of all, in milliseconds; `None` if there are none.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let rank = ((self.count() as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        self.0
            .iter()
            .find(|(_, count)| {
                seen += **count;
                seen >= rank
            })
            .map(|(value, _)| *value)
    }

    /// The least, the median, the 95th of a hundred, the most.
    pub fn summary(&self) -> Option<[u64; 4]> {
        Some([*self.0.keys().next()?, self.quantile(0.5)?, self.quantile(0.95)?, *self.0.keys().next_back()?])
    }
}

/// To three digits, downwards.
fn rounded(value: u64) -> u64 {
    let mut scale = 1;
    while value / scale >= 1_000 {
        scale *= 10;
    }
    value / scale * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_values_to_three_digits() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.summary(), None);
        (1..=1000).for_each(|value| histogram.add(value * 10));
        assert_eq!(histogram.summary(), Some([10, 5_000, 9_500, 10_000]));
        histogram.add(123_456);
        assert_eq!(histogram.quantile(1.0), Some(123_000));
        let mut twice = histogram.clone();
        twice.merge(&histogram);
        assert_eq!(twice.count(), 2_002);
    }
}
