//! The registers of a program where it came to grief.
//!
//! By the time that somebody looks, handlers of exceptions may have run, and have saved part of the registers on the
//! program's stack. [`Registers::in_handler`] and [`Registers::in_vector`] put together what the program had.

use crate::cpu::{Cause, Cpu};
use crate::frame;
use crate::memory::Memory;

/// The registers that tell where a program is and why it stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers {
    /// The instruction that was to be executed, or that raised the exception.
    pub pc: u32,
    /// Processor state.
    pub ps: u32,
    /// Shift amount.
    pub sar: u32,
    /// a0 to a15.
    pub a: [u32; 16],
    /// Where the last exception of level 1 returns to.
    pub epc1: u32,
    /// EXCCAUSE: why the last exception of level 1 happened.
    pub exccause: u32,
    /// EXCVADDR: the address that the last failed access was at.
    pub excvaddr: u32,
}

impl Registers {
    /// The core's registers as they are.
    pub fn now(cpu: &Cpu) -> Self {
        Self {
            pc: cpu.pc,
            ps: cpu.ps,
            sar: cpu.sar,
            a: cpu.a,
            epc1: cpu.epc[0],
            exccause: cpu.exccause,
            excvaddr: cpu.excvaddr,
        }
    }

    /// Those of the program that raised an exception, in the C function that handles it: what is not in the core any
    /// more stands in the frame, to which a2 points at the function's beginning.
    pub fn in_handler(cpu: &Cpu, memory: &Memory) -> Self {
        let base = cpu.a[2];
        let mut registers = Self { pc: cpu.epc[0], ..Self::now(cpu) };
        registers.a[1] = base.wrapping_add(frame::SIZE);
        let fields = [
            (frame::EPC, &mut registers.pc),
            (frame::PS, &mut registers.ps),
            (frame::SAR, &mut registers.sar),
            (frame::A0, &mut registers.a[0]),
        ];
        for (offset, field) in fields {
            *field = word(memory, base.wrapping_add(offset)).unwrap_or(*field);
        }
        for (offset, register) in (frame::A2..).step_by(4).zip(&mut registers.a[2..]) {
            *register = word(memory, base.wrapping_add(offset)).unwrap_or(*register);
        }
        registers
    }

    /// Those of the program that raised an exception, when only the user vector has run since: it has made a frame and
    /// saved a2 to a4 in it.
    pub fn in_vector(cpu: &Cpu, memory: &Memory) -> Self {
        let base = cpu.a[1];
        let mut registers = Self { pc: cpu.epc[0], ..Self::now(cpu) };
        registers.a[1] = base.wrapping_add(frame::SIZE);
        for (offset, register) in (frame::A2..).step_by(4).zip(&mut registers.a[2..5]) {
            *register = word(memory, base.wrapping_add(offset)).unwrap_or(*register);
        }
        registers
    }

    /// Each by its name in the manual, in the order in which people list them.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u32)> {
        const A: [&str; 16] =
            ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "a11", "a12", "a13", "a14", "a15"];
        [("pc", self.pc), ("ps", self.ps), ("sar", self.sar)].into_iter().chain(A.into_iter().zip(self.a)).chain([
            ("epc1", self.epc1),
            ("exccause", self.exccause),
            ("excvaddr", self.excvaddr),
        ])
    }

    /// Why the last exception happened.
    pub fn cause(&self) -> Option<Cause> {
        Cause::from_number(self.exccause)
    }
}

/// A word of memory as a debugger sees it.
pub(crate) fn word(memory: &Memory, address: u32) -> Option<u32> {
    memory.peek(address, 4).first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}
