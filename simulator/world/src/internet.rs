//! The internet as a device meets it: a router on every network, and behind it the cloud and a time server.
//!
//! Frames that stations send into a network come in by [`Internet::receive`]. The router answers for itself
//! (`router`: ARP, DHCP, DNS, ping); anything for the rest of the world waits for the latency of the way, reaches the
//! servers (`ntp`; TCP by way of `connection` and `stream` to the tasks of `server`), and the answers wait again.
//! Frames that are due, and what there is to record, wait in [`Internet::take_frames`] and [`Internet::take_seen`].
//!
//! Nothing here has a clock or a queue of the world's: time is a parameter, and [`Internet::next_deadline`] says when
//! [`Internet::poll`] must be called next. Faults (`fault`) are switched on and off by name.
//!
//! Not modelled: IPv6, address translation, fragmentation, other services than these. Packets for addresses where
//! nobody lives vanish.

use core::net::{Ipv4Addr, SocketAddrV4};
use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use ::time::OffsetDateTime;
use fake_thingspeak::certificates::{Authority, CertificateError};
use fake_thingspeak::cloud::Cloud;
use rand_core::RngCore;
use smoltcp::wire::{EthernetAddress, TcpSeqNumber};

use connection::{Peer, Reception, Tuple};
use dns::Names;
use fault::{Faults, NtpFault, RouteFault};
use packet::{Ends, Inbound, Payload};
pub use router::RouterSettings;
use router::{Router, RouterDecision};
use server::{Servers, Shared};
use simulator_record::events::{self, ConnectionOutcome, EventKind};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use task::Clock;

pub use fault::Fault;
pub use server::{
    CLOUD, CLOUD_ADDRESS, CloudPort, CloudSettings, MAN_IN_THE_MIDDLE, SERVERS, TIME_ADDRESS, TIME_SERVER,
};

mod cloud_host;
mod connection;
pub(crate) mod dhcp;
pub(crate) mod dns;
pub mod fault;
mod identities;
mod man_in_the_middle;
mod ntp;
mod packet;
pub(crate) mod port;
mod router;
mod server;
mod stream;
mod task;
#[cfg(test)]
mod tests;

const NTP_PORT: u16 = 123;
/// The names that every time client knows.
const TIME_NAMES: [&str; 5] = ["pool.ntp.org", "0.pool.ntp.org", "1.pool.ntp.org", "2.pool.ntp.org", "3.pool.ntp.org"];

/// What the internet is like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Calendar time at the scenario's beginning.
    pub start: OffsetDateTime,
    /// One way, router to server.
    pub latency: Duration,
    /// The cloud.
    pub cloud: CloudSettings,
    /// Names besides the cloud's host and the time servers'.
    pub names: Vec<(String, Ipv4Addr)>,
}

/// One of the networks that have a router, counted from 0 in the order they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NetworkId(pub usize);

/// A frame that a router sends into its network now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The network.
    pub network: NetworkId,
    /// The frame, from the Ethernet header on, without check sequence.
    pub frame: Vec<u8>,
}

/// Something to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The station that it concerns, such as the client of a connection.
    pub station: Option<EthernetAddress>,
    /// What happened.
    pub kind: EventKind,
}

/// Routers and servers.
pub struct Internet {
    shared: Rc<Shared>,
    seed: Seed,
    latency: Duration,
    names: Names,
    routers: Vec<Router>,
    servers: Servers,
    peers: BTreeMap<(NetworkId, EthernetAddress), Peer>,
    /// Frames on their way to the servers or to a network, by when they arrive and the order in which they left.
    under_way: BTreeMap<(Instant, u64), UnderWay>,
    departures: u64,
    connections: u32,
    /// The last connection attempt that vanished, so that its retries are not recorded as others.
    vanished: Option<Tuple>,
    due: VecDeque<Outgoing>,
}

enum UnderWay {
    ToServers(NetworkId, Vec<u8>),
    ToNetwork(Outgoing),
}

impl Internet {
    /// The internet, without any networks yet.
    ///
    /// # Errors
    /// [`CertificateError`] if the cloud's host cannot stand in a certificate.
    pub fn new(settings: Settings, seed: Seed) -> Result<Self, CertificateError> {
        let shared = Rc::new(Shared {
            clock: Rc::new(Clock::new(settings.start)),
            faults: RefCell::new(Faults::default()),
            seen: RefCell::new(Vec::new()),
        });
        let mut names = Names::new();
        for name in TIME_NAMES {
            names.insert(name.to_owned(), vec![TIME_ADDRESS]);
        }
        names.insert(settings.cloud.host.to_ascii_lowercase(), vec![CLOUD_ADDRESS]);
        for (name, address) in &settings.names {
            names.insert(name.to_ascii_lowercase(), vec![*address]);
        }
        Ok(Self {
            servers: Servers::new(&settings, seed, Rc::clone(&shared))?,
            shared,
            seed,
            latency: settings.latency,
            names,
            routers: Vec::new(),
            peers: BTreeMap::new(),
            under_way: BTreeMap::new(),
            departures: 0,
            connections: 0,
            vanished: None,
            due: VecDeque::new(),
        })
    }

    /// Adds a network called `name` with a router, without other settings at 192.168.N.1, N counting from 1 (and from 1
    /// again after 250).
    pub fn add_network(&mut self, name: &str, settings: RouterSettings) -> NetworkId {
        let number = self.routers.len();
        let [.., high, low] = (number as u32 + 1).to_be_bytes();
        let station = EthernetAddress([0x02, 0, 0, 0x01, high, low]);
        let subnet = (number % 250) as u8 + 1;
        let address = settings.address.unwrap_or(Ipv4Addr::new(192, 168, subnet, 1));
        self.routers.push(Router::new(name, station, address, settings, self.latency));
        NetworkId(number)
    }

    /// The station of a network's router.
    ///
    /// # Panics
    /// If there is no such network.
    pub fn router(&self, network: NetworkId) -> EthernetAddress {
        self.routers[network.0].station
    }

    /// The cloud's channels.
    pub fn cloud(&self) -> RefMut<'_, Cloud> {
        self.servers.cloud()
    }

    /// Who vouches for the cloud.
    pub fn authority(&self) -> &Authority {
        self.servers.authority()
    }

    /// Switches a rule on; it applies at most `count` times. Replaces an active rule of the same name.
    pub fn set_active(&mut self, rule: &str, fault: Fault, count: Option<u32>) {
        self.shared.faults.borrow_mut().set_active(rule, fault, count);
    }

    /// Switches a rule off.
    pub fn clear(&mut self, rule: &str) {
        self.shared.faults.borrow_mut().clear(rule);
    }

    /// Takes a frame that arrives at a network's router, and does whatever is due.
    ///
    /// # Panics
    /// If there is no such network.
    pub fn receive(&mut self, now: Instant, network: NetworkId, frame: &[u8]) {
        self.shared.clock.set(now);
        if let Some(inbound) = packet::parse(frame) {
            match self.routers[network.0].receive(&inbound, &self.names, &self.shared) {
                RouterDecision::Done => {}
                RouterDecision::Answer { frame, later } => self.depart(now + later, Outgoing { network, frame }),
                RouterDecision::PassOn => {
                    let key = self.departure(now + self.latency);
                    // Whichever box it was sent to: the servers' stack is at the router.
                    let frame = [self.router(network).as_bytes(), &frame[6..]].concat();
                    self.under_way.insert(key, UnderWay::ToServers(network, frame));
                }
                RouterDecision::RefuseTcp { client } => {
                    let (Inbound::WhoHas { sender, .. } | Inbound::Packet { sender, .. }) = inbound;
                    self.peer(now, network, sender).receive(now, client, frame.to_vec());
                    self.run_peer(now, network, sender);
                }
            }
        }
        self.poll(now);
    }

    /// Does whatever is due.
    pub fn poll(&mut self, now: Instant) {
        self.shared.clock.set(now);
        loop {
            if let Some(entry) = self.under_way.first_entry()
                && entry.key().0 <= now
            {
                match entry.remove() {
                    UnderWay::ToServers(network, frame) => self.arrive(now, network, &frame),
                    UnderWay::ToNetwork(outgoing) => self.due.push_back(outgoing),
                }
                continue;
            }
            let waiting = |peer: &Peer| peer.deadline().is_some_and(|deadline| deadline <= now);
            let Some((&(network, station), _)) = self.peers.iter().find(|(_, peer)| waiting(peer)) else { break };
            self.run_peer(now, network, station);
        }
    }

    /// When [`poll`](Self::poll) must be called next if nothing arrives.
    pub fn next_deadline(&self) -> Option<Instant> {
        let under_way = self.under_way.first_key_value().map(|(&(at, _), _)| at);
        let peers = self.peers.values().filter_map(Peer::deadline).min();
        under_way.into_iter().chain(peers).min()
    }

    /// The frames that the routers send now.
    pub fn take_frames(&mut self) -> Vec<Outgoing> {
        self.due.drain(..).collect()
    }

    /// What there is to record, in the order it happened.
    pub fn take_seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut *self.shared.seen.borrow_mut())
    }

    fn departure(&mut self, at: Instant) -> (Instant, u64) {
        self.departures += 1;
        (at, self.departures)
    }

    fn depart(&mut self, at: Instant, outgoing: Outgoing) {
        let key = self.departure(at);
        self.under_way.insert(key, UnderWay::ToNetwork(outgoing));
    }

    /// A packet reaches the servers.
    fn arrive(&mut self, now: Instant, network: NetworkId, frame: &[u8]) {
        let Some(Inbound::Packet { sender, source, destination, payload, .. }) = packet::parse(frame) else { return };
        let Some(server) = self.servers.at(destination) else { return };
        let router = &self.routers[network.0];
        let ends = Ends { from: router.station, to: sender, source: destination, destination: source };
        match payload {
            Payload::Tcp { source_port, destination_port, opens_at } => {
                let tuple = (SocketAddrV4::new(source, source_port), SocketAddrV4::new(destination, destination_port));
                let admitted = match opens_at {
                    Some(initial) if !self.peer(now, network, sender).knows(tuple, initial) => {
                        self.admit(now, network, sender, server, tuple, initial)
                    }
                    _ => !self.shared.faults.borrow().swallows(server),
                };
                if admitted {
                    self.peer(now, network, sender).receive(now, source, frame.to_vec());
                    self.run_peer(now, network, sender);
                }
            }
            _ if self.shared.faults.borrow().swallows(server) => {}
            Payload::EchoRequest { identifier, sequence, data } => {
                let frame = packet::echo_reply(ends, identifier, sequence, data);
                self.depart(now + self.latency, Outgoing { network, frame });
            }
            Payload::Udp { source_port, destination_port: NTP_PORT, data } if server == TIME_SERVER => {
                self.tell_time(now, network, ends, source_port, data);
            }
            Payload::Udp { .. } => {}
        }
    }

    /// Decides on a new connection; says whether the client's SYN reaches the TCP stack.
    fn admit(
        &mut self,
        now: Instant,
        network: NetworkId,
        station: EthernetAddress,
        server: &'static str,
        tuple: Tuple,
        initial: TcpSeqNumber,
    ) -> bool {
        let fault = self.shared.faults.borrow_mut().route(server);
        let (client, port) = (tuple.0, tuple.1.port());
        let record = |server: &str, number, outcome| {
            let server = server.to_owned();
            self.shared.record(Some(station), events::Connection { server, number, outcome, client });
        };
        if let Some(applied) = &fault
            && applied.fault == RouteFault::Silent
        {
            if self.vanished != Some(tuple) {
                self.vanished = Some(tuple);
                self.connections += 1;
                self.shared.record_fault(station, applied.rule.clone(), format!("the way to the {server} was dead"));
                record(server, self.connections, ConnectionOutcome::Ignored);
            }
            return false;
        }
        self.vanished = None;
        if let Some(peer) = self.peers.get_mut(&(network, station)) {
            peer.forget(tuple, &mut self.servers);
        }
        self.connections += 1;
        let number = self.connections;
        let (reception, server) = match fault {
            Some(applied) if applied.fault == RouteFault::Reset => {
                let action = format!("a connection to the {server} was reset");
                self.shared.record_fault(station, applied.rule, action);
                (Reception::Reset, server)
            }
            Some(applied) => {
                let action = format!("a connection to the {server} was refused");
                self.shared.record_fault(station, applied.rule, action);
                record(server, number, ConnectionOutcome::Refused);
                return true;
            }
            None => match self.servers.service(server, port, station) {
                Some(service) => (Reception::Serve(service), service.server()),
                None => {
                    record(server, number, ConnectionOutcome::Refused);
                    return true;
                }
            },
        };
        self.peer(now, network, station).expect(now, tuple, initial, server, number, reception);
        true
    }

    fn tell_time(&mut self, now: Instant, network: NetworkId, ends: Ends, port: u16, question: &[u8]) {
        let fault = self.shared.faults.borrow_mut().ntp();
        let later = match &fault {
            Some(applied) => match applied.fault {
                NtpFault::Slow(delay) => delay,
                _ => Duration::ZERO,
            },
            None => Duration::ZERO,
        };
        let clock = &self.shared.clock;
        let (received, sent) = (clock.calendar(), clock.calendar_at(now + later));
        let Some(answer) = ntp::answer(question, received, sent, fault.as_ref().map(|applied| applied.fault)) else {
            return;
        };
        if let Some(applied) = fault {
            let action = match applied.fault {
                NtpFault::Silent => "the time server did not answer".to_owned(),
                NtpFault::KissOfDeath => "the time server told the client to go away".to_owned(),
                NtpFault::ZeroTime => "the time server told zero".to_owned(),
                NtpFault::Unsynchronised => "the time server was not synchronised".to_owned(),
                NtpFault::StratumZero => "the time server said stratum 0".to_owned(),
                NtpFault::LeapSecond => "the time server announced a leap second".to_owned(),
                NtpFault::WrongBy(error) => format!("the time server was wrong by {error}"),
                NtpFault::Slow(delay) => format!("the time server took {delay:?}"),
            };
            self.shared.record_fault(ends.to, applied.rule, action);
        }
        let (outcome, unix_time) = (answer.outcome, answer.unix_time);
        self.shared.record(Some(ends.to), EventKind::Ntp(events::Ntp { outcome, unix_time }));
        if let Some(message) = answer.message {
            let frame = packet::udp(ends, NTP_PORT, port, &message);
            self.depart(now + later + self.latency, Outgoing { network, frame });
        }
    }

    fn peer(&mut self, now: Instant, network: NetworkId, station: EthernetAddress) -> &mut Peer {
        let (router, seed) = (&self.routers[network.0], self.seed);
        self.peers.entry((network, station)).or_insert_with(|| {
            let random_seed = seed.stream(&format!("servers' stack for {station} on network {}", network.0)).next_u64();
            Peer::new(now, station, router.station, router.address, random_seed)
        })
    }

    fn run_peer(&mut self, now: Instant, network: NetworkId, station: EthernetAddress) {
        let Some(peer) = self.peers.get_mut(&(network, station)) else { return };
        for frame in peer.run(now, &mut self.servers) {
            let Some(source) = packet::source(&frame) else { continue };
            if source == self.routers[network.0].address {
                self.depart(now, Outgoing { network, frame });
                continue;
            }
            if self.servers.at(source).is_some_and(|server| !self.shared.faults.borrow().swallows(server)) {
                self.depart(now + self.latency, Outgoing { network, frame });
            }
        }
    }
}
