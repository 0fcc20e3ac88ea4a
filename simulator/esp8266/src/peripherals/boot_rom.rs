//! What a program may read of the boot ROM's code. Its functions are answered as functions ([`rom`](crate::rom)).

use super::device::{Block, Device};
use super::env::Env;
use super::registers::registers;
use super::rtc::ResetCause;

registers! {
    /// Words of the ROM.
    pub(super) enum Register {
        0x1000 Magic ReadOnly = 0xFFF0_C101, "CHIP_DETECT_MAGIC_REG";
    }
}

/// The boot ROM.
#[derive(Debug)]
pub(super) struct BootRom;

impl Device for BootRom {
    fn reset(&mut self, _: ResetCause, _: &mut Env<'_>) {}
}

impl Block<Register> for BootRom {
    fn read(&mut self, register: Register, _: &mut Env<'_>) -> u32 {
        match register {
            // The word by which esptool knows the chip.
            Register::Magic => 0xFFF0_C101,
        }
    }
}
