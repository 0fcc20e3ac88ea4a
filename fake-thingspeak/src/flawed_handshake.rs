//! A TLS 1.3 server (RFC 8446) of the smallest kind, which can leave out or misplace what makes TLS safe.
//!
//! It speaks one cipher suite (TLS_AES_128_GCM_SHA256) and one group (P-256), reads one ClientHello in one record, and
//! answers one request, whatever it is, with `1`. Without a flaw it is correct, and a test has rustls complete a
//! handshake with it; rustls itself cannot be made to misbehave so. All randomness is the caller's stream.
//!
//! Not modelled: HelloRetryRequest, resumption, client certificates, key updates.

use std::io;

use hkdf::Hkdf;
use p256::ecdh::EphemeralSecret;
use p256::{EncodedPoint, PublicKey};
use rand_chacha::rand_core::CryptoRngCore;
use rustls::SignatureScheme;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::certificates::Identity;
use record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Traffic};
use record::{derive, expand, extract, plain_record, read_record, vector_of};

mod record;
#[cfg(test)]
mod tests;

/// The body of the reply to any request.
pub const REPLY_BODY: &str = "1";

/// What is wrong with the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Neither Certificate nor CertificateVerify.
    NoCertificate,
    /// Certificate, but no CertificateVerify.
    NoCertificateVerify,
    /// An encrypted record without even a content type, before the messages.
    EmptyRecord,
    /// Certificate begins in one record and ends in the next: not wrong, but rare.
    SplitMessage,
    /// All messages in one record that is padded beyond 8 KiB: not wrong, but rare.
    OversizedRecord,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client did not complete the handshake, in words.
    Refused(String),
    /// It did, and sent this.
    Established(Vec<u8>),
}

/// Handshake types (RFC 8446 §4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const ENCRYPTED_EXTENSIONS: u8 = 8;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_VERIFY: u8 = 15;
const FINISHED: u8 = 20;
/// TLS_AES_128_GCM_SHA256, secp256r1, ecdsa_secp256r1_sha256 and TLS 1.3 on the wire.
const CIPHER_SUITE: [u8; 2] = [0x13, 0x01];
const SECP256R1: [u8; 2] = [0x00, 0x17];
const ECDSA_SECP256R1_SHA256: [u8; 2] = [0x04, 0x03];
const TLS_1_3: [u8; 2] = [0x03, 0x04];
/// Plaintext bytes of the oversized record: more than 8 KiB, less than the 16 KiB that TLS allows.
const OVERSIZED: usize = 12_000;
/// The most that is read of a request.
const REQUEST_LIMIT: usize = 65_536;

/// Serves one connection to its end.
pub async fn serve<IO, R>(io: &mut IO, flaw: Option<Flaw>, identity: &Identity, random: &mut R) -> Ending
where
    IO: AsyncRead + AsyncWrite + Unpin,
    R: CryptoRngCore,
{
    let established = match shake_hands(io, flaw, identity, random).await {
        Ok(keys) => keys,
        Err(error) => {
            // Whatever the client still has is not waited for.
            let _ = io.shutdown().await;
            return Ending::Refused(error.to_string());
        }
    };
    let request = answer(io, established).await;
    let _ = io.shutdown().await;
    Ending::Established(request)
}

/// Why there was no handshake.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the client went away: {0}")]
    Stream(#[from] io::Error),
    #[error("the client sent alert {0}")]
    Alert(u8),
    #[error("the client's hello cannot be used: {0}")]
    Hello(&'static str),
    #[error("the client's record cannot be decrypted")]
    Record,
    #[error("the client's Finished is wrong")]
    Finished,
}

struct Established {
    client: Traffic,
    server: Traffic,
}

async fn shake_hands<IO, R>(
    io: &mut IO,
    flaw: Option<Flaw>,
    identity: &Identity,
    random: &mut R,
) -> Result<Established, Refusal>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    R: CryptoRngCore,
{
    let (content, hello) = read_record(io).await?;
    if content != HANDSHAKE {
        return Err(alert_or(content, &hello, Refusal::Hello("it is no handshake")));
    }
    let ClientHello { session_id, key_share } = parse_hello(&hello).map_err(Refusal::Hello)?;
    let peer = PublicKey::from_sec1_bytes(key_share).map_err(|_| Refusal::Hello("its key share is no point"))?;
    let secret = EphemeralSecret::random(random);
    let mut transcript = Sha256::new();
    transcript.update(&hello);

    let server_hello = server_hello(session_id, &EncodedPoint::from(secret.public_key()), random);
    transcript.update(&server_hello);
    io.write_all(&plain_record(HANDSHAKE, &server_hello)).await?;
    if !session_id.is_empty() {
        // Middlebox compatibility (RFC 8446 appendix D.4).
        io.write_all(&plain_record(CHANGE_CIPHER_SPEC, &[1])).await?;
    }

    let early = Hkdf::<Sha256>::extract(Some(&[]), &[0; 32]).0;
    let shared = secret.diffie_hellman(&peer);
    let handshake = extract(&derive(&early, "derived", Sha256::digest([]).as_slice()), shared.raw_secret_bytes());
    let hash = transcript.clone().finalize();
    let client_secret = derive(&handshake, "c hs traffic", &hash);
    let server_secret = derive(&handshake, "s hs traffic", &hash);
    let mut server = Traffic::new(&server_secret);
    let mut client = Traffic::new(&client_secret);

    // Each message goes into the transcript before the next is made: the signature and Finished cover what came before.
    let mut flight = Vec::new();
    let mut say = |kind, body: &[u8], transcript: &mut Sha256| {
        let message = message(kind, body);
        transcript.update(&message);
        flight.extend(message);
        flight.len()
    };
    let before_certificate = say(ENCRYPTED_EXTENSIONS, &[0, 0], &mut transcript);
    let mut after_certificate = before_certificate;
    if flaw != Some(Flaw::NoCertificate) {
        after_certificate = say(CERTIFICATE, &certificate(identity), &mut transcript);
        if flaw != Some(Flaw::NoCertificateVerify) {
            let proof = certificate_verify(identity, &transcript.clone().finalize());
            say(CERTIFICATE_VERIFY, &proof, &mut transcript);
        }
    }
    let verify = finished(&server_secret, &transcript.clone().finalize());
    say(FINISHED, &verify, &mut transcript);
    let hash = transcript.clone().finalize();

    match flaw {
        Some(Flaw::EmptyRecord) => {
            io.write_all(&server.seal(Vec::new())).await?;
            io.write_all(&server.seal_content(HANDSHAKE, &flight, 0)).await?;
        }
        Some(Flaw::SplitMessage) => {
            let (first, second) = flight.split_at(usize::midpoint(before_certificate, after_certificate));
            io.write_all(&server.seal_content(HANDSHAKE, first, 0)).await?;
            io.write_all(&server.seal_content(HANDSHAKE, second, 0)).await?;
        }
        Some(Flaw::OversizedRecord) => {
            let padding = OVERSIZED.saturating_sub(flight.len());
            io.write_all(&server.seal_content(HANDSHAKE, &flight, padding)).await?;
        }
        _ => io.write_all(&server.seal_content(HANDSHAKE, &flight, 0)).await?,
    }

    let reply = loop {
        let (content, record) = read_record(io).await?;
        match content {
            CHANGE_CIPHER_SPEC => {}
            APPLICATION_DATA => break client.open(&record).ok_or(Refusal::Record)?,
            other => return Err(alert_or(other, &record, Refusal::Record)),
        }
    };
    let expected = message(FINISHED, &finished(&client_secret, &hash));
    match reply {
        (HANDSHAKE, message) if message == expected => {}
        (content, message) => return Err(alert_or(content, &message, Refusal::Finished)),
    }
    let master = extract(&derive(&handshake, "derived", Sha256::digest([]).as_slice()), &[0; 32]);
    Ok(Established {
        client: Traffic::new(&derive(&master, "c ap traffic", &hash)),
        server: Traffic::new(&derive(&master, "s ap traffic", &hash)),
    })
}

fn alert_or(content: u8, record: &[u8], otherwise: Refusal) -> Refusal {
    match (content, record) {
        (ALERT, &[_, description, ..]) => Refusal::Alert(description),
        _ => otherwise,
    }
}

/// Reads what the client gives away, and answers a complete request.
async fn answer<IO>(io: &mut IO, mut keys: Established) -> Vec<u8>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = Vec::new();
    while !is_complete(&request) && request.len() < REQUEST_LIMIT {
        let Ok((APPLICATION_DATA, record)) = read_record(io).await else { return request };
        let Some((APPLICATION_DATA, bytes)) = keys.client.open(&record) else { return request };
        request.extend(bytes);
    }
    let reply =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{REPLY_BODY}", REPLY_BODY.len());
    let mut records = keys.server.seal_content(APPLICATION_DATA, reply.as_bytes(), 0);
    // close_notify, a warning.
    records.extend(keys.server.seal_content(ALERT, &[1, 0], 0));
    // Whether the client still reads it does not matter: the request is known.
    let _ = io.write_all(&records).await;
    request
}

/// Whether an HTTP request has arrived to the end of its body.
fn is_complete(request: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = head.parse(request) else { return false };
    let body = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body = body.and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
    request.len() >= length.saturating_add(body.unwrap_or(0))
}

struct ClientHello<'a> {
    session_id: &'a [u8],
    key_share: &'a [u8],
}

/// Finds what the answer depends on (RFC 8446 §4.1.2, §4.2.8).
fn parse_hello(message: &[u8]) -> Result<ClientHello<'_>, &'static str> {
    fn take<'a>(from: &mut &'a [u8], length: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) = from.split_at_checked(length).ok_or("it is cut short")?;
        *from = rest;
        Ok(taken)
    }
    fn vector<'a, const N: usize>(from: &mut &'a [u8]) -> Result<&'a [u8], &'static str> {
        let length = take(from, N)?.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        take(from, length)
    }
    let mut rest = message;
    if take(&mut rest, 1)? != [CLIENT_HELLO] {
        return Err("it is another message");
    }
    let mut hello = vector::<3>(&mut rest)?;
    take(&mut hello, 2 + 32)?;
    let session_id = vector::<1>(&mut hello)?;
    let suites = vector::<2>(&mut hello)?;
    if !suites.chunks_exact(2).any(|suite| suite == CIPHER_SUITE) {
        return Err("it does not offer TLS_AES_128_GCM_SHA256");
    }
    vector::<1>(&mut hello)?;
    let mut extensions = vector::<2>(&mut hello)?;
    while !extensions.is_empty() {
        let kind = take(&mut extensions, 2)?;
        let mut extension = vector::<2>(&mut extensions)?;
        if kind != [0, 51] {
            continue;
        }
        let mut shares = vector::<2>(&mut extension)?;
        while !shares.is_empty() {
            let group = take(&mut shares, 2)?;
            let key_share = vector::<2>(&mut shares)?;
            if group == SECP256R1 {
                return Ok(ClientHello { session_id, key_share });
            }
        }
    }
    Err("it has no key share for P-256")
}

fn server_hello(session_id: &[u8], point: &EncodedPoint, random: &mut impl CryptoRngCore) -> Vec<u8> {
    let mut body = vec![3, 3];
    let mut unique = [0; 32];
    random.fill_bytes(&mut unique);
    body.extend(unique);
    body.extend(vector_of::<1>(session_id));
    body.extend(CIPHER_SUITE);
    body.push(0);
    let share = [&SECP256R1[..], &vector_of::<2>(point.as_bytes())].concat();
    let extensions = [&[0, 43][..], &vector_of::<2>(&TLS_1_3), &[0, 51], &vector_of::<2>(&share)].concat();
    body.extend(vector_of::<2>(&extensions));
    message(SERVER_HELLO, &body)
}

/// RFC 8446 §4.4.2.
fn certificate(identity: &Identity) -> Vec<u8> {
    let entries: Vec<u8> =
        identity.chain().iter().flat_map(|entry| [vector_of::<3>(entry), vec![0, 0]].concat()).collect();
    [vec![0], vector_of::<3>(&entries)].concat()
}

/// RFC 8446 §4.4.3.
fn certificate_verify(identity: &Identity, transcript: &[u8]) -> Vec<u8> {
    let signed = [&[b' '; 64][..], b"TLS 1.3, server CertificateVerify\0", transcript].concat();
    let key = identity.key().to_rustls();
    let signer = key
        .choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256])
        .expect("the man in the middle's keys are P-256 keys");
    let signature = signer.sign(&signed).expect("signing on P-256 does not fail");
    [&ECDSA_SECP256R1_SHA256[..], &vector_of::<2>(&signature)].concat()
}

/// RFC 8446 §4.4.4. HKDF-Extract is HMAC with the salt as its key.
fn finished(secret: &[u8], transcript: &[u8]) -> Vec<u8> {
    extract(&expand::<32>(secret, "finished", &[]), transcript).to_vec()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [vec![kind], vector_of::<3>(body)].concat()
}
