//! Just enough of an assembler: instructions by the names and operands of the decoder's table.

use esp8266::isa::table::{ENTRIES, Entry};
use esp8266::isa::{Operand, decode};

/// The table's entry of a mnemonic.
pub fn entry(name: &str) -> &'static Entry {
    ENTRIES.iter().find(|entry| entry.name == name).unwrap_or_else(|| panic!("no instruction {name}"))
}

/// Bits of a word that hold `value` for `operand` at `pc`, for the operands that programs here are written with.
fn encode(operand: Operand, value: u32, pc: u32) -> u32 {
    let from_pc = value.wrapping_sub(pc.wrapping_add(4));
    match operand {
        Operand::R => value << 12,
        Operand::S | Operand::FieldS => value << 8,
        Operand::T => value << 4,
        Operand::Imm8 | Operand::Offset8 => (value & 0xFF) << 16,
        Operand::Imm12 => (value & 0xFF) << 16 | (value & 0xF00),
        Operand::Offset8x4 => (value >> 2) << 16,
        Operand::Literal => (value.wrapping_sub(pc.wrapping_add(3) & !3) >> 2 & 0xFFFF) << 8,
        Operand::Branch6 => (from_pc & 0xF) << 12 | (from_pc & 0x30),
        Operand::Branch8 => (from_pc & 0xFF) << 16,
        Operand::Branch12 => (from_pc & 0xFFF) << 12,
        Operand::Jump => (from_pc & 0x3_FFFF) << 6,
        Operand::Call => (value.wrapping_sub((pc & !3).wrapping_add(4)) >> 2 & 0x3_FFFF) << 6,
        Operand::Special => 0,
        other => panic!("cannot encode {other:?}"),
    }
}

/// Code that grows from an address on.
#[derive(Clone, Debug)]
pub struct Code {
    pub start: u32,
    pub bytes: Vec<u8>,
}

impl Code {
    pub fn new(start: u32) -> Self {
        Self { start, bytes: Vec::new() }
    }

    /// Address of the next byte.
    pub fn here(&self) -> u32 {
        self.start + self.bytes.len() as u32
    }

    /// Appends raw bytes of an instruction.
    pub fn raw(&mut self, word: u32, length: u8) {
        self.bytes.extend(&word.to_le_bytes()[..usize::from(length)]);
    }

    /// Appends a data word; the address must be aligned.
    pub fn word(&mut self, value: u32) {
        assert_eq!(self.here() % 4, 0);
        self.bytes.extend(value.to_le_bytes());
    }

    /// Appends an instruction; a literal's operand is its address.
    pub fn op(&mut self, name: &str, operands: &[u32]) {
        let entry = entry(name);
        let pc = self.here();
        let word = entry
            .operands
            .iter()
            .zip(operands)
            .fold(entry.bits, |word, (&operand, &value)| word | encode(operand, value, pc));
        debug_assert_eq!(decode(word, pc).map(|i| i.entry.name), Some(name));
        self.raw(word, entry.length);
    }

    /// Puts `target` into the branch, jump or call that stands at `at`.
    pub fn patch_target(&mut self, at: u32, target: u32) {
        let index = (at - self.start) as usize;
        let mut bytes = [0; 4];
        let available = self.bytes.len().min(index + 4) - index;
        bytes[..available].copy_from_slice(&self.bytes[index..index + available]);
        let instruction = decode(u32::from_le_bytes(bytes), at).expect("an instruction stands there");
        let entry = instruction.entry;
        let operand = *entry.operands.last().expect("it has a target");
        let field = match operand {
            Operand::Branch6 => 0xF030,
            Operand::Branch8 => 0xFF_0000,
            Operand::Branch12 => 0xFF_F000,
            Operand::Jump | Operand::Call => 0xFF_FFC0,
            other => panic!("{other:?} is no target"),
        };
        let word = u32::from_le_bytes(bytes) & !field | encode(operand, target, at);
        let length = usize::from(entry.length);
        self.bytes[index..index + length].copy_from_slice(&word.to_le_bytes()[..length]);
    }

    /// Fills with zeros up to a multiple of four.
    pub fn align(&mut self) {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }
}

/// An ELF file of these pieces of code.
pub fn elf_file(entry: u32, pieces: &[&Code]) -> Vec<u8> {
    let mut file = b"\x7FELF\x01\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([2, 0, 94, 0]);
    file.extend([1, entry, 52, 0, 0].iter().flat_map(|value: &u32| value.to_le_bytes()));
    file.extend([52, 32, pieces.len() as u16, 0, 0, 0].iter().flat_map(|value: &u16| value.to_le_bytes()));
    let mut offset = 52 + 32 * pieces.len() as u32;
    for code in pieces {
        let size = code.bytes.len() as u32;
        file.extend([1, offset, code.start, code.start, size, size, 7, 4].iter().flat_map(|v: &u32| v.to_le_bytes()));
        offset += size;
    }
    for code in pieces {
        file.extend(&code.bytes);
    }
    file
}
