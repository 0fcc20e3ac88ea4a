//! A case on each target that it was asked for: what came of it there, whether a second run had the same, and how two
//! targets compare.

use super::compare::Comparison;
use super::determinism::{self, Difference};
use super::watch::{GivenUp, Watch};
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

/// Runs a case on each of these targets, and again if `twice`. Host and chip are compared.
///
/// # Errors
/// If it was given up: what was run until then, uncompared. Of a second run nothing is kept.
pub fn results(
    scenario: &Scenario,
    seed: Seed,
    targets: &[On],
    twice: bool,
    watch: &Watch,
) -> Result<Results, GivenUp<Results>> {
    let mut outcomes = Vec::new();
    for on in targets {
        if targets.len() > 1 {
            watch.goes_to(on.name());
        }
        let name = on.name();
        let outcome = match run_watched(scenario, seed, on, watch) {
            Ok(outcome) => outcome,
            Err(GivenUp(outcome)) => {
                outcomes.push(OnTarget { name, outcome: *outcome, again: None });
                return Err(GivenUp(Box::new(Results { outcomes, comparison: None })));
            }
        };
        let again = match twice.then(|| run_watched(scenario, seed, on, watch)) {
            None => None,
            Some(Ok(again)) => determinism::difference(&outcome, &again),
            Some(Err(_)) => {
                outcomes.push(OnTarget { name, outcome, again: None });
                return Err(GivenUp(Box::new(Results { outcomes, comparison: None })));
            }
        };
        outcomes.push(OnTarget { name, outcome, again });
    }
    let comparison = match outcomes.as_slice() {
        [host, chip] => Some(Comparison::new(&scenario.targets, &host.outcome, &chip.outcome)),
        _ => None,
    };
    Ok(Results { outcomes, comparison })
}
