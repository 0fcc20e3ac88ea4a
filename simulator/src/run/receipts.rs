//! Receipts: how often each fault, step and phone of a scenario had an effect in a run.
//!
//! One that never had leaves the scenario testing less than it says. What counts as an effect is what the record tells:
//! of a fault of the internet or of frames each time that it did something; of an access point's state that it went
//! away, or each join that was refused or not answered and each link that was lost because nothing came from it; of a
//! sensor's fault each transaction on its wire while it was in force; of a phone each thing that it did or saw. What is
//! not in the record the world counts: how many frames a fault has only made slower, and whether a step that was done
//! changed anything.

use std::collections::BTreeMap;

use serde::Serialize;
use simulator_record::events::{Event, EventKind, FaultAction, InForce, JoinFailure, JoinOutcome, LinkLoss};
use simulator_record::time::Instant;
use simulator_scenario::model::{AccessPointState, Fault, Injection, Place, Scenario};
use simulator_world::air::colons;
use simulator_world::world::{Effect, StepDone};

use crate::expectation::{self, Verdict};

/// How often something of a scenario had an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Receipt {
    /// `fault`, `step` or `phone`.
    pub kind: &'static str,
    /// Its name; a step has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it stands in the file.
    pub line: u32,
    /// How often it began, was done or arrived.
    pub begun: u64,
    /// How often it had an effect.
    pub applied: u64,
    /// Where it stands, and whether the run fails if it had none.
    #[serde(skip)]
    required: Option<Place>,
    /// Whether it is left to chance, so that it need not have begun.
    #[serde(skip)]
    by_chance: bool,
}

impl Receipt {
    /// As a message names it: "fault `router is off`", "the step".
    pub fn what(&self) -> String {
        match &self.name {
            Some(name) => format!("{} `{name}`", self.kind),
            None => format!("the {}", self.kind),
        }
    }

    /// What became of it, if it never had an effect.
    pub fn nothing(&self) -> Option<&'static str> {
        match (self.kind, self.begun, self.applied) {
            (_, _, 1..) => None,
            (_, 0, _) if self.by_chance && self.required.is_none() => None,
            ("phone", 0, _) => Some("never arrived"),
            ("phone", ..) => Some("did and saw nothing"),
            ("step", 0, _) => Some("was never done"),
            ("step", ..) => Some("changed nothing"),
            (_, 0, _) => Some("never began"),
            _ => Some("was in force and did nothing"),
        }
    }

    /// The verdict on one that had to have an effect.
    fn verdict(&self) -> Option<Verdict> {
        let place = self.required?;
        let failure = expectation::Failure { seen: format!("it {}", self.nothing()?), at: None };
        Some(Verdict { place: Some(place), ..Verdict::missed(format!("{} has an effect", self.what()), failure) })
    }
}

/// What is known while a run goes on.
pub(super) struct Receipts<'s> {
    scenario: &'s Scenario,
    faults: Vec<Counted>,
    in_force: InForce,
    by_name: BTreeMap<&'s str, usize>,
    phones: BTreeMap<&'s str, u64>,
    steps: Vec<Counted>,
}

#[derive(Clone, Default)]
struct Counted {
    begun: u64,
    applied: u64,
}

impl<'s> Receipts<'s> {
    pub(super) fn new(scenario: &'s Scenario) -> Self {
        Self {
            scenario,
            faults: vec![Counted::default(); scenario.faults.len()],
            in_force: InForce::default(),
            by_name: (0..).zip(&scenario.faults).map(|(place, fault)| (fault.name.as_str(), place)).collect(),
            phones: scenario.phones.iter().map(|phone| (phone.name.as_str(), 0)).collect(),
            steps: vec![Counted::default(); scenario.steps.len()],
        }
    }

    /// Steps that were done.
    pub(super) fn steps(&mut self, done: Vec<StepDone>) {
        for StepDone { step, effect } in done {
            let Some(counted) = self.steps.get_mut(step) else { continue };
            counted.begun += 1;
            counted.applied += u64::from(effect == Effect::Changed);
        }
    }

    /// The next event.
    pub(super) fn see(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Fault(acted) => {
                let Some(&place) = self.by_name.get(acted.rule.as_str()) else { return };
                let fault = &mut self.faults[place];
                self.in_force.see(event.at, acted);
                match acted.action {
                    FaultAction::Begins => fault.begun += 1,
                    FaultAction::Ends => {}
                    FaultAction::Did(_) => fault.applied += 1,
                }
            }
            EventKind::Phone(phone) => {
                if let Some(count) = self.phones.get_mut(phone.phone.as_str()) {
                    *count += 1;
                }
            }
            EventKind::AccessPoint(_) | EventKind::Join(_) | EventKind::LinkLost(_) | EventKind::Sensor(_) => {
                for (fault, counted) in self.scenario.faults.iter().zip(&mut self.faults) {
                    if self.in_force.has(&fault.name) && self.scenario.shows(fault, event) {
                        counted.applied += 1;
                    }
                }
            }
            _ => {}
        }
    }

    /// What became of all of them in a run that ended at `end`: `phones` are the times at which each was to arrive, and
    /// `slowed` says how many frames a fault has only made slower.
    pub(super) fn finish(self, phones: &[Vec<Instant>], end: Instant, slowed: impl Fn(&str) -> u64) -> Vec<Receipt> {
        let count = |times: Option<&Vec<Instant>>| {
            times.map_or(0, |times| times.iter().filter(|time| **time <= end).count()) as u64
        };
        let Self { scenario, faults, phones: seen, steps, .. } = self;
        let mut receipts = Vec::new();
        for (fault, Counted { begun, applied }) in scenario.faults.iter().zip(&faults) {
            let name = Some(fault.name.clone());
            let applied = applied + slowed(&fault.name);
            let by_chance = fault.probability.is_some();
            let receipt = receipt("fault", name, fault.place, fault.require_effect, *begun, applied);
            receipts.push(Receipt { by_chance, ..receipt });
        }
        for (step, Counted { begun, applied }) in scenario.steps.iter().zip(&steps) {
            let by_chance = step.probability.is_some();
            let receipt = receipt("step", None, step.place, step.require_effect, *begun, *applied);
            receipts.push(Receipt { by_chance, ..receipt });
        }
        for (place, phone) in scenario.phones.iter().enumerate() {
            let applied = seen.get(phone.name.as_str()).copied().unwrap_or_default();
            let name = Some(phone.name.clone());
            receipts.push(receipt("phone", name, phone.place, phone.require_effect, count(phones.get(place)), applied));
        }
        receipts
    }
}

fn receipt(kind: &'static str, name: Option<String>, place: Place, require: bool, begun: u64, applied: u64) -> Receipt {
    Receipt { kind, name, line: place.line, begun, applied, required: require.then_some(place), by_chance: false }
}

/// The verdicts on those that had to have an effect and had none.
pub(super) fn verdicts(receipts: &[Receipt]) -> impl Iterator<Item = Verdict> + '_ {
    receipts.iter().filter_map(Receipt::verdict)
}

/// Whether an event shows that a fault has an effect.
trait Shows {
    fn shows(&self, fault: &Fault, event: &Event) -> bool;
}

impl Shows for Scenario {
    fn shows(&self, fault: &Fault, event: &Event) -> bool {
        match &fault.injection {
            Injection::Sensor { device, part, .. } => match &event.kind {
                EventKind::Sensor(sensor) => {
                    let parts = self.devices.get(device.0 as usize).map(|device| device.parts.as_slice());
                    let name = parts.and_then(|parts| parts.get(part.0)).map(|part| &part.soldered.name);
                    event.device == Some(*device) && name == Some(&sensor.part)
                }
                _ => false,
            },
            Injection::AccessPoint { network, bssid, state, .. } => match (&event.kind, state) {
                (EventKind::AccessPoint(point), AccessPointState::Off) => {
                    !point.on && point.network == *network && is_it(*bssid, &point.bssid)
                }
                (EventKind::Join(join), AccessPointState::Refusing) => {
                    join.network == *network && join.outcome == JoinOutcome::Failed(JoinFailure::Refused)
                }
                (EventKind::Join(join), AccessPointState::Deaf) => {
                    join.network == *network && join.outcome == JoinOutcome::Failed(JoinFailure::Timeout)
                }
                (EventKind::LinkLost(lost), AccessPointState::Deaf) => {
                    let unheard = match lost.reason {
                        LinkLoss::BeaconTimeout | LinkLoss::Deauthenticated => true,
                        LinkLoss::Left | LinkLoss::Power => false,
                    };
                    unheard && lost.network == *network && is_it(*bssid, &lost.bssid)
                }
                _ => false,
            },
            // What they do is told, or counted, where they do it.
            Injection::Supply { .. }
            | Injection::Link { .. }
            | Injection::Dhcp { .. }
            | Injection::Dns(_)
            | Injection::DnsAnswer(_)
            | Injection::Ntp(_)
            | Injection::Route { .. }
            | Injection::ManInTheMiddle(_)
            | Injection::Certificate(_)
            | Injection::Cloud(_)
            | Injection::CloudReply(_)
            | Injection::CaptivePortal(_) => false,
        }
    }
}

/// Whether a fault that is about one access point, or all of a network, is about this one.
fn is_it(bssid: Option<[u8; 6]>, address: &str) -> bool {
    bssid.is_none_or(|bssid| colons(bssid) == address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator_record::random::Seed;

    fn run(timeline: &str) -> crate::run::Run {
        let text = format!(
            "title = 't'\nduration = '20m'\n[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n\
             [[expect]]\nevent.boot = {{}}\n{timeline}"
        );
        let scenario =
            Scenario::parse("t.toml", &text, &|_| Err(String::new())).unwrap_or_else(|error| panic!("{error}"));
        crate::run::run(&scenario, Seed(1)).runs.remove(0)
    }

    /// Kind, begun and applied of each.
    fn receipts(timeline: &str) -> (Vec<(&'static str, u64, u64)>, Vec<String>) {
        let run = run(timeline);
        let told = run.receipts.iter().map(|receipt| (receipt.kind, receipt.begun, receipt.applied)).collect();
        (told, run.failures().map(|(verdict, failure)| format!("{}: {}", verdict.text, failure.seen)).collect())
    }

    fn one(timeline: &str) -> (&'static str, u64, u64) {
        let (told, failures) = receipts(timeline);
        assert_eq!((told.len(), failures.len()), (1, 0), "{told:?} {failures:?}");
        told[0]
    }

    #[test]
    fn faults_count_what_they_did() {
        let fault = |inject: &str| one(&format!("[[faults]]\nname = 'x'\nfrom = '4m'\nfor = '7m'\n{inject}\n"));
        let network = "network = 'home'";
        assert_eq!(fault(&format!("inject.access-point = {{ {network}, state = 'off' }}")), ("fault", 1, 1));
        // Two readings of two transactions each, and what the firmware tries again.
        assert!(fault("inject.sensor = 'bad-checksum'").2 >= 4);
        // A sensor that has latched up stays silent until it loses its power.
        assert!(one("[[faults]]\nname = 'x'\nfrom = '2m'\nfor = '1s'\ninject.sensor = 'latched'\n").2 >= 2);
        assert_eq!(fault("inject.cloud = { status = 503 }").0, "fault");
        assert!(fault("inject.cloud = { status = 503 }").2 >= 2);
        assert!(fault("inject.dns = 'silent'").2 >= 2);
        assert!(fault(&format!("inject.link = {{ {network}, latency = '100ms' }}")).2 >= 2);
        // Nobody asks for a lease or the time in the middle of the run.
        assert_eq!(fault(&format!("inject.dhcp = {{ {network}, reply = 'silent' }}")), ("fault", 1, 0));
        assert_eq!(fault(&format!("inject.access-point = {{ {network}, state = 'refusing' }}")), ("fault", 1, 0));
    }

    #[test]
    fn steps_count_how_often_they_changed_something() {
        assert_eq!(one("[[steps]]\nat = '5m'\ndo.power = 'on'\n"), ("step", 1, 0));
        assert_eq!(one("[[steps]]\nevery = '6m'\ndo.power = { cut-for = '10s' }\n"), ("step", 3, 3));
    }

    #[test]
    fn what_did_not_come_up_by_chance_is_no_warning_unless_it_is_required() {
        let step = |probability: &str, required: &str| {
            let run = run(&format!(
                "[[steps]]\nat = '5m'\nprobability = '{probability}'\n{required}do.reset-button = 'press'\n"
            ));
            (run.receipts[0].begun, run.receipts[0].nothing(), run.failures().count())
        };
        assert_eq!(step("0.01 %", ""), (0, None, 0));
        assert_eq!(step("0.01 %", "require-effect = true\n"), (0, Some("was never done"), 1));
        assert_eq!(step("100 %", ""), (1, None, 0));
    }

    #[test]
    fn of_two_steps_at_the_same_moment_the_one_in_vain_is_told() {
        let (told, _) = receipts(
            "[[steps]]\nat = '5m'\ndo.reset-button = 'press'\n[[steps]]\nat = '5m'\ndo.power = 'on'\n\
             [[steps]]\nat = '5m'\ndo.config-switch = 'off'\n[[steps]]\nat = '6m'\ndo.config-switch = 'on'\n",
        );
        assert_eq!(told, [("step", 1, 1), ("step", 1, 0), ("step", 1, 0), ("step", 1, 1)]);
    }

    #[test]
    fn what_happens_elsewhere_is_no_effect_of_a_fault() {
        let other = "[[networks]]\nname = 'home'\npassphrase = 'correct horse'\n[[networks]]\nname = 'other'\n";
        let link = |network: &str| {
            let (told, _) = receipts(&format!(
                "{other}[[faults]]\nname = 'x'\ninject.link = {{ network = '{network}', latency = '50ms' }}\n"
            ));
            told[0].2
        };
        assert!(link("home") >= 20);
        assert_eq!(link("other"), 0);
        // A device that loses its power has not lost its link to an access point that says nothing.
        let (told, _) = receipts(
            "[[faults]]\nname = 'x'\nfrom = '4m 50s'\nfor = '11s'\n\
             inject.access-point = { network = 'home', state = 'deaf' }\n\
             [[steps]]\nat = '4m 50s 500ms'\ndo.power = { cut-for = '9s' }\n",
        );
        assert_eq!(told[0], ("fault", 1, 0));
    }

    #[test]
    fn what_must_have_an_effect_fails_without() {
        let (_, failures) = receipts("[[steps]]\nat = '5m'\nrequire-effect = true\ndo.power = 'on'\n");
        assert_eq!(failures, ["the step has an effect: it changed nothing"]);
        let fault = "[[faults]]\nname = 'x'\nfrom = '5m'\nrequire-effect = true\n";
        let (_, failures) = receipts(&format!("{fault}inject.dhcp = {{ network = 'home', reply = 'silent' }}\n"));
        assert_eq!(failures, ["fault `x` has an effect: it was in force and did nothing"]);
    }
}
