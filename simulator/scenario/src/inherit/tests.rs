//! Files that are like another, and parameters.

use std::collections::BTreeMap;

use super::*;
use crate::model::Scenario;

const ROUTER: &str = r#"
title = "The router is away for ${gap}"
duration = "1h"

[parameters]
gap = "10m"
every-reading = 1

[settings]
network = "home"
passphrase = "correct horse"
interval = "5m"

[[faults]]
name = "router away"
from = "20m"
for = "${gap}"
inject.access-point = { network = "home", state = "off" }

[[expect]]
event.link-lost = {}
at-least = "${every-reading}"
"#;

/// Parses `text` as `scenarios/it.toml`, beside these files.
fn parsed(text: &str, others: &[(&str, &str)]) -> Result<Scenario, Diagnostics> {
    let others: BTreeMap<&str, &str> = others.iter().copied().collect();
    parse("scenarios/it.toml", text, &|name| others.get(name).map(|text| (*text).to_owned()).ok_or("not there".into()))
}

/// The mistakes of the same, a line each.
fn mistakes(text: &str, others: &[(&str, &str)]) -> String {
    parsed(text, others).map(|good| good.title).unwrap_err().to_string()
}

#[test]
fn what_a_file_does_not_say_is_as_in_the_other() {
    let others = [("router.toml", ROUTER)];
    let text = "like = 'router.toml'\ntitle = 'Longer'\nparameters.gap = '30m'\nsettings.interval = '1m'\n";
    let (scenario, base) = (parsed(text, &others).unwrap(), parsed(ROUTER, &[]).unwrap());
    assert_eq!(base.title, "The router is away for 10m");
    assert_eq!((scenario.title.as_str(), scenario.duration), ("Longer", base.duration));
    let settings = scenario.devices[0].settings.clone().unwrap();
    assert_eq!((settings.network.as_str(), settings.interval.as_secs()), ("home", 60));
    assert_eq!(scenario.expectations[0].text, base.expectations[0].text);
    assert_eq!(scenario.expectations[0].place.line, 1, "it stands in `like`");
    let ends = |scenario: &Scenario| format!("{:?}", scenario.faults[0].end);
    assert_ne!(ends(&scenario), ends(&base));
    assert_eq!(ends(&scenario), ends(&parsed(&ROUTER.replace("10m", "30m"), &[]).unwrap()));
}

#[test]
fn a_list_stands_in_the_place_of_the_whole_list() {
    let text = "like = 'router.toml'\ntitle = 'None'\nfaults = []\nparameters.gap = '1m'\n";
    // The title there has the gap in it as well, but this file has one of its own.
    assert!(mistakes(text, &[("router.toml", ROUTER)]).contains("nothing uses the parameter `gap`"));
    let text = "like = 'router.toml'\ntitle = 'None'\nfaults = []\ndescription = 'Without ${gap}'\n";
    let scenario = parsed(text, &[("router.toml", ROUTER)]).unwrap();
    assert!(scenario.faults.is_empty());
    assert_eq!(scenario.description.as_deref(), Some("Without 10m"));
}

#[test]
fn a_key_that_rules_out_another_takes_its_place() {
    let text = "like = 'router.toml'\ntitle = 'Two'\n\
                devices = [{ name = 'a', settings = { network = 'home' } }, { name = 'b' }]\n\
                networks = [{ name = 'home', passphrase = 'correct horse' }]\nfaults = []\ndescription = '${gap}'\n";
    assert_eq!(parsed(text, &[("router.toml", ROUTER)]).unwrap().devices.len(), 2);
}

#[test]
fn files_may_be_like_one_another_in_a_row() {
    let middle = "like = '../router.toml'\ntitle = 'Middle'\nparameters.gap = '15m'\n";
    let others = [("base/middle.toml", middle), ("base/../router.toml", ROUTER)];
    let scenario = parsed("like = 'base/middle.toml'\ntitle = 'Last: ${gap}'\n", &others).unwrap();
    assert_eq!(scenario.title, "Last: 15m");
    let own = ("it.toml", "like = 'it.toml'\ntitle = 'Round'\n");
    assert!(mistakes(own.1, &[own]).contains("it.toml:1:8: more than 8 files"), "{}", mistakes(own.1, &[own]));
}

#[test]
fn mistakes_are_told_where_they_are() {
    let router = [("router.toml", ROUTER)];
    let cases: [(&str, &str); 9] = [
        ("like = 'ruter.toml'\ntitle = 'x'", "it.toml:1:8: could not read ruter.toml: not there"),
        ("like = 1\ntitle = 'x'", "it.toml:1:8: `like` names a scenario file"),
        ("like = 'router.toml'", "it.toml:1:8: a file that is like another needs a `title` of its own"),
        (
            "like = 'router.toml'\ntitle = 'x'\nparameters.gapp = '1m'",
            "it.toml:3:12: nothing uses the parameter `gapp`",
        ),
        ("like = 'router.toml'\ntitle = 'x'\nparameters.gap = '1 lm'", "it.toml:3:18: "),
        ("like = 'router.toml'\ntitle = 'x'\nparameters.gap = ['1m']", "it.toml:3:18: the parameter `gap` cannot be"),
        (
            "like = 'router.toml'\ntitle = 'x'\nsettings.network = 'away'",
            "it.toml:1:8: with what this file says, scenarios/router.toml is wrong: ",
        ),
        ("title = '${a} ${b'\nparameters.a = 1", "it.toml:1:9: `${` has no end"),
        ("title = '${aa}'\nduration = '1h'\nparameters.a = 1", "it.toml:1:9: no parameter is called `aa`"),
    ];
    for (text, expected) in cases {
        let told = mistakes(text, &router);
        assert!(told.contains(expected), "{text}\n{told}\n{expected}");
    }
    let base = ROUTER.replace("1h", "1 haur");
    let told = mistakes("like = 'router.toml'\ntitle = 'x'", &[("router.toml", &base)]);
    assert!(told.starts_with("scenarios/router.toml:3:12: "), "{told}");
}

#[test]
fn dollars_are_themselves_without_parameters_and_when_doubled() {
    let text = "title = 'a'\nduration = '1h'\nsettings = { network = 'x', passphrase = 'costs ${5}' }\n\
                expect = [{ event = { boot = {} } }]\n";
    assert_eq!(parsed(text, &[]).unwrap().devices[0].settings.clone().unwrap().passphrase, "costs ${5}");
    let text = text.replace("${5}", "$${${n}}") + "parameters.n = 5\n";
    assert_eq!(parsed(&text, &[]).unwrap().devices[0].settings.clone().unwrap().passphrase, "costs ${5}");
}

#[test]
fn files_that_are_named_stay_in_their_folder() {
    let base = "title = 'a'\nduration = '1h'\nexpect = [{ event = { boot = {} } }]\n[device]\nimage = 'duck.bin'\n";
    let others = [("base/a.toml", base), ("a.toml", base)];
    assert!(parsed("like = 'a.toml'\ntitle = 'b'", &others).is_ok());
    let told = mistakes("like = 'base/a.toml'\ntitle = 'b'", &others);
    assert!(told.contains("it.toml:1:8: scenarios/base/a.toml names files from its own folder"), "{told}");
}

#[test]
fn the_flat_text_says_the_same() {
    let others: BTreeMap<&str, &str> = [("router.toml", ROUTER)].into();
    let read = |name: &str| others.get(name).map(|text| (*text).to_owned()).ok_or("not there".to_owned());
    let text = "like = 'router.toml'\ntitle = 'Longer ${every-reading}'\nparameters.gap = '30m'\n";
    let flat = flat("it.toml", text, &read).unwrap();
    assert!(!flat.contains("like") && !flat.contains("${"), "{flat}");
    let (one, other) = (parsed(&flat, &[]).unwrap(), parsed(text, &[("router.toml", ROUTER)]).unwrap());
    let told = |scenario: &Scenario| format!("{:?}", (&scenario.title, &scenario.devices, &scenario.faults[0].end));
    assert_eq!(told(&one), told(&other));
}
