use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1, X25519};
use rustls::crypto::{SupportedKxGroup, ring};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsConnector;

use super::*;
use crate::certificates::{Authority, KeyType, Kind};

const HOST: &str = "api.thingspeak.com";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

fn authority() -> Authority {
    Authority::from_seed([1; 32]).unwrap()
}

async fn serve_one(mut io: DuplexStream, flaw: Option<Flaw>) -> Ending {
    let identity = authority().issue(Kind::Good, KeyType::P256, &[HOST], OffsetDateTime::now_utc()).unwrap();
    serve(&mut io, flaw, &identity, &mut ChaCha20Rng::from_seed([3; 32])).await
}

/// A client that trusts the authority, is careful otherwise, and begins with the first of these groups.
fn client(groups: &[&'static dyn SupportedKxGroup], version: &'static SupportedProtocolVersion) -> TlsConnector {
    let mut provider = ring::default_provider();
    provider.kx_groups = groups.to_vec();
    let mut roots = RootCertStore::empty();
    roots.add(authority().certificate().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// What the server has seen and the client has read, or why it did not.
async fn converse(flaw: Option<Flaw>) -> (Ending, io::Result<String>) {
    converse_with(flaw, client(&[SECP256R1], &TLS13), REQUEST).await
}

async fn converse_with(flaw: Option<Flaw>, client: TlsConnector, request: &[u8]) -> (Ending, io::Result<String>) {
    let (near, far) = duplex(100_000);
    let client = async {
        let mut stream = client.connect(ServerName::try_from(HOST).unwrap(), near).await?;
        stream.write_all(request).await?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await?;
        Ok(reply)
    };
    tokio::join!(serve_one(far, flaw), client)
}

#[tokio::test]
async fn without_a_flaw_the_handshake_is_correct() {
    let (ending, reply) = converse(None).await;
    assert_eq!(ending, Ending::Established(REQUEST.to_vec()));
    assert!(reply.unwrap().ends_with("\r\n\r\n1"));
}

#[tokio::test]
async fn a_careful_client_refuses_what_is_wrong_and_takes_what_is_only_rare() {
    for flaw in [Flaw::NoCertificate, Flaw::NoCertificateVerify, Flaw::EmptyRecord] {
        let (ending, reply) = converse(Some(flaw)).await;
        assert!(
            matches!(&ending, Ending::Refused(reason) if reason.starts_with("the client ")),
            "{flaw:?}: {ending:?}"
        );
        assert_eq!(reply.unwrap_err().kind(), io::ErrorKind::InvalidData, "{flaw:?}");
    }
    for flaw in [Flaw::SplitMessage, Flaw::OversizedRecord] {
        let (ending, reply) = converse(Some(flaw)).await;
        assert_eq!(ending, Ending::Established(REQUEST.to_vec()), "{flaw:?}");
        assert!(reply.unwrap().ends_with("\r\n\r\n1"), "{flaw:?}");
    }
}

#[tokio::test]
async fn a_client_that_begins_with_another_group_is_asked_for_this_one() {
    for flaw in [None, Some(Flaw::SplitMessage)] {
        let (ending, reply) = converse_with(flaw, client(&[X25519, SECP256R1], &TLS13), REQUEST).await;
        assert_eq!(ending, Ending::Established(REQUEST.to_vec()));
        assert!(reply.unwrap().ends_with("\r\n\r\n1"));
    }
    let (ending, _) = converse_with(Some(Flaw::NoCertificate), client(&[X25519, SECP256R1], &TLS13), REQUEST).await;
    assert!(matches!(&ending, Ending::Refused(reason) if reason.starts_with("the client sent alert ")), "{ending:?}");
}

#[tokio::test]
async fn a_client_that_cannot_be_served_is_told() {
    for (client, reason, told) in [
        (client(&[SECP256R1], &TLS12), "it does not offer TLS 1.3", "ProtocolVersion"),
        (client(&[X25519, SECP384R1], &TLS13), "it does not offer P-256", "HandshakeFailure"),
    ] {
        let (ending, reply) = converse_with(Some(Flaw::NoCertificate), client, REQUEST).await;
        assert_eq!(ending, Ending::Refused(format!("the client's hello cannot be used: {reason}")));
        let error = reply.unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_kept_and_not_answered() {
    let (ending, reply) =
        converse_with(None, client(&[SECP256R1], &TLS13), b"\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0").await;
    assert!(matches!(&ending, Ending::Established(bytes) if bytes.ends_with(b"\x02\0\0\0\0")), "{ending:?}");
    assert_eq!(reply.unwrap(), "");
}

#[test]
fn a_request_is_heard_to_the_end_of_its_body() {
    for (bytes, expected) in [
        (&b""[..], Heard::Part),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", Heard::Part),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", Heard::Request),
        (b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", Heard::Request),
        (b"GET / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n", Heard::Part),
        (b"\x16\x03", Heard::Foreign),
    ] {
        assert_eq!(hear(bytes), expected, "{}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(hear(&[&b"GET /"[..], &[b'x'; REQUEST_LIMIT]].concat()), Heard::Request);
}

#[tokio::test]
async fn a_client_that_goes_away_or_talks_nonsense_is_survived() {
    // The first thing that a client says.
    let (near, mut far) = duplex(100_000);
    let mut hello = vec![0; 100_000];
    let connecting = client(&[SECP256R1], &TLS13).connect(ServerName::try_from(HOST).unwrap(), near);
    let length = tokio::select! {
        _ = connecting => unreachable!("nobody answers"),
        length = far.read(&mut hello) => length.unwrap(),
    };
    hello.truncate(length);
    let cut = (0..hello.len()).step_by(7).map(|length| {
        // A whole record around a hello that is cut short.
        let mut bytes = hello[..length.max(6)].to_vec();
        let body = (bytes.len() as u16 - 5).to_be_bytes();
        bytes[3..5].copy_from_slice(&body);
        bytes
    });
    for bytes in cut.chain([vec![], vec![0xff; 300], REQUEST.to_vec()]) {
        let (mut near, far) = duplex(100_000);
        let client = async {
            near.write_all(&bytes).await.unwrap();
            near.shutdown().await.unwrap();
            near.read_to_end(&mut Vec::new()).await.unwrap();
        };
        let (ending, ()) = tokio::join!(serve_one(far, Some(Flaw::NoCertificate)), client);
        assert!(matches!(ending, Ending::Refused(_)), "{ending:?}");
    }
}
