//! `preflash run`: what it prints, writes and answers.

use std::fs;
use std::process::Command;
use std::thread;

use quick_junit::{Report, TestCaseStatus};
use serde_json::Value;

use super::bench::{Bench, Ended, READING};

const FAILS: &str = r#"
title = "A <duck> & its \"second\" reading"
duration = "30s"
[settings]
network = "home"
passphrase = "correct horse"

[[expect]]
event.stored = {}
exactly = 2
because = "there is time for two readings in half a minute"
"#;

/// A folder with one scenario that passes and one that fails, which comes first.
fn bench(name: &str) -> Bench {
    let bench = Bench::new(name);
    bench.file("s/b-passes.toml", READING).file("s/a-fails.toml", FAILS);
    bench
}

/// Standard output without its last line, which tells the time that the run took.
fn without_the_time(ended: &Ended) -> &str {
    let (kept, time) = ended.stdout.trim_end().rsplit_once('\n').expect("there are several lines");
    assert!(time.contains("times as fast as real time"), "{time}");
    kept
}

#[test]
fn a_failure_is_shown_with_its_evidence() {
    let bench = bench("failure");
    let ended = bench.preflash("run s");
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.stderr, "");
    insta::assert_snapshot!("failure", without_the_time(&ended));
    for file in ["serial.log", "events.jsonl", "http.jsonl"] {
        assert!(!bench.read(&format!("target/preflash/s/a-fails/{file}")).is_empty(), "{file}");
    }
}

#[test]
fn the_command_that_is_printed_shows_the_failure_again() {
    let bench = bench("again");
    let first = bench.preflash("run s");
    let command = bench.read("target/preflash/s/a-fails/reproduce.txt");
    let arguments = command.trim().strip_prefix("cargo run --release -- ").expect("it is our command");
    let again = bench.preflash(arguments);
    assert_eq!(again.code, Some(1));
    let saw = |ended: &Ended| {
        let lines: Vec<_> = ended.stdout.lines().filter(|line| line.contains("saw")).map(str::to_owned).collect();
        assert_eq!(lines.len(), 1, "{}", ended.stdout);
        lines
    };
    assert_eq!(saw(&first), saw(&again));
}

#[test]
fn a_program_that_was_not_started_by_cargo_is_started_again_without_it() {
    let bench = bench("installed");
    let mut command = Command::new(env!("CARGO_BIN_EXE_preflash"));
    command.args(["run", "s/b-passes.toml"]).current_dir(&bench.folder).env_remove("CARGO");
    assert!(command.output().unwrap().status.success());
    let again = bench.read("target/preflash/s/b-passes/reproduce.txt");
    assert_eq!(again, "preflash run s/b-passes.toml --seed 1\n");
}

#[test]
fn what_passes_ends_with_0() {
    let bench = bench("passes");
    let ended = bench.preflash("run s/b-passes.toml --check-determinism");
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let expected = "PASS  A duck stores its first reading  (s/b-passes.toml, 30s)\n\n1 passed, 0 failed";
    assert_eq!(without_the_time(&ended), expected);
    let again = "cargo run --release -- run s/b-passes.toml --seed 1 --check-determinism\n";
    assert_eq!(bench.read("target/preflash/s/b-passes/reproduce.txt"), again);
}

#[test]
fn json_says_what_passed_and_what_failed() {
    let bench = bench("json");
    let ended = bench.preflash("run s --format json");
    assert_eq!(ended.code, Some(1));
    let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(summary["passed"], 1);
    assert_eq!(summary["failed"], 1);
    let [failed, passed] = summary["cases"].as_array().unwrap().as_slice() else { panic!("{summary}") };
    assert_eq!(failed["file"], "s/a-fails.toml");
    assert_eq!(failed["passed"], false);
    let failure = &failed["failures"][0];
    assert_eq!(failure["line"], 8);
    assert_eq!(failure["because"], "there is time for two readings in half a minute");
    assert_eq!(failure["log"].as_array().unwrap().len(), 8);
    assert_eq!(passed["passed"], true);
    assert_eq!(passed["failures"], Value::Array(Vec::new()));
    assert_eq!(bench.read("target/preflash/summary.json"), ended.stdout, "the same lies in the folder");
}

#[test]
fn junit_names_the_failure() {
    let bench = bench("junit");
    assert_eq!(bench.preflash("run s --junit reports/junit.xml").code, Some(1));
    let report = Report::deserialize_from_str(&bench.read("reports/junit.xml")).unwrap();
    let [suite] = report.test_suites.as_slice() else { panic!("{report:?}") };
    let [failed, passed] = suite.test_cases.as_slice() else { panic!("{suite:?}") };
    assert_eq!(failed.name.as_str(), "A <duck> & its \"second\" reading");
    let TestCaseStatus::NonSuccess { message, description, .. } = &failed.status else { panic!("{failed:?}") };
    assert!(message.as_ref().unwrap().as_str().starts_with("expected "), "{message:?}");
    let evidence = description.as_ref().unwrap().as_str();
    assert!(
        evidence.contains("there is time for two readings") && evidence.contains("run s/a-fails.toml --seed 1"),
        "{evidence}"
    );
    assert!(matches!(passed.status, TestCaseStatus::Success { .. }), "{passed:?}");
}

#[test]
fn after_the_first_failure_nothing_more_is_begun_if_so_asked() {
    let bench = bench("fail-fast");
    let ended = bench.preflash("run s --fail-fast --jobs 1");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("0 passed, 1 failed\n1 not run after the first failure"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("PASS"), "{}", ended.stdout);
    let summary: Value = serde_json::from_str(&bench.read("target/preflash/summary.json")).unwrap();
    assert_eq!((&summary["not-run"], &summary["interrupted"]), (&1.into(), &false.into()));
    assert_eq!(summary["cases-not-run"][0]["file"], "s/b-passes.toml");
}

#[test]
fn a_file_that_is_meant_twice_is_run_once() {
    let ended = bench("twice").preflash("run s/b-passes.toml ./s/b-passes.toml s/../s/b-passes.toml");
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("1 passed, 0 failed"), "{}", ended.stdout);
}

#[test]
fn what_earlier_runs_left_is_replaced() {
    let bench = bench("earlier");
    let left = || -> Vec<String> {
        let files = bench.files("target/preflash");
        files.keys().filter(|file| !file.ends_with("http.jsonl")).map(|file| file.display().to_string()).collect()
    };
    assert_eq!(bench.preflash("run s/b-passes.toml --seeds 1..2").code, Some(0));
    let files = ["events.jsonl", "inputs.json", "report.html", "reproduce.txt", "serial.log"];
    let of = |folder: &str| files.map(|file| format!("s/b-passes/{folder}{file}"));
    let (index, summary) = (["index.html".to_owned()], ["summary.json".to_owned()]);
    assert_eq!(left(), [&index[..], &of("seed-1/"), &of("seed-2/"), &summary].concat());
    assert_eq!(bench.preflash("run s/b-passes.toml").code, Some(0));
    assert_eq!(left(), [&index[..], &of(""), &summary].concat());
}

#[test]
fn a_share_without_a_scenario_says_so() {
    let ended = bench("share").preflash("run s/b-passes.toml --shard 2/4");
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stdout, "no scenario in share 2/4: there are too few for so many shares\n");
}

#[test]
fn seeds_are_cases_of_their_own_and_shards_share_them() {
    let bench = bench("seeds");
    let names = |arguments: &str| {
        let ended = bench.preflash(&format!("run s/b-passes.toml --seeds 3..6 {arguments}"));
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
        let seed = |line: &str| Some(line.split_once(", seed ")?.1.split_once(',')?.0.parse::<u64>().unwrap());
        ended.stdout.lines().filter_map(seed).collect::<Vec<_>>()
    };
    assert_eq!(names(""), [3, 4, 5, 6]);
    let logs: Vec<_> =
        (3..=6).map(|seed| bench.read(&format!("target/preflash/s/b-passes/seed-{seed}/events.jsonl"))).collect();
    assert!(logs[1..].iter().all(|log| *log != logs[0]), "another seed is another run");
    assert_eq!(names("--shard 1/3"), [3, 6]);
    assert_eq!(names("--shard 2/3"), [4]);
    assert_eq!(names("--shard 3/3"), [5]);
}

/// Runs it and expects it to be refused: exit code 2, `message` on standard error, nothing run and nothing written.
#[track_caller]
fn is_refused(bench: &Bench, arguments: &str, message: &str) {
    let before = bench.files("");
    let ended = bench.preflash(arguments);
    assert_eq!(ended.code, Some(2), "{arguments}: {}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains(message), "{arguments}: {}", ended.stderr);
    assert_eq!(ended.stdout, "", "{arguments}");
    assert_eq!(bench.files(""), before, "{arguments}: something was written");
}

#[test]
fn wrong_arguments_are_refused() {
    let bench = bench("arguments");
    is_refused(&bench, "run nowhere", "could not open nowhere: no such file or folder");
    bench.file("empty/readme.txt", "");
    is_refused(&bench, "run empty", "no scenario files under empty");
    is_refused(&bench, "run empty/readme.txt", "is not a scenario");
    is_refused(&bench, "run s --frobnicate", "--frobnicate");
    is_refused(&bench, "run s --shard 5/4", "expected K/N");
    is_refused(&bench, "run s --seeds 9..1", "expected A..B");
    is_refused(&bench, "run s --seed 1 --seeds 1..2", "cannot be used with");
    is_refused(&bench, "run s --jobs 0", "expected a number from 1 to 1000");
    is_refused(&bench, "run s --jobs 100000", "expected a number from 1 to 1000");
    is_refused(&bench, "run s --seed 99999999999999999999", "expected a number from 0 to 18446744073709551615");
    is_refused(&bench, "run s --seeds 1..1000000000000", "could not run 2000000000000 cases: 100000 at a time");
    is_refused(&bench, "run", "could not open scenarios: no such file or folder; without a path, preflash takes");
    let chip = "--image is for the emulated chip: say --on chip or --on both, too";
    is_refused(&bench, "run s --image nowhere", chip);
    is_refused(&bench, "run s --junit s", "could not write s: it is a folder");
}

#[test]
fn what_is_no_report_is_not_replaced_by_one() {
    let bench = bench("not-ours");
    for file in ["s/b-passes.toml", "s/notes.xml", "out/summary.json"] {
        if !bench.folder.join(file).exists() {
            bench.file(file, "<p>mine</p>\n");
        }
    }
    let none = "what is there is no JUnit report and not replaced";
    is_refused(
        &bench,
        "run s/a-fails.toml --junit s/b-passes.toml",
        &format!("could not write s/b-passes.toml: {none}"),
    );
    is_refused(&bench, "run s --junit s/notes.xml", &format!("could not write s/notes.xml: {none}"));
    is_refused(&bench, "run s --out out", "could not write out/summary.json: what is there is no summary of a run");
    // A report of an earlier run is.
    bench.file("empty.xml", "");
    for _ in 0..2 {
        assert_eq!(bench.preflash("run s/b-passes.toml --junit empty.xml").code, Some(0));
        assert!(bench.read("empty.xml").contains("A duck stores its first reading"));
    }
    // What a refused run would have replaced is still there.
    is_refused(&bench, "run s/b-passes.toml --junit s/notes.xml", none);
    is_refused(&bench, "run s/b-passes.toml --junit target/../target/preflash/summary.json", "no JUnit report");
    fs::remove_file(bench.folder.join("target/preflash/summary.json")).unwrap();
    let same = "another file of the run stands there";
    is_refused(&bench, "run s/b-passes.toml --junit target/../target/preflash/summary.json", same);
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_written_through_and_stay() {
    let bench = bench("through");
    std::os::unix::fs::symlink("elsewhere.xml", bench.folder.join("link.xml")).unwrap();
    bench.file("elsewhere.xml", "");
    assert_eq!(bench.preflash("run s/b-passes.toml --junit link.xml").code, Some(0));
    assert!(bench.folder.join("link.xml").is_symlink());
    assert!(bench.read("elsewhere.xml").contains("<testsuites"));

    let pipe = bench.folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = {
        let pipe = pipe.clone();
        thread::spawn(move || fs::read_to_string(pipe).unwrap())
    };
    assert_eq!(bench.preflash("run s/b-passes.toml --junit pipe").code, Some(0));
    assert!(reader.join().unwrap().contains("<testsuites"));
    assert!(!fs::metadata(&pipe).unwrap().is_file(), "the pipe is still a pipe");
}

#[test]
fn one_mistaken_file_keeps_all_from_being_run() {
    let bench = bench("mistaken");
    bench.file("s/c-mistaken.toml", "title = 'wrong'\nduration = '30 ducks'\ncolour = 'yellow'\n");
    is_refused(&bench, "run s", "s/c-mistaken.toml:2:");
    is_refused(&bench, "run s", "colour");
}

#[test]
fn output_that_cannot_be_written_is_said() {
    let bench = bench("unwritable");
    bench.file("in-the-way", "");
    for arguments in ["run s --out in-the-way/out", "run s --junit in-the-way/junit.xml"] {
        let ended = bench.preflash(arguments);
        assert_eq!(ended.code, Some(2), "{arguments}: {}", ended.stdout);
        assert!(ended.stderr.contains("could not write in-the-way"), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.ends_with("in-the-way is no folder\n"), "{arguments}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{arguments}: it is said before anything is run");
    }
}

#[test]
fn each_of_several_devices_has_a_folder_of_its_own() {
    let bench = Bench::new("devices");
    let settings = "settings = { network = \"home\", passphrase = \"correct horse\" }";
    bench.file(
        "two.toml",
        &format!(
            "title = \"t\"\nduration = \"1m\"\n[[devices]]\nname = \"kitchen\"\n{settings}\n[[devices]]\nname = \"cellar\"\n\
             {settings}\n[[expect]]\nevent.boot = {{}}\nexactly = 2\n"
        ),
    );
    assert_eq!(bench.preflash("run two.toml --out out").code, Some(0));
    let read = |file: &str| bench.read(&format!("out/two/{file}"));
    // There the lines of two devices would stand between each other.
    assert!(!bench.files("out/two").contains_key(std::path::Path::new("serial.log")));
    for (device, name) in ["kitchen", "cellar"].into_iter().enumerate() {
        let lines = read(&format!("device-{name}/serial.log"));
        assert_eq!(lines.matches("boot: ").count(), 1, "{lines}");
        let events = read(&format!("device-{name}/events.jsonl"));
        assert!(events.lines().count() > 10);
        assert!(events.lines().all(|event| event.contains(&format!("\"device\":{device},"))), "{events}");
    }
    let all = read("events.jsonl");
    assert!(all.contains("\"device\":0,") && all.contains("\"device\":1,"));
}

#[test]
fn what_preflash_says_of_itself_changes_nothing_else() {
    let bench = Bench::new("diagnostics");
    bench.file("my.toml", READING);
    // The last line has times of this machine.
    let told = |ended: &Ended| ended.stdout.trim_end().rsplit_once('\n').unwrap().0.to_owned();
    let silent = bench.preflash("run my.toml --out out");
    let evidence = bench.files("out");
    for (arguments, variables, there, not_there) in [
        ("-v run my.toml --out out", vec![], "world: a device starts at=0.100000 device=0 number=1", "a command"),
        ("run my.toml --out out -vv", vec![], "world: a command at=0.000000 command=Power", "TRACE"),
        ("run my.toml --out out", vec![("PREFLASH_LOG", "run=info")], "run: ends passed=true", "world:"),
    ] {
        let ended = bench.preflash_with(arguments, &variables);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stderr.contains(there) && !ended.stderr.contains(not_there), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.contains("case{scenario=\"my.toml\" seed=1}"), "{}", ended.stderr);
        assert_eq!(told(&ended), told(&silent));
        assert_eq!(bench.files("out"), evidence);
    }
    let wrong = bench.preflash_with("check my.toml", &[("PREFLASH_LOG", "world=loud")]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.starts_with("error: PREFLASH_LOG=world=loud is no filter: "), "{}", wrong.stderr);
}
