//! Frames of a capture, taken apart as far as the talk in them: Ethernet, raw IP, Linux cooked, 802.11 with or without
//! radiotap.

use pcap_parser::Linktype;
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket};

use super::super::evidence::Time;
use super::talk::{Beacon, Talk};

/// The hardware addresses between which a packet goes, where they are known.
#[derive(Clone, Copy, Default)]
struct Ends {
    from: Option<[u8; 6]>,
    to: Option<[u8; 6]>,
}

/// Looks at a packet.
pub(super) fn look(at: Time, number: u64, link: Linktype, data: &[u8], talk: &mut Talk) {
    match link {
        Linktype::ETHERNET => {
            if let Ok(frame) = EthernetFrame::new_checked(data)
                && frame.ethertype() == EthernetProtocol::Ipv4
            {
                let ends = Ends { from: Some(frame.src_addr().0), to: Some(frame.dst_addr().0) };
                ip(at, number, ends, frame.payload(), talk);
            }
        }
        Linktype::RAW | Linktype::IPV4 => ip(at, number, Ends::default(), data, talk),
        Linktype::LINUX_SLL if data.get(14..16) == Some(&[0x08, 0x00]) => {
            ip(at, number, Ends::default(), &data[16..], talk);
        }
        Linktype(105) => wireless(at, number, data, None, talk),
        Linktype(127) => {
            let length = data.get(2..4).map_or(0, |bytes| usize::from(u16::from_le_bytes([bytes[0], bytes[1]])));
            if let Some(frame) = data.get(length..).filter(|_| length >= 8) {
                let head = Radiotap::parse(&data[..length]).unwrap_or_default();
                let end = if head.flags & FCS_AT_END != 0 { frame.len().saturating_sub(4) } else { frame.len() };
                if head.flags & BAD_FCS == 0 {
                    wireless(at, number, &frame[..end], head.signal, talk);
                }
            }
        }
        _ => {}
    }
}

/// Radiotap's flags: the frame check sequence is in the capture; it was wrong.
const FCS_AT_END: u8 = 0x10;
const BAD_FCS: u8 = 0x40;

/// What a radiotap header tells (radiotap.org).
#[derive(Clone, Copy, Debug, Default)]
struct Radiotap {
    flags: u8,
    /// The antenna's signal, in dBm.
    signal: Option<i32>,
}

impl Radiotap {
    /// Reads a header; `None` if it ends before its fields do.
    fn parse(header: &[u8]) -> Option<Self> {
        let word = |at: usize| header.get(at..at + 4).map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]));
        let present = word(4)?;
        let mut at = 8;
        let mut more = present;
        while more >> 31 == 1 {
            more = word(at)?;
            at += 4;
        }
        let mut told = Self::default();
        // Fields lie aligned to their size: TSFT, flags, rate, channel, FHSS, and then the signal.
        for (bit, (align, size)) in [(8usize, 8), (1, 1), (1, 1), (2, 4), (2, 2), (1, 1)].into_iter().enumerate() {
            if present >> bit & 1 == 1 {
                at = at.next_multiple_of(align);
                match bit {
                    1 => told.flags = *header.get(at)?,
                    5 => told.signal = Some(i32::from(*header.get(at)? as i8)),
                    _ => {}
                }
                at += size;
            }
        }
        Some(told)
    }
}

fn wireless(at: Time, number: u64, frame: &[u8], signal: Option<i32>, talk: &mut Talk) {
    let (Some(control), Some(header)) = (frame.first_chunk::<2>(), frame.get(..24)) else { return };
    let address = |place: usize| -> [u8; 6] { std::array::from_fn(|index| header[place + index]) };
    match (control[0] >> 2 & 3, control[0] >> 4) {
        // Beacon, or the answer to a probe.
        (0, 8 | 5) => {
            let Some(body) = frame.get(24..).filter(|body| body.len() > 12) else { return };
            let mut beacon = Beacon {
                bssid: address(16),
                name: String::new(),
                channel: None,
                protected: body[10] & 0x10 != 0,
                signal,
            };
            let mut elements = &body[12..];
            while let [id, length, rest @ ..] = elements {
                let Some(content) = rest.get(..usize::from(*length)) else { break };
                match (id, content) {
                    (0, name) if beacon.name.is_empty() => beacon.name = String::from_utf8_lossy(name).into_owned(),
                    (3, [channel]) => beacon.channel = Some(*channel),
                    _ => {}
                }
                elements = &rest[usize::from(*length)..];
            }
            talk.beacon(at, number, beacon);
        }
        // Disassociation, deauthentication; from the access point if its address is the BSSID.
        (0, 10 | 12) if address(10) == address(16) => talk.sent_away(at, number, address(16), address(4)),
        (2, subtype) => {
            // To the distribution system, from it, between stations (IEEE 802.11-2020, table 9-30).
            let (ends, bssid) = match control[1] & 3 {
                1 => ((address(10), address(16)), Some(address(4))),
                2 => ((address(16), address(4)), Some(address(10))),
                _ => ((address(10), address(4)), None),
            };
            let station = if control[1] & 3 == 1 { ends.0 } else { ends.1 };
            // Whose it is can be read even where it is encrypted.
            if let Some(bssid) = bssid {
                talk.joined(station, bssid);
            }
            if control[1] & 0x40 != 0 || subtype & 4 != 0 {
                return;
            }
            let quality = if subtype & 8 != 0 { 2 } else { 0 };
            let four = if control[1] & 3 == 3 { 6 } else { 0 };
            if let Some([0xAA, 0xAA, 3, 0, 0, 0, 0x08, 0x00, packet @ ..]) = frame.get(24 + quality + four..) {
                ip(at, number, Ends { from: Some(ends.0), to: Some(ends.1) }, packet, talk);
            }
        }
        _ => {}
    }
}

fn ip(at: Time, number: u64, ends: Ends, packet: &[u8], talk: &mut Talk) {
    let Ok(packet) = Ipv4Packet::new_checked(packet) else { return };
    let from = talk.client(ends.from, packet.src_addr());
    let to = talk.client(ends.to, packet.dst_addr());
    match packet.next_header() {
        IpProtocol::Udp => {
            let Ok(datagram) = UdpPacket::new_checked(packet.payload()) else { return };
            let (source, target, data) = (datagram.src_port(), datagram.dst_port(), datagram.payload());
            match (source, target) {
                (67 | 68, 67 | 68) => talk.dhcp(at, number, data),
                (_, 53) => talk.dns(at, number, from, data),
                (53, _) => talk.dns(at, number, to, data),
                (_, 123) if data.first().is_some_and(|head| head & 7 == 3) => talk.ntp(at, number, from, data),
                (123, _) => talk.ntp(at, number, to, data),
                _ => {}
            }
        }
        IpProtocol::Tcp => {
            let Ok(segment) = TcpPacket::new_checked(packet.payload()) else { return };
            talk.tcp(at, number, from, to, &segment);
        }
        _ => {}
    }
}
