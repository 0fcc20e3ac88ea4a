//! `report.html` and `index.html`: what lies in them, and what they do in Chromium (`report/page.test.mjs`, run by
//! Node).

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::bench::Bench;

/// The router goes away and does not come back in time.
const FAILS: &str = r#"
title = "The <router> is off; no reading is lost </script> & all"
description = "It ends the page: </script><script>alert(1)</script><!--"
duration = "30m"

[settings]
network = "home"
passphrase = "correct horse"

[[faults]]
name = "router is off"
from = "10m"
inject.access-point = { network = "home", state = "off" }

[[expect]]
event.stored = {}
at-least = 2

[[expect]]
state = { led = "on" }
from = "1m"
because = "the router is there"
"#;

/// The elements with data in a page.
pub(super) fn data(page: &str) -> Vec<Value> {
    let elements = page.split("<script type=\"application/json\">").skip(1);
    elements.map(|element| serde_json::from_str(element.split("</script>").next().unwrap()).unwrap()).collect()
}

fn bench(name: &str) -> Bench {
    let bench = Bench::new(name);
    bench.file("fails.toml", FAILS);
    assert_eq!(bench.preflash("run fails.toml").code, Some(1));
    bench
}

#[test]
fn the_page_of_a_case_has_what_failed_and_is_the_same_in_each_run() {
    let (one, other) = (bench("report-one"), bench("report-other"));
    for file in ["target/preflash/fails/report.html", "target/preflash/index.html"] {
        let page = one.read(file);
        assert_eq!(page, other.read(file));
        assert!(!page.contains("alert(1)</script>") && !page.contains("{DATA}"), "{file}");
    }
    let page = one.read("target/preflash/fails/report.html");
    let [case, rows] = data(&page).try_into().unwrap();
    assert_eq!(case["outcome"], "failed");
    assert_eq!(case["source"], FAILS);
    let failure = &case["failures"][0];
    assert_eq!((&failure["line"], &failure["because"]), (&19.into(), &"the router is there".into()));
    assert_eq!(failure["in-force"]["list"][0]["name"], "router is off", "{failure}");
    let fault = &case["runs"][0]["faults"]["spans"][0];
    assert_eq!(
        (&fault["name"], &fault["from"], &fault["to"]),
        (&"router is off".into(), &600_000_000.into(), &1_800_000_000.into())
    );
    // All events are there, in order.
    let events = one.read("target/preflash/fails/events.jsonl");
    assert_eq!(rows.as_array().unwrap().len(), events.lines().count());
    assert_eq!(case["runs"][0]["events"], events.lines().count());
    let curve = &case["runs"][0]["curves"][0];
    assert_eq!((&curve["name"], &curve["counts"][1]), (&"Temperature".into(), &2.into()));
}

#[test]
fn the_page_of_a_long_run_is_bounded_and_says_what_it_leaves_out() {
    let page = |days: u32| {
        let bench = Bench::new(&format!("report-{days}-days"));
        let text = format!(
            "title = 'long'\nduration = '{days}d'\n[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n\
             interval = '15m'\n[[expect]]\nevent.stored = {{}}\nexactly = 1\n"
        );
        bench.file("long.toml", &text);
        assert_eq!(bench.preflash("run long.toml").code, Some(1));
        bench.read("target/preflash/long/report.html")
    };
    let (month, more) = (page(30), page(60));
    let [case, rows] = data(&more).try_into().unwrap();
    let (events, held) = (case["runs"][0]["events"].as_u64().unwrap(), rows.as_array().unwrap().len() as u64);
    assert!(held < events, "{held} of {events}");
    // Twice as long, and hardly longer.
    assert!(more.len() < month.len() * 5 / 4, "{} {}", month.len(), more.len());
}

#[test]
fn the_page_of_a_run_has_each_scenario_with_its_seeds() {
    let bench = Bench::new("index");
    bench.file("fails.toml", FAILS);
    assert_eq!(bench.preflash("run fails.toml --seeds 3..6").code, Some(1));
    let [index] = data(&bench.read("target/preflash/index.html")).try_into().unwrap();
    let group = &index["groups"][0];
    assert_eq!((&index["failed"], &group["failed"], &group["named"]), (&4.into(), &4.into(), &true.into()));
    assert_eq!(group["cases"], serde_json::json!([["3", false], ["4", false], ["5", false], ["6", false]]));
    assert_eq!((&group["failures"][0]["count"], &group["failures"][0]["seed"]), (&4.into(), &"3".into()));
    // What somebody else keeps in its place is not replaced.
    bench.file("mine/index.html", "<html>my page</html>");
    let ended = bench.preflash("run fails.toml --out mine");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("index.html: what is there is no page about a run"), "{}", ended.stderr);
}

#[test]
fn what_happened_is_told_on_a_terminal() {
    let bench = bench("report-terminal");
    bench.file("other.toml", &FAILS.replace("from = \"10m\"", "from = \"12m\""));
    assert_eq!(bench.preflash("run other.toml").code, Some(1));
    let (one, other) = ("target/preflash/fails", "target/preflash/other");
    let ended = bench.preflash(&format!("log {one} --around 10m --within 1s --only faults,wifi"));
    let lanes: Vec<&str> = ended.stdout.lines().map(|line| line.split_whitespace().nth(3).unwrap()).collect();
    assert_eq!((ended.code, lanes.as_slice()), (Some(0), &["faults", "wifi"][..]), "{}", ended.stdout);
    let json = |arguments: &str| -> (Option<i32>, Value) {
        let ended = bench.preflash(&format!("{arguments} --format json"));
        (ended.code, serde_json::from_str(&ended.stdout).unwrap())
    };
    let (_, all) = json(&format!("log {one}"));
    let lines = bench.read("target/preflash/fails/events.jsonl");
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<&Value> = all.as_array().unwrap().iter().map(|entry| &entry["event"]).collect();
    assert_eq!(told, events.iter().collect::<Vec<_>>());
    assert_eq!(bench.preflash(&format!("diff {one} {one}")).stdout, "the same, event by event\n");
    let (code, differences) = json(&format!("diff {one} {other}"));
    assert_eq!((code, &differences["first"]["first"]["at-seconds"]), (Some(1), &600.0.into()));
    let lane =
        |word| differences["lanes"].as_array().unwrap().iter().find(|lane| lane["lane"] == word).unwrap().clone();
    assert!(lane("boots")["differs"].is_null() && !lane("serial")["differs"].is_null());
    let (_, chain) = json(&format!("explain {one} no-entry@30m"));
    let links = chain["chain"].as_array().unwrap().iter();
    let lanes: Vec<&str> = links.map(|link| link["lane"].as_str().unwrap()).collect();
    assert_eq!((lanes, &chain["end"]), (vec!["wifi", "access-points", "faults"], &"scenario".into()));
    for (arguments, wrong) in [
        ("log target/preflash", "there are several inside; name one of target/preflash/fails, target/preflash/other"),
        ("log none", "could not read none: "),
        ("explain target/preflash/fails 99999", "there is no event 99999: the record has those from 0 to "),
        ("explain target/preflash/fails soon", "expected an event's number such as 58"),
    ] {
        let ended = bench.preflash(arguments);
        assert!(ended.code == Some(2) && ended.stderr.contains(wrong), "{arguments}: {}", ended.stderr);
    }
}

mod browser {
    use super::*;

    #[test]
    #[ignore = "needs Chromium and Node; see ci/setup-browser"]
    fn the_pages_do_in_a_browser_what_they_promise() {
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fake-thingspeak/server/tests/browser");
        assert!(shared.join("node_modules/playwright-core").is_dir(), "run ci/setup-browser first");
        let bench = bench("report-browser");
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/command/report");
        let status = Command::new("node")
            .args(["--test", "--test-concurrency=1", "--test-reporter=spec", "page.test.mjs"])
            .current_dir(tests)
            .env("PAGES", bench.folder.join("target/preflash"))
            .status()
            .unwrap();
        assert!(status.success(), "{status}");
    }
}
