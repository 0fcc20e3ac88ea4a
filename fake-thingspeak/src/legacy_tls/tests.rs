//! A small client of the same kind against the server, and what can go wrong with either. Clients of others are tried
//! in the server's own tests (`clients::legacy_tls`), for what client and server here could both get wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use rand_chacha::rand_core::RngCore;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use time::macros::datetime;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::hello::{Begun, ClientHello};
use super::keys::{Master, Side, Transcript, prf};
use super::record::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Cut, HANDSHAKE, LONGEST_CONTENT, Protection, Record, cut, plain,
};
use super::*;
use crate::certificates::{KeyType, Kind, Profile};
use crate::tls::{TlsServer, repeatable_provider, seed_this_thread, server_config};

const HOST: &str = "api.thingspeak.com";
const NOW: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const VERSIONS: [Version; 3] = [Version::Tls10, Version::Tls11, Version::Tls12];
/// What axTLS says of signatures: RSA with SHA-512, SHA-384, SHA-256 and SHA-1.
const RSA_ONLY: [u16; 4] = [0x0601, 0x0501, 0x0401, 0x0201];

fn authority() -> Authority {
    Authority::from_seed([1; 32]).unwrap()
}

fn server(policy: Policy) -> TlsServer {
    static SERVERS: LazyLock<BTreeMap<Policy, TlsServer>> = LazyLock::new(|| {
        let identity = authority().issue(Kind::Good, KeyType::P256, &[HOST], NOW).unwrap();
        let server = |policy| {
            let legacy = Server::repeatable(policy, &authority(), &Profile::default(), &[HOST], NOW).unwrap();
            TlsServer::new(server_config(&identity, NOW), identity.key().scheme(), legacy)
        };
        Policy::ALL.iter().map(|policy| (*policy, server(*policy))).collect()
    });
    seed_this_thread([9; 32]);
    SERVERS[&policy].clone()
}

fn vector<const N: usize>(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_be_bytes();
    [&length[length.len() - N..], bytes].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [vec![kind], vector::<3>(body)].concat()
}

/// What a client of the test offers.
#[derive(Clone)]
struct Offer {
    version: Version,
    suites: Vec<u16>,
    signatures: Vec<u16>,
}

impl Offer {
    fn of(version: Version, suites: &[u16]) -> Self {
        Self { version, suites: suites.to_vec(), signatures: RSA_ONLY.to_vec() }
    }

    fn hello(&self, random: &[u8; 32]) -> Vec<u8> {
        let list = |numbers: &[u16]| -> Vec<u8> { numbers.iter().flat_map(|number| number.to_be_bytes()).collect() };
        let mut body = self.version.bytes().to_vec();
        body.extend(random);
        body.extend(vector::<1>(&[]));
        body.extend(vector::<2>(&list(&self.suites)));
        body.extend(vector::<1>(&[0]));
        if self.version == Version::Tls12 {
            let signatures = vector::<2>(&vector::<2>(&list(&self.signatures)));
            body.extend(vector::<2>(&[&[0, 13], &signatures[..]].concat()));
        }
        message(1, &body)
    }
}

/// A client that has shaken hands, or as far as it came.
struct Client {
    io: DuplexStream,
    received: Vec<u8>,
    random: ChaCha20Rng,
    send: Option<Protection>,
    receive: Option<Protection>,
}

impl Client {
    fn new(io: DuplexStream) -> Self {
        let random = ChaCha20Rng::from_seed([5; 32]);
        Self { io, received: Vec::new(), random, send: None, receive: None }
    }

    /// The next record, opened; `None` at the end.
    async fn record(&mut self) -> Option<Record> {
        loop {
            match cut(&mut self.received) {
                Cut::Record(record) => {
                    let bytes = match &mut self.receive {
                        Some(protection) => protection.open(&record).expect("the server's keys are right"),
                        None => record.bytes,
                    };
                    return Some(Record { content: record.content, bytes });
                }
                Cut::Malformed => panic!("no record"),
                Cut::Part => {
                    if self.io.read_buf(&mut self.received).await.unwrap() == 0 {
                        return None;
                    }
                }
            }
        }
    }

    fn sealed(&mut self, content: u8, bytes: &[u8]) -> Vec<u8> {
        self.send.as_mut().unwrap().seal(content, bytes, &mut self.random)
    }

    /// Shakes hands, and gives the certificate that was shown; an error is the server's alert.
    async fn shake_hands(&mut self, offer: &Offer) -> Result<Vec<u8>, u8> {
        self.shake_hands_with(offer, |premaster| premaster).await
    }

    async fn shake_hands_with(&mut self, offer: &Offer, spoil: impl Fn(Vec<u8>) -> Vec<u8>) -> Result<Vec<u8>, u8> {
        let mut transcript = Transcript::default();
        let mut unique = [0; 32];
        self.random.fill_bytes(&mut unique);
        let hello = offer.hello(&unique);
        transcript.add(&hello);
        self.io.write_all(&plain(Version::Tls10, HANDSHAKE, &hello)).await.unwrap();
        let mut flight = Vec::new();
        for _ in 0..3 {
            match self.record().await.expect("the server answers") {
                Record { content: ALERT, bytes } => return Err(bytes[1]),
                Record { content, bytes } => {
                    assert_eq!(content, HANDSHAKE);
                    transcript.add(&bytes);
                    flight.push(bytes);
                }
            }
        }
        let [hello, certificate, done] = &flight[..] else { panic!() };
        assert_eq!((hello[0], certificate[0], done.as_slice()), (2, 11, &[14, 0, 0, 0][..]));
        assert_eq!(hello[4..6], offer.version.bytes());
        let server: [u8; 32] = hello[6..38].try_into().unwrap();
        let number = u16::from_be_bytes([hello[39], hello[40]]);
        let suite = Suite::ALL.into_iter().find(|suite| suite.number == number).unwrap();

        let mut premaster = offer.version.bytes().to_vec();
        premaster.extend([7; 46]);
        let key = RsaPrivateKey::from_pkcs8_pem(include_str!("../certificates/rsa-2048.pem")).unwrap().to_public_key();
        let encrypted = spoil(key.encrypt(&mut self.random, Pkcs1v15Encrypt, &premaster).unwrap());
        let exchange = message(16, &vector::<2>(&encrypted));
        transcript.add(&exchange);
        let master = Master::new(offer.version, &premaster, &unique, &server);
        let [send, receive] = master.protections(suite, &unique, &server);
        self.send = Some(send);
        let finished = message(20, &master.verify_data(Side::Client, &transcript));
        transcript.add(&finished);
        let mut flight = plain(offer.version, HANDSHAKE, &exchange);
        flight.extend(plain(offer.version, CHANGE_CIPHER_SPEC, &[1]));
        flight.extend(self.sealed(HANDSHAKE, &finished));
        self.io.write_all(&flight).await.unwrap();
        match self.record().await.expect("the server answers") {
            Record { content: ALERT, bytes } => return Err(bytes[1]),
            Record { content, bytes } => assert_eq!((content, bytes), (CHANGE_CIPHER_SPEC, vec![1])),
        }
        self.receive = Some(receive);
        let Record { content, bytes } = self.record().await.expect("the server proves itself");
        assert_eq!(content, HANDSHAKE);
        assert_eq!(bytes, message(20, &master.verify_data(Side::Server, &transcript)));
        Ok(certificate[10..].to_vec())
    }
}

/// A stream to a server that sends back what it reads; its outcome is what has become of the connection.
async fn echo(server: &TlsServer, io: DuplexStream) -> Result<Option<(Version, Suite)>, String> {
    match server.accept(io).await {
        Err((reason, _)) => Err(reason),
        Ok(mut stream) => {
            let agreed = stream.legacy();
            let mut bytes = [0; 20_000];
            loop {
                match stream.read(&mut bytes).await.map_err(|error| error.to_string())? {
                    0 => break,
                    length => {
                        stream.write_all(&bytes[..length]).await.map_err(|error| error.to_string())?;
                        stream.flush().await.map_err(|error| error.to_string())?;
                    }
                }
            }
            stream.shutdown().await.map_err(|error| error.to_string())?;
            Ok(agreed)
        }
    }
}

#[test]
fn the_pseudorandom_function_gives_published_values() {
    // The values that circulate for TLS 1.2 with SHA-256, from the list of the IETF's TLS working group.
    let bytes = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let (secret, seed) = (bytes("9bbe436ba940f017b17652849a71db35"), bytes("a0ba9f936cda311827a6f796ffd5198c"));
    let expected = bytes(
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17\
         abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66",
    );
    assert_eq!(prf(Version::Tls12, &secret, "test label", &seed, expected.len()), expected);
}

#[tokio::test]
async fn each_version_and_each_suite_carries_bytes_both_ways() {
    for version in VERSIONS {
        for suite in Suite::ALL {
            let server = server(Policy::Auto);
            let (near, far) = duplex(100_000);
            let client = async {
                let mut client = Client::new(near);
                let shaken = client.shake_hands(&Offer::of(version, &[0x0005, suite.number])).await;
                if suite.since > version {
                    // Nothing is left for either server: rustls refuses it in its own words.
                    assert!(shaken.is_err());
                    return;
                }
                assert!(shaken.unwrap().len() > 500);
                for bytes in [&b"GET /"[..], &[], &[b'x'; LONGEST_CONTENT], b"end"] {
                    let record = client.sealed(APPLICATION_DATA, bytes);
                    client.io.write_all(&record).await.unwrap();
                    let mut echoed = Vec::new();
                    while echoed.len() < bytes.len() {
                        echoed.extend(client.record().await.unwrap().bytes);
                    }
                    assert_eq!(echoed, bytes);
                }
                let close = client.sealed(ALERT, &[1, 0]);
                client.io.write_all(&close).await.unwrap();
                assert_eq!(client.record().await, Some(Record { content: ALERT, bytes: vec![1, 0] }));
                assert_eq!(client.record().await, None);
            };
            let (outcome, ()) = tokio::join!(echo(&server, far), client);
            match suite.since > version {
                true => assert!(outcome.is_err()),
                false => assert_eq!(outcome, Ok(Some((version, suite)))),
            }
        }
    }
}

#[tokio::test]
async fn who_reads_no_ecdsa_is_shown_a_certificate_without_it() {
    // The object identifier of ECDSA with SHA-256.
    const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
    for (signatures, has_ecdsa) in [(RSA_ONLY.to_vec(), false), (vec![0x0403, 0x0401], true)] {
        let server = server(Policy::Auto);
        let (near, far) = duplex(100_000);
        let client = async {
            let offer = Offer { signatures, ..Offer::of(Version::Tls12, &[0x3C]) };
            let certificate = Client::new(near).shake_hands(&offer).await.unwrap();
            assert_eq!(certificate.windows(8).any(|bytes| bytes == ECDSA_WITH_SHA256), has_ecdsa);
        };
        let (outcome, ()) = tokio::join!(echo(&server, far), client);
        // It left without a word.
        assert!(outcome.is_err());
    }
}

#[tokio::test]
async fn the_policy_says_who_is_served() {
    let old = Offer::of(Version::Tls12, &[0x2F]);
    for (policy, old_is_served, current_is_served) in
        [(Policy::Off, false, true), (Policy::Auto, true, true), (Policy::Only, true, false)]
    {
        let server = server(policy);
        let (near, far) = duplex(100_000);
        let client = async { Client::new(near).shake_hands(&old).await.is_ok() };
        assert_eq!(tokio::join!(echo(&server, far), client).1, old_is_served, "{policy:?}");

        let mut roots = RootCertStore::empty();
        roots.add(authority().certificate().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(repeatable_provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (near, far) = duplex(100_000);
        let client = async {
            let name = ServerName::try_from(HOST).unwrap();
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            match connector.connect(name, near).await {
                Ok(mut stream) => {
                    stream.shutdown().await.unwrap();
                    stream.read_to_end(&mut Vec::new()).await.unwrap();
                    true
                }
                Err(_) => false,
            }
        };
        let (outcome, is_served) = tokio::join!(echo(&server, far), client);
        assert_eq!(is_served, current_is_served, "{policy:?}");
        assert_eq!(outcome.is_ok_and(|agreed| agreed.is_none()), current_is_served, "{policy:?}");
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_a_secret_the_client_learns_the_same() {
    for version in VERSIONS {
        for spoiled in 0..4 {
            let server = server(Policy::Only);
            let (near, far) = duplex(100_000);
            let client = async {
                let spoil = |mut encrypted: Vec<u8>| {
                    match spoiled {
                        0 => encrypted[100] ^= 1,
                        1 => encrypted.fill(0),
                        2 => encrypted.fill(0xFF),
                        _ => encrypted.truncate(10),
                    }
                    encrypted
                };
                Client::new(near).shake_hands_with(&Offer::of(version, &[0x2F]), spoil).await
            };
            let (outcome, learnt) = tokio::join!(echo(&server, far), client);
            assert_eq!((outcome.unwrap_err().as_str(), learnt), ("the client's record cannot be decrypted", Err(20)));
        }
    }
}

#[tokio::test]
async fn a_record_that_was_changed_anywhere_ends_the_connection_with_the_same_alert() {
    for version in VERSIONS {
        for suite in [Suite::ALL[3], Suite::ALL[0]] {
            let suite = if suite.since > version { Suite::ALL[2] } else { suite };
            for at in 5..5 + 64 {
                let server = server(Policy::Only);
                let (near, far) = duplex(100_000);
                let client = async {
                    let mut client = Client::new(near);
                    client.shake_hands(&Offer::of(version, &[suite.number])).await.unwrap();
                    let mut record = client.sealed(APPLICATION_DATA, b"GET / HTTP/1.1\r\n\r\n");
                    let at = at.min(record.len() - 1);
                    record[at] ^= 0x40;
                    client.io.write_all(&record).await.unwrap();
                    client.record().await
                };
                let (outcome, answer) = tokio::join!(echo(&server, far), client);
                assert_eq!(outcome.unwrap_err(), "a record cannot be decrypted");
                assert_eq!(answer, Some(Record { content: ALERT, bytes: vec![2, 20] }), "{version} {at}");
            }
        }
    }
}

#[tokio::test]
async fn a_second_handshake_is_refused_and_asking_for_ever_ends_it() {
    let server = server(Policy::Only);
    let (near, far) = duplex(100_000);
    let client = async {
        let mut client = Client::new(near);
        let offer = Offer::of(Version::Tls12, &[0x3D]);
        client.shake_hands(&offer).await.unwrap();
        let mut answers = Vec::new();
        for _ in 0..4 {
            let again = client.sealed(HANDSHAKE, &offer.hello(&[3; 32]));
            client.io.write_all(&again).await.unwrap();
            answers.push(client.record().await.unwrap().bytes);
        }
        answers
    };
    let (outcome, answers) = tokio::join!(echo(&server, far), client);
    assert_eq!(answers, [[1, 100], [1, 100], [1, 100], [2, 10]]);
    assert_eq!(outcome.unwrap_err(), "a record that has no place here");
}

#[tokio::test]
async fn who_offers_nothing_hears_why() {
    for (offer, alert, reason) in [
        (Offer::of(Version::Tls12, &[0x0005]), 40, "the client offers no cipher suite of TLS_RSA_WITH_AES_CBC"),
        (Offer::of(Version::Tls10, &[0x3C, 0x3D]), 40, "the client offers no cipher suite of TLS_RSA_WITH_AES_CBC"),
    ] {
        let server = server(Policy::Only);
        let (near, far) = duplex(100_000);
        let client = async { Client::new(near).shake_hands(&offer).await };
        let (outcome, answer) = tokio::join!(echo(&server, far), client);
        assert_eq!((outcome, answer), (Err(reason.to_owned()), Err(alert)));
    }
    // SSL 3.0.
    let server = server(Policy::Only);
    let (mut near, far) = duplex(100_000);
    let client = async {
        let mut hello = Offer::of(Version::Tls10, &[0x2F]).hello(&[0; 32]);
        hello[5] = 0;
        near.write_all(&plain(Version::Tls10, HANDSHAKE, &hello)).await.unwrap();
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let (outcome, answer) = tokio::join!(echo(&server, far), client);
    assert_eq!(outcome.unwrap_err(), "the client offers no TLS 1.0 to 1.2");
    assert_eq!(answer, plain(Version::Tls10, ALERT, &[2, 70]));
}

/// A runtime for each case of a property.
fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

proptest! {
    #[test]
    fn a_hello_in_any_pieces_is_the_same_hello(cuts in prop::collection::vec(1_usize..40, 1..60), tail: Vec<u8>) {
        let hello = Offer::of(Version::Tls12, &[0x2F, 0x3C]).hello(&[8; 32]);
        let (mut bytes, mut rest) = (Vec::new(), hello.as_slice());
        for length in cuts.into_iter().cycle() {
            let (piece, after) = rest.split_at(length.min(rest.len()));
            bytes.extend(plain(Version::Tls10, HANDSHAKE, piece));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let expected = Begun::Hello(Box::new(ClientHello::parse(&hello[4..]).unwrap()));
        for length in 0..bytes.len() - 1 {
            prop_assert_eq!(Begun::of(&bytes[..length]), Begun::Part);
        }
        bytes.extend(tail);
        prop_assert_eq!(Begun::of(&bytes), expected);
    }

    #[test]
    fn whatever_comes_first_the_server_comes_to_an_end(
        only: bool,
        slips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>(),
        random in prop::option::of(prop::collection::vec(any::<u8>(), 0..300)),
    ) {
        let outcome = run(async {
            let server = server(if only { Policy::Only } else { Policy::Auto });
            let hello = Offer::of(Version::Tls12, &[0x2F, 0x3C]).hello(&[8; 32]);
            let mut bytes = random.unwrap_or_else(|| plain(Version::Tls10, HANDSHAKE, &hello));
            for (at, byte) in slips.iter().filter(|_| !bytes.is_empty()).collect::<Vec<_>>() {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            bytes.truncate(end.index(bytes.len() + 1));
            let (mut near, far) = duplex(100_000);
            let client = async {
                near.write_all(&bytes).await.unwrap();
                near.shutdown().await.unwrap();
                let mut answer = Vec::new();
                near.read_to_end(&mut answer).await.unwrap();
            };
            tokio::join!(echo(&server, far), client).0
        });
        // Nobody shakes hands by accident.
        prop_assert!(outcome.is_err());
    }

    #[test]
    fn whatever_comes_after_the_handshake_the_server_comes_to_an_end(
        version in prop::sample::select(VERSIONS.to_vec()),
        records in prop::collection::vec(
            (20_u8..24, prop::collection::vec(any::<u8>(), 0..80), any::<bool>()), 1..5),
        tail in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let outcome = run(async {
            let server = server(Policy::Only);
            let (near, far) = duplex(1 << 20);
            let client = async {
                let mut client = Client::new(near);
                client.shake_hands(&Offer::of(version, &[0x35])).await.unwrap();
                let mut bytes = Vec::new();
                for (content, content_bytes, sealed) in &records {
                    bytes.extend(match sealed {
                        true => client.sealed(*content, content_bytes),
                        false => plain(version, *content, content_bytes),
                    });
                }
                bytes.extend(&tail);
                // The server may have ended it already.
                let _ = client.io.write_all(&bytes).await;
                let _ = client.io.shutdown().await;
                let mut answer = Vec::new();
                client.io.read_to_end(&mut answer).await.unwrap();
            };
            tokio::join!(echo(&server, far), client).0
        });
        // Without a close_notify it is never a good end, and by chance there is none.
        let closes = records.iter().any(|(content, bytes, sealed)| *sealed && *content == ALERT && bytes.get(1) == Some(&0));
        prop_assert!(closes || outcome.is_err(), "{outcome:?}");
    }
}
