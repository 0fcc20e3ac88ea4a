//! The run's summary as JSON: what passed, what failed and why, and where the evidence lies.
//!
//! It holds no wall-clock times, so that the same scenarios, seeds and binary give the same bytes.

use serde::Serialize;

use super::CaseReport;

/// The summary of all cases.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary<'a> {
    passed: usize,
    failed: usize,
    cases: Vec<CaseSummary<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct CaseSummary<'a> {
    file: &'a str,
    title: &'a str,
    seed: u64,
    passed: bool,
    runs: usize,
    simulated_seconds: f64,
    failures: Vec<Failure>,
    reproduce: &'a str,
    output: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Failure {
    #[serde(skip_serializing_if = "Option::is_none")]
    repetition: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    expected: String,
    seen: String,
}

impl<'a> Summary<'a> {
    /// Sums up cases, in order.
    pub fn of(reports: &'a [CaseReport]) -> Self {
        let passed = reports.iter().filter(|report| report.passed()).count();
        Self { passed, failed: reports.len() - passed, cases: reports.iter().map(case).collect() }
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
        simulated_seconds: report.simulated.as_secs_f64(),
        failures: report.failures.iter().map(failure).collect(),
        reproduce: &report.command,
        output: report.folder.display().to_string(),
    }
}

fn failure(failure: &super::Failure) -> Failure {
    Failure {
        repetition: (failure.repetition > 0).then_some(failure.repetition),
        line: failure.line,
        expected: failure.expected.clone(),
        seen: failure.seen.clone(),
    }
}
