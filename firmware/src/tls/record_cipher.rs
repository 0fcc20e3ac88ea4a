//! TLS_AES_128_GCM_SHA256 as `embedded-tls` asks for it, with a look at each record's plaintext before it is parsed.
//!
//! `embedded-tls` 0.19 panics on an empty plaintext and on handshake messages that come after the handshake, and it takes
//! a message apart by its inner lengths without looking at its outer one. This cipher decrypts a record, walks its
//! messages by their outer lengths, and lets through only what has a place at this point. Whether that point is in or
//! after the handshake it learns from the record header that [`super::guard`] passes on: after the handshake the version's
//! second byte is [`AFTER_HANDSHAKE`]. The authenticated header is always the real one.
//!
//! A refused record is replaced by one that `embedded-tls` refuses with an error of its own: [`UNEXPECTED`] with
//! `Unimplemented`, [`SPLIT`] with `InvalidHandshake`. Tickets are dropped: nothing here resumes a session.
//!
//! RFC 8446 §4 (messages), §5.2 (record protection).

use aes_gcm::aead::consts::{U0, U12, U16, U54};
use aes_gcm::aead::{Buffer, Key, Nonce, Tag};
use aes_gcm::{AeadCore, AeadInPlace, Aes128Gcm, Error, KeyInit, KeySizeUser};
use embedded_tls::TlsCipherSuite;
use sha2::Sha256;

/// What the guard writes into the version of a record that comes after the handshake.
pub(super) const AFTER_HANDSHAKE: u8 = 0xff;

/// Plaintext without a content type.
const UNEXPECTED: &[u8] = &[0];
/// A handshake message of a type that does not exist.
const SPLIT: &[u8] = &[0, HANDSHAKE];
/// Application data of no length.
const NOTHING: &[u8] = &[APPLICATION_DATA];

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

const NEW_SESSION_TICKET: u8 = 4;
const ENCRYPTED_EXTENSIONS: u8 = 8;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_REQUEST: u8 = 13;
const CERTIFICATE_VERIFY: u8 = 15;
const FINISHED: u8 = 20;

/// The cipher suite TLS_AES_128_GCM_SHA256 (RFC 8446 §B.4).
pub(super) struct Suite;

impl TlsCipherSuite for Suite {
    const CODE_POINT: u16 = 0x1301;
    type Cipher = RecordCipher;
    type KeyLen = U16;
    type IvLen = U12;
    type Hash = Sha256;
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
        let &[kind, major, minor, high, low] = header else { return Err(Error) };
        self.0.decrypt_in_place(nonce, &[kind, major, 3, high, low], record)?;
        let replacement = match inspect(record.as_ref(), minor == AFTER_HANDSHAKE) {
            Inner::Fit => return Ok(()),
            Inner::Empty => return Err(Error),
            Inner::Unexpected => UNEXPECTED,
            Inner::Split => SPLIT,
            Inner::Tickets => NOTHING,
        };
        // Each verdict but `Empty` needs at least as many bytes of plaintext as its replacement has.
        record.as_mut()[..replacement.len()].copy_from_slice(replacement);
        record.truncate(replacement.len());
        Ok(())
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

/// What a decrypted record holds.
#[derive(Debug, PartialEq, Eq)]
enum Inner {
    /// What may come now.
    Fit,
    /// Nothing at all, not even a content type.
    Empty,
    /// Something that has no place here.
    Unexpected,
    /// A handshake message that does not end in this record.
    Split,
    /// Whole session tickets and nothing else.
    Tickets,
}

/// Judges a plaintext: content, content type, zeros (RFC 8446 §5.2 `TLSInnerPlaintext`).
fn inspect(plaintext: &[u8], after_handshake: bool) -> Inner {
    if plaintext.is_empty() {
        return Inner::Empty;
    }
    let Some(end) = plaintext.iter().rposition(|byte| *byte != 0) else { return Inner::Unexpected };
    let content = &plaintext[..end];
    match plaintext[end] {
        ALERT if content.len() == 2 => Inner::Fit,
        APPLICATION_DATA if after_handshake => Inner::Fit,
        HANDSHAKE if after_handshake => match inspect_messages(content, |kind| kind == NEW_SESSION_TICKET) {
            Inner::Fit => Inner::Tickets,
            odd => odd,
        },
        HANDSHAKE => inspect_messages(content, |kind| {
            matches!(kind, ENCRYPTED_EXTENSIONS | CERTIFICATE | CERTIFICATE_REQUEST | CERTIFICATE_VERIFY | FINISHED)
        }),
        _ => Inner::Unexpected,
    }
}

/// Judges a record's handshake messages, of which there must be at least one (RFC 8446 §5.1).
fn inspect_messages(mut content: &[u8], fits: impl Fn(u8) -> bool) -> Inner {
    if content.is_empty() {
        return Inner::Unexpected;
    }
    while let [kind, rest @ ..] = content {
        if !fits(*kind) {
            return Inner::Unexpected;
        }
        let [high, middle, low, body @ ..] = rest else { return Inner::Split };
        let length = u32::from_be_bytes([0, *high, *middle, *low]);
        match usize::try_from(length).ok().and_then(|length| body.get(length..)) {
            Some(following) => content = following,
            None => return Inner::Split,
        }
    }
    Inner::Fit
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind][..], &length[1..], body].concat()
    }

    fn record(content: &[u8], kind: u8) -> Vec<u8> {
        [content, &[kind, 0, 0]].concat()
    }

    #[test]
    fn the_handshake_lets_its_own_messages_through() {
        let flight = [message(8, &[0, 0]), message(11, &[1; 30]), message(15, &[2; 9]), message(20, &[3; 32])].concat();
        assert_eq!(inspect(&record(&flight, HANDSHAKE), false), Inner::Fit);
        assert_eq!(inspect(&record(&flight, HANDSHAKE), true), Inner::Unexpected);
        assert_eq!(inspect(&record(&flight[..flight.len() - 1], HANDSHAKE), false), Inner::Split);
        assert_eq!(inspect(&record(&flight[..8], HANDSHAKE), false), Inner::Split);
        assert_eq!(inspect(&record(&message(4, &[0; 20]), HANDSHAKE), false), Inner::Unexpected);
        assert_eq!(inspect(&record(&message(24, &[0]), HANDSHAKE), false), Inner::Unexpected);
        assert_eq!(inspect(&record(b"data", APPLICATION_DATA), false), Inner::Unexpected);
    }

    #[test]
    fn after_it_only_data_alerts_and_tickets_are_left() {
        assert_eq!(inspect(&record(b"data", APPLICATION_DATA), true), Inner::Fit);
        assert_eq!(inspect(&record(&[1, 0], ALERT), true), Inner::Fit);
        assert_eq!(inspect(&record(&[1], ALERT), true), Inner::Unexpected);
        assert_eq!(inspect(&record(&message(4, &[0; 20]), HANDSHAKE), true), Inner::Tickets);
        assert_eq!(inspect(&record(&message(13, &[0, 0, 0]), HANDSHAKE), true), Inner::Unexpected);
        assert_eq!(inspect(&record(&message(24, &[0]), HANDSHAKE), true), Inner::Unexpected);
    }

    #[test]
    fn nothing_and_padding_are_told_apart() {
        assert_eq!(inspect(&[], true), Inner::Empty);
        assert_eq!(inspect(&[0, 0, 0], true), Inner::Unexpected);
        assert_eq!(inspect(&[HANDSHAKE], false), Inner::Unexpected);
        assert_eq!(inspect(&[99], false), Inner::Unexpected);
    }

    #[test]
    fn a_replaced_record_keeps_its_authentication() {
        let cipher = RecordCipher::new(&[7; 16].into());
        let nonce = [9; 12].into();
        let header = [23, 3, 3, 0, 27];
        let plaintext = record(&message(24, &[0; 4]), HANDSHAKE);
        let mut sealed = plaintext.clone();
        let tag = cipher.encrypt_in_place_detached(&nonce, &header, &mut sealed).unwrap();
        sealed.extend_from_slice(&tag);

        let mut opened = Bytes(sealed.clone());
        cipher.decrypt_in_place(&nonce, &[23, 3, AFTER_HANDSHAKE, 0, 27], &mut opened).unwrap();
        assert_eq!(opened.0, UNEXPECTED);

        sealed[0] ^= 1;
        let mut changed = Bytes(sealed);
        assert!(cipher.decrypt_in_place(&nonce, &header, &mut changed).is_err());
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
        fn a_replacement_always_fits(plaintext: Vec<u8>, after_handshake: bool) {
            let room = match inspect(&plaintext, after_handshake) {
                Inner::Fit | Inner::Empty => 0,
                Inner::Unexpected | Inner::Tickets => 1,
                Inner::Split => 2,
            };
            prop_assert!(plaintext.len() >= room);
        }
    }
}
