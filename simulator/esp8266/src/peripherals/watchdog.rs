//! The hardware watchdog with its two stages.
//!
//! Each stage lasts 2^(16 + exponent) cycles of the APB clock. The first ends with edge interrupt 8, the second with a
//! reset; feeding starts over with the first. With the second stage disabled the end of the first resets the chip, and
//! with its reset disabled only further interrupts follow (inferred from the ROM's modes; no document says it).

use super::clock::Time;
use super::device::{Block, Device};
use super::env::{Env, Request, interrupt};
use super::registers::{Bank, registers};
use super::rtc::ResetCause;

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
}

impl Device for Watchdog {
    fn reset(&mut self, _: ResetCause, _: &mut Env<'_>) {
        *self = Self::default();
    }

    /// Acts on the end of a stage.
    fn advance(&mut self, env: &mut Env<'_>) {
        let end = self.next(env.apb());
        if end > env.now {
            return;
        }
        self.began = end;
        let control = self.bank.value(Register::Ctl);
        let is_last = self.stage == 1 || ctl::STAGE1_DISABLE.is_in(control);
        self.stage = 1;
        if is_last && !ctl::STAGE1_NO_RESET.is_in(control) {
            env.request(Request::Reset(ResetCause::Watchdog));
        } else {
            env.raise(interrupt::WATCHDOG);
        }
    }

    /// When the stage ends.
    fn next(&self, apb: Time) -> Time {
        if self.is_enabled() { self.began + self.length(apb) } else { Time::NEVER }
    }
}

impl Block<Register> for Watchdog {
    /// To feed it starts over, whatever was before; that it has bitten between is ruled out as that changes it.
    fn absorbs(&self, register: Register, value: u32) -> bool {
        matches!(register, Register::Feed | Register::ResetStage) && feed::FOOD.of(value) == FEED
    }

    fn read(&mut self, register: Register, env: &mut Env<'_>) -> u32 {
        match register {
            Register::Count if self.is_enabled() => (self.next(env.apb()).since(env.now).0 / env.apb().0) as u32,
            Register::Stage => self.stage,
            register => self.bank.read(register),
        }
    }

    fn write(&mut self, register: Register, value: u32, env: &mut Env<'_>) {
        match register {
            Register::Ctl => {
                if ctl::ENABLE.is_in(value) && !self.is_enabled() {
                    (self.stage, self.began) = (0, env.now);
                }
                self.bank.write(register, value);
            }
            Register::Feed | Register::ResetStage => {
                if feed::FOOD.of(value) == FEED {
                    (self.stage, self.began) = (0, env.now);
                }
            }
            register => self.bank.write(register, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;

    const APB: Time = Time(26);

    fn armed(bench: &mut Bench, ctl: u32) -> Watchdog {
        let mut watchdog = Watchdog::default();
        let env = &mut bench.env(Time(0));
        watchdog.write(Register::Op, 11, env);
        watchdog.write(Register::OpNd, 10, env);
        watchdog.write(Register::Ctl, ctl | 1, env);
        watchdog
    }

    #[test]
    fn an_interrupt_then_a_reset() {
        let mut bench = Bench::default();
        let mut watchdog = armed(&mut bench, 0x38);
        let first = APB.times(1 << 27);
        assert_eq!(first.nanoseconds(), 1_677_721_600);
        watchdog.advance(&mut bench.env(Time(first.0 - 1)));
        assert_eq!((bench.wires.edges, bench.wires.request), (0, None));
        watchdog.advance(&mut bench.env(first));
        assert_eq!((bench.wires.edges, bench.wires.request), (interrupt::WATCHDOG, None));
        assert_eq!(watchdog.read(Register::Stage, &mut bench.env(first)), 1);
        assert_eq!(watchdog.next(APB), first + APB.times(1 << 26));
        watchdog.advance(&mut bench.env(watchdog.next(APB)));
        assert_eq!(bench.wires.request, Some(Request::Reset(ResetCause::Watchdog)));
    }

    #[test]
    fn feeding_starts_over() {
        let mut bench = Bench::default();
        let mut watchdog = armed(&mut bench, 0x38);
        watchdog.write(Register::Feed, 0x73, &mut bench.env(Time::from_milliseconds(1000)));
        assert_eq!(watchdog.next(APB), Time::from_milliseconds(1000) + APB.times(1 << 27));
        watchdog.write(Register::Feed, 0x72, &mut bench.env(Time::from_milliseconds(1500)));
        assert_eq!(watchdog.next(APB), Time::from_milliseconds(1000) + APB.times(1 << 27), "the wrong food");
    }

    #[test]
    fn without_a_second_stage_the_first_resets() {
        let mut bench = Bench::default();
        let mut watchdog = armed(&mut bench, 0x3C);
        watchdog.advance(&mut bench.env(watchdog.next(APB)));
        assert_eq!(bench.wires.request, Some(Request::Reset(ResetCause::Watchdog)));
    }
}
