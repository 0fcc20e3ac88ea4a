//! The ESP-07's image: what is in the flash, and the linked program for its names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use esp8266::image::{ImageError as FormatError, Program, elf, flash};

/// What an image consists of, in its folder.
const PROGRAM: &str = "esp07";
const FIRST: &str = "0x00000.bin";
const SECOND: &str = "0x10000.bin";

/// An image.
#[derive(Debug)]
pub struct Image {
    flash: Vec<u8>,
    program: Program,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file cannot be read.
    #[error("could not read {}: {source} (build the image with `cargo ci image`)", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("could not load {}: {source}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Why.
        source: FormatError,
    },
}

impl Image {
    /// Loads the image that `cargo ci image` leaves in a folder: the two files for the flash, and the ELF file they were
    /// made of.
    ///
    /// # Errors
    /// [`ImageError`], with the file.
    pub fn load(folder: &Path) -> Result<Self, ImageError> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|source| ImageError::Unreadable { path, source })
        };
        let broken = |name: &str| {
            let path = folder.join(name);
            move |source| ImageError::Broken { path, source }
        };
        let program = elf::parse(&read(PROGRAM)?).map_err(broken(PROGRAM))?;
        let flash = flash::assemble(&read(FIRST)?, &read(SECOND)?).map_err(broken(FIRST))?;
        Ok(Self { flash, program })
    }

    /// What the flash holds: 1 MiB.
    pub(super) fn flash(&self) -> &[u8] {
        &self.flash
    }

    /// The address of a function or object of the program.
    pub(super) fn address_of(&self, name: &str) -> Option<u32> {
        self.program.address_of(name)
    }

    /// Where the first object lies whose name is `wanted`.
    pub(super) fn range_of(&self, wanted: impl Fn(&str) -> bool) -> Option<std::ops::Range<u32>> {
        let (start, size, _) = self.program.symbols.iter().find(|(_, _, name)| wanted(name))?;
        Some(*start..start.saturating_add(*size))
    }

    /// An address in words: function and offset, if it has one.
    pub(super) fn place(&self, address: u32) -> String {
        if let Some(name) = esp8266::rom::symbol(address) {
            return format!("{address:#010x}, {name} of the boot ROM");
        }
        match self.program.symbol_at(address) {
            Some((name, offset)) => format!("{address:#010x}, {name} + {offset:#x}"),
            None => format!("{address:#010x}"),
        }
    }
}
