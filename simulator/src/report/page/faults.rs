//! When which fault was in force in a run, as a page has it.
//!
//! What was in force at a failure's moment is exact, however many intervals there are. Of these a page lists a bounded
//! number, those that began first, and says from when on it leaves some out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use simulator_record::events::{Fault, InForce};
use simulator_record::time::Instant;

/// How many intervals a page lists.
const MOST: usize = 2_000;
/// How many faults in force at a failure's moment are named.
const MOST_NAMED: usize = 20;

/// When a fault was in force, in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FaultSpan {
    pub(super) name: String,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// What was in force at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Then {
    /// The first of them.
    pub(super) list: Vec<FaultSpan>,
    /// How many more there were.
    pub(super) more: u64,
}

/// The intervals of all faults of a run.
pub(super) struct Faults {
    in_force: InForce,
    end: Instant,
    /// By their beginnings.
    spans: BTreeMap<(u64, String), FaultSpan>,
    left_out: u64,
    /// From when on some are left out.
    cut: Option<u64>,
    /// Failures by their places, each with its moment.
    moments: Vec<(usize, Instant, Then)>,
}

impl Faults {
    /// None yet, in a run that ends then; the moments of failures are of interest, or the end if a failure has none.
    pub(super) fn new(failures: &[(usize, Option<Instant>)], end: Instant) -> Self {
        let moments = failures.iter().map(|(place, at)| (*place, at.unwrap_or(end), Then::default())).collect();
        Self { in_force: InForce::default(), end, spans: BTreeMap::new(), left_out: 0, cut: None, moments }
    }

    /// The next event of a fault.
    pub(super) fn see(&mut self, at: Instant, fault: &Fault) {
        if let Some(from) = self.in_force.see(at, fault) {
            self.add(&fault.rule, from, at);
        }
    }

    /// Ends what is in force to the end of the run.
    pub(super) fn finish(&mut self) {
        let left: Vec<(String, Instant)> =
            self.in_force.all().into_iter().map(|(rule, from)| (rule.to_owned(), from)).collect();
        left.into_iter().for_each(|(rule, from)| self.add(&rule, from, self.end));
    }

    fn add(&mut self, rule: &str, from: Instant, to: Instant) {
        let span = FaultSpan { name: rule.to_owned(), from: from.as_micros(), to: to.as_micros() };
        for (_, _, then) in self.moments.iter_mut().filter(|(_, at, _)| from <= *at && *at <= to) {
            if then.list.len() < MOST_NAMED {
                then.list.push(span.clone());
            } else {
                then.more += 1;
            }
        }
        self.spans.insert((span.from, span.name.clone()), span);
        if self.spans.len() > MOST
            && let Some((_, last)) = self.spans.pop_last()
        {
            self.left_out += 1;
            self.cut = Some(self.cut.map_or(last.from, |cut| cut.min(last.from)));
        }
    }

    /// What was in force at the moment of the failure at a place.
    pub(super) fn at_failure(&self, place: usize) -> Option<&Then> {
        self.moments.iter().find(|(other, ..)| *other == place).map(|(.., then)| then)
    }
}

impl Serialize for Faults {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Faults", 3)?;
        fields.serialize_field("spans", &self.spans.values().collect::<Vec<_>>())?;
        fields.serialize_field("left-out", &self.left_out)?;
        fields.serialize_field("cut", &self.cut)?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator_record::events::FaultAction;

    #[test]
    fn at_a_failure_it_is_known_what_was_in_force_however_many_intervals_there_were() {
        let at = Instant::from_secs(9_000);
        let mut faults = Faults::new(&[(0, Some(at)), (1, None)], Instant::from_secs(20_000));
        let mut see = |second, rule: &str, action| {
            faults.see(Instant::from_secs(second), &Fault { rule: rule.to_owned(), action });
        };
        for second in (0..10_000).step_by(2) {
            see(second, "often", FaultAction::Begins);
            see(second + 1, "often", FaultAction::Ends);
        }
        see(10_000, "late", FaultAction::Begins);
        faults.finish();
        let names = |place| -> Vec<String> {
            faults.at_failure(place).unwrap().list.iter().map(|span| span.name.clone()).collect()
        };
        assert_eq!((names(0), names(1)), (vec!["often".to_owned()], vec!["late".to_owned()]));
        let data = serde_json::to_value(&faults).unwrap();
        assert_eq!(data["spans"].as_array().unwrap().len(), MOST);
        assert_eq!((data["left-out"].as_u64(), data["cut"].as_u64()), (Some(3_001), Some(4_000_000_000)));
    }
}
