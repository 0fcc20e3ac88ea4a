//! A case on each target that it was asked for: what came of it there, whether a second run had the same, and how two
//! targets compare.

use simulator_record::random::Seed;
use simulator_scenario::model::Scenario;

use super::compare::Comparison;
use super::determinism::{Difference, Repeat};
use super::watch::{GivenUp, Watch};
use super::{CaseOutcome, Evidence, Keep, On, TargetName, run_kept};

/// What came of a case on one target.
#[derive(Clone, Debug)]
pub struct OnTarget {
    /// The target.
    pub name: TargetName,
    /// What came of it.
    pub outcome: CaseOutcome,
    /// What a second run of the same case had different, if there was one and it had.
    pub second_run: Option<Difference>,
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
    pub fn of(name: TargetName, outcome: CaseOutcome) -> Self {
        Self { outcomes: vec![OnTarget { name, outcome, second_run: None }], comparison: None }
    }
}

/// Runs a case on each of these targets, and again if `twice`. Host and chip are compared. What happens goes into
/// `evidence` while it happens, or stays in memory; a second run is only compared with the first.
///
/// # Errors
/// If it was given up: what was run until then, uncompared. Of a second run nothing is kept.
pub fn results(
    scenario: &Scenario,
    seed: Seed,
    targets: &[On],
    twice: bool,
    watch: &Watch,
    evidence: Option<&dyn Evidence>,
) -> Result<Results, GivenUp<Results>> {
    let mut outcomes = Vec::new();
    let compared = targets.len() > 1;
    for on in targets {
        if compared {
            watch.goes_to(on.name());
        }
        let name = on.name();
        let keep = evidence.map_or(Keep::Memory, |place| Keep::Evidence { place, target: name, compared });
        let outcome = match run_kept(scenario, seed, on, watch, keep) {
            Ok(outcome) => outcome,
            Err(GivenUp(outcome)) => {
                outcomes.push(OnTarget { name, outcome: *outcome, second_run: None });
                return Err(GivenUp(Box::new(Results { outcomes, comparison: None })));
            }
        };
        let mut second_run = None;
        if twice {
            let repeat = Repeat::of(&outcome);
            if run_kept(scenario, seed, on, watch, Keep::Repeat(&repeat)).is_err() {
                outcomes.push(OnTarget { name, outcome, second_run: None });
                return Err(GivenUp(Box::new(Results { outcomes, comparison: None })));
            }
            second_run = repeat.difference();
        }
        outcomes.push(OnTarget { name, outcome, second_run });
    }
    let comparison = match outcomes.as_slice() {
        [host, chip] => Some(Comparison::new(&scenario.targets, &host.outcome, &chip.outcome)),
        _ => None,
    };
    Ok(Results { outcomes, comparison })
}
