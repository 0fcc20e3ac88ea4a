//! The seam between the yellow duck and whatever carries it: a simulated board, or an ESP-07.
//!
//! All that the firmware touches of the world comes through [`Board`]: pins, delays, settings flash, random numbers,
//! Ethernet frames, the radio's controls, the watchdog. Time comes through `embassy-time` and the serial log through
//! `log`, whose driver and logger each target brings. Everything above the Ethernet frame (DHCP, DNS, TCP, TLS, HTTP)
//! is the firmware's own code.

use embassy_net_driver::Driver;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_storage_async::nor_flash::NorFlash;
use rand_core::{CryptoRng, RngCore};

/// Where the settings and what the duck keeps of itself lie in the 1 MiB flash of an ESP-07: four sectors below the
/// vendor's radio calibration data (NONOS SDK 3: `RF_CAL` at 0xFB000), above the largest program that its linker script
/// allows.
pub const SETTINGS_SECTORS: core::ops::Range<u32> = 0xF_7000..0xF_B000;

/// How long the hardware's random numbers are left to gather noise before each byte, µs.
pub const BETWEEN_RANDOM_BYTES: u32 = 10;

/// A yellow duck's hardware.
pub trait Board {
    /// GPIO14, the sensor's one-wire bus: open drain, pulled up. Low drives, high releases.
    type DataPin: InputPin + OutputPin;
    /// GPIO5: high asks for configuration mode.
    type ConfigSwitch: InputPin;
    /// GPIO13, LD1: high lights it.
    type WifiLed: OutputPin;
    /// Blocking delays, exact to the microsecond, for the sensor's bus.
    type Delay: Delay;
    /// The flash sectors that hold what [`crate::store`] keeps, and nothing else: at least four erasable sectors,
    /// 4-byte words.
    type Flash: NorFlash;
    /// Hardware random numbers: noise, [`BETWEEN_RANDOM_BYTES`] apart. It need not be perfect, see `random.rs`.
    type Random: RngCore + CryptoRng;
    /// Ethernet frames in and out of the radio, in both modes.
    type Frames: Driver;
    /// The radio's controls.
    type Radio: Radio;
    /// The hardware watchdog.
    type Watchdog: Watchdog;

    /// Takes the board apart, once.
    fn into_parts(self) -> Parts<Self>;
}

/// A board taken apart.
pub struct Parts<B: Board + ?Sized> {
    /// See [`Board::DataPin`].
    pub data_pin: B::DataPin,
    /// See [`Board::ConfigSwitch`].
    pub config_switch: B::ConfigSwitch,
    /// See [`Board::WifiLed`].
    pub wifi_led: B::WifiLed,
    /// See [`Board::Delay`].
    pub delay: B::Delay,
    /// See [`Board::Flash`].
    pub flash: B::Flash,
    /// See [`Board::Random`].
    pub random: B::Random,
    /// See [`Board::Frames`].
    pub frames: B::Frames,
    /// See [`Board::Radio`].
    pub radio: B::Radio,
    /// See [`Board::Watchdog`].
    pub watchdog: B::Watchdog,
    /// Why the device started.
    pub reset_cause: ResetCause,
}

/// Why the device started; the numbers are those of the vendor's SDK (`rst_reason` in `user_interface.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetCause {
    /// Power came on.
    PowerOn = 0,
    /// Nobody fed the hardware watchdog.
    Watchdog = 1,
    /// The firmware raised an exception that nobody handles.
    Exception = 2,
    /// Nobody fed the SDK's software watchdog.
    SoftwareWatchdog = 3,
    /// The firmware asked for it.
    Software = 4,
    /// The reset pin was pulled low.
    External = 6,
}

impl ResetCause {
    /// The cause in the words of the serial log.
    pub fn name(self) -> &'static str {
        match self {
            Self::PowerOn => "power-on",
            Self::External => "external reset",
            Self::Software => "software restart",
            Self::Watchdog => "watchdog",
            Self::Exception => "exception",
            Self::SoftwareWatchdog => "software watchdog",
        }
    }
}

/// Blocking delays that must be exact.
pub trait Delay: DelayNs {
    /// Does `act` without being disturbed: on a chip, interrupts wait meanwhile, and with them the radio. For some 5 ms
    /// at most.
    fn undisturbed<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        act(self)
    }
}

/// What the firmware asks of the radio. Frames pass through [`Board::Frames`], whose link state follows the radio's:
/// up while the station is joined, or while the access point is open.
#[expect(async_fn_in_trait, reason = "one task on one core polls the firmware, so futures need not be Send")]
pub trait Radio {
    /// Opens an access point with WPA2.
    ///
    /// # Errors
    /// [`RadioError`] if the radio refuses.
    async fn start_access_point(&mut self, access_point: &AccessPoint<'_>) -> Result<(), RadioError>;

    /// Joins a network as a station: scan, authenticate, associate, keys. Takes seconds; a dropped join is abandoned.
    ///
    /// # Errors
    /// Why the network could not be joined; none is final, the same network may let the device in later.
    async fn join(&mut self, network: &Network<'_>) -> Result<(), JoinError>;

    /// Why a join has really failed: a radio that calls several things by one name looks once more. It may take some
    /// seconds, and the next join waits for it.
    async fn look_closer(&mut self, _network: &Network<'_>, error: JoinError) -> JoinError {
        error
    }

    /// Leaves the network, if joined.
    async fn leave(&mut self);

    /// Waits until the station is no longer joined (returns at once if it is not) and says why.
    async fn link_lost(&mut self) -> LinkLoss;

    /// The joined access point's signal as last received, in dBm (typically -30 to -95).
    fn signal_strength(&self) -> Option<i8>;
}

/// The access point of configuration mode.
#[derive(Clone, Copy, Debug)]
pub struct AccessPoint<'a> {
    /// Network name (SSID), 1 to 32 bytes.
    pub name: &'a str,
    /// WPA2 passphrase, 8 to 63 characters.
    pub passphrase: &'a str,
    /// 2.4 GHz channel, 1 to 13.
    pub channel: u8,
}

/// The network to join.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    /// Network name (SSID), 1 to 32 bytes.
    pub name: &'a str,
    /// How the network is protected.
    pub security: Security<'a>,
}

/// How a network is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security<'a> {
    /// Not at all.
    Open,
    /// WPA2 with a passphrase of 8 to 63 characters, or a pre-shared key of 64 hexadecimal digits.
    Wpa2(&'a str),
}

/// The radio did not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RadioError;

/// Why a network could not be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinError {
    /// No access point of that name was heard.
    NotFound,
    /// The four-way handshake failed: the passphrase is wrong.
    WrongPassphrase,
    /// The network's protection is not what the settings say (open instead of WPA2, or the reverse).
    SecurityMismatch,
    /// The access point refused the association.
    Refused,
    /// The access point stopped answering halfway.
    Timeout,
}

impl JoinError {
    /// The reason in the words of the serial log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "network not found",
            Self::WrongPassphrase => "wrong passphrase",
            Self::SecurityMismatch => "the network's security differs from the settings",
            Self::Refused => "the access point refused",
            Self::Timeout => "the access point stopped answering",
        }
    }
}

/// Why the link went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkLoss {
    /// No beacon for too long.
    BeaconTimeout,
    /// The access point sent the station away.
    Deauthenticated,
    /// The firmware left.
    Left,
}

impl LinkLoss {
    /// The reason in the words of the serial log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::BeaconTimeout => "no beacons from the access point",
            Self::Deauthenticated => "the access point sent us away",
            Self::Left => "left the network",
        }
    }
}

/// The hardware watchdog: resets the chip when it is not fed for about 8.4 s (both stages of the ESP8266's WDT, as the
/// vendor's SDK sets them).
pub trait Watchdog {
    /// Starts the period anew.
    fn feed(&mut self);
}
