//! Frames taken apart and put together: what a router and the servers behind it need of Ethernet (IEEE 802.3),
//! ARP (RFC 826), IPv4 (RFC 791), UDP (RFC 768) and ICMP echo (RFC 792), over smoltcp's wire representations.
//!
//! [`parse`] answers `None` to whatever a network stack would drop unread: wrong checksums, wrong lengths, fragments,
//! other protocols. Nothing here keeps state.

use core::net::Ipv4Addr;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, Icmpv4Packet,
    Icmpv4Repr, IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, UdpPacket,
    UdpRepr,
};

/// Hops a packet from here survives.
const HOP_LIMIT: u8 = 64;

/// A frame, understood.
#[derive(Debug)]
pub(super) enum Inbound<'a> {
    /// Somebody asks who has `target`.
    WhoHas { sender: EthernetAddress, sender_address: Ipv4Addr, target: Ipv4Addr },
    /// An IPv4 packet.
    Packet {
        sender: EthernetAddress,
        receiver: EthernetAddress,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        payload: Payload<'a>,
    },
}

/// What an IPv4 packet carries.
#[derive(Debug)]
pub(super) enum Payload<'a> {
    Udp {
        source_port: u16,
        destination_port: u16,
        data: &'a [u8],
    },
    EchoRequest {
        identifier: u16,
        sequence: u16,
        data: &'a [u8],
    },
    /// `opens_at` is the initial sequence number of a segment that asks for a connection.
    Tcp {
        source_port: u16,
        destination_port: u16,
        opens_at: Option<TcpSeqNumber>,
    },
}

/// Takes a frame apart, all checksums checked.
pub(super) fn parse(frame: &[u8]) -> Option<Inbound<'_>> {
    let checksums = ChecksumCapabilities::default();
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    let sender = ethernet.src_addr();
    if !sender.is_unicast() {
        return None;
    }
    match ethernet.ethertype() {
        EthernetProtocol::Arp => {
            let ArpRepr::EthernetIpv4 { operation, source_protocol_addr, target_protocol_addr, .. } =
                ArpRepr::parse(&ArpPacket::new_checked(ethernet.payload()).ok()?).ok()?
            else {
                return None;
            };
            (operation == ArpOperation::Request).then_some(Inbound::WhoHas {
                sender,
                sender_address: source_protocol_addr,
                target: target_protocol_addr,
            })
        }
        EthernetProtocol::Ipv4 => {
            let packet = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
            if packet.more_frags() || packet.frag_offset() != 0 {
                return None;
            }
            let ip = Ipv4Repr::parse(&packet, &checksums).ok()?;
            let payload = parse_payload(&ip, packet.payload(), &checksums)?;
            let (receiver, source, destination) = (ethernet.dst_addr(), ip.src_addr, ip.dst_addr);
            Some(Inbound::Packet { sender, receiver, source, destination, payload })
        }
        _ => None,
    }
}

fn parse_payload<'a>(ip: &Ipv4Repr, bytes: &'a [u8], checksums: &ChecksumCapabilities) -> Option<Payload<'a>> {
    let (source, destination) = (IpAddress::Ipv4(ip.src_addr), IpAddress::Ipv4(ip.dst_addr));
    match ip.next_header {
        IpProtocol::Udp => {
            let packet = UdpPacket::new_checked(bytes).ok()?;
            let udp = UdpRepr::parse(&packet, &source, &destination, checksums).ok()?;
            Some(Payload::Udp { source_port: udp.src_port, destination_port: udp.dst_port, data: packet.payload() })
        }
        IpProtocol::Tcp => {
            let packet = TcpPacket::new_checked(bytes).ok()?;
            let tcp = TcpRepr::parse(&packet, &source, &destination, checksums).ok()?;
            Some(Payload::Tcp {
                source_port: tcp.src_port,
                destination_port: tcp.dst_port,
                opens_at: (tcp.control == TcpControl::Syn && tcp.ack_number.is_none()).then_some(tcp.seq_number),
            })
        }
        IpProtocol::Icmp => match Icmpv4Repr::parse(&Icmpv4Packet::new_checked(bytes).ok()?, checksums).ok()? {
            Icmpv4Repr::EchoRequest { ident, seq_no, data } => {
                Some(Payload::EchoRequest { identifier: ident, sequence: seq_no, data })
            }
            _ => None,
        },
        _ => None,
    }
}

/// Both ends of a packet to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    /// The sending station.
    pub from: EthernetAddress,
    /// The receiving station, or all.
    pub to: EthernetAddress,
    /// Its source address.
    pub source: Ipv4Addr,
    /// Its destination address.
    pub destination: Ipv4Addr,
}

/// An ARP message from `from` to `to`: an answer, or a request if `operation` says so.
pub(super) fn arp(operation: ArpOperation, ends: Ends) -> Vec<u8> {
    let message = ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: ends.from,
        source_protocol_addr: ends.source,
        target_hardware_addr: ends.to,
        target_protocol_addr: ends.destination,
    };
    ethernet(ends, EthernetProtocol::Arp, message.buffer_len(), |payload| {
        message.emit(&mut ArpPacket::new_unchecked(payload));
    })
}

/// A UDP datagram.
pub(super) fn udp(ends: Ends, source_port: u16, destination_port: u16, data: &[u8]) -> Vec<u8> {
    let message = UdpRepr { src_port: source_port, dst_port: destination_port };
    let (source, destination) = (IpAddress::Ipv4(ends.source), IpAddress::Ipv4(ends.destination));
    ipv4(ends, IpProtocol::Udp, message.header_len() + data.len(), |payload| {
        message.emit(
            &mut UdpPacket::new_unchecked(payload),
            &source,
            &destination,
            data.len(),
            |bytes| bytes.copy_from_slice(data),
            &ChecksumCapabilities::default(),
        );
    })
}

/// The answer to a ping.
pub(super) fn echo_reply(ends: Ends, identifier: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
    icmp(ends, &Icmpv4Repr::EchoReply { ident: identifier, seq_no: sequence, data })
}

/// An ICMP message.
pub(super) fn icmp(ends: Ends, message: &Icmpv4Repr<'_>) -> Vec<u8> {
    ipv4(ends, IpProtocol::Icmp, message.buffer_len(), |payload| {
        message.emit(&mut Icmpv4Packet::new_unchecked(payload), &ChecksumCapabilities::default());
    })
}

fn ipv4(ends: Ends, protocol: IpProtocol, length: usize, fill: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let header = Ipv4Repr {
        src_addr: ends.source,
        dst_addr: ends.destination,
        next_header: protocol,
        payload_len: length,
        hop_limit: HOP_LIMIT,
    };
    ethernet(ends, EthernetProtocol::Ipv4, header.buffer_len() + length, |bytes| {
        let mut packet = Ipv4Packet::new_unchecked(bytes);
        header.emit(&mut packet, &ChecksumCapabilities::default());
        fill(packet.payload_mut());
    })
}

fn ethernet(ends: Ends, protocol: EthernetProtocol, length: usize, fill: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = vec![0; EthernetFrame::<&[u8]>::buffer_len(length)];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    EthernetRepr { src_addr: ends.from, dst_addr: ends.to, ethertype: protocol }.emit(&mut frame);
    fill(frame.payload_mut());
    bytes
}

/// The source of the IPv4 packet in a frame that a stack of the world has made; `None` for other frames.
pub(super) fn source(frame: &[u8]) -> Option<Ipv4Addr> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    if ethernet.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    Some(Ipv4Packet::new_checked(ethernet.payload()).ok()?.src_addr())
}
