//! One scenario with many seeds: what came of all of them together.
//!
//! Nothing is kept of a seed but what a [`Tally`] adds up: how often each expectation failed, how long gaps and uploads
//! were, which seeds were worst. It takes as much memory for a million seeds as for a thousand. Tallies of shares add
//! up to the tally of the whole, so that a report is the same from one machine and from many.

mod histogram;
pub mod report;
pub mod tally;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

use simulator_record::random::Seed;
use simulator_scenario::model::Scenario;

use crate::run::case::Shard;
use crate::run::watch::{Stop, Watch};
use crate::run::{Executor, pool, quietly};
use tally::{Noted, Tally};

/// So many seeds are handed out together: what came of them is added up before the next ones begin.
const BATCH: usize = 4_096;

/// What is to be run.
pub struct Plan<'s> {
    /// The scenario.
    pub scenario: &'s Scenario,
    /// What executes the firmware.
    pub executor: &'s Executor,
    /// SHA-256 of the image, if there is one.
    pub image: Option<String>,
    /// All seeds.
    pub seeds: RangeInclusive<u64>,
    /// Seeds that failed before, which come first.
    pub first: Vec<u64>,
    /// Which share of them.
    pub shard: Option<Shard>,
    /// So many at once.
    pub jobs: NonZeroUsize,
    /// Whether to begin no more after the first failure.
    pub fail_fast: bool,
}

/// What came of it.
pub struct Ran {
    /// What was added up.
    pub tally: Tally,
    /// Of the seeds that had failed before those that were not run: they are of another range or share, or there was no
    /// time.
    pub left: BTreeSet<u64>,
}

/// Who is told how it goes.
pub trait Progress: Sync {
    /// A seed is done.
    fn done(&self, failed: bool);
}

/// preflash itself came to grief with this seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bug(pub u64);

/// Runs all of it, or until `stop`.
///
/// # Errors
/// If there is a bug in preflash.
pub fn run(plan: &Plan<'_>, stop: &Stop, progress: &dyn Progress) -> Result<Ran, Bug> {
    let mut tally = Tally::new(plan.scenario, plan.executor.name(), plan.image.clone(), &plan.seeds);
    let is_in = |seed: &u64| plan.seeds.contains(seed) && plan.takes(*seed);
    let mut first: Vec<u64> = plan.first.iter().copied().filter(is_in).collect();
    first.sort_unstable();
    first.dedup();
    let mut left: BTreeSet<u64> = plan.first.iter().copied().collect();
    let rest = plan.seeds.clone().filter(|seed| plan.takes(*seed) && first.binary_search(seed).is_err());
    let mut all = first.iter().copied().chain(rest);
    loop {
        let batch: Vec<u64> = all.by_ref().take(BATCH).collect();
        if batch.is_empty() || stop.requested() {
            break;
        }
        plan.batch(&batch, &mut tally, &mut left, stop, progress)?;
        if plan.fail_fast && tally.failed > 0 {
            break;
        }
    }
    Ok(Ran { tally, left })
}

impl Plan<'_> {
    /// Whether a seed is of the share.
    fn takes(&self, seed: u64) -> bool {
        self.shard.is_none_or(|shard| shard.takes(seed - self.seeds.start()))
    }

    fn batch(
        &self,
        seeds: &[u64],
        tally: &mut Tally,
        left: &mut BTreeSet<u64>,
        stop: &Stop,
        progress: &dyn Progress,
    ) -> Result<(), Bug> {
        let order: Vec<usize> = (0..seeds.len()).collect();
        let ended = Stop::default();
        let work = |index: usize| {
            // With --fail-fast no later seed is begun; what came of those that were is not looked at.
            if stop.requested() || ended.requested() {
                return None;
            }
            let watch = Watch::new(stop.clone());
            let (outcome, notes) =
                quietly(self.scenario, Seed(seeds[index]), self.executor, &watch, Noted::default(), Noted::note)
                    .ok()?;
            let failed = !outcome.passed();
            if failed && self.fail_fast {
                ended.request();
            }
            progress.done(failed);
            Some((outcome, notes))
        };
        let pool_stop = Stop::default();
        let mut over = false;
        let ran = pool::run(&order, self.jobs, &pool_stop, work, |index, result| {
            if let Some((outcome, notes)) = result.filter(|_| !over) {
                over = self.fail_fast && !outcome.passed();
                left.remove(&seeds[index]);
                tally.add(seeds[index], &outcome, notes);
            }
        });
        ran.map_err(|pool::Panicked(index)| Bug(seeds[index]))
    }
}
