//! What stands in a folder and in the evidence.

use std::fs;
use std::path::Path;

use super::*;
use crate::events::{DeviceId, Event, EventKind};
use crate::random::Seed;

fn scenario(file: &str) -> Scenario {
    let text = "title = 'A duck'\nduration = '1m'\n[[expect]]\nevent.boot = {}\n";
    Scenario::parse(file, text, &|name| Err(format!("{name} is not needed"))).unwrap()
}

/// A run with one line on the serial log.
fn run(repetition: u32) -> Run {
    let kind = EventKind::Serial { line: format!("[0.000000] boot: number {repetition}") };
    let event = Event { at: Instant::from_secs(1), sequence: 0, device: Some(DeviceId(0)), kind };
    Run { repetition, events: vec![event], end: Instant::from_secs(60), verdicts: Vec::new() }
}

fn case() -> Case {
    Case { scenario: 0, seed: Seed(1), seed_named: false }
}

/// A folder of the test's own.
fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("preflash-{name}-{}", std::process::id()));
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

#[test]
fn a_folder_is_replaced_but_not_what_others_have_in_it() {
    let out = scratch("replaced");
    let (outer, inner) = (scenario("a.toml"), scenario("a/b.toml"));
    folder::write(&out, &case(), &inner, &Outcome { runs: vec![run(0)] }).unwrap();
    let sweep = Outcome { runs: (0..=2).map(run).collect() };
    let folder = folder::write(&out, &case(), &outer, &sweep).unwrap();
    assert_eq!(folder, out.join("a"));
    assert_eq!(fs::read_to_string(folder.join("repetition-2/serial.log")).unwrap(), "[0.000000] boot: number 2\n");

    folder::write(&out, &case(), &outer, &Outcome { runs: (0..=1).map(run).collect() }).unwrap();
    assert!(!folder.join("repetition-2").exists(), "an earlier sweep had more repetitions");
    assert!(folder.join("repetition-1/events.jsonl").exists());
    assert!(folder.join("b/serial.log").exists(), "another scenario's folder stays");
    let left: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["a"], "no draft is left");
    fs::remove_dir_all(out).unwrap();
}

#[test]
fn a_path_that_leads_up_stays_below_the_output_folder() {
    let case = case();
    assert_eq!(case.folder(&scenario("../../up/x.toml")), Path::new("up/x"));
    assert_eq!(case.folder(&scenario("/abs/x.toml")), Path::new("abs/x"));
}

#[test]
fn evidence_shows_a_few_failures_and_counts_the_rest() {
    let failure = |repetition| Failure {
        repetition,
        line: Some(7),
        expected: "a reading".to_owned(),
        because: None,
        seen: "nothing\nat all".to_owned(),
    };
    let mut report =
        CaseReport::new(&case(), &scenario("a.toml"), &Outcome { runs: vec![run(0)] }, None, PathBuf::from("out/a"));
    assert!(report.passed());
    report.failures = (0..7).map(failure).collect();
    assert!(!report.passed());
    let evidence = report.evidence();
    assert!(
        evidence.starts_with("expected  a reading  (a.toml:7)\nsaw       nothing\n          at all\n"),
        "{evidence}"
    );
    assert!(evidence.contains("expected  a reading  (a.toml:7, repetition 4)\n"), "{evidence}");
    assert!(!evidence.contains("repetition 5") && evidence.contains("          … and 2 more\n"), "{evidence}");
    assert!(evidence.contains("log       [0.000000] boot: number 0\n"), "{evidence}");
    assert!(evidence.ends_with("output    out/a\n"), "{evidence}");
}

#[test]
fn reports_are_well_formed_whatever_a_title_says() {
    let mut report =
        CaseReport::new(&case(), &scenario("a.toml"), &Outcome { runs: vec![run(0)] }, None, PathBuf::from("out/a"));
    report.title = "a <b> & \"c\" ]]> \u{7}".to_owned();
    report.failures = vec![Failure {
        repetition: 0,
        line: None,
        expected: "x ]]> <y>".to_owned(),
        because: None,
        seen: "\u{1b}[31m".to_owned(),
    }];
    let reports = [report];
    let parsed = quick_junit::Report::deserialize_from_str(&junit::to_xml(&reports)).unwrap();
    assert_eq!(parsed.failures, 1);
    let summary: serde_json::Value = serde_json::from_str(&json::Summary::of(&reports).to_text()).unwrap();
    assert_eq!(summary["failed"], 1);
}
