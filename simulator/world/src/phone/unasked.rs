//! What a phone sends without being asked, as soon as it is in a network: it looks for neighbours, routers and
//! services. A duck needs none of it, and has to bear it: these are frames to all, and come at once.
//!
//! On joining: a multicast listener report (RFC 3810), a neighbour solicitation for its own address (RFC 4862) and a
//! router solicitation (RFC 4861), all IPv6. With an address: an ARP announcement (RFC 5227), an IGMP report (RFC 3376)
//! and a question for services (RFC 6762, RFC 6763). Not modelled: that all of this comes again later, and answers to
//! it.

use core::net::{Ipv4Addr, Ipv6Addr};

use smoltcp::wire::EthernetAddress;

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86DD;
const HOP_BY_HOP: u8 = 0;
const IGMP: u8 = 2;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const MDNS_PORT: u16 = 5_353;
const MDNS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const IGMP_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);
/// A router alert for a listener report, filled up to eight bytes without the next header's number.
const ROUTER_ALERT: [u8; 7] = [0, 5, 2, 0, 0, 1, 0];

/// The frames of a phone that has joined.
pub(super) fn on_joining(station: EthernetAddress) -> [Vec<u8>; 3] {
    let [a, b, c, d, e, f] = station.0;
    let own = Ipv6Addr::from([0xFE, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xFF, 0xFE, d, e, f]);
    let solicited = Ipv6Addr::from([0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, d, e, f]);
    let routers = Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 0, 2);
    let listeners = Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 0, 0x16);
    let nobody = Ipv6Addr::UNSPECIFIED;

    // One record: from now on all senders of that group.
    let report = [&[143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0], solicited.octets().as_slice()].concat();
    let solicitation = [&[135, 0, 0, 0, 0, 0, 0, 0], own.octets().as_slice()].concat();
    let router = [&[133, 0, 0, 0, 0, 0, 0, 0, 1, 1], station.0.as_slice()].concat();
    [
        ipv6(station, nobody, listeners, &[ROUTER_ALERT.as_slice()], report),
        ipv6(station, nobody, solicited, &[], solicitation),
        ipv6(station, own, routers, &[], router),
    ]
}

/// The frames of a phone that has got its address.
pub(super) fn on_lease(station: EthernetAddress, address: Ipv4Addr) -> [Vec<u8>; 3] {
    let own = address.octets();
    let mut announcement = vec![0, 1, 8, 0, 6, 4, 0, 1];
    announcement.extend(station.0);
    announcement.extend(own);
    announcement.extend([0; 6]);
    announcement.extend(own);

    // One record: the group of mDNS, with all senders.
    let mut report = [&[0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0], MDNS.octets().as_slice()].concat();
    set_checksum(&mut report, 2, 0);

    // Which services there are: PTR of `_services._dns-sd._udp.local`.
    let mut question = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in ["_services", "_dns-sd", "_udp", "local"] {
        question.push(label.len() as u8);
        question.extend(label.bytes());
    }
    question.extend([0, 0, 12, 0, 1]);
    let length = 8 + question.len() as u16;
    let [port, length_bytes] = [MDNS_PORT, length].map(u16::to_be_bytes);
    let mut datagram = [port.as_slice(), &port, &length_bytes, &[0, 0], &question].concat();
    let pseudo = sum(&own) + sum(&MDNS.octets()) + u32::from(UDP) + u32::from(length);
    set_checksum(&mut datagram, 6, pseudo);

    [
        ethernet([0xFF; 6], station, ARP, &announcement),
        ipv4(station, address, IGMP_ROUTERS, 1, IGMP, &report),
        ipv4(station, address, MDNS, 255, UDP, &datagram),
    ]
}

fn ethernet(to: [u8; 6], from: EthernetAddress, kind: u16, payload: &[u8]) -> Vec<u8> {
    [to.as_slice(), &from.0, &kind.to_be_bytes(), payload].concat()
}

fn ipv4(station: EthernetAddress, from: Ipv4Addr, to: Ipv4Addr, hops: u8, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, hops, protocol, 0, 0];
    packet.extend(from.octets());
    packet.extend(to.octets());
    set_checksum(&mut packet, 10, 0);
    packet.extend(payload);
    let [_, b, c, d] = to.octets();
    ethernet([0x01, 0x00, 0x5E, b & 0x7F, c, d], station, IPV4, &packet)
}

/// An ICMPv6 message, behind these extension headers of hop-by-hop options without their first bytes.
fn ipv6(station: EthernetAddress, from: Ipv6Addr, to: Ipv6Addr, options: &[&[u8]], mut message: Vec<u8>) -> Vec<u8> {
    let pseudo = sum(&from.octets()) + sum(&to.octets()) + message.len() as u32 + u32::from(ICMPV6);
    set_checksum(&mut message, 2, pseudo);
    let first = if options.is_empty() { ICMPV6 } else { HOP_BY_HOP };
    let length = (message.len() + 8 * options.len()) as u16;
    let mut packet = [&[0x60, 0, 0, 0], length.to_be_bytes().as_slice(), &[first, 255]].concat();
    packet.extend(from.octets());
    packet.extend(to.octets());
    for option in options {
        packet.push(ICMPV6);
        packet.extend(*option);
    }
    packet.extend(message);
    let [.., a, b, c, d] = to.octets();
    ethernet([0x33, 0x33, a, b, c, d], station, IPV6, &packet)
}

/// The sum that a checksum is made of: of 16-bit numbers, the last filled up with a zero.
fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum()
}

/// Writes the Internet checksum (RFC 1071) over `bytes`, and over what sums up to `more`, to the two bytes from `at`
/// on.
fn set_checksum(bytes: &mut [u8], at: usize, more: u32) {
    let mut total = sum(bytes) + more;
    while total > 0xFFFF {
        total = (total & 0xFFFF) + (total >> 16);
    }
    bytes[at..at + 2].copy_from_slice(&(!total as u16).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{
        ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, IpAddress, Ipv4Packet, Ipv4Repr, UdpPacket,
    };

    use super::*;

    const STATION: EthernetAddress = EthernetAddress([0x02, 0, 0, 0xA1, 0xB2, 0xC3]);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 4, 16);

    #[test]
    fn all_of_it_is_for_all() {
        for frame in on_joining(STATION).iter().chain(&on_lease(STATION, ADDRESS)) {
            let frame = EthernetFrame::new_checked(frame).unwrap();
            assert!(!frame.dst_addr().is_unicast());
            assert_eq!(frame.src_addr(), STATION);
        }
    }

    #[test]
    fn the_announcement_and_the_question_are_read_by_a_stack() {
        let [announcement, report, question] = on_lease(STATION, ADDRESS);
        let arp = EthernetFrame::new_checked(&announcement).unwrap();
        let arp = ArpRepr::parse(&ArpPacket::new_checked(arp.payload()).unwrap()).unwrap();
        let ArpRepr::EthernetIpv4 { source_protocol_addr, target_protocol_addr, .. } = arp else { panic!("{arp:?}") };
        assert_eq!((source_protocol_addr, target_protocol_addr), (ADDRESS, ADDRESS));
        let checksums = ChecksumCapabilities::default();
        for frame in [&report, &question] {
            let frame = EthernetFrame::new_checked(frame).unwrap();
            let packet = Ipv4Packet::new_checked(frame.payload()).unwrap();
            Ipv4Repr::parse(&packet, &checksums).unwrap();
        }
        let frame = EthernetFrame::new_checked(&question).unwrap();
        let packet = Ipv4Packet::new_checked(frame.payload()).unwrap();
        let datagram = UdpPacket::new_checked(packet.payload()).unwrap();
        assert!(datagram.verify_checksum(&IpAddress::Ipv4(ADDRESS), &IpAddress::Ipv4(MDNS)));
        assert_eq!((datagram.src_port(), datagram.dst_port()), (MDNS_PORT, MDNS_PORT));
    }

    #[test]
    fn ipv6s_messages_sum_up_with_their_pseudo_header() {
        for (frame, header) in on_joining(STATION).iter().zip([48, 40, 40]) {
            let frame = EthernetFrame::new_checked(frame).unwrap();
            assert_eq!(frame.ethertype(), EthernetProtocol::Ipv6);
            let packet = frame.payload();
            assert_eq!(packet.len(), 40 + usize::from(u16::from_be_bytes([packet[4], packet[5]])));
            let message = &packet[header..];
            let mut total = sum(&packet[8..40]) + sum(message) + message.len() as u32 + 58;
            while total > 0xFFFF {
                total = (total & 0xFFFF) + (total >> 16);
            }
            assert_eq!(total, 0xFFFF);
        }
    }
}
