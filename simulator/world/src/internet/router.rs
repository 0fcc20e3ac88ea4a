//! One network's router, seen from its LAN: it answers ARP for itself, gives leases, resolves names, answers pings, and
//! passes on what is for the internet. What it answers itself is not delayed by the way to the servers.
//!
//! The way out may be another box, and so may the name server; what they do is done here, too, by their addresses.
//!
//! Not modelled: address translation (servers see the device's own address), a firewall, its web page, redirects from
//! one gateway to the other (ICMP).

use core::net::Ipv4Addr;
use std::time::Duration;

use smoltcp::wire::{ArpOperation, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, EthernetAddress};

use super::dhcp::{Destination, DhcpServer};
use super::dns::{self, Names};
use super::fault::{DnsFault, DnsRule};
use super::packet::{self, Ends, Inbound, Payload};
use super::server::{Shared, TIME_ADDRESS};
use simulator_record::events;

const DNS_PORT: u16 = 53;
/// A device that has another's address.
const OTHER: EthernetAddress = EthernetAddress([0x02, 0, 2, 0, 0, 1]);

/// What a router is set up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouterSettings {
    /// Its address on its LAN, a /24 network; `None` for the next 192.168.N.1.
    pub address: Option<Ipv4Addr>,
    /// How long its leases last, in whole seconds; `None` for a day.
    pub lease: Option<Duration>,
    /// The address of the box that is the way out, on the same LAN; `None` if it is the router itself.
    pub gateway: Option<Ipv4Addr>,
    /// The name server's address; `None` if it is the router itself.
    pub name_server: Option<Ipv4Addr>,
}

/// A router.
pub(super) struct Router {
    /// The network's name.
    name: String,
    /// The router's station on its LAN.
    pub station: EthernetAddress,
    /// Its address there, in a /24 network.
    pub address: Ipv4Addr,
    gateway: Option<Ipv4Addr>,
    name_server: Ipv4Addr,
    /// One way, to what is not on the LAN.
    latency: Duration,
    dhcp: DhcpServer,
}

/// What a router makes of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RouterDecision {
    /// It is done with it.
    Done,
    /// It answers, so much later.
    Answer { frame: Vec<u8>, later: Duration },
    /// It passes it on to the internet.
    PassOn,
    /// It has no such port, which the TCP stack tells the client.
    RefuseTcp { client: Ipv4Addr },
}

impl Router {
    /// The router of the network called `name`, at `address`.
    pub fn new(
        name: &str,
        station: EthernetAddress,
        address: Ipv4Addr,
        settings: RouterSettings,
        latency: Duration,
    ) -> Self {
        let RouterSettings { lease, gateway, name_server, .. } = settings;
        let name_server = name_server.unwrap_or(address);
        let dhcp = DhcpServer::new(address, TIME_ADDRESS).telling(gateway.unwrap_or(address), name_server);
        let dhcp = match lease {
            Some(length) => dhcp.with_leases_of(length),
            None => dhcp,
        };
        Self { name: name.to_owned(), station, address, gateway, name_server, latency, dhcp }
    }

    /// The station of the box at `address`: the router's own, or one of another box.
    fn station_at(&self, address: Ipv4Addr) -> EthernetAddress {
        let EthernetAddress([.., high, low]) = self.station;
        let other = EthernetAddress([0x02, 0, 1, address.octets()[3], high, low]);
        if address == self.address { self.station } else { other }
    }

    /// Deals with a frame from the LAN.
    pub fn receive(&mut self, inbound: &Inbound<'_>, names: &Names, shared: &Shared) -> RouterDecision {
        match *inbound {
            Inbound::WhoHas { sender, sender_address, target } => {
                let from = match self.taken_by_rule(target, shared) {
                    Some(rule) => {
                        shared.record_fault(sender, rule, format!("another device answered for {target}"));
                        OTHER
                    }
                    None if self.is_box(target, shared) && sender_address != target => self.station_at(target),
                    None => return RouterDecision::Done,
                };
                let ends = Ends { from, to: sender, source: target, destination: sender_address };
                let frame = packet::arp(ArpOperation::Reply, ends);
                RouterDecision::Answer { frame, later: Duration::ZERO }
            }
            Inbound::Packet { sender, receiver, source, destination, ref payload } => {
                let for_router = destination == self.address;
                let is_near = self.is_local(destination);
                let way = if is_near { Duration::ZERO } else { self.latency };
                match *payload {
                    Payload::Udp { destination_port: DHCP_SERVER_PORT, data, .. }
                        if for_router || destination.is_broadcast() =>
                    {
                        self.lease(sender, data, shared)
                    }
                    // What comes back goes to the other one.
                    _ if self.taken_by_rule(source, shared).is_some() => RouterDecision::Done,
                    _ if !is_near && !self.leads_out(sender, receiver, payload, shared) => RouterDecision::Done,
                    Payload::Udp { source_port, destination_port: DNS_PORT, data }
                        if destination == self.name_server =>
                    {
                        match self.resolve(sender, (source, source_port), data, names, shared) {
                            RouterDecision::Answer { frame, later } => {
                                RouterDecision::Answer { frame, later: later + 2 * way }
                            }
                            decision => decision,
                        }
                    }
                    Payload::EchoRequest { identifier, sequence, data } if for_router => {
                        let frame = packet::echo_reply(self.ends(sender, source), identifier, sequence, data);
                        RouterDecision::Answer { frame, later: Duration::ZERO }
                    }
                    Payload::Tcp { .. } if for_router => RouterDecision::RefuseTcp { client: source },
                    _ if is_near || !self.is_local(source) => RouterDecision::Done,
                    _ => RouterDecision::PassOn,
                }
            }
        }
    }

    /// Whether an address is that of a box on the LAN: the router, the way out, the name server.
    fn is_box(&self, address: Ipv4Addr, shared: &Shared) -> bool {
        let new_gateway = shared.faults.borrow().new_gateway(&self.name).map(|applied| applied.fault);
        let boxes = [Some(self.address), self.gateway, new_gateway, Some(self.name_server)];
        self.is_local(address) && boxes.contains(&Some(address))
    }

    /// The rule by which another device has a client's address, if it has this one.
    fn taken_by_rule(&self, address: Ipv4Addr, shared: &Shared) -> Option<String> {
        let taken = || shared.faults.borrow().taken(&self.name).map(|applied| applied.rule);
        if self.dhcp.taken() == Some(address) { taken() } else { None }
    }

    /// Whether an address is on the LAN, or all stations' address.
    fn is_local(&self, address: Ipv4Addr) -> bool {
        address.octets()[..3] == self.address.octets()[..3] || address.is_broadcast()
    }

    /// Whether the box that a packet for elsewhere was sent to is the way out.
    fn leads_out(
        &self,
        sender: EthernetAddress,
        receiver: EthernetAddress,
        payload: &Payload<'_>,
        shared: &Shared,
    ) -> bool {
        let new = shared.faults.borrow().new_gateway(&self.name);
        let gateway = new.as_ref().map(|applied| applied.fault).or(self.gateway).unwrap_or(self.address);
        let leads_out = receiver == self.station_at(gateway);
        // Each attempt once, not each packet of it.
        let begins = !matches!(payload, Payload::Tcp { opens_at: None, .. });
        if let Some(applied) = new.filter(|_| !leads_out && begins) {
            shared.record_fault(sender, applied.rule, "the earlier gateway let nothing through".to_owned());
        }
        leads_out
    }

    fn ends(&self, to: EthernetAddress, destination: Ipv4Addr) -> Ends {
        Ends { from: self.station, to, source: self.address, destination }
    }

    fn lease(&mut self, client: EthernetAddress, message: &[u8], shared: &Shared) -> RouterDecision {
        let fault = shared.faults.borrow_mut().dhcp(&self.name);
        let Some(answer) = self.dhcp.answer(message, fault.as_ref().map(|applied| applied.fault)) else {
            return RouterDecision::Done;
        };
        if let Some((applied, effect)) = fault.zip(answer.effect) {
            shared.record_fault(client, applied.rule, effect);
        }
        let network = self.name.clone();
        shared.record(Some(client), events::Lease { network, outcome: answer.outcome, address: answer.address });
        let Some((message, destination)) = answer.reply else { return RouterDecision::Done };
        let ends = match destination {
            Destination::Broadcast => self.ends(EthernetAddress::BROADCAST, Ipv4Addr::BROADCAST),
            Destination::Client(address) => self.ends(client, address),
        };
        let frame = packet::udp(ends, DHCP_SERVER_PORT, DHCP_CLIENT_PORT, &message);
        RouterDecision::Answer { frame, later: answer.later }
    }

    fn resolve(
        &self,
        sender: EthernetAddress,
        client: (Ipv4Addr, u16),
        message: &[u8],
        names: &Names,
        shared: &Shared,
    ) -> RouterDecision {
        let mut fault = None;
        let rule = |name: &str| {
            fault = shared.faults.borrow_mut().dns(name);
            fault.as_ref().map(|applied| applied.fault.clone())
        };
        let Some(answer) = dns::answer(names, message, rule) else { return RouterDecision::Done };
        let mut later = Duration::ZERO;
        if let Some(applied) = fault {
            let fault = match applied.fault {
                DnsRule::Fault(fault) => Some(fault),
                DnsRule::Answer(_) => None,
            };
            let action = fault.map_or_else(
                || "the name server answered as it is written".to_owned(),
                |fault| match fault {
                    DnsFault::Silent => "the name server did not answer".to_owned(),
                    DnsFault::Refused => "the name server refused to answer".to_owned(),
                    DnsFault::ServerFailure => "the name server failed".to_owned(),
                    DnsFault::NoSuchName => "the name server denied the name".to_owned(),
                    DnsFault::WrongAddress(address) => format!("the name server told the wrong address {address}"),
                    DnsFault::Slow(delay) => {
                        later = delay;
                        format!("the name server took {delay:?}")
                    }
                },
            );
            shared.record_fault(sender, applied.rule, action);
        }
        let (name, outcome, addresses) = (answer.name, answer.outcome, answer.addresses);
        shared.record(Some(sender), events::Dns { name, outcome, addresses });
        let Some(message) = answer.message else { return RouterDecision::Done };
        let ends = Ends { source: self.name_server, ..self.ends(sender, client.0) };
        let frame = packet::udp(ends, DNS_PORT, client.1, &message);
        RouterDecision::Answer { frame, later }
    }
}
