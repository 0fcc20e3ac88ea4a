//! Private keys that sign the same message with the same bytes: ECDSA on P-256 and P-384 by RFC 6979, RSA with the salt
//! of RSASSA-PSS drawn from the thread's stream (see
//! [`seed_this_thread`](crate::repeatable_random::seed_this_thread)).

use std::sync::Arc;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use rand_chacha::ChaCha20Rng;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use rustls::SignatureScheme;
use sha2::Sha256;

use crate::repeatable_random::draw;

/// Making an RSA key takes a fifth of a second and more, and would differ between versions of the library: these are
/// constant, and known to everyone.
const RSA_2048_TEST_KEY: &str = include_str!("rsa-2048.pem");
const RSA_4096_TEST_KEY: &str = include_str!("rsa-4096.pem");

/// The kind of a server's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyType {
    /// ECDSA on the curve P-256.
    #[default]
    P256,
    /// RSA with 2048 bits, as the real service has.
    Rsa2048,
    /// ECDSA on the curve P-384.
    P384,
    /// RSA with 4096 bits.
    Rsa4096,
}

/// A private key. Cheap to clone.
#[derive(Clone)]
pub enum Key {
    /// ECDSA on the curve P-256 with SHA-256.
    P256(Arc<P256Key>),
    /// ECDSA on the curve P-384 with SHA-384.
    P384(Arc<P384Key>),
    /// RSA: PKCS #1 v1.5 in certificates, PSS in handshakes, both with SHA-256.
    Rsa(Arc<RsaKey>),
}

/// A P-256 key, with its public point as certificates hold it.
pub struct P256Key {
    secret: SigningKey,
    point: Vec<u8>,
}

/// A P-384 key, with its public point as certificates hold it.
pub struct P384Key {
    secret: p384::ecdsa::SigningKey,
    point: Vec<u8>,
}

/// An RSA key, with its public half as certificates hold it.
pub struct RsaKey {
    secret: RsaPrivateKey,
    public: Vec<u8>,
}

impl Key {
    /// A key from a random stream; for RSA the test key, whatever the stream.
    pub fn generate(key_type: KeyType, stream: &mut ChaCha20Rng) -> Self {
        match key_type {
            KeyType::P256 => {
                let secret = SigningKey::random(stream);
                let point = secret.verifying_key().to_encoded_point(false).as_bytes().to_vec();
                Self::P256(Arc::new(P256Key { secret, point }))
            }
            KeyType::P384 => {
                let secret = p384::ecdsa::SigningKey::random(stream);
                let point = secret.verifying_key().to_encoded_point(false).as_bytes().to_vec();
                Self::P384(Arc::new(P384Key { secret, point }))
            }
            KeyType::Rsa2048 => Self::rsa(RSA_2048_TEST_KEY),
            KeyType::Rsa4096 => Self::rsa(RSA_4096_TEST_KEY),
        }
    }

    fn rsa(pem: &str) -> Self {
        let secret = RsaPrivateKey::from_pkcs8_pem(pem).expect("a test key is a PKCS #8 key");
        let public = secret.to_public_key().to_pkcs1_der().expect("a public key has an encoding");
        Self::Rsa(Arc::new(RsaKey { secret, public: public.into_vec() }))
    }

    /// What a client has encrypted with an RSA key (PKCS #1 v1.5); `None` if this key does not decrypt it, or is not
    /// RSA.
    pub(crate) fn decrypt(&self, encrypted: &[u8], random: &mut ChaCha20Rng) -> Option<Vec<u8>> {
        match self {
            Self::P256(_) | Self::P384(_) => None,
            Self::Rsa(key) => key.secret.decrypt_blinded(random, rsa::Pkcs1v15Encrypt, encrypted).ok(),
        }
    }

    /// How it signs handshakes of TLS 1.2 and 1.3.
    pub fn scheme(&self) -> SignatureScheme {
        rustls::sign::Signer::scheme(self)
    }

    /// This key for use by rustls.
    pub fn to_rustls(&self) -> Arc<dyn rustls::sign::SigningKey> {
        Arc::new(self.clone())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::P256(_) => "P-256 key",
            Self::P384(_) => "P-384 key",
            Self::Rsa(_) => "RSA key",
        })
    }
}

impl rcgen::PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Self::P256(key) => &key.point,
            Self::P384(key) => &key.point,
            Self::Rsa(key) => &key.public,
        }
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            Self::P256(_) => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384(_) => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Rsa(_) => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

/// Signatures in certificates.
impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(match self {
            Self::P256(key) => {
                let signature: Signature = key.secret.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature = key.secret.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Self::Rsa(key) => {
                let key = rsa::pkcs1v15::SigningKey::<Sha256>::new(key.secret.clone());
                key.try_sign(message).map_err(|_| rcgen::Error::RemoteKeyError)?.to_vec()
            }
        })
    }
}

impl rustls::sign::SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        offered
            .contains(&rustls::sign::Signer::scheme(self))
            .then(|| Box::new(self.clone()) as Box<dyn rustls::sign::Signer>)
    }

    fn algorithm(&self) -> rustls::SignatureAlgorithm {
        match self {
            Self::P256(_) | Self::P384(_) => rustls::SignatureAlgorithm::ECDSA,
            Self::Rsa(_) => rustls::SignatureAlgorithm::RSA,
        }
    }
}

/// Signatures in handshakes (RFC 8446 §4.4.3).
impl rustls::sign::Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        match self {
            Self::P256(key) => {
                let signature: Signature = key.secret.sign(message);
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature = key.secret.sign(message);
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Self::Rsa(key) => {
                let mut salts = draw().map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
                let key = rsa::pss::SigningKey::<Sha256>::new(key.secret.clone());
                let signature = key
                    .try_sign_with_rng(&mut salts, message)
                    .map_err(|error| rustls::Error::General(format!("RSA signature failed: {error}")))?;
                Ok(signature.to_vec())
            }
        }
    }

    fn scheme(&self) -> SignatureScheme {
        match self {
            Self::P256(_) => SignatureScheme::ECDSA_NISTP256_SHA256,
            Self::P384(_) => SignatureScheme::ECDSA_NISTP384_SHA384,
            Self::Rsa(_) => SignatureScheme::RSA_PSS_SHA256,
        }
    }
}
