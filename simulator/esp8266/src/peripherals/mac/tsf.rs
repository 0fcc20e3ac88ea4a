//! The MAC's two counters of microseconds (TSF), each with a target that raises an event.
//!
//! The first serves programs (PWM, infra-red), the second the network's time and the SDK's software watchdog.

use super::super::clock::Time;
use super::super::registers::{Bank, registers};
use super::event;

registers! {
    /// Registers of the counters, and moments of frames.
    pub(in super::super) enum Register {
        0x004 Time0Low ReadOnly = 0, "TSF0_TIME_LOW";
        0x008 Time0High ReadOnly = 0, "TSF0_TIME_HIGH";
        0x014 Update0 ReadWrite = 0, "TSF0_CONF";
        0x018 Load0Low ReadWrite = 0, "TSF0_SW_LOW";
        0x01C Load0High ReadWrite = 0, "TSF0_SW_HIGH";
        0x048 Time1Low ReadOnly = 0, "TSF1_TIME_LOW";
        0x04C Time1High ReadOnly = 0, "TSF1_TIME_HIGH";
        0x058 Update1 ReadWrite = 0, "TSF1_CONF";
        0x05C Load1Low ReadWrite = 0, "TSF1_SW_LOW";
        0x060 Load1High ReadWrite = 0, "TSF1_SW_HIGH";
        0x098 Target0 ReadWrite = 0, "TSF0_TARGET_CONF" target { ARMED: 31; };
        0x09C Target0Low ReadWrite = 0, "TSF0_TARGET_LOW";
        0x0A0 Target0High ReadWrite = 0, "TSF0_TARGET_HIGH";
        0x0C8 Target1 ReadWrite = 0, "TSF1_TARGET_CONF" target;
        0x0CC Target1Low ReadWrite = 0, "TSF1_TARGET_LOW";
        0x0D0 Target1High ReadWrite = 0, "TSF1_TARGET_HIGH";
        0x0FC RxEnd ReadOnly = 0, "MAC_RX_END_TIME";
        0x100 RxHeader ReadOnly = 0, "MAC_RX_HEADER_TIME";
    }
}

/// A counter.
#[derive(Clone, Copy, Debug)]
struct Counter {
    /// Its count at a moment.
    count: u64,
    since: Time,
    /// When it meets its target.
    due: Time,
}

impl Counter {
    fn at(&self, now: Time) -> u64 {
        self.count.wrapping_add(now.since(self.since).0 / Time::MICROSECOND.0)
    }

    /// When the low word of its count comes to `low` for the next time.
    fn meets(&self, low: u32, now: Time) -> Time {
        let count = self.at(now);
        let ahead = u64::from(low.wrapping_sub(count as u32));
        // What has just passed by a little is met at once: a target that was written late still raises its event.
        let ahead = if ahead > u64::from(u32::MAX / 2) { 0 } else { ahead };
        let counted = now.since(self.since).0 / Time::MICROSECOND.0;
        self.since + Time::MICROSECOND.times(counted + ahead.max(1))
    }
}

/// Both counters.
#[derive(Debug)]
pub(super) struct Counters {
    bank: Bank<Register>,
    counters: [Counter; 2],
    /// Where the MAC's count of microseconds began.
    zero: Time,
    /// What it counted from.
    first: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self::from(Time(0))
    }
}

impl From<Time> for Counters {
    /// Counters that begin now.
    fn from(now: Time) -> Self {
        Self {
            bank: Bank::default(),
            counters: [Counter { count: 0, since: now, due: Time::NEVER }; 2],
            zero: now,
            first: 0,
        }
    }
}

const EVENTS: [u32; 2] = [event::TSF0, event::TSF1];

impl Counters {
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.next() <= now
    }

    pub(super) fn next(&self) -> Time {
        self.counters[0].due.min(self.counters[1].due)
    }

    /// The events of targets that have been met. A target raises its event once.
    pub(super) fn advance(&mut self, now: Time) -> u32 {
        let mut events = 0;
        for (counter, event) in self.counters.iter_mut().zip(EVENTS) {
            if counter.due <= now {
                counter.due = Time::NEVER;
                events |= event;
            }
        }
        events
    }

    /// Puts all counts ahead. No target is armed yet.
    pub(super) fn age(&mut self, uptime: Time) {
        let microseconds = uptime.0 / Time::MICROSECOND.0;
        self.first += microseconds;
        for counter in &mut self.counters {
            counter.count += microseconds;
        }
    }

    /// A frame has ended.
    pub(super) fn received(&mut self, now: Time) {
        let counted = self.first + now.since(self.zero).0 / Time::MICROSECOND.0;
        self.bank.set(Register::RxEnd, counted as u32);
    }

    pub(super) fn read(&self, register: Register, now: Time) -> u32 {
        match register {
            Register::Time0Low => self.counters[0].at(now) as u32,
            Register::Time0High => (self.counters[0].at(now) >> 32) as u32,
            Register::Time1Low => self.counters[1].at(now) as u32,
            Register::Time1High => (self.counters[1].at(now) >> 32) as u32,
            register => self.bank.read(register),
        }
    }

    pub(super) fn write(&mut self, register: Register, value: u32, now: Time) {
        self.bank.write(register, value);
        match register {
            // The drivers switch updates off, write both words and switch them on again. When the value counts in
            // between is not known.
            Register::Load0High => self.load(0, Register::Load0Low, value, now),
            Register::Load1High => self.load(1, Register::Load1Low, value, now),
            Register::Target0 => self.arm(0, value, Register::Target0Low, now),
            Register::Target1 => self.arm(1, value, Register::Target1Low, now),
            _ => {}
        }
    }

    /// Sets a counter. A target that is armed keeps its moment: drivers set the second counter to 0 when they begin to
    /// join and do not arm the software watchdog's target anew, and chips in the field are not reset by that.
    fn load(&mut self, number: usize, low: Register, high: u32, now: Time) {
        let counter = &mut self.counters[number];
        counter.count = u64::from(high) << 32 | u64::from(self.bank.value(low));
        counter.since = now;
    }

    fn arm(&mut self, number: usize, control: u32, low: Register, now: Time) {
        let low = self.bank.value(low);
        let counter = &mut self.counters[number];
        counter.due = if target::ARMED.is_in(control) { counter.meets(low, now) } else { Time::NEVER };
    }
}
