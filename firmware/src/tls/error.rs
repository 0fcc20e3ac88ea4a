//! Why a TLS connection failed, in the words of the serial log.

use core::fmt;

use embedded_io_async::{Error, ErrorKind};

use super::alert;

/// Why a TLS connection could not be opened, or broke. Reads well after "could not reach the cloud: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The host in the settings is neither a DNS name nor an IP address.
    #[error("the host is not a valid name")]
    InvalidHost,

    /// The server finished the handshake without showing a certificate.
    #[error("the server sent no certificate")]
    NoCertificate,
    /// The server showed a certificate, and no signature made with its key.
    #[error("the server did not prove that it has the certificate's key")]
    NoProof,
    /// The signature over the handshake is not the certificate's key's.
    #[error("the server's signature is not made with the certificate's key")]
    WrongProof,
    /// A message of the server's handshake came too early, too late or again.
    #[error("the server sent the handshake's messages out of order")]
    OutOfOrder,

    /// A certificate of the chain has expired; when, in seconds since 1970.
    #[error("certificate expired on {}", Day(*.0))]
    Expired(u64),
    /// A certificate of the chain is not valid yet; from when on it is, in seconds since 1970.
    #[error("certificate not yet valid, only from {} on", Day(*.0))]
    NotYetValid(u64),
    /// The certificate is for other names.
    #[error("certificate is for another host")]
    WrongHost,
    /// No chain of signatures leads to the trusted issuer.
    #[error("certificate is not from the trusted issuer (unknown issuer)")]
    UnknownIssuer,
    /// A certificate that signed another must not sign any.
    #[error("a certificate of the chain is not an authority, yet it signed another")]
    NotAnAuthority,
    /// The fingerprint in the settings is that of the server's own certificate.
    #[error("the trusted fingerprint is that of the server's own certificate, which is not an authority")]
    FingerprintOfServer,
    /// The server uses an authority's certificate as its own.
    #[error("the server's certificate is an authority's")]
    AuthorityAsServer,
    /// The certificate is for other purposes than being a server.
    #[error("certificate is not meant for servers")]
    WrongPurpose,
    /// A signature in the chain is not the issuer's.
    #[error("a certificate of the chain is forged: its signature is wrong")]
    ForgedCertificate,
    /// A key or signature is not P-256 or RSA with 2048 bits, with SHA-256.
    #[error("a certificate's key or signature is of a kind this device cannot check")]
    UnsupportedSignature,
    /// An authority's limits (path length, names) do not allow this certificate.
    #[error("an authority of the chain may not issue this certificate")]
    NotPermitted,
    /// The chain has more certificates than this device accepts.
    #[error("the certificate chain is too long")]
    ChainTooLong,
    /// A certificate is not well-formed, or demands what is not known.
    #[error("certificate is malformed")]
    MalformedCertificate,

    /// A record does not fit the read buffer; its length in bytes.
    #[error("record of {0} bytes is larger than the buffer of {max}", max = super::READ_BUFFER)]
    RecordTooLarge(u16),
    /// An encrypted record without content; its length in bytes.
    #[error("encrypted record of {0} bytes is too short")]
    RecordTooShort(u16),
    /// A record of a kind that has no place here; its content type.
    #[error("unexpected record of type {0}")]
    UnexpectedRecord(u8),
    /// The answer is not TLS.
    #[error("the server does not speak TLS")]
    NotTls,
    /// A record that was changed on its way, or made with another key.
    #[error("a record does not decrypt")]
    BadRecord,
    /// A message of a kind that has no place here.
    #[error("unexpected TLS message")]
    UnexpectedMessage,
    /// A handshake message was spread over several records, which `embedded-tls` does not put together.
    #[error("handshake failed: a message is split over records")]
    SplitMessage,
    /// A value in a message that was not offered, or that TLS does not allow there.
    #[error("handshake failed: the server sent a value that has no place there (illegal parameter)")]
    IllegalParameter,
    /// An extension that answers nothing this device asked for.
    #[error("handshake failed: the server answered what was not asked (unsupported extension)")]
    UnsupportedExtension,
    /// An extension that TLS 1.3 requires is not there.
    #[error("handshake failed: the server left out a required extension")]
    MissingExtension,
    /// The server chose an older version of TLS.
    #[error("the server does not speak TLS 1.3")]
    OlderVersion,
    /// The server speaks TLS 1.3, and was led to choose an older version.
    #[error("handshake failed: somebody made the server choose an older version than TLS 1.3")]
    Downgraded,
    /// The server wants another hello, with a cookie in it.
    #[error("handshake failed: the server wants it begun again, which this device cannot do")]
    HelloRetry,
    /// The server goes on with new keys.
    #[error("the server changes its keys, which this device cannot follow")]
    KeyUpdate,
    /// The server wants another key exchange than P-256.
    #[error("handshake failed: the server does not accept P-256 key exchange")]
    KeyExchangeRefused,
    /// The server broke off; the alert's description (RFC 8446 §6), if it could be read.
    #[error("the server broke off the connection{}", AlertName(*.0))]
    Alert(Option<u8>),
    /// Client and server did not see the same handshake.
    #[error("handshake failed: messages were changed on their way")]
    HandshakeChanged,
    /// Anything else that is wrong with the handshake's messages.
    #[error("handshake failed: malformed message")]
    MalformedMessage,

    /// The peer went away during the handshake, or in the middle of a record.
    #[error("the server closed the connection too early")]
    Closed,
    /// The transport failed.
    #[error("the connection failed ({0})")]
    Transport(ErrorKind),
    /// Something was written to or read from a connection that is over.
    #[error("the connection is closed")]
    NotOpen,
}

/// More than a record in plaintext may hold (RFC 8446 §5.1).
const OVERFLOW: u16 = (1 << 14) + 1;

impl TlsError {
    /// The alert that tells a server why its hello is refused (RFC 8446 §6.2), if one does.
    pub(super) fn alert(self) -> Option<u8> {
        match self {
            Self::UnexpectedMessage | Self::UnexpectedRecord(_) | Self::OutOfOrder => Some(alert::UNEXPECTED_MESSAGE),
            Self::IllegalParameter | Self::Downgraded | Self::KeyExchangeRefused => Some(alert::ILLEGAL_PARAMETER),
            Self::UnsupportedExtension => Some(alert::UNSUPPORTED_EXTENSION),
            Self::MissingExtension => Some(alert::MISSING_EXTENSION),
            Self::OlderVersion => Some(alert::PROTOCOL_VERSION),
            Self::MalformedMessage => Some(alert::DECODE_ERROR),
            Self::RecordTooLarge(OVERFLOW..) => Some(alert::RECORD_OVERFLOW),
            Self::HelloRetry => Some(alert::HANDSHAKE_FAILURE),
            // What TLS allows and this device cannot do.
            Self::SplitMessage | Self::RecordTooLarge(_) | Self::KeyUpdate => Some(alert::INTERNAL_ERROR),
            // The server has broken off itself, or cannot hear.
            Self::NotTls | Self::Alert(_) | Self::Closed | Self::Transport(_) | Self::NotOpen => None,
            // What comes to light only when keys are agreed.
            Self::InvalidHost
            | Self::NoCertificate
            | Self::NoProof
            | Self::WrongProof
            | Self::Expired(_)
            | Self::NotYetValid(_)
            | Self::WrongHost
            | Self::UnknownIssuer
            | Self::NotAnAuthority
            | Self::FingerprintOfServer
            | Self::AuthorityAsServer
            | Self::WrongPurpose
            | Self::ForgedCertificate
            | Self::UnsupportedSignature
            | Self::NotPermitted
            | Self::ChainTooLong
            | Self::MalformedCertificate
            | Self::RecordTooShort(_)
            | Self::BadRecord
            | Self::HandshakeChanged => None,
        }
    }
}

impl Error for TlsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Transport(kind) => *kind,
            Self::Closed | Self::Alert(_) => ErrorKind::ConnectionAborted,
            Self::NotOpen => ErrorKind::NotConnected,
            _ => ErrorKind::InvalidData,
        }
    }
}

impl From<webpki::Error> for TlsError {
    fn from(error: webpki::Error) -> Self {
        use webpki::Error::*;
        match error {
            CertExpired { not_after, .. } => Self::Expired(not_after.as_secs()),
            CertNotValidYet { not_before, .. } => Self::NotYetValid(not_before.as_secs()),
            CertNotValidForName(_) => Self::WrongHost,
            UnknownIssuer => Self::UnknownIssuer,
            EndEntityUsedAsCa => Self::NotAnAuthority,
            CaUsedAsEndEntity => Self::AuthorityAsServer,
            RequiredEkuNotFoundContext(_) | EmptyEkuExtension => Self::WrongPurpose,
            InvalidSignatureForPublicKey => Self::ForgedCertificate,
            UnsupportedSignatureAlgorithmContext(_) | UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
                Self::UnsupportedSignature
            }
            NameConstraintViolation | PathLenConstraintViolated | CertDistrusted => Self::NotPermitted,
            MaximumPathDepthExceeded
            | MaximumPathBuildCallsExceeded
            | MaximumSignatureChecksExceeded
            | MaximumNameConstraintComparisonsExceeded => Self::ChainTooLong,
            _ => Self::MalformedCertificate,
        }
    }
}

/// A point in time as its day.
struct Day(u64);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = i64::try_from(self.0).ok().and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
        match time {
            Some(time) => write!(f, "{}", time.date_naive()),
            None => f.write_str("a day beyond the calendar"),
        }
    }
}

/// An alert's description as RFC 8446 §6 names it.
struct AlertName(Option<u8>);

impl fmt::Display for AlertName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(number) = self.0 else { return Ok(()) };
        match alert::name(number) {
            Some(name) => write!(f, ": {name}"),
            None => write!(f, ": alert {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn messages_name_day_size_and_alert() {
        assert_eq!(TlsError::Expired(1_767_225_600).to_string(), "certificate expired on 2026-01-01");
        assert_eq!(TlsError::Expired(u64::MAX).to_string(), "certificate expired on a day beyond the calendar");
        assert_eq!(
            TlsError::RecordTooLarge(16_401).to_string(),
            "record of 16401 bytes is larger than the buffer of 8192"
        );
        assert_eq!(TlsError::Alert(Some(40)).to_string(), "the server broke off the connection: handshake failure");
        assert_eq!(TlsError::Alert(Some(200)).to_string(), "the server broke off the connection: alert 200");
        assert_eq!(TlsError::Alert(None).to_string(), "the server broke off the connection");
    }
}
