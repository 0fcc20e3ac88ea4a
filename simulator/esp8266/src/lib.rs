//! The ESP8266 as a program sees it.
//!
//! [`isa`] says what an instruction word means. [`cpu`] is the LX106 core's state, its exceptions and interrupts, and
//! the plain interpreter. [`memory`] holds what can be read and written without side effects and knows which access
//! silicon refuses; everything else is a device behind the [`bus`]. [`blocks`] runs programs fast and exactly as the
//! interpreter does. [`image`] loads programs. [`peripherals`] are the chip's devices, [`rom`] its boot ROM, and
//! [`chip`] puts everything together. [`registers`] and [`backtrace`] tell where a program came to grief.
//!
//! Nothing here knows of scenarios, networks or the world outside of the chip: whoever owns a [`Chip`](chip::Chip) says
//! what its pins are connected to, lets it run to a cycle and answers when it stops; a [`Core`] alone needs a
//! [`Bus`](bus::Bus). The crate reads no clock; time is the core's cycle counter. One instruction takes one cycle:
//! pipeline stalls, taken-branch penalties and flash-cache misses are not modelled.

pub mod backtrace;
pub mod blocks;
pub mod bus;
pub mod chip;
mod core;
pub mod cpu;
pub mod image;
pub mod isa;
pub mod memory;
mod narrow;
pub mod peripherals;
pub mod registers;
pub mod rom;
pub mod serial_flash;

pub use crate::core::{Core, Stop};
