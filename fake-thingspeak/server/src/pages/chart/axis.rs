//! The axes: from where to where they go, and where they carry labels.

use super::sample::Sample;
use super::times;
use crate::pages::options::Options;

/// The most labels of an axis, whatever its length.
const MOST_TICKS: usize = 40;

/// A label at a place from 0 to 1 along its axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    from: f64,
    to: f64,
    pub(super) ticks: Vec<Tick>,
}

impl Axis {
    /// Where a value lies along the axis: from 0 to 1 if it is on it.
    pub(super) fn place(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    /// The axis of values, with room for `most` labels. It ends at labels, unless the bounds are asked for.
    pub(super) fn of_values(samples: &[Sample<'_>], options: &Options, from_zero: bool, most: f64) -> Self {
        let values = samples.iter().filter_map(|sample| sample.value);
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let (mut low, mut high) = if low > high { (0.0, 1.0) } else { (low, high) };
        if from_zero {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        (low, high) = (options.y_min.unwrap_or(low), options.y_max.unwrap_or(high));
        if high <= low || !(high - low).is_normal() || high - low < low.abs().max(high.abs()) * 1e-12 {
            // All values are the same, or as good as that, or lie beyond the one bound that was asked for.
            let around = if low == 0.0 { 1.0 } else { (low.abs() * 0.1).max(f64::MIN_POSITIVE * 1e3) };
            match (options.y_min, options.y_max) {
                (Some(_), _) => high = low + around,
                (None, Some(_)) => low = high - around,
                (None, None) => (low, high) = (low - around, high + around),
            }
        }
        let step = nice((high - low) / most.clamp(2.0, 12.0));
        if options.y_min.is_none() {
            low = (low / step).floor() * step;
        }
        if options.y_max.is_none() {
            high = (high / step).ceil() * step;
        }
        let first = (low / step - 1e-9).ceil();
        let mut axis = Self { from: low, to: high, ticks: Vec::new() };
        for index in 0..MOST_TICKS {
            let value = (first + index as f64) * step;
            let at = axis.place(value);
            if at > 1.0 + 1e-9 {
                break;
            }
            axis.ticks.push(Tick { at: at.clamp(0.0, 1.0), label: label(value, step, low.abs().max(high.abs())) });
        }
        axis
    }

    /// The axis of time, with room for `most` labels and, if `broad`, for marks that have a breadth.
    pub(super) fn of_times(samples: &[Sample<'_>], options: &Options, broad: bool, most: f64) -> Self {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return Self { from: 0.0, to: 1.0, ticks: Vec::new() };
        };
        let (mut from, mut to) = (first.seconds(), last.seconds());
        if to <= from {
            (from, to) = (from - 60.0, to + 60.0);
        } else if broad {
            let half = (to - from) / (2.0 * samples.len() as f64);
            (from, to) = (from - half, to + half);
        }
        let mut axis = Self { from, to, ticks: Vec::new() };
        axis.ticks = times::ticks(from as i64, to as i64, most.clamp(1.0, 20.0) as i64, &options.zone)
            .into_iter()
            .map(|(seconds, label)| Tick { at: axis.place(seconds as f64), label })
            .filter(|tick| (0.0..=1.0).contains(&tick.at))
            .collect();
        axis
    }
}

/// The next larger of 1, 2, 2.5 and 5 times a power of ten.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 2.5, 5.0].into_iter().find(|times| times * power >= step * (1.0 - 1e-9));
    times.unwrap_or(10.0) * power
}

/// A value with as many decimals as a step needs; in powers of ten if `largest` would be long.
fn label(value: f64, step: f64, largest: f64) -> String {
    let value = if value.abs() < step * 1e-6 { 0.0 } else { value };
    let text = if largest >= 1e7 || step < 1e-6 {
        let digits = (largest.log10() - step.log10()).ceil().clamp(0.0, 8.0) as usize;
        format!("{value:.digits$e}")
    } else {
        let two_and_a_half = |decimals: usize| {
            let shifted = step * 10_f64.powi(decimals as i32);
            (shifted - shifted.round()).abs() < 1e-6
        };
        let decimals = (0..=8).find(|decimals| two_and_a_half(*decimals)).unwrap_or(8);
        format!("{value:.decimals$}")
    };
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn samples(values: &[f64]) -> Vec<Sample<'static>> {
        let at = |index: usize| OffsetDateTime::from_unix_timestamp(1_767_225_600 + 300 * index as i64).unwrap();
        values
            .iter()
            .enumerate()
            .map(|(index, value)| Sample { at: at(index), value: Some(*value), text: "" })
            .collect()
    }

    fn labels(values: &[f64], query: &str) -> Vec<String> {
        let axis = Axis::of_values(&samples(values), &Options::of(query), false, 5.0);
        axis.ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn labels_are_round_and_enclose_the_values() {
        assert_eq!(labels(&[20.9, 22.3], ""), ["20.5", "21.0", "21.5", "22.0", "22.5"]);
        assert_eq!(labels(&[-1.0, 1.0], ""), ["\u{2212}1.0", "\u{2212}0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(labels(&[0.0, 1.25], ""), ["0.00", "0.25", "0.50", "0.75", "1.00", "1.25"]);
        assert_eq!(labels(&[1.0e9, 3.0e9], ""), ["1.0e9", "1.5e9", "2.0e9", "2.5e9", "3.0e9"]);
        assert_eq!(labels(&[], ""), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    }

    #[test]
    fn bounds_that_are_asked_for_are_kept() {
        assert_eq!(labels(&[20.0], "yaxismin=0&yaxismax=35"), ["0", "10", "20", "30"]);
        let axis = Axis::of_values(&samples(&[20.0, 22.0]), &Options::of("yaxismin=30"), false, 5.0);
        assert!(axis.from == 30.0 && axis.to > 30.0, "{axis:?}");
    }

    #[test]
    fn any_numbers_have_an_axis() {
        let largest = [1e300, 1e300 * (1.0 + f64::EPSILON)];
        let cases: [&[f64]; 8] = [
            &[0.0],
            &[21.5, 21.5],
            &[-1e300, 1e300],
            &largest,
            &[5e-324],
            &[1e-310, 3e-310],
            &[-7.0],
            &[1e16, 1e16 + 2.0],
        ];
        for values in cases {
            for from_zero in [false, true] {
                let axis = Axis::of_values(&samples(values), &Options::of(""), from_zero, 5.0);
                assert!(axis.from < axis.to && !axis.ticks.is_empty() && axis.ticks.len() < 20, "{values:?} {axis:?}");
                for value in values {
                    let place = axis.place(*value);
                    assert!((-1e-9..=1.0 + 1e-9).contains(&place), "{values:?} {place} {axis:?}");
                }
            }
        }
    }

    #[test]
    fn one_time_has_an_axis_around_it() {
        let axis = Axis::of_times(&samples(&[1.0]), &Options::of(""), false, 5.0);
        assert_eq!(axis.place(1_767_225_600.0), 0.5);
        assert!(axis.ticks.iter().any(|tick| tick.label == "00:00:00" || tick.label == "Jan 1"), "{axis:?}");
    }
}
