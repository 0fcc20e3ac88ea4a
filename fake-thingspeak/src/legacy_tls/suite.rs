//! Versions and cipher suites.

use std::fmt;

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// RFC 2246.
    Tls10,
    /// RFC 4346.
    Tls11,
    /// RFC 5246.
    Tls12,
}

impl Version {
    /// The newest of these that a client speaks who offers `number`; `None` if that is before TLS 1.0.
    pub(super) fn of(number: u16) -> Option<Self> {
        match number {
            ..0x0301 => None,
            0x0301 => Some(Self::Tls10),
            0x0302 => Some(Self::Tls11),
            _ => Some(Self::Tls12),
        }
    }

    /// As it stands in messages and records.
    pub(super) fn bytes(self) -> [u8; 2] {
        match self {
            Self::Tls10 => [3, 1],
            Self::Tls11 => [3, 2],
            Self::Tls12 => [3, 3],
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
        })
    }
}

/// The hash of a record's HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MacHash {
    Sha1,
    Sha256,
}

impl MacHash {
    /// Bytes of the MAC, and of its key.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// A cipher suite with RSA key exchange and AES in CBC mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    /// Its number in the registry of IANA.
    pub number: u16,
    /// Its name there.
    pub name: &'static str,
    /// Bytes of the AES key.
    pub(super) key: usize,
    pub(super) mac: MacHash,
    /// The oldest version that has it.
    pub(super) since: Version,
}

impl Suite {
    /// All of them, the best first (RFC 5246 appendix A.5).
    pub const ALL: [Self; 4] = [
        Self::row(0x003D, "TLS_RSA_WITH_AES_256_CBC_SHA256", 32, MacHash::Sha256, Version::Tls12),
        Self::row(0x003C, "TLS_RSA_WITH_AES_128_CBC_SHA256", 16, MacHash::Sha256, Version::Tls12),
        Self::row(0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", 32, MacHash::Sha1, Version::Tls10),
        Self::row(0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA", 16, MacHash::Sha1, Version::Tls10),
    ];

    const fn row(number: u16, name: &'static str, key: usize, mac: MacHash, since: Version) -> Self {
        Self { number, name, key, mac, since }
    }

    /// The best that a client offers and `version` has.
    pub(super) fn choose(offered: &[u16], version: Version) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.since <= version && offered.contains(&suite.number))
    }
}
