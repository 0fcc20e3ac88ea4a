//! The access points that radios are: found by their beacons, joined by phones frame by frame.
//!
//! Their beacons are the firmware's own; an access point whose beacons stop is taken for gone as any other is. What its
//! passphrase is, and how many stations it takes, only its firmware knows.

use simulator_wlan::element::{self, Elements};
use simulator_wlan::header::{BROADCAST, Header, Type, is_group};
use simulator_wlan::management::{Body, CAPABILITY_PRIVACY};
use simulator_wlan::rate::{FCS_BYTES, Rate};

use super::super::access_point::{AccessPointConfig, AccessPointState, Features, Security};
use super::super::frame_station::{Effect, FrameStation, Target};
use super::super::radio::{RadioFrame, RadioId};
use super::super::station::{BEACON_TIMEOUT, Outcome, Station};
use super::super::{Air, NetworkId, Port, StationId};
use super::{NEAR, UnderWay, Wireless};
use simulator_record::events::LinkLoss;
use simulator_record::time::Instant;

/// So many access points does a radio open at most, one after the other: each stays known.
const OWN_NETWORKS: usize = 16;

/// An access point that a radio is, as its beacons tell.
pub(super) struct Own {
    pub(super) radio: RadioId,
    pub(super) target: Target,
    last_beacon: Instant,
}

impl Own {
    /// When it is taken for gone unless another beacon comes.
    pub(super) fn gone_at(&self) -> Instant {
        if self.last_beacon == Instant::FAR_FUTURE { Instant::FAR_FUTURE } else { self.last_beacon + BEACON_TIMEOUT }
    }
}

impl Air {
    /// The radio is without power: its access points are not there, and say nothing of it.
    pub(super) fn close_own(&mut self, at: Instant, radio: RadioId) {
        self.close_those(at, |own| own.radio == radio);
    }

    /// Access points whose beacons have stopped are gone; their stations have missed the same beacons.
    pub(super) fn close_silent(&mut self, at: Instant) {
        for network in self.close_those(at, |own| own.gone_at() <= at) {
            let stations = self.wireless.joining.iter().filter(|(_, (its, _))| *its == network);
            for id in stations.map(|(id, _)| *id).collect::<Vec<_>>() {
                self.with_station(id, |station| station.will_lose((at, LinkLoss::BeaconTimeout)));
            }
        }
    }

    fn close_those(&mut self, at: Instant, which: impl Fn(&Own) -> bool) -> Vec<NetworkId> {
        let mut gone = Vec::new();
        for (network, own) in self.wireless.own.iter_mut().filter(|(_, own)| which(own)) {
            own.last_beacon = Instant::FAR_FUTURE;
            gone.push(*network);
        }
        for network in &gone {
            self.set_state(at, *network, AccessPointState::Off, false);
        }
        gone
    }

    /// The stations that join access points of a radio.
    pub(super) fn stations_at(&self, radio: RadioId) -> impl Iterator<Item = StationId> {
        let Wireless { joining, own, .. } = &self.wireless;
        let of_radio = move |network: &NetworkId| own.get(network).is_some_and(|own| own.radio == radio);
        joining.iter().filter(move |(_, (network, _))| of_radio(network)).map(|(id, _)| *id)
    }

    /// A beacon of a radio tells of its own access point.
    pub(super) fn notice(&mut self, at: Instant, radio: RadioId, frame: &RadioFrame) {
        let Some(header) = Header::of(&frame.bytes).filter(|header| header.kind() == Type::Management) else { return };
        let Some(Body::Beacon { capability, elements, .. }) = Body::of(&header) else { return };
        let bssid = header.transmitter();
        let name = elements.find(element::SSID).map(|name| String::from_utf8_lossy(name).into_owned());
        let Some(name) = name.filter(|name| !name.is_empty() && bssid == header.third() && !is_group(bssid)) else {
            return;
        };
        let rsn = elements.find(element::RSN).map(<[u8]>::to_vec);
        if rsn.is_none() && capability & CAPABILITY_PRIVACY != 0 {
            return;
        }
        // What its passphrase is only its firmware knows.
        let security = rsn.as_ref().map_or(Security::Open, |_| Security::Wpa2(String::new()));
        let target = Target { name: name.clone(), bssid, channel: frame.channel, rsn };
        let same = |own: &Own| own.radio == radio && own.target.bssid == bssid;
        self.close_those(at, |own| same(own) && own.target.name != name);
        let known = self.wireless.own.iter_mut().find(|(_, own)| same(own) && own.target.name == name);
        if let Some((&network, own)) = known {
            own.target = target;
            own.last_beacon = at;
            let config = &mut self.access_points[network.0 as usize].config;
            (config.channel, config.security) = (frame.channel, security);
            self.set_state(at, network, AccessPointState::On, false);
            return;
        }
        let its = &mut self.wireless.radios[radio.0 as usize];
        if its.opened < OWN_NETWORKS {
            its.opened += 1;
            let network = NetworkId(self.access_points.len() as u32);
            self.wireless.own.insert(network, Own { radio, target, last_beacon: at });
            // How many stations it takes is its firmware's to say.
            let config = AccessPointConfig {
                name,
                bssid,
                channel: frame.channel,
                security,
                signal: NEAR,
                capacity: usize::MAX,
                features: Features::default(),
            };
            self.open(at, config);
        }
    }

    /// A station has chosen a radio's access point.
    pub(in crate::air) fn begin_frames(&mut self, at: Instant, id: StationId, network: NetworkId, security: Security) {
        let Some(own) = self.wireless.own.get(&network) else { return };
        let mac = self.stations[id.0 as usize].mac;
        self.wireless.begun += 1;
        let random = self.seed.stream(&format!("air/station/{}/frames/{}", id.0, self.wireless.begun));
        let station = FrameStation::new(at, mac, own.target.clone(), security, random);
        self.wireless.joining.insert(id, (network, station));
        self.station_effects(at, id);
    }

    /// A station has done with a radio's access point, and tells it or not.
    pub(in crate::air) fn end_frames(&mut self, at: Instant, id: StationId, says_so: bool) {
        let Some((network, station)) = self.wireless.joining.remove(&id) else { return };
        if says_so {
            for effect in station.leave(at) {
                self.station_effect(at, id, network, effect);
            }
        }
    }

    /// A station that scans asks the radios' access points to answer.
    pub(in crate::air) fn probe(&mut self, at: Instant, id: StationId, name: &str) {
        let mac = self.stations[id.0 as usize].mac;
        let mut elements = Vec::new();
        element::push(&mut elements, element::SSID, name.as_bytes());
        element::push(&mut elements, element::RATES, &[0x82, 0x84, 0x8B, 0x96]);
        let frame = Body::ProbeRequest { elements: Elements(&elements) }.frame(BROADCAST, mac, BROADCAST);
        let end = at + Rate::ONE_MEGABIT.air_time(frame.len() + FCS_BYTES);
        let mut channels: Vec<u8> = self.wireless.own.values().map(|own| own.target.channel).collect();
        channels.sort_unstable();
        channels.dedup();
        for channel in channels {
            let frame = RadioFrame { channel, rate: Rate::ONE_MEGABIT, bytes: frame.clone().into() };
            self.wireless.put(end, UnderWay::ToRadios { from: Port::Station(id), frame, signal: NEAR, only: None });
        }
    }

    pub(super) fn station_effects(&mut self, at: Instant, id: StationId) {
        let Some((network, station)) = self.wireless.joining.get_mut(&id) else { return };
        let network = *network;
        for effect in station.take_effects() {
            self.station_effect(at, id, network, effect);
        }
    }

    fn station_effect(&mut self, at: Instant, id: StationId, network: NetworkId, effect: Effect) {
        let outcome = match effect {
            Effect::OnAir(sent) => return self.wireless.on_air(Port::Station(id), sent, NEAR),
            Effect::Joined => self.with_station(id, |station| station.end_join(Ok(network))),
            Effect::Failed(why) => self.with_station(id, |station| station.end_join(Err(why))),
            Effect::Lost(reason) => {
                self.with_station(id, Station::stop).map(|network| Outcome::Lost { network, reason })
            }
        };
        let mac = self.stations[id.0 as usize].mac;
        if let Some(outcome) = outcome {
            let event = self.settle(at, id, mac, outcome);
            self.untold.extend(event);
        }
    }
}
