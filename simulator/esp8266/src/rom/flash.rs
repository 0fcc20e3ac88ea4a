//! The ROM's flash functions: commands to SPI controller 0, and the read cache.
//!
//! A chip is described by the structure that `flashchip` points to. Programming goes in pieces of at most 32 bytes
//! within a page; erasing and programming poll the chip's busy bit, with interrupts served meanwhile. Sources and
//! destinations are read and written by words, as the ROM does: `SPIRead` of five bytes writes eight.

use super::call::{Call, Flow, Trouble};
use super::{continuation, ram};

type Outcome = Result<Flow, Trouble>;

const SPI0: u32 = 0x6000_0200;
const DPORT: u32 = 0x3FF0_0000;
const IOMUX: u32 = 0x6000_0800;

/// Offsets of the registers used here.
mod register {
    pub const CMD: u32 = 0x00;
    pub const ADDR: u32 = 0x04;
    pub const CTRL: u32 = 0x08;
    pub const RD_STATUS: u32 = 0x10;
    pub const USER: u32 = 0x1C;
    pub const W0: u32 = 0x40;
    pub const CACHE: u32 = 0x0C;
    pub const CACHE_BANKS: u32 = 0x24;
}

/// Bits of CMD.
mod command {
    pub const RES: u32 = 1 << 20;
    pub const CE: u32 = 1 << 22;
    pub const BE: u32 = 1 << 23;
    pub const SE: u32 = 1 << 24;
    pub const PP: u32 = 1 << 25;
    pub const WRSR: u32 = 1 << 26;
    pub const RDSR: u32 = 1 << 27;
    pub const WREN: u32 = 1 << 30;
    pub const READ: u32 = 1 << 31;
}

/// CTRL: the flash window is served.
const ENABLE_AHB: u32 = 1 << 17;
/// CTRL: the status register has two bytes.
const TWO_BYTE_STATUS: u32 = 1 << 22;
/// How long to wait between two looks at the busy bit, in cycles.
const POLL: u64 = 4000;
/// Bytes of a canned command.
const PIECE: u32 = 32;

fn start(call: &mut Call<'_>, command: u32) -> Result<(), Trouble> {
    call.set_word(SPI0 + register::CMD, command)?;
    call.spend(60);
    // Canned commands are done within a few microseconds; the ROM polls for it.
    let mut polls = 0;
    while call.word(SPI0 + register::CMD)? != 0 {
        call.spend(20);
        polls += 1;
        if polls > 10_000 {
            return Err(Trouble::Spin("flash command without end"));
        }
    }
    Ok(())
}

fn status(call: &mut Call<'_>) -> Result<u32, Trouble> {
    start(call, command::RDSR)?;
    call.word(SPI0 + register::RD_STATUS)
}

fn is_busy(call: &mut Call<'_>) -> Result<bool, Trouble> {
    Ok(status(call)? & 1 != 0)
}

/// Lets time pass until the chip is idle, with interrupts held back: for operations that take milliseconds at most.
fn settle(call: &mut Call<'_>) -> Result<(), Trouble> {
    while is_busy(call)? {
        call.spend(POLL);
    }
    Ok(())
}

/// `SPI_read_status(chip, to)`: the status once the chip is idle; returns 0.
pub fn spi_read_status(call: &mut Call<'_>) -> Outcome {
    let (chip, to) = (call.argument(0), call.argument(1));
    let status = status(call)?;
    if status & 1 != 0 {
        return call.wait(POLL);
    }
    let mask = call.word(chip.wrapping_add(20))?;
    call.set_word(to, status & mask)?;
    call.returns(0)
}

/// `Wait_SPI_Idle(chip)`: returns 0.
pub fn wait_spi_idle(call: &mut Call<'_>) -> Outcome {
    if is_busy(call)? { call.wait(POLL) } else { call.returns(0) }
}

/// `SPI_write_enable(chip)`: returns 0.
pub fn spi_write_enable(call: &mut Call<'_>) -> Outcome {
    if is_busy(call)? {
        return call.wait(POLL);
    }
    start(call, command::WREN)?;
    call.returns(0)
}

/// `SPI_write_status(chip, status)`: returns 0.
pub fn spi_write_status(call: &mut Call<'_>) -> Outcome {
    if is_busy(call)? {
        return call.wait(POLL);
    }
    let value = call.argument(1);
    call.set_word(SPI0 + register::RD_STATUS, value)?;
    start(call, command::WRSR)?;
    call.returns(0)
}

/// Writes the status, and lets the chip go on with it.
fn write_status(call: &mut Call<'_>, value: u32) -> Result<(), Trouble> {
    settle(call)?;
    start(call, command::WREN)?;
    call.set_word(SPI0 + register::RD_STATUS, value)?;
    start(call, command::WRSR)
}

/// `SPIUnlock()`: nothing is write protected; returns 0.
pub fn spi_unlock(call: &mut Call<'_>) -> Outcome {
    write_status(call, 0)?;
    call.returns(0)
}

/// `SPILock()`: everything is write protected; returns 0.
pub fn spi_lock(call: &mut Call<'_>) -> Outcome {
    write_status(call, 0x1C)?;
    call.returns(0)
}

/// `Enable_QMode(chip)`: sets the chip's quad enable bit; returns 0.
pub fn enable_q_mode(call: &mut Call<'_>) -> Outcome {
    enable_quad(call)?;
    call.returns(0)
}

fn enable_quad(call: &mut Call<'_>) -> Result<(), Trouble> {
    call.modify(SPI0 + register::CTRL, 0, TWO_BYTE_STATUS)?;
    write_status(call, 0x200)
}

/// Writes the low byte of the status back, and with that clears the quad enable bit.
fn disable_quad(call: &mut Call<'_>) -> Result<(), Trouble> {
    call.modify(SPI0 + register::CTRL, 0, TWO_BYTE_STATUS)?;
    settle(call)?;
    let low = status(call)? & 0xFF;
    write_status(call, low)
}

/// `SPIReadModeCnfig(mode)`: how the cache and READ read; 0 QIO, 1 QOUT, 2 DIO, 3 DOUT, 4 fast, otherwise plain.
pub fn spi_read_mode_config(call: &mut Call<'_>) -> Outcome {
    set_read_mode(call, call.argument(0))?;
    call.returns(0)
}

pub(super) fn set_read_mode(call: &mut Call<'_>, mode: u32) -> Result<(), Trouble> {
    let bits = match mode {
        0 => 0x0100_2000,
        1 => 0x0010_2000,
        2 => 0x0080_2000,
        3 => 0x0000_6000,
        4 => 0x0000_2000,
        _ => 0,
    };
    call.modify(SPI0 + register::CTRL, !0xFE6F_9FFF, 0)?;
    if mode < 2 {
        enable_quad(call)?;
    } else {
        disable_quad(call)?;
    }
    call.modify(SPI0 + register::CTRL, 0, bits)
}

/// `SelectSpiFunction()`: the SD pins serve the flash.
pub fn select_spi_function(call: &mut Call<'_>) -> Outcome {
    select_pins(call)?;
    Ok(Flow::Return)
}

fn select_pins(call: &mut Call<'_>) -> Result<(), Trouble> {
    for pin in (0x1C..=0x30).step_by(4) {
        call.modify(IOMUX + pin, 0x80, 0)?;
        call.modify(IOMUX + pin, 0x130, 0x10)?;
    }
    call.set_word(0x6000_0D48, 0)
}

/// `spi_flash_attach()`: pins, clock of 20 MHz, plain reads; returns 0.
pub fn spi_flash_attach(call: &mut Call<'_>) -> Outcome {
    attach(call)?;
    call.returns(0)
}

pub(super) fn attach(call: &mut Call<'_>) -> Result<(), Trouble> {
    select_pins(call)?;
    call.modify(SPI0 + register::USER, 0, 4)?;
    call.modify(SPI0 + register::CTRL, 0x1000, 0)?;
    call.modify(IOMUX, 0x100, 0)?;
    let divisor = 4;
    let clock = ((divisor - 1) << 8) + divisor + (((divisor >> 1) - 1) << 4) - 1;
    call.modify(SPI0 + register::CTRL, 0, clock | 0x28_8000)?;
    start(call, command::RES)?;
    set_read_mode(call, 5)
}

/// `SPIParamCfg(id, size, block, sector, page, status mask)`: returns 0.
pub fn spi_param_config(call: &mut Call<'_>) -> Outcome {
    let chip = call.word(ram::FLASH_CHIP)?;
    for index in 0..6 {
        call.set_word(chip.wrapping_add(4 * index), call.argument(index as usize))?;
    }
    call.returns(0)
}

/// Reads up to 32 bytes into the controller's buffer, and returns them.
pub(super) fn read_piece(call: &mut Call<'_>, address: u32, length: u32) -> Result<[u32; 8], Trouble> {
    settle(call)?;
    call.set_word(SPI0 + register::ADDR, address & 0xFF_FFFF | length << 24)?;
    start(call, command::READ)?;
    let mut words = [0; 8];
    for (index, word) in words.iter_mut().enumerate().take(length.div_ceil(4) as usize) {
        *word = call.word(SPI0 + register::W0 + 4 * index as u32)?;
    }
    call.spend(u64::from(length) * 4);
    Ok(words)
}

/// `SPIRead(address, to, length)`: 0, or 1 if it lies beyond the chip's end.
pub fn spi_read(call: &mut Call<'_>) -> Outcome {
    let (address, to, length) = (call.argument(0), call.argument(1), call.argument(2));
    let size = ram::FlashChip::read(call)?.size;
    read(call, size, address, to, length)
}

/// `SPI_read_data(chip, address, to, length)`: as [`spi_read`], of a chip whose description is given. (esp-open-rtos
/// calls it with its own, because it uses the ROM's data for other things.)
pub fn spi_read_data(call: &mut Call<'_>) -> Outcome {
    let [chip, address, to, length] = [0, 1, 2, 3].map(|index| call.argument(index));
    let size = call.word(chip.wrapping_add(4))?;
    read(call, size, address, to, length)
}

fn read(call: &mut Call<'_>, size: u32, address: u32, to: u32, length: u32) -> Outcome {
    if address.wrapping_add(length) > size {
        return call.returns(1);
    }
    if is_busy(call)? {
        return call.wait(POLL);
    }
    let mut done = 0;
    while done < length {
        let piece = (length - done).min(PIECE);
        let words = read_piece(call, address.wrapping_add(done), piece)?;
        for (index, word) in words.into_iter().enumerate().take(piece.div_ceil(4) as usize) {
            call.set_word(to.wrapping_add(done + 4 * index as u32), word)?;
        }
        done += piece;
    }
    call.returns(0)
}

/// `SPIWrite(address, from, length)`: 0, or 1 if it lies beyond the chip's end or what goes to a page is no multiple of
/// 4.
pub fn spi_write(call: &mut Call<'_>) -> Outcome {
    let (address, from, length) = (call.argument(0), call.argument(1), call.argument(2));
    let chip = ram::FlashChip::read(call)?;
    if address.wrapping_add(length) > chip.size {
        return call.returns(1);
    }
    program_all(call, [address, from, length, chip.page])
}

/// `SPI_page_program(chip, address, from, length)`: 0, or 1 if that is no multiple of 4 or does not fit into the page.
pub fn spi_page_program(call: &mut Call<'_>) -> Outcome {
    let [chip, address, from, length] = [0, 1, 2, 3].map(|index| call.argument(index));
    let page = call.word(chip.wrapping_add(16))?;
    if page == 0 || !length.is_multiple_of(4) || length > page - address % page {
        return call.returns(1);
    }
    program_all(call, [address, from, length, page])
}

fn program_all(call: &mut Call<'_>, arguments: [u32; 4]) -> Outcome {
    call.enter(48, 4)?;
    call.cpu.a[12..].copy_from_slice(&arguments);
    Ok(Flow::Jump(continuation::FLASH_PROGRAM))
}

/// Programs the next piece: a12 is its address, a13 its source, a14 what is left, a15 the size of a page.
pub(super) fn program(call: &mut Call<'_>) -> Outcome {
    if is_busy(call)? {
        return call.wait(POLL);
    }
    let [address, from, left, page] = [12, 13, 14, 15].map(|index| call.cpu.a[index]);
    if left == 0 {
        call.cpu.a[2] = 0;
        return call.leave(48, 4);
    }
    let page = page.max(1);
    let on_page = left.min(page - address % page);
    if !on_page.is_multiple_of(4) {
        call.cpu.a[2] = 1;
        return call.leave(48, 4);
    }
    let piece = on_page.min(PIECE);
    for offset in (0..piece).step_by(4) {
        let word = call.word(from.wrapping_add(offset))?;
        call.set_word(SPI0 + register::W0 + offset, word)?;
    }
    start(call, command::WREN)?;
    call.set_word(SPI0 + register::ADDR, address & 0xFF_FFFF | piece << 24)?;
    start(call, command::PP)?;
    [call.cpu.a[12], call.cpu.a[13], call.cpu.a[14]] =
        [address.wrapping_add(piece), from.wrapping_add(piece), left - piece];
    Ok(Flow::Jump(continuation::FLASH_PROGRAM))
}

/// `SPIEraseSector(number)`: 0, or 1 if there is none such.
pub fn spi_erase_sector(call: &mut Call<'_>) -> Outcome {
    let chip = ram::FlashChip::read(call)?;
    erase_unit(call, chip.size, chip.sector, command::SE)
}

/// `SPI_sector_erase(chip, address)`: 0, or 1 if no sector begins there. It waits before, not after, and enables no
/// writing.
pub fn spi_sector_erase(call: &mut Call<'_>) -> Outcome {
    let address = call.argument(1);
    if !address.is_multiple_of(0x1000) {
        return call.returns(1);
    }
    if is_busy(call)? {
        return call.wait(POLL);
    }
    call.set_word(SPI0 + register::ADDR, address & 0xFF_FFFF)?;
    start(call, command::SE)?;
    call.returns(0)
}

/// `SPIEraseBlock(number)`: 0, or 1 if there is none such.
pub fn spi_erase_block(call: &mut Call<'_>) -> Outcome {
    let chip = ram::FlashChip::read(call)?;
    erase_unit(call, chip.size, chip.block, command::BE)
}

fn erase_unit(call: &mut Call<'_>, size: u32, unit: u32, command: u32) -> Outcome {
    let number = call.argument(0);
    if unit == 0 || number >= size / unit {
        return call.returns(1);
    }
    erase(call, command, number * unit, (number * unit).saturating_add(unit))
}

/// `SPIEraseChip()`: returns 0.
pub fn spi_erase_chip(call: &mut Call<'_>) -> Outcome {
    erase(call, command::CE, 0, 1)
}

/// `SPIEraseArea(address, length)`: sector by sector up to where a block begins, then by blocks as far as there are
/// whole ones; 1 if it is not aligned or beyond the end. The ROM forgets that it has erased the first sectors: so many
/// are erased behind the end, too, for which esptool asks for less (`get_erase_size`).
pub fn spi_erase_area(call: &mut Call<'_>) -> Outcome {
    let (address, length) = (call.argument(0), call.argument(1));
    let chip = ram::FlashChip::read(call)?;
    let is_possible = chip.sector > 0 && chip.block >= chip.sector && address.is_multiple_of(chip.sector);
    let end = address.checked_add(length).filter(|end| *end <= chip.size);
    let Some(end) = end.filter(|_| is_possible) else { return call.returns(1) };
    let end = end.checked_next_multiple_of(chip.sector).unwrap_or(chip.size);
    let first = (chip.block - address % chip.block).min(end - address);
    erase(call, AREA, address, end.saturating_add(first).min(chip.size))
}

fn erase(call: &mut Call<'_>, command: u32, address: u32, end: u32) -> Outcome {
    call.enter(48, 4)?;
    [call.cpu.a[12], call.cpu.a[13], call.cpu.a[14]] = [command, address, end];
    Ok(Flow::Jump(continuation::FLASH_ERASE))
}

/// In the place of a command: whichever erases more.
const AREA: u32 = command::SE | command::BE;

/// Erases the next unit: a12 is the command, a13 the address, a14 the end.
pub(super) fn erase_next(call: &mut Call<'_>) -> Outcome {
    if is_busy(call)? {
        return call.wait(POLL);
    }
    let [command, address, end] = [call.cpu.a[12], call.cpu.a[13], call.cpu.a[14]];
    if address >= end {
        call.cpu.a[2] = 0;
        return call.leave(48, 4);
    }
    let chip = ram::FlashChip::read(call)?;
    let command = match command {
        AREA if address.is_multiple_of(chip.block.max(1)) && end - address >= chip.block => command::BE,
        AREA => command::SE,
        command => command,
    };
    start(call, command::WREN)?;
    call.set_word(SPI0 + register::ADDR, address & 0xFF_FFFF)?;
    start(call, command)?;
    let unit = match command {
        command::SE => chip.sector,
        command::BE => chip.block,
        _ => end,
    };
    call.cpu.a[13] = address.saturating_add(unit.max(1));
    Ok(Flow::Jump(continuation::FLASH_ERASE))
}

/// `Cache_Read_Disable()`: the flash window is gone.
pub fn cache_read_disable(call: &mut Call<'_>) -> Outcome {
    cache_off(call)?;
    flush_cache(call)?;
    Ok(Flow::Return)
}

fn cache_off(call: &mut Call<'_>) -> Result<(), Trouble> {
    call.modify(DPORT + register::CACHE, 0x100, 0)?;
    call.modify(SPI0 + register::CTRL, ENABLE_AHB, 0)
}

fn flush_cache(call: &mut Call<'_>) -> Result<(), Trouble> {
    call.modify(DPORT + register::CACHE, 1, 0)?;
    call.modify(DPORT + register::CACHE, 0, 1)?;
    call.modify(DPORT + register::CACHE, 1, 0)?;
    call.spend(200);
    Ok(())
}

/// `Cache_Read_Enable(odd, block, size)`: shows the MiB of flash at 2 MiB · `block`, its second half if `odd` is 1,
/// through a cache of 16 or 32 KiB.
pub fn cache_read_enable(call: &mut Call<'_>) -> Outcome {
    let (odd, block, size) = (call.argument(0), call.argument(1), call.argument(2));
    cache_off(call)?;
    flush_cache(call)?;
    call.modify(SPI0 + register::CTRL, 0, ENABLE_AHB)?;
    let half = match odd {
        0 => 0,
        1 => 2,
        _ => 1,
    };
    call.modify(DPORT + register::CACHE, 3 << 24, half << 24)?;
    call.modify(DPORT + register::CACHE, 0x0407_0000, size << 26 | block << 16)?;
    call.modify(DPORT + register::CACHE_BANKS, 0, if size == 0 { 0x08 } else { 0x18 })?;
    call.modify(DPORT + register::CACHE, 0, 0x100)?;
    Ok(Flow::Return)
}
