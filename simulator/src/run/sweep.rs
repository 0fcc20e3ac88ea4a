//! Sweeps: a scenario again and again, each time with one thing different.

use super::watch::{GivenUp, Watch};
use super::{On, Outcome, run_once};
use crate::expectation::{Failure, Verdict};
use crate::random::Seed;
use crate::scenario::model::Scenario;

/// Runs the scenario without intervention, which tells how many repetitions there are, and then each of them. A sweep
/// without any repetition has shown nothing and fails. One that is given up has the runs until then.
pub(super) fn run(scenario: &Scenario, seed: Seed, on: &On, watch: &Watch) -> Result<Outcome, GivenUp<Outcome>> {
    let plain = run_once(scenario, seed, 0, on, watch)
        .map_err(|GivenUp(run)| GivenUp(Box::new(Outcome { runs: vec![*run] })))?;
    let repetitions = plain.flash_operations;
    let mut runs = vec![plain.run];
    if repetitions == 0 {
        runs[0].verdicts.push(Verdict {
            text: "flash operations in the sweep's interval".to_owned(),
            because: None,
            place: None,
            failure: Some(Failure { seen: "there were none, so that no power cut was tried".to_owned(), at: None }),
        });
    }
    for repetition in 1..=repetitions {
        match run_once(scenario, seed, repetition, on, watch) {
            Ok(finished) => runs.push(finished.run),
            Err(GivenUp(run)) => {
                runs.push(*run);
                return Err(GivenUp(Box::new(Outcome { runs })));
            }
        }
    }
    Ok(Outcome { runs })
}
