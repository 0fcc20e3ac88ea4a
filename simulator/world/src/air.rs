//! The air: access points, stations that join them, and the Ethernet frames between them.
//!
//! The world opens access points (its own, with a router behind each; a device's, in configuration mode) and adds
//! stations (devices, phones). A [join](Air::join) takes seconds; what comes of it, and everything else that happens by
//! itself, is returned by [`Air::advance`], which is due at [`Air::next_event`]. A frame is
//! [transmitted](Air::transmit) from a port and comes back as the deliveries that the world is to make later, one a
//! receiver; a [`Delivery`] whose receiver has gone in the meantime is void: [`Air::still_receives`].
//!
//! ```text
//! for delivery in air.transmit(now, from, &frame).deliveries { queue.push(delivery.at, Deliver(delivery)); }
//! for event in air.advance(now) { … }
//! ```
//!
//! A hop between a station and its access point takes 1 to 3 ms; frames between two ports keep their order unless a
//! [`LinkRule`] has one overtaken. Everything random comes from streams that belong to one station or one rule.
//!
//! Devices whose firmware brings its own radio driver are [radios](RadioId) at register level: what they send and hear
//! are 802.11 frames ([`Air::radio_sends`], [`Air::take_radio_events`]), which `wireless` and what it is made of turn
//! into joins and Ethernet frames. Among all others Ethernet frames pass as they are.
//!
//! Not modelled: collisions, distance (an access point is equally strong for all), stations without radios that hear
//! each other without an access point.

mod access_point;
mod bss;
mod country;
mod frame_station;
mod link_fault;
mod radio;
mod scan;
mod segment;
mod station;
mod transmitter;
mod wireless;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use access_point::{AccessPointConfig, AccessPointState, Features, Protection, RadioMode, Security};
pub use country::Country;
pub use link_fault::{Direction, Frames, LinkRule, RuleAction};
pub use radio::{RadioEvent, RadioFrame, RadioId};
pub use scan::Heard;
pub use station::{BEACON_TIMEOUT, SENSITIVITY};

use access_point::AccessPoint;
use link_fault::{Acted, ActiveRule, Fate};
use scan::Scans;
use station::{Outcome, Station};
use wireless::Wireless;

use simulator_record::events::{self, EventKind, JoinFailure, LinkLoss};
use simulator_record::random::{Draw, Seed};
use simulator_record::time::Instant;

/// A hardware address.
pub type Mac = [u8; 6];

/// An access point and the network it makes, numbered as they were opened; numbers are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NetworkId(pub(crate) u32);

/// A radio that joins networks, numbered as they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StationId(pub(crate) u32);

/// Where frames go in and come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// What lies behind an access point: a router, or the device whose own it is.
    AccessPoint(NetworkId),
    /// A station.
    Station(StationId),
}

/// Something that happened in the air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AirEvent {
    /// An attempt to join ended.
    JoinEnded {
        /// When.
        at: Instant,
        /// Whose.
        station: StationId,
        /// The name it was to join.
        name: String,
        /// The access point's hardware address, if it is joined.
        bssid: Option<Mac>,
        /// The network joined, or why not.
        outcome: Result<NetworkId, JoinFailure>,
        /// The status code with which the access point refused, if it did.
        status: Option<u16>,
    },
    /// A station is no longer joined, and has noticed.
    LinkLost {
        /// When.
        at: Instant,
        /// Which.
        station: StationId,
        /// The network it was joined to.
        network: NetworkId,
        /// Its name.
        name: String,
        /// The access point's hardware address.
        bssid: Mac,
        /// Why.
        reason: LinkLoss,
    },
    /// An access point appeared or went away.
    AccessPoint {
        /// When.
        at: Instant,
        /// Which.
        network: NetworkId,
        /// Its name.
        name: String,
        /// Its hardware address.
        bssid: Mac,
        /// Whether it is there.
        on: bool,
    },
}

impl AirEvent {
    /// When it happened.
    pub fn at(&self) -> Instant {
        match self {
            Self::JoinEnded { at, .. } | Self::LinkLost { at, .. } | Self::AccessPoint { at, .. } => *at,
        }
    }
}

/// As the record has it. A phone's joins are the phone's events, not these.
impl From<AirEvent> for EventKind {
    fn from(event: AirEvent) -> Self {
        match event {
            AirEvent::JoinEnded { name, bssid, outcome, status, .. } => {
                events::Join { network: name, bssid: bssid.map(colons), outcome: outcome.into(), status }.into()
            }
            AirEvent::LinkLost { name, bssid, reason, .. } => {
                events::LinkLost { network: name, bssid: colons(bssid), reason }.into()
            }
            AirEvent::AccessPoint { name, bssid, on, .. } => {
                events::AccessPoint { network: name, bssid: colons(bssid), on }.into()
            }
        }
    }
}

/// A hardware address as people write it.
pub fn colons(mac: Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// A frame on its way to one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The network it travels in.
    pub network: NetworkId,
    /// The receiver.
    pub to: Port,
    /// When it arrives, later than it was sent.
    pub at: Instant,
    /// The Ethernet frame, without check sequence.
    pub frame: Arc<[u8]>,
}

/// What becomes of a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transmission {
    /// To be made later; empty if the frame is for nobody, or lost.
    pub deliveries: Vec<Delivery>,
    /// What rules did to it.
    pub actions: Vec<RuleAction>,
}

/// Shortest and longest time of a hop, in nanoseconds.
const HOP: (u64, u64) = (1_000_000, 3_000_000);

/// The air.
pub struct Air {
    seed: Seed,
    access_points: Vec<AccessPoint>,
    stations: Vec<Station>,
    /// The stations' deadlines.
    deadlines: BTreeSet<(Instant, StationId)>,
    /// What happened at once and has not been told yet.
    untold: Vec<AirEvent>,
    rules: Vec<ActiveRule>,
    /// How many frames each rule has made slower and done nothing else to.
    slowed: BTreeMap<String, u64>,
    /// How often a rule of each name has come into force.
    begun: BTreeMap<String, u32>,
    /// When the last frame between two ports arrives.
    arrivals: BTreeMap<(Port, Port), Instant>,
    wireless: Wireless,
    scans: Scans,
}

impl Air {
    /// Empty air.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            access_points: Vec::new(),
            stations: Vec::new(),
            deadlines: BTreeSet::new(),
            untold: Vec::new(),
            rules: Vec::new(),
            slowed: BTreeMap::new(),
            begun: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            wireless: Wireless::default(),
            scans: Scans::default(),
        }
    }

    /// An access point appears, and stays known (off or on) for good.
    pub fn open(&mut self, at: Instant, config: AccessPointConfig) -> NetworkId {
        let network = NetworkId(self.access_points.len() as u32);
        let (name, bssid) = (config.name.clone(), config.bssid);
        self.untold.push(AirEvent::AccessPoint { at, network, name, bssid, on: true });
        self.access_points
            .push(AccessPoint { is_radio: self.wireless.is_own(network), ..AccessPoint::new(config, at) });
        self.open_set(at, network);
        network
    }

    /// Changes what an access point does. One that goes [off](AccessPointState::Off) and deauthenticates its stations
    /// (`deauth`) sends them away; otherwise they notice after [`BEACON_TIMEOUT`], or when it comes back and does not
    /// know them. `deauth` means nothing with other states.
    pub fn set_state(&mut self, at: Instant, network: NetworkId, state: AccessPointState, deauth: bool) {
        let access_point = &mut self.access_points[network.0 as usize];
        let was_up = access_point.is_up();
        access_point.state = state;
        let is_up = access_point.is_up();
        if was_up == is_up {
            return;
        }
        let (name, bssid) = (access_point.config.name.clone(), access_point.config.bssid);
        access_point.members.clear();
        if is_up {
            access_point.up_since = at;
            self.open_set(at, network);
        } else {
            self.close_set(at, network, deauth);
        }
        self.untold.push(AirEvent::AccessPoint { at, network, name, bssid, on: is_up });
        for id in (0..self.stations.len() as u32).map(StationId) {
            if self.stations[id.0 as usize].network() == Some(network) {
                self.with_station(id, |station| {
                    if is_up { station.access_point_back(at) } else { station.access_point_gone(at, deauth) }
                });
            }
        }
    }

    /// What an access point is set up to.
    pub fn access_point(&self, network: NetworkId) -> &AccessPointConfig {
        &self.access_points[network.0 as usize].config
    }

    /// What an access point does.
    pub fn state(&self, network: NetworkId) -> AccessPointState {
        self.access_points[network.0 as usize].state
    }

    /// Adds a radio, which has joined nothing yet.
    pub fn add_station(&mut self, mac: Mac) -> StationId {
        let id = StationId(self.stations.len() as u32);
        let stream = |of: &str| self.seed.stream(&format!("air/station/{}/{of}", id.0));
        self.stations.push(Station::new(mac, stream("joins"), stream("hops"), stream("scans")));
        id
    }

    /// A station looks at the channels of this country. A radio at register level looks where its firmware wants.
    pub fn set_country(&mut self, station: StationId, country: Country) {
        self.stations[station.0 as usize].country = country;
    }

    /// A station begins to join the network called `name`; [`AirEvent::JoinEnded`] tells what came of it. It leaves the
    /// network it is in; a join that is under way is given up, which is not told.
    pub fn join(&mut self, at: Instant, station: StationId, name: &str, security: Security) {
        self.join_at(at, station, name, None, security);
    }

    /// The same, at no access point of the name but that with this hardware address, if one is given.
    pub fn join_at(&mut self, at: Instant, station: StationId, name: &str, bssid: Option<Mac>, security: Security) {
        self.leave(at, station);
        self.with_station(station, |station| station.begin_join(at, name.to_owned(), bssid, security));
        self.probe(at, station, name);
    }

    /// A station leaves its network, or gives up joining one, which is not told.
    pub fn leave(&mut self, at: Instant, station: StationId) {
        self.stop(at, station, LinkLoss::Left);
    }

    /// A station's power is cut, or it is reset.
    pub fn power_off(&mut self, at: Instant, station: StationId) {
        self.stop(at, station, LinkLoss::Power);
    }

    fn stop(&mut self, at: Instant, station: StationId, reason: LinkLoss) {
        self.scans.forget(station);
        self.end_frames(at, station, reason == LinkLoss::Left);
        if let Some(network) = self.forget(station) {
            let AccessPointConfig { name, bssid, .. } = self.access_point(network).clone();
            self.untold.push(AirEvent::LinkLost { at, station, network, name, bssid, reason });
        }
    }

    /// Makes a station idle and its access point forget it; returns the network it was joined to.
    fn forget(&mut self, id: StationId) -> Option<NetworkId> {
        let network = self.with_station(id, Station::stop)?;
        self.access_points[network.0 as usize].members.retain(|_, member| *member != id);
        Some(network)
    }

    /// Does something to a station and keeps its deadline listed.
    fn with_station<T>(&mut self, id: StationId, act: impl FnOnce(&mut Station) -> T) -> T {
        let station = &mut self.stations[id.0 as usize];
        if let Some(deadline) = station.deadline() {
            self.deadlines.remove(&(deadline, id));
        }
        let result = act(station);
        if let Some(deadline) = station.deadline() {
            self.deadlines.insert((deadline, id));
        }
        result
    }

    /// The network a station takes itself to be joined to.
    pub fn network_of(&self, station: StationId) -> Option<NetworkId> {
        self.stations[station.0 as usize].network()
    }

    /// How strong a joined station receives its access point, in dBm.
    pub fn signal(&self, station: StationId) -> Option<i8> {
        self.network_of(station).map(|network| self.access_point(network).signal)
    }

    /// When [`Air::advance`] will have something to tell or to do; `None` if nothing happens by itself.
    pub fn next_event(&self) -> Option<Instant> {
        let untold = self.untold.first().map(AirEvent::at);
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        untold.into_iter().chain(deadline).chain(self.wireless.next_event()).chain(self.scans.next_event()).min()
    }

    /// Lets everything happen that is due by `at`, and tells it in order.
    pub fn advance(&mut self, at: Instant) -> Vec<AirEvent> {
        let mut events = std::mem::take(&mut self.untold);
        loop {
            let station = self.deadlines.first().copied().filter(|(due, _)| *due <= at);
            let wireless = self.wireless.next_event().filter(|due| *due <= at);
            match (station, wireless) {
                (Some((due, id)), wireless) if wireless.is_none_or(|earlier| due <= earlier) => {
                    self.deadlines.pop_first();
                    let station = &mut self.stations[id.0 as usize];
                    let (mac, outcome) = (station.mac, station.advance(due, &self.access_points));
                    if let Some(deadline) = station.deadline() {
                        self.deadlines.insert((deadline, id));
                    }
                    events.extend(outcome.and_then(|outcome| self.settle(due, id, mac, outcome)));
                }
                (_, Some(due)) => self.advance_wireless(due),
                (_, None) => break,
            }
            events.append(&mut self.untold);
        }
        self.advance_scans(at);
        events.sort_by_key(AirEvent::at);
        events
    }

    fn settle(&mut self, at: Instant, station: StationId, mac: Mac, outcome: Outcome) -> Option<AirEvent> {
        Some(match outcome {
            Outcome::Chosen { network, security } => {
                self.begin_frames(at, station, network, security);
                return None;
            }
            Outcome::Joined { name, network } => {
                let access_point = &mut self.access_points[network.0 as usize];
                access_point.members.insert(mac, station);
                let bssid = Some(access_point.config.bssid);
                AirEvent::JoinEnded { at, station, name, bssid, outcome: Ok(network), status: None }
            }
            Outcome::Failed { name, why, status } => {
                self.end_frames(at, station, false);
                AirEvent::JoinEnded { at, station, name, bssid: None, outcome: Err(why), status }
            }
            Outcome::Lost { network, reason } => {
                self.end_frames(at, station, false);
                let access_point = &mut self.access_points[network.0 as usize];
                access_point.members.retain(|_, member| *member != station);
                let AccessPointConfig { name, bssid, .. } = access_point.config.clone();
                AirEvent::LinkLost { at, station, network, name, bssid, reason }
            }
        })
    }

    /// Sends an Ethernet frame from a port. Nobody gets it if the sender is not joined, or the access point is off or
    /// does not hear it.
    pub fn transmit(&mut self, at: Instant, from: Port, frame: &[u8]) -> Transmission {
        let mut transmission = Transmission::default();
        let Some(network) = self.network_at(from) else { return transmission };
        let access_point = &self.access_points[network.0 as usize];
        let sent = match from {
            Port::Station(station) => access_point.hears() && self.is_member(network, station),
            Port::AccessPoint(_) => access_point.is_up(),
        };
        if !sent {
            return transmission;
        }
        let mut receivers = segment::receivers(network, &access_point.members, from, frame);
        // A radio's own access point passes on by itself what is for its other stations.
        if access_point.is_radio && matches!(from, Port::Station(_)) {
            receivers = vec![Port::AccessPoint(network)];
        }
        let frame: Arc<[u8]> = frame.into();
        for to in receivers {
            let mut fate = Fate::default();
            let concerned = |rule: &&mut ActiveRule| rule.covers(network) && rule.concerns(from, to, &frame);
            for rule in self.rules.iter_mut().filter(concerned) {
                if rule.act(frame.len(), &mut fate, &mut transmission.actions) == Acted::Slowed {
                    *self.slowed.entry(rule.name().to_owned()).or_default() += 1;
                }
            }
            let mut arrives = at + self.hops(from) + self.hops(to) + fate.delay;
            if fate.lost {
                continue;
            }
            if !fate.overtaken {
                let last = self.arrivals.entry((from, to)).or_default();
                arrives = arrives.max(*last);
                *last = arrives;
            }
            let mut frame = frame.clone();
            if !fate.flips.is_empty() {
                let mut bytes = frame.to_vec();
                for (byte, bits) in fate.flips {
                    bytes[byte] ^= bits;
                }
                frame = bytes.into();
            }
            let first = Delivery { network, to, at: arrives, frame };
            let echo = fate.echo.map(|later| Delivery { at: arrives + later, ..first.clone() });
            transmission.deliveries.push(first);
            transmission.deliveries.extend(echo);
        }
        transmission
    }

    fn network_at(&self, port: Port) -> Option<NetworkId> {
        match port {
            Port::AccessPoint(network) => Some(network),
            Port::Station(station) => self.network_of(station),
        }
    }

    /// How long a frame takes between a port and its access point.
    fn hops(&mut self, port: Port) -> Duration {
        match port {
            Port::AccessPoint(_) => Duration::ZERO,
            Port::Station(station) => {
                Duration::from_nanos(self.stations[station.0 as usize].hops.between(HOP.0, HOP.1))
            }
        }
    }

    /// Whether a delivery's receiver is still there when it arrives.
    pub fn still_receives(&self, delivery: &Delivery) -> bool {
        let access_point = &self.access_points[delivery.network.0 as usize];
        match delivery.to {
            Port::AccessPoint(_) => access_point.is_up(),
            Port::Station(station) => self.is_member(delivery.network, station),
        }
    }

    /// Whether the access point takes the station for joined.
    fn is_member(&self, network: NetworkId, station: StationId) -> bool {
        let mac = self.stations[station.0 as usize].mac;
        self.access_points[network.0 as usize].is_member(mac, station)
    }

    /// A rule comes into force, behind those that are. Names tell rules apart: a rule of the same name is replaced. One
    /// that comes again draws anew each time.
    pub fn add_rule(&mut self, rule: LinkRule) {
        self.remove_rule(&rule.name);
        let times = self.begun.entry(rule.name.clone()).or_default();
        let stream = match *times {
            0 => self.seed.stream(&format!("air/rule/{}", rule.name)),
            times => self.seed.stream(&format!("air/rule/{} {times}", rule.name)),
        };
        *times += 1;
        self.rules.push(ActiveRule::new(rule, stream));
    }

    /// A rule is in force no longer.
    pub fn remove_rule(&mut self, name: &str) {
        self.rules.retain(|rule| rule.name() != name);
    }

    /// How many frames the rules of a name have made slower and done nothing else to: these are not told one by one.
    pub fn frames_slowed(&self, name: &str) -> u64 {
        self.slowed.get(name).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
