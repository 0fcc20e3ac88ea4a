//! The two SPI controllers: number 0 has the flash, number 1 (HSPI) has nothing on it.
//!
//! A canned command or a user-defined one (USR) is done at once and keeps CMD from reading 0 for as long as its bits
//! take. Bytes lie in W0 to W15 lowest byte first. Not modelled: slave mode, transfer interrupts, DMA, the timing
//! registers.

use super::clock::Time;
use super::device::{Block, Device};
use super::env::{Env, Request};
use super::registers::{Bank, Field, registers};
use super::rtc::ResetCause;
use crate::serial_flash::Command;

registers! {
    /// Registers of a controller.
    pub(super) enum Register {
        0x00 Cmd ReadWrite = 0, "SPI_CMD" cmd { USR: 18; };
        0x04 Addr ReadWrite = 0, "SPI_ADDR" addr { ADDRESS: 0..=23; COUNT: 24..=31; };
        0x08 Ctrl ReadWrite = 0x0028_8000, "SPI_CTRL" ctrl { ENABLE_AHB: 17; TWO_BYTE_STATUS: 22; };
        0x0C Ctrl1 ReadWrite = 0x5FFF_0000, "SPI_CTRL1";
        0x10 RdStatus ReadWrite = 0, "SPI_RD_STATUS";
        0x14 Ctrl2 ReadWrite = 0x11, "SPI_CTRL2";
        0x18 Clock ReadWrite = 0x8000_3043, "SPI_CLOCK" clock { CLKCNT_N: 12..=17; CLKDIV_PRE: 18..=30; CLK_EQU_SYSCLK: 31; };
        0x1C User ReadWrite = 0x8000_0000, "SPI_USER" user {
            MISO_HIGH: 24;
            MOSI_HIGH: 25;
            MOSI: 27;
            MISO: 28;
            DUMMY: 29;
            ADDR: 30;
            COMMAND: 31;
        };
        0x20 User1 ReadWrite = 0x5C00_0007, "SPI_USER1" user1 {
            DUMMY_CYCLELEN: 0..=7;
            MISO_BITLEN: 8..=16;
            MOSI_BITLEN: 17..=25;
            ADDR_BITLEN: 26..=31;
        };
        0x24 User2 ReadWrite = 0x7000_0000, "SPI_USER2" user2 { COMMAND_VALUE: 0..=7; };
        0x28 WrStatus ReadWrite = 0, "SPI_WR_STATUS";
        0x2C Pin ReadWrite = 0x1E, "SPI_PIN";
        0x30 Slave ReadWrite = 0, "SPI_SLAVE" slave {
            SLAVE_MODE: 30 ignored "slave mode";
            INT_EN: 5..=9 ignored "interrupts of an SPI controller";
        };
        0x34 Slave1 ReadWrite = 0, "SPI_SLAVE1";
        0x38 Slave2 ReadWrite = 0, "SPI_SLAVE2";
        0x3C Slave3 ReadWrite = 0, "SPI_SLAVE3";
        0x40 W0 ReadWrite = 0, "SPI_W0";
        0x44 W1 ReadWrite = 0, "SPI_W1";
        0x48 W2 ReadWrite = 0, "SPI_W2";
        0x4C W3 ReadWrite = 0, "SPI_W3";
        0x50 W4 ReadWrite = 0, "SPI_W4";
        0x54 W5 ReadWrite = 0, "SPI_W5";
        0x58 W6 ReadWrite = 0, "SPI_W6";
        0x5C W7 ReadWrite = 0, "SPI_W7";
        0x60 W8 ReadWrite = 0, "SPI_W8";
        0x64 W9 ReadWrite = 0, "SPI_W9";
        0x68 W10 ReadWrite = 0, "SPI_W10";
        0x6C W11 ReadWrite = 0, "SPI_W11";
        0x70 W12 ReadWrite = 0, "SPI_W12";
        0x74 W13 ReadWrite = 0, "SPI_W13";
        0x78 W14 ReadWrite = 0, "SPI_W14";
        0x7C W15 ReadWrite = 0, "SPI_W15";
        0xF0 Ext0 ReadWrite = 0, "SPI_EXT0";
        0xF4 Ext1 ReadWrite = 0, "SPI_EXT1";
        0xF8 Ext2 ReadOnly = 0, "SPI_EXT2";
        0xFC Ext3 ReadWrite = 0, "SPI_EXT3";
    }
}

/// The data buffer.
const BUFFER_REGISTERS: [Register; 16] = [
    Register::W0,
    Register::W1,
    Register::W2,
    Register::W3,
    Register::W4,
    Register::W5,
    Register::W6,
    Register::W7,
    Register::W8,
    Register::W9,
    Register::W10,
    Register::W11,
    Register::W12,
    Register::W13,
    Register::W14,
    Register::W15,
];
/// Bytes in W0 to W15.
const BUFFER: usize = 4 * BUFFER_REGISTERS.len();

/// A controller.
#[derive(Clone, Debug)]
pub(super) struct Spi {
    number: u8,
    bank: Bank<Register>,
    /// When the command under way is over.
    free: Time,
    /// When the flash is to have done what it is at.
    flash_done: Time,
}

impl Spi {
    /// Controller 0, which the flash is on, or 1.
    pub(super) fn new(number: u8) -> Self {
        Self { number, bank: Bank::default(), free: Time(0), flash_done: Time::NEVER }
    }

    /// Whether a flash is on this controller.
    fn has_flash(&self, env: &mut Env<'_>) -> bool {
        self.number == 0 && env.outside.flash().is_some()
    }

    fn buffer(&self) -> Vec<u8> {
        BUFFER_REGISTERS.iter().flat_map(|register| self.bank.value(*register).to_le_bytes()).collect()
    }

    /// Puts bytes into the buffer from byte `start` on.
    fn fill(&mut self, start: usize, bytes: &[u8]) {
        let mut buffer = self.buffer();
        for (cell, byte) in buffer[start.min(BUFFER)..].iter_mut().zip(bytes) {
            *cell = *byte;
        }
        for (register, word) in BUFFER_REGISTERS.into_iter().zip(buffer.as_chunks().0) {
            self.bank.set(register, u32::from_le_bytes(*word));
        }
    }

    /// Length of a bit on the wire.
    fn bit(&self, apb: Time) -> Time {
        let clock = self.bank.value(Register::Clock);
        if clock::CLK_EQU_SYSCLK.is_in(clock) {
            return apb;
        }
        apb.times(u64::from(clock::CLKDIV_PRE.of(clock) + 1) * u64::from(clock::CLKCNT_N.of(clock) + 1))
    }

    /// Does a command that the controller knows by itself; whether the flash knows it, too.
    fn canned_command(&mut self, command: u32, bits: &mut u64, env: &mut Env<'_>) -> bool {
        if !self.has_flash(env) {
            return false;
        }
        let addr = self.bank.value(Register::Addr);
        let (address, count) = (addr::ADDRESS.of(addr), addr::COUNT.of(addr) as usize);
        let buffer = self.buffer();
        // The status to write stands where the one that was read does.
        let status = self.bank.value(Register::RdStatus).to_le_bytes();
        let two_bytes = if ctrl::TWO_BYTE_STATUS.is_in(self.bank.value(Register::Ctrl)) { 2 } else { 1 };
        let (opcode, data, length): (u8, &[u8], usize) = match command.ilog2() {
            31 => (0x03, &[], count.min(BUFFER)),
            30 => (0x06, &[], 0),
            29 => (0x04, &[], 0),
            28 => (0x9F, &[], 3),
            27 => (0x05, &[], 2),
            26 => (0x01, &status[..two_bytes], 0),
            25 => (0x02, &buffer[..count.min(BUFFER)], 0),
            24 => (0x20, &[], 0),
            23 => (0xD8, &[], 0),
            22 => (0xC7, &[], 0),
            21 => (0xB9, &[], 0),
            20 => (0xAB, &[], 0),
            19 => (0xFF, &[], 0),
            _ => return false,
        };
        *bits = 32 + 8 * (data.len() + length) as u64;
        let Some(answer) = self.transfer(Command { opcode, address, data, length }, env) else { return false };
        if opcode == 0x05 {
            let status = answer.iter().rev().fold(0, |status, &byte| status << 8 | u32::from(byte));
            self.bank.set(Register::RdStatus, status);
        } else {
            self.fill(0, &answer);
        }
        true
    }

    /// Does a command that the program has put together; whether the flash knows it.
    fn user_command(&mut self, bits: &mut u64, env: &mut Env<'_>) -> bool {
        let user = self.bank.value(Register::User);
        let user1 = self.bank.value(Register::User1);
        let opcode = user2::COMMAND_VALUE.of(self.bank.value(Register::User2)) as u8;
        let has = |phase: Field| phase.is_in(user);
        let address_bits = if has(user::ADDR) { user1::ADDR_BITLEN.of(user1) + 1 } else { 0 };
        let mosi_bytes = if has(user::MOSI) { (user1::MOSI_BITLEN.of(user1) as usize + 1).div_ceil(8) } else { 0 };
        let miso_bytes = if has(user::MISO) { (user1::MISO_BITLEN.of(user1) as usize + 1).div_ceil(8) } else { 0 };
        let dummy_bits = if has(user::DUMMY) { u64::from(user1::DUMMY_CYCLELEN.of(user1)) + 1 } else { 0 };
        *bits = 8 + u64::from(address_bits) + dummy_bits + 8 * (mosi_bytes + miso_bytes) as u64;
        let miso_start = if has(user::MISO_HIGH) { 32 } else { 0 };
        let mosi_start = if has(user::MOSI_HIGH) { 32 } else { 0 };
        if !self.has_flash(env) {
            // Nothing drives the line; it reads as ones.
            self.fill(miso_start, &vec![0xFF; miso_bytes.min(BUFFER)]);
            return true;
        }
        if !has(user::COMMAND) {
            return false;
        }
        // From the highest bit on; the flash takes 24 of them, and what follows, such as a mode's bits, passes it by.
        let address = self.bank.value(Register::Addr).checked_shr(32 - address_bits.min(24)).unwrap_or(0);
        let buffer = self.buffer();
        let end = (mosi_start + mosi_bytes).min(BUFFER);
        let command =
            Command { opcode, address, data: &buffer[mosi_start.min(end)..end], length: miso_bytes.min(BUFFER) };
        let Some(answer) = self.transfer(command, env) else { return false };
        self.fill(miso_start, &answer);
        true
    }

    /// Sends a command to the flash; its answer, unless it does not know the command.
    fn transfer(&mut self, command: Command<'_>, env: &mut Env<'_>) -> Option<Vec<u8>> {
        let reply = env.outside.flash()?.command(command, env.now.nanoseconds())?;
        if let Some(until) = reply.busy_until {
            self.flash_done = Time::from_nanoseconds(until);
        }
        if reply.changes_content {
            // A reset that has been asked for comes first.
            env.wires.request.get_or_insert(Request::FlashBegan(self.flash_done));
        }
        Some(reply.bytes)
    }
}

impl Device for Spi {
    /// The flash goes on with what it is at.
    fn reset(&mut self, _: ResetCause, _: &mut Env<'_>) {
        *self = Self { flash_done: self.flash_done, ..Self::new(self.number) };
    }

    /// Once the flash has done what it is at, the cache shows it.
    fn advance(&mut self, env: &mut Env<'_>) {
        if self.flash_done > env.now {
            return;
        }
        let change = env.outside.flash().and_then(|flash| flash.settle(env.now.nanoseconds()));
        // A flash that is late is asked again.
        self.flash_done = if change.is_some() { Time::NEVER } else { env.now + Time::MICROSECOND };
        if let Some(change) = change.filter(|change| !change.bytes.is_empty()) {
            let start = change.address as usize;
            env.memory.flash_mut()[start..start + change.bytes.len()].copy_from_slice(&change.bytes);
        }
    }

    fn next(&self, _: Time) -> Time {
        self.flash_done
    }
}

impl Block<Register> for Spi {
    fn read(&mut self, register: Register, env: &mut Env<'_>) -> u32 {
        match register {
            Register::Cmd if self.free <= env.now => 0,
            register => self.bank.read(register),
        }
    }

    fn write(&mut self, register: Register, value: u32, env: &mut Env<'_>) {
        self.bank.write(register, value);
        match register {
            Register::Ctrl if self.number == 0 => {
                env.wires.serves_window = ctrl::ENABLE_AHB.is_in(value);
                env.show_cache();
            }
            Register::Cmd if value != 0 => {
                let mut bits = 8;
                let is_known = if cmd::USR.is_in(value) {
                    self.user_command(&mut bits, env)
                } else {
                    self.canned_command(value, &mut bits, env)
                };
                if !is_known {
                    env.not_modelled("SPI command");
                }
                self.free = env.now + self.bit(env.apb()).times(bits);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
