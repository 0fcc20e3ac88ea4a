//! The real-time clock block: causes of reset, software reset, deep sleep, a slow counter, 1 KiB of memory that survives.
//!
//! Deep sleep ends the chip's run; whoever owns it wakes it up again by a reset. Light sleep begins with the same bit, and
//! what tells the two apart is not known: whoever owns the chip may also let it run on, and the program then finds that it
//! has woken up. Of other power states nothing is modelled: requests read as granted at once. The counter's oscillator runs at exactly 142.3 kHz; silicon's drifts.

use super::clock::Time;
use super::registers::{Bank, Registers, registers};

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
        0x44 Reg44 ReadWrite = 0, "RTC_44";
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

/// What a write to the block asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Reset,
    /// Sleep, and wake up at this moment if at all.
    Sleep(Time),
}

/// RTC_STATE2: what wakes up, from bit 8 on; the timer is 8.
const WAKE_BY_TIMER: u32 = 8;
/// Length of a period of the slow oscillator: 7.028 µs.
const PERIOD: Time = Time(14_618);

/// The block and its memory.
#[derive(Clone, Debug)]
pub(super) struct Rtc {
    bank: Bank<Register>,
    memory: Vec<u8>,
}

impl Rtc {
    pub(super) fn new() -> Self {
        Self { bank: Bank::default(), memory: vec![0; 0x400] }
    }

    /// Keeps memory and stored words, unless power was away.
    pub(super) fn reset(&mut self, cause: ResetCause) {
        if cause == ResetCause::PowerOn {
            *self = Self::new();
        }
        self.bank.set(Register::Ctrl, 0);
        self.bank.set(Register::State0, 0);
        self.bank.set(Register::State1, cause as u32);
        self.bank.set(Register::State2, if cause == ResetCause::DeepSleep { WAKE_BY_TIMER << 8 } else { 0 });
        self.bank.set(Register::GpioEnable, 0);
        self.bank.set(Register::GpioOut, 0);
    }

    /// Reads a register; GPIO16's level is the caller's to say.
    pub(super) fn read(&self, offset: u32, now: Time, gpio16: impl FnOnce() -> bool) -> Option<u32> {
        let register = Register::at(offset)?;
        Some(match register {
            Register::SlpCntVal => (now.0 / PERIOD.0) as u32,
            Register::GpioInData => u32::from(gpio16()),
            register => self.bank.read(register),
        })
    }

    /// Writes a register.
    pub(super) fn write(&mut self, offset: u32, value: u32, now: Time) -> Option<Wish> {
        let register = Register::at(offset)?;
        // Whoever reads the register afterwards and writes it back does not mean to sleep again.
        self.bank.write(register, if register == Register::State0 { value & !state0::SLEEP.mask() } else { value });
        Some(match register {
            Register::Ctrl if ctrl::SOFTWARE_RESET.is_in(value) => Wish::Reset,
            Register::State0 if state0::SLEEP.is_in(value) => Wish::Sleep(self.wake_time(now)),
            _ => Wish::Nothing,
        })
    }

    /// When the counter meets the sleep value, if that is to wake the chip up.
    fn wake_time(&self, now: Time) -> Time {
        if self.bank.value(Register::State2) & WAKE_BY_TIMER == 0 {
            return Time::NEVER;
        }
        let count = now.0 / PERIOD.0;
        let periods = self.bank.value(Register::SlpVal).wrapping_sub(count as u32);
        PERIOD.times(count + u64::from(periods))
    }

    /// GPIO16: output and output enable.
    pub(super) fn gpio16(&self) -> (bool, bool) {
        (self.bank.value(Register::GpioOut) & 1 != 0, self.bank.value(Register::GpioEnable) & 1 != 0)
    }

    /// The memory, 1 KiB from 0x60001000 on.
    pub(super) fn memory(&mut self) -> &mut [u8] {
        &mut self.memory
    }
}
