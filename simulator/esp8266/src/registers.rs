//! The registers of a program where it came to grief.
//!
//! By the time that somebody looks, handlers of exceptions may have run, and have saved part of the registers on the
//! program's stack. [`Registers::in_handler`] and [`Registers::in_vector`] put together what the program had.

use crate::cpu::{Cause, Cpu, ps};
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
        Self::in_frame(cpu, memory, cpu.a[2])
    }

    /// Those of the program that was interrupted at `pc`, while a handler still runs on its stack: from the first thing
    /// up the stack that looks like the frame in which they were saved. `None` if nothing does.
    pub fn interrupted(cpu: &Cpu, memory: &Memory, pc: u32) -> Option<Self> {
        /// How far up the stack the frame is looked for, in bytes.
        const SEARCHED: u32 = 1_024;
        let bottom = cpu.a[1];
        let is_frame = |base: &u32| {
            let at = |offset| word(memory, base.wrapping_add(offset));
            // The vector was entered in user vector mode.
            let is_ps = |ps: u32| ps & ps::UM != 0 && ps & !(ps::UM | ps::EXCM | ps::INTLEVEL) == 0;
            at(frame::EPC) == Some(pc) && at(frame::PS).is_some_and(is_ps) && at(frame::SAR).is_some_and(|sar| sar < 64)
        };
        let base = (bottom..bottom.saturating_add(SEARCHED)).step_by(4).find(is_frame)?;
        Some(Self::in_frame(cpu, memory, base))
    }

    /// What a frame has of the registers, and of the others what the core has.
    fn in_frame(cpu: &Cpu, memory: &Memory, base: u32) -> Self {
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
