//! TLS to the cloud and to whoever takes its place, with rustls as the client.

use std::io::{Read, Write};
use std::sync::Arc;

use fake_thingspeak::certificates::Kind;
use fake_thingspeak::legacy_tls::Policy;
use fake_thingspeak::tls::{repeatable_provider, seed_this_thread};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use smoltcp::socket::tcp;

use super::super::fault::Attack;
use super::*;

#[derive(Debug)]
struct Fixed;

impl TimeProvider for Fixed {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = bench::START.unix_timestamp().cast_unsigned();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

fn client(authority: &Authority) -> ClientConnection {
    seed_this_thread([9; 32]);
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone()).unwrap();
    let config = ClientConfig::builder_with_details(repeatable_provider(), Arc::new(Fixed))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), ServerName::try_from(HOST).unwrap()).unwrap()
}

/// Does an upload over TLS; the reply, or what rustls had against the server.
fn upload(bench: &mut Bench) -> Result<String, rustls::Error> {
    let mut tls = client(bench.internet.authority());
    let request = update(bench, "field1=21.5");
    tls.writer().write_all(&request).unwrap();
    let port = 42_000 + u16::try_from(bench.now.as_millis() % 5_000).unwrap();
    let handle = bench.clients[0].connect(CLOUD_ADDRESS, 443, port);
    let mut reply = Vec::new();
    let result = bench.until(30 * SECOND, |bench| {
        let socket = bench.clients[0].tcp(handle);
        let mut inbound = Vec::new();
        let mut touched = false;
        while socket.can_recv() {
            socket.recv(|bytes| (bytes.len(), inbound.extend_from_slice(bytes))).unwrap();
            touched = true;
        }
        let mut inbound = &inbound[..];
        let mut failure = None;
        while !inbound.is_empty() && failure.is_none() {
            tls.read_tls(&mut inbound).unwrap();
            failure = tls.process_new_packets().err();
            let mut part = [0; 4_096];
            while let Ok(count @ 1..) = tls.reader().read(&mut part) {
                reply.extend_from_slice(&part[..count]);
            }
        }
        let mut outbound = Vec::new();
        while tls.wants_write() && socket.can_send() {
            tls.write_tls(&mut outbound).unwrap();
        }
        if !outbound.is_empty() {
            assert_eq!(socket.send_slice(&outbound), Ok(outbound.len()));
            touched = true;
        }
        if failure.is_some() {
            socket.close();
            touched = true;
        }
        let over = !socket.may_recv() && socket.state() != tcp::State::SynSent;
        if touched {
            bench.clients[0].touch();
        }
        match failure {
            Some(error) => Some(Err(error)),
            None => over.then_some(Ok(())),
        }
    });
    bench.wait(SECOND);
    result.expect("the connection ends").map(|()| String::from_utf8(reply).unwrap())
}

fn tls_outcomes(bench: &Bench) -> Vec<(&str, &str)> {
    let mut outcomes = Vec::new();
    for kind in &bench.seen {
        if let EventKind::Tls(events::Tls { server, outcome, .. }) = kind {
            outcomes.push((&server[..], &outcome[..]));
        }
    }
    outcomes
}

fn requests_to(bench: &Bench, name: &str) -> Vec<String> {
    let body = |kind: &EventKind| match kind {
        EventKind::Http(http) if http.server == name => Some(http.request_body.clone()),
        _ => None,
    };
    bench.seen.iter().filter_map(body).collect()
}

fn attack(attack: Attack) -> (Bench, Result<String, rustls::Error>) {
    let mut bench = Bench::new(1);
    bench.lease();
    bench.internet.set_active("mallory", Fault::ManInTheMiddle(attack), None);
    let result = upload(&mut bench);
    assert_eq!(bench.actions(), ["took a connection to the cloud"]);
    assert_eq!(requests_to(&bench, CLOUD), [""; 0]);
    (bench, result)
}

#[test]
fn an_upload_over_tls_is_stored() {
    let mut bench = Bench::new(1);
    bench.lease();
    let reply = upload(&mut bench).unwrap();
    assert!(reply.ends_with("\r\n\r\n1"), "{reply}");
    assert_eq!(tls_outcomes(&bench), [(CLOUD, "established")]);
    assert_eq!(requests_to(&bench, CLOUD), ["field1=21.5"]);
    assert_eq!(stored(&bench), 1);
}

#[test]
fn the_same_seed_gives_the_same_handshake() {
    let run = || {
        let mut bench = Bench::new(1);
        bench.lease();
        upload(&mut bench).unwrap();
        bench.internet.set_active("mallory", Fault::ManInTheMiddle(Attack::SplitMessage), None);
        upload(&mut bench).unwrap();
        bench.frames
    };
    assert_eq!(run(), run());
}

#[test]
fn an_old_device_is_answered_where_the_cloud_is_told_to() {
    // A ClientHello of TLS 1.0 with TLS_RSA_WITH_AES_128_CBC_SHA and nothing else.
    let hello = [&[22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1][..], &[7; 32], &[0, 0, 2, 0, 0x2F, 1, 0]].concat();
    for (policy, answer) in [(Policy::Off, [21, 3, 3]), (Policy::Auto, [22, 3, 1]), (Policy::Only, [22, 3, 1])] {
        let run = || {
            let mut bench = Bench::with_legacy_tls(1, policy);
            bench.lease();
            let handle = bench.clients[0].connect(CLOUD_ADDRESS, 443, 42_000);
            let mut heard = Vec::new();
            bench.until(5 * SECOND, |bench| {
                let socket = bench.clients[0].tcp(handle);
                if socket.can_send() && socket.send_queue() == 0 && heard.is_empty() {
                    socket.send_slice(&hello).unwrap();
                    heard.push(0);
                    bench.clients[0].touch();
                } else if socket.can_recv() {
                    socket.recv(|bytes| (bytes.len(), heard.extend_from_slice(bytes))).unwrap();
                    bench.clients[0].touch();
                }
                None::<()>
            });
            (heard, bench.frames)
        };
        let (heard, frames) = run();
        assert_eq!(heard[1..4], answer, "{policy:?}");
        assert!(policy == Policy::Off || heard.len() > 900, "a certificate comes, too");
        assert_eq!(run().1, frames, "{policy:?}");
    }
}

#[test]
fn a_bad_certificate_of_the_clouds_own_is_refused() {
    for kind in [Kind::Expired, Kind::NotYetValid, Kind::WrongHost, Kind::UnknownIssuer, Kind::SelfSigned] {
        let mut bench = Bench::with_certificate(1, kind);
        bench.lease();
        assert!(matches!(upload(&mut bench), Err(rustls::Error::InvalidCertificate(_))), "{kind:?}");
        assert!(tls_outcomes(&bench)[0].1.contains("alert"), "{:?}", tls_outcomes(&bench));
    }
}

#[test]
fn certificates_that_must_not_be_believed_are_shown() {
    for kind in [Attack::ForgedCertificate, Attack::LeafSignedLeaf] {
        let (bench, result) = attack(kind);
        assert!(matches!(result, Err(rustls::Error::InvalidCertificate(_))), "{kind:?}: {result:?}");
        assert_eq!(tls_outcomes(&bench)[0].0, MAN_IN_THE_MIDDLE);
        assert_eq!(requests_to(&bench, MAN_IN_THE_MIDDLE), [""; 0]);
    }
}

#[test]
fn handshakes_that_lack_something_are_refused() {
    for kind in [Attack::NoCertificate, Attack::NoCertificateVerify, Attack::EmptyRecord] {
        let (bench, result) = attack(kind);
        let error = result.unwrap_err();
        assert!(!matches!(error, rustls::Error::InvalidCertificate(_)), "{kind:?}: {error}");
        let [(server, outcome)] = tls_outcomes(&bench)[..] else { panic!("{kind:?}") };
        assert_eq!(server, MAN_IN_THE_MIDDLE);
        assert!(outcome.starts_with("the client "), "{kind:?}: {outcome}");
        assert_eq!(requests_to(&bench, MAN_IN_THE_MIDDLE), [""; 0]);
    }
}

#[test]
fn unusual_but_correct_handshakes_are_accepted_by_a_full_client() {
    for kind in [Attack::SplitMessage, Attack::OversizedRecord] {
        let (bench, result) = attack(kind);
        assert!(result.unwrap().ends_with("\r\n\r\n1"), "{kind:?}");
        assert_eq!(tls_outcomes(&bench), [(MAN_IN_THE_MIDDLE, "established")]);
        assert_eq!(requests_to(&bench, MAN_IN_THE_MIDDLE), ["field1=21.5"], "what he reads is recorded");
    }
}
