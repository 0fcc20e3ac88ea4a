//! Random numbers out of the hardware's noise.
//!
//! Keys and nonces of TLS must not be guessed. The ESP8266's register gives noise of its radio, and its maker says
//! neither how good that is nor how fast it comes; while the radio is off it may not be noise at all. So nothing is
//! used as it comes. Each request gathers fresh noise, four bits for each that one needs, and an HMAC-DRBG (NIST SP
//! 800-90A, 10.1.2) mixes it with what is left of all requests before: whoever knows the noise of one still has to know
//! that of the others.
//!
//! Same noise, same numbers: nothing else goes in.

use rand_core::{CryptoRng, Error, RngCore, impls};
use rfc6979::HmacDrbg;
use sha2::Sha256;

/// Bytes of noise for each request: 1,024 bits, for the strength of 256 bits.
const NOISE: usize = 128;

/// A source of random numbers over a source of noise.
pub(crate) struct Random<R> {
    noise: R,
    /// What is left of all requests before.
    past: [u8; 32],
}

impl<R: RngCore> Random<R> {
    /// Over that noise.
    pub fn new(noise: R) -> Self {
        Self { noise, past: [0; 32] }
    }
}

impl<R: RngCore> RngCore for Random<R> {
    fn next_u32(&mut self) -> u32 {
        impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        let mut noise = [0; NOISE];
        self.noise.fill_bytes(&mut noise);
        let mut generator = HmacDrbg::<Sha256>::new(&noise, &self.past, b"yellow duck");
        generator.fill_bytes(bytes);
        // Behind what is handed out, so that it cannot be told from it.
        generator.fill_bytes(&mut self.past);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl<R: RngCore + CryptoRng> CryptoRng for Random<R> {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise that repeats itself, as a radio's that is off may, and counts how much of it was taken.
    struct Stuck {
        byte: u8,
        taken: usize,
    }

    impl RngCore for Stuck {
        fn next_u32(&mut self) -> u32 {
            impls::next_u32_via_fill(self)
        }

        fn next_u64(&mut self) -> u64 {
            impls::next_u64_via_fill(self)
        }

        fn fill_bytes(&mut self, bytes: &mut [u8]) {
            self.taken += bytes.len();
            bytes.fill(self.byte);
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
            self.fill_bytes(bytes);
            Ok(())
        }
    }

    fn drawn(random: &mut Random<Stuck>) -> [u8; 32] {
        let mut bytes = [0; 32];
        random.fill_bytes(&mut bytes);
        bytes
    }

    #[test]
    fn the_same_noise_gives_the_same_numbers_and_each_request_others() {
        let random = || Random::new(Stuck { byte: 7, taken: 0 });
        let (mut one, mut other) = (random(), random());
        let first = drawn(&mut one);
        assert_eq!(first, drawn(&mut other));
        let second = drawn(&mut one);
        assert_ne!(first, second, "even if the noise is stuck");
        assert_ne!(one.next_u64(), one.next_u64());
    }

    #[test]
    fn each_request_takes_fresh_noise_and_what_was_before_still_counts() {
        let mut random = Random::new(Stuck { byte: 7, taken: 0 });
        drawn(&mut random);
        assert_eq!(random.noise.taken, NOISE);
        let mut other = Random::new(Stuck { byte: 8, taken: 0 });
        drawn(&mut other);
        other.noise.byte = 7;
        assert_ne!(drawn(&mut random), drawn(&mut other), "the noise is the same now, but was not");
        assert_eq!(random.noise.taken, 2 * NOISE);
    }
}
