//! The serial flash beside the chip: a W25Q80 or one like it, as it answers commands on its wires.
//!
//! The controller sends a [`Command`]; a [`FlashChip`] answers. [`SerialFlash`] is the part of such a chip that all of
//! them have: opcodes, the status register, write enable, the time in which it answers nothing but its status. What it
//! keeps, and how that changes, are its [`Cells`]: whoever owns the chip may have cells that wear, or tear when power
//! goes. [`PlainCells`] are those of a flash that never fails.
//!
//! The content changes when an operation is over. The emulated chip keeps a copy of it, for the cache; so a read
//! through the cache window always gives what was read there last.
//!
//! After Winbond's W25Q80DV data sheet, and JEDEC's JESD216 for the table of parameters. Not modelled: a unique number
//! (all have the same), suspending, a status that outlives the power.

use core::ops::Range;

/// A command as it goes over the wires.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// Its first byte.
    pub opcode: u8,
    /// What follows, if the command has an address: 24 bits.
    pub address: u32,
    /// What is sent behind that.
    pub data: &'a [u8],
    /// How many bytes of answer are clocked out.
    pub length: usize,
}

/// What a flash makes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer.
    pub bytes: Vec<u8>,
    /// The command has begun an operation that ends then, in nanoseconds.
    pub busy_until: Option<u64>,
    /// That operation changes the content.
    pub changes_content: bool,
}

/// What an operation that is over has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The first byte.
    pub address: u32,
    /// What is there now; nothing if it is only the status that has changed.
    pub bytes: Vec<u8>,
}

/// A flash on SPI controller 0. Times are nanoseconds since the chip was powered.
pub trait FlashChip {
    /// All that it holds: its size is a power of two, from 64 KiB to 16 MiB.
    fn content(&self) -> Vec<u8>;

    /// Takes a command; `None` if it does not know it.
    fn command(&mut self, command: Command<'_>, at: u64) -> Option<Reply>;

    /// What has changed by an operation that is over at this moment, if one is and was not told yet. A flash may take
    /// longer than it said; then it is asked again.
    fn settle(&mut self, at: u64) -> Option<Change>;
}

/// A change of a flash's cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Clears the bits that are 0 in `bytes`, which lie within a page of 256.
    Program {
        /// The first byte.
        address: u32,
        /// At most 256.
        bytes: Vec<u8>,
    },
    /// Sets all bits of a sector (4 KiB), a block (32 or 64 KiB) or the whole flash in one go.
    Erase(Range<u32>),
}

/// What a flash keeps, and how it changes.
pub trait Cells {
    /// Their size in bytes, a power of two.
    fn size(&self) -> u32;

    /// By which the chip around them is known: its manufacturer, and the type of the memory.
    fn manufacturer(&self) -> [u8; 2] {
        WINBOND
    }

    /// Reads bytes, which lie within the size.
    fn read(&mut self, address: u32, bytes: &mut [u8]);

    /// All bytes, as the cache sees them.
    fn content(&self) -> Vec<u8>;

    /// Begins an operation, when no other is under way; returns when it will be over. `None` if they cannot.
    fn begin(&mut self, operation: &Operation, at: u64) -> Option<u64>;

    /// Ends the operation whose time is over at this moment; `false` if it must go on.
    fn end(&mut self, at: u64) -> bool;
}

/// Winbond's number, and its type of memory in a W25Q80.
pub const WINBOND: [u8; 2] = [0xEF, 0x40];
/// PUYA's number, and its type of memory in a P25Q80H.
pub const PUYA: [u8; 2] = [0x85, 0x60];

/// What a flash is at.
#[derive(Clone, Debug)]
struct Busy {
    until: u64,
    /// The bytes that change; otherwise the status becomes this.
    what: Result<Range<u32>, u16>,
}

/// Status: an operation is under way.
const BUSY: u16 = 1 << 0;
/// Status: write enable latch.
const WEL: u16 = 1 << 1;
/// Status: what protects blocks against writing.
const PROTECTION: u16 = 0x1C;
/// The number that tells a chip from all others (command 0x4B).
const UNIQUE: [u8; 8] = [0xD1, 0x64, 0x7C, 0x05, 0x8B, 0x31, 0x2E, 0x27];
/// Where the table of parameters has the flash's own parameters.
const PARAMETERS: usize = 0x10;
/// Nanoseconds that writing the status takes.
const WRITE_STATUS: u64 = 10_000_000;
/// Bytes of a page.
const PAGE: u32 = 0x100;

/// A flash with these cells.
#[derive(Clone, Debug, Default)]
pub struct SerialFlash<C> {
    /// What it keeps.
    pub cells: C,
    status: u16,
    busy: Option<Busy>,
}

impl<C: Cells> SerialFlash<C> {
    /// A flash to which power has just come.
    pub fn new(cells: C) -> Self {
        Self { cells, status: 0, busy: None }
    }

    /// Manufacturer, type, capacity.
    fn id(&self) -> [u8; 3] {
        let [manufacturer, memory] = self.cells.manufacturer();
        [manufacturer, memory, self.cells.size().max(2).ilog2() as u8]
    }

    /// The table of parameters (JESD216, SFDP 1.0): a header, the header of the flash's parameters, and these.
    fn parameters(&self) -> Vec<u8> {
        let mut table = b"SFDP\x00\x01\x00\xFF".to_vec();
        // Parameters of kind 0, version 1.0, nine words, from there on.
        table.extend([0x00, 0x00, 0x01, 9, PARAMETERS as u8, 0x00, 0x00, 0xFF]);
        // Erases 4 KiB by 0x20; addresses of 24 bits; reads with two and four lines.
        table.extend([0xE5, 0x20, 0xF1, 0xFF]);
        table.extend((8 * self.cells.size() - 1).to_le_bytes());
        // Reads 1-4-4 by 0xEB, 1-1-4 by 0x6B; 1-1-2 by 0x3B, 1-2-2 by 0xBB; none of 2-2-2 and 4-4-4.
        table.extend([0x44, 0xEB, 0x08, 0x6B, 0x08, 0x3B, 0x80, 0xBB, 0xEE, 0xFF, 0xFF, 0xFF]);
        table.extend([0xFF, 0xFF, 0x00, 0xFF, 0xFF, 0xFF, 0x00, 0xFF]);
        // Erases 2^12 bytes by 0x20, 2^15 by 0x52, 2^16 by 0xD8.
        table.extend([12, 0x20, 15, 0x52, 16, 0xD8, 0, 0xFF]);
        table
    }

    fn is_busy(&self) -> bool {
        self.busy.is_some()
    }

    /// Whether the flash may change what it keeps; that is allowed once.
    fn take_write_enable(&mut self) -> bool {
        let may = self.status & WEL != 0;
        self.status &= !WEL;
        may
    }

    fn begin(&mut self, operation: &Operation, at: u64) -> Option<u64> {
        if self.status & PROTECTION != 0 || !self.take_write_enable() {
            return None;
        }
        let until = self.cells.begin(operation, at)?;
        let range = match operation {
            Operation::Program { address, bytes } => *address..*address + bytes.len() as u32,
            Operation::Erase(range) => range.clone(),
        };
        self.busy = Some(Busy { until, what: Ok(range) });
        Some(until)
    }

    fn erase(&mut self, address: u32, length: u32, at: u64) -> Option<u64> {
        let length = length.min(self.cells.size());
        let start = address / length * length;
        self.begin(&Operation::Erase(start..start + length), at)
    }

    /// Programs bytes of a page; what goes beyond its end goes to its beginning.
    fn program(&mut self, address: u32, data: &[u8], at: u64) -> Option<u64> {
        let offset = address % PAGE;
        let operation = if offset as usize + data.len() <= PAGE as usize {
            Operation::Program { address, bytes: data.to_vec() }
        } else {
            let mut bytes = vec![0xFF; PAGE as usize];
            for (index, byte) in data.iter().enumerate() {
                bytes[(offset as usize + index) % PAGE as usize] = *byte;
            }
            Operation::Program { address: address - offset, bytes }
        };
        self.begin(&operation, at)
    }

    fn write_status(&mut self, data: &[u8], at: u64) -> Option<u64> {
        if !self.take_write_enable() {
            return None;
        }
        let high = data.get(1).map_or(self.status & 0xFF00, |&high| u16::from(high) << 8);
        let low = data.first().map_or(0, |&low| u16::from(low)) & !(BUSY | WEL);
        let until = at + WRITE_STATUS;
        self.busy = Some(Busy { until, what: Err(high | low) });
        Some(until)
    }

    fn read(&mut self, address: u32, length: usize) -> Vec<u8> {
        let size = self.cells.size();
        let mut bytes = vec![0; length];
        // Behind the last byte comes the first.
        let end = bytes.len().min((size - address) as usize);
        let (before, behind) = bytes.split_at_mut(end);
        self.cells.read(address, before);
        self.cells.read(0, behind);
        bytes
    }
}

impl<C: Cells> FlashChip for SerialFlash<C> {
    fn content(&self) -> Vec<u8> {
        self.cells.content()
    }

    fn command(&mut self, command: Command<'_>, at: u64) -> Option<Reply> {
        let Command { opcode, address, data, length } = command;
        let status = self.status | if self.is_busy() { BUSY } else { 0 };
        let fill = |bytes: &[u8]| (0..length).map(|index| bytes.get(index).copied().unwrap_or(0xFF)).collect();
        let answer = |bytes: Vec<u8>| Some(Reply { bytes, busy_until: None, changes_content: false });
        if self.is_busy() && !matches!(opcode, 0x05 | 0x35) {
            return answer(vec![0xFF; length]);
        }
        let address = address % self.cells.size();
        let begun = match opcode {
            0x05 => return answer(fill(&status.to_le_bytes())),
            0x35 => return answer(fill(&[(status >> 8) as u8])),
            0x9F => return answer(fill(&self.id())),
            0xAB => return answer(fill(&[self.id()[2] - 1])),
            0x03 | 0x0B | 0x3B | 0x6B | 0xBB | 0xEB => return answer(self.read(address, length)),
            0x90 => return answer(fill(&[self.id()[0], self.id()[2] - 1])),
            0x4B => return answer(fill(&UNIQUE)),
            0x5A => {
                let mut bytes = self.parameters();
                bytes.drain(..(command.address as usize).min(bytes.len()));
                return answer(fill(&bytes));
            }
            // Reset and power down change nothing that shows.
            0x66 | 0x99 | 0xB9 | 0xFF => return answer(vec![0; length]),
            // 0x50 is for a status that does not outlive the power, as none does here.
            0x06 | 0x50 => {
                self.status |= WEL;
                None
            }
            0x04 => {
                self.status &= !WEL;
                None
            }
            0x01 => self.write_status(data, at),
            // The upper byte alone; the lower stays.
            0x31 => self.write_status(&[self.status as u8, data.first().copied().unwrap_or_default()], at),
            0x02 => self.program(address, data, at),
            0x20 => self.erase(address, 0x1000, at),
            0x52 => self.erase(address, 0x8000, at),
            0xD8 => self.erase(address, 0x1_0000, at),
            0x60 | 0xC7 => self.erase(0, u32::MAX, at),
            _ => return None,
        };
        let changes_content = self.busy.as_ref().is_some_and(|busy| busy.what.is_ok());
        Some(Reply { bytes: Vec::new(), busy_until: begun, changes_content })
    }

    fn settle(&mut self, at: u64) -> Option<Change> {
        let busy = self.busy.as_ref().filter(|busy| busy.until <= at)?;
        let change = match busy.what.clone() {
            Ok(range) => {
                if !self.cells.end(at) {
                    return None;
                }
                let mut bytes = vec![0; range.len()];
                self.cells.read(range.start, &mut bytes);
                Change { address: range.start, bytes }
            }
            Err(status) => {
                self.status = status;
                Change { address: 0, bytes: Vec::new() }
            }
        };
        self.busy = None;
        Some(change)
    }
}

/// Nanoseconds of the W25Q80DV's operations, typical (§9.6).
mod duration {
    pub const PAGE_PROGRAM: u64 = 700_000;
    pub const SECTOR_ERASE: u64 = 45_000_000;
    pub const HALF_BLOCK_ERASE: u64 = 120_000_000;
    pub const BLOCK_ERASE: u64 = 150_000_000;
    pub const CHIP_ERASE: u64 = 2_000_000_000;
}

/// Cells of a flash that never fails.
#[derive(Clone, Debug, Default)]
pub struct PlainCells {
    bytes: Vec<u8>,
    operation: Option<Operation>,
}

impl PlainCells {
    /// Cells that hold this.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, operation: None }
    }
}

impl Cells for PlainCells {
    fn size(&self) -> u32 {
        self.bytes.len() as u32
    }

    fn read(&mut self, address: u32, bytes: &mut [u8]) {
        let start = address as usize;
        bytes.copy_from_slice(&self.bytes[start..start + bytes.len()]);
    }

    fn content(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn begin(&mut self, operation: &Operation, at: u64) -> Option<u64> {
        self.operation = Some(operation.clone());
        Some(
            at + match operation {
                Operation::Program { .. } => duration::PAGE_PROGRAM,
                Operation::Erase(range) => match range.len() {
                    0..=0x1000 => duration::SECTOR_ERASE,
                    0x1001..=0x8000 => duration::HALF_BLOCK_ERASE,
                    0x8001..=0x1_0000 => duration::BLOCK_ERASE,
                    _ => duration::CHIP_ERASE,
                },
            },
        )
    }

    fn end(&mut self, _: u64) -> bool {
        match self.operation.take() {
            Some(Operation::Program { address, bytes }) => {
                for (cell, byte) in self.bytes[address as usize..].iter_mut().zip(bytes) {
                    *cell &= byte;
                }
            }
            Some(Operation::Erase(range)) => self.bytes[range.start as usize..range.end as usize].fill(0xFF),
            None => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(opcode: u8, address: u32) -> Command<'static> {
        Command { opcode, address, data: &[], length: 0 }
    }

    fn flash(bytes: Vec<u8>) -> SerialFlash<PlainCells> {
        SerialFlash::new(PlainCells::new(bytes))
    }

    fn status(flash: &mut SerialFlash<PlainCells>, at: u64) -> u8 {
        flash.settle(at);
        flash.command(Command { length: 1, ..plain(0x05, 0) }, at).unwrap().bytes[0]
    }

    #[test]
    fn programming_clears_bits_after_its_time() {
        let mut flash = flash(vec![0xF0; 0x2000]);
        let program = Command { data: &[0x3C], ..plain(0x02, 0x10) };
        assert_eq!(flash.command(program, 0).unwrap().busy_until, None);
        assert_eq!(status(&mut flash, 0), 0, "not without write enable");
        flash.command(plain(0x06, 0), 0).unwrap();
        assert_eq!(status(&mut flash, 0), 2);
        assert_eq!(flash.command(program, 0).unwrap().busy_until, Some(duration::PAGE_PROGRAM));
        assert_eq!(status(&mut flash, 0), 1);
        assert_eq!(flash.content()[0x10], 0xF0);
        assert_eq!(flash.settle(duration::PAGE_PROGRAM - 1), None);
        assert_eq!(flash.settle(duration::PAGE_PROGRAM), Some(Change { address: 0x10, bytes: vec![0x30] }));
        assert_eq!((status(&mut flash, duration::PAGE_PROGRAM), flash.content()[0x10]), (0, 0x30));
    }

    #[test]
    fn what_goes_beyond_a_page_goes_to_its_beginning() {
        let mut flash = flash(vec![0xFF; 0x2000]);
        flash.command(plain(0x06, 0), 0).unwrap();
        flash.command(Command { data: &[1, 2, 3], ..plain(0x02, 0x1FE) }, 0).unwrap();
        flash.settle(duration::PAGE_PROGRAM);
        assert_eq!((&flash.content()[0x1FE..0x201], flash.content()[0x100]), ([1, 2, 0xFF].as_slice(), 3));
    }

    #[test]
    fn units_are_erased_whole_each_in_its_time() {
        for (opcode, range, length) in [
            (0x20, 0x1_3000..0x1_4000, duration::SECTOR_ERASE),
            (0x52, 0x1_0000..0x1_8000, duration::HALF_BLOCK_ERASE),
            (0xD8, 0x1_0000..0x2_0000, duration::BLOCK_ERASE),
            (0xC7, 0..0x4_0000, duration::CHIP_ERASE),
        ] {
            let mut flash = flash(vec![0; 0x4_0000]);
            flash.command(plain(0x06, 0), 0).unwrap();
            assert_eq!(flash.command(plain(opcode, 0x1_3456), 0).unwrap().busy_until, Some(length));
            assert_eq!(flash.command(Command { length: 2, ..plain(0x03, 0) }, 1).unwrap().bytes, [0xFF; 2], "busy");
            let change = flash.settle(length).unwrap();
            assert_eq!((change.address, change.bytes), (range.start as u32, vec![0xFF; range.len()]));
            let ones = flash.content().iter().filter(|byte| **byte == 0xFF).count();
            assert_eq!(ones, range.len());
        }
    }

    #[test]
    fn protected_blocks_refuse() {
        let mut flash = flash(vec![0; 0x1000]);
        flash.command(plain(0x06, 0), 0).unwrap();
        flash.command(Command { data: &[0x1C], ..plain(0x01, 0) }, 0).unwrap();
        assert_eq!(status(&mut flash, WRITE_STATUS), 0x1C);
        flash.command(plain(0x06, 0), WRITE_STATUS).unwrap();
        assert_eq!(flash.command(plain(0x20, 0), WRITE_STATUS).unwrap().busy_until, None);
    }

    #[test]
    fn the_upper_half_of_the_status_can_be_written_alone() {
        let mut flash = flash(vec![0; 0x1000]);
        for (opcode, data) in [(0x01, &[0x04][..]), (0x31, &[0x02])] {
            flash.command(plain(0x06, 0), 0).unwrap();
            flash.command(Command { data, ..plain(opcode, 0) }, 0).unwrap();
            flash.settle(WRITE_STATUS).unwrap();
        }
        assert_eq!(flash.command(Command { length: 2, ..plain(0x05, 0) }, 0).unwrap().bytes, [0x04, 0x02]);
        assert_eq!(flash.command(Command { length: 1, ..plain(0x35, 0) }, 0).unwrap().bytes, [0x02], "quad enable");
    }

    /// As a driver reads it (JESD216 §6.4): the signature, where the parameters are, and the size in bits.
    #[test]
    fn the_table_of_parameters_tells_the_size() {
        for size in [0x8_0000_u32, 0x10_0000, 0x100_0000] {
            let mut flash = flash(vec![0; size as usize]);
            let mut read = |address| flash.command(Command { length: 8, ..plain(0x5A, address) }, 0).unwrap().bytes;
            assert_eq!(read(0)[..4], *b"SFDP");
            let header = read(8);
            assert_eq!((header[0], header[3]), (0, 9));
            let parameters = read(u32::from(header[4]));
            assert_eq!(u32::from_le_bytes(*parameters.last_chunk().unwrap()), 8 * size - 1);
            assert_eq!(parameters[1], 0x20, "erases sectors");
            assert_eq!(read(0x1000), [0xFF; 8]);
        }
    }

    /// On one line, two and four, with the address on as many or on one.
    #[test]
    fn each_way_to_read_gives_the_same_and_who_asks_is_told_who_it_is() {
        let mut flash = flash((0..=255).cycle().take(0x10_0000).collect());
        for opcode in [0x03, 0x0B, 0x3B, 0x6B, 0xBB, 0xEB] {
            let reply = flash.command(Command { length: 3, ..plain(opcode, 0x1234) }, 0).unwrap();
            assert_eq!(reply.bytes, [0x34, 0x35, 0x36], "{opcode:#x}");
        }
        let mut asks = |opcode, length| flash.command(Command { length, ..plain(opcode, 0) }, 0).unwrap().bytes;
        assert_eq!(asks(0x9F, 3), [0xEF, 0x40, 0x14]);
        assert_eq!(asks(0x90, 2), [0xEF, 0x13]);
        assert_eq!((asks(0xAB, 1), asks(0x4B, 8)), (vec![0x13], UNIQUE.to_vec()));
    }

    #[test]
    fn reading_goes_round_and_unknown_commands_are_told() {
        let mut flash = flash((0..=255).collect());
        assert_eq!(flash.command(Command { length: 3, ..plain(0x03, 0xFF) }, 0).unwrap().bytes, [255, 0, 1]);
        assert_eq!(flash.command(plain(0x77, 0), 0), None);
    }
}
