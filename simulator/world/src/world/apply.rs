//! What commands do to the world: power, buttons, switches, faults, phones.

use std::time::Duration;

use tracing::{debug, info};

use super::device::{BOOT_TIME, RESET_TIME};
use super::{Action, Command, Fault, Rule, World};
use crate::air::{AccessPointState, LinkRule};
use simulator_parts::supply::Sag;
use simulator_parts::{DataLine, Part, PartId, SerialByte};
use simulator_record::events::{self, BootCause, DeviceId, FaultAction, PowerState};

/// A fault that is in force.
pub(super) struct ActiveRule {
    pub(super) name: String,
    /// How often it still applies, of what the world counts by itself: a supply.
    pub(super) left: Option<u32>,
    pub(super) fault: Fault,
}

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Something is not as it was.
    Changed,
    /// All is as it was: the supply was on already, nothing listens to what is typed.
    Nothing,
}

impl Effect {
    fn changed(changed: bool) -> Self {
        if changed { Self::Changed } else { Self::Nothing }
    }
}

/// A step of a timeline that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepDone {
    /// Its place in the timeline.
    pub step: usize,
    /// What it came to.
    pub effect: Effect,
}

impl World {
    pub(super) fn apply(&mut self, command: Command) -> Effect {
        debug!(target: "world", at = %self.now, ?command, "a command");
        match command {
            Command::Power { device, on } => {
                self.device(device).supply_changes += 1;
                match (on, self.is_supplied(device)) {
                    (true, false) => self.power_on(device),
                    (false, true) => self.power_off(device),
                    (true, true) => return self.without_effect(device, "power on, which it is"),
                    (false, false) => return self.without_effect(device, "power off, which it is"),
                }
            }
            Command::CutPower { device, length } => {
                self.device(device).supply_changes += 1;
                let change = self.device(device).supply_changes;
                self.queue.push(self.now + length, Action::CutEnds(device, change));
                if !self.is_supplied(device) {
                    return self.without_effect(device, "power off, which it is");
                }
                self.power_off(device);
            }
            Command::BrownOut { device, length } => {
                self.device(device).supply_changes += 1;
                if !self.is_supplied(device) {
                    return self.without_effect(device, "brown-out without power");
                }
                self.brown_out(device, length);
            }
            Command::PressReset { device } => match self.device(device).supply {
                PowerState::On => {
                    self.commit(Some(device), events::Step { action: "reset button pressed".to_owned() });
                    self.reset(device, BootCause::External, BOOT_TIME);
                }
                // The chip is in reset as it is, until the supply is back.
                PowerState::BrownOut => return self.without_effect(device, "reset button pressed in a brown-out"),
                PowerState::Off => return self.without_effect(device, "reset button pressed without power"),
            },
            Command::HoldReset { device, held } => self.hold_reset(device, held),
            Command::HoldLow { device, pins } => self.device(device).port.held_low.set(pins),
            Command::Switch { device, part, on, bounce } => {
                return Effect::changed(self.throw(device, part, on, bounce));
            }
            Command::Press { device, part, length, bounce } => {
                self.throw(device, part, true, bounce);
                let throws = self.part(device, part).throws();
                self.queue.push(self.now + length, Action::Release(device, part, bounce, throws));
            }
            Command::Type { device: id, keys } => {
                let now = self.now;
                let keys = keys.into_iter().map(|(after, byte)| SerialByte { at: now + after, byte, bit: None });
                self.device(id).port.typed.borrow_mut().extend(keys);
                let effect = Effect::changed(self.listens(id));
                self.wake(id, now);
                return effect;
            }
            Command::SerialIn { device: id, bytes } => {
                let now = self.now;
                self.device(id).port.typed.borrow_mut().extend(bytes);
                self.wake(id, now);
            }
            Command::Converse { device: id, turns, every } => {
                let now = self.now;
                let port = &self.device(id).port;
                let typed = port.conversation.borrow_mut().begin(now, turns, every);
                port.typed.borrow_mut().extend(typed);
                let effect = Effect::changed(self.listens(id));
                self.wake(id, now);
                return effect;
            }
            Command::Readings { device, part, temperature, humidity } => {
                let now = self.now;
                if !self.with_sensor(device, part, |line| line.surround(now, temperature, humidity)).unwrap_or(false) {
                    return self.without_effect(device, "the sensor's surroundings, which are so");
                }
                self.commit(Some(device), events::Step { action: "the sensor's surroundings changed".to_owned() });
            }
            Command::BeginFault(rule) => self.begin_fault(rule),
            Command::EndFault { rule } => self.end_fault(&rule),
            Command::StartPhone { phone } => self.links.start_phone(self.now, phone),
        }
        Effect::Changed
    }

    /// Whether a device has a supply, even if it dips.
    fn is_supplied(&mut self, id: DeviceId) -> bool {
        self.device(id).supply != PowerState::Off
    }

    /// Records a command that changed nothing.
    fn without_effect(&mut self, id: DeviceId, what: &str) -> Effect {
        self.commit(Some(id), events::Step { action: format!("{what}: without effect") });
        Effect::Nothing
    }

    /// Puts a chip into reset by its pin, or lets it start.
    fn hold_reset(&mut self, id: DeviceId, held: bool) {
        let device = self.device(id);
        if device.reset_is_held == held {
            return;
        }
        device.reset_is_held = held;
        if device.supply != PowerState::On {
            return;
        }
        if held {
            self.halt(id);
        } else {
            self.schedule_start(id, BootCause::External, RESET_TIME);
        }
    }

    pub(super) fn power_on(&mut self, id: DeviceId) {
        let now = self.now;
        let device = self.device(id);
        device.supply = PowerState::On;
        device.sag = Sag::default();
        device.port.parts.iter().for_each(|part| part.power_on(now));
        self.commit(Some(id), events::Power { state: PowerState::On });
        self.schedule_start(id, BootCause::PowerOn, BOOT_TIME);
    }

    fn power_off(&mut self, id: DeviceId) {
        let now = self.now;
        let device = self.device(id);
        device.supply = PowerState::Off;
        self.commit(Some(id), events::Power { state: PowerState::Off });
        self.commit_reports(id);
        self.tear_flash(id);
        self.halt(id);
        self.device(id).port.parts.iter().for_each(|part| part.power_off(now));
        // A sensor that had latched up comes back with the power.
        let latched = self.rules.extract_if(.., |rule| rule.fault.lasts_until_power_off(id));
        for ActiveRule { name, .. } in latched.collect::<Vec<_>>() {
            self.note(&name, FaultAction::Ends);
        }
    }

    /// The supply dips below what the chip needs. The sensor (3.3 V down to 3 V by its data sheet, but in practice far
    /// less) goes on.
    pub(super) fn brown_out(&mut self, id: DeviceId, length: Duration) {
        self.device(id).supply = PowerState::BrownOut;
        self.commit(Some(id), events::Power { state: PowerState::BrownOut });
        self.tear_flash(id);
        self.halt(id);
        let epoch = self.device(id).epoch();
        self.queue.push(self.now + length, Action::BrownOutEnds(id, epoch));
    }

    fn tear_flash(&mut self, id: DeviceId) {
        let now = self.now;
        let torn = self.device(id).port.flash.borrow_mut().tear(now);
        if let Some(report) = torn {
            self.commit(Some(id), report);
        }
    }

    fn part(&mut self, id: DeviceId, part: PartId) -> &Part {
        &self.device(id).port.parts[part.0]
    }

    /// Does something with a device's sensor; commands are given for parts that are sensors.
    fn with_sensor<T>(&mut self, id: DeviceId, part: PartId, act: impl FnOnce(&mut DataLine) -> T) -> Option<T> {
        let mut line = self.part(id, part).sensor()?;
        Some(act(&mut line))
    }

    /// Says whether its contact moves.
    pub(super) fn throw(&mut self, id: DeviceId, part: PartId, on: bool, bounce: Duration) -> bool {
        let now = self.now;
        let changes = self.part(id, part).throw(now, on, bounce);
        let throws = self.part(id, part).throws();
        let moves = !changes.is_empty();
        for (at, level) in changes {
            self.queue.push(at, Action::Contact(id, part, level, throws));
        }
        moves
    }

    fn begin_fault(&mut self, rule: Rule) {
        self.note(&rule.name, FaultAction::Begins);
        let Rule { name, count, fault } = rule;
        match &fault {
            Fault::Sensor { device, part, fault } => {
                self.with_sensor(*device, *part, |line| line.begin_fault(fault.clone()));
            }
            Fault::AccessPoint { network, bssid, state, deauth } => {
                for network in self.links.access_points_named(network, *bssid) {
                    self.links.air.set_state(self.now, network, *state, *deauth);
                }
            }
            Fault::Link { network, bssid, effects } => {
                let networks = Some(self.links.access_points_named(network, *bssid));
                self.links.air.add_rule(LinkRule { name: name.clone(), networks, count, ..effects.clone() });
            }
            Fault::Internet(fault) => self.links.internet.set_active(&name, fault.clone(), count),
            // It is looked at whenever the device sends.
            Fault::Supply { .. } => {}
        }
        self.rules.push(ActiveRule { name, left: count, fault });
    }

    fn end_fault(&mut self, name: &str) {
        let Some(place) = self.rules.iter().position(|rule| rule.name == name) else { return };
        if let Fault::Sensor { device, .. } = self.rules[place].fault
            && self.rules[place].fault.lasts_until_power_off(device)
        {
            return;
        }
        let ActiveRule { name, fault, .. } = self.rules.remove(place);
        match &fault {
            Fault::Sensor { device, part, .. } => {
                // Another rule may still be in force.
                let of = (*device, *part);
                let left: Vec<_> = self
                    .rules
                    .iter()
                    .filter_map(|rule| match &rule.fault {
                        Fault::Sensor { device, part, fault } if (*device, *part) == of => Some(fault.clone()),
                        _ => None,
                    })
                    .collect();
                self.with_sensor(*device, *part, |line| line.end_fault(left.iter()));
            }
            Fault::AccessPoint { network, bssid, .. } => {
                for network in self.links.access_points_named(network, *bssid) {
                    // Another rule may still be in force there.
                    let left = self.rules.iter().rev().find_map(|rule| match &rule.fault {
                        Fault::AccessPoint { network: its, bssid, state, deauth }
                            if self.links.access_points_named(its, *bssid).contains(&network) =>
                        {
                            Some((*state, *deauth))
                        }
                        _ => None,
                    });
                    let (state, deauth) = left.unwrap_or((AccessPointState::On, false));
                    self.links.air.set_state(self.now, network, state, deauth);
                }
            }
            Fault::Link { .. } => self.links.air.remove_rule(&name),
            Fault::Internet(_) => self.links.internet.clear(&name),
            Fault::Supply { .. } => {}
        }
        self.note(&name, FaultAction::Ends);
    }

    pub(super) fn note(&mut self, rule: &str, action: FaultAction) {
        info!(target: "world", at = %self.now, fault = rule, "{action}");
        self.commit(None, events::Fault { rule: rule.to_owned(), action });
    }
}
