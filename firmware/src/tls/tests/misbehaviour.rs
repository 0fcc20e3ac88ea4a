//! Servers that break the handshake, or what follows it, on purpose.

use std::vec;

use super::certificates::*;
use super::evil::*;
use super::*;

const ECDSA_P256_SHA256: u16 = 0x0403;
const RSA_PSS_SHA256: u16 = 0x0804;

type Script = fn(&mut Wire);
/// What one read gives.
type FirstRead = Result<&'static [u8], TlsError>;

/// The outcome of a handshake, and how many encrypted records the client sent.
fn shake(trust: &TrustedIssuer, flight: impl FnMut(&mut Wire)) -> (Result<(), TlsError>, usize) {
    let mut server = Evil::new(flight, |_| {});
    let mut buffers = Box::new(Buffers::new());
    let mut connection = Connection::new(&mut server, &mut buffers);
    let outcome = block_on(connection.open(HOST, trust, NOW, &mut random(), &|| {})).map(|_| ());
    (outcome, encrypted_records(&server.written))
}

fn refused(error: TlsError) -> (Result<(), TlsError>, usize) {
    (Err(error), 0)
}

/// All that a good server says after its hello.
fn good_flight(wire: &mut Wire, identity: &Identity) -> Vec<u8> {
    let mut flight = wire.encrypted_extensions();
    flight.extend(wire.certificate(&identity.chain));
    flight.extend(wire.certificate_verify(ECDSA_P256_SHA256, &identity.key_pair));
    flight.extend(wire.finished());
    flight
}

#[test]
fn it_can_behave() {
    let (identity, trust) = good();
    let together = |wire: &mut Wire| {
        let flight = good_flight(wire, &identity);
        wire.seal(&flight, HANDSHAKE);
    };
    assert_eq!(shake(&trust, together), (Ok(()), 1));

    let apart = |wire: &mut Wire| {
        let extensions = wire.encrypted_extensions();
        wire.seal(&extensions, HANDSHAKE);
        let certificate = wire.certificate(&identity.chain);
        wire.seal_plaintext(&[&certificate[..], &[HANDSHAKE], &[0; 100]].concat());
        let verify = wire.certificate_verify(ECDSA_P256_SHA256, &identity.key_pair);
        wire.seal(&verify, HANDSHAKE);
        let finished = wire.finished();
        wire.seal(&finished, HANDSHAKE);
    };
    assert_eq!(shake(&trust, apart), (Ok(()), 1), "padded and in records of their own");
}

#[test]
fn a_server_without_a_certificate_gets_nothing() {
    let flight = |wire: &mut Wire| {
        let flight = [wire.encrypted_extensions(), wire.finished()].concat();
        wire.seal(&flight, HANDSHAKE);
    };
    assert_eq!(shake(&TrustedIssuer::DigiCert, flight), refused(TlsError::NoCertificate));
}

#[test]
fn a_server_with_an_empty_certificate_gets_nothing() {
    let flight = |wire: &mut Wire| {
        let flight = [wire.encrypted_extensions(), wire.certificate(&[]), wire.finished()].concat();
        wire.seal(&flight, HANDSHAKE);
    };
    assert_eq!(shake(&TrustedIssuer::DigiCert, flight), refused(TlsError::NoCertificate));
}

#[test]
fn a_server_that_does_not_prove_its_key_gets_nothing() {
    let (identity, trust) = good();
    let flight = |wire: &mut Wire| {
        let flight = [wire.encrypted_extensions(), wire.certificate(&identity.chain), wire.finished()].concat();
        wire.seal(&flight, HANDSHAKE);
    };
    assert_eq!(shake(&trust, flight), refused(TlsError::NoProof));
}

#[test]
fn a_server_that_borrows_a_certificate_gets_nothing() {
    let (identity, trust) = good();
    let own = p256();
    let flight = |wire: &mut Wire| {
        let mut flight = wire.encrypted_extensions();
        flight.extend(wire.certificate(&identity.chain));
        flight.extend(wire.certificate_verify(ECDSA_P256_SHA256, &own));
        flight.extend(wire.finished());
        wire.seal(&flight, HANDSHAKE);
    };
    assert_eq!(shake(&trust, flight), refused(TlsError::WrongProof));
}

#[test]
fn a_proof_of_another_kind_than_the_key_is_refused() {
    let (identity, trust) = good();
    // 0x0503 is P-384's, and offered.
    for scheme in [RSA_PSS_SHA256, 0x0503] {
        let flight = |wire: &mut Wire| {
            let mut flight = wire.encrypted_extensions();
            flight.extend(wire.certificate(&identity.chain));
            flight.extend(wire.certificate_verify(scheme, &identity.key_pair));
            flight.extend(wire.finished());
            wire.seal(&flight, HANDSHAKE);
        };
        assert_eq!(shake(&trust, flight), refused(TlsError::UnsupportedSignature), "{scheme:#x}");
    }
}

#[test]
fn messages_out_of_order_are_refused() {
    let (identity, trust) = good();
    let proof_first = |wire: &mut Wire| {
        let mut flight = wire.encrypted_extensions();
        flight.extend(wire.certificate_verify(ECDSA_P256_SHA256, &identity.key_pair));
        flight.extend(wire.certificate(&identity.chain));
        flight.extend(wire.finished());
        wire.seal(&flight, HANDSHAKE);
    };
    assert_eq!(shake(&trust, proof_first), refused(TlsError::OutOfOrder));

    let (own, _) = good();
    let second_certificate = |wire: &mut Wire| {
        let mut flight = good_flight(wire, &identity);
        flight.extend(wire.certificate(&own.chain));
        wire.seal(&flight, HANDSHAKE);
    };
    let (outcome, _) = shake(&trust, second_certificate);
    assert_eq!(outcome, Err(TlsError::OutOfOrder));
}

#[test]
fn a_wrong_finished_is_refused() {
    let (identity, trust) = good();
    let flight = |wire: &mut Wire| {
        let mut flight = good_flight(wire, &identity);
        *flight.last_mut().unwrap() ^= 1;
        wire.seal(&flight, HANDSHAKE);
    };
    assert_eq!(shake(&trust, flight).0, Err(TlsError::HandshakeChanged));
}

#[test]
fn odd_records_in_the_handshake_are_refused() {
    let scripts: [(&str, Script, TlsError); 12] = [
        ("empty plaintext", |wire| wire.seal_plaintext(&[]), TlsError::RecordTooShort(16)),
        ("zeros only", |wire| wire.seal_plaintext(&[0; 9]), TlsError::UnexpectedMessage),
        ("empty handshake", |wire| wire.seal(&[], HANDSHAKE), TlsError::UnexpectedMessage),
        ("early data", |wire| wire.seal(b"data", APPLICATION_DATA), TlsError::UnexpectedMessage),
        ("a ticket", |wire| wire.seal(&[4, 0, 0, 0], HANDSHAKE), TlsError::UnexpectedMessage),
        ("a key update", |wire| wire.seal(&[24, 0, 0, 1, 0], HANDSHAKE), TlsError::UnexpectedMessage),
        ("half a message", |wire| wire.seal(&[8, 0, 1, 0, 0], HANDSHAKE), TlsError::SplitMessage),
        ("an alert", |wire| wire.seal(&[2, 40], 21), TlsError::Alert(None)),
        ("a plaintext alert", |wire| wire.out.extend([21, 3, 3, 0, 2, 2, 40]), TlsError::UnexpectedRecord(21)),
        ("plaintext", |wire| wire.out.extend([22, 3, 3, 0, 6, 8, 0, 0, 2, 0, 0]), TlsError::UnexpectedRecord(22)),
        ("a long change cipher spec", |wire| wire.out.extend([20, 3, 3, 0, 2]), TlsError::UnexpectedRecord(20)),
        ("no encryption", |wire| wire.out.extend([&[23, 3, 3, 0, 17][..], &[0; 17]].concat()), TlsError::BadRecord),
    ];
    for (name, script, error) in scripts {
        assert_eq!(shake(&TrustedIssuer::DigiCert, script), refused(error), "{name}");
    }
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_an_empty_one() {
    let (identity, trust) = good();
    let flight = |wire: &mut Wire| {
        let mut flight = wire.encrypted_extensions();
        flight.extend(wire.message(13, &[0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]));
        flight.extend(wire.certificate(&identity.chain));
        flight.extend(wire.certificate_verify(ECDSA_P256_SHA256, &identity.key_pair));
        flight.extend(wire.finished());
        wire.seal(&flight, HANDSHAKE);
    };
    assert_eq!(shake(&trust, flight), (Ok(()), 2));
}

/// The outcome of the first read after a good handshake.
fn read_after(script: impl FnMut(&mut Wire)) -> Result<Vec<u8>, TlsError> {
    let (identity, trust) = good();
    let flight = |wire: &mut Wire| {
        let flight = good_flight(wire, &identity);
        wire.seal(&flight, HANDSHAKE);
    };
    let mut server = Evil::new(flight, script);
    let mut buffers = Box::new(Buffers::new());
    block_on(async {
        let mut connection = Connection::new(&mut server, &mut buffers);
        let mut session = connection.open(HOST, &trust, NOW, &mut random(), &|| {}).await.unwrap();
        let mut buf = [0; 64];
        let count = session.read(&mut buf).await?;
        Ok(buf[..count].to_vec())
    })
}

#[test]
fn odd_records_after_the_handshake_are_refused() {
    let scripts: [(&str, Script, FirstRead); 13] = [
        ("data", |wire| wire.seal(b"data", APPLICATION_DATA), Ok(b"data")),
        (
            "no data, then some",
            |wire| {
                wire.seal(b"", APPLICATION_DATA);
                wire.seal(b"data", APPLICATION_DATA)
            },
            Ok(b"data"),
        ),
        ("goodbye", |wire| wire.seal(&[1, 0], 21), Ok(b"")),
        ("an alert", |wire| wire.seal(&[2, 80], 21), Err(TlsError::Alert(None))),
        ("half an alert", |wire| wire.seal(&[2], 21), Err(TlsError::UnexpectedMessage)),
        ("empty plaintext", |wire| wire.seal_plaintext(&[]), Err(TlsError::RecordTooShort(16))),
        ("a key update", |wire| wire.seal(&[24, 0, 0, 1, 0], HANDSHAKE), Err(TlsError::KeyUpdate)),
        (
            "a certificate request",
            |wire| wire.seal(&[13, 0, 0, 3, 0, 0, 0], HANDSHAKE),
            Err(TlsError::UnexpectedMessage),
        ),
        (
            "a finished",
            |wire| wire.seal(&[&[20, 0, 0, 32][..], &[0; 32]].concat(), HANDSHAKE),
            Err(TlsError::UnexpectedMessage),
        ),
        ("half a ticket", |wire| wire.seal(&[4, 0, 0, 9, 0], HANDSHAKE), Err(TlsError::SplitMessage)),
        ("a plaintext goodbye", |wire| wire.out.extend([21, 3, 3, 0, 2, 1, 0]), Err(TlsError::UnexpectedRecord(21))),
        (
            "a plaintext message",
            |wire| wire.out.extend([22, 3, 3, 0, 6, 8, 0, 0, 2, 0, 0]),
            Err(TlsError::UnexpectedRecord(22)),
        ),
        ("a change cipher spec", |wire| wire.out.extend([20, 3, 3, 0, 1, 1]), Err(TlsError::UnexpectedRecord(20))),
    ];
    for (name, script, expected) in scripts {
        assert_eq!(read_after(script), expected.map(<[u8]>::to_vec), "{name}");
    }
}

#[test]
fn a_ticket_with_another_message_inside_is_refused() {
    // To a parser that trusts inner lengths the ticket ends early, and EncryptedExtensions follow.
    let ticket = vec![0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 7, 0, 0, 8, 0, 0, 2, 0, 0];
    let outcome = read_after(|wire| {
        wire.seal(&[&[4, 0, 0, u8::try_from(ticket.len()).unwrap()][..], &ticket].concat(), HANDSHAKE);
        wire.seal(b"data", APPLICATION_DATA);
    });
    assert_eq!(outcome, Err(TlsError::MalformedMessage));
}
