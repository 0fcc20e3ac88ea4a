//! The program as a user runs it: started, asked over real sockets on loopback, stopped.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "clippy takes only functions marked as tests for tests, not what they share")]

use std::io::Write;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;

use fake_thingspeak::tls::repeatable_provider;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};
use sha2::{Digest, Sha256};

mod server;

use server::{Server, ask, connect, program};

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

    server.stop();
}

/// What the service says of itself at the start, but for where it listens.
fn told(server: &Server) -> Vec<String> {
    let lines = std::iter::from_fn(|| Some(server.next_line())).take_while(|line| !line.starts_with("stop "));
    lines.filter(|line| !line.contains("http")).collect()
}

#[test]
fn a_file_keeps_everything_from_one_start_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("duck.db");
    let file = path.to_str().unwrap();
    let start = |more: &[&str]| Server::start(&[&["serve", "--listen", "0", "--data", file], more].concat());
    let mut server = start(&["--tls-listen", "0", "--channel", "Pond:temperature,,level", "--channel", "Nest:eggs"]);
    let before = told(&server);
    assert!(before[0].ends_with("(Pond, public; field1 temperature, field3 level)"), "{before:?}");
    assert!(before[3].ends_with("(Nest, public; field1 eggs)"), "{before:?}");
    server.stop();

    let mut server = start(&["--tls-listen", "0"]);
    let (number, write_key) = (server.line("channel"), server.line("write key"));
    let number = number.split(' ').next().unwrap();
    let http = server.line("http ");
    let http = http.strip_prefix("http://").unwrap();
    let get =
        |target: &str| ask(connect(http), &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    assert!(get(&format!("/update?api_key={write_key}&field3=7")).ends_with("\r\n\r\n1"));
    let other = program(&["serve", "--listen", "0", "--data", file]).output().unwrap();
    let expected = format!(
        "could not use {file}: another program has it open; stop that one, or choose another file with --data\n"
    );
    assert_eq!((other.status.code(), String::from_utf8(other.stderr).unwrap()), (Some(2), expected));
    server.stop();

    // A channel that is there already stays as it is, and a new one comes to it.
    let mut server = start(&["--tls-listen", "0", "--channel", "Pond:depth", "--channel", "Sky:light"]);
    let after = told(&server);
    assert_eq!(after[0], before[0].replace(')', "; entry 1)"));
    assert_eq!(after[1..6], before[1..6]);
    assert!(after[6].ends_with("(Sky, public; field1 light)"), "{after:?}");
    assert_eq!(after[9..], before[6..]);
    server.stop();

    let mut server = start(&["--profile", "recorded-2019"]);
    let http = server.line("http ");
    let read = format!("GET /channels/{number}/fields/3/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let reply = ask(connect(http.strip_prefix("http://").unwrap()), &read);
    assert!(reply.contains("Transfer-Encoding: chunked") && reply.ends_with("\r\n1\r\n7\r\n0\r\n\r\n"), "{reply}");
    server.stop();

    let other = program(&["serve", "--listen", "0", "--data", file, "--seed", "7"]).output().unwrap();
    assert!(String::from_utf8(other.stderr).unwrap().contains("its keys come from another seed; leave out --seed"));
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
    let data = failed(&["serve", "--listen", "0", "--data", "/"]);
    assert!(data.starts_with("could not use /: "), "{data}");
    let profile = failed(&["serve", "--listen", "0", "--profile", "2019"]);
    assert!(profile.contains("there are docs, recorded-2019 and open-source-2015"), "{profile}");
    let channel = failed(&["serve", "--listen", "0", "--channel", "Pond"]);
    assert!(channel.contains("like Pond:temperature,level"), "{channel}");
    assert!(failed(&["serve", "--listen", "nowhere"]).contains("expected an address and a port like 127.0.0.1:8080"));
}

#[test]
fn help_shows_examples() {
    let output = program(&["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && help.contains("Examples:") && help.contains("--tls-listen <ADDR>"), "{help}");
}
