//! Runs: one scenario, once, with one seed.
//!
//! A [`Case`] says what is run; [`run`] builds the world, lets the director carry out the timeline, and judges the
//! record by the scenario's expectations. Everything a run leaves behind is made from its [`Outcome`] afterwards
//! ([`crate::report`]).

pub mod build;
pub mod case;
pub mod compare;
pub mod determinism;
pub mod pool;
mod results;
mod sweep;
pub mod watch;

#[cfg(test)]
mod rates;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::device::Coverage;
use crate::device::esp8266::Image;
use crate::director::Director;
use crate::events::{self, Event, EventKind};
use crate::expectation::{self, Failure, Verdict};
use crate::random::Seed;
use crate::scenario::model::Scenario;
use crate::time::Instant;

pub use case::Case;
pub use results::{OnTarget, Results, results};
use watch::{GivenUp, Watch};

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The runs it consists of: one, or one for each repetition of a sweep.
    pub runs: Vec<Run>,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which of a sweep's repetitions, from 1; 0 is the run without intervention (and the only one without a sweep).
    pub repetition: u32,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// When the run ended.
    pub end: Instant,
    /// What became of each expectation, in the file's order, and then the implicit ones that failed.
    pub verdicts: Vec<Verdict>,
    /// What the emulated chip answered itself instead of running it as the device's code.
    pub coverage: Option<Coverage>,
}

impl Outcome {
    /// Whether all expectations were met in all runs.
    pub fn passed(&self) -> bool {
        self.runs.iter().all(Run::passed)
    }

    /// The first run that failed, or the last one.
    pub fn telling_run(&self) -> &Run {
        let last = self.runs.last().expect("a case has at least one run");
        self.runs.iter().find(|run| !run.passed()).unwrap_or(last)
    }

    /// What the emulated chip answered itself in all runs together.
    pub fn coverage(&self) -> Option<Coverage> {
        let mut parts = self.runs.iter().filter_map(|run| run.coverage.as_ref());
        let mut all = parts.next()?.clone();
        parts.for_each(|coverage| all.add(coverage));
        Some(all)
    }

    /// How much virtual time was simulated.
    pub fn simulated(&self) -> Duration {
        self.runs.iter().map(|run| run.end.since_start()).sum()
    }
}

impl Run {
    /// Whether all expectations were met.
    pub fn passed(&self) -> bool {
        self.verdicts.iter().all(Verdict::is_met)
    }

    /// What was not met.
    pub fn failures(&self) -> impl Iterator<Item = (&Verdict, &Failure)> {
        self.verdicts.iter().filter_map(|verdict| Some((verdict, verdict.failure.as_ref()?)))
    }

    /// The lines of the serial log, with the times at which they had left the device.
    pub fn serial(&self) -> impl DoubleEndedIterator<Item = (Instant, &str)> {
        self.events.iter().filter_map(|event| match &event.kind {
            EventKind::Serial(events::Serial { line }) => Some((event.at, line.as_str())),
            _ => None,
        })
    }
}

/// What executes the firmware.
#[derive(Clone, Debug, Default)]
pub enum On {
    /// This machine: the firmware crate compiled for it.
    #[default]
    Host,
    /// The emulated chip: the ESP-07's image.
    Esp8266(Arc<Image>),
}

/// What a target is called, on the command line and in folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetName {
    /// `host`.
    Host,
    /// `esp8266`.
    Esp8266,
}

impl TargetName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Host, Self::Esp8266];
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Esp8266 => "esp8266",
        })
    }
}

impl On {
    /// What it is called.
    pub fn name(&self) -> TargetName {
        match self {
            Self::Host => TargetName::Host,
            Self::Esp8266(_) => TargetName::Esp8266,
        }
    }
}

/// Runs a scenario with a seed: once, or once for each repetition of its sweep.
///
/// # Panics
/// Never: nobody can give up a run that nobody watches.
pub fn run(scenario: &Scenario, seed: Seed) -> Outcome {
    match run_watched(scenario, seed, &On::Host, &Watch::default()) {
        Ok(outcome) => outcome,
        Err(_) => unreachable!("nobody else has the watch"),
    }
}

/// The same on a target of choice, for somebody who watches.
///
/// # Errors
/// If it was given up: what was run until then.
pub fn run_watched(scenario: &Scenario, seed: Seed, on: &On, watch: &Watch) -> Result<Outcome, GivenUp<Outcome>> {
    let outcome = |run| Outcome { runs: vec![run] };
    match scenario.sweep {
        None => match run_once(scenario, seed, 0, on, watch) {
            Ok(Finished { run, .. }) => Ok(outcome(run)),
            Err(GivenUp(run)) => Err(GivenUp(Box::new(outcome(*run)))),
        },
        Some(_) => sweep::run(scenario, seed, on, watch),
    }
}

/// A run, and what only a sweep wants to know of it.
struct Finished {
    run: Run,
    flash_operations: u32,
}

fn run_once(
    scenario: &Scenario,
    seed: Seed,
    repetition: u32,
    on: &On,
    watch: &Watch,
) -> Result<Finished, GivenUp<Run>> {
    let mut world = build::world_on(scenario, seed, on);
    let mut director = Director::new(scenario, repetition, &mut world);
    let mut end = Instant::START + scenario.duration;
    while let Some(at) = world.next_at().filter(|at| *at <= end) {
        if !watch.goes_on(repetition, at, world.crashes()) {
            let (end, coverage) = (world.now(), world.coverage());
            return Err(GivenUp(Box::new(Run {
                repetition,
                events: world.finish(end),
                end,
                verdicts: Vec::new(),
                coverage,
            })));
        }
        world.step();
        director.observe(&mut world);
    }
    let flash_operations = world.flash_operations_watched();
    let coverage = world.coverage();
    end = world.ended().map_or(end, |ended| ended.min(end));
    let events = world.finish(end);
    let mut verdicts = expectation::evaluate(&scenario.expectations, &events, end);
    verdicts.extend(expectation::implicit(scenario.allow, &events));
    verdicts.extend(expectation::storms(scenario, &events, end));
    // A repetition of a sweep may well take away what the timeline waits for.
    if repetition == 0 {
        verdicts.extend(expectation::timeline(scenario, &events, end));
    }
    expectation::say_why_it_ended(&mut verdicts, &events);
    Ok(Finished { run: Run { repetition, events, end, verdicts, coverage }, flash_operations })
}
