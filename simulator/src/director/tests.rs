//! When a timeline's steps happen, measured on the record.

use std::time::Duration;

use simulator_record::events::{self, Event, EventKind, PowerState};
use simulator_record::random::Seed;
use simulator_scenario::Scenario;

use crate::run;

/// Runs a scenario of a minute on blank flash.
fn events(text: &str) -> Vec<Event> {
    let text =
        format!("title = 't'\nduration = '1m'\nallow = ['crash', 'watchdog']\n{text}\n[[expect]]\nevent.boot = {{}}\n");
    let scenario = Scenario::parse("t.toml", &text, &|name| Err(format!("{name} is not needed"))).unwrap();
    run::run(&scenario, Seed(1)).runs.remove(0).events
}

fn times(events: &[Event], kind: impl Fn(&EventKind) -> bool) -> Vec<Duration> {
    events.iter().filter(|event| kind(&event.kind)).map(|event| event.at.since_start()).collect()
}

fn presses(events: &[Event]) -> Vec<Duration> {
    times(events, |kind| matches!(kind, EventKind::Step(_)))
}

fn boots(events: &[Event]) -> Vec<Duration> {
    times(events, |kind| matches!(kind, EventKind::Boot(_)))
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
    let off = times(&events, |kind| matches!(kind, EventKind::Power(events::Power { state: PowerState::Off })));
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
            EventKind::Fault(events::Fault { rule, action }) => {
                Some((event.at.since_start(), rule.as_str(), action.text()))
            }
            _ => None,
        })
        .collect();
    let boot = boots(&events)[0];
    assert_eq!(acts, [(boot + ms(1_000), "f", "begins"), (boot + ms(4_000), "f", "ends")]);
}

#[test]
fn what_is_left_to_chance_happens_about_that_often_and_leaves_the_rest_alone() {
    let step = |probability: &str| format!("[[steps]]\nevery = '100ms'\n{probability}do.reset-button = 'press'\n");
    let certain = presses(&events(&step(""))).len();
    let half = presses(&events(&step("probability = '30 %'\n")));
    assert!((certain / 5..certain / 5 * 2).contains(&half.len()), "{} of {certain}", half.len());
    assert_eq!(half, presses(&events(&step("probability = '30 %'\n"))));
    // What else is there has draws of its own.
    let behind = "[[faults]]\nname = 'f'\nevery = '1s'\nfor = '1ms'\nprobability = '50 %'\ninject.sensor = 'silent'\n";
    let both = events(&(step("probability = '30 %'\n") + behind));
    assert_eq!(half, presses(&both));
    let begun = times(&both, |kind| matches!(kind, EventKind::Fault(it) if it.action.text() == "begins")).len();
    assert!((10..50).contains(&begun), "{begun} of 59");
}

#[test]
fn a_later_step_supersedes_a_cut() {
    let text = "[[steps]]\nat = '10s'\ndo.power = { cut-for = '20s' }\n\
        [[steps]]\nat = '15s'\ndo.power = 'off'\n[[steps]]\nat = '50s'\ndo.power = 'on'\n\
        [[steps]]\nat = '55s'\ndo.power = 'on'\n";
    let events = events(text);
    let power = |wanted| times(&events, move |kind| *kind == EventKind::Power(events::Power { state: wanted }));
    assert_eq!(power(PowerState::Off), [ms(10_000)]);
    assert_eq!(power(PowerState::On), [ms(0), ms(50_000)], "not at 30 s, for the cut was overtaken");
    let steps: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Step(events::Step { action }) => Some((event.at.since_start(), action.as_str())),
            _ => None,
        })
        .collect();
    let expected =
        [(ms(15_000), "power off, which it is: without effect"), (ms(55_000), "power on, which it is: without effect")];
    assert_eq!(steps, expected);
}

#[test]
fn a_fault_comes_again_and_again() {
    let text = "[[faults]]\nname = 'f'\nevery = '20s'\nfor = '3s'\ninject.sensor = 'silent'\n";
    let acts = times(&events(text), |kind| matches!(kind, EventKind::Fault(_)));
    assert_eq!(acts, [ms(20_000), ms(23_000), ms(40_000), ms(43_000)]);
}

#[test]
fn power_can_come_late() {
    let events = events("[device]\npower-up = '20s'\n");
    assert_eq!(boots(&events), [ms(20_100)]);
}

#[test]
fn what_reacts_each_time_does_so_from_its_count_on() {
    let text = "[[steps]]\nevery = '10s'\ndo.reset-button = 'press'\n\
        [[faults]]\nname = 'late'\nafter = { event.boot = {}, count = 2, each = true }\nfor = '12s'\n\
        inject.sensor = 'silent'\n";
    let events = events(text);
    let boots = boots(&events);
    let of = |action| times(&events, move |kind| matches!(kind, EventKind::Fault(it) if it.action.text() == action));
    // Boots every ten seconds: at each other one the fault is still there.
    let begun: Vec<_> = boots[1..].iter().step_by(2).map(|boot| *boot + Duration::from_nanos(1)).collect();
    assert!(begun.len() >= 2, "{begun:?}");
    assert_eq!(of("begins"), begun);
    let ended: Vec<_> = begun.iter().map(|begin| *begin + ms(12_000)).filter(|end| *end <= ms(60_000)).collect();
    assert_eq!(of("ends"), ended);
}

#[test]
fn what_sets_itself_off_comes_to_an_end() {
    let text = "[[steps]]\nafter = { event.power = 'off', each = true }\ndo.power = { cut-for = '1ms' }\n\
        [[steps]]\nat = '30s'\ndo.power = 'off'\n";
    assert!(events(text).len() > 10);
}
