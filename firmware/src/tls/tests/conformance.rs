//! What RFC 8446 wants a client to abort on, and what it wants it to put up with: a row for each sentence.
//!
//! In each row an otherwise good server breaks one rule, or none. It signs and hashes what it says, so that a client
//! which does not look for that one thing goes through with the handshake. Each row is played with the server's
//! messages in one record and in records of their own, and once more to `rustls`, as a second opinion on whether this
//! is wrong.

mod rows;

use std::string::{String, ToString};
use std::time::Duration;
use std::vec;

use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use rustls::ClientConnection;
use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::Sha256;

use super::certificates::*;
use super::evil::*;
use super::*;

/// What the server does with its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Together,
    Apart,
}

/// A part of what follows the server's hello.
#[derive(Clone, Copy)]
enum Part {
    /// A handshake message.
    Say(fn(&mut Wire, &Identity) -> Vec<u8>),
    /// Bytes outside of any encryption.
    Plain(&'static [u8]),
    /// An encrypted record: its content and content type.
    Sealed(&'static [u8], u8),
}

/// A server that breaks one rule, or none.
struct Row {
    /// Where the rule stands: a section of RFC 8446.
    section: &'static str,
    what: &'static str,
    hello: fn(&mut Hello),
    flight: Vec<Part>,
    afterwards: fn(&mut Wire),
    /// The server's key is an RSA key.
    is_rsa: bool,
    /// What the client reads first, or why it does not.
    together: Result<&'static [u8], TlsError>,
    /// The same if each message comes in a record of its own.
    apart: Result<&'static [u8], TlsError>,
    /// The alert that the client sends in plaintext.
    alert: Option<u8>,
    /// Why `rustls` takes another view of it, if it does.
    rustls_differs: Option<&'static str>,
}

const DATA: &[u8] = b"data";

impl Row {
    fn good(section: &'static str, what: &'static str) -> Self {
        Self {
            section,
            what,
            hello: |_| {},
            flight: good_flight(),
            afterwards: |wire| wire.seal(DATA, APPLICATION_DATA),
            is_rsa: false,
            together: Ok(DATA),
            apart: Ok(DATA),
            alert: None,
            rustls_differs: None,
        }
    }

    fn refused(mut self, error: TlsError) -> Self {
        (self.together, self.apart) = (Err(error), Err(error));
        self
    }

    fn alert(mut self, alert: u8) -> Self {
        self.alert = Some(alert);
        self
    }

    /// If each message comes in a record of its own, another error shows it.
    fn apart(mut self, error: TlsError) -> Self {
        self.apart = Err(error);
        self
    }

    fn rsa(mut self) -> Self {
        self.is_rsa = true;
        self
    }

    fn rustls_differs(mut self, why: &'static str) -> Self {
        self.rustls_differs = Some(why);
        self
    }

    fn server<'r>(
        &'r self,
        identity: &'r Identity,
        packing: Packing,
    ) -> Evil<impl FnMut(&mut Wire) + 'r, fn(&mut Wire)> {
        let flight = move |wire: &mut Wire| {
            let mut record = Vec::new();
            for part in &self.flight {
                let message = match part {
                    Part::Say(say) => say(wire, identity),
                    Part::Plain(_) | Part::Sealed(..) => Vec::new(),
                };
                record.extend(message);
                if matches!(part, Part::Say(_)) && packing == Packing::Together {
                    continue;
                }
                flush(wire, &mut record);
                match part {
                    Part::Say(_) => {}
                    Part::Plain(bytes) => wire.out.extend(*bytes),
                    Part::Sealed(content, kind) => wire.seal(content, *kind),
                }
            }
            flush(wire, &mut record);
        };
        Evil::with_hello(self.hello, flight, self.afterwards)
    }
}

fn flush(wire: &mut Wire, record: &mut Vec<u8>) {
    if !record.is_empty() {
        wire.seal(record, HANDSHAKE);
        record.clear();
    }
}

/// The server's flight, message by message.
const EXTENSIONS: Part = Part::Say(|wire, _| wire.encrypted_extensions());
const CERTIFICATE: Part = Part::Say(|wire, identity| wire.certificate(&identity.chain));
const PROOF: Part = Part::Say(|wire, identity| wire.certificate_verify(0x0403, &identity.key_pair));
const FINISHED: Part = Part::Say(|wire, _| wire.finished());
/// A request for a certificate, with the one extension it needs.
const REQUEST: Part = Part::Say(|wire, _| request(wire, &[], &[(13, &[0, 2, 4, 3])]));
const TICKET: &[u8] = &[4, 0, 0, 14, 0, 0, 0, 9, 1, 2, 3, 4, 0, 0, 1, 7, 0, 0];

fn good_flight() -> Vec<Part> {
    vec![EXTENSIONS, CERTIFICATE, PROOF, FINISHED]
}

/// With something else in the place of EncryptedExtensions.
fn with_extensions(part: Part) -> Vec<Part> {
    vec![part, CERTIFICATE, PROOF, FINISHED]
}

fn with_certificate(part: Part) -> Vec<Part> {
    vec![EXTENSIONS, part, PROOF, FINISHED]
}

fn with_proof(part: Part) -> Vec<Part> {
    vec![EXTENSIONS, CERTIFICATE, part, FINISHED]
}

fn with_request(part: Part) -> Vec<Part> {
    vec![EXTENSIONS, part, CERTIFICATE, PROOF, FINISHED]
}

/// With something before the certificate.
fn with(part: Part) -> Vec<Part> {
    vec![EXTENSIONS, part, CERTIFICATE, PROOF, FINISHED]
}

fn encrypted_extensions(wire: &mut Wire, list: &[(u16, &[u8])]) -> Vec<u8> {
    wire.message(8, &extensions(list))
}

fn request(wire: &mut Wire, context: &[u8], list: &[(u16, &[u8])]) -> Vec<u8> {
    wire.message(13, &[&[u8::try_from(context.len()).unwrap()], context, &extensions(list)].concat())
}

/// A proof by RSA-PSS with SHA-256.
fn pss(wire: &mut Wire, identity: &Identity) -> Vec<u8> {
    let key = rsa::RsaPrivateKey::from_pkcs8_der(&identity.key_pair.serialize_der()).unwrap();
    let key = rsa::pss::SigningKey::<Sha256>::new(key);
    let signature = key.sign_with_rng(&mut random(), &wire.to_be_signed());
    wire.signature(0x0804, &signature.to_vec())
}

/// Servers to play the rows with, the second with an RSA key.
fn identities() -> ([Identity; 2], CertificateDer<'static>) {
    let root = authority();
    let identities = [p256(), rsa2048()].map(|key| issued(&server_params(&[HOST]), key, &root));
    (identities, root.der().clone())
}

/// The outcome of a handshake and of the first read after it, and the alert the client sent in plaintext.
fn play(row: &Row, identity: &Identity, root: &[u8], packing: Packing) -> (Result<Vec<u8>, TlsError>, Option<u8>) {
    let mut server = row.server(identity, packing);
    let mut buffers = Box::new(Buffers::new());
    let mut is_open = false;
    let outcome = block_on(async {
        let mut connection = Connection::new(&mut server, &mut buffers);
        let mut session = connection.open(HOST, &print_of(root), NOW, &mut random(), &|| {}).await?;
        is_open = true;
        let mut buf = [0; 64];
        let count = session.read(&mut buf).await?;
        Ok(buf[..count].to_vec())
    });
    if !is_open {
        assert_eq!(encrypted_records(&server.written), 0, "§{}: {}: something was sent", row.section, row.what);
    }
    let length = usize::from(u16::from_be_bytes([server.written[3], server.written[4]]));
    let alert = match &server.written[5 + length..] {
        [21, 3, 3, 0, 2, 2, alert] => Some(*alert),
        _ => None,
    };
    (outcome, alert)
}

#[test]
fn what_the_standard_wants_refused_is_refused_and_nothing_else() {
    let ([p256, rsa], root) = identities();
    let mut wrong = Vec::new();
    for row in rows::rows() {
        let identity = if row.is_rsa { &rsa } else { &p256 };
        for (packing, expected) in [(Packing::Together, row.together), (Packing::Apart, row.apart)] {
            let found = play(&row, identity, &root, packing);
            let expected = (expected.map(<[u8]>::to_vec), row.alert);
            if found != expected {
                wrong.push(std::format!(
                    "§{} {} ({packing:?}): {found:?} instead of {expected:?}",
                    row.section,
                    row.what
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

/// What `rustls` makes of a row: what it reads first, or why it does not.
fn play_to_rustls(row: &Row, identity: &Identity, config: &Arc<rustls::ClientConfig>) -> Result<Vec<u8>, String> {
    let mut server = row.server(identity, Packing::Together);
    let mut client = ClientConnection::new(config.clone(), HOST.try_into().unwrap()).unwrap();
    loop {
        while client.wants_write() {
            client.write_tls(&mut server.written).unwrap();
        }
        let mut buf = vec![0; 4096];
        let count = server.send(&mut buf);
        if count == 0 {
            return Err("the server fell silent".to_string());
        }
        client.read_tls(&mut &buf[..count]).unwrap();
        let state = client.process_new_packets().map_err(|error| error.to_string())?;
        if state.plaintext_bytes_to_read() > 0 || state.peer_has_closed() {
            let mut read = Vec::new();
            let _ = client.reader().read_to_end(&mut read);
            return Ok(read);
        }
    }
}

/// It is always the same time.
#[derive(Debug)]
struct Always;

impl rustls::time_provider::TimeProvider for Always {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(NOW)))
    }
}

/// A client of `rustls` that offers what `embedded-tls` offers.
fn rustls_client(root: &CertificateDer<'static>) -> Arc<rustls::ClientConfig> {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.kx_groups = vec![rustls::crypto::ring::kx_group::SECP256R1];
    provider.cipher_suites = vec![rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256];
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let config = rustls::ClientConfig::builder_with_details(Arc::new(provider), Arc::new(Always))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

#[test]
fn rustls_agrees() {
    let ([p256, rsa], root) = identities();
    let config = rustls_client(&root);
    let mut wrong = Vec::new();
    for row in rows::rows() {
        let outcome = play_to_rustls(&row, if row.is_rsa { &rsa } else { &p256 }, &config);
        let agrees = outcome.is_ok() == row.together.is_ok();
        if agrees == row.rustls_differs.is_some() {
            wrong.push(std::format!("§{} {}: {outcome:?}", row.section, row.what));
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_row_has_a_section_and_no_twin() {
    let rows = rows::rows();
    for (at, row) in rows.iter().enumerate() {
        assert!(row.section.split('.').all(|number| number.parse::<u8>().is_ok()), "{}", row.section);
        assert!(rows[..at].iter().all(|other| other.what != row.what), "{}", row.what);
    }
}

/// The hello that `embedded-tls` sends.
fn client_hello() -> Vec<u8> {
    let mut server = Evil::new(|_| {}, |_| {});
    let mut buffers = Box::new(Buffers::new());
    let trust = TrustedIssuer::DigiCert;
    let mut connection = Connection::new(&mut server, &mut buffers);
    assert!(block_on(connection.open(HOST, &trust, NOW, &mut random(), &|| {})).is_err());
    server.written[5..].to_vec()
}

#[test]
fn the_hello_offers_what_answers_are_held_against() {
    use super::extensions::{ANSWERS, Block, COOKIE, KEY_SHARE, SIGNATURE_ALGORITHMS, SUPPORTED_GROUPS};
    use super::reader::Reader;

    let message = client_hello();
    let mut hello = Reader::new(&message);
    assert_eq!(hello.u8(), Ok(1));
    let mut hello = hello.vector::<3>().unwrap();
    assert_eq!(hello.u16(), Ok(0x0303));
    hello.take(32).unwrap();
    assert!(hello.vector::<1>().unwrap().is_empty(), "no session identifier");
    assert_eq!(hello.vector::<2>().unwrap().rest(), [0x13, 0x01], "one suite");
    assert_eq!(hello.vector::<1>().unwrap().rest(), [0], "no compression");
    let block = hello.vector::<2>().unwrap();
    hello.end().unwrap();

    let mut rest = block;
    let mut offered = Vec::new();
    while !rest.is_empty() {
        offered.push(rest.u16().unwrap());
        rest.vector::<2>().unwrap();
    }
    offered.sort_unstable();
    let known: Vec<u16> = ANSWERS.iter().map(|(kind, _)| *kind).filter(|kind| *kind != COOKIE).collect();
    assert_eq!(offered, known);

    let block = Block::new(block);
    assert_eq!(block.find(SUPPORTED_GROUPS).unwrap().rest(), [0, 2, 0, 23], "P-256");
    assert_eq!(block.find(KEY_SHARE).unwrap().rest()[..6], [0, 69, 0, 23, 0, 65], "one share, for P-256");
    let schemes = block.find(SIGNATURE_ALGORITHMS).unwrap().numbers().unwrap().rest();
    let schemes = schemes.chunks(2).map(|scheme| u16::from_be_bytes([scheme[0], scheme[1]]));
    // PKCS #1 v1.5 is offered too, and is for certificates.
    let for_proofs: Vec<u16> = schemes.filter(|scheme| scheme & 0xff != 1).collect();
    let mut sorted = for_proofs.clone();
    sorted.sort_unstable();
    let mut expected = flight::PROOF_SCHEMES.to_vec();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
}

/// A way to change a message, at a place.
fn change(message: &mut Vec<u8>, source: &mut impl rand_core::RngCore) {
    let mut below = |limit: usize| usize::try_from(source.next_u32()).unwrap() % limit;
    let at = below(message.len());
    match below(7) {
        0 => message[at] = u8::try_from(below(256)).unwrap(),
        1 => message[at] ^= 1 << below(8),
        2 => drop(message.remove(at)),
        3 => message.insert(at, u8::try_from(below(256)).unwrap()),
        4 => message.truncate(at.max(1)),
        5 => {
            let other = below(message.len());
            message.swap(at, other);
        }
        _ => {
            let end = at + below(message.len() - at + 1).min(40);
            message.extend_from_within(at..end);
        }
    }
}

#[test]
fn no_change_on_the_way_is_accepted() {
    let ([identity, _], root) = identities();
    let trust = print_of(&root);
    let mut source = random();
    let mut changed = 0;
    for turn in 0..1_500 {
        let mut is_changed = false;
        let mut server = Evil::new(
            |wire: &mut Wire| {
                // The server has hashed what it meant to say.
                let mut flight = wire.encrypted_extensions();
                flight.extend(wire.certificate(&identity.chain));
                flight.extend(wire.certificate_verify(0x0403, &identity.key_pair));
                flight.extend(wire.finished());
                let good = (flight.clone(), wire.out.clone());
                for _ in 0..=turn % 3 {
                    // Half of the changes strike the record with the hello, behind its header's version.
                    if turn % 2 == 0 {
                        change(&mut flight, &mut source);
                    } else {
                        let mut hello = wire.out.split_off(5);
                        change(&mut hello, &mut source);
                        let length = u16::try_from(hello.len()).unwrap().to_be_bytes();
                        wire.out[3..].copy_from_slice(&length);
                        wire.out.extend(hello);
                    }
                }
                is_changed = good != (flight.clone(), wire.out.clone());
                wire.seal(&flight, HANDSHAKE);
            },
            |_: &mut Wire| {},
        );
        let mut buffers = Box::new(Buffers::new());
        let mut connection = Connection::new(&mut server, &mut buffers);
        let outcome = block_on(connection.open(HOST, &trust, NOW, &mut random(), &|| {})).map(|_| ());
        let encrypted = encrypted_records(&server.written);
        assert_eq!((outcome.is_ok(), encrypted > 0), (!is_changed, !is_changed), "{turn}: {outcome:?}");
        changed += u32::from(is_changed);
    }
    assert!(changed > 1_300, "{changed}");
}
