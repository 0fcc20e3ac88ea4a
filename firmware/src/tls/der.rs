//! The little DER that `webpki` keeps to itself: the three parts of a signed certificate, the two of a public key, and
//! what a certificate's key may be used for.
//!
//! Certificates come here only after `webpki` has parsed them in full, so this reads lengths and tags and judges
//! nothing else. X.690 §8.1 (tag, length, contents), RFC 5280 §4.1 (`Certificate`, `SubjectPublicKeyInfo`), §4.2.1.3
//! (key usage).

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `[3]`, the extensions of a certificate.
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.15.
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];

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

/// What a certificate's key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyUsage {
    /// To sign what is no certificate, such as a handshake.
    pub(super) digital_signature: bool,
    /// To sign certificates.
    pub(super) key_cert_sign: bool,
}

impl KeyUsage {
    const ANY: Self = Self { digital_signature: true, key_cert_sign: true };
    const NONE: Self = Self { digital_signature: false, key_cert_sign: false };
}

/// What a certificate says that its key is for: anything if it says nothing, nothing if that cannot be read.
pub(super) fn key_usage(certificate: &[u8]) -> KeyUsage {
    extension(certificate, KEY_USAGE).map_or(KeyUsage::ANY, |value| key_usage_of(value).unwrap_or(KeyUsage::NONE))
}

fn key_usage_of(value: &[u8]) -> Option<KeyUsage> {
    let (bits, rest) = element(value, BIT_STRING)?;
    let [_unused @ ..8, first, ..] = bits.contents else { return None };
    let usage = KeyUsage { digital_signature: first & 0x80 != 0, key_cert_sign: first & 0x04 != 0 };
    rest.is_empty().then_some(usage)
}

/// The value of one of a certificate's extensions.
fn extension<'c>(certificate: &'c [u8], wanted: &[u8]) -> Option<&'c [u8]> {
    let (outer, _) = element(certificate, SEQUENCE)?;
    let (to_be_signed, _) = element(outer.contents, SEQUENCE)?;
    let mut fields = to_be_signed.contents;
    let extensions = loop {
        let (field, rest) = any_element(fields)?;
        if field.whole.first() == Some(&EXTENSIONS) {
            break field.contents;
        }
        fields = rest;
    };
    let (list, _) = element(extensions, SEQUENCE)?;
    let mut rest = list.contents;
    loop {
        let (extension, following) = element(rest, SEQUENCE)?;
        let (name, content) = element(extension.contents, OBJECT_IDENTIFIER)?;
        if name.contents == wanted {
            // Whether it is critical may stand between name and value.
            let (first, after) = any_element(content)?;
            let value = element(first.whole, OCTET_STRING).or_else(|| element(after, OCTET_STRING));
            return value.map(|(value, _)| value.contents);
        }
        rest = following;
    }
}

struct Element<'a> {
    whole: &'a [u8],
    contents: &'a [u8],
}

/// The first element of `input` if it has this tag, and what follows it.
fn element(input: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    if input.first() == Some(&tag) { any_element(input) } else { None }
}

/// The first element of `input`, and what follows it. Lengths up to 65,535, as in any certificate that fits the record
/// buffer.
fn any_element(input: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (header, length) = match input {
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
    fn key_usage_is_read() {
        // The roots say keyCertSign, cRLSign and digitalSignature.
        for root in &roots::DIGICERT {
            assert_eq!(key_usage(root), KeyUsage { digital_signature: true, key_cert_sign: true });
        }
        let of = |value: &[u8]| key_usage_of(value).map(|usage| (usage.digital_signature, usage.key_cert_sign));
        assert_eq!(of(&[3, 2, 7, 0x80]), Some((true, false)));
        assert_eq!(of(&[3, 2, 1, 0x06]), Some((false, true)));
        assert_eq!(of(&[3, 2, 5, 0x20]), Some((false, false)));
        assert_eq!(of(&[3, 3, 7, 0x84, 0x80]), Some((true, true)), "decipherOnly takes a second byte");
        for odd in [&[][..], &[3, 0], &[3, 1, 0], &[3, 2, 8, 0x80], &[3, 2, 7, 0x80, 0], &[4, 2, 7, 0x80]] {
            assert_eq!(of(odd), None, "{odd:?}");
        }
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
            let _ = key_usage(&bytes);
        }
    }
}
