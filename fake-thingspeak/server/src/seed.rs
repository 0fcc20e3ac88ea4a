//! The seed that keys, numbers and certificates come from.

use sha2::{Digest, Sha256};

use crate::error::Error;

/// The seed of everything: from the number, or from the operating system.
pub(crate) fn seed(number: Option<u64>) -> Result<[u8; 32], Error> {
    let Some(number) = number else { return random_seed() };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    Ok(seed)
}

/// A seed from the operating system, which cannot be guessed.
pub(crate) fn random_seed() -> Result<[u8; 32], Error> {
    let mut seed = [0; 32];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut seed).map_err(|_| Error::Randomness)?;
    Ok(seed)
}

/// The part of the seed that belongs to `name` alone.
pub(crate) fn part(seed: &[u8; 32], name: &str) -> [u8; 32] {
    Sha256::new().chain_update(seed).chain_update(name).finalize().into()
}
