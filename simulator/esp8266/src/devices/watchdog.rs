//! The hardware watchdog: two stages, each of 2^(16+e) ticks of 80 MHz.
//!
//! When the first stage runs out, interrupt 8 comes; when the second does, the chip resets with cause 4. Feeding starts
//! with the first stage again. Registers: Espressif's `wdt_register.h` as far as it is public, and the Mongoose OS team's notes.

use super::registers::{Block, Register, acting, plain};

const CTL: u32 = 0x00;
const STAGE0: u32 = 0x04;
const STAGE1: u32 = 0x08;
const COUNT: u32 = 0x0C;
const STAGE: u32 = 0x10;
const FEED: u32 = 0x14;

/// Registers of the watchdog.
pub const TABLE: &[Register] = &[
    plain(CTL, "WDT_CTL", 0),
    plain(STAGE0, "WDT_OP", 0),
    plain(STAGE1, "WDT_OP_ND", 0),
    acting(COUNT, "WDT_COUNT"),
    acting(STAGE, "WDT_STAGE"),
    acting(FEED, "WDT_RST"),
    acting(0x18, "WDT_RESET_STAGE"),
];

const ENABLE: u32 = 1 << 0;
const STAGE1_NO_RESET: u32 = 1 << 1;
const STAGE1_OFF: u32 = 1 << 2;
const FOOD: u32 = 0x73;

/// The watchdog.
#[derive(Clone, Debug)]
pub struct Watchdog {
    block: Block,
    stage: u32,
    /// When the current stage began, in nanoseconds.
    since: u64,
    interrupted: bool,
    bites: bool,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self { block: Block::new(TABLE), stage: 0, since: 0, interrupted: false, bites: false }
    }
}

impl Watchdog {
    /// Reads a register.
    pub fn read(&mut self, offset: u32, now: u64) -> Option<u32> {
        self.advance(now);
        self.block.register(offset)?;
        Some(match offset {
            STAGE => self.stage,
            COUNT => (self.end().saturating_sub(now) as u128 * 2 / 25) as u32,
            _ => self.block.get(offset),
        })
    }

    /// Writes a register.
    pub fn write(&mut self, offset: u32, value: u32, now: u64) -> Option<()> {
        self.advance(now);
        self.block.register(offset)?;
        let was_off = self.block.get(CTL) & ENABLE == 0;
        self.block.write(offset, value);
        let switched_on = offset == CTL && was_off && value & ENABLE != 0;
        if switched_on || offset == FEED && value & 0xFF == FOOD {
            self.stage = 0;
            self.since = now;
        }
        Some(())
    }

    /// When the current stage runs out.
    fn end(&self) -> u64 {
        let exponent = self.block.get(if self.stage == 0 { STAGE0 } else { STAGE1 }) & 0xF;
        self.since + (1u64 << (16 + exponent)) * 25 / 2
    }

    /// Runs the stages up to a time.
    pub fn advance(&mut self, now: u64) {
        while self.next_event() <= now {
            self.since = self.end();
            let ctl = self.block.get(CTL);
            if self.stage == 0 {
                self.interrupted = true;
                self.stage = if ctl & STAGE1_OFF == 0 { 1 } else { 0 };
            } else {
                self.bites |= ctl & STAGE1_NO_RESET == 0;
                self.stage = 0;
            }
        }
    }

    /// When the current stage runs out, in nanoseconds.
    pub fn next_event(&self) -> u64 {
        if self.block.get(CTL) & ENABLE == 0 || self.bites { u64::MAX } else { self.end() }
    }

    /// Whether interrupt 8 has come since this was last asked.
    pub fn take_interrupt(&mut self) -> bool {
        std::mem::take(&mut self.interrupted)
    }

    /// Whether it resets the chip.
    pub fn bites(&self) -> bool {
        self.bites
    }
}
