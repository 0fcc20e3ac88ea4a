//! What a round of a loop leaves behind for the next.

use super::value::Tick;
use crate::cpu::Cpu;
use crate::peripherals::{Outside, Peripherals, Steady};

/// What a round can leave something in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A general register.
    Register(u8),
    /// A word of data RAM.
    Word(u32),
}

/// What a place that changes from round to round holds at the beginning of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// What a clock has shown in the round before.
    Tick(Tick),
    /// Anything.
    Anything,
}

/// What the clock of a tick counts at `cycle`.
pub(super) fn count_at<O: Outside>(bus: &Peripherals<O>, cpu: &Cpu, tick: Tick, cycle: u64) -> Option<u64> {
    if tick.clock == 0 {
        return Some(cycle.wrapping_add(u64::from(cpu.ccount_offset)));
    }
    match bus.steady(tick.clock, cycle)? {
        Steady::Up { count, .. } => Some(count),
        _ => None,
    }
}

/// What a place with this tick holds if a round begins at `cycle`.
pub(super) fn tick_at<O: Outside>(bus: &Peripherals<O>, cpu: &Cpu, tick: Tick, cycle: u64) -> Option<u32> {
    let count = count_at(bus, cpu, tick, cycle.checked_add_signed(tick.offset)?)?;
    Some((count as u32).wrapping_add(tick.plus))
}
