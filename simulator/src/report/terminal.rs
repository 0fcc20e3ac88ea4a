//! What a person sees: progress while scenarios run, one line a case, the evidence below a failure, the totals.
//!
//! Progress goes to standard error and only to a terminal; colours stand only on a terminal (`anstream`).

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::CaseReport;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// Progress over all cases; nothing unless standard error is a terminal.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Progress over so many cases.
    pub fn new(cases: usize) -> Self {
        let target =
            if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} scenarios, {elapsed}")
            .expect("the template is well-formed");
        let bar = ProgressBar::with_draw_target(Some(cases as u64), target).with_style(style);
        bar.tick();
        Self { bar }
    }

    /// One case is done; `print` runs with the bar out of the way.
    pub fn advance(&self, print: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.bar.inc(1);
        self.bar.suspend(print)
    }

    /// All are done, or no more will be.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// One line for a case, and the evidence below it if it failed.
///
/// # Errors
/// Whatever writing says.
pub fn write_case(out: &mut impl Write, report: &CaseReport) -> io::Result<()> {
    let (style, word) = if report.passed() { (GOOD, "PASS") } else { (BAD, "FAIL") };
    let runs = match report.runs {
        1 => String::new(),
        runs => format!(", {runs} runs"),
    };
    let simulated = format_duration(report.simulated);
    writeln!(out, "{style}{word}{style:#}  {}  {FAINT}({}, {simulated}{runs}){FAINT:#}", report.title, report.name)?;
    if !report.passed() {
        for line in report.evidence().lines() {
            writeln!(out, "      {line}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// The totals; `left` cases were not run because of an earlier failure.
///
/// # Errors
/// Whatever writing says.
pub fn write_totals(out: &mut impl Write, reports: &[CaseReport], left: usize, took: Duration) -> io::Result<()> {
    let failed = reports.iter().filter(|report| !report.passed()).count();
    let simulated: Duration = reports.iter().map(|report| report.simulated).sum();
    // A failure has a blank line behind it already.
    if reports.last().is_none_or(CaseReport::passed) {
        writeln!(out)?;
    }
    writeln!(out, "{} passed, {failed} failed", reports.len() - failed)?;
    if left > 0 {
        writeln!(out, "{left} not run after the first failure")?;
    }
    let speed = simulated.as_secs_f64() / took.as_secs_f64().max(1e-9);
    writeln!(
        out,
        "{FAINT}{} simulated in {:.2} s, {speed:.0} times as fast as real time{FAINT:#}",
        format_duration(simulated),
        took.as_secs_f64()
    )
}

/// A duration in its largest units, whole seconds at the finest: `1day 2h 3m`.
fn format_duration(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}
