use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
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

/// A client that trusts the authority, is careful otherwise, and has the key exchange that there is.
fn client() -> TlsConnector {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.kx_groups.retain(|group| group.name() == rustls::NamedGroup::secp256r1);
    let mut roots = RootCertStore::empty();
    roots.add(authority().certificate().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// What the server has seen and the client has read, or why it did not.
async fn converse(flaw: Option<Flaw>) -> (Ending, io::Result<String>) {
    let (near, far) = duplex(100_000);
    let client = async {
        let mut stream = client().connect(ServerName::try_from(HOST).unwrap(), near).await?;
        stream.write_all(REQUEST).await?;
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
async fn a_client_that_goes_away_or_talks_nonsense_is_survived() {
    // The first thing that a client says.
    let (near, mut far) = duplex(100_000);
    let mut hello = vec![0; 100_000];
    let connecting = client().connect(ServerName::try_from(HOST).unwrap(), near);
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
