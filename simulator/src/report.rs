//! What a run leaves behind: made from its events and verdicts alone, and feeding nothing back.
//!
//! A [`CaseReport`] is what is kept of a case once its folder is written: its verdict and evidence, but not its events,
//! of which a long run has many. A [`Session`] is all cases of one call of the command.

pub mod artifacts;
pub mod compare;
pub mod differ;
mod duration;
mod evidence;
pub mod explain;
pub mod folder;
pub mod index;
pub mod json;
pub mod junit;
pub mod lane;
mod page;
pub mod perfetto;
pub mod record;
pub mod reference;
mod strips;
pub mod terminal;
mod text;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use simulator_record::events::CrashReport;
use simulator_record::time::Instant;
use simulator_scenario::model::Scenario;
use simulator_world::device::Coverage;

use crate::run::receipts::Receipt;
use crate::run::{Case, CaseOutcome, Name, Results, case};
use compare::{Comparison, Pair};

/// All cases that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Those that were run, in order.
    pub reports: Vec<CaseReport>,
    /// Those that were not, in order.
    pub not_run: Vec<NotRun>,
    /// Whether somebody stopped the command before all were run.
    pub interrupted: bool,
    /// Whether they were run on a real board, in real time.
    pub on_a_rig: bool,
}

/// A case that was not run.
#[derive(Clone, Debug)]
pub struct NotRun {
    /// The case's name.
    pub name: String,
    /// The scenario's file as it was named.
    pub file: String,
    /// The scenario's title.
    pub title: String,
    /// The seed.
    pub seed: u64,
    /// How far it had come if it was under way when the rest was given up.
    pub given_up: Option<Begun>,
    /// What it needs that the rig cannot do, if that is why.
    pub needs: Vec<String>,
}

/// A case that was begun and not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Virtual time that its last run had reached.
    pub reached: Instant,
    /// Where lies what happened until then, below the output folder.
    pub folder: PathBuf,
}

impl Session {
    /// Whether all cases that were run passed.
    pub fn passed(&self) -> bool {
        self.reports.iter().all(CaseReport::passed)
    }

    /// How many cases failed.
    pub fn failed(&self) -> usize {
        self.reports.iter().filter(|report| !report.passed()).count()
    }

    /// What the emulated chip answered itself in all cases together; `None` if none ran on it.
    pub fn coverage(&self) -> Option<Coverage> {
        let mut parts = self.reports.iter().filter_map(|report| report.coverage.as_ref());
        let mut all = parts.next()?.clone();
        parts.for_each(|coverage| all.add(coverage));
        Some(all)
    }

    /// How many cases were skipped because the rig cannot do what they need.
    pub fn skipped(&self) -> usize {
        self.not_run.iter().filter(|case| !case.needs.is_empty()).count()
    }

    /// Why the other cases were not run.
    pub fn why_not_run(&self) -> &'static str {
        if self.interrupted { "interrupted" } else { "not run after the first failure" }
    }
}

impl NotRun {
    /// A case that was not run, or not to its end.
    pub fn new(case: &Case, scenario: &Scenario, given_up: Option<Begun>) -> Self {
        Self {
            name: case.name(scenario).to_string(),
            file: scenario.file.clone(),
            title: scenario.title.clone(),
            seed: case.seed.0,
            given_up,
            needs: Vec::new(),
        }
    }

    /// A case that needs what the rig cannot do.
    pub fn skipped(case: &Case, scenario: &Scenario, needs: Vec<String>) -> Self {
        Self { needs, ..Self::new(case, scenario, None) }
    }
}

/// What is kept of a case.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// The case's name: the file, and the seed where a range of seeds is run.
    pub name: String,
    /// The scenario's file as it was named.
    pub file: String,
    /// The scenario's title.
    pub title: String,
    /// The seed.
    pub seed: u64,
    /// How many runs it took with each subject: more than one for a sweep.
    pub runs: usize,
    /// The subjects, if it was run with more than one.
    pub subjects: Vec<Name>,
    /// What the subjects were found to have in common, if it was run with more than one.
    pub tallies: Vec<Tally>,
    /// Virtual time of all runs together.
    pub simulated: Duration,
    /// What was not as expected.
    pub failures: Vec<Failure>,
    /// What the emulated chip answered itself instead of running it as the device's code.
    pub coverage: Option<Coverage>,
    /// How often each fault, step and phone had an effect, with the first subject and without a sweep's interventions.
    pub receipts: Vec<Receipt>,
    /// The command that runs the case again.
    pub command: String,
    /// Where its output lies, below the output folder.
    pub folder: PathBuf,
}

/// How much of one kind happened with two subjects, over all runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// What is counted: `entries`, `joins`, `reboots`, `led`.
    pub word: &'static str,
    /// How many each of the two has, the first one first.
    pub counts: [(Name, usize); 2],
    /// How many differ, and may not.
    pub differ: usize,
    /// How many differ, and may.
    pub may_differ: usize,
    /// The most that something was later with the other one (or, below 0, earlier), in seconds.
    pub furthest: f64,
}

/// Something that was not as expected.
#[derive(Clone, Debug)]
pub struct Failure {
    /// In which of a sweep's repetitions, in order, never empty; 0 is the run without intervention. What else is said
    /// here is of the first of them.
    pub repetitions: Vec<u32>,
    /// With which subject, if the case was run with more than one and this is not about how they compare.
    pub subject: Option<Name>,
    /// Line of the expectation in the scenario's file; `None` for what every scenario expects.
    pub line: Option<u32>,
    /// What was expected.
    pub expected: String,
    /// Why, in the author's words.
    pub because: Option<String>,
    /// What was seen instead.
    pub seen: String,
    /// When it went wrong, in virtual time, if there is such a moment.
    pub at: Option<Instant>,
    /// What the emulated chip's registers and stack tell of it, if it was a crash or a watchdog's bite.
    pub report: Option<Box<CrashReport>>,
    /// Lines of the serial log around that moment, or the last ones; empty if they stand with an earlier failure. Where
    /// two subjects differ, first those of the first one and then those of the other.
    pub log: Vec<LogLine>,
}

/// A line of the serial log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The subject whose log it is, if the case was run with more than one.
    pub subject: Option<Name>,
    /// When it had left the device, in the world's virtual time. The line itself tells the time since the device
    /// started.
    pub at: Instant,
    /// The line.
    pub line: String,
}

impl Failure {
    /// The first repetition in which it happened.
    pub fn repetition(&self) -> u32 {
        self.repetitions.first().copied().unwrap_or(0)
    }
}

impl CaseReport {
    /// Keeps what is to be kept of a case's results and of how its subjects compare.
    fn new(case: &Case, scenario: &Scenario, results: &Results, comparisons: &[Comparison]) -> Self {
        let outcomes = || results.outcomes.iter().map(|on| &on.outcome);
        let names = results.outcomes.iter().map(|on| on.name);
        Self {
            name: case.name(scenario).to_string(),
            file: scenario.file.clone(),
            title: scenario.title.clone(),
            seed: case.seed.0,
            runs: outcomes().map(|outcome| outcome.runs.len()).max().unwrap_or(0),
            subjects: if results.outcomes.len() > 1 { names.collect() } else { Vec::new() },
            tallies: comparisons.iter().flat_map(tallies).collect(),
            simulated: outcomes().map(CaseOutcome::simulated).sum(),
            failures: evidence::failures(results, comparisons),
            coverage: outcomes().find_map(CaseOutcome::coverage),
            receipts: outcomes()
                .find_map(|outcome| outcome.runs.first())
                .map_or_else(Vec::new, |run| run.receipts.clone()),
            command: case.command(scenario),
            folder: case.folder(scenario),
        }
    }

    /// Whether all was as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// The folder in which a failure can be seen, below the output folder: the case's, one subject's or one
    /// repetition's.
    pub fn folder_of(&self, failure: &Failure) -> PathBuf {
        let mut folder = self.folder.clone();
        match failure.subject {
            Some(subject) => folder.push(case::subject_folder(subject)),
            // All subjects' logs, and `comparison.json`, are what shows how they compare.
            None if !self.subjects.is_empty() => return folder,
            None => {}
        }
        folder.extend(evidence::run_folder(failure.repetition()));
        folder
    }
}

/// Counts what a comparison shows.
fn tallies(comparison: &Comparison) -> Vec<Tally> {
    let mut tallies: Vec<Tally> = Vec::new();
    for sequence in comparison.repetitions.iter().flat_map(|repetition| &repetition.sequences) {
        let word = sequence.aspect.word();
        let (first, other) = sequence.counts();
        let counts = [(comparison.first, first), (comparison.other, other)];
        let differing = sequence.pairs.iter().filter_map(|pair| pair.difference);
        let (may_differ, differ): (Vec<_>, Vec<_>) = differing.partition(|(aspect, _)| comparison.allows(*aspect));
        let later = sequence.pairs.iter().filter_map(Pair::later);
        let furthest = later.fold(0.0, |most: f64, later| if later.abs() > most.abs() { later } else { most });
        let here = Tally { word, counts, differ: differ.len(), may_differ: may_differ.len(), furthest };
        match tallies.iter_mut().find(|tally| tally.word == word) {
            Some(tally) => tally.add(&here),
            None => tallies.push(here),
        }
    }
    tallies
}

impl Tally {
    fn add(&mut self, other: &Self) {
        for ((_, count), (_, more)) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.differ += other.differ;
        self.may_differ += other.may_differ;
        if other.furthest.abs() > self.furthest.abs() {
            self.furthest = other.furthest;
        }
    }
}
