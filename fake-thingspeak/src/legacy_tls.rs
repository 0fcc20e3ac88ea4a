//! TLS 1.0, 1.1 and 1.2 (RFC 2246, RFC 4346, RFC 5246) on the server's side, with RSA key exchange and AES in CBC mode:
//! what devices speak whose TLS is of that time, such as the axTLS of MicroPython 1.9, and what rustls refuses.
//!
//! **It is weak on purpose.** Its RSA key is a test key that everyone has, it has no forward secrecy, and it takes no
//! measures against an attacker who times its replies. Nothing that should stay secret belongs on it: it is there so
//! that such a device can be watched, which the real service turns away or will.
//!
//! [`Server::accept`] shakes hands and gives a [`Stream`]. When it is used, [`Policy`] says: `tls` finds out whether a
//! client can do better.
//!
//! The certificate is for the same names, and with the same mistakes, as the one that other clients are shown. A client
//! that reads signatures of ECDSA is shown one that the authority has signed. To others (axTLS gives up at the first
//! signature that is not RSA's) such a certificate is signed by an RSA key of the authority's name, which nobody needs
//! to trust: these clients check no issuer.
//!
//! Not modelled: SSL 3.0, resumption, renegotiation (it is refused), client certificates, encrypt-then-MAC, the
//! extended master secret, splitting of records against BEAST, ephemeral keys, RC4 and 3DES.

use std::io;
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rustls::crypto::{SecureRandom, ring};
use time::OffsetDateTime;

use crate::certificates::{Authority, CertificateError, Identity, Profile};
use crate::repeatable_random::ThreadStream;
use crate::vocabulary;

pub use stream::Stream;
pub use suite::{Suite, Version};

mod handshake;
pub(crate) mod hello;
mod keys;
mod record;
mod stream;
mod suite;
#[cfg(test)]
mod tests;

vocabulary! {
    /// When a server speaks the TLS of old devices: 1.0 to 1.2 with RSA key exchange and CBC.
    pub enum Policy {
        /// Never: a client that cannot do better is refused, as rustls does it.
        Off: "off", "Clients that cannot do better are refused.";
        /// With clients that offer nothing better.
        Auto: "auto", "TLS 1.0 to 1.2 with RSA key exchange and CBC, for clients that offer nothing better.";
        /// With all clients.
        Only: "only", "TLS 1.0 to 1.2 with RSA key exchange and CBC, and nothing else.";
    }
}

/// Why a client and the server have not come together.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The stream ended or failed.
    #[error("the client went away: {0}")]
    Stream(#[from] io::Error),
    /// The client gave up, with the number of an alert (RFC 5246 §7.2).
    #[error("the client sent alert {0}")]
    Alert(u8),
    /// The client's first message makes no sense.
    #[error("the client's hello cannot be read")]
    Hello,
    /// The client speaks nothing newer than SSL 3.0.
    #[error("the client offers no TLS 1.0 to 1.2")]
    Version,
    /// The client has no cipher suite with RSA key exchange and AES-CBC.
    #[error("the client offers no cipher suite of TLS_RSA_WITH_AES_CBC")]
    Suite,
    /// A message that has no place here.
    #[error("the client sent something else than its {0}")]
    Unexpected(&'static str),
    /// A record that is longer than TLS allows, or is none.
    #[error("the client's record is none of TLS")]
    Malformed,
    /// Padding or MAC of a record are wrong: the client has other keys, or somebody has changed it.
    #[error("the client's record cannot be decrypted")]
    Record,
    /// The client has seen another handshake than the server.
    #[error("the client's Finished is wrong")]
    Finished,
    /// There are no random numbers.
    #[error("there are no random numbers for a handshake")]
    Random,
}

impl Refusal {
    /// The alert that says so to the client (RFC 5246 §7.2.2); none if it is gone or has said it itself.
    fn alert(&self) -> Option<u8> {
        Some(match self {
            Self::Stream(_) | Self::Alert(_) => return None,
            Self::Hello => 50,
            Self::Version => 70,
            Self::Suite => 40,
            Self::Unexpected(_) => 10,
            Self::Malformed => 22,
            Self::Record => 20,
            Self::Finished => 51,
            Self::Random => 80,
        })
    }
}

/// A server of this kind.
pub struct Server {
    /// What clients are shown that read signatures of ECDSA.
    current: Identity,
    /// What others are shown.
    old: Identity,
    random: &'static dyn SecureRandom,
    /// When it is used.
    pub policy: Policy,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TLS of old devices: {}", self.policy.word())
    }
}

impl Server {
    /// A server for simulations, which draws its random numbers from the thread's stream
    /// ([`seed_this_thread`](crate::tls::seed_this_thread)). None if the policy is [`Policy::Off`].
    ///
    /// # Errors
    /// As [`Authority::issue`].
    pub fn repeatable(
        policy: Policy,
        authority: &Authority,
        profile: &Profile,
        hosts: &[&str],
        now: OffsetDateTime,
    ) -> Result<Option<Arc<Self>>, CertificateError> {
        Self::new(policy, authority, profile, hosts, now, &ThreadStream)
    }

    /// A server for real sockets, with random numbers of the operating system. None if the policy is [`Policy::Off`].
    ///
    /// # Errors
    /// As [`Authority::issue`].
    pub fn system(
        policy: Policy,
        authority: &Authority,
        profile: &Profile,
        hosts: &[&str],
        now: OffsetDateTime,
    ) -> Result<Option<Arc<Self>>, CertificateError> {
        Self::new(policy, authority, profile, hosts, now, ring::default_provider().secure_random)
    }

    fn new(
        policy: Policy,
        authority: &Authority,
        profile: &Profile,
        hosts: &[&str],
        now: OffsetDateTime,
        random: &'static dyn SecureRandom,
    ) -> Result<Option<Arc<Self>>, CertificateError> {
        if policy == Policy::Off {
            return Ok(None);
        }
        let current = authority.issue_for_key_exchange(profile, hosts, now)?;
        let old = authority.rsa_namesake()?.issue_for_key_exchange(profile, hosts, now)?;
        Ok(Some(Arc::new(Self { current, old, random, policy })))
    }

    /// Random numbers for one connection.
    fn draw(&self) -> Result<ChaCha20Rng, Refusal> {
        let mut seed = [0; 32];
        self.random.fill(&mut seed).map_err(|_| Refusal::Random)?;
        Ok(ChaCha20Rng::from_seed(seed))
    }
}
