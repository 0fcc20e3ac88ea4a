//! How the core reaches its devices: every load and store that is not plain memory.
//!
//! A device sees the access, the cycle it happens at and the memory (to remap the flash window, or for DMA). Afterwards
//! the core asks once for the interrupt lines. A device that acts by itself, such as a timer, says when in
//! [`next_event`](Bus::next_event); the core calls [`advance`](Bus::advance) when that cycle has come and never later
//! than before the next instruction.

use crate::cpu::Interrupts;
use crate::memory::Memory;
pub use crate::width::Width;

/// No device answers at this address, and the interconnect says so: the core raises an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer;

/// What surrounds a device during an access.
#[derive(Debug)]
pub struct Context<'a> {
    /// The chip's memories.
    pub memory: &'a mut Memory,
    /// The core's cycle counter at the access.
    pub cycle: u64,
    /// The instruction that makes the access.
    pub pc: u32,
}

/// The devices of a chip.
pub trait Bus {
    /// Reads `width` bits at `address`, which is a multiple of the width. Bits above the width are ignored.
    ///
    /// # Errors
    /// [`NoAnswer`] if nothing is there and the program is to notice.
    fn read(&mut self, address: u32, width: Width, context: &mut Context<'_>) -> Result<u32, NoAnswer>;

    /// Writes `value` at `address`, which is a multiple of the width. Bits above the width are 0.
    ///
    /// # Errors
    /// [`NoAnswer`] if nothing is there and the program is to notice.
    fn write(&mut self, address: u32, width: Width, value: u32, context: &mut Context<'_>) -> Result<(), NoAnswer>;

    /// The interrupt inputs at `cycle`; edges are reported once.
    fn interrupts(&mut self, cycle: u64) -> Interrupts;

    /// The cycle at which a device will change its interrupts by itself; `u64::MAX` if none will.
    fn next_event(&self) -> u64 {
        u64::MAX
    }

    /// Lets the devices act on what has happened up to `cycle`.
    fn advance(&mut self, cycle: u64, memory: &mut Memory) {
        let _ = (cycle, memory);
    }
}

/// No devices at all: every access outside of memory raises an exception.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDevices;

impl Bus for NoDevices {
    fn read(&mut self, _: u32, _: Width, _: &mut Context<'_>) -> Result<u32, NoAnswer> {
        Err(NoAnswer)
    }

    fn write(&mut self, _: u32, _: Width, _: u32, _: &mut Context<'_>) -> Result<(), NoAnswer> {
        Err(NoAnswer)
    }

    fn interrupts(&mut self, _: u64) -> Interrupts {
        Interrupts::default()
    }
}
