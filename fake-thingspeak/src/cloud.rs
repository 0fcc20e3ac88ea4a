//! ThingSpeak without I/O: a request and the time go in, a reply and what was stored come out.
//!
//! [`Cloud::handle`] finds out what the path asks for (`route`), gathers the parameters from query and body
//! (`parameters`), lets the operation work on the channels (`update`, `bulk`, `read` on `store`), and puts its outcome
//! into the format that the path asks for (`render`). Keys and channel numbers come from a seed.
//!
//! Follows MathWorks' API documentation, recordings of the service, and for what neither tells the behaviour of the
//! open-source server of 2015; `docs` in the code means the first. Our own decision, because the service's is not known:
//! an entry whose `created_at` the channel already has is refused with 409 and stores nothing, alone or in bulk.
//!
//! Not yet modelled: channel management, charts, TalkBack, MQTT, aggregation, time zones other than UTC, quotas.

use std::net::IpAddr;

use http::{Request, Response};
use hyper::body::Bytes;
use time::OffsetDateTime;

/// The service: channels with their keys and entries.
#[derive(Clone, Debug)]
pub struct Cloud {
    seed: [u8; 32],
}

/// What a channel is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChannel {
    /// Its name.
    pub name: String,
    /// The names of `field1` to `field8`; `None` where the channel does not use the field.
    pub fields: [Option<String>; 8],
    /// Whether anyone may read it without a key.
    pub public: bool,
}

/// How to get at a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Its number.
    pub channel: u32,
    /// The key that opens it for writing (and reading): 16 characters of `0-9A-Z`.
    pub write_key: String,
    /// The key that opens it for reading only.
    pub read_key: String,
}

/// An entry as a request left it in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The channel's number.
    pub channel: u32,
    /// The entry's number in the channel, from 1.
    pub entry_id: u64,
    /// The entry's time, in whole seconds.
    pub created_at: OffsetDateTime,
    /// `field1` to `field8`.
    pub fields: [Option<String>; 8],
    /// `status`.
    pub status: Option<String>,
}

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Handled {
    /// The reply, without `Date` and `Content-Length`.
    pub response: Response<Bytes>,
    /// What was stored, in the order of storing.
    pub stored: Vec<Stored>,
}

/// A refusal that the request did not deserve, for faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// As if the last write had been less than 15 s ago.
    TooSoon,
    /// As if the key were wrong.
    Key,
    /// As if the request were too large.
    TooLarge,
    /// With this status.
    Status(u16),
}

impl Cloud {
    /// A service without channels, whose keys and numbers come from `seed`.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed }
    }

    /// Makes a channel; the same seed and order of creation give the same number and keys.
    pub fn create_channel(&mut self, channel: NewChannel) -> Access {
        let _ = (channel, self.seed);
        Access { channel: 1, write_key: String::new(), read_key: String::new() }
    }

    /// The entries of a channel, oldest first; `None` if there is no such channel.
    pub fn entries(&self, channel: u32) -> Option<Vec<Stored>> {
        let _ = channel;
        None
    }

    /// Handles `request`, which came from `client` and arrives `now`.
    pub fn handle(&mut self, request: &Request<Bytes>, now: OffsetDateTime, client: IpAddr) -> Handled {
        let _ = (now, client);
        Handled { response: self.refuse(request, Refusal::Status(404)), stored: Vec::new() }
    }

    /// The reply of a service that refuses `request` for a reason of its own.
    pub fn refuse(&self, request: &Request<Bytes>, refusal: Refusal) -> Response<Bytes> {
        let _ = (request, refusal);
        Response::new(Bytes::new())
    }
}
