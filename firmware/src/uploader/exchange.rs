//! Carries one request to the cloud and brings the reply back: name, connection, TLS, HTTP, and a proper goodbye.
//!
//! The name is resolved each time, so that a moved server is found. The connection is closed when the reply was read
//! and reset when anything went wrong, in both cases within a few seconds, because a dropped socket says nothing to its
//! peer.

use core::cell::{Cell, RefCell};
use core::pin::pin;

use embassy_net::dns::DnsQueryType;
use embassy_net::tcp::{ConnectError, TcpSocket};
use embassy_net::{IpEndpoint, Stack};
use embassy_time::{Duration, Instant, with_deadline, with_timeout};
use rand_core::CryptoRngCore;

use crate::board::Watchdog;
use crate::http::{self, HttpError, Request};
use crate::own_frame::in_own_frame;
use crate::settings::{Settings, TrustedIssuer};
use crate::tls::{self, TlsError, Validity};

/// Until an address of the server accepts the connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// For all its addresses together, so that the last of them still has time for TLS and the reply.
const ADDRESSES_PATIENCE: Duration = Duration::from_secs(15);
/// From the question for the name to the end of the reply.
const EXCHANGE_PATIENCE: Duration = Duration::from_secs(30);
/// For the last segments; they are not worth waiting for longer.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(2);

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Resolving,
    Connecting,
    Securing,
    /// From here on the request may arrive.
    Exchanging,
}

/// Why there is no reply. Reads well after "could not upload: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("the network is gone")]
    Offline,
    #[error("the server's name was not resolved")]
    Unresolved,
    #[error("the server refuses the connection")]
    Refused,
    #[error("there is no way to the server")]
    NoRoute,
    #[error("the server did not accept the connection in time")]
    NoConnection,
    #[error("no answer to the question for the server's name in {} s", EXCHANGE_PATIENCE.as_secs())]
    ResolvingTimeout,
    #[error("the TLS handshake did not end in {} s", EXCHANGE_PATIENCE.as_secs())]
    HandshakeTimeout,
    #[error("no reply in {} s", EXCHANGE_PATIENCE.as_secs())]
    ReplyTimeout,
    #[error("{0}")]
    Tls(TlsError),
    #[error("{0}")]
    SecureHttp(HttpError<TlsError>),
    #[error("{}", plain(.0))]
    PlainHttp(HttpError<embassy_net::tcp::Error>),
}

/// `embassy-net`'s errors have no words of their own.
fn plain(error: &HttpError<embassy_net::tcp::Error>) -> HttpError<&'static str> {
    match *error {
        HttpError::Stream(embassy_net::tcp::Error::ConnectionReset) => HttpError::Stream("the connection was reset"),
        HttpError::NoReply => HttpError::NoReply,
        HttpError::Truncated => HttpError::Truncated,
        HttpError::HeadTooLarge => HttpError::HeadTooLarge,
        HttpError::BodyTooLarge => HttpError::BodyTooLarge,
        HttpError::Malformed => HttpError::Malformed,
    }
}

impl Failure {
    /// Whether the certificate seems to be of another time, so that the clock may be wrong.
    pub fn doubts_clock(&self) -> bool {
        matches!(self, Self::Tls(TlsError::Expired(_) | TlsError::NotYetValid(_)))
    }

    /// Whether the server is not who it should be, or behaves as no server should.
    pub fn is_suspicious(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

/// What to send.
pub(super) struct Outgoing<'a> {
    pub path: &'a str,
    pub write_key: Option<&'a str>,
    pub content_type: &'a str,
    pub body: &'a [u8],
}

/// The memory of an exchange.
pub(super) struct Memory<'a, 't> {
    pub receive: &'a mut [u8],
    pub send: &'a mut [u8],
    pub reply: &'a mut [u8],
    pub tls: &'a mut tls::Buffers<&'t mut [u8; tls::MEMORY]>,
}

/// What an exchange needs of its surroundings.
pub(super) struct Surroundings<'a, R, W> {
    pub stack: Stack<'a>,
    pub settings: &'a Settings,
    pub random: R,
    pub watchdog: &'a RefCell<W>,
    /// The moment for which certificates are judged, in seconds since 1970.
    pub judgement: i64,
}

/// A reply, and under which certificates it came.
pub(super) struct Exchanged<'m> {
    pub reply: http::Reply<'m>,
    /// When they are valid; nothing without TLS.
    pub certificates: Option<Validity>,
}

/// Sends `outgoing` to the server of the settings and reads the reply. `stage` tells how far it came, also when this is
/// dropped halfway.
pub(super) async fn exchange<'m, R: CryptoRngCore + Copy, W: Watchdog>(
    surroundings: &Surroundings<'_, R, W>,
    memory: Memory<'m, '_>,
    outgoing: &Outgoing<'_>,
    stage: &Cell<Stage>,
) -> Result<Exchanged<'m>, Failure> {
    let settings = surroundings.settings;
    let deadline = Instant::now() + EXCHANGE_PATIENCE;
    let timed_out = |_| match stage.get() {
        Stage::Resolving => Failure::ResolvingTimeout,
        Stage::Connecting => Failure::NoConnection,
        Stage::Securing => Failure::HandshakeTimeout,
        Stage::Exchanging => Failure::ReplyTimeout,
    };

    let mut socket = TcpSocket::new(surroundings.stack, memory.receive, memory.send);
    // Requests go out in few, complete pieces; holding the last one back would cost a round trip.
    socket.set_nagle_enabled(false);
    let reached = {
        let reaching = pin!(reach(surroundings.stack, settings, &mut socket, deadline, stage));
        in_own_frame(reaching).await
    };
    let result = match reached {
        Err(failure) => Err(failure),
        Ok(()) => {
            let request = Request {
                host: settings.host(),
                port: settings.port(),
                path: outgoing.path,
                write_key: outgoing.write_key,
                content_type: outgoing.content_type,
                body: outgoing.body,
            };
            let exchanged = if settings.tls() {
                let feed = || surroundings.watchdog.borrow_mut().feed();
                let mut random = surroundings.random;
                let trust = settings.trusted_issuer();
                let judge = Judge {
                    trust: &trust,
                    at: u64::try_from(surroundings.judgement).unwrap_or(0),
                    between_checks: &feed,
                };
                let exchange =
                    pin!(secured(&mut socket, &request, memory.reply, memory.tls, judge, &mut random, stage));
                with_deadline(deadline, in_own_frame(exchange)).await
            } else {
                stage.set(Stage::Exchanging);
                let exchange = pin!(http::exchange(&mut socket, &request, memory.reply));
                with_deadline(deadline, in_own_frame(exchange)).await.map(|exchanged| match exchanged {
                    Ok(reply) => Ok(Exchanged { reply, certificates: None }),
                    Err(error) => Err(Failure::PlainHttp(error)),
                })
            };
            exchanged.unwrap_or_else(|timeout| Err(timed_out(timeout)))
        }
    };
    // A server whose TLS is refused may still have to hear why: a reset would overtake the alert.
    if matches!(result, Ok(_) | Err(Failure::Tls(_))) {
        socket.close();
    } else {
        socket.abort();
    }
    if with_timeout(GOODBYE_PATIENCE, socket.flush()).await.is_err() {
        socket.abort();
        let _reset = with_timeout(GOODBYE_PATIENCE, socket.flush()).await;
    }
    result
}

/// Whom to trust.
struct Judge<'a> {
    trust: &'a TrustedIssuer,
    /// Seconds since 1970.
    at: u64,
    between_checks: &'a dyn Fn(),
}

/// The exchange over TLS, on a connected `socket`.
async fn secured<'m, R: CryptoRngCore>(
    socket: &mut TcpSocket<'_>,
    request: &Request<'_>,
    reply: &'m mut [u8],
    tls: &mut tls::Buffers<&mut [u8; tls::MEMORY]>,
    judge: Judge<'_>,
    random: &mut R,
    stage: &Cell<Stage>,
) -> Result<Exchanged<'m>, Failure> {
    stage.set(Stage::Securing);
    let mut connection = tls::Connection::new(socket, tls);
    let opened = {
        let opening = pin!(connection.open(request.host, judge.trust, judge.at, random, judge.between_checks));
        in_own_frame(opening).await
    };
    let mut session = opened.map_err(Failure::Tls)?;
    stage.set(Stage::Exchanging);
    let exchanged = {
        let exchange = pin!(http::exchange(&mut session, request, reply));
        in_own_frame(exchange).await
    };
    let reply = exchanged.map_err(Failure::SecureHttp)?;
    let certificates = Some(session.validity());
    // The reply is complete; how the goodbye goes does not change it.
    let goodbye = pin!(session.close());
    let _gone = with_timeout(GOODBYE_PATIENCE, in_own_frame(goodbye)).await;
    Ok(Exchanged { reply, certificates })
}

/// Resolves the server's name, and connects to the first of its addresses that answers: some may be out of order. Each
/// has an equal share of what is left of the time.
async fn reach(
    stack: Stack<'_>,
    settings: &Settings,
    socket: &mut TcpSocket<'_>,
    deadline: Instant,
    stage: &Cell<Stage>,
) -> Result<(), Failure> {
    stage.set(Stage::Resolving);
    let resolving = stack.dns_query(settings.host(), DnsQueryType::A);
    let addresses = with_deadline(deadline, resolving).await.map_err(|_| Failure::ResolvingTimeout)?;
    stage.set(Stage::Connecting);
    let addresses = addresses.map_err(|_| Failure::Unresolved)?;
    let until = deadline.min(Instant::now() + ADDRESSES_PATIENCE);
    let mut failure = Failure::Unresolved;
    for (left, address) in (1..=addresses.len() as u32).rev().zip(addresses) {
        socket.abort();
        let share = until.saturating_duration_since(Instant::now()) / left;
        let connecting = socket.connect(IpEndpoint::new(address, settings.port()));
        failure = match with_timeout(share.min(CONNECT_PATIENCE), connecting).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => unconnected(error),
            Err(_) => Failure::NoConnection,
        };
    }
    Err(failure)
}

fn unconnected(error: ConnectError) -> Failure {
    match error {
        ConnectError::ConnectionReset => Failure::Refused,
        ConnectError::TimedOut => Failure::NoConnection,
        ConnectError::NoRoute | ConnectError::InvalidState => Failure::NoRoute,
    }
}
