//! The flash cache, as the SDK opens it: with the cache off it asks the program how large it may be.
//!
//! `Cache_Read_Enable_New` calls `user_iram_memory_is_enabled`, at the start and after each flash operation (NONOS SDK
//! 3.0). A program that has the function in flash is at its end there, on silicon as here.

use esp8266::chip::Chip;

use super::Sdk;
use crate::outside::Environment;
use crate::traps;

/// What comes after the program's answer: a flash operation ends with this result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Then {
    /// Where to.
    back: u32,
    result: u32,
    /// What the flash window showed before, and shows again.
    window: Option<u32>,
}

impl Sdk {
    /// The flash has done what it was asked to: opens the cache again and ends the function that the program is in.
    pub(super) fn end_flash<O: Environment>(&mut self, chip: &mut Chip<O>, result: u32) {
        let back = chip.core.cpu.a[0];
        let window = chip.core.memory.flash_window();
        if self.ask_for_memory(chip, Then { back, result, window }) {
            chip.core.memory.map_flash(None);
        } else {
            chip.return_from_function(result);
        }
    }

    /// Asks the program whether part of the cache is to be memory; false if it has no answer, as programs for an older
    /// SDK.
    fn ask_for_memory<O: Environment>(&mut self, chip: &mut Chip<O>, then: Then) -> bool {
        let Some(function) = self.memory_is_enabled else { return false };
        self.cache_opens = Some(then);
        (chip.core.cpu.pc, chip.core.cpu.a[0]) = (function, traps::CACHE_ANSWER);
        true
    }

    /// The program has answered. False if it was not asked: it has jumped here.
    pub(super) fn memory_asked<O: Environment>(&mut self, chip: &mut Chip<O>) -> bool {
        let Some(Then { back, result, window }) = self.cache_opens.take() else { return false };
        chip.core.memory.map_flash(window);
        chip.core.cpu.a[0] = back;
        chip.return_from_function(result);
        true
    }
}
