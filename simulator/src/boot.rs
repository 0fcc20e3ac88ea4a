//! An image on a board without a scenario: what is typed goes in, what it sends comes out.
//!
//! There is one device, and around it the networks that are asked for, each with a router, a name server and the cloud
//! behind it.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fake_thingspeak::certificates::{KeyType, Kind};
use fake_thingspeak::legacy_tls::Policy;
use simulator_record::events::{DeviceId, Event};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_scenario::model::TYPING;
use simulator_world::air::{AccessPointConfig, Air, Security};
use simulator_world::boards::Board;
use simulator_world::device::esp8266::{Contents, WholeImageTarget};
use simulator_world::device::port::Models;
use simulator_world::device::{Coverage, Port};
use simulator_world::internet::{CloudSettings, Internet, Settings};
use simulator_world::world::{Command, World};
use time::macros::datetime;

/// So long nothing has been sent before the next line is typed.
const SILENCE: Duration = Duration::from_millis(200);
/// Nothing is typed earlier: images switch their serial port on and off while they start.
const FIRST_TYPED: Duration = Duration::from_secs(1);
/// How strong the networks are, in dBm.
const SIGNAL: i8 = -55;
/// Their channel.
const CHANNEL: u8 = 6;

/// A network around the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// WPA2 passphrase; `None` is an open network.
    pub passphrase: Option<String>,
}

/// What is around the device.
#[derive(Debug)]
pub struct Surroundings {
    /// What it is soldered to.
    pub board: &'static Board,
    /// The networks that it can hear.
    pub networks: Vec<Network>,
    /// Decides everything that is random.
    pub seed: u64,
}

/// A device that runs.
pub struct Session {
    world: World,
    port: Rc<Port>,
    lines: VecDeque<Vec<u8>>,
    /// When the last line has been typed.
    typed: Instant,
}

const DEVICE: DeviceId = DeviceId(0);

impl Session {
    /// A device with that in its flash, to which power comes at once. `lines` are typed one after the other, each when
    /// the device has fallen silent.
    ///
    /// # Panics
    /// If the cloud's own host name cannot stand in a certificate, which it can.
    pub fn new(contents: &Arc<Contents>, around: &Surroundings, lines: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let seed = Seed(around.seed);
        let cloud = CloudSettings {
            host: "api.thingspeak.com".to_owned(),
            certificate: Kind::Good,
            key_type: KeyType::default(),
            // An image of any age is to find its cloud.
            legacy_tls: Policy::Auto,
            port: None,
        };
        let settings = Settings {
            start: datetime!(2026-01-01 12:00 UTC),
            latency: Duration::from_millis(20),
            cloud,
            names: Vec::new(),
        };
        let internet = Internet::new(settings, seed).expect("the cloud's name can stand in a certificate");
        let mut world = World::new(Air::new(seed), internet);
        for (number, network) in (1..).zip(&around.networks) {
            world.add_network(AccessPointConfig {
                name: network.name.clone(),
                bssid: [0x02, 0x50, 0x46, 0, 0, number],
                channel: CHANNEL,
                security: network.passphrase.clone().map_or(Security::Open, Security::Wpa2),
                signal: SIGNAL,
                capacity: usize::MAX,
            });
        }
        let port = Rc::new(Port::new(DEVICE, Models::of_board(around.board, seed, "")));
        port.serial_line.borrow_mut().read_along();
        let target = WholeImageTarget::new(Rc::clone(&port), contents);
        world.add_device(Rc::clone(&port), Box::new(target));
        world.schedule(Instant::START, Command::Power { device: DEVICE, on: true });
        Self { world, port, lines: lines.into_iter().collect(), typed: Instant::START }
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.world.now()
    }

    /// Does the next thing, and hands out what the device has sent by then; `None` if nothing happens before `end`.
    pub fn step(&mut self, end: Instant) -> Option<Vec<u8>> {
        let next = self.world.next_at().filter(|at| *at <= end)?;
        let silent = self.port.serial_line.borrow().silent_at().max(self.typed) + SILENCE;
        if next >= silent.max(Instant::START + FIRST_TYPED)
            && let Some(bytes) = self.lines.pop_front()
        {
            // The device may have run ahead up to there.
            self.typed = next + TYPING * bytes.len() as u32;
            let keys = (1..).zip(bytes).map(|(place, byte)| (TYPING * place, byte)).collect();
            self.world.schedule(next, Command::Type { device: DEVICE, keys });
        }
        self.world.step();
        Some(self.port.serial_line.borrow_mut().take_bytes(self.world.now()))
    }

    /// Takes what has happened since the last time.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.world.take_events()
    }

    /// Lines that have not been typed.
    pub fn untyped(&self) -> usize {
        self.lines.len()
    }

    /// What was answered instead of run.
    pub fn coverage(&self) -> Option<Coverage> {
        self.world.coverage()
    }
}
