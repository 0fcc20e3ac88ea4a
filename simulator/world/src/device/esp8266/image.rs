//! The ESP-07's image that is linked against stubs: what is in the flash, and the linked program for its names. And
//! whether an image is one, or runs whole.
//!
//! Three forms are understood: the folder that `cargo ci image` leaves (the pair for the flash, and the ELF file that
//! it was made of), an ELF file alone, and a dump of the flash from its beginning, with or without an ELF file beside
//! it. Functions of the SDK are known by their stubs' names or, without symbols, by the marks in the stubs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use esp8266::image::{ImageError as FormatError, Program, elf, flash};
use esp8266::rom::ram;

use super::contents::{Contents, ContentsError, Programming};
use super::symbols::{FIRMWARE_STACK, Stack, Symbols};
use crate::input::{self, InputError, Limit};

/// How large each of the files may be: an ELF file with all that a debugger wants to know.
const LIMIT: Limit = Limit(256);

/// What can be run, for whoever names something else.
const RUNNABLE: &str = "preflash runs the yellow duck's image as `cargo ci image` builds it: its folder, its ELF file, or a dump of a \
                        flash of 1 MiB with it";
/// What an image consists of, in its folder.
const PROGRAM: &str = "esp07";
const FIRST: &str = "0x00000.bin";
const SECOND: &str = "0x10000.bin";
/// The stack of the boot ROM and of the SDK's tasks, down to where the ROM's data end.
const ROM_STACK: Stack = Stack { name: "the SDK's stack", low: ram::END };
/// What runs on the chip.
#[derive(Debug)]
pub enum Firmware {
    /// An image that is linked against this project's stubs: the vendor's functions are answered.
    Stubs(Box<Image>),
    /// Any other, which runs whole.
    Whole(Box<Contents>),
}

/// Why there is nothing to run.
#[derive(Debug, thiserror::Error)]
pub enum FirmwareError {
    /// An image that is linked against stubs is not as it should be.
    #[error(transparent)]
    Stubs(#[from] ImageError),
    /// The flash cannot be programmed so.
    #[error(transparent)]
    Whole(#[from] ContentsError),
}

impl Firmware {
    /// What is named by `path`, see [`Programming::read`], with the names in `elf`, if that is given.
    ///
    /// # Errors
    /// [`FirmwareError`].
    pub fn load(path: &Path, elf: Option<&Path>) -> Result<Self, FirmwareError> {
        let mut wanted = Programming::read(path)?;
        if let Some(elf) = elf {
            wanted.name_by(elf)?;
        }
        if is_stubbed(&wanted) {
            return Ok(Self::Stubs(Box::new(Image::load(path, elf)?)));
        }
        Ok(Self::Whole(Box::new(Contents::new(wanted)?)))
    }
}

/// Whether what lies at the flash's beginning, or the linked program, has the stubs' boot code.
fn is_stubbed(wanted: &Programming) -> bool {
    let named = |program: &Program| program.symbols.iter().any(|(_, _, name)| name == "sdk_boot");
    let mut first = wanted.parts().iter().filter(|part| part.offset == 0);
    wanted.program().is_some_and(named) || first.any(|part| marks(&part.bytes).contains_key("sdk_boot"))
}

/// An image.
#[derive(Debug)]
pub struct Image {
    flash: Vec<u8>,
    symbols: Symbols,
    /// The addresses of what the emulation asks for, by name.
    names: BTreeMap<String, u32>,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file cannot be read.
    #[error("could not read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: InputError,
    },
    /// A file is not what it should be.
    #[error("could not load {}: {source}; {}", path.display(), RUNNABLE)]
    Broken {
        /// The file.
        path: PathBuf,
        /// Why.
        source: FormatError,
    },
    /// The image does not have what the emulation needs to answer for the SDK.
    #[error("could not run {}: {reason}; {}", path.display(), RUNNABLE)]
    NoFirmware {
        /// The file.
        path: PathBuf,
        /// What is missing, and what would be right.
        reason: &'static str,
    },
}

impl Image {
    /// Loads the image at `path`: a folder as `cargo ci image` leaves it, an ELF file, or a dump of the flash, for
    /// which `names` is the ELF file with its symbols, if there is one.
    ///
    /// # Errors
    /// [`ImageError`], with the file.
    pub fn load(path: &Path, names: Option<&Path>) -> Result<Self, ImageError> {
        let (file, first) = if path.is_dir() { (path.join(FIRST), true) } else { (path.to_owned(), false) };
        let bytes = read(&file)?;
        let broken = |path: &Path| {
            let path = path.to_owned();
            move |source| ImageError::Broken { path, source }
        };
        let (flash, elf_at, elf) = if first {
            let second = read(&path.join(SECOND))?;
            let flash = flash::assemble(&bytes, &second).map_err(broken(&file))?;
            let elf = names.map_or_else(|| path.join(PROGRAM), Path::to_owned);
            let bytes = read(&elf)?;
            (flash, elf, Some(bytes))
        } else if bytes.starts_with(b"\x7fELF") {
            let program = elf::parse(&bytes).map_err(broken(&file))?;
            (flash::of_program(&program).map_err(broken(&file))?, file.clone(), Some(bytes))
        } else {
            let flash = flash::pad_dump(&bytes).map_err(broken(&file))?;
            let elf = names.map(read).transpose()?;
            (flash, names.unwrap_or(path).to_owned(), elf)
        };
        let program = elf.as_deref().map(elf::parse).transpose().map_err(broken(&elf_at))?;
        Self::new(flash, program, elf).map_err(|reason| ImageError::NoFirmware { path: file, reason })
    }

    /// The image with that flash and program.
    pub(super) fn new(flash: Vec<u8>, program: Option<Program>, elf: Option<Vec<u8>>) -> Result<Self, &'static str> {
        let names = match &program {
            Some(program) => program.symbols.iter().map(|(address, _, name)| (name.clone(), *address)).collect(),
            None => marks(&flash),
        };
        let mut image = Self { flash, symbols: Symbols::new(program, elf), names };
        image.symbols.stacks.push(ROM_STACK);
        let Some(boot) = image.address_of("sdk_boot") else {
            return Err("it is not linked against this project's stubs");
        };
        if image.address_of("sdk_start").is_none_or(|at| at == boot) {
            return Err(
                "it begins with this project's boot stub, but does not say where the program starts (`sdk_start`)",
            );
        }
        let of_firmware = image.address_of(FIRMWARE_STACK);
        image.symbols.stacks.extend(of_firmware.map(|low| Stack { name: "the firmware's stack", low }));
        Ok(image)
    }

    /// What the flash holds: 1 MiB.
    pub(super) fn flash(&self) -> &[u8] {
        &self.flash
    }

    /// What is known of the program besides its bytes.
    pub(super) fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The address of a function or object of the program.
    pub(super) fn address_of(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    /// Where the first object lies whose name is `wanted`.
    pub(super) fn range_of(&self, wanted: impl Fn(&str) -> bool) -> Option<std::ops::Range<u32>> {
        let (start, size, _) = self.symbols.program()?.symbols.iter().find(|(_, _, name)| wanted(name))?;
        Some(*start..start.saturating_add(*size))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ImageError> {
    input::bytes(path, LIMIT).map_err(|source| ImageError::Unreadable { path: path.to_owned(), source })
}

/// Names that an image without symbols tells by itself: each stub begins with an instruction of three bytes and a zero,
/// and then says `sdk:` and its function's name. Behind the one where the program starts stand addresses of the
/// program's own.
fn marks(flash: &[u8]) -> BTreeMap<String, u32> {
    const MARK: &[u8] = b"sdk:";
    const BOOT: &[u8] = b"boot";
    const OWN: [&str; 6] =
        ["sdk_start", "pbuf_alloc", "ethernet_input", "cpu_halt", "pbuf_free", "user_iram_memory_is_enabled"];
    let mut names = BTreeMap::new();
    // Loading has checked the image already.
    let segments = flash::parse(flash, 0).map(|image| image.segments).unwrap_or_default();
    for segment in &segments {
        for at in (4..segment.bytes.len().saturating_sub(MARK.len())).step_by(4) {
            let Some(name) = segment.bytes[at..].strip_prefix(MARK) else { continue };
            let address = segment.address.wrapping_add(at as u32 - 4);
            if let Some(own) = name.strip_prefix(BOOT).filter(|own| own.len() >= 4 * OWN.len()) {
                names.insert("sdk_boot".to_owned(), address);
                let words = own.chunks_exact(4).filter_map(|word| word.first_chunk().copied()).map(u32::from_le_bytes);
                names.extend(OWN.iter().map(|name| (*name).to_owned()).zip(words));
            } else if let Some(end) = name.iter().position(|byte| *byte == 0)
                && let Ok(name) = std::str::from_utf8(&name[..end])
            {
                names.insert(format!("sdk_{name}"), address);
            }
        }
    }
    names
}

#[cfg(test)]
mod tests;
