//! ThingSpeak without I/O: a request and the time go in, a reply and what was stored come out.
//!
//! [`Cloud::handle`] finds out what the path asks for (`route`), gathers the parameters from query and body
//! (`parameters`), lets the operation work on the channels (`write` and `read` on `store`), and puts its outcome
//! into the format that the path asks for (`render`). Keys and channel numbers come from a seed.
//!
//! Follows MathWorks' API documentation, recordings of the service, and for what neither tells the behaviour of the
//! open-source server of 2015; where the first two differ, [`Profile`] chooses. Our own decision, because the service's
//! is not known: an entry whose `created_at` the channel already has is refused with 409 and stores nothing, alone or in
//! bulk.
//!
//! Not yet modelled: channel management, charts, TalkBack, MQTT, aggregation, time zones other than UTC, quotas.

use std::collections::BTreeMap;
use std::net::IpAddr;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, Request, Response};
use hyper::body::Bytes;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore;
use time::{OffsetDateTime, UtcOffset};

use crate::certificates::derived;
use error::Failure;
use parameters::Parameters;
use render::Answer;
use route::{Format, Operation, route};
use store::Channel;

mod error;
mod moment;
mod parameters;
mod read;
mod render;
mod route;
mod store;
#[cfg(test)]
mod tests;
mod write;

/// The service as it was at some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// As its documentation has it: a write with a wrong key is 401 `error_auth_required`.
    #[default]
    Docs,
    /// As recorded in 2017–2019: a write with a wrong key is 400 with the body `0`, and the entry in a reply begins with
    /// its fields.
    Recorded2019,
}

/// The service: channels with their keys and entries.
#[derive(Clone, Debug)]
pub struct Cloud {
    profile: Profile,
    seed: [u8; 32],
    channels: BTreeMap<u32, Channel>,
    next_channel: u32,
    /// Counted for `X-Request-Id`.
    requests: u64,
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
        let next_channel = 1_000_000 + derived(&seed, &[b"first channel"]).next_u32() % 2_000_000;
        Self { profile: Profile::default(), seed, channels: BTreeMap::new(), next_channel, requests: 0 }
    }

    /// The same service at another time.
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Makes a channel; the same seed and order of creation give the same number and keys.
    pub fn create_channel(&mut self, channel: NewChannel, now: OffsetDateTime) -> Access {
        let number = self.next_channel;
        self.next_channel += 1;
        let mut stream = derived(&self.seed, &[b"channel", &number.to_le_bytes()]);
        let access = Access { channel: number, write_key: new_key(&mut stream), read_key: new_key(&mut stream) };
        self.channels.insert(number, Channel::new(access.clone(), channel, moment::whole_seconds(now)));
        access
    }

    /// The entries of a channel in order of their time; `None` if there is no such channel.
    pub fn entries(&self, channel: u32) -> Option<Vec<Stored>> {
        let channel = self.channels.get(&channel)?;
        Some(channel.entries.keys().map(|place| write::stored(channel, *place)).collect())
    }

    /// Handles `request`, which came from `client` and arrives `now`.
    ///
    /// Whatever the request is, the reply is one of ThingSpeak's, and never a 500.
    pub fn handle(&mut self, request: &Request<Bytes>, now: OffsetDateTime, client: IpAddr) -> Handled {
        let now = now.checked_to_offset(UtcOffset::UTC).unwrap_or(now);
        let (operation, format) = route(request.uri().path());
        let mut stored = Vec::new();
        let answer = operation
            .ok_or(Failure::NotFound)
            .and_then(|operation| self.carry_out(operation, format, request, now, client, &mut stored))
            .unwrap_or_else(|failure| self.failed(failure, operation, format));
        Handled { response: self.response(answer), stored }
    }

    /// The reply of a service that refuses `request` for a reason of its own; nothing is stored.
    pub fn refuse(&mut self, request: &Request<Bytes>, refusal: Refusal) -> Response<Bytes> {
        let (operation, format) = route(request.uri().path());
        let failure = match (refusal, operation) {
            (Refusal::TooSoon, Some(Operation::Update)) => Failure::TooSoon,
            (Refusal::TooSoon, _) => Failure::TooManyRequests,
            (Refusal::Key, Some(Operation::Update)) => Failure::WriteRefused,
            (Refusal::Key, Some(Operation::BulkUpdate { .. }) | None) => Failure::AuthorizationRequired,
            (Refusal::Key, Some(_)) => Failure::ReadRefused,
            (Refusal::TooLarge, _) => Failure::TooLarge,
            (Refusal::Status(status), _) => Failure::from_status(status),
        };
        let answer = self.failed(failure, operation, format);
        self.response(answer)
    }

    fn carry_out(
        &mut self,
        operation: Operation,
        format: Format,
        request: &Request<Bytes>,
        now: OffsetDateTime,
        client: IpAddr,
        stored: &mut Vec<Stored>,
    ) -> Result<Answer, Failure> {
        let method = request.method();
        let allowed = match operation {
            Operation::Update => method == Method::GET || method == Method::POST,
            Operation::BulkUpdate { .. } => method == Method::POST,
            _ => method == Method::GET || method == Method::HEAD,
        };
        if !allowed {
            return Err(Failure::MethodInvalid);
        }
        match operation {
            Operation::Update => {
                write::check_size(request)?;
                let parameters = Parameters::of(request)?;
                let key = parameters::key(request, &parameters).ok_or(Failure::WriteRefused)?;
                let channel = self.channels.values_mut().find(|channel| channel.access.write_key == key);
                let channel = channel.ok_or(Failure::WriteRefused)?;
                let place = write::update(channel, &parameters, now, client)?;
                stored.push(write::stored(channel, place));
                Ok(write::updated(channel, place, format, self.profile))
            }
            Operation::BulkUpdate { channel } => {
                let channel = self.channels.get_mut(&channel).ok_or(Failure::NotFound)?;
                let places = write::bulk_update(channel, request, now, client)?;
                stored.extend(places.into_iter().map(|place| write::stored(channel, place)));
                Ok(write::bulk_updated())
            }
            Operation::Feeds { channel } => {
                let (channel, parameters) = self.readable(channel, request)?;
                Ok(read::feeds(channel, None, &parameters, now, format))
            }
            Operation::Field { channel, field } => {
                let (channel, parameters) = self.readable(channel, request)?;
                Ok(read::feeds(channel, Some(field), &parameters, now, format))
            }
            Operation::LastFeed { channel } => {
                let (channel, parameters) = self.readable(channel, request)?;
                Ok(read::last(channel, None, &parameters, format))
            }
            Operation::LastField { channel, field } => {
                let (channel, parameters) = self.readable(channel, request)?;
                Ok(read::last(channel, Some(field), &parameters, format))
            }
        }
    }

    /// The channel, if the request may read it.
    fn readable(&self, channel: u32, request: &Request<Bytes>) -> Result<(&Channel, Parameters), Failure> {
        let channel = self.channels.get(&channel).ok_or(Failure::NotFound)?;
        let parameters = Parameters::of(request)?;
        match channel.may_read(parameters::key(request, &parameters)) {
            true => Ok((channel, parameters)),
            false => Err(Failure::ReadRefused),
        }
    }

    /// The reply to a failure, in the format of the path or what the operation has instead.
    fn failed(&self, failure: Failure, operation: Option<Operation>, format: Format) -> Answer {
        let format = match operation {
            Some(Operation::Update | Operation::LastField { .. }) | None => format,
            Some(_) => format.or(Format::Json),
        };
        let answer = failure.answer(format);
        match (failure, self.profile) {
            (Failure::WriteRefused, Profile::Recorded2019) => {
                Answer { status: http::StatusCode::BAD_REQUEST, body: "0".to_owned(), ..answer }
            }
            _ => answer,
        }
    }

    /// The answer as a reply, with the headers that the service sends with every one.
    fn response(&mut self, answer: Answer) -> Response<Bytes> {
        self.requests += 1;
        let mut id = [0; 16];
        derived(&self.seed, &[b"request", &self.requests.to_le_bytes()]).fill_bytes(&mut id);
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();

        let mut response = Response::new(Bytes::from(answer.body));
        *response.status_mut() = answer.status;
        let cache = if answer.cacheable { "max-age=0, private, must-revalidate" } else { "no-cache" };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        for (name, value) in CROSS_ORIGIN {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let id = HeaderValue::from_str(&id).expect("hexadecimal digits are a header value");
        headers.insert(HeaderName::from_static("x-request-id"), id);
        response
    }
}

/// What lets pages from elsewhere use the service; recorded in 2014.
const CROSS_ORIGIN: [(&str, &str); 4] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, PUT, OPTIONS, DELETE, PATCH"),
    ("access-control-allow-headers", "origin, content-type, X-Requested-With"),
    ("access-control-max-age", "1800"),
];

/// A key: 16 characters of `0-9A-Z`.
fn new_key(stream: &mut ChaCha20Rng) -> String {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    (0..16).map(|_| char::from(DIGITS[(stream.next_u64() % 36) as usize])).collect()
}
