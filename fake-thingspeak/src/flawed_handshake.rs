//! A minimal TLS 1.3 server (RFC 8446) that can leave out or misplace what makes TLS safe.
//!
//! It speaks one cipher suite (TLS_AES_128_GCM_SHA256) and one group (P-256, which it asks for if a client begins with
//! another), reads a ClientHello in one record, and answers one request of HTTP, whatever it is, with `1`. Without a
//! flaw it is correct, and a test has rustls complete a handshake with it; rustls itself cannot be made to misbehave
//! so. All randomness is the caller's stream.
//!
//! [`accept`] shakes hands, [`Session::answer`] reads what the client sends then, and [`serve`] does both.
//!
//! Not modelled: TLS 1.2, resumption, client certificates, key updates.

use std::io;

use hkdf::Hkdf;
use p256::ecdh::EphemeralSecret;
use p256::{EncodedPoint, PublicKey};
use rand_chacha::rand_core::CryptoRngCore;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::certificates::Identity;
use crate::tls::secrets;
use messages::{
    CERTIFICATE, CERTIFICATE_VERIFY, ClientHello, ENCRYPTED_EXTENSIONS, FINISHED, MESSAGE_HASH, RETRY, SECP256R1,
    certificate, certificate_verify, finished, message, parse_hello, server_hello,
};
use record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Traffic};
use record::{derive, extract, plain_record, read_record, vector_of};

mod messages;
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
    /// The client completed the handshake, and sent these bytes.
    Established(Vec<u8>),
}

/// Alerts (RFC 8446 §6).
const FATAL: u8 = 2;
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;
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
    let ending = match accept(io, flaw, identity, random).await {
        Ok(session) => {
            let mut request = Vec::new();
            session.answer(io, &mut request).await;
            Ending::Established(request)
        }
        Err(refusal) => Ending::Refused(refusal.to_string()),
    };
    // The rest of what the client sends is not waited for.
    let _ = io.shutdown().await;
    ending
}

/// Why there was no handshake.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The stream ended or failed.
    #[error("the client went away: {0}")]
    Stream(#[from] io::Error),
    /// The client gave up, with the number of an alert (RFC 8446 §6).
    #[error("the client sent alert {0}")]
    Alert(u8),
    /// The client speaks no TLS 1.3.
    #[error("the client's hello cannot be used: it does not offer TLS 1.3")]
    Version,
    /// The client's first message makes no sense here.
    #[error("the client's hello cannot be used: {0}")]
    Hello(&'static str),
    /// A record of the client's is not under the keys that were agreed on.
    #[error("the client's record cannot be decrypted")]
    Record,
    /// The client has seen another handshake than the server.
    #[error("the client's Finished is wrong")]
    Finished,
}

/// A handshake that the client completed.
pub struct Session {
    client: Traffic,
    server: Traffic,
}

/// Shakes hands with a client, as wrongly as `flaw` says.
///
/// # Errors
/// [`Refusal`]: why the client did not complete the handshake. An alert says so to it where TLS wants one.
pub async fn accept<IO, R>(
    io: &mut IO,
    flaw: Option<Flaw>,
    identity: &Identity,
    random: &mut R,
) -> Result<Session, Refusal>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    R: CryptoRngCore,
{
    let session = shake_hands(io, flaw, identity, random).await;
    let alert = match &session {
        Err(Refusal::Version) => PROTOCOL_VERSION,
        Err(Refusal::Hello(_)) => HANDSHAKE_FAILURE,
        _ => return session,
    };
    // Whether the client still reads it does not matter.
    let _ = io.write_all(&plain_record(ALERT, &[FATAL, alert])).await;
    session
}

async fn shake_hands<IO, R>(
    io: &mut IO,
    flaw: Option<Flaw>,
    identity: &Identity,
    random: &mut R,
) -> Result<Session, Refusal>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    R: CryptoRngCore,
{
    let mut hello = read_hello(io).await?;
    let mut transcript = Sha256::new();
    let mut is_compatible = false;
    if parse_hello(&hello)?.key_share.is_none() {
        // HelloRetryRequest (RFC 8446 §4.1.4). Its transcript begins with the first hello's hash (§4.4.1).
        transcript.update(message(MESSAGE_HASH, &Sha256::digest(&hello)));
        let session_id = parse_hello(&hello)?.session_id;
        let retry = server_hello(session_id, &RETRY, &SECP256R1);
        transcript.update(&retry);
        io.write_all(&plain_record(HANDSHAKE, &retry)).await?;
        is_compatible = be_compatible(io, session_id).await?;
        hello = read_hello(io).await?;
    }
    let ClientHello { session_id, key_share } = parse_hello(&hello)?;
    let key_share = key_share.ok_or(Refusal::Hello("it has no key share for P-256 although it was asked for one"))?;
    let peer = PublicKey::from_sec1_bytes(key_share).map_err(|_| Refusal::Hello("its key share is no point"))?;
    let secret = EphemeralSecret::random(random);
    transcript.update(&hello);

    let point = EncodedPoint::from(secret.public_key());
    let mut unique = [0; 32];
    random.fill_bytes(&mut unique);
    let share = [&SECP256R1[..], &vector_of::<2>(point.as_bytes())].concat();
    let server_hello = server_hello(session_id, &unique, &share);
    transcript.update(&server_hello);
    io.write_all(&plain_record(HANDSHAKE, &server_hello)).await?;
    if !is_compatible {
        be_compatible(io, session_id).await?;
    }

    let early = Hkdf::<Sha256>::extract(Some(&[]), &[0; 32]).0;
    let shared = secret.diffie_hellman(&peer);
    let handshake = extract(&derive(&early, "derived", Sha256::digest([]).as_slice()), shared.raw_secret_bytes());
    let hash = transcript.clone().finalize();
    let client_secret = derive(&handshake, "c hs traffic", &hash);
    let server_secret = derive(&handshake, "s hs traffic", &hash);
    // Behind the header of the message and the version.
    let client_random = &hello[6..38];
    secrets::tell("CLIENT_HANDSHAKE_TRAFFIC_SECRET", client_random, &client_secret);
    secrets::tell("SERVER_HANDSHAKE_TRAFFIC_SECRET", client_random, &server_secret);
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
    let client_secret = derive(&master, "c ap traffic", &hash);
    let server_secret = derive(&master, "s ap traffic", &hash);
    secrets::tell("CLIENT_TRAFFIC_SECRET_0", client_random, &client_secret);
    secrets::tell("SERVER_TRAFFIC_SECRET_0", client_random, &server_secret);
    Ok(Session { client: Traffic::new(&client_secret), server: Traffic::new(&server_secret) })
}

fn alert_or(content: u8, record: &[u8], otherwise: Refusal) -> Refusal {
    match (content, record) {
        (ALERT, &[_, description, ..]) => Refusal::Alert(description),
        _ => otherwise,
    }
}

/// Sends what middleboxes expect, if the client wants it (RFC 8446 appendix D.4); whether it does.
async fn be_compatible<IO: AsyncWrite + Unpin>(io: &mut IO, session_id: &[u8]) -> io::Result<bool> {
    if !session_id.is_empty() {
        io.write_all(&plain_record(CHANGE_CIPHER_SPEC, &[1])).await?;
    }
    Ok(!session_id.is_empty())
}

/// The message with which the client begins, or begins again.
async fn read_hello<IO: AsyncRead + Unpin>(io: &mut IO) -> Result<Vec<u8>, Refusal> {
    loop {
        match read_record(io).await? {
            (CHANGE_CIPHER_SPEC, _) => {}
            (HANDSHAKE, hello) => return Ok(hello),
            (content, record) => return Err(alert_or(content, &record, Refusal::Hello("it is no handshake"))),
        }
    }
}

impl Session {
    /// Reads into `request` what the client gives away, until that is a whole request of HTTP, or none at all, or too
    /// much; a request is answered with [`REPLY_BODY`]. What was read is there even if the future is dropped.
    pub async fn answer<IO>(mut self, io: &mut IO, request: &mut Vec<u8>)
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut heard = hear(request);
        while heard == Heard::Part {
            let Ok((APPLICATION_DATA, record)) = read_record(io).await else { return };
            let Some((APPLICATION_DATA, bytes)) = self.client.open(&record) else { return };
            request.extend(bytes);
            heard = hear(request);
        }
        let mut records = Vec::new();
        if heard == Heard::Request {
            records = self.server.seal_content(APPLICATION_DATA, reply().as_bytes(), 0);
        }
        // close_notify, a warning.
        records.extend(self.server.seal_content(ALERT, &[1, 0], 0));
        // Whether the client still reads it does not matter: the request is known.
        let _ = io.write_all(&records).await;
    }
}

/// As [`Session::answer`], over a stream that has had its handshake elsewhere.
pub async fn answer<IO>(io: &mut IO, request: &mut Vec<u8>)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut heard = hear(request);
    while heard == Heard::Part {
        if !matches!(io.read_buf(request).await, Ok(1..)) {
            return;
        }
        heard = hear(request);
    }
    if heard == Heard::Request {
        let _ = io.write_all(reply().as_bytes()).await;
    }
    let _ = io.shutdown().await;
}

fn reply() -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{REPLY_BODY}", REPLY_BODY.len())
}

/// What the bytes of a client turn out to be.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// The beginning of a request.
    Part,
    /// A request to the end of its body, or more than is read of one.
    Request,
    /// Not HTTP.
    Foreign,
}

fn hear(request: &[u8]) -> Heard {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(request) {
        Ok(httparse::Status::Complete(length)) => Some(length),
        Ok(httparse::Status::Partial) => None,
        Err(_) => return Heard::Foreign,
    };
    let body = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body = body.and_then(|header| str::from_utf8(header.value).ok()?.trim().parse().ok()).unwrap_or(0);
    let is_whole = length.is_some_and(|length| request.len() >= length.saturating_add(body));
    if is_whole || request.len() >= REQUEST_LIMIT { Heard::Request } else { Heard::Part }
}
