//! A case on each target that it was asked for: what came of it there, whether a second run had the same, and how two
//! targets compare.

use super::compare::Comparison;
use super::determinism::{self, Difference};
use super::watch::Watch;
use super::{On, Outcome, TargetName, run_watched};
use crate::random::Seed;
use crate::scenario::model::Scenario;

/// What came of a case on one target.
#[derive(Clone, Debug)]
pub struct OnTarget {
    /// The target.
    pub name: TargetName,
    /// What came of it.
    pub outcome: Outcome,
    /// What a second run of the same case had different, if there was one and it had.
    pub again: Option<Difference>,
}

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Results {
    /// On one target, or on host and chip.
    pub outcomes: Vec<OnTarget>,
    /// What host and chip have in common.
    pub comparison: Option<Comparison>,
}

impl Results {
    /// Those of a case that was run once, on one target.
    pub fn of(name: TargetName, outcome: Outcome) -> Self {
        Self { outcomes: vec![OnTarget { name, outcome, again: None }], comparison: None }
    }
}

/// Runs a case on each of these targets, and again if `twice`; `None` if it was given up. Host and chip are compared.
pub fn results(scenario: &Scenario, seed: Seed, targets: &[On], twice: bool, watch: &Watch) -> Option<Results> {
    let mut outcomes = Vec::new();
    for on in targets {
        if targets.len() > 1 {
            watch.goes_to(on.name());
        }
        let outcome = run_watched(scenario, seed, on, watch)?;
        let again = match twice {
            true => determinism::difference(&outcome, &run_watched(scenario, seed, on, watch)?),
            false => None,
        };
        outcomes.push(OnTarget { name: on.name(), outcome, again });
    }
    let comparison = match outcomes.as_slice() {
        [host, chip] => Some(Comparison::new(&scenario.targets, &host.outcome, &chip.outcome)),
        _ => None,
    };
    Some(Results { outcomes, comparison })
}
