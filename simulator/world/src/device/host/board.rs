//! The board's parts as the firmware sees them on the host: each reaches the world's models through the port, in the
//! device's local time, and costs the time that the real part costs.

use std::convert::Infallible;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_time::Timer;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use embedded_storage_async::nor_flash::{
    ErrorType as FlashErrorType, NorFlash as AsyncNorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use firmware::board::{
    AccessPoint, BETWEEN_RANDOM_BYTES, Board, JoinError, LinkLoss, Network, Parts, Radio, RadioError, ResetCause,
    SETTINGS_SECTORS, Security, Watchdog,
};
use rand_core::{CryptoRng, RngCore};

use super::chip::HostChip;
use super::context::in_simulator;
use super::words;
use crate::boards::yellow_duck::{CONFIG_SWITCH, SENSOR, WIFI_LED};
use crate::device::Port;
use crate::device::port::Output;
use simulator_parts::HostDrive;
use simulator_parts::flash::{self, Operation};
use simulator_record::events::Level;
use simulator_record::time::Instant;

/// What a read or write of a pin costs: a register access on the peripheral bus with the loop around it, as
/// `dht-sensor`'s polling has it.
const PIN_ACCESS: Duration = Duration::from_nanos(250);
/// The longest Ethernet frame, with its header and without its checksum.
const FRAME_SIZE: usize = 1514;

/// The yellow duck's board over a [`Port`].
pub struct HostBoard {
    parts: Handle,
    cause: ResetCause,
}

/// What each part holds.
type Handle = Rc<HostChip>;

impl HostBoard {
    /// A board that starts at `at`, because of `cause`.
    pub fn new(port: Rc<Port>, at: Instant, cause: ResetCause) -> Self {
        Self { parts: Rc::new(HostChip::new(port, at)), cause }
    }

    /// The chip that the board stands around.
    pub(super) fn chip(&self) -> Rc<HostChip> {
        Rc::clone(&self.parts)
    }
}

impl Board for HostBoard {
    type DataPin = DataPin;
    type ConfigSwitch = ConfigSwitch;
    type WifiLed = WifiLed;
    type Delay = Delay;
    type Flash = HostFlash;
    type Random = Random;
    type Frames = Frames;
    type Radio = HostRadio;
    type Watchdog = HostWatchdog;

    fn into_parts(self) -> Parts<Self> {
        let part = || Rc::clone(&self.parts);
        Parts {
            data_pin: DataPin(part()),
            config_switch: ConfigSwitch(part()),
            wifi_led: WifiLed(part()),
            delay: Delay,
            flash: HostFlash { handle: part() },
            random: Random(part()),
            frames: Frames(part()),
            radio: HostRadio(part()),
            watchdog: HostWatchdog(part()),
            reset_cause: self.cause,
        }
    }
}

/// The pin to which the duck's firmware expects the sensor.
pub struct DataPin(Handle);

impl ErrorType for DataPin {
    type Error = Infallible;
}

impl DataPin {
    fn drive(&mut self, drive: HostDrive) {
        in_simulator(|| {
            simulator_clock::advance(PIN_ACCESS.as_nanos() as u64);
            self.0.port.drive(SENSOR, self.0.now(), drive);
        });
    }

    fn level(&mut self) -> Level {
        in_simulator(|| {
            simulator_clock::advance(PIN_ACCESS.as_nanos() as u64);
            self.0.port.level(SENSOR, self.0.now()).unwrap_or(Level::Low)
        })
    }
}

impl InputPin for DataPin {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.level() == Level::High)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(self.level() == Level::Low)
    }
}

impl OutputPin for DataPin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.drive(HostDrive::Low);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.drive(HostDrive::Released);
        Ok(())
    }
}

/// The pin to which the duck's firmware expects the config switch.
pub struct ConfigSwitch(Handle);

impl ErrorType for ConfigSwitch {
    type Error = Infallible;
}

impl InputPin for ConfigSwitch {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        in_simulator(|| {
            simulator_clock::advance(PIN_ACCESS.as_nanos() as u64);
            Ok(self.0.port.level(CONFIG_SWITCH, self.0.now()) == Some(Level::High))
        })
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}

/// The pin to which the duck's firmware expects LD1.
pub struct WifiLed(Handle);

impl ErrorType for WifiLed {
    type Error = Infallible;
}

impl OutputPin for WifiLed {
    fn set_low(&mut self) -> Result<(), Infallible> {
        in_simulator(|| self.0.port.drive(WIFI_LED, self.0.now(), HostDrive::Low));
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        in_simulator(|| self.0.port.drive(WIFI_LED, self.0.now(), HostDrive::High));
        Ok(())
    }
}

/// Blocking delays: local time passes.
pub struct Delay;

impl DelayNs for Delay {
    fn delay_ns(&mut self, nanos: u32) {
        simulator_clock::advance(u64::from(nanos));
    }
}

impl firmware::board::Delay for Delay {}

/// The chip's random number generator, read as the ESP-07 reads it (`esp8266-hal`: the lowest byte of one draw for each
/// byte), so that the same firmware draws the same numbers on the host and on the chip.
pub struct Random(Handle);

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        in_simulator(|| {
            let mut rng = self.0.rng.borrow_mut();
            simulator_clock::advance(bytes.len() as u64 * u64::from(BETWEEN_RANDOM_BYTES) * 1_000);
            bytes.fill_with(|| rng.draw() as u8);
        });
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Random {}

/// The hardware watchdog.
pub struct HostWatchdog(Handle);

impl Watchdog for HostWatchdog {
    fn feed(&mut self) {
        self.0.feed_watchdog();
        self.0.limit_by_watchdog();
    }
}

/// Ethernet frames to and from the radio.
pub struct Frames(Handle);

impl Driver for Frames {
    type RxToken<'a> = Received;
    type TxToken<'a> = Transmitter<'a>;

    fn receive(&mut self, _: &mut Context<'_>) -> Option<(Received, Transmitter<'_>)> {
        in_simulator(|| {
            let frame = self.0.port.frames.borrow_mut().pop_front()?;
            Some((Received(frame), Transmitter(&self.0)))
        })
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Transmitter<'_>> {
        Some(Transmitter(&self.0))
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        in_simulator(|| if self.0.port.radio.borrow().up { LinkState::Up } else { LinkState::Down })
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME_SIZE;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.0.port.hardware_address)
    }
}

/// A received frame.
pub struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, use_frame: F) -> R {
        use_frame(&mut self.0)
    }
}

/// Room for one frame to be sent.
pub struct Transmitter<'a>(&'a Handle);

impl TxToken for Transmitter<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill_frame: F) -> R {
        let mut frame = in_simulator(|| vec![0; length]);
        let result = fill_frame(&mut frame);
        in_simulator(|| self.0.port.put(self.0.now(), Output::Frame(frame)));
        result
    }
}

/// The radio's controls.
pub struct HostRadio(Handle);

impl HostRadio {
    fn request(&self, output: Output) {
        in_simulator(|| self.0.port.put(self.0.now(), output));
    }
}

/// Abandons a join that is dropped before it has ended.
struct Joining<'a> {
    radio: &'a HostRadio,
    ended: bool,
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.radio.request(Output::Leave);
        }
    }
}

impl Radio for HostRadio {
    async fn start_access_point(&mut self, access_point: &AccessPoint<'_>) -> Result<(), RadioError> {
        self.request(in_simulator(|| Output::StartAccessPoint {
            network: access_point.name.to_owned(),
            passphrase: access_point.passphrase.to_owned(),
            channel: access_point.channel,
        }));
        // Up when the world says that beacons go out.
        poll_fn(|_| if in_simulator(|| self.0.port.radio.borrow().up) { Poll::Ready(()) } else { Poll::Pending }).await;
        Ok(())
    }

    async fn join(&mut self, network: &Network<'_>) -> Result<(), JoinError> {
        in_simulator(|| {
            let mut radio = self.0.port.radio.borrow_mut();
            radio.joined = None;
            radio.lost = None;
        });
        self.request(in_simulator(|| Output::Join {
            network: network.name.to_owned(),
            passphrase: match network.security {
                Security::Open => None,
                Security::Wpa2(passphrase) => Some(passphrase.to_owned()),
            },
        }));
        let mut joining = Joining { radio: self, ended: false };
        let outcome = poll_fn(|_| {
            in_simulator(|| match self.0.port.radio.borrow_mut().joined.take() {
                Some(outcome) => Poll::Ready(words::join_result(outcome)),
                None => Poll::Pending,
            })
        })
        .await;
        joining.ended = true;
        outcome
    }

    async fn leave(&mut self) {
        in_simulator(|| self.0.port.radio.borrow_mut().up = false);
        self.request(Output::Leave);
    }

    async fn link_lost(&mut self) -> LinkLoss {
        poll_fn(|_| {
            in_simulator(|| {
                let mut radio = self.0.port.radio.borrow_mut();
                match radio.lost.take() {
                    Some(loss) => Poll::Ready(words::link_loss(loss)),
                    None if radio.up => Poll::Pending,
                    None => Poll::Ready(LinkLoss::Left),
                }
            })
        })
        .await
    }

    fn signal_strength(&self) -> Option<i8> {
        in_simulator(|| self.0.port.radio.borrow().signal)
    }
}

/// The flash sectors that hold the settings.
pub struct HostFlash {
    handle: Handle,
}

impl HostFlash {
    /// The address in the chip of an offset in the settings sectors.
    fn address(&self, offset: u32, length: usize) -> Result<u32, NorFlashErrorKind> {
        if length > self.capacity() || offset as usize > self.capacity() - length {
            return Err(NorFlashErrorKind::OutOfBounds);
        }
        Ok(SETTINGS_SECTORS.start + offset)
    }

    /// Lets the chip do one operation: the device waits until it is finished.
    async fn operate(&mut self, operation: Operation) -> Result<(), NorFlashErrorKind> {
        let ends = in_simulator(|| {
            let now = self.handle.now();
            let begun = self.handle.port.flash.borrow_mut().begin(now, operation).map_err(|error| error.kind())?;
            self.handle.port.put(now, Output::FlashBegan { number: begun.number, ends: begun.ends });
            Ok(begun.ends)
        })?;
        let mut pending = Pending { handle: &self.handle, ends };
        let until = self.handle.clock_at(ends).div_ceil(1_000);
        Timer::at(embassy_time::Instant::from_micros(until)).await;
        pending.finish();
        Ok(())
    }
}

/// An operation under way. The chip carries it out to its end even if the firmware no longer waits for it; a power cut,
/// which stops the firmware as well, has torn it before this is dropped.
struct Pending<'a> {
    handle: &'a Handle,
    ends: Instant,
}

impl Pending<'_> {
    fn finish(&mut self) {
        in_simulator(|| {
            if let Some(report) = self.handle.port.flash.borrow_mut().finish() {
                self.handle.port.put(self.handle.now().max(self.ends), Output::Event(report.into()));
            }
        });
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.finish();
    }
}

impl FlashErrorType for HostFlash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for HostFlash {
    const READ_SIZE: usize = 4;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        in_simulator(|| {
            let address = self.address(offset, bytes.len())?;
            let now = self.handle.now();
            let after = self.handle.port.flash.borrow_mut().read(now, address, bytes).map_err(|error| error.kind())?;
            simulator_clock::advance(after.saturating_since(now).as_nanos() as u64);
            Ok(())
        })
    }

    fn capacity(&self) -> usize {
        SETTINGS_SECTORS.len()
    }
}

impl AsyncNorFlash for HostFlash {
    const WRITE_SIZE: usize = flash::WORD as usize;
    const ERASE_SIZE: usize = flash::SECTOR as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        let length = to.checked_sub(from).ok_or(NorFlashErrorKind::OutOfBounds)?;
        let from = self.address(from, length as usize)?;
        self.operate(Operation::Erase { from, to: from + length }).await
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let address = self.address(offset, bytes.len())?;
        self.operate(in_simulator(|| Operation::Write { address, data: bytes.to_vec() })).await
    }
}
