//! A case's failures as plain text, as the terminal and the JUnit report have them.

use std::fmt::Write;
use std::path::Path;

use super::{CaseReport, LogLine, evidence};

impl CaseReport {
    /// The failures with the log around them, and the way to see them again, as plain text. `out` is the way to the
    /// output folder for whoever reads it; empty where the text lies in that folder itself.
    pub fn evidence(&self, out: &Path) -> String {
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
            let subject = failure.subject.map(|subject| format!("on {subject}"));
            let repetitions = (self.runs > 1).then(|| evidence::repetitions(&failure.repetitions));
            let places: Vec<String> = [place, subject, repetitions].into_iter().flatten().collect();
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
            if let Some(report) = &failure.report {
                let registers = evidence::registers(report);
                line("chip", &report.remarks.join("\n"));
                line("registers", &registers);
                line("trace", &report.trace.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
            }
            let width = failure.log.iter().map(|log| log.at.to_string().len()).max().unwrap_or(0);
            for log in failure.log.chunk_by(|one, other| one.subject == other.subject) {
                let lines = log.iter().map(|LogLine { at, line, .. }| format!("{:>width$} s  {line}", at.to_string()));
                let label = match log.first().and_then(|line| line.subject) {
                    Some(subject) if failure.subject.is_none() => subject.to_string(),
                    _ => "log".to_owned(),
                };
                line(&label, &lines.collect::<Vec<_>>().join("\n"));
            }
        }
        if let Some(more) = self.failures.len().checked_sub(evidence::SHOWN).filter(|more| *more > 0) {
            line("", &format!("… and {more} more"));
        }
        line("again", &self.command);
        let folder = self.failures.first().map_or_else(|| self.folder.clone(), |failure| self.folder_of(failure));
        line("output", &out.join(folder).display().to_string());
        text
    }
}
