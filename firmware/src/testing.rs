//! What the unit tests share: repeatable random numbers, an executor over the hand-set clock, and a bare board.

use core::convert::Infallible;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use rand_core::{CryptoRng, RngCore};

use crate::board::{
    AccessPoint, Board, Delay, JoinError, LinkLoss, Network, Parts, Radio, RadioError, ResetCause, Watchdog,
};

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

/// A board on which nothing is connected: the radio never joins, no frame comes, the sensor is silent.
pub struct BareBoard;

/// Any part of a [`BareBoard`].
pub struct Nothing;

impl embedded_hal::digital::ErrorType for Nothing {
    type Error = Infallible;
}

impl InputPin for Nothing {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }
}

impl OutputPin for Nothing {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl DelayNs for Nothing {
    fn delay_ns(&mut self, nanos: u32) {
        simulator_clock::advance(nanos.into());
    }
}

impl Delay for Nothing {}

impl ErrorType for Nothing {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Nothing {
    const READ_SIZE: usize = 4;

    async fn read(&mut self, _offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        bytes.fill(0xFF);
        Ok(())
    }

    fn capacity(&self) -> usize {
        4 * 4_096
    }
}

impl NorFlash for Nothing {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4_096;

    async fn erase(&mut self, _from: u32, _to: u32) -> Result<(), NorFlashErrorKind> {
        Ok(())
    }

    async fn write(&mut self, _offset: u32, _bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        Ok(())
    }
}

impl Driver for Nothing {
    type RxToken<'a> = Self;
    type TxToken<'a> = Self;

    fn receive(&mut self, _context: &mut Context<'_>) -> Option<(Self, Self)> {
        None
    }

    fn transmit(&mut self, _context: &mut Context<'_>) -> Option<Self> {
        None
    }

    fn link_state(&mut self, _context: &mut Context<'_>) -> LinkState {
        LinkState::Down
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = 1_514;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet([2, 0, 0, 0, 0, 1])
    }
}

impl RxToken for Nothing {
    fn consume<T, F: FnOnce(&mut [u8]) -> T>(self, f: F) -> T {
        f(&mut [])
    }
}

impl TxToken for Nothing {
    fn consume<T, F: FnOnce(&mut [u8]) -> T>(self, _length: usize, f: F) -> T {
        f(&mut [])
    }
}

impl Radio for Nothing {
    async fn start_access_point(&mut self, _access_point: &AccessPoint<'_>) -> Result<(), RadioError> {
        Err(RadioError)
    }

    async fn join(&mut self, _network: &Network<'_>) -> Result<(), JoinError> {
        Err(JoinError::NotFound)
    }

    async fn leave(&mut self) {}

    async fn link_lost(&mut self) -> LinkLoss {
        LinkLoss::Left
    }

    fn signal_strength(&self) -> Option<i8> {
        None
    }
}

impl Watchdog for Nothing {
    fn feed(&mut self) {}
}

impl Board for BareBoard {
    type DataPin = Nothing;
    type ConfigSwitch = Nothing;
    type WifiLed = Nothing;
    type Delay = Nothing;
    type Flash = Nothing;
    type Random = Numbers;
    type Frames = Nothing;
    type Radio = Nothing;
    type Watchdog = Nothing;

    fn into_parts(self) -> Parts<Self> {
        Parts {
            data_pin: Nothing,
            config_switch: Nothing,
            wifi_led: Nothing,
            delay: Nothing,
            flash: Nothing,
            random: Numbers(1),
            frames: Nothing,
            radio: Nothing,
            watchdog: Nothing,
            reset_cause: ResetCause::PowerOn,
        }
    }
}
