//! `wifi_*`: what the program asks of the radio goes to the world, and what the world says of it becomes events.

use esp8266::chip::Chip;

use super::{INTERFACE_SIZE, INTERFACES, SCANNED, Sdk, record};
use crate::call::Call;
use crate::outside::{AccessPoint, Environment};
use simulator_record::events::{JoinFailure, JoinOutcome, LinkLoss};
use simulator_record::time::Instant;

/// As what a wrong passphrase shows (802.11: 15; the SDK's own: 202, 204): that differs from router to router.
const WRONG_PASSPHRASE: [u8; 3] = [204, 15, 202];
/// Bytes of `struct bss_info`.
pub(super) const BSS_INFO: u32 = 84;
/// So many access points are told of a scan.
pub(super) const MOST_HEARD: u32 = 16;

impl Sdk {
    /// Answers a function of the radio; the result.
    pub(super) fn answer_radio<O: Environment>(
        &mut self,
        chip: &mut Chip<O>,
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
            "wifi_get_macaddr" => Self::hardware_address(chip, first, second),
            "wifi_station_get_auto_connect" => self.auto_connect.into(),
            "wifi_station_set_auto_connect" => {
                self.auto_connect = first & 0xFF != 0;
                1
            }
            "wifi_station_set_config_current" => {
                let record = record::<96, _>(chip, first);
                self.station = Some((text(&record[..32]), text(&record[32..96])));
                1
            }
            "wifi_station_connect" => match self.station.clone() {
                Some((network, passphrase)) => {
                    self.joining = true;
                    self.scanning = None;
                    let passphrase = Some(passphrase).filter(|passphrase| !passphrase.is_empty());
                    chip.core.bus.outside.join(now, network, passphrase);
                    1
                }
                None => 0,
            },
            "wifi_station_disconnect" => {
                self.has_left |= self.joining || self.joined;
                self.joining = false;
                self.joined = false;
                chip.core.bus.outside.leave(now);
                1
            }
            "wifi_station_get_rssi" => {
                let signal = chip.core.bus.outside.signal().unwrap_or(31);
                i32::from(signal) as u32
            }
            "wifi_station_scan" => self.begin_scan(chip, first, second, now).into(),
            "wifi_softap_set_config_current" => {
                let record = record::<98, _>(chip, first);
                let (network, passphrase) = (text(&record[..32]), text(&record[32..96]));
                chip.core.bus.outside.open_access_point(now, network, passphrase, record[97]);
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
    pub(super) fn radio_event<O: Environment>(&mut self, chip: &mut Chip<O>) -> Option<(u32, u8)> {
        const CONNECTED: u32 = 0;
        const DISCONNECTED: u32 = 1;
        // As late as it may come: when the next join has begun already.
        if self.joining && std::mem::take(&mut self.has_left) {
            return Some((DISCONNECTED, 8));
        }
        let radio = &mut chip.core.bus.outside;
        if self.joining
            && let Some(outcome) = radio.take_outcome()
        {
            self.joining = false;
            self.joined = outcome == JoinOutcome::Joined;
            return Some(match outcome {
                JoinOutcome::Joined => (CONNECTED, 0),
                // The SDK's reasons: 802.11's, and its own from 200.
                // It takes none that is not protected as it should be, and then says that it has found none.
                JoinOutcome::Failed(JoinFailure::NotFound | JoinFailure::SecurityMismatch) => (DISCONNECTED, 201),
                JoinOutcome::Failed(JoinFailure::WrongPassphrase) => {
                    self.refusals += 1;
                    (DISCONNECTED, WRONG_PASSPHRASE[(self.refusals - 1) % WRONG_PASSPHRASE.len()])
                }
                JoinOutcome::Failed(JoinFailure::Refused) => (DISCONNECTED, 203),
                JoinOutcome::Failed(JoinFailure::Timeout) => (DISCONNECTED, 2),
            });
        }
        if self.joined
            && let Some(loss) = radio.take_loss()
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

/// A scan.
impl Sdk {
    /// `wifi_station_scan` with a `struct scan_config`, of which only the name counts. A second scan is refused.
    fn begin_scan<O: Environment>(&mut self, chip: &mut Chip<O>, config: u32, callback: u32, now: Instant) -> bool {
        if self.scanning.is_some() || self.joining || self.mode & 1 == 0 {
            return false;
        }
        let name = match config {
            0 => 0,
            config => u32::from_le_bytes(record(chip, config)),
        };
        let network = (name != 0).then(|| text(&record::<32, _>(chip, name)));
        self.scanning = Some(callback);
        chip.core.bus.outside.scan(now, network);
        true
    }

    /// The call of the program when its scan has ended: what was heard, linked one to the next, and that all is well.
    pub(super) fn scan_ended<O: Environment>(&mut self, chip: &mut Chip<O>) -> Option<Call> {
        self.scanning?;
        let mut heard = chip.core.bus.outside.take_scanned()?;
        heard.truncate(MOST_HEARD as usize);
        let places = (0..heard.len() as u32).map(|number| SCANNED + number * BSS_INFO);
        let next = places.clone().skip(1).chain([0]);
        for ((heard, place), next) in heard.iter().zip(places.clone()).zip(next) {
            chip.core.memory.poke(place, &bss_info(heard, next));
        }
        let first = places.clone().next().unwrap_or(0);
        self.scanning
            .take()
            .filter(|callback| *callback != 0)
            .map(|function| Call { function, arguments: [first, 0, 0] })
    }
}

/// `struct bss_info` (NONOS SDK 3.0, `user_interface.h`) as far as a program looks at it.
fn bss_info(heard: &AccessPoint, next: u32) -> [u8; BSS_INFO as usize] {
    let mut record = [0; BSS_INFO as usize];
    let name = heard.name.as_bytes();
    record[..4].copy_from_slice(&next.to_le_bytes());
    record[4..10].copy_from_slice(&heard.bssid);
    record[10..][..name.len().min(32)].copy_from_slice(&name[..name.len().min(32)]);
    record[42] = name.len() as u8;
    record[43] = heard.channel;
    record[44] = heard.signal as u8;
    record[48] = heard.auth_mode as u8;
    record
}

/// Bytes up to the first zero, as text.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
