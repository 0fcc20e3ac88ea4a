//! Runs the ops of a block on the registers and plain memory.

use super::Block;
use super::op::{CONSTANTS, Kind, Op};
use crate::cpu::Cpu;
use crate::memory::Memory;

/// How a block was left. All instructions before the exit are done, and counted in the core's cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// To the instruction after its last.
    Next,
    /// To the target of its last instruction.
    Taken(u32),
    /// To an address out of a register.
    Indirect(u32),
    /// The instruction with this index is the interpreter's.
    Interpret(u32),
}

/// Runs `ops`, which are those of `block`. The program counter is left alone: the exit says where to go.
#[inline]
pub(crate) fn execute(cpu: &mut Cpu, memory: &mut Memory, block: Block, ops: &[Op]) -> Exit {
    let start = cpu.cycles;
    macro_rules! a {
        ($register:expr) => {
            cpu.a[usize::from($register & 15)]
        };
    }
    for (index, op) in ops.iter().enumerate() {
        let Op { kind, x, y, z, imm } = *op;
        macro_rules! leave_if {
            ($condition:expr) => {{
                cpu.cycles = start + index as u64 + 1;
                return if $condition { Exit::Taken(imm) } else { Exit::Next };
            }};
        }
        macro_rules! interpret {
            () => {{
                cpu.cycles = start + index as u64;
                return Exit::Interpret(index as u32);
            }};
        }
        macro_rules! load {
            ($bytes:literal, $address:expr) => {
                match memory.fast_load::<$bytes>($address) {
                    Some(value) => value,
                    None => interpret!(),
                }
            };
        }
        macro_rules! store {
            ($bytes:literal) => {
                if memory.fast_store::<$bytes>(a!(y).wrapping_add(imm), a!(x)).is_none() {
                    interpret!()
                }
            };
        }
        match kind {
            Kind::Nop => {}
            Kind::Add => a!(x) = a!(y).wrapping_add(a!(z)),
            Kind::Addi => a!(x) = a!(y).wrapping_add(imm),
            Kind::Addx2 => a!(x) = (a!(y) << 1).wrapping_add(a!(z)),
            Kind::Addx4 => a!(x) = (a!(y) << 2).wrapping_add(a!(z)),
            Kind::Addx8 => a!(x) = (a!(y) << 3).wrapping_add(a!(z)),
            Kind::Sub => a!(x) = a!(y).wrapping_sub(a!(z)),
            Kind::Subx2 => a!(x) = (a!(y) << 1).wrapping_sub(a!(z)),
            Kind::Subx4 => a!(x) = (a!(y) << 2).wrapping_sub(a!(z)),
            Kind::Subx8 => a!(x) = (a!(y) << 3).wrapping_sub(a!(z)),
            Kind::And => a!(x) = a!(y) & a!(z),
            Kind::Or => a!(x) = a!(y) | a!(z),
            Kind::Xor => a!(x) = a!(y) ^ a!(z),
            Kind::Abs => a!(x) = (a!(y) as i32).unsigned_abs(),
            Kind::Neg => a!(x) = a!(y).wrapping_neg(),
            Kind::Mov => a!(x) = a!(y),
            Kind::Movi => a!(x) = imm,
            Kind::Moveqz => {
                if a!(z) == 0 {
                    a!(x) = a!(y);
                }
            }
            Kind::Movnez => {
                if a!(z) != 0 {
                    a!(x) = a!(y);
                }
            }
            Kind::Movltz => {
                if (a!(z) as i32) < 0 {
                    a!(x) = a!(y);
                }
            }
            Kind::Movgez => {
                if a!(z) as i32 >= 0 {
                    a!(x) = a!(y);
                }
            }
            Kind::Extui => a!(x) = a!(y) >> (z & 31) & imm,
            Kind::Nsa => {
                let value = a!(y) as i32;
                a!(x) = (value ^ value >> 31).leading_zeros() - 1;
            }
            Kind::Nsau => a!(x) = a!(y).leading_zeros(),
            Kind::Mul16u => a!(x) = u32::from(a!(y) as u16) * u32::from(a!(z) as u16),
            Kind::Mul16s => a!(x) = (i32::from(a!(y) as i16) * i32::from(a!(z) as i16)) as u32,
            Kind::Mull => a!(x) = a!(y).wrapping_mul(a!(z)),

            Kind::Ssr => cpu.sar = a!(x) & 31,
            Kind::Ssl => cpu.sar = 32 - (a!(x) & 31),
            Kind::Ssa8l => cpu.sar = (a!(x) & 3) << 3,
            Kind::Ssa8b => cpu.sar = 32 - ((a!(x) & 3) << 3),
            Kind::Ssai => cpu.sar = imm,
            Kind::Sll => a!(x) = (u64::from(a!(y)) << (32u32.wrapping_sub(cpu.sar) & 63)) as u32,
            Kind::Src => {
                let both = u64::from(a!(y)) << 32 | u64::from(a!(z));
                a!(x) = (both >> (cpu.sar & 63)) as u32;
            }
            Kind::Srl => a!(x) = a!(y).checked_shr(cpu.sar).unwrap_or(0),
            Kind::Sra => a!(x) = ((a!(y) as i32) >> cpu.sar.min(31)) as u32,
            Kind::Slli => a!(x) = a!(y) << (imm & 31),
            Kind::Srai => a!(x) = ((a!(y) as i32) >> (imm & 31)) as u32,
            Kind::Srli => a!(x) = a!(y) >> (imm & 31),

            Kind::L8ui => a!(x) = load!(1, a!(y).wrapping_add(imm)),
            Kind::L16ui => a!(x) = load!(2, a!(y).wrapping_add(imm)),
            Kind::L16si => a!(x) = load!(2, a!(y).wrapping_add(imm)) as i16 as u32,
            Kind::L32i => a!(x) = load!(4, a!(y).wrapping_add(imm)),
            Kind::L32r => a!(x) = load!(4, imm),
            Kind::S8i => store!(1),
            Kind::S16i => store!(2),
            Kind::S32i => store!(4),

            Kind::ReadSar => a!(x) = cpu.sar,
            Kind::WriteSar => cpu.sar = a!(x) & 63,
            Kind::ReadCcount => a!(x) = cpu.ccount().wrapping_add(index as u32),

            Kind::Beq => leave_if!(a!(x) == a!(y)),
            Kind::Bne => leave_if!(a!(x) != a!(y)),
            Kind::Bge => leave_if!(a!(x) as i32 >= a!(y) as i32),
            Kind::Blt => leave_if!((a!(x) as i32) < a!(y) as i32),
            Kind::Bgeu => leave_if!(a!(x) >= a!(y)),
            Kind::Bltu => leave_if!(a!(x) < a!(y)),
            Kind::Bany => leave_if!(a!(x) & a!(y) != 0),
            Kind::Bnone => leave_if!(a!(x) & a!(y) == 0),
            Kind::Ball => leave_if!(!a!(x) & a!(y) == 0),
            Kind::Bnall => leave_if!(!a!(x) & a!(y) != 0),
            Kind::Bbc => leave_if!(a!(x) >> (a!(y) & 31) & 1 == 0),
            Kind::Bbs => leave_if!(a!(x) >> (a!(y) & 31) & 1 != 0),
            Kind::BitClear => leave_if!(a!(x) >> (y & 31) & 1 == 0),
            Kind::BitSet => leave_if!(a!(x) >> (y & 31) & 1 != 0),
            Kind::Beqi => leave_if!(a!(x) == CONSTANTS[usize::from(y & 31)]),
            Kind::Bnei => leave_if!(a!(x) != CONSTANTS[usize::from(y & 31)]),
            Kind::Bgei => leave_if!(a!(x) as i32 >= CONSTANTS[usize::from(y & 31)] as i32),
            Kind::Blti => leave_if!((a!(x) as i32) < CONSTANTS[usize::from(y & 31)] as i32),
            Kind::Bgeui => leave_if!(a!(x) >= CONSTANTS[usize::from(y & 31)]),
            Kind::Bltui => leave_if!(a!(x) < CONSTANTS[usize::from(y & 31)]),
            Kind::Beqz => leave_if!(a!(x) == 0),
            Kind::Bnez => leave_if!(a!(x) != 0),
            Kind::Bgez => leave_if!(a!(x) as i32 >= 0),
            Kind::Bltz => leave_if!((a!(x) as i32) < 0),
            Kind::J => leave_if!(true),
            Kind::Call0 => {
                cpu.a[0] = block.end;
                leave_if!(true)
            }
            Kind::Jx | Kind::Callx0 | Kind::Ret => {
                let target = if kind == Kind::Ret { cpu.a[0] } else { a!(x) };
                if kind == Kind::Callx0 {
                    cpu.a[0] = block.end;
                }
                cpu.cycles = start + index as u64 + 1;
                return Exit::Indirect(target);
            }
            Kind::Interpret => interpret!(),
        }
    }
    cpu.cycles = start + ops.len() as u64;
    Exit::Next
}
