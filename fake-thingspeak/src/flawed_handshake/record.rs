//! Records of TLS 1.3 and the keys that protect them (RFC 8446 §5 and §7).

use std::io;

use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::{Aes128Gcm, Key, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Content types (RFC 8446 §5.1).
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;
/// Bytes of an AES-GCM tag.
const TAG: usize = 16;

/// `bytes` with their length in `N` bytes before them.
pub(super) fn vector_of<const N: usize>(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_be_bytes();
    [&length[length.len() - N..], bytes].concat()
}

pub(super) fn plain_record(content: u8, bytes: &[u8]) -> Vec<u8> {
    [vec![content, 3, 3], vector_of::<2>(bytes)].concat()
}

pub(super) async fn read_record<IO: AsyncRead + Unpin>(io: &mut IO) -> io::Result<(u8, Vec<u8>)> {
    let mut header = [0; 5];
    io.read_exact(&mut header).await?;
    let mut record = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    io.read_exact(&mut record).await?;
    Ok((header[0], record))
}

pub(super) fn extract(salt: &[u8], input: &[u8]) -> [u8; 32] {
    Hkdf::<Sha256>::extract(Some(salt), input).0.into()
}

/// Derive-Secret (RFC 8446 §7.1), of a transcript's hash.
pub(super) fn derive(secret: &[u8], label: &str, hash: &[u8]) -> [u8; 32] {
    expand(secret, label, hash)
}

/// HKDF-Expand-Label (RFC 8446 §7.1).
pub(super) fn expand<const N: usize>(secret: &[u8], label: &str, context: &[u8]) -> [u8; N] {
    let mut info = (N as u16).to_be_bytes().to_vec();
    info.extend(vector_of::<1>(format!("tls13 {label}").as_bytes()));
    info.extend(vector_of::<1>(context));
    let mut output = [0; N];
    Hkdf::<Sha256>::from_prk(secret)
        .expect("a secret has the hash's length")
        .expand(&info, &mut output)
        .expect("the output is shorter than 255 hashes");
    output
}

/// One direction's record protection (RFC 8446 §5.2, §5.3).
pub(super) struct Traffic {
    cipher: Aes128Gcm,
    iv: [u8; 12],
    sequence: u64,
}

impl Traffic {
    pub(super) fn new(secret: &[u8]) -> Self {
        let key = expand::<16>(secret, "key", &[]);
        Self { cipher: Aes128Gcm::new(Key::<Aes128Gcm>::from_slice(&key)), iv: expand(secret, "iv", &[]), sequence: 0 }
    }

    fn nonce(&mut self) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, count) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= count;
        }
        self.sequence += 1;
        nonce
    }

    /// A record of `content`, padded with so many zeros.
    pub(super) fn seal_content(&mut self, content: u8, bytes: &[u8], padding: usize) -> Vec<u8> {
        let mut inner = bytes.to_vec();
        inner.push(content);
        inner.resize(inner.len() + padding, 0);
        self.seal(inner)
    }

    /// A record of this inner plaintext, whatever it is.
    pub(super) fn seal(&mut self, mut inner: Vec<u8>) -> Vec<u8> {
        let length = ((inner.len() + TAG) as u16).to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, length[0], length[1]];
        let nonce = self.nonce();
        let tag = self
            .cipher
            .encrypt_in_place_detached(Nonce::from_slice(&nonce), &header, &mut inner)
            .expect("a record is shorter than AES-GCM's limit");
        [&header[..], &inner, &tag].concat()
    }

    /// Content type and bytes of a record; `None` if it is not the peer's.
    pub(super) fn open(&mut self, record: &[u8]) -> Option<(u8, Vec<u8>)> {
        let length = u16::try_from(record.len()).ok()?.to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, length[0], length[1]];
        let (inner, tag) = record.split_at_checked(record.len().checked_sub(TAG)?)?;
        let mut inner = inner.to_vec();
        let nonce = self.nonce();
        self.cipher
            .decrypt_in_place_detached(Nonce::from_slice(&nonce), &header, &mut inner, Tag::from_slice(tag))
            .ok()?;
        while inner.last() == Some(&0) {
            inner.pop();
        }
        let content = inner.pop()?;
        Some((content, inner))
    }
}
