//! What a scenario needs that a rig cannot do: told before anything is run, and the reason why the scenario is not.
//!
//! Each match is exhaustive, so that a new word of the language is a question to this file. Where a rig cannot know
//! (whether a network has the right passphrase, what a sensor measures), its owner's word counts.

use std::collections::BTreeSet;
use std::path::PathBuf;

use humantime::format_duration;
use simulator_record::events::Kind;
use simulator_scenario::model::{
    Action, Begin, BootMode, CertificateProfile, Check, Expectation, FlashImage, Injection, Overwrite, Policy,
    PowerAction, Readings, Scenario, State, When,
};

use simulator_world::internet::Fault;

use super::{Description, Reset, Rig, cloud_faults};

/// What a scenario needs that this rig cannot do, each as a sentence's end: "it needs …"; none if it can be run.
pub fn needs(scenario: &Scenario, rig: &Rig) -> Vec<String> {
    let has_lines = rig.port.lock().is_ok_and(|port| port.has_lines());
    needs_of(scenario, &rig.description, has_lines)
}

fn needs_of(scenario: &Scenario, rig: &Description, has_lines: bool) -> Vec<String> {
    let mut needs = Needs::default();
    if scenario.duration > rig.longest {
        let (takes, longest) = (format_duration(scenario.duration), format_duration(rig.longest));
        needs.add(format!("{takes} of real time, and `longest` in the rig's file is {longest}"));
    }
    devices(scenario, rig, &mut needs);
    start(scenario, rig, has_lines, &mut needs);
    world(scenario, rig, &mut needs);
    for step in &scenario.steps {
        action(scenario, &step.action, rig, has_lines, &mut needs);
    }
    let required = scenario.faults.iter().map(|it| it.require_effect);
    let required = required.chain(scenario.steps.iter().map(|it| it.require_effect));
    if required.chain(scenario.phones.iter().map(|it| it.require_effect)).any(|it| it) {
        needs.add("to know what faults, steps and phones came to (`require-effect`), which no rig tells".to_owned());
    }
    for kind in kinds(scenario, &mut needs) {
        if let Some(why) = unseen(kind, rig) {
            needs.add(format!("to see `{}` events: {why}", kind.name()));
        }
    }
    needs.all
}

/// What is needed, each once.
#[derive(Default)]
struct Needs {
    all: Vec<String>,
}

impl Needs {
    fn add(&mut self, what: String) {
        if !self.all.contains(&what) {
            self.all.push(what);
        }
    }
}

/// What is on the board.
fn devices(scenario: &Scenario, rig: &Description, needs: &mut Needs) {
    let [device] = scenario.devices.as_slice() else {
        return needs.add(format!("{} devices, and a rig has one", scenario.devices.len()));
    };
    if let Some(image) = &device.firmware {
        flashed(image, rig, needs);
    }
    if device.mac.is_some() {
        needs.add("a hardware address of its own, and a board has its chip's".to_owned());
    }
    if device.settings.is_some() && !rig.settings {
        needs.add(
            "a board that is set up as its `[settings]` say: `settings = true` in the rig's file says it is".into(),
        );
    }
    for part in &device.parts {
        if part.readings != Readings::default() {
            needs.add(format!("air of its own around the sensor `{}`, which measures the room's", part.soldered.name));
        }
    }
}

/// What the board's flash holds, by its owner's word.
fn flashed(image: &FlashImage, rig: &Description, needs: &mut Needs) {
    let same = |wanted: &PathBuf, flashed: &PathBuf| match (wanted.canonicalize(), flashed.canonicalize()) {
        (Ok(wanted), Ok(flashed)) => wanted == flashed,
        _ => wanted == flashed,
    };
    match (&image.image, image.parts.as_slice()) {
        (Some(wanted), []) if rig.flashed.as_ref().is_some_and(|flashed| same(wanted, flashed)) => {}
        (Some(wanted), []) => needs
            .add(format!("{} on the board: flash it, and name it by `flashed` in the rig's file", wanted.display())),
        _ => needs.add("files at offsets in the flash, and a rig names one image".to_owned()),
    }
    if image.boot == BootMode::Download {
        needs.add("a board that is strapped for a download".to_owned());
    }
}

/// How the board is started at the beginning.
fn start(scenario: &Scenario, rig: &Description, has_lines: bool, needs: &mut Needs) {
    if rig.power.is_none() {
        reset(rig, has_lines, needs);
    }
    if scenario.devices.iter().any(|device| !device.power_up.is_zero()) && rig.power.is_none() {
        needs.add(SUPPLY.to_owned());
    }
    if scenario.devices.iter().any(|device| !device.uptime.is_zero()) {
        needs.add("a board that has been on for as long as `uptime` says".to_owned());
    }
    if scenario.devices.iter().any(|device| device.flash_endurance.is_some()) {
        needs.add("a flash that wears out as `flash-endurance` says".to_owned());
    }
    if scenario.devices.iter().any(|device| device.flash_overwrite != Overwrite::default()) {
        needs.add("a flash of the kind that `flash-overwrite` says".to_owned());
    }
}

const SUPPLY: &str = "its supply switched: `power` in the rig's file says how";

fn reset(rig: &Description, has_lines: bool, needs: &mut Needs) {
    match &rig.reset {
        Reset::DtrRts if !has_lines => needs.add(
            "a reset, and this port has no DTR and RTS: `reset` or `power` in the rig's file says how else".to_owned(),
        ),
        Reset::None => needs.add("a reset, and `reset` in the rig's file is `none`".to_owned()),
        Reset::DtrRts | Reset::Prompt | Reset::Command(_) => {}
    }
}

/// What is around the board.
fn world(scenario: &Scenario, rig: &Description, needs: &mut Needs) {
    for network in &scenario.networks {
        if !rig.networks.contains(&network.name) {
            needs.add(format!(
                "the Wi-Fi network `{0}`: `networks` in the rig's file says that it is there",
                network.name
            ));
        }
    }
    if scenario.start != Scenario::USUAL_START {
        needs.add("a calendar of its own, and a rig has today's".to_owned());
    }
    let cloud = &scenario.cloud;
    if cloud.certificate != CertificateProfile::default() || cloud.legacy_tls != Policy::Off {
        needs.add("a cloud with another certificate or another TLS than usual".to_owned());
    }
    for fault in &scenario.faults {
        let name = &fault.name;
        match &fault.injection {
            Injection::Cloud(what) if cloud_faults::order(&Fault::Cloud(*what)).is_none() => {
                needs.add(format!("the fault `{name}`, which nothing on a rig makes happen"));
            }
            Injection::Cloud(_) | Injection::CloudReply(_) => {
                if rig.cloud.is_none() {
                    needs.add(format!(
                        "the fault `{name}` of the cloud: `cloud` in the rig's file names a fake ThingSpeak that does it"
                    ));
                }
            }
            Injection::Sensor { .. }
            | Injection::Supply { .. }
            | Injection::AccessPoint { .. }
            | Injection::Link { .. }
            | Injection::Dhcp { .. }
            | Injection::Dns(_)
            | Injection::DnsAnswer(_)
            | Injection::CaptivePortal(_)
            | Injection::Ntp(_)
            | Injection::Route { .. }
            | Injection::ManInTheMiddle(_)
            | Injection::Certificate(_) => {
                needs.add(format!("the fault `{name}`, which nothing on a rig makes happen"));
            }
        }
    }
    if !scenario.phones.is_empty() && rig.phones.is_none() {
        needs.add("somebody with a phone: `phones = \"prompt\"` in the rig's file says that there is".to_owned());
    }
    if scenario.sweep.is_some() {
        needs.add("its sweep, which repeats the run to the nanosecond or with other images".to_owned());
    }
}

fn action(scenario: &Scenario, action: &Action, rig: &Description, has_lines: bool, needs: &mut Needs) {
    match action {
        Action::Power(PowerAction::On | PowerAction::Off | PowerAction::CutFor(_)) => {
            if rig.power.is_none() {
                needs.add(SUPPLY.to_owned());
            }
        }
        Action::Power(PowerAction::BrownOut(_)) => {
            needs.add("its supply to dip, which nothing on a rig does".to_owned())
        }
        Action::PressReset => reset(rig, has_lines, needs),
        Action::Switch { part, .. } | Action::Press { part, .. } => {
            let name = super::means::part_name(scenario, *part);
            if !rig.parts.contains_key(name) {
                needs.add(format!("`{name}` moved: `[rig.parts]` in the rig's file says how"));
            }
        }
        Action::Type(_) | Action::Converse(_) => {}
        Action::Readings { .. } => needs.add("other air around the sensor in the middle of the run".to_owned()),
    }
}

/// The kinds of events that the scenario looks for, in expectations and in its timeline.
fn kinds(scenario: &Scenario, needs: &mut Needs) -> BTreeSet<Kind> {
    let mut kinds = BTreeSet::new();
    let begins = scenario.phones.iter().map(|phone| &phone.arrives);
    for expectation in &scenario.expectations {
        kinds.extend(of_expectation(expectation, needs));
    }
    kinds.extend(begins.filter_map(of_begin));
    let whens = scenario.steps.iter().map(|step| &step.when).chain(scenario.faults.iter().map(|fault| &fault.when));
    for when in whens {
        if let When::After(trigger) = when {
            kinds.insert(trigger.matcher.kind());
        }
    }
    kinds
}

fn of_begin(begin: &Begin) -> Option<Kind> {
    match begin {
        Begin::At(_) => None,
        Begin::After(trigger) => Some(trigger.matcher.kind()),
    }
}

fn of_expectation(expectation: &Expectation, needs: &mut Needs) -> Vec<Kind> {
    let mut kinds = Vec::new();
    let mut state = |state: &State| match state {
        State::Pin(_) => needs.add("to see the level of a pin, which nothing on a rig measures".to_owned()),
        State::Power { .. } => kinds.push(Kind::Power),
    };
    match &expectation.check {
        Check::Events { matcher, window, .. } => {
            kinds.push(matcher.kind());
            kinds.extend(of_begin(&window.open));
        }
        Check::Rate(rate) => {
            kinds.push(rate.matcher.kind());
            kinds.extend(of_begin(&rate.window.open));
        }
        Check::StateAt { state: wanted, .. } => state(wanted),
        Check::StateThroughout { state: wanted, window } => {
            state(wanted);
            kinds.extend(of_begin(&window.open));
        }
        Check::Channel(_) => kinds.push(Kind::Stored),
    }
    kinds
}

/// Why events of a kind are not seen on a rig; `None` if they are.
fn unseen(kind: Kind, rig: &Description) -> Option<&'static str> {
    match kind {
        Kind::Serial => None,
        // What the rig itself does.
        Kind::Power | Kind::Step => None,
        Kind::Stored if rig.feed.is_some() => None,
        Kind::Stored => Some("`feed` in the rig's file says where the channel is read"),
        Kind::Boot | Kind::Restart | Kind::Crash | Kind::CrashLoop | Kind::Watchdog | Kind::Memory | Kind::Livelock => {
            Some("what a chip does inside comes out of no pin")
        }
        Kind::Pin | Kind::Sensor | Kind::Flash | Kind::NotModelled => Some("nothing on a rig is connected to that pin"),
        Kind::Join
        | Kind::LinkLost
        | Kind::AccessPoint
        | Kind::Lease
        | Kind::Dns
        | Kind::Ntp
        | Kind::Connection
        | Kind::Tls
        | Kind::Http => Some("nothing on a rig listens to the radio or to the network"),
        Kind::Phone => Some("what a phone shows is seen by the person alone"),
        Kind::Fault => Some("what a fault does is seen by the fake cloud alone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(rig: &str, scenario: &str) -> Vec<String> {
        let scenario = format!("title = 't'\nduration = '1m'\n{scenario}");
        let scenario = Scenario::parse("t.toml", &scenario, &|name| Err(format!("{name} is not needed"))).unwrap();
        needs_of(&scenario, &Description::parse(rig).unwrap(), true)
    }

    const LINE: &str = "[[expect]]\nevent.serial = { contains = 'boot' }\n";

    #[test]
    fn what_comes_out_of_the_serial_port_needs_a_reset_alone() {
        assert_eq!(needs("", LINE), [""; 0]);
        let scenario =
            Scenario::parse("t.toml", &format!("title = 't'\nduration = '1m'\n{LINE}"), &|_| Err(String::new()));
        let without = needs_of(&scenario.unwrap(), &Description::default(), false);
        assert!(without[0].starts_with("a reset, and this port has no DTR and RTS"), "{without:?}");
    }

    #[test]
    fn each_need_goes_away_when_the_rig_can_do_it() {
        for (scenario, need, rig) in [
            (
                "[settings]\nnetwork = 'home'\n[[networks]]\nname = 'home'\n",
                "`[settings]`",
                "settings = true\nnetworks = ['home']",
            ),
            ("[[networks]]\nname = 'home'\n", "the Wi-Fi network `home`", "networks = ['home']"),
            ("[[steps]]\nat = '1s'\ndo.power = 'off'\n", "its supply switched", "power = 'prompt'"),
            ("[[steps]]\nat = '1s'\ndo.config-switch = 'on'\n", "`config` moved", "[rig.parts]\nconfig = 'prompt'"),
            ("[[expect]]\nevent.stored = {}\n", "to see `stored` events", "feed = 'http://x/feeds.json'"),
            (
                "[[faults]]\nname = 'lost'\ninject.cloud = 'drop-after-storing'\n",
                "the fault `lost` of the cloud",
                "cloud = 'http://x'",
            ),
            (
                "[[phones]]\nname = 'alice'\narrives = '5s'\ndoes = [{ wait = '1s' }]\n",
                "somebody with a phone",
                "phones = 'prompt'",
            ),
        ] {
            let lacking = needs("", &format!("{scenario}{LINE}"));
            assert!(lacking.iter().any(|found| found.contains(need)), "{need}: {lacking:?}");
            assert_eq!(needs(&format!("[rig]\n{rig}\n"), &format!("{scenario}{LINE}")), [""; 0], "{need}");
        }
    }

    #[test]
    fn what_no_rig_can_do_is_said() {
        for (scenario, need) in [
            ("[[expect]]\nevent.boot = {}\n", "to see `boot` events"),
            ("[[expect]]\nevent.dns = {}\n", "to see `dns` events"),
            ("[[faults]]\nname = 'no DNS'\ninject.dns = 'no-such-name'\n", "the fault `no DNS`"),
            ("[[steps]]\nat = '1s'\ndo.power = { brown-out = '1s' }\n", "its supply to dip"),
            ("[sensor]\ntemperature = '3.5 °C'\n", "air of its own"),
        ] {
            let lacking = needs("[rig]\npower = 'prompt'\n", &format!("{scenario}{LINE}"));
            assert!(lacking.iter().any(|found| found.contains(need)), "{need}: {lacking:?}");
        }
    }
}
