//! Judges a finished run: each expectation of its scenario against the events that were recorded.
//!
//! Every expectation is looked at on its own, over the whole record; a failure says what was seen instead: the events
//! that came nearest, or too often, or outside their window. Besides the scenario's own expectations each run has
//! [implicit] ones: no crash, no watchdog reset, no livelock, no [storm](storms) of requests; and everything in its [timeline] happens. Nothing here feeds back into a run.

mod channel;
mod describe;
mod early;
mod rate;
mod state;
mod timeline;

#[cfg(test)]
mod tests;

pub use describe::describe;
pub use early::say_why_it_ended;
pub use rate::storms;
pub use timeline::timeline;

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::events::{self, BootCause, Event, EventKind, Kind};
use crate::scenario::matcher::Matcher;
use crate::scenario::model::{Allow, Begin, Check, End, Expectation, Place, Quantity, Trigger, Window};
use crate::scenario::words::times;
use crate::time::Instant;

/// What became of an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The expectation in words.
    pub text: String,
    /// Why it matters, in the author's words.
    pub because: Option<String>,
    /// Where it stands in the scenario's file; `None` for an implicit one.
    pub place: Option<Place>,
    /// What was seen instead; `None` if it was met.
    pub failure: Option<Failure>,
}

impl Verdict {
    /// Whether the expectation was met.
    pub fn is_met(&self) -> bool {
        self.failure.is_none()
    }
}

/// What was seen instead of what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In plain words.
    pub seen: String,
    /// When it went wrong, if there is such a moment: where a reader wants the log.
    pub at: Option<Instant>,
}

impl Failure {
    fn new(seen: impl Into<String>, at: impl Into<Option<Instant>>) -> Self {
        Self { seen: seen.into(), at: at.into() }
    }
}

/// Judges expectations over the events of a run that ended at `end`; one verdict each, in their order.
pub fn evaluate(expectations: &[Expectation], events: &[Event], end: Instant) -> Vec<Verdict> {
    let record = &Record::of(events);
    expectations
        .iter()
        .map(|expectation| Verdict {
            text: expectation.text.clone(),
            because: expectation.because.clone(),
            place: Some(expectation.place),
            failure: judge(&expectation.check, record, end).err(),
        })
        .collect()
}

fn judge(check: &Check, record: &Record<'_>, end: Instant) -> Result<(), Failure> {
    let events = record.events;
    match check {
        Check::Events { matcher, quantity, window } => count(matcher, *quantity, window, record, end),
        Check::Rate(rate) => rate::judge(rate, record, end),
        Check::StateAt { state, at } => state::at_moment(state, Instant::START + *at, events, end),
        Check::StateThroughout { state, window } => {
            let span = Span::of(window, record, end)?;
            state::throughout(state, &span, events)?;
            span.is_over()
        }
        Check::Channel(check) => channel::judge(check, events, end),
    }
}

/// A run's events, and those of each kind together, so that an expectation looks at those alone that it can mean.
struct Record<'e> {
    events: &'e [Event],
    of_kind: BTreeMap<Kind, Vec<&'e Event>>,
    /// How many more events may be compared with what never happened.
    comparisons_left: Cell<usize>,
}

/// With how many events those are compared together that never happened, to tell what came nearest. It is for people, of
/// whom none reads the thousandth failure of a run.
const MOST_COMPARISONS: usize = 2_000_000;

impl<'e> Record<'e> {
    fn of(events: &'e [Event]) -> Self {
        let mut of_kind: BTreeMap<Kind, Vec<&Event>> = BTreeMap::new();
        for event in events {
            of_kind.entry(event.kind.kind()).or_default().push(event);
        }
        Self { events, of_kind, comparisons_left: Cell::new(MOST_COMPARISONS) }
    }

    /// The events of the one kind that a matcher can mean, in order.
    fn concerning(&self, matcher: &Matcher) -> &[&'e Event] {
        self.of_kind.get(&matcher.kind()).map_or(&[], Vec::as_slice)
    }

    /// Whether so many events may still be compared, which counts as done then.
    fn affords(&self, comparisons: usize) -> bool {
        let left = self.comparisons_left.get().checked_sub(comparisons);
        left.inspect(|left| self.comparisons_left.set(*left)).is_some()
    }
}

/// A window of a run, placed: from just after one event, or from a moment, to a moment; both moments belong to it.
#[derive(Clone, Copy, Debug)]
struct Span {
    open: Instant,
    /// The event that opened it, which does not itself belong to it.
    opened_by: Option<u64>,
    close: Instant,
    /// When it would have closed, had the run not ended before its time.
    cut_off: Option<Instant>,
}

impl Span {
    fn of(window: &Window, record: &Record<'_>, end: Instant) -> Result<Self, Failure> {
        let (open, opened_by) = match &window.open {
            Begin::At(at) => (Instant::START + *at, None),
            Begin::After(trigger) => {
                let event = find(trigger, record)
                    .map_err(|seen| Failure::new(format!("the window never opened ({trigger}): {seen}"), None))?;
                (event.at + trigger.plus, trigger.plus.is_zero().then_some(event.sequence))
            }
        };
        let close = match window.close {
            End::Never => end,
            End::At(at) => Instant::START + at,
            End::For(length) => open + length,
        };
        if open > end {
            return Err(Failure::new(format!("the run ended at {end} s, before the window opened at {open} s"), None));
        }
        let cut_off = early::ended(record.events).filter(|_| close > end).map(|_| close);
        Ok(Self { open, opened_by, close: close.min(end), cut_off })
    }

    /// Fails what has been so up to now and would have had to stay so.
    fn is_over(&self) -> Result<(), Failure> {
        match self.cut_off {
            Some(close) => {
                let seen = format!("the run ended at {} s, before the window closed at {close} s", self.close);
                Err(Failure::new(seen, self.close))
            }
            None => Ok(()),
        }
    }

    fn contains(&self, event: &Event) -> bool {
        (self.open..=self.close).contains(&event.at) && self.opened_by.is_none_or(|opener| event.sequence > opener)
    }
}

/// The event that a trigger waits for, or what was seen instead.
fn find<'e>(trigger: &Trigger, record: &Record<'e>) -> Result<&'e Event, String> {
    let events = record.concerning(&trigger.matcher);
    let mut matching = events.iter().copied().filter(|event| trigger.matcher.matches(event));
    let index = usize::try_from(trigger.count).unwrap_or(usize::MAX).saturating_sub(1);
    if let Some(event) = matching.nth(index) {
        return Ok(event);
    }
    Err(match events.iter().filter(|event| trigger.matcher.matches(event)).count() {
        0 => nearest(&trigger.matcher, events, record).seen,
        count => format!("it happened {} only", times(count as u64)),
    })
}

fn count(
    matcher: &Matcher,
    quantity: Quantity,
    window: &Window,
    record: &Record<'_>,
    end: Instant,
) -> Result<(), Failure> {
    let span = Span::of(window, record, end)?;
    let events = record.concerning(matcher);
    let first = events.partition_point(|event| event.at < span.open);
    let within = &events[first..events.partition_point(|event| event.at <= span.close).max(first)];
    let inside = within.iter().copied().filter(|event| span.contains(event) && matcher.matches(event));
    if let Quantity::AtLeast(least) = quantity
        && usize::try_from(least).is_ok_and(|least| least == 0 || inside.clone().nth(least - 1).is_some())
    {
        return Ok(());
    }
    let inside: Vec<&Event> = inside.collect();
    let seen = inside.len() as u64;
    if quantity.allows(seen) {
        return if quantity.is_final() { Ok(()) } else { span.is_over() };
    }
    let too_many = matches!(quantity, Quantity::Exactly(most) | Quantity::AtMost(most) | Quantity::Between(_, most) if seen > most);
    if too_many {
        let most = match quantity {
            Quantity::Exactly(most) | Quantity::AtMost(most) | Quantity::Between(_, most) => most,
            Quantity::AtLeast(_) => 0,
        };
        // The first that is one too many.
        let at = usize::try_from(most).ok().and_then(|index| inside.get(index)).map(|event| event.at);
        return Err(Failure::new(format!("it happened {}: {}", times(seen), listed(&inside)), at));
    }
    if seen > 0 {
        return Err(Failure::new(format!("it happened only {}: {}", times(seen), listed(&inside)), span.close));
    }
    let outside = || events.iter().filter(|event| !span.contains(event) && matcher.matches(event));
    if let Some(event) = outside().find(|event| event.at >= span.open).or_else(|| outside().next_back()) {
        let side = if event.at > span.close {
            format!("{} s too late", Instant::START + event.at.saturating_since(span.close))
        } else {
            "before the window opened".to_owned()
        };
        return Err(Failure::new(
            format!("it happened at {} s, {side}: {}", event.at, describe(&event.kind)),
            event.at,
        ));
    }
    let inside: Vec<&Event> = within.iter().copied().filter(|event| span.contains(event)).collect();
    let mut failure = nearest(matcher, &inside, record);
    failure.at = failure.at.or(Some(span.close));
    Err(failure)
}

/// What came nearest to an event that never happened.
fn nearest(matcher: &Matcher, events: &[&Event], record: &Record<'_>) -> Failure {
    let candidates: Vec<&Event> = events.iter().copied().filter(|event| matcher.concerns(event)).collect();
    let Some(last) = candidates.last() else { return Failure::new("nothing of the kind happened", None) };
    if !record.affords(candidates.len()) {
        let seen = format!("it never happened, though {} of the kind did", candidates.len());
        return Failure::new(seen, last.at);
    }
    if let Some(text) = matcher.line() {
        let similarity = |event: &Event| match &event.kind {
            EventKind::Serial(events::Serial { line }) => similarity(text.pattern(), line),
            _ => 0,
        };
        // Of equals the last; the score is an integer so that it is the same everywhere.
        if let Some(best) = candidates.iter().max_by_key(|event| similarity(event)) {
            let seen = format!("the nearest of {} lines, at {} s: {}", candidates.len(), best.at, describe(&best.kind));
            return Failure::new(seen, best.at);
        }
    }
    Failure::new(format!("it never happened; what did: {}", sorts(&candidates)), last.at)
}

/// How much of a pattern a line has, in per cent of the pattern's words; what is no letter or digit separates words.
fn similarity(pattern: &str, line: &str) -> u64 {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    let line = words(line);
    let pattern = words(pattern);
    let found = pattern.iter().filter(|word| line.contains(word)).count() as u64;
    found * 100 / (pattern.len() as u64).max(1)
}

/// Events that came near, each sort once with the time of its first: many of one sort must not hide the one of another
/// that tells what is wrong.
fn sorts(events: &[&Event]) -> String {
    const SHOWN: usize = 6;
    let mut sorts: Vec<(&Event, u64)> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for event in events {
        let next = sorts.len();
        let place = *known.entry(sort(&event.kind)).or_insert(next);
        match sorts.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => sorts.push((event, 1)),
        }
    }
    let more = sorts.len().saturating_sub(SHOWN);
    let part = |(event, count): &(&Event, u64)| {
        let often = if *count > 1 { format!(" ({})", times(*count)) } else { String::new() };
        format!("at {} s {}{often}", event.at, describe(&event.kind))
    };
    let mut parts: Vec<String> = sorts.iter().take(SHOWN).map(part).collect();
    if more > 0 {
        parts.push(format!("and {more} more that differ"));
    }
    parts.join("; ")
}

/// What an event is but for what merely counts or measures.
fn sort(event: &EventKind) -> String {
    match event {
        EventKind::Boot(events::Boot { cause, .. }) => cause.to_string(),
        EventKind::Connection(events::Connection { server, outcome, .. }) => format!("{server} {outcome}"),
        EventKind::Tls(events::Tls { server, outcome, .. }) => format!("{server} {outcome}"),
        EventKind::Flash(events::Flash { operation, torn, .. }) => format!("{operation:?} {torn}"),
        EventKind::Sensor(events::Sensor { outcome, .. }) => format!("{outcome:?}"),
        EventKind::Stored(_) => String::new(),
        other => describe(other),
    }
}

/// The first few of some events, with their times.
fn listed(events: &[&Event]) -> String {
    const SHOWN: usize = 3;
    let mut parts: Vec<String> =
        events.iter().take(SHOWN).map(|event| format!("at {} s {}", event.at, describe(&event.kind))).collect();
    if events.len() > SHOWN {
        parts.push(format!("and {} more", events.len() - SHOWN));
    }
    parts.join("; ")
}

/// Judges what every run is expected to be without saying so: no crash, no reset by either watchdog (but for the one that
/// follows an allowed crash), no livelock. Only what failed gives a verdict.
pub fn implicit(allow: Allow, events: &[Event]) -> Vec<Verdict> {
    let mut crashes = Vec::new();
    let mut watchdog_resets = Vec::new();
    let mut livelocks = Vec::new();
    let mut crashed = std::collections::BTreeSet::new();
    for event in events {
        match &event.kind {
            EventKind::Crash(_) => {
                crashed.insert(event.device);
                crashes.push(event);
            }
            EventKind::Boot(events::Boot { cause, .. }) => {
                let by_crash = crashed.remove(&event.device);
                if matches!(cause, BootCause::Watchdog | BootCause::SoftwareWatchdog) && !by_crash {
                    watchdog_resets.push(event);
                }
            }
            EventKind::Livelock(_) => livelocks.push(event),
            _ => {}
        }
    }
    let verdict = |text: &str, allowed: bool, events: Vec<&Event>| {
        let first = events.first().filter(|_| !allowed)?;
        Some(Verdict {
            text: text.to_owned(),
            because: None,
            place: None,
            failure: Some(Failure::new(
                format!("it happened {}: {}", times(events.len() as u64), listed(&events)),
                first.at,
            )),
        })
    };
    [
        verdict("crash: never, in any run", allow.crash, crashes),
        verdict("reset by the watchdog: never, in any run", allow.watchdog, watchdog_resets),
        verdict("livelock: never, in any run", allow.livelock, livelocks),
    ]
    .into_iter()
    .flatten()
    .collect()
}
