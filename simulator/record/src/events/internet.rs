//! What routers and servers do for their clients.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::declare::event;
use super::vocabulary::vocabulary;
use crate::time::Instant;

vocabulary! {
    /// What a DHCP server did with a client.
    pub enum LeaseOutcome {
        /// An address was offered.
        Offered = "offered",
        /// An address was given.
        Acknowledged = "acknowledged",
        /// The client was refused.
        Refused = "refused",
        /// The client was ignored.
        Ignored = "ignored",
        /// The client did not want it: another device has the address.
        Declined = "declined",
    }
}

vocabulary! {
    /// How a name server answered.
    pub enum DnsOutcome {
        /// With an address.
        Answered = "answered",
        /// NXDOMAIN.
        NoSuchName = "no such name",
        /// SERVFAIL.
        ServerFailure = "server failure",
        /// REFUSED.
        Refused = "refused",
        /// Not at all.
        Ignored = "ignored",
    }
}

vocabulary! {
    /// How a time server answered.
    pub enum NtpOutcome {
        /// With a time.
        Answered = "answered",
        /// Not at all.
        Ignored = "ignored",
        /// With a kiss of death.
        KissOfDeath = "kiss of death",
    }
}

vocabulary! {
    /// What became of a TCP connection.
    pub enum ConnectionOutcome {
        /// It was accepted.
        Opened = "opened",
        /// It was refused.
        Refused = "refused",
        /// It ended in order.
        Closed = "closed",
        /// It was reset.
        Reset = "reset",
        /// Nothing answered.
        Ignored = "ignored",
    }
}

event! {
    /// A router's DHCP server dealt with a client.
    pub struct Lease {
        /// The network's name.
        network: String,
        /// What it did.
        outcome: LeaseOutcome,
        /// The address concerned.
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<Ipv4Addr>,
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DHCP on `{}`: {}", self.network, self.outcome)?;
        match self.address {
            Some(address) => write!(f, " {address}"),
            None => Ok(()),
        }
    }
}

event! {
    /// A name server was asked.
    pub struct Dns {
        /// The name.
        name: String,
        /// How it answered.
        outcome: DnsOutcome,
        /// The answer.
        addresses: Vec<Ipv4Addr>,
    }
}

impl fmt::Display for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DNS query for `{}`: {}", self.name, self.outcome)
    }
}

event! {
    /// A time server was asked.
    pub struct Ntp {
        /// How it answered.
        outcome: NtpOutcome,
        /// The time that it told, in seconds since 1970.
        #[serde(skip_serializing_if = "Option::is_none")]
        unix_time: Option<i64>,
    }
}

impl fmt::Display for Ntp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NTP query: {}", self.outcome)
    }
}

event! {
    /// A TCP connection to a server changed.
    pub struct Connection {
        /// The server's name.
        server: String,
        /// Counts the connections of the run, from 1.
        number: u32,
        /// What became of it.
        outcome: ConnectionOutcome,
        /// The address and port that it came from.
        client: SocketAddrV4,
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {} to {}: {}", self.number, self.server, self.outcome)
    }
}

event! {
    /// A TLS handshake ended.
    pub struct Tls {
        /// The server's name.
        server: String,
        /// The connection's number.
        number: u32,
        /// `established`, or what went wrong as the server saw it. With a device that only speaks the TLS of its time:
        /// `established by TLS 1.2 with TLS_RSA_WITH_AES_128_CBC_SHA`, for example.
        outcome: String,
    }
}

impl fmt::Display for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS handshake on connection {} to {}: {}", self.number, self.server, self.outcome)
    }
}

event! {
    /// A server answered an HTTP request, or chose not to; `at` is when that was over.
    pub struct Http {
        /// The server's name.
        server: String,
        /// The connection's number.
        connection: u32,
        /// Whether it came over TLS.
        tls: bool,
        /// When the request had arrived completely, as `at`.
        received: Instant,
        /// Such as POST.
        method: String,
        /// Path and query.
        target: String,
        /// Pairs of name, in lower case, and value, in order of arrival.
        request_headers: Vec<(String, String)>,
        /// As text, invalid UTF-8 replaced.
        request_body: String,
        /// `null` if there was no reply.
        status: Option<u16>,
        /// As text, invalid UTF-8 replaced.
        response_body: String,
        /// How many entries the request stored.
        stored: u32,
        /// The name of the fault that had a hand in it.
        #[serde(skip_serializing_if = "Option::is_none")]
        fault: Option<String>,
    }
}

impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, method, target, status, tls, .. } = self;
        let scheme = if *tls { "https" } else { "http" };
        write!(f, "{method} {target} to {server} ({scheme}): ")?;
        match status {
            Some(status) => write!(f, "{status}"),
            None => f.write_str("no reply"),
        }
    }
}

event! {
    /// The cloud stored an entry.
    pub struct Stored {
        /// The channel's number.
        channel: u32,
        /// The entry's number in the channel, from 1.
        entry_id: u64,
        /// In seconds since 1970.
        created_at: i64,
        /// `field1` to `field8` as they were sent, `null` where nothing was.
        fields: [Option<String>; 8],
        /// As it was sent.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<String>,
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} stored: {}", self.entry_id, self.contents())
    }
}

impl Stored {
    /// What is in it: "field1 `21.5` field2 `45.6`".
    pub fn contents(&self) -> String {
        let fields =
            (1..).zip(&self.fields).filter_map(|(number, field)| Some(format!("field{number} `{}`", field.as_ref()?)));
        let status = self.status.as_ref().map(|status| format!("status `{status}`"));
        fields.chain(status).collect::<Vec<_>>().join(" ")
    }
}
