//! Clients that meet an attacker in the cloud's place, over real sockets. A careful client refuses, and the log says
//! so; a careless one gives something away, and the log says what.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use crate::client::tls::{Look, secured, secured_with, trusting};
use crate::client::{connect, fault};
use crate::server::Server;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::TLS12;
use rustls::{ClientConnection, StreamOwned};

const REQUEST: &str = "GET /channels/public.json?api_key=SECRET HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// A server with a key for HTTP, HTTPS and MQTT over TLS.
struct World {
    server: Server,
    http: String,
    https: String,
    mqtts: String,
    authority: CertificateDer<'static>,
}

impl World {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pem = folder.path().join("authority.pem");
        let arguments = ["serve", "--listen", "0", "--tls-listen", "0", "--mqtt-tls-listen", "0", "--authority-out"];
        let server = Server::start(&[&arguments[..], &[pem.to_str().unwrap()]].concat());
        let (http, https) = (server.place("http ", "http"), server.place("https ", "https"));
        let mqtts = server.place("mqtt ", "mqtts");
        server.line("stop ");
        let authority = CertificateDer::from_pem_file(&pem).unwrap();
        Self { server, http, https, mqtts, authority }
    }

    /// Lets the man in the middle have the next connection.
    fn attack(&self, attack: &str) {
        let told = fault(&self.http, &["set", "man-in-the-middle", "--attack", attack, "--count", "1"]);
        assert!(told.ends_with(&format!(" man-in-the-middle {attack}, once more\n")), "{told}");
        assert_eq!(self.server.told(), "POST /_preflash/faults: 200");
    }

    /// What the log says of the connection after an attack.
    fn outcome(&self, attack: &str) -> String {
        let rule = self.server.told();
        assert!(rule.starts_with("connection: fault "), "{rule}");
        assert!(rule.ends_with(&format!(", man-in-the-middle {attack}")), "{rule}");
        self.server.told().strip_prefix("man in the middle: ").unwrap().to_owned()
    }

    /// The reply that a client gets that trusts only the authority's certificates.
    fn careful(&self) -> io::Result<String> {
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(trusting(&self.authority), name).unwrap();
        request(StreamOwned::new(session, connect(&self.https)))
    }
}

fn request(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(REQUEST.as_bytes())?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}

#[test]
fn who_is_careful_refuses_what_is_wrong_and_takes_what_is_only_rare() {
    let mut world = World::start();
    for attack in ["forged-certificate", "leaf-signed-leaf", "no-certificate", "no-certificate-verify", "empty-record"]
    {
        world.attack(attack);
        let error = world.careful().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{attack}: {error}");
        let outcome = world.outcome(attack);
        // rustls finds no word for a record that is not even wrong.
        let reason = if attack == "empty-record" { "the client went away: " } else { "alert" };
        assert!(outcome.starts_with("not believed: ") && outcome.contains(reason), "{attack}: {outcome}");
    }
    for attack in ["split-message", "oversized-record"] {
        world.attack(attack);
        let reply = world.careful().unwrap();
        assert!(reply.ends_with("\r\n\r\n1"), "{attack}: {reply}");
        assert_eq!(world.outcome(attack), "believed, and given GET /channels/public.json?api_key=SECRET");
    }
    // He has gone, and the cloud answers.
    assert!(world.careful().unwrap().contains("\"total_entries\":1"));
    assert_eq!(world.server.told(), "GET /channels/public.json?api_key=SECRET: 200");
    world.server.stop();
}

#[test]
fn a_careless_client_gives_something_away() {
    let world = World::start();
    let careless = || Look { last: false, seen: Arc::new(Mutex::new(Vec::new())) };
    for attack in ["forged-certificate", "leaf-signed-leaf"] {
        world.attack(attack);
        let reply = request(secured(&world.https, careless())).unwrap();
        assert!(reply.ends_with("\r\n\r\n1"), "nothing reaches the cloud: {reply}");
        assert_eq!(world.outcome(attack), "believed, and given GET /channels/public.json?api_key=SECRET");
    }
    // A device that speaks MQTT, and one that says nothing.
    world.attack("split-message");
    let mut stream = secured(&world.mqtts, careless());
    stream.write_all(b"\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0").unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    assert_eq!(reply, b"");
    assert_eq!(world.outcome("split-message"), "believed, and given 14 bytes that are no HTTP");
    world.attack("oversized-record");
    let mut stream = secured(&world.https, careless());
    stream.conn.complete_io(&mut stream.sock).unwrap();
    drop(stream);
    assert_eq!(world.outcome("oversized-record"), "believed, and given nothing");

    // One of old is not even asked to believe.
    world.attack("no-certificate");
    let error = request(secured_with(&world.https, careless(), &[&TLS12])).unwrap_err();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
    let outcome = world.outcome("no-certificate");
    assert_eq!(outcome, "not believed: the client's hello cannot be used: it does not offer TLS 1.3");
}
