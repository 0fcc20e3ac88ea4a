//! The real-time clock block: causes of reset, software reset, deep sleep, a slow counter, 1 KiB of memory that
//! survives.
//!
//! Deep sleep ends the chip's run; whoever owns it wakes it up again by a reset. Light sleep begins with the same bit.
//! That bit 5 of `RTC_44` tells the two apart is a guess after what the vendor's code writes. Light sleep is over at
//! once here: the program finds that it has woken up. GPIO16 is this block's. Of other power states nothing is
//! modelled: requests read as granted at once. The counter's oscillator runs at exactly 142.3 kHz; silicon's drifts.

use super::clock::Time;
use super::device::{Block, Device};
use super::env::{Env, Request};
use super::outside::Drive;
use super::registers::{Bank, Description, Layout, registers};
use super::steady::Steady;

registers! {
    /// Registers of the RTC block. What has no published name is named by its offset.
    pub(super) enum Register {
        0x00 Ctrl ReadWrite = 0, "RTC_CTRL" ctrl { SOFTWARE_RESET: 31; };
        0x04 SlpVal ReadWrite = 0, "RTC_SLP_VAL";
        0x08 State0 ReadWrite = 0, "RTC_STATE0" state0 { SLEEP: 20; };
        0x0C Reg0c ReadWrite = 0, "RTC_0C";
        0x10 Reg10 ReadWrite = 0, "RTC_10";
        0x14 State1 ReadOnly = 1, "RTC_STATE1";
        0x18 State2 ReadWrite = 0, "RTC_STATE2";
        0x1C SlpCntVal ReadOnly = 0, "RTC_SLP_CNT_VAL";
        0x20 IntEna ReadWrite = 0, "RTC_INT_ENA" int_ena { ALL: 0..=31 ignored "interrupts of the RTC"; };
        0x24 IntClr WriteOnly = 0, "RTC_INT_CLR";
        0x28 IntSt ReadOnly = 1, "RTC_INT_ST";
        0x30 Store0 ReadWrite = 0, "RTC_STORE0";
        0x34 Store1 ReadWrite = 0, "RTC_STORE1";
        0x38 Store2 ReadWrite = 0, "RTC_STORE2";
        0x3C Store3 ReadWrite = 0, "RTC_STORE3";
        0x40 Reg40 ReadWrite = 0, "RTC_40";
        0x44 Reg44 ReadWrite = 0, "RTC_44" reg44 { DEEP: 5; };
        0x48 Reg48 ReadWrite = 0, "RTC_48";
        0x4C Reg4c ReadWrite = 0, "RTC_4C";
        0x50 Reg50 ReadWrite = 0, "RTC_50";
        0x54 Reg54 ReadWrite = 0, "RTC_54";
        0x58 Reg58 ReadWrite = 0, "RTC_58";
        0x5C Reg5c ReadWrite = 0, "RTC_5C";
        0x60 Reg60 ReadWrite = 0, "RTC_60";
        0x64 Reg64 ReadWrite = 0, "RTC_64";
        0x68 GpioOut ReadWrite = 0, "RTC_GPIO_OUT";
        0x74 GpioEnable ReadWrite = 0, "RTC_GPIO_ENABLE";
        0x80 Reg80 ReadWrite = 0, "RTC_80";
        0x8C GpioInData ReadOnly = 0, "RTC_GPIO_IN_DATA";
        0x90 GpioConf ReadWrite = 0, "RTC_GPIO_CONF";
        0x94 Reg94 ReadWrite = 0, "RTC_94";
        0x98 Reg98 ReadWrite = 0, "RTC_98";
        0x9C Reg9c ReadWrite = 0, "RTC_9C";
        0xA0 PadXpdDcdcConf ReadWrite = 0, "PAD_XPD_DCDC_CONF";
        0xA4 RegA4 ReadWrite = 0, "RTC_A4";
        0xA8 RegA8 ReadWrite = 0, "RTC_A8";
        0xAC RegAc ReadWrite = 0, "RTC_AC";
        0xB0 RegB0 ReadWrite = 0, "RTC_B0";
        0xB4 RegB4 ReadWrite = 0, "RTC_B4";
    }
}

/// Why the chip was reset, as RTC_STATE1 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ResetCause {
    /// Power came.
    PowerOn = 1,
    /// The reset pin.
    External = 2,
    /// The program.
    Software = 3,
    /// The hardware watchdog.
    Watchdog = 4,
    /// The end of deep sleep.
    DeepSleep = 5,
}

/// RTC_STATE2: what wakes up, from bit 8 on; the timer is 8.
const WAKE_BY_TIMER: u32 = 8;
/// Length of a period of the slow oscillator: 7.028 µs.
const PERIOD: Time = Time(14_618);

/// GPIO16 among the pins.
const GPIO16: usize = 16;
/// Bytes of memory.
pub const MEMORY: usize = 0x400;

/// A word of the memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word(usize);

impl Layout for Word {
    fn at(offset: u32) -> Option<Self> {
        let word = offset as usize & !3;
        (word < MEMORY).then_some(Self(word))
    }

    fn describe(self) -> Option<&'static Description> {
        None
    }
}

/// The block and its memory.
#[derive(Clone, Debug)]
pub(super) struct Rtc {
    bank: Bank<Register>,
    memory: [u8; MEMORY],
    /// What the slow counter counted from when power came.
    first: u64,
}

impl Default for Rtc {
    fn default() -> Self {
        Self { bank: Bank::default(), memory: [0; MEMORY], first: 0 }
    }
}

impl Rtc {
    pub(super) fn memory(&self) -> &[u8; MEMORY] {
        &self.memory
    }

    /// When the counter meets the sleep value, if that is to wake the chip up.
    fn wake_time(&self, now: Time) -> Time {
        if self.bank.value(Register::State2) & WAKE_BY_TIMER == 0 {
            return Time::NEVER;
        }
        let periods = self.bank.value(Register::SlpVal).wrapping_sub(self.count(now) as u32);
        PERIOD.times(now.0 / PERIOD.0 + u64::from(periods))
    }

    /// The slow counter.
    fn count(&self, now: Time) -> u64 {
        self.first + now.0 / PERIOD.0
    }

    fn drive_gpio16(&self, env: &mut Env<'_>) {
        let is_set = |register| self.bank.value(register) & 1 != 0;
        let drive = match (is_set(Register::GpioEnable), is_set(Register::GpioOut)) {
            (false, _) => Drive::Floating,
            (true, false) => Drive::Low,
            (true, true) => Drive::High,
        };
        env.drive(GPIO16, drive);
    }
}

impl Device for Rtc {
    /// Keeps memory and stored words, unless power was away.
    fn reset(&mut self, cause: ResetCause, env: &mut Env<'_>) {
        if cause == ResetCause::PowerOn {
            *self = Self::default();
        }
        self.bank.set(Register::Ctrl, 0);
        self.bank.set(Register::State0, 0);
        self.bank.set(Register::State1, cause as u32);
        self.bank.set(Register::State2, if cause == ResetCause::DeepSleep { WAKE_BY_TIMER << 8 } else { 0 });
        self.bank.set(Register::GpioEnable, 0);
        self.bank.set(Register::GpioOut, 0);
        self.drive_gpio16(env);
    }

    fn age(&mut self, uptime: Time) {
        self.first += uptime.0 / PERIOD.0;
    }
}

impl Block<Register> for Rtc {
    /// The slow counter.
    fn steady(&self, register: Register, now: Time, _: Time) -> Option<Steady> {
        let count = self.count(now);
        (register == Register::SlpCntVal).then_some(Steady::Up { count, period: PERIOD })
    }

    fn read(&mut self, register: Register, env: &mut Env<'_>) -> u32 {
        match register {
            Register::SlpCntVal => self.count(env.now) as u32,
            Register::GpioInData => env.levels(env.now) >> GPIO16 & 1,
            register => self.bank.read(register),
        }
    }

    fn write(&mut self, register: Register, value: u32, env: &mut Env<'_>) {
        // Whoever reads the register afterwards and writes it back does not mean to sleep again.
        let kept = if register == Register::State0 { value & !state0::SLEEP.mask() } else { value };
        self.bank.write(register, kept);
        match register {
            Register::Ctrl if ctrl::SOFTWARE_RESET.is_in(value) => env.request(Request::Reset(ResetCause::Software)),
            Register::State0 if state0::SLEEP.is_in(value) && reg44::DEEP.is_in(self.bank.value(Register::Reg44)) => {
                env.request(Request::DeepSleep(self.wake_time(env.now)));
            }
            Register::GpioOut | Register::GpioEnable => self.drive_gpio16(env),
            _ => {}
        }
    }
}

impl Block<Word> for Rtc {
    const TAKES_NARROW_WRITES: bool = true;

    fn read(&mut self, Word(at): Word, _: &mut Env<'_>) -> u32 {
        self.memory[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    fn write(&mut self, Word(at): Word, value: u32, _: &mut Env<'_>) {
        self.memory[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests;
