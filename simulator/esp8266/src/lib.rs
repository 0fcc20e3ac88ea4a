//! The ESP8266 as a program sees it.
//!
//! [`isa`] says what an instruction word means. [`cpu`] is the LX106 core's state, its exceptions and interrupts, and
//! the plain interpreter. [`memory`] holds what can be read and written without side effects and knows which access
//! silicon refuses; everything else is a device behind the [`bus`]. [`blocks`] runs programs fast and exactly as the
//! interpreter does. [`image`] loads programs. [`peripherals`] are the chip's devices, [`rom`] its boot ROM, and
//! [`chip`] puts everything together. [`debug`] is for who looks into a chip from
//! outside; [`registers`] and [`backtrace`] tell where a program came to grief.
//!
//! Nothing here knows of scenarios, networks or the world outside of the chip: whoever owns a [`Chip`](chip::Chip) says
//! what its pins are connected to, lets it run to a cycle and answers when it stops; a [`Core`] alone needs a
//! [`Bus`](bus::Bus). The crate reads no clock; time is the core's cycle counter. One instruction takes one cycle:
//! pipeline stalls, taken-branch penalties and flash-cache misses are not modelled.
//!
//! A program of five instructions in a flash, booted by the ROM, and what it sends:
//!
//! ```
//! use core::ops::Range;
//!
//! use esp8266::chip::{Chip, Configuration, Stop};
//! use esp8266::image::{Segment, flash};
//! use esp8266::peripherals::{Drive, Pins, Radio, SerialOut, SpiBus, Time};
//! use esp8266::serial_flash::{FlashChip, PlainCells, SerialFlash};
//!
//! /// A flash, and somebody who listens.
//! struct Board {
//!     flash: SerialFlash<PlainCells>,
//!     heard: Vec<u8>,
//! }
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
//!         Some(&mut self.flash)
//!     }
//! }
//!
//! impl Radio for Board {}
//!
//! impl SerialOut for Board {
//!     fn send(&mut self, _uart: u8, byte: u8, _during: Range<u64>) {
//!         self.heard.push(byte);
//!     }
//! }
//!
//! // movi a2, 6; slli a2, a2, 28; movi a3, '!'; s32i a3, a2, 0; ret
//! let code = [0x22, 0xA0, 0x06, 0x40, 0x22, 0x01, 0x32, 0xA0, 0x21, 0x32, 0x62, 0x00, 0x80, 0x00, 0x00, 0x00];
//! let segment = Segment { address: 0x4010_0000, bytes: code.to_vec() };
//! let content = flash::pad_dump(&flash::emit(2, 0x20, 0x4010_0000, &[segment]))?;
//!
//! let board = Board { flash: SerialFlash::new(PlainCells::new(content)), heard: Vec::new() };
//! let mut chip = Chip::new(Configuration { mac: [0x18, 0xFE, 0x34, 1, 2, 3], seed: 1 }, board);
//! assert_eq!(chip.run_until(Time::from_milliseconds(100)), Stop::Limit);
//!
//! let heard = String::from_utf8_lossy(&chip.core.bus.outside.heard).into_owned();
//! assert!(heard.contains("ets Jan  8 2013,rst cause:1, boot mode:(3,"), "{heard}");
//! assert!(heard.contains('!'), "{heard}");
//! # Ok::<(), esp8266::image::ImageError>(())
//! ```

pub mod backtrace;
pub mod blocks;
pub mod bus;
pub mod chip;
mod core;
pub mod cpu;
pub mod debug;
mod frame;
pub mod image;
pub mod isa;
pub mod line;
pub mod memory;
mod narrow;
pub mod peripherals;
pub mod registers;
pub mod rom;
pub mod serial_flash;
mod skip;
mod width;

pub use crate::core::{Core, Stop};
