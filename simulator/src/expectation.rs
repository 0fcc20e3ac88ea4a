//! Judges a run while it goes on: each expectation of its scenario against the events that are recorded.
//!
//! Every expectation looks at each event once and keeps only what its verdict needs, so that a run of a year takes no
//! more memory than one of a day; a failure says what was seen instead: the events that came nearest, or too often, or
//! outside their window. Besides the scenario's own expectations each run has implicit ones: no crash, no watchdog
//! reset, no livelock, no storm of requests; and everything in its timeline happens. Nothing here feeds back into a
//! run.

mod channel;
mod count;
mod early;
mod implicit;
mod nearest;
mod rate;
mod state;
mod timeline;
mod window;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::rc::Rc;

use simulator_record::events::{Event, Kind};
use simulator_record::time::Instant;
use simulator_scenario::model::{Check, Expectation, OverSeeds, Place, RateCheck, Scenario};

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
    /// Whether one run of many may miss it.
    pub over_seeds: OverSeeds,
}

impl Verdict {
    /// Of what every run is expected to be, with each seed, and was not.
    pub(crate) fn missed(text: impl Into<String>, failure: Failure) -> Self {
        Self { text: text.into(), because: None, place: None, failure: Some(failure), over_seeds: OverSeeds::Always }
    }

    /// Whether the expectation was met, or need not be in each run.
    pub fn is_met(&self) -> bool {
        self.failure.is_none() || self.over_seeds == OverSeeds::Sometimes
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

/// Judges a scenario's expectations, explicit and implicit, over one run.
pub struct Judges<'s> {
    scenario: &'s Scenario,
    expectations: Vec<Box<dyn Judge + 's>>,
    storms: Vec<Box<dyn Judge + 's>>,
    timeline: Vec<timeline::Waiting<'s>>,
    implicit: implicit::Implicit,
    /// Which of each look at which kind of events.
    lookers: BTreeMap<Kind, Lookers>,
    limits: &'s [RateCheck],
    /// The last event, if it ends the run before its time.
    ended: Option<Rc<Event>>,
}

/// Who looks at a kind of events, by their places.
#[derive(Default)]
struct Lookers {
    expectations: Vec<usize>,
    storms: Vec<usize>,
    timeline: Vec<usize>,
}

/// The rates that every run of a scenario is held against, unless it allows more.
pub fn limits(scenario: &Scenario) -> Vec<RateCheck> {
    rate::limits(scenario)
}

impl<'s> Judges<'s> {
    /// Judges for a run of the scenario, whose [`limits`] are these. A repetition of a sweep may well take away what
    /// the timeline waits for, so only a `plain` run is held against that.
    pub fn new(scenario: &'s Scenario, limits: &'s [RateCheck], plain: bool) -> Self {
        let budget = Budget::default();
        let expectations = scenario.expectations.iter().map(|it| judge(it, &budget)).collect();
        let storms = limits.iter().map(|limit| -> Box<dyn Judge + 's> { Box::new(rate::Rate::new(limit, &budget)) });
        let timeline = if plain { timeline::waiting(scenario, &budget) } else { Vec::new() };
        let mut judges = Self {
            scenario,
            expectations,
            storms: storms.collect(),
            timeline,
            implicit: implicit::Implicit::default(),
            lookers: BTreeMap::new(),
            limits,
            ended: None,
        };
        judges.list();
        judges
    }

    fn list(&mut self) {
        let each = |judges: &[Box<dyn Judge + 's>]| -> BTreeSet<(usize, Kind)> {
            let all = judges.iter().enumerate();
            all.flat_map(|(place, judge)| judge.kinds().into_iter().map(move |kind| (place, kind))).collect()
        };
        for (place, kind) in each(&self.expectations) {
            self.lookers.entry(kind).or_default().expectations.push(place);
        }
        for (place, kind) in each(&self.storms) {
            self.lookers.entry(kind).or_default().storms.push(place);
        }
        for (place, waiting) in self.timeline.iter().enumerate() {
            self.lookers.entry(waiting.kind()).or_default().timeline.push(place);
        }
    }

    /// Looks at the next event of the run.
    pub fn see(&mut self, event: &Rc<Event>) {
        if let Some(lookers) = self.lookers.get(&event.kind.kind()) {
            lookers.expectations.iter().for_each(|place| self.expectations[*place].see(event));
            lookers.storms.iter().for_each(|place| self.storms[*place].see(event));
            lookers.timeline.iter().for_each(|place| self.timeline[*place].see(event));
        }
        self.implicit.see(event);
        self.ended = early::ends(event).then(|| Rc::clone(event));
    }

    /// What became of each expectation in a run that ended at `end`, in the file's order, and then the implicit ones
    /// that were not met.
    pub fn verdicts(&self, end: Instant) -> Vec<Verdict> {
        let early = self.ended.is_some();
        let of_file = self.scenario.expectations.iter().zip(&self.expectations).map(|(expectation, judge)| Verdict {
            text: expectation.text.clone(),
            because: expectation.because.clone(),
            place: Some(expectation.place),
            failure: judge.judge(end, early).err(),
            over_seeds: expectation.over_seeds,
        });
        let mut verdicts: Vec<Verdict> = of_file.collect();
        verdicts.extend(self.implicit.verdicts(self.scenario.allow));
        let storms = self.limits.iter().zip(&self.storms);
        verdicts.extend(storms.filter_map(|(limit, judge)| Some(rate::verdict(limit, judge.judge(end, early).err()?))));
        verdicts.extend(self.timeline.iter().filter_map(|waiting| waiting.verdict(end)));
        if let Some(event) = &self.ended {
            early::say_why_it_ended(&mut verdicts, event);
        }
        verdicts
    }
}

/// Looks at the events of a run that may concern one expectation.
trait Judge {
    /// The kinds of events that it looks at.
    fn kinds(&self) -> Vec<Kind>;

    /// Looks at the next one.
    fn see(&mut self, event: &Rc<Event>);

    /// Whether the expectation was met in a run that ended at `end`, perhaps `early`.
    fn judge(&self, end: Instant, early: bool) -> Result<(), Failure>;
}

fn judge<'s>(expectation: &'s Expectation, budget: &Budget) -> Box<dyn Judge + 's> {
    match &expectation.check {
        Check::Events { matcher, quantity, window } => Box::new(count::Count::new(matcher, *quantity, window, budget)),
        Check::Rate(rate) => Box::new(rate::Rate::new(rate, budget)),
        Check::StateAt { state, at } => Box::new(state::AtMoment::new(state, Instant::START + *at)),
        Check::StateThroughout { state, window } => Box::new(state::Throughout::new(state, window, budget)),
        Check::Channel(check) => Box::new(channel::Channel::new(check)),
    }
}

/// With how many events those are compared together that never happened, to tell what came nearest. It is for people,
/// of whom none reads the thousandth failure of a run.
const MOST_COMPARISONS: usize = 2_000_000;

/// How many more events may be compared with what never happened, by all judges of a run together.
#[derive(Clone)]
struct Budget(Rc<Cell<usize>>);

impl Default for Budget {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MOST_COMPARISONS)))
    }
}

impl Budget {
    /// Whether one more may be compared, which counts as done then.
    fn affords_one(&self) -> bool {
        let left = self.0.get().checked_sub(1);
        left.inspect(|left| self.0.set(*left)).is_some()
    }
}

/// Events of which the first few are told and the others counted.
#[derive(Default)]
struct Few {
    first: Vec<Rc<Event>>,
    count: u64,
}

impl Few {
    const SHOWN: usize = 3;

    fn of(events: &VecDeque<Rc<Event>>) -> Self {
        Self { first: events.iter().take(Self::SHOWN).cloned().collect(), count: events.len() as u64 }
    }

    fn add(&mut self, event: &Rc<Event>) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(Rc::clone(event));
        }
    }
}

/// The first few, with their times.
impl fmt::Display for Few {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.first.iter().map(|event| format!("at {} s {}", event.at, event));
        let more = self.count.saturating_sub(self.first.len() as u64);
        let more = (more > 0).then(|| format!("and {more} more"));
        f.write_str(&each.chain(more).collect::<Vec<_>>().join("; "))
    }
}

/// All verdicts over events that are known already.
#[cfg(test)]
fn judged(scenario: &Scenario, events: &[Event], end: Instant) -> Vec<Verdict> {
    let limits = limits(scenario);
    let mut judges = Judges::new(scenario, &limits, true);
    events.iter().for_each(|event| judges.see(&Rc::new(event.clone())));
    judges.verdicts(end)
}
