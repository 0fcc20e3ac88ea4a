//! A run that is ended before its time: what was run until then is kept.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use quick_junit::Report;
use serde_json::Value;

use crate::bench::{Bench, READING};

/// How many cases are asked for: far more than are run before the end.
const CASES: u64 = 50_000;

/// A folder with a run under way that would take very long.
fn begin(name: &str) -> (Bench, Child) {
    let bench = Bench::new(name);
    bench.file("duck.toml", READING);
    // Whoever runs the tests may ignore signals, which children inherit.
    let child = Command::new("env")
        .args(["--default-signal=INT,HUP,TERM", env!("CARGO_BIN_EXE_preflash")])
        .args(["run", "duck.toml", "--jobs", "2", "--junit", "junit.xml", "--seeds"])
        .arg(format!("1..{CASES}"))
        .current_dir(&bench.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (bench, child)
}

/// Waits for the end, with exit code 130 and nothing on standard error, and counts what was run and what was not.
fn end(bench: &Bench, child: Child) -> (usize, u64) {
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(130));
    let summary: Value = serde_json::from_str(&bench.read("target/preflash/summary.json")).unwrap();
    assert_eq!(summary["interrupted"], true);
    let run = summary["cases"].as_array().unwrap().len();
    let not_run = summary["not-run"].as_u64().unwrap();
    assert!(run > 0 && not_run > 0, "{run} {not_run}");
    assert_eq!(run as u64 + not_run, CASES);
    let report = Report::deserialize_from_str(&bench.read("junit.xml")).unwrap();
    assert_eq!(report.tests as u64, CASES);
    let folders = bench.files("target/preflash/duck").keys().filter(|file| file.ends_with("reproduce.txt")).count();
    assert_eq!(folders, run, "each case that was run has its folder, and no other");
    (run, not_run)
}

#[test]
fn what_was_run_until_ctrl_c_is_kept() {
    let (bench, mut child) = begin("ctrl-c");
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    output.read_line(&mut text).unwrap();
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    output.read_to_string(&mut text).unwrap();
    let (run, not_run) = end(&bench, child);
    assert_eq!(text.matches("PASS").count(), run);
    assert!(text.contains(&format!("\n{run} passed, 0 failed\ninterrupted, {not_run} not run\n")), "{text}");
}

#[test]
fn a_run_that_ignores_signals_runs() {
    let bench = Bench::new("ignored-signals");
    bench.file("duck.toml", READING);
    let ended = Command::new("env")
        .args(["--ignore-signal=INT,HUP,TERM", env!("CARGO_BIN_EXE_preflash"), "run", "duck.toml"])
        .current_dir(&bench.folder)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn nobody_reading_any_more_ends_a_run_without_a_word() {
    let (bench, mut child) = begin("pipe");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("PASS"), "{line}");
    end(&bench, child);
}
