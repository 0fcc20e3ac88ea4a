//! A case with each subject that it was asked for: what came of it, whether a second run had the same.

use simulator_record::random::Seed;
use simulator_scenario::model::Scenario;

use super::determinism::{Difference, Repeat};
use super::watch::{GivenUp, Watch};
use super::{CaseOutcome, Evidence, Keep, Name, On, Subject, rig, run_kept};

/// What came of a case with one subject.
#[derive(Clone, Debug)]
pub struct SubjectOutcome {
    /// The subject.
    pub name: Name,
    /// What came of it.
    pub outcome: CaseOutcome,
    /// What a second run of the same case had different, if there was one and it had.
    pub second_run: Option<Difference>,
}

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Results {
    /// With each subject, in order.
    pub outcomes: Vec<SubjectOutcome>,
}

impl Results {
    /// Those of a case that was run once, with one subject.
    pub fn of(name: Name, outcome: CaseOutcome) -> Self {
        Self { outcomes: vec![SubjectOutcome { name, outcome, second_run: None }] }
    }
}

/// Runs a case with each of these subjects, and again if `twice`. What happens goes into `evidence` while it happens,
/// or stays in memory; a second run is only compared with the first.
///
/// # Errors
/// If it was given up: what was run until then. Of a second run nothing is kept.
pub fn results(
    scenario: &Scenario,
    seed: Seed,
    subjects: &[Subject],
    twice: bool,
    watch: &Watch,
    evidence: Option<&dyn Evidence>,
) -> Result<Results, GivenUp<Results>> {
    let mut outcomes = Vec::new();
    for Subject { name, on } in subjects {
        let name = *name;
        if subjects.len() > 1 {
            watch.goes_to(name);
        }
        let keep = evidence.map_or(Keep::Memory, |place| Keep::Evidence { place, subject: name });
        let run = |keep| match on {
            On::World(executor) => run_kept(scenario, seed, executor, watch, keep),
            On::Rig(rig) => rig::run(scenario, rig, watch, keep),
        };
        let outcome = match run(keep) {
            Ok(outcome) => outcome,
            Err(GivenUp(outcome)) => {
                outcomes.push(SubjectOutcome { name, outcome: *outcome, second_run: None });
                return Err(GivenUp(Box::new(Results { outcomes })));
            }
        };
        let mut second_run = None;
        if twice {
            let repeat = Repeat::of(&outcome);
            if run(Keep::Repeat(&repeat)).is_err() {
                outcomes.push(SubjectOutcome { name, outcome, second_run: None });
                return Err(GivenUp(Box::new(Results { outcomes })));
            }
            second_run = repeat.difference();
        }
        outcomes.push(SubjectOutcome { name, outcome, second_run });
    }
    Ok(Results { outcomes })
}
