//! From the certificates a server sends to "it is who it should be, and this is its key".
//!
//! `webpki` builds the path: names, validity, authority or not, path length, name constraints, extended key usage. What
//! keys may be used for it leaves to this module: an authority's to sign certificates, the server's to sign the
//! handshake. It would check all of a path's signatures in one go, deep in its search; a signature takes half a second
//! on the chip, its watchdog waits for three, and the stack has no room for both. So `webpki` only proposes paths
//! ([`Search::propose`]), one after another until one holds, and their signatures are checked here ([`Search::check`]),
//! with the caller's hook before each. To `webpki` itself every signature looks good: [`Deferred`]. No path is accepted
//! without passing [`Search::check`].
//!
//! A trusted fingerprint names a certificate that the server sends along. It is taken for an intermediate whose issuer
//! is beyond question, so that it has to be an authority, valid and within its limits like any other, and its own
//! signature alone is not looked at.
//!
//! Not modelled: revocation, certificate transparency. RFC 5280 §6, RFC 6125, RFC 8446 §4.4.2.2 (key usage).

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

/// When all certificates of an accepted chain are valid, in seconds since 1970, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The latest of their beginnings.
    pub from: u64,
    /// The earliest of their ends.
    pub until: u64,
}

impl Validity {
    /// Whether all of them are valid at `unix`, in seconds since 1970.
    pub fn contains(&self, unix: u64) -> bool {
        (self.from..=self.until).contains(&unix)
    }
}

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

/// Checks a chain, the server's own certificate first, and leaves that one's key in `key`. Returns when the chain is
/// valid.
///
/// # Errors
/// Why the server is not to be trusted.
pub(super) fn verify<'c>(
    certificates: impl Iterator<Item = &'c [u8]>,
    expected: &Expected<'_>,
    key: &mut KeyInfo,
) -> Result<Validity, TlsError> {
    let mut chain = Vec::<CertificateDer<'c>, MAX_CHAIN>::new();
    for certificate in certificates {
        chain.push(CertificateDer::from_slice(certificate)).map_err(|_| TlsError::ChainTooLong)?;
    }
    let (server, others) = chain.split_first().ok_or(TlsError::NoCertificate)?;
    let search = Search { server, others, trusted: trusted(server, others, expected.issuer)?, at: expected.at };
    let mut checks = 0;
    let mut unsupported = false;
    // Each path takes a check at least, so there are no more turns than checks.
    let mut turn = 0;
    let path = loop {
        let path = match search.propose(turn) {
            Err(webpki::Error::InvalidSignatureForPublicKey) if unsupported => {
                return Err(TlsError::UnsupportedSignature);
            }
            path => path?,
        };
        let before_check = || {
            checks += 1;
            if checks > MAX_CHECKS {
                return Err(TlsError::ChainTooLong);
            }
            (expected.between_checks)();
            Ok(())
        };
        match search.check(&path, before_check)? {
            Ok(()) => break path,
            Err(SignatureError::Unsupported) => unsupported = true,
            Err(SignatureError::Wrong) => {}
        }
        turn += 1;
    };
    check_name(server, expected.name)?;
    if !der::key_usage(server).digital_signature {
        return Err(TlsError::WrongPurpose);
    }
    key.clear();
    key.extend_from_slice(&key_of(server)?).map_err(|_| TlsError::UnsupportedSignature)?;
    search.validity(&path)
}

/// Which of the certificates has the trusted fingerprint; none if trust is in the roots instead.
fn trusted(
    server: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    issuer: &TrustedIssuer,
) -> Result<Option<u8>, TlsError> {
    let TrustedIssuer::Fingerprint(fingerprint) = issuer else { return Ok(None) };
    let is_it = |certificate: &CertificateDer<'_>| Sha256::digest(certificate).as_slice() == fingerprint;
    if is_it(server) {
        return Err(TlsError::FingerprintOfServer);
    }
    (0..).zip(others).find(|(_, other)| is_it(other)).map(|(index, _)| Some(index)).ok_or(TlsError::UnknownIssuer)
}

// What follows up to `propose` has frames of its own, because certificates taken apart are large, and not needed while
// signatures are checked.

#[inline(never)]
fn check_name(server: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), webpki::Error> {
    EndEntityCert::try_from(server)?.verify_is_valid_for_subject_name(name)
}

/// A certificate's key. Only the parts of a certificate that an anchor has are public without an allocator, and the key
/// is one of them.
#[inline(never)]
fn key_of<'c>(certificate: &'c CertificateDer<'c>) -> Result<Der<'c>, webpki::Error> {
    webpki::anchor_from_trusted_cert(certificate).map(|anchor| anchor.subject_public_key_info)
}

/// The search for a path.
struct Search<'c> {
    server: &'c CertificateDer<'c>,
    others: &'c [CertificateDer<'c>],
    /// Which of the others is trusted by its fingerprint; if none, a root must have signed.
    trusted: Option<u8>,
    at: u64,
}

/// A path of which `webpki` thinks well.
#[derive(Clone, Copy, Default)]
struct Path {
    /// From the server's issuer up, as positions in [`Search::others`].
    issuers: [u8; MAX_CHAIN - 1],
    /// How many of them there are.
    length: u8,
    /// Which of the roots the path leads to.
    root: u8,
}

impl<'c> Search<'c> {
    /// The path that `webpki` finds when it has refused so many others. It finds them in the same order each time.
    #[inline(never)]
    fn propose(&self, refused: u8) -> Result<Path, webpki::Error> {
        let end_entity = EndEntityCert::try_from(self.server)?;
        match self.trusted.and_then(|index| self.others.get(usize::from(index))) {
            None => self.find(&end_entity, &roots::digicert(), refused),
            Some(trusted) => {
                let authority = EndEntityCert::try_from(trusted)?;
                let beyond_question = TrustAnchor {
                    subject: Der::from_slice(authority.issuer()),
                    subject_public_key_info: Der::from_slice(NO_KEY_INFO),
                    name_constraints: None,
                };
                self.find(&end_entity, &[beyond_question], refused)
            }
        }
    }

    fn find(
        &self,
        end_entity: &EndEntityCert<'_>,
        anchors: &[TrustAnchor<'_>],
        refused: u8,
    ) -> Result<Path, webpki::Error> {
        let at = UnixTime::since_unix_epoch(core::time::Duration::from_secs(self.at));
        let to_refuse = Cell::new(refused);
        let found = Cell::new(Path::default());
        let judge = |proposed: &VerifiedPath<'_>| {
            let path = self.path(proposed, anchors).ok_or(webpki::Error::UnknownIssuer)?;
            let mut issuers = proposed.intermediate_certificates();
            if !issuers.all(|issuer| der::key_usage(&issuer.der()).key_cert_sign) {
                return Err(webpki::Error::EndEntityUsedAsCa);
            }
            match to_refuse.get().checked_sub(1) {
                None => {
                    found.set(path);
                    Ok(())
                }
                Some(left) => {
                    to_refuse.set(left);
                    Err(webpki::Error::InvalidSignatureForPublicKey)
                }
            }
        };
        let usage = KeyUsage::server_auth();
        end_entity.verify_for_usage(&DEFERRED, anchors, self.others, at, usage, None, Some(&judge))?;
        Ok(found.get())
    }

    /// A path in positions; none if it does not pass what is trusted.
    fn path(&self, proposed: &VerifiedPath<'_>, anchors: &[TrustAnchor<'_>]) -> Option<Path> {
        let mut path = Path::default();
        for issuer in proposed.intermediate_certificates() {
            let issuer = issuer.der();
            let position = self.others.iter().position(|other| *other == issuer)?;
            *path.issuers.get_mut(usize::from(path.length))? = u8::try_from(position).ok()?;
            path.length += 1;
        }
        path.root = anchors.iter().position(|anchor| anchor == proposed.anchor()).and_then(|at| at.try_into().ok())?;
        let passes = |trusted| path.issuers[..usize::from(path.length)].contains(&trusted);
        self.trusted.is_none_or(passes).then_some(path)
    }

    /// When the certificates of a path are valid, a root apart.
    #[inline(never)]
    fn validity(&self, path: &Path) -> Result<Validity, TlsError> {
        let mut validity = Validity { from: 0, until: u64::MAX };
        let issuers = path.issuers[..usize::from(path.length)].iter().map(|at| &self.others[usize::from(*at)]);
        for certificate in core::iter::once(self.server).chain(issuers) {
            let limits = limits(certificate)?;
            validity = Validity { from: validity.from.max(limits.from), until: validity.until.min(limits.until) };
        }
        Ok(validity)
    }

    /// Checks the signatures of a path, from the server's certificate up to what is trusted. `before_check` may end
    /// that.
    fn check(
        &self,
        path: &Path,
        mut before_check: impl FnMut() -> Result<(), TlsError>,
    ) -> Result<Result<(), SignatureError>, TlsError> {
        let mut subject = self.server;
        for position in &path.issuers[..usize::from(path.length)] {
            let issuer = &self.others[usize::from(*position)];
            before_check()?;
            if let Err(error) = check_signature(subject, &key_of(issuer)?) {
                return Ok(Err(error));
            }
            if self.trusted == Some(*position) {
                return Ok(Ok(()));
            }
            subject = issuer;
        }
        if self.trusted.is_some() {
            // `path` has seen to it that nobody comes here.
            return Ok(Err(SignatureError::Wrong));
        }
        before_check()?;
        Ok(check_signature(subject, &key_of(&roots::DIGICERT[usize::from(path.root)])?))
    }
}

/// When a certificate is valid. `webpki` tells a limit only to those who break it, and looks there first.
fn limits(certificate: &CertificateDer<'_>) -> Result<Validity, webpki::Error> {
    let judged = |at| {
        let at = UnixTime::since_unix_epoch(core::time::Duration::from_secs(at));
        EndEntityCert::try_from(certificate)?
            .verify_for_usage(&DEFERRED, &[], &[], at, KeyUsage::server_auth(), None, None)
            .map(|_| ())
    };
    let from = match judged(0) {
        Err(webpki::Error::CertNotValidYet { not_before, .. }) => not_before.as_secs(),
        _ => 0,
    };
    let until = match judged(u64::MAX) {
        Err(webpki::Error::CertExpired { not_after, .. }) => not_after.as_secs(),
        _ => u64::MAX,
    };
    Ok(Validity { from, until })
}

fn check_signature(certificate: &[u8], issuer_key: &[u8]) -> Result<(), SignatureError> {
    let signed = der::signed_certificate(certificate).ok_or(SignatureError::Unsupported)?;
    let scheme = Scheme::of_certificate(signed.algorithm).ok_or(SignatureError::Unsupported)?;
    scheme.verify(issuer_key, signed.message, signed.signature)
}

/// A kind of signature that `webpki` may take for good, because [`Search::check`] looks at it afterwards.
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

/// What [`Scheme::of_certificate`] knows, and for an authority trusted by fingerprint (whose issuer has
/// [`NO_KEY_INFO`]) whatever else it may have been signed with.
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
