//! The smallest scenario that still fails in the same way, and the limits at which it does.
//!
//! First whole parts are left out, by delta debugging (Zeller and Hildebrandt, *Simplifying and isolating
//! failure-inducing input*, 2002): faults, steps, phones, networks, tables that have defaults. Then keys that have
//! defaults; then durations, probabilities and counts become round. A smaller scenario counts only if the same
//! expectation fails and nothing fails that did not before; and if the scenario passes without its faults (or
//! without its faults, steps and phones), only if the smaller one does so, too: else it would fail for another reason,
//! such as a run that is too short for anything to come of it. At the end each value that is left is varied alone
//! ([`limits`]).

mod document;
pub mod limits;
mod round;

use std::collections::BTreeSet;
use std::path::Path;

use simulator_record::random::Seed;
use simulator_scenario::Scenario;
use toml_edit::DocumentMut;

use crate::expectation::Verdict;
use crate::run::watch::{Stop, Watch};
use crate::run::{Executor, quietly};
use document::{Part, Spot};

/// What fails, by which it is known again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failing {
    /// The expectation in words.
    pub text: String,
    /// Its author's reason.
    pub because: Option<String>,
    /// Its line in the file; none for what every scenario expects.
    pub line: Option<u32>,
    /// What was seen instead.
    pub seen: String,
}

impl Failing {
    fn of(verdict: &Verdict) -> Option<Self> {
        let failure = verdict.failure.as_ref()?;
        let line = verdict.place.map(|place| place.line);
        Some(Self { text: verdict.text.clone(), because: verdict.because.clone(), line, seen: failure.seen.clone() })
    }

    fn is(&self, other: &Self) -> bool {
        self.text == other.text && self.because == other.because && self.line.is_some() == other.line.is_some()
    }
}

/// A scenario that fails, and how it is tried again.
pub struct Trial<'f> {
    /// The file, for messages and for what it names.
    pub file: &'f Path,
    /// What executes the firmware.
    pub executor: &'f Executor,
    /// The seed.
    pub seed: Seed,
    /// The wish to stop.
    pub stop: Stop,
    /// How many runs there may still be.
    pub runs_left: u32,
    /// How many there were.
    pub runs: u32,
}

/// What came of it.
pub struct Shrunk {
    /// The smaller scenario's text.
    pub text: String,
    /// What fails.
    pub failing: Failing,
    /// What was left out, in words.
    pub left_out: Vec<String>,
    /// What has become round: where, from what, to what.
    pub rounded: Vec<(String, String, String)>,
    /// What the values that are left may be.
    pub limits: Vec<limits::Limit>,
    /// Whether there was time for all of it.
    pub finished: bool,
}

/// What a try came to.
enum Tried {
    /// It ran, and this failed.
    Ran(Vec<Failing>),
    /// The text is no scenario.
    NoScenario,
    /// There was no time for it: it was not run, or not to the end.
    NotRun,
}

impl Trial<'_> {
    /// Runs a scenario of this text.
    fn run(&mut self, text: &str) -> Tried {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
        let Ok(scenario) = Scenario::parse(&self.file.display().to_string(), text, &read) else {
            return Tried::NoScenario;
        };
        if self.exhausted() {
            return Tried::NotRun;
        }
        self.runs_left -= 1;
        self.runs += 1;
        let watch = Watch::new(self.stop.clone());
        let Ok((outcome, ())) = quietly(&scenario, self.seed, self.executor, &watch, (), |(), _| ()) else {
            return Tried::NotRun;
        };
        let failing: BTreeSet<Failing> = outcome
            .runs
            .iter()
            .flat_map(|run| run.verdicts.iter().filter(|it| !it.is_met()).filter_map(Failing::of))
            .collect();
        Tried::Ran(failing.into_iter().collect())
    }

    fn exhausted(&self) -> bool {
        self.runs_left == 0 || self.stop.requested()
    }
}

/// Shrinks a scenario that fails. `line` says which of several expectations is meant.
///
/// # Errors
/// If nothing fails, or not what is meant.
pub fn shrink(text: &str, line: Option<u32>, trial: &mut Trial<'_>) -> Result<Shrunk, String> {
    let original: DocumentMut = text.parse().map_err(|error| format!("this is not TOML: {error}"))?;
    let all = match trial.run(text) {
        Tried::Ran(failing) => failing,
        Tried::NoScenario => return Err("it is no scenario where it lies".to_owned()),
        Tried::NotRun => return Err("it was interrupted before it had run once".to_owned()),
    };
    let failing = match line {
        None => all.first().cloned().ok_or("it passes: nothing fails that could be shrunk; another --seed may")?,
        Some(line) => all.iter().find(|it| it.line == Some(line)).cloned().ok_or_else(|| {
            let lines: Vec<String> = all.iter().filter_map(|it| it.line).map(|line| line.to_string()).collect();
            match lines.as_slice() {
                [] => format!("the expectation in line {line} does not fail; none does"),
                lines => format!(
                    "the expectation in line {line} does not fail; those in these lines do: {}",
                    lines.join(", ")
                ),
            }
        })?,
    };
    let mut search = Search { trial, failing: failing.clone(), known: all, control: None };
    search.control = CONTROLS.into_iter().find(|causes| search.passes_without(&original, causes) == Some(true));
    let (mut document, mut left_out, mut rounded) = (original, Vec::new(), Vec::new());
    loop {
        let before = document.to_string();
        search.leave_out_parts(&mut document, &mut left_out);
        search.leave_out_keys(&mut document, &mut left_out);
        search.round(&mut document, &mut rounded);
        if document.to_string() == before || search.trial.exhausted() {
            break;
        }
    }
    search.leave_out_expectations(&mut document, &mut left_out);
    let limits = limits::limits(&mut search, &document);
    let finished = !search.trial.exhausted();
    let text = format!("{}\n", document.to_string().trim_end());
    Ok(Shrunk { text, failing, left_out, rounded, limits, finished })
}

/// The search, and by what a failure is known again.
struct Search<'t, 'f> {
    trial: &'t mut Trial<'f>,
    failing: Failing,
    /// All that failed at first.
    known: Vec<Failing>,
    /// Without these it passes, and so must what is smaller.
    control: Option<&'static [&'static str]>,
}

/// Without what a scenario may pass: the first of these tells what its failure is due to.
const CONTROLS: [&[&str]; 2] = [&["faults"], &["faults", "steps", "phones"]];

impl Search<'_, '_> {
    /// Whether a document fails in the same way and in no other, and for the same reason; `None` if there was no time
    /// to find out.
    fn fails(&mut self, document: &DocumentMut) -> Option<bool> {
        let failing = match self.trial.run(&document.to_string()) {
            Tried::Ran(failing) => failing,
            Tried::NoScenario => return Some(false),
            Tried::NotRun => return None,
        };
        let same = failing.iter().any(|it| it.is(&self.failing))
            && failing.iter().all(|it| self.known.iter().any(|known| known.is(it)));
        match self.control {
            Some(causes) if same => self.passes_without(document, causes),
            _ => Some(same),
        }
    }

    /// Whether the expectation is met in a document without these parts.
    fn passes_without(&mut self, document: &DocumentMut, causes: &[&str]) -> Option<bool> {
        let mut control = document.clone();
        for cause in causes {
            control.remove(cause);
        }
        match self.trial.run(&control.to_string()) {
            Tried::Ran(failing) => Some(!failing.iter().any(|it| it.is(&self.failing))),
            Tried::NoScenario => Some(false),
            Tried::NotRun => None,
        }
    }

    /// Delta debugging over whole parts.
    fn leave_out_parts(&mut self, document: &mut DocumentMut, left_out: &mut Vec<String>) {
        let all = document::parts(document);
        let kept = self.minimal(document, &all);
        for part in all.iter().filter(|part| !kept.contains(part)) {
            left_out.push(part.name.clone());
        }
        *document = document::without(document, &all, &kept);
    }

    /// Those of the parts that must stay (ddmin: halves, then quarters, then each by itself).
    fn minimal(&mut self, document: &DocumentMut, all: &[Part]) -> Vec<Part> {
        let mut kept = all.to_vec();
        let mut pieces = 1;
        while !kept.is_empty() && !self.trial.exhausted() {
            let size = kept.len().div_ceil(pieces);
            let rest = kept.chunks(size).enumerate().map(|(index, _)| {
                let rest = kept.chunks(size).enumerate().filter(|(other, _)| *other != index);
                rest.flat_map(|(_, parts)| parts.iter().cloned()).collect::<Vec<Part>>()
            });
            let rest: Vec<Vec<Part>> = rest.collect();
            match rest.into_iter().find(|rest| self.fails(&document::without(document, all, rest)) == Some(true)) {
                Some(smaller) => {
                    kept = smaller;
                    pieces = pieces.saturating_sub(1).max(1);
                }
                None if size == 1 => break,
                None => pieces = (pieces * 2).min(kept.len()),
            }
        }
        kept
    }

    /// Keys that have a default.
    fn leave_out_keys(&mut self, document: &mut DocumentMut, left_out: &mut Vec<String>) {
        for spot in document::optional_keys(document) {
            let mut smaller = document.clone();
            if document::remove(&mut smaller, &spot) && self.fails(&smaller) == Some(true) {
                left_out.push(spot.to_string());
                *document = smaller;
            }
        }
    }

    /// Values become the roundest ones with which it still fails.
    fn round(&mut self, document: &mut DocumentMut, rounded: &mut Vec<(String, String, String)>) {
        for spot in document::values(document) {
            let Some(value) = document::value(document, &spot) else { continue };
            let simpler = match spot.to_string() == "duration" {
                // A run becomes shorter, never longer; without a control nobody knows whether it is merely too short.
                true if self.control.is_some() => round::shorter(&value),
                true => Vec::new(),
                false => round::simpler(&value),
            };
            for simpler in simpler {
                let mut other = document.clone();
                document::set(&mut other, &spot, &simpler);
                if self.fails(&other) == Some(true) {
                    match rounded.iter_mut().find(|(known, ..)| *known == spot.to_string()) {
                        Some((.., now)) => *now = simpler.to_string(),
                        None => rounded.push((spot.to_string(), value.to_string(), simpler.to_string())),
                    }
                    *document = other;
                    break;
                }
            }
        }
    }

    /// Expectations that are not the failing one go last: until then they notice if something else breaks.
    fn leave_out_expectations(&mut self, document: &mut DocumentMut, left_out: &mut Vec<String>) {
        let all = document::expectations(document);
        for part in all.iter().rev() {
            let rest: Vec<Part> = all_of(document).into_iter().filter(|other| other != part).collect();
            let smaller = document::without(document, &all_of(document), &rest);
            if self.fails(&smaller) == Some(true) {
                left_out.push(part.name.clone());
                *document = smaller;
            }
        }
    }
}

fn all_of(document: &DocumentMut) -> Vec<Part> {
    document::expectations(document)
}

/// Where a value stands, for those who vary it.
type Place = Spot;
