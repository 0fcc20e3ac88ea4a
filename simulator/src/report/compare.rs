//! What two subjects did in the same case, side by side: entries of the channel, joins, reboots, the LED's history.
//!
//! Of each the two subjects' happenings are put beside each other, in order where there are as many of them, and by
//! their times where there are not. A pair differs if one side is missing, if the two say different things, or if they
//! lie further apart than the scenario's tolerance. The chip's computing takes time and the host's does not, so equal
//! times are never expected; everything else is the same firmware in the same world with the same random numbers.
//! What one side has nothing of may be missing so shortly before the end that the other's could be after it.
//!
//! Of an image that runs whole, it is not known what its access point does not hear of a join: no attempt that ended
//! before the first frame for one is compared then.
//!
//! Not compared: frames, log lines, connections. How many segments a reply comes in, or when a name is asked for, may
//! depend on how fast a device computes without anything being wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use simulator_record::events::{self, DeviceId, Event, EventKind, Kind, PinKind};
use simulator_record::time::Instant;
use simulator_scenario::model::{Aspect, Scenario, Targets};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::run::{Name, Results, Run, SubjectOutcome};

/// Something that happened with a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// When.
    pub at: Instant,
    /// What, in words, without its time.
    pub what: String,
    /// An entry's `created_at`, in seconds since 1970.
    pub created_at: Option<i64>,
}

/// How two happenings differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// One subject has nothing of the kind.
    Missing,
    /// They say different things.
    Content,
    /// The entries were created too far apart.
    Created,
    /// They happened too far apart.
    Time,
}

/// What happened with the first subject and what happened with the other in its place; one of them may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// With the first.
    pub first: Option<Happening>,
    /// With the other.
    pub other: Option<Happening>,
    /// How they differ, if they do, and what that is a difference of.
    pub difference: Option<(Aspect, Difference)>,
}

/// Everything of one kind in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Which: never [`Aspect::Arrivals`], which entries have besides.
    pub aspect: Aspect,
    /// In order.
    pub pairs: Vec<Pair>,
}

/// One run with both subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repetition {
    /// Which of a sweep's repetitions, from 1; 0 is the run without intervention.
    pub number: u32,
    /// Entries, joins, reboots, LED.
    pub sequences: Vec<Sequence>,
}

/// A case with two subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The subject that the other one is compared with.
    pub first: Name,
    /// The other one.
    pub other: Name,
    /// What was allowed to differ.
    pub targets: Targets,
    /// How many runs each subject needed, if not the same: a sweep has as many as there were flash operations.
    pub runs: Option<(usize, usize)>,
    /// The runs that both have.
    pub repetitions: Vec<Repetition>,
}

/// What differs in one aspect of one run, and may not.
#[derive(Clone, Copy, Debug)]
pub struct Disagreement<'a> {
    /// Of which comparison.
    pub comparison: &'a Comparison,
    /// In which of a sweep's repetitions.
    pub repetition: u32,
    /// In what.
    pub aspect: Aspect,
    /// The sequence in which it is seen.
    pub sequence: &'a Sequence,
    /// The first pair that differs.
    pub first: &'a Pair,
    /// How.
    pub how: Difference,
    /// How many pairs differ in this aspect, the first included.
    pub count: usize,
}

/// Compares what came of a case with its first subject with what came of it with each other one.
pub fn comparisons(scenario: &Scenario, results: &Results) -> Vec<Comparison> {
    match results.outcomes.as_slice() {
        [first, others @ ..] => others.iter().map(|other| Comparison::new(&scenario.targets, first, other)).collect(),
        [] => Vec::new(),
    }
}

impl Comparison {
    /// Compares what came of a case with two subjects.
    pub fn new(targets: &Targets, first: &SubjectOutcome, other: &SubjectOutcome) -> Self {
        let (ours, theirs) = (&first.outcome.runs, &other.outcome.runs);
        let repetitions = ours.iter().zip(theirs).map(|(first, other)| repetition(first, other, targets.tolerance));
        let (ours, theirs) = (ours.len(), theirs.len());
        Self {
            first: first.name,
            other: other.name,
            targets: targets.clone(),
            runs: (ours != theirs).then_some((ours, theirs)),
            repetitions: repetitions.collect(),
        }
    }

    /// Whether differences of this kind are allowed.
    pub fn allows(&self, aspect: Aspect) -> bool {
        self.targets.may_differ.contains(&aspect)
    }

    /// What differs and may not, for each aspect of each run.
    pub fn disagreements(&self) -> impl Iterator<Item = Disagreement<'_>> {
        let all = self.repetitions.iter().flat_map(|repetition| {
            repetition.sequences.iter().flat_map(|sequence| {
                Aspect::ALL.into_iter().filter_map(|aspect| sequence.disagreement(self, repetition.number, aspect))
            })
        });
        all.filter(|disagreement| !self.allows(disagreement.aspect))
    }

    /// Whether nothing differs that may not.
    pub fn agrees(&self) -> bool {
        self.runs.is_none() && self.disagreements().next().is_none()
    }
}

impl Sequence {
    fn disagreement<'a>(
        &'a self,
        comparison: &'a Comparison,
        repetition: u32,
        aspect: Aspect,
    ) -> Option<Disagreement<'a>> {
        let differing = |pair: &&Pair| pair.difference.is_some_and(|(of, _)| of == aspect);
        let first = self.pairs.iter().find(differing)?;
        let (_, how) = first.difference?;
        let count = self.pairs.iter().filter(differing).count();
        Some(Disagreement { comparison, repetition, aspect, sequence: self, first, how, count })
    }

    /// How many happenings the first subject has, and how many the other.
    pub fn counts(&self) -> (usize, usize) {
        let count = |side: fn(&Pair) -> bool| self.pairs.iter().filter(|pair| side(pair)).count();
        (count(|pair| pair.first.is_some()), count(|pair| pair.other.is_some()))
    }
}

impl Pair {
    fn new(aspect: Aspect, first: Option<Happening>, other: Option<Happening>, tolerance: Duration) -> Self {
        let difference = match (&first, &other) {
            (Some(first), Some(other)) => first.difference(other, aspect, tolerance),
            _ => Some((aspect, Difference::Missing)),
        };
        Self { first, other, difference }
    }

    /// What is on one side only, and no longer than the tolerance before the `end`, may be after the end on the other.
    fn unless_undecided(mut self, end: Instant, tolerance: Duration) -> Self {
        if let (Some(alone), None) | (None, Some(alone)) = (&self.first, &self.other)
            && alone.at + tolerance >= end
        {
            self.difference = None;
        }
        self
    }

    /// How much later it happened with the other subject, in seconds; less than 0 if it was earlier there.
    pub fn later(&self) -> Option<f64> {
        let nanos = |happening: &Happening| i128::from(happening.at.as_nanos());
        Some((nanos(self.other.as_ref()?) - nanos(self.first.as_ref()?)) as f64 / 1e9)
    }
}

impl Happening {
    fn new(event: &Event, what: String) -> Self {
        Self { at: event.at, what, created_at: None }
    }

    /// When it was, as far as its place among others is concerned: an entry's place is when it was created.
    /// Nanoseconds.
    fn place(&self) -> i128 {
        self.created_at.map_or(i128::from(self.at.as_nanos()), |seconds| i128::from(seconds) * 1_000_000_000)
    }

    fn difference(&self, other: &Self, aspect: Aspect, tolerance: Duration) -> Option<(Aspect, Difference)> {
        let apart = self.at.saturating_since(other.at).max(other.at.saturating_since(self.at));
        if self.what != other.what {
            Some((aspect, Difference::Content))
        } else if self.created_at.is_some() && self.place().abs_diff(other.place()) > tolerance.as_nanos() {
            Some((aspect, Difference::Created))
        } else if apart > tolerance {
            Some((if aspect == Aspect::Entries { Aspect::Arrivals } else { aspect }, Difference::Time))
        } else {
            None
        }
    }

    /// In words: `at 12.000345 s: the LED goes on`.
    pub fn describe(&self) -> String {
        let created = self.created_at.map(|created_at| format!(", created at {}", calendar(created_at)));
        format!("at {} s: {}{}", self.at, self.what, created.unwrap_or_default())
    }
}

fn calendar(seconds: i64) -> String {
    let written = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|moment| moment.format(&Rfc3339).ok());
    written.unwrap_or_else(|| format!("{seconds} s after 1970"))
}

fn repetition(first: &Run, other: &Run, tolerance: Duration) -> Repetition {
    let settled = first.end.min(other.end);
    let heard_only = [first, other].into_iter().any(Run::ran_whole);
    let sequence = |aspect: Aspect| {
        let [mut first, mut other] = [first, other].map(|run| happenings(aspect, run, heard_only));
        // What happens to one device stands in no place for what happens to another.
        let devices: BTreeSet<Option<DeviceId>> = first.keys().chain(other.keys()).copied().collect();
        let of = |side: &mut BTreeMap<_, Vec<Happening>>, device| side.remove(&device).unwrap_or_default();
        let both = devices.into_iter().map(|device| (of(&mut first, device), of(&mut other, device)));
        let pairs = both.flat_map(|(first, other)| pairs(aspect, first, other, tolerance));
        let pairs = pairs.map(|pair| pair.unless_undecided(settled, tolerance));
        Sequence { aspect, pairs: pairs.collect() }
    };
    let sequences = [Aspect::Entries, Aspect::Joins, Aspect::Reboots, Aspect::Led].map(sequence).into();
    Repetition { number: first.repetition, sequences }
}

/// The kinds of events that are compared.
pub(super) const KINDS: [Kind; 4] = [Kind::Stored, Kind::Join, Kind::Boot, Kind::Pin];

/// What happened of a kind in a run, by device, in order; of joins all, or those that an access point has heard of.
fn happenings(aspect: Aspect, run: &Run, heard_only: bool) -> BTreeMap<Option<DeviceId>, Vec<Happening>> {
    let happening = |event: &Event| match (&event.kind, aspect) {
        (EventKind::Stored(entry), Aspect::Entries) => {
            let created_at = Some(entry.created_at);
            let of = event.name.as_ref().map(|name| format!(" of `{name}`")).unwrap_or_default();
            Some(Happening { created_at, ..Happening::new(event, format!("{}{of}", entry.contents())) })
        }
        (EventKind::Join(join), Aspect::Joins) if heard_only && !join.is_heard_of() => None,
        (EventKind::Join(_), Aspect::Joins)
        | (EventKind::Boot(_), Aspect::Reboots)
        | (EventKind::Pin(events::Pin { kind: PinKind::Led, .. }), Aspect::Led) => {
            Some(Happening::new(event, event.to_string()))
        }
        _ => None,
    };
    let mut all: BTreeMap<Option<DeviceId>, Vec<Happening>> = BTreeMap::new();
    for event in &run.events {
        if let Some(happening) = happening(event) {
            all.entry(event.device).or_default().push(happening);
        }
    }
    all
}

/// Puts happenings beside each other.
fn pairs(aspect: Aspect, first: Vec<Happening>, other: Vec<Happening>, tolerance: Duration) -> Vec<Pair> {
    let pair = |first, other| Pair::new(aspect, first, other, tolerance);
    if first.len() == other.len() {
        return first.into_iter().zip(other).map(|(first, other)| pair(Some(first), Some(other))).collect();
    }
    let reach = i128::try_from(tolerance.as_nanos()).unwrap_or(i128::MAX);
    let (mut first, mut other) = (first.into_iter().peekable(), other.into_iter().peekable());
    let mut pairs = Vec::new();
    loop {
        let (ours, theirs) = match (first.peek(), other.peek()) {
            (None, None) => return pairs,
            (Some(ours), Some(theirs)) => {
                let later = theirs.place() - ours.place();
                (later >= -reach, later <= reach)
            }
            (ours, theirs) => (ours.is_some(), theirs.is_some()),
        };
        pairs.push(pair(ours.then(|| first.next()).flatten(), theirs.then(|| other.next()).flatten()));
    }
}

impl Disagreement<'_> {
    /// What was expected of the two subjects.
    pub fn expected(&self) -> String {
        let Comparison { first, other, targets, .. } = self.comparison;
        let tolerance = humantime::format_duration(targets.tolerance);
        format!("the same {} on {} and {}, up to {tolerance} apart", self.aspect, first.word(), other.word())
    }

    /// What was seen instead: the first pair that differs, and how many others do.
    pub fn seen(&self) -> String {
        let (first, other) = (self.comparison.first.word(), self.comparison.other.word());
        let (ours, theirs) = self.sequence.counts();
        let counts = if ours == theirs {
            format!("{} of {ours} differ", self.count)
        } else {
            format!("{ours} on the {first}, {theirs} on the {other}")
        };
        let how = match (self.how, self.first.later()) {
            (Difference::Missing, _) => "is on one of them only".to_owned(),
            (Difference::Content, _) => "is another".to_owned(),
            (Difference::Created, _) => "was created at another time".to_owned(),
            (Difference::Time, Some(later)) if later < 0.0 => format!("is earlier on the {other}"),
            (Difference::Time, _) => format!("is later on the {other}"),
        };
        let by = match (self.how, self.first.later()) {
            (Difference::Time, Some(later)) => format!(", by {:.3} s", later.abs()),
            _ => String::new(),
        };
        let side = |side: &Option<Happening>| match side {
            Some(happening) => happening.describe(),
            None => "nothing in its place".to_owned(),
        };
        format!(
            "{counts}; the first {how}{by}:\n  {first}: {}\n  {other}: {}",
            side(&self.first.first),
            side(&self.first.other)
        )
    }
}

#[cfg(test)]
mod tests;
