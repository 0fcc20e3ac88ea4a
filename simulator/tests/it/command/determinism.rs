//! Same scenario, same seed, same binary: the same bytes, with any number of threads.

use std::path::{Path, PathBuf};

use simulator_record::random::Seed;
use simulator_scenario::Scenario;

use super::bench::Bench;

/// A portal with a lossy link, an hour of faults over TLS, a sweep.
const RUNS: [(&str, &str); 3] = [
    ("runs/everything-goes-wrong.toml", include_str!("../../runs/everything-goes-wrong.toml")),
    ("runs/first-set-up.toml", include_str!("../../runs/first-set-up.toml")),
    ("runs/power-cuts.toml", include_str!("../../runs/power-cuts.toml")),
];

fn bench(name: &str) -> Bench {
    let bench = Bench::new(name);
    for (file, text) in RUNS {
        bench.file(file, text);
    }
    bench
}

#[test]
fn one_thread_and_two_leave_the_same_bytes() {
    let [one, two] = ["one-job", "two-jobs"].map(bench);
    for (bench, jobs) in [(&one, 1), (&two, 2)] {
        let ended = bench.preflash(&format!("run runs --out out --junit out/junit.xml --jobs {jobs}"));
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    }
    let (one, two) = (one.files("out"), two.files("out"));
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for file in ["serial.log", "events.jsonl", "http.jsonl", "reproduce.txt"] {
        assert!(one.contains_key(&Path::new("runs/everything-goes-wrong").join(file)), "{file} is missing");
    }
    assert!(one.contains_key(Path::new("runs/power-cuts/repetition-1/events.jsonl")), "a sweep repeats");
    let differ: Vec<&PathBuf> = one.keys().filter(|path| one[*path] != two[*path]).collect();
    assert!(differ.is_empty(), "{differ:?} differ");
}

/// A scenario that fails, with a recording beside it.
const FAILS: &str = "title = 'It is never so warm'\nduration = '30s'\n[settings]\nnetwork = 'home'\n\
    [sensor]\ntemperature = { csv = { file = 'recording.csv', column = 't' } }\n\
    [[expect]]\nevent.stored.field1 = '30.0'\nbecause = 'the recording says otherwise'\n";

#[test]
fn another_folder_and_another_place_to_write_to_leave_the_same_bytes() {
    let [here, there] = ["here", "there/and/deeper"].map(bench);
    let scenarios = here.folder.join("s");
    for bench in [&here, &there] {
        bench.file("s/fails.toml", FAILS).file("s/recording.csv", "time,t\n0,21.5\n");
    }
    let compare = |arguments: &str| {
        for (bench, out) in [(&here, "out"), (&there, "results")] {
            // The report lies among the rest.
            let ended =
                bench.preflash(&format!("run {arguments} --out {out} --junit {out}/junit.xml --check-determinism"));
            assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
            assert!(
                ended.stdout.contains(&format!("output    {out}/")),
                "a person is told the whole way: {}",
                ended.stdout
            );
        }
        let (one, two) = (here.files("out"), there.files("results"));
        assert!(one.contains_key(Path::new("summary.json")) && one.contains_key(Path::new("junit.xml")));
        assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
        let differ: Vec<&PathBuf> = one.keys().filter(|path| one[*path] != two[*path]).collect();
        assert!(differ.is_empty(), "{arguments}: {differ:?} differ");
        for bench in [&here, &there] {
            for out in ["out", "results"].map(|out| bench.folder.join(out)) {
                let _ = std::fs::remove_dir_all(out);
            }
        }
    };
    // Copies of the scenarios in two folders, and the same scenarios from two folders.
    compare("s runs/power-cuts.toml");
    compare(&format!("{} --seeds 1..2", scenarios.display()));
}

#[test]
fn recording_does_not_change_a_run_and_another_seed_does() {
    let bench = bench("recording");
    let file = "runs/everything-goes-wrong.toml";
    let ended = bench.preflash(&format!("run {file} --seed 5 --out out"));
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let recorded = bench.read("out/runs/everything-goes-wrong/events.jsonl");
    // The same run in another process, of which nothing is written, printed or counted.
    let scenario = Scenario::load(&bench.folder.join(file)).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let events = |seed| {
        let outcome = simulator::run::run(&scenario, Seed(seed));
        let line = |event| serde_json::to_string(event).unwrap() + "\n";
        outcome.runs[0].events.iter().map(line).collect::<String>()
    };
    let again = events(5);
    let differs = again.lines().zip(recorded.lines()).find(|(ours, theirs)| ours != theirs);
    assert_eq!(differs, None);
    assert_eq!(again.len(), recorded.len());
    assert_ne!(events(6), recorded);
}
