//! The signatures this device can check, over `p256` and `rsa`.
//!
//! Certificates (RFC 5280): ECDSA on P-256 and RSA PKCS#1 v1.5, both with SHA-256. `CertificateVerify` (RFC 8446
//! §4.2.3): ECDSA on P-256 with SHA-256 and RSA-PSS, the latter also with SHA-384 and SHA-512, because `embedded-tls`
//! offers those and a server may take the offer. RSA keys have 2048 bits: fewer are not safe, and more would take twice
//! the heap (21 KB at 4096 bits against 11 KB). No P-384, no Ed25519.

use embedded_tls::SignatureScheme;
use p256::ecdsa;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::signature::Verifier;
use rsa::traits::PublicKeyParts;
use rsa::{RsaPublicKey, pkcs1v15, pss};
use rustls_pki_types::{AlgorithmIdentifier, alg_id};
use sha2::{Sha256, Sha384, Sha512};

use super::der;

/// The longest contents of a `SubjectPublicKeyInfo` that can be checked: RSA with 2048 bits and an exponent of up to
/// 4 bytes takes 291 bytes.
pub(super) const MAX_KEY_INFO: usize = 300;

const RSA_BITS: usize = 2048;

/// A way to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    EcdsaP256Sha256,
    RsaPkcs1Sha256,
    RsaPssSha256,
    RsaPssSha384,
    RsaPssSha512,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureError {
    /// The key or the way to sign is not among those this device can check.
    Unsupported,
    /// The signature is not that key's over that message.
    Wrong,
}

impl Scheme {
    /// The way a certificate was signed, from the contents of its `signatureAlgorithm`.
    pub(super) fn of_certificate(algorithm: &[u8]) -> Option<Self> {
        match algorithm {
            _ if algorithm == alg_id::ECDSA_SHA256.as_ref() => Some(Self::EcdsaP256Sha256),
            _ if algorithm == alg_id::RSA_PKCS1_SHA256.as_ref() => Some(Self::RsaPkcs1Sha256),
            _ => None,
        }
    }

    /// The way a `CertificateVerify` was signed. PKCS#1 v1.5 is not allowed there (RFC 8446 §4.4.3).
    pub(super) fn of_handshake(scheme: SignatureScheme) -> Option<Self> {
        match scheme {
            SignatureScheme::EcdsaSecp256r1Sha256 => Some(Self::EcdsaP256Sha256),
            SignatureScheme::RsaPssRsaeSha256 => Some(Self::RsaPssSha256),
            SignatureScheme::RsaPssRsaeSha384 => Some(Self::RsaPssSha384),
            SignatureScheme::RsaPssRsaeSha512 => Some(Self::RsaPssSha512),
            _ => None,
        }
    }

    fn key_algorithm(self) -> AlgorithmIdentifier {
        match self {
            Self::EcdsaP256Sha256 => alg_id::ECDSA_P256,
            Self::RsaPkcs1Sha256 | Self::RsaPssSha256 | Self::RsaPssSha384 | Self::RsaPssSha512 => {
                alg_id::RSA_ENCRYPTION
            }
        }
    }

    /// Checks that `signature` over `message` was made with the key in `key_info` (the contents of a
    /// `SubjectPublicKeyInfo`). Takes up to half a second on the chip, at 160 MHz.
    ///
    /// # Errors
    /// [`SignatureError`]; the key's kind must be the scheme's.
    pub(super) fn verify(self, key_info: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let public = der::public_key(key_info).ok_or(SignatureError::Unsupported)?;
        if public.algorithm != self.key_algorithm().as_ref() {
            return Err(SignatureError::Unsupported);
        }
        match self {
            Self::EcdsaP256Sha256 => {
                let key = ecdsa::VerifyingKey::from_sec1_bytes(public.key).map_err(|_| SignatureError::Unsupported)?;
                let signature = ecdsa::Signature::from_der(signature).map_err(|_| SignatureError::Wrong)?;
                key.verify(message, &signature).map_err(|_| SignatureError::Wrong)
            }
            Self::RsaPkcs1Sha256 => {
                let signature = pkcs1v15::Signature::try_from(signature).map_err(|_| SignatureError::Wrong)?;
                let key = pkcs1v15::VerifyingKey::<Sha256>::new(rsa_key(public.key)?);
                key.verify(message, &signature).map_err(|_| SignatureError::Wrong)
            }
            Self::RsaPssSha256 => {
                verify_pss(&pss::VerifyingKey::<Sha256>::new(rsa_key(public.key)?), message, signature)
            }
            Self::RsaPssSha384 => {
                verify_pss(&pss::VerifyingKey::<Sha384>::new(rsa_key(public.key)?), message, signature)
            }
            Self::RsaPssSha512 => {
                verify_pss(&pss::VerifyingKey::<Sha512>::new(rsa_key(public.key)?), message, signature)
            }
        }
    }
}

fn verify_pss(key: &impl Verifier<pss::Signature>, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let signature = pss::Signature::try_from(signature).map_err(|_| SignatureError::Wrong)?;
    key.verify(message, &signature).map_err(|_| SignatureError::Wrong)
}

fn rsa_key(pkcs1: &[u8]) -> Result<RsaPublicKey, SignatureError> {
    // The length is checked first, so that a key of any size costs no heap.
    if pkcs1.len() > MAX_KEY_INFO {
        return Err(SignatureError::Unsupported);
    }
    RsaPublicKey::from_pkcs1_der(pkcs1).ok().filter(|key| key.n().bits() == RSA_BITS).ok_or(SignatureError::Unsupported)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;
    use rcgen::{KeyPair, PublicKeyData, SigningKey};

    use super::*;

    const P256: &[u8] = &[
        0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        0x03, 0x01, 0x07,
    ];
    const RSA: &[u8] = &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

    fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, contents].concat()
    }

    fn key_info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
        [algorithm, &element(0x03, &[&[0], key].concat())].concat()
    }

    fn rsa_key_info(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let integers = [element_of_integer(modulus), element_of_integer(exponent)].concat();
        key_info(RSA, &element(0x30, &integers))
    }

    /// A positive INTEGER, its length in as few bytes as DER demands.
    fn element_of_integer(bytes: &[u8]) -> Vec<u8> {
        let sign: &[u8] = if bytes[0] & 0x80 == 0 { &[] } else { &[0] };
        let contents = [sign, bytes].concat();
        match u8::try_from(contents.len()) {
            Ok(short @ ..0x80) => [&[0x02, short], &contents[..]].concat(),
            Ok(long) => [&[0x02, 0x81, long], &contents[..]].concat(),
            Err(_) => element(0x02, &contents),
        }
    }

    #[test]
    fn a_p256_signature_is_its_keys_over_its_message() {
        let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let signature = key.sign(b"message").unwrap();
        // The contents stand behind two bytes of tag and length.
        let info = |key: &KeyPair| key.subject_public_key_info()[2..].to_vec();
        let verify =
            |info: &[u8], message: &[u8], signature: &[u8]| Scheme::EcdsaP256Sha256.verify(info, message, signature);
        assert_eq!(verify(&info(&key), b"message", &signature), Ok(()));
        assert_eq!(verify(&info(&key), b"massage", &signature), Err(SignatureError::Wrong));
        assert_eq!(verify(&info(&other), b"message", &signature), Err(SignatureError::Wrong));
        assert_eq!(verify(&info(&key), b"message", b""), Err(SignatureError::Wrong));
        assert_eq!(verify(&info(&key)[..40], b"message", &signature), Err(SignatureError::Unsupported));
        assert_eq!(Scheme::RsaPssSha256.verify(&info(&key), b"message", &signature), Err(SignatureError::Unsupported));
    }

    #[test]
    fn a_point_off_the_curve_is_no_key() {
        let point = [&[4][..], &[1; 64]].concat();
        let outcome = Scheme::EcdsaP256Sha256.verify(&key_info(P256, &point), b"", b"");
        assert_eq!(outcome, Err(SignatureError::Unsupported));
    }

    #[test]
    fn rsa_keys_have_2048_bits() {
        let check = |modulus: &[u8], exponent: &[u8]| {
            Scheme::RsaPkcs1Sha256.verify(&rsa_key_info(modulus, exponent), b"message", &[1; 256])
        };
        let unsupported = Err(SignatureError::Unsupported);
        assert_eq!(check(&[0xff; 256], &[1, 0, 1]), Err(SignatureError::Wrong));
        assert_eq!(check(&[0xff; 128], &[1, 0, 1]), unsupported);
        assert_eq!(check(&[&[0x7f][..], &[0xff; 255]].concat(), &[1, 0, 1]), unsupported);
        assert_eq!(check(&[0xff; 257], &[1, 0, 1]), unsupported);
        assert_eq!(check(&[0xff; 512], &[1, 0, 1]), unsupported);
        assert_eq!(check(&[0xff; 256], &[1]), unsupported, "an exponent that leaves the signature as it is");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_rsa_key_or_signature_panics(
            modulus in prop::array::uniform32(any::<u8>()),
            even: bool,
            exponent in prop::collection::vec(any::<u8>(), 1..6),
            signature in prop::collection::vec(any::<u8>(), 250..260),
        ) {
            let mut modulus = modulus.repeat(8);
            modulus[0] |= 0x80;
            modulus[255] = (modulus[255] & 0xfe) | u8::from(!even);
            let info = rsa_key_info(&modulus, &exponent);
            for scheme in [Scheme::RsaPkcs1Sha256, Scheme::RsaPssSha256, Scheme::RsaPssSha512] {
                prop_assert!(scheme.verify(&info, b"message", &signature).is_err());
                prop_assert!(scheme.verify(&info, b"message", &[0; 256]).is_err());
            }
        }

        #[test]
        fn no_p256_key_or_signature_panics(key: Vec<u8>, signature: Vec<u8>, info: Vec<u8>) {
            let scheme = Scheme::EcdsaP256Sha256;
            prop_assert!(scheme.verify(&key_info(P256, &key), b"message", &signature).is_err());
            prop_assert!(scheme.verify(&info, b"message", &signature).is_err());
        }
    }
}
