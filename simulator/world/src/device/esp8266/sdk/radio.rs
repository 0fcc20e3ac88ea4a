//! `wifi_*`: what the program asks of the radio goes to the world, and what the world says of it becomes events.

use esp8266::chip::Chip;

use super::{INTERFACE_SIZE, INTERFACES, Sdk, record};
use crate::device::esp8266::outside::Board;
use crate::device::port::Output;
use simulator_record::events::{JoinFailure, JoinOutcome, LinkLoss};
use simulator_record::time::Instant;

/// As what a wrong passphrase shows (802.11: 15; the SDK's own: 202, 204): that differs from router to router.
const WRONG_PASSPHRASE: [u8; 3] = [204, 15, 202];

impl Sdk {
    /// Answers a function of the radio; the result.
    pub(super) fn answer_radio(
        &mut self,
        chip: &mut Chip<Board>,
        name: &str,
        arguments: [u32; 2],
        now: Instant,
    ) -> u32 {
        let [first, second] = arguments;
        match name {
            "wifi_set_event_handler_cb" => {
                self.handler = first;
                0
            }
            "wifi_set_opmode_current" => {
                self.set_mode(chip, first as u8);
                1
            }
            "wifi_get_macaddr" => self.hardware_address(chip, first, second),
            "wifi_station_get_auto_connect" => self.auto_connect.into(),
            "wifi_station_set_auto_connect" => {
                self.auto_connect = first & 0xFF != 0;
                1
            }
            "wifi_station_set_config_current" => {
                let record = record::<96>(chip, first);
                self.station = Some((text(&record[..32]), text(&record[32..96])));
                1
            }
            "wifi_station_connect" => match self.station.clone() {
                Some((network, passphrase)) => {
                    self.joining = true;
                    self.port.radio.borrow_mut().joined = None;
                    self.port.radio.borrow_mut().lost = None;
                    let passphrase = Some(passphrase).filter(|passphrase| !passphrase.is_empty());
                    self.port.put(now, Output::Join { network, passphrase });
                    1
                }
                None => 0,
            },
            "wifi_station_disconnect" => {
                self.has_left |= self.joining || self.joined;
                self.joining = false;
                self.joined = false;
                self.port.radio.borrow_mut().up = false;
                self.port.put(now, Output::Leave);
                1
            }
            "wifi_station_get_rssi" => {
                let signal = self.port.radio.borrow().signal.unwrap_or(31);
                i32::from(signal) as u32
            }
            "wifi_softap_set_config_current" => {
                let record = record::<98>(chip, first);
                self.port.put(
                    now,
                    Output::StartAccessPoint {
                        network: text(&record[..32]),
                        passphrase: text(&record[32..96]),
                        channel: record[97],
                    },
                );
                1
            }
            "eagle_lwip_getif" => {
                // An interface is there while its mode is on: station is bit 0, access point bit 1.
                let number = first & 1;
                if self.mode >> number & 1 != 0 { INTERFACES + number * INTERFACE_SIZE } else { 0 }
            }
            // How far the radio sleeps, and whether the SDK joins again by itself, is nothing to the emulation.
            _ => 1,
        }
    }

    /// What the radio has to tell: the event's number, and the reason of a disconnection.
    pub(super) fn radio_event(&mut self) -> Option<(u32, u8)> {
        const CONNECTED: u32 = 0;
        const DISCONNECTED: u32 = 1;
        // As late as it may come: when the next join has begun already.
        if self.joining && std::mem::take(&mut self.has_left) {
            return Some((DISCONNECTED, 8));
        }
        let mut radio = self.port.radio.borrow_mut();
        if self.joining
            && let Some(outcome) = radio.joined.take()
        {
            self.joining = false;
            self.joined = outcome == JoinOutcome::Joined;
            return Some(match outcome {
                JoinOutcome::Joined => (CONNECTED, 0),
                // The SDK's reasons: 802.11's, and its own from 200.
                JoinOutcome::Failed(JoinFailure::NotFound) => (DISCONNECTED, 201),
                JoinOutcome::Failed(JoinFailure::WrongPassphrase) => {
                    self.refusals += 1;
                    (DISCONNECTED, WRONG_PASSPHRASE[(self.refusals - 1) % WRONG_PASSPHRASE.len()])
                }
                JoinOutcome::Failed(JoinFailure::SecurityMismatch) => (DISCONNECTED, 17),
                JoinOutcome::Failed(JoinFailure::Refused) => (DISCONNECTED, 203),
                JoinOutcome::Failed(JoinFailure::Timeout) => (DISCONNECTED, 2),
            });
        }
        if self.joined
            && let Some(loss) = radio.lost.take()
        {
            self.joined = false;
            return Some(match loss {
                LinkLoss::BeaconTimeout => (DISCONNECTED, 200),
                LinkLoss::Deauthenticated => (DISCONNECTED, 6),
                LinkLoss::Left | LinkLoss::Power => (DISCONNECTED, 8),
            });
        }
        None
    }
}

/// Bytes up to the first zero, as text.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
