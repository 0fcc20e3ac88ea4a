//! Sweeps, and telling runs apart.

use super::determinism::difference;
use super::*;
use crate::events::{self, PowerState};

fn scenario(text: &str) -> Scenario {
    let text = format!("title = 't'\n{text}\n[[expect]]\nevent.boot = {{}}\n");
    Scenario::parse("t.toml", &text, &|name| Err(format!("{name} is not needed"))).unwrap()
}

/// A phone sets up a blank device; power is cut in flash operations between `from` and `until`.
fn sweep(from: &str, until: &str) -> Scenario {
    scenario(&format!(
        "duration = '1m'\n[[networks]]\nname = 'home'\n[[phones]]\nname = 'alice'\narrives = '5s'\ndoes = [\n\
         {{ join = {{ network = 'yellow-duck' }} }},\n\
         {{ submit = {{ network = 'home', write-key = 'channel', trusted-issuer = 'cloud' }} }},\n]\n\
         [sweep]\ncut-power-at-each-flash-operation = {{ from = '{from}', until = '{until}', off-for = '2s' }}\n"
    ))
}

#[test]
fn a_sweep_tries_each_flash_operation_once() {
    let outcome = run(&sweep("0s", "40s"), Seed(1));
    let cuts = |run: &Run| {
        run.events
            .iter()
            .filter(|event| event.kind == EventKind::Power(events::Power { state: PowerState::Off }))
            .count()
    };
    let torn = |run: &Run| {
        run.events.iter().find_map(|event| match event.kind {
            EventKind::Flash(events::Flash { number, torn: true, .. }) => Some(number),
            _ => None,
        })
    };
    let (plain, repetitions) = outcome.runs.split_first().unwrap();
    assert_eq!((plain.repetition, cuts(plain), torn(plain)), (0, 0, None));
    let operations = plain.events.iter().filter(|event| matches!(event.kind, EventKind::Flash(_))).count();
    assert!(operations >= 2, "saving erases and writes");
    assert_eq!(repetitions.len(), operations);
    for (number, run) in (1..).zip(repetitions) {
        assert_eq!((run.repetition, cuts(run), torn(run)), (number, 1, Some(number)));
    }
    assert!(outcome.passed(), "{:?}", outcome.telling_run().failures().next());
}

#[test]
fn a_sweep_that_finds_nothing_to_cut_fails() {
    let outcome = run(&sweep("50s", "55s"), Seed(1));
    let (verdict, failure) = outcome.telling_run().failures().next().unwrap();
    assert_eq!(verdict.text, "flash operations in the sweep's interval");
    assert_eq!(failure.seen, "there were none, so that no power cut was tried");
}

#[test]
fn the_run_that_failed_first_tells() {
    let mut outcome = run(&sweep("0s", "40s"), Seed(1));
    assert_eq!(outcome.telling_run().repetition, outcome.runs.last().unwrap().repetition);
    let failed = Verdict {
        text: "more".to_owned(),
        because: None,
        place: None,
        failure: Some(Failure { seen: "less".to_owned(), at: None }),
    };
    outcome.runs[1].verdicts.push(failed);
    assert!(!outcome.passed());
    assert_eq!(outcome.telling_run().repetition, 1);
}

#[test]
fn the_first_event_that_differs_is_named() {
    let scenario = scenario("duration = '20s'\n");
    let first = run(&scenario, Seed(1));
    assert_eq!(difference(&first, &run(&scenario, Seed(1))), None);

    let mut changed = first.clone();
    let place = changed.runs[0].events.iter().position(|event| matches!(event.kind, EventKind::Serial(_))).unwrap();
    changed.runs[0].events[place].kind = EventKind::Serial(events::Serial { line: "something else".to_owned() });
    let found = difference(&first, &changed).unwrap();
    assert_eq!(found.first, Some(first.runs[0].events[place].clone()));
    assert!(found.describe().contains("again: ") && found.describe().contains("something else"));

    let mut shorter = first.clone();
    let last = shorter.runs[0].events.pop();
    let found = difference(&first, &shorter).unwrap();
    assert_eq!((found.first, found.second), (last, None));
}

#[test]
fn nothing_behind_a_runs_end_is_recorded() {
    let outcome = run(&scenario("duration = '1s'\n"), Seed(1));
    assert_eq!(outcome.simulated(), Duration::from_secs(1));
    assert!(!outcome.runs[0].events.is_empty());
    assert!(outcome.runs[0].events.iter().all(|event| event.at <= Instant::from_secs(1)));
}

#[test]
fn a_fault_that_takes_the_reply_away_says_what_was_stored() {
    let scenario = scenario(
        "duration = '2m'\n[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n\
         [[faults]]\nname = 'lost'\nfrom = '0s'\ncount = 2\ninject.cloud = 'drop-after-storing'\n",
    );
    let outcome = run(&scenario, Seed(1));
    let actions: Vec<&str> = outcome.runs[0]
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Fault(events::Fault { action, .. }) => Some(action.as_str()),
            _ => None,
        })
        .collect();
    let expected = [
        "begins",
        "stored an entry, and closed without a reply",
        "had nothing new to store, and closed without a reply",
    ];
    assert_eq!(actions, expected);
}
