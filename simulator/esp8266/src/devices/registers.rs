//! Register blocks as tables.
//!
//! A block is 64 words at a base address. Its table names the registers that are modelled, with their values after reset and
//! the bits that keep what is written. What a register does beyond that is in its device, which asks by offset.

/// One register of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// Offset in the block, in bytes.
    pub offset: u32,
    /// Espressif's name.
    pub name: &'static str,
    /// Value after reset.
    pub reset: u32,
    /// Bits that keep what is written.
    pub keeps: u32,
}

/// A register that keeps all bits.
pub const fn plain(offset: u32, name: &'static str, reset: u32) -> Register {
    Register { offset, name, reset, keeps: u32::MAX }
}

/// A register of which some bits keep what is written.
pub const fn masked(offset: u32, name: &'static str, reset: u32, keeps: u32) -> Register {
    Register { offset, name, reset, keeps }
}

/// A register that keeps nothing: it is computed when it is read, or acts when it is written.
pub const fn acting(offset: u32, name: &'static str) -> Register {
    Register { offset, name, reset: 0, keeps: 0 }
}

/// The kept values of a block.
#[derive(Clone, Debug)]
pub struct Block {
    table: &'static [Register],
    values: [u32; 64],
}

impl Block {
    /// The block after reset.
    pub fn new(table: &'static [Register]) -> Self {
        let mut values = [0; 64];
        for register in table {
            values[register.offset as usize / 4 % 64] = register.reset;
        }
        Self { table, values }
    }

    /// The register at `offset`, if it is modelled.
    pub fn register(&self, offset: u32) -> Option<&'static Register> {
        self.table.iter().find(|register| register.offset == offset)
    }

    /// The kept value at `offset`.
    pub fn get(&self, offset: u32) -> u32 {
        self.values[offset as usize / 4 % 64]
    }

    /// Sets the kept value at `offset`, whatever the table says.
    pub fn set(&mut self, offset: u32, value: u32) {
        self.values[offset as usize / 4 % 64] = value;
    }

    /// Writes as a program does: only the bits that the register keeps.
    pub fn write(&mut self, offset: u32, value: u32) {
        if let Some(register) = self.register(offset) {
            let kept = self.get(offset) & !register.keeps;
            self.set(offset, kept | value & register.keeps);
        }
    }
}
