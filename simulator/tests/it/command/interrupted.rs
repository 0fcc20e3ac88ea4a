//! A run that is ended before its time: what was run until then is kept, and what was under way.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use quick_junit::Report;
use serde_json::Value;

use super::bench::{Bench, READING};

/// How many cases are asked for: far more than are run before the end.
const CASES: u64 = 50_000;

/// A folder with a run under way. Whoever runs the tests may ignore signals, which children inherit: `signals` says
/// which of them are ignored by this child.
fn begin(bench: &Bench, signals: &[String], arguments: &str) -> Child {
    bench.file("duck.toml", READING);
    Command::new("env")
        .args(signals)
        .arg(env!("CARGO_BIN_EXE_preflash"))
        .args(arguments.split_whitespace())
        .args(["--jobs", "2", "--junit", "junit.xml"])
        .current_dir(&bench.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A run of one case after the other that would take very long.
fn many(name: &str) -> (Bench, Child) {
    let bench = Bench::new(name);
    let signals = ["--default-signal=INT,HUP,TERM".to_owned()];
    let child = begin(&bench, &signals, &format!("run duck.toml --seeds 1..{CASES}"));
    (bench, child)
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits for the end, with that exit code and that on standard error, and counts what was run and what was not.
fn end(bench: &Bench, child: Child, code: i32, stderr: &str) -> (usize, u64) {
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said == stderr || !stderr.is_empty() && said.contains(stderr), "{said}");
    assert_eq!(ended.status.code(), Some(code));
    let summary: Value = serde_json::from_str(&bench.read("target/preflash/summary.json")).unwrap();
    assert_eq!(summary["interrupted"], true);
    let run = summary["cases"].as_array().unwrap().len();
    let not_run = summary["not-run"].as_u64().unwrap();
    assert!(run > 0 && not_run > 0, "{run} {not_run}");
    assert_eq!(run as u64 + not_run, CASES);
    let report = Report::deserialize_from_str(&bench.read("junit.xml")).unwrap();
    assert_eq!(report.tests as u64, CASES);
    let begun: Vec<&Value> =
        summary["cases-not-run"].as_array().unwrap().iter().filter(|case| case["output"].is_string()).collect();
    let files = bench.files("target/preflash/duck");
    let folders = |name: &str| files.keys().filter(|file| file.ends_with(name)).count();
    assert_eq!(folders("interrupted.txt"), begun.len());
    assert_eq!(folders("reproduce.txt"), run + begun.len(), "each case that was begun has its folder, and no other");
    (run, not_run)
}

#[test]
fn what_was_run_until_ctrl_c_is_kept() {
    let (bench, mut child) = many("ctrl-c");
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    output.read_line(&mut text).unwrap();
    send("INT", &child);
    output.read_to_string(&mut text).unwrap();
    let (run, not_run) = end(&bench, child, 130, "");
    assert_eq!(text.matches("PASS").count(), run);
    assert!(text.contains(&format!("\n{run} passed, 0 failed\ninterrupted, {not_run} not run\n")), "{text}");
}

#[test]
fn each_signal_ends_a_run_by_itself_and_what_was_under_way_is_kept() {
    // As a shell leaves it for `preflash … &` in a script, and `nohup` for what it starts.
    for (name, ignored, signal, code) in
        [("terminated", "INT", "TERM", 143), ("hung-up", "TERM", "HUP", 129), ("interrupted", "HUP", "INT", 130)]
    {
        let signals = ["--default-signal=INT,HUP,TERM".to_owned(), format!("--ignore-signal={ignored}")];
        let bench = Bench::new(name);
        bench.file("long.toml", &READING.replace("30s", "3650d"));
        let mut child = begin(&bench, &signals, "run long.toml duck.toml");
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        // The long one has begun first. It is told before the short one, so that the folder is what can be waited for.
        let short = bench.folder.join("target/preflash/duck/reproduce.txt");
        while !short.exists() {
            assert_eq!(child.try_wait().unwrap(), None, "it goes on");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        send(ignored, &child);
        send(signal, &child);
        output.read_to_string(&mut text).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(code), ""), "{text}");
        assert!(text.contains("STOP  A duck stores its first reading  (long.toml, given up at "), "{text}");
        assert!(text.contains("      output    target/preflash/long\n"), "{text}");
        assert!(text.contains("\n1 passed, 0 failed\ninterrupted, 1 not run\n"), "{text}");
        let summary: Value = serde_json::from_str(&bench.read("target/preflash/summary.json")).unwrap();
        let [case] = summary["cases-not-run"].as_array().unwrap().as_slice() else { panic!("{summary}") };
        assert_eq!((&case["file"], &case["output"]), (&"long.toml".into(), &"long".into()));
        let reached = case["reached-seconds"].as_f64().unwrap();
        let events = bench.read("target/preflash/long/events.jsonl");
        let mut times =
            events.lines().map(|event| serde_json::from_str::<Value>(event).unwrap()["at"].as_u64().unwrap());
        let last = times.next_back().unwrap() as f64 / 1e9;
        assert!(last > 1.0 && last <= reached, "{last} {reached}");
        assert!(!bench.read("target/preflash/long/serial.log").is_empty());
        let mark = bench.read("target/preflash/long/interrupted.txt");
        assert!(mark.starts_with("The run was interrupted at ") && mark.contains(" of 3650 days"), "{mark}");
        let page = bench.read("target/preflash/long/report.html");
        assert!(page.contains("\"outcome\":\"interrupted\"") && page.contains("The run was interrupted at "));
        let index = bench.read("target/preflash/index.html");
        assert!(index.contains("\"page\":\"long/report.html\""), "{index}");
        assert!(bench.read("junit.xml").contains("what happened until then: long"));
        // What was interrupted is replaced by what is run to its end.
        bench.file("long.toml", READING);
        assert_eq!(bench.preflash("run long.toml").code, Some(0));
        assert!(!bench.folder.join("target/preflash/long/interrupted.txt").exists());
    }
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
fn nobody_reading_any_more_ends_a_run_with_a_word() {
    let (bench, mut child) = many("pipe");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("PASS"), "{line}");
    let word = "error: standard output was closed before all was run; ";
    let (_, not_run) = end(&bench, child, 141, word);
    assert!(not_run > 0);
}
