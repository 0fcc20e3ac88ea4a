//! A phone's network stack while it is joined: smoltcp with a DHCP client, a resolver and TCP connections.
//!
//! It begins without an address, as after any join, and is thrown away when the phone leaves.

use core::net::Ipv4Addr;
use std::task::Poll;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::dns::{GetQueryResultError, QueryHandle};
use smoltcp::socket::{dhcpv4, dns, tcp};
use smoltcp::wire::{DnsQueryType, EthernetAddress, IpAddress, IpCidr};

use crate::internet::port::{Port, next_poll, stack_time};
use simulator_record::time::Instant;

const BUFFER: usize = 16_384;

/// A phone's stack.
pub(super) struct Link {
    interface: Interface,
    port: Port,
    sockets: SocketSet<'static>,
    dhcp: SocketHandle,
    dns: SocketHandle,
    lease: Option<Ipv4Addr>,
    has_name_server: bool,
    /// Connections that nobody looks at any more.
    closing: Vec<SocketHandle>,
    deadline: Option<Instant>,
}

impl Link {
    /// A stack that begins to ask for an address.
    pub fn new(now: Instant, station: EthernetAddress, random_seed: u64) -> Self {
        let mut port = Port::default();
        let mut config = Config::new(station.into());
        config.random_seed = random_seed;
        let interface = Interface::new(config, &mut port, stack_time(now));
        let mut sockets = SocketSet::new(Vec::new());
        let dhcp = sockets.add(dhcpv4::Socket::new());
        let dns = sockets.add(dns::Socket::new(&[], Vec::new()));
        Self {
            interface,
            port,
            sockets,
            dhcp,
            dns,
            lease: None,
            has_name_server: false,
            closing: Vec::new(),
            deadline: Some(now),
        }
    }

    /// Takes a frame, to be dealt with by the next [`run`](Self::run).
    pub fn receive(&mut self, frame: Vec<u8>) {
        self.port.inbound.push_back(frame);
    }

    /// Lets the stack go on until it waits for something; the frames it sends.
    pub fn run(&mut self, now: Instant) -> Vec<Vec<u8>> {
        loop {
            self.interface.poll(stack_time(now), &mut self.port, &mut self.sockets);
            match self.sockets.get_mut::<dhcpv4::Socket<'_>>(self.dhcp).poll() {
                Some(dhcpv4::Event::Configured(lease)) => {
                    self.lease = Some(lease.address.address());
                    self.interface.update_ip_addrs(|addresses| {
                        addresses.clear();
                        addresses.push(IpCidr::Ipv4(lease.address)).expect("an interface has room for one address");
                    });
                    match lease.router {
                        Some(router) => {
                            self.interface
                                .routes_mut()
                                .add_default_ipv4_route(router)
                                .expect("there is room for one route");
                        }
                        None => {
                            self.interface.routes_mut().remove_default_ipv4_route();
                        }
                    }
                    let servers: Vec<_> = lease.dns_servers.iter().map(|&server| IpAddress::Ipv4(server)).collect();
                    self.has_name_server = !servers.is_empty();
                    // The resolver has room for one server and takes the first.
                    let servers = &servers[..servers.len().min(1)];
                    self.sockets.get_mut::<dns::Socket<'_>>(self.dns).update_servers(servers);
                }
                Some(dhcpv4::Event::Deconfigured) => {
                    self.lease = None;
                    self.interface.update_ip_addrs(|addresses| addresses.clear());
                    self.interface.routes_mut().remove_default_ipv4_route();
                }
                None => break,
            }
        }
        let sockets = &mut self.sockets;
        self.closing.retain(|&handle| {
            let state = sockets.get::<tcp::Socket<'_>>(handle).state();
            let over = matches!(state, tcp::State::Closed | tcp::State::TimeWait);
            if over {
                sockets.remove(handle);
            }
            !over
        });
        self.deadline = next_poll(now, self.interface.poll_at(stack_time(now), &self.sockets));
        std::mem::take(&mut self.port.outbound)
    }

    /// When [`run`](Self::run) must be called next if nothing arrives.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The address, while there is a lease.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.lease
    }

    /// Asks the lease's name server; `None` if it has none or the name cannot be asked for.
    pub fn resolve(&mut self, name: &str) -> Option<QueryHandle> {
        let context = self.interface.context();
        let socket = self.sockets.get_mut::<dns::Socket<'_>>(self.dns);
        self.has_name_server.then(|| socket.start_query(context, name, DnsQueryType::A).ok()).flatten()
    }

    /// What came of a question: an address, or none. Not to be asked again after an answer.
    pub fn resolved(&mut self, query: QueryHandle) -> Poll<Option<Ipv4Addr>> {
        match self.sockets.get_mut::<dns::Socket<'_>>(self.dns).get_query_result(query) {
            Ok(addresses) => Poll::Ready(addresses.first().map(|&IpAddress::Ipv4(address)| address)),
            Err(GetQueryResultError::Pending) => Poll::Pending,
            Err(GetQueryResultError::Failed) => Poll::Ready(None),
        }
    }

    /// Forgets a question that has no answer yet.
    pub fn forget(&mut self, query: QueryHandle) {
        self.sockets.get_mut::<dns::Socket<'_>>(self.dns).cancel_query(query);
    }

    /// Begins to connect; `None` without an address.
    pub fn connect(&mut self, to: Ipv4Addr, port: u16, from: u16) -> Option<SocketHandle> {
        let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        socket.connect(self.interface.context(), (IpAddress::Ipv4(to), port), from).ok()?;
        Some(self.sockets.add(socket))
    }

    /// A connection.
    pub fn tcp(&mut self, connection: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(connection)
    }

    /// Closes a connection and looks at it no more.
    pub fn close(&mut self, connection: SocketHandle) {
        self.tcp(connection).close();
        self.closing.push(connection);
    }
}
