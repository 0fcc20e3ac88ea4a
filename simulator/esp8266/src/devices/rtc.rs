//! The RTC block: reset cause, software reset, scratch registers, GPIO16, the slow counter, and the RTC memory.
//!
//! Registers: Espressif's `rtc_register.h`. What survives a reset (scratch registers and memory) survives [`Rtc::reset`]; only
//! losing power clears it. Not modelled: power domains; sleep only stops the run.

use super::registers::{Block, Register, acting, plain};

const CTRL: u32 = 0x00;
const SLEEP: u32 = 0x08;
const STATE1: u32 = 0x14;
const COUNTER: u32 = 0x1C;
const GPIO16_IN: u32 = 0x8C;
const SCRATCH: [u32; 4] = [0x30, 0x34, 0x38, 0x3C];

/// Registers of the RTC.
pub const TABLE: &[Register] = &[
    plain(CTRL, "RTC_CTRL", 0),
    plain(0x04, "RTC_SLP_VAL", 0),
    plain(SLEEP, "RTC_SLP_CTRL", 0),
    plain(0x0C, "RTC_0C", 0),
    plain(0x10, "RTC_10", 0),
    plain(STATE1, "RTC_STATE1", 0),
    plain(0x18, "RTC_STATE2", 0),
    acting(COUNTER, "RTC_SLP_CNT"),
    acting(0x20, "RTC_INT_ST"),
    acting(0x24, "RTC_INT_CLR"),
    plain(0x28, "RTC_INT_ENA", 0),
    plain(0x30, "RTC_STORE0", 0),
    plain(0x34, "RTC_STORE1", 0),
    plain(0x38, "RTC_STORE2", 0),
    plain(0x3C, "RTC_STORE3", 0),
    plain(0x68, "RTC_GPIO_OUT", 0),
    plain(0x74, "RTC_GPIO_ENABLE", 0),
    acting(GPIO16_IN, "RTC_GPIO_IN"),
    plain(0x90, "RTC_GPIO_CONF", 0),
    plain(0xA0, "PAD_XPD_DCDC_CONF", 0),
    plain(0xA4, "RTC_A4", 0),
    plain(0xA8, "RTC_A8", 0),
];

/// Why the chip was reset: bits 3:0 of STATE1, and what the boot ROM prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ResetCause {
    /// Power came.
    PowerOn = 1,
    /// The reset pin.
    External = 2,
    /// A write to RTC_CTRL.
    Software = 3,
    /// The hardware watchdog.
    Watchdog = 4,
    /// Waking from deep sleep.
    DeepSleep = 5,
}

/// What a write to the RTC asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Reset the chip.
    Reset,
    /// Sleep until the slow counter gets to RTC_SLP_VAL.
    Sleep,
}

/// The slow clock, in Hz; silicon's varies from chip to chip and with temperature.
const SLOW_HERTZ: u64 = 150_000;

/// The RTC block and its memory.
#[derive(Clone, Debug)]
pub struct Rtc {
    block: Block,
    memory: Vec<u32>,
}

impl Rtc {
    /// After power has come; the memory is zero.
    pub fn new() -> Self {
        let mut rtc = Self { block: Block::new(TABLE), memory: vec![0; 0x100] };
        rtc.block.set(STATE1, ResetCause::PowerOn as u32);
        rtc
    }

    /// After a reset.
    pub fn reset(&mut self, cause: ResetCause) {
        let kept = SCRATCH.map(|offset| self.block.get(offset));
        self.block = Block::new(TABLE);
        for (offset, value) in SCRATCH.into_iter().zip(kept) {
            self.block.set(offset, value);
        }
        self.block.set(STATE1, cause as u32);
    }

    /// Reads a register.
    pub fn read(&self, offset: u32, now: u64) -> Option<u32> {
        self.block.register(offset)?;
        Some(match offset {
            COUNTER => (u128::from(now) * u128::from(SLOW_HERTZ) / 1_000_000_000) as u32,
            GPIO16_IN => self.block.get(0x68) & self.block.get(0x74) & 1,
            _ => self.block.get(offset),
        })
    }

    /// Writes a register; returns what it asks for.
    pub fn write(&mut self, offset: u32, value: u32) -> Option<Option<Request>> {
        self.block.register(offset)?;
        self.block.write(offset, value);
        Some(match offset {
            CTRL if value >> 31 != 0 => Some(Request::Reset),
            SLEEP if value & 1 << 20 != 0 => Some(Request::Sleep),
            _ => None,
        })
    }

    /// A word of the RTC memory, 0 to 0xFF.
    pub fn memory(&mut self, index: u32) -> &mut u32 {
        &mut self.memory[index as usize & 0xFF]
    }
}

impl Default for Rtc {
    fn default() -> Self {
        Self::new()
    }
}
