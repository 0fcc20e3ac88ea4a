//! What a connection needs of the world it runs in, and what it tells that world.

use std::borrow::Cow;
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Bytes;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};

use super::fault::Verdict;
use crate::cloud::{Cloud, Stored};
use crate::legacy_tls::{Suite, Version};

/// What a connection needs of the world it runs in.
///
/// One host may serve many connections, or each may have one of its own that knows the connection's number. None of the
/// calls may wait, and none is made while another is under way, except that the futures of [`sleep`](Self::sleep) and
/// [`durable`](Self::durable) live on.
pub trait Host {
    /// The time of day.
    fn now(&self) -> OffsetDateTime;

    /// Ends after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;

    /// The host's own reply to `request`, which arrives `now`: pages for people, and what controls the host. Asked
    /// first, once a request. No fault strikes such a reply, and it is no [`Exchange`]; `None` leaves the request to
    /// the cloud.
    fn own_reply(&self, _request: &Request<Bytes>, _now: OffsetDateTime) -> Option<Response<Bytes>> {
        None
    }

    /// What is to happen to `request`. Asked once a request, when it has arrived completely.
    fn verdict(&self, request: &Request<Bytes>) -> Verdict;

    /// The reply to `request` if it is for another protocol that the host speaks: 101, after which the connection is
    /// [`upgraded`](Self::upgraded), or why not. Asked before the cloud; faults strike the reply like the cloud's. By
    /// default there is no other protocol.
    fn upgrade(&self, _request: &Request<Bytes>) -> Option<Response<Bytes>> {
        None
    }

    /// Has the connection after the 101, until it is to be closed ([`Ending::Closed`]) or torn ([`Ending::Reset`]).
    /// What came after the request is in `read`, or still in the stream.
    fn upgraded<S>(&self, _stream: &mut S, _read: Bytes) -> impl Future<Output = Ending>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        std::future::ready(Ending::Closed)
    }

    /// Lets `work` have the cloud.
    fn with_cloud<R>(&self, work: impl FnOnce(&mut Cloud) -> R) -> R;

    /// Ends when all that the cloud has done so far is durable. Every reply but a refusal waits for it, so that none
    /// tells of what may still be lost. Ends at once by default: the cloud is kept in memory only.
    fn durable(&self) -> impl Future<Output = ()> {
        std::future::ready(())
    }

    /// The cloud has stored an entry; its reply may still be long in coming.
    fn stored(&self, entry: &Stored);

    /// An exchange is over: its reply was handed to the stream, or there will be none. Also called when
    /// [`serve`](super::serve)'s future is dropped in the middle of an exchange.
    fn exchanged(&self, exchange: &Exchange);

    /// The connection is closed because nothing came on it after a reply for as long as a fault allows
    /// ([`CloseWhenIdle`](super::Fault::CloseWhenIdle)).
    fn closed_idle(&self) {}

    /// The TLS handshake ended.
    fn tls_finished(&self, outcome: TlsOutcome);

    /// Takes `bytes` of the memory that there is for what is large on all connections, bodies of requests and replies
    /// that are not sent yet; `false` if there is too little, and then the request is refused with 503. Without end by
    /// default.
    fn take_memory(&self, _bytes: usize) -> bool {
        true
    }

    /// Gives back what was taken.
    fn give_memory(&self, _bytes: usize) {}

    /// What the connection may take of time and memory.
    fn limits(&self) -> Limits {
        Limits::default()
    }
}

/// How a TLS handshake ended: with version and cipher suite if they are those of old devices
/// ([`legacy_tls`](crate::legacy_tls)), or with the reason why there is no connection.
pub type TlsOutcome = Result<Option<(Version, Suite)>, String>;

/// What a connection may take of time and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a TLS handshake may take. Default 30 s.
    pub handshake: Duration,
    /// How long a client may take to send a request, counted from the handshake or the reply before it; twice that at
    /// most. Default 60 s, as nginx has it.
    pub request: Duration,
    /// The largest body of a request in bytes; a larger one is refused with 413. Default 4 MiB, which holds a full
    /// bulk update.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { handshake: Duration::from_secs(30), request: Duration::from_secs(60), body: 4 << 20 }
    }
}

/// A request and what became of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// When the request had arrived completely.
    pub received: OffsetDateTime,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The address that it came from.
    pub client: IpAddr,
    /// The request; without its body, if that was larger than [`Limits`] allow.
    pub request: Request<Bytes>,
    /// The reply's status; `None` if no reply was sent.
    pub status: Option<u16>,
    /// The reply's body, as far as it was sent.
    pub response_body: Bytes,
    /// What the request stored.
    pub stored: Vec<Stored>,
    /// Why the cloud refused it, in plain words.
    pub refused: Option<&'static str>,
    /// The rule that put a fault on it (see [`Verdict::rule`]).
    pub rule: Option<String>,
}

impl Exchange {
    /// Path and query of the request; of a CONNECT, host and port.
    pub fn target(&self) -> Cow<'_, str> {
        let uri = self.request.uri();
        uri.path_and_query().map_or_else(|| uri.to_string().into(), |target| target.as_str().into())
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The TLS handshake failed.
    NoHandshake,
    /// In order: the last reply was sent, or the client left.
    Closed,
    /// The client's bytes were no HTTP, or the stream failed.
    Failed,
    /// The client took longer than [`Limits`] allow.
    TooSlow,
    /// Closed by a fault, the reply missing or cut short.
    Dropped,
    /// Torn by a fault: the stream was not shut down.
    Reset,
}
