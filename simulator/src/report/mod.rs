//! What a run leaves behind: made from its events and verdicts alone, and feeding nothing back.
//!
//! A [`CaseReport`] is what is kept of a case once its folder is written: its verdict and evidence, but not its events,
//! of which a long run has many. A [`Session`] is all cases of one call of the command.

mod evidence;
pub mod folder;
pub mod json;
pub mod junit;
pub mod terminal;

#[cfg(test)]
mod tests;

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::run::determinism::Difference;
use crate::run::{Case, Outcome};
use crate::scenario::model::Scenario;
use crate::time::Instant;

/// All cases that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Those that were run, in order.
    pub reports: Vec<CaseReport>,
    /// Those that were not, in order.
    pub not_run: Vec<NotRun>,
    /// Whether somebody stopped the command before all were run.
    pub interrupted: bool,
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

    /// Why cases were not run.
    pub fn why_not_run(&self) -> &'static str {
        if self.interrupted { "interrupted" } else { "not run after the first failure" }
    }
}

impl NotRun {
    /// A case that was not run.
    pub fn new(case: &Case, scenario: &Scenario) -> Self {
        Self {
            name: case.name(scenario).to_string(),
            file: scenario.file.clone(),
            title: scenario.title.clone(),
            seed: case.seed.0,
        }
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
    /// How many runs it took: more than one for a sweep.
    pub runs: usize,
    /// Virtual time of all runs together.
    pub simulated: Duration,
    /// What was not as expected.
    pub failures: Vec<Failure>,
    /// The command that runs the case again.
    pub command: String,
    /// Where its output lies.
    pub folder: PathBuf,
}

/// Something that was not as expected.
#[derive(Clone, Debug)]
pub struct Failure {
    /// In which of a sweep's repetitions, in order, never empty; 0 is the run without intervention. What else is said
    /// here is of the first of them.
    pub repetitions: Vec<u32>,
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
    /// Lines of the serial log around that moment, or the last ones; empty if they stand with an earlier failure.
    pub log: Vec<LogLine>,
}

/// A line of the serial log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it had left the device, in the world's virtual time. The line itself tells the time since the device started.
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
    /// Keeps what is to be kept of an outcome; `difference` is what a second run of the case had different.
    pub fn new(
        case: &Case,
        scenario: &Scenario,
        outcome: &Outcome,
        difference: Option<Difference>,
        folder: PathBuf,
    ) -> Self {
        Self {
            name: case.name(scenario).to_string(),
            file: scenario.file.clone(),
            title: scenario.title.clone(),
            seed: case.seed.0,
            runs: outcome.runs.len(),
            simulated: outcome.simulated(),
            failures: evidence::failures(outcome, difference.as_ref()),
            command: case.command(scenario),
            folder,
        }
    }

    /// Whether all was as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// The folder in which a failure can be seen: the case's, or one repetition's.
    pub fn folder_of(&self, failure: &Failure) -> PathBuf {
        evidence::run_folder(failure.repetition()).map_or_else(|| self.folder.clone(), |name| self.folder.join(name))
    }

    /// The failures with the log around them, and the way to see them again, as plain text.
    pub fn evidence(&self) -> String {
        let mut text = String::new();
        let mut line = |label: &str, content: &str| {
            let mut label = label;
            for part in content.lines() {
                writeln!(text, "{label:<10}{part}").expect("writing to a string cannot fail");
                label = "";
            }
        };
        for failure in self.failures.iter().take(evidence::SHOWN) {
            let place = failure.line.map(|line| format!("{}:{line}", self.file));
            let repetitions = (self.runs > 1).then(|| evidence::repetitions(&failure.repetitions));
            let places: Vec<String> = [place, repetitions].into_iter().flatten().collect();
            let places = if places.is_empty() { String::new() } else { format!("  ({})", places.join("; ")) };
            line("expected", &format!("{}{places}", failure.expected));
            if let Some(because) = &failure.because {
                line("because", because);
            }
            let of = match (failure.repetitions.len(), failure.repetition()) {
                (1, _) => String::new(),
                (_, first) => format!("in {}: ", evidence::repetitions(&[first])),
            };
            line("saw", &format!("{of}{}", failure.seen));
            let moments: Vec<String> = failure.log.iter().map(|LogLine { at, .. }| at.to_string()).collect();
            let width = moments.iter().map(String::len).max().unwrap_or(0);
            let log: Vec<String> =
                failure.log.iter().zip(moments).map(|(log, at)| format!("{at:>width$} s  {}", log.line)).collect();
            line("log", &log.join("\n"));
        }
        if let Some(more) = self.failures.len().checked_sub(evidence::SHOWN).filter(|more| *more > 0) {
            line("", &format!("… and {more} more"));
        }
        line("again", &self.command);
        let folder = self.failures.first().map_or_else(|| self.folder.clone(), |failure| self.folder_of(failure));
        line("output", &folder.display().to_string());
        text
    }
}
