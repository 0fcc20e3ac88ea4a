//! The rows: what a server does, and what becomes of it.

use rcgen::SigningKey;

use super::*;

/// Alerts (RFC 8446 §6).
const UNEXPECTED_MESSAGE: u8 = 10;
const RECORD_OVERFLOW: u8 = 22;
const HANDSHAKE_FAILURE: u8 = 40;
const ILLEGAL_PARAMETER: u8 = 47;
const DECODE_ERROR: u8 = 50;
const PROTOCOL_VERSION: u8 = 70;
const INTERNAL_ERROR: u8 = 80;
const MISSING_EXTENSION: u8 = 109;
const UNSUPPORTED_EXTENSION: u8 = 110;

const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
/// A change of cipher specs.
const CHANGE: &[u8] = &[20, 3, 3, 0, 1, 1];
const UNABLE: &str = "TLS allows it, and the device cannot do it";
const IGNORED: &str = "rustls does not look at it";

/// A change in the server's hello, which the client refuses with an alert.
fn hello(section: &'static str, what: &'static str, change: fn(&mut Hello), error: TlsError, alert: u8) -> Row {
    Row { hello: change, ..Row::good(section, what).refused(error).alert(alert) }
}

/// A change in what follows the hello.
fn flight(section: &'static str, what: &'static str, parts: Vec<Part>, error: TlsError) -> Row {
    Row { flight: parts, ..Row::good(section, what).refused(error) }
}

fn legal_hello(section: &'static str, what: &'static str, change: fn(&mut Hello)) -> Row {
    Row { hello: change, ..Row::good(section, what) }
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

pub(super) fn rows() -> Vec<Row> {
    [
        hellos(),
        retries(),
        records_before_the_hello(),
        order(),
        encrypted_extensions_messages(),
        certificates(),
        proofs(),
        requests(),
        records_in_the_handshake(),
        after_the_handshake(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Another point than the server's own in its key share.
fn share(hello: &mut Hello, point: &[u8]) {
    let length = u16::try_from(point.len()).unwrap().to_be_bytes();
    *hello.extension(51) = [&[0, 23], &length[..], point].concat();
}

fn hellos() -> Vec<Row> {
    use TlsError::{
        Downgraded, IllegalParameter, MalformedMessage, MissingExtension, OlderVersion, SplitMessage,
        UnexpectedMessage, UnsupportedExtension,
    };
    let illegal = |section, what, change| hello(section, what, change, IllegalParameter, ILLEGAL_PARAMETER);
    let malformed = |section, what, change| hello(section, what, change, MalformedMessage, DECODE_ERROR);
    let unasked = |what, change| hello("4.2", what, change, UnsupportedExtension, UNSUPPORTED_EXTENSION);
    vec![
        Row::good("2", "a good handshake"),
        legal_hello("5.1", "a hello in a record of version 3.1", |hello| hello.record_version = [3, 1]),
        illegal("4.1.3", "a legacy version of 3.2", |hello| hello.legacy_version = 0x0302),
        illegal("4.1.3", "a legacy version of 3.4", |hello| hello.legacy_version = 0x0304)
            .rustls_differs("rustls minds only older ones"),
        illegal("4.1.3", "the echo of a session that was not named", |hello| hello.session_id_echo = vec![1; 32])
            .rustls_differs("rustls does not compare them"),
        illegal("4.1.3", "TLS_AES_256_GCM_SHA384, not offered", |hello| hello.cipher_suite = 0x1302),
        illegal("4.1.3", "TLS_CHACHA20_POLY1305_SHA256, not offered", |hello| hello.cipher_suite = 0x1303),
        illegal("4.1.3", "a suite of TLS 1.2", |hello| hello.cipher_suite = 0xc02f),
        illegal("4.1.3", "compression", |hello| hello.compression = 1),
        malformed("4.1.3", "bytes behind the hello's extensions", |hello| hello.appendix = vec![0]),
        illegal("4.2.1", "TLS 1.2 as the selected version", |hello| *hello.extension(43) = vec![3, 3]),
        illegal("4.2.1", "a version beyond TLS 1.3", |hello| *hello.extension(43) = vec![3, 5]),
        illegal("4.2.1", "a draft of TLS 1.3", |hello| *hello.extension(43) = vec![0x7f, 28]),
        malformed("4.2.1", "a selected version of three bytes", |hello| *hello.extension(43) = vec![3, 4, 0]),
        malformed("4.2.1", "a list of selected versions", |hello| *hello.extension(43) = vec![2, 3, 4]),
        hello(
            "4.2.1",
            "a hello without a selected version",
            |hello| hello.extensions.retain(|(kind, _)| *kind != 43),
            OlderVersion,
            PROTOCOL_VERSION,
        ),
        hello(
            "4.1.3",
            "a hello of TLS 1.2 with the mark of a server that was led to it",
            |hello| {
                hello.random[24..].copy_from_slice(b"DOWNGRD\x01");
                hello.extensions.retain(|(kind, _)| *kind != 43);
            },
            Downgraded,
            ILLEGAL_PARAMETER,
        ),
        hello(
            "4.1.3",
            "a hello of TLS 1.1 with the mark of a server that was led to it",
            |hello| {
                hello.legacy_version = 0x0302;
                hello.random[24..].copy_from_slice(b"DOWNGRD\x00");
                hello.extensions.clear();
            },
            Downgraded,
            ILLEGAL_PARAMETER,
        ),
        hello(
            "4.2.8",
            "a hello without a key share",
            |hello| hello.extensions.retain(|(kind, _)| *kind != 51),
            MissingExtension,
            MISSING_EXTENSION,
        ),
        illegal("4.2.8", "a share for X25519, not offered", |hello| {
            *hello.extension(51) = [&[0, 29, 0, 32][..], &[9; 32]].concat();
        }),
        illegal("4.2.8", "a share for P-384, not offered", |hello| hello.extension(51)[1] = 24),
        illegal("4.2.8.2", "a point that is not on the curve", |hello| *hello.extension(51).last_mut().unwrap() ^= 1),
        illegal("4.2.8.2", "a compressed point", |hello| {
            let point = hello.extension(51).clone();
            share(hello, &[&[2 + (point[68] & 1)], &point[5..37]].concat());
        }),
        illegal("4.2.8.2", "the point at infinity", |hello| share(hello, &[0])),
        illegal("4.2.8.2", "no point", |hello| share(hello, &[])),
        malformed("4.2.8", "bytes behind the key share", |hello| hello.extension(51).push(0)),
        illegal("4.2", "two key shares", |hello| {
            let twin = (51, hello.extension(51).clone());
            hello.extensions.push(twin);
        }),
        illegal("4.2", "two selected versions", |hello| hello.extensions.push((43, vec![3, 4]))),
        illegal("4.2", "a server name in the hello", |hello| hello.extensions.push((0, vec![]))),
        illegal("4.2", "groups in the hello", |hello| hello.extensions.push((10, vec![0, 2, 0, 23])))
            .rustls_differs("rustls passes over them"),
        illegal("4.2", "a cookie in the hello", |hello| hello.extensions.push((44, vec![0, 1, 7]))),
        unasked("a pre-shared key that was not offered", |hello| hello.extensions.push((41, vec![0, 0]))),
        unasked("an unknown extension in the hello", |hello| hello.extensions.push((0xfefe, vec![]))),
        unasked("renegotiation_info in a hello of TLS 1.3", |hello| hello.extensions.push((0xff01, vec![0]))),
        hello(
            "5.1",
            "a message behind the hello in its record",
            |hello| {
                hello.trailing = vec![8, 0, 0, 2, 0, 0];
            },
            UnexpectedMessage,
            UNEXPECTED_MESSAGE,
        ),
        hello("4", "EncryptedExtensions in the place of the hello", |hello| hello.kind = 8, UnexpectedMessage, 10),
        hello("4", "a ClientHello in the place of the hello", |hello| hello.kind = 1, UnexpectedMessage, 10),
        hello("5.1", "a hello in two records", |hello| hello.is_split = true, SplitMessage, INTERNAL_ERROR)
            .rustls_differs(UNABLE),
    ]
}

fn retry(hello: &mut Hello, extensions: &[(u16, &[u8])]) {
    hello.random = RETRY;
    hello.extensions.truncate(1);
    hello.extensions.extend(extensions.iter().map(|(kind, content)| (*kind, content.to_vec())));
}

fn retries() -> Vec<Row> {
    use TlsError::{HelloRetry, IllegalParameter, KeyExchangeRefused, OlderVersion, UnsupportedExtension};
    let retry_row = |section, what, change, error, alert| hello(section, what, change, error, alert);
    vec![
        retry_row(
            "4.2.8",
            "a retry for a group that was not offered",
            |hello| retry(hello, &[(51, &[0, 29])]),
            KeyExchangeRefused,
            ILLEGAL_PARAMETER,
        ),
        retry_row(
            "4.2.8",
            "a retry for the group of the share that was sent",
            |hello| retry(hello, &[(51, &[0, 23])]),
            IllegalParameter,
            ILLEGAL_PARAMETER,
        ),
        retry_row(
            "4.1.4",
            "a retry that changes nothing",
            |hello| retry(hello, &[]),
            IllegalParameter,
            ILLEGAL_PARAMETER,
        ),
        retry_row(
            "4.1.4",
            "a retry with a cookie",
            |hello| retry(hello, &[(44, &[0, 1, 7])]),
            HelloRetry,
            HANDSHAKE_FAILURE,
        ),
        retry_row(
            "4.1.4",
            "a retry with another suite than was offered",
            |hello| {
                retry(hello, &[(44, &[0, 1, 7])]);
                hello.cipher_suite = 0x1303;
            },
            IllegalParameter,
            ILLEGAL_PARAMETER,
        ),
        retry_row(
            "4.1.4",
            "a retry with the echo of another session",
            |hello| {
                retry(hello, &[(44, &[0, 1, 7])]);
                hello.session_id_echo = vec![5];
            },
            IllegalParameter,
            ILLEGAL_PARAMETER,
        ),
        retry_row(
            "4.1.4",
            "a retry without a version",
            |hello| {
                retry(hello, &[(44, &[0, 1, 7])]);
                hello.extensions.remove(0);
            },
            OlderVersion,
            PROTOCOL_VERSION,
        ),
        retry_row(
            "4.1.4",
            "a retry with an unknown extension",
            |hello| retry(hello, &[(0xfefe, &[])]),
            UnsupportedExtension,
            UNSUPPORTED_EXTENSION,
        ),
        retry_row(
            "4.2",
            "a retry with two cookies",
            |hello| retry(hello, &[(44, &[0, 1, 7]), (44, &[0, 1, 7])]),
            IllegalParameter,
            ILLEGAL_PARAMETER,
        ),
        retry_row(
            "4.1.4",
            "a second retry",
            |hello| {
                retry(hello, &[(44, &[0, 1, 7])]);
                let mut message = vec![2, 0, 0, 54, 3, 3];
                message.extend(RETRY);
                message.extend([0, 0x13, 0x01, 0, 0, 14, 0, 43, 0, 2, 3, 4, 0, 44, 0, 4, 0, 2, 7, 7]);
                hello.before = plain(22, [3, 3], &message);
            },
            HelloRetry,
            HANDSHAKE_FAILURE,
        ),
    ]
}

fn records_before_the_hello() -> Vec<Row> {
    use TlsError::{Alert, MalformedMessage, RecordTooLarge, UnexpectedRecord};
    fn before(section: &'static str, what: &'static str, change: fn(&mut Hello), error: TlsError, alert: u8) -> Row {
        hello(section, what, change, error, alert)
    }
    let told =
        |section, what, change, alert| Row { hello: change, ..Row::good(section, what).refused(Alert(Some(alert))) };
    let unexpected =
        |section, what, change, kind| before(section, what, change, UnexpectedRecord(kind), UNEXPECTED_MESSAGE);
    vec![
        legal_hello("5", "a change of cipher specs before the hello", |hello| hello.before = CHANGE.to_vec())
            .rustls_differs("rustls takes one only after the hello"),
        unexpected("5", "a change of cipher specs to 2", |hello| hello.before = plain(20, [3, 3], &[2]), 20),
        unexpected(
            "5",
            "a change of cipher specs of two bytes",
            |hello| {
                hello.before = plain(20, [3, 3], &[1, 1]);
            },
            20,
        ),
        unexpected("5", "a change of cipher specs without content", |hello| hello.before = plain(20, [3, 3], &[]), 20),
        unexpected("5", "a flood of changes of cipher specs", |hello| hello.before = CHANGE.repeat(3), 20),
        unexpected("5.1", "a handshake record without content", |hello| hello.before = plain(22, [3, 3], &[]), 22),
        unexpected("5.1", "data before the hello", |hello| hello.before = plain(23, [3, 3], &[0; 20]), 23),
        unexpected("5.1", "half an alert", |hello| hello.before = plain(21, [3, 3], &[2]), 21),
        unexpected("5.1", "two alerts in a record", |hello| hello.before = plain(21, [3, 3], &[1, 90, 1, 0]), 21),
        before(
            "5.1",
            "a record above 16 KiB",
            |hello| {
                hello.before = plain(22, [3, 3], &[2; (1 << 14) + 1]);
            },
            RecordTooLarge(16_385),
            RECORD_OVERFLOW,
        ),
        before(
            "5.1",
            "a hello's record above 8 KiB",
            |hello| {
                hello.before = plain(22, [3, 3], &[2; 9_000]);
            },
            RecordTooLarge(9_000),
            INTERNAL_ERROR,
        ),
        before(
            "4",
            "a hello of no length",
            |hello| {
                hello.before = plain(22, [3, 3], &[2, 0, 0, 0]);
            },
            MalformedMessage,
            DECODE_ERROR,
        ),
        told("6.1", "a goodbye before the hello", |hello| hello.before = plain(21, [3, 3], &[1, 0]), 0)
            .rustls_differs("rustls goes on with the handshake"),
        told("6.2", "an alert before the hello", |hello| hello.before = plain(21, [3, 3], &[2, 40]), 40),
        told("6", "an alert as a warning", |hello| hello.before = plain(21, [3, 3], &[1, 112]), 112)
            .rustls_differs("rustls passes over warnings"),
        told("6", "an unknown alert", |hello| hello.before = plain(21, [3, 3], &[2, 200]), 200),
        told("6", "an alert of an unknown level", |hello| hello.before = plain(21, [3, 3], &[7, 40]), 40),
    ]
}

fn order() -> Vec<Row> {
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

fn encrypted_extensions_messages() -> Vec<Row> {
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

fn certificates() -> Vec<Row> {
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

fn proofs() -> Vec<Row> {
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

fn requests() -> Vec<Row> {
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

fn records_in_the_handshake() -> Vec<Row> {
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

fn after_the_handshake() -> Vec<Row> {
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
