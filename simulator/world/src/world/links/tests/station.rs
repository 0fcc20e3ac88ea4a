//! A scripted station in the place of a device's firmware: it joins, answers the handshake, and decrypts.

use simulator_wlan::ccmp;
use simulator_wlan::data::{self, Way};
use simulator_wlan::element::{self, Elements, Rsn};
use simulator_wlan::group::GroupKey;
use simulator_wlan::handshake::Supplicant;
use simulator_wlan::header::{BROADCAST, PROTECTED, RETRY, is_group};
use simulator_wlan::keys::{TemporalKey, network_key};
use simulator_wlan::management::{Body, set_sequence_number};

use super::*;

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A station.
pub(super) struct Station {
    pub(super) passphrase: Option<&'static str>,
    /// The RSN element of its association request, if another than WPA2's.
    pub(super) rsn: Option<Rsn>,
    /// The RSN element that it has heard, if another than that.
    pub(super) heard: Option<Rsn>,
    /// It asks for 802.11n.
    pub(super) high_throughput: bool,
    supplicant: Option<Supplicant>,
    key: Option<TemporalKey>,
    pub(super) groups: BTreeMap<u8, GroupKey>,
    packet_number: u64,
    sequence: u16,
    /// It answers messages of the handshake.
    pub(super) answers: bool,
    /// It sends the association request as soon as it is authenticated.
    pub(super) has_authenticated: bool,
    pub(super) association: Option<u16>,
    /// Statuses and reasons that it was told.
    pub(super) told: Vec<String>,
    pub(super) first_messages: usize,
    /// The Ethernet frames it was sent, and whether more were announced.
    pub(super) received: Vec<(Instant, Vec<u8>, bool)>,
    /// Packet numbers of frames to it and to groups.
    pub(super) packet_numbers: [Vec<u64>; 2],
    pub(super) sequence_numbers: Vec<u16>,
    last: Option<u16>,
    pub(super) repeats: usize,
    /// Frames to the group whose key it does not have.
    pub(super) unread: usize,
    /// The traffic indication maps of beacons.
    pub(super) maps: Vec<(Instant, Vec<u8>)>,
    /// Timestamps of beacons, by when they were heard.
    pub(super) timestamps: Vec<(Instant, u64)>,
}

impl Station {
    pub(super) fn new(passphrase: Option<&'static str>) -> Self {
        Self {
            passphrase,
            rsn: None,
            heard: None,
            high_throughput: false,
            supplicant: None,
            key: None,
            groups: BTreeMap::new(),
            packet_number: 0,
            sequence: 0,
            answers: true,
            has_authenticated: false,
            association: None,
            told: Vec::new(),
            first_messages: 0,
            received: Vec::new(),
            packet_numbers: [const { Vec::new() }; 2],
            sequence_numbers: Vec::new(),
            last: None,
            repeats: 0,
            unread: 0,
            maps: Vec::new(),
            timestamps: Vec::new(),
        }
    }

    fn numbered(&mut self, mut frame: Vec<u8>) -> Vec<u8> {
        self.sequence += 1;
        set_sequence_number(&mut frame, self.sequence);
        frame
    }

    fn request(&mut self, body: Body<'_>) -> Vec<u8> {
        let frame = body.frame(BSSID, DEVICE_MAC, BSSID);
        self.numbered(frame)
    }

    pub(super) fn authentication(&mut self, algorithm: u16) -> Vec<u8> {
        self.request(Body::Authentication { algorithm, sequence: 1, status: 0, elements: Elements(&[]) })
    }

    pub(super) fn association_request(&mut self) -> Vec<u8> {
        let mut elements = Vec::new();
        element::push(&mut elements, element::SSID, b"home");
        element::push(&mut elements, element::RATES, &[0x82, 0x84, 0x8B, 0x96]);
        elements.extend(self.own_rsn());
        if self.high_throughput {
            element::push(&mut elements, element::HIGH_THROUGHPUT_CAPABILITIES, &[0; 26]);
        }
        self.request(Body::AssociationRequest { capability: 1, listen_interval: 3, elements: Elements(&elements) })
    }

    pub(super) fn goodbye(&mut self) -> Vec<u8> {
        self.request(Body::Deauthentication { reason: 3 })
    }

    pub(super) fn probe(&mut self, name: &str) -> Vec<u8> {
        let mut elements = Vec::new();
        element::push(&mut elements, element::SSID, name.as_bytes());
        let frame = Body::ProbeRequest { elements: Elements(&elements) }.frame(BROADCAST, DEVICE_MAC, BROADCAST);
        self.numbered(frame)
    }

    pub(super) fn null(&mut self, flags: u8) -> Vec<u8> {
        let frame = data::null(DEVICE_MAC, BSSID, flags);
        self.numbered(frame)
    }

    fn own_rsn(&self) -> Vec<u8> {
        let mut element = Vec::new();
        if self.passphrase.is_some() {
            let rsn = self.rsn.clone().unwrap_or(Rsn::wpa2());
            element::push(&mut element, element::RSN, &rsn.content());
        }
        element
    }

    /// A data frame with an Ethernet frame, encrypted once there is a key.
    pub(super) fn data(&mut self, ethernet: &[u8]) -> Vec<u8> {
        let frame = data::from_ethernet(ethernet, Way::ToAccessPoint, BSSID).unwrap();
        let mut frame = self.numbered(frame);
        let Some(key) = self.key else { return frame };
        self.packet_number += 1;
        data::add_ccmp_header(&mut frame, self.packet_number, 0);
        ccmp::encrypt(&key, &frame).unwrap()
    }

    fn managed(&mut self, now: Instant, body: Body<'_>) -> Vec<Vec<u8>> {
        match body {
            Body::Beacon { timestamp, elements, .. } => {
                self.timestamps.push((now, timestamp));
                self.maps.push((now, elements.find(element::TIM).unwrap().to_vec()));
            }
            Body::ProbeResponse { .. } => self.told.push("probe response".to_owned()),
            Body::Authentication { status: 0, .. } if self.has_authenticated => {
                return vec![self.association_request()];
            }
            Body::Authentication { status, .. } => self.told.push(format!("authentication {status}")),
            Body::AssociationResponse { status: 0, id, .. } => self.association = Some(id),
            Body::AssociationResponse { status, .. } => self.told.push(format!("association {status}")),
            Body::Deauthentication { reason } => self.told.push(format!("deauthentication {reason}")),
            Body::Disassociation { reason } => self.told.push(format!("disassociation {reason}")),
            other => panic!("{other:?}"),
        }
        Vec::new()
    }

    fn opened(&mut self, header: &Header<'_>, frame: &[u8]) -> Option<Vec<u8>> {
        if !header.has(PROTECTED) {
            return data::to_ethernet(frame);
        }
        let (packet_number, id) = ccmp::read_header(frame).unwrap();
        let group = is_group(header.receiver());
        let key = if group { self.groups.get(&id).copied() } else { Some(GroupKey::ccmp(0, self.key.unwrap())) };
        let Some(key) = key else {
            self.unread += 1;
            return None;
        };
        self.packet_numbers[usize::from(group)].push(packet_number);
        data::to_ethernet(&key.open(frame).unwrap().1)
    }

    fn key_frame(&mut self, payload: &[u8]) -> Vec<Vec<u8>> {
        if payload[5..7] == [0x00, 0x8A] {
            self.first_messages += 1;
        }
        if !self.answers {
            return Vec::new();
        }
        let rsn = self.own_rsn();
        let key = self.passphrase.unwrap();
        let asked = self.heard.as_ref().or(self.rsn.as_ref()).cloned().unwrap_or(Rsn::wpa2());
        let supplicant = self.supplicant.get_or_insert_with(|| {
            let heard = Some(asked.content());
            Supplicant::new(network_key(key, b"home"), BSSID, DEVICE_MAC, [7; 32], rsn, heard)
        });
        let Ok(reply) = supplicant.receive(payload) else { return Vec::new() };
        let ethernet = [&BSSID[..], &DEVICE_MAC, &data::EAPOL.to_be_bytes(), &reply.frame].concat();
        let answer = self.data(&ethernet);
        self.groups.extend(reply.group.map(|(group, _)| (group.id, group)));
        if reply.temporal.is_some() {
            self.key = reply.temporal;
        }
        vec![answer]
    }
}

impl Firmware for Station {
    fn hear(&mut self, now: Instant, frame: &RadioFrame, _signal: i8) -> Vec<Vec<u8>> {
        let header = Header::of(&frame.bytes).unwrap();
        if header.receiver() != DEVICE_MAC && !is_group(header.receiver()) {
            return Vec::new();
        }
        if header.has(RETRY) {
            self.repeats += 1;
        }
        if self.last.replace(header.sequence_control()) == self.last && header.has(RETRY) {
            return Vec::new();
        }
        self.sequence_numbers.push(header.sequence_control() >> 4);
        if let Some(body) = Body::of(&header) {
            return self.managed(now, body);
        }
        let Some(ethernet) = self.opened(&header, &frame.bytes) else { return Vec::new() };
        if ethernet[12..14] == data::EAPOL.to_be_bytes() {
            return self.key_frame(&ethernet[14..]);
        }
        self.received.push((now, ethernet, header.has(simulator_wlan::header::MORE_DATA)));
        Vec::new()
    }
}

impl Bench<Station> {
    /// Joins; what came of it.
    pub(super) fn join(&mut self) -> Option<JoinOutcome> {
        let before = self.joins().len();
        self.firmware.has_authenticated = true;
        (self.firmware.key, self.firmware.supplicant, self.firmware.packet_number) = (None, None, 0);
        let frame = self.firmware.authentication(0);
        self.send(frame);
        self.until(10 * SECOND, |bench| bench.joins().len() > before);
        let outcome = self.joins().get(before).copied();
        // The message that ended it, and what the access point says to it, may still be on the air.
        self.run(Duration::from_millis(20));
        outcome
    }

    /// Sends an Ethernet frame.
    pub(super) fn sends(&mut self, ethernet: &[u8]) -> bool {
        let frame = self.firmware.data(ethernet);
        self.send(frame)
    }

    /// What lies behind the access point sends an Ethernet frame.
    pub(super) fn router_sends(&mut self, to: Mac, payload: &[u8]) {
        let from = Port::AccessPoint(self.network());
        let ethernet = [&to[..], &[2, 0, 0, 0, 9, 9], &0x0800_u16.to_be_bytes(), payload].concat();
        let mut handed = Vec::new();
        self.links.transmit(self.now, from, &ethernet, &mut handed);
        handed.into_iter().for_each(|handed| self.take(handed));
    }
}
