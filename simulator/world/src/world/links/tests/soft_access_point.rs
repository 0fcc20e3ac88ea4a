//! A scripted access point in the place of a device's firmware: it beacons, lets phones in, and bridges.

use core::net::Ipv4Addr;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::udp;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

use simulator_wlan::ccmp;
use simulator_wlan::data::{self, Way};
use simulator_wlan::element::{self, CCMP, Elements, Rsn, Suite, TKIP};
use simulator_wlan::group::{GroupKey, GroupSecret};
use simulator_wlan::handshake::{Authenticator, Step};
use simulator_wlan::header::{BROADCAST, PROTECTED, is_group};
use simulator_wlan::keys::{TemporalKey, network_key};
use simulator_wlan::management::{Body, set_sequence_number};
use simulator_wlan::tkip::TkipKey;

use super::*;
use crate::internet::dhcp::DhcpServer;
use crate::internet::port::{Port as StackPort, stack_time};

pub(super) const OWN: Mac = [0x5E, 0xCF, 0x7F, 0, 0, 1];
/// An ESP8266 encrypts with TKIP what is for all.
const GROUP: GroupKey = GroupKey { id: 1, secret: GroupSecret::Tkip(TkipKey { cipher: [0x47; 16], code: [0x48; 8] }) };
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 4, 1);

/// An access point.
pub(super) struct SoftAccessPoint {
    pub(super) name: &'static str,
    pub(super) passphrase: Option<&'static str>,
    /// The ciphers that it takes.
    pub(super) pairwise: Vec<Suite>,
    /// The status of association responses.
    pub(super) status: u16,
    /// It answers at all.
    pub(super) answers: bool,
    pub(super) probes: usize,
    phones: BTreeMap<Mac, (Option<Authenticator>, Option<TemporalKey>)>,
    sequence: u16,
    packet_number: u64,
    port: StackPort,
    interface: Interface,
    sockets: SocketSet<'static>,
    service: SocketHandle,
    dhcp: DhcpServer,
    pub(super) told: Vec<String>,
    /// Ethernet frames from phones.
    pub(super) received: Vec<Vec<u8>>,
}

impl SoftAccessPoint {
    pub(super) fn new(passphrase: Option<&'static str>) -> Self {
        let mut port = StackPort::default();
        let mut interface =
            Interface::new(Config::new(EthernetAddress(OWN).into()), &mut port, stack_time(Instant::START));
        interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(ADDRESS.into(), 24)).unwrap());
        let mut sockets = SocketSet::new(Vec::new());
        let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 8], vec![0; 8_192]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(67).unwrap();
        let service = sockets.add(socket);
        Self {
            name: "yellow-duck",
            passphrase,
            pairwise: vec![TKIP, CCMP],
            status: 0,
            answers: true,
            probes: 0,
            phones: BTreeMap::new(),
            sequence: 0,
            packet_number: 0,
            port,
            interface,
            sockets,
            service,
            dhcp: DhcpServer::new(ADDRESS, ADDRESS),
            told: Vec::new(),
            received: Vec::new(),
        }
    }

    fn rsn(&self) -> Vec<u8> {
        let mut element = Vec::new();
        if self.passphrase.is_some() {
            element::push(&mut element, element::RSN, &self.security().content());
        }
        element
    }

    fn security(&self) -> Rsn {
        Rsn { group: GROUP.suite(), pairwise: self.pairwise.clone(), ..Rsn::wpa2() }
    }

    fn numbered(&mut self, mut frame: Vec<u8>) -> Vec<u8> {
        self.sequence += 1;
        set_sequence_number(&mut frame, self.sequence);
        frame
    }

    pub(super) fn beacon(&mut self, now: Instant) -> Vec<u8> {
        let mut elements = Vec::new();
        element::push(&mut elements, element::SSID, self.name.as_bytes());
        element::push(&mut elements, element::RATES, &[0x82, 0x84, 0x8B, 0x96]);
        element::push(&mut elements, element::CHANNEL, &[CHANNEL]);
        elements.extend(self.rsn());
        let capability = if self.passphrase.is_some() { 0x11 } else { 1 };
        let timestamp = now.as_micros();
        let body = Body::Beacon { timestamp, interval: 100, capability, elements: Elements(&elements) };
        let frame = body.frame(BROADCAST, OWN, OWN);
        self.numbered(frame)
    }

    pub(super) fn deauthentication(&mut self, to: Mac) -> Vec<u8> {
        let frame = Body::Deauthentication { reason: 3 }.frame(to, OWN, OWN);
        self.numbered(frame)
    }

    fn sealed(&mut self, ethernet: &[u8]) -> Vec<u8> {
        let frame = data::from_ethernet(ethernet, Way::ToStation, OWN).unwrap();
        let frame = self.numbered(frame);
        let to: Mac = *ethernet.first_chunk().unwrap();
        let key = if is_group(to) {
            self.passphrase.map(|_| GROUP)
        } else {
            self.phones.get(&to).and_then(|(_, key)| *key).map(|key| GroupKey::ccmp(0, key))
        };
        let Some(key) = key else { return frame };
        self.packet_number += 1;
        key.seal(frame, self.packet_number).unwrap()
    }

    fn key_message(&mut self, to: Mac, message: &[u8]) -> Vec<u8> {
        let ethernet = [&to[..], &OWN, &data::EAPOL.to_be_bytes(), message].concat();
        self.sealed(&ethernet)
    }

    fn managed(&mut self, from: Mac, body: Body<'_>) -> Vec<Vec<u8>> {
        let body = match body {
            Body::ProbeRequest { .. } => {
                self.probes += 1;
                return Vec::new();
            }
            Body::Authentication { algorithm: 0, sequence: 1, .. } => {
                Body::Authentication { algorithm: 0, sequence: 2, status: 0, elements: Elements(&[]) }
            }
            Body::AssociationRequest { elements, .. } => {
                assert_eq!(elements.find(element::SSID), Some(self.name.as_bytes()));
                let asked = Rsn::of(elements).map(|rsn| rsn.unwrap());
                let fits = Rsn { pairwise: vec![CCMP], ..self.security() };
                assert_eq!(asked, self.passphrase.map(|_| fits));
                let elements = Elements(&[1, 4, 0x82, 0x84, 0x8B, 0x96]);
                Body::AssociationResponse { capability: 1, status: self.status, id: 1, elements }
            }
            Body::Deauthentication { reason } => {
                self.told.push(format!("deauthentication {reason}"));
                return Vec::new();
            }
            other => panic!("{other:?}"),
        };
        let frame = body.frame(from, OWN, OWN);
        let mut frames = vec![self.numbered(frame)];
        if matches!(body, Body::AssociationResponse { status: 0, .. }) {
            let authenticator = self.passphrase.map(|passphrase| {
                let key = network_key(passphrase, self.name.as_bytes());
                Authenticator::new(key, OWN, from, [9; 32], self.rsn())
            });
            self.phones.insert(from, (authenticator, None));
            let first = self.phones.get_mut(&from).and_then(|(handshake, _)| handshake.as_mut()?.repeat());
            frames.extend(first.map(|message| self.key_message(from, &message)));
        }
        frames
    }

    fn bridged(&mut self, now: Instant, ethernet: Vec<u8>) -> Vec<Vec<u8>> {
        self.received.push(ethernet.clone());
        self.port.inbound.push_back(ethernet);
        self.interface.poll(stack_time(now), &mut self.port, &mut self.sockets);
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.service);
        if let Ok((message, _)) = socket.recv()
            && let Some((reply, _)) = self.dhcp.answer(message, None).and_then(|answer| answer.reply)
        {
            socket.send_slice(&reply, (IpAddress::v4(255, 255, 255, 255), 68)).unwrap();
        }
        self.interface.poll(stack_time(now), &mut self.port, &mut self.sockets);
        let out = std::mem::take(&mut self.port.outbound);
        out.into_iter().map(|ethernet| self.sealed(&ethernet)).collect()
    }
}

impl Firmware for SoftAccessPoint {
    fn hear(&mut self, now: Instant, frame: &RadioFrame, signal: i8) -> Vec<Vec<u8>> {
        let header = Header::of(&frame.bytes).unwrap();
        let from = header.transmitter();
        assert_eq!(signal, -40);
        if !self.answers || header.receiver() != OWN && !is_group(header.receiver()) {
            return Vec::new();
        }
        if let Some(body) = Body::of(&header) {
            return self.managed(from, body);
        }
        let key = self.phones.get(&from).and_then(|(_, key)| *key);
        let opened = match key.filter(|_| header.has(PROTECTED)) {
            Some(key) => ccmp::decrypt(&key, &frame.bytes).unwrap(),
            None => frame.bytes.to_vec(),
        };
        let ethernet = data::to_ethernet(&opened).unwrap();
        if ethernet[12..14] != data::EAPOL.to_be_bytes() {
            assert_eq!(header.has(PROTECTED), self.passphrase.is_some());
            return self.bridged(now, ethernet);
        }
        let (authenticator, key) = self.phones.get_mut(&from).unwrap();
        let authenticator = authenticator.as_mut().unwrap();
        match authenticator.receive(&ethernet[14..], &GROUP, self.packet_number) {
            Ok(Step::Send(third)) => vec![self.key_message(from, &third)],
            Ok(Step::Established(its)) => {
                *key = Some(its);
                Vec::new()
            }
            Ok(Step::GroupKeyTaken) => panic!("no group key was renewed"),
            Err(_) => match authenticator.repeat() {
                Some(first) => vec![self.key_message(from, &first)],
                None => Vec::new(),
            },
        }
    }
}

impl Bench<SoftAccessPoint> {
    /// Runs for so long, with beacons.
    pub(super) fn beacon_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let beacon = self.firmware.beacon(self.now);
            self.send(beacon);
            self.run(Duration::from_micros(102_400));
        }
    }
}
