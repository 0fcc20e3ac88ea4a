//! The two hardware timers: FRC1 counts down from a load value, FRC2 up to an alarm.
//!
//! Both count the APB clock divided by 1, 16 or 256. FRC1 has 23 bits and raises edge interrupt 9 at zero, then starts over
//! at the load value (automatic reload) or goes on from its highest; FRC2 has 32 bits and raises edge interrupt 10 when it
//! meets its alarm. Counts are computed when looked at. That DPORT can turn FRC1's interrupt into the NMI is seen to there.

use super::clock::Time;
use super::registers::{Bank, Registers, registers};

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

/// Which of the timers have come to their interrupts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Expired {
    pub frc1: bool,
    pub frc2: bool,
}

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
    expired: Expired,
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

    /// Brings the counts up to `now`, and takes note of interrupts on the way.
    pub(super) fn advance(&mut self, now: Time, apb: Time) {
        if let Some(period) = self.period1(apb) {
            let counts = now.since(self.frc1.at).0 / period.0;
            if counts >= self.frc1.value.max(1) {
                let beyond = (counts - self.frc1.value) % self.cycle1();
                self.frc1.value = self.cycle1() - beyond;
                self.expired.frc1 = true;
                let control = self.bank.value(Register::Frc1Ctrl);
                self.bank.set(Register::Frc1Ctrl, control | ctrl::INTERRUPT.mask());
            } else {
                self.frc1.value -= counts;
            }
            self.frc1.at = self.frc1.at + period.times(counts);
        } else {
            self.frc1.at = now;
        }
        if let Some(period) = self.period2(apb) {
            let counts = now.since(self.frc2.at).0 / period.0;
            if counts >= self.counts_to_alarm() {
                self.expired.frc2 = true;
                let control = self.bank.value(Register::Frc2Ctrl);
                self.bank.set(Register::Frc2Ctrl, control | ctrl::INTERRUPT.mask());
            }
            self.frc2.value = u64::from((self.frc2.value + counts) as u32);
            self.frc2.at = self.frc2.at + period.times(counts);
        } else {
            self.frc2.at = now;
        }
    }

    /// Interrupts since this was last asked.
    pub(super) fn take_expired(&mut self) -> Expired {
        core::mem::take(&mut self.expired)
    }

    /// When this device changes something by itself.
    pub(super) fn next(&self, apb: Time) -> Time {
        let first = self.period1(apb).map(|period| self.frc1.at + period.times(self.frc1.value.max(1)));
        let second = self.period2(apb).map(|period| self.frc2.at + period.times(self.counts_to_alarm()));
        first.unwrap_or(Time::NEVER).min(second.unwrap_or(Time::NEVER))
    }

    /// Reads a register. The device has been advanced to now.
    pub(super) fn read(&mut self, offset: u32) -> Option<u32> {
        let register = Register::at(offset)?;
        Some(match register {
            Register::Frc1Count => (self.frc1.value & FRC1_MASK) as u32,
            Register::Frc2Count => self.frc2.value as u32,
            register => self.bank.read(register),
        })
    }

    /// Writes a register. The device has been advanced to `now`.
    pub(super) fn write(&mut self, offset: u32, value: u32, now: Time) -> Option<()> {
        let register = Register::at(offset)?;
        match register {
            Register::Frc1Load => {
                let value = value & FRC1_MASK as u32;
                self.bank.write(register, value);
                self.frc1 = Count { value: u64::from(value), at: now };
            }
            Register::Frc2Load => {
                self.bank.write(register, value);
                self.frc2 = Count { value: u64::from(value), at: now };
            }
            Register::Frc1Ctrl | Register::Frc2Ctrl => {
                let status = self.bank.value(register) & ctrl::INTERRUPT.mask();
                self.bank.write(register, value & ctrl::WRITABLE.mask() | status);
            }
            Register::Frc1Int => self.acknowledge(Register::Frc1Ctrl),
            Register::Frc2Int => self.acknowledge(Register::Frc2Ctrl),
            register => self.bank.write(register, value),
        }
        Some(())
    }

    fn acknowledge(&mut self, timer: Register) {
        let control = self.bank.value(timer);
        self.bank.set(timer, control & !ctrl::INTERRUPT.mask());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APB: Time = Time(26);

    #[test]
    fn frc1_interrupts_once_a_load() {
        let mut timers = Timers::default();
        timers.write(0x00, 80, Time(0));
        timers.write(0x08, 0xC0, Time(0));
        assert_eq!(timers.next(APB), Time::MICROSECOND);
        timers.advance(Time(2079), APB);
        assert_eq!(timers.take_expired(), Expired::default());
        assert_eq!(timers.read(0x04), Some(1));
        timers.advance(Time(2080), APB);
        assert!(timers.take_expired().frc1);
        assert_eq!(timers.read(0x04), Some(80));
        assert_eq!(timers.read(0x08), Some(0x1C0));
        timers.write(0x0C, 1, Time(2080));
        assert_eq!(timers.read(0x08), Some(0xC0));
        assert_eq!(timers.next(APB), Time(4160));
    }

    #[test]
    fn frc1_without_reload_wraps() {
        let mut timers = Timers::default();
        timers.write(0x00, 10, Time(0));
        timers.write(0x08, 0x80, Time(0));
        timers.advance(APB.times(13), APB);
        assert!(timers.take_expired().frc1);
        assert_eq!(timers.read(0x04), Some(0x80_0000 - 3));
    }

    #[test]
    fn frc2_meets_its_alarm_at_312500_hertz() {
        let mut timers = Timers::default();
        timers.write(0x28, 0x88, Time(0));
        timers.write(0x30, 3125, Time(0));
        let alarm = Time::from_milliseconds(10);
        assert_eq!(timers.next(APB), alarm);
        timers.advance(alarm, APB);
        assert!(timers.take_expired().frc2);
        assert_eq!(timers.read(0x24), Some(3125));
        assert_eq!(timers.next(APB), alarm + APB.times(256 << 32), "once around");
    }
}
