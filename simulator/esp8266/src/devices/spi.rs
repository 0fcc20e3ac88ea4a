//! The SPI controller of the flash (SPI0), with the flash chip behind it; and SPI1 as registers without a device.
//!
//! A command runs when its bit is written to SPI_CMD, and the bit reads as 0 at once. The flash works as NOR flash does: programming
//! clears bits, erasing sets them, both need write enable before, and make the chip busy for a while. Commands while it is busy
//! are ignored, as by a real chip. Registers: Espressif's `spi_register.h`; commands: Winbond W25Q80DV data sheet.

use super::registers::{Block, Register, acting, masked, plain};
use crate::memory::Memory;

const CMD: u32 = 0x00;
const ADDR: u32 = 0x04;
/// SPI_CTRL, whose bit 17 lets the cache read the flash.
pub const CTRL: u32 = 0x08;
const RD_STATUS: u32 = 0x10;
const USER: u32 = 0x1C;
const USER1: u32 = 0x20;
const USER2: u32 = 0x24;
const W0: u32 = 0x40;

/// Registers of an SPI controller.
pub const TABLE: &[Register] = &[
    acting(CMD, "SPI_CMD"),
    plain(ADDR, "SPI_ADDR", 0),
    plain(CTRL, "SPI_CTRL", 0),
    plain(0x0C, "SPI_CTRL1", 0),
    masked(RD_STATUS, "SPI_RD_STATUS", 0, u32::MAX),
    plain(0x14, "SPI_CTRL2", 0),
    plain(0x18, "SPI_CLOCK", 0),
    plain(USER, "SPI_USER", 0),
    plain(USER1, "SPI_USER1", 0),
    plain(USER2, "SPI_USER2", 0),
    plain(0x28, "SPI_WR_STATUS", 0),
    plain(0x2C, "SPI_PIN", 0),
    plain(0x30, "SPI_SLAVE", 0),
    plain(0x34, "SPI_SLAVE1", 0),
    plain(0x38, "SPI_SLAVE2", 0),
    plain(0x3C, "SPI_SLAVE3", 0),
    plain(0x40, "SPI_W0", 0),
    plain(0x44, "SPI_W1", 0),
    plain(0x48, "SPI_W2", 0),
    plain(0x4C, "SPI_W3", 0),
    plain(0x50, "SPI_W4", 0),
    plain(0x54, "SPI_W5", 0),
    plain(0x58, "SPI_W6", 0),
    plain(0x5C, "SPI_W7", 0),
    plain(0x60, "SPI_W8", 0),
    plain(0x64, "SPI_W9", 0),
    plain(0x68, "SPI_W10", 0),
    plain(0x6C, "SPI_W11", 0),
    plain(0x70, "SPI_W12", 0),
    plain(0x74, "SPI_W13", 0),
    plain(0x78, "SPI_W14", 0),
    plain(0x7C, "SPI_W15", 0),
    plain(0xF0, "SPI_EXT0", 0),
    plain(0xF4, "SPI_EXT1", 0),
    acting(0xF8, "SPI_EXT2"),
    plain(0xFC, "SPI_EXT3", 0),
];

/// Manufacturer, type and capacity of a W25Q80: 1 MiB.
const JEDEC_ID: u32 = 0x1440EF;
const SECTOR: usize = 0x1000;
const BLOCK: usize = 0x1_0000;
const PAGE: usize = 0x100;
/// Typical times of the data sheet, in nanoseconds.
const SECTOR_ERASE: u64 = 45_000_000;
const BLOCK_ERASE: u64 = 150_000_000;
const CHIP_ERASE: u64 = 2_000_000_000;
const PAGE_PROGRAM: u64 = 700_000;

const BUSY: u32 = 1;
const WRITE_ENABLED: u32 = 2;

/// What a flash command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Read,
    WriteEnable,
    WriteDisable,
    ReadId,
    ReadStatus,
    WriteStatus,
    Program,
    EraseSector,
    EraseBlock,
    EraseChip,
}

/// The controller's own commands, by their bit of SPI_CMD.
const CANNED: [(u32, Command); 10] = [
    (31, Command::Read),
    (30, Command::WriteEnable),
    (29, Command::WriteDisable),
    (28, Command::ReadId),
    (27, Command::ReadStatus),
    (26, Command::WriteStatus),
    (25, Command::Program),
    (24, Command::EraseSector),
    (23, Command::EraseBlock),
    (22, Command::EraseChip),
];

/// The flash's commands by their code, for commands that a program composes itself.
const CODES: [(u32, Command); 12] = [
    (0x03, Command::Read),
    (0x06, Command::WriteEnable),
    (0x04, Command::WriteDisable),
    (0x9F, Command::ReadId),
    (0x05, Command::ReadStatus),
    (0x01, Command::WriteStatus),
    (0x02, Command::Program),
    (0x20, Command::EraseSector),
    (0xD8, Command::EraseBlock),
    (0xC7, Command::EraseChip),
    (0x60, Command::EraseChip),
    (0x0B, Command::Read),
];

/// The controller and the flash's state.
#[derive(Clone, Debug)]
pub struct Spi {
    block: Block,
    /// Status register without the busy bit.
    status: u32,
    /// Until when the flash is busy, in nanoseconds.
    busy_until: u64,
    has_flash: bool,
}

impl Spi {
    /// A controller after reset; SPI0 has the flash.
    pub fn new(has_flash: bool) -> Self {
        Self { block: Block::new(TABLE), status: 0, busy_until: 0, has_flash }
    }

    /// Reads a register.
    pub fn read(&self, offset: u32) -> Option<u32> {
        self.block.register(offset)?;
        Some(if matches!(offset, CMD | 0xF8) { 0 } else { self.block.get(offset) })
    }

    /// Writes a register.
    pub fn write(&mut self, offset: u32, value: u32, now: u64, memory: &mut Memory) -> Option<()> {
        self.block.register(offset)?;
        self.block.write(offset, value);
        if offset == CMD && self.has_flash {
            if value & 1 << 18 != 0 {
                self.run_composed(now, memory);
            } else if let Some(&(_, command)) = CANNED.iter().find(|(bit, _)| value >> bit & 1 != 0) {
                let address = self.block.get(ADDR);
                self.run(command, (address & 0xFF_FFFF) as usize, (address >> 24) as usize, now, memory);
            }
        }
        Some(())
    }

    /// A command out of SPI_USER's parts: code, address (most significant bit first), then data in or out.
    fn run_composed(&mut self, now: u64, memory: &mut Memory) {
        let user1 = self.block.get(USER1);
        let code = self.block.get(USER2) & 0xFF;
        let address_bits = (user1 >> 26) + 1;
        let address = self.block.get(ADDR) >> (32 - address_bits.min(32));
        let reads = self.block.get(USER) & 1 << 28 != 0;
        let bits = if reads { user1 >> 8 & 0x1FF } else { user1 >> 17 & 0xFF };
        let length = (bits as usize + 1).div_ceil(8);
        match CODES.iter().find(|(known, _)| *known == code) {
            Some(&(_, command)) => self.run(command, address as usize, length, now, memory),
            // An unknown command: the data line stays high.
            None if reads => self.put(&[0xFF; 64][..length.min(64)]),
            None => {}
        }
    }

    fn run(&mut self, command: Command, address: usize, length: usize, now: u64, memory: &mut Memory) {
        let busy = now < self.busy_until;
        if command == Command::ReadStatus {
            let status = self.status | if busy { BUSY } else { 0 };
            self.block.set(RD_STATUS, status);
            return self.put(&status.to_le_bytes());
        }
        if busy {
            return;
        }
        let size = memory.flash().len().max(1);
        let writes = self.status & WRITE_ENABLED != 0;
        match command {
            Command::Read => {
                let bytes: Vec<u8> = (0..length.min(64)).map(|i| memory.flash()[(address + i) % size]).collect();
                self.put(&bytes);
            }
            Command::ReadId => {
                self.block.set(RD_STATUS, JEDEC_ID);
                self.put(&JEDEC_ID.to_le_bytes());
            }
            Command::WriteEnable => self.status |= WRITE_ENABLED,
            Command::WriteDisable => self.status &= !WRITE_ENABLED,
            Command::WriteStatus if writes => self.finish(now, PAGE_PROGRAM),
            Command::Program if writes => {
                let page = address % size / PAGE * PAGE;
                for index in 0..length.min(64) {
                    let byte = self.block.get(W0 + 4 * (index as u32 / 4)) >> (8 * (index % 4));
                    // Beyond the end of the page it goes on at its beginning.
                    memory.flash_mut()[page + (address + index) % PAGE] &= byte as u8;
                }
                self.finish(now, PAGE_PROGRAM);
            }
            Command::EraseSector if writes => self.erase(address, SECTOR, now, SECTOR_ERASE, memory),
            Command::EraseBlock if writes => self.erase(address, BLOCK, now, BLOCK_ERASE, memory),
            Command::EraseChip if writes => self.erase(0, size, now, CHIP_ERASE, memory),
            _ => {}
        }
    }

    fn erase(&mut self, address: usize, unit: usize, now: u64, takes: u64, memory: &mut Memory) {
        let flash = memory.flash_mut();
        let start = address % flash.len() / unit * unit;
        let end = (start + unit).min(flash.len());
        flash[start..end].fill(0xFF);
        self.finish(now, takes);
    }

    fn finish(&mut self, now: u64, takes: u64) {
        self.status &= !WRITE_ENABLED;
        self.busy_until = now + takes;
    }

    fn put(&mut self, bytes: &[u8]) {
        for (index, chunk) in bytes.chunks(4).enumerate() {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            self.block.set(W0 + 4 * index as u32, u32::from_le_bytes(word));
        }
    }
}
