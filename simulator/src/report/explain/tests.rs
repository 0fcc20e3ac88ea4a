//! Chains of real runs.

use simulator_record::random::Seed;
use simulator_scenario::Scenario;

use super::*;

fn events(timeline: &str) -> Vec<Event> {
    let text = format!(
        "title = 't'\nduration = '30m'\n[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n\
         [[expect]]\nevent.boot = {{}}\n{timeline}"
    );
    let scenario = Scenario::parse("t.toml", &text, &|_| Err(String::new())).unwrap_or_else(|error| panic!("{error}"));
    crate::run::run(&scenario, Seed(1)).runs.remove(0).events
}

/// The lanes of a chain and how it ends.
fn told(events: &[Event], question: Question) -> (Vec<String>, End) {
    let explanation = explain(events, question).unwrap();
    let chain = explanation.chain.iter().map(|link| format!("{}: {}", link.lane, link.text)).collect();
    (chain, explanation.end)
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_missing_entry_leads_to_the_fault_that_took_the_access_point_away() {
    let events =
        events("[[faults]]\nname = 'off'\nfrom = '10m'\ninject.access-point = { network = 'home', state = 'off' }\n");
    let (chain, end) = told(&events, Question::NoEntry(25 * MINUTE));
    assert_eq!(
        chain,
        [
            "wifi: link to `home` lost: deauthenticated",
            "access-points: access point `home` (02:00:00:00:01:00) goes away",
            "faults: fault `off`: begins",
        ]
    );
    assert_eq!(end, End::Scenario);
}

#[test]
fn a_missing_entry_leads_to_the_request_that_a_fault_spoilt() {
    let events = events("[[faults]]\nname = 'broken'\nfrom = '10m'\ninject.cloud = { status = 503 }\n");
    let (chain, end) = told(&events, Question::NoEntry(25 * MINUTE));
    assert!(chain[0].starts_with("http: POST /update.json to cloud (https): 503"), "{chain:?}");
    assert!(chain[1].starts_with("faults: fault `broken`: "), "{chain:?}");
    assert_eq!((chain.last().unwrap().as_str(), end), ("faults: fault `broken`: begins", End::Scenario));
}

#[test]
fn without_power_there_is_nothing_else_to_say() {
    let events = events("[[steps]]\nat = '10m'\ndo.power = 'off'\n");
    assert_eq!(
        told(&events, Question::NoEntry(25 * MINUTE)),
        (vec!["power: power goes off".to_owned()], End::Scenario)
    );
}

#[test]
fn a_boot_leads_to_what_restarted_the_device() {
    let events = events("[[steps]]\nat = '10m'\ndo.reset-button = 'press'\n");
    let boot = events.iter().rfind(|event| matches!(event.kind, EventKind::Boot(_))).unwrap();
    let (chain, end) = told(&events, Question::Event(boot.sequence));
    assert_eq!(chain, ["boots: boot 2 after `external reset`", "steps: step: reset button pressed"]);
    assert_eq!(end, End::Scenario);
}

#[test]
fn what_the_record_does_not_say_is_unknown_and_what_was_in_force_is_told() {
    let events = events("[[faults]]\nname = 'mute'\nfrom = '10m'\ninject.sensor = 'silent'\n");
    let reading = events.iter().rfind(|event| matches!(event.kind, EventKind::Sensor(_))).unwrap();
    let explanation = explain(&events, Question::Event(reading.sequence)).unwrap();
    assert_eq!((explanation.end, explanation.in_force), (End::Unknown, vec!["mute".to_owned()]));
    assert_eq!(
        explain(&events, Question::Event(1_000_000)).unwrap_err().to_string(),
        format!("there is no event 1000000: the record has those from 0 to {}", events.len() - 1)
    );
}

#[test]
fn each_chain_goes_back_in_time_and_ends() {
    for timeline in [
        "[[faults]]\nname = 'x'\nfrom = '5m'\nfor = '10m'\ninject.dns = 'silent'\n",
        "[[faults]]\nname = 'x'\nfrom = '5m'\nfor = '10m'\ninject.route = { to = 'cloud', reply = 'reset' }\n",
        "[[faults]]\nname = 'x'\nfrom = '5m'\nfor = '10m'\ninject.link = { network = 'home', loss = '40%' }\n",
    ] {
        let events = events(timeline);
        for event in &events {
            let explanation = explain(&events, Question::Event(event.sequence)).unwrap();
            assert!(explanation.chain.windows(2).all(|two| two[1].sequence < two[0].sequence));
        }
    }
}
