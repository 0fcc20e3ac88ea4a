//! Up to the server's hello: what is refused here is refused with an alert. RFC 8446 §4.1, §4.2, §5.

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

/// A change in the server's hello, which the client refuses with an alert.
fn hello(section: &'static str, what: &'static str, change: fn(&mut Hello), error: TlsError, alert: u8) -> Row {
    Row { hello: change, ..Row::good(section, what).refused(error).alert(alert) }
}

fn legal_hello(section: &'static str, what: &'static str, change: fn(&mut Hello)) -> Row {
    Row { hello: change, ..Row::good(section, what) }
}

/// Another point than the server's own in its key share.
fn share(hello: &mut Hello, point: &[u8]) {
    let length = u16::try_from(point.len()).unwrap().to_be_bytes();
    *hello.extension(51) = [&[0, 23], &length[..], point].concat();
}

pub(super) fn hellos() -> Vec<Row> {
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

pub(super) fn retries() -> Vec<Row> {
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

pub(super) fn records_before_the_hello() -> Vec<Row> {
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
