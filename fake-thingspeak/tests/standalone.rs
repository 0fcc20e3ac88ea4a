//! The program as a user runs it: started, asked over real sockets on loopback, stopped.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "clippy takes only functions marked as tests for tests, not what they share")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use fake_thingspeak::tls::repeatable_provider;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};
use sha2::{Digest, Sha256};

const PATIENCE: Duration = Duration::from_secs(20);

/// A running server, killed at the latest when the test ends.
struct Server {
    child: Child,
    lines: Receiver<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-thingspeak"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    fn next_line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the server has nothing more to say")
    }

    /// The rest of the next line that begins with `name`.
    fn line(&self, name: &str) -> String {
        loop {
            if let Some(rest) = self.next_line().strip_prefix(name) {
                return rest.trim().to_owned();
            }
        }
    }
}

fn ask(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn it_serves_a_channel_until_it_is_stopped() {
    let mut server = Server::start(&["serve", "--listen", "0", "--tls-listen", "127.0.0.1:0", "--seed", "7"]);
    let channel = server.line("channel");
    let channel = channel.split(' ').next().unwrap();
    let (write_key, http) = (server.line("write key"), server.line("http "));
    let (https, fingerprint) = (server.line("https"), server.line("trust"));
    assert!(server.line("try").contains(&write_key));
    let http = http.strip_prefix("http://").unwrap();
    let https = https.strip_prefix("https://").unwrap().split(' ').next().unwrap();

    let update = format!(
        "\nPOST /update HTTP/1.1\nHost: x\nConnection: close\nX-THINGSPEAKAPIKEY: {write_key}\nContent-Length: 11\n\nfield1=21.5\n"
    );
    let reply = ask(connect(http), &update);
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("\r\n\r\n1"), "{reply}");
    server.line("stop ");
    let told = server.next_line();
    assert!(told.ends_with(" 127.0.0.1 POST /update: 200, stored 1"), "{told}");

    // The entry is there over TLS, and the authority's certificate is the one that the server told of.
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Look(Arc::clone(&seen))))
        .with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let read = format!("GET /channels/{channel}/fields/1/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let reply = ask(StreamOwned::new(session, connect(https)), &read);
    assert!(reply.ends_with("\r\n\r\n21.5"), "{reply}");
    let root: String = seen.lock().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(root, fingerprint);

    let interrupted = Command::new("kill").args(["-INT", &server.child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(server.line("stopped"), "");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_authoritys_certificate_can_be_had() {
    let path = std::env::temp_dir().join(format!("fake-thingspeak-authority-{}.pem", std::process::id()));
    let file = path.to_str().unwrap();
    let server = Server::start(&["serve", "--listen", "0", "--tls-listen", "0", "--authority-out", file]);
    let fingerprint = server.line("trust");
    let curl = loop {
        let line = server.next_line();
        if line.contains("--cacert") {
            break line;
        }
    };
    assert!(curl.contains(&format!("curl --cacert '{file}' 'https://127.0.0.1:")), "{curl}");
    let certificate = CertificateDer::from_pem_file(&path).unwrap();
    let digest: String = Sha256::digest(&certificate).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, fingerprint);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_failed_handshake_is_told_with_its_time_and_the_client() {
    let server = Server::start(&["serve", "--listen", "0", "--tls-listen", "0", "--seed", "7"]);
    let https = server.line("https");
    let https = https.strip_prefix("https://").unwrap().split(' ').next().unwrap();
    server.line("stop ");
    connect(https).write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let told = server.next_line();
    let (time, told) = told.split_once(' ').unwrap();
    assert!(time.len() == 8 && time.matches(':').count() == 2, "{time}");
    assert!(told.starts_with("127.0.0.1 TLS handshake failed: "), "{told}");
}

/// Trusts everyone, and notes the SHA-256 of the last certificate sent.
#[derive(Debug)]
struct Look(Arc<std::sync::Mutex<Vec<u8>>>);

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap() = Sha256::digest(rest.last().unwrap()).to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        repeatable_provider().signature_verification_algorithms.supported_schemes()
    }
}

#[test]
fn a_seed_makes_the_same_server_again_and_none_another() {
    let told = |arguments: &[&str]| {
        let server = Server::start(&[&["serve", "--listen", "0", "--tls-listen", "0"], arguments].concat());
        ["channel", "write key", "read key", "trust"].map(|name| server.line(name))
    };
    assert_eq!(told(&["--seed", "7"]), told(&["--seed", "7"]));
    assert_ne!(told(&["--seed", "7"]), told(&["--seed", "8"]));
    assert_ne!(told(&[]), told(&[]));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let failed = |arguments: &[&str]| {
        let output = program(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let expected = format!(
        "could not listen on {address}: the port is taken by another program; choose another address with --listen\n"
    );
    assert_eq!(failed(&["serve", "--listen", &address]), expected);
    let expected = expected.replace("--listen", "--tls-listen");
    assert_eq!(failed(&["serve", "--listen", "0", "--tls-listen", &address]), expected);
    let host = failed(&["serve", "--listen", "0", "--host", "a b"]);
    assert_eq!(host, "could not make a certificate: `a b` is neither a host name nor an address; see --host\n");
    let file = failed(&["serve", "--listen", "0", "--tls-listen", "0", "--authority-out", "/"]);
    assert!(file.starts_with("could not write /: ") && file.ends_with("; choose another file with --authority-out\n"));
    assert!(failed(&["serve", "--listen", "nowhere"]).contains("expected an address and a port like 127.0.0.1:8080"));
}

#[test]
fn help_shows_examples() {
    let output = program(&["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && help.contains("Examples:") && help.contains("--tls-listen <ADDR>"), "{help}");
}
