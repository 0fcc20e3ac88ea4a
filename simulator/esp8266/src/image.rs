//! Programs on their way into the chip: ELF files, and images as they stand in flash.
//!
//! A [`Program`] is read from an [ELF file](elf); it goes straight to where its sections belong. An [image](flash) is
//! what the boot ROM loads from flash, and is checked here by the same rules, so that a broken file is one clear error
//! before anything runs. Images of second-stage boot loaders (magic 0xEA) are not read.

pub mod elf;
pub mod flash;
pub mod lines;
#[cfg(test)]
mod tests;

use crate::memory::{FLASH_WINDOW, FLASH_WINDOW_SIZE, Kind, Memory, REGIONS};

/// Why a file is no program for this chip. Each reads well after "could not load FILE: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// No ELF file, or a damaged one.
    #[error("not a readable ELF file: {0}")]
    Elf(String),
    /// An ELF file for another machine.
    #[error("the ELF file is for another machine, not for little-endian 32-bit Xtensa")]
    OtherMachine,
    /// An ELF file with nothing to load.
    #[error("the ELF file has nothing to load; is it an object file that still needs linking?")]
    NothingToLoad,
    /// The first byte is not that of an image.
    #[error("the image at {offset:#x} starts with {found:#04x} instead of 0xe9")]
    Magic {
        /// Where in the flash the image should start.
        offset: usize,
        /// The byte that is there.
        found: u8,
    },
    /// The file ends too early.
    #[error("the file ends at {length:#x}, within {within}")]
    Truncated {
        /// Length of the file.
        length: usize,
        /// What ends too early.
        within: &'static str,
    },
    /// More segments than the boot ROM accepts.
    #[error("the image claims {0} segments; there are 1 to 16")]
    Segments(u8),
    /// A segment lies where no memory is.
    #[error("{length:#x} bytes for {address:#010x} do not fit into the chip's memory there")]
    Outside {
        /// Where it begins.
        address: u32,
        /// How long it is.
        length: usize,
    },
    /// The entry point is no address of instructions.
    #[error("the entry point {0:#010x} is not in instruction memory")]
    Entry(u32),
    /// The checksum does not fit the data.
    #[error("the image's checksum is {stored:#04x}, its data make {computed:#04x}")]
    Checksum {
        /// What the file says.
        stored: u8,
        /// What its data make.
        computed: u8,
    },
    /// A flash dump that is larger than the flash.
    #[error("a flash dump has {most:#x} bytes at most, the file has {found:#x}")]
    DumpSize {
        /// Bytes that it may have.
        most: usize,
        /// Bytes that it has.
        found: usize,
    },
    /// A size that no flash has.
    #[error("no flash has {0:#x} bytes: they have 256 KiB to 16 MiB, a power of two")]
    FlashSize(usize),
    /// The two parts of an image overlap.
    #[error("the image for 0x00000 has {0:#x} bytes and reaches into the part at 0x10000")]
    Overlap(usize),
}

/// Bytes for an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where they go.
    pub address: u32,
    /// What goes there.
    pub bytes: Vec<u8>,
}

impl Segment {
    /// Checks that RAM, or the flash window if that is allowed, takes the whole segment.
    fn check(self, flash: bool) -> Result<Self, ImageError> {
        let fits = |region: &crate::memory::Region| {
            (flash || region.kind != Kind::Flash)
                && region.contains(self.address)
                && self.bytes.len() as u64 <= u64::from(region.size - (self.address - region.start))
        };
        // Data RAM and the boot ROM's part of it, and the parts of instruction RAM, follow each other.
        let end = self.address.checked_add(self.bytes.len() as u32).map(|end| end.saturating_sub(1));
        let spans = |kind| {
            let inside = |address: u32| REGIONS.iter().any(|r| r.kind == kind && r.contains(address));
            inside(self.address) && end.is_some_and(inside) && self.bytes.len() < 0x2_0000
        };
        if self.bytes.is_empty() || REGIONS.iter().any(fits) || spans(Kind::Data) || spans(Kind::Instructions) {
            Ok(self)
        } else {
            Err(ImageError::Outside { address: self.address, length: self.bytes.len() })
        }
    }
}

fn check_entry(entry: u32) -> Result<u32, ImageError> {
    let fetched = REGIONS.iter().any(|region| region.kind != Kind::Data && region.contains(entry));
    if fetched { Ok(entry) } else { Err(ImageError::Entry(entry)) }
}

/// How far a symbol without a size may reach.
const UNSAID_SIZE: u32 = 1_024;

/// A linked program with its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Where it starts.
    pub entry: u32,
    /// What it consists of; each segment fits into the chip's memory.
    pub segments: Vec<Segment>,
    /// Functions and objects: address, size in bytes, name; in the order of their addresses.
    pub symbols: Vec<(u32, u32, String)>,
}

impl Program {
    /// Puts the program into memory as a debugger would: RAM directly, the rest into the flash, which must be 1 MiB.
    pub fn load(&self, memory: &mut Memory) {
        for segment in &self.segments {
            let offset = segment.address.wrapping_sub(FLASH_WINDOW);
            if offset < FLASH_WINDOW_SIZE {
                let at = offset as usize;
                memory.flash_mut()[at..at + segment.bytes.len()].copy_from_slice(&segment.bytes);
            } else {
                memory.poke(segment.address, &segment.bytes);
            }
        }
    }

    /// The address of a symbol.
    pub fn address_of(&self, name: &str) -> Option<u32> {
        self.symbols.iter().find(|symbol| symbol.2 == name).map(|symbol| symbol.0)
    }

    /// The symbol that an address belongs to, and the offset in it.
    pub fn symbol_at(&self, address: u32) -> Option<(&str, u32)> {
        let after = self.symbols.partition_point(|symbol| symbol.0 <= address);
        let (start, size, name) = self.symbols.get(after.checked_sub(1)?)?;
        let offset = address - start;
        // Assembly often says no size: such a symbol reaches up to the next, within reason.
        let size = if *size == 0 { UNSAID_SIZE } else { *size };
        (offset < size).then_some((name, offset))
    }

    /// Bytes of the program as they are in its file.
    pub fn bytes(&self, address: u32, length: usize) -> Option<Vec<u8>> {
        self.segments.iter().find_map(|segment| {
            let at = address.checked_sub(segment.address)? as usize;
            segment.bytes.get(at..at.checked_add(length)?).map(<[u8]>::to_vec)
        })
    }
}
