//! Named random streams: each component draws from its own, derived from the seed by name, so that a new consumer
//! shifts nobody else's numbers.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// The random numbers of one component.
pub type Stream = ChaCha8Rng;

/// A scenario's seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream called `name`, from its beginning: the same seed and name, the same numbers.
    pub fn stream(self, name: &str) -> Stream {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        hash.update(name.as_bytes());
        ChaCha8Rng::from_seed(hash.finalize().into())
    }

    /// 32 bytes derived from the seed for `name`, for a component that keeps a generator of its own.
    pub fn bytes(self, name: &str) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.stream(name).fill_bytes(&mut bytes);
        bytes
    }
}

/// Draws of the kinds that the world needs, in integers so that they are the same on every machine.
pub trait Draw {
    /// A number in `low..=high`.
    fn between(&mut self, low: u64, high: u64) -> u64;
    /// True in `per_million` of a million draws.
    fn happens(&mut self, per_million: u32) -> bool;
}

impl<R: RngCore> Draw for R {
    fn between(&mut self, low: u64, high: u64) -> u64 {
        debug_assert!(low <= high);
        match (high - low).checked_add(1) {
            // The bias of 2^-64 · range does not matter to a simulation; being the same everywhere does.
            Some(range) => low + ((u128::from(self.next_u64()) * u128::from(range)) >> 64) as u64,
            None => self.next_u64(),
        }
    }

    fn happens(&mut self, per_million: u32) -> bool {
        self.between(0, 999_999) < u64::from(per_million)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_depend_on_seed_and_name_only() {
        assert_eq!(Seed(1).bytes("sensor"), Seed(1).bytes("sensor"));
        assert_ne!(Seed(1).bytes("sensor"), Seed(1).bytes("air"));
        assert_ne!(Seed(1).bytes("sensor"), Seed(2).bytes("sensor"));
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let mut stream = Seed(3).stream("bounds");
        for _ in 0..1_000 {
            assert!((20..=200).contains(&stream.between(20, 200)));
        }
        assert_eq!(stream.between(7, 7), 7);
        assert!(!stream.happens(0) && stream.happens(1_000_000));
    }
}
