//! What devices and links hand each other, when its time has come.

use std::sync::Arc;

use simulator_record::events::{DeviceId, JoinOutcome};
use tracing::trace;

use super::links::{Due, Handed};
use super::{Action, FlashBegun, World};
use crate::air::RadioFrame;
use crate::device::port::Output;

impl World {
    /// What a device has put out becomes the record's, or goes to the links.
    pub(super) fn commit_output(&mut self, id: DeviceId, output: Output) {
        let now = self.now;
        if !self.supply_carries(id, &output) {
            return;
        }
        match output {
            Output::Event(kind) => {
                self.device(id).observe(&kind);
                self.commit(Some(id), kind);
            }
            Output::RadioFrame { frame, end } => {
                let (channel, rate, bytes) = (frame.channel, frame.rate, Arc::clone(&frame.bytes));
                let acknowledged = self.links.device_radio_sends(now, end, id, frame);
                self.device(id).port.antenna.borrow_mut().acknowledged = acknowledged;
                trace!(target: "air", at = %now, device = id.0, channel, %rate, acknowledged, frame = %hex::encode(&bytes), "sends");
            }
            Output::Restarted { cause, event } => self.restarted(id, cause, event.map(|event| *event)),
            Output::Listens(channel) => self.links.device_listens(id, channel),
            Output::RadioOff => self.links.device_is_gone(now, id),
            Output::Missed(frame) => self.links.device_radio_missed(&frame),
            Output::FlashBegan { ends, .. } => self.flash_operations.push(FlashBegun { at: now, device: id, ends }),
            Output::Frame(frame) => {
                let handed = self.links.device_sends(now, id, &frame);
                self.take_over(handed);
            }
            Output::Join { network, passphrase } => {
                self.links.device_joins(now, id, &network, passphrase.as_deref());
            }
            Output::Scan { network } => self.links.device_scans(now, id, network.as_deref()),
            Output::Leave => self.links.device_leaves(now, id),
            Output::StartAccessPoint { network, passphrase, channel } => {
                self.links.device_opens_access_point(now, id, &network, &passphrase, channel);
                self.device(id).port.radio.borrow_mut().up = true;
                self.wake(id, now);
            }
        }
    }

    /// Hands on all that is ready now, and arranges for what comes next.
    pub(super) fn settle(&mut self) {
        let now = self.now;
        let handed = self.links.settle(now);
        self.take_over(handed);
        for (at, due) in self.links.take_deadlines(now) {
            self.queue.push(at, Action::Link(due));
        }
    }

    /// Does what the links have handed to the world.
    pub(super) fn take_over(&mut self, all: impl IntoIterator<Item = Handed>) {
        let now = self.now;
        for handed in all {
            match handed {
                Handed::Event(device, kind) => self.commit(device, *kind),
                Handed::Delivery(delivery) => self.queue.push(delivery.at, Action::Link(Due::Delivery(delivery))),
                Handed::Frame(id, frame) => {
                    if self.device(id).receive(&frame) {
                        self.wake(id, now);
                    }
                }
                Handed::Heard { device: id, at, frame, signal } => {
                    let RadioFrame { channel, bytes, .. } = &frame;
                    trace!(target: "air", at = %now, device = id.0, channel, signal, frame = %hex::encode(bytes), "hears");
                    if self.device(id).is_running() {
                        self.device(id).port.antenna.borrow_mut().heard.push_back((at, signal, frame));
                        self.wake(id, now);
                    }
                }
                Handed::Joined { device: id, outcome, signal } => {
                    let mut radio = self.device(id).port.radio.borrow_mut();
                    radio.up = outcome == JoinOutcome::Joined;
                    radio.signal = signal;
                    radio.joined = Some(outcome);
                    // A loss that nobody has asked about was that of an earlier network.
                    radio.lost = None;
                    drop(radio);
                    self.wake(id, now);
                }
                Handed::Scanned { device: id, heard } => {
                    self.device(id).port.radio.borrow_mut().scanned = Some(heard);
                    self.wake(id, now);
                }
                Handed::Lost { device: id, reason } => {
                    if self.device(id).lose_link(reason) {
                        self.wake(id, now);
                    }
                }
                Handed::Handshake(id) => {
                    self.device(id).port.radio.borrow_mut().handshakes += 1;
                    self.wake(id, now);
                }
            }
        }
    }
}
