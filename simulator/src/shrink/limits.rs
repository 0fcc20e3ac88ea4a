//! Each value of a failing scenario varied alone: from where on it fails, and from where on no more.

use toml_edit::DocumentMut;

use super::document;
use super::round::Quantity;
use super::{Place, Search};

/// How many values between two ends are tried, to see whether the limit is one.
const BETWEEN: u64 = 4;
/// How much more than its value a duration or a count is tried at most.
const FAR: u64 = 16;

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Where it stands.
    pub place: String,
    /// The value with which it fails.
    pub value: String,
    /// In words: `fails for any value of 4.8s or more, never below`.
    pub says: String,
}

/// The limits of each value that is left, as far as there is time to find them out.
pub(super) fn limits(search: &mut Search<'_, '_>, document: &DocumentMut) -> Vec<Limit> {
    let mut limits = Vec::new();
    for spot in document::values(document) {
        let Some(value) = document::value(document, &spot) else { continue };
        let Some(says) = (Varied { search, document, spot: &spot, value }).limit() else { break };
        limits.push(Limit { place: spot.to_string(), value: value.to_string(), says });
    }
    limits
}

struct Varied<'v, 't, 'f> {
    search: &'v mut Search<'t, 'f>,
    document: &'v DocumentMut,
    spot: &'v Place,
    value: Quantity,
}

/// Of all that needs a run `None` says that there was no time for it.
impl Varied<'_, '_, '_> {
    fn fails(&mut self, number: u64) -> Option<bool> {
        let mut other = self.document.clone();
        document::set(&mut other, self.spot, &self.value.with(number));
        self.search.fails(&other)
    }

    /// Whether the scenario is one with this number at all.
    fn is_allowed(&mut self, number: u64) -> bool {
        let mut other = self.document.clone();
        document::set(&mut other, self.spot, &self.value.with(number));
        let folder = self.search.trial.file.parent().unwrap_or(std::path::Path::new(""));
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
        simulator_scenario::Scenario::parse("x.toml", &other.to_string(), &read).is_ok()
    }

    fn limit(mut self) -> Option<String> {
        let value = self.value.number();
        let least = self.edge(value, 0);
        let most = match self.value {
            Quantity::Share(_) => self.value.with(u64::MAX).number(),
            _ => value.saturating_mul(FAR).max(value.saturating_add(1)),
        };
        let most = self.edge(value, most);
        let low = least == value || self.fails(least)?;
        let high = most == value || self.fails(most)?;
        let show = |number: u64| self.value.with(number).to_string();
        let (least_text, most_text) = (show(least), show(most));
        Some(match (low, high) {
            (true, true) => match self.odd(least, most, true)? {
                None => format!("fails for any value tried, from {least_text} to {most_text}"),
                Some(odd) => format!("not monotonic: fails with {least_text} and {most_text}, and not with {odd}"),
            },
            (false, true) => {
                let (passes, fails) = self.bisect(least, value)?;
                let fails = self.neat(fails, fails.saturating_add(2 * self.value.step(fails)))?;
                let text = self.value.with(fails).to_string();
                let odd = match self.odd(least, passes, false)? {
                    None => self.odd(fails, most, true)?,
                    odd => odd,
                };
                match odd {
                    None => format!("fails for any value of {text} or more, never below"),
                    Some(odd) => format!("not monotonic: fails from {text} on, and {odd} does not keep to it"),
                }
            }
            (true, false) => {
                let (passes, fails) = self.bisect(most, value)?;
                let fails = self.neat(fails.saturating_sub(2 * self.value.step(fails)), fails)?;
                let text = self.value.with(fails).to_string();
                let odd = match self.odd(passes, most, false)? {
                    None => self.odd(least, fails, true)?,
                    odd => odd,
                };
                match odd {
                    None => format!("fails for any value of {text} or less, never above"),
                    Some(odd) => format!("not monotonic: fails up to {text}, and {odd} does not keep to it"),
                }
            }
            (false, false) => {
                let (_, from) = self.bisect(least, value)?;
                let (_, to) = self.bisect(most, value)?;
                let (from_text, to_text) = (self.value.with(from).to_string(), self.value.with(to).to_string());
                match self.odd(from, to, true)? {
                    None if from == to => format!("fails with {from_text} alone, neither below nor above"),
                    None => format!("fails from {from_text} to {to_text}, neither below nor above"),
                    Some(odd) => format!("not monotonic: fails with {from_text} and {to_text}, and not with {odd}"),
                }
            }
        })
    }

    /// The furthest value towards `end` with which the scenario is one; by bisection, without running it.
    fn edge(&mut self, value: u64, end: u64) -> u64 {
        let (mut good, mut bad) = (value, end);
        if self.is_allowed(end) {
            return end;
        }
        while good.abs_diff(bad) > self.value.step(good.min(bad)) {
            let middle = good.midpoint(bad);
            if self.is_allowed(middle) { good = middle } else { bad = middle }
        }
        good
    }

    /// Between a value that passes and one that fails: the two next to the limit.
    fn bisect(&mut self, mut passes: u64, mut fails: u64) -> Option<(u64, u64)> {
        while passes.abs_diff(fails) > self.value.step(passes.min(fails)) {
            let middle = passes.midpoint(fails);
            if self.fails(middle)? { fails = middle } else { passes = middle }
        }
        Some((passes, fails))
    }

    /// The roundest number between two that are as good, if it fails, too.
    fn neat(&mut self, low: u64, high: u64) -> Option<u64> {
        let scales =
            std::iter::successors(Some(1_000_000_000_000_000u64), |scale| Some(scale / 10).filter(|it| *it > 0));
        let halves = scales.flat_map(|scale| [scale, scale / 2]).filter(|scale| *scale > 0);
        let mut round = halves.filter_map(|scale| low.div_ceil(scale).checked_mul(scale).filter(|it| *it <= high));
        let best = round.next().unwrap_or(high);
        Some(if self.fails(best)? {
            best
        } else if self.fails(high)? {
            high
        } else {
            low
        })
    }

    /// A value between two that does not do as they do.
    fn odd(&mut self, low: u64, high: u64, fail: bool) -> Option<Option<String>> {
        let Some(apart) = high.checked_sub(low) else { return Some(None) };
        let tried = (1..=BETWEEN).map(|part| low + apart / (BETWEEN + 1) * part).filter(|it| *it != low && *it != high);
        let mut tried: Vec<u64> = tried.collect();
        tried.dedup();
        for number in tried {
            if self.is_allowed(number) && self.fails(number)? != fail {
                return Some(Some(self.value.with(number).to_string()));
            }
        }
        Some(None)
    }
}
