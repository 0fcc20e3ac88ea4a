//! The serial flash behind SPI controller 0: a W25Q80 or one like it.
//!
//! Its content is in the chip's memory, where the cache window shows it. Programming clears bits, erasing sets them;
//! both need write enable, and take the data sheet's typical times, in which the flash answers nothing but its status.
//! The content changes when the operation ends: whoever cuts the power before that can ask for what would then be half
//! done.

use super::clock::Time;
use crate::memory::Memory;

/// What a command does to the content.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Program { address: usize, bytes: Vec<u8> },
    Erase { address: usize, length: usize },
    Status(u16),
}

/// An operation that takes its time.
#[derive(Clone, Debug)]
struct Operation {
    change: Change,
    began: Time,
    ends: Time,
}

/// The flash chip.
#[derive(Clone, Debug)]
pub(super) struct Flash {
    /// Manufacturer, type, capacity.
    id: [u8; 3],
    status: u16,
    operation: Option<Operation>,
}

/// Status: an operation is under way.
const BUSY: u16 = 1 << 0;
/// Status: write enable latch.
const WEL: u16 = 1 << 1;
/// Status: what protects blocks against writing.
const PROTECTION: u16 = 0x1C;

/// Typical times of the W25Q80DV's data sheet (§9.6).
mod duration {
    use super::Time;

    pub const PAGE_PROGRAM: Time = Time::MICROSECOND.times(700);
    pub const SECTOR_ERASE: Time = Time::from_milliseconds(45);
    pub const BLOCK_ERASE: Time = Time::from_milliseconds(150);
    pub const CHIP_ERASE: Time = Time::from_milliseconds(2000);
    pub const WRITE_STATUS: Time = Time::from_milliseconds(10);
}

impl Flash {
    /// A flash of `size` bytes, a power of two.
    pub(super) fn new(size: usize) -> Self {
        Self { id: [0xEF, 0x40, size.max(2).ilog2() as u8], status: 0, operation: None }
    }

    /// Ends the operation under way if its time is over.
    pub(super) fn settle(&mut self, now: Time, memory: &mut Memory) {
        if let Some(operation) = self.operation.take_if(|operation| operation.ends <= now) {
            self.status &= !BUSY;
            match operation.change {
                Change::Program { address, bytes } => program(memory, address, &bytes),
                Change::Erase { address, length } => erase(memory, address, length),
                Change::Status(status) => self.status = status,
            }
        }
    }

    /// Power goes: of the operation under way, the part is done that its time allowed. Programming goes through its
    /// bytes; erasing is taken to go through the sector's.
    pub(super) fn cut_power(&mut self, now: Time, memory: &mut Memory) {
        self.settle(now, memory);
        if let Some(Operation { change, began, ends }) = self.operation.take() {
            let part = |whole: usize| {
                let (gone, all) = (now.since(began).0, ends.since(began).0.max(1));
                (whole as u128 * u128::from(gone) / u128::from(all)) as usize
            };
            match change {
                Change::Program { address, bytes } => program(memory, address, &bytes[..part(bytes.len())]),
                Change::Erase { address, length } => erase(memory, address, part(length)),
                Change::Status(_) => {}
            }
        }
        self.status &= !(BUSY | WEL);
    }

    fn begin(&mut self, change: Change, duration: Time, now: Time) {
        let is_protected = self.status & PROTECTION != 0 && !matches!(change, Change::Status(_));
        if self.status & WEL == 0 || is_protected {
            return;
        }
        self.status = self.status & !WEL | BUSY;
        self.operation = Some(Operation { change, began: now, ends: now + duration });
    }

    /// Takes a command: `opcode`, then `address` if it has one, then `data`. Returns `length` bytes of answer.
    pub(super) fn command(
        &mut self,
        command: Command<'_>,
        now: Time,
        memory: &mut Memory,
    ) -> Result<Vec<u8>, UnknownCommand> {
        self.settle(now, memory);
        let Command { opcode, address, data, length } = command;
        let size = memory.flash().len().max(1);
        let at = address as usize % size;
        let answer = |bytes: &[u8]| (0..length).map(|index| bytes.get(index).copied().unwrap_or(0xFF)).collect();
        if self.status & BUSY != 0 && !matches!(opcode, 0x05 | 0x35) {
            return Ok(vec![0xFF; length]);
        }
        Ok(match opcode {
            0x05 => answer(&[self.status as u8, (self.status >> 8) as u8]),
            0x35 => answer(&[(self.status >> 8) as u8]),
            0x9F => answer(&self.id),
            0xAB => answer(&[self.id[2] - 1]),
            0x03 | 0x0B | 0x3B | 0x6B | 0xBB | 0xEB => {
                (0..length).map(|index| memory.flash()[(at + index) % size]).collect()
            }
            0x06 => {
                self.status |= WEL;
                Vec::new()
            }
            0x04 => {
                self.status &= !WEL;
                Vec::new()
            }
            0x01 => {
                let high = data.get(1).map_or(self.status & 0xFF00, |&high| u16::from(high) << 8);
                let low = data.first().map_or(0, |&low| u16::from(low)) & 0xFC;
                self.begin(Change::Status(high | low), duration::WRITE_STATUS, now);
                Vec::new()
            }
            0x02 => {
                self.begin(Change::Program { address: at, bytes: data.to_vec() }, duration::PAGE_PROGRAM, now);
                Vec::new()
            }
            0x20 => self.begin_erase(at, 0x1000, duration::SECTOR_ERASE, now),
            0x52 => self.begin_erase(at, 0x8000, duration::BLOCK_ERASE, now),
            0xD8 => self.begin_erase(at, 0x1_0000, duration::BLOCK_ERASE, now),
            0x60 | 0xC7 => self.begin_erase(0, size, duration::CHIP_ERASE, now),
            // No table of parameters; reset and power down change nothing that shows.
            0x5A => vec![0xFF; length],
            0x66 | 0x99 | 0xB9 | 0xFF => vec![0; length],
            _ => return Err(UnknownCommand),
        })
    }

    fn begin_erase(&mut self, address: usize, length: usize, duration: Time, now: Time) -> Vec<u8> {
        self.begin(Change::Erase { address: address / length * length, length }, duration, now);
        Vec::new()
    }
}

/// A command as it goes over the wires.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command<'a> {
    pub opcode: u8,
    pub address: u32,
    pub data: &'a [u8],
    pub length: usize,
}

/// The flash does not know this command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnknownCommand;

/// Programs bytes: bits can only be cleared, and the address wraps within its page.
fn program(memory: &mut Memory, address: usize, bytes: &[u8]) {
    let flash = memory.flash_mut();
    let page = address & !0xFF;
    for (index, byte) in bytes.iter().enumerate() {
        if let Some(cell) = flash.get_mut(page | (address + index) & 0xFF) {
            *cell &= byte;
        }
    }
}

fn erase(memory: &mut Memory, address: usize, length: usize) {
    let flash = memory.flash_mut();
    let end = (address + length).min(flash.len());
    flash[address.min(end)..end].fill(0xFF);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(opcode: u8, address: u32) -> Command<'static> {
        Command { opcode, address, data: &[], length: 0 }
    }

    fn status(flash: &mut Flash, now: Time, memory: &mut Memory) -> u8 {
        flash.command(Command { length: 1, ..plain(0x05, 0) }, now, memory).unwrap()[0]
    }

    #[test]
    fn programming_clears_bits_after_its_time() {
        let mut memory = Memory::new(&[0xF0; 0x2000]);
        let mut flash = Flash::new(0x2000);
        let now = Time(0);
        flash.command(Command { data: &[0x3C], ..plain(0x02, 0x10) }, now, &mut memory).unwrap();
        assert_eq!(status(&mut flash, now, &mut memory), 0, "not without write enable");
        flash.command(plain(0x06, 0), now, &mut memory).unwrap();
        assert_eq!(status(&mut flash, now, &mut memory), 2);
        flash.command(Command { data: &[0x3C], ..plain(0x02, 0x10) }, now, &mut memory).unwrap();
        assert_eq!(status(&mut flash, now, &mut memory), 1);
        assert_eq!(memory.flash()[0x10], 0xF0);
        assert_eq!(status(&mut flash, duration::PAGE_PROGRAM, &mut memory), 0);
        assert_eq!(memory.flash()[0x10], 0x30);
    }

    #[test]
    fn a_power_cut_leaves_an_erasure_half_done() {
        let mut memory = Memory::new(&[0; 0x2000]);
        let mut flash = Flash::new(0x2000);
        flash.command(plain(0x06, 0), Time(0), &mut memory).unwrap();
        flash.command(plain(0x20, 0x1234), Time(0), &mut memory).unwrap();
        flash.cut_power(Time(duration::SECTOR_ERASE.0 / 4), &mut memory);
        assert_eq!(memory.flash()[0x1000..0x1400], [0xFF; 0x400]);
        assert_eq!(memory.flash()[0x1400..], [0; 0xC00]);
        assert_eq!(status(&mut flash, Time(0), &mut memory), 0);
    }

    #[test]
    fn protected_blocks_refuse() {
        let mut memory = Memory::new(&[0; 0x1000]);
        let mut flash = Flash::new(0x1000);
        flash.command(plain(0x06, 0), Time(0), &mut memory).unwrap();
        flash.command(Command { data: &[0x1C], ..plain(0x01, 0) }, Time(0), &mut memory).unwrap();
        let later = Time::from_milliseconds(20);
        flash.command(plain(0x06, 0), later, &mut memory).unwrap();
        flash.command(plain(0x20, 0), later, &mut memory).unwrap();
        assert_eq!(status(&mut flash, later, &mut memory) & 1, 0);
    }
}
