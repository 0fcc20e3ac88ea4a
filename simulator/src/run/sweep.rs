//! Sweeps: a scenario again and again, each time with one thing different.
//!
//! An [`Axis`] says what is different: from what the run without intervention has shown it makes the [points](Point) of
//! the repetitions, each of which is a command to the world at a moment, or another image. Each axis has a file of its
//! own here, and a row in [`axis`].

mod flash_cuts;
mod images;

use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_scenario::model::{FlashImage, Scenario, Sweep};
use simulator_world::world::{Command, FlashBegun};

use super::watch::{GivenUp, Watch};
use super::{CaseOutcome, Executor, Finished, Keep, run_once};
use crate::expectation::{Failure, Verdict};

/// What is different in each repetition of a sweep.
trait Axis {
    /// The repetitions, in their order.
    fn points(&self, seed: Seed, plain: &Shown) -> Vec<Point>;

    /// What the run without intervention was expected to have, and what was seen instead if it gives no points: a sweep
    /// without any repetition has shown nothing.
    fn needs(&self) -> (&'static str, &'static str);
}

/// One repetition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Point {
    /// This is done to the world at that moment.
    Intervention { at: Instant, command: Command },
    /// The first device runs this image.
    Image(FlashImage),
}

/// What the run without intervention has shown, besides its record.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The flash operations that began, in order.
    pub(super) flash_operations: Vec<FlashBegun>,
}

/// The axis of a scenario's sweep.
fn axis(sweep: &Sweep) -> Box<dyn Axis + '_> {
    match sweep {
        &Sweep::CutPowerAtEachFlashOperation { from, until, off_for } => {
            Box::new(flash_cuts::FlashCuts { from, until, off_for })
        }
        Sweep::Images(images) => Box::new(images::Images(images)),
    }
}

/// Runs the scenario without intervention, which tells what the repetitions are, and then each of them. One that is
/// given up has the runs until then.
pub(super) fn run(
    scenario: &Scenario,
    sweep: &Sweep,
    seed: Seed,
    executor: &Executor,
    watch: &Watch,
    keep: Keep<'_>,
) -> Result<CaseOutcome, GivenUp<CaseOutcome>> {
    let Finished { run, shown } = run_once(scenario, seed, 0, None, executor, watch, keep)
        .map_err(|GivenUp(run)| GivenUp(Box::new(CaseOutcome { runs: vec![*run] })))?;
    let axis = axis(sweep);
    let points = axis.points(seed, &shown);
    let mut runs = vec![run];
    if points.is_empty() {
        let (expected, seen) = axis.needs();
        runs[0].verdicts.push(Verdict::missed(expected, Failure { seen: seen.to_owned(), at: None }));
    }
    for (repetition, point) in (1..).zip(&points) {
        match run_once(scenario, seed, repetition, Some(point), executor, watch, keep) {
            Ok(finished) => runs.push(finished.run),
            Err(GivenUp(run)) => {
                runs.push(*run);
                return Err(GivenUp(Box::new(CaseOutcome { runs })));
            }
        }
    }
    Ok(CaseOutcome { runs })
}
