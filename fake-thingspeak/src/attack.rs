//! What an attacker does who answers over TLS in the cloud's place.
//!
//! Two of the attacks are correct TLS with a certificate that must not be believed
//! ([`certificates`](crate::certificates)); the others break the handshake itself
//! ([`flawed_handshake`](crate::flawed_handshake)).

use crate::certificates::Kind;
use crate::flawed_handshake::Flaw;
use crate::vocabulary;

vocabulary! {
    /// What an attacker in the cloud's place does.
    pub enum Attack {
        /// Speaks correct TLS, with a certificate for the right name from an unknown authority.
        ForgedCertificate: "forged-certificate",
            "Shows a certificate with the right name, signed by an authority of their own.";
        /// Sends no certificate at all.
        NoCertificate: "no-certificate",
            "Leaves out Certificate and CertificateVerify.";
        /// Sends the cloud's own certificate, which anybody can copy, but does not prove that it has the key.
        NoCertificateVerify: "no-certificate-verify",
            "Shows the cloud's certificate and leaves out CertificateVerify.";
        /// Signs a certificate for the right name with another server's good certificate.
        LeafSignedLeaf: "leaf-signed-leaf",
            "Shows a certificate signed by a good certificate that is no authority's.";
        /// Sends an encrypted record with nothing in it, not even a content type (RFC 8446 §5.4 forbids it).
        EmptyRecord: "empty-record",
            "Sends an encrypted record with nothing in it.";
        /// Splits the certificate message over two records: correct TLS that few small clients can read. It has a good
        /// certificate, so that nothing else is wrong.
        SplitMessage: "split-message",
            "Splits a handshake message over two records, which TLS allows.";
        /// Pads a record to more than 8 KiB: correct TLS, but more than a small client has room for. It has a good
        /// certificate, so that nothing else is wrong.
        OversizedRecord: "oversized-record",
            "Sends a record of more than 8 KiB, which TLS allows and the device has no room for.";
    }
}

/// By what an attack is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// By correct TLS with such a certificate.
    Certificate(Kind),
    /// By a handshake with such a flaw, with a good certificate or a copy of it.
    Handshake(Flaw),
}

impl Attack {
    /// By what it is carried out.
    pub const fn means(self) -> Means {
        match self {
            Self::ForgedCertificate => Means::Certificate(Kind::Forged),
            Self::NoCertificate => Means::Handshake(Flaw::NoCertificate),
            Self::NoCertificateVerify => Means::Handshake(Flaw::NoCertificateVerify),
            Self::LeafSignedLeaf => Means::Certificate(Kind::LeafSignedLeaf),
            Self::EmptyRecord => Means::Handshake(Flaw::EmptyRecord),
            Self::SplitMessage => Means::Handshake(Flaw::SplitMessage),
            Self::OversizedRecord => Means::Handshake(Flaw::OversizedRecord),
        }
    }
}
