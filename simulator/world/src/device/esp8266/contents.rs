//! What is in a flash before its device is first powered: parts, each at its offset.
//!
//! [`Programming`] collects what somebody wants to be written, from files that are named in one of the ways that the
//! module `files` knows. [`Contents`] is what comes of it: parts that fit beside each other into a flash of some size,
//! with what `esptool` and the vendor's code want besides. Whatever programs a flash, compares one or says what was in
//! it begins here.

mod files;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use esp8266::image::flash::{self, INIT_DATA_LENGTH};
use esp8266::image::{ImageError as FormatError, Program};
use esp8266::rom::ram;
use firmware::mark::Mark;

use super::symbols::{FIRMWARE_STACK, Stack, Symbols};
use crate::device::Port;
use crate::input::InputError;
use simulator_parts::flash::SECTOR;

/// A part of what is written to a flash.
#[derive(Clone, PartialEq, Eq)]
pub struct FlashPart {
    /// Where it begins, in bytes from the flash's beginning.
    pub offset: u32,
    /// What messages call it: its file as the user has named it, or what it is.
    pub name: String,
    /// What is written there.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for FlashPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {:#07x}, {} bytes", self.name, self.offset, self.bytes.len())
    }
}

impl FlashPart {
    fn end(&self) -> u64 {
        u64::from(self.offset) + self.bytes.len() as u64
    }
}

/// What somebody wants to be written to a flash, and what is known of the program in it.
#[derive(Debug, Default)]
pub struct Programming {
    parts: Vec<FlashPart>,
    symbols: Symbols,
    flash_size: Option<u32>,
    init_data: Option<Vec<u8>>,
}

/// Why nothing can be written to a flash.
#[derive(Debug, thiserror::Error)]
pub enum ContentsError {
    /// A file cannot be read.
    #[error("could not read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: InputError,
    },
    /// A file is not what it should be.
    #[error("could not use {}: {source}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Why.
        source: FormatError,
    },
    /// A folder in which no file says its offset.
    #[error("nothing in {} is to be flashed: a file there says its offset by its name, such as 0x00000.bin", .0.display())]
    NoParts(PathBuf),
    /// A folder with several linked programs.
    #[error("there is more than one ELF file in {}, {first} and {second}: say which has the names", folder.display())]
    SeveralPrograms {
        /// The folder.
        folder: PathBuf,
        /// One file's name.
        first: String,
        /// Another's.
        second: String,
    },
    /// A list that says something else than offsets and files.
    #[error("could not understand line {line} of {}, {text:?}: expected an offset and a file, such as 0x10000 second.bin", path.display())]
    List {
        /// The list.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What it says.
        text: String,
    },
    /// Nothing to start.
    #[error("nothing lies at offset 0, where the boot ROM looks for a program")]
    NoStart,
    /// The first part is no image.
    #[error("could not use {name}: {source}")]
    Start {
        /// What the part is called.
        name: String,
        /// Why.
        source: FormatError,
    },
    /// Two parts are in each other's way.
    #[error(
        "{first} ends at {end:#x}, and {second} begins at {offset:#x}: in one sector of {} bytes, which is erased \
         before either is written",
        SECTOR
    )]
    Overlap {
        /// What the lower one is called.
        first: String,
        /// Where that ends.
        end: u64,
        /// What the other is called.
        second: String,
        /// Where that begins.
        offset: u32,
    },
    /// A part outside of the flash.
    #[error("{name} at {offset:#x} ends at {end:#x}, and the flash has {size:#x} bytes")]
    Outside {
        /// What it is called.
        name: String,
        /// Where it begins.
        offset: u32,
        /// Where it ends.
        end: u64,
        /// Bytes of the flash.
        size: usize,
    },
    /// Data for the radio that the vendor's code would refuse.
    #[error("the radio's init data are {} bytes that begin with 5, and {} has {found}", INIT_DATA_LENGTH, path.display())]
    InitData {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: String,
    },
}

impl Programming {
    /// What the user names by one path: see the module `files`.
    ///
    /// # Errors
    /// [`ContentsError`], with the file.
    pub fn read(path: &Path) -> Result<Self, ContentsError> {
        files::read(path)
    }

    /// Adds a part.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn add(&mut self, offset: u32, path: &Path) -> Result<(), ContentsError> {
        self.parts.push(files::part(offset, path)?);
        Ok(())
    }

    /// Takes names from this ELF file.
    ///
    /// # Errors
    /// If it cannot be read, or is none.
    pub fn name_by(&mut self, elf: &Path) -> Result<(), ContentsError> {
        self.symbols = files::symbols(elf)?;
        Ok(())
    }

    /// For a flash of so many bytes; default what the image says.
    pub fn set_flash_size(&mut self, bytes: u32) {
        self.flash_size = Some(bytes);
    }

    /// Has these bytes for the radio to start with, where the vendor's SDK looks for them.
    ///
    /// # Errors
    /// If the file cannot be read, or has something else.
    pub fn set_init_data(&mut self, path: &Path) -> Result<(), ContentsError> {
        self.init_data = Some(files::init_data(path)?);
        Ok(())
    }

    /// The linked program, if one is known.
    pub(super) fn program(&self) -> Option<&Program> {
        self.symbols.program()
    }

    /// The parts as they were named.
    pub fn parts(&self) -> &[FlashPart] {
        &self.parts
    }
}

/// The contents of a flash of some size.
#[derive(Clone, Debug)]
pub struct Contents {
    /// By their offsets, each in sectors of its own.
    parts: Vec<FlashPart>,
    size: u32,
    mark: Option<Mark>,
    symbols: Arc<Symbols>,
}

/// Why settings cannot be put beside an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// An image of another firmware.
    #[error("the image is not the yellow duck's, and only its firmware reads `settings`")]
    Foreign,
    /// An image of another version.
    #[error(
        "the image keeps its settings at {:#x} to {:#x} in format {}.{}, and this preflash writes them at {:#x} to \
         {:#x} in format {}.{}: build both from the same sources",
        .0.sectors.start, .0.sectors.end, .0.formats[0], .0.formats[1],
        Mark::OWN.sectors.start, Mark::OWN.sectors.end, Mark::OWN.formats[0], Mark::OWN.formats[1]
    )]
    Other(Mark),
}

impl Contents {
    /// What comes of what was wanted. The size of the flash is written into the image's header, where it is another
    /// than that says. What the radio starts with is there in any case: the user's, the image's, or a default.
    ///
    /// # Errors
    /// [`ContentsError`], if there is nothing to start, or the parts do not fit.
    pub fn new(wanted: Programming) -> Result<Self, ContentsError> {
        let Programming { mut parts, mut symbols, flash_size, init_data } = wanted;
        parts.sort_by_key(|part| part.offset);
        let first = parts.first().filter(|part| part.offset == 0).ok_or(ContentsError::NoStart)?;
        let fails = |source| ContentsError::Start { name: first.name.clone(), source };
        let size = flash::size_for(&first.bytes, first.bytes.len(), flash_size.map(|size| size as usize));
        let mut size = size.map_err(fails)?;
        let used = parts.iter().map(FlashPart::end).max().unwrap_or_default() as usize;
        if flash_size.is_none() && used > size.bytes {
            let larger = flash::SIZES.iter().filter(|size| size.bytes >= used).min_by_key(|size| size.bytes);
            size = larger.copied().unwrap_or(size);
        }
        size.say_in(&mut parts[0].bytes);
        let (at, default) = flash::init_data(&size);
        let blank = |part: &FlashPart| {
            let there = part.bytes.get((at as u64).saturating_sub(u64::from(part.offset)) as usize..);
            part.end() <= at as u64
                || part.offset as usize >= at + INIT_DATA_LENGTH
                || there.is_some_and(|there| there.iter().take(INIT_DATA_LENGTH).all(|byte| *byte == 0xFF))
        };
        match init_data {
            Some(bytes) => parts.push(FlashPart { offset: at as u32, name: INIT_DATA.to_owned(), bytes }),
            None if parts.iter().all(blank) => write(&mut parts, at, &default),
            None => {}
        }
        parts.sort_by_key(|part| part.offset);
        fit(&parts, size.bytes)?;
        let mark = parts.iter().find_map(|part| Mark::find(&part.bytes));
        if mark.is_some()
            && let Some(low) = symbols.address_of(FIRMWARE_STACK)
        {
            symbols.stacks = vec![SDK_STACK, Stack { name: "the firmware's stack", low }];
        }
        Ok(Self { parts, size: size.bytes as u32, mark, symbols: Arc::new(symbols) })
    }

    /// A flash with an image at its beginning, as `esptool write-flash --flash-size` leaves it.
    ///
    /// # Errors
    /// If it is no image, or the flash is too small for it or no flash has that size.
    pub fn of_image(image: &[u8], size: Option<u32>) -> Result<Self, ContentsError> {
        let part = FlashPart { offset: 0, name: "the image".to_owned(), bytes: image.to_vec() };
        Self::new(Programming { parts: vec![part], flash_size: size, ..Programming::default() })
    }

    /// A flash that holds this, byte by byte.
    ///
    /// # Errors
    /// If no flash has that size.
    pub fn of_dump(bytes: Vec<u8>) -> Result<Self, ContentsError> {
        let name = "the flash's contents".to_owned();
        let fails = |source| ContentsError::Start { name: name.clone(), source };
        let bytes = flash::whole(bytes).map_err(fails)?;
        let (size, mark) = (bytes.len() as u32, Mark::find(&bytes));
        let parts = vec![FlashPart { offset: 0, name, bytes }];
        Ok(Self { parts, size, mark, symbols: Arc::default() })
    }

    /// An erased flash of that size, or of 4 MiB.
    pub fn erased(size: Option<u32>) -> Self {
        let size = flash::erased(size.map(|size| size as usize)).len() as u32;
        Self { parts: Vec::new(), size, mark: None, symbols: Arc::default() }
    }

    /// What is written, in the order of the offsets.
    pub fn parts(&self) -> &[FlashPart] {
        &self.parts
    }

    /// Bytes of the flash.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The ELF file that has the program's names, if there is one: what it is called, and its bytes.
    pub fn elf(&self) -> Option<(&str, &[u8])> {
        self.symbols.elf()
    }

    /// The yellow duck's mark, if one of the parts has it.
    pub fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// Whether the settings that the yellow duck's firmware of this version writes are such that the image finds and
    /// reads them.
    ///
    /// # Errors
    /// If it would not.
    pub fn takes_settings(&self) -> Result<(), SettingsError> {
        match &self.mark {
            None => Err(SettingsError::Foreign),
            Some(mark) if *mark == Mark::OWN => Ok(()),
            Some(mark) => Err(SettingsError::Other(mark.clone())),
        }
    }

    /// What is known of the program besides its bytes.
    pub(super) fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// Puts it into a board's blank flash, as a programmer does.
    pub(super) fn program(&self, port: &Port) {
        let mut flash = port.flash.borrow_mut();
        flash.resize(self.size());
        for part in &self.parts {
            flash.preload(part.offset, &part.bytes).expect("the parts lie in the flash");
        }
    }
}

/// The stack of the boot ROM and of the SDK's tasks. The frames of the SDK's start-up code alone take 5.4 KB: it goes
/// on into what of the ROM's data it does not need.
const SDK_STACK: Stack = Stack { name: "the SDK's stack", low: ram::KNOWN_END };

/// What the radio's own part is called.
const INIT_DATA: &str = "the radio's init data";

/// Writes bytes where nothing is: into the part that reaches there, or as one more.
fn write(parts: &mut Vec<FlashPart>, at: usize, bytes: &[u8]) {
    let reaches = |part: &&mut FlashPart| (part.offset as usize) <= at && part.end() > at as u64;
    match parts.iter_mut().find(reaches) {
        Some(part) => {
            let from = at - part.offset as usize;
            part.bytes.resize(part.bytes.len().max(from + bytes.len()), 0xFF);
            part.bytes[from..from + bytes.len()].copy_from_slice(bytes);
        }
        None => parts.push(FlashPart { offset: at as u32, name: INIT_DATA.to_owned(), bytes: bytes.to_vec() }),
    }
}

/// Looks whether the parts, in order, lie in sectors of their own, and in the flash.
fn fit(parts: &[FlashPart], size: usize) -> Result<(), ContentsError> {
    for pair in parts.windows(2) {
        let [first, second] = pair else { continue };
        if first.end().next_multiple_of(SECTOR.into()) > u64::from(second.offset - second.offset % SECTOR) {
            return Err(ContentsError::Overlap {
                first: first.name.clone(),
                end: first.end(),
                second: second.name.clone(),
                offset: second.offset,
            });
        }
    }
    match parts.iter().find(|part| part.end() > size as u64) {
        Some(part) => {
            Err(ContentsError::Outside { name: part.name.clone(), offset: part.offset, end: part.end(), size })
        }
        None => Ok(()),
    }
}
