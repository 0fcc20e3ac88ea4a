//! What routers and servers do for their clients.

use serde::Serialize;

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

/// One HTTP request to a server of the world, and its reply.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct HttpExchange {
    /// The server's name.
    pub server: String,
    /// The connection's number.
    pub connection: u32,
    /// Whether it came over TLS.
    pub tls: bool,
    /// When the request had arrived completely.
    pub received: Instant,
    /// `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, in order of arrival.
    pub request_headers: Vec<(String, String)>,
    /// The body, as text (invalid UTF-8 replaced).
    pub request_body: String,
    /// The reply's status; `None` if no reply was sent.
    pub status: Option<u16>,
    /// The reply's body, as text.
    pub response_body: String,
    /// How many entries the request stored.
    pub stored: u32,
    /// The fault that had a hand in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}
