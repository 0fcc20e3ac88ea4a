//! What can be wrong with a handshake message, as far as it shows without keys and certificates.

use super::error::TlsError;

/// Why a message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A message, or a record, of a kind that has no place here.
    UnexpectedMessage,
    /// A message of the handshake that comes too early, too late or again.
    OutOfOrder,
    /// A message that does not end in its record: not wrong, but more than `embedded-tls` can put together.
    Split,
    /// Lengths that do not fit each other, or values outside of what their type allows.
    Malformed,
    /// A value that was not offered, or contradicts what was said before.
    IllegalParameter,
    /// An extension that answers nothing.
    UnsupportedExtension,
    /// An extension that must be there is not.
    MissingExtension,
    /// New keys for what the server sends: not wrong, but more than `embedded-tls` can do.
    KeyUpdate,
}

impl Refusal {
    /// All of them.
    pub(super) const ALL: [Self; 8] = [
        Self::UnexpectedMessage,
        Self::OutOfOrder,
        Self::Split,
        Self::Malformed,
        Self::IllegalParameter,
        Self::UnsupportedExtension,
        Self::MissingExtension,
        Self::KeyUpdate,
    ];
}

impl From<Refusal> for TlsError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnexpectedMessage => Self::UnexpectedMessage,
            Refusal::OutOfOrder => Self::OutOfOrder,
            Refusal::Split => Self::SplitMessage,
            Refusal::Malformed => Self::MalformedMessage,
            Refusal::IllegalParameter => Self::IllegalParameter,
            Refusal::UnsupportedExtension => Self::UnsupportedExtension,
            Refusal::MissingExtension => Self::MissingExtension,
            Refusal::KeyUpdate => Self::KeyUpdate,
        }
    }
}
