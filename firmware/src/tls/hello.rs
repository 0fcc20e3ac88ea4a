//! The server's hello, judged while it is the only thing known of the server.
//!
//! `embedded-tls` 0.19 takes the key share out of a ServerHello and looks at nothing else in it. Here a record's
//! content is held against the one hello that it sends: no session identifier, TLS 1.3, TLS_AES_128_GCM_SHA256, a share
//! for P-256 and no other group. A HelloRetryRequest can therefore ask for nothing that would help, but for a cookie,
//! with which `embedded-tls` cannot begin again.
//!
//! RFC 8446 §4.1.3 (ServerHello), §4.1.4 (HelloRetryRequest), §4.2.1 (versions), §4.2.8 (key share), §5.1 (records).

use p256::PublicKey;

use super::error::TlsError;
use super::extensions::{Block, COOKIE, KEY_SHARE, Place, SUPPORTED_VERSIONS};
use super::reader::Reader;
use super::refusal::Refusal;

const SERVER_HELLO: u8 = 2;
const TLS_1_2: u16 = 0x0303;
const TLS_1_3: u16 = 0x0304;
const TLS_AES_128_GCM_SHA256: u16 = 0x1301;
const NO_COMPRESSION: u8 = 0;
const SECP256R1: u16 = 0x0017;

/// The `random` of a ServerHello that is a HelloRetryRequest.
const HELLO_RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
/// How the `random` of a server ends that could speak TLS 1.3, and was asked for TLS 1.2, or for less.
const DOWNGRADED: [&[u8]; 2] = [b"DOWNGRD\x01", b"DOWNGRD\x00"];

/// Whether `record`, the content of the server's first handshake record, is a hello that keys can be agreed with.
///
/// # Errors
/// Why the connection ends here.
pub(super) fn check(record: &[u8]) -> Result<(), TlsError> {
    let mut record = Reader::new(record);
    if record.u8() != Ok(SERVER_HELLO) {
        return Err(TlsError::UnexpectedMessage);
    }
    let body = record.vector::<3>().map_err(|_| TlsError::SplitMessage)?;
    // The server's keys change behind its hello: a message after it in the same record would cross that line.
    record.end().map_err(|_| TlsError::UnexpectedMessage)?;
    check_body(body)
}

fn check_body(mut hello: Reader<'_>) -> Result<(), TlsError> {
    let legacy_version = hello.u16()?;
    let random = hello.take(32)?;
    let session_id_echo = hello.vector::<1>()?;
    let cipher_suite = hello.u16()?;
    let compression = hello.u8()?;
    // Without extensions a hello of an older version may end here.
    let extensions = if hello.is_empty() { hello } else { hello.vector::<2>()? };
    hello.end()?;
    let extensions = Block::new(extensions);

    let Some(selected_version) = extensions.find(SUPPORTED_VERSIONS) else {
        let is_downgraded = DOWNGRADED.iter().any(|mark| random.ends_with(mark));
        return Err(if is_downgraded { TlsError::Downgraded } else { TlsError::OlderVersion });
    };
    let is_retry = random == HELLO_RETRY;
    extensions.check(if is_retry { Place::HelloRetryRequest } else { Place::ServerHello })?;
    let is_offered = number(selected_version)? == TLS_1_3
        && legacy_version == TLS_1_2
        && session_id_echo.is_empty()
        && cipher_suite == TLS_AES_128_GCM_SHA256
        && compression == NO_COMPRESSION;
    if !is_offered {
        return Err(TlsError::IllegalParameter);
    }
    if is_retry { Err(retry(extensions)?) } else { Ok(check_key_share(extensions)?) }
}

fn check_key_share(extensions: Block<'_>) -> Result<(), Refusal> {
    let mut key_share = extensions.find(KEY_SHARE).ok_or(Refusal::MissingExtension)?;
    let group = key_share.u16()?;
    let point = key_share.vector::<2>()?.rest();
    key_share.end()?;
    // Uncompressed and nothing else (RFC 8446 §4.2.8.2), although P-256 itself can read points in other forms.
    let is_uncompressed = point.len() == 65 && point[0] == 4;
    if group == SECP256R1 && is_uncompressed && PublicKey::from_sec1_bytes(point).is_ok() {
        Ok(())
    } else {
        Err(Refusal::IllegalParameter)
    }
}

/// Why a HelloRetryRequest cannot be followed.
fn retry(extensions: Block<'_>) -> Result<TlsError, Refusal> {
    match extensions.find(KEY_SHARE).map(number).transpose()? {
        // It has that share already.
        Some(SECP256R1) => Err(Refusal::IllegalParameter),
        Some(_) => Ok(TlsError::KeyExchangeRefused),
        None if extensions.find(COOKIE).is_some() => Ok(TlsError::HelloRetry),
        // Nothing would be different the second time.
        None => Err(Refusal::IllegalParameter),
    }
}

/// An extension that holds one number of two bytes.
fn number(mut content: Reader<'_>) -> Result<u16, Refusal> {
    let number = content.u16()?;
    content.end()?;
    Ok(number)
}
