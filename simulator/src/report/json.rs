//! The run's summary as JSON: what passed, what failed and why, and where the evidence lies.
//!
//! It holds no wall-clock times, and its paths lead on from the folder in which it lies, so that the same scenarios,
//! seeds and binary give the same bytes wherever they are run.

use serde::Serialize;
use serde_json::{Map, Value};
use simulator_record::events::CrashReport;
use simulator_world::device::Coverage;

use super::{CaseReport, LogLine, NotRun, Session, Tally};
use crate::run::Name;
use crate::run::receipts::Receipt;

/// The summary of all cases.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary<'a> {
    passed: usize,
    failed: usize,
    not_run: usize,
    interrupted: bool,
    cases: Vec<CaseSummary<'a>>,
    cases_not_run: Vec<NotRunSummary<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct CaseSummary<'a> {
    file: &'a str,
    title: &'a str,
    seed: u64,
    passed: bool,
    runs: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<String>,
    simulated_seconds: f64,
    /// What the subjects did, if there were several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    comparison: Vec<TallySummary>,
    failures: Vec<Failure<'a>>,
    /// On the emulated chip.
    #[serde(skip_serializing_if = "Option::is_none")]
    chip: Option<&'a Coverage>,
    #[serde(skip_serializing_if = "<[Receipt]>::is_empty")]
    receipts: &'a [Receipt],
    reproduce: &'a str,
    output: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct TallySummary {
    of: &'static str,
    /// How many each of the two subjects has, by its name.
    #[serde(flatten)]
    counts: Map<String, Value>,
    differ: usize,
    may_differ: usize,
    furthest_seconds: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct NotRunSummary<'a> {
    file: &'a str,
    title: &'a str,
    seed: u64,
    /// Virtual time, of a case that was under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    reached_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// What it needs that the rig cannot do.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    needs: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Failure<'a> {
    /// A sweep's repetitions, from 1; 0 is the run without intervention.
    #[serde(skip_serializing_if = "Option::is_none")]
    repetitions: Option<&'a [u32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    expected: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'a str>,
    seen: &'a str,
    /// Virtual time.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_seconds: Option<f64>,
    /// Of a crash or a watchdog's bite on the emulated chip.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a CrashReport>,
    log: Vec<Line<'a>>,
    output: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Line<'a> {
    /// Whose log it is, if there are two.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// Virtual time.
    at_seconds: f64,
    line: &'a str,
}

impl<'a> Summary<'a> {
    /// Sums up a session's cases, in order.
    pub fn of(session: &'a Session) -> Self {
        let failed = session.failed();
        Self {
            passed: session.reports.len() - failed,
            failed,
            not_run: session.not_run.len(),
            interrupted: session.interrupted,
            cases: session.reports.iter().map(case).collect(),
            cases_not_run: session.not_run.iter().map(not_run).collect(),
        }
    }

    /// The summary as text, indented, with a final newline.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a summary is plain data");
        text.push('\n');
        text
    }
}

fn case(report: &CaseReport) -> CaseSummary<'_> {
    CaseSummary {
        file: &report.file,
        title: &report.title,
        seed: report.seed,
        passed: report.passed(),
        runs: report.runs,
        targets: report.subjects.iter().map(Name::to_string).collect(),
        comparison: report.tallies.iter().map(tally).collect(),
        simulated_seconds: report.simulated.as_secs_f64(),
        failures: report.failures.iter().map(|failure| self::failure(report, failure)).collect(),
        chip: report.coverage.as_ref(),
        receipts: &report.receipts,
        reproduce: &report.command,
        output: report.folder.display().to_string(),
    }
}

fn tally(tally: &Tally) -> TallySummary {
    TallySummary {
        of: tally.word,
        counts: tally.counts.iter().map(|(name, count)| (name.to_string(), (*count).into())).collect(),
        differ: tally.differ,
        may_differ: tally.may_differ,
        furthest_seconds: tally.furthest,
    }
}

fn not_run(case: &NotRun) -> NotRunSummary<'_> {
    NotRunSummary {
        file: &case.file,
        title: &case.title,
        seed: case.seed,
        reached_seconds: case.given_up.as_ref().map(|begun| begun.reached.since_start().as_secs_f64()),
        output: case.given_up.as_ref().map(|begun| begun.folder.display().to_string()),
        needs: &case.needs,
    }
}

fn failure<'a>(report: &CaseReport, failure: &'a super::Failure) -> Failure<'a> {
    let line = |log: &'a LogLine| Line {
        target: log.subject.map(|subject| subject.to_string()),
        at_seconds: log.at.since_start().as_secs_f64(),
        line: &log.line,
    };
    Failure {
        repetitions: (report.runs > 1).then_some(failure.repetitions.as_slice()),
        target: failure.subject.map(|subject| subject.to_string()),
        line: failure.line,
        expected: &failure.expected,
        because: failure.because.as_deref(),
        seen: &failure.seen,
        at_seconds: failure.at.map(|at| at.since_start().as_secs_f64()),
        report: failure.report.as_deref(),
        log: failure.log.iter().map(line).collect(),
        output: report.folder_of(failure).display().to_string(),
    }
}
