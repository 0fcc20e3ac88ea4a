//! The hardware's random numbers: what the register `WDEV_RANDOM` gives, one number each time it is read.
//!
//! On silicon they are noise of the radio; here they come from a seed, so that a run can be repeated. Usable without a
//! chip, by whoever wants the numbers that a chip of the same seed would draw.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A chip's source of random numbers.
#[derive(Clone, Debug)]
pub struct HardwareRng(ChaCha8Rng);

impl HardwareRng {
    /// The source of a chip with this seed, from its beginning.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// The next number.
    pub fn draw(&mut self) -> u32 {
        self.0.next_u32()
    }
}
