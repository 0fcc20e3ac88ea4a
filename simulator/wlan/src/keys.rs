//! How the keys of WPA2 come about (IEEE 802.11-2020 §12.7.1, annex J.4): from a passphrase the network's key, from
//! that, two addresses and two nonces the keys of a pair.

use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use crate::header::Mac;

/// The key of a network, from which those of its pairs come (PMK; with a passphrase it is the PSK).
pub type NetworkKey = [u8; 32];
/// What encrypts the frames of a pair or group.
pub type TemporalKey = [u8; 16];
/// A number used once.
pub type Nonce = [u8; 32];

/// Iterations of PBKDF2 that the standard asks for.
const ITERATIONS: u32 = 4096;

/// The network's key by its passphrase of 8 to 63 characters and name, or by 64 hexadecimal digits, which are the key.
pub fn network_key(passphrase: &str, ssid: &[u8]) -> NetworkKey {
    let mut key = [0; 32];
    if hex::decode_to_slice(passphrase, &mut key).is_ok() {
        return key;
    }
    key = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha1>(passphrase.as_bytes(), ssid, ITERATIONS, &mut key);
    key
}

/// HMAC-SHA-1.
pub(crate) fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// The standard's pseudo-random function (§12.7.1.2), as long as `out`.
pub fn pseudo_random(key: &[u8], label: &str, data: &[u8], out: &mut [u8]) {
    for (counter, chunk) in (0_u8..).zip(out.chunks_mut(20)) {
        let block = hmac_sha1(key, &[label.as_bytes(), &[0], data, &[counter]]);
        chunk.copy_from_slice(&block[..chunk.len()]);
    }
}

/// The keys of a pair (PTK, §12.7.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairKeys {
    /// Signs EAPOL-Key frames (KCK).
    pub confirmation: [u8; 16],
    /// Wraps keys in them (KEK).
    pub encryption: [u8; 16],
    /// Encrypts data (TK).
    pub temporal: TemporalKey,
}

/// The two stations of a pair: who they are and the numbers they have drawn.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The access point's address.
    pub authenticator: Mac,
    /// The station's address.
    pub supplicant: Mac,
    /// The access point's nonce.
    pub authenticator_nonce: Nonce,
    /// The station's nonce.
    pub supplicant_nonce: Nonce,
}

impl PairKeys {
    /// Derives the keys of a pair.
    pub fn derive(key: &NetworkKey, pair: &Pair) -> Self {
        let mut addresses = [pair.authenticator, pair.supplicant];
        let mut nonces = [pair.authenticator_nonce, pair.supplicant_nonce];
        addresses.sort_unstable();
        nonces.sort_unstable();
        let data = [addresses.concat(), nonces.concat()].concat();
        let mut keys = [0; 48];
        pseudo_random(key, "Pairwise key expansion", &data, &mut keys);
        let part = |at: usize| *keys[at..].first_chunk().expect("there are three keys of 16 bytes");
        Self { confirmation: part(0), encryption: part(16), temporal: part(32) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    /// IEEE 802.11-2020 annex J.4.2.
    #[test]
    fn passphrases_give_the_standards_keys() {
        let cases = [
            ("password", "IEEE", "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"),
            ("ThisIsAPassword", "ThisIsASSID", "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af"),
            (
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ",
                "becb93866bb8c3832cb777c2f559807c8c59afcb6eae734885001300a981cc62",
            ),
        ];
        for (passphrase, ssid, key) in cases {
            assert_eq!(network_key(passphrase, ssid.as_bytes()).to_vec(), hex(key));
            assert_eq!(network_key(key, b"any").to_vec(), hex(key), "a key in hexadecimal digits is itself");
        }
    }

    /// Annex J.3.
    #[test]
    fn the_pseudo_random_function_gives_the_standards_bytes() {
        let mut out = [0; 64];
        pseudo_random(&[0x0B; 20], "prefix", b"Hi There", &mut out);
        let expected = "bcd4c650b30b9684951829e0d75f9d54b862175ed9f00606e17d8da35402ffee\
                        75df78c3d31e0f889f012120c0862beb67753e7439ae242edb8373698356cf5a";
        assert_eq!(out.to_vec(), hex(expected));
    }

    /// Annex J.6.5 (2012: M.9.1).
    #[test]
    fn a_pair_has_the_standards_keys() {
        let key = hex("0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af").try_into().unwrap();
        let pair = Pair {
            authenticator: hex("a0a1a1a3a4a5").try_into().unwrap(),
            supplicant: hex("b0b1b2b3b4b5").try_into().unwrap(),
            authenticator_nonce: hex("e0e1e2e3e4e5e6e7e8e9f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405")
                .try_into()
                .unwrap(),
            supplicant_nonce: hex("c0c1c2c3c4c5c6c7c8c9d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5")
                .try_into()
                .unwrap(),
        };
        let keys = PairKeys::derive(&key, &pair);
        assert_eq!(keys.confirmation.to_vec(), hex("379f9852d0199236b94e407ce4c00ec8"));
        assert_eq!(keys.encryption.to_vec(), hex("47c9edc01c2c6e5b4910caddfb3e51a7"));
        assert_eq!(keys.temporal.to_vec(), hex("b2360c79e9710fdd58bea93deaf06599"));
    }
}
