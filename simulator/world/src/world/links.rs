//! What passes between devices, phones, the air and the internet.
//!
//! Each of them only says what it wants; here it is handed on: frames from a device or phone into the air and from the
//! air to a device, phone or router; frames from routers into the air; joins, losses and access points both ways. What
//! concerns a device or the record comes out as [`Handed`], in the order in which it happened; the links know nothing
//! of the queue, the record and what a device is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::air::{
    self, AccessPointConfig, AccessPointState, Air, AirEvent, Country, Delivery, Features, Heard, Port, RadioEvent,
    RadioFrame, RadioId, Security, StationId,
};
use crate::internet::{self, Internet, RouterSettings};
use crate::phone::{AirRequest, Phone};
use simulator_record::events::{self, DeviceId, EventKind, JoinOutcome, LinkLoss};
use simulator_record::recorder::Medium;
use simulator_record::time::Instant;
use simulator_wlan::rate::Rate;

/// The air, the internet and the phones, and who is who among them.
pub(super) struct Links {
    pub(super) air: Air,
    pub(super) internet: Internet,
    phones: Vec<LinkedPhone>,
    /// By the devices' numbers.
    radios: Vec<Radio>,
    /// Whose radios at register level are.
    antennas: BTreeMap<RadioId, DeviceId>,
    stations: BTreeMap<StationId, Owner>,
    gateways: BTreeMap<air::NetworkId, Gateway>,
    /// The routers, each with the name of its access points and its settings.
    routers: Vec<((String, RouterSettings), internet::NetworkId)>,
    /// When air and internet have an entry in the queue.
    air_due: Option<Instant>,
    internet_due: Option<Instant>,
    /// The frames that were sent since they were last taken, if somebody wants them.
    sent: Option<Vec<SentFrame>>,
}

/// A part of the links that has something to do at a time of its own.
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

/// A frame that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentFrame {
    /// When; of an 802.11 frame, when its last bit was.
    pub at: Instant,
    /// Where: the name of the sender's interface.
    pub link: String,
    /// Whether it is an Ethernet or an 802.11 frame.
    pub medium: Medium,
    /// The frame, without check sequence.
    pub bytes: Vec<u8>,
}

/// What is handed to the world.
pub(super) enum Handed {
    /// Something for the record.
    Event(Option<DeviceId>, Box<EventKind>),
    /// A frame that will arrive.
    Delivery(Delivery),
    /// A frame has arrived at a device.
    Frame(DeviceId, Arc<[u8]>),
    /// An 802.11 frame has arrived at a device's antenna.
    Heard { device: DeviceId, at: Instant, frame: RadioFrame, signal: i8 },
    /// A device's attempt to join a network ended, with the access point's signal in dBm.
    Joined { device: DeviceId, outcome: JoinOutcome, signal: Option<i8> },
    /// A device's scan has ended.
    Scanned { device: DeviceId, heard: Vec<Heard> },
    /// A device is no longer joined.
    Lost { device: DeviceId, reason: LinkLoss },
    /// A station has joined a device's own access point, which has its part of the handshake to do.
    Handshake(DeviceId),
}

/// Whose radio a station is.
#[derive(Clone, Copy)]
enum Owner {
    Device(DeviceId),
    Phone(usize),
}

/// What lies behind an access point.
#[derive(Clone, Copy)]
enum Gateway {
    Router(internet::NetworkId),
    Device(DeviceId),
}

/// At which level a device's radio meets the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RadioLevel {
    /// Its target joins networks for it, and Ethernet frames pass.
    Ethernet,
    /// Its firmware brings its own radio driver, and 802.11 frames pass.
    Frames,
}

/// A device's radio.
struct Radio {
    hardware_address: [u8; 6],
    station: StationId,
    /// If 802.11 frames pass.
    antenna: Option<RadioId>,
    /// Its own access point, once it has opened one.
    access_point: Option<air::NetworkId>,
    /// Whether the access point is open now.
    open: bool,
    /// The set-up network's passphrase, once its firmware has told it: what is written on the device's label.
    label: Option<String>,
}

/// A phone, and whose label it reads.
struct LinkedPhone {
    phone: Phone,
    device: DeviceId,
    station: StationId,
    /// Phones that have not begun are left alone.
    begun: bool,
    /// When it has an entry in the queue.
    due: Option<Instant>,
}

/// How many phones the device's access point takes: the vendor's default.
const ACCESS_POINT_CAPACITY: usize = 4;
/// How strong phones, which are near by, hear the device's access point, dBm.
const NEAR: i8 = -40;

impl Links {
    /// Links without devices and phones.
    pub(super) fn new(air: Air, internet: Internet) -> Self {
        Self {
            air,
            internet,
            phones: Vec::new(),
            radios: Vec::new(),
            antennas: BTreeMap::new(),
            stations: BTreeMap::new(),
            gateways: BTreeMap::new(),
            routers: Vec::new(),
            air_due: None,
            internet_due: None,
            sent: None,
        }
    }

    /// Opens an access point with a router behind it: that of the access points of the same name whose routers have
    /// the same settings, if there are any. Stations at different ones do not hear each other.
    pub(super) fn add_network(&mut self, now: Instant, config: AccessPointConfig, settings: RouterSettings) {
        let behind = (config.name.clone(), settings);
        let router = match self.routers.iter().find(|(known, _)| *known == behind) {
            Some((_, router)) => *router,
            None => {
                let router = self.internet.add_network(&config.name, settings);
                self.routers.push((behind, router));
                router
            }
        };
        let network = self.air.open(now, config);
        self.gateways.insert(network, Gateway::Router(router));
    }

    /// Adds the next device.
    pub(super) fn add_device(&mut self, now: Instant, device: DeviceId, hardware_address: [u8; 6], level: RadioLevel) {
        let antenna = match level {
            RadioLevel::Ethernet => None,
            RadioLevel::Frames => Some(self.air.add_radio(now, hardware_address)),
        };
        let station = match antenna {
            Some(radio) => self.air.station_of(radio),
            None => self.air.add_station(hardware_address),
        };
        self.antennas.extend(antenna.map(|radio| (radio, device)));
        self.stations.insert(station, Owner::Device(device));
        self.radios.push(Radio { hardware_address, station, antenna, access_point: None, open: false, label: None });
    }

    /// A device looks at the channels of this country.
    pub(super) fn set_country(&mut self, id: DeviceId, country: Country) {
        let station = self.radio(id).station;
        self.air.set_country(station, country);
    }

    /// Adds the next phone, whose owner reads the label of `device`.
    pub(super) fn add_phone(&mut self, phone: Phone, device: DeviceId) {
        let station = self.air.add_station(phone.station().0);
        self.stations.insert(station, Owner::Phone(self.phones.len()));
        self.phones.push(LinkedPhone { phone, device, station, begun: false, due: None });
    }

    fn radio(&mut self, id: DeviceId) -> &mut Radio {
        &mut self.radios[id.0 as usize]
    }

    /// A device's firmware has told the passphrase of its set-up network.
    pub(super) fn set_label(&mut self, id: DeviceId, passphrase: &str) {
        self.radio(id).label = Some(passphrase.to_owned());
    }

    /// A device sends a frame: as access point if it is one, else as a station.
    pub(super) fn device_sends(&mut self, now: Instant, id: DeviceId, frame: &[u8]) -> Vec<Handed> {
        let radio = self.radio(id);
        let port = match radio.access_point {
            Some(network) if radio.open => Port::AccessPoint(network),
            _ => Port::Station(radio.station),
        };
        let mut handed = Vec::new();
        self.transmit(now, port, frame, &mut handed);
        handed
    }

    /// The rate of a device's data: where it is joined, or to its own stations, which are near.
    pub(super) fn data_rate(&self, id: DeviceId) -> Rate {
        let network = self.air.network_of(self.radios[id.0 as usize].station);
        network.map_or(Rate::FIFTY_FOUR_MEGABITS, |network| self.air.access_point(network).data_rate())
    }

    /// A device's radio sends an 802.11 frame from `start` to `end`. Says whether it is acknowledged.
    pub(super) fn device_radio_sends(&mut self, start: Instant, end: Instant, id: DeviceId, frame: RadioFrame) -> bool {
        let antenna = self.radio(id).antenna;
        antenna.is_some_and(|radio| self.air.radio_sends(start, end, radio, frame))
    }

    /// A device's radio is on a channel from now on, or hears nothing.
    pub(super) fn device_listens(&mut self, id: DeviceId, channel: Option<u8>) {
        if let Some(radio) = self.radio(id).antenna {
            self.air.radio_listens(radio, channel);
        }
    }

    /// A device's radio has not taken a frame that was for it, and has not acknowledged it. To be said as soon as the
    /// frame is handed over, for the sender to send it again.
    pub(super) fn device_radio_missed(&mut self, frame: &RadioFrame) {
        self.air.radio_missed(frame);
    }

    /// A device begins to join a network.
    pub(super) fn device_joins(&mut self, now: Instant, id: DeviceId, network: &str, passphrase: Option<&str>) {
        let station = self.radio(id).station;
        self.air.join(now, station, network, security(passphrase));
    }

    /// A device looks which access points there are: of any name, or of one.
    pub(super) fn device_scans(&mut self, now: Instant, id: DeviceId, network: Option<&str>) {
        let station = self.radio(id).station;
        self.air.scan(now, station, network);
    }

    /// A device leaves its network, or gives up joining one.
    pub(super) fn device_leaves(&mut self, now: Instant, id: DeviceId) {
        let station = self.radio(id).station;
        self.air.leave(now, station);
    }

    /// A device opens an access point; no passphrase is an open one.
    pub(super) fn device_opens_access_point(
        &mut self,
        now: Instant,
        id: DeviceId,
        name: &str,
        passphrase: &str,
        channel: u8,
    ) {
        let mut bssid = self.radio(id).hardware_address;
        // The access point's address is the station's with the local bit set (ESP8266 Technical Reference, MAC).
        bssid[0] |= 0x02;
        let config = AccessPointConfig {
            name: name.to_owned(),
            bssid,
            channel,
            security: security(Some(passphrase).filter(|passphrase| !passphrase.is_empty())),
            signal: NEAR,
            capacity: ACCESS_POINT_CAPACITY,
            features: Features::default(),
        };
        let known = self.radio(id).access_point;
        let network = match known {
            Some(network) if *self.air.access_point(network) == config => {
                self.air.set_state(now, network, AccessPointState::On, false);
                network
            }
            _ => self.air.open(now, config),
        };
        self.gateways.insert(network, Gateway::Device(id));
        let radio = self.radio(id);
        radio.access_point = Some(network);
        radio.open = true;
    }

    /// A device's radio is silent from now on: power cut or reset.
    pub(super) fn device_is_gone(&mut self, now: Instant, id: DeviceId) {
        let radio = self.radio(id);
        let (station, access_point, was_open) = (radio.station, radio.access_point, radio.open);
        radio.open = false;
        if let Some(radio) = radio.antenna {
            return self.air.radio_off(now, radio);
        }
        self.air.power_off(now, station);
        if let (Some(network), true) = (access_point, was_open) {
            self.air.set_state(now, network, AccessPointState::Off, false);
        }
    }

    /// A phone begins what it is to do.
    pub(super) fn start_phone(&mut self, now: Instant, phone: usize) {
        let linked = &mut self.phones[phone];
        linked.begun = true;
        linked.phone.poll(now);
    }

    /// The access points of the world's network of that name; only that with `bssid`, if one is given.
    pub(super) fn access_points_named(&self, name: &str, bssid: Option<[u8; 6]>) -> Vec<air::NetworkId> {
        let meant = |network: air::NetworkId| {
            let config = self.air.access_point(network);
            config.name == name && bssid.is_none_or(|bssid| bssid == config.bssid)
        };
        let routed = self.gateways.iter().filter(|(_, gateway)| matches!(gateway, Gateway::Router(_)));
        routed.map(|(network, _)| *network).filter(|network| meant(*network)).collect()
    }

    /// From now on keeps the frames that are sent for [`Links::take_frames`], or keeps none.
    pub(super) fn record_frames(&mut self, wanted: bool) {
        self.sent = wanted.then(Vec::new);
        self.air.record_frames(wanted);
    }

    /// Takes the frames that were sent since the last time, in order.
    pub(super) fn take_frames(&mut self) -> Vec<SentFrame> {
        self.sent.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// What the interface is called that sends from a port.
    fn interface(&self, from: Port) -> String {
        match from {
            Port::Station(station) => match self.stations[&station] {
                Owner::Device(id) => format!("device {}", id.0),
                Owner::Phone(phone) => format!("phone {}", self.phones[phone].phone.name()),
            },
            Port::AccessPoint(network) => match self.gateways[&network] {
                Gateway::Device(id) => format!("device {}", id.0),
                Gateway::Router(_) => format!("router {}", self.air.access_point(network).name),
            },
        }
    }

    fn transmit(&mut self, now: Instant, from: Port, frame: &[u8], handed: &mut Vec<Handed>) {
        if self.sent.is_some() {
            let link = self.interface(from);
            let sent = SentFrame { at: now, link, medium: Medium::Ethernet, bytes: frame.to_vec() };
            self.sent.get_or_insert_default().push(sent);
        }
        let transmission = self.air.transmit(now, from, frame);
        handed.extend(transmission.actions.into_iter().map(|action| Handed::Event(None, Box::new(action.into()))));
        handed.extend(transmission.deliveries.into_iter().map(Handed::Delivery));
    }

    /// Does what is due.
    pub(super) fn run(&mut self, now: Instant, due: Due) -> Option<Handed> {
        match due {
            // An entry that an earlier one has overtaken is ignored: it would only arrange another one like itself.
            Due::Air => {
                self.air_due.take_if(|at| *at == now);
            }
            Due::Internet => {
                if self.internet_due.take_if(|at| *at == now).is_some() {
                    self.internet.poll(now);
                }
            }
            Due::Phone(phone) => {
                let linked = &mut self.phones[phone];
                if linked.due.take_if(|at| *at == now).is_some() {
                    linked.phone.poll(now);
                }
            }
            Due::Delivery(delivery) => {
                if self.air.still_receives(&delivery) {
                    return self.deliver(now, delivery);
                }
            }
        }
        None
    }

    fn deliver(&mut self, now: Instant, delivery: Delivery) -> Option<Handed> {
        if self.air.deliver(now, &delivery) {
            return None;
        }
        match delivery.to {
            Port::AccessPoint(network) => match self.gateways[&network] {
                Gateway::Router(router) => self.internet.receive(now, router, &delivery.frame),
                Gateway::Device(id) => return Some(Handed::Frame(id, delivery.frame)),
            },
            Port::Station(station) => match self.stations[&station] {
                Owner::Device(id) => return Some(Handed::Frame(id, delivery.frame)),
                Owner::Phone(phone) => self.phones[phone].phone.receive(now, &delivery.frame),
            },
        }
        None
    }

    /// Hands on all that is ready now, until nothing is left.
    pub(super) fn settle(&mut self, now: Instant) -> Vec<Handed> {
        let mut handed = Vec::new();
        while self.hand_on(now, &mut handed) {}
        handed
    }

    /// Hands on what is ready; says whether there was anything.
    fn hand_on(&mut self, now: Instant, handed: &mut Vec<Handed>) -> bool {
        let mut handed_on = false;
        for seen in self.internet.take_seen() {
            handed_on = true;
            let device = seen.station.and_then(|station| self.device_at(station.0));
            handed.push(Handed::Event(device, Box::new(seen.kind)));
        }
        for outgoing in self.internet.take_frames() {
            handed_on = true;
            // Each passes on what is for its own stations.
            for network in self.access_points_of(outgoing.network) {
                self.transmit(now, Port::AccessPoint(network), &outgoing.frame, handed);
            }
        }
        for phone in 0..self.phones.len() {
            handed_on |= self.hand_on_from_phone(now, phone, handed);
        }
        if self.air.next_event().is_some_and(|at| at <= now) {
            handed_on = true;
            for event in self.air.advance(now) {
                self.air_event(now, event, handed);
            }
            for (station, heard) in self.air.take_scans() {
                if let Owner::Device(device) = self.stations[&station] {
                    handed.push(Handed::Scanned { device, heard });
                }
            }
            for event in self.air.take_radio_events() {
                match event {
                    RadioEvent::Heard { at, radio, frame, signal } => {
                        handed.push(Handed::Heard { device: self.antennas[&radio], at, frame, signal });
                    }
                    RadioEvent::Sent { from, frame, .. } => self.transmit(now, from, &frame, handed),
                    RadioEvent::OnAir { at, from, frame, signal } => {
                        let kilobits_per_second = frame.rate.kilobits();
                        let medium = Medium::Air { channel: frame.channel, kilobits_per_second, signal };
                        let link = self.interface(from);
                        self.sent.get_or_insert_default().push(SentFrame {
                            at,
                            link,
                            medium,
                            bytes: frame.bytes.to_vec(),
                        });
                    }
                }
            }
        }
        handed_on
    }

    fn hand_on_from_phone(&mut self, now: Instant, place: usize, handed: &mut Vec<Handed>) -> bool {
        let LinkedPhone { phone, device, station, .. } = &mut self.phones[place];
        let station = *station;
        let mut handed_on = false;
        for what in phone.take_events() {
            handed_on = true;
            let event = events::Phone { phone: phone.name().to_owned(), what };
            handed.push(Handed::Event(None, Box::new(event.into())));
        }
        for request in phone.take_requests() {
            handed_on = true;
            match request {
                AirRequest::Join { network, passphrase } => {
                    // Before the device has told it, there is nothing on its label.
                    let radio = self.radios.get(device.0 as usize);
                    // Several devices may have networks of one name; whoever reads a label stands before its device.
                    let own = radio.filter(|_| passphrase.is_none()).and_then(|radio| radio.access_point);
                    let own = own.map(|own| self.air.access_point(own)).filter(|own| own.name == network);
                    let bssid = own.map(|own| own.bssid);
                    let label = || radio.and_then(|radio| radio.label.clone());
                    let passphrase = passphrase.or_else(label).filter(|passphrase| !passphrase.is_empty());
                    self.air.join_at(now, station, &network, bssid, security(passphrase.as_deref()));
                }
                AirRequest::Leave => self.air.leave(now, station),
            }
        }
        for frame in self.phones[place].phone.take_frames() {
            handed_on = true;
            self.transmit(now, Port::Station(station), &frame, handed);
        }
        handed_on
    }

    /// The device whose station this is, if 802.11 frames pass there.
    fn device_with_antenna(&self, station: StationId) -> Option<DeviceId> {
        match self.stations[&station] {
            Owner::Device(id) => self.radios[id.0 as usize].antenna.map(|_| id),
            Owner::Phone(_) => None,
        }
    }

    fn device_at(&self, hardware_address: [u8; 6]) -> Option<DeviceId> {
        let place = self.radios.iter().position(|radio| radio.hardware_address == hardware_address)?;
        u32::try_from(place).ok().map(DeviceId)
    }

    fn access_points_of(&self, router: internet::NetworkId) -> Vec<air::NetworkId> {
        let behind = |gateway: &Gateway| matches!(gateway, Gateway::Router(its) if *its == router);
        self.gateways.iter().filter(|(_, its)| behind(its)).map(|(network, _)| *network).collect()
    }

    fn air_event(&mut self, now: Instant, event: AirEvent, handed: &mut Vec<Handed>) {
        match &event {
            // What comes of its joins the firmware behind an antenna learns from frames.
            AirEvent::JoinEnded { station, .. } | AirEvent::LinkLost { station, .. }
                if let Some(device) = self.device_with_antenna(*station) =>
            {
                handed.push(Handed::Event(Some(device), Box::new(event.into())));
            }
            AirEvent::JoinEnded { station, outcome, .. } => match self.stations[station] {
                Owner::Device(device) => {
                    let signal = self.air.signal(*station);
                    let outcome = JoinOutcome::from(*outcome);
                    handed.push(Handed::Event(Some(device), Box::new(event.into())));
                    handed.push(Handed::Joined { device, outcome, signal });
                }
                Owner::Phone(phone) => {
                    if let Ok(Gateway::Device(id)) = outcome.map(|network| self.gateways[&network])
                        && self.radio(id).antenna.is_none()
                    {
                        handed.push(Handed::Handshake(id));
                    }
                    self.phones[phone].phone.joined(now, JoinOutcome::from(*outcome));
                }
            },
            AirEvent::LinkLost { station, reason, .. } => match self.stations[station] {
                Owner::Device(device) => {
                    let reason = *reason;
                    handed.push(Handed::Event(Some(device), Box::new(event.into())));
                    handed.push(Handed::Lost { device, reason });
                }
                Owner::Phone(phone) => self.phones[phone].phone.link_lost(now),
            },
            AirEvent::AccessPoint { network, on, .. } => {
                let behind = self.air.radio_behind(*network).map(|radio| self.antennas[&radio]);
                if let Some(device) = behind {
                    self.gateways.insert(*network, Gateway::Device(device));
                    let radio = self.radio(device);
                    radio.open = *on;
                    if *on {
                        radio.access_point = Some(*network);
                    }
                }
                let device = match self.gateways[network] {
                    Gateway::Router(_) => None,
                    Gateway::Device(id) => Some(id),
                };
                handed.push(Handed::Event(device, Box::new(event.into())));
            }
        }
    }

    /// Each part's next deadline that has no entry in the queue as early; parts bear being polled early.
    pub(super) fn take_deadlines(&mut self, now: Instant) -> Vec<(Instant, Due)> {
        let mut deadlines = Vec::new();
        let mut earlier = |wanted: Option<Instant>, arranged: &mut Option<Instant>, due: Due| {
            let at = wanted.map(|at| at.max(now)).filter(|at| arranged.is_none_or(|arranged| *at < arranged));
            if let Some(at) = at {
                *arranged = Some(at);
                deadlines.push((at, due));
            }
        };
        earlier(self.air.next_event(), &mut self.air_due, Due::Air);
        earlier(self.internet.next_deadline(), &mut self.internet_due, Due::Internet);
        for (place, linked) in self.phones.iter_mut().enumerate().filter(|(_, linked)| linked.begun) {
            earlier(linked.phone.next_deadline(), &mut linked.due, Due::Phone(place));
        }
        deadlines
    }
}

fn security(passphrase: Option<&str>) -> Security {
    match passphrase {
        None => Security::Open,
        Some(passphrase) => Security::Wpa2(passphrase.to_owned()),
    }
}

#[cfg(test)]
mod tests;
