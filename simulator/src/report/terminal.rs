//! What a person sees: progress while scenarios run, one line a case, the evidence below a failure, the totals.
//!
//! Progress goes to standard error: a bar on a terminal, elsewhere a line for each minute that the scenarios take;
//! colours stand only on a terminal (`anstream`).

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use simulator_scenario::model::Scenario;
use simulator_scenario::words::times;

use super::duration::format_duration;
use super::evidence::listed;
use super::{Begun, CaseReport, NotRun, Session};
use crate::run::case::Shard;
use crate::run::watch::Watch;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const SKIP: Style = AnsiColor::Yellow.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// How often the progress is drawn.
const TICK: Duration = Duration::from_millis(200);
/// How often a line is written where there is no terminal to draw on.
const LINE_EVERY: Duration = Duration::from_mins(1);
/// How many of the scenarios that are running are named.
const NAMED: usize = 3;

/// What is under way, by its place among the cases.
type Cases = Arc<Mutex<BTreeMap<usize, Running>>>;

/// Progress over all cases, with the virtual time that those under way have reached.
pub struct Progress {
    bar: ProgressBar,
    running: Cases,
    /// Where there is no terminal: its end ends the lines.
    _lines: Option<mpsc::Sender<()>>,
}

/// A case that is under way.
struct Running {
    name: String,
    duration: Duration,
    watch: Arc<Watch>,
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (repetition, reached) = self.watch.reached();
        let (reached, whole) = (format_duration(reached.since_start()), format_duration(self.duration));
        f.write_str(&self.name)?;
        if let Some(subject) = self.watch.subject() {
            write!(f, " on {subject}")?;
        }
        if repetition > 0 {
            write!(f, ", repetition {repetition}")?;
        }
        write!(f, ": {reached} of {whole}")?;
        match self.watch.crashes() {
            0 => Ok(()),
            crashes => write!(f, ", crashed {}", times(crashes.into())),
        }
    }
}

impl Progress {
    /// Progress over so many cases, on a terminal with a bar if there may be one.
    pub fn new(cases: usize, bar: bool) -> Self {
        let running = Cases::default();
        if !bar || !io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            let lines = write_lines(Arc::clone(&running), LINE_EVERY, io::stderr());
            return Self { bar, running, _lines: lines };
        }
        let shown = Arc::clone(&running);
        let style = ProgressStyle::with_template("{bar:20} {pos}/{len} scenarios, {elapsed}{running}")
            .expect("the template is well-formed")
            .with_key("running", move |_: &indicatif::ProgressState, out: &mut dyn fmt::Write| {
                // What cannot be drawn is not missed.
                let _ = write!(out, "{}", under_way(&shown));
            });
        let bar = ProgressBar::with_draw_target(Some(cases as u64), ProgressDrawTarget::stderr()).with_style(style);
        bar.enable_steady_tick(TICK);
        Self { bar, running, _lines: None }
    }

    /// The `index`-th case begins, and `watch` tells how far it is.
    pub fn begin(&self, index: usize, scenario: &Scenario, watch: Arc<Watch>) {
        let name = Path::new(&scenario.file).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let running = Running { name, duration: scenario.duration, watch };
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(index, running);
    }

    /// The `index`-th case is no longer under way.
    pub fn end(&self, index: usize) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&index);
    }

    /// One case is done; `print` runs with the bar out of the way.
    ///
    /// # Errors
    /// Whatever `print` says.
    pub fn advance(&self, print: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.bar.inc(1);
        self.bar.suspend(print)
    }

    /// All are done, or no more will be.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The first few of the cases that are under way.
fn under_way(cases: &Cases) -> String {
    let running = cases.lock().unwrap_or_else(PoisonError::into_inner);
    running.values().take(NAMED).map(|case| format!(" · {case}")).collect()
}

/// Writes how far the cases are, again and again, until the sender is gone. A machine that has no thread left has no
/// lines.
fn write_lines(cases: Cases, every: Duration, mut out: impl Write + Send + 'static) -> Option<mpsc::Sender<()>> {
    let (sender, end) = mpsc::channel::<()>();
    let work = move || {
        let mut passed = Duration::ZERO;
        while end.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            passed += every;
            // Whoever does not read is not told.
            let _ = writeln!(out, "still running after {}{}", format_duration(passed), under_way(&cases));
        }
    };
    thread::Builder::new().spawn(work).ok().map(|_| sender)
}

/// One line for a case, and the evidence below it if it failed. `folder` is the output folder.
///
/// # Errors
/// Whatever writing says.
pub fn write_case(out: &mut impl Write, report: &CaseReport, folder: &Path) -> io::Result<()> {
    let (style, word) = if report.passed() { (GOOD, "PASS") } else { (BAD, "FAIL") };
    let runs = match report.runs {
        1 => String::new(),
        runs => format!(", {runs} runs"),
    };
    let simulated = format_duration(report.simulated);
    let subjects = match report.subjects.as_slice() {
        [] => String::new(),
        subjects => format!(" on {}", listed(&subjects.iter().map(|subject| subject.word()).collect::<Vec<_>>())),
    };
    writeln!(
        out,
        "{style}{word}{style:#}  {}  {FAINT}({}, {simulated}{runs}{subjects}){FAINT:#}",
        report.title, report.name
    )?;
    for receipt in &report.receipts {
        if let Some(nothing) = receipt.nothing() {
            let (what, line) = (receipt.what(), receipt.line);
            writeln!(out, "      {SKIP}warning{SKIP:#}   {what} {nothing}  {FAINT}({}:{line}){FAINT:#}", report.file)?;
        }
    }
    if !report.passed() {
        for line in report.evidence(folder).lines() {
            writeln!(out, "      {line}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// One line for a case that was under way when the rest was given up, and where to see what happened until then.
///
/// # Errors
/// Whatever writing says.
pub fn write_given_up(out: &mut impl Write, case: &NotRun, begun: &Begun, folder: &Path) -> io::Result<()> {
    writeln!(
        out,
        "{BAD}STOP{BAD:#}  {}  {FAINT}({}, given up at {}){FAINT:#}\n      output    {}\n",
        case.title,
        case.name,
        format_duration(begun.reached.since_start()),
        folder.join(&begun.folder).display()
    )
}

/// A case that is skipped, with what it needs that the rig cannot do, each on a line of its own.
///
/// # Errors
/// Whatever writing says.
pub fn write_skipped(out: &mut impl Write, case: &NotRun) -> io::Result<()> {
    writeln!(out, "{SKIP}SKIP{SKIP:#}  {}  {FAINT}({}){FAINT:#}", case.title, case.name)?;
    for (index, need) in case.needs.iter().enumerate() {
        writeln!(out, "      {:<10}{need}", if index == 0 { "needs" } else { "" })?;
    }
    Ok(())
}

/// The totals, and what was not run. `shard` is the share that was run, if not all.
///
/// # Errors
/// Whatever writing says.
pub fn write_totals(out: &mut impl Write, session: &Session, shard: Option<Shard>, took: Duration) -> io::Result<()> {
    let reports = &session.reports;
    let failed = session.failed();
    let simulated: Duration = reports.iter().map(|report| report.simulated).sum();
    if let (Some(shard), [], []) = (shard, reports.as_slice(), session.not_run.as_slice()) {
        return writeln!(out, "no scenario in share {shard}: there are too few for so many shares");
    }
    // A failure has a blank line behind it already.
    if reports.last().is_none_or(CaseReport::passed) {
        writeln!(out)?;
    }
    writeln!(out, "{} passed, {failed} failed", reports.len() - failed)?;
    match session.skipped() {
        0 => {}
        skipped => writeln!(out, "{skipped} skipped, because the rig cannot do what they need")?,
    }
    match session.not_run.len() - session.skipped() {
        0 => {}
        left if session.interrupted => writeln!(out, "interrupted, {left} not run")?,
        left => writeln!(out, "{left} {}", session.why_not_run())?,
    }
    if let Some(coverage) = session.coverage() {
        writeln!(out, "{FAINT}{}{FAINT:#}", coverage.summary())?;
    }
    if session.on_a_rig {
        return writeln!(out, "{FAINT}{} in real time{FAINT:#}", format_duration(simulated));
    }
    let speed = simulated.as_secs_f64() / took.as_secs_f64().max(1e-9);
    writeln!(
        out,
        "{FAINT}{} simulated in {:.2} s, {speed:.0} times as fast as real time{FAINT:#}",
        format_duration(simulated),
        took.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_lines_say_how_far_the_cases_are() {
        struct Lines(mpsc::Sender<String>);

        impl Write for Lines {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let cases = Cases::default();
        let name = "loop.toml".to_owned();
        let running = Running { name, duration: Duration::from_hours(1), watch: Arc::default() };
        cases.lock().unwrap().insert(0, running);
        let (written, lines) = mpsc::channel();
        let sender = write_lines(cases, Duration::from_millis(1), Lines(written)).unwrap();
        let mut text = String::new();
        while !text.contains("still running after 0s · loop.toml: 0s of 1h\n") {
            text.push_str(&lines.recv().unwrap());
        }
        drop(sender);
        // The writer goes with its thread.
        while lines.recv().is_ok() {}
    }
}
