//! The yellow duck's board: which part is where.

use esp8266_hal::gpio::{Floating, Gpio5, Gpio13, Gpio14, GpioExt, Input, OpenDrain, Output, PushPull};
use esp8266_hal::rng::RngExt;
use esp8266_hal::target::Peripherals;
use firmware::board::{Board, Parts, ResetCause, Watchdog};
use log::info;

use crate::cpu::Delay;
use crate::flash::SettingsFlash;
use crate::frames::Frames;
use crate::pins::{Pin, Random};
use crate::radio::SdkRadio;
use crate::sdk;

/// An ESP-07 with a DHT22 on GPIO14, a switch on GPIO5 and LD1 on GPIO13.
pub struct Esp07(Peripherals);

impl Esp07 {
    /// The board.
    ///
    /// # Safety
    /// Only once, and nobody else uses GPIO5, GPIO13, GPIO14 and the random number register.
    pub unsafe fn new() -> Self {
        // SAFETY: the caller's promise; UART0 is the serial log's, the rest is the SDK's and stays untouched.
        Self(unsafe { Peripherals::steal() })
    }
}

impl Board for Esp07 {
    type DataPin = Pin<Gpio14<Output<OpenDrain>>>;
    type ConfigSwitch = Pin<Gpio5<Input<Floating>>>;
    type WifiLed = Pin<Gpio13<Output<PushPull>>>;
    type Delay = Delay;
    type Flash = SettingsFlash;
    type Random = Random;
    type Frames = Frames;
    type Radio = SdkRadio;
    type Watchdog = SdkWatchdog;

    fn into_parts(self) -> Parts<Self> {
        let pins = self.0.GPIO.split();
        Parts {
            data_pin: Pin(pins.gpio14.into_open_drain_output()),
            config_switch: Pin(pins.gpio5.into_floating_input()),
            wifi_led: Pin(pins.gpio13.into_push_pull_output()),
            delay: Delay,
            flash: SettingsFlash::new(),
            random: Random(self.0.RNG.rng()),
            frames: Frames::new(),
            radio: SdkRadio::new(),
            watchdog: SdkWatchdog { heap_told: u32::MAX },
            reset_cause: reset_cause(),
        }
    }
}

/// Why the SDK says that the chip started.
fn reset_cause() -> ResetCause {
    // SAFETY: the SDK returns a record that lives as long as the program.
    let reason = unsafe { (*sdk::system_get_rst_info()).reason };
    match reason {
        1 => ResetCause::Watchdog,
        2 => ResetCause::Exception,
        3 => ResetCause::SoftwareWatchdog,
        4 => ResetCause::Software,
        6 => ResetCause::External,
        _ => ResetCause::PowerOn,
    }
}

/// The SDK's watchdogs. Being fed each second, it also tells how much of the SDK's heap is left: the radio lives on
/// that, and crashes when it runs out.
pub struct SdkWatchdog {
    /// What was told last, in bytes.
    heap_told: u32,
}

/// So much less than last told is worth a line, in bytes.
const HEAP_STEP: u32 = 1_024;

impl Watchdog for SdkWatchdog {
    fn feed(&mut self) {
        // SAFETY: calls without arguments.
        let heap = unsafe {
            sdk::system_soft_wdt_feed();
            sdk::system_get_free_heap_size()
        };
        if heap <= self.heap_told.saturating_sub(HEAP_STEP) {
            info!(target: "radio", "{heap} bytes of the SDK's heap are left");
            self.heap_told = heap;
        }
    }
}
