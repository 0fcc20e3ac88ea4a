//! The director: carries out a scenario's timeline.
//!
//! What has a fixed time is scheduled before the run begins. What reacts ("after the first upload, cut the power")
//! reads committed events and schedules strictly later ones. The director decides nothing about how the world works; it
//! gives the world's own [`Command`]s, to a world or to whatever else is a [`Stage`].

use std::collections::BTreeMap;
use std::time::Duration;

use simulator_record::events::{DeviceId, Event, Kind};
use simulator_record::random::{Draw as _, Seed, Stream};
use simulator_record::time::Instant;
use simulator_scenario::model::{Begin, End, Fault, Scenario, Trigger, When};
use simulator_scenario::units::PerMillion;
use simulator_world::world::Command;

mod stage;
pub mod translate;

#[cfg(test)]
mod tests;

pub use stage::Stage;
use translate::Calendar;

/// Carries out a scenario's timeline.
pub struct Director<'a> {
    scenario: &'a Scenario,
    calendar: Calendar,
    /// What waits for an event, by the kind of that event.
    waiting: BTreeMap<Kind, Vec<Waiting<'a>>>,
    /// When each phone arrives, as far as that is known.
    phones: Vec<Vec<Instant>>,
    /// Until when faults are there that have begun, by their names.
    in_force: BTreeMap<&'a str, Instant>,
    seed: Seed,
    /// What decides about each step and fault that begins with a probability, by the stream's name.
    chances: BTreeMap<String, Stream>,
}

/// Something that begins after an event.
struct Waiting<'a> {
    trigger: &'a Trigger,
    seen: u32,
    then: Cue<'a>,
}

/// Something that begins.
#[derive(Clone, Copy)]
enum Cue<'a> {
    Phone(usize),
    Fault(&'a Fault),
    Step(usize),
}

/// How often something reacts that does so each time: what sets itself off would never end.
const MOST_REACTIONS: u32 = 100_000;

/// The smallest step of virtual time: a reaction comes strictly later than its cause.
const NEXT_MOMENT: Duration = Duration::from_nanos(1);

impl<'a> Director<'a> {
    /// Schedules what has a fixed time and remembers what reacts.
    pub fn new(scenario: &'a Scenario, seed: Seed, stage: &mut impl Stage) -> Self {
        let mut director = Self {
            scenario,
            calendar: Calendar::of(scenario),
            waiting: BTreeMap::new(),
            phones: vec![Vec::new(); scenario.phones.len()],
            in_force: BTreeMap::new(),
            seed,
            chances: BTreeMap::new(),
        };
        for (id, device) in (0..).map(DeviceId).zip(&scenario.devices) {
            stage.schedule(at(device.power_up), Command::Power { device: id, on: true });
        }
        for (index, phone) in scenario.phones.iter().enumerate() {
            match &phone.arrives {
                Begin::At(time) => director.begin(Cue::Phone(index), at(*time), stage),
                Begin::After(trigger) => director.wait_for(trigger, Cue::Phone(index)),
            }
        }
        for fault in &scenario.faults {
            director.arrange_when(&fault.when, Cue::Fault(fault), stage);
        }
        for (index, step) in scenario.steps.iter().enumerate() {
            director.arrange_when(&step.when, Cue::Step(index), stage);
        }
        director
    }

    /// Reads an event that has been committed and schedules the reactions. Events come in their order.
    pub fn observe(&mut self, event: &Event, stage: &mut impl Stage) {
        for (cue, time) in self.cues_of(event) {
            self.begin(cue, time.max(stage.now() + NEXT_MOMENT), stage);
        }
    }

    /// When each phone of the scenario arrives, as far as that is known by now.
    pub fn arrivals(&self) -> &[Vec<Instant>] {
        &self.phones
    }

    /// What an event sets off, and when.
    fn cues_of(&mut self, event: &Event) -> Vec<(Cue<'a>, Instant)> {
        let mut cues = Vec::new();
        let Some(waiting) = self.waiting.get_mut(&event.kind.kind()) else { return cues };
        waiting.retain_mut(|waiting| {
            if !waiting.trigger.matcher.matches(event) {
                return true;
            }
            waiting.seen += 1;
            if waiting.seen < waiting.trigger.count {
                return true;
            }
            cues.push((waiting.then, event.at + waiting.trigger.plus));
            waiting.trigger.each && waiting.seen - waiting.trigger.count < MOST_REACTIONS
        });
        cues
    }

    fn arrange_when(&mut self, when: &'a When, cue: Cue<'a>, stage: &mut impl Stage) {
        match when {
            When::At(time) => self.begin(cue, at(*time), stage),
            When::After(trigger) => self.wait_for(trigger, cue),
            When::Every { period, from, until } => {
                // At the very end nothing can come of it any more.
                let goes_on = |time| time < self.scenario.duration && until.is_none_or(|until| time <= until);
                let mut time = *from;
                while goes_on(time) {
                    self.begin(cue, at(time), stage);
                    time += *period;
                }
            }
        }
    }

    fn wait_for(&mut self, trigger: &'a Trigger, then: Cue<'a>) {
        self.waiting.entry(trigger.matcher.kind()).or_default().push(Waiting { trigger, seen: 0, then });
    }

    /// Whether something begins this time. Each step and fault has its own draws, so that no other changes them.
    fn falls(&mut self, cue: Cue<'a>) -> bool {
        let chance = match cue {
            Cue::Phone(_) => None,
            Cue::Step(step) => {
                self.scenario.steps[step].probability.map(|chance| (chance, format!("chance of step {step}")))
            }
            Cue::Fault(fault) => fault.probability.map(|chance| (chance, format!("chance of fault {}", fault.name))),
        };
        let Some((PerMillion(probability), name)) = chance else { return true };
        let seed = self.seed;
        self.chances.entry(name).or_insert_with_key(|name| seed.stream(name)).happens(probability)
    }

    fn begin(&mut self, cue: Cue<'a>, time: Instant, stage: &mut impl Stage) {
        if !self.falls(cue) {
            return;
        }
        match cue {
            Cue::Phone(phone) => {
                self.phones[phone].push(time);
                stage.schedule(time, Command::StartPhone { phone });
            }
            Cue::Step(step) => {
                stage.schedule_step(time, step, translate::step(&self.scenario.steps[step], time, &self.calendar));
            }
            Cue::Fault(fault) => {
                let end = match fault.end {
                    End::Never => Instant::FAR_FUTURE,
                    End::At(end) => at(end).max(time),
                    End::For(length) => time + length,
                };
                if self.in_force.get(fault.name.as_str()).is_some_and(|until| time < *until) {
                    return;
                }
                self.in_force.insert(&fault.name, end);
                stage.schedule(time, Command::BeginFault(translate::fault(fault)));
                if fault.end != End::Never {
                    stage.schedule(end, Command::EndFault { rule: fault.name.clone() });
                }
            }
        }
    }
}

/// A scenario's time as the world's.
fn at(since_start: Duration) -> Instant {
    Instant::START + since_start
}
