//! A client of the server on one connection, whatever is spoken on it: where it comes from, and what it meets.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use crate::injection::{ConnectionFault, TlsFault};
use fake_thingspeak::attack::Attack;
use fake_thingspeak::certificates::{Identity, Kind};
use fake_thingspeak::serve::TlsOutcome;
use fake_thingspeak::tls::TlsServer;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::state::ServerState;

/// How long a TLS handshake may take.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a client may take to send a request.
pub(crate) const REQUEST: Duration = Duration::from_secs(30);

/// What a client meets over TLS.
pub(crate) enum TlsPeer {
    /// The cloud, with this certificate.
    Cloud(TlsServer),
    /// An attacker in its place.
    ManInTheMiddle(Attack),
}

/// A client on one connection.
pub(crate) struct Client {
    pub(crate) state: Rc<ServerState>,
    pub(crate) address: SocketAddr,
    /// The client's IP address as text, for the log.
    pub(crate) name: String,
}

impl Client {
    /// The client that connected from `address`.
    pub(crate) fn new(state: &Rc<ServerState>, address: SocketAddr) -> Self {
        Self { state: Rc::clone(state), address, name: address.ip().to_string() }
    }

    /// What is to go wrong with the connection, counted and logged.
    pub(crate) fn connection_fault(&self) -> Option<ConnectionFault> {
        let (rule, fault) = self.state.faults.borrow_mut().connection(Instant::now())?;
        tracing::info!(target: "faults", client = self.name, rule, "connection: {rule}");
        Some(fault)
    }

    /// What the client is to meet over TLS. `None` if the certificate cannot be made, although one for the same hosts
    /// could be made when the server started.
    pub(crate) fn tls_peer(&self) -> Option<TlsPeer> {
        let Some((rule, fault)) = self.state.faults.borrow_mut().tls(Instant::now()) else {
            return Some(TlsPeer::Cloud(self.state.certificates.good()));
        };
        tracing::info!(target: "faults", client = self.name, rule, "connection: {rule}");
        Some(match fault {
            TlsFault::Certificate(kind) => {
                TlsPeer::Cloud(self.state.certificates.bad(kind, OffsetDateTime::now_utc()).ok()?)
            }
            TlsFault::Attack(attack) => TlsPeer::ManInTheMiddle(attack),
        })
    }

    /// A certificate for the server's hosts, with its key.
    pub(crate) fn identity(&self, kind: Kind) -> Option<Identity> {
        self.state.certificates.issue(kind, OffsetDateTime::now_utc()).ok()
    }

    /// Logs why a TLS handshake failed, if it did, and the first time that a client was served as old devices need it.
    pub(crate) fn tls_finished(&self, outcome: TlsOutcome) {
        match outcome {
            Ok(Some((version, suite))) if !self.state.legacy_tls_told.replace(true) => {
                let suite = suite.name;
                tracing::warn!(
                    target: "tls",
                    client = self.name,
                    suite,
                    "{version} with {suite}, which is weak; said once, --legacy-tls off refuses such clients"
                );
            }
            Ok(_) => {}
            Err(reason) => {
                tracing::warn!(target: "tls", client = self.name, reason, "TLS handshake failed: {reason}");
            }
        }
    }
}
