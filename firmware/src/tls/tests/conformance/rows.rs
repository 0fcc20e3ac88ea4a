//! The rows: what a server does, and what becomes of it.

mod encrypted;
mod plaintext;

use super::*;

/// A change of cipher specs.
const CHANGE: &[u8] = &[20, 3, 3, 0, 1, 1];
const UNABLE: &str = "TLS allows it, and the device cannot do it";
const IGNORED: &str = "rustls does not look at it";

pub(super) fn rows() -> Vec<Row> {
    [
        plaintext::hellos(),
        plaintext::retries(),
        plaintext::records_before_the_hello(),
        encrypted::order(),
        encrypted::encrypted_extensions_messages(),
        encrypted::certificates(),
        encrypted::proofs(),
        encrypted::requests(),
        encrypted::records_in_the_handshake(),
        encrypted::after_the_handshake(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
