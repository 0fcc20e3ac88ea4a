//! Receipts: how often each fault, step and phone of a scenario had an effect in a run.
//!
//! One that never had leaves the scenario testing less than it says. What counts as an effect is what the record tells:
//! of a fault of the internet or of frames each time that it did something; of an access point's state that it went
//! away, or each join that was refused or not answered and each link that was lost; of a sensor's fault each
//! transaction on its wire while it was in force; of a fault that only makes frames slower each request that servers
//! had meanwhile; of a step each time that it was done and not without effect; of a phone each thing that it did or
//! saw.

use std::collections::BTreeMap;

use serde::Serialize;
use simulator_record::events::{self, DeviceId, Event, EventKind, JoinFailure, JoinOutcome, PowerState};
use simulator_record::time::Instant;
use simulator_scenario::model::{AccessPointState, Fault, Injection, LinkEffects, Place, Scenario, SensorFault};

use crate::expectation::{self, Verdict};

/// What a step records that changed nothing.
const WITHOUT_EFFECT: &str = ": without effect";

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
        Some(Verdict {
            text: format!("{} has an effect", self.what()),
            because: None,
            place: Some(place),
            failure: Some(expectation::Failure { seen: format!("it {}", self.nothing()?), at: None }),
            over_seeds: simulator_scenario::model::OverSeeds::Always,
        })
    }
}

/// What is known while a run goes on.
pub(super) struct Receipts<'s> {
    scenario: &'s Scenario,
    faults: Vec<Counted>,
    by_name: BTreeMap<&'s str, usize>,
    phones: BTreeMap<&'s str, u64>,
    /// What was done in vain.
    in_vain: BTreeMap<(DeviceId, Instant), u64>,
}

#[derive(Clone, Default)]
struct Counted {
    in_force: bool,
    begun: u64,
    applied: u64,
}

impl<'s> Receipts<'s> {
    pub(super) fn new(scenario: &'s Scenario) -> Self {
        Self {
            scenario,
            faults: vec![Counted::default(); scenario.faults.len()],
            by_name: (0..).zip(&scenario.faults).map(|(place, fault)| (fault.name.as_str(), place)).collect(),
            phones: scenario.phones.iter().map(|phone| (phone.name.as_str(), 0)).collect(),
            in_vain: BTreeMap::new(),
        }
    }

    /// The next event.
    pub(super) fn see(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Fault(acted) => {
                let Some(&place) = self.by_name.get(acted.rule.as_str()) else { return };
                let fault = &mut self.faults[place];
                match acted.action.as_str() {
                    "begins" => (fault.in_force, fault.begun) = (true, fault.begun + 1),
                    "ends" => fault.in_force &= lasts_until_power_off(&self.scenario.faults[place]),
                    _ => fault.applied += 1,
                }
            }
            EventKind::Power(events::Power { state: PowerState::Off }) => {
                for (fault, counted) in self.scenario.faults.iter().zip(&mut self.faults) {
                    let of_device = |device: DeviceId| event.device == Some(device);
                    let latched = lasts_until_power_off(fault);
                    let here = matches!(fault.injection, Injection::Sensor { device, .. } if of_device(device));
                    counted.in_force &= !(latched && here);
                }
            }
            EventKind::Phone(phone) => {
                if let Some(count) = self.phones.get_mut(phone.phone.as_str()) {
                    *count += 1;
                }
            }
            EventKind::Step(step) if step.action.ends_with(WITHOUT_EFFECT) => {
                *self.in_vain.entry((event.device.unwrap_or_default(), event.at)).or_default() += 1;
            }
            EventKind::AccessPoint(_)
            | EventKind::Join(_)
            | EventKind::LinkLost(_)
            | EventKind::Sensor(_)
            | EventKind::Lease(_)
            | EventKind::Dns(_)
            | EventKind::Ntp(_)
            | EventKind::Http(_) => {
                for (fault, counted) in self.scenario.faults.iter().zip(&mut self.faults) {
                    if counted.in_force && self.scenario.shows(fault, event) {
                        counted.applied += 1;
                    }
                }
            }
            _ => {}
        }
    }

    /// What became of all of them in a run that ended at `end`: `steps` and `phones` are the times at which each was to
    /// be done or to arrive.
    pub(super) fn finish(self, steps: &[Vec<Instant>], phones: &[Vec<Instant>], end: Instant) -> Vec<Receipt> {
        let count = |times: Option<&Vec<Instant>>| {
            times.map_or(0, |times| times.iter().filter(|time| **time <= end).count()) as u64
        };
        let Self { scenario, faults, phones: seen, mut in_vain, .. } = self;
        let mut receipts = Vec::new();
        for (fault, Counted { begun, applied, .. }) in scenario.faults.iter().zip(&faults) {
            let name = Some(fault.name.clone());
            receipts.push(receipt("fault", name, fault.place, fault.require_effect, *begun, *applied));
        }
        for (place, step) in scenario.steps.iter().enumerate() {
            let begun = count(steps.get(place));
            let mut nothing = 0;
            for time in steps.get(place).into_iter().flatten() {
                // One of several at the same moment.
                if let Some(left) = in_vain.get_mut(&(step.device, *time)).filter(|left| **left > 0) {
                    *left -= 1;
                    nothing += 1;
                }
            }
            receipts.push(receipt("step", None, step.place, step.require_effect, begun, begun.saturating_sub(nothing)));
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
    Receipt { kind, name, line: place.line, begun, applied, required: require.then_some(place) }
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
            Injection::AccessPoint { network, state, .. } => match (&event.kind, state) {
                (EventKind::AccessPoint(point), AccessPointState::Off) => !point.on && point.network == *network,
                (EventKind::Join(join), AccessPointState::Refusing) => {
                    join.network == *network && join.outcome == JoinOutcome::Failed(JoinFailure::Refused)
                }
                (EventKind::Join(join), AccessPointState::Deaf) => {
                    join.network == *network && join.outcome == JoinOutcome::Failed(JoinFailure::Timeout)
                }
                (EventKind::LinkLost(lost), AccessPointState::Deaf) => lost.network == *network,
                _ => false,
            },
            Injection::Link { effects, .. } => only_slower(effects) && is_traffic(&event.kind),
            Injection::Dhcp { .. }
            | Injection::Dns(_)
            | Injection::DnsAnswer(_)
            | Injection::Ntp(_)
            | Injection::Route { .. }
            | Injection::ManInTheMiddle(_)
            | Injection::Cloud(_)
            | Injection::CloudReply(_)
            | Injection::CaptivePortal(_) => false,
        }
    }
}

/// Whether a fault stays when its time is over: a sensor that has latched up.
fn lasts_until_power_off(fault: &Fault) -> bool {
    matches!(fault.injection, Injection::Sensor { fault: SensorFault::Latched, .. })
}

/// Whether nothing is recorded of what these do to frames.
fn only_slower(effects: &LinkEffects) -> bool {
    let LinkEffects { loss, duplicate, reorder, corrupt, .. } = effects;
    [loss, duplicate, reorder, corrupt].iter().all(|share| share.0 == 0)
}

fn is_traffic(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Lease(_) | EventKind::Dns(_) | EventKind::Ntp(_) | EventKind::Http(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator_record::random::Seed;

    /// Kind, begun and applied of each.
    fn receipts(timeline: &str) -> (Vec<(&'static str, u64, u64)>, Vec<String>) {
        let text = format!(
            "title = 't'\nduration = '20m'\n[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n\
             [[expect]]\nevent.boot = {{}}\n{timeline}"
        );
        let scenario =
            Scenario::parse("t.toml", &text, &|_| Err(String::new())).unwrap_or_else(|error| panic!("{error}"));
        let run = crate::run::run(&scenario, Seed(1)).runs.remove(0);
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
    fn what_must_have_an_effect_fails_without() {
        let (_, failures) = receipts("[[steps]]\nat = '5m'\nrequire-effect = true\ndo.power = 'on'\n");
        assert_eq!(failures, ["the step has an effect: it changed nothing"]);
        let fault = "[[faults]]\nname = 'x'\nfrom = '5m'\nrequire-effect = true\n";
        let (_, failures) = receipts(&format!("{fault}inject.dhcp = {{ network = 'home', reply = 'silent' }}\n"));
        assert_eq!(failures, ["fault `x` has an effect: it was in force and did nothing"]);
    }
}
