//! The flash cache, as the SDK opens it: with the cache off it asks the program how large it may be.
//!
//! `Cache_Read_Enable_New` calls `user_iram_memory_is_enabled`, at the start and after each flash operation (NONOS SDK
//! 3.0). A program that has the function in flash is at its end there, on silicon as here.

use esp8266::chip::Chip;

use super::{Sdk, rom};
use crate::device::esp8266::outside::Board;
use crate::device::esp8266::traps;

/// What comes after the program's answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// The rest of the vendor's start, which returns to this address.
    Start(u32),
    /// A flash operation ends with this result.
    Return {
        /// Where to.
        back: u32,
        result: u32,
        /// What the flash window showed before, and shows again.
        window: Option<u32>,
    },
}

impl Sdk {
    /// The flash has done what it was asked to: opens the cache again and ends the function that the program is in.
    pub(in super::super) fn end_flash(&mut self, chip: &mut Chip<Board>, result: u32) {
        let back = chip.core.cpu.a[0];
        let window = chip.core.memory.flash_window();
        if self.ask_for_memory(chip, Then::Return { back, result, window }) {
            chip.core.memory.map_flash(None);
        } else {
            self.answer(chip, result);
        }
    }

    /// Asks the program whether part of the cache is to be memory; false if it has no answer, as programs for an older
    /// SDK.
    pub(super) fn ask_for_memory(&mut self, chip: &mut Chip<Board>, then: Then) -> bool {
        let Some(function) = self.memory_is_enabled else { return false };
        self.cache_opens = Some(then);
        (chip.core.cpu.pc, chip.core.cpu.a[0]) = (function, traps::CACHE_ANSWER);
        true
    }

    /// The program has answered. False if it was not asked: it has jumped here.
    pub(in super::super) fn memory_asked(&mut self, chip: &mut Chip<Board>) -> bool {
        match self.cache_opens.take() {
            Some(Then::Start(back)) => {
                let is_memory = chip.core.cpu.a[2] == 1;
                chip.core.cpu.a[0] = back;
                // Where the ROM's function does not return, the program goes on there.
                let _started: Option<()> = self.go_on_starting(chip, is_memory);
            }
            Some(Then::Return { back, result, window }) => {
                chip.core.memory.map_flash(window);
                chip.core.cpu.a[0] = back;
                self.answer(chip, result);
            }
            None => return false,
        }
        true
    }

    /// Opens the cache for the first time: of 16 KiB, or of 32 if nothing of it is memory.
    pub(super) fn open_cache(chip: &mut Chip<Board>, is_memory: bool) -> Option<()> {
        chip.call_rom(rom::CACHE_READ_ENABLE, [0, 0, u32::from(!is_memory), 0]).map(|_| ())
    }
}
