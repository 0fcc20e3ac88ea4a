//! `preflash replay`: the same to the byte, or what has changed and where it shows first.

use serde_json::Value;

use super::bench::Bench;

const RECORDED: &str = r#"
title = "A recording"
duration = "2m"
[settings]
network = "home"
passphrase = "correct horse"
interval = "1m"
[sensor]
temperature = { csv = { file = "air.csv", column = "celsius" } }
[[expect]]
event.stored = {}
"#;

#[test]
fn a_folder_is_run_again_to_the_byte() {
    let bench = Bench::new("replay");
    bench.file("my files/duck.toml", RECORDED).file("my files/air.csv", "time,celsius\n0,20.5\n");
    bench.shell("preflash run 'my files/duck.toml' --seeds 3..4 --check-determinism");
    let again = bench.shell("preflash replay 'target/preflash/my files/duck/seed-4'");
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
    assert!(again.stdout.starts_with("the same to the byte: 5 files, "), "{}", again.stdout);

    // Whatever its folder is called, it was one of several seeds.
    let copied = bench.shell("cp -r 'target/preflash/my files/duck/seed-4' kept && preflash replay kept");
    assert!(copied.stdout.starts_with("the same to the byte: 5 files, "), "{}{}", copied.stdout, copied.stderr);
    let inputs = bench.read("kept/inputs.json");
    let mut inputs: Value = serde_json::from_str(&inputs).unwrap();
    assert_eq!(inputs["seed-named"], true);
    inputs["files"][1]["sha256"] = "ab".into();
    bench.file("kept/inputs.json", &inputs.to_string());
    let short = bench.shell("preflash replay kept");
    assert_eq!(short.code, Some(1), "{}{}", short.stdout, short.stderr);
    assert!(short.stdout.contains("its SHA-256 began with ab, now with "), "{}", short.stdout);

    bench.file("my files/air.csv", "time,celsius\n0,20.6\n");
    let changed = bench.shell("preflash replay 'target/preflash/my files/duck/seed-4' --format json");
    assert_eq!(changed.code, Some(1), "{}{}", changed.stdout, changed.stderr);
    let found: Value = serde_json::from_str(&changed.stdout).unwrap();
    assert!(found["changed"][0].as_str().unwrap().starts_with("my files/air.csv: its SHA-256"), "{found}");
    let event = &found["event"];
    assert!(event["was"].as_str().unwrap().contains("\"temperature\":205"), "{event}");
    assert!(event["is"].as_str().unwrap().contains("\"temperature\":206"), "{event}");

    bench.file("my files/air.csv", "time,celsius\n0,20.5\n");
    bench.file("my files/duck.toml", &RECORDED.replace("\"1m\"", "\"50s\""));
    let changed = bench.shell("preflash replay 'target/preflash/my files/duck/seed-4'");
    assert_eq!(changed.code, Some(1));
    assert!(
        changed.stdout.contains("line 7: it was `interval = \"1m\"`, is `interval = \"50s\"`"),
        "{}",
        changed.stdout
    );
    assert!(changed.stdout.contains("differs   event "), "{}", changed.stdout);

    // A scenario that is gone is run as it was.
    std::fs::remove_file(bench.folder.join("my files/duck.toml")).unwrap();
    let gone = bench.shell("preflash replay 'target/preflash/my files/duck/seed-4'");
    assert_eq!(gone.code, Some(1));
    assert!(gone.stdout.contains("it is not there; as it was, it was run again"), "{}", gone.stdout);
    assert!(gone.stdout.contains("the same to the byte all the same"), "{}", gone.stdout);
}

#[test]
fn what_is_no_folder_of_a_case_is_told() {
    let bench = Bench::new("replay-wrong");
    bench.file("other/inputs.json", "{}");
    for (arguments, says) in [("replay nowhere", "inputs.json: "), ("replay other", "missing field `version`")] {
        let ended = bench.preflash(arguments);
        assert_eq!(ended.code, Some(2), "{arguments}");
        assert!(ended.stderr.contains("is no folder of a case") && ended.stderr.contains(says), "{}", ended.stderr);
    }
}
