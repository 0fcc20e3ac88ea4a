//! Connections that a browser opens besides the one that it needs, so that the next request finds one: they say
//! nothing until then. A server that serves one connection at a time waits for them.
//!
//! An unused one is closed after 10 s, as Chromium does (`net/socket/client_socket_pool.cc`), or when the other end
//! closes it.

use core::net::Ipv4Addr;
use std::time::Duration;

use smoltcp::iface::SocketHandle;

use super::link::Link;
use simulator_record::time::Instant;

const UNUSED: Duration = Duration::from_secs(10);

/// The spare connections of a browser.
#[derive(Default)]
pub(super) struct Spares {
    wanted: usize,
    open: Vec<Spare>,
}

struct Spare {
    connection: SocketHandle,
    to: (Ipv4Addr, u16),
    until: Instant,
}

impl Spares {
    /// For a browser that opens so many.
    pub fn new(wanted: usize) -> Self {
        Self { wanted, open: Vec::new() }
    }

    /// Whether a browser would open another one.
    pub fn is_short(&self) -> bool {
        self.open.len() < self.wanted
    }

    /// Adds one that begins to connect.
    pub fn add(&mut self, now: Instant, connection: SocketHandle, to: (Ipv4Addr, u16)) {
        self.open.push(Spare { connection, to, until: now + UNUSED });
    }

    /// One that is open, to be used.
    pub fn take(&mut self, link: &mut Link, to: (Ipv4Addr, u16)) -> Option<SocketHandle> {
        let is_open = |spare: &Spare| spare.to == to && link.tcp(spare.connection).may_send();
        let place = self.open.iter().position(is_open)?;
        Some(self.open.remove(place).connection)
    }

    /// Closes those that are over; when the next one will be.
    pub fn poll(&mut self, now: Instant, link: &mut Link) -> Option<Instant> {
        self.open.retain(|spare| {
            let socket = link.tcp(spare.connection);
            // One that connects may neither receive nor send.
            let is_over = !socket.is_active() || (socket.may_send() && !socket.may_recv()) || spare.until <= now;
            if is_over {
                link.close(spare.connection);
            }
            !is_over
        });
        self.open.iter().map(|spare| spare.until).min()
    }

    /// Forgets all of them: the network is gone.
    pub fn clear(&mut self) {
        self.open.clear();
    }
}
