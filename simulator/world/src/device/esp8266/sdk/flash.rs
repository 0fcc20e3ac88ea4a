//! `spi_flash_*`: on the board's flash chip, with the program's memory as the boot ROM's functions see it.
//!
//! The SDK turns the flash cache off and calls the ROM's `SPIRead` and `SPIWrite`, which go through the memory word by
//! word. So what is not aligned, or no memory for words, raises an exception there, and a source in the flash is out of
//! reach.

use esp8266::bus::Width;
use esp8266::chip::Chip;
use esp8266::memory::{FLASH_WINDOW, FLASH_WINDOW_SIZE, Miss};
use esp8266::peripherals::Time;

use super::{Answer, Sdk};
use crate::device::esp8266::outside::Board;
use crate::device::port::Output;
use simulator_parts::flash::{Operation, SECTOR};
use simulator_record::time::Instant;

/// The boot ROM's functions.
pub(super) const SPI_WRITE: u32 = 0x4000_4A4C;
pub(super) const SPI_READ: u32 = 0x4000_4B1C;
/// `SPI_FLASH_RESULT_ERR`.
const FAILED: u32 = 1;

impl Sdk {
    /// `spi_flash_erase_sector(sector)`.
    pub(super) fn erase_flash(&mut self, chip: &mut Chip<Board>, now: Instant, sector: u32) -> Answer {
        let from = (sector & 0xFFFF) * SECTOR;
        self.begin_flash(chip, now, Operation::Erase { from, to: from + SECTOR })
    }

    /// `spi_flash_write(address, from, length)`.
    pub(super) fn write_flash(
        &mut self,
        chip: &mut Chip<Board>,
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
            return self.fail(chip);
        }
        self.begin_flash(chip, now, Operation::Write { address, data })
    }

    /// `spi_flash_read(address, to, length)`, of a chip that was `started` then.
    pub(super) fn read_flash(
        &mut self,
        chip: &mut Chip<Board>,
        now: Instant,
        started: Instant,
        address: u32,
        to: u32,
        length: u32,
    ) -> Answer {
        if length as usize > chip.core.memory.flash().len() || to == 0 {
            return self.fail(chip);
        }
        if let Some(trouble) = trouble_with_words(chip, Way::Writes, to, length, SPI_READ) {
            return trouble;
        }
        let mut bytes = vec![0; length as usize];
        let read = self.port.flash.borrow_mut().read(now, address, &mut bytes);
        let Ok(after) = read else { return self.fail(chip) };
        chip.core.memory.poke(to, &bytes);
        let after = Time::from_nanoseconds(after.saturating_since(started).as_nanos() as u64);
        let cycle = chip.core.bus.clock().cycle(after);
        chip.core.cpu.cycles = chip.core.cpu.cycles.max(cycle);
        self.end_flash(chip, 0);
        Answer::Done
    }

    fn begin_flash(&mut self, chip: &mut Chip<Board>, now: Instant, operation: Operation) -> Answer {
        let begun = self.port.flash.borrow_mut().begin(now, operation);
        let Ok(begun) = begun else { return self.fail(chip) };
        self.port.put(now, Output::FlashBegan { number: begun.number, ends: begun.ends });
        Answer::Flash(begun.ends)
    }

    fn fail(&self, chip: &mut Chip<Board>) -> Answer {
        self.answer(chip, FAILED);
        Answer::Done
    }

    /// The flash has done what it was asked to.
    pub(in super::super) fn finish_flash(&mut self, chip: &mut Chip<Board>, at: Instant) {
        let mut flash = self.port.flash.borrow_mut();
        if let Some(report) = flash.finish() {
            let range = report.address as usize..(report.address + report.length) as usize;
            flash.sense(report.address, &mut chip.core.memory.flash_mut()[range]);
            self.port.put(at, Output::Event(report.into()));
        }
    }
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
fn trouble_with_words(chip: &mut Chip<Board>, way: Way, address: u32, length: u32, by: u32) -> Option<Answer> {
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
