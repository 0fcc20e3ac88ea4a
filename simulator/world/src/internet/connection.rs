//! The servers' side of one client's TCP connections: a smoltcp interface that stands for every address on the
//! internet, a socket for each connection, and between socket and server task a pipe.
//!
//! Each client has an interface of its own, so that a hundred clients do not share a neighbour cache of eight. The
//! client's hardware address is known from its frames and the cache is filled from it; no ARP request ever leaves here.
//!
//! A SYN finds a listening socket only if the internet decided to serve it ([`Peer::expect`]); anything that belongs to
//! no connection gets smoltcp's RST. Each [`Peer::run`] alternates between stack and tasks until neither goes on.
//!
//! Not modelled: limits on half-open connections, SYN cookies, path MTU.

use core::net::{Ipv4Addr, SocketAddrV4};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::wire::{ArpOperation, EthernetAddress, IpCidr, IpListenEndpoint, TcpSeqNumber};

use super::packet::{self, Ends};
use super::port::{Port, next_poll, stack_time};
use super::server::Service;
use super::stream::{MemoryStream, Pipe};
use super::task::{Task, Timers};
use simulator_record::events::ConnectionOutcome;
use simulator_record::time::Instant;

/// A connection on which nothing happens and nothing is waited for is closed after this time, as web servers do
/// (nginx: `keepalive_timeout 75s`), and forgotten after once more.
const IDLE: Duration = Duration::from_secs(75);
/// Unacknowledged data is given up after this time.
const GIVE_UP: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(60);
/// smoltcp forgets a neighbour after 60 s.
const NEIGHBOUR_KNOWN: Duration = Duration::from_secs(30);
const RECEIVE_BUFFER: usize = 8_192;
const SEND_BUFFER: usize = 16_384;

/// A connection's ends: client, server.
pub(super) type Tuple = (SocketAddrV4, SocketAddrV4);

/// What becomes of an expected connection once the client's handshake is complete.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reception {
    /// It is served.
    Serve(Service),
    /// It is torn down.
    Reset,
}

/// A connection that a client has opened, given to whoever serves it.
pub(super) struct Accepted {
    /// The run's number of it.
    pub number: u32,
    /// The client.
    pub client: SocketAddrV4,
    /// The client's station.
    pub station: EthernetAddress,
    /// The bytes.
    pub stream: MemoryStream,
    /// Where the server waits for moments.
    pub timers: Timers,
}

/// Whoever serves connections.
pub(super) trait Reporter {
    /// Serves a connection.
    fn serve(&mut self, service: Service, accepted: Accepted) -> Task;
    /// Records what became of one.
    fn report(
        &mut self,
        server: &str,
        number: u32,
        client: SocketAddrV4,
        station: EthernetAddress,
        outcome: ConnectionOutcome,
    );
}

/// One client's connections.
pub(super) struct Peer {
    station: EthernetAddress,
    gateway: EthernetAddress,
    gateway_address: Ipv4Addr,
    interface: Interface,
    port: Port,
    sockets: SocketSet<'static>,
    connections: BTreeMap<Tuple, Connection>,
    /// Servers whose client has forgotten them, with work yet to do.
    left_alone: Vec<Serving>,
    /// Until when the interface knows the client's station, by the client's address.
    neighbours: BTreeMap<Ipv4Addr, Instant>,
    deadline: Option<Instant>,
}

struct Connection {
    handle: SocketHandle,
    initial: TcpSeqNumber,
    server: &'static str,
    number: u32,
    reception: Reception,
    serving: Option<Serving>,
    /// The state at the last step, which tells a reset from an orderly end.
    state: tcp::State,
    closing: bool,
    reported_end: bool,
    active_at: Instant,
}

struct Serving {
    pipe: Rc<RefCell<Pipe>>,
    task: Task,
    timers: Timers,
}

impl Peer {
    /// The connections of the client at `station`, behind the router at `gateway`.
    pub fn new(
        now: Instant,
        station: EthernetAddress,
        gateway: EthernetAddress,
        gateway_address: Ipv4Addr,
        random_seed: u64,
    ) -> Self {
        let mut port = Port::default();
        let mut config = Config::new(gateway.into());
        config.random_seed = random_seed;
        let mut interface = Interface::new(config, &mut port, stack_time(now));
        interface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::new(gateway_address.into(), 24)).expect("an interface has room for one address");
        });
        interface.set_any_ip(true);
        Self {
            station,
            gateway,
            gateway_address,
            interface,
            port,
            sockets: SocketSet::new(Vec::new()),
            connections: BTreeMap::new(),
            left_alone: Vec::new(),
            neighbours: BTreeMap::new(),
            deadline: None,
        }
    }

    /// Whether a SYN between these ends, with this initial sequence number, belongs to a connection that is still going
    /// on: a repetition of its first.
    pub fn knows(&self, tuple: Tuple, initial: TcpSeqNumber) -> bool {
        self.connections.get(&tuple).is_some_and(|connection| {
            let state = self.sockets.get::<tcp::Socket<'_>>(connection.handle).state();
            connection.initial == initial && !matches!(state, tcp::State::Closed | tcp::State::TimeWait)
        })
    }

    /// Forgets a connection between these ends, because the client has: it begins a new one. What takes the place of a
    /// challenge (RFC 5961 §4), the client's reset, and a second SYN, for smoltcp leaves such a SYN unanswered.
    pub fn forget(&mut self, tuple: Tuple, reporter: &mut impl Reporter) {
        let Some(mut old) = self.connections.remove(&tuple) else { return };
        let socket = self.sockets.get::<tcp::Socket<'_>>(old.handle);
        old.report_end(socket.state(), tuple.0, self.station, reporter);
        self.sockets.remove(old.handle);
        if let Some(serving) = old.serving {
            serving.pipe.borrow_mut().break_off();
            self.left_alone.push(serving);
        }
    }

    /// Lets the SYN that follows, with this initial sequence number, open a connection. There must be no other between
    /// these ends.
    pub fn expect(
        &mut self,
        now: Instant,
        tuple: Tuple,
        initial: TcpSeqNumber,
        server: &'static str,
        number: u32,
        reception: Reception,
    ) {
        let buffer = |length| tcp::SocketBuffer::new(vec![0; length]);
        let mut socket = tcp::Socket::new(buffer(RECEIVE_BUFFER), buffer(SEND_BUFFER));
        socket.set_timeout(Some(GIVE_UP));
        socket.set_nagle_enabled(false);
        socket
            .listen(IpListenEndpoint { addr: Some((*tuple.1.ip()).into()), port: tuple.1.port() })
            .expect("a new socket listens on any port but 0");
        let connection = Connection {
            handle: self.sockets.add(socket),
            initial,
            server,
            number,
            reception,
            serving: None,
            state: tcp::State::Listen,
            closing: false,
            reported_end: false,
            active_at: now,
        };
        self.connections.insert(tuple, connection);
    }

    /// Takes a frame from the client, to be dealt with by the next [`run`](Self::run).
    pub fn receive(&mut self, now: Instant, client: Ipv4Addr, frame: Vec<u8>) {
        self.introduce(now, client);
        self.port.inbound.push_back(frame);
    }

    /// Tells the interface where `client` is, as if it had asked for the gateway.
    fn introduce(&mut self, now: Instant, client: Ipv4Addr) {
        let known = self.neighbours.get(&client).is_some_and(|&until| now < until);
        if !known {
            self.neighbours.insert(client, now + NEIGHBOUR_KNOWN);
            let ends = Ends { from: self.station, to: self.gateway, source: client, destination: self.gateway_address };
            self.port.inbound.push_back(packet::arp(ArpOperation::Reply, ends));
        }
    }

    /// Lets stack and servers go on until they wait for something. Returns the frames for the client.
    pub fn run(&mut self, now: Instant, reporter: &mut impl Reporter) -> Vec<Vec<u8>> {
        let clients: Vec<_> = self.connections.keys().map(|(client, _)| *client.ip()).collect();
        for client in clients {
            self.introduce(now, client);
        }
        let station = self.station;
        loop {
            self.interface.poll(stack_time(now), &mut self.port, &mut self.sockets);
            let mut progress = false;
            let sockets = &mut self.sockets;
            self.connections.retain(|&(client, _), connection| {
                let socket = sockets.get_mut::<tcp::Socket<'_>>(connection.handle);
                progress |= connection.step(now, socket, client, station, reporter);
                let keep = !connection.is_over(socket);
                if !keep {
                    progress |= !connection.reported_end;
                    connection.report_end(socket.state(), client, station, reporter);
                    sockets.remove(connection.handle);
                }
                keep
            });
            self.left_alone.retain_mut(|serving| {
                progress |= serving.run(now);
                !serving.task.is_finished()
            });
            if !progress {
                break;
            }
        }
        let stack = next_poll(now, self.interface.poll_at(stack_time(now), &self.sockets));
        let connections = self.connections.values().filter_map(|connection| connection.deadline(now));
        let left_alone = self.left_alone.iter().filter_map(|serving| serving.timers.next());
        self.deadline = stack.into_iter().chain(connections).chain(left_alone).min();
        std::mem::take(&mut self.port.outbound)
    }

    /// When [`run`](Self::run) must be called next if nothing arrives.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

impl Serving {
    /// Polls the server if something has happened for it; says whether that was so.
    fn run(&mut self, now: Instant) -> bool {
        if self.timers.next().is_some_and(|at| at <= now) {
            self.task.wake();
        }
        self.task.poll_if_woken()
    }
}

impl Connection {
    /// Moves bytes and polls the server once; says whether anything happened.
    fn step(
        &mut self,
        now: Instant,
        socket: &mut tcp::Socket<'_>,
        client: SocketAddrV4,
        station: EthernetAddress,
        reporter: &mut impl Reporter,
    ) -> bool {
        let state = socket.state();
        if matches!(state, tcp::State::Listen | tcp::State::SynReceived) {
            self.state = state;
            return false;
        }
        let mut progress = false;
        let was_opening = matches!(self.state, tcp::State::Listen | tcp::State::SynReceived);
        if was_opening && state != tcp::State::Closed {
            progress = true;
            self.open(client, station, reporter);
            if matches!(self.reception, Reception::Reset) {
                socket.abort();
            }
        }
        if state == tcp::State::TimeWait {
            self.report_end(state, client, station, reporter);
        }
        progress |= self.exchange(now, socket);
        if progress || state != self.state {
            self.active_at = now;
        }
        if !is_orderly_end(self.state) || state != tcp::State::Closed {
            self.state = state;
        }
        if self.idle_at().is_some_and(|at| at <= now) {
            // Idle: first the server closes, then the connection is forgotten.
            if self.closing {
                socket.abort();
            }
            if let Some(serving) = &mut self.serving {
                serving.pipe.borrow_mut().close_client();
            }
            self.closing = true;
            socket.close();
            self.active_at = now;
            progress = true;
        }
        progress
    }

    fn open(&mut self, client: SocketAddrV4, station: EthernetAddress, reporter: &mut impl Reporter) {
        reporter.report(self.server, self.number, client, station, ConnectionOutcome::Opened);
        if let Reception::Serve(service) = self.reception {
            let pipe = Rc::new(RefCell::new(Pipe::default()));
            let timers = Timers::default();
            let accepted = Accepted {
                number: self.number,
                client,
                station,
                stream: MemoryStream::new(&pipe),
                timers: timers.clone(),
            };
            let task = reporter.serve(service, accepted);
            self.serving = Some(Serving { pipe, task, timers });
        }
    }

    /// Socket to server, server, server to socket.
    fn exchange(&mut self, now: Instant, socket: &mut tcp::Socket<'_>) -> bool {
        let Some(serving) = &mut self.serving else { return false };
        let mut progress = false;
        while socket.can_recv() {
            let mut pipe = serving.pipe.borrow_mut();
            let room = pipe.room();
            if room == 0 {
                break;
            }
            socket
                .recv(|bytes| {
                    let count = bytes.len().min(room);
                    pipe.push(&bytes[..count]);
                    (count, ())
                })
                .expect("a socket that can receive does");
            progress = true;
        }
        if !socket.may_recv() && !socket.can_recv() {
            let mut pipe = serving.pipe.borrow_mut();
            if socket.state() == tcp::State::Closed && !is_orderly_end(self.state) {
                pipe.break_off();
            } else {
                pipe.close_client();
            }
        }
        progress |= serving.run(now);
        let mut pipe = serving.pipe.borrow_mut();
        while socket.can_send() && !pipe.next_outbound().is_empty() {
            let sent = socket.send_slice(pipe.next_outbound()).expect("a socket that can send does");
            pipe.sent(sent);
            progress = true;
        }
        if pipe.is_torn() && socket.is_active() {
            socket.abort();
            progress = true;
        } else if pipe.is_finished() && !self.closing {
            self.closing = true;
            socket.close();
            progress = true;
        }
        progress
    }

    /// Whether nothing of the connection is left.
    fn is_over(&self, socket: &tcp::Socket<'_>) -> bool {
        let serving = self.serving.as_ref().is_some_and(|serving| !serving.task.is_finished());
        match socket.state() {
            // The abort's RST has yet to leave.
            tcp::State::Closed => !serving && socket.remote_endpoint().is_none(),
            // The client took its SYN back.
            tcp::State::Listen => true,
            _ => false,
        }
    }

    fn report_end(
        &mut self,
        state: tcp::State,
        client: SocketAddrV4,
        station: EthernetAddress,
        reporter: &mut impl Reporter,
    ) {
        let opened = !matches!(self.state, tcp::State::Listen | tcp::State::SynReceived);
        if opened && !self.reported_end {
            self.reported_end = true;
            let orderly = state == tcp::State::TimeWait || is_orderly_end(self.state);
            let outcome = if orderly { ConnectionOutcome::Closed } else { ConnectionOutcome::Reset };
            reporter.report(self.server, self.number, client, station, outcome);
        }
    }

    /// The moment that the server waits for, if it waits for one.
    fn waits_until(&self) -> Option<Instant> {
        self.serving.as_ref().and_then(|serving| serving.timers.next())
    }

    /// When the connection has been idle for too long; a server that waits for a moment is not idle.
    fn idle_at(&self) -> Option<Instant> {
        self.waits_until().is_none().then_some(self.active_at + IDLE)
    }

    /// When something must be done next. Later than `now`, at which everything possible has been done.
    fn deadline(&self, now: Instant) -> Option<Instant> {
        let deadline = self.waits_until().or(self.idle_at())?;
        Some(deadline.max(now + Duration::from_millis(1)))
    }
}

/// Whether a socket in this state has seen both sides close.
fn is_orderly_end(state: tcp::State) -> bool {
    matches!(state, tcp::State::LastAck | tcp::State::Closing | tcp::State::TimeWait)
}
