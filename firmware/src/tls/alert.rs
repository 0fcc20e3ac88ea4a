//! Alerts by their numbers and names: those a server sends, and those this device sends. RFC 8446 §6.

pub(super) const UNEXPECTED_MESSAGE: u8 = 10;
pub(super) const RECORD_OVERFLOW: u8 = 22;
pub(super) const HANDSHAKE_FAILURE: u8 = 40;
pub(super) const ILLEGAL_PARAMETER: u8 = 47;
pub(super) const DECODE_ERROR: u8 = 50;
pub(super) const PROTOCOL_VERSION: u8 = 70;
pub(super) const INTERNAL_ERROR: u8 = 80;
pub(super) const MISSING_EXTENSION: u8 = 109;
pub(super) const UNSUPPORTED_EXTENSION: u8 = 110;

/// The level of an alert that ends the connection.
pub(super) const FATAL: u8 = 2;

/// What an alert of this description says.
pub(super) fn name(description: u8) -> Option<&'static str> {
    Some(match description {
        0 => "close notify",
        UNEXPECTED_MESSAGE => "unexpected message",
        20 => "bad record",
        RECORD_OVERFLOW => "record overflow",
        HANDSHAKE_FAILURE => "handshake failure",
        42 => "bad certificate",
        ILLEGAL_PARAMETER => "illegal parameter",
        DECODE_ERROR => "decode error",
        51 => "decrypt error",
        PROTOCOL_VERSION => "protocol version",
        71 => "insufficient security",
        INTERNAL_ERROR => "internal error",
        MISSING_EXTENSION => "missing extension",
        UNSUPPORTED_EXTENSION => "unsupported extension",
        112 => "unrecognized name",
        _ => return None,
    })
}
