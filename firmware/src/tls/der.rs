//! The little DER that `webpki` keeps to itself: the three parts of a signed certificate, the two of a public key.
//!
//! Certificates come here only after `webpki` has parsed them in full, so this reads lengths and tags and judges nothing
//! else. X.690 §8.1 (tag, length, contents), RFC 5280 §4.1 (`Certificate`, `SubjectPublicKeyInfo`).

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// A certificate taken apart.
pub(super) struct SignedCertificate<'a> {
    /// `tbsCertificate` with its tag and length: the message that was signed.
    pub(super) message: &'a [u8],
    /// The contents of `signatureAlgorithm`.
    pub(super) algorithm: &'a [u8],
    /// `signatureValue`.
    pub(super) signature: &'a [u8],
}

/// Takes apart a whole certificate, or nothing if it is not one.
pub(super) fn signed_certificate(certificate: &[u8]) -> Option<SignedCertificate<'_>> {
    let (outer, _) = element(certificate, SEQUENCE)?;
    let (to_be_signed, rest) = element(outer.contents, SEQUENCE)?;
    let (algorithm, rest) = element(rest, SEQUENCE)?;
    let (signature, _) = element(rest, BIT_STRING)?;
    Some(SignedCertificate {
        message: to_be_signed.whole,
        algorithm: algorithm.contents,
        signature: whole_bytes(signature.contents)?,
    })
}

/// A public key taken apart.
pub(super) struct PublicKey<'a> {
    /// The contents of `algorithm`.
    pub(super) algorithm: &'a [u8],
    /// `subjectPublicKey`.
    pub(super) key: &'a [u8],
}

/// Takes apart the contents of a `SubjectPublicKeyInfo`.
pub(super) fn public_key(key_info: &[u8]) -> Option<PublicKey<'_>> {
    let (algorithm, rest) = element(key_info, SEQUENCE)?;
    let (key, _) = element(rest, BIT_STRING)?;
    Some(PublicKey { algorithm: algorithm.contents, key: whole_bytes(key.contents)? })
}

struct Element<'a> {
    whole: &'a [u8],
    contents: &'a [u8],
}

/// The first element of `input` if it has this tag, and what follows it. Lengths up to 65,535, as in any certificate that
/// fits the record buffer.
fn element(input: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    let (header, length) = match input {
        [found, ..] if *found != tag => return None,
        [_, length @ 0..=0x7f, ..] => (2, usize::from(*length)),
        [_, 0x81, length, ..] => (3, usize::from(*length)),
        [_, 0x82, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        _ => return None,
    };
    let (whole, rest) = input.split_at_checked(header + length)?;
    Some((Element { whole, contents: &whole[header..] }, rest))
}

/// A bit string of whole bytes: its first byte counts the unused bits.
fn whole_bytes(bit_string: &[u8]) -> Option<&[u8]> {
    bit_string.split_first().filter(|(unused, _)| **unused == 0).map(|(_, bytes)| bytes)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::tls::roots;

    #[test]
    fn takes_a_root_apart() {
        let root = &roots::DIGICERT[0];
        let signed = signed_certificate(root).unwrap();
        assert_eq!(signed.message[..4], root[4..8]);
        assert_eq!(signed.signature.len(), 256);
        let anchor = webpki::anchor_from_trusted_cert(root).unwrap();
        assert_eq!(public_key(&anchor.subject_public_key_info).unwrap().key.len(), 270);
    }

    #[test]
    fn a_cut_certificate_is_none() {
        for end in 0..roots::DIGICERT[0].len() {
            assert!(signed_certificate(&roots::DIGICERT[0][..end]).is_none(), "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let _ = signed_certificate(&bytes);
            let _ = public_key(&bytes);
        }
    }
}
