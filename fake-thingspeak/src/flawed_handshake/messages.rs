//! Messages of the handshake: the client's hello as it is read, and the server's messages as they are made.

use rustls::SignatureScheme;

use super::Refusal;
use super::record::{expand, extract, vector_of};
use crate::certificates::Identity;

/// Handshake types (RFC 8446 §4).
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const ENCRYPTED_EXTENSIONS: u8 = 8;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const CERTIFICATE_VERIFY: u8 = 15;
pub(super) const FINISHED: u8 = 20;
pub(super) const MESSAGE_HASH: u8 = 254;
/// Extensions (RFC 8446 §4.2).
pub(super) const SUPPORTED_GROUPS: &[u8] = &[0, 10];
pub(super) const SUPPORTED_VERSIONS: &[u8] = &[0, 43];
pub(super) const KEY_SHARE: &[u8] = &[0, 51];
/// TLS_AES_128_GCM_SHA256, secp256r1, ecdsa_secp256r1_sha256 and TLS 1.3 on the wire.
pub(super) const CIPHER_SUITE: [u8; 2] = [0x13, 0x01];
pub(super) const SECP256R1: [u8; 2] = [0x00, 0x17];
pub(super) const ECDSA_SECP256R1_SHA256: [u8; 2] = [0x04, 0x03];
pub(super) const TLS_1_3: [u8; 2] = [0x03, 0x04];
/// The random value by which a HelloRetryRequest is known (RFC 8446 §4.1.3): SHA-256 of its name.
pub(super) const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
pub(super) struct ClientHello<'a> {
    pub(super) session_id: &'a [u8],
    /// `None`: the client knows P-256, and has begun with another group.
    pub(super) key_share: Option<&'a [u8]>,
}

/// Finds what the answer depends on (RFC 8446 §4.1.2, §4.2).
pub(super) fn parse_hello(message: &[u8]) -> Result<ClientHello<'_>, Refusal> {
    fn take<'a>(from: &mut &'a [u8], length: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = from.split_at_checked(length).ok_or(Refusal::Hello("it is cut short"))?;
        *from = rest;
        Ok(taken)
    }
    fn vector<'a, const N: usize>(from: &mut &'a [u8]) -> Result<&'a [u8], Refusal> {
        let length = take(from, N)?.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        take(from, length)
    }
    let has = |list: &[u8], wanted: [u8; 2]| list.chunks_exact(2).any(|entry| entry == wanted);
    let mut rest = message;
    if take(&mut rest, 1)? != [CLIENT_HELLO] {
        return Err(Refusal::Hello("it is another message"));
    }
    let mut hello = vector::<3>(&mut rest)?;
    take(&mut hello, 2 + 32)?;
    let session_id = vector::<1>(&mut hello)?;
    let suites = vector::<2>(&mut hello)?;
    vector::<1>(&mut hello)?;
    // An old client's hello may end here, without extensions.
    let mut extensions = if hello.is_empty() { hello } else { vector::<2>(&mut hello)? };
    let (mut offers_tls_1_3, mut knows_group, mut key_share) = (false, false, None);
    while !extensions.is_empty() {
        let kind = take(&mut extensions, 2)?;
        let mut extension = vector::<2>(&mut extensions)?;
        match kind {
            SUPPORTED_VERSIONS => offers_tls_1_3 = has(vector::<1>(&mut extension)?, TLS_1_3),
            SUPPORTED_GROUPS => knows_group = has(vector::<2>(&mut extension)?, SECP256R1),
            KEY_SHARE => {
                let mut shares = vector::<2>(&mut extension)?;
                while !shares.is_empty() {
                    let group = take(&mut shares, 2)?;
                    let share = vector::<2>(&mut shares)?;
                    key_share = key_share.or((group == SECP256R1).then_some(share));
                }
            }
            _ => {}
        }
    }
    if !offers_tls_1_3 {
        Err(Refusal::Version)
    } else if !has(suites, CIPHER_SUITE) {
        Err(Refusal::Hello("it does not offer TLS_AES_128_GCM_SHA256"))
    } else if key_share.is_none() && !knows_group {
        Err(Refusal::Hello("it does not offer P-256"))
    } else {
        Ok(ClientHello { session_id, key_share })
    }
}

/// A ServerHello, or the HelloRetryRequest that has its form (RFC 8446 §4.1.3); `share` is the content of `key_share`.
pub(super) fn server_hello(session_id: &[u8], random: &[u8; 32], share: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random);
    body.extend(vector_of::<1>(session_id));
    body.extend(CIPHER_SUITE);
    body.push(0);
    let extensions = [SUPPORTED_VERSIONS, &vector_of::<2>(&TLS_1_3), KEY_SHARE, &vector_of::<2>(share)].concat();
    body.extend(vector_of::<2>(&extensions));
    message(SERVER_HELLO, &body)
}

/// The message Certificate (RFC 8446 §4.4.2).
pub(super) fn certificate(identity: &Identity) -> Vec<u8> {
    let entries: Vec<u8> =
        identity.chain().iter().flat_map(|entry| [vector_of::<3>(entry), vec![0, 0]].concat()).collect();
    [vec![0], vector_of::<3>(&entries)].concat()
}

/// The message CertificateVerify (RFC 8446 §4.4.3).
pub(super) fn certificate_verify(identity: &Identity, transcript: &[u8]) -> Vec<u8> {
    let signed = [&[b' '; 64][..], b"TLS 1.3, server CertificateVerify\0", transcript].concat();
    let key = identity.key().to_rustls();
    let signer = key
        .choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256])
        .expect("the man in the middle's keys are P-256 keys");
    let signature = signer.sign(&signed).expect("signing on P-256 does not fail");
    [&ECDSA_SECP256R1_SHA256[..], &vector_of::<2>(&signature)].concat()
}

/// The message Finished (RFC 8446 §4.4.4). HKDF-Extract is HMAC with the salt as its key.
pub(super) fn finished(secret: &[u8], transcript: &[u8]) -> Vec<u8> {
    extract(&expand::<32>(secret, "finished", &[]), transcript).to_vec()
}

pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [vec![kind], vector_of::<3>(body)].concat()
}
