//! `preflash shrink`: the smallest scenario that still fails, and from where on it does.

use serde_json::Value;

use super::bench::Bench;
use crate::image::image;

/// The duck waits for a reply for some seconds; what is slower is a failed upload. All else here has nothing to do with
/// it.
const FAILS: &str = r#"# What the field had.
title = "The cloud is slow, and much else is wrong"
duration = "47m 13s"
seed = 3

[settings]
network = "home"
passphrase = "correct horse"
interval = "1m"

[sensor]
temperature = "18 °C"

[[networks]]
name = "home"
passphrase = "correct horse"
[[networks]]
name = "neighbours"
passphrase = "none of yours"

# The provider's evening.
[[faults]]
name = "jitter"
from = "7m 3s"
until = "9m"
inject.link = { network = "home", jitter = "40ms" }

# The culprit.
[[faults]]
name = "slow cloud"
from = "11m 7s"
inject.cloud = { delay-before-storing = "47s" } # a guess

[[faults]]
name = "rain"
inject.link = { network = "home", loss = "1.3 %" }

[[phones]]
name = "visitor"
arrives = "3m 17s"
does = [{ wait = "9s" }]

[[steps]]
at = "5m 7s"
do.spare-switch = "on"

[[expect]]
event.stored = {}
because = "something arrives"

[[expect]]
event.serial = { contains = "could not upload" }
never = true
because = "uploads work"
"#;

#[test]
fn a_scenario_shrinks_to_what_fails_and_its_limits_are_told() {
    let bench = Bench::new("shrink");
    bench.file("my.toml", FAILS);
    let ended = bench.preflash("shrink my.toml --format json");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["finished"], true, "{report}");
    let left: Vec<&str> = report["left-out"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for part in [
        "fault `jitter`",
        "fault `rain`",
        "phone `visitor`",
        "step at 5m 7s",
        "network `neighbours`",
        "[sensor]",
        "expectation 1",
    ] {
        assert!(left.contains(&part), "{part}: {left:?}");
    }
    let text = bench.read("my.min.toml");
    assert!(text.contains("# What the field had.") && text.contains("# The culprit."), "{text}");
    assert!(text.contains("delay-before-storing") && text.contains("# a guess"), "{text}");
    assert!(!text.contains("evening") && !text.contains("visitor"), "{text}");
    let limits = report["limits"].as_array().unwrap();
    let limit = limits.iter().find(|limit| limit["place"].as_str().unwrap().contains("delay-before-storing")).unwrap();
    let says = limit["says"].as_str().unwrap();
    assert!(says.starts_with("fails for any value of ") && says.ends_with(" or more, never below"), "{says}");
    // What it says is so: the same scenario at that value, and somewhat below.
    let value = says.strip_prefix("fails for any value of ").unwrap().strip_suffix(" or more, never below").unwrap();
    let nanos = humantime(value);
    let now = limit["value"].as_str().unwrap();
    for (millis, code) in [(nanos, 1), (nanos * 95 / 100, 0)] {
        let line = text.lines().find(|line| line.contains("delay-before-storing")).unwrap();
        let other = line.replace(&format!("\"{now}\""), &format!("\"{}ms\"", millis / 1_000_000));
        assert_ne!(line, other);
        // Long enough for a request to be given up.
        let text = text.replace(line, &other).replace("duration = \"2m\"", "duration = \"3m\"");
        bench.file("at.toml", &text);
        assert_eq!(bench.preflash("run at.toml").code, Some(code), "{says}, {} ms", millis / 1_000_000);
    }
    let people = bench.preflash("shrink my.toml -o other.toml");
    assert!(people.stdout.contains("left out  fault `jitter`"), "{}", people.stdout);
    assert_eq!(bench.read("other.toml"), text, "it is the same each time");
    let again = bench.preflash("shrink my.toml");
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("my.min.toml is there already"), "{}", again.stderr);
}

/// `4s 800ms` in nanoseconds.
fn humantime(text: &str) -> u64 {
    let words = text.split(' ').map(|word| {
        let at = word.find(|letter: char| letter.is_alphabetic()).unwrap();
        let unit = match &word[at..] {
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" => 1_000,
            unit => panic!("{unit}"),
        };
        word[..at].parse::<u64>().unwrap() * unit
    });
    words.sum()
}

#[test]
fn what_cannot_be_shrunk_is_told_and_leaves_nothing() {
    let bench = Bench::new("shrink-wrong");
    bench.file("good.toml", super::bench::READING).file("bad.toml", "title = 1\n").file("fails.toml", FAILS);
    for (arguments, says) in [
        ("shrink good.toml", "it passes: nothing fails that could be shrunk"),
        ("shrink fails.toml --line 3", "those in these lines do: 51"),
        ("shrink bad.toml", "`title` cannot be an integer"),
        ("shrink nowhere.toml", "could not read the scenario"),
        ("shrink fails.toml -o x.txt", "it ends in .toml"),
    ] {
        let ended = bench.preflash(arguments);
        assert_eq!(ended.code, Some(2), "{arguments}");
        assert!(ended.stderr.contains(says), "{arguments}: {}", ended.stderr);
    }
    assert!(!bench.folder.join("good.min.toml").exists() && !bench.folder.join("fails.min.toml").exists());
}

/// Five entries take five minutes, and the cloud stores none after the second.
const FEWER: &str = r#"
title = "Uploads end"
duration = "30m"
[settings]
network = "home"
passphrase = "correct horse"
interval = "1m"
[[faults]]
name = "full"
from = "2m"
inject.cloud = { status = 500 }
[[expect]]
channel = { entries = { at-least = 5 } }
"#;

#[test]
fn a_run_that_is_merely_too_short_is_no_smaller_case() {
    let bench = Bench::new("shrink-control");
    bench.file("my.toml", FEWER);
    let ended = bench.preflash("shrink my.toml");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = bench.read("my.min.toml");
    let (head, rest) = text.split_once("[[faults]]").unwrap();
    let (_, expectations) = rest.split_once("[[expect]]").unwrap();
    bench.file("without.toml", &format!("{head}[[expect]]{expectations}"));
    let passes = bench.preflash("run without.toml");
    assert_eq!(passes.code, Some(0), "{text}{}", passes.stdout);
    // What there was no time for is not said: each limit is one that is found with more time, too.
    let limits = |runs: u32| -> (Vec<Value>, bool) {
        let ended = bench.preflash(&format!("shrink my.toml --force --format json --runs {runs}"));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        (report["limits"].as_array().unwrap().clone(), report["finished"] == true)
    };
    let (all, finished) = limits(2_000);
    assert!(finished && !all.is_empty());
    let report: Value = serde_json::from_str(&bench.preflash("shrink my.toml --force --format json").stdout).unwrap();
    let needed = u32::try_from(report["runs"].as_u64().unwrap()).unwrap();
    for fewer in [1, 2, 4, 8, 12] {
        let (some, finished) = limits(needed - fewer);
        assert!(!finished);
        assert!(some.iter().all(|limit| all.contains(limit)), "{fewer} runs fewer: {some:?}");
    }
}

#[test]
fn a_seed_that_a_file_cannot_hold_is_said_with_the_command() {
    let bench = Bench::new("shrink-seed");
    bench.file("my.toml", FEWER);
    let ended = bench.preflash("shrink my.toml --seed 18446744073709551615");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("run my.min.toml --seed 18446744073709551615"), "{}", ended.stderr);
    assert!(bench.read("my.min.toml").starts_with("# It fails with `--seed 18446744073709551615`.\n"));
}

/// The boot ROM writes that on the chip alone.
const ON_CHIP: &str = r#"
title = "Power fails once"
duration = "8s"
[[steps]]
at = "2s"
do.spare-switch = "on"
[[steps]]
at = "4s"
do.power = { cut-for = "1s" }
[[expect]]
event.serial = { contains = "ets Jan" }
exactly = 1
"#;

#[test]
fn what_an_image_does_on_the_chip_is_shrunk_there() {
    let Some(image) = image() else { return };
    let bench = Bench::new("shrink-chip");
    bench.file("my.toml", ON_CHIP);
    let on_chip = format!("--on chip --image {}", image.display());
    let ended = bench.preflash(&format!("shrink my.toml --format json --runs 40 {on_chip}"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["on"], "chip", "{report}");
    let left: Vec<&str> = report["left-out"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(left.contains(&"step at 2s") && !left.contains(&"step at 4s"), "{left:?}");
    // It is run there again by the command that is told.
    let people = bench.preflash(&format!("shrink my.toml --force --runs 5 {on_chip}"));
    let again = people.stderr.lines().find_map(|line| line.strip_prefix("run it: preflash ")).unwrap();
    assert!(again.starts_with("run my.min.toml --on chip --image "), "{again}");
    assert_eq!(bench.preflash(again).code, Some(1));
    // On the host another thing is seen: no such line at all.
    let host = bench.preflash("shrink my.toml --force --format json --runs 5");
    let host: Value = serde_json::from_str(&host.stdout).unwrap();
    assert_eq!(host["on"], "host", "{host}");
    assert_ne!(host["seen"], report["seen"]);

    for (options, says) in [
        ("--on chip --image nowhere", "nowhere"),
        ("--image x", "--image is for the emulated chip"),
        ("--on both", "invalid value 'both'"),
    ] {
        let ended = bench.preflash(&format!("shrink my.toml --force {options}"));
        assert!(ended.code == Some(2) && ended.stderr.contains(says), "{options}: {}", ended.stderr);
    }
}
