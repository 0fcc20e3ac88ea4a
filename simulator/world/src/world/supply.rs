//! Supplies that sag while a radio sends.
//!
//! What a device puts on the air is looked at before it leaves. A frame that the supply does not carry to its end is
//! not sent at all, and the chip is reset at the moment at which the voltage falls below what it needs.
//!
//! Where a device's target joins networks for it, Ethernet frames count as data at the rate that the signal allows, and
//! a scan, a join and the opening of an access point as one frame each at 1 Mbit/s, which is what they begin with.
//!
//! Not modelled: the frames after that first one, beacons among them, where a target joins networks for its device. A
//! whole image sends all of them itself.

use std::time::Duration;

use simulator_parts::Supply;
use simulator_parts::supply::{LEAST, Sending};
use simulator_record::events::{DeviceId, FaultAction, PowerState};
use simulator_wlan::rate::{FCS_BYTES, Modulation, Rate};

use super::{Action, Fault, World};
use crate::device::port::Output;

/// Bytes that an Ethernet frame has more on the air: 24 of header, 8 of LLC and SNAP, 16 of CCMP, less 14 of Ethernet.
const DATA_OVERHEAD: usize = 24 + 8 + 16 - 14;
/// Bytes of a probe or association request, more or less.
const REQUEST: usize = 90;

impl World {
    /// Whether a device's supply carries what it puts out now. If not, the device is about to be reset.
    pub(super) fn supply_carries(&mut self, id: DeviceId, output: &Output) -> bool {
        let Some((rate, on_air)) = self.on_air(id, output) else { return true };
        let Some((rule, supply)) = self.sagging_supply(id) else { return true };
        let (rule, now) = (rule.to_owned(), self.now);
        let Some(at) = self.device(id).sag.send(supply, now, on_air, sending(rate)) else { return true };
        let epoch = self.device(id).epoch();
        self.queue.push(at, Action::SupplySags(id, epoch, rule, supply));
        false
    }

    /// A device's supply falls below what the chip needs, by that rule, even if it has ended while the frame was on the
    /// air.
    pub(super) fn supply_sags(&mut self, id: DeviceId, rule: &str, supply: Supply) {
        if let Some(left) = self.rules.iter_mut().find(|its| its.name == rule).and_then(|its| its.left.as_mut()) {
            *left = left.saturating_sub(1);
        }
        let (volts, tenths) = (LEAST / 1_000, LEAST % 1_000 / 100);
        let did = format!("the supply sags below {volts}.{tenths} V while the radio sends");
        self.note(rule, FaultAction::Did(did));
        self.brown_out(id, supply.reset());
    }

    /// A device's supply is back after a dip.
    pub(super) fn supply_is_back(&mut self, id: DeviceId) {
        let now = self.now;
        if let Some((_, supply)) = self.sagging_supply(id) {
            self.device(id).sag.restart(supply, now);
        }
    }

    /// The rule by which a device's supply sags, if it has power and there is one: of several the last.
    fn sagging_supply(&self, id: DeviceId) -> Option<(&str, Supply)> {
        if self.devices[id.0 as usize].supply == PowerState::Off {
            return None;
        }
        self.rules.iter().rev().filter(|rule| rule.left != Some(0)).find_map(|rule| match &rule.fault {
            Fault::Supply { device, supply } if *device == id => Some((rule.name.as_str(), *supply)),
            _ => None,
        })
    }

    /// For how long a device sends what it puts out, and at which rate, if that goes on the air.
    fn on_air(&self, id: DeviceId, output: &Output) -> Option<(Rate, Duration)> {
        match output {
            Output::RadioFrame { frame, end } => Some((frame.rate, end.saturating_since(self.now))),
            Output::Frame(frame) => {
                let rate = self.links.data_rate(id);
                Some((rate, rate.air_time(frame.len() + DATA_OVERHEAD + FCS_BYTES)))
            }
            Output::Join { .. } | Output::Scan { .. } | Output::StartAccessPoint { .. } => {
                Some((Rate::ONE_MEGABIT, Rate::ONE_MEGABIT.air_time(REQUEST + FCS_BYTES)))
            }
            Output::Event(_)
            | Output::Restarted { .. }
            | Output::Listens(_)
            | Output::RadioOff
            | Output::Missed(_)
            | Output::FlashBegan { .. }
            | Output::Leave => None,
        }
    }
}

fn sending(rate: Rate) -> Sending {
    match rate.modulation() {
        Modulation::Dsss { .. } => Sending::Dsss,
        Modulation::Ofdm => Sending::Ofdm,
        Modulation::HighThroughput { .. } => Sending::HighThroughput,
    }
}
