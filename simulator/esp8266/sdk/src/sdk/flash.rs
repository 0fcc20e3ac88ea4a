//! `spi_flash_*`: on the board's flash chip, with the program's memory as the boot ROM's functions see it.
//!
//! The SDK turns the flash cache off and calls the ROM's `SPIRead` and `SPIWrite`, which go through the memory word by
//! word. So what is not aligned, or no memory for words, raises an exception there, and a source in the flash is out of
//! reach.

use esp8266::bus::Width;
use esp8266::chip::Chip;
use esp8266::memory::{FLASH_WINDOW, FLASH_WINDOW_SIZE, Miss};

use super::parameters::SECTOR;
use super::{Answer, Sdk};
use crate::outside::Environment;
use simulator_record::time::Instant;

/// The boot ROM's functions.
pub(super) const SPI_WRITE: u32 = 0x4000_4A4C;
pub(super) const SPI_READ: u32 = 0x4000_4B1C;
/// `SPI_FLASH_RESULT_ERR`.
const FAILED: u32 = 1;

impl Sdk {
    /// `spi_flash_erase_sector(sector)`.
    pub(super) fn erase_flash<O: Environment>(&mut self, chip: &mut Chip<O>, now: Instant, sector: u32) -> Answer {
        let from = (sector & 0xFFFF) * SECTOR;
        let ends = chip.core.bus.outside.erase(now, from..from + SECTOR);
        ends.map_or_else(|| fail(chip), Answer::Flash)
    }

    /// `spi_flash_write(address, from, length)`.
    pub(super) fn write_flash<O: Environment>(
        &mut self,
        chip: &mut Chip<O>,
        now: Instant,
        address: u32,
        from: u32,
        length: u32,
    ) -> Answer {
        if from != 0
            && let Some(trouble) = trouble_with_words(chip, Way::Reads, from, length, SPI_WRITE)
        {
            return trouble;
        }
        let data = chip.core.memory.peek(from, length as usize);
        if data.len() != length as usize {
            return fail(chip);
        }
        let ends = chip.core.bus.outside.write(now, address, data);
        ends.map_or_else(|| fail(chip), Answer::Flash)
    }

    /// `spi_flash_read(address, to, length)`.
    pub(super) fn read_flash<O: Environment>(
        &mut self,
        chip: &mut Chip<O>,
        now: Instant,
        address: u32,
        to: u32,
        length: u32,
    ) -> Answer {
        if length as usize > chip.core.memory.flash().len() || to == 0 {
            return fail(chip);
        }
        if let Some(trouble) = trouble_with_words(chip, Way::Writes, to, length, SPI_READ) {
            return trouble;
        }
        let mut bytes = vec![0; length as usize];
        let read = chip.core.bus.outside.fetch(now, address, &mut bytes);
        let Some(after) = read else { return fail(chip) };
        chip.core.memory.poke(to, &bytes);
        self.pass_time(chip, after);
        self.end_flash(chip, 0);
        Answer::Done
    }

    /// The time has come at which the flash has done what it was [asked](Answer::Flash) to: the program goes on.
    pub fn flash_is_done<O: Environment>(&mut self, chip: &mut Chip<O>, at: Instant) {
        self.finish_flash(chip, at);
        self.pass_time(chip, at);
        self.end_flash(chip, 0);
    }

    pub(super) fn finish_flash<O: Environment>(&mut self, chip: &mut Chip<O>, at: Instant) {
        let board = &mut chip.core.bus.outside;
        if let Some(range) = board.finish(at) {
            let shown = &mut chip.core.memory.flash_mut()[range.start as usize..range.end as usize];
            board.sense(range.start, shown);
        }
    }
}

fn fail<O: Environment>(chip: &mut Chip<O>) -> Answer {
    chip.return_from_function(FAILED);
    Answer::Done
}

/// How a function of the ROM goes through the program's memory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Reads,
    Writes,
}

/// What comes of `length` bytes at `address` when the ROM's function `by` goes through them word by word, with the
/// flash cache off: an exception, or a core that hangs. `None` if all is well. What the ends have in common is taken to
/// be true of what lies between.
fn trouble_with_words<O: Environment>(
    chip: &mut Chip<O>,
    way: Way,
    address: u32,
    length: u32,
    by: u32,
) -> Option<Answer> {
    let last = address.wrapping_add(length.checked_sub(1)? & !3);
    for address in [address, last] {
        let loaded = chip.core.memory.load(address, Width::Word);
        let is_flash = address.wrapping_sub(FLASH_WINDOW) < FLASH_WINDOW_SIZE;
        let miss = match way {
            Way::Reads if is_flash && address.is_multiple_of(4) => Some(Miss::FlashOff),
            Way::Reads => loaded.err(),
            Way::Writes => chip.core.memory.store(address, Width::Word, loaded.unwrap_or_default()).err(),
        };
        match miss {
            Some(Miss::Exception(exception)) => {
                chip.core.cpu.raise(exception, by);
                return Some(Answer::Done);
            }
            Some(Miss::FlashOff) => return Some(Answer::FlashOff(address)),
            Some(Miss::Device) | None => {}
        }
    }
    None
}
