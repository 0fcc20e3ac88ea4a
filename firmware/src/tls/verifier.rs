//! What `embedded-tls` calls with the server's Certificate and CertificateVerify messages.
//!
//! The chain is judged in place, in the record buffer ([`super::chain`]); all that is remembered of it is the server's
//! key and the transcript's hash. `embedded-tls` does not insist that either message comes, so [`Verifier::verdict`]
//! does. RFC 8446 §4.4.2, §4.4.3.

use embedded_tls::{CertificateEntryRef, CertificateRef, CertificateVerifyRef, CryptoProvider, TlsVerifier};
use rand_core::CryptoRngCore;
use sha2::Digest;

use super::chain::{self, Expected, KeyInfo, Validity};
use super::error::TlsError;
use super::flight::Phase;
use super::guard::State;
use super::record_cipher::Suite;
use super::signature::{Scheme, SignatureError};
use super::transcript::Transcript;

/// What stands before the transcript's hash in the signed message.
const CONTEXT: &[u8; 34] = b"TLS 1.3, server CertificateVerify\0";
const PADDING: [u8; 64] = [0x20; 64];

/// The most messages up to the server's Certificate: two hellos, EncryptedExtensions, CertificateRequest, Certificate.
/// Which they are is [`super::flight`]'s to see, but for a second CertificateRequest in a record of its own.
const MESSAGES_UP_TO_CERTIFICATE: u8 = 5;

/// How far the server has come in proving who it is.
enum Progress {
    Nothing,
    /// The chain is good; its key still has to be shown to be the server's.
    ChainGood {
        transcript: [u8; 32],
    },
    Proven,
    Failed(TlsError),
}

/// The judge of one handshake.
pub(super) struct Verifier<'a> {
    expected: Expected<'a>,
    state: &'a State,
    progress: Progress,
    /// The key of a good chain. In one place from the beginning, because what is handed on by value stands on the stack
    /// twice, and below the check of a signature.
    key: KeyInfo,
    /// When a good chain is valid.
    validity: Option<Validity>,
}

impl<'a> Verifier<'a> {
    pub(super) fn new(expected: Expected<'a>, state: &'a State) -> Self {
        Self { expected, state, progress: Progress::Nothing, key: KeyInfo::new(), validity: None }
    }

    /// Whether both messages came and were good.
    ///
    /// # Errors
    /// What was wrong or missing.
    pub(super) fn verdict(&self) -> Result<(), TlsError> {
        match &self.progress {
            Progress::Nothing => Err(TlsError::NoCertificate),
            Progress::ChainGood { .. } => Err(TlsError::NoProof),
            Progress::Proven => Ok(()),
            Progress::Failed(error) => Err(*error),
        }
    }

    /// When the certificates of a good chain are valid.
    pub(super) fn validity(&self) -> Option<Validity> {
        self.validity
    }

    /// What was wrong with a message that came.
    pub(super) fn failure(&self) -> Option<TlsError> {
        match self.progress {
            Progress::Failed(error) => Some(error),
            _ => None,
        }
    }

    fn fail(&mut self, error: TlsError) -> embedded_tls::TlsError {
        self.progress = Progress::Failed(error);
        embedded_tls::TlsError::InvalidCertificate
    }

    #[inline(never)]
    fn judge_chain(&mut self, certificate: &CertificateRef<'_>) -> Result<(), TlsError> {
        let certificates = certificate.entries.iter().map(|entry| match *entry {
            CertificateEntryRef::X509(der) | CertificateEntryRef::RawPublicKey(der) => der,
        });
        self.validity = Some(chain::verify(certificates, &self.expected, &mut self.key)?);
        Ok(())
    }

    #[inline(never)]
    fn judge_proof(&self, verify: &CertificateVerifyRef<'_>) -> Result<(), TlsError> {
        let Progress::ChainGood { transcript } = &self.progress else { return Err(TlsError::OutOfOrder) };
        let scheme = Scheme::of_handshake(verify.signature_scheme).ok_or(TlsError::UnsupportedSignature)?;
        let mut message = [0; PADDING.len() + CONTEXT.len() + 32];
        message[..PADDING.len()].copy_from_slice(&PADDING);
        message[PADDING.len()..][..CONTEXT.len()].copy_from_slice(CONTEXT);
        message[PADDING.len() + CONTEXT.len()..].copy_from_slice(transcript);

        (self.expected.between_checks)();
        scheme.verify(&self.key, &message, verify.signature).map_err(|error| match error {
            SignatureError::Unsupported => TlsError::UnsupportedSignature,
            SignatureError::Wrong => TlsError::WrongProof,
        })
    }
}

impl TlsVerifier<Suite> for Verifier<'_> {
    fn set_hostname_verification(&mut self, _hostname: &str) -> Result<(), embedded_tls::TlsError> {
        // The name to expect is known from the start, addresses included, which never come this way.
        Ok(())
    }

    fn verify_certificate(
        &mut self,
        transcript: &Transcript,
        certificate: CertificateRef<'_>,
    ) -> Result<(), embedded_tls::TlsError> {
        if !matches!(self.progress, Progress::Nothing) || transcript.messages() > MESSAGES_UP_TO_CERTIFICATE {
            return Err(self.fail(TlsError::OutOfOrder));
        }
        match self.judge_chain(&certificate) {
            Ok(()) => {
                self.progress = Progress::ChainGood { transcript: transcript.clone().finalize().into() };
                self.state.advance(Phase::Proof);
                Ok(())
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    fn verify_signature(&mut self, verify: CertificateVerifyRef<'_>) -> Result<(), embedded_tls::TlsError> {
        match self.judge_proof(&verify) {
            Ok(()) => {
                self.progress = Progress::Proven;
                self.state.advance(Phase::Finished);
                Ok(())
            }
            Err(error) => Err(self.fail(error)),
        }
    }
}

/// What `embedded-tls` needs from outside: random numbers and a judge.
pub(super) struct Provider<'a, R> {
    pub(super) random: R,
    pub(super) verifier: Verifier<'a>,
}

impl<R: CryptoRngCore> CryptoProvider for Provider<'_, R> {
    type CipherSuite = Suite;
    type Signature = &'static [u8];

    fn rng(&mut self) -> impl CryptoRngCore {
        &mut self.random
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Suite>, embedded_tls::TlsError> {
        Ok(&mut self.verifier)
    }
}
