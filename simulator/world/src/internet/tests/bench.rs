//! Stations with an ordinary smoltcp stack, on networks without an air between.

use std::time::Duration;

use fake_thingspeak::certificates::{KeyType, Kind, Profile};
use fake_thingspeak::cloud::{Access, NewChannel};
use fake_thingspeak::legacy_tls::Policy;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::{dhcpv4, dns, tcp, udp};
use smoltcp::wire::{DnsQueryType, EthernetAddress, IpAddress, IpCidr};
use time::OffsetDateTime;
use time::macros::datetime;

use super::super::port::{Port, next_poll, stack_time};
use super::super::*;
use simulator_record::events::{self, Vocabulary as _};

pub(super) const START: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
/// From the router to a station; the other way takes no time.
pub(super) const HOP: Duration = Duration::from_millis(1);
pub(super) const HOST: &str = "api.thingspeak.com";

/// A station with a stack.
pub(super) struct Client {
    pub station: EthernetAddress,
    interface: Interface,
    port: Port,
    pub sockets: SocketSet<'static>,
    dhcp: SocketHandle,
    pub dns: SocketHandle,
    pub udp: SocketHandle,
    pub address: Option<Ipv4Addr>,
    pub refusals: u32,
    deadline: Instant,
}

impl Client {
    fn new(number: u8, now: Instant) -> Self {
        let station = EthernetAddress([0x02, 0, 0, 0x02, 0, number]);
        let mut port = Port::default();
        let mut config = Config::new(station.into());
        config.random_seed = u64::from(number) + now.as_nanos();
        let interface = Interface::new(config, &mut port, stack_time(now));
        let mut sockets = SocketSet::new(Vec::new());
        let dhcp = sockets.add(dhcpv4::Socket::new());
        let dns = sockets.add(dns::Socket::new(&[], Vec::new()));
        let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 4], vec![0; 1_024]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(12_300 + u16::from(number)).unwrap();
        let udp = sockets.add(socket);
        Self { station, interface, port, sockets, dhcp, dns, udp, address: None, refusals: 0, deadline: now }
    }

    fn run(&mut self, now: Instant) -> Vec<Vec<u8>> {
        self.interface.poll(stack_time(now), &mut self.port, &mut self.sockets);
        match self.sockets.get_mut::<dhcpv4::Socket<'_>>(self.dhcp).poll() {
            Some(dhcpv4::Event::Configured(lease)) => {
                self.address = Some(lease.address.address());
                let router = lease.router.unwrap();
                self.interface.update_ip_addrs(|addresses| {
                    addresses.clear();
                    addresses.push(IpCidr::Ipv4(lease.address)).unwrap();
                });
                self.interface.routes_mut().add_default_ipv4_route(router).unwrap();
                let servers: Vec<_> = lease.dns_servers.iter().map(|&server| IpAddress::Ipv4(server)).collect();
                self.sockets.get_mut::<dns::Socket<'_>>(self.dns).update_servers(&servers);
            }
            Some(dhcpv4::Event::Deconfigured) => {
                self.address = None;
                self.refusals += 1;
            }
            None => {}
        }
        self.interface.poll(stack_time(now), &mut self.port, &mut self.sockets);
        let wanted = self.interface.poll_at(stack_time(now), &self.sockets);
        self.deadline = next_poll(now, wanted).unwrap_or(Instant::FAR_FUTURE);
        std::mem::take(&mut self.port.outbound)
    }

    /// Begins to connect.
    pub fn connect(&mut self, to: Ipv4Addr, port: u16, from: u16) -> SocketHandle {
        let buffer = || tcp::SocketBuffer::new(vec![0; 8_192]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.connect(self.interface.context(), (IpAddress::Ipv4(to), port), from).unwrap();
        self.deadline = Instant::START;
        self.sockets.add(socket)
    }

    pub fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    /// Lets the stack see what was done to its sockets.
    pub fn touch(&mut self) {
        self.deadline = Instant::START;
    }
}

/// One network with stations, and the internet behind it.
pub(super) struct Bench {
    pub internet: Internet,
    pub network: NetworkId,
    pub clients: Vec<Client>,
    pub now: Instant,
    pub seen: Vec<EventKind>,
    /// On their way from the router to the stations.
    under_way: VecDeque<(Instant, Vec<u8>)>,
    /// Of so many frames in either direction, one is lost; 0 for none.
    pub one_lost_of: usize,
    /// Which byte is changed in the frame of that number, and how.
    pub damage: BTreeMap<usize, (usize, u8)>,
    /// Every frame in either direction.
    pub frames: Vec<(Instant, Vec<u8>)>,
    pub channel: Access,
}

impl Bench {
    pub fn new(clients: u8) -> Self {
        Self::with_certificate(clients, Kind::Good)
    }

    pub fn with_certificate(clients: u8, certificate: Kind) -> Self {
        Self::with(clients, certificate, Policy::Off)
    }

    pub fn with_legacy_tls(clients: u8, policy: Policy) -> Self {
        Self::with(clients, Kind::Good, policy)
    }

    fn with(clients: u8, certificate: Kind, legacy_tls: Policy) -> Self {
        let settings = Settings {
            start: START,
            latency: Duration::from_millis(20),
            cloud: CloudSettings {
                host: HOST.to_owned(),
                certificate: Profile::new(certificate, KeyType::P256),
                legacy_tls,
                port: None,
            },
            names: Vec::new(),
        };
        let mut internet = Internet::new(settings, Seed(7)).unwrap();
        let network = internet.add_network("home", RouterSettings::default());
        let pond = NewChannel {
            name: "pond".to_owned(),
            fields: std::array::from_fn(|field| (field < 2).then(|| format!("field {field}"))),
            public: true,
        };
        let channel = internet.cloud().create_channel(pond, START);
        let now = Instant::START;
        Self {
            internet,
            network,
            clients: (0..clients).map(|number| Client::new(number, now)).collect(),
            now,
            seen: Vec::new(),
            under_way: VecDeque::new(),
            one_lost_of: 0,
            damage: BTreeMap::new(),
            frames: Vec::new(),
            channel,
        }
    }

    /// Runs until `done` answers, for at most `limit`.
    pub fn until<T>(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> Option<T>) -> Option<T> {
        let end = self.now + limit;
        loop {
            self.settle();
            if let Some(answer) = done(self) {
                self.settle();
                return Some(answer);
            }
            let hop = self.under_way.front().map(|&(at, _)| at);
            let clients = self.clients.iter().map(|client| client.deadline);
            let next = clients.chain(self.internet.next_deadline()).chain(hop).min();
            let next = next.unwrap_or(Instant::FAR_FUTURE).max(self.now + Duration::from_nanos(1));
            if next > end {
                self.now = end;
                return None;
            }
            self.now = next;
        }
    }

    pub fn wait(&mut self, time: Duration) {
        self.until(time, |_| None::<()>);
    }

    /// Delivers frames until nothing happens any more at this moment.
    fn settle(&mut self) {
        self.internet.poll(self.now);
        loop {
            let mut quiet = true;
            for outgoing in self.internet.take_frames() {
                quiet = false;
                self.frames.push((self.now, outgoing.frame.clone()));
                if let Some(frame) = self.pass(outgoing.frame) {
                    self.under_way.push_back((self.now + HOP, frame));
                }
            }
            while let Some((_, frame)) = self.under_way.pop_front_if(|(at, _)| *at <= self.now) {
                quiet = false;
                for client in &mut self.clients {
                    client.port.inbound.push_back(frame.clone());
                }
            }
            for number in 0..self.clients.len() {
                let client = &mut self.clients[number];
                if client.port.inbound.is_empty() && client.deadline > self.now {
                    continue;
                }
                for frame in client.run(self.now) {
                    quiet = false;
                    self.frames.push((self.now, frame.clone()));
                    if let Some(frame) = self.pass(frame) {
                        self.internet.receive(self.now, self.network, &frame);
                    }
                }
            }
            self.seen.extend(self.internet.take_seen().into_iter().map(|seen| seen.kind));
            if quiet {
                break;
            }
        }
    }

    /// What becomes of the last frame on its way.
    fn pass(&self, mut frame: Vec<u8>) -> Option<Vec<u8>> {
        let number = self.frames.len();
        if let Some(&(place, change)) = self.damage.get(&number) {
            let place = place % frame.len();
            frame[place] ^= change;
        }
        let lost = self.one_lost_of > 0 && number.is_multiple_of(self.one_lost_of);
        (!lost).then_some(frame)
    }

    /// A station starts anew, with an empty stack.
    pub fn reboot(&mut self, number: u8) {
        self.clients[usize::from(number)] = Client::new(number, self.now);
    }

    /// Waits for every station's lease.
    pub fn lease(&mut self) {
        let leased = self.until(Duration::from_secs(60), |bench| {
            bench.clients.iter().all(|client| client.address.is_some()).then_some(())
        });
        leased.expect("every station gets a lease");
    }

    /// Asks for a name; `None` if there is no answer in a minute.
    pub fn resolve(&mut self, name: &str) -> Option<Result<Ipv4Addr, dns::GetQueryResultError>> {
        let client = &mut self.clients[0];
        client.touch();
        let socket = client.sockets.get_mut::<dns::Socket<'_>>(client.dns);
        let query = socket.start_query(client.interface.context(), name, DnsQueryType::A).unwrap();
        self.until(Duration::from_secs(60), |bench| {
            let client = &mut bench.clients[0];
            match client.sockets.get_mut::<dns::Socket<'_>>(client.dns).get_query_result(query) {
                Ok(addresses) => {
                    let IpAddress::Ipv4(address) = addresses[0];
                    Some(Ok(address))
                }
                Err(dns::GetQueryResultError::Pending) => None,
                Err(error) => Some(Err(error)),
            }
        })
    }

    /// Asks the time server; `None` if there is no answer in ten seconds.
    pub fn ask_time(&mut self) -> Option<Vec<u8>> {
        let client = &mut self.clients[0];
        client.touch();
        let mut question = [0; 48];
        question[0] = 0x23;
        let socket = client.sockets.get_mut::<udp::Socket<'_>>(client.udp);
        socket.send_slice(&question, (IpAddress::Ipv4(TIME_ADDRESS), 123)).unwrap();
        self.until(Duration::from_secs(10), |bench| {
            let client = &mut bench.clients[0];
            let socket = client.sockets.get_mut::<udp::Socket<'_>>(client.udp);
            socket.recv().ok().map(|(message, _)| message.to_vec())
        })
    }

    /// Sends `request` and reads until the server closes; what was read, and whether the connection ended in order.
    /// `None` if it is still open after `limit`.
    pub fn exchange(&mut self, port: u16, request: &[u8], limit: Duration) -> Option<(Vec<u8>, bool)> {
        let from = 40_000 + u16::try_from(self.now.as_millis() % 9_000).unwrap();
        let handle = self.clients[0].connect(CLOUD_ADDRESS, port, from);
        let (mut request, mut reply, mut opened) = (request, Vec::new(), false);
        let ended = self.until(limit, |bench| {
            let socket = bench.clients[0].sockets.get_mut::<tcp::Socket<'_>>(handle);
            opened |= socket.may_send();
            let mut woken = false;
            if socket.can_send() && !request.is_empty() {
                let sent = socket.send_slice(request).unwrap();
                request = &request[sent..];
                woken = true;
            }
            while socket.can_recv() {
                socket.recv(|bytes| (bytes.len(), reply.extend_from_slice(bytes))).unwrap();
                woken = true;
            }
            if opened && socket.state() == tcp::State::CloseWait {
                socket.close();
                woken = true;
            }
            if woken {
                bench.clients[0].touch();
            }
            match bench.clients[0].sockets.get_mut::<tcp::Socket<'_>>(handle).state() {
                tcp::State::LastAck | tcp::State::TimeWait => Some(true),
                tcp::State::Closed => Some(false),
                _ => None,
            }
        })?;
        Some((reply, ended))
    }

    /// The outcomes of all connections so far.
    pub fn connections(&self) -> Vec<&'static str> {
        let outcome = |kind: &EventKind| match kind {
            EventKind::Connection(events::Connection { outcome, .. }) => Some(outcome.word()),
            _ => None,
        };
        self.seen.iter().filter_map(outcome).collect()
    }

    /// What rules have done so far.
    pub fn actions(&self) -> Vec<&str> {
        self.seen
            .iter()
            .filter_map(|kind| {
                if let EventKind::Fault(events::Fault { action, .. }) = kind { Some(action.text()) } else { None }
            })
            .collect()
    }
}
