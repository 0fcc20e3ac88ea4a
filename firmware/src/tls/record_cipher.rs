//! TLS_AES_128_GCM_SHA256 as `embedded-tls` asks for it, with a look at each record's plaintext before it is parsed.
//!
//! `embedded-tls` 0.19 panics on an empty plaintext and on handshake messages that come after the handshake, and lets
//! much pass in it. This cipher decrypts a record, and lets through only what has a place at this point:
//! [`super::flight`] judges handshake messages. Which point that is it learns from the record header that
//! [`super::guard`] passes on, whose version's second byte is a [`Mark`]. The authenticated header is always the real
//! one.
//!
//! A refused record is replaced by one that `embedded-tls` refuses with an error of its own, by which [`refusal`] knows
//! what was wrong ([`stand_in`]). Tickets are dropped: nothing here resumes a session. An alert of a kind that
//! `embedded-tls` does not know becomes one that it does (RFC 8446 §6: unknown alerts are errors, levels do not
//! matter).
//!
//! RFC 8446 §5.1, §5.2 (record protection), §5.4 (padding), §6 (alerts).

use aes_gcm::aead::consts::{U0, U12, U16, U54};
use aes_gcm::aead::{Buffer, Key, Nonce, Tag};
use aes_gcm::{AeadCore, AeadInPlace, Aes128Gcm, Error, KeyInit, KeySizeUser};
use embedded_tls::TlsCipherSuite;
use embedded_tls::alert::AlertDescription;

use super::alert;
use super::flight::{self, Mark, Phase};
use super::refusal::Refusal;
use super::transcript::Transcript;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// The description and level of an alert that closes the connection in order.
const CLOSE_NOTIFY: u8 = 0;
const WARNING: u8 = 1;

/// Application data of no length.
const NOTHING: &[u8] = &[APPLICATION_DATA];

/// A way to make `embedded-tls` fail.
struct StandIn {
    /// What takes a refused record's place: content and content type. It has room where there was a content type and 16
    /// bytes of tag.
    plaintext: &'static [u8],
    /// Whether this is the error that comes of it, and of nothing that [`flight::inspect`] lets through.
    is_its_error: fn(&embedded_tls::TlsError) -> bool,
}

/// How a refusal gets past `embedded-tls`: mostly as a message that is too short for its first number.
const fn stand_in(refusal: Refusal) -> StandIn {
    use embedded_tls::TlsError as E;
    let (plaintext, is_its_error): (&[u8], fn(&E) -> bool) = match refusal {
        // No content type.
        Refusal::UnexpectedMessage => (&[0], |error| matches!(error, E::Unimplemented)),
        // A message of no type.
        Refusal::Split => (&[0, HANDSHAKE], |error| matches!(error, E::InvalidHandshake)),
        // EncryptedExtensions.
        Refusal::UnsupportedExtension => {
            (&[8, 0, 0, 0, HANDSHAKE], |error| matches!(error, E::InvalidExtensionsLength))
        }
        // Certificate.
        Refusal::Malformed => (&[11, 0, 0, 0, HANDSHAKE], |error| matches!(error, E::InvalidCertificate)),
        // CertificateRequest.
        Refusal::OutOfOrder => (&[13, 0, 0, 0, HANDSHAKE], |error| matches!(error, E::InvalidCertificateRequest)),
        // CertificateVerify.
        Refusal::IllegalParameter => (&[15, 0, 0, 0, HANDSHAKE], |error| matches!(error, E::InvalidSignatureScheme)),
        // Finished.
        Refusal::KeyUpdate => (&[20, 0, 0, 0, HANDSHAKE], |error| matches!(error, E::ParseError(_))),
        // NewSessionTicket, cut in its nonce.
        Refusal::MissingExtension => {
            (&[4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, HANDSHAKE], |error| matches!(error, E::InvalidNonceLength))
        }
    };
    StandIn { plaintext, is_its_error }
}

/// Why this cipher refused a record, if an error of `embedded-tls` after the server's hello comes of that.
pub(super) fn refusal(error: &embedded_tls::TlsError) -> Option<Refusal> {
    Refusal::ALL.into_iter().find(|refusal| (stand_in(*refusal).is_its_error)(error))
}

/// The cipher suite TLS_AES_128_GCM_SHA256 (RFC 8446 §B.4).
pub(super) struct Suite;

impl TlsCipherSuite for Suite {
    const CODE_POINT: u16 = 0x1301;
    type Cipher = RecordCipher;
    type KeyLen = U16;
    type IvLen = U12;
    type Hash = Transcript;
    type LabelBufferSize = U54;
}

/// AES-128-GCM that checks what it decrypts.
pub(super) struct RecordCipher(Aes128Gcm);

impl KeySizeUser for RecordCipher {
    type KeySize = U16;
}

impl KeyInit for RecordCipher {
    fn new(key: &Key<Self>) -> Self {
        Self(Aes128Gcm::new(key))
    }
}

impl AeadCore for RecordCipher {
    type NonceSize = U12;
    type TagSize = U16;
    type CiphertextOverhead = U0;
}

impl AeadInPlace for RecordCipher {
    fn encrypt_in_place_detached(
        &self,
        nonce: &Nonce<Self>,
        header: &[u8],
        plaintext: &mut [u8],
    ) -> Result<Tag<Self>, Error> {
        self.0.encrypt_in_place_detached(nonce, header, plaintext)
    }

    fn decrypt_in_place(&self, nonce: &Nonce<Self>, header: &[u8], record: &mut dyn Buffer) -> Result<(), Error> {
        let &[kind, major, mark, high, low] = header else { return Err(Error) };
        let mark = Mark::from_byte(mark).ok_or(Error)?;
        self.0.decrypt_in_place(nonce, &[kind, major, 3, high, low], record)?;
        match inspect(record.as_ref(), mark) {
            Inner::Fit => Ok(()),
            Inner::Empty => Err(Error),
            Inner::Alert(description) => replace(record, &known_alert(description)),
            Inner::Tickets => replace(record, NOTHING),
            Inner::Refused(refusal) => replace(record, stand_in(refusal).plaintext),
        }
    }

    fn decrypt_in_place_detached(
        &self,
        nonce: &Nonce<Self>,
        header: &[u8],
        ciphertext: &mut [u8],
        tag: &Tag<Self>,
    ) -> Result<(), Error> {
        self.0.decrypt_in_place_detached(nonce, header, ciphertext, tag)
    }
}

fn replace(record: &mut dyn Buffer, plaintext: &[u8]) -> Result<(), Error> {
    record.truncate(0);
    record.extend_from_slice(plaintext)
}

/// An alert that `embedded-tls` can read: closing in order, or an error.
fn known_alert(description: u8) -> [u8; 3] {
    match AlertDescription::of(description) {
        Some(AlertDescription::CloseNotify) => [WARNING, CLOSE_NOTIFY, ALERT],
        Some(_) => [alert::FATAL, description, ALERT],
        None => [alert::FATAL, alert::INTERNAL_ERROR, ALERT],
    }
}

/// What a decrypted record holds.
#[derive(Debug, PartialEq, Eq)]
enum Inner {
    /// What may come now.
    Fit,
    /// Nothing at all, not even a content type.
    Empty,
    /// An alert with this description.
    Alert(u8),
    /// Whole session tickets and nothing else.
    Tickets,
    /// Something that has no place here.
    Refused(Refusal),
}

/// Judges a plaintext: content, content type, zeros (RFC 8446 §5.2 `TLSInnerPlaintext`).
fn inspect(plaintext: &[u8], mark: Mark) -> Inner {
    if plaintext.is_empty() {
        return Inner::Empty;
    }
    let Some(end) = plaintext.iter().rposition(|byte| *byte != 0) else {
        return Inner::Refused(Refusal::UnexpectedMessage);
    };
    match (plaintext[end], &plaintext[..end]) {
        (ALERT, &[_level, description]) => Inner::Alert(description),
        (APPLICATION_DATA, _) if mark.phase == Phase::Open => Inner::Fit,
        (HANDSHAKE, messages) => match flight::inspect(messages, mark) {
            Ok(()) if mark.phase == Phase::Open => Inner::Tickets,
            Ok(()) => Inner::Fit,
            Err(refusal) => Inner::Refused(refusal),
        },
        _ => Inner::Refused(Refusal::UnexpectedMessage),
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use embedded_tls::TlsError as E;
    use proptest::prelude::*;

    use super::*;

    const OPEN: Mark = Mark { phase: Phase::Open, has_server_name: true };

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind][..], &length[1..], body].concat()
    }

    fn record(content: &[u8], kind: u8) -> Vec<u8> {
        [content, &[kind, 0, 0]].concat()
    }

    #[test]
    fn after_the_handshake_only_data_alerts_and_tickets_are_left() {
        let ticket = message(4, &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 1, 9, 0, 0]);
        let unexpected = Inner::Refused(Refusal::UnexpectedMessage);
        assert_eq!(inspect(&record(b"data", APPLICATION_DATA), OPEN), Inner::Fit);
        assert_eq!(inspect(&record(&[1, 0], ALERT), OPEN), Inner::Alert(0));
        assert_eq!(inspect(&record(&[1], ALERT), OPEN), unexpected);
        assert_eq!(inspect(&record(&ticket, HANDSHAKE), OPEN), Inner::Tickets);
        assert_eq!(inspect(&record(&message(13, &[0, 0, 0]), HANDSHAKE), OPEN), unexpected);
        assert_eq!(inspect(&record(&message(24, &[0]), HANDSHAKE), OPEN), Inner::Refused(Refusal::KeyUpdate));
    }

    #[test]
    fn in_the_handshake_there_is_no_data() {
        for phase in [Phase::Extensions, Phase::Certificate, Phase::Proof, Phase::Finished] {
            let mark = Mark { phase, ..OPEN };
            assert_eq!(inspect(&record(b"data", APPLICATION_DATA), mark), Inner::Refused(Refusal::UnexpectedMessage));
            assert_eq!(inspect(&record(&[2, 40], ALERT), mark), Inner::Alert(40));
        }
    }

    #[test]
    fn nothing_and_padding_are_told_apart() {
        let unexpected = Inner::Refused(Refusal::UnexpectedMessage);
        assert_eq!(inspect(&[], OPEN), Inner::Empty);
        assert_eq!(inspect(&[0, 0, 0], OPEN), unexpected);
        assert_eq!(inspect(&[HANDSHAKE], OPEN), unexpected);
        assert_eq!(inspect(&[ALERT], OPEN), unexpected);
        assert_eq!(inspect(&[99], OPEN), unexpected);
    }

    #[test]
    fn a_replaced_record_keeps_its_authentication() {
        let cipher = RecordCipher::new(&[7; 16].into());
        let nonce = [9; 12].into();
        let header = [23, 3, 3, 0, 27];
        let marked = [23, 3, OPEN.to_byte(), 0, 27];
        let plaintext = record(&message(1, &[0; 4]), HANDSHAKE);
        let mut sealed = plaintext.clone();
        let tag = cipher.encrypt_in_place_detached(&nonce, &header, &mut sealed).unwrap();
        sealed.extend_from_slice(&tag);

        let mut opened = Bytes(sealed.clone());
        cipher.decrypt_in_place(&nonce, &marked, &mut opened).unwrap();
        assert_eq!(opened.0, [0]);

        sealed[0] ^= 1;
        let mut changed = Bytes(sealed);
        assert!(cipher.decrypt_in_place(&nonce, &marked, &mut changed).is_err());
    }

    #[test]
    fn each_refusal_has_a_stand_in_that_fits_the_shortest_record() {
        for refusal in Refusal::ALL {
            assert!(stand_in(refusal).plaintext.len() <= 17, "{refusal:?}");
        }
        for error in [E::CryptoError, E::InvalidRecord, E::InternalError, E::InvalidSignature, E::DecodeError] {
            assert_eq!(refusal(&error), None, "{error:?}");
        }
    }

    #[test]
    fn every_alert_is_one_that_embedded_tls_knows() {
        for description in 0..=u8::MAX {
            let [level, known, kind] = known_alert(description);
            assert_eq!((kind, level), (ALERT, if description == 0 { 1 } else { 2 }));
            assert!(AlertDescription::of(known).is_some() && (known == 0) == (description == 0));
        }
    }

    struct Bytes(Vec<u8>);

    impl AsRef<[u8]> for Bytes {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl AsMut<[u8]> for Bytes {
        fn as_mut(&mut self) -> &mut [u8] {
            &mut self.0
        }
    }

    impl Buffer for Bytes {
        fn extend_from_slice(&mut self, other: &[u8]) -> Result<(), Error> {
            self.0.extend_from_slice(other);
            Ok(())
        }

        fn truncate(&mut self, len: usize) {
            self.0.truncate(len);
        }
    }

    proptest! {
        #[test]
        fn no_plaintext_panics(plaintext: Vec<u8>, mark: u8) {
            if let Some(mark) = Mark::from_byte(mark) {
                prop_assert_eq!(inspect(&plaintext, mark) == Inner::Empty, plaintext.is_empty());
            }
        }
    }
}
