//! One record of the store: the settings as bytes.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | format version, now 1 |
//! | 1 | 4 | sequence number, little endian; stays here in every version |
//! | 5 | 1 | bit 0: TLS, bit 1: DHT11 rather than DHT22, bit 2: the issuer is a fingerprint |
//! | 6 | 2 | port, little endian |
//! | 8 | 4 | interval in seconds, little endian |
//! | 12 | 32 | fingerprint, or zeros |
//! | 44 | | network, passphrase, write key, host: each a length byte and that many bytes of UTF-8 |
//!
//! The queue below adds length and checksum. Decoding goes through [`Settings::parse`], so that what leaves flash is as
//! valid as what enters it.

use core::fmt::{self, Write};

use heapless::String;

use crate::settings::{Field, Fields, SensorKind, Settings, TrustedIssuer};

const VERSION: u8 = 1;
const TLS: u8 = 1 << 0;
const DHT11: u8 = 1 << 1;
const FINGERPRINT: u8 = 1 << 2;
const STRINGS_AT: usize = 44;
/// The strings' fields, with room enough for each: 1 + 32, 1 + 64, 1 + 16, 1 + 64 bytes.
const STRINGS: [Field; 4] = [Field::Network, Field::Passphrase, Field::WriteKey, Field::Host];
/// Room for the longest record (224 bytes) and some of a later version, a multiple of any word size the store supports.
const CAPACITY: usize = 256;

/// Bytes aligned to the word size of the flash controller, which reads and writes whole words.
#[repr(align(4))]
pub(super) struct Aligned<const SIZE: usize>(pub [u8; SIZE]);

/// A buffer for one record.
pub(super) struct Record {
    bytes: Aligned<CAPACITY>,
    length: usize,
}

/// Why a whole record holds no settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Written in a format that this firmware does not know.
    Version(u8),
    /// Cut short or out of range.
    Content,
}

impl Record {
    pub(super) fn new() -> Self {
        Self { bytes: Aligned([0; CAPACITY]), length: 0 }
    }

    /// The whole buffer, for reading into; say with [`Record::read`] how much was read.
    pub(super) fn buffer(&mut self) -> &mut [u8] {
        &mut self.bytes.0
    }

    pub(super) fn read(&mut self, length: usize) {
        self.length = length.min(CAPACITY);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes.0[..self.length]
    }

    /// The record's number; `None` if it is too short to have one.
    pub(super) fn sequence(&self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.bytes().get(1..)?.first_chunk()?))
    }

    /// Makes this the record of `settings` with number `sequence`.
    pub(super) fn fill(&mut self, settings: &Settings, sequence: u32) {
        let (issuer_flag, fingerprint) = match settings.trusted_issuer() {
            TrustedIssuer::DigiCert => (0, [0; 32]),
            TrustedIssuer::Fingerprint(sha256) => (FINGERPRINT, sha256),
        };
        let tls_flag = if settings.tls() { TLS } else { 0 };
        let sensor_flag = if settings.sensor() == SensorKind::Dht11 { DHT11 } else { 0 };
        let bytes = &mut self.bytes.0;
        bytes[0] = VERSION;
        bytes[1..5].copy_from_slice(&sequence.to_le_bytes());
        bytes[5] = tls_flag | sensor_flag | issuer_flag;
        bytes[6..8].copy_from_slice(&settings.port().to_le_bytes());
        bytes[8..12].copy_from_slice(&settings.interval().to_le_bytes());
        bytes[12..STRINGS_AT].copy_from_slice(&fingerprint);
        let mut at = STRINGS_AT;
        for string in [settings.network(), settings.passphrase(), settings.write_key(), settings.host()] {
            bytes[at] = u8::try_from(string.len()).expect("settings hold strings of at most 64 bytes");
            bytes[at + 1..][..string.len()].copy_from_slice(string.as_bytes());
            at += 1 + string.len();
        }
        self.length = at;
    }

    /// The settings in this record.
    pub(super) fn settings(&self) -> Result<Settings, Unreadable> {
        match self.bytes().first() {
            Some(&VERSION) => self.decode().ok_or(Unreadable::Content),
            Some(&version) => Err(Unreadable::Version(version)),
            None => Err(Unreadable::Content),
        }
    }

    fn decode(&self) -> Option<Settings> {
        let (head, mut rest) = self.bytes().split_at_checked(STRINGS_AT)?;
        let flags = head[5];
        let port: String<5> = written(format_args!("{}", u16::from_le_bytes(*head[6..].first_chunk()?)))?;
        let interval: String<10> = written(format_args!("{}", u32::from_le_bytes(*head[8..].first_chunk()?)))?;
        let mut issuer: String<64> = String::new();
        if flags & FINGERPRINT != 0 {
            head[12..].iter().try_for_each(|byte| write!(issuer, "{byte:02x}")).ok()?;
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
}

fn written<const N: usize>(arguments: fmt::Arguments<'_>) -> Option<String<N>> {
    let mut string = String::new();
    string.write_fmt(arguments).ok()?;
    Some(string)
}
