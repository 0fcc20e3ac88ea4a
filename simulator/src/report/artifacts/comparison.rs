//! `comparison.json`: all that was compared of a case on host and chip, pair by pair.

use serde::Serialize;
use simulator_scenario::model::Aspect;

use super::{Artifact, Made};
use crate::run::compare::{self, Difference, Happening, Pair, Sequence};

pub(super) const COMPARISON: Artifact = Artifact {
    file: "comparison.json",
    about: "with `--on both`: what host and chip did, side by side",
    made: Made::OfCase(|facts| {
        facts.results.comparison.as_ref().map(|comparison| Comparison::of(comparison).to_text())
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
    runs: Vec<RunOnBoth<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct RunOnBoth<'a> {
    /// A sweep's repetitions, from 1; 0 is the run without intervention.
    repetition: u32,
    entries: Vec<Row<'a>>,
    joins: Vec<Row<'a>>,
    reboots: Vec<Row<'a>>,
    led: Vec<Row<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Row<'a> {
    host: Option<Side<'a>>,
    esp8266: Option<Side<'a>>,
    /// How much later on the chip.
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
        let run = |repetition: &'a compare::Repetition| {
            let rows = |aspect: Aspect| {
                let of_aspect = |sequence: &&Sequence| sequence.aspect == aspect;
                let sequence = repetition.sequences.iter().find(of_aspect);
                sequence.map(|sequence| sequence.pairs.iter().map(row).collect()).unwrap_or_default()
            };
            RunOnBoth {
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

    /// As text, indented, with a final newline.
    fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a comparison is plain data");
        text.push('\n');
        text
    }
}

fn row(pair: &Pair) -> Row<'_> {
    Row {
        host: pair.host.as_ref().map(side),
        esp8266: pair.chip.as_ref().map(side),
        later_seconds: pair.later(),
        differs_in: pair.difference.map(|(aspect, _)| aspect.word()),
        how: pair.difference.map(|(_, how)| match how {
            Difference::Missing => "missing",
            Difference::Content => "content",
            Difference::Created => "created-at",
            Difference::Time => "time",
        }),
    }
}

fn side(happening: &Happening) -> Side<'_> {
    Side {
        at_seconds: happening.at.since_start().as_secs_f64(),
        what: &happening.what,
        created_at: happening.created_at,
    }
}
