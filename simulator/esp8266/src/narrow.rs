//! What the C handler of LoadStoreError in NONOS SDK 3 does (`load_non_32_wide_handler`): narrow loads from instruction
//! memory and flash, and narrow stores to instruction memory, by whole words.
//!
//! It finds the registers of the program in the frame that the boot ROM's wrapper has made, changes them there, and
//! returns to the wrapper. What it cannot do stays undone.

use crate::bus::Width;
use crate::cpu::Cpu;
use crate::frame;
use crate::isa::{self, Opcode};
use crate::memory::Memory;
use crate::registers::word;

/// Length of every instruction that accesses less than a word.
const LENGTH: u32 = 3;

/// Does the access of the instruction that has raised the exception, at the beginning of the handler: a2 is the frame
/// and a0 leads back. `None` if it is none of those, or memory refuses it altogether; then nothing has changed.
pub(crate) fn do_access(cpu: &mut Cpu, memory: &mut Memory) -> Option<()> {
    let frame = cpu.a[2];
    let at = word(memory, frame.wrapping_add(frame::EPC))?;
    let instruction = isa::decode(memory.fetch(at).ok()?, at)?;
    let [register, base, offset, _] = instruction.operands;
    let slot = |register: u32| match register {
        0 => Some(frame.wrapping_add(frame::A0)),
        1 => None,
        other => Some(frame.wrapping_add(frame::A2 + 4 * (other - 2))),
    };
    let value = |register: u32| match slot(register) {
        Some(slot) => word(memory, slot),
        None => Some(frame.wrapping_add(frame::SIZE)),
    };
    let address = value(base)?.wrapping_add(offset);
    let (width, is_store) = match instruction.opcode() {
        Opcode::L8ui => (Width::Byte, false),
        Opcode::L16ui | Opcode::L16si => (Width::Half, false),
        Opcode::S8i => (Width::Byte, true),
        Opcode::S16i => (Width::Half, true),
        _ => return None,
    };
    let (shift, mask) = (8 * (address & 3), width.mask());
    let around = memory.load(address & !3, Width::Word).ok()?;
    if is_store {
        let value = value(register)?;
        memory.store(address & !3, Width::Word, around & !(mask << shift) | (value & mask) << shift).ok()?;
    } else {
        let loaded = around >> shift & mask;
        let loaded = if instruction.opcode() == Opcode::L16si { loaded as i16 as u32 } else { loaded };
        memory.store(slot(register)?, Width::Word, loaded).ok()?;
    }
    memory.store(frame.wrapping_add(frame::EPC), Width::Word, at.wrapping_add(LENGTH)).ok()?;
    cpu.pc = cpu.a[0];
    Some(())
}
