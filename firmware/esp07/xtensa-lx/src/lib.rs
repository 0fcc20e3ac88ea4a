//! Special registers of the LX106, for `esp8266-hal`.
//!
//! Stands in for the published crate of the same name and version, which is inline assembly; stock rustc has none for
//! this core. Its functions are in `firmware/toolchain/cpu.S`. Only what `esp8266-hal` 0.5.1 and the `esp8266` register
//! crate 0.6 call is here. Xtensa ISA Reference Manual, special registers INTENABLE, INTERRUPT, INTCLEAR, CCOUNT.
#![no_std]

pub mod interrupt;
pub mod timer;
