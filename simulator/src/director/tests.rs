//! When a timeline's steps happen, measured on the record.

use std::time::Duration;

use crate::events::{Event, EventKind, PowerState};
use crate::random::Seed;
use crate::run;
use crate::scenario::Scenario;

/// Runs a scenario of a minute on blank flash.
fn events(text: &str) -> Vec<Event> {
    let text = format!("title = 't'\nduration = '1m'\nallow = ['crash', 'watchdog']\n{text}");
    let scenario = Scenario::parse("t.toml", &text, &|name| Err(format!("{name} is not needed"))).unwrap();
    run::run(&scenario, Seed(1)).runs.remove(0).events
}

fn times(events: &[Event], kind: impl Fn(&EventKind) -> bool) -> Vec<Duration> {
    events.iter().filter(|event| kind(&event.kind)).map(|event| event.at.since_start()).collect()
}

fn presses(events: &[Event]) -> Vec<Duration> {
    times(events, |kind| matches!(kind, EventKind::Step { .. }))
}

fn boots(events: &[Event]) -> Vec<Duration> {
    times(events, |kind| matches!(kind, EventKind::Boot { .. }))
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn a_step_happens_at_its_time() {
    assert_eq!(presses(&events("[[steps]]\nat = '10s'\ndo.reset-button = 'press'\n")), [ms(10_000)]);
}

#[test]
fn a_step_is_repeated_within_its_interval() {
    let text = "[[steps]]\nevery = '10s'\nfrom = '5s'\nuntil = '30s'\ndo.reset-button = 'press'\n";
    assert_eq!(presses(&events(text)), [ms(5_000), ms(15_000), ms(25_000)]);
}

#[test]
fn a_reaction_comes_once_and_strictly_later_than_its_cause() {
    let events = events("[[steps]]\nafter = { event.boot = {} }\ndo.reset-button = 'press'\n");
    let boots = boots(&events);
    assert_eq!(boots.len(), 2, "the reaction's own boot sets off nothing");
    assert_eq!(presses(&events), [boots[0] + Duration::from_nanos(1)]);
}

#[test]
fn a_reaction_waits_for_the_event_of_its_count_and_its_delay() {
    let text = "[[steps]]\nevery = '10s'\ndo.reset-button = 'press'\n\
        [[steps]]\nafter = { event.boot = {}, count = 3, plus = '2s' }\ndo.power = 'off'\n";
    let events = events(text);
    let off = times(&events, |kind| matches!(kind, EventKind::Power { state: PowerState::Off }));
    let boots = boots(&events);
    assert_eq!(off, [boots[2] + ms(2_000)]);
    assert_eq!(boots.len(), 3, "a button does nothing without power");
}

#[test]
fn a_faults_end_is_counted_from_its_beginning() {
    let text =
        "[[faults]]\nname = 'f'\nafter = { event.boot = {}, plus = '1s' }\nfor = '3s'\ninject.sensor = 'silent'\n";
    let events = events(text);
    let acts: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Fault { rule, action } => Some((event.at.since_start(), rule.as_str(), action.as_str())),
            _ => None,
        })
        .collect();
    let boot = boots(&events)[0];
    assert_eq!(acts, [(boot + ms(1_000), "f", "begins"), (boot + ms(4_000), "f", "ends")]);
}

#[test]
fn power_can_come_late() {
    let events = events("[device]\npower-up = '20s'\n");
    assert_eq!(boots(&events), [ms(20_100)]);
}
