//! What the owner sets: network, passphrase, key and the advanced part.

use heapless::String;

/// The settings of a yellow duck.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Network name (SSID), 1 to 32 bytes.
    pub network: String<32>,
    /// Empty (open network), 8 to 63 bytes, or 64 hexadecimal digits.
    pub passphrase: String<64>,
    /// ThingSpeak write key, 16 of `0-9A-Z`.
    pub write_key: String<16>,
    /// Server name.
    pub host: String<64>,
    /// Server port.
    pub port: u16,
    /// Whether to use TLS.
    pub tls: bool,
    /// Whom to trust to vouch for the server.
    pub trusted_issuer: TrustedIssuer,
    /// Seconds between readings, 15 to 86,400.
    pub interval: u32,
    /// The sensor on the data pin.
    pub sensor: SensorKind,
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
