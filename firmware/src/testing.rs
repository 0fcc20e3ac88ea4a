//! What the unit tests share: repeatable random numbers, and an executor over the hand-set clock.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use rand_core::{CryptoRng, RngCore};

/// SplitMix64: repeatable, and random enough for tests.
pub struct Numbers(pub u64);

impl RngCore for Numbers {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next_u64() as u8;
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Numbers {}

/// Runs a future to its end, jumping from timer to timer.
///
/// # Panics
/// If the future waits for something that is not a timer.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        let deadline = simulator_clock::take_deadline().expect("the future waits for a timer");
        simulator_clock::set(deadline.max(simulator_clock::now()));
    }
}
