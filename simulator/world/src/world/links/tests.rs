//! Radios at register level, against access points of the world with their routers, and as access points for phones.
//!
//! A scripted station (`station`) or access point (`soft_access_point`) stands for the firmware.

mod access_points;
mod own_access_point;
mod power_save;
mod random_frames;
mod security;
mod soft_access_point;
mod station;

use std::collections::BTreeMap;
use std::time::Duration;

use fake_thingspeak::certificates::Profile;
use fake_thingspeak::legacy_tls::Policy;
use simulator_wlan::header::{Header, Mac};
use simulator_wlan::rate::{FCS_BYTES, Rate};
use time::macros::datetime;

use super::*;
use crate::internet::{CloudSettings, RouterSettings, Settings};
use crate::world::queue::Queue;
use simulator_record::events::JoinFailure;
use simulator_record::random::Seed;

const DEVICE: DeviceId = DeviceId(0);
const DEVICE_MAC: Mac = [0x5C, 0xCF, 0x7F, 0, 0, 1];
const BSSID: Mac = [2, 0, 0, 0, 1, 0];
const CHANNEL: u8 = 6;
const PASSPHRASE: &str = "correct horse";

/// What stands for a device's firmware: takes frames and answers with frames.
trait Firmware {
    /// A frame has arrived; what is to be sent at once.
    fn hear(&mut self, now: Instant, frame: &RadioFrame, signal: i8) -> Vec<Vec<u8>>;
}

/// A frame that was heard.
struct Heard {
    at: Instant,
    frame: RadioFrame,
    signal: i8,
}

/// Links with one device at register level.
struct Bench<F> {
    links: Links,
    queue: Queue<Due>,
    now: Instant,
    firmware: F,
    heard: Vec<Heard>,
    events: Vec<(Instant, EventKind)>,
    /// Sent so far, and not acknowledged.
    unacknowledged: usize,
    /// The device's radio misses so many frames for it from now on.
    misses: usize,
}

fn home() -> AccessPointConfig {
    AccessPointConfig {
        name: "home".to_owned(),
        bssid: BSSID,
        channel: CHANNEL,
        security: Security::Wpa2(PASSPHRASE.to_owned()),
        signal: -60,
        capacity: 8,
        features: Features::default(),
    }
}

fn open_home() -> AccessPointConfig {
    AccessPointConfig { security: Security::Open, ..home() }
}

impl<F: Firmware> Bench<F> {
    fn new(access_points: impl IntoIterator<Item = AccessPointConfig>, firmware: F) -> Self {
        let cloud = CloudSettings {
            host: "api.thingspeak.com".to_owned(),
            certificate: Profile::default(),
            legacy_tls: Policy::Off,
            port: None,
        };
        let start = datetime!(2026-01-01 00:00 UTC);
        let settings = Settings { start, latency: Duration::from_millis(20), cloud, names: Vec::new() };
        let mut links = Links::new(Air::new(Seed(1)), Internet::new(settings, Seed(1)).unwrap());
        for config in access_points {
            links.add_network(Instant::START, config, RouterSettings::default());
        }
        links.add_device(Instant::START, DEVICE, DEVICE_MAC, RadioLevel::Frames);
        Self {
            links,
            queue: Queue::default(),
            now: Instant::START,
            firmware,
            heard: Vec::new(),
            events: Vec::new(),
            unacknowledged: 0,
            misses: 0,
        }
    }

    /// The device sends a frame now; says whether it is acknowledged.
    fn send(&mut self, bytes: Vec<u8>) -> bool {
        let is_unicast = bytes[4] & 1 == 0;
        let frame = RadioFrame { channel: CHANNEL, rate: Rate::SIX_MEGABITS, bytes: bytes.into() };
        let end = self.now + frame.rate.air_time(frame.bytes.len() + FCS_BYTES);
        let acknowledged = self.links.device_radio_sends(self.now, end, DEVICE, frame);
        self.unacknowledged += usize::from(is_unicast && !acknowledged);
        self.settle();
        acknowledged
    }

    fn settle(&mut self) {
        for handed in self.links.settle(self.now) {
            self.take(handed);
        }
        for (at, due) in self.links.take_deadlines(self.now) {
            self.queue.push(at, due);
        }
    }

    fn take(&mut self, handed: Handed) {
        match handed {
            Handed::Event(_, kind) => self.events.push((self.now, *kind)),
            Handed::Delivery(delivery) => self.queue.push(delivery.at, Due::Delivery(delivery)),
            Handed::Heard { device, at, frame, signal } => {
                assert_eq!((device, at), (DEVICE, self.now));
                if self.misses > 0 && Header::of(&frame.bytes).unwrap().receiver() == DEVICE_MAC {
                    self.misses -= 1;
                    self.links.device_radio_missed(&frame);
                } else {
                    let answers = self.firmware.hear(at, &frame, signal);
                    self.heard.push(Heard { at, frame, signal });
                    for answer in answers {
                        self.send(answer);
                    }
                }
            }
            Handed::Frame(..)
            | Handed::Joined { .. }
            | Handed::Scanned { .. }
            | Handed::Lost { .. }
            | Handed::Handshake(_) => {
                panic!("a device at register level is handed 802.11 frames only")
            }
        }
    }

    /// Runs until something is so, for at most `limit`; says whether it came to be.
    fn until(&mut self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + limit;
        self.settle();
        while !done(self) {
            match self.queue.next_at() {
                Some(at) if at <= end => {
                    self.now = at;
                    let (_, due) = self.queue.pop().unwrap();
                    if let Some(handed) = self.links.run(at, due) {
                        self.take(handed);
                    }
                    self.settle();
                }
                _ => {
                    self.now = end;
                    return false;
                }
            }
        }
        true
    }

    fn run(&mut self, time: Duration) {
        self.until(time, |_| false);
    }

    fn joins(&self) -> Vec<JoinOutcome> {
        let joins = self.events.iter().filter_map(|(_, kind)| match kind {
            EventKind::Join(join) => Some(join.outcome),
            _ => None,
        });
        joins.collect()
    }

    fn losses(&self) -> Vec<LinkLoss> {
        let losses = self.events.iter().filter_map(|(_, kind)| match kind {
            EventKind::LinkLost(lost) => Some(lost.reason),
            _ => None,
        });
        losses.collect()
    }

    fn network(&self) -> air::NetworkId {
        self.links.access_points_named("home", None)[0]
    }

    fn set_state(&mut self, state: AccessPointState, deauth: bool) {
        let network = self.network();
        self.links.air.set_state(self.now, network, state, deauth);
        self.settle();
    }
}
