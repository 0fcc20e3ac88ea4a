//! From the certificates a server sends to "it is who it should be, and this is its key".
//!
//! `webpki` builds the path: names, validity, authority or not, path length, name constraints, extended key usage. It would
//! check all of a path's signatures in one go; a signature takes a second on the chip and the watchdog waits for no more
//! than six, so the signatures are checked here, for each path that `webpki` proposes (`verify_path`), with the caller's
//! hook between them. To `webpki` itself every signature looks good: [`Deferred`]. No path is accepted without passing
//! [`Path::check`].
//!
//! A trusted fingerprint names a certificate that the server sends along. It is taken for an intermediate whose issuer is
//! beyond question, so that it has to be an authority, valid and within its limits like any other, and its own signature
//! alone is not looked at.
//!
//! Not modelled: revocation, certificate transparency. RFC 5280 §6, RFC 6125.

use core::cell::Cell;

use heapless::Vec;
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, Der, InvalidSignature, ServerName, SignatureVerificationAlgorithm,
    TrustAnchor, UnixTime, alg_id,
};
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use super::der;
use super::error::TlsError;
use super::roots;
use super::signature::{MAX_KEY_INFO, Scheme, SignatureError};
use crate::settings::TrustedIssuer;

/// Certificates in a chain, the server's own included. Four is common; more would multiply the paths to try.
const MAX_CHAIN: usize = 5;
/// Signatures checked for one chain, over all paths that are tried.
const MAX_CHECKS: u8 = 8;

/// The contents of a `SubjectPublicKeyInfo`.
pub(super) type KeyInfo = Vec<u8, MAX_KEY_INFO>;

/// What a server's certificates are held against.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    /// The server's name or address.
    pub(super) name: &'a ServerName<'a>,
    /// Who must have signed.
    pub(super) issuer: &'a TrustedIssuer,
    /// Seconds since 1970 at which certificates must be valid.
    pub(super) at: u64,
    /// Called before each signature check.
    pub(super) between_checks: &'a dyn Fn(),
}

/// Checks a chain, the server's own certificate first, and returns that one's key.
///
/// # Errors
/// Why the server is not to be trusted.
pub(super) fn verify<'c>(
    certificates: impl Iterator<Item = &'c [u8]>,
    expected: &Expected<'_>,
) -> Result<KeyInfo, TlsError> {
    let mut chain = Vec::<CertificateDer<'c>, MAX_CHAIN>::new();
    for certificate in certificates {
        chain.push(CertificateDer::from_slice(certificate)).map_err(|_| TlsError::ChainTooLong)?;
    }
    let (server, others) = chain.split_first().ok_or(TlsError::NoCertificate)?;
    let end_entity = EndEntityCert::try_from(server)?;

    match expected.issuer {
        TrustedIssuer::DigiCert => {
            Path::new(None, expected).find(&end_entity, others, &roots::digicert())?;
        }
        TrustedIssuer::Fingerprint(fingerprint) => {
            if is_print_of(fingerprint, server) {
                return Err(TlsError::FingerprintOfServer);
            }
            let authority =
                others.iter().find(|other| is_print_of(fingerprint, other)).ok_or(TlsError::UnknownIssuer)?;
            let authority = EndEntityCert::try_from(authority)?;
            let beyond_question = TrustAnchor {
                subject: Der::from_slice(authority.issuer()),
                subject_public_key_info: Der::from_slice(NO_KEY_INFO),
                name_constraints: None,
            };
            Path::new(Some(fingerprint), expected).find(&end_entity, others, &[beyond_question])?;
        }
    }
    end_entity.verify_is_valid_for_subject_name(expected.name)?;

    // Only the parts of a certificate that an anchor has are public without an allocator, and the key is one of them.
    let anchor = webpki::anchor_from_trusted_cert(server)?;
    KeyInfo::from_slice(&anchor.subject_public_key_info).map_err(|_| TlsError::UnsupportedSignature)
}

fn is_print_of(fingerprint: &[u8; 32], certificate: &[u8]) -> bool {
    Sha256::digest(certificate).as_slice() == fingerprint
}

/// The search for a path, with what it remembers.
struct Path<'e> {
    fingerprint: Option<&'e [u8; 32]>,
    expected: &'e Expected<'e>,
    checks: Cell<u8>,
    /// A signature was of a kind that cannot be checked.
    unsupported: Cell<bool>,
}

impl<'e> Path<'e> {
    fn new(fingerprint: Option<&'e [u8; 32]>, expected: &'e Expected<'e>) -> Self {
        Self { fingerprint, expected, checks: Cell::new(0), unsupported: Cell::new(false) }
    }

    fn find(
        &self,
        end_entity: &EndEntityCert<'_>,
        others: &[CertificateDer<'_>],
        anchors: &[TrustAnchor<'_>],
    ) -> Result<(), TlsError> {
        let at = UnixTime::since_unix_epoch(core::time::Duration::from_secs(self.expected.at));
        let found = end_entity.verify_for_usage(
            &DEFERRED,
            anchors,
            others,
            at,
            KeyUsage::server_auth(),
            None,
            Some(&|path| self.check(path)),
        );
        match found {
            Ok(_) => Ok(()),
            Err(webpki::Error::InvalidSignatureForPublicKey) if self.unsupported.get() => {
                Err(TlsError::UnsupportedSignature)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Checks the signatures of a path, from the server's certificate up to what is trusted.
    fn check(&self, path: &VerifiedPath<'_>) -> Result<(), webpki::Error> {
        let is_trusted =
            |issuer: &CertificateDer<'_>| self.fingerprint.is_some_and(|fingerprint| is_print_of(fingerprint, issuer));
        if self.fingerprint.is_some() && !path.intermediate_certificates().any(|issuer| is_trusted(&issuer.der())) {
            return Err(webpki::Error::UnknownIssuer);
        }
        let mut subject = path.end_entity().der();
        for issuer in path.intermediate_certificates() {
            let issuer = issuer.der();
            let anchor = webpki::anchor_from_trusted_cert(&issuer)?;
            self.check_signature(&subject, &anchor.subject_public_key_info)?;
            if is_trusted(&issuer) {
                return Ok(());
            }
            subject = issuer;
        }
        // With a fingerprint the anchor's key is none, so even a path that got here would fail.
        self.check_signature(&subject, &path.anchor().subject_public_key_info)
    }

    fn check_signature(&self, certificate: &[u8], issuer_key: &[u8]) -> Result<(), webpki::Error> {
        if self.checks.get() == MAX_CHECKS {
            return Err(webpki::Error::MaximumSignatureChecksExceeded);
        }
        self.checks.set(self.checks.get() + 1);
        (self.expected.between_checks)();

        let signed = der::signed_certificate(certificate).ok_or(webpki::Error::BadDer)?;
        let outcome = match Scheme::of_certificate(signed.algorithm) {
            Some(scheme) => scheme.verify(issuer_key, signed.message, signed.signature),
            None => Err(SignatureError::Unsupported),
        };
        outcome.map_err(|error| {
            if error == SignatureError::Unsupported {
                self.unsupported.set(true);
            }
            webpki::Error::InvalidSignatureForPublicKey
        })
    }
}

/// A kind of signature that `webpki` may take for good, because [`Path::check`] looks at it afterwards.
#[derive(Debug)]
struct Deferred {
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
}

impl SignatureVerificationAlgorithm for Deferred {
    fn verify_signature(&self, _key: &[u8], _message: &[u8], _signature: &[u8]) -> Result<(), InvalidSignature> {
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

/// The key of an issuer whose signature is not looked at: a P-256 key without a point.
const NO_KEY_INFO: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07, 0x03, 0x01, 0x00,
];

const fn deferred(key: AlgorithmIdentifier, signature: AlgorithmIdentifier) -> Deferred {
    Deferred { key, signature }
}

/// What [`Scheme::of_certificate`] knows, and for an authority trusted by fingerprint (whose issuer has [`NO_KEY_INFO`])
/// whatever else it may have been signed with.
const DEFERRED: [&dyn SignatureVerificationAlgorithm; 11] = [
    &deferred(alg_id::ECDSA_P256, alg_id::ECDSA_SHA256),
    &deferred(alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA256),
    &deferred(alg_id::ECDSA_P256, alg_id::ECDSA_SHA384),
    &deferred(alg_id::ECDSA_P256, alg_id::ECDSA_SHA512),
    &deferred(alg_id::ECDSA_P256, alg_id::RSA_PKCS1_SHA256),
    &deferred(alg_id::ECDSA_P256, alg_id::RSA_PKCS1_SHA384),
    &deferred(alg_id::ECDSA_P256, alg_id::RSA_PKCS1_SHA512),
    &deferred(alg_id::ECDSA_P256, alg_id::RSA_PSS_SHA256),
    &deferred(alg_id::ECDSA_P256, alg_id::RSA_PSS_SHA384),
    &deferred(alg_id::ECDSA_P256, alg_id::RSA_PSS_SHA512),
    &deferred(alg_id::ECDSA_P256, alg_id::ED25519),
];
