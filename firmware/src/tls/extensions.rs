//! Blocks of extensions: each type once, in a message it belongs to, and only if this device asked for it.
//!
//! What it asks for is what `embedded-tls` writes into its hello ([`ANSWERS`]; a test reads that hello). What a
//! permitted extension holds is for whoever knows the message. RFC 8446 §4.2.

use super::reader::Reader;
use super::refusal::Refusal;

pub(super) const SERVER_NAME: u16 = 0;
pub(super) const SUPPORTED_GROUPS: u16 = 10;
pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
pub(super) const SUPPORTED_VERSIONS: u16 = 43;
pub(super) const COOKIE: u16 = 44;
pub(super) const PSK_KEY_EXCHANGE_MODES: u16 = 45;
pub(super) const KEY_SHARE: u16 = 51;

/// A message with extensions in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    ServerHello,
    HelloRetryRequest,
    EncryptedExtensions,
    CertificateRequest,
    /// One entry of a Certificate.
    Certificate,
    NewSessionTicket,
}

impl Place {
    /// Whether the server speaks for itself there: types that this device does not know are to be ignored then
    /// (RFC 8446 §4.3.2, §4.6.1). Everywhere else it answers.
    fn is_open(self) -> bool {
        match self {
            Self::CertificateRequest | Self::NewSessionTicket => true,
            Self::ServerHello | Self::HelloRetryRequest | Self::EncryptedExtensions | Self::Certificate => false,
        }
    }
}

/// The types this device knows, and the messages in which a server may use them. It offers all but the cookie.
pub(super) const ANSWERS: [(u16, &[Place]); 7] = [
    (SERVER_NAME, &[Place::EncryptedExtensions]),
    (SUPPORTED_GROUPS, &[Place::EncryptedExtensions]),
    (SIGNATURE_ALGORITHMS, &[Place::CertificateRequest]),
    (SUPPORTED_VERSIONS, &[Place::ServerHello, Place::HelloRetryRequest]),
    (COOKIE, &[Place::HelloRetryRequest]),
    (PSK_KEY_EXCHANGE_MODES, &[]),
    (KEY_SHARE, &[Place::ServerHello, Place::HelloRetryRequest]),
];

/// A block of extensions, without the length before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a>(Reader<'a>);

impl<'a> Block<'a> {
    pub(super) const fn new(extensions: Reader<'a>) -> Self {
        Self(extensions)
    }

    /// The next extension: its type, and what it holds.
    fn next(&mut self) -> Result<Option<(u16, Reader<'a>)>, Refusal> {
        if self.0.is_empty() {
            return Ok(None);
        }
        Ok(Some((self.0.u16()?, self.0.vector::<2>()?)))
    }

    /// What the first extension of a type holds, if there is one before anything malformed.
    pub(super) fn find(mut self, wanted: u16) -> Option<Reader<'a>> {
        while let Ok(Some((kind, content))) = self.next() {
            if kind == wanted {
                return Some(content);
            }
        }
        None
    }

    /// Whether all of the extensions may stand in `place`.
    ///
    /// # Errors
    /// What is wrong with the first that may not.
    pub(super) fn check(self, place: Place) -> Result<(), Refusal> {
        let mut rest = self;
        while let Some((kind, _)) = rest.next()? {
            if rest.find(kind).is_some() {
                return Err(Refusal::IllegalParameter);
            }
            match ANSWERS.iter().find(|(known, _)| *known == kind) {
                Some((_, places)) if places.contains(&place) => {}
                Some(_) => return Err(Refusal::IllegalParameter),
                None if place.is_open() => {}
                None => return Err(Refusal::UnsupportedExtension),
            }
        }
        Ok(())
    }
}
