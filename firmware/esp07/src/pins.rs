//! Pins and random numbers: `esp8266-hal` has `embedded-hal` 0.2, the firmware wants 1.0.

use core::convert::Infallible;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use esp8266_hal::ehal::blocking::rng::Read;
use esp8266_hal::ehal::digital::v2;
use firmware::board::BETWEEN_RANDOM_BYTES;
use rand_core::{CryptoRng, RngCore};

use crate::cpu::Delay;

/// A pin of `esp8266-hal`; its errors cannot happen.
pub struct Pin<P>(pub P);

impl<P> ErrorType for Pin<P> {
    type Error = Infallible;
}

impl<P: v2::InputPin<Error = Infallible>> InputPin for Pin<P> {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        self.0.is_high()
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.0.is_low()
    }
}

impl<P: v2::OutputPin<Error = Infallible>> OutputPin for Pin<P> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.set_low()
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.set_high()
    }
}

/// The chip's random numbers: noise of the radio, as long as that is on and awake. Nobody says how fast new noise comes
/// into the register, so it is read slowly, and only the lowest byte of it.
pub struct Random(pub esp8266_hal::rng::Rng);

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes.chunks_mut(1) {
            Delay.delay_us(BETWEEN_RANDOM_BYTES);
            match self.0.read(byte) {
                Ok(()) => {}
                Err(void) => match void {},
            }
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Random {}
