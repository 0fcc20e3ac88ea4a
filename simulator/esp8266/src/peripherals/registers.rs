//! Register blocks as tables.
//!
//! A block is an enumeration made by [`registers!`]: each register's offset, access, value after reset and published name.
//! Devices look an offset up, match on the register, and keep plain values in a [`Bank`].

use core::marker::PhantomData;

/// How a register may be accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads what was written, or what the device makes of it.
    ReadWrite,
    /// Ignores writes.
    ReadOnly,
    /// Reads as 0.
    WriteOnly,
}

/// A register as its block's table describes it.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// From the beginning of the block, in bytes.
    pub offset: u32,
    /// Its name in Espressif's documents.
    pub name: &'static str,
    /// How it may be accessed.
    pub access: Access,
    /// Its value after reset.
    pub reset: u32,
}

/// An enumeration of the registers of a block.
pub trait Registers: Copy + 'static {
    /// All of them, in the order of the enumeration.
    const TABLE: &'static [Description];

    /// The register at `offset`, if the block has one there.
    fn at(offset: u32) -> Option<Self>;

    /// Its place in the table.
    fn index(self) -> usize;

    /// Its description.
    fn description(self) -> &'static Description {
        &Self::TABLE[self.index()]
    }
}

/// Makes an enumeration of registers: `offset Name Access = reset, "PUBLISHED_NAME";`.
macro_rules! registers {
    ($(#[$doc:meta])* $visibility:vis enum $name:ident {
        $($offset:literal $variant:ident $access:ident = $reset:literal, $text:literal;)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name {
            $(#[doc = $text] $variant,)+
        }

        impl $crate::peripherals::registers::Registers for $name {
            const TABLE: &'static [$crate::peripherals::registers::Description] = &[
                $($crate::peripherals::registers::Description {
                    offset: $offset,
                    name: $text,
                    access: $crate::peripherals::registers::Access::$access,
                    reset: $reset,
                },)+
            ];

            fn at(offset: u32) -> Option<Self> {
                match offset {
                    $($offset => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

pub(crate) use registers;

/// Values of a block's registers.
#[derive(Clone, Debug)]
pub struct Bank<R> {
    values: Vec<u32>,
    registers: PhantomData<R>,
}

impl<R: Registers> Default for Bank<R> {
    fn default() -> Self {
        Self { values: R::TABLE.iter().map(|register| register.reset).collect(), registers: PhantomData }
    }
}

impl<R: Registers> Bank<R> {
    /// The value kept for a register.
    pub fn value(&self, register: R) -> u32 {
        self.values[register.index()]
    }

    /// Keeps a value for a register, whoever may access it.
    pub fn set(&mut self, register: R, value: u32) {
        self.values[register.index()] = value;
    }

    /// What a program reads from a register without side effects.
    pub fn read(&self, register: R) -> u32 {
        match register.description().access {
            Access::WriteOnly => 0,
            _ => self.value(register),
        }
    }

    /// What a program writes to a register without side effects.
    pub fn write(&mut self, register: R, value: u32) {
        if register.description().access == Access::ReadWrite {
            self.set(register, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    registers! {
        /// Registers of a block of this test.
        enum Example {
            0x00 Plain ReadWrite = 7, "PLAIN";
            0x04 Fixed ReadOnly = 9, "FIXED";
            0x10 Strobe WriteOnly = 0, "STROBE";
        }
    }

    #[test]
    fn registers_are_found_by_offset_and_keep_to_their_access() {
        let mut bank = Bank::<Example>::default();
        for register in [Example::Plain, Example::Fixed, Example::Strobe] {
            let offset = register.description().offset;
            assert_eq!(Example::at(offset), Some(register));
            bank.write(register, 0x55);
        }
        assert_eq!(Example::at(8), None);
        assert_eq!(bank.read(Example::Plain), 0x55);
        assert_eq!(bank.read(Example::Fixed), 9);
        assert_eq!(bank.read(Example::Strobe), 0);
        assert_eq!(Example::Strobe.description().name, "STROBE");
    }
}
