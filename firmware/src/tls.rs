//! TLS 1.3 to the cloud: `embedded-tls` carries records and handshake, trust is this module's own.
//!
//! ```text
//! transport ◄─► guard ◄─► embedded-tls ◄─► Session ◄─► http
//!               headers    │        │
//!               hello      │        │
//!                   record_cipher  verifier ─► chain ─► signature
//!                   flight         who is it   path     p256, rsa
//! ```
//!
//! [`Connection::open`] succeeds only if the server showed a certificate for the host that leads to the trusted issuer,
//! and signed the handshake with that certificate's key; until then no encrypted byte leaves the device. `embedded-tls`
//! 0.19 alone requires neither message, takes the others in any order and with anything in them, and panics on several
//! malformed ones. So `guard` sees to records and to the server's hello, and `record_cipher` to all that is encrypted,
//! before it does: what RFC 8446 wants a client to abort on ends the connection (a table of `tests` has a row for
//! each). A server whose hello is refused is told why, by an alert. Later refusals only end the connection, because an
//! alert would have to be encrypted and `embedded-tls` keeps the keys to itself.
//!
//! Not modelled: resumption, client certificates (an empty one is sent if asked), other key exchanges than P-256, other
//! suites than TLS_AES_128_GCM_SHA256, HelloRetryRequest, key updates, handshake messages split over records, records
//! above [`READ_BUFFER`]. RFC 8446; RFC 6066 §3 (server name).

mod alert;
mod chain;
mod der;
mod error;
mod extensions;
mod flight;
mod guard;
mod hello;
mod reader;
mod record_cipher;
mod refusal;
mod roots;
mod signature;
mod transcript;
mod verifier;

#[cfg(test)]
mod tests;

use core::borrow::BorrowMut;
use core::pin::pin;

use embedded_io_async::{ErrorType, Read, Write};
use embedded_tls::{FlushPolicy, TlsConfig, TlsConnection, TlsContext};
use rand_core::CryptoRngCore;
use rustls_pki_types::ServerName;

pub use self::chain::Validity;
pub use self::error::TlsError;
use self::flight::Phase;
use self::guard::{Guard, State};
use self::record_cipher::Suite;
use self::verifier::{Provider, Verifier};
use crate::own_frame::in_own_frame;
use crate::settings::TrustedIssuer;

/// The largest record a server may send, in bytes of encrypted content: a handshake with a chain of four certificates
/// fits.
pub const READ_BUFFER: usize = 8192;
/// Room to put a record together: 1,920 bytes of content at most.
pub const WRITE_BUFFER: usize = 2048;

/// Both buffers.
pub const MEMORY: usize = READ_BUFFER + WRITE_BUFFER;

/// The memory of one connection at a time: its own, or borrowed from where large things live.
pub struct Buffers<M = [u8; MEMORY]> {
    memory: M,
    state: State,
}

impl Buffers {
    /// Buffers for a first connection.
    pub const fn new() -> Self {
        Self { memory: [0; MEMORY], state: State::new() }
    }
}

impl<'m> Buffers<&'m mut [u8; MEMORY]> {
    /// Buffers for a first connection in memory that serves others at other times.
    pub const fn over(memory: &'m mut [u8; MEMORY]) -> Self {
        Self { memory, state: State::new() }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

/// A connection that can be opened, once.
///
/// It is large, and stays where it is made: [`Session`] only borrows it, because a future holds what passes through it
/// by value twice.
pub struct Connection<'b, T: Read + Write> {
    /// `None` once closed, or found not to be trusted.
    inner: Option<TlsConnection<'b, Guard<'b, T>, Suite>>,
    state: &'b State,
}

/// An open connection to a server that is who it should be.
///
/// Reads return 0 once the peer has closed, whether it said so (`close_notify`) or just ended the transport between two
/// records: who needs to know that nothing is missing has to count.
pub struct Session<'c, 'b, T: Read + Write> {
    connection: &'c mut Connection<'b, T>,
    ended: bool,
    validity: Validity,
}

impl<'b, T: Read + Write> Connection<'b, T> {
    /// A connection over `transport`. Nothing has passed yet.
    // Made in place, so that a large stack frame is not kept for it below the check of a signature.
    #[inline(never)]
    pub fn new<M: BorrowMut<[u8; MEMORY]>>(transport: T, buffers: &'b mut Buffers<M>) -> Self {
        buffers.state = State::new();
        let Buffers { memory, state } = buffers;
        let (read, write) = memory.borrow_mut().split_at_mut(READ_BUFFER);
        let state = &*state;
        let mut inner = TlsConnection::new(Guard::new(transport, state), read, write);
        // The transport sends by itself; waiting for its acknowledgement after each record would cost a round trip.
        inner.set_flush_policy(FlushPolicy::Relaxed);
        Self { inner: Some(inner), state }
    }

    /// Opens the connection to `host` (a DNS name or an IP address), whose certificate must lead to `trust` and be
    /// valid `at` so many seconds after 1970.
    ///
    /// `between_checks` is called before each signature check, of which there are at most nine and usually three; each
    /// takes up to half a second on the chip: feed the watchdog there. There is no time-out here; drop the future to
    /// give up, and the transport with it.
    ///
    /// # Errors
    /// Why the server cannot be reached safely; no byte meant for it has left, and none will: the connection is closed.
    pub async fn open<R: CryptoRngCore>(
        &mut self,
        host: &str,
        trust: &TrustedIssuer,
        at: u64,
        random: &mut R,
        between_checks: &dyn Fn(),
    ) -> Result<Session<'_, 'b, T>, TlsError> {
        let name = ServerName::try_from(host).map_err(|_| TlsError::InvalidHost)?;
        let mut config = TlsConfig::new().enable_rsa_signatures();
        if let ServerName::DnsName(_) = name {
            config = config.with_server_name(host);
            self.state.name_server();
        }
        let expected = chain::Expected { name: &name, issuer: trust, at, between_checks };
        let mut provider = Provider { random, verifier: Verifier::new(expected, self.state) };

        let inner = self.inner.as_mut().ok_or(TlsError::NotOpen)?;
        let opened = {
            let handshake = pin!(inner.open(TlsContext::new(&config, &mut provider)));
            in_own_frame(handshake).await
        };
        let verdict = self.outcome(opened, &provider.verifier);
        match verdict.and_then(|()| provider.verifier.validity().ok_or(TlsError::NoCertificate)) {
            Ok(validity) => {
                self.state.advance(Phase::Open);
                Ok(Session { connection: self, ended: false, validity })
            }
            Err(error) => {
                self.inner = None;
                Err(error)
            }
        }
    }

    /// What came of a handshake, with what the verifier has seen of it.
    fn outcome(&self, opened: Result<(), embedded_tls::TlsError>, verifier: &Verifier<'_>) -> Result<(), TlsError> {
        match opened {
            Ok(()) => verifier.verdict()?,
            // The server was about to be sent something although it is not proven who it is.
            Err(embedded_tls::TlsError::Io(_)) if self.state.finding().is_none() => verifier.verdict()?,
            Err(_) => {}
        }
        opened.map_err(|error| verifier.failure().unwrap_or_else(|| explain(self.state, error)))
    }

    fn opened(&mut self) -> Result<&mut TlsConnection<'b, Guard<'b, T>, Suite>, TlsError> {
        self.inner.as_mut().ok_or(TlsError::NotOpen)
    }
}

impl<T: Read + Write> Session<'_, '_, T> {
    /// When the certificates are valid by which the server was found to be who it should be.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Sends what is still buffered and says goodbye (`close_notify`), unless the peer has closed already. The
    /// transport is dropped: whoever lent it closes it. (By reference, because a future holds what is passed by value
    /// twice.)
    ///
    /// # Errors
    /// [`TlsError::Transport`] if the transport fails.
    pub async fn close(&mut self) -> Result<(), TlsError> {
        let ended = self.ended;
        let closing = pin!(self.connection.inner.take().filter(|_| !ended).map(TlsConnection::close));
        match closing.as_pin_mut() {
            Some(closing) => closing.await.map(drop).map_err(|(_, error)| explain(self.connection.state, error)),
            None => Ok(()),
        }
    }
}

impl<T: Read + Write> ErrorType for Session<'_, '_, T> {
    type Error = TlsError;
}

impl<T: Read + Write> Read for Session<'_, '_, T> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, TlsError> {
        if self.ended || buf.is_empty() {
            return Ok(0);
        }
        match self.connection.opened()?.read(buf).await {
            Ok(count) => Ok(count),
            Err(embedded_tls::TlsError::ConnectionClosed) => {
                self.ended = true;
                Ok(0)
            }
            Err(embedded_tls::TlsError::IoError) if self.connection.state.ended() => {
                self.ended = true;
                Ok(0)
            }
            Err(error) => Err(explain(self.connection.state, error)),
        }
    }
}

impl<T: Read + Write> Write for Session<'_, '_, T> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, TlsError> {
        if self.ended {
            return Err(TlsError::NotOpen);
        }
        if buf.is_empty() {
            return Ok(0);
        }
        let written = self.connection.opened()?.write(buf).await;
        written.map_err(|error| explain(self.connection.state, error))
    }

    async fn flush(&mut self) -> Result<(), TlsError> {
        let flushed = self.connection.opened()?.flush().await;
        flushed.map_err(|error| explain(self.connection.state, error))
    }
}

/// Puts an error of `embedded-tls` into words, with what the guard saw.
fn explain(state: &State, error: embedded_tls::TlsError) -> TlsError {
    use embedded_tls::TlsError as E;
    if let Some(finding) = state.finding() {
        return finding;
    }
    if let Some(refusal) = record_cipher::refusal(&error).filter(|_| state.phase() != Phase::Hello) {
        return refusal.into();
    }
    match error {
        E::CryptoError => TlsError::BadRecord,
        // Encrypted alerts, whose descriptions `embedded-tls` keeps to itself: in the handshake, and after it.
        E::InvalidRecord | E::InternalError if state.phase() != Phase::Hello => TlsError::Alert(None),
        E::HandshakeAborted(_, description) => TlsError::Alert(Some(description as u8)),
        // An extension that `embedded-tls` knows and this device never asks for, in a request for a certificate.
        E::AbortHandshake(..) => TlsError::IllegalParameter,
        E::InvalidSignature => TlsError::HandshakeChanged,
        E::ConnectionClosed | E::IoError => TlsError::Closed,
        E::MissingHandshake => TlsError::NotOpen,
        E::Io(kind) => TlsError::Transport(kind),
        _ => TlsError::MalformedMessage,
    }
}
