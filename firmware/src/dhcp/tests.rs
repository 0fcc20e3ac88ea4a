//! The delays, and what is heard of frames.

use std::vec::Vec;

use proptest::prelude::*;
use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, DhcpOption, EthernetRepr, Ipv4Address};

use super::*;
use crate::testing::Numbers;

const DUCK: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
const ROUTER: Ipv4Address = Ipv4Address::new(192, 168, 3, 1);
const TRANSACTION: u32 = 77;

/// What a test changes of a message: transaction, client, server identifier, lease time, T1.
#[derive(Clone, Copy)]
struct Message {
    kind: DhcpMessageType,
    transaction: u32,
    client: EthernetAddress,
    server: Option<Ipv4Address>,
    lease: Option<u32>,
    renewal: Option<u32>,
    rebinding: Option<u32>,
    address: Ipv4Address,
}

impl Message {
    fn new(kind: DhcpMessageType) -> Self {
        let (server, lease) = (Some(ROUTER), Some(86_400));
        let (transaction, client, address) = (TRANSACTION, DUCK, Ipv4Address::UNSPECIFIED);
        Self { kind, transaction, client, server, lease, renewal: None, rebinding: None, address }
    }

    fn frame(self, source_port: u16, destination_port: u16) -> Vec<u8> {
        // smoltcp reads T1 and T2 (RFC 2132 §9.11, §9.12), and writes them only as other options.
        let times = [(58, self.renewal), (59, self.rebinding)].map(|(kind, time)| (kind, time.map(u32::to_be_bytes)));
        let written = times.iter().filter_map(|(kind, time)| Some(DhcpOption { kind: *kind, data: time.as_ref()? }));
        let times: Vec<DhcpOption<'_>> = written.collect();
        let dhcp = DhcpRepr {
            message_type: self.kind,
            transaction_id: self.transaction,
            secs: 0,
            client_hardware_address: self.client,
            client_ip: Ipv4Address::UNSPECIFIED,
            your_ip: self.address,
            server_ip: Ipv4Address::UNSPECIFIED,
            router: None,
            subnet_mask: None,
            relay_agent_ip: Ipv4Address::UNSPECIFIED,
            broadcast: false,
            requested_ip: None,
            client_identifier: None,
            server_identifier: self.server,
            parameter_request_list: None,
            dns_servers: None,
            max_size: None,
            lease_duration: self.lease,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &times,
        };
        let checksums = ChecksumCapabilities::default();
        let udp = UdpRepr { src_port: source_port, dst_port: destination_port };
        let ip = Ipv4Repr {
            src_addr: ROUTER,
            dst_addr: Ipv4Address::BROADCAST,
            next_header: IpProtocol::Udp,
            payload_len: udp.header_len() + dhcp.buffer_len(),
            hop_limit: 64,
        };
        let ethernet = EthernetRepr {
            src_addr: EthernetAddress([2, 0, 0, 0, 1, 0]),
            dst_addr: EthernetAddress::BROADCAST,
            ethertype: EthernetProtocol::Ipv4,
        };
        let mut bytes = std::vec![0; ethernet.buffer_len() + ip.buffer_len() + ip.payload_len];
        let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
        ethernet.emit(&mut frame);
        let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
        ip.emit(&mut packet, &checksums);
        let (source, destination) = (IpAddress::Ipv4(ip.src_addr), IpAddress::Ipv4(ip.dst_addr));
        udp.emit(
            &mut UdpPacket::new_unchecked(packet.payload_mut()),
            &source,
            &destination,
            dhcp.buffer_len(),
            |payload| dhcp.emit(&mut DhcpPacket::new_unchecked(payload)).expect("it has room"),
            &checksums,
        );
        bytes
    }

    fn asked(self) -> Heard {
        let heard = Heard::default();
        heard.outgoing(&self.frame(DHCP_CLIENT_PORT, DHCP_SERVER_PORT));
        heard
    }

    /// What comes of it as the reply to DHCPREQUEST.
    fn replied(self) -> Option<Refusal> {
        let heard = Self::new(DhcpMessageType::Request).asked();
        heard.incoming(&self.frame(DHCP_SERVER_PORT, DHCP_CLIENT_PORT));
        heard.refusal.get()
    }
}

#[test]
fn attempts_are_4_8_16_32_and_then_64_seconds_apart_give_or_take_one() {
    let mut random = Numbers(3);
    let mut pace = Pace::new();
    let mut now = Instant::from_secs(100);
    assert!(pace.earliest <= now);
    let mut drawn = Vec::new();
    for middle in [4, 8, 16, 32, 64, 64, 64, 64] {
        pace.begin(now, &mut random);
        let delay = pace.earliest - now;
        let range = Duration::from_secs(middle - 1)..=Duration::from_secs(middle + 1);
        assert!(range.contains(&delay), "{delay} around {middle} s");
        drawn.push(delay.as_ticks() as i64 - 1_000_000 * middle as i64);
        now = pace.earliest;
    }
    drawn.dedup();
    assert_eq!(drawn.len(), 8, "each is drawn anew");
}

#[test]
fn a_refusal_is_heard_if_it_answers_our_request() {
    let nak = Message::new(DhcpMessageType::Nak);
    assert_eq!(nak.replied(), Some(Refusal::Refused));
    assert_eq!(Message { transaction: 78, ..nak }.replied(), None);
    assert_eq!(Message { client: EthernetAddress([2, 0, 0, 0, 0, 2]), ..nak }.replied(), None);
    assert_eq!(Message { server: None, ..nak }.replied(), None);
    let heard = Message::new(DhcpMessageType::Discover).asked();
    heard.incoming(&nak.frame(DHCP_SERVER_PORT, DHCP_CLIENT_PORT));
    assert_eq!(heard.refusal.get(), None, "nothing was requested");
}

#[test]
fn a_lease_that_keeps_the_device_busy_is_a_refusal() {
    let ack = Message::new(DhcpMessageType::Ack);
    for (message, expected) in [
        (ack, None),
        (Message { lease: None, ..ack }, None),
        (Message { lease: Some(4), ..ack }, None),
        (Message { lease: Some(3), ..ack }, Some(Refusal::TooShort)),
        (Message { lease: Some(0), ..ack }, Some(Refusal::TooShort)),
        (Message { renewal: Some(2), ..ack }, None),
        (Message { renewal: Some(0), ..ack }, Some(Refusal::TooShort)),
        (Message { rebinding: Some(0), ..ack }, Some(Refusal::TooShort)),
    ] {
        assert_eq!(message.replied(), expected, "{:?} {:?} {:?}", message.lease, message.renewal, message.rebinding);
    }
}

#[test]
fn a_damaged_refusal_is_not_heard() {
    let frame = Message::new(DhcpMessageType::Nak).frame(DHCP_SERVER_PORT, DHCP_CLIENT_PORT);
    // Behind the Ethernet header, whose addresses are the radio's to check.
    for at in 14..frame.len() {
        let heard = Message::new(DhcpMessageType::Request).asked();
        let mut damaged = frame.clone();
        damaged[at] ^= 0x10;
        heard.incoming(&damaged);
        assert_eq!(heard.refusal.get(), None, "byte {at}");
    }
}

/// A message of ARP in which `station` says that it has `address`.
fn claim(station: EthernetAddress, address: Ipv4Address) -> Vec<u8> {
    let arp = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr: station,
        source_protocol_addr: address,
        target_hardware_addr: DUCK,
        target_protocol_addr: address,
    };
    let ethernet = EthernetRepr { src_addr: station, dst_addr: DUCK, ethertype: EthernetProtocol::Arp };
    let mut bytes = std::vec![0; ethernet.buffer_len() + arp.buffer_len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    ethernet.emit(&mut frame);
    arp.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
    bytes
}

/// The frame that goes out before the stack's next one.
fn own_frame(heard: &Heard) -> Option<Vec<u8>> {
    let own = heard.own.take()?;
    let mut bytes = std::vec![0xA5; own.length()];
    own.emit(&mut bytes);
    Some(bytes)
}

#[test]
fn a_new_address_is_announced_and_one_that_another_device_has_is_declined() {
    const OTHER: EthernetAddress = EthernetAddress([2, 0, 2, 0, 0, 1]);
    let address = Ipv4Address::new(192, 168, 3, 10);
    let ack = Message { address, ..Message::new(DhcpMessageType::Ack) }.frame(DHCP_SERVER_PORT, DHCP_CLIENT_PORT);
    let heard = Message::new(DhcpMessageType::Request).asked();
    heard.incoming(&claim(OTHER, address));
    assert_eq!(heard.refusal.get(), None, "it is nobody's yet");
    heard.incoming(&ack);
    let announced = own_frame(&heard).unwrap();
    assert_eq!(conflict::claim(&announced), Some((DUCK, address)));
    heard.incoming(&ack);
    assert_eq!(own_frame(&heard), None, "a renewal is no news");
    heard.incoming(&claim(DUCK, address));
    heard.incoming(&claim(OTHER, Ipv4Address::new(192, 168, 3, 11)));
    assert_eq!(heard.refusal.get(), None, "its own, and another address");
    heard.incoming(&claim(OTHER, address));
    assert_eq!(heard.refusal.take(), Some(Refusal::Taken));
    heard.forget();
    let declined = own_frame(&heard).unwrap();
    let mut seen = None;
    message(&declined, DHCP_SERVER_PORT, |message| {
        seen = Some((message.message_type, message.requested_ip, message.server_identifier));
        assert_eq!((message.client_hardware_address, message.client_ip), (DUCK, Ipv4Address::UNSPECIFIED));
    });
    assert_eq!(seen, Some((DhcpMessageType::Decline, Some(address), Some(ROUTER))));
    assert_eq!(declined[..12], [&[0xFF; 6][..], &DUCK.0].concat());
}

proptest! {
    #[test]
    fn no_frame_is_too_strange(noise: Vec<u8>, at in 0_usize..400, length in 0_usize..400) {
        let heard = Message::new(DhcpMessageType::Request).asked();
        heard.incoming(&noise);
        let mut frame = Message::new(DhcpMessageType::Ack).frame(DHCP_SERVER_PORT, DHCP_CLIENT_PORT);
        let end = (at + noise.len()).min(frame.len());
        if at < end {
            frame[at..end].copy_from_slice(&noise[..end - at]);
        }
        frame.truncate(length);
        heard.incoming(&frame);
    }
}
