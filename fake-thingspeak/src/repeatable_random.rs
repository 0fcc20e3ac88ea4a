//! Randomness that repeats itself: streams that come from a seed and a name, and one stream a thread for handshakes.
//!
//! [`derived`] is for what is made once and must be the same at every start, such as keys. rustls takes its random
//! numbers from wherever the process has them, without a parameter: [`ThreadStream`] gives it those of the thread's
//! stream, which [`seed_this_thread`] begins.

use std::cell::RefCell;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rustls::crypto::{GetRandomFailed, SecureRandom};
use sha2::{Digest, Sha256};

thread_local! {
    static STREAM: RefCell<Option<ChaCha20Rng>> = const { RefCell::new(None) };
}

/// Begins this thread's random stream: every handshake on this thread draws from it from now on, in turn.
///
/// A simulation calls this before its first handshake, and again if another world ran on the thread in between.
pub fn seed_this_thread(seed: [u8; 32]) {
    STREAM.with(|stream| *stream.borrow_mut() = Some(ChaCha20Rng::from_seed(seed)));
}

/// A generator for one use, drawn from this thread's stream.
///
/// # Errors
/// [`GetRandomFailed`] if the stream was never begun: better no handshake than one that cannot be repeated.
pub(crate) fn draw() -> Result<ChaCha20Rng, GetRandomFailed> {
    let mut seed = [0; 32];
    ThreadStream.fill(&mut seed)?;
    Ok(ChaCha20Rng::from_seed(seed))
}

/// The randomness of handshakes, for rustls.
#[derive(Debug)]
pub(crate) struct ThreadStream;

impl SecureRandom for ThreadStream {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        STREAM.with(|stream| match stream.borrow_mut().as_mut() {
            Some(stream) => {
                stream.fill_bytes(bytes);
                Ok(())
            }
            None => Err(GetRandomFailed),
        })
    }
}

/// A random stream of its own for everything that `parts` name.
pub(crate) fn derived(seed: &[u8; 32], parts: &[&[u8]]) -> ChaCha20Rng {
    let mut hash = Sha256::new();
    hash.update(seed);
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    ChaCha20Rng::from_seed(hash.finalize().into())
}
