//! The vendor's SDK for the ESP8266 at function level, for programs that are linked against stubs of it.
//!
//! The program and the boot ROM run as code on an emulated [`Chip`](esp8266::chip::Chip). Where the program calls a
//! function of the SDK, the chip stops at a stub, and [`Sdk::enter`] answers: with the boot ROM's own tasks and timers,
//! and over the two traits [`Radio`] and [`Flash`] with whatever world is around the chip. While the chip idles,
//! [`Sdk::idles`] calls the program for what the radio has to tell. The SDK's watchdogs are here, too, and its handlers
//! of exceptions.
//!
//! Whose world it is does not matter here: nothing in this crate knows of networks, of other devices or of scenarios.
//!
//! A program of two calls, which asks for the time and then restarts the chip:
//!
//! ```
//! use core::ops::Range;
//! use core::time::Duration;
//!
//! use esp8266::chip::{Chip, Configuration, Stop};
//! use esp8266::image::{Segment, flash};
//! use esp8266::peripherals::{self, Drive, Pins, SerialOut, SpiBus, Time};
//! use esp8266::serial_flash::{FlashChip, PlainCells, SerialFlash};
//! use esp8266_sdk::{Answer, Flash, Radio, Sdk, Start};
//! use simulator_record::time::Instant;
//!
//! /// A flash to boot from, and a radio that nobody hears.
//! struct Board(SerialFlash<PlainCells>);
//!
//! impl Pins for Board {
//!     /// GPIO0 and GPIO2 are high, GPIO15 is low: the chip boots from flash.
//!     fn levels(&mut self, _at: u64) -> u32 {
//!         1 << 0 | 1 << 2
//!     }
//!
//!     fn drive(&mut self, _pin: u8, _drive: Drive, _at: u64) {}
//! }
//!
//! impl SpiBus for Board {
//!     fn flash(&mut self) -> Option<&mut dyn FlashChip> {
//!         Some(&mut self.0)
//!     }
//! }
//!
//! impl SerialOut for Board {
//!     fn send(&mut self, _uart: u8, _byte: u8, _during: Range<u64>) {}
//! }
//!
//! impl peripherals::Radio for Board {}
//!
//! impl Radio for Board {
//!     fn hardware_address(&self) -> [u8; 6] {
//!         [0x18, 0xFE, 0x34, 1, 2, 3]
//!     }
//! }
//!
//! impl Flash for Board {}
//!
//! // The program: call0 system_get_time; call0 system_restart
//! let mut code = vec![0; 0x60];
//! code[0x20..0x26].copy_from_slice(&[0xC5, 0x01, 0x00, 0xC5, 0x02, 0x00]);
//! let address_of = |name: &str| match name {
//!     "sdk_boot" => Some(0x4010_0000),
//!     "sdk_start" => Some(0x4010_0020),
//!     "sdk_system_get_time" => Some(0x4010_0040),
//!     "sdk_system_restart" => Some(0x4010_0050),
//!     _ => None,
//! };
//! let segment = Segment { address: 0x4010_0000, bytes: code };
//! let content = flash::pad_dump(&flash::emit(2, 0x20, 0x4010_0000, &[segment]))?;
//!
//! let board = Board(SerialFlash::new(PlainCells::new(content)));
//! let mut chip = Chip::new(Configuration { mac: board.hardware_address(), seed: 1 }, board);
//! let start = Start { at: Instant::START, uptime: Duration::ZERO, reset_information: [0; 7] };
//! let mut sdk = Sdk::new(start, address_of);
//! for address in sdk.addresses() {
//!     chip.core.trap(address);
//! }
//!
//! let mut answers = Vec::new();
//! while answers.last() != Some(&Answer::Restart) {
//!     let Stop::Trap(address) = chip.run_until(Time::from_milliseconds(1_000)) else { panic!("it hangs") };
//!     answers.push(sdk.enter(&mut chip, address));
//! }
//! assert_eq!(answers, [Answer::Started, Answer::Done, Answer::Restart]);
//! let [microseconds, ..] = chip.arguments();
//! assert!((1..1_000_000).contains(&microseconds), "{microseconds} since the start");
//! # Ok::<(), esp8266::image::ImageError>(())
//! ```

mod call;
mod exception;
mod hardware_watchdog;
mod outside;
mod sdk;
mod traps;
mod watchdog;

pub use exception::{print_exception, reset_information, reset_reason};
pub use hardware_watchdog::{HardwareWatchdog, WATCHDOG_PERIOD};
pub use outside::{AccessPoint, AuthMode, Environment, Flash, Radio};
pub use sdk::{ANSWER, Answer, Sdk, Start};
pub use watchdog::Expiry;
