//! What goes wrong with connections to the listeners that are MQTT's alone.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::client::mqtt::{CONNECTED, Device, connect as mqtt_connect};
use crate::client::tls::trusting;
use crate::client::{connect, fault};
use crate::server::Server;

/// A server with both of them.
struct World {
    server: Server,
    http: String,
    device: Device,
    plain: String,
    tls: String,
}

impl World {
    fn start() -> Self {
        let server = Server::start(&["serve", "--listen", "0", "--mqtt-listen", "0", "--mqtt-tls-listen", "0"]);
        let device = Device::told(&server);
        let http = server.place("http ", "http");
        let [plain, tls] = ["mqtt", "mqtts"].map(|scheme| server.place("mqtt ", scheme));
        server.line("stop ");
        Self { server, http, device, plain, tls }
    }

    /// What comes back from a listener that is greeted.
    fn greeted(&self, address: &str) -> Result<[u8; 4], ErrorKind> {
        let mut stream = connect(address);
        self.greet(&mut stream)
    }

    fn greet(&self, stream: &mut TcpStream) -> Result<[u8; 4], ErrorKind> {
        let mut answer = [0; 4];
        // The reset may come before the client has written.
        stream.write_all(&mqtt_connect(&self.device)).map_err(|error| error.kind())?;
        stream.read_exact(&mut answer).map(|()| answer).map_err(|error| error.kind())
    }

    fn works(&self) {
        assert_eq!(self.greeted(&self.plain), Ok(CONNECTED));
        assert_eq!(self.server.told(), format!("MQTT {} connected", self.device.client_id));
    }
}

#[test]
fn connections_are_reset() {
    let world = World::start();
    fault(&world.http, &["set", "reset-connection", "--count", "2"]);
    assert_eq!(world.server.told(), "POST /_preflash/faults: 200");
    for address in [&world.plain, &world.tls] {
        let reset = world.greeted(address).unwrap_err();
        assert!(matches!(reset, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{reset}");
        assert_eq!(world.server.told(), "connection: fault 1, reset-connection");
    }
    world.works();
}

#[test]
fn connections_are_never_answered() {
    let world = World::start();
    fault(&world.http, &["set", "silent-connection", "--count", "2"]);
    assert_eq!(world.server.told(), "POST /_preflash/faults: 200");
    for address in [&world.plain, &world.tls] {
        let mut stream = connect(address);
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let nothing = world.greet(&mut stream).unwrap_err();
        assert!(matches!(nothing, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{nothing}");
        assert_eq!(world.server.told(), "connection: fault 1, silent-connection");
    }
    world.works();
}

#[test]
fn connections_are_refused_and_then_taken_at_the_same_ports() {
    let world = World::start();
    // One that there is already stays.
    let mut there = connect(&world.plain);
    assert_eq!(world.greet(&mut there), Ok(CONNECTED));
    fault(&world.http, &["set", "refused-connection", "--seconds", "2"]);
    let all_say = |what: &str| {
        let mut missing =
            Vec::from([&world.http, &world.plain, &world.tls].map(|address| format!("{address}: {what}")));
        while !missing.is_empty() {
            let line = world.server.next_line();
            missing.retain(|expected| !line.contains(expected.as_str()));
        }
    };
    all_say("refuses connections (fault 1, refused-connection)");
    for address in [&world.plain, &world.tls] {
        let error = TcpStream::connect(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    all_say("takes connections again");
    world.works();
}

#[test]
fn a_port_that_another_program_took_meanwhile_is_waited_for() {
    let world = World::start();
    fault(&world.http, &["set", "refused-connection", "--seconds", "1"]);
    let next = || loop {
        let line = world.server.next_line();
        if let Some((_, what)) = line.split_once(&format!(" {}: ", world.plain)) {
            break what.to_owned();
        }
    };
    assert_eq!(next(), "refuses connections (fault 1, refused-connection)");
    let thief = TcpListener::bind(&world.plain).unwrap();
    // Longer than some attempts take, of which one is told.
    assert_eq!(next(), "cannot be listened on again yet: the port is taken by another program");
    std::thread::sleep(Duration::from_millis(500));
    drop(thief);
    assert_eq!(next(), "takes connections again");
    world.works();
}

#[test]
fn the_certificate_is_for_each_address_of_this_machine_without_https_too() {
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("authority.pem");
    let arguments = ["serve", "--listen", "0", "--mqtt-tls-listen", "0.0.0.0:0", "--authority-out"];
    let server = Server::start(&[&arguments[..], &[pem.to_str().unwrap()]].concat());
    let place = server.place("mqtt ", "mqtts");
    server.line("stop ");
    let config = trusting(&CertificateDer::from_pem_file(&pem).unwrap());
    let addresses = if_addrs::get_if_addrs().unwrap().into_iter().map(|interface| interface.ip());
    for address in addresses.filter(std::net::IpAddr::is_ipv4) {
        let mut session = ClientConnection::new(Arc::clone(&config), address.into()).unwrap();
        let shaken = session.complete_io(&mut connect(&place));
        assert!(shaken.is_ok() && !session.is_handshaking(), "{address}: {shaken:?}");
    }
}
