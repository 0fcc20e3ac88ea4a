//! `preflash sweep` and `preflash merge`: many seeds, and the same report from one machine and from many.

use std::path::Path;

use serde_json::Value;

use super::bench::Bench;
use crate::image::image;

/// Whether a lossy link costs a reading, and whether it ever costs a try, depends on the seed.
const LOSSY: &str = r#"
title = "A lossy link"
duration = "3m"
[settings]
network = "home"
passphrase = "correct horse"
interval = "1m"
[[faults]]
name = "rain"
inject.link = { network = "home", loss = "30 %" }
[[expect]]
channel = { entries = 3 }
because = "three readings, and time to send them"
[[expect]]
event.serial = { contains = "could not upload" }
over-seeds = "sometimes"
because = "some seed must show the retry"
[[expect]]
event.boot = {}
"#;

fn report(bench: &Bench, folder: &str) -> Value {
    serde_json::from_str(&bench.read(&format!("{folder}/sweep.json"))).unwrap()
}

#[test]
fn shares_add_up_to_what_one_machine_reports() {
    let bench = Bench::new("sweep");
    bench.file("lossy.toml", LOSSY);
    let whole = bench.preflash("sweep lossy.toml --seeds 0..59 --out whole");
    assert_eq!(whole.code, Some(1), "{}{}", whole.stdout, whole.stderr);
    for part in ["of 60 seeds failed", "NOT ALWAYS", "95 % between", "gaps ", "latencies ", "median", "p95"] {
        assert!(whole.stdout.contains(part), "{part}: {}", whole.stdout);
    }
    let one = bench.preflash("sweep lossy.toml --seeds 0..59 --out one --jobs 1");
    assert_eq!((one.code, &one.stdout), (whole.code, &whole.stdout));
    for number in 1..=3 {
        let share = bench.preflash(&format!("sweep lossy.toml --seeds 0..59 --shard {number}/3 --out shares/{number}"));
        assert!(matches!(share.code, Some(0 | 1)), "{}", share.stderr);
    }
    let merged = bench.preflash("merge shares/2 shares/3 shares/1 --out merged");
    assert_eq!((merged.code, &merged.stdout), (whole.code, &whole.stdout));
    for file in ["sweep.json", "failing-seeds.txt"] {
        let whole = bench.read(&format!("whole/{file}"));
        assert_eq!(whole, bench.read(&format!("merged/{file}")), "{file}");
        assert_eq!(whole, bench.read(&format!("one/{file}")), "{file}");
    }
    // What it says of a seed is what a run of that seed says.
    let report = report(&bench, "whole");
    assert_eq!(report["ran"], 60);
    let failing: Vec<u64> = report["failing"].as_array().unwrap().iter().map(|seed| seed.as_u64().unwrap()).collect();
    assert_eq!(report["failed"], failing.len());
    assert!(!failing.is_empty() && failing.len() < 60, "{failing:?}");
    for seed in [failing[0], (0..60).find(|seed| !failing.contains(seed)).unwrap()] {
        let code = bench.preflash(&format!("run lossy.toml --seed {seed}")).code;
        assert_eq!(code, Some(failing.contains(&seed).into()), "seed {seed}");
    }
    // Seeds that failed come first.
    let last = *failing.last().unwrap();
    bench.file("first/failing-seeds.txt", &format!("# Seeds that failed in lossy.toml\n{last}\n"));
    bench.preflash("sweep lossy.toml --seeds 0..59 --out first --fail-fast --jobs 1");
    let first = self::report(&bench, "first");
    assert_eq!((&first["ran"], &first["failing"][0], &first["interrupted"]), (&1.into(), &last.into(), &true.into()));
}

#[test]
fn sometimes_is_of_all_seeds_and_always_of_each() {
    let bench = Bench::new("sweep-sometimes");
    let never = "[[expect]]\nevent.crash = {}\nover-seeds = \"sometimes\"\n";
    bench.file("never.toml", &format!("{}{never}", super::bench::READING)).file("good.toml", super::bench::READING);
    assert_eq!(bench.preflash("run never.toml").code, Some(0), "one run does not fail for what need only be sometimes");
    let ended = bench.preflash("sweep never.toml --seeds 1..3 --format json");
    assert_eq!(ended.code, Some(1));
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&report["passed"], &report["failed"]), (&false.into(), &0.into()));
    let share = bench.preflash("sweep never.toml --seeds 1..3 --shard 1/2 --out share");
    assert_eq!(share.code, Some(0), "of a share nobody knows it yet");
    assert_eq!(bench.preflash("sweep good.toml --seeds 1..3").code, Some(0));
    assert!(bench.folder.join("target/preflash-sweep/good/sweep.json").exists());
}

#[test]
fn shares_that_do_not_belong_together_are_told() {
    let bench = Bench::new("sweep-wrong");
    bench
        .file("a.toml", super::bench::READING)
        .file("bad.txt", "# Seeds that failed\nseven\n")
        .file("own.txt", "mine\n");
    for (number, of) in [(1, 2), (2, 2), (1, 3)] {
        assert_eq!(
            bench.preflash(&format!("sweep a.toml --seeds 1..4 --shard {number}/{of} --out {number}of{of}")).code,
            Some(0)
        );
    }
    assert_eq!(bench.preflash("sweep a.toml --seeds 1..5 --shard 2/2 --out other").code, Some(0));
    for (arguments, says) in [
        ("merge 1of2", "these shares are missing: 2/2"),
        ("merge 1of2 1of2", "it is share 1/2, and so is 1of2"),
        ("merge 1of2 1of3", "it is one of 3 shares, others are of 2"),
        ("merge 1of2 other", "the seeds are not the same: 1..4 and 1..5"),
        ("merge nowhere", "sweep.json: "),
        ("sweep a.toml --seeds 5..1", "expected A..B"),
        ("sweep a.toml --seeds 1..2 --failing bad.txt", "could not read bad.txt: line 2: `seven` is no seed"),
        ("sweep a.toml --seeds 1..2 --failing own.txt", "line 1: `mine` is no seed"),
        ("sweep nowhere.toml --seeds 1..2", "could not read the scenario"),
    ] {
        let ended = bench.preflash(arguments);
        assert_eq!(ended.code, Some(2), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{arguments}: {}", ended.stderr);
    }
    assert_eq!(bench.preflash("merge 1of2 2of2").code, Some(0));
}

/// The command that the templates of Kubernetes and Slurm start, once for each share, as processes.
#[cfg(unix)]
#[test]
fn the_templates_command_runs_a_share() {
    let bench = Bench::new("sweep-templates");
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/templates");
    let read = |name: &str| std::fs::read_to_string(templates.join(name)).unwrap();
    bench.file("my.toml", LOSSY);
    let script = templates.join("sweep.sh");
    let set = format!("SCENARIO=my.toml SEEDS=0..19 SHARES=4 PREFLASH={}", env!("CARGO_BIN_EXE_preflash"));
    for share in 1..=4 {
        let index = share - 1;
        let pod = bench.shell(&format!("{set} OUT=pods JOB_COMPLETION_INDEX={index} {}", script.display()));
        let task = bench.shell(&format!("{set} OUT=tasks SLURM_ARRAY_TASK_ID={share} {}", script.display()));
        assert_eq!((pod.code, task.code), (Some(0), Some(0)), "{}{}", pod.stderr, task.stderr);
    }
    bench.preflash("sweep my.toml --seeds 0..19 --out whole");
    for shares in ["pods", "tasks"] {
        bench.preflash(&format!("merge {shares}/1 {shares}/2 {shares}/3 {shares}/4 --out merged"));
        assert_eq!(bench.read("merged/sweep.json"), bench.read("whole/sweep.json"));
    }
    let nothing = bench.shell(&format!("{set} OUT=x {}", script.display()));
    assert!(nothing.code != Some(0) && nothing.stderr.contains("which share"), "{}", nothing.stderr);
    assert!(read("sweep.sbatch").contains("exec ci/templates/sweep.sh"));
    assert!(read("sweep-kubernetes.yml").contains("command: [\"ci/templates/sweep.sh\"]"));
    // GitHub's command, share by share.
    let workflow = read("sweep-github-actions.yml");
    let line = workflow
        .lines()
        .find_map(|line| line.trim().strip_prefix("run: cargo run --release --locked -- sweep "))
        .unwrap();
    for share in 1..=4 {
        let line = line.replace("${{ matrix.share }}", &share.to_string()).replace("0..9999", "0..19");
        let ended = bench.shell(&format!("preflash sweep {line}"));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    let line = workflow
        .lines()
        .find_map(|line| line.trim().strip_prefix("run: cargo run --release --locked -- merge "))
        .unwrap();
    bench.preflash(&format!("merge {line}"));
    assert_eq!(bench.read("sweep/sweep.json"), bench.read("whole/sweep.json"));
}

/// The cloud never answers.
const NEVER: &str = "title = 'x'\nduration = '1m'\n[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n\
                     [[faults]]\nname = 'x'\ninject.cloud = { status = 500 }\n[[expect]]\nevent.stored = {}\n";

#[test]
fn a_seed_that_failed_is_kept_until_it_is_run_again() {
    let bench = Bench::new("sweep-kept");
    bench.file("x.toml", NEVER).file("out/failing-seeds.txt", "# Seeds that failed\n3\n99\n");
    let ended = bench.preflash("sweep x.toml --seeds 0..1 --out out");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let list = |bench: &Bench| -> Vec<String> {
        let text = bench.read("out/failing-seeds.txt");
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    assert_eq!(list(&bench), ["0", "1", "3", "99"]);
    // One that passes goes; the others are of another range.
    bench.file("x.toml", &NEVER.replace("name = 'x'", "name = 'x'\nuntil = '1s'"));
    let passes = bench.preflash("sweep x.toml --seeds 0..3 --out out");
    assert_eq!((passes.code, list(&bench)), (Some(0), vec!["99".to_owned()]), "{}{}", passes.stdout, passes.stderr);
}

#[test]
fn all_seeds_that_there_are_can_be_asked_for() {
    let bench = Bench::new("sweep-all");
    bench.file("x.toml", NEVER);
    let ended = bench.preflash("sweep x.toml --seeds 0..18446744073709551615 --fail-fast --out out");
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("1 of 1 seeds failed"), "{}", ended.stdout);
}

#[test]
fn a_share_that_has_not_run_all_its_seeds_is_told() {
    let bench = Bench::new("sweep-short");
    bench.file("x.toml", NEVER);
    bench.preflash("sweep x.toml --seeds 0..3 --shard 1/2 --out a");
    bench.preflash("sweep x.toml --seeds 0..3 --shard 2/2 --out b");
    let text = bench.read("b/sweep.json").replace("\"ran\": 2", "\"ran\": 1");
    bench.file("b/sweep.json", &text);
    let ended = bench.preflash("merge a b --out all");
    assert_eq!(ended.code, Some(2), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("it says that 1 seeds were run, and its share has 2"), "{}", ended.stderr);
}

#[test]
fn a_sweep_runs_on_the_chip_and_says_so() {
    let Some(image) = image() else { return };
    let bench = Bench::new("sweep-chip");
    bench.file("x.toml", NEVER).file("y.toml", "title = 'y'\nduration = '1m'\n[[expect]]\nevent.boot = {}\n");
    let on_chip = format!("--on chip --image {}", image.display());
    assert_eq!(bench.preflash(&format!("sweep y.toml --seeds 0..1 --out chip {on_chip}")).code, Some(0));
    assert_eq!(bench.preflash(&format!("sweep x.toml --seeds 0..0 --out fails {on_chip}")).code, Some(1));
    assert_eq!(bench.preflash("sweep y.toml --seeds 0..1 --out host").code, Some(0));
    let (chip, host) = (report(&bench, "chip"), report(&bench, "host"));
    assert_eq!((&chip["on"], &chip["ran"], &host["on"]), (&"chip".into(), &2.into(), &"host".into()));
    assert!(chip["image"].is_string() && host.get("image").is_none(), "{chip:#}");

    // What different firmware came to is not added up.
    for place in ["--on chip --image IMAGE", ""] {
        let place = place.replace("IMAGE", &image.display().to_string());
        let share = if place.is_empty() { 1 } else { 2 };
        bench.preflash(&format!("sweep y.toml --seeds 0..3 --shard {share}/2 --out share{share} {place}"));
    }
    let merged = bench.preflash("merge share1 share2 --out both");
    assert!(merged.code == Some(2) && merged.stderr.contains("place where it ran"), "{}", merged.stderr);
    let both = bench.preflash("sweep y.toml --seeds 0..1 --on both");
    assert!(both.code == Some(2) && both.stderr.contains("invalid value 'both'"), "{}", both.stderr);
}
