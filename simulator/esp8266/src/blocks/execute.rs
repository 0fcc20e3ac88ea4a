//! Runs the ops of blocks on the registers and plain memory.

use super::op::{CONSTANTS, Kind, Op};
use super::{Block, Blocks, NONE};
use crate::cpu::Cpu;
use crate::memory::Memory;

/// Why blocks were left. The program counter and the cycles are those of the next instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// No block is known there.
    Unlinked {
        /// The block that leads there.
        from: u32,
        /// It does so by running through to its end.
        is_next: bool,
    },
    /// The block there would run beyond the horizon.
    Horizon,
    /// The instruction is the interpreter's.
    Interpret,
}

/// How a block was left.
enum Way {
    /// To the instruction after its last.
    Next,
    /// To the target of its last instruction.
    Taken(u32),
    /// To an address out of a register.
    Indirect(u32),
    /// The instruction with this index is the interpreter's.
    Interpret(u32),
}

/// Runs block `id` and those that it leads to, as long as they are known and end before cycle `horizon`.
// A function of its own, not inlined, so that the compiler knows that nothing here overlaps.
#[inline(never)]
pub(crate) fn run(cpu: &mut Cpu, memory: &mut Memory, blocks: &Blocks, mut id: u32, horizon: u64) -> Exit {
    let mut cycles = cpu.cycles;
    loop {
        let (block, ops) = blocks.get(id);
        let after = cycles + u64::from(block.count);
        if after > horizon {
            (cpu.pc, cpu.cycles) = (block.pc, cycles);
            return Exit::Horizon;
        }
        let (target, link, is_next) = match execute(cpu, memory, block, ops, cycles) {
            Way::Next => (block.end, block.next, true),
            Way::Taken(target) => (target, block.taken, false),
            // Most returns go where the last one went.
            Way::Indirect(target) => (target, blocks.if_at(block.taken, target), false),
            Way::Interpret(index) => {
                (cpu.pc, cpu.cycles) = (blocks.pc_of(block, index), cycles + u64::from(index));
                return Exit::Interpret;
            }
        };
        cycles = after;
        if link == NONE {
            (cpu.pc, cpu.cycles) = (target, cycles);
            return Exit::Unlinked { from: id, is_next };
        }
        id = link;
    }
}

/// Runs `ops`, which are those of `block`, from cycle `start` on. Only the last can leave a block otherwise than to the
/// interpreter.
#[inline(always)]
fn execute(cpu: &mut Cpu, memory: &mut Memory, block: &Block, ops: &[Op], start: u64) -> Way {
    macro_rules! a {
        ($register:expr) => {
            cpu.a[$register as usize]
        };
    }
    let mut rest = ops.iter();
    while let Some(op) = rest.next() {
        // How many were before this one.
        macro_rules! index {
            () => {
                (ops.len() - rest.len() - 1) as u32
            };
        }
        macro_rules! interpret {
            () => {
                return Way::Interpret(index!())
            };
        }
        macro_rules! leave_if {
            ($op:ident, $condition:expr) => {
                return if $condition { Way::Taken($op.imm) } else { Way::Next }
            };
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
            ($bytes:literal, $op:ident) => {
                if memory.fast_store::<$bytes>(a!($op.y).wrapping_add($op.imm), a!($op.x)).is_none() {
                    interpret!()
                }
            };
        }
        // What also comes in pairs.
        macro_rules! run {
            (Add, $op:ident) => {
                a!($op.x) = a!($op.y).wrapping_add(a!($op.z))
            };
            (Addi, $op:ident) => {
                a!($op.x) = a!($op.y).wrapping_add($op.imm)
            };
            (And, $op:ident) => {
                a!($op.x) = a!($op.y) & a!($op.z)
            };
            (Or, $op:ident) => {
                a!($op.x) = a!($op.y) | a!($op.z)
            };
            (Mov, $op:ident) => {
                a!($op.x) = a!($op.y)
            };
            (Movi, $op:ident) => {
                a!($op.x) = $op.imm
            };
            (Extui, $op:ident) => {
                a!($op.x) = a!($op.y) >> ($op.imm >> 16 & 31) & $op.imm & 0xFFFF
            };
            (Slli, $op:ident) => {
                a!($op.x) = a!($op.y) << ($op.imm & 31)
            };
            (Mull, $op:ident) => {
                a!($op.x) = a!($op.y).wrapping_mul(a!($op.z))
            };
            (L8ui, $op:ident) => {
                a!($op.x) = load!(1, a!($op.y).wrapping_add($op.imm))
            };
            (L32i, $op:ident) => {
                a!($op.x) = load!(4, a!($op.y).wrapping_add($op.imm))
            };
            (S8i, $op:ident) => {
                store!(1, $op)
            };
            (S32i, $op:ident) => {
                store!(4, $op)
            };
            (Bltu, $op:ident) => {
                leave_if!($op, a!($op.x) < a!($op.y))
            };
            (Beq, $op:ident) => {
                leave_if!($op, a!($op.x) == a!($op.y))
            };
            (Bne, $op:ident) => {
                leave_if!($op, a!($op.x) != a!($op.y))
            };
            (Beqz, $op:ident) => {
                leave_if!($op, a!($op.x) == 0)
            };
            (Bnez, $op:ident) => {
                leave_if!($op, a!($op.x) != 0)
            };
            (Callx0, $op:ident) => {{
                let target = a!($op.x);
                cpu.a[0] = block.end;
                return Way::Indirect(target);
            }};
        }
        macro_rules! pair {
            ($first:ident, $second:ident) => {{
                run!($first, op);
                let Some(op) = rest.next() else { break };
                run!($second, op)
            }};
        }
        let Op { kind, x, y, z, imm } = *op;
        match kind {
            Kind::Nop => {}
            Kind::Add => run!(Add, op),
            Kind::Addi => run!(Addi, op),
            Kind::Addx2 => a!(x) = (a!(y) << 1).wrapping_add(a!(z)),
            Kind::Addx4 => a!(x) = (a!(y) << 2).wrapping_add(a!(z)),
            Kind::Addx8 => a!(x) = (a!(y) << 3).wrapping_add(a!(z)),
            Kind::Sub => a!(x) = a!(y).wrapping_sub(a!(z)),
            Kind::Subx2 => a!(x) = (a!(y) << 1).wrapping_sub(a!(z)),
            Kind::Subx4 => a!(x) = (a!(y) << 2).wrapping_sub(a!(z)),
            Kind::Subx8 => a!(x) = (a!(y) << 3).wrapping_sub(a!(z)),
            Kind::And => run!(And, op),
            Kind::Or => run!(Or, op),
            Kind::Xor => a!(x) = a!(y) ^ a!(z),
            Kind::Abs => a!(x) = (a!(y) as i32).unsigned_abs(),
            Kind::Neg => a!(x) = a!(y).wrapping_neg(),
            Kind::Mov => run!(Mov, op),
            Kind::Movi => run!(Movi, op),
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
            Kind::Extui => run!(Extui, op),
            Kind::Nsa => {
                let value = a!(y) as i32;
                a!(x) = (value ^ value >> 31).leading_zeros() - 1;
            }
            Kind::Nsau => a!(x) = a!(y).leading_zeros(),
            Kind::Mul16u => a!(x) = u32::from(a!(y) as u16) * u32::from(a!(z) as u16),
            Kind::Mul16s => a!(x) = (i32::from(a!(y) as i16) * i32::from(a!(z) as i16)) as u32,
            Kind::Mull => run!(Mull, op),

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
            Kind::Slli => run!(Slli, op),
            Kind::Srai => a!(x) = ((a!(y) as i32) >> (imm & 31)) as u32,
            Kind::Srli => a!(x) = a!(y) >> (imm & 31),

            Kind::L8ui => run!(L8ui, op),
            Kind::L16ui => a!(x) = load!(2, a!(y).wrapping_add(imm)),
            Kind::L16si => a!(x) = load!(2, a!(y).wrapping_add(imm)) as i16 as u32,
            Kind::L32i => run!(L32i, op),
            Kind::L32r => a!(x) = load!(4, imm),
            Kind::S8i => run!(S8i, op),
            Kind::S16i => store!(2, op),
            Kind::S32i => run!(S32i, op),

            Kind::ReadSar => a!(x) = cpu.sar,
            Kind::WriteSar => cpu.sar = a!(x) & 63,
            Kind::ReadCcount => {
                let cycle = (start as u32).wrapping_add(index!());
                a!(x) = cpu.ccount_offset.wrapping_add(cycle);
            }

            Kind::Beq => run!(Beq, op),
            Kind::Bne => run!(Bne, op),
            Kind::Bge => leave_if!(op, a!(x) as i32 >= a!(y) as i32),
            Kind::Blt => leave_if!(op, (a!(x) as i32) < a!(y) as i32),
            Kind::Bgeu => leave_if!(op, a!(x) >= a!(y)),
            Kind::Bltu => run!(Bltu, op),
            Kind::Bany => leave_if!(op, a!(x) & a!(y) != 0),
            Kind::Bnone => leave_if!(op, a!(x) & a!(y) == 0),
            Kind::Ball => leave_if!(op, !a!(x) & a!(y) == 0),
            Kind::Bnall => leave_if!(op, !a!(x) & a!(y) != 0),
            Kind::Bbc => leave_if!(op, a!(x) >> (a!(y) & 31) & 1 == 0),
            Kind::Bbs => leave_if!(op, a!(x) >> (a!(y) & 31) & 1 != 0),
            Kind::BitClear => leave_if!(op, a!(x) >> (op.small() & 31) & 1 == 0),
            Kind::BitSet => leave_if!(op, a!(x) >> (op.small() & 31) & 1 != 0),
            Kind::Beqi => leave_if!(op, a!(x) == CONSTANTS[usize::from(op.small() & 31)]),
            Kind::Bnei => leave_if!(op, a!(x) != CONSTANTS[usize::from(op.small() & 31)]),
            Kind::Bgei => leave_if!(op, a!(x) as i32 >= CONSTANTS[usize::from(op.small() & 31)] as i32),
            Kind::Blti => leave_if!(op, (a!(x) as i32) < CONSTANTS[usize::from(op.small() & 31)] as i32),
            Kind::Bgeui => leave_if!(op, a!(x) >= CONSTANTS[usize::from(op.small() & 31)]),
            Kind::Bltui => leave_if!(op, a!(x) < CONSTANTS[usize::from(op.small() & 31)]),
            Kind::Beqz => run!(Beqz, op),
            Kind::Bnez => run!(Bnez, op),
            Kind::Bgez => leave_if!(op, a!(x) as i32 >= 0),
            Kind::Bltz => leave_if!(op, (a!(x) as i32) < 0),
            Kind::J => return Way::Taken(imm),
            Kind::Call0 => {
                cpu.a[0] = block.end;
                return Way::Taken(imm);
            }
            Kind::Jx => return Way::Indirect(a!(x)),
            Kind::Callx0 => run!(Callx0, op),
            Kind::Ret => return Way::Indirect(cpu.a[0]),
            Kind::Interpret => interpret!(),

            Kind::L32iL32i => pair!(L32i, L32i),
            Kind::L32iAdd => pair!(L32i, Add),
            Kind::L32iAddi => pair!(L32i, Addi),
            Kind::L32iMov => pair!(L32i, Mov),
            Kind::L32iOr => pair!(L32i, Or),
            Kind::L32iExtui => pair!(L32i, Extui),
            Kind::S32iS32i => pair!(S32i, S32i),
            Kind::S32iAdd => pair!(S32i, Add),
            Kind::S32iAddi => pair!(S32i, Addi),
            Kind::S32iL32i => pair!(S32i, L32i),
            Kind::S32iMov => pair!(S32i, Mov),
            Kind::MovL32i => pair!(Mov, L32i),
            Kind::MovMov => pair!(Mov, Mov),
            Kind::MovS32i => pair!(Mov, S32i),
            Kind::MovAdd => pair!(Mov, Add),
            Kind::AddAdd => pair!(Add, Add),
            Kind::AddAddi => pair!(Add, Addi),
            Kind::AddL32i => pair!(Add, L32i),
            Kind::AddS32i => pair!(Add, S32i),
            Kind::AddMov => pair!(Add, Mov),
            Kind::AddExtui => pair!(Add, Extui),
            Kind::AddOr => pair!(Add, Or),
            Kind::AddMull => pair!(Add, Mull),
            Kind::OrAdd => pair!(Or, Add),
            Kind::OrOr => pair!(Or, Or),
            Kind::OrL32i => pair!(Or, L32i),
            Kind::OrS32i => pair!(Or, S32i),
            Kind::ExtuiExtui => pair!(Extui, Extui),
            Kind::ExtuiMull => pair!(Extui, Mull),
            Kind::ExtuiAdd => pair!(Extui, Add),
            Kind::ExtuiSlli => pair!(Extui, Slli),
            Kind::ExtuiOr => pair!(Extui, Or),
            Kind::SlliAdd => pair!(Slli, Add),
            Kind::SlliOr => pair!(Slli, Or),
            Kind::MullExtui => pair!(Mull, Extui),
            Kind::MullMull => pair!(Mull, Mull),
            Kind::MullAdd => pair!(Mull, Add),
            Kind::MoviL32i => pair!(Movi, L32i),
            Kind::MoviMov => pair!(Movi, Mov),
            Kind::AddiAddi => pair!(Addi, Addi),
            Kind::AddiL32i => pair!(Addi, L32i),
            Kind::AddiS32i => pair!(Addi, S32i),
            Kind::AddiS8i => pair!(Addi, S8i),
            Kind::S8iAddi => pair!(S8i, Addi),
            Kind::L8uiAddi => pair!(L8ui, Addi),
            Kind::L32iBltu => pair!(L32i, Bltu),
            Kind::MovBltu => pair!(Mov, Bltu),
            Kind::AddBltu => pair!(Add, Bltu),
            Kind::L32iBne => pair!(L32i, Bne),
            Kind::AddiBne => pair!(Addi, Bne),
            Kind::L8uiBeqz => pair!(L8ui, Beqz),
            Kind::L32iBeqz => pair!(L32i, Beqz),
            Kind::AddiBnez => pair!(Addi, Bnez),
            Kind::AndExtui => pair!(And, Extui),
            Kind::AndAnd => pair!(And, And),
            Kind::AndMull => pair!(And, Mull),
            Kind::MullAnd => pair!(Mull, And),
            Kind::MoviAnd => pair!(Movi, And),
            Kind::AddAnd => pair!(Add, And),
            Kind::AddSlli => pair!(Add, Slli),
            Kind::OrMull => pair!(Or, Mull),
            Kind::L32iS32i => pair!(L32i, S32i),
            Kind::L32iMovi => pair!(L32i, Movi),
            Kind::L32iBeq => pair!(L32i, Beq),
            Kind::S32iMovi => pair!(S32i, Movi),
            Kind::S32iBltu => pair!(S32i, Bltu),
            Kind::AddMovi => pair!(Add, Movi),
            Kind::OrMov => pair!(Or, Mov),
            Kind::MovBeq => pair!(Mov, Beq),
            Kind::MovCallx0 => pair!(Mov, Callx0),
            Kind::OrCallx0 => pair!(Or, Callx0),
        }
    }
    Way::Next
}
