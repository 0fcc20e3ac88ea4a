//! `comparison.json`: all that was compared of a case with two subjects, pair by pair; of a case with more, a list with
//! a comparison of the first with each other.

use serde::Serialize;
use serde_json::{Map, Value};
use simulator_scenario::model::Aspect;

use super::{Artifact, Made};
use crate::report::compare::{self, Difference, Happening, Pair, Sequence};

pub(super) const COMPARISON: Artifact = Artifact {
    file: "comparison.json",
    about: "with `--on both` or `--against`: what the two did, side by side",
    made: Made::OfCase(|facts| {
        let all: Vec<Comparison<'_>> = facts.comparisons.iter().map(Comparison::of).collect();
        Ok(match all.as_slice() {
            [] => None,
            [only] => Some(text(only)),
            several => Some(text(&several)),
        })
    }),
};

/// The file.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Comparison<'a> {
    agrees: bool,
    tolerance_seconds: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    may_differ: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'a str>,
    runs: Vec<ComparedRun>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ComparedRun {
    /// A sweep's repetitions, from 1; 0 is the run without intervention.
    repetition: u32,
    entries: Vec<Row>,
    joins: Vec<Row>,
    reboots: Vec<Row>,
    led: Vec<Row>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Row {
    /// What each of the two has, by its name.
    #[serde(flatten)]
    sides: Map<String, Value>,
    /// How much later with the other one than with the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    later_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differs_in: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Side<'a> {
    /// Virtual time.
    at_seconds: f64,
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
}

impl<'a> Comparison<'a> {
    /// Everything that a comparison found.
    fn of(comparison: &'a compare::Comparison) -> Self {
        let run = |repetition: &compare::Repetition| {
            let rows = |aspect: Aspect| {
                let of_aspect = |sequence: &&Sequence| sequence.aspect == aspect;
                let sequence = repetition.sequences.iter().find(of_aspect);
                sequence
                    .map(|sequence| sequence.pairs.iter().map(|pair| row(comparison, pair)).collect())
                    .unwrap_or_default()
            };
            ComparedRun {
                repetition: repetition.number,
                entries: rows(Aspect::Entries),
                joins: rows(Aspect::Joins),
                reboots: rows(Aspect::Reboots),
                led: rows(Aspect::Led),
            }
        };
        Self {
            agrees: comparison.agrees(),
            tolerance_seconds: comparison.targets.tolerance.as_secs_f64(),
            may_differ: comparison.targets.may_differ.iter().map(|aspect| aspect.word()).collect(),
            because: comparison.targets.because.as_deref(),
            runs: comparison.repetitions.iter().map(run).collect(),
        }
    }
}

/// As text, indented, with a final newline.
fn text(comparisons: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(comparisons).expect("a comparison is plain data");
    text.push('\n');
    text
}

fn row(comparison: &compare::Comparison, pair: &Pair) -> Row {
    let sides = [(comparison.first, &pair.first), (comparison.other, &pair.other)];
    Row {
        sides: sides.into_iter().map(|(name, of)| (name.to_string(), value(of.as_ref()))).collect(),
        later_seconds: pair.later(),
        differs_in: pair.difference.map(|(aspect, _)| aspect.word()),
        how: pair.difference.map(|(_, how)| word(how)),
    }
}

/// How two differ, in a word.
pub(in crate::report) fn word(how: Difference) -> &'static str {
    match how {
        Difference::Missing => "missing",
        Difference::Content => "content",
        Difference::Created => "created-at",
        Difference::Time => "time",
    }
}

/// What one of the two has: nothing, or what happened.
fn value(happening: Option<&Happening>) -> Value {
    serde_json::to_value(happening.map(side)).expect("what happened is plain data")
}

fn side(happening: &Happening) -> Side<'_> {
    Side {
        at_seconds: happening.at.since_start().as_secs_f64(),
        what: &happening.what,
        created_at: happening.created_at,
    }
}
