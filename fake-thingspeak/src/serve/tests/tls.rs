//! Connections over TLS.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};

use super::*;
use crate::certificates::{Authority, Identity, KeyType, Kind};
use crate::tls::{repeatable_provider, seed_this_thread, server_config};

fn tls(identity: &Identity) -> TlsServer {
    TlsServer::new(server_config(identity, START), identity.key().scheme(), None)
}

/// Handshake and one update over TLS; `trusted` is the seed of the authority that the client trusts.
async fn talk_tls(world: &World, trusted: u8) -> (Ending, Result<String, String>) {
    seed_this_thread([9; 32]);
    let authority = |seed| Authority::from_seed([seed; 32]).unwrap();
    let identity = authority(1).issue(Kind::Good, KeyType::P256, &["api.thingspeak.com"], START).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority(trusted).certificate().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(repeatable_provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (client, io) = duplex(1 << 16);
    let device = async {
        let name = ServerName::try_from("api.thingspeak.com").unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, client).await.map_err(|error| error.to_string())?;
        stream.write_all(world.original_request().as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(reply).unwrap())
    };
    let server = serve(io, Some(tls(&identity)), CLIENT, world);
    tokio::join!(server, device)
}

#[tokio::test(start_paused = true)]
async fn tls_carries_the_exchange_or_says_why_not() {
    let world = World::new(&[]);
    let (ending, reply) = talk_tls(&world, 1).await;
    assert_eq!((ending, parts(&reply.unwrap()).1), (Ending::Closed, "1"));
    assert_eq!(*world.handshakes.borrow(), [Ok(None)]);
    assert!(world.exchanges.borrow()[0].tls);

    let world = World::new(&[]);
    let (ending, reply) = talk_tls(&world, 2).await;
    assert_eq!(ending, Ending::NoHandshake);
    assert!(reply.unwrap_err().contains("invalid peer certificate"));
    let reason = world.handshakes.take().remove(0).unwrap_err();
    assert!(reason.contains("alert"), "{reason}");

    // Torn, the client finds that the end is missing; closed, it finds the end.
    let world = World::new(&[Fault::Reset]);
    let (ending, reply) = talk_tls(&world, 1).await;
    assert_eq!(ending, Ending::Reset);
    assert!(reply.unwrap_err().contains("close_notify"));
    let world = World::new(&[Fault::DropAfterStoring]);
    assert_eq!(talk_tls(&world, 1).await, (Ending::Dropped, Ok(String::new())));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_ends_is_ended() {
    let world = World::new(&[]);
    let identity =
        Authority::from_seed([1; 32]).unwrap().issue(Kind::Good, KeyType::P256, &["localhost"], START).unwrap();
    let (_client, io) = duplex(64);
    let ending = serve(io, Some(tls(&identity)), CLIENT, &world).await;
    assert_eq!((ending, world.begin.elapsed()), (Ending::NoHandshake, Duration::from_secs(30)));
    assert!(world.handshakes.borrow()[0].is_err());
}
