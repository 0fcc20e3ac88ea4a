//! What passes between devices, phones, the air and the internet.
//!
//! Each of them only says what it wants; here it is handed on: frames from a device or phone into the air and from the
//! air to a device, phone or router; frames from routers into the air; joins, losses and access points both ways. After
//! each step of the world everything that is ready at this moment is handed on until nothing is left ([`World::settle`]),
//! and each part's next deadline is arranged in the queue.

use std::collections::BTreeMap;

use super::{Action, World};
use crate::air::{self, AccessPointConfig, AccessPointState, AirEvent, Delivery, Port, Security, StationId};
use crate::events::{self, DeviceId, JoinOutcome};
use crate::internet;
use crate::phone::AirRequest;
use crate::time::Instant;

/// Something that is due in the wiring.
pub(super) enum Due {
    /// The air has something to tell or do.
    Air,
    /// The internet has something to do.
    Internet,
    /// A phone has something to do.
    Phone(usize),
    /// A frame arrives.
    Delivery(Delivery),
}

/// When each part that tells its own next deadline has an entry in the queue, and who is who in the air.
#[derive(Default)]
pub(super) struct Arranged {
    air: Option<Instant>,
    internet: Option<Instant>,
    phones: Vec<Option<Instant>>,
    /// Which phones have begun; the others are left alone.
    begun: Vec<bool>,
    stations: BTreeMap<StationId, Owner>,
    networks: BTreeMap<air::NetworkId, Behind>,
    devices: Vec<Radio>,
    phone_stations: Vec<StationId>,
}

/// Whose radio it is.
#[derive(Clone, Copy)]
enum Owner {
    Device(DeviceId),
    Phone(usize),
}

/// What lies behind an access point.
#[derive(Clone, Copy)]
enum Behind {
    Router(internet::NetworkId),
    Device(DeviceId),
}

/// A device's radio.
struct Radio {
    station: StationId,
    /// Its own access point, once it has opened one.
    access_point: Option<air::NetworkId>,
    /// Whether the access point is open now.
    open: bool,
}

/// How many frames the radio keeps for a device that is busy; the vendor's library has buffers for about as many.
const RECEIVE_BUFFERS: usize = 16;
/// How many phones the device's access point takes: the vendor's default.
const ACCESS_POINT_CAPACITY: usize = 4;
/// How strong phones, which are near by, hear the device's access point, dBm.
const NEAR: i8 = -40;

impl World {
    /// Opens an access point with a router behind it: that of the access points of the same name, if there are any.
    /// Stations at different ones do not hear each other.
    pub fn add_network(&mut self, config: AccessPointConfig) {
        let known = self.access_points_named(&config.name, None).first().map(|network| self.arranged.networks[network]);
        let router = match known {
            Some(Behind::Router(router)) => router,
            _ => self.internet.add_network(&config.name),
        };
        let network = self.air.open(self.now, config);
        self.arranged.networks.insert(network, Behind::Router(router));
    }

    pub(super) fn connect_device(&mut self, device: DeviceId, hardware_address: [u8; 6]) {
        let station = self.air.add_station(hardware_address);
        self.arranged.stations.insert(station, Owner::Device(device));
        self.arranged.devices.push(Radio { station, access_point: None, open: false });
    }

    pub(super) fn connect_phone(&mut self, phone: usize, hardware_address: [u8; 6]) {
        let station = self.air.add_station(hardware_address);
        self.arranged.stations.insert(station, Owner::Phone(phone));
        self.arranged.phones.push(None);
        self.arranged.begun.push(false);
        self.arranged.phone_stations.push(station);
    }

    fn radio(&mut self, id: DeviceId) -> &mut Radio {
        &mut self.arranged.devices[id.0 as usize]
    }

    pub(super) fn device_sends(&mut self, id: DeviceId, frame: &[u8]) {
        let radio = self.radio(id);
        let port = match radio.access_point {
            Some(network) if radio.open => Port::AccessPoint(network),
            _ => Port::Station(radio.station),
        };
        self.transmit(port, frame);
    }

    pub(super) fn device_joins(&mut self, id: DeviceId, network: &str, passphrase: Option<&str>) {
        let station = self.radio(id).station;
        self.air.join(self.now, station, network, security(passphrase));
    }

    pub(super) fn device_leaves(&mut self, id: DeviceId) {
        let station = self.radio(id).station;
        self.air.leave(self.now, station);
    }

    pub(super) fn device_opens_access_point(&mut self, id: DeviceId, name: &str, passphrase: &str, channel: u8) {
        let mut bssid = self.device(id).port.hardware_address;
        // The access point's address is the station's with the local bit set (ESP8266 Technical Reference, MAC).
        bssid[0] |= 0x02;
        let config = AccessPointConfig {
            name: name.to_owned(),
            bssid,
            channel,
            security: security(Some(passphrase).filter(|passphrase| !passphrase.is_empty())),
            signal: NEAR,
            capacity: ACCESS_POINT_CAPACITY,
        };
        let now = self.now;
        let known = self.radio(id).access_point;
        let network = match known {
            Some(network) if *self.air.access_point(network) == config => {
                self.air.set_state(now, network, AccessPointState::On, false);
                network
            }
            _ => self.air.open(now, config),
        };
        self.arranged.networks.insert(network, Behind::Device(id));
        let radio = self.radio(id);
        radio.access_point = Some(network);
        radio.open = true;
        self.device(id).port.radio.borrow_mut().up = true;
        self.wake(id, now);
    }

    /// A device's radio is silent from now on: power cut or reset.
    pub(super) fn air_device_gone(&mut self, id: DeviceId) {
        let now = self.now;
        let radio = self.radio(id);
        let (station, access_point, was_open) = (radio.station, radio.access_point, radio.open);
        radio.open = false;
        self.air.power_off(now, station);
        if let (Some(network), true) = (access_point, was_open) {
            self.air.set_state(now, network, AccessPointState::Off, false);
        }
    }

    pub(super) fn start_phone(&mut self, phone: usize) {
        self.arranged.begun[phone] = true;
        self.phones[phone].poll(self.now);
    }

    /// The access points of the world's network of that name; only that with `bssid`, if one is given.
    pub(super) fn access_points_named(&self, name: &str, bssid: Option<[u8; 6]>) -> Vec<air::NetworkId> {
        let meant = |network: air::NetworkId| {
            let config = self.air.access_point(network);
            config.name == name && bssid.is_none_or(|bssid| bssid == config.bssid)
        };
        let routed = self.arranged.networks.iter().filter(|(_, behind)| matches!(behind, Behind::Router(_)));
        routed.map(|(network, _)| *network).filter(|network| meant(*network)).collect()
    }

    fn transmit(&mut self, from: Port, frame: &[u8]) {
        let transmission = self.air.transmit(self.now, from, frame);
        for action in transmission.actions {
            self.commit(None, action);
        }
        for delivery in transmission.deliveries {
            self.queue.push(delivery.at, Action::Wiring(Due::Delivery(delivery)));
        }
    }

    /// Does what is due.
    pub(super) fn wire(&mut self, due: Due) {
        let now = self.now;
        match due {
            // An entry that an earlier one has overtaken is ignored: it would only arrange another one like itself.
            Due::Air => {
                self.arranged.air.take_if(|at| *at == now);
            }
            Due::Internet => {
                if self.arranged.internet.take_if(|at| *at == now).is_some() {
                    self.internet.poll(now);
                }
            }
            Due::Phone(phone) => {
                if self.arranged.phones[phone].take_if(|at| *at == now).is_some() {
                    self.phones[phone].poll(now);
                }
            }
            Due::Delivery(delivery) => {
                if self.air.still_receives(&delivery) {
                    self.deliver(&delivery);
                }
            }
        }
    }

    fn deliver(&mut self, delivery: &Delivery) {
        let now = self.now;
        match delivery.to {
            Port::AccessPoint(network) => match self.arranged.networks[&network] {
                Behind::Router(router) => self.internet.receive(now, router, &delivery.frame),
                Behind::Device(id) => self.device_receives(id, &delivery.frame),
            },
            Port::Station(station) => match self.arranged.stations[&station] {
                Owner::Device(id) => self.device_receives(id, &delivery.frame),
                Owner::Phone(phone) => self.phones[phone].receive(now, &delivery.frame),
            },
        }
    }

    fn device_receives(&mut self, id: DeviceId, frame: &[u8]) {
        let now = self.now;
        let device = self.device(id);
        let mut frames = device.port.frames.borrow_mut();
        if !device.is_running() || frames.len() >= RECEIVE_BUFFERS {
            return;
        }
        frames.push_back(frame.to_vec());
        drop(frames);
        self.wake(id, now);
    }

    /// Hands on all that is ready now, and arranges for what comes next.
    pub(super) fn settle(&mut self) {
        while self.hand_on() {}
        self.arrange();
    }

    /// Hands on what is ready; says whether there was anything.
    fn hand_on(&mut self) -> bool {
        let mut handed_on = false;
        for seen in self.internet.take_seen() {
            handed_on = true;
            let device = seen.station.and_then(|station| self.device_at(station.0));
            self.commit(device, seen.kind);
        }
        for outgoing in self.internet.take_frames() {
            handed_on = true;
            // Each passes on what is for its own stations.
            for network in self.access_points_of(outgoing.network) {
                self.transmit(Port::AccessPoint(network), &outgoing.frame);
            }
        }
        for phone in 0..self.phones.len() {
            handed_on |= self.hand_on_from_phone(phone);
        }
        if self.air.next_event().is_some_and(|at| at <= self.now) {
            handed_on = true;
            for event in self.air.advance(self.now) {
                self.air_event(event);
            }
        }
        handed_on
    }

    fn hand_on_from_phone(&mut self, phone: usize) -> bool {
        let station = self.arranged.phone_stations[phone];
        let mut handed_on = false;
        for what in self.phones[phone].take_events() {
            handed_on = true;
            let name = self.phones[phone].name().to_owned();
            self.commit(None, events::Phone { phone: name, what });
        }
        for request in self.phones[phone].take_requests() {
            handed_on = true;
            match request {
                AirRequest::Join { network, passphrase } => {
                    // Before the device has told it, there is nothing on its label.
                    let passphrase = passphrase.or_else(|| self.label()).filter(|passphrase| !passphrase.is_empty());
                    self.air.join(self.now, station, &network, security(passphrase.as_deref()));
                }
                AirRequest::Leave => self.air.leave(self.now, station),
            }
        }
        for frame in self.phones[phone].take_frames() {
            handed_on = true;
            self.transmit(Port::Station(station), &frame);
        }
        handed_on
    }

    /// The passphrase of the set-up network as it stands on a device's label: of the first device that has told it.
    fn label(&self) -> Option<String> {
        self.devices.iter().find_map(|device| device.label.clone())
    }

    fn device_at(&self, hardware_address: [u8; 6]) -> Option<DeviceId> {
        self.devices.iter().find(|device| device.port.hardware_address == hardware_address).map(|device| device.id)
    }

    fn access_points_of(&self, router: internet::NetworkId) -> Vec<air::NetworkId> {
        let behind = |behind: &Behind| matches!(behind, Behind::Router(its) if *its == router);
        self.arranged.networks.iter().filter(|(_, its)| behind(its)).map(|(network, _)| *network).collect()
    }

    fn air_event(&mut self, event: AirEvent) {
        let now = self.now;
        match &event {
            AirEvent::JoinEnded { station, outcome, .. } => match self.arranged.stations[station] {
                Owner::Device(id) => {
                    let signal = self.air.signal(*station);
                    let outcome = JoinOutcome::from(*outcome);
                    self.commit(Some(id), event);
                    let mut radio = self.device(id).port.radio.borrow_mut();
                    radio.up = outcome == JoinOutcome::Joined;
                    radio.signal = signal;
                    radio.joined = Some(outcome);
                    // A loss that nobody has asked about was that of an earlier network.
                    radio.lost = None;
                    drop(radio);
                    self.wake(id, now);
                }
                Owner::Phone(phone) => {
                    if let Ok(Behind::Device(id)) = outcome.map(|network| self.arranged.networks[&network]) {
                        self.device(id).port.radio.borrow_mut().handshakes += 1;
                        self.wake(id, now);
                    }
                    self.phones[phone].joined(now, JoinOutcome::from(*outcome));
                }
            },
            AirEvent::LinkLost { station, reason, .. } => match self.arranged.stations[station] {
                Owner::Device(id) => {
                    let loss = *reason;
                    self.commit(Some(id), event);
                    let device = self.device(id);
                    if !device.is_running() {
                        return;
                    }
                    let mut radio = device.port.radio.borrow_mut();
                    radio.up = false;
                    radio.signal = None;
                    radio.lost = Some(loss);
                    drop(radio);
                    device.port.frames.borrow_mut().clear();
                    self.wake(id, now);
                }
                Owner::Phone(phone) => self.phones[phone].link_lost(now),
            },
            AirEvent::AccessPoint { network, .. } => {
                let device = match self.arranged.networks[network] {
                    Behind::Router(_) => None,
                    Behind::Device(id) => Some(id),
                };
                self.commit(device, event);
            }
        }
    }

    /// Puts each part's next deadline into the queue, unless an earlier entry stands there already; parts bear being
    /// polled early.
    fn arrange(&mut self) {
        let now = self.now;
        let earlier = |wanted: Option<Instant>, arranged: Option<Instant>| {
            wanted.map(|at| at.max(now)).filter(|at| arranged.is_none_or(|arranged| *at < arranged))
        };
        if let Some(at) = earlier(self.air.next_event(), self.arranged.air) {
            self.arranged.air = Some(at);
            self.queue.push(at, Action::Wiring(Due::Air));
        }
        if let Some(at) = earlier(self.internet.next_deadline(), self.arranged.internet) {
            self.arranged.internet = Some(at);
            self.queue.push(at, Action::Wiring(Due::Internet));
        }
        for phone in (0..self.phones.len()).filter(|phone| self.arranged.begun[*phone]) {
            if let Some(at) = earlier(self.phones[phone].next_deadline(), self.arranged.phones[phone]) {
                self.arranged.phones[phone] = Some(at);
                self.queue.push(at, Action::Wiring(Due::Phone(phone)));
            }
        }
    }
}

fn security(passphrase: Option<&str>) -> Security {
    match passphrase {
        None => Security::Open,
        Some(passphrase) => Security::Wpa2(passphrase.to_owned()),
    }
}
