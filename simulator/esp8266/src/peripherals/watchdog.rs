//! The hardware watchdog with its two stages.
//!
//! Each stage lasts 2^(16 + exponent) cycles of the APB clock. The first ends with edge interrupt 8, the second with a reset;
//! feeding starts over with the first. With the second stage disabled the end of the first resets the chip, and with its
//! reset disabled only further interrupts follow (inferred from the ROM's modes; no document says it).

use super::clock::Time;
use super::registers::{Bank, Registers, registers};

registers! {
    /// Registers of the watchdog.
    pub(super) enum Register {
        0x00 Ctl ReadWrite = 0, "WDT_CTL" ctl { ENABLE: 0; STAGE1_NO_RESET: 1; STAGE1_DISABLE: 2; };
        0x04 Op ReadWrite = 0, "WDT_OP" op { EXPONENT: 0..=3; };
        0x08 OpNd ReadWrite = 0, "WDT_OP_ND" op;
        0x0C Count ReadOnly = 0, "WDT_COUNT";
        0x10 Stage ReadOnly = 0, "WDT_STAGE";
        0x14 Feed WriteOnly = 0, "WDT_FEED" feed { FOOD: 0..=7; };
        0x18 ResetStage WriteOnly = 0, "WDT_RESET_STAGE" feed;
    }
}

/// What feeds it.
const FEED: u32 = 0x73;

/// What the end of a stage asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bite {
    Nothing,
    Interrupt,
    Reset,
}

/// The watchdog.
#[derive(Clone, Debug, Default)]
pub(super) struct Watchdog {
    bank: Bank<Register>,
    stage: u32,
    began: Time,
}

impl Watchdog {
    fn is_enabled(&self) -> bool {
        ctl::ENABLE.is_in(self.bank.value(Register::Ctl))
    }

    fn length(&self, apb: Time) -> Time {
        let exponent = if self.stage == 0 { Register::Op } else { Register::OpNd };
        apb.times(1 << (16 + op::EXPONENT.of(self.bank.value(exponent))))
    }

    /// When the stage ends.
    pub(super) fn next(&self, apb: Time) -> Time {
        if self.is_enabled() { self.began + self.length(apb) } else { Time::NEVER }
    }

    /// Acts on the end of a stage.
    pub(super) fn advance(&mut self, now: Time, apb: Time) -> Bite {
        let end = self.next(apb);
        if end > now {
            return Bite::Nothing;
        }
        self.began = end;
        let control = self.bank.value(Register::Ctl);
        let is_last = self.stage == 1 || ctl::STAGE1_DISABLE.is_in(control);
        self.stage = 1;
        if is_last && !ctl::STAGE1_NO_RESET.is_in(control) { Bite::Reset } else { Bite::Interrupt }
    }

    /// Reads a register.
    pub(super) fn read(&self, offset: u32, now: Time, apb: Time) -> Option<u32> {
        let register = Register::at(offset)?;
        Some(match register {
            Register::Count if self.is_enabled() => (self.next(apb).since(now).0 / apb.0) as u32,
            Register::Stage => self.stage,
            register => self.bank.read(register),
        })
    }

    /// Writes a register.
    pub(super) fn write(&mut self, offset: u32, value: u32, now: Time) -> Option<()> {
        let register = Register::at(offset)?;
        match register {
            Register::Ctl => {
                if ctl::ENABLE.is_in(value) && !self.is_enabled() {
                    (self.stage, self.began) = (0, now);
                }
                self.bank.write(register, value);
            }
            Register::Feed | Register::ResetStage => {
                if feed::FOOD.of(value) == FEED {
                    (self.stage, self.began) = (0, now);
                }
            }
            register => self.bank.write(register, value),
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APB: Time = Time(26);

    fn armed(ctl: u32) -> Watchdog {
        let mut watchdog = Watchdog::default();
        watchdog.write(0x04, 11, Time(0));
        watchdog.write(0x08, 10, Time(0));
        watchdog.write(0x00, ctl | 1, Time(0));
        watchdog
    }

    #[test]
    fn an_interrupt_then_a_reset() {
        let mut watchdog = armed(0x38);
        let first = APB.times(1 << 27);
        assert_eq!(first.nanoseconds(), 1_677_721_600);
        assert_eq!(watchdog.advance(Time(first.0 - 1), APB), Bite::Nothing);
        assert_eq!(watchdog.advance(first, APB), Bite::Interrupt);
        assert_eq!(watchdog.read(0x10, first, APB), Some(1));
        assert_eq!(watchdog.next(APB), first + APB.times(1 << 26));
        assert_eq!(watchdog.advance(watchdog.next(APB), APB), Bite::Reset);
    }

    #[test]
    fn feeding_starts_over() {
        let mut watchdog = armed(0x38);
        watchdog.write(0x14, 0x73, Time::from_milliseconds(1000));
        assert_eq!(watchdog.next(APB), Time::from_milliseconds(1000) + APB.times(1 << 27));
        watchdog.write(0x14, 0x72, Time::from_milliseconds(1500));
        assert_eq!(watchdog.next(APB), Time::from_milliseconds(1000) + APB.times(1 << 27), "the wrong food");
    }

    #[test]
    fn without_a_second_stage_the_first_resets() {
        let mut watchdog = armed(0x3C);
        assert_eq!(watchdog.advance(watchdog.next(APB), APB), Bite::Reset);
    }
}
