//! Handshakes in memory: repeatable ones repeat themselves, and both kinds of server can be spoken to by others.

use std::io::{Read, Write};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
use time::macros::datetime;

use super::*;
use crate::certificates::{Authority, KeyType, Kind};

const NOW: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);

fn authority() -> Authority {
    Authority::from_seed([1; 32]).unwrap()
}

fn identity(key_type: KeyType) -> Identity {
    authority().issue(Kind::Good, key_type, &["api.thingspeak.com"], NOW).unwrap()
}

fn client(provider: Arc<CryptoProvider>) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(authority().certificate().clone()).unwrap();
    let now = std::time::Duration::from_secs(NOW.unix_timestamp() as u64);
    let config = ClientConfig::builder_with_details(provider, Arc::new(Stopped(UnixTime::since_unix_epoch(now))))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), ServerName::try_from("api.thingspeak.com").unwrap()).unwrap()
}

/// A handshake, a ping and a pong; all bytes that the server sent.
fn conversation(mut client: ClientConnection, config: Arc<ServerConfig>) -> Result<Vec<u8>, rustls::Error> {
    let mut server = ServerConnection::new(config).unwrap();
    let mut sent = Vec::new();
    client.writer().write_all(b"ping").unwrap();
    let mut ping = Vec::new();
    for _ in 0..10 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let mut buffer = [0; 16];
        if let Ok(count) = server.reader().read(&mut buffer) {
            ping.extend_from_slice(&buffer[..count]);
            server.writer().write_all(b"pong").unwrap();
        }
        let before = sent.len();
        while server.wants_write() {
            server.write_tls(&mut sent).unwrap();
        }
        let mut rest = &sent[before..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    let mut pong = [0; 4];
    client.reader().read_exact(&mut pong).unwrap();
    assert_eq!((&ping[..], &pong), (&b"ping"[..], b"pong"));
    Ok(sent)
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for key_type in [KeyType::P256, KeyType::Rsa2048] {
        let run = |seed: u8| {
            seed_this_thread([seed; 32]);
            let config = server_config(&identity(key_type), NOW);
            let first = conversation(client(repeatable_provider()), Arc::clone(&config)).unwrap();
            let second = conversation(client(repeatable_provider()), config).unwrap();
            (first, second)
        };
        assert_eq!(run(1), run(1), "{key_type:?}");
        assert_ne!(run(1), run(2), "{key_type:?}");
        let (first, second) = run(1);
        assert_ne!(first, second, "{key_type:?}: two handshakes of one run");
    }
}

#[test]
fn other_clients_can_talk_to_both_servers() {
    seed_this_thread([1; 32]);
    for key_type in [KeyType::P256, KeyType::Rsa2048] {
        for config in [server_config(&identity(key_type), NOW), system_server_config(&identity(key_type))] {
            conversation(client(Arc::new(ring::default_provider())), config).unwrap();
        }
    }
}

#[test]
fn a_thread_without_a_seed_gets_no_handshake() {
    let outcome = std::thread::spawn(|| {
        let client = client(Arc::new(ring::default_provider()));
        conversation(client, server_config(&identity(KeyType::P256), NOW)).map(drop)
    });
    assert_eq!(outcome.join().unwrap(), Err(rustls::Error::FailedToGetRandomBytes));
}
