//! `preflash run --on both`: host and chip side by side.

use quick_junit::{Report, TestCaseStatus};
use serde_json::Value;

use super::bench::{Bench, READING};
use crate::image::image;

/// What is added to [`READING`] where a second is too long for the two to be apart.
const HURRIED: &str = r#"
[targets]
tolerance = "1s"
because = "whoever waits for the reading waits a second"
"#;

/// The same, where only the order counts.
const PATIENT: &str = r#"
[targets]
tolerance = "1s"
may-differ = ["arrivals"]
because = "the chip computes and the host does not"
"#;

/// What only the host, which needs no time to compute, is fast enough for.
const AT_ONCE: &str = r#"by = "3s""#;

fn reading_and(more: &str) -> String {
    format!("{READING}{more}")
}

#[test]
fn a_scenario_that_passes_on_both_passes_and_leaves_both_folders() {
    let Some(image) = image() else { return };
    let bench = Bench::new("both-pass");
    bench.file("duck.toml", READING).file("patient.toml", &reading_and(PATIENT));
    let command = format!("run duck.toml patient.toml --on both --check-determinism --image {}", image.display());
    let ended = bench.preflash(&command);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.starts_with("PASS  A duck stores its first reading  (duck.toml, 1m on host and chip)\n"),
        "{}",
        ended.stdout
    );
    let log = |target: &str| bench.read(&format!("target/preflash/duck/on-{target}/serial.log"));
    assert!(log("host").contains("stored as entry 1") && log("esp8266").contains("stored as entry 1"));
    assert_ne!(log("host"), log("esp8266"), "the chip takes its time");
    assert!(bench.read("target/preflash/duck/reproduce.txt").contains("--on both"));

    let comparison: Value = serde_json::from_str(&bench.read("target/preflash/duck/comparison.json")).unwrap();
    assert_eq!((&comparison["agrees"], &comparison["tolerance-seconds"]), (&true.into(), &10.0.into()));
    let run = &comparison["runs"][0];
    let entry = &run["entries"][0];
    assert_eq!(entry["host"]["what"], entry["esp8266"]["what"]);
    assert!(entry["later-seconds"].as_f64().unwrap() > 1.0, "{entry}");
    for of in ["joins", "reboots", "led"] {
        assert_eq!(run[of].as_array().unwrap().len(), 1, "{of}");
    }
    let patient: Value = serde_json::from_str(&bench.read("target/preflash/patient/comparison.json")).unwrap();
    assert_eq!(
        (&patient["agrees"], &patient["runs"][0]["entries"][0]["differs-in"]),
        (&true.into(), &"arrivals".into())
    );

    // A run on one target leaves nothing of the other behind.
    assert_eq!(bench.preflash("run duck.toml").code, Some(0));
    let left = bench.files("target/preflash/duck");
    let names: Vec<String> = left.keys().map(|path| path.display().to_string()).collect();
    assert_eq!(names, ["events.jsonl", "http.jsonl", "inputs.json", "report.html", "reproduce.txt", "serial.log"]);
}

#[test]
fn two_images_are_compared() {
    let Some(image) = image() else { return };
    let bench = Bench::new("two-images");
    bench.file("duck.toml", READING);
    let image = image.display();
    let ended = bench.preflash(&format!("run duck.toml --on chip --image {image} --against {image}"));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.starts_with("PASS  A duck stores its first reading  (duck.toml, 1m on old image and new image)\n"),
        "{}",
        ended.stdout
    );
    let log = |subject: &str| bench.read(&format!("target/preflash/duck/on-{subject}/serial.log"));
    assert_eq!(log("old"), log("new"), "the same image behaves the same");
    let comparison: Value = serde_json::from_str(&bench.read("target/preflash/duck/comparison.json")).unwrap();
    let entry = &comparison["runs"][0]["entries"][0];
    assert_eq!((&entry["old"], &entry["later-seconds"]), (&entry["new"], &0.0.into()));
    let again = bench.read("target/preflash/duck/reproduce.txt");
    assert!(again.contains(&format!("--on chip --image {image} --against {image}")), "{again}");

    let alone = bench.preflash(&format!("run duck.toml --on both --image {image} --against {image}"));
    assert_eq!(alone.code, Some(2));
    assert!(alone.stderr.contains("--against compares two images on the emulated chip"), "{}", alone.stderr);
}

#[test]
fn a_difference_that_is_not_allowed_fails_with_both_sides() {
    let Some(image) = image() else { return };
    let bench = Bench::new("both-differ");
    bench.file("hurried.toml", &reading_and(HURRIED));
    let command = format!("run hurried.toml --on both --junit junit.xml --image {}", image.display());
    let again =
        format!("again     cargo run --release -- run hurried.toml --seed 1 --on both --image {}\n", image.display());
    let ended = bench.preflash(&command);
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    for line in [
        "expected  the same arrivals of entries on host and chip, up to 1s apart",
        "because   whoever waits for the reading waits a second",
        "saw       1 of 1 differ; the first is later on the chip, by ",
        "            host: at ",
        "            chip: at ",
        "\n      host      ",
        "\n      esp8266   ",
        &again,
        "output    target/preflash/hurried\n",
    ] {
        assert!(ended.stdout.contains(line), "{line:?} is missing in\n{}", ended.stdout);
    }
    assert_eq!(ended.stdout.matches("expected").count(), 1, "nothing else differs: {}", ended.stdout);

    let summary: Value = serde_json::from_str(&bench.read("target/preflash/summary.json")).unwrap();
    let case = &summary["cases"][0];
    assert_eq!(case["targets"], serde_json::json!(["host", "esp8266"]));
    let entries = &case["comparison"][0];
    assert_eq!(
        (&entries["of"], &entries["host"], &entries["esp8266"], &entries["differ"]),
        (&"entries".into(), &1.into(), &1.into(), &1.into())
    );
    assert!(entries["furthest-seconds"].as_f64().unwrap() > 1.0, "{entries}");
    let logs: Vec<_> = case["failures"][0]["log"].as_array().unwrap().iter().map(|line| &line["target"]).collect();
    assert!(logs.contains(&&"host".into()) && logs.contains(&&"esp8266".into()), "{logs:?}");
    let report = Report::deserialize_from_str(&bench.read("junit.xml")).unwrap();
    let TestCaseStatus::NonSuccess { message, .. } = &report.test_suites[0].test_cases[0].status else {
        panic!("{report:?}")
    };
    assert!(message.as_ref().unwrap().as_str().contains("the same arrivals"), "{message:?}");
}

#[test]
fn what_fails_on_one_target_says_on_which() {
    let Some(image) = image() else { return };
    let bench = Bench::new("both-one-fails");
    bench.file("soon.toml", &reading_and(AT_ONCE));
    let ended = bench.preflash(&format!("run soon.toml --on both --image {}", image.display()));
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("(soon.toml:7; on esp8266)"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("on host)"), "{}", ended.stdout);
    assert!(ended.stdout.contains("output    target/preflash/soon/on-esp8266\n"), "{}", ended.stdout);
}

#[test]
fn what_is_excluded_is_not_run() {
    let bench = Bench::new("excluded");
    bench.file("s/duck.toml", READING).file("s/slow/duck.toml", READING).file("s/other.toml", READING);
    let ended = bench.preflash("run s --exclude ./s/slow --exclude s/other.toml");
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("(s/duck.toml, 30s)") && ended.stdout.contains("1 passed"), "{}", ended.stdout);
    for (arguments, message) in [
        ("run s --exclude s", "nothing is left to run: every scenario is excluded"),
        ("run s --exclude s/slwo", "could not open s/slwo: no such file or folder"),
    ] {
        let ended = bench.preflash(arguments);
        assert_eq!(ended.code, Some(2), "{arguments}: {}", ended.stdout);
        assert!(ended.stderr.contains(message), "{arguments}: {}", ended.stderr);
    }
}

#[test]
fn without_an_image_both_targets_are_refused_before_anything_is_run() {
    let bench = Bench::new("both-without-image");
    bench.file("duck.toml", READING);
    // The second as in earlier versions.
    for on in ["--on both", "--target all"] {
        let ended = bench.preflash(&format!("run duck.toml {on} --image nowhere"));
        assert_eq!(ended.code, Some(2), "{}", ended.stdout);
        assert!(ended.stderr.contains("nowhere"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}
