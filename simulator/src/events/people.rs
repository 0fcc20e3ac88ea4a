//! What phones do and see.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::JoinOutcome;

/// What a phone did or saw.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum PhoneEvent {
    /// It tried to join a network.
    Join {
        /// The network's name.
        network: String,
        /// What came of it.
        outcome: JoinOutcome,
    },
    /// It was given an address.
    Lease {
        /// The address.
        address: Ipv4Addr,
    },
    /// A name was resolved for it (`None`: no answer).
    Resolved {
        /// The name.
        name: String,
        /// The answer.
        address: Option<Ipv4Addr>,
    },
    /// It got a reply to an HTTP request.
    Reply {
        /// `GET http://192.168.4.1/`
        request: String,
        /// The status.
        status: u16,
        /// Where a redirect leads.
        #[serde(skip_serializing_if = "Option::is_none")]
        location: Option<String>,
        /// The body, as text.
        body: String,
    },
    /// It got no reply.
    Failed {
        /// What it tried.
        request: String,
        /// What happened instead.
        reason: String,
    },
    /// It left, or its network went away.
    Left,
}
