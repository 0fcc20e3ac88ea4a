//! The instruction set: what a word at an address means.
//!
//! [`decode`] turns the bytes at a program counter into an [`Instruction`]: the operation, and its operands in the
//! order of the assembly language, registers as numbers, immediates as the value the operation uses, branch targets as
//! addresses. It reads nothing but the [table](table::ENTRIES). The interpreter executes instructions as they are; the
//! block executor translates them once more. [`Instruction`] displays itself as assembly text.
//!
//! Only what the LX106 has is here (no windowed registers, loops, MAC16, division, floating point); every other word is
//! no instruction, and raises an illegal instruction exception when it is executed.

use core::fmt;
use std::sync::LazyLock;

pub mod table;
#[cfg(test)]
mod tests;

use table::{ENTRIES, Entry};

/// What an instruction does. Names are the mnemonics of the Xtensa ISA manual.
#[expect(missing_docs, reason = "each is the mnemonic, and the manual is its documentation")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[rustfmt::skip]
pub enum Opcode {
    Abs, Add, Addi, Addmi, Addx2, Addx4, Addx8, And, Or, Xor, Sub, Subx2, Subx4, Subx8, Neg, Mov, Movi,
    Moveqz, Movnez, Movltz, Movgez, Extui, Nsa, Nsau, Mul16u, Mul16s, Mull,
    Ssr, Ssl, Ssa8l, Ssa8b, Ssai, Sll, Src, Srl, Sra, Slli, Srai, Srli,
    L8ui, L16ui, L16si, L32i, L32r, S8i, S16i, S32i,
    Beq, Bne, Bge, Blt, Bgeu, Bltu, Bany, Bnone, Ball, Bnall, Bbc, Bbs, Bbci, Bbsi,
    Beqi, Bnei, Bgei, Blti, Bgeui, Bltui, Beqz, Bnez, Bgez, Bltz,
    J, Jx, Call0, Callx0, Ret,
    Nop, Memw, Extw, Isync, Rsync, Esync, Dsync, Excw,
    Rsr, Wsr, Xsr, Rsil, Rfe, Rfde, Rfi, Waiti, Syscall, Simcall, Break, BreakN, Ill, Rfdo, Rfdd,
    Idtlb, Pdtlb, Rdtlb0, Rdtlb1, Wdtlb, Iitlb, Pitlb, Ritlb0, Ritlb1, Witlb, Rer, Wer,
}

/// How one operand is found in an instruction word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Register in bits 15:12.
    R,
    /// Register in bits 11:8.
    S,
    /// Register in bits 7:4.
    T,
    /// `addi.n`: field t, where 0 means −1.
    Addi4,
    /// `movi.n`: seven bits, −32 to 95.
    Imm7,
    /// Signed 8 bits.
    Imm8,
    /// Signed 8 bits, times 256.
    Imm8x256,
    /// `movi`: signed 12 bits.
    Imm12,
    /// Field r, times 4: offset of the 16-bit loads and stores.
    Offset4x4,
    /// Unsigned 8 bits: a byte's offset.
    Offset8,
    /// Unsigned 8 bits, times 2.
    Offset8x2,
    /// Unsigned 8 bits, times 4.
    Offset8x4,
    /// `l32r`: words back from the program counter (or from LITBASE); the operand is the negative byte offset.
    Literal,
    /// Field r as an index into the constants of the signed comparisons.
    Compare,
    /// Field r as an index into the constants of the unsigned comparisons.
    CompareUnsigned,
    /// Bit number of `bbci` and `bbsi`, 0 to 31.
    Bit,
    /// `extui`: where the field starts, 0 to 31.
    ExtractShift,
    /// `extui`: how many bits it has, 1 to 16.
    ExtractWidth,
    /// `ssai`: 0 to 31.
    ShiftAmount,
    /// `slli`: 1 to 32 (32 minus the encoded amount; 32 is undefined and shifts by 0).
    LeftShift,
    /// `srai`: 0 to 31.
    RightShift,
    /// Field s as a number: `srli`, `rsil`, `waiti`, `rfi`, `break`.
    FieldS,
    /// Field t as a number: `break`.
    FieldT,
    /// Target of `beqz.n` and `bnez.n`: six unsigned bits.
    Branch6,
    /// Target of a compare and branch: eight signed bits.
    Branch8,
    /// Target of a branch on zero: twelve signed bits.
    Branch12,
    /// Target of `j`: 18 signed bits.
    Jump,
    /// Target of `call0`: 18 signed bits, times 4, from the word of the program counter.
    Call,
    /// Number of a special register, bits 15:8; not printed, it is in the mnemonic.
    Special,
}

/// Constants that a signed comparison can encode.
const COMPARE: [i32; 16] = [-1, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64, 128, 256];
/// Constants that an unsigned comparison can encode.
const COMPARE_UNSIGNED: [u32; 16] = [32_768, 65_536, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64, 128, 256];

/// Bits `low` to `low + count - 1` of `word`.
const fn field(word: u32, low: u32, count: u32) -> u32 {
    (word >> low) & ((1 << count) - 1)
}

/// `value`'s low `bits` bits as a signed number.
const fn signed(value: u32, bits: u32) -> u32 {
    (((value << (32 - bits)) as i32) >> (32 - bits)) as u32
}

impl Operand {
    /// The operand's value in `word` at `pc`.
    fn value(self, word: u32, pc: u32) -> u32 {
        let (r, s, t) = (field(word, 12, 4), field(word, 8, 4), field(word, 4, 4));
        let imm8 = field(word, 16, 8);
        let from_pc = |offset: u32| pc.wrapping_add(4).wrapping_add(offset);
        match self {
            Self::R => r,
            Self::S | Self::FieldS => s,
            Self::T | Self::FieldT => t,
            Self::Addi4 if t == 0 => u32::MAX,
            Self::Addi4 => t,
            Self::Imm7 => {
                let imm7 = field(word, 4, 3) << 4 | r;
                if imm7 < 96 { imm7 } else { imm7.wrapping_sub(128) }
            }
            Self::Imm8 => signed(imm8, 8),
            Self::Imm8x256 => signed(imm8, 8) << 8,
            Self::Imm12 => signed(s << 8 | imm8, 12),
            Self::Offset4x4 => r << 2,
            Self::Offset8 => imm8,
            Self::Offset8x2 => imm8 << 1,
            Self::Offset8x4 => imm8 << 2,
            Self::Literal => 0xFFFC_0000 | field(word, 8, 16) << 2,
            Self::Compare => COMPARE[r as usize] as u32,
            Self::CompareUnsigned => COMPARE_UNSIGNED[r as usize],
            Self::Bit => field(word, 12, 1) << 4 | t,
            Self::ExtractShift => field(word, 16, 1) << 4 | s,
            Self::ExtractWidth => field(word, 20, 4) + 1,
            Self::ShiftAmount => field(word, 4, 1) << 4 | s,
            Self::LeftShift => 32 - (field(word, 20, 1) << 4 | t),
            Self::RightShift => field(word, 20, 1) << 4 | s,
            Self::Branch6 => from_pc(field(word, 4, 2) << 4 | r),
            Self::Branch8 => from_pc(signed(imm8, 8)),
            Self::Branch12 => from_pc(signed(field(word, 12, 12), 12)),
            Self::Jump => from_pc(signed(field(word, 6, 18), 18)),
            Self::Call => (pc & !3).wrapping_add(4).wrapping_add(signed(field(word, 6, 18), 18) << 2),
            Self::Special => field(word, 8, 8),
        }
    }

    pub(crate) fn is_register(self) -> bool {
        matches!(self, Self::R | Self::S | Self::T)
    }

    fn is_target(self) -> bool {
        matches!(self, Self::Branch6 | Self::Branch8 | Self::Branch12 | Self::Jump | Self::Call)
    }
}

/// A decoded instruction.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// The table's entry.
    pub entry: &'static Entry,
    /// Operands in the entry's order; what the entry does not use is 0.
    pub operands: [u32; 4],
    /// Where it stands.
    pub pc: u32,
}

impl Instruction {
    /// What it does.
    pub fn opcode(&self) -> Opcode {
        self.entry.opcode
    }

    /// Address of the instruction that follows in memory.
    pub fn next(&self) -> u32 {
        self.pc.wrapping_add(u32::from(self.entry.length))
    }

    /// Address that an `l32r` reads: back from its own word, or from LITBASE when that is enabled (bit 0).
    pub fn literal_address(&self, litbase: u32) -> u32 {
        if litbase & 1 == 0 {
            (self.pc.wrapping_add(3) & !3).wrapping_add(self.operands[1])
        } else {
            (litbase & 0xFFFF_F000).wrapping_add(self.operands[1])
        }
    }
}

/// Length in bytes of the instruction whose first byte is `byte`, or `None` if no instruction starts so.
pub fn length(byte: u8) -> Option<u8> {
    match byte & 0xF {
        0..=7 => Some(3),
        8..=13 => Some(2),
        _ => None,
    }
}

/// Entries that words with the same low byte and bits 19:16 can match: `KEYS[key]` indexes into [`ENTRIES`].
static KEYS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut keys = vec![Vec::new(); 0x1000];
    for (key, matching) in keys.iter_mut().enumerate() {
        let word = key_word(key as u32);
        for (index, entry) in ENTRIES.iter().enumerate() {
            if word & entry.mask & KEY_MASK == entry.bits & KEY_MASK {
                matching.push(index as u8);
            }
        }
    }
    keys
});

const KEY_MASK: u32 = 0x000F_00FF;

fn key_word(key: u32) -> u32 {
    key & 0xFF | (key & 0xF00) << 8
}

/// The instruction at `pc` whose bytes are the low bytes of `word`, or `None` if the core has none such. Bits beyond
/// the instruction's length are ignored.
pub fn decode(word: u32, pc: u32) -> Option<Instruction> {
    let word = word & if length(word as u8)? == 2 { 0xFFFF } else { 0x00FF_FFFF };
    let key = word & 0xFF | (word >> 8) & 0xF00;
    let entry =
        KEYS[key as usize].iter().map(|&index| &ENTRIES[usize::from(index)]).find(|e| word & e.mask == e.bits)?;
    let mut operands = [0; 4];
    for (value, operand) in operands.iter_mut().zip(entry.operands) {
        *value = operand.value(word, pc);
    }
    Some(Instruction { entry, operands, pc })
}

/// Assembly text as GNU tools write it, with absolute addresses for targets and literals.
impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry.name)?;
        let mut separator = " ";
        for (operand, &value) in self.entry.operands.iter().zip(&self.operands) {
            match operand {
                Operand::Special => continue,
                Operand::Literal => write!(f, "{separator}{:#x}", self.literal_address(0))?,
                operand if operand.is_register() => write!(f, "{separator}a{value}")?,
                operand if operand.is_target() => write!(f, "{separator}{value:#x}")?,
                _ => write!(f, "{separator}{}", value as i32)?,
            }
            separator = ", ";
        }
        Ok(())
    }
}
