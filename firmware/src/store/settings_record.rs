//! The settings as bytes.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | format version, now 2 |
//! | 1 | 1 | bit 0: TLS, bit 1: DHT11 rather than DHT22, bit 2: the issuer is a fingerprint |
//! | 2 | 2 | port, little endian |
//! | 4 | 4 | interval in seconds, little endian |
//! | 8 | 32 | fingerprint, or zeros |
//! | 40 | | network, passphrase, write key, host: each a length byte and that many bytes of UTF-8 |
//!
//! The record around it has length, number and checksum. Reading goes through [`Settings::parse`], so that what leaves
//! flash is as valid as what enters it.

use core::fmt::{self, Write};

use heapless::String;

use super::Unreadable;
use crate::settings::{Field, Fields, SensorKind, Settings, TrustedIssuer};

pub(super) const VERSION: u8 = 2;
const TLS: u8 = 1 << 0;
const DHT11: u8 = 1 << 1;
const FINGERPRINT: u8 = 1 << 2;
const STRINGS_AT: usize = 40;
/// The strings' fields, with room enough for each: 1 + 32, 1 + 64, 1 + 16, 1 + 64 bytes.
const STRINGS: [Field; 4] = [Field::Network, Field::Passphrase, Field::WriteKey, Field::Host];

/// Most bytes of the contents.
pub(super) const LENGTH: usize = 220;

/// Writes the record's contents and returns their length.
pub(super) fn write(settings: &Settings, contents: &mut [u8]) -> usize {
    let (issuer_flag, fingerprint) = match settings.trusted_issuer() {
        TrustedIssuer::DigiCert => (0, [0; 32]),
        TrustedIssuer::Fingerprint(sha256) => (FINGERPRINT, sha256),
    };
    let tls_flag = if settings.tls() { TLS } else { 0 };
    let sensor_flag = if settings.sensor() == SensorKind::Dht11 { DHT11 } else { 0 };
    contents[0] = VERSION;
    contents[1] = tls_flag | sensor_flag | issuer_flag;
    contents[2..4].copy_from_slice(&settings.port().to_le_bytes());
    contents[4..8].copy_from_slice(&settings.interval().to_le_bytes());
    contents[8..STRINGS_AT].copy_from_slice(&fingerprint);
    let mut at = STRINGS_AT;
    for string in [settings.network(), settings.passphrase(), settings.write_key(), settings.host()] {
        contents[at] = u8::try_from(string.len()).expect("settings hold strings of at most 64 bytes");
        contents[at + 1..][..string.len()].copy_from_slice(string.as_bytes());
        at += 1 + string.len();
    }
    at
}

/// Reads a record's contents.
pub(super) fn read(contents: &[u8]) -> Result<Settings, Unreadable> {
    match contents.first() {
        Some(&VERSION) => decode(contents).ok_or(Unreadable::Content),
        Some(&version) => Err(Unreadable::Version(version)),
        None => Err(Unreadable::Content),
    }
}

fn decode(contents: &[u8]) -> Option<Settings> {
    let (head, mut rest) = contents.split_at_checked(STRINGS_AT)?;
    let flags = head[1];
    let port: String<5> = written(format_args!("{}", u16::from_le_bytes(*head[2..].first_chunk()?)))?;
    let interval: String<10> = written(format_args!("{}", u32::from_le_bytes(*head[4..].first_chunk()?)))?;
    let mut issuer: String<64> = String::new();
    if flags & FINGERPRINT != 0 {
        head[8..].iter().try_for_each(|byte| write!(issuer, "{byte:02x}")).ok()?;
    } else {
        issuer.push_str("digicert").ok()?;
    }
    let mut fields = Fields {
        port: &port,
        interval: &interval,
        trusted_issuer: &issuer,
        tls: if flags & TLS != 0 { "on" } else { "off" },
        sensor: if flags & DHT11 != 0 { SensorKind::Dht11.name() } else { SensorKind::Dht22.name() },
        ..Fields::default()
    };
    for field in STRINGS {
        let (&length, tail) = rest.split_first()?;
        let (string, tail) = tail.split_at_checked(length.into())?;
        fields.set(field, core::str::from_utf8(string).ok()?);
        rest = tail;
    }
    if rest.is_empty() { Settings::parse(&fields).ok() } else { None }
}

fn written<const N: usize>(arguments: fmt::Arguments<'_>) -> Option<String<N>> {
    let mut string = String::new();
    string.write_fmt(arguments).ok()?;
    Some(string)
}
