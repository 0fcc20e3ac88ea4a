//! Handshakes in memory: with `rustls` as a server that keeps to the rules, and with [`evil`] as one that does not.

mod certificates;
mod conformance;
mod evil;
mod misbehaviour;
mod records;
mod trust;

use std::boxed::Box;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::vec::Vec;

use embassy_futures::block_on;
use embedded_io_async::{ErrorKind, ErrorType};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rustls::ServerConnection;

use self::certificates::{HOST, Identity, NOW};
use super::*;

/// A server in memory, as the transport to it. It answers a request with the same reply each time, and closes.
struct Server {
    connection: ServerConnection,
    reply: Vec<u8>,
    /// Whether the server says goodbye before it ends the transport.
    close_notify: bool,
    /// What the server was asked, decrypted.
    requested: Vec<u8>,
    /// What the client has written.
    written: Vec<u8>,
    /// What the server has written, and how much of it the client has read.
    sent: Vec<u8>,
    read: usize,
    /// How many bytes one read or write moves at most.
    step: usize,
}

const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n7";

impl Server {
    fn new(identity: &Identity) -> Self {
        Self::with_config(Self::config(identity))
    }

    fn config(identity: &Identity) -> rustls::ServerConfig {
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain.clone(), identity.key())
            .unwrap()
    }

    fn with_config(config: rustls::ServerConfig) -> Self {
        Self {
            connection: ServerConnection::new(Arc::new(config)).unwrap(),
            reply: REPLY.to_vec(),
            close_notify: true,
            requested: Vec::new(),
            written: Vec::new(),
            sent: Vec::new(),
            read: 0,
            step: usize::MAX,
        }
    }
}

impl ErrorType for Server {
    type Error = ErrorKind;
}

impl Read for Server {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.sent).unwrap();
        }
        let count = buf.len().min(self.step).min(self.sent.len() - self.read);
        buf[..count].copy_from_slice(&self.sent[self.read..][..count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for Server {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        let count = buf.len().min(self.step);
        self.written.extend_from_slice(&buf[..count]);
        self.connection.read_tls(&mut &buf[..count]).unwrap();
        // A server that objects has written an alert, which the client will read.
        if self.connection.process_new_packets().is_ok() {
            let _ = self.connection.reader().read_to_end(&mut self.requested);
            if self.requested.ends_with(b"end") {
                self.requested.push(b'.');
                self.connection.writer().write_all(&self.reply).unwrap();
                if self.close_notify {
                    self.connection.send_close_notify();
                }
            }
        }
        Ok(count)
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// How many encrypted records a client has written.
fn encrypted_records(mut written: &[u8]) -> usize {
    let mut count = 0;
    while let [kind, _, _, high, low, rest @ ..] = written {
        count += usize::from(*kind == 23);
        written = &rest[usize::from(u16::from_be_bytes([*high, *low]))..];
    }
    count
}

fn random() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// Opens a connection to `server` as [`HOST`] at [`NOW`] and closes it again.
fn shake_hands(server: &mut Server, trust: &TrustedIssuer) -> Result<(), TlsError> {
    shake_hands_as(server, HOST, trust, NOW)
}

fn shake_hands_as(server: &mut Server, host: &str, trust: &TrustedIssuer, at: u64) -> Result<(), TlsError> {
    let mut buffers = Box::new(Buffers::new());
    let outcome = block_on(async {
        let mut connection = Connection::new(&mut *server, &mut buffers);
        let mut session = connection.open(host, trust, at, &mut random(), &|| {}).await?;
        session.close().await
    });
    if outcome.is_err() {
        assert_eq!(encrypted_records(&server.written), 0, "something was sent to a server that is not trusted");
    }
    outcome
}
