//! What stands in a folder and in the evidence.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use simulator_record::events::{self, DeviceId, Event, EventKind, Level, PinKind};
use simulator_record::random::Seed;
use simulator_scenario::model::Place;

use super::*;
use crate::expectation;
use crate::expectation::Verdict;
use crate::run::{Run, SubjectOutcome};

fn scenario(file: &str) -> Scenario {
    let text = "title = 'A duck'\nduration = '1m'\n[[expect]]\nevent.boot = {}\n";
    Scenario::parse(file, text, &|name| Err(format!("{name} is not needed"))).unwrap()
}

/// A run with one line on the serial log.
fn run(repetition: u32) -> Run {
    let kind = EventKind::Serial(events::Serial { line: format!("[0.000000] boot: number {repetition}") });
    let event = Event { at: Instant::from_secs(1), sequence: 0, device: Some(DeviceId(0)), name: None, kind };
    Run {
        repetition,
        events: vec![event],
        record: None,
        end: Instant::from_secs(60),
        verdicts: Vec::new(),
        coverage: None,
        receipts: Vec::new(),
    }
}

fn case() -> Case {
    Case { scenario: 0, seed: Seed(1), seed_named: false, reproduce: Arc::default() }
}

fn results(runs: Vec<Run>) -> Results {
    Results::of(Name::Host, CaseOutcome { runs })
}

/// A case on host and chip, of which only the host's LED goes on after two seconds.
fn results_on_both(repetitions: u32) -> Results {
    let led = Event {
        at: Instant::from_secs(2),
        sequence: 1,
        device: Some(DeviceId(0)),
        name: None,
        kind: EventKind::Pin(events::Pin {
            gpio: 13,
            level: Level::High,
            part: "wifi".into(),
            kind: PinKind::Led,
            on: true,
        }),
    };
    let chip = CaseOutcome { runs: (0..repetitions).map(run).collect() };
    let mut host = chip.clone();
    host.runs[0].events.push(led);
    let on = |name, outcome| SubjectOutcome { name, outcome, second_run: None };
    let outcomes = vec![on(Name::Host, host), on(Name::Chip, chip)];
    Results { outcomes }
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
    folder::write(&out, &case(), &inner, &results(vec![run(0)])).unwrap();
    let sweep = results((0..=2).map(run).collect());
    let folder = folder::write(&out, &case(), &outer, &sweep).unwrap().folder;
    assert_eq!(folder, Path::new("a"));
    let folder = out.join(folder);
    assert_eq!(fs::read_to_string(folder.join("repetition-2/serial.log")).unwrap(), "[0.000000] boot: number 2\n");

    folder::write(&out, &case(), &outer, &results((0..=1).map(run).collect())).unwrap();
    assert!(!folder.join("repetition-2").exists(), "an earlier sweep had more repetitions");
    assert!(folder.join("repetition-1/events.jsonl").exists());
    assert!(folder.join("b/serial.log").exists(), "another scenario's folder stays");
    let left: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["a"], "no draft is left");
    fs::remove_dir_all(out).unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_leaves_nothing_half_written() {
    let out = scratch("unwritable");
    fs::create_dir_all(&out).unwrap();
    fs::write(out.join("a"), "a file in the folder's place").unwrap();
    let error = folder::write(&out, &case(), &scenario("a.toml"), &results(vec![run(0)])).unwrap_err();
    assert!(error.to_string().starts_with(&format!("could not write {}: ", out.join("a").display())), "{error}");
    let left: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["a"]);
    fs::remove_dir_all(out).unwrap();
}

#[test]
fn each_target_has_its_folder_and_they_go_when_there_is_only_one() {
    let out = scratch("targets");
    let scenario = scenario("a.toml");
    let folder = out.join(folder::write(&out, &case(), &scenario, &results_on_both(2)).unwrap().folder);
    for file in
        ["on-host/serial.log", "on-esp8266/events.jsonl", "on-esp8266/repetition-1/serial.log", "comparison.json"]
    {
        assert!(folder.join(file).exists(), "{file}");
    }
    assert!(!folder.join("serial.log").exists());
    folder::write(&out, &case(), &scenario, &results(vec![run(0)])).unwrap();
    let mut left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["events.jsonl", "http.jsonl", "inputs.json", "report.html", "reproduce.txt", "serial.log"]);
    fs::remove_dir_all(out).unwrap();
}

#[test]
fn a_path_that_leads_up_stays_below_the_output_folder() {
    let case = case();
    assert_eq!(case.folder(&scenario("../../up/x.toml")), Path::new("up/x"));
    assert_eq!(case.folder(&scenario("/abs/x.toml")), Path::new("abs/x"));
}

#[test]
fn what_earlier_runs_left_is_cleared_and_nothing_else() {
    let out = scratch("cleared");
    let scenario = scenario("a.toml");
    for name in
        ["serial.log", "seed-3/events.jsonl", "repetition-1/http.jsonl", "b/serial.log", "seed-x/notes", "notes"]
    {
        let path = out.join("a").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder::clear_earlier(&out, &scenario).unwrap();
    let mut left: Vec<_> = fs::read_dir(out.join("a")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["b", "notes", "seed-x"]);
    fs::remove_dir_all(&out).unwrap();
    folder::clear_earlier(&out, &scenario).unwrap();
    assert!(!out.exists());
}

/// The run of a repetition in which an expectation was not met, seen at a moment.
fn failed(repetition: u32, line: u32, seen: &str, at: Option<Instant>) -> Run {
    let mut run = run(repetition);
    run.verdicts.push(Verdict {
        because: Some("ducks report".to_owned()),
        place: Some(Place { line, column: 1 }),
        ..Verdict::missed("a reading", expectation::Failure { seen: seen.to_owned(), at })
    });
    run
}

fn report(runs: Vec<Run>) -> CaseReport {
    report_of(&results(runs))
}

fn report_of(results: &Results) -> CaseReport {
    let scenario = scenario("a.toml");
    CaseReport::new(&case(), &scenario, results, &compare::comparisons(&scenario, results))
}

#[test]
fn evidence_has_the_log_in_the_worlds_time_around_the_moment() {
    assert!(report(vec![run(0)]).passed());
    let mut run = failed(0, 7, "nothing\nat all", Some(Instant::from_secs(90)));
    run.events = (1..=40)
        .map(|number| Event {
            at: Instant::from_secs(number * 6),
            sequence: number,
            device: Some(DeviceId(0)),
            name: None,
            kind: EventKind::Serial(events::Serial { line: format!("[0.000000] line {number}") }),
        })
        .collect();
    let evidence = report(vec![run]).evidence(Path::new("out"));
    let expected = "\
expected  a reading  (a.toml:7)
because   ducks report
saw       nothing
          at all
log        60.000000 s  [0.000000] line 10
           66.000000 s  [0.000000] line 11
           72.000000 s  [0.000000] line 12
           78.000000 s  [0.000000] line 13
           84.000000 s  [0.000000] line 14
           90.000000 s  [0.000000] line 15
           96.000000 s  [0.000000] line 16
          102.000000 s  [0.000000] line 17
again     cargo run --release -- run a.toml --seed 1
output    out/a
";
    assert_eq!(evidence, expected);
}

#[test]
fn the_same_failure_in_many_repetitions_is_said_once() {
    let mut runs = vec![run(0)];
    runs.extend([(1, 7), (2, 7), (3, 7), (5, 9)].map(|(number, line)| failed(number, line, "nothing", None)));
    runs.insert(4, run(4));
    let evidence = report(runs).evidence(Path::new("out"));
    let expected = "\
expected  a reading  (a.toml:7; repetitions 1 to 3)
because   ducks report
saw       in repetition 1: nothing
log       1.000000 s  [0.000000] boot: number 1
expected  a reading  (a.toml:9; repetition 5)
because   ducks report
saw       nothing
log       1.000000 s  [0.000000] boot: number 5
again     cargo run --release -- run a.toml --seed 1
output    out/a/repetition-1
";
    assert_eq!(evidence, expected);
}

#[test]
fn what_differs_between_targets_is_shown_with_both_logs() {
    let report = report_of(&results_on_both(1));
    let expected = "\
expected  the same changes of the LED on host and chip, up to 10s apart
saw       1 on the host, 0 on the chip; the first is on one of them only:
            host: at 2.000000 s: the LED `wifi` goes on
            chip: nothing in its place
host      1.000000 s  [0.000000] boot: number 0
esp8266   1.000000 s  [0.000000] boot: number 0
again     cargo run --release -- run a.toml --seed 1
output    out/a
";
    assert_eq!(report.evidence(Path::new("out")), expected);
    let led =
        Tally { word: "led", counts: [(Name::Host, 1), (Name::Chip, 0)], differ: 1, may_differ: 0, furthest: 0.0 };
    assert_eq!(report.tallies.last(), Some(&led));
    assert_eq!(report.simulated, Duration::from_secs(120));
}

#[test]
fn each_further_subject_is_compared_with_the_first() {
    let mut results = results_on_both(1);
    let chip = results.outcomes[1].outcome.clone();
    results.outcomes.push(SubjectOutcome { name: Name::New, outcome: chip, second_run: None });
    let out = scratch("three");
    folder::write(&out, &case(), &scenario("a.toml"), &results).unwrap();
    let comparison: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("a/comparison.json")).unwrap()).unwrap();
    let led = |index: usize| comparison[index]["runs"][0]["led"][0].clone();
    assert_eq!(led(0)["host"]["at-seconds"], 2.0);
    assert!(led(0)["esp8266"].is_null() && led(1)["new"].is_null() && led(1).get("esp8266").is_none());
    let report = report_of(&results);
    let seen: Vec<&str> = report.failures.iter().map(|failure| failure.seen.as_str()).collect();
    assert!(seen[1].contains("1 on the host, 0 on the new image"), "{seen:?}");
    let mut line = Vec::new();
    terminal::write_case(&mut line, &report, &out).unwrap();
    let line = anstream::adapter::strip_bytes(&line).into_vec();
    let line = String::from_utf8(line).unwrap();
    assert!(line.starts_with("FAIL  A duck  (a.toml, 3m on host, chip and new image)\n"), "{line}");
    fs::remove_dir_all(out).unwrap();
}

#[test]
fn what_fails_on_one_target_is_seen_in_its_folder() {
    let mut results = results_on_both(1);
    results.outcomes[0].outcome.runs[0].events.pop();
    results.outcomes[1].outcome.runs[0] = failed(0, 7, "nothing", None);
    let evidence = report_of(&results).evidence(Path::new("out"));
    assert!(evidence.starts_with("expected  a reading  (a.toml:7; on esp8266)\n"), "{evidence}");
    assert!(
        evidence.contains("log       1.000000 s") && evidence.ends_with("output    out/a/on-esp8266\n"),
        "{evidence}"
    );
}

#[test]
fn evidence_shows_a_few_failures_and_counts_the_rest() {
    let mut runs: Vec<Run> = vec![run(0)];
    for line in 1..=7 {
        runs[0].verdicts.extend(failed(0, line, "nothing", None).verdicts);
    }
    let evidence = report(runs).evidence(Path::new("out"));
    assert!(evidence.contains("(a.toml:5)") && !evidence.contains("(a.toml:6)"), "{evidence}");
    assert!(evidence.contains("          … and 2 more\n"), "{evidence}");
    assert_eq!(evidence.matches("boot: number 0").count(), 1, "the same lines stand there once: {evidence}");
}

#[test]
fn reports_are_well_formed_whatever_a_title_says() {
    let mut report = report(vec![failed(0, 3, "\u{1b}[31m ]]> <y>", None)]);
    report.title = "a <b> & \"c\" ]]> \u{7}".to_owned();
    let not_run = NotRun::new(&case(), &scenario("b.toml"), None);
    let session = Session { reports: vec![report], not_run: vec![not_run], interrupted: true, on_a_rig: false };
    let parsed = quick_junit::Report::deserialize_from_str(&junit::to_xml(&session)).unwrap();
    assert_eq!((parsed.tests, parsed.failures), (2, 1));
    let skipped = &parsed.test_suites[0].test_cases[1].status;
    assert!(matches!(skipped, quick_junit::TestCaseStatus::Skipped { .. }), "{skipped:?}");
    let summary: serde_json::Value = serde_json::from_str(&json::Summary::of(&session).to_text()).unwrap();
    assert_eq!(
        (&summary["failed"], &summary["not-run"], &summary["interrupted"]),
        (&1.into(), &1.into(), &true.into())
    );
    assert_eq!(summary["cases-not-run"][0]["file"], "b.toml");
    let failure = &summary["cases"][0]["failures"][0];
    assert_eq!(failure["because"], "ducks report");
    assert_eq!(failure["log"][0]["line"], "[0.000000] boot: number 0");
    assert_eq!(failure["log"][0]["at-seconds"], 1.0);
}
