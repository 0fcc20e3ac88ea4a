//! Names of a program's addresses, and how far its stacks may go: what reports on a program that came to grief are made
//! with.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use esp8266::image::lines::{Lines, Place, demangled};
use esp8266::image::{ImageError, Program, elf};

/// How many bytes below a stack's end are watched.
const WATCHED: u32 = 256;
/// First address of data memory.
const DATA_MEMORY: u32 = 0x3FFE_8000;

/// Memory that a stack grows down in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stack {
    /// What it is, in words.
    pub name: &'static str,
    /// Its lowest address.
    pub low: u32,
}

/// The name of the stack that the yellow duck's program runs its own code on.
pub(super) const FIRMWARE_STACK: &str = "firmware_stack";

/// What is known of a program besides its bytes.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    program: Option<Program>,
    elf: Option<Vec<u8>>,
    /// What the ELF file is called, if it is one that the user has.
    pub name: Option<String>,
    /// The stacks whose ends are known.
    pub stacks: Vec<Stack>,
    /// What was found at an address before: a program that crashes does so at the same few again and again, and to read
    /// the debug information takes longer than to get there.
    places: Mutex<BTreeMap<u32, Vec<Place>>>,
}

impl Symbols {
    /// What a program's symbols tell, and its ELF file's debug information.
    pub fn new(program: Option<Program>, elf: Option<Vec<u8>>) -> Self {
        Self { program, elf, ..Self::default() }
    }

    /// What an ELF file tells.
    ///
    /// # Errors
    /// If it is none for this core.
    pub fn of_elf(bytes: Vec<u8>) -> Result<Self, ImageError> {
        Ok(Self::new(Some(elf::parse(&bytes)?), Some(bytes)))
    }

    /// The ELF file that has the names: what it is called, and its bytes.
    pub fn elf(&self) -> Option<(&str, &[u8])> {
        Some((self.name.as_deref()?, self.elf.as_deref()?))
    }

    /// The linked program, if its file is known.
    pub fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }

    /// The memory below the stacks' ends, where nothing of theirs may be stored.
    pub fn below_stacks(&self) -> Vec<Range<u32>> {
        let below = |stack: &Stack| stack.low.saturating_sub(WATCHED).max(DATA_MEMORY)..stack.low;
        self.stacks.iter().map(below).filter(|range| !range.is_empty()).collect()
    }

    /// The address of a function or object.
    pub fn address_of(&self, name: &str) -> Option<u32> {
        let symbols = &self.program.as_ref()?.symbols;
        symbols.iter().find(|(_, _, of)| of == name).map(|(address, _, _)| *address)
    }

    /// What stands at each of these addresses, by the debug information: see [`Lines::places`].
    pub fn places(&self, addresses: &[u32]) -> Vec<Vec<Place>> {
        let mut known = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(elf) = &self.elf
            && addresses.iter().any(|address| !known.contains_key(address))
        {
            let lines = Lines::read(elf);
            for &address in addresses {
                known
                    .entry(address)
                    .or_insert_with(|| lines.as_ref().map(|lines| lines.places(address)).unwrap_or_default());
            }
        }
        addresses.iter().map(|address| known.get(address).cloned().unwrap_or_default()).collect()
    }

    /// The function that an address is in, as its source names it.
    pub fn function(&self, address: u32) -> Option<String> {
        if let Some(name) = esp8266::rom::symbol(address) {
            return Some(format!("{name} of the boot ROM"));
        }
        self.program.as_ref()?.symbol_at(address).map(|(name, _)| demangled(name))
    }

    /// An address in words: with its function, if it has one.
    pub fn place(&self, address: u32) -> String {
        match self.function(address) {
            Some(name) => format!("{address:#010x}, {name}"),
            None => format!("{address:#010x}"),
        }
    }
}
