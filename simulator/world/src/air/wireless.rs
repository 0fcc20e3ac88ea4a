//! 802.11 between the air and radios at register level: which frame reaches whom, and what joins and Ethernet frames
//! come of it.
//!
//! ```text
//!                      ┌ beacons, joins, data ── access points of the world (`bss`) ── Ethernet frames ─┐
//! radio ─ 802.11 ──────┤                                                                                ├─ the air
//!                      └ own access point ────── phones, frame by frame (`frame_station`) ── Ethernet ──┘
//! ```
//!
//! A radio's station that has joined is a station of its network like all others: its Ethernet frames meet the same
//! link rules, and the states of its access point apply. Joins and losses are told as the access point sees them; what
//! the firmware itself takes for the outcome cannot be known. So nothing is told of an attempt that the access point
//! does not hear of (no such network, too weak, deaf), and a firmware that has lost the beacons is taken to notice when
//! the vendor's does. Without radios nothing of this runs.
//!
//! Not modelled: collisions, frames of neighbouring channels, what stations without radios send among themselves as
//! 802.11 frames, hidden names and WPA or WEP at a radio's own access point.

mod own_access_point;

use std::collections::BTreeMap;

use simulator_wlan::header::{Header, is_group};

use super::access_point::AccessPointConfig;
use super::bss::{self, Bss};
use super::frame_station::FrameStation;
use super::radio::{Listening, Radio, RadioEvent, RadioFrame, RadioId};
use super::station::{SENSITIVITY, Station};
use super::transmitter::OnAir;
use super::{Air, AirEvent, Delivery, Mac, NetworkId, Port, StationId};
use own_access_point::Own;
use simulator_record::events::LinkLoss;
use simulator_record::time::Instant;

/// How strong phones, which are near by, and devices hear each other, in dBm.
const NEAR: i8 = -40;
const BETWEEN_DEVICES: i8 = -50;

/// What the air knows at the level of 802.11.
#[derive(Default)]
pub(super) struct Wireless {
    radios: Vec<Radio>,
    /// The world's access points that are up.
    sets: BTreeMap<NetworkId, Bss>,
    /// Those that radios are.
    own: BTreeMap<NetworkId, Own>,
    /// Stations that join them, or have.
    joining: BTreeMap<StationId, (NetworkId, FrameStation)>,
    under_way: BTreeMap<(Instant, u64), UnderWay>,
    sent: u64,
    /// How many stations have begun to join radios' access points.
    begun: u64,
    /// Whether each frame is told.
    is_recorded: bool,
    output: Vec<RadioEvent>,
}

/// A frame that is on the air.
enum UnderWay {
    /// To radios: to all that hear its channel, or only to one.
    ToRadios { from: Port, frame: RadioFrame, signal: i8, only: Option<RadioId> },
    /// From a radio.
    FromRadio(RadioId, RadioFrame),
}

impl Wireless {
    pub(super) fn next_event(&self) -> Option<Instant> {
        if self.radios.is_empty() {
            return None;
        }
        let under_way = self.under_way.first_key_value().map(|((at, _), _)| *at);
        let sets = self.sets.values().map(Bss::next_event);
        let joining = self.joining.values().filter_map(|(_, station)| station.next_event());
        sets.chain(joining).chain(under_way).chain(self.own.values().map(Own::gone_at)).min()
    }

    /// Whose radio a station is.
    fn radio_at(&self, station: StationId) -> Option<RadioId> {
        let place = self.radios.iter().position(|radio| radio.station == station)?;
        Some(RadioId(place as u32))
    }

    /// Whether a network is a radio's own.
    pub(super) fn is_own(&self, network: NetworkId) -> bool {
        self.own.contains_key(&network)
    }

    fn put(&mut self, at: Instant, what: UnderWay) {
        self.under_way.insert((at, self.sent), what);
        self.sent += 1;
    }

    fn on_air(&mut self, from: Port, OnAir { end, frame, only, .. }: OnAir, signal: i8) {
        self.put(end, UnderWay::ToRadios { from, frame, signal, only });
    }

    fn record(&mut self, at: Instant, from: Port, frame: &RadioFrame, signal: i8) {
        if self.is_recorded {
            self.output.push(RadioEvent::OnAir { at, from, frame: frame.clone(), signal });
        }
    }

    /// A frame that is for one radio, which is off or on another channel, is missed.
    fn is_missed(&self, frame: &RadioFrame, only: impl Fn(RadioId) -> bool) -> bool {
        let Some(receiver) = Header::of(&frame.bytes).map(|header| header.receiver()) else { return false };
        let radios = || (0..).map(RadioId).zip(&self.radios);
        let mut meant = radios().filter(|(id, radio)| only(*id) && radio.is_at(receiver)).peekable();
        !is_group(receiver) && meant.peek().is_some() && meant.all(|(_, radio)| !radio.hears(frame.channel))
    }

    fn hand_to_radios(&mut self, at: Instant, frame: &RadioFrame, signal: i8, only: impl Fn(RadioId) -> bool) {
        for (id, radio) in (0..).map(RadioId).zip(&self.radios) {
            if only(id) && radio.hears(frame.channel) {
                self.output.push(RadioEvent::Heard { at, radio: id, frame: frame.clone(), signal });
            }
        }
    }
}

/// Radios at register level.
impl Air {
    /// Adds a radio at register level, whose station has the hardware address `mac` until it sends from another.
    pub fn add_radio(&mut self, at: Instant, mac: Mac) -> RadioId {
        let radio = RadioId(self.wireless.radios.len() as u32);
        let station = self.add_station(mac);
        self.stations[station.0 as usize].is_seen_only = true;
        self.wireless.radios.push(Radio::new(station));
        for network in (0..self.access_points.len() as u32).map(NetworkId) {
            self.open_set(at, network);
        }
        radio
    }

    /// The station that a radio is to the rest of the air.
    pub fn station_of(&self, radio: RadioId) -> StationId {
        self.wireless.radios[radio.0 as usize].station
    }

    /// The radio whose own access point makes a network, if one does.
    pub fn radio_behind(&self, network: NetworkId) -> Option<RadioId> {
        self.wireless.own.get(&network).map(|own| own.radio)
    }

    /// Lets an access point of the world be there for radios.
    pub(super) fn open_set(&mut self, at: Instant, network: NetworkId) {
        let access_point = &self.access_points[network.0 as usize];
        let is_there = access_point.is_up() && !self.wireless.is_own(network);
        if is_there && !self.wireless.radios.is_empty() && !self.wireless.sets.contains_key(&network) {
            let since = access_point.up_since;
            let stream = self.seed.stream(&format!("air/access point/{}/{}", network.0, since.as_nanos()));
            self.wireless.sets.insert(network, Bss::new(access_point.config.clone(), since, at, stream));
        }
    }

    /// An access point of the world goes away; it sends its stations away before, or not.
    pub(super) fn close_set(&mut self, at: Instant, network: NetworkId, deauth: bool) {
        if let Some(set) = self.wireless.sets.remove(&network).filter(|_| deauth) {
            for effect in set.say_goodbye(at) {
                self.set_effect(network, effect);
            }
        }
    }

    /// A radio sends a frame from `start` to `end`. Says whether it is acknowledged: whether it is for one receiver and
    /// that one hears it.
    pub fn radio_sends(&mut self, start: Instant, end: Instant, radio: RadioId, frame: RadioFrame) -> bool {
        debug_assert!(start <= end);
        let header = Header::of(&frame.bytes);
        if let Some(header) = &header {
            self.wireless.radios[radio.0 as usize].sends_from(header.transmitter());
        }
        let is_heard = header.is_some_and(|header| {
            !is_group(header.receiver()) && self.acknowledges(radio, frame.channel, header.receiver())
        });
        self.wireless.put(end.max(start), UnderWay::FromRadio(radio, frame));
        is_heard
    }

    fn acknowledges(&self, from: RadioId, channel: u8, receiver: Mac) -> bool {
        let Wireless { sets, own, joining, radios, .. } = &self.wireless;
        let access_point = || {
            let mut here = sets.iter().filter(|(_, set)| set.is_at(receiver) && set.reaches(channel));
            here.any(|(network, _)| self.access_points[network.0 as usize].hears())
        };
        let station = || {
            let of_radio = |network: &NetworkId| own.get(network).is_some_and(|own| own.radio == from);
            joining.values().any(|(network, station)| of_radio(network) && station.is_at(channel, receiver))
                || self.stations.iter().any(|station| station.mac == receiver && station.is_scanning())
        };
        let radio = || {
            let mut others = (0..).map(RadioId).zip(radios).filter(|(id, _)| *id != from);
            others.any(|(_, radio)| radio.hears(channel) && radio.is_at(receiver))
        };
        access_point() || station() || radio()
    }

    /// A radio is on a channel from now on, or hears nothing (`None`). Until it says so, everything is handed to it.
    pub fn radio_listens(&mut self, radio: RadioId, channel: Option<u8>) {
        self.wireless.radios[radio.0 as usize].listening = channel.map_or(Listening::Nothing, Listening::Channel);
    }

    /// A radio has not taken a frame that was for it and did not acknowledge it: the sender, who hears of it before the
    /// acknowledgement would have been through, sends it again.
    pub fn radio_missed(&mut self, frame: &RadioFrame) {
        self.wireless.sets.values_mut().for_each(|set| set.missed(frame));
        self.wireless.joining.values_mut().for_each(|(_, station)| station.missed(frame));
    }

    /// A radio is without power or in reset: its station is no longer joined, and its access points are not there.
    pub fn radio_off(&mut self, at: Instant, radio: RadioId) {
        self.power_off(at, self.station_of(radio));
        self.wireless.radios[radio.0 as usize].forget();
        self.wireless.sets.values_mut().for_each(|set| set.forget_radio(radio));
        self.wireless.under_way.retain(|_, what| !matches!(what, UnderWay::FromRadio(its, _) if *its == radio));
        self.close_own(at, radio);
    }

    /// An access point gives its group a new key, as routers do each hour or so.
    pub fn renew_group_key(&mut self, at: Instant, network: NetworkId) {
        if let Some(set) = self.wireless.sets.get_mut(&network) {
            set.renew_group_key(at);
        }
        self.set_effects(network);
    }

    /// From now on tells each frame that is on the air, or none.
    pub fn record_frames(&mut self, wanted: bool) {
        self.wireless.is_recorded = wanted;
    }

    /// Takes what has come of frames to and from radios since the last time, in order.
    pub fn take_radio_events(&mut self) -> Vec<RadioEvent> {
        std::mem::take(&mut self.wireless.output)
    }

    /// Hands a delivery on as an 802.11 frame if it is for a station at register level, or for the access point of one.
    /// Says whether it was; else it is the caller's to hand over.
    pub fn deliver(&mut self, at: Instant, delivery: &Delivery) -> bool {
        match delivery.to {
            Port::Station(id) => {
                let Some(radio) = self.wireless.radio_at(id) else { return false };
                let mac = self.stations[id.0 as usize].mac;
                if let Some(set) = self.wireless.sets.get_mut(&delivery.network) {
                    set.deliver(at, radio, mac, &delivery.frame);
                }
                self.set_effects(delivery.network);
            }
            Port::AccessPoint(network) => {
                if !self.wireless.is_own(network) {
                    return false;
                }
                let source = delivery.frame.get(6..).and_then(|rest| rest.first_chunk());
                let members = &self.access_points[network.0 as usize].members;
                if let Some(id) = source.and_then(|mac: &Mac| members.get(mac)).copied() {
                    if let Some((_, station)) = self.wireless.joining.get_mut(&id) {
                        station.send(at, &delivery.frame);
                    }
                    self.station_effects(at, id);
                }
            }
        }
        true
    }

    /// Does what is due at `at`.
    pub(super) fn advance_wireless(&mut self, at: Instant) {
        while let Some(entry) = self.wireless.under_way.first_entry()
            && entry.key().0 <= at
        {
            match entry.remove() {
                UnderWay::ToRadios { from, frame, signal, only } => {
                    self.wireless.record(at, from, &frame, signal);
                    let meant = |id| only.is_none_or(|only| only == id);
                    if self.wireless.is_missed(&frame, meant) {
                        self.radio_missed(&frame);
                    }
                    self.wireless.hand_to_radios(at, &frame, signal, meant);
                }
                UnderWay::FromRadio(radio, frame) => self.take_from_radio(at, radio, &frame),
            }
        }
        let due = self.wireless.sets.iter_mut().filter(|(_, set)| set.next_event() <= at);
        let due: Vec<NetworkId> = due.map(|(network, set)| (set.advance(at), *network).1).collect();
        due.into_iter().for_each(|network| self.set_effects(network));
        let due = self.wireless.joining.iter_mut();
        let due = due.filter(|(_, (_, station))| station.next_event().is_some_and(|next| next <= at));
        let due: Vec<StationId> = due.map(|(id, (_, station))| (station.advance(at), *id).1).collect();
        due.into_iter().for_each(|id| self.station_effects(at, id));
        self.close_silent(at);
    }

    fn take_from_radio(&mut self, at: Instant, radio: RadioId, frame: &RadioFrame) {
        let transmitter = Header::of(&frame.bytes).map(|header| header.transmitter());
        let own = self.wireless.own.iter().find(|(_, own)| own.radio == radio && Some(own.target.bssid) == transmitter);
        let from = own.map_or(Port::Station(self.station_of(radio)), |(network, _)| Port::AccessPoint(*network));
        self.wireless.record(at, from, frame, BETWEEN_DEVICES);
        let Self { wireless, access_points, .. } = self;
        for (network, set) in wireless.sets.iter_mut().filter(|(_, set)| set.reaches(frame.channel)) {
            let access_point = &access_points[network.0 as usize];
            if access_point.hears() {
                set.receive(at, radio, frame, access_point.admits());
            }
        }
        let sets: Vec<NetworkId> = wireless.sets.keys().copied().collect();
        sets.into_iter().for_each(|network| self.set_effects(network));
        self.notice(at, radio, frame);
        let of_radio: Vec<StationId> = self.stations_at(radio).collect();
        let mut carried = None;
        for id in of_radio {
            if let Some((network, station)) = self.wireless.joining.get_mut(&id)
                && let Some(ethernet) = station.receive(at, frame)
            {
                carried = Some((*network, ethernet));
            }
            self.station_effects(at, id);
        }
        // A frame to all is one frame: its receivers are the network's members.
        if let Some((network, frame)) = carried {
            self.wireless.output.push(RadioEvent::Sent { at, from: Port::AccessPoint(network), frame });
        }
        self.wireless.hand_to_radios(at, frame, BETWEEN_DEVICES, |id| id != radio);
    }

    fn set_effects(&mut self, network: NetworkId) {
        let effects = self.wireless.sets.get_mut(&network).map(Bss::take_effects).unwrap_or_default();
        effects.into_iter().for_each(|effect| self.set_effect(network, effect));
    }

    fn set_effect(&mut self, network: NetworkId, effect: bss::Effect) {
        let AccessPointConfig { name, bssid, signal, .. } = self.access_point(network).clone();
        match effect {
            bss::Effect::OnAir(sent) if signal >= SENSITIVITY => {
                self.wireless.on_air(Port::AccessPoint(network), sent, signal)
            }
            bss::Effect::OnAir(_) => {}
            bss::Effect::Joined { at, radio, mac } => {
                let station = self.station_of(radio);
                let earlier = &self.stations[station.0 as usize];
                let (before, its) = (earlier.network().filter(|before| *before != network), earlier.mac);
                let reason = earlier.planned_loss().unwrap_or(LinkLoss::Left);
                if let Some(set) = before.and_then(|before| self.wireless.sets.get_mut(&before)) {
                    set.forget(its);
                }
                self.loses(at, station, reason);
                self.stations[station.0 as usize].mac = mac;
                self.with_station(station, |station| station.enter(network));
                self.access_points[network.0 as usize].members.insert(mac, station);
                self.untold.push(AirEvent::JoinEnded {
                    at,
                    station,
                    name,
                    bssid: Some(bssid),
                    outcome: Ok(network),
                    status: None,
                });
            }
            bss::Effect::Failed { at, radio, why, status } => {
                let station = self.station_of(radio);
                self.untold.push(AirEvent::JoinEnded { at, station, name, bssid: None, outcome: Err(why), status });
            }
            bss::Effect::Gone { at, radio, reason } => {
                let station = self.station_of(radio);
                if self.network_of(station) == Some(network) {
                    self.loses(at, station, reason);
                }
            }
            bss::Effect::Ethernet { at, radio, frame } => {
                let from = Port::Station(self.station_of(radio));
                self.wireless.output.push(RadioEvent::Sent { at, from, frame });
            }
        }
    }

    /// A radio's station is no longer joined, if it was.
    fn loses(&mut self, at: Instant, station: StationId, reason: LinkLoss) {
        let Some(network) = self.with_station(station, Station::stop) else { return };
        self.access_points[network.0 as usize].members.retain(|_, member| *member != station);
        let AccessPointConfig { name, bssid, .. } = self.access_point(network).clone();
        self.untold.push(AirEvent::LinkLost { at, station, network, name, bssid, reason });
    }
}

#[cfg(test)]
impl Air {
    /// How much the air keeps in mind of what radios have sent.
    pub(crate) fn kept_of_radios(&self) -> usize {
        let Wireless { sets, own, joining, under_way, output, .. } = &self.wireless;
        let sets: usize = sets.values().map(Bss::kept).sum();
        sets + own.len() + joining.len() + under_way.len() + output.len() + self.untold.len() + self.arrivals.len()
    }
}

#[cfg(test)]
mod tests;
