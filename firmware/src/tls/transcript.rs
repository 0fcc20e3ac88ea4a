//! The hash over all handshake messages, with a count of them.
//!
//! It is SHA-256 as `embedded-tls` asks for it. Of each message the hash takes in one piece, so the number of pieces is
//! the number of messages; [`super::verifier`] asks for it. Where `embedded-tls` hashes anything else, nobody asks. RFC
//! 8446 §4.4.1.

use sha2::Sha256;
use sha2::digest::{
    FixedOutput, HashMarker, Output, OutputSizeUser, Reset, Update,
    consts::{U32, U64},
    core_api::BlockSizeUser,
};

/// SHA-256 that counts.
#[derive(Clone, Default)]
pub(super) struct Transcript {
    hash: Sha256,
    messages: u8,
}

impl Transcript {
    /// How many messages have been hashed, up to 255.
    pub(super) fn messages(&self) -> u8 {
        self.messages
    }
}

impl HashMarker for Transcript {}

impl OutputSizeUser for Transcript {
    type OutputSize = U32;
}

impl BlockSizeUser for Transcript {
    type BlockSize = U64;
}

impl Update for Transcript {
    fn update(&mut self, message: &[u8]) {
        Update::update(&mut self.hash, message);
        self.messages = self.messages.saturating_add(1);
    }
}

impl FixedOutput for Transcript {
    fn finalize_into(self, out: &mut Output<Self>) {
        self.hash.finalize_into(out);
    }
}

impl Reset for Transcript {
    fn reset(&mut self) {
        *self = Self::default();
    }
}
