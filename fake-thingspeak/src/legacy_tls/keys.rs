//! The pseudorandom function and what is made with it: secrets, keys, the proof at the end of a handshake.

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::record::Protection;
use super::suite::{Suite, Version};
use crate::tls::secrets;

/// P_hash (RFC 5246 §5, RFC 2246 §5): `length` bytes.
fn p_hash<M: Mac + KeyInit + Clone>(secret: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let keyed = <M as Mac>::new_from_slice(secret).expect("HMAC takes keys of any length");
    let mac = |parts: [&[u8]; 2]| {
        let mut mac = keyed.clone();
        parts.into_iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes()
    };
    let mut output = Vec::new();
    let mut a = mac([seed, &[]]);
    while output.len() < length {
        output.extend_from_slice(&mac([&a, seed]));
        a = mac([&a, &[]]);
    }
    output.truncate(length);
    output
}

/// The pseudorandom function of `version`: `length` bytes.
pub(super) fn prf(version: Version, secret: &[u8], label: &str, seed: &[u8], length: usize) -> Vec<u8> {
    let seed = [label.as_bytes(), seed].concat();
    match version {
        Version::Tls12 => p_hash::<Hmac<Sha256>>(secret, &seed, length),
        Version::Tls10 | Version::Tls11 => {
            // The halves of the secret share a byte if it has an odd number of them.
            let half = secret.len().div_ceil(2);
            let md5 = p_hash::<Hmac<Md5>>(&secret[..half], &seed, length);
            let sha1 = p_hash::<Hmac<Sha1>>(&secret[secret.len() - half..], &seed, length);
            md5.into_iter().zip(sha1).map(|(one, other)| one ^ other).collect()
        }
    }
}

/// The messages of a handshake so far, by their hashes.
#[derive(Clone, Default)]
pub(super) struct Transcript {
    md5: Md5,
    sha1: Sha1,
    sha256: Sha256,
}

impl Transcript {
    pub(super) fn add(&mut self, message: &[u8]) {
        self.md5.update(message);
        self.sha1.update(message);
        self.sha256.update(message);
    }

    fn hash(&self, version: Version) -> Vec<u8> {
        match version {
            Version::Tls12 => self.sha256.clone().finalize().to_vec(),
            Version::Tls10 | Version::Tls11 => {
                [self.md5.clone().finalize().as_slice(), &self.sha1.clone().finalize()].concat()
            }
        }
    }
}

/// The secret of a connection.
pub(super) struct Master {
    version: Version,
    secret: Vec<u8>,
}

/// Which side says that it has finished.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Client,
    Server,
}

impl Master {
    /// RFC 5246 §8.1.
    pub(super) fn new(version: Version, premaster: &[u8], client: &[u8; 32], server: &[u8; 32]) -> Self {
        let seed = [&client[..], server].concat();
        let secret = prf(version, premaster, "master secret", &seed, 48);
        secrets::tell("CLIENT_RANDOM", client, &secret);
        Self { version, secret }
    }

    /// The protection of both directions, the client's first (RFC 5246 §6.3).
    pub(super) fn protections(&self, suite: Suite, client: &[u8; 32], server: &[u8; 32]) -> [Protection; 2] {
        const IV: usize = 16;
        let (mac, key) = (suite.mac.length(), suite.key);
        let seed = [&server[..], client].concat();
        let block = prf(self.version, &self.secret, "key expansion", &seed, 2 * (mac + key + IV));
        let mut rest = block.as_slice();
        let mut pair = |length: usize| {
            let (both, after) = rest.split_at(2 * length);
            rest = after;
            let (client, server) = both.split_at(length);
            [client.to_vec(), server.to_vec()]
        };
        let ([client_mac, server_mac], [client_key, server_key]) = (pair(mac), pair(key));
        // Later versions have these bytes and make no use of them.
        let [client_iv, server_iv] = pair(IV).map(|iv| iv.try_into().expect("an IV has 16 bytes"));
        [
            Protection::new(self.version, suite, client_mac, client_key, client_iv),
            Protection::new(self.version, suite, server_mac, server_key, server_iv),
        ]
    }

    /// What a side says in Finished (RFC 5246 §7.4.9).
    pub(super) fn verify_data(&self, side: Side, transcript: &Transcript) -> Vec<u8> {
        let label = match side {
            Side::Client => "client finished",
            Side::Server => "server finished",
        };
        prf(self.version, &self.secret, label, &transcript.hash(self.version), 12)
    }
}
