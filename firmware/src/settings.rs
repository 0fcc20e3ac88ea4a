//! What the owner sets: network, passphrase, key and the advanced part.
//!
//! [`Settings`] can only be built valid: [`Settings::parse`] takes the words of a form (or of a scenario file) and
//! names every field that is wrong; the flash store decodes through the same checks. Past this module nobody checks
//! again.
//!
//! What is not checked: whether the network exists, the key belongs to a channel, or the server answers. That shows
//! when the duck runs.

mod fields;
#[cfg(test)]
mod tests;

use core::fmt;
use core::num::NonZeroU16;

use heapless::String;

use crate::board::Security;
pub use fields::{Field, FieldError, FieldErrors, Fields};

/// Readings may not come faster than this, in seconds: the cloud's limit for free channels.
pub const SHORTEST_INTERVAL: u32 = 15;
/// Readings may not come slower than this, in seconds: a day.
pub const LONGEST_INTERVAL: u32 = 24 * 60 * 60;

/// The settings of a yellow duck, valid by construction.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    network: String<32>,
    passphrase: String<64>,
    write_key: String<16>,
    host: String<64>,
    port: NonZeroU16,
    tls: bool,
    trusted_issuer: TrustedIssuer,
    interval: u32,
    sensor: SensorKind,
}

/// Whom to trust to vouch for the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedIssuer {
    /// The DigiCert roots that sign api.thingspeak.com.
    DigiCert,
    /// The certificate authority whose certificate has this SHA-256; the server must send it along.
    Fingerprint([u8; 32]),
}

/// The sensor on the data pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorKind {
    /// DHT22, also sold as AM2302.
    Dht22,
    /// DHT11.
    Dht11,
}

impl SensorKind {
    /// The name on the part.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dht22 => "DHT22",
            Self::Dht11 => "DHT11",
        }
    }
}

impl Settings {
    /// Checks every field and builds the settings.
    ///
    /// # Errors
    /// All the fields that are wrong, each with the reason.
    pub fn parse(fields: &Fields<'_>) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let network = errors.note(Field::Network, fields::network(fields.network));
        let passphrase = errors.note(Field::Passphrase, fields::passphrase(fields.passphrase));
        let write_key = errors.note(Field::WriteKey, fields::write_key(fields.write_key));
        let host = errors.note(Field::Host, fields::host(fields.host));
        let port = errors.note(Field::Port, fields::port(fields.port));
        let tls = errors.note(Field::Tls, fields::switch(fields.tls));
        let issuer = errors.note(Field::TrustedIssuer, fields::issuer(fields.trusted_issuer));
        let interval = errors.note(Field::Interval, fields::interval(fields.interval));
        let sensor = errors.note(Field::Sensor, fields::sensor(fields.sensor));
        match (network, passphrase, write_key, host, port, tls, issuer, interval, sensor) {
            (
                Some(network),
                Some(passphrase),
                Some(write_key),
                Some(host),
                Some(port),
                Some(tls),
                Some(trusted_issuer),
                Some(interval),
                Some(sensor),
            ) => Ok(Self { network, passphrase, write_key, host, port, tls, trusted_issuer, interval, sensor }),
            _ => Err(errors),
        }
    }

    /// Name (SSID) of the network to join, 1 to 32 bytes without control characters.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// The network's passphrase: empty (open network), 8 to 63 bytes, or 64 hexadecimal digits. Secret.
    pub fn passphrase(&self) -> &str {
        &self.passphrase
    }

    /// How the network is protected, as the radio wants to know it. Secret.
    pub fn security(&self) -> Security<'_> {
        if self.passphrase.is_empty() { Security::Open } else { Security::Wpa2(&self.passphrase) }
    }

    /// ThingSpeak write key, 16 of `0-9A-Z`. Secret.
    pub fn write_key(&self) -> &str {
        &self.write_key
    }

    /// The server's name or IPv4 address, 1 to 64 bytes.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The server's port.
    pub fn port(&self) -> u16 {
        self.port.get()
    }

    /// Whether to use TLS.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// Whom to trust to vouch for the server.
    pub fn trusted_issuer(&self) -> TrustedIssuer {
        self.trusted_issuer
    }

    /// Seconds between readings, [`SHORTEST_INTERVAL`] to [`LONGEST_INTERVAL`].
    pub fn interval(&self) -> u32 {
        self.interval
    }

    /// The sensor on the data pin.
    pub fn sensor(&self) -> SensorKind {
        self.sensor
    }

    /// Writes a field's value as [`Settings::parse`] takes it; nothing for a secret one.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_field(&self, field: Field, out: &mut dyn fmt::Write) -> fmt::Result {
        match field {
            Field::Network => out.write_str(&self.network),
            Field::Passphrase | Field::WriteKey => Ok(()),
            Field::Host => out.write_str(&self.host),
            Field::Port => write!(out, "{}", self.port),
            Field::Tls => out.write_str(if self.tls { "on" } else { "off" }),
            Field::TrustedIssuer => match &self.trusted_issuer {
                TrustedIssuer::DigiCert => out.write_str("digicert"),
                TrustedIssuer::Fingerprint(sha256) => sha256.iter().try_for_each(|byte| write!(out, "{byte:02x}")),
            },
            Field::Interval => write!(out, "{}", self.interval),
            Field::Sensor => out.write_str(self.sensor.name()),
        }
    }
}

/// Everything but the secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("network", &self.network)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("trusted_issuer", &self.trusted_issuer)
            .field("interval", &self.interval)
            .field("sensor", &self.sensor)
            .finish_non_exhaustive()
    }
}
