//! The settings as words: the names of the fields, the check of each, and what can be wrong with it.
//!
//! Data comes in as [`Fields`], one string a field, from a form or a scenario file, and goes out as the checked parts
//! of [`Settings`](super::Settings). Spaces around what is pasted rather than chosen (key, host, numbers, fingerprint)
//! are dropped; names and passphrases are taken as they stand, for both may begin or end with a space.
//!
//! Passphrases follow IEEE 802.11-2020 annex J.4 (8 to 63 characters, or 64 hexadecimal digits), with the usual
//! extension that a character may be UTF-8 and then counts by its bytes.

use core::fmt;
use core::num::NonZeroU16;

use heapless::String;
use thiserror::Error;

use super::{LONGEST_INTERVAL, SHORTEST_INTERVAL, SensorKind, TrustedIssuer};

/// A field of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Network name (SSID).
    Network,
    /// The network's passphrase.
    Passphrase,
    /// ThingSpeak write key.
    WriteKey,
    /// Server name.
    Host,
    /// Server port.
    Port,
    /// Whether to use TLS.
    Tls,
    /// Whom to trust.
    TrustedIssuer,
    /// Seconds between readings.
    Interval,
    /// The sensor on the data pin.
    Sensor,
}

impl Field {
    /// All fields, in the order of the form.
    pub const ALL: [Self; 9] = [
        Self::Network,
        Self::Passphrase,
        Self::WriteKey,
        Self::Host,
        Self::Port,
        Self::Tls,
        Self::TrustedIssuer,
        Self::Interval,
        Self::Sensor,
    ];

    /// The field's name in the form and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Passphrase => "passphrase",
            Self::WriteKey => "write-key",
            Self::Host => "host",
            Self::Port => "port",
            Self::Tls => "tls",
            Self::TrustedIssuer => "trusted-issuer",
            Self::Interval => "interval",
            Self::Sensor => "sensor",
        }
    }

    /// The field of that name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name().as_bytes() == name)
    }
}

/// The settings as words, unchecked. The default has the advanced part as a new duck has it, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fields<'a> {
    /// Network name (SSID), 1 to 32 bytes.
    pub network: &'a str,
    /// Empty for an open network, 8 to 63 bytes, or 64 hexadecimal digits.
    pub passphrase: &'a str,
    /// 16 of `0-9A-Z`.
    pub write_key: &'a str,
    /// Server name or IPv4 address, up to 64 bytes.
    pub host: &'a str,
    /// 1 to 65535.
    pub port: &'a str,
    /// `on` or `off`; `true`, `yes`, `1` and `false`, `no`, `0` are taken, too.
    pub tls: &'a str,
    /// `digicert`, or 64 hexadecimal digits with or without colons.
    pub trusted_issuer: &'a str,
    /// Seconds between readings, 15 to 86400.
    pub interval: &'a str,
    /// `DHT22` or `DHT11`.
    pub sensor: &'a str,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self {
            network: "",
            passphrase: "",
            write_key: "",
            host: "api.thingspeak.com",
            port: "443",
            tls: "on",
            trusted_issuer: "digicert",
            interval: "300",
            sensor: "DHT22",
        }
    }
}

impl<'a> Fields<'a> {
    /// The words of a field.
    pub fn get(&self, field: Field) -> &'a str {
        match field {
            Field::Network => self.network,
            Field::Passphrase => self.passphrase,
            Field::WriteKey => self.write_key,
            Field::Host => self.host,
            Field::Port => self.port,
            Field::Tls => self.tls,
            Field::TrustedIssuer => self.trusted_issuer,
            Field::Interval => self.interval,
            Field::Sensor => self.sensor,
        }
    }

    /// Replaces the words of a field.
    pub fn set(&mut self, field: Field, words: &'a str) {
        *match field {
            Field::Network => &mut self.network,
            Field::Passphrase => &mut self.passphrase,
            Field::WriteKey => &mut self.write_key,
            Field::Host => &mut self.host,
            Field::Port => &mut self.port,
            Field::Tls => &mut self.tls,
            Field::TrustedIssuer => &mut self.trusted_issuer,
            Field::Interval => &mut self.interval,
            Field::Sensor => &mut self.sensor,
        } = words;
    }
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FieldError {
    /// The form did not have the field.
    #[error("missing")]
    Missing,
    /// The field needs a value.
    #[error("must not be empty")]
    Empty,
    /// A network name longer than 32 bytes.
    #[error("longer than 32 bytes")]
    NameTooLong,
    /// Control characters in a name or passphrase.
    #[error("contains a control character")]
    ControlCharacter,
    /// A passphrase that no access point can have.
    #[error("must be 8 to 63 characters, 64 hexadecimal digits, or empty for an open network")]
    Passphrase,
    /// Not a write key.
    #[error("must be 16 digits and capital letters")]
    WriteKey,
    /// Not a host name.
    #[error("must be a host name of at most 64 letters, digits, dots and hyphens")]
    Host,
    /// Not a port.
    #[error("must be a number from 1 to 65535")]
    Port,
    /// Neither on nor off.
    #[error("must be on or off")]
    Switch,
    /// Not an issuer.
    #[error("must be digicert, or the 64 hexadecimal digits of a certificate's SHA-256")]
    TrustedIssuer,
    /// Not an interval.
    #[error("must be a number of seconds from 15 to 86400")]
    Interval,
    /// Not a sensor.
    #[error("must be DHT22 or DHT11")]
    Sensor,
}

/// The fields that are wrong, at least one unless just made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors([Option<FieldError>; Field::ALL.len()]);

impl FieldErrors {
    /// What is wrong with `field`; `None` if nothing is.
    pub fn get(&self, field: Field) -> Option<FieldError> {
        self.0[field as usize]
    }

    /// Sets what is wrong with `field`, in place of an earlier reason.
    pub fn set(&mut self, field: Field, error: FieldError) {
        self.0[field as usize] = Some(error);
    }

    /// The wrong fields in the order of the form.
    pub fn iter(&self) -> impl Iterator<Item = (Field, FieldError)> + '_ {
        Field::ALL.into_iter().filter_map(|field| Some((field, self.get(field)?)))
    }

    /// Whether no field is wrong.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Keeps the error of a field's check, if it failed.
    pub(super) fn note<T>(&mut self, field: Field, checked: Result<T, FieldError>) -> Option<T> {
        checked.map_err(|error| self.set(field, error)).ok()
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (field, error)) in self.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(f, "{separator}{} {error}", field.name())?;
        }
        Ok(())
    }
}

impl core::error::Error for FieldErrors {}

pub(super) fn network(words: &str) -> Result<String<32>, FieldError> {
    if words.is_empty() {
        Err(FieldError::Empty)
    } else if words.contains(char::is_control) {
        Err(FieldError::ControlCharacter)
    } else {
        String::try_from(words).map_err(|_| FieldError::NameTooLong)
    }
}

pub(super) fn passphrase(words: &str) -> Result<String<64>, FieldError> {
    if words.contains(char::is_control) {
        return Err(FieldError::ControlCharacter);
    }
    match words.len() {
        0 | 8..=63 => {}
        64 if words.bytes().all(|byte| byte.is_ascii_hexdigit()) => {}
        _ => return Err(FieldError::Passphrase),
    }
    String::try_from(words).map_err(|_| FieldError::Passphrase)
}

pub(super) fn write_key(words: &str) -> Result<String<16>, FieldError> {
    let words = words.trim();
    if words.is_empty() {
        return Err(FieldError::Empty);
    }
    if words.len() != 16 || !words.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) {
        return Err(FieldError::WriteKey);
    }
    String::try_from(words).map_err(|_| FieldError::WriteKey)
}

pub(super) fn host(words: &str) -> Result<String<64>, FieldError> {
    let words = words.trim();
    let is_label = |label: &str| {
        matches!(label.len(), 1..=63)
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if words.is_empty() {
        return Err(FieldError::Empty);
    }
    if !words.split('.').all(is_label) {
        return Err(FieldError::Host);
    }
    String::try_from(words).map_err(|_| FieldError::Host)
}

pub(super) fn port(words: &str) -> Result<NonZeroU16, FieldError> {
    number(words).and_then(|port| NonZeroU16::new(port.try_into().ok()?)).ok_or(FieldError::Port)
}

pub(super) fn switch(words: &str) -> Result<bool, FieldError> {
    match words.trim() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(FieldError::Switch),
    }
}

pub(super) fn issuer(words: &str) -> Result<TrustedIssuer, FieldError> {
    let words = words.trim();
    if words.eq_ignore_ascii_case("digicert") {
        return Ok(TrustedIssuer::DigiCert);
    }
    let mut sha256 = [0; 32];
    let mut digits = words.bytes().filter(|&byte| byte != b':').map(|byte| char::from(byte).to_digit(16));
    let mut digit = || digits.next().flatten().and_then(|digit| u8::try_from(digit).ok());
    for byte in &mut sha256 {
        *byte = digit().zip(digit()).map(|(high, low)| high << 4 | low).ok_or(FieldError::TrustedIssuer)?;
    }
    if digits.next().is_some() {
        return Err(FieldError::TrustedIssuer);
    }
    Ok(TrustedIssuer::Fingerprint(sha256))
}

pub(super) fn interval(words: &str) -> Result<u32, FieldError> {
    number(words).filter(|seconds| (SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(seconds)).ok_or(FieldError::Interval)
}

pub(super) fn sensor(words: &str) -> Result<SensorKind, FieldError> {
    [SensorKind::Dht22, SensorKind::Dht11]
        .into_iter()
        .find(|kind| kind.name().eq_ignore_ascii_case(words.trim()))
        .ok_or(FieldError::Sensor)
}

/// A whole number in decimal digits, nothing else around it but spaces.
fn number(words: &str) -> Option<u32> {
    let words = words.trim();
    if !words.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    words.parse().ok()
}
