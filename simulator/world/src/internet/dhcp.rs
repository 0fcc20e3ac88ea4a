//! A router's DHCP server (RFC 2131, options RFC 2132): one address for each client by its hardware address, for a day
//! or as long as its router is set to.
//!
//! Messages go in and come out as UDP payloads; the router frames them. Not modelled: relay agents, client identifiers
//! other than the hardware address, and leases that run out (a client keeps its address for ever, as on most home
//! routers).

use core::net::Ipv4Addr;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use smoltcp::wire::{DhcpMessageType, DhcpOption, DhcpPacket, DhcpRepr, EthernetAddress};

use super::fault::{DhcpFault, DhcpOptions, Told};
use simulator_record::events::LeaseOutcome;

/// How long a lease lasts if nothing else is said, in seconds.
const LEASE_SECONDS: u32 = 86_400;
/// The last byte of the first address given out; those below are for devices with fixed addresses.
const FIRST_HOST: u8 = 10;
/// The last byte of the last one.
const LAST_HOST: u8 = 250;
/// The NTP servers option (RFC 2132 §8.3).
const NTP_SERVERS: u8 = 42;

/// The DHCP server of one network.
#[derive(Debug)]
pub(crate) struct DhcpServer {
    /// Its own address.
    router: Ipv4Addr,
    /// The way out that it tells clients of.
    gateway: Ipv4Addr,
    /// The name server it tells clients of.
    name_server: Ipv4Addr,
    /// The time server it tells clients of.
    time_server: Ipv4Addr,
    /// How long its leases last, in seconds.
    lease: u32,
    leases: BTreeMap<EthernetAddress, Ipv4Addr>,
    /// Clients that were forgotten while a fault says so, and the addresses that they had: others have got those since.
    forgotten: BTreeMap<EthernetAddress, Option<Ipv4Addr>>,
    /// The address that another device has while a fault says so.
    taken: Option<Ipv4Addr>,
    /// Addresses that clients did not want.
    declined: BTreeSet<Ipv4Addr>,
}

/// What the server did with a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// How it ended.
    pub outcome: LeaseOutcome,
    /// The address concerned.
    pub address: Option<Ipv4Addr>,
    /// The reply's UDP payload, and where to it goes; `None` if the client is ignored.
    pub reply: Option<(Vec<u8>, Destination)>,
    /// How much later it goes.
    pub later: Duration,
    /// What the fault did, if it did anything.
    pub effect: Option<String>,
}

/// Where a reply goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// To every station.
    Broadcast,
    /// To the client, by this address.
    Client(Ipv4Addr),
}

impl DhcpServer {
    /// The server of the /24 network that `router` belongs to, which is also gateway and name server.
    pub fn new(router: Ipv4Addr, time_server: Ipv4Addr) -> Self {
        Self {
            router,
            gateway: router,
            name_server: router,
            time_server,
            lease: LEASE_SECONDS,
            leases: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            taken: None,
            declined: BTreeSet::new(),
        }
    }

    /// The address that another device has.
    pub fn taken(&self) -> Option<Ipv4Addr> {
        self.taken
    }

    /// The same with another way out and another name server.
    pub fn telling(self, gateway: Ipv4Addr, name_server: Ipv4Addr) -> Self {
        Self { gateway, name_server, ..self }
    }

    /// The same with leases that last so long, in whole seconds.
    pub fn with_leases_of(self, length: Duration) -> Self {
        Self { lease: u32::try_from(length.as_secs()).unwrap_or(u32::MAX), ..self }
    }

    /// Deals with a message from a client, which a `fault` may concern; `None` for what needs no reply.
    pub fn answer(&mut self, message: &[u8], fault: Option<DhcpFault>) -> Option<Answer> {
        let packet = DhcpPacket::new_checked(message).ok()?;
        let request = DhcpRepr::parse(&packet).ok()?;
        let client = request.client_hardware_address;
        if request.server_identifier.is_some_and(|server| server != self.router) {
            return None;
        }
        // Whether its address is lost to it by this, of which a client that asks for any address is not told.
        let mut is_forgotten_now = false;
        if fault != Some(DhcpFault::Forgotten) {
            self.forgotten.clear();
        } else if let Entry::Vacant(unknown) = self.forgotten.entry(client) {
            let address = self.leases.remove(&client);
            is_forgotten_now = address.is_some();
            unknown.insert(address);
        }
        if fault == Some(DhcpFault::Taken) {
            self.taken = self.taken.or_else(|| self.address_of(client));
        } else if fault.is_none() {
            self.taken = None;
        }
        let told = match fault {
            Some(DhcpFault::Silent) => return Some(ignored("the DHCP server did not answer")),
            Some(DhcpFault::Full) if !self.leases.contains_key(&client) => {
                return Some(ignored("the DHCP server had no address left"));
            }
            Some(DhcpFault::Lease(length)) => {
                let seconds = u32::try_from(length.as_secs()).unwrap_or(u32::MAX);
                DhcpOptions { lease: Told::Other(seconds), ..DhcpOptions::default() }
            }
            Some(DhcpFault::Tells(options)) => options,
            Some(DhcpFault::NewGateway(address)) => {
                DhcpOptions { gateway: Told::Other(address), ..DhcpOptions::default() }
            }
            Some(
                DhcpFault::Refuse | DhcpFault::Slow(_) | DhcpFault::Full | DhcpFault::Forgotten | DhcpFault::Taken,
            )
            | None => DhcpOptions::default(),
        };
        let mut answer = match request.message_type {
            DhcpMessageType::Discover => {
                let address = self.address_of(client)?;
                self.reply(&request, DhcpMessageType::Offer, address, told)
            }
            DhcpMessageType::Request => {
                let wanted = request.requested_ip.unwrap_or(request.client_ip);
                let known = self.leases.get(&client) == Some(&wanted) && fault != Some(DhcpFault::Refuse);
                let kind = if known { DhcpMessageType::Ack } else { DhcpMessageType::Nak };
                self.reply(&request, kind, wanted, told)
            }
            DhcpMessageType::Inform => self.reply(&request, DhcpMessageType::Ack, request.client_ip, told),
            DhcpMessageType::Release => {
                self.leases.remove(&client);
                return None;
            }
            DhcpMessageType::Decline => {
                let address = self.leases.remove(&client)?;
                self.declined.insert(address);
                return Some(declined(address));
            }
            _ => return None,
        };
        let refused = answer.outcome == LeaseOutcome::Refused;
        answer.effect = match fault {
            Some(DhcpFault::Refuse) if refused => Some("the DHCP server refused a lease".to_owned()),
            Some(DhcpFault::Forgotten) if refused || is_forgotten_now => {
                Some("the DHCP server had forgotten the client".to_owned())
            }
            Some(DhcpFault::Tells(_)) if !refused => Some("the DHCP server told something else than is so".to_owned()),
            Some(DhcpFault::NewGateway(address)) if !refused => {
                Some(format!("the DHCP server told the new gateway {address}"))
            }
            Some(DhcpFault::Lease(length)) if !refused => Some(format!("the DHCP server gave a lease of {length:?}")),
            Some(DhcpFault::Slow(delay)) => {
                answer.later = delay;
                Some(format!("the DHCP server took {delay:?}"))
            }
            Some(
                DhcpFault::Silent
                | DhcpFault::Full
                | DhcpFault::Refuse
                | DhcpFault::Forgotten
                | DhcpFault::Taken
                | DhcpFault::Tells(_)
                | DhcpFault::NewGateway(_)
                | DhcpFault::Lease(_),
            )
            | None => None,
        };
        Some(answer)
    }

    /// The client's address: the one it had, or the lowest free one. `None` if the network is full.
    fn address_of(&mut self, client: EthernetAddress) -> Option<Ipv4Addr> {
        if let Some(&address) = self.leases.get(&client) {
            return Some(address);
        }
        let [a, b, c, _] = self.router.octets();
        let others = self.forgotten.get(&client).copied().flatten();
        let address = (FIRST_HOST..=LAST_HOST).map(|host| Ipv4Addr::new(a, b, c, host)).find(|address| {
            let is_taken = self.leases.values().any(|taken| taken == address);
            others != Some(*address) && !self.declined.contains(address) && !is_taken
        })?;
        self.leases.insert(client, address);
        Some(address)
    }

    fn reply(&self, request: &DhcpRepr<'_>, kind: DhcpMessageType, address: Ipv4Addr, told: DhcpOptions) -> Answer {
        let refused = kind == DhcpMessageType::Nak;
        let informed = request.message_type == DhcpMessageType::Inform;
        let said = |told: Told<Ipv4Addr>, truth| if refused { None } else { told.or(truth) };
        let time_server = self.time_server.octets();
        let options = [DhcpOption { kind: NTP_SERVERS, data: &time_server }];
        let reply = DhcpRepr {
            message_type: kind,
            transaction_id: request.transaction_id,
            secs: 0,
            client_hardware_address: request.client_hardware_address,
            client_ip: if refused { Ipv4Addr::UNSPECIFIED } else { request.client_ip },
            your_ip: if refused || informed { Ipv4Addr::UNSPECIFIED } else { address },
            server_ip: Ipv4Addr::UNSPECIFIED,
            router: said(told.gateway, self.gateway),
            subnet_mask: said(told.subnet_mask, Ipv4Addr::new(255, 255, 255, 0)),
            relay_agent_ip: Ipv4Addr::UNSPECIFIED,
            broadcast: request.broadcast,
            requested_ip: None,
            client_identifier: None,
            server_identifier: Some(self.router),
            parameter_request_list: None,
            dns_servers: said(told.name_server, self.name_server).map(|server| [server].into_iter().collect()),
            max_size: None,
            lease_duration: if refused || informed { None } else { told.lease.or(self.lease) },
            renew_duration: None,
            rebind_duration: None,
            additional_options: if refused { &[] } else { &options },
        };
        let mut message = vec![0; reply.buffer_len()];
        reply
            .emit(&mut DhcpPacket::new_unchecked(&mut message[..]))
            .expect("the buffer has the representation's length");
        // RFC 2131 §4.1: a refusal is always broadcast; a client that has an address is sent to there.
        let destination = if refused {
            Destination::Broadcast
        } else if !request.client_ip.is_unspecified() {
            Destination::Client(request.client_ip)
        } else if request.broadcast {
            Destination::Broadcast
        } else {
            Destination::Client(address)
        };
        Answer {
            outcome: match kind {
                DhcpMessageType::Offer => LeaseOutcome::Offered,
                DhcpMessageType::Ack => LeaseOutcome::Acknowledged,
                _ => LeaseOutcome::Refused,
            },
            address: Some(address),
            reply: Some((message, destination)),
            later: Duration::ZERO,
            effect: None,
        }
    }
}

/// The client does not want the address that it was given.
fn declined(address: Ipv4Addr) -> Answer {
    Answer { outcome: LeaseOutcome::Declined, address: Some(address), reply: None, later: Duration::ZERO, effect: None }
}

/// The client gets no answer.
fn ignored(why: &str) -> Answer {
    Answer {
        outcome: LeaseOutcome::Ignored,
        address: None,
        reply: None,
        later: Duration::ZERO,
        effect: Some(why.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 3, 1);

    fn message(kind: DhcpMessageType, client: u8, requested: Option<Ipv4Addr>, server: Option<Ipv4Addr>) -> Vec<u8> {
        let repr = DhcpRepr {
            message_type: kind,
            transaction_id: 77,
            secs: 0,
            client_hardware_address: EthernetAddress([2, 0, 0, 0, 0, client]),
            client_ip: Ipv4Addr::UNSPECIFIED,
            your_ip: Ipv4Addr::UNSPECIFIED,
            server_ip: Ipv4Addr::UNSPECIFIED,
            router: None,
            subnet_mask: None,
            relay_agent_ip: Ipv4Addr::UNSPECIFIED,
            broadcast: true,
            requested_ip: requested,
            client_identifier: None,
            server_identifier: server,
            parameter_request_list: None,
            dns_servers: None,
            max_size: None,
            lease_duration: None,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        };
        let mut bytes = vec![0; repr.buffer_len()];
        repr.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..])).unwrap();
        bytes
    }

    /// What a reply tells.
    fn told<R>(answer: Option<Answer>, tell: impl FnOnce(&DhcpRepr<'_>) -> R) -> R {
        let (message, _) = answer.unwrap().reply.unwrap();
        tell(&DhcpRepr::parse(&DhcpPacket::new_checked(&message[..]).unwrap()).unwrap())
    }

    fn server() -> DhcpServer {
        DhcpServer::new(ROUTER, Ipv4Addr::new(203, 0, 113, 123))
    }

    #[test]
    fn a_client_keeps_its_address_and_others_get_other_ones() {
        let mut server = server();
        let mut discover = |client| server.answer(&message(DhcpMessageType::Discover, client, None, None), None);
        let first = discover(1).unwrap();
        let second = discover(2).unwrap();
        assert_eq!(first.outcome, LeaseOutcome::Offered);
        assert_ne!(first.address, second.address);
        assert_eq!(discover(1).unwrap(), first);
    }

    #[test]
    fn an_unknown_address_is_refused_by_broadcast() {
        let wanted = Ipv4Addr::new(10, 0, 0, 5);
        let answer = server().answer(&message(DhcpMessageType::Request, 1, Some(wanted), None), None).unwrap();
        assert_eq!(answer.outcome, LeaseOutcome::Refused);
        assert_eq!(answer.reply.as_ref().map(|(_, to)| *to), Some(Destination::Broadcast));
        assert_eq!(told(Some(answer), |told| told.your_ip), Ipv4Addr::UNSPECIFIED);
    }

    #[test]
    fn another_servers_clients_are_left_alone() {
        let other = Some(Ipv4Addr::new(192, 168, 3, 2));
        assert_eq!(server().answer(&message(DhcpMessageType::Request, 1, other, other), None), None);
    }

    #[test]
    fn a_network_has_room_for_a_hundred_clients_and_an_end() {
        let mut server = server();
        let given = (0..=255)
            .filter_map(|client| server.answer(&message(DhcpMessageType::Discover, client, None, None), None)?.address);
        let given: BTreeSet<_> = given.collect();
        assert_eq!(given.len(), 241);
    }

    #[test]
    fn a_client_that_was_forgotten_is_refused_and_gets_another_address() {
        let mut server = server();
        let mut ask = |kind, requested, fault| server.answer(&message(kind, 1, requested, None), fault).unwrap();
        let first = ask(DhcpMessageType::Discover, None, None).address;
        let forgotten = Some(DhcpFault::Forgotten);
        assert_eq!(ask(DhcpMessageType::Request, first, forgotten).outcome, LeaseOutcome::Refused);
        let second = ask(DhcpMessageType::Discover, None, forgotten).address;
        assert_ne!(first, second);
        assert_eq!(ask(DhcpMessageType::Request, second, forgotten).outcome, LeaseOutcome::Acknowledged);
    }

    #[test]
    fn a_client_that_was_forgotten_and_asks_for_any_address_gets_another_and_that_is_told_once() {
        let mut server = server();
        let mut ask = |kind, requested, fault| server.answer(&message(kind, 1, requested, None), fault).unwrap();
        let first = ask(DhcpMessageType::Discover, None, None).address;
        let forgotten = Some(DhcpFault::Forgotten);
        let offer = ask(DhcpMessageType::Discover, None, forgotten);
        assert_ne!(offer.address, first);
        assert!(offer.effect.is_some());
        assert_eq!(ask(DhcpMessageType::Request, offer.address, forgotten).effect, None);
    }

    #[test]
    fn a_server_that_has_forgotten_its_clients_keeps_to_what_it_offers() {
        let mut server = server();
        let mut ask = |client, kind, requested| {
            server.answer(&message(kind, client, requested, None), Some(DhcpFault::Forgotten)).unwrap()
        };
        // A client that it never knew has nothing that could be forgotten.
        let offered = ask(1, DhcpMessageType::Discover, None).address;
        assert_eq!(ask(1, DhcpMessageType::Request, offered).outcome, LeaseOutcome::Acknowledged);
        assert_eq!(ask(2, DhcpMessageType::Request, offered).outcome, LeaseOutcome::Refused);
    }

    #[test]
    fn a_refusal_tells_nothing_and_no_fault_claims_that_it_did() {
        let elsewhere = Some(Ipv4Addr::new(10, 0, 0, 5));
        let options = DhcpOptions { gateway: Told::Other(ROUTER), ..DhcpOptions::default() };
        for fault in [DhcpFault::Tells(options), DhcpFault::Lease(Duration::from_secs(60))] {
            let mut server = server();
            let mut ask = |kind| server.answer(&message(kind, 1, elsewhere, None), Some(fault)).unwrap();
            let refused = ask(DhcpMessageType::Request);
            assert_eq!((refused.outcome, &refused.effect), (LeaseOutcome::Refused, &None));
            assert_eq!(told(Some(refused), |told| (told.router, told.lease_duration)), (None, None));
            assert!(ask(DhcpMessageType::Discover).effect.is_some());
        }
    }

    #[test]
    fn a_full_server_leaves_its_clients_their_addresses() {
        let mut server = server();
        let mut ask = |client, fault| server.answer(&message(DhcpMessageType::Discover, client, None, None), fault);
        assert!(ask(1, None).is_some());
        let outcomes = [1, 2].map(|client| ask(client, Some(DhcpFault::Full)).unwrap().outcome);
        assert_eq!(outcomes, [LeaseOutcome::Offered, LeaseOutcome::Ignored]);
    }

    #[test]
    fn an_address_that_was_declined_is_given_to_nobody() {
        let mut server = server();
        let mut ask = |client, kind, requested| {
            server.answer(&message(kind, client, requested, None), Some(DhcpFault::Taken)).unwrap()
        };
        let first = ask(1, DhcpMessageType::Discover, None).address;
        assert_eq!(ask(1, DhcpMessageType::Request, first).outcome, LeaseOutcome::Acknowledged);
        let declined = ask(1, DhcpMessageType::Decline, first);
        assert_eq!((declined.outcome, declined.address, declined.reply), (LeaseOutcome::Declined, first, None));
        let others = [1, 2].map(|client| ask(client, DhcpMessageType::Discover, None).address);
        assert!(others[0] != others[1] && !others.contains(&first), "{others:?}");
        assert_eq!(server.taken(), first);
        server.answer(&message(DhcpMessageType::Discover, 3, None, None), None);
        assert_eq!(server.taken(), None, "the other device is gone");
    }

    #[test]
    fn options_are_told_or_left_out() {
        let nobody = Ipv4Addr::new(192, 168, 3, 254);
        let options = DhcpOptions {
            gateway: Told::Other(nobody),
            name_server: Told::Nothing,
            subnet_mask: Told::Nothing,
            lease: Told::True,
        };
        let discover = message(DhcpMessageType::Discover, 1, None, None);
        told(server().answer(&discover, Some(DhcpFault::Tells(options))), |told| {
            assert_eq!((told.router, told.subnet_mask, &told.dns_servers), (Some(nobody), None, &None));
            assert_eq!(told.lease_duration, Some(LEASE_SECONDS));
        });
    }

    #[test]
    fn a_lease_lasts_as_long_as_a_fault_says() {
        let mut server = server();
        let lease = |fault| {
            told(server.answer(&message(DhcpMessageType::Discover, 1, None, None), fault), |told| told.lease_duration)
        };
        let lasting = [None, Some(DhcpFault::Lease(Duration::from_secs(30)))].map(lease);
        assert_eq!(lasting, [Some(LEASE_SECONDS), Some(30)]);
    }
}
