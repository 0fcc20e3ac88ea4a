//! DHCP for the phones on the access point: `edge-dhcp` decides, this module carries its packets.
//!
//! Eight addresses, 192.168.4.2 to .9, each for ten minutes, with the duck as gateway and DNS server (RFC 2131, options
//! of RFC 2132). Replies are broadcast, which every client must accept and which needs no address resolution: a phone
//! that has gone cannot hold up the queue. Relayed requests are ignored.

use core::net::Ipv4Addr;

use edge_dhcp::server::{Server, ServerOptions};
use edge_dhcp::{DhcpOption, MessageType, Options, Packet};
use embassy_net::Stack;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_time::Instant;
use log::{info, warn};

use super::{ADDRESS, Arena};

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
const RECEIVED: usize = 1152;
const SENT: usize = 400;
/// Clients may count on servers to take 576 bytes of IP (RFC 2131 §2); some send a little more.
const REQUEST: usize = 640;
const REPLY: usize = 400;
/// Bytes of buffers.
pub(super) const ARENA: usize = RECEIVED + SENT + REQUEST + REPLY;

const FIRST: Ipv4Addr = Ipv4Addr::new(192, 168, 4, 2);
const LAST: Ipv4Addr = Ipv4Addr::new(192, 168, 4, 9);
const LEASES: usize = 8;
const LEASE_SECONDS: u32 = 600;
const DNS_SERVERS: &[Ipv4Addr] = &[ADDRESS];
/// Place of the flags in a packet, whose highest bit asks for a broadcast reply.
const FLAGS: usize = 10;

/// Hands out leases for ever.
pub(super) fn serve<'a>(stack: Stack<'a>, arena: &mut Arena<'a>) -> impl Future<Output = ()> + use<'a> {
    let (received, sent) = (arena.take(RECEIVED), arena.take(SENT));
    let (request, reply) = (arena.take(REQUEST), arena.take(REPLY));
    async move {
        let mut received_meta = [PacketMetadata::EMPTY; 2];
        let mut sent_meta = [PacketMetadata::EMPTY; 2];
        let mut socket = UdpSocket::new(stack, &mut received_meta, received, &mut sent_meta, sent);
        if socket.bind(SERVER_PORT).is_err() {
            warn!(target: "config", "could not open the DHCP port");
            return;
        }
        let mut leases = Leases::new(|| Instant::now().as_secs());
        loop {
            let Ok((length, _)) = socket.recv_from(request).await else { continue };
            if let Some(length) = leases.answer(&request[..length], reply) {
                // A reply that cannot be sent is asked for again.
                let _ = socket.send_to(&reply[..length], (Ipv4Addr::BROADCAST, CLIENT_PORT)).await;
            }
        }
    }
}

/// Who has which address.
struct Leases(Server<fn() -> u64, LEASES>);

impl Leases {
    /// No leases yet; `now` gives seconds since any fixed moment.
    fn new(now: fn() -> u64) -> Self {
        let mut server = Server::new(now, ADDRESS);
        (server.range_start, server.range_end) = (FIRST, LAST);
        Self(server)
    }

    /// Writes the reply to a packet into `reply`; its length, or `None` for no reply.
    fn answer(&mut self, bytes: &[u8], reply: &mut [u8]) -> Option<usize> {
        let request = Packet::decode(bytes).ok()?;
        if !request.giaddr.is_unspecified() {
            return None;
        }
        let mut gateways = [ADDRESS];
        let mut server = ServerOptions::new(ADDRESS, Some(&mut gateways));
        server.dns = DNS_SERVERS;
        server.lease_duration_secs = LEASE_SECONDS;
        let mut options = Options::buf();
        let packet = self.0.handle_request(&mut options, &server, &request)?;
        let is_granted = packet.options.iter().any(|option| option == DhcpOption::MessageType(MessageType::Ack));
        if is_granted {
            let [a, b, c, d, e, f, ..] = request.chaddr;
            let address = packet.yiaddr;
            info!(target: "config", "{address} leased to {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
        }
        let length = packet.encode(reply).ok()?.len();
        // The library reads and writes the broadcast flag at the wrong end of the field.
        reply[FLAGS..FLAGS + 2].copy_from_slice(&[bytes[FLAGS] & 0x80, 0]);
        Some(length)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn request(client: u8, options: &[DhcpOption<'_>]) -> Vec<u8> {
        let packet = Packet::new_request([2, 0, 0, 0, 0, client], 77, 0, None, false, Options::new(options));
        let mut bytes = [0; 576];
        let mut bytes = packet.encode(&mut bytes).unwrap().to_vec();
        bytes[FLAGS] = 0x80;
        bytes
    }

    fn ask(leases: &mut Leases, request: &[u8]) -> Option<(Ipv4Addr, Vec<u8>)> {
        let mut reply = [0; REPLY];
        let length = leases.answer(request, &mut reply)?;
        let packet = Packet::decode(&reply[..length]).unwrap();
        assert!(packet.reply && packet.xid == 77);
        assert_eq!(reply[FLAGS], request[FLAGS]);
        Some((packet.yiaddr, reply[..length].to_vec()))
    }

    fn kind(bytes: &[u8]) -> MessageType {
        let packet = Packet::decode(bytes).unwrap();
        let kind = packet.options.iter().find_map(|option| match option {
            DhcpOption::MessageType(kind) => Some(kind),
            _ => None,
        });
        kind.unwrap()
    }

    /// Discovers and requests as a phone does.
    fn lease(leases: &mut Leases, client: u8) -> Ipv4Addr {
        let wishes = DhcpOption::ParameterRequestList(&[1, 3, 6, 114]);
        let discover = request(client, &[DhcpOption::MessageType(MessageType::Discover), wishes]);
        let (offered, offer) = ask(leases, &discover).unwrap();
        assert_eq!(kind(&offer), MessageType::Offer);
        let chosen = [
            DhcpOption::MessageType(MessageType::Request),
            DhcpOption::ServerIdentifier(ADDRESS),
            DhcpOption::RequestedIpAddress(offered),
            wishes,
        ];
        let (given, ack) = ask(leases, &request(client, &chosen)).unwrap();
        assert_eq!((kind(&ack), given), (MessageType::Ack, offered));
        let ack = Packet::decode(&ack).unwrap();
        let told = edge_dhcp::Settings::new(&ack);
        assert_eq!((told.gateway, told.dns1), (Some(ADDRESS), Some(ADDRESS)));
        assert_eq!(told.subnet, Some(Ipv4Addr::new(255, 255, 255, 0)));
        given
    }

    #[test]
    fn phones_get_addresses_of_their_own_and_keep_them() {
        let mut leases = Leases::new(|| 0);
        let given: Vec<_> = (1..=8).map(|client| lease(&mut leases, client)).collect();
        let expected: Vec<_> = (2..=9).map(|last| Ipv4Addr::new(192, 168, 4, last)).collect();
        assert_eq!(given, expected);
        assert_eq!(lease(&mut leases, 3), given[2]);
        assert_eq!(ask(&mut leases, &request(9, &[DhcpOption::MessageType(MessageType::Discover)])), None);
    }

    #[test]
    fn an_address_outside_the_pool_is_refused() {
        let mut leases = Leases::new(|| 0);
        let elsewhere = DhcpOption::RequestedIpAddress(Ipv4Addr::new(10, 0, 0, 7));
        let wrong = request(1, &[DhcpOption::MessageType(MessageType::Request), elsewhere]);
        let (given, nak) = ask(&mut leases, &wrong).unwrap();
        assert_eq!((kind(&nak), given), (MessageType::Nak, Ipv4Addr::UNSPECIFIED));
    }

    #[test]
    fn a_request_to_another_server_is_not_ours() {
        let mut leases = Leases::new(|| 0);
        let other = DhcpOption::ServerIdentifier(Ipv4Addr::new(192, 168, 4, 77));
        let bytes = request(1, &[DhcpOption::MessageType(MessageType::Request), other]);
        assert_eq!(ask(&mut leases, &bytes), None);
    }

    proptest! {
        #[test]
        fn no_packet_is_too_strange(
            at in 0usize..300,
            noise in prop::collection::vec(any::<u8>(), 0..64),
            length in 0usize..400,
        ) {
            let mut bytes = request(1, &[DhcpOption::MessageType(MessageType::Discover)]);
            bytes.resize(400, 0);
            let end = (at + noise.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&noise[..end - at]);
            let _ = Leases::new(|| 0).answer(&bytes[..length], &mut [0; REPLY]);
        }
    }
}
