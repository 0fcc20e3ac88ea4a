//! The timers FRC1 (23 bits, counts down) and FRC2 (32 bits, counts up with an alarm), at 80 MHz or a part of it.
//!
//! Registers: Espressif's `timer_register.h`. Their interrupts are edges, and pass a gate of their own (see
//! [`system`](super::system)). As the open SDK found: an FRC1 without auto-reload goes on from its largest value.

use super::registers::{Block, Register, acting, masked, plain};

const FRC1_LOAD: u32 = 0x00;
const FRC1_COUNT: u32 = 0x04;
const FRC1_CTRL: u32 = 0x08;
const FRC1_INT: u32 = 0x0C;
const FRC2_LOAD: u32 = 0x20;
const FRC2_COUNT: u32 = 0x24;
const FRC2_CTRL: u32 = 0x28;
const FRC2_INT: u32 = 0x2C;
const FRC2_ALARM: u32 = 0x30;

/// Registers of the timers.
pub const TABLE: &[Register] = &[
    masked(FRC1_LOAD, "FRC1_LOAD", 0, 0x7F_FFFF),
    acting(FRC1_COUNT, "FRC1_COUNT"),
    masked(FRC1_CTRL, "FRC1_CTRL", 0, 0xCD),
    acting(FRC1_INT, "FRC1_INT"),
    plain(FRC2_LOAD, "FRC2_LOAD", 0),
    acting(FRC2_COUNT, "FRC2_COUNT"),
    masked(FRC2_CTRL, "FRC2_CTRL", 0, 0xCD),
    acting(FRC2_INT, "FRC2_INT"),
    plain(FRC2_ALARM, "FRC2_ALARM", 0),
];

const ENABLE: u32 = 1 << 7;
const RELOAD: u32 = 1 << 6;
const STATUS: u32 = 1 << 8;
/// Interrupts 9 and 10.
const FRC1: u32 = 1 << 9;
const FRC2: u32 = 1 << 10;

/// A count that was right at a time; in between it is computed.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    value: u32,
    /// In ticks of 80 MHz.
    at: u64,
}

/// Both timers.
#[derive(Clone, Debug)]
pub struct Timers {
    block: Block,
    frc1: Count,
    frc2: Count,
    /// Levels of the two interrupt outputs, bits 9 and 10.
    status: u32,
    /// Their edges, until they are asked for.
    edges: u32,
}

impl Default for Timers {
    fn default() -> Self {
        Self { block: Block::new(TABLE), frc1: Count::default(), frc2: Count::default(), status: 0, edges: 0 }
    }
}

/// Ticks of the 80 MHz clock at a time.
const fn ticks(nanos: u64) -> u64 {
    (nanos as u128 * 2 / 25) as u64
}

/// The first nanosecond of a tick.
const fn nanos(ticks: u64) -> u64 {
    (ticks as u128 * 25).div_ceil(2) as u64
}

fn divider(ctrl: u32) -> u64 {
    match ctrl >> 2 & 3 {
        0 => 1,
        1 => 16,
        _ => 256,
    }
}

impl Timers {
    /// Reads a register.
    pub fn read(&mut self, offset: u32, now: u64) -> Option<u32> {
        self.advance(now);
        self.block.register(offset)?;
        Some(match offset {
            FRC1_COUNT => self.frc1.value,
            FRC2_COUNT => self.frc2.value,
            FRC1_CTRL => self.block.get(offset) | if self.status & FRC1 != 0 { STATUS } else { 0 },
            FRC2_CTRL => self.block.get(offset) | if self.status & FRC2 != 0 { STATUS } else { 0 },
            _ => self.block.get(offset),
        })
    }

    /// Writes a register.
    pub fn write(&mut self, offset: u32, value: u32, now: u64) -> Option<()> {
        self.advance(now);
        self.block.register(offset)?;
        self.block.write(offset, value);
        match offset {
            FRC1_LOAD => self.frc1 = Count { value: value & 0x7F_FFFF, at: ticks(now) },
            FRC2_LOAD => self.frc2 = Count { value, at: ticks(now) },
            FRC1_CTRL => self.frc1.at = ticks(now),
            FRC2_CTRL => self.frc2.at = ticks(now),
            FRC1_INT => self.status &= !FRC1,
            FRC2_INT => self.status &= !FRC2,
            _ => {}
        }
        Some(())
    }

    /// Counts up to a time, and notes what has expired.
    pub fn advance(&mut self, now: u64) {
        let now = ticks(now);
        let ctrl = self.block.get(FRC1_CTRL);
        if ctrl & ENABLE != 0 {
            let step = divider(ctrl);
            let mut steps = now.saturating_sub(self.frc1.at) / step;
            self.frc1.at += steps * step;
            let reload = if ctrl & RELOAD != 0 { self.block.get(FRC1_LOAD) } else { 0x7F_FFFF };
            let to_zero = u64::from(self.frc1.value);
            if self.frc1.value > 0 && steps >= to_zero || self.frc1.value == 0 && steps > 0 {
                self.edges |= FRC1;
                self.status |= FRC1;
                steps -= to_zero.min(steps);
                steps %= u64::from(reload).max(1);
                self.frc1.value = reload - steps as u32;
            } else {
                self.frc1.value -= steps as u32;
            }
        }
        let ctrl = self.block.get(FRC2_CTRL);
        if ctrl & ENABLE != 0 {
            let step = divider(ctrl);
            let steps = now.saturating_sub(self.frc2.at) / step;
            self.frc2.at += steps * step;
            let to_alarm = self.block.get(FRC2_ALARM).wrapping_sub(self.frc2.value).wrapping_sub(1);
            if steps > u64::from(to_alarm) {
                self.edges |= FRC2;
                self.status |= FRC2;
            }
            self.frc2.value = self.frc2.value.wrapping_add(steps as u32);
        }
    }

    /// Edges of the interrupts 9 and 10 since this was last asked.
    pub fn take_edges(&mut self) -> u32 {
        std::mem::take(&mut self.edges)
    }

    /// When a timer expires next, in nanoseconds.
    pub fn next_event(&self) -> u64 {
        let mut next = u64::MAX;
        let ctrl = self.block.get(FRC1_CTRL);
        if ctrl & ENABLE != 0 {
            next = nanos(self.frc1.at + u64::from(self.frc1.value).max(1) * divider(ctrl));
        }
        let ctrl = self.block.get(FRC2_CTRL);
        if ctrl & ENABLE != 0 {
            let steps = u64::from(self.block.get(FRC2_ALARM).wrapping_sub(self.frc2.value).wrapping_sub(1)) + 1;
            next = next.min(nanos(self.frc2.at + steps * divider(ctrl)));
        }
        next
    }
}
