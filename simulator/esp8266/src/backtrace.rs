//! Who called whom, when a program came to grief.
//!
//! The call0 calling convention has no frame pointer, and tables for unwinding (`.debug_frame`) exist neither in the
//! vendor's archives nor for assembly. What every function has is its beginning: it lowers the stack pointer and stores
//! the return address below it. [`backtrace`] follows the instructions from a function's symbol to where it stands, and
//! so knows how far the stack pointer has moved and where the return address lies. This also leads over a switch of
//! stacks, if the function that switches saves the old pointer on the new stack.
//!
//! Where that fails (no symbol, or what should be a return address does not follow a call) the stack is searched
//! upwards for the next word that could be a return address; such a caller is marked as [guessed](Frame::guessed). It
//! may be left over from an earlier call. Calls that were replaced by a jump, and functions that were inlined, leave
//! nothing on the stack; debug information tells the latter ([`Lines`](crate::image::lines::Lines)).

use crate::image::Program;
use crate::isa::{self, Instruction, Opcode};
use crate::memory::Memory;
use crate::registers::{Registers, word};
use crate::rom;

/// A place in the program, and how it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The instruction that was to be executed, or for a caller, the address that its call returns to.
    pub address: u32,
    /// Whether it is a caller, so that the call stands before `address`.
    pub is_caller: bool,
    /// Found by searching the stack: it may be left over from an earlier call.
    pub guessed: bool,
}

/// So many frames are more than any program here has.
const MOST_FRAMES: usize = 64;
/// A function's beginning is no longer.
const LONGEST_BEGINNING: usize = 48;
/// How far the stack is searched for one return address, in bytes.
const SEARCHED: u32 = 4_096;
/// Where programs have code.
const CODE: core::ops::Range<u32> = 0x4010_0000..0x4030_0000;

/// The frames from where the program stood up to the outermost caller that can be found, which is a function of the
/// boot ROM if the trace is complete.
pub fn backtrace(registers: &Registers, memory: &Memory, program: Option<&Program>) -> Vec<Frame> {
    let code = Code { memory, program };
    let mut frames = vec![Frame { address: registers.pc, is_caller: false, guessed: false }];
    let (mut pc, mut sp) = (registers.pc, registers.a[1]);
    while frames.len() < MOST_FRAMES {
        let innermost = frames.len() == 1;
        let exact = match code.beginning(pc) {
            Some(beginning) => beginning.caller(sp, registers.a[0], innermost, memory),
            // A wild jump, or a function of the boot ROM, which are entered with the return address in a0.
            None if innermost => Some((registers.a[0], sp)),
            None => None,
        };
        let exact = exact.filter(|&(address, _)| code.follows_call(address) || is_outermost(address));
        let (address, above, guessed) = match exact {
            Some((address, above)) => (address, above, false),
            None => match code.search(sp) {
                Some((address, above)) => (address, above, true),
                None => break,
            },
        };
        if !CODE.contains(&address) && !rom::RANGE.contains(&address) {
            break;
        }
        frames.push(Frame { address, is_caller: true, guessed });
        if is_outermost(address) {
            break;
        }
        (pc, sp) = (address, above);
    }
    frames
}

/// Whether a return address leads out of the program: into the boot ROM, or to where nothing is, which whoever runs the
/// chip has put there.
fn is_outermost(address: u32) -> bool {
    rom::symbol(address).is_some() || !CODE.contains(&address) && !rom::RANGE.contains(&address) && address != 0
}

struct Code<'a> {
    memory: &'a Memory,
    program: Option<&'a Program>,
}

impl Code<'_> {
    fn instruction(&self, address: u32) -> Option<Instruction> {
        // The flash window may be closed just now; the program knows what is behind it.
        let mut bytes = self.memory.peek(address, 3);
        if bytes.is_empty() {
            bytes = self.program?.bytes(address, 3)?;
        }
        bytes.resize(4, 0);
        isa::decode(bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?, address)
    }

    /// Whether a call stands before `address`.
    fn follows_call(&self, address: u32) -> bool {
        CODE.contains(&address)
            && self
                .instruction(address - 3)
                .is_some_and(|before| matches!(before.opcode(), Opcode::Call0 | Opcode::Callx0))
    }

    /// The first word from `sp` on that may be a return address, and where the stack pointer was before that call.
    fn search(&self, sp: u32) -> Option<(u32, u32)> {
        let aligned = sp.checked_next_multiple_of(4)?;
        let words = (aligned..aligned.checked_add(SEARCHED)?).step_by(4);
        let slot = |at: u32| word(self.memory, at).filter(|&address| self.follows_call(address)).map(|word| (word, at));
        // Compilers put the return address right below the caller's stack pointer.
        words.map_while(|at| word(self.memory, at).map(|_| at)).find_map(slot).map(|(address, at)| (address, at + 4))
    }

    /// What the function at `pc` has done to its stack before it got there.
    fn beginning(&self, pc: u32) -> Option<Beginning> {
        let (_, offset) = self.program?.symbol_at(pc)?;
        let mut beginning = Beginning::default();
        let mut at = pc - offset;
        for _ in 0..LONGEST_BEGINNING {
            if at >= pc {
                break;
            }
            let Some(instruction) = self.instruction(at) else { break };
            if !beginning.follow(&instruction, self.memory) {
                break;
            }
            at = instruction.next();
        }
        Some(beginning)
    }
}

/// What is known of a register: a constant, or the value of a register at the function's entry plus a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Unknown,
    Constant(u32),
    Entry(u32, u32),
}

impl Value {
    fn plus(self, amount: u32) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Constant(value) => Self::Constant(value.wrapping_add(amount)),
            Self::Entry(register, offset) => Self::Entry(register, offset.wrapping_add(amount)),
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (value, Self::Constant(amount)) | (Self::Constant(amount), value) => value.plus(amount),
            _ => Self::Unknown,
        }
    }
}

/// The beginning of a function, followed instruction by instruction.
struct Beginning {
    registers: [Value; 16],
    /// Where the return address and the caller's stack pointer were stored.
    return_address: Option<Value>,
    stack_pointer: Option<Value>,
}

impl Default for Beginning {
    fn default() -> Self {
        Self {
            registers: core::array::from_fn(|register| Value::Entry(register as u32, 0)),
            return_address: None,
            stack_pointer: None,
        }
    }
}

impl Beginning {
    /// Takes one more instruction in; `false` if it ends the beginning.
    fn follow(&mut self, instruction: &Instruction, memory: &Memory) -> bool {
        let [x, y, z, _] = instruction.operands;
        let value = |register: u32| self.registers[(register & 15) as usize];
        let (target, result) = match instruction.opcode() {
            Opcode::Addi | Opcode::Addmi => (x, value(y).plus(z)),
            Opcode::Movi => (x, Value::Constant(y)),
            Opcode::Mov => (x, value(y)),
            Opcode::Or if y == z => (x, value(y)),
            Opcode::Add => (x, value(y).and(value(z))),
            Opcode::Sub => match value(z) {
                Value::Constant(amount) => (x, value(y).plus(amount.wrapping_neg())),
                _ => (x, Value::Unknown),
            },
            Opcode::L32r => {
                let constant = word(memory, instruction.literal_address(0));
                (x, constant.map_or(Value::Unknown, Value::Constant))
            }
            Opcode::S32i => {
                let at = value(y).plus(z);
                match value(x) {
                    Value::Entry(0, 0) if self.return_address.is_none() => self.return_address = Some(at),
                    Value::Entry(1, 0) if self.stack_pointer.is_none() => self.stack_pointer = Some(at),
                    _ => {}
                }
                return true;
            }
            Opcode::Call0 | Opcode::Callx0 | Opcode::Ret | Opcode::Jx | Opcode::J => return false,
            // Stores and branches write no register; of everything else the first operand is what it writes.
            opcode
                if (Opcode::S8i..=Opcode::S16i).contains(&opcode) || (Opcode::Beq..=Opcode::Bltz).contains(&opcode) =>
            {
                return true;
            }
            _ if !instruction.entry.operands.first().is_some_and(|operand| operand.is_register()) => return true,
            _ => (x, Value::Unknown),
        };
        let is_frame = |value: Value| matches!(value, Value::Entry(_, offset) if offset != 0);
        if target == 1 && is_frame(self.registers[1]) && result == Value::Entry(1, 0) {
            // A way out in the midst of the function; others go on with the frame.
            return true;
        }
        self.registers[(target & 15) as usize] = result;
        true
    }

    /// The return address and the caller's stack pointer, if the function's stack pointer is `sp`. The innermost
    /// function may still have the return address in a0.
    fn caller(&self, sp: u32, a0: u32, innermost: bool, memory: &Memory) -> Option<(u32, u32)> {
        let Value::Entry(base, offset) = self.registers[1] else { return None };
        // The base register's value at the function's entry.
        let entry = sp.wrapping_sub(offset);
        let slot = |place: Option<Value>| match place? {
            Value::Entry(register, offset) if register == base => word(memory, entry.wrapping_add(offset)),
            _ => None,
        };
        let above = if base == 1 { entry } else { slot(self.stack_pointer)? };
        let address = match slot(self.return_address) {
            Some(address) => address,
            None if innermost && self.registers[0] == Value::Entry(0, 0) => a0,
            None => return None,
        };
        Some((address, above))
    }
}

#[cfg(test)]
mod tests;
