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
fn told(events: &[Event], question: Question<'_>) -> (Vec<String>, End) {
    let explanation = explain(events, question).unwrap();
    let chain = explanation.chain.iter().map(|link| format!("{}: {}", link.lane, link.text)).collect();
    (chain, explanation.end)
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_missing_entry_leads_to_the_fault_that_took_the_access_point_away() {
    let events =
        events("[[faults]]\nname = 'off'\nfrom = '10m'\ninject.access-point = { network = 'home', state = 'off' }\n");
    let (chain, end) = told(&events, Question::NoEntry(25 * MINUTE, None));
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
    let (chain, end) = told(&events, Question::NoEntry(25 * MINUTE, None));
    assert!(chain[0].starts_with("http: POST /update.json to cloud (https): 503"), "{chain:?}");
    assert!(chain[1].starts_with("faults: fault `broken`: "), "{chain:?}");
    assert_eq!((chain.last().unwrap().as_str(), end), ("faults: fault `broken`: begins", End::Scenario));
}

#[test]
fn without_power_there_is_nothing_else_to_say() {
    let events = events("[[steps]]\nat = '10m'\ndo.power = 'off'\n");
    assert_eq!(
        told(&events, Question::NoEntry(25 * MINUTE, None)),
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

/// Some thirty minutes of two devices, of which the second has no power from the tenth on.
fn two_devices() -> Vec<Event> {
    let text = "title = 't'\nduration = '30m'\n[[networks]]\nname = 'home'\npassphrase = 'correct horse'\n\
                [[devices]]\nname = 'kitchen'\n[devices.settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n\
                [[devices]]\nname = 'cellar'\n[devices.settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n\
                [[steps]]\nat = '10m'\ndevice = 'cellar'\ndo.power = 'off'\n\
                [[expect]]\nevent.boot = {}\n";
    let scenario = Scenario::parse("t.toml", text, &|_| Err(String::new())).unwrap_or_else(|error| panic!("{error}"));
    crate::run::run(&scenario, Seed(1)).runs.remove(0).events
}

#[test]
fn of_several_devices_it_is_asked_of_one() {
    let events = two_devices();
    let ask = |device| explain(&events, Question::NoEntry(25 * MINUTE, device));
    assert_eq!(
        ask(None).unwrap_err().to_string(),
        "the record is of several devices: say with --device which of kitchen, cellar"
    );
    assert_eq!(ask(Some("attic")).unwrap_err().to_string(), "the record has no device `attic`: it has kitchen, cellar");
    let cellar = ask(Some("cellar")).unwrap();
    assert_eq!(cellar.chain[0].text, "power goes off on `cellar`");
    // The other goes on, whatever becomes of this one.
    let kitchen = ask(Some("kitchen")).unwrap();
    assert!(kitchen.chain.iter().all(|link| !link.text.contains("cellar")), "{kitchen:?}");
}

#[test]
fn an_event_is_found_by_the_time_that_is_printed() {
    let mut events = events("");
    events.retain(|event| event.at.as_nanos() % 1_000 > 0);
    let event = events.last().unwrap();
    let printed = Duration::from_micros(event.at.as_micros());
    let explanation = explain(&events, Question::At(printed)).unwrap();
    assert_eq!(explanation.chain[0].sequence, event.sequence);
}

#[test]
fn each_chain_goes_back_in_time_and_ends_for_a_reason() {
    for timeline in [
        "[[faults]]\nname = 'x'\nfrom = '5m'\nfor = '10m'\ninject.dns = 'silent'\n",
        "[[faults]]\nname = 'x'\nfrom = '5m'\nfor = '10m'\ninject.route = { to = 'cloud', reply = 'reset' }\n",
        "[[faults]]\nname = 'x'\nfrom = '5m'\nfor = '10m'\ninject.link = { network = 'home', loss = '40%' }\n",
    ] {
        let events = events(timeline);
        for event in &events {
            let explanation = explain(&events, Question::Event(event.sequence)).unwrap();
            assert_eq!(explanation.chain[0].sequence, event.sequence);
            assert!(
                explanation.chain.windows(2).all(|two| two[1].at <= two[0].at && two[1].sequence < two[0].sequence)
            );
            // What the fault did leads to its beginning, and that to the scenario.
            if matches!(&event.kind, EventKind::Fault(fault) if !fault.action.is_boundary()) {
                let last = explanation.chain.last().unwrap();
                assert_eq!((last.text.as_str(), explanation.end), ("fault `x`: begins", End::Scenario), "{event:?}");
            }
        }
        let acted = |event: &Event| matches!(&event.kind, EventKind::Fault(fault) if !fault.action.is_boundary());
        assert!(events.iter().any(acted), "{timeline}");
    }
}
