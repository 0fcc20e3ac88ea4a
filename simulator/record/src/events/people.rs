//! What phones do and see in configuration mode.

use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::JoinOutcome;
use super::declare::event;

event! {
    /// A phone did or saw something.
    pub struct Phone {
        /// The phone's name.
        phone: String,
        /// What:
        #[serde(flatten)]
        what: PhoneEvent,
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "phone `{}` {}", self.phone, self.what)
    }
}

/// Declares what phones do and see. The doc comments are what the page about events says of it.
macro_rules! phone_events {
    ($(
        $(#[doc = $about:literal])+
        $name:ident = $word:literal {
            $($(#[doc = $of_field:literal])+ $(#[serde($($attribute:tt)*)])? $field:ident: $type:ty,)*
        }
    )+) => {
        /// What a phone did or saw.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "what", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
        pub enum PhoneEvent {
            $(
                $(#[doc = $about])+
                $name { $($(#[doc = $of_field])+ $(#[serde($($attribute)*)])? $field: $type,)* },
            )+
        }

        impl PhoneEvent {
            /// Each word of `what`, a sentence about it, and its fields with a sentence each.
            pub const ROWS: &'static [PhoneRow] = &[$((
                $word,
                concat!($($about),+).trim_ascii(),
                &[$((stringify!($field), concat!($($of_field),+).trim_ascii())),*],
            )),+];
        }
    };
}

/// A word of `what`, a sentence about it, and its fields with a sentence each.
pub type PhoneRow = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

phone_events! {
    /// It tried to join a network.
    Join = "join" {
        /// The network's name.
        network: String,
        /// What came of it, as in `join`.
        outcome: JoinOutcome,
    }
    /// It was given an address.
    Lease = "lease" {
        /// The address.
        address: Ipv4Addr,
    }
    /// A name was resolved for it, or was not.
    Resolved = "resolved" {
        /// The name.
        name: String,
        /// The answer; `null` if there was none.
        address: Option<Ipv4Addr>,
    }
    /// It got a reply to an HTTP request.
    Reply = "reply" {
        /// Method and URL.
        request: String,
        /// The status.
        status: u16,
        /// Where a redirect leads.
        #[serde(skip_serializing_if = "Option::is_none")]
        location: Option<String>,
        /// The body, as text.
        body: String,
    }
    /// It got no reply.
    Failed = "failed" {
        /// What it tried.
        request: String,
        /// What happened instead.
        reason: String,
    }
    /// It left, or its network went away.
    Left = "left" {}
}

impl fmt::Display for PhoneEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Join { network, outcome } => write!(f, "joining `{network}`: {outcome}"),
            Self::Lease { address } => write!(f, "is given {address}"),
            Self::Resolved { name, address: Some(address) } => write!(f, "resolves `{name}` to {address}"),
            Self::Resolved { name, address: None } => write!(f, "cannot resolve `{name}`"),
            Self::Reply { request, status, location: Some(location), .. } => {
                write!(f, "{request}: {status} to {location}")
            }
            Self::Reply { request, status, location: None, .. } => write!(f, "{request}: {status}"),
            Self::Failed { request, reason } => write!(f, "{request}: {reason}"),
            Self::Left {} => f.write_str("leaves"),
        }
    }
}
