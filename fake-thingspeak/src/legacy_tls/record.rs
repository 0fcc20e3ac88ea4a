//! Records, plain and protected: MAC, then padding, then AES in CBC mode (RFC 5246 §6.2.3.2, RFC 2246 §6.2.3.2).

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockCipher, BlockDecryptMut, BlockEncryptMut, KeyInit, KeyIvInit};
use aes::{Aes128, Aes256};
use hmac::{Hmac, Mac};
use rand_chacha::rand_core::RngCore;
use sha1::Sha1;
use sha2::Sha256;

use super::suite::{MacHash, Suite, Version};

/// Content types (RFC 5246 §6.2.1).
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;
/// The most bytes of a record's content, and of a record.
pub(super) const LONGEST_CONTENT: usize = 1 << 14;
const LONGEST_RECORD: usize = LONGEST_CONTENT + 2048;
/// Bytes of a block of AES.
const BLOCK: usize = 16;

/// A record as it came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) content: u8,
    pub(super) bytes: Vec<u8>,
}

/// What the bytes that have come begin with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Part of a record.
    Part,
    /// Something that is no record.
    Malformed,
    /// This record, which is no longer among them.
    Record(Record),
}

/// Cuts the first record off.
pub(super) fn cut(received: &mut Vec<u8>) -> Cut {
    let [content, major, _, high, low, ..] = received[..] else { return Cut::Part };
    let length = usize::from(high) << 8 | usize::from(low);
    if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&content) || major != 3 || length > LONGEST_RECORD {
        return Cut::Malformed;
    }
    if received.len() < 5 + length {
        return Cut::Part;
    }
    let bytes = received[5..5 + length].to_vec();
    received.drain(..5 + length);
    Cut::Record(Record { content, bytes })
}

/// A record of these bytes as they are.
pub(super) fn plain(version: Version, content: u8, bytes: &[u8]) -> Vec<u8> {
    let [major, minor] = version.bytes();
    let [high, low] = (bytes.len() as u16).to_be_bytes();
    [&[content, major, minor, high, low], bytes].concat()
}

/// What protects the records of one direction.
pub(super) struct Protection {
    version: Version,
    suite: Suite,
    mac_key: Vec<u8>,
    key: Vec<u8>,
    /// In TLS 1.0, the last block of the record before.
    iv: [u8; BLOCK],
    sequence: u64,
}

impl Protection {
    pub(super) fn new(version: Version, suite: Suite, mac_key: Vec<u8>, key: Vec<u8>, iv: [u8; BLOCK]) -> Self {
        Self { version, suite, mac_key, key, iv, sequence: 0 }
    }

    /// A protected record; `random` gives its IV.
    pub(super) fn seal(&mut self, content: u8, bytes: &[u8], random: &mut impl RngCore) -> Vec<u8> {
        let mut data = bytes.to_vec();
        data.extend(self.mac(content, bytes));
        let padding = BLOCK - data.len() % BLOCK;
        data.resize(data.len() + padding, (padding - 1) as u8);
        let mut fragment = Vec::new();
        if self.version > Version::Tls10 {
            random.fill_bytes(&mut self.iv);
            fragment.extend(self.iv);
        }
        match self.suite.key {
            16 => encrypt::<Aes128>(&self.key, &self.iv, &mut data),
            _ => encrypt::<Aes256>(&self.key, &self.iv, &mut data),
        }
        self.chain(&data);
        self.sequence += 1;
        fragment.extend(data);
        plain(self.version, content, &fragment)
    }

    /// The content of a record; `None` if padding or MAC are wrong, whichever: nobody is told which.
    pub(super) fn open(&mut self, Record { content, bytes }: &Record) -> Option<Vec<u8>> {
        let mut fragment = bytes.as_slice();
        let mut iv = self.iv;
        if self.version > Version::Tls10 {
            let (explicit, rest) = fragment.split_at_checked(BLOCK)?;
            iv.copy_from_slice(explicit);
            fragment = rest;
        }
        let mac_length = self.suite.mac.length();
        if fragment.len() % BLOCK != 0 || fragment.len() <= mac_length {
            return None;
        }
        self.chain(fragment);
        let mut data = fragment.to_vec();
        match self.suite.key {
            16 => decrypt::<Aes128>(&self.key, &iv, &mut data),
            _ => decrypt::<Aes256>(&self.key, &iv, &mut data),
        }
        let padding = usize::from(*data.last()?) + 1;
        let is_padded = padding + mac_length <= data.len()
            && data[data.len() - padding..].iter().all(|byte| usize::from(*byte) + 1 == padding);
        // With wrong padding the MAC is compared all the same, as if there were one byte of it (RFC 5246 §6.2.3.2).
        let end = data.len() - if is_padded { padding } else { 1 };
        let (bytes, mac) = data[..end].split_at(end - mac_length);
        let is_genuine = self.is_mac(*content, bytes, mac);
        self.sequence += 1;
        (is_padded && is_genuine && bytes.len() <= LONGEST_CONTENT).then(|| bytes.to_vec())
    }

    /// Remembers what the next record of TLS 1.0 begins with.
    fn chain(&mut self, encrypted: &[u8]) {
        if let Some(last) = encrypted.last_chunk::<BLOCK>() {
            self.iv = *last;
        }
    }

    fn authenticated(&self, content: u8, bytes: &[u8]) -> [Vec<u8>; 2] {
        let [major, minor] = self.version.bytes();
        let [high, low] = (bytes.len() as u16).to_be_bytes();
        [[&self.sequence.to_be_bytes()[..], &[content, major, minor, high, low]].concat(), bytes.to_vec()]
    }

    fn mac(&self, content: u8, bytes: &[u8]) -> Vec<u8> {
        let parts = self.authenticated(content, bytes);
        match self.suite.mac {
            MacHash::Sha1 => keyed::<Hmac<Sha1>>(&self.mac_key, &parts).finalize().into_bytes().to_vec(),
            MacHash::Sha256 => keyed::<Hmac<Sha256>>(&self.mac_key, &parts).finalize().into_bytes().to_vec(),
        }
    }

    /// Compares in constant time.
    fn is_mac(&self, content: u8, bytes: &[u8], mac: &[u8]) -> bool {
        let parts = self.authenticated(content, bytes);
        match self.suite.mac {
            MacHash::Sha1 => keyed::<Hmac<Sha1>>(&self.mac_key, &parts).verify_slice(mac).is_ok(),
            MacHash::Sha256 => keyed::<Hmac<Sha256>>(&self.mac_key, &parts).verify_slice(mac).is_ok(),
        }
    }
}

fn keyed<M: Mac + KeyInit>(key: &[u8], parts: &[Vec<u8>; 2]) -> M {
    let mut mac = <M as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac
}

fn encrypt<C: BlockCipher + BlockEncryptMut + KeyInit>(key: &[u8], iv: &[u8], data: &mut [u8]) {
    let length = data.len();
    cbc::Encryptor::<C>::new_from_slices(key, iv)
        .expect("key and IV have the suite's lengths")
        .encrypt_padded_mut::<NoPadding>(data, length)
        .expect("the data is whole blocks");
}

fn decrypt<C: BlockCipher + BlockDecryptMut + KeyInit>(key: &[u8], iv: &[u8], data: &mut [u8]) {
    cbc::Decryptor::<C>::new_from_slices(key, iv)
        .expect("key and IV have the suite's lengths")
        .decrypt_padded_mut::<NoPadding>(data)
        .expect("the data is whole blocks");
}
