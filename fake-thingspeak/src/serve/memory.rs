//! What all connections of a host may take together: the bodies of requests as they arrive, and replies until they are
//! sent.
//!
//! Each is bounded by itself ([`Limits`](super::Limits)), but there are many connections, and a client may send slowly
//! and read slowly. So what is large counts against what the host has for all ([`Host::take_memory`]); what finds no
//! room is refused with 503. What is small does not count, and small devices get through whatever large clients do. It
//! is bounded by the number of connections.

use http::header::{HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes, Incoming};

use super::Host;
use crate::cloud::Refusal;

/// Up to how many bytes a body is small. No update is larger than 3000, and hyper reads as much at once.
const SMALL: usize = 16 << 10;

/// The refusal of a request for which there is no room.
pub(super) const NO_ROOM: Refusal = Refusal::Status(503);

/// The same for the record.
pub(super) const NO_ROOM_REASON: &str = "too much is under way at the same time";

/// When to try again, in seconds.
static LATER: HeaderValue = HeaderValue::from_static("5");

/// A share of the memory; given back when dropped.
pub(super) struct Held<'h, H: Host> {
    host: &'h H,
    bytes: usize,
}

impl<'h, H: Host> Held<'h, H> {
    /// Nothing yet.
    pub(super) fn nothing(host: &'h H) -> Self {
        Self { host, bytes: 0 }
    }

    /// Takes room for `bytes` more, if they are not few. Whether there was.
    pub(super) fn add(&mut self, bytes: usize) -> bool {
        let room = bytes <= SMALL || self.host.take_memory(bytes);
        if room && bytes > SMALL {
            self.bytes += bytes;
        }
        room
    }

    /// Has room for something of this size, which grows. Whether there is.
    fn grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let room = bytes <= SMALL || more == 0 || self.host.take_memory(more);
        if room && bytes > SMALL {
            self.bytes += more;
        }
        room
    }

    /// Gives everything back.
    pub(super) fn give_back(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes > 0 {
            self.host.give_memory(bytes);
        }
    }
}

impl<H: Host> Drop for Held<'_, H> {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Why a body is not there.
pub(super) enum Missing {
    /// It is larger than a body may be.
    TooLarge,
    /// There is no room for it.
    NoRoom,
    /// The client has gone, or what it sent was no body.
    Broken,
}

/// Waits for a body of at most `most` bytes. Its room stays in `held`.
pub(super) async fn gather<H: Host>(mut body: Incoming, most: usize, held: &mut Held<'_, H>) -> Result<Bytes, Missing> {
    if body.size_hint().lower() > most as u64 {
        return Err(Missing::TooLarge);
    }
    // Mostly there is one piece, and it stays where it is.
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(|_| Missing::Broken)?.into_data() else { continue };
        let length = first.len() + all.len() + piece.len();
        if length > most {
            return Err(Missing::TooLarge);
        }
        if length == piece.len() {
            first = piece;
            continue;
        }
        if length > all.capacity() {
            let capacity = length.max(2 * all.capacity()).min(most);
            if !held.grow(capacity) {
                return Err(Missing::NoRoom);
            }
            all.reserve_exact(capacity - all.len());
        }
        all.extend_from_slice(&std::mem::take(&mut first));
        all.extend_from_slice(&piece);
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

/// Puts the refusal in the place of a `reply` to `request` for which there is no room until it is sent; whether it did.
/// Only the reply to what changes nothing is refused.
pub(super) fn refuse_without_room<H: Host>(
    reply: &mut Response<Bytes>,
    request: &Request<Bytes>,
    held: &mut Held<'_, H>,
) -> bool {
    let changes_nothing = matches!(*request.method(), Method::GET | Method::HEAD);
    if held.add(reply.body().len()) || !changes_nothing {
        return false;
    }
    *reply = later(held.host.with_cloud(|cloud| cloud.refuse(request, NO_ROOM)));
    true
}

/// A refusal that says when to try again (RFC 9110 §10.2.3).
pub(super) fn later(mut refusal: Response<Bytes>) -> Response<Bytes> {
    refusal.headers_mut().insert(RETRY_AFTER, LATER.clone());
    refusal
}
