//! How much heap the firmware needs at its peak: while it checks the RSA signatures of a handshake, the only thing it
//! allocates for.
//!
//! A handshake with `rustls` is recorded once and played back under a counting allocator, so that nothing of the server
//! is counted. The rest of the memory is counted by the unit test beside `run`, which takes [`HEAP`] for granted.

use std::io::Write as _;
use std::sync::Arc;

use embassy_futures::block_on;
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use firmware::settings::TrustedIssuer;
use firmware::tls::{self, TlsError};
use peak_alloc::PeakAlloc;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_RSA_SHA256};
use rsa::pkcs8::EncodePrivateKey;
use rustls::ServerConnection;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

#[global_allocator]
static HEAP_IN_USE: PeakAlloc = PeakAlloc;

/// The heap that the unit test beside `run` counts on, in bytes.
const HEAP: usize = 12 * 1_024;

const HOST: &str = "api.thingspeak.com";
/// 2026-01-01T00:00:00Z
const NOW: u64 = 1_767_225_600;

/// A server that keeps to the rules, as the transport to it; what it writes is recorded.
struct Server {
    connection: ServerConnection,
    recording: Vec<u8>,
    read: usize,
}

impl ErrorType for Server {
    type Error = ErrorKind;
}

impl Read for Server {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.recording).expect("to memory");
        }
        let count = buffer.len().min(self.recording.len() - self.read);
        buffer[..count].copy_from_slice(&self.recording[self.read..][..count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for Server {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let was_shaking_hands = self.connection.is_handshaking();
        self.connection.read_tls(&mut &*bytes).expect("from memory");
        self.connection.process_new_packets().expect("the client keeps to the rules");
        if was_shaking_hands && !self.connection.is_handshaking() {
            self.connection.writer().write_all(b"hello").expect("to memory");
        }
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// Plays back what a server once wrote.
struct Recording<'a>(&'a [u8]);

impl ErrorType for Recording<'_> {
    type Error = ErrorKind;
}

impl Read for Recording<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let (now, later) = self.0.split_at(buffer.len().min(self.0.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.0 = later;
        Ok(now.len())
    }
}

impl Write for Recording<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// Opens a connection and reads the server's greeting.
fn greet(server: impl Read + Write, trust: &TrustedIssuer, buffers: &mut tls::Buffers) -> Result<(), TlsError> {
    let mut random = ChaCha20Rng::seed_from_u64(1);
    block_on(async {
        let mut connection = tls::Connection::new(server, buffers);
        let mut session = connection.open(HOST, trust, NOW, &mut random, &|| {}).await?;
        let mut greeting = [0; 5];
        session.read(&mut greeting).await?;
        assert_eq!(&greeting, b"hello");
        Ok(())
    })
}

/// An RSA key of 2048 bits, always the same.
fn rsa_key(seed: u64) -> KeyPair {
    let key = rsa::RsaPrivateKey::new(&mut ChaCha20Rng::seed_from_u64(seed), 2_048).expect("made");
    let der = key.to_pkcs8_der().expect("encoded");
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(der.as_bytes()), &PKCS_RSA_SHA256).expect("a key")
}

/// An RSA leaf from an RSA authority: a server for it, and the trust that accepts it.
fn rsa_server() -> (Server, TrustedIssuer) {
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name.push(DnType::CommonName, "root");
    let root = CertifiedIssuer::self_signed(root, rsa_key(1)).expect("signed");
    let leaf_key = rsa_key(2);
    let leaf = CertificateParams::new([HOST.to_owned()]).expect("a name").signed_by(&leaf_key, &root).expect("signed");
    let trust = TrustedIssuer::Fingerprint(Sha256::digest(root.der()).into());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone(), root.der().clone()], key)
        .expect("a certificate and its key");
    let connection = ServerConnection::new(Arc::new(config)).expect("a connection");
    (Server { connection, recording: Vec::new(), read: 0 }, trust)
}

#[test]
fn the_heap_stays_within_its_part_of_the_budget_and_is_given_back() {
    let (mut server, trust) = rsa_server();
    let mut buffers = Box::new(tls::Buffers::new());
    greet(&mut server, &trust, &mut buffers).expect("a good server");

    let before = HEAP_IN_USE.current_usage();
    HEAP_IN_USE.reset_peak_usage();
    greet(Recording(&server.recording), &trust, &mut buffers).expect("the same handshake");
    let peak = HEAP_IN_USE.peak_usage() - before;
    let kept = HEAP_IN_USE.current_usage().saturating_sub(before);

    println!("heap: {peak} bytes at the peak, {kept} kept");
    assert!(peak > 0, "the RSA signatures were checked");
    assert!(peak <= HEAP, "{peak} bytes");
    assert_eq!(kept, 0);
}
