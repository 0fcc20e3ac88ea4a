//! Whether another device has this device's address: asked once when it is given (an ARP announcement, RFC 5227 §2.3),
//! and heard of whenever the other one answers for it. Such an address is declined (DHCPDECLINE, RFC 2131 §4.4.4), so
//! that the router gives another.
//!
//! The stack has no words for either; [`Listener`](crate::listener::Listener) sends these frames before one of the
//! stack's own.
//!
//! Not done: the probes before an address is used (RFC 5227 §2.1), which would delay each join by seconds.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType, DhcpPacket, DhcpRepr,
    EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IPV4_HEADER_LEN, IpProtocol, Ipv4Address,
    Ipv4Packet, Ipv4Repr, UDP_HEADER_LEN, UdpPacket, UdpRepr,
};

/// An address that was given, and who gave it to whom.
#[derive(Clone, Copy)]
pub(crate) struct Given {
    pub address: Ipv4Address,
    pub server: Ipv4Address,
    pub client: EthernetAddress,
}

/// A frame that the stack does not send.
#[derive(Clone, Copy)]
pub(crate) enum Own {
    /// The device has this address.
    Announcement(Given),
    /// It does not want it.
    Decline(Given),
}

impl Own {
    /// How long the frame is.
    pub fn length(&self) -> usize {
        let payload = match self {
            Self::Announcement(given) => announcement(given).buffer_len(),
            Self::Decline(given) => IPV4_HEADER_LEN + UDP_HEADER_LEN + decline(given).buffer_len(),
        };
        EthernetFrame::<&[u8]>::header_len() + payload
    }

    /// Writes it into a frame of that length.
    pub fn emit(&self, frame: &mut [u8]) {
        let (client, ethertype) = match self {
            Self::Announcement(given) => (given.client, EthernetProtocol::Arp),
            Self::Decline(given) => (given.client, EthernetProtocol::Ipv4),
        };
        let mut frame = EthernetFrame::new_unchecked(frame);
        EthernetRepr { src_addr: client, dst_addr: EthernetAddress::BROADCAST, ethertype }.emit(&mut frame);
        match self {
            Self::Announcement(given) => announcement(given).emit(&mut ArpPacket::new_unchecked(frame.payload_mut())),
            Self::Decline(given) => emit_decline(given, frame.payload_mut()),
        }
    }
}

fn announcement(given: &Given) -> ArpRepr {
    ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: given.client,
        source_protocol_addr: given.address,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: given.address,
    }
}

fn decline(given: &Given) -> DhcpRepr<'static> {
    DhcpRepr {
        message_type: DhcpMessageType::Decline,
        // Nobody answers it.
        transaction_id: u32::from(given.address),
        secs: 0,
        client_hardware_address: given.client,
        client_ip: Ipv4Address::UNSPECIFIED,
        your_ip: Ipv4Address::UNSPECIFIED,
        server_ip: Ipv4Address::UNSPECIFIED,
        router: None,
        subnet_mask: None,
        relay_agent_ip: Ipv4Address::UNSPECIFIED,
        broadcast: false,
        requested_ip: Some(given.address),
        client_identifier: Some(given.client),
        server_identifier: Some(given.server),
        parameter_request_list: None,
        dns_servers: None,
        max_size: None,
        lease_duration: None,
        renew_duration: None,
        rebind_duration: None,
        additional_options: &[],
    }
}

#[inline(never)]
fn emit_decline(given: &Given, payload: &mut [u8]) {
    let checksums = ChecksumCapabilities::default();
    let dhcp = decline(given);
    let udp = UdpRepr { src_port: DHCP_CLIENT_PORT, dst_port: DHCP_SERVER_PORT };
    let ip = Ipv4Repr {
        src_addr: Ipv4Address::UNSPECIFIED,
        dst_addr: Ipv4Address::BROADCAST,
        next_header: IpProtocol::Udp,
        payload_len: udp.header_len() + dhcp.buffer_len(),
        hop_limit: 64,
    };
    let mut packet = Ipv4Packet::new_unchecked(payload);
    ip.emit(&mut packet, &checksums);
    let (source, destination) = (ip.src_addr.into(), ip.dst_addr.into());
    let write = |payload: &mut [u8]| {
        // The buffer has the representation's length.
        let _written = dhcp.emit(&mut DhcpPacket::new_unchecked(payload));
    };
    let length = dhcp.buffer_len();
    udp.emit(&mut UdpPacket::new_unchecked(packet.payload_mut()), &source, &destination, length, write, &checksums);
}

/// Whose address `frame` says a station has, if it is a message of ARP.
pub(super) fn claim(frame: &[u8]) -> Option<(EthernetAddress, Ipv4Address)> {
    let frame = EthernetFrame::new_checked(frame).ok().filter(|frame| frame.ethertype() == EthernetProtocol::Arp)?;
    match ArpRepr::parse(&ArpPacket::new_checked(frame.payload()).ok()?).ok()? {
        ArpRepr::EthernetIpv4 { source_hardware_addr, source_protocol_addr, .. } => {
            Some((source_hardware_addr, source_protocol_addr))
        }
        _ => None,
    }
}
