//! A feed as numbers in time, and the line through them.
//!
//! What breaks the line is a value that is no number, and a piece of time without entries in a feed that was put
//! together out of pieces. An entry without a value of the field does not: channels whose fields are written one by one
//! have a line all the same, as on ThingSpeak.

use std::fmt::Write as _;

use super::axis::Axis;
use super::sample::Sample;
use super::{Plot, px};
use crate::pages::feed::Feed;
use crate::pages::options::{Kind, finite};

/// Beyond, the span of an axis is no number any more.
const LARGEST: f64 = 1e300;

/// What of a feed is drawn.
pub(super) fn of(feed: &Feed) -> Vec<Sample<'_>> {
    let told = feed.entries.iter().filter(|entry| entry.value.is_some() || entry.made);
    told.map(|entry| {
        let text = entry.value.as_deref().unwrap_or_default();
        Sample { at: entry.at, value: finite(text).map(|value| value.clamp(-LARGEST, LARGEST)), text }
    })
    .collect()
}

/// The least distance of two neighbours in time, as a part of the axis; all of it for a single one.
pub(super) fn spacing(numbers: &[(&Sample<'_>, f64, f64)]) -> f64 {
    let gaps = numbers.windows(2).map(|pair| pair[1].1 - pair[0].1);
    gaps.filter(|gap| *gap > 0.0).fold(1.0, f64::min)
}

/// The line through the values, as the data of a path.
pub(super) fn path(plot: &Plot, samples: &[Sample<'_>], times: &Axis, values: &Axis, kind: Kind) -> String {
    let mut path = String::new();
    for run in samples.split(|sample| sample.value.is_none()) {
        let place = |sample: &Sample<'_>| {
            plot.place(times.place(sample.seconds()), values.place(sample.value.unwrap_or_default()))
        };
        let places: Vec<(f64, f64)> = run.iter().map(place).collect();
        let Some((x, y)) = places.first() else { continue };
        let _ = write!(path, "M{} {}", px(*x), px(*y));
        match kind {
            // A value alone between two breaks is a dot, by the round ends of its line.
            _ if places.len() == 1 => path.push_str("h0"),
            Kind::Spline => curve(&mut path, &places),
            Kind::Step => {
                for (x, y) in &places[1..] {
                    let _ = write!(path, "H{}V{}", px(*x), px(*y));
                }
            }
            Kind::Line | Kind::Bar | Kind::Column => {
                for (x, y) in &places[1..] {
                    let _ = write!(path, "L{} {}", px(*x), px(*y));
                }
            }
        }
    }
    path
}

/// A smooth curve that goes beyond none of its points (Fritsch and Carlson, 1980).
fn curve(path: &mut String, places: &[(f64, f64)]) {
    let slope = |a: (f64, f64), b: (f64, f64)| if b.0 > a.0 { (b.1 - a.1) / (b.0 - a.0) } else { 0.0 };
    let slopes: Vec<f64> = places.windows(2).map(|pair| slope(pair[0], pair[1])).collect();
    let tangent = |index: usize| match (index.checked_sub(1).and_then(|before| slopes.get(before)), slopes.get(index)) {
        (Some(before), Some(after)) if before * after > 0.0 => 2.0 * before * after / (before + after),
        (Some(_), Some(_)) => 0.0,
        (Some(only), None) | (None, Some(only)) => *only,
        (None, None) => 0.0,
    };
    for (index, pair) in places.windows(2).enumerate() {
        let [(x1, y1), (x2, y2)] = [pair[0], pair[1]];
        let third = (x2 - x1) / 3.0;
        let (from, to) = ((x1 + third, y1 + third * tangent(index)), (x2 - third, y2 - third * tangent(index + 1)));
        let _ = write!(path, "C{} {} {} {} {} {}", px(from.0), px(from.1), px(to.0), px(to.1), px(x2), px(y2));
    }
}
