//! Servers that break the handshake, or what follows it, on purpose.

use std::vec;

use super::certificates::*;
use super::evil::*;
use super::*;

const ECDSA_P256_SHA256: u16 = 0x0403;
const RSA_PSS_SHA256: u16 = 0x0804;
const RSA_PKCS1_SHA256: u16 = 0x0401;

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
    // 0x0903 is no scheme at all, 0x0503 is P-384's.
    for (scheme, error) in [
        (RSA_PSS_SHA256, TlsError::UnsupportedSignature),
        (RSA_PKCS1_SHA256, TlsError::UnsupportedSignature),
        (0x0503, TlsError::UnsupportedSignature),
        (0x0903, TlsError::MalformedMessage),
    ] {
        let flight = |wire: &mut Wire| {
            let mut flight = wire.encrypted_extensions();
            flight.extend(wire.certificate(&identity.chain));
            flight.extend(wire.certificate_verify(scheme, &identity.key_pair));
            flight.extend(wire.finished());
            wire.seal(&flight, HANDSHAKE);
        };
        assert_eq!(shake(&trust, flight), refused(error), "{scheme:#x}");
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
        ("half a message", |wire| wire.seal(&[11, 0, 1, 0, 0], HANDSHAKE), TlsError::SplitMessage),
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
fn messages_changed_anywhere_by_the_server_itself_never_panic() {
    use rand_core::RngCore;
    let (identity, trust) = good();
    let mut source = random();
    let mut position = 0;
    loop {
        let mut length = 0;
        let changed = |wire: &mut Wire| {
            let mut flight = good_flight(wire, &identity);
            length = flight.len();
            let at = position % length;
            match source.next_u32() % 4 {
                0 => flight[at] = u8::try_from(source.next_u32() & 0xff).unwrap(),
                1 => flight[at] ^= 1 << (source.next_u32() % 8),
                2 => flight[at] = [0, 0xff][usize::try_from(source.next_u32() % 2).unwrap()],
                _ => {
                    flight.remove(at);
                }
            }
            wire.seal(&flight, HANDSHAKE);
        };
        let (outcome, encrypted) = shake(&trust, changed);
        // The change may have been none.
        assert!(outcome.is_ok() || encrypted == 0 || outcome == Err(TlsError::HandshakeChanged), "{position}");
        position += 1;
        if position >= length {
            break;
        }
    }
}

#[test]
fn a_change_cipher_spec_is_passed_over() {
    let (identity, trust) = good();
    let flight = |wire: &mut Wire| {
        wire.out.extend([20, 3, 3, 0, 1, 1]);
        let flight = good_flight(wire, &identity);
        wire.seal(&flight, HANDSHAKE);
    };
    assert_eq!(shake(&trust, flight), (Ok(()), 1));
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
        ("a key update", |wire| wire.seal(&[24, 0, 0, 1, 0], HANDSHAKE), Err(TlsError::UnexpectedMessage)),
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
fn a_ticket_with_another_message_inside_does_no_harm() {
    // To a parser that trusts inner lengths the ticket ends early, and EncryptedExtensions follow.
    let ticket = vec![0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 2, 0, 0];
    let outcome = read_after(|wire| {
        wire.seal(&[&[4, 0, 0, u8::try_from(ticket.len()).unwrap()][..], &ticket].concat(), HANDSHAKE);
        wire.seal(b"data", APPLICATION_DATA);
    });
    assert_eq!(outcome, Ok(b"data".to_vec()));
}

#[test]
fn a_hello_that_asks_for_another_key_exchange_is_named() {
    let retry = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2,
        0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];
    let extensions = [0, 0x2b, 0, 2, 3, 4, 0, 0x33, 0, 2, 0, 29];
    let body = [&[3, 3][..], &retry, &[0, 0x13, 0x01, 0, 0, 12], &extensions].concat();
    let message = [&[2, 0, 0, u8::try_from(body.len()).unwrap()][..], &body].concat();
    let record = [&[22, 3, 3, 0, u8::try_from(message.len()).unwrap()][..], &message].concat();
    let flight = |wire: &mut Wire| wire.out = record.clone();
    assert_eq!(shake(&TrustedIssuer::DigiCert, flight), refused(TlsError::KeyExchangeRefused));
}
