//! The two hardware timers: FRC1 counts down from a load value, FRC2 up to an alarm.
//!
//! Both count the APB clock divided by 1, 16 or 256. FRC1 has 23 bits and raises edge interrupt 9 at zero, then starts
//! over at the load value (automatic reload) or goes on from its highest; FRC2 has 32 bits and raises edge interrupt 10
//! when it meets its alarm. Counts are computed when looked at. Gates, and that FRC1's interrupt may be the NMI, are
//! DPORT's.

use super::clock::Time;
use super::device::{Block, Device};
use super::env::{Env, interrupt};
use super::registers::{Bank, registers};
use super::rtc::ResetCause;
use super::steady::Steady;

registers! {
    /// Registers of both timers.
    pub(super) enum Register {
        0x00 Frc1Load ReadWrite = 0, "FRC1_LOAD";
        0x04 Frc1Count ReadOnly = 0, "FRC1_COUNT";
        0x08 Frc1Ctrl ReadWrite = 0, "FRC1_CTRL" ctrl {
            DIVIDER: 2..=3;
            RELOAD: 6;
            ENABLE: 7;
            INTERRUPT: 8;
            WRITABLE: 0..=7;
        };
        0x0C Frc1Int ReadWrite = 0, "FRC1_INT";
        0x20 Frc2Load ReadWrite = 0, "FRC2_LOAD";
        0x24 Frc2Count ReadOnly = 0, "FRC2_COUNT";
        0x28 Frc2Ctrl ReadWrite = 0, "FRC2_CTRL" ctrl;
        0x2C Frc2Int ReadWrite = 0, "FRC2_INT";
        0x30 Frc2Alarm ReadWrite = 0, "FRC2_ALARM";
    }
}

const FRC1_MASK: u64 = 0x7F_FFFF;

/// A count that was right at some moment.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    value: u64,
    at: Time,
}

/// The timers.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    bank: Bank<Register>,
    frc1: Count,
    frc2: Count,
}

/// How long a count takes, if the timer runs.
fn period(control: u32, apb: Time) -> Option<Time> {
    let divisor = match ctrl::DIVIDER.of(control) {
        0 => 1,
        1 => 16,
        _ => 256,
    };
    ctrl::ENABLE.is_in(control).then_some(apb.times(divisor))
}

impl Timers {
    fn period1(&self, apb: Time) -> Option<Time> {
        period(self.bank.value(Register::Frc1Ctrl), apb)
    }

    fn period2(&self, apb: Time) -> Option<Time> {
        period(self.bank.value(Register::Frc2Ctrl), apb)
    }

    /// Counts from FRC1's zero to its next.
    fn cycle1(&self) -> u64 {
        if ctrl::RELOAD.is_in(self.bank.value(Register::Frc1Ctrl)) {
            u64::from(self.bank.value(Register::Frc1Load)).max(1)
        } else {
            FRC1_MASK + 1
        }
    }

    /// Counts until FRC2 meets its alarm, at least one.
    fn counts_to_alarm(&self) -> u64 {
        let distance = self.bank.value(Register::Frc2Alarm).wrapping_sub(self.frc2.value as u32);
        u64::from(distance.wrapping_sub(1)) + 1
    }

    /// Brings FRC1's count up to `now`; whether it came to its end on the way.
    fn count1(&mut self, now: Time, apb: Time) -> bool {
        let Some(period) = self.period1(apb) else {
            self.frc1.at = now;
            return false;
        };
        let counts = now.since(self.frc1.at).0 / period.0;
        self.frc1.at = self.frc1.at + period.times(counts);
        if counts < self.frc1.value.max(1) {
            self.frc1.value -= counts;
            return false;
        }
        let beyond = (counts - self.frc1.value) % self.cycle1();
        self.frc1.value = self.cycle1() - beyond;
        true
    }

    /// Brings FRC2's count up to `now`; whether it met its alarm on the way.
    fn count2(&mut self, now: Time, apb: Time) -> bool {
        let Some(period) = self.period2(apb) else {
            self.frc2.at = now;
            return false;
        };
        let counts = now.since(self.frc2.at).0 / period.0;
        let is_met = counts >= self.counts_to_alarm();
        self.frc2.value = u64::from((self.frc2.value + counts) as u32);
        self.frc2.at = self.frc2.at + period.times(counts);
        is_met
    }

    fn expire(&mut self, timer: Register, edge: u32, env: &mut Env<'_>) {
        let control = self.bank.value(timer);
        self.bank.set(timer, control | ctrl::INTERRUPT.mask());
        env.raise(edge);
    }

    fn acknowledge(&mut self, timer: Register) {
        let control = self.bank.value(timer);
        self.bank.set(timer, control & !ctrl::INTERRUPT.mask());
    }
}

impl Device for Timers {
    fn reset(&mut self, _: ResetCause, _: &mut Env<'_>) {
        *self = Self::default();
    }

    fn advance(&mut self, env: &mut Env<'_>) {
        let (now, apb) = (env.now, env.apb());
        if self.count1(now, apb) {
            self.expire(Register::Frc1Ctrl, interrupt::FRC1, env);
        }
        if self.count2(now, apb) {
            self.expire(Register::Frc2Ctrl, interrupt::FRC2, env);
        }
    }

    fn next(&self, apb: Time) -> Time {
        let first = self.period1(apb).map(|period| self.frc1.at + period.times(self.frc1.value.max(1)));
        let second = self.period2(apb).map(|period| self.frc2.at + period.times(self.counts_to_alarm()));
        first.unwrap_or(Time::NEVER).min(second.unwrap_or(Time::NEVER))
    }
}

impl Block<Register> for Timers {
    /// The counts, while they count. A timer that stands still may be waited for in vain, which is told.
    fn steady(&self, register: Register, now: Time, apb: Time) -> Option<Steady> {
        match register {
            Register::Frc1Count => {
                let counts = now.since(self.frc1.at).0 / self.period1(apb)?.0;
                // The highest count shows as 0.
                self.frc1.value.checked_sub(counts).filter(|&count| count <= FRC1_MASK).map(Steady::Down)
            }
            Register::Frc2Count => {
                let period = self.period2(apb)?;
                // It may be asked for a moment before it was looked at last.
                let later = now.since(self.frc2.at).0 / period.0;
                let earlier = self.frc2.at.since(now).0.div_ceil(period.0);
                Some(Steady::Up { count: (self.frc2.value + later).checked_sub(earlier)?, period })
            }
            _ => None,
        }
    }

    fn read(&mut self, register: Register, _: &mut Env<'_>) -> u32 {
        match register {
            Register::Frc1Count => (self.frc1.value & FRC1_MASK) as u32,
            Register::Frc2Count => self.frc2.value as u32,
            register => self.bank.read(register),
        }
    }

    fn write(&mut self, register: Register, value: u32, env: &mut Env<'_>) {
        match register {
            Register::Frc1Load => {
                let value = value & FRC1_MASK as u32;
                self.bank.write(register, value);
                self.frc1 = Count { value: u64::from(value), at: env.now };
            }
            Register::Frc2Load => {
                self.bank.write(register, value);
                self.frc2 = Count { value: u64::from(value), at: env.now };
            }
            Register::Frc1Ctrl | Register::Frc2Ctrl => {
                let status = self.bank.value(register) & ctrl::INTERRUPT.mask();
                self.bank.write(register, value & ctrl::WRITABLE.mask() | status);
            }
            Register::Frc1Int => self.acknowledge(Register::Frc1Ctrl),
            Register::Frc2Int => self.acknowledge(Register::Frc2Ctrl),
            register => self.bank.write(register, value),
        }
    }
}

#[cfg(test)]
mod tests;
