//! TLS 1.3 (RFC 8446) on the server's side, and on real sockets TLS 1.2 (RFC 5246) as well.
//!
//! [`server_config`] is for simulations: its key exchange is P-256 in software, its signatures are repeatable, and all
//! its randomness comes from the thread's stream that [`seed_this_thread`] begins, so that the same seed and the same
//! bytes from the client give the same bytes from the server. Such secrets are anyone's to compute: never on a network.
//! [`system_server_config`] is for real sockets: ring's key exchange and the operating system's randomness.
//!
//! [`TlsServer`] is either of them, and beside it the TLS of old devices ([`legacy_tls`](crate::legacy_tls)) where that
//! is wanted.
//!
//! Neither resumes sessions or sends tickets, and neither asks for a client's certificate.

use std::sync::Arc;

use p256::PublicKey;
use p256::ecdh::EphemeralSecret;
use rustls::crypto::{ActiveKeyExchange, CryptoProvider, SharedSecret, SupportedKxGroup, ring};
use rustls::pki_types::UnixTime;
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::version::{TLS12, TLS13};
use rustls::{KeyLog, NamedGroup, NoKeyLog, PeerMisbehaved, ServerConfig, SupportedProtocolVersion};
use time::OffsetDateTime;

use crate::certificates::Identity;
use crate::repeatable_random::{ThreadStream, draw};

pub mod secrets;

pub use crate::repeatable_random::seed_this_thread;

pub use server::{Rewound, TlsServer, TlsStream};

mod server;
#[cfg(test)]
mod tests;

/// Key exchange on P-256 (secp256r1), the only group that `embedded-tls` offers.
#[derive(Debug)]
struct P256Group;

struct P256Exchange {
    secret: EphemeralSecret,
    point: Vec<u8>,
}

impl SupportedKxGroup for P256Group {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, rustls::Error> {
        let secret = EphemeralSecret::random(&mut draw()?);
        let point = p256::EncodedPoint::from(secret.public_key()).as_bytes().to_vec();
        Ok(Box::new(P256Exchange { secret, point }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp256r1
    }
}

impl ActiveKeyExchange for P256Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, rustls::Error> {
        let peer = PublicKey::from_sec1_bytes(peer).map_err(|_| PeerMisbehaved::InvalidKeyShare)?;
        Ok(SharedSecret::from(&self.secret.diffie_hellman(&peer).raw_secret_bytes()[..]))
    }

    fn pub_key(&self) -> &[u8] {
        &self.point
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp256r1
    }
}

/// A clock that stands still: a server without tickets and without client certificates never looks at it.
#[derive(Debug)]
struct Stopped(UnixTime);

impl TimeProvider for Stopped {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0)
    }
}

/// The cryptography of simulated handshakes: `TLS_AES_128_GCM_SHA256`, P-256, randomness from the thread's stream.
///
/// Clients of a simulation may use it too; their transcript is then as repeatable as the server's.
pub fn repeatable_provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![ring::cipher_suite::TLS13_AES_128_GCM_SHA256],
        kx_groups: vec![&P256Group],
        secure_random: &ThreadStream,
        ..ring::default_provider()
    })
}

/// A server for simulations that shows `identity` and repeats itself from the thread's seed. `now` is told to rustls
/// as the time, though nothing depends on it.
///
/// # Panics
/// Never: TLS 1.3 and the cipher suite fit.
pub fn server_config(identity: &Identity, now: OffsetDateTime) -> Arc<ServerConfig> {
    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or(0);
    let clock = Stopped(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)));
    build(repeatable_provider(), Arc::new(clock), identity, &[&TLS13], Arc::new(secrets::Kept))
}

/// A server for real sockets that shows `identity`. It speaks TLS 1.2 too, as the service does and older devices need.
///
/// # Panics
/// Never: both versions and ring's cipher suites fit.
pub fn system_server_config(identity: &Identity) -> Arc<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    build(provider, Arc::new(DefaultTimeProvider), identity, &[&TLS13, &TLS12], Arc::new(NoKeyLog))
}

fn build(
    provider: Arc<CryptoProvider>,
    clock: Arc<dyn TimeProvider>,
    identity: &Identity,
    versions: &[&'static SupportedProtocolVersion],
    secrets: Arc<dyn KeyLog>,
) -> Arc<ServerConfig> {
    let certified = CertifiedKey::new(identity.chain().to_vec(), identity.key().to_rustls());
    let mut config = ServerConfig::builder_with_details(provider, clock)
        .with_protocol_versions(versions)
        .expect("the provider has a cipher suite and a group for each version")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.key_log = secrets;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Arc::new(config)
}
