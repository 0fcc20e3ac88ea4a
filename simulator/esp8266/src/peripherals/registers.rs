//! Register blocks as tables.
//!
//! A block is an enumeration made by [`registers!`]: each register's offset, access, value after reset, published name
//! and fields. Devices look an offset up, match on the register, and keep plain values in a [`Bank`]. What a field asks
//! for in vain stands beside it: whoever sets it is told, as for a register that is not modelled at all.

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

/// Bits of a register that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    low: u32,
    mask: u32,
}

impl Field {
    /// Bits `low` to `high`, both at most 31.
    pub const fn new(low: u32, high: u32) -> Self {
        Self { low, mask: u32::MAX >> (31 - high) & u32::MAX << low }
    }

    /// Its bits, where they stand in the register.
    pub const fn mask(self) -> u32 {
        self.mask
    }

    /// The number that a register's value has in this field.
    pub const fn of(self, value: u32) -> u32 {
        (value & self.mask) >> self.low
    }

    /// Whether a register's value has any of these bits.
    pub const fn is_in(self, value: u32) -> bool {
        value & self.mask != 0
    }
}

/// A field that asks for something that is not modelled.
#[derive(Clone, Copy, Debug)]
pub struct Ignored {
    /// The field.
    pub field: Field,
    /// What it asks for.
    pub what: &'static str,
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
    /// Its fields that ask for something that is not modelled.
    pub ignored: &'static [Ignored],
}

impl Description {
    /// What a write of `value` asks for in vain, first of all.
    pub fn asked_in_vain(&self, value: u32) -> Option<&'static str> {
        self.ignored.iter().find(|ignored| ignored.field.is_in(value)).map(|ignored| ignored.what)
    }
}

/// The registers of a block, as offsets find them.
pub trait Layout: Copy + 'static {
    /// The register at `offset`, if the block has one there.
    fn at(offset: u32) -> Option<Self>;

    /// Its description, if it has a name of its own.
    fn describe(self) -> Option<&'static Description>;
}

/// An enumeration of the registers of a block.
pub trait Registers: Layout {
    /// All of them, in the order of the enumeration.
    const TABLE: &'static [Description];

    /// Its place in the table.
    fn index(self) -> usize;

    /// Its description.
    fn description(self) -> &'static Description {
        &Self::TABLE[self.index()]
    }
}

/// Makes an enumeration of registers, a row each:
///
/// ```text
/// offset Name Access = reset, "PUBLISHED_NAME";
/// offset Name Access = reset, "PUBLISHED_NAME" module { FIELD: bit; FIELD: low..=high ignored "what it asks for"; };
/// offset Name Access = reset, "PUBLISHED_NAME" module;
/// ```
///
/// The fields become constants of a module; the last form names the module of a register that has the same fields.
macro_rules! registers {
    ($(#[$doc:meta])* $visibility:vis enum $name:ident {
        $(
            $offset:literal $variant:ident $access:ident = $reset:literal, $text:literal $($fields:ident $({
                $($field:ident: $low:literal $(..= $high:literal)? $(ignored $what:literal)?;)+
            })?)?;
        )+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name {
            $(#[doc = $text] $variant,)+
        }

        $($($(
            #[doc = concat!("Fields of ", $text, ".")]
            mod $fields {
                use $crate::peripherals::registers::{Field, Ignored};

                $(pub const $field: Field = $crate::peripherals::registers::bits!($low $(, $high)?);)+

                pub const IGNORED: &[Ignored] = &[$($(Ignored { field: $field, what: $what },)?)+];
            }
        )?)?)+

        impl $crate::peripherals::registers::Layout for $name {
            fn at(offset: u32) -> Option<Self> {
                match offset {
                    $($offset => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn describe(self) -> Option<&'static $crate::peripherals::registers::Description> {
                Some($crate::peripherals::registers::Registers::description(self))
            }
        }

        impl $crate::peripherals::registers::Registers for $name {
            const TABLE: &'static [$crate::peripherals::registers::Description] = &[
                $($crate::peripherals::registers::Description {
                    offset: $offset,
                    name: $text,
                    access: $crate::peripherals::registers::Access::$access,
                    reset: $reset,
                    ignored: $crate::peripherals::registers::ignored_of!($($fields)?),
                },)+
            ];

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

/// One bit, or those from one to another.
macro_rules! bits {
    ($bit:literal) => {
        $crate::peripherals::registers::Field::new($bit, $bit)
    };
    ($low:literal, $high:literal) => {
        $crate::peripherals::registers::Field::new($low, $high)
    };
}

/// The fields of a module that are ignored.
macro_rules! ignored_of {
    () => {
        &[]
    };
    ($fields:ident) => {
        $fields::IGNORED
    };
}

pub(crate) use {bits, ignored_of, registers};

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
            0x10 Strobe WriteOnly = 0, "STROBE" strobe { GO: 31; HOW: 4..=6; LEVEL: 0..=3 ignored "levels"; };
            0x14 Other ReadWrite = 0, "OTHER" strobe;
        }
    }

    #[test]
    fn fields_are_cut_out_and_what_they_ask_for_in_vain_is_told() {
        assert_eq!((strobe::GO.mask(), strobe::HOW.mask(), strobe::LEVEL.mask()), (1 << 31, 0x70, 0xF));
        assert_eq!(strobe::HOW.of(0x8000_0053), 5);
        assert!(strobe::GO.is_in(0x8000_0053) && !strobe::HOW.is_in(0x8F));
        for register in [Example::Strobe, Example::Other] {
            assert_eq!(register.description().asked_in_vain(0x8000_0008), Some("levels"));
            assert_eq!(register.description().asked_in_vain(0x8000_0070), None);
        }
        assert_eq!(Example::Plain.description().asked_in_vain(u32::MAX), None);
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
