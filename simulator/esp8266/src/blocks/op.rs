//! The form of an instruction that [`execute`](super::execute()) runs, and the translation to it.

use crate::bus::Width;
use crate::cpu::special;
use crate::isa::{Instruction, Opcode};
use crate::memory::Memory;

/// What an op does. Those that share a name with an [`Opcode`] do the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[rustfmt::skip]
pub(crate) enum Kind {
    Nop, Add, Addi, Addx2, Addx4, Addx8, Sub, Subx2, Subx4, Subx8, And, Or, Xor, Abs, Neg, Mov, Movi,
    Moveqz, Movnez, Movltz, Movgez, Extui, Nsa, Nsau, Mul16u, Mul16s, Mull,
    Ssr, Ssl, Ssa8l, Ssa8b, Ssai, Sll, Src, Srl, Sra, Slli, Srai, Srli,
    L8ui, L16ui, L16si, L32i, L32r, S8i, S16i, S32i,
    ReadSar, WriteSar, ReadCcount,
    Beq, Bne, Bge, Blt, Bgeu, Bltu, Bany, Bnone, Ball, Bnall, Bbc, Bbs, BitClear, BitSet,
    Beqi, Bnei, Bgei, Blti, Bgeui, Bltui, Beqz, Bnez, Bgez, Bltz,
    J, Jx, Call0, Callx0, Ret,
    /// Left to the interpreter.
    Interpret,
    // Two ops that often follow each other, under the first one's kind; see PAIRS.
    L32iL32i, L32iAdd, L32iAddi, L32iMov, L32iOr, L32iExtui, S32iS32i, S32iAdd, S32iAddi, S32iL32i, S32iMov,
    MovL32i, MovMov, MovS32i, MovAdd, AddAdd, AddAddi, AddL32i, AddS32i, AddMov, AddExtui, AddOr, AddMull,
    OrAdd, OrOr, OrL32i, OrS32i, ExtuiExtui, ExtuiMull, ExtuiAdd, ExtuiSlli, ExtuiOr, SlliAdd, SlliOr,
    MullExtui, MullMull, MullAdd, MoviL32i, MoviMov, AddiAddi, AddiL32i, AddiS32i, AddiS8i, S8iAddi, L8uiAddi,
    L32iBltu, MovBltu, AddBltu, L32iBne, AddiBne, L8uiBeqz, L32iBeqz, AddiBnez,
    AndExtui, AndAnd, AndMull, MullAnd, MoviAnd, AddAnd, AddSlli, OrMull, L32iS32i, L32iMovi, S32iMovi, AddMovi, OrMov,
    L32iBeq, S32iBltu, MovBeq, MovCallx0, OrCallx0,
}

impl Kind {
    /// Whether it is the last of its block; not asked of pairs.
    pub fn ends_block(self) -> bool {
        self as u8 >= Self::Beq as u8
    }
}

/// Ops that are dispatched together when they follow each other. The second keeps its op, and so its place in the count
/// of instructions; only the first one's kind changes. Which pairs are worth it was counted on a P-256 signature and on
/// SHA-256.
#[rustfmt::skip]
const PAIRS: &[(Kind, Kind, Kind)] = &[
    (Kind::L32i, Kind::L32i, Kind::L32iL32i),
    (Kind::L32i, Kind::Add, Kind::L32iAdd),
    (Kind::L32i, Kind::Addi, Kind::L32iAddi),
    (Kind::L32i, Kind::Mov, Kind::L32iMov),
    (Kind::L32i, Kind::Or, Kind::L32iOr),
    (Kind::L32i, Kind::Extui, Kind::L32iExtui),
    (Kind::S32i, Kind::S32i, Kind::S32iS32i),
    (Kind::S32i, Kind::Add, Kind::S32iAdd),
    (Kind::S32i, Kind::Addi, Kind::S32iAddi),
    (Kind::S32i, Kind::L32i, Kind::S32iL32i),
    (Kind::S32i, Kind::Mov, Kind::S32iMov),
    (Kind::Mov, Kind::L32i, Kind::MovL32i),
    (Kind::Mov, Kind::Mov, Kind::MovMov),
    (Kind::Mov, Kind::S32i, Kind::MovS32i),
    (Kind::Mov, Kind::Add, Kind::MovAdd),
    (Kind::Add, Kind::Add, Kind::AddAdd),
    (Kind::Add, Kind::Addi, Kind::AddAddi),
    (Kind::Add, Kind::L32i, Kind::AddL32i),
    (Kind::Add, Kind::S32i, Kind::AddS32i),
    (Kind::Add, Kind::Mov, Kind::AddMov),
    (Kind::Add, Kind::Extui, Kind::AddExtui),
    (Kind::Add, Kind::Or, Kind::AddOr),
    (Kind::Add, Kind::Mull, Kind::AddMull),
    (Kind::Or, Kind::Add, Kind::OrAdd),
    (Kind::Or, Kind::Or, Kind::OrOr),
    (Kind::Or, Kind::L32i, Kind::OrL32i),
    (Kind::Or, Kind::S32i, Kind::OrS32i),
    (Kind::Extui, Kind::Extui, Kind::ExtuiExtui),
    (Kind::Extui, Kind::Mull, Kind::ExtuiMull),
    (Kind::Extui, Kind::Add, Kind::ExtuiAdd),
    (Kind::Extui, Kind::Slli, Kind::ExtuiSlli),
    (Kind::Extui, Kind::Or, Kind::ExtuiOr),
    (Kind::Slli, Kind::Add, Kind::SlliAdd),
    (Kind::Slli, Kind::Or, Kind::SlliOr),
    (Kind::Mull, Kind::Extui, Kind::MullExtui),
    (Kind::Mull, Kind::Mull, Kind::MullMull),
    (Kind::Mull, Kind::Add, Kind::MullAdd),
    (Kind::Movi, Kind::L32i, Kind::MoviL32i),
    (Kind::Movi, Kind::Mov, Kind::MoviMov),
    (Kind::Addi, Kind::Addi, Kind::AddiAddi),
    (Kind::Addi, Kind::L32i, Kind::AddiL32i),
    (Kind::Addi, Kind::S32i, Kind::AddiS32i),
    (Kind::Addi, Kind::S8i, Kind::AddiS8i),
    (Kind::S8i, Kind::Addi, Kind::S8iAddi),
    (Kind::L8ui, Kind::Addi, Kind::L8uiAddi),
    (Kind::L32i, Kind::Bltu, Kind::L32iBltu),
    (Kind::Mov, Kind::Bltu, Kind::MovBltu),
    (Kind::Add, Kind::Bltu, Kind::AddBltu),
    (Kind::L32i, Kind::Bne, Kind::L32iBne),
    (Kind::Addi, Kind::Bne, Kind::AddiBne),
    (Kind::L8ui, Kind::Beqz, Kind::L8uiBeqz),
    (Kind::L32i, Kind::Beqz, Kind::L32iBeqz),
    (Kind::Addi, Kind::Bnez, Kind::AddiBnez),
    (Kind::And, Kind::Extui, Kind::AndExtui),
    (Kind::And, Kind::And, Kind::AndAnd),
    (Kind::And, Kind::Mull, Kind::AndMull),
    (Kind::Mull, Kind::And, Kind::MullAnd),
    (Kind::Movi, Kind::And, Kind::MoviAnd),
    (Kind::Add, Kind::And, Kind::AddAnd),
    (Kind::Add, Kind::Slli, Kind::AddSlli),
    (Kind::Or, Kind::Mull, Kind::OrMull),
    (Kind::L32i, Kind::S32i, Kind::L32iS32i),
    (Kind::L32i, Kind::Movi, Kind::L32iMovi),
    (Kind::L32i, Kind::Beq, Kind::L32iBeq),
    (Kind::S32i, Kind::Movi, Kind::S32iMovi),
    (Kind::S32i, Kind::Bltu, Kind::S32iBltu),
    (Kind::Add, Kind::Movi, Kind::AddMovi),
    (Kind::Or, Kind::Mov, Kind::OrMov),
    (Kind::Mov, Kind::Beq, Kind::MovBeq),
    (Kind::Mov, Kind::Callx0, Kind::MovCallx0),
    (Kind::Or, Kind::Callx0, Kind::OrCallx0),
];

/// Joins pairs among a block's ops.
pub(crate) fn join_pairs(ops: &mut [Op]) {
    let mut at = 0;
    while let [first, second, ..] = &mut ops[at..] {
        let pair = PAIRS.iter().find(|pair| pair.0 == first.kind && pair.1 == second.kind);
        if let Some(&(_, _, both)) = pair {
            first.kind = both;
            at += 1;
        }
        at += 1;
    }
}

/// A general register. As a type of sixteen values it needs no check where it indexes the register file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[rustfmt::skip]
pub(crate) enum Register {
    A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15,
}

impl Register {
    #[rustfmt::skip]
    const ALL: [Self; 16] = {
        use Register::*;
        [A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15]
    };

    /// The register of that number; bits above the fourth are ignored.
    const fn numbered(number: u32) -> Self {
        Self::ALL[(number & 15) as usize]
    }
}

/// One instruction, dense.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub kind: Kind,
    /// Registers, in the order of the assembly language.
    pub x: Register,
    pub y: Register,
    pub z: Register,
    /// Immediate, offset, address or target; of `extui`, the mask and above it the shift.
    pub imm: u32,
}

impl Op {
    pub const INTERPRET: Self =
        Self { kind: Kind::Interpret, x: Register::A0, y: Register::A0, z: Register::A0, imm: 0 };

    /// A number below 256 in place of `y` and `z`: a bit, or the index of a comparison's constant.
    const fn with_small(self, number: u32) -> Self {
        Self { y: Register::numbered(number), z: Register::numbered(number >> 4), ..self }
    }

    /// What [`with_small`](Self::with_small) has put there.
    pub const fn small(&self) -> u8 {
        self.y as u8 | (self.z as u8) << 4
    }
}

/// Constants of `beqi` and its like: too wide to stand beside the target, they are kept as an index.
pub(crate) const CONSTANTS: [u32; 32] = [
    u32::MAX,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    10,
    12,
    16,
    32,
    64,
    128,
    256,
    32_768,
    65_536,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
];

/// Translates one instruction.
pub(crate) fn lower(instruction: &Instruction, memory: &mut Memory, litbase: u32) -> Op {
    let [x, y, z, w] = instruction.operands;
    let register = Register::numbered;
    let registers = |kind| Op { kind, x: register(x), y: register(y), z: register(z), imm: 0 };
    let immediate = |kind, imm| Op { imm, ..registers(kind) };
    let on_bit = |kind| immediate(kind, z).with_small(y);
    let constant = |kind| {
        let index = CONSTANTS.iter().position(|&constant| constant == y).unwrap_or(0);
        immediate(kind, z).with_small(index as u32)
    };
    let on_zero = |kind| immediate(kind, y);
    match instruction.opcode() {
        Opcode::Nop
        | Opcode::Memw
        | Opcode::Extw
        | Opcode::Isync
        | Opcode::Rsync
        | Opcode::Esync
        | Opcode::Dsync
        | Opcode::Excw => Op { kind: Kind::Nop, ..Op::INTERPRET },
        Opcode::Add => registers(Kind::Add),
        Opcode::Addi | Opcode::Addmi => immediate(Kind::Addi, z),
        Opcode::Addx2 => registers(Kind::Addx2),
        Opcode::Addx4 => registers(Kind::Addx4),
        Opcode::Addx8 => registers(Kind::Addx8),
        Opcode::Sub => registers(Kind::Sub),
        Opcode::Subx2 => registers(Kind::Subx2),
        Opcode::Subx4 => registers(Kind::Subx4),
        Opcode::Subx8 => registers(Kind::Subx8),
        Opcode::And => registers(Kind::And),
        // How GNU as writes `mov`.
        Opcode::Or if y == z => registers(Kind::Mov),
        Opcode::Or => registers(Kind::Or),
        Opcode::Xor => registers(Kind::Xor),
        Opcode::Abs => registers(Kind::Abs),
        Opcode::Neg => registers(Kind::Neg),
        Opcode::Mov => registers(Kind::Mov),
        Opcode::Movi => immediate(Kind::Movi, y),
        Opcode::Moveqz => registers(Kind::Moveqz),
        Opcode::Movnez => registers(Kind::Movnez),
        Opcode::Movltz => registers(Kind::Movltz),
        Opcode::Movgez => registers(Kind::Movgez),
        Opcode::Extui => immediate(Kind::Extui, z << 16 | ((1 << w) - 1)),
        Opcode::Nsa => registers(Kind::Nsa),
        Opcode::Nsau => registers(Kind::Nsau),
        Opcode::Mul16u => registers(Kind::Mul16u),
        Opcode::Mul16s => registers(Kind::Mul16s),
        Opcode::Mull => registers(Kind::Mull),
        Opcode::Ssr => registers(Kind::Ssr),
        Opcode::Ssl => registers(Kind::Ssl),
        Opcode::Ssa8l => registers(Kind::Ssa8l),
        Opcode::Ssa8b => registers(Kind::Ssa8b),
        Opcode::Ssai => immediate(Kind::Ssai, x),
        Opcode::Sll => registers(Kind::Sll),
        Opcode::Src => registers(Kind::Src),
        Opcode::Srl => registers(Kind::Srl),
        Opcode::Sra => registers(Kind::Sra),
        Opcode::Slli => immediate(Kind::Slli, z & 31),
        Opcode::Srai => immediate(Kind::Srai, z),
        Opcode::Srli => immediate(Kind::Srli, z),
        Opcode::L8ui => immediate(Kind::L8ui, z),
        Opcode::L16ui => immediate(Kind::L16ui, z),
        Opcode::L16si => immediate(Kind::L16si, z),
        Opcode::L32i => immediate(Kind::L32i, z),
        Opcode::L32r => literal(instruction, memory, litbase),
        Opcode::S8i => immediate(Kind::S8i, z),
        Opcode::S16i => immediate(Kind::S16i, z),
        Opcode::S32i => immediate(Kind::S32i, z),
        Opcode::Rsr if y == special::SAR => registers(Kind::ReadSar),
        Opcode::Wsr if y == special::SAR => registers(Kind::WriteSar),
        Opcode::Rsr if y == special::CCOUNT => registers(Kind::ReadCcount),
        Opcode::Beq => immediate(Kind::Beq, z),
        Opcode::Bne => immediate(Kind::Bne, z),
        Opcode::Bge => immediate(Kind::Bge, z),
        Opcode::Blt => immediate(Kind::Blt, z),
        Opcode::Bgeu => immediate(Kind::Bgeu, z),
        Opcode::Bltu => immediate(Kind::Bltu, z),
        Opcode::Bany => immediate(Kind::Bany, z),
        Opcode::Bnone => immediate(Kind::Bnone, z),
        Opcode::Ball => immediate(Kind::Ball, z),
        Opcode::Bnall => immediate(Kind::Bnall, z),
        Opcode::Bbc => immediate(Kind::Bbc, z),
        Opcode::Bbs => immediate(Kind::Bbs, z),
        Opcode::Bbci => on_bit(Kind::BitClear),
        Opcode::Bbsi => on_bit(Kind::BitSet),
        Opcode::Beqi => constant(Kind::Beqi),
        Opcode::Bnei => constant(Kind::Bnei),
        Opcode::Bgei => constant(Kind::Bgei),
        Opcode::Blti => constant(Kind::Blti),
        Opcode::Bgeui => constant(Kind::Bgeui),
        Opcode::Bltui => constant(Kind::Bltui),
        Opcode::Beqz => on_zero(Kind::Beqz),
        Opcode::Bnez => on_zero(Kind::Bnez),
        Opcode::Bgez => on_zero(Kind::Bgez),
        Opcode::Bltz => on_zero(Kind::Bltz),
        Opcode::J => immediate(Kind::J, x),
        Opcode::Jx => registers(Kind::Jx),
        Opcode::Call0 => immediate(Kind::Call0, x),
        Opcode::Callx0 => registers(Kind::Callx0),
        Opcode::Ret => registers(Kind::Ret),
        _ => Op::INTERPRET,
    }
}

/// A literal in flash or instruction RAM is as good as an immediate: its word is marked as code, so that a change drops
/// the block. Elsewhere it is loaded each time; with LITBASE in use the interpreter does it.
fn literal(instruction: &Instruction, memory: &mut Memory, litbase: u32) -> Op {
    if litbase & 1 != 0 {
        return Op::INTERPRET;
    }
    let address = instruction.literal_address(0);
    let x = Register::numbered(instruction.operands[0]);
    if address >= 0x4010_0000
        && let Ok(value) = memory.load(address, Width::Word)
    {
        memory.mark_code(address, address + 4);
        return Op { kind: Kind::Movi, x, imm: value, ..Op::INTERPRET };
    }
    Op { kind: Kind::L32r, x, imm: address, ..Op::INTERPRET }
}
