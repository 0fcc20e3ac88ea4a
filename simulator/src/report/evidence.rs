//! What is kept of a failure: what was expected and seen, in which repetitions, and the log around its moment.
//!
//! The same expectation failing in many repetitions of a sweep is one failure with a list of them; what was seen, and
//! the log, are the first one's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

use simulator_record::events::{self, CrashReport, EventKind, Hexadecimal};
use simulator_record::time::Instant;

use super::compare::{Comparison, Pair};
use super::{Failure, LogLine};
use crate::run::{Name, Results, Run, SubjectOutcome};

/// How many failures are shown with their log; the others are counted.
pub(super) const SHOWN: usize = 5;
/// How many lines of the serial log stand below the first failure, and how many of them are later than its moment.
const FIRST: Excerpt = Excerpt { lines: 8, later: 2 };
/// The same below the others.
const FURTHER: Excerpt = Excerpt { lines: 4, later: 1 };

/// How much of the log is shown.
#[derive(Clone, Copy)]
struct Excerpt {
    lines: usize,
    later: usize,
}

/// A failure, and the moments around which each subject's log shows something of it.
struct Found {
    failure: Failure,
    moments: Vec<(Name, Option<Instant>)>,
}

/// The failures of a case: what was not as expected with each subject, what a second run had different, and what the
/// subjects do not agree on.
pub(super) fn failures(results: &Results, comparisons: &[Comparison]) -> Vec<Failure> {
    let several = results.outcomes.len() > 1;
    let mut found = Vec::new();
    for on in &results.outcomes {
        found.extend(of_subject(on, several.then_some(on.name)));
    }
    for comparison in comparisons {
        found.extend(disagreements(comparison));
    }
    add_logs(&mut found, results);
    found.into_iter().map(|found| found.failure).collect()
}

fn of_subject(on: &SubjectOutcome, subject: Option<Name>) -> Vec<Found> {
    let mut failures: Vec<Failure> = Vec::new();
    let mut known: BTreeMap<(Option<u32>, &str), usize> = BTreeMap::new();
    for run in &on.outcome.runs {
        for (verdict, failure) in run.failures() {
            let line = verdict.place.map(|place| place.line);
            let next = failures.len();
            let place = *known.entry((line, verdict.text.as_str())).or_insert(next);
            match failures.get_mut(place) {
                // Repetitions come in their order.
                Some(known) if known.repetitions.last() == Some(&run.repetition) => {}
                Some(known) => known.repetitions.push(run.repetition),
                None => failures.push(Failure {
                    repetitions: vec![run.repetition],
                    subject,
                    line,
                    expected: verdict.text.clone(),
                    because: verdict.because.clone(),
                    seen: failure.seen.clone(),
                    at: failure.at,
                    report: if line.is_none() { report(run, failure.at) } else { None },
                    log: Vec::new(),
                }),
            }
        }
    }
    if let Some(difference) = &on.second_run {
        failures.push(Failure {
            repetitions: vec![difference.repetition],
            subject,
            line: None,
            expected: "the same events in each run of the same seed".to_owned(),
            because: None,
            seen: difference.describe(),
            at: difference.at(),
            report: None,
            log: Vec::new(),
        });
    }
    failures.into_iter().map(|failure| Found { moments: vec![(on.name, failure.at)], failure }).collect()
}

/// What two subjects do not agree on; the same in many repetitions of a sweep is one failure.
fn disagreements(comparison: &Comparison) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let (first, other) = (comparison.first, comparison.other);
    if let Some((ours, theirs)) = comparison.runs {
        found.push(Found {
            failure: Failure {
                repetitions: vec![0],
                subject: None,
                line: None,
                expected: format!("as many flash operations to try on {} and {}", first.word(), other.word()),
                because: None,
                seen: format!("the {} made {ours} runs of the sweep, the {} {theirs}", first.word(), other.word()),
                at: None,
                report: None,
                log: Vec::new(),
            },
            moments: Vec::new(),
        });
    }
    for disagreement in comparison.disagreements() {
        let expected = disagreement.expected();
        if let Some(known) = found.iter_mut().find(|known| known.failure.expected == expected) {
            known.failure.repetitions.push(disagreement.repetition);
            continue;
        }
        let Pair { first: ours, other: theirs, .. } = disagreement.first;
        let [ours, theirs] = [ours, theirs].map(|side| side.as_ref().map(|happening| happening.at));
        found.push(Found {
            failure: Failure {
                repetitions: vec![disagreement.repetition],
                subject: None,
                line: None,
                expected,
                because: comparison.targets.because.clone(),
                seen: disagreement.seen(),
                at: ours.or(theirs),
                report: None,
                log: Vec::new(),
            },
            // Where one of them has nothing, its log tells what it did instead.
            moments: vec![(first, ours.or(theirs)), (other, theirs.or(ours))],
        });
    }
    found
}

/// What the chip told of the crash or the watchdog's bite that a run came to at that moment, or a boot's time before.
fn report(run: &Run, at: Option<Instant>) -> Option<Box<CrashReport>> {
    let at = at?;
    run.events.iter().rev().skip_while(|event| event.at > at).find_map(|event| match &event.kind {
        EventKind::Crash(events::Crash { report, .. }) | EventKind::Watchdog(events::Watchdog { report, .. }) => {
            Some(report.clone())
        }
        _ => None,
    })?
}

/// A report's registers, some in a row.
pub(super) fn registers(report: &CrashReport) -> String {
    const A_ROW: usize = 5;
    let cell = |(name, value): &(Cow<'_, str>, Hexadecimal)| format!("{name:<8} {value}");
    let rows = report.registers.chunks(A_ROW).map(|row| row.iter().map(cell).collect::<Vec<_>>().join("  "));
    rows.collect::<Vec<_>>().join("\n")
}

/// Gives the failures that are shown the log around their moments, but nothing that stands there already.
fn add_logs(found: &mut [Found], results: &Results) {
    let several = results.outcomes.len() > 1;
    let mut shown = BTreeSet::new();
    let mut excerpt = FIRST;
    for Found { failure, moments } in found.iter_mut().take(SHOWN) {
        let repetition = failure.repetition();
        for &(subject, at) in moments.iter() {
            let outcome = results.outcomes.iter().find(|on| on.name == subject).map(|on| &on.outcome);
            let run = outcome.and_then(|outcome| outcome.runs.iter().find(|run| run.repetition == repetition));
            let Some(run) = run else { continue };
            let lines = run.serial().and_then(|log| around(at, log, excerpt));
            // One that cannot be read must not pass for one that says nothing.
            let lines = lines
                .unwrap_or_else(|error| vec![(usize::MAX, run.end, format!("(the log could not be read: {error})"))]);
            // All of them count as shown, so each is looked at.
            let fresh = lines.iter().filter(|(index, ..)| shown.insert((subject, repetition, *index))).count() > 0;
            if fresh {
                let subject = several.then_some(subject);
                failure.log.extend(lines.into_iter().map(|(_, at, line)| LogLine { subject, at, line }));
            }
        }
        if !failure.log.is_empty() {
            excerpt = FURTHER;
        }
    }
}

/// The lines to show, with their places: those up to a moment and a few more, or the last ones.
fn around<'l>(
    at: Option<Instant>,
    log: impl Iterator<Item = io::Result<(Instant, Cow<'l, str>)>>,
    excerpt: Excerpt,
) -> io::Result<Vec<(usize, Instant, String)>> {
    let mut lines = VecDeque::new();
    let mut later = 0;
    for (index, entry) in log.enumerate() {
        let (time, line) = entry?;
        if at.is_some_and(|at| time > at) {
            if later >= excerpt.later && index >= excerpt.lines {
                break;
            }
            later += 1;
        }
        lines.push_back((index, time, line.into_owned()));
        if lines.len() > excerpt.lines {
            lines.pop_front();
        }
    }
    Ok(lines.into())
}

/// Repetitions in words: `repetitions 1 to 4 and 9`; the run without intervention has none.
pub(super) fn repetitions(numbers: &[u32]) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for &number in numbers.iter().filter(|number| **number > 0) {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => spans.push((number, number)),
        }
    }
    let parts: Vec<String> = spans
        .iter()
        .map(|&(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first} to {last}"),
        })
        .collect();
    let plain = numbers.contains(&0);
    match (spans.as_slice(), plain) {
        ([], _) => "the run without intervention".to_owned(),
        ([(first, last)], false) if first == last => format!("repetition {first}"),
        (_, false) => format!("repetitions {}", listed(&parts)),
        ([(first, last)], true) if first == last => format!("the run without intervention and repetition {first}"),
        (_, true) => format!("the run without intervention and repetitions {}", listed(&parts)),
    }
}

/// `a, b and c`.
pub(super) fn listed(parts: &[impl AsRef<str>]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// The folder of a run below its case's.
pub(super) fn run_folder(repetition: u32) -> Option<String> {
    (repetition > 0).then(|| format!("{}{repetition}", crate::run::case::REPETITION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_said_in_spans() {
        for (numbers, words) in [
            (&[0][..], "the run without intervention"),
            (&[3], "repetition 3"),
            (&[1, 2], "repetitions 1, 2"),
            (&[1, 2, 3, 9], "repetitions 1 to 3 and 9"),
            (&[0, 2], "the run without intervention and repetition 2"),
            (&[0, 2, 4, 5, 6], "the run without intervention and repetitions 2 and 4 to 6"),
        ] {
            assert_eq!(repetitions(numbers), words);
        }
    }

    #[test]
    fn the_log_is_shown_around_the_moment() {
        let shown = |at, count| {
            let log = (0..count).map(|second| (Instant::from_secs(second), Cow::Borrowed("line"))).map(Ok);
            let lines = around(at, log, FIRST).unwrap();
            lines.first().map(|(first, ..)| *first..first + lines.len())
        };
        assert_eq!(shown(None, 20), Some(12..20));
        assert_eq!(shown(Some(Instant::from_secs(10)), 20), Some(5..13), "six lines until then, two later");
        assert_eq!(shown(Some(Instant::from_secs(1)), 20), Some(0..8));
        assert_eq!(shown(Some(Instant::from_secs(50)), 20), Some(12..20));
        assert_eq!(shown(None, 3), Some(0..3));
        assert_eq!(shown(None, 0), None);
    }
}
