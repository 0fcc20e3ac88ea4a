//! From the server's hello on. RFC 8446 §4.2 to §4.6, §5, §6.

use rcgen::SigningKey;

use super::*;

/// A change in what follows the hello.
fn flight(section: &'static str, what: &'static str, parts: Vec<Part>, error: TlsError) -> Row {
    Row { flight: parts, ..Row::good(section, what).refused(error) }
}

fn legal_flight(section: &'static str, what: &'static str, parts: Vec<Part>) -> Row {
    Row { flight: parts, ..Row::good(section, what) }
}

/// Something after the handshake.
fn after(section: &'static str, what: &'static str, script: fn(&mut Wire), error: TlsError) -> Row {
    Row { afterwards: script, ..Row::good(section, what).refused(error) }
}

fn legal_after(section: &'static str, what: &'static str, script: fn(&mut Wire), read: &'static [u8]) -> Row {
    Row { afterwards: script, together: Ok(read), apart: Ok(read), ..Row::good(section, what) }
}

pub(super) fn order() -> Vec<Row> {
    use TlsError::{BadRecord, NoCertificate, NoProof, OutOfOrder, UnexpectedMessage};
    let wrong = |what, parts| flight("4", what, parts, OutOfOrder);
    let foreign = |what, say| flight("4", what, with(Part::Say(say)), UnexpectedMessage);
    vec![
        wrong("no EncryptedExtensions", vec![CERTIFICATE, PROOF, FINISHED]),
        wrong("EncryptedExtensions twice", vec![EXTENSIONS, EXTENSIONS, CERTIFICATE, PROOF, FINISHED]),
        wrong("EncryptedExtensions after the certificate", vec![CERTIFICATE, EXTENSIONS, PROOF, FINISHED]),
        wrong("EncryptedExtensions again after it", vec![EXTENSIONS, CERTIFICATE, EXTENSIONS, PROOF, FINISHED]),
        wrong("EncryptedExtensions again after the proof", vec![EXTENSIONS, CERTIFICATE, PROOF, EXTENSIONS, FINISHED]),
        wrong("EncryptedExtensions last", vec![EXTENSIONS, CERTIFICATE, PROOF, FINISHED, EXTENSIONS]).apart(BadRecord),
        wrong("Finished first", vec![FINISHED, EXTENSIONS, CERTIFICATE, PROOF]),
        wrong("nothing but Finished", vec![FINISHED]),
        wrong("Finished twice", vec![EXTENSIONS, CERTIFICATE, PROOF, FINISHED, FINISHED]).apart(BadRecord),
        wrong("a certificate twice", vec![EXTENSIONS, CERTIFICATE, CERTIFICATE, PROOF, FINISHED]),
        wrong("a certificate again after the proof", vec![EXTENSIONS, CERTIFICATE, PROOF, CERTIFICATE, FINISHED]),
        wrong("a proof before its certificate", vec![EXTENSIONS, PROOF, CERTIFICATE, FINISHED]),
        wrong("a proof before a certificate and after it", vec![EXTENSIONS, PROOF, CERTIFICATE, PROOF, FINISHED]),
        wrong("a proof twice", vec![EXTENSIONS, CERTIFICATE, PROOF, PROOF, FINISHED]),
        flight("4.4.2", "no certificate", vec![EXTENSIONS, FINISHED], NoCertificate),
        flight("4.4.3", "no proof", vec![EXTENSIONS, CERTIFICATE, FINISHED], NoProof),
        foreign("a second ServerHello, encrypted", |wire, _| wire.message(2, &[0; 38])),
        foreign("a ClientHello in the handshake", |wire, _| wire.message(1, &[0; 38])),
        foreign("a HelloRequest", |wire, _| wire.message(0, &[])),
        foreign("a ServerKeyExchange", |wire, _| wire.message(12, &[0; 8])),
        foreign("a ServerHelloDone", |wire, _| wire.message(14, &[])),
        foreign("an EndOfEarlyData", |wire, _| wire.message(5, &[])),
        foreign("a ticket in the handshake", |wire, _| wire.message(4, &TICKET[4..])),
        foreign("a message_hash", |wire, _| wire.message(254, &[0; 32])),
        foreign("a message of no known type", |wire, _| wire.message(99, &[])),
        flight(
            "4.6.3",
            "new keys before Finished",
            with(Part::Say(|wire, _| wire.message(24, &[0]))),
            UnexpectedMessage,
        ),
        flight(
            "5.1",
            "a ticket behind Finished in its record",
            vec![EXTENSIONS, CERTIFICATE, PROOF, FINISHED, Part::Say(|_, _| TICKET.to_vec())],
            UnexpectedMessage,
        )
        .apart(BadRecord),
    ]
}

pub(super) fn encrypted_extensions_messages() -> Vec<Row> {
    use TlsError::{IllegalParameter, MalformedMessage, UnsupportedExtension};
    let row = |section, what, say, error| flight(section, what, with_extensions(Part::Say(say)), error);
    vec![
        legal_flight(
            "4.2.7",
            "the groups that the server likes, and the name",
            with_extensions(Part::Say(|wire, _| encrypted_extensions(wire, &[(10, &[0, 4, 0, 29, 0, 23]), (0, &[])]))),
        ),
        row(
            "4.2",
            "an unknown extension",
            |wire, _| encrypted_extensions(wire, &[(0xfefe, &[])]),
            UnsupportedExtension,
        ),
        row(
            "4.2",
            "a protocol for the application, not asked for",
            |wire, _| encrypted_extensions(wire, &[(16, &[0, 3, 2, b'h', b'2'])]),
            UnsupportedExtension,
        ),
        row(
            "4.2",
            "a maximum fragment length, not asked for",
            |wire, _| encrypted_extensions(wire, &[(1, &[1])]),
            UnsupportedExtension,
        ),
        row(
            "4.2",
            "early data, not asked for",
            |wire, _| encrypted_extensions(wire, &[(42, &[])]),
            UnsupportedExtension,
        ),
        row(
            "4.2",
            "a key share in EncryptedExtensions",
            |wire, _| encrypted_extensions(wire, &[(51, &[0, 23])]),
            IllegalParameter,
        ),
        row(
            "4.2",
            "a selected version in EncryptedExtensions",
            |wire, _| encrypted_extensions(wire, &[(43, &[3, 4])]),
            IllegalParameter,
        ),
        row(
            "4.2",
            "signature algorithms in EncryptedExtensions",
            |wire, _| encrypted_extensions(wire, &[(13, &[0, 2, 4, 3])]),
            IllegalParameter,
        )
        .rustls_differs(IGNORED),
        row(
            "4.2",
            "the groups twice",
            |wire, _| encrypted_extensions(wire, &[(10, &[0, 2, 0, 23]), (0, &[]), (10, &[0, 2, 0, 23])]),
            IllegalParameter,
        ),
        row("4.2.7", "no groups", |wire, _| encrypted_extensions(wire, &[(10, &[0, 0])]), MalformedMessage)
            .rustls_differs(IGNORED),
        row(
            "4.2.7",
            "a group and a half",
            |wire, _| encrypted_extensions(wire, &[(10, &[0, 3, 0, 23, 0])]),
            MalformedMessage,
        )
        .rustls_differs(IGNORED),
        row(
            "4.3.1",
            "a name that says something",
            |wire, _| encrypted_extensions(wire, &[(0, &[0])]),
            MalformedMessage,
        ),
        row("4.3.1", "bytes behind the extensions", |wire, _| wire.message(8, &[0, 0, 0]), MalformedMessage),
        row("4.3.1", "EncryptedExtensions of no length", |wire, _| wire.message(8, &[]), MalformedMessage),
        row(
            "4.2",
            "an extension that is longer than the block",
            |wire, _| wire.message(8, &[0, 4, 0, 0, 0, 9]),
            MalformedMessage,
        ),
    ]
}

pub(super) fn certificates() -> Vec<Row> {
    use TlsError::{IllegalParameter, MalformedMessage, NoCertificate, UnsupportedExtension};
    let row = |section, what, say, error| flight(section, what, with_certificate(Part::Say(say)), error);
    vec![
        row(
            "4.4.2",
            "a certificate with a context",
            |wire, identity| wire.certificate_with(&[1], &identity.chain, &[]),
            IllegalParameter,
        ),
        row(
            "4.4.2",
            "a certificate status that was not asked for",
            |wire, identity| wire.certificate_with(&[], &identity.chain, &[(5, &[1, 0, 0, 1, 0])]),
            UnsupportedExtension,
        )
        .rustls_differs("rustls asks for it"),
        row(
            "4.4.2",
            "certificate timestamps that were not asked for",
            |wire, identity| wire.certificate_with(&[], &identity.chain, &[(18, &[0, 3, 0, 1, 9])]),
            UnsupportedExtension,
        ),
        row(
            "4.2",
            "an unknown extension of a certificate",
            |wire, identity| wire.certificate_with(&[], &identity.chain, &[(0xfefe, &[])]),
            UnsupportedExtension,
        ),
        row(
            "4.2",
            "a server name with a certificate",
            |wire, identity| wire.certificate_with(&[], &identity.chain, &[(0, &[])]),
            IllegalParameter,
        ),
        row("4.4.2.4", "an empty list of certificates", |wire, _| wire.certificate(&[]), NoCertificate),
        row(
            "4.4.2",
            "a certificate of no length",
            |wire, identity| {
                let chain = [identity.chain[0].clone(), CertificateDer::from(Vec::new()), identity.chain[1].clone()];
                wire.certificate(&chain)
            },
            MalformedMessage,
        )
        .rustls_differs("rustls looks at those it needs"),
        row(
            "4.4.2",
            "bytes behind the list of certificates",
            |wire, _| wire.message(11, &[0, 0, 0, 0, 0]),
            MalformedMessage,
        ),
    ]
}

pub(super) fn proofs() -> Vec<Row> {
    use TlsError::{HandshakeChanged, IllegalParameter, MalformedMessage, WrongProof};
    let row = |section, what, say, error| flight(section, what, with_proof(Part::Say(say)), error);
    let finished =
        |what, say, error| flight("4.4.4", what, vec![EXTENSIONS, CERTIFICATE, PROOF, Part::Say(say)], error);
    vec![
        legal_flight("4.4.3", "a proof by RSA-PSS", with_proof(Part::Say(pss))).rsa(),
        row(
            "4.4.3",
            "a proof by PKCS #1 v1.5",
            |wire, identity| wire.certificate_verify(0x0401, &identity.key_pair),
            IllegalParameter,
        )
        .rsa(),
        row(
            "4.4.3",
            "a proof by a scheme that was not offered",
            |wire, identity| wire.certificate_verify(0x0603, &identity.key_pair),
            IllegalParameter,
        ),
        row(
            "4.2.3",
            "a proof with SHA-1",
            |wire, identity| wire.certificate_verify(0x0203, &identity.key_pair),
            IllegalParameter,
        ),
        row(
            "4.2.3",
            "a proof by no known scheme",
            |wire, identity| wire.certificate_verify(0x0903, &identity.key_pair),
            IllegalParameter,
        ),
        row(
            "4.4.3",
            "a proof over something else",
            |wire, identity| {
                let signature = identity.key_pair.sign(b"something else").unwrap();
                wire.signature(0x0403, &signature)
            },
            WrongProof,
        ),
        row("4.4.3", "bytes behind the proof", |wire, _| wire.message(15, &[4, 3, 0, 1, 9, 9]), MalformedMessage),
        finished(
            "a Finished of 33 bytes",
            |wire, _| {
                let proof = wire.verify_data();
                wire.message(20, &[&proof[..], &[0]].concat())
            },
            MalformedMessage,
        ),
        finished(
            "a Finished of 31 bytes",
            |wire, _| {
                let proof = wire.verify_data();
                wire.message(20, &proof[..31])
            },
            MalformedMessage,
        ),
        finished("a wrong Finished", |wire, _| wire.message(20, &[1; 32]), HandshakeChanged),
    ]
}

pub(super) fn requests() -> Vec<Row> {
    use TlsError::{IllegalParameter, MalformedMessage, MissingExtension, OutOfOrder};
    const ALGORITHMS: (u16, &[u8]) = (13, &[0, 2, 4, 3]);
    let row = |section, what, say, error| flight(section, what, with_request(Part::Say(say)), error);
    vec![
        legal_flight("4.3.2", "a request for a certificate", with_request(REQUEST)),
        legal_flight(
            "4.3.2",
            "a request with an unknown extension",
            with_request(Part::Say(|wire, _| request(wire, &[], &[(0xfefe, &[1]), ALGORITHMS]))),
        ),
        flight(
            "4.3.2",
            "a request twice",
            vec![EXTENSIONS, REQUEST, REQUEST, CERTIFICATE, PROOF, FINISHED],
            OutOfOrder,
        ),
        flight(
            "4.3.2",
            "a request after the certificate",
            vec![EXTENSIONS, CERTIFICATE, REQUEST, PROOF, FINISHED],
            OutOfOrder,
        ),
        flight(
            "4.3.2",
            "a request after the proof",
            vec![EXTENSIONS, CERTIFICATE, PROOF, REQUEST, FINISHED],
            OutOfOrder,
        ),
        flight("4.3.2", "a request first", vec![REQUEST, EXTENSIONS, CERTIFICATE, PROOF, FINISHED], OutOfOrder),
        row("4.3.2", "a request with a context", |wire, _| request(wire, &[7], &[ALGORITHMS]), IllegalParameter),
        row("4.3.2", "a request without algorithms", |wire, _| request(wire, &[], &[]), MissingExtension),
        row("4.2.3", "a request for no algorithm", |wire, _| request(wire, &[], &[(13, &[0, 0])]), MalformedMessage),
        row("4.2", "a request with algorithms twice", |wire, _| request(wire, &[], &[ALGORITHMS; 2]), IllegalParameter),
        row(
            "4.2",
            "a request with a key share",
            |wire, _| request(wire, &[], &[ALGORITHMS, (51, &[0, 23])]),
            IllegalParameter,
        )
        .rustls_differs(IGNORED),
        row("4.3.2", "bytes behind a request", |wire, _| wire.message(13, &[0, 0, 0, 0]), MalformedMessage),
    ]
}

pub(super) fn records_in_the_handshake() -> Vec<Row> {
    use TlsError::{Alert, SplitMessage, UnexpectedMessage, UnexpectedRecord};
    let sealed = |section, what, content, kind, error| flight(section, what, with(Part::Sealed(content, kind)), error);
    let bare = |section, what, bytes, kind| flight(section, what, with(Part::Plain(bytes)), UnexpectedRecord(kind));
    vec![
        legal_flight(
            "5",
            "a change of cipher specs behind the hello",
            [vec![Part::Plain(CHANGE)], good_flight()].concat(),
        ),
        legal_flight("5", "a change of cipher specs in the handshake", with(Part::Plain(CHANGE))),
        bare("5", "a change to 0 in the handshake", &[20, 3, 3, 0, 1, 0], 20),
        bare("5", "a long change in the handshake", &[20, 3, 3, 0, 2, 1, 1], 20),
        flight(
            "5",
            "a flood of changes in the handshake",
            [vec![Part::Plain(CHANGE); 3], good_flight()].concat(),
            UnexpectedRecord(20),
        ),
        sealed("5", "an encrypted change of cipher specs", &[1], 20, UnexpectedMessage),
        sealed("5.4", "a handshake record without content, encrypted", &[], 22, UnexpectedMessage)
            .rustls_differs("rustls waits for more"),
        sealed("5.4", "an alert without content", &[], 21, UnexpectedMessage),
        sealed("5.1", "half an alert, encrypted", &[2], 21, UnexpectedMessage),
        sealed("5.1", "two alerts in a record, encrypted", &[1, 90, 1, 0], 21, UnexpectedMessage),
        sealed("5.1", "data in the handshake", b"data", 23, UnexpectedMessage),
        sealed("5.1", "a record of no known type, encrypted", b"data", 24, UnexpectedMessage),
        sealed("6.1", "a goodbye in the handshake", &[1, 0], 21, Alert(None)),
        sealed("6.2", "an alert in the handshake", &[2, 40], 21, Alert(None)),
        sealed("6", "an unknown alert in the handshake", &[2, 200], 21, Alert(None)),
        sealed("5.1", "a message in two records", &[11, 0, 1, 0, 0], 22, SplitMessage),
        bare("5.2", "an alert without encryption", &[21, 3, 3, 0, 2, 2, 40], 21),
        bare("5.2", "EncryptedExtensions without encryption", &[22, 3, 3, 0, 6, 8, 0, 0, 2, 0, 0], 22),
        bare("4.1.3", "a second ServerHello", &[22, 3, 3, 0, 4, 2, 0, 0, 0], 22),
    ]
}

pub(super) fn after_the_handshake() -> Vec<Row> {
    use TlsError::{
        Alert, IllegalParameter, KeyUpdate, MalformedMessage, SplitMessage, UnexpectedMessage, UnexpectedRecord,
    };
    vec![
        legal_after(
            "4.6.1",
            "tickets, then data",
            |wire| {
                wire.seal(&TICKET.repeat(2), 22);
                wire.seal(TICKET, 22);
                wire.seal(DATA, 23);
            },
            DATA,
        ),
        legal_after(
            "4.6.1",
            "a ticket with extensions",
            |wire| {
                let ticket =
                    [&[0, 0, 0, 9, 1, 2, 3, 4, 0, 0, 1, 7][..], &extensions(&[(42, &[0; 4][..]), (0xfefe, &[])])];
                let ticket = wire.message(4, &ticket.concat());
                wire.seal(&ticket, 22);
                wire.seal(DATA, 23);
            },
            DATA,
        ),
        after(
            "4.2",
            "a ticket with an extension twice",
            |wire| {
                let ticket = [&[0, 0, 0, 9, 1, 2, 3, 4, 0, 0, 1, 7][..], &extensions(&[(42, &[0; 4][..]); 2])];
                let ticket = wire.message(4, &ticket.concat());
                wire.seal(&ticket, 22);
                wire.seal(DATA, 23);
            },
            IllegalParameter,
        ),
        after(
            "4.6.1",
            "an empty ticket",
            |wire| {
                wire.seal(&[4, 0, 0, 13, 0, 0, 0, 9, 1, 2, 3, 4, 0, 0, 0, 0, 0], 22);
                wire.seal(DATA, 23);
            },
            MalformedMessage,
        ),
        after(
            "4.6.1",
            "bytes behind a ticket",
            |wire| {
                wire.seal(&[&[4, 0, 0, 15], &TICKET[4..], &[0]].concat(), 22);
                wire.seal(DATA, 23);
            },
            MalformedMessage,
        ),
        after(
            "5.1",
            "a ticket in two records",
            |wire| {
                wire.seal(&TICKET[..9], 22);
                wire.seal(&TICKET[9..], 22);
                wire.seal(DATA, 23);
            },
            SplitMessage,
        )
        .rustls_differs(UNABLE),
        after("4.6.3", "new keys", |wire| wire.seal(&[24, 0, 0, 1, 0], 22), KeyUpdate),
        after("4.6.3", "new keys on both sides", |wire| wire.seal(&[24, 0, 0, 1, 1], 22), KeyUpdate),
        after("4.6.3", "new keys of a third kind", |wire| wire.seal(&[24, 0, 0, 1, 2], 22), IllegalParameter),
        after("4.6.3", "new keys of two bytes", |wire| wire.seal(&[24, 0, 0, 2, 0, 0], 22), MalformedMessage),
        after("4.6.3", "new keys of no length", |wire| wire.seal(&[24, 0, 0, 0], 22), MalformedMessage),
        after(
            "4.6.2",
            "a request for a certificate after the handshake",
            |wire| wire.seal(&[13, 0, 0, 12, 1, 7, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3], 22),
            UnexpectedMessage,
        ),
        after(
            "4",
            "a ServerHello after the handshake",
            |wire| {
                let message = wire.message(2, &[0; 38]);
                wire.seal(&message, 22);
            },
            UnexpectedMessage,
        ),
        after("4", "a HelloRequest after the handshake", |wire| wire.seal(&[0, 0, 0, 0], 22), UnexpectedMessage),
        after(
            "4",
            "EncryptedExtensions after the handshake",
            |wire| {
                wire.seal(&[8, 0, 0, 2, 0, 0], 22);
            },
            UnexpectedMessage,
        ),
        after(
            "4",
            "a Finished after the handshake",
            |wire| {
                let finished = wire.finished();
                wire.seal(&finished, 22);
            },
            UnexpectedMessage,
        ),
        after(
            "5",
            "a change of cipher specs after Finished",
            |wire| {
                wire.out.extend(CHANGE);
                wire.seal(DATA, 23);
            },
            UnexpectedRecord(20),
        ),
        after(
            "5.2",
            "a goodbye without encryption",
            |wire| wire.out.extend([21, 3, 3, 0, 2, 1, 0]),
            UnexpectedRecord(21),
        ),
        legal_after("6.1", "a goodbye", |wire| wire.seal(&[1, 0], 21), b""),
        legal_after("6", "a goodbye of another level", |wire| wire.seal(&[2, 0], 21), b""),
        legal_after(
            "6.1",
            "data after a goodbye",
            |wire| {
                wire.seal(&[1, 0], 21);
                wire.seal(DATA, 23);
            },
            b"",
        ),
        after("6.2", "an alert after the handshake", |wire| wire.seal(&[2, 80], 21), Alert(None)),
        after("6", "an unknown alert after the handshake", |wire| wire.seal(&[1, 200], 21), Alert(None)),
        after("6.1", "a cancellation", |wire| wire.seal(&[1, 90], 21), Alert(None)),
    ]
}
