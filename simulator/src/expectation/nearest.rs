//! What came nearest to an event that never happened, kept while the events go by.

use std::collections::BTreeMap;
use std::rc::Rc;

use simulator_record::events::{Event, EventKind};
use simulator_scenario::matcher::Matcher;
use simulator_scenario::words::times;

use super::{Budget, Failure};

/// How many sorts of events are told of.
const SHOWN: usize = 6;

/// What came nearest to what a matcher means.
pub(super) struct Nearest<'s> {
    matcher: &'s Matcher,
    budget: Budget,
    candidates: usize,
    last: Option<Rc<Event>>,
    /// Whether there were too many to compare them all.
    too_many: bool,
    kept: Kept,
}

enum Kept {
    /// Lines of the serial log: the most alike, the words that are looked for, and how much of them it has.
    Line { words: Vec<String>, best: Option<(u64, Rc<Event>)> },
    /// Others: each sort once, with its first event and how often it came, in the order of their first.
    Sorts { first: Vec<(Rc<Event>, u64)>, places: BTreeMap<String, usize> },
}

impl<'s> Nearest<'s> {
    pub(super) fn new(matcher: &'s Matcher, budget: &Budget) -> Self {
        let kept = match matcher.line() {
            Some(text) => Kept::Line { words: words(text.pattern()), best: None },
            None => Kept::Sorts { first: Vec::new(), places: BTreeMap::new() },
        };
        Self { matcher, budget: budget.clone(), candidates: 0, last: None, too_many: false, kept }
    }

    /// Looks at an event that the matcher does not mean.
    pub(super) fn see(&mut self, event: &Rc<Event>) {
        if !self.matcher.concerns(event) {
            return;
        }
        self.candidates += 1;
        self.last = Some(Rc::clone(event));
        self.too_many |= !self.budget.affords_one();
        if self.too_many {
            return;
        }
        match &mut self.kept {
            Kept::Line { words, best } => {
                let EventKind::Serial(serial) = &event.kind else { return };
                let alike = similarity(words, &serial.line);
                // Of equals the last; the score is an integer so that it is the same everywhere.
                if best.as_ref().is_none_or(|(most, _)| alike >= *most) {
                    *best = Some((alike, Rc::clone(event)));
                }
            }
            Kept::Sorts { first, places } => {
                let next = first.len();
                match first.get_mut(*places.entry(sort(&event.kind)).or_insert(next)) {
                    Some((_, count)) => *count += 1,
                    None => first.push((Rc::clone(event), 1)),
                }
            }
        }
    }

    /// What is told of it.
    pub(super) fn failure(&self) -> Failure {
        let Some(last) = &self.last else { return Failure::new("nothing of the kind happened", None) };
        if self.too_many {
            let seen = format!("it never happened, though {} of the kind did", self.candidates);
            return Failure::new(seen, last.at);
        }
        match &self.kept {
            Kept::Line { best: Some((_, best)), .. } => {
                let seen = format!("the nearest of {} lines, at {} s: {}", self.candidates, best.at, best);
                Failure::new(seen, best.at)
            }
            Kept::Line { best: None, .. } => Failure::new("nothing of the kind happened", None),
            Kept::Sorts { first, .. } => {
                Failure::new(format!("it never happened; what did: {}", in_words(first)), last.at)
            }
        }
    }
}

/// Events that came near, each sort once with the time of its first: many of one sort must not hide the one of another
/// that tells what is wrong.
fn in_words(sorts: &[(Rc<Event>, u64)]) -> String {
    let part = |(event, count): &(Rc<Event>, u64)| {
        let often = if *count > 1 { format!(" ({})", times(*count)) } else { String::new() };
        format!("at {} s {}{often}", event.at, event)
    };
    let mut parts: Vec<String> = sorts.iter().take(SHOWN).map(part).collect();
    let more = sorts.len().saturating_sub(SHOWN);
    if more > 0 {
        parts.push(format!("and {more} more that differ"));
    }
    parts.join("; ")
}

/// The words of a text, in lower case; what is no letter or digit separates them.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// How much of a pattern a line has, in per cent of the pattern's words.
fn similarity(pattern: &[String], line: &str) -> u64 {
    let line = words(line);
    let found = pattern.iter().filter(|word| line.contains(word)).count() as u64;
    found * 100 / (pattern.len() as u64).max(1)
}

/// What an event is but for what merely counts or measures.
fn sort(event: &EventKind) -> String {
    match event {
        EventKind::Boot(boot) => boot.cause.to_string(),
        EventKind::Connection(connection) => format!("{} {}", connection.server, connection.outcome),
        EventKind::Tls(tls) => format!("{} {}", tls.server, tls.outcome),
        EventKind::Flash(flash) => format!("{} {}", flash.operation, flash.torn),
        EventKind::Sensor(sensor) => sensor.outcome.to_string(),
        EventKind::Stored(_) => String::new(),
        other => other.to_string(),
    }
}
