//! Sweeps: a scenario again and again, each time with one thing different.

use super::{Outcome, run_once};
use crate::random::Seed;
use crate::scenario::model::Scenario;

/// Runs the scenario without intervention, which tells how many repetitions there are, and then each of them.
pub(super) fn run(scenario: &Scenario, seed: Seed) -> Outcome {
    let plain = run_once(scenario, seed, 0);
    let repetitions = plain.flash_operations;
    let mut runs = vec![plain.run];
    runs.extend((1..=repetitions).map(|repetition| run_once(scenario, seed, repetition).run));
    Outcome { runs }
}
