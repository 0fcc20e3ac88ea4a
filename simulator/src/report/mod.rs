//! What a run leaves behind: made from its events and verdicts alone, and feeding nothing back.
//!
//! A [`CaseReport`] is what is kept of a case once its folder is written: its verdict and evidence, but not its events,
//! of which a long run has many.

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
use crate::run::{Case, Outcome, Run};
use crate::scenario::model::Scenario;
use crate::time::Instant;

/// How many lines of the serial log stand below a failure.
const LAST_LINES: usize = 8;

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
    /// The last lines of the serial log of the run that failed first.
    pub last_lines: Vec<(Instant, String)>,
    /// The command that runs the case again.
    pub command: String,
    /// Where its output lies.
    pub folder: PathBuf,
}

/// Something that was not as expected.
#[derive(Clone, Debug)]
pub struct Failure {
    /// In which of a sweep's repetitions; 0 is the run without intervention.
    pub repetition: u32,
    /// Line of the expectation in the scenario's file; `None` for what every scenario expects.
    pub line: Option<u32>,
    /// What was expected.
    pub expected: String,
    /// Why, in the author's words.
    pub because: Option<String>,
    /// What was seen instead.
    pub seen: String,
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
        let failures = outcome.runs.iter().flat_map(|run| {
            run.failures().map(|(verdict, failure)| Failure {
                repetition: run.repetition,
                line: verdict.place.map(|place| place.line),
                expected: verdict.text.clone(),
                because: verdict.because.clone(),
                seen: failure.seen.clone(),
            })
        });
        let unlike = difference.map(|difference| Failure {
            repetition: difference.repetition,
            line: None,
            expected: "the same events in each run of the same seed".to_owned(),
            because: None,
            seen: difference.describe(),
        });
        Self {
            name: case.name(scenario).to_string(),
            file: scenario.file.clone(),
            title: scenario.title.clone(),
            seed: case.seed.0,
            runs: outcome.runs.len(),
            simulated: outcome.simulated(),
            failures: failures.chain(unlike).collect(),
            last_lines: last_lines(outcome.telling_run(), LAST_LINES),
            command: case.command(scenario),
            folder,
        }
    }

    /// Whether all was as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// The failures, the last log lines and the way to see it again, as plain text.
    pub fn evidence(&self) -> String {
        let mut text = String::new();
        let mut line = |label: &str, content: &str| {
            let mut label = label;
            for part in content.lines() {
                writeln!(text, "{label:<10}{part}").expect("writing to a string cannot fail");
                label = "";
            }
        };
        let shown = 5;
        for failure in self.failures.iter().take(shown) {
            let repetition = match failure.repetition {
                0 => String::new(),
                number => format!(", repetition {number}"),
            };
            let place = failure.line.map(|line| format!("  ({}:{line}{repetition})", self.file));
            line("expected", &format!("{}{}", failure.expected, place.unwrap_or(repetition)));
            if let Some(because) = &failure.because {
                line("because", because);
            }
            line("saw", &failure.seen);
        }
        if self.failures.len() > shown {
            line("", &format!("… and {} more", self.failures.len() - shown));
        }
        if !self.last_lines.is_empty() {
            let log: Vec<_> = self.last_lines.iter().map(|(_, line)| line.as_str()).collect();
            line("log", &log.join("\n"));
        }
        line("again", &self.command);
        line("output", &self.folder.display().to_string());
        text
    }
}

fn last_lines(run: &Run, count: usize) -> Vec<(Instant, String)> {
    let mut lines: Vec<_> = run.serial().rev().take(count).map(|(at, line)| (at, line.to_owned())).collect();
    lines.reverse();
    lines
}
