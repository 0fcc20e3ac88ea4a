//! The ESP-07's image: what is in the flash, and the linked program for its names.
//!
//! Three forms are understood: the folder that `cargo ci image` leaves (the pair for the flash, and the ELF file that
//! it was made of), an ELF file alone, and a dump of the flash from its beginning, with or without an ELF file beside
//! it. In an image that is linked against stubs, functions of the SDK are known by their stubs' names or, without
//! symbols, by the marks in the stubs; in one that is linked against the vendor's libraries, by the names of the
//! vendor's functions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use esp8266::image::lines::{Lines, Place, demangled};
use esp8266::image::{ImageError as FormatError, Program, elf, flash};
use esp8266::rom::ram;

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
/// The name of the stack that the program runs its own code on.
const STACK: &str = "firmware_stack";
/// The stack of the boot ROM and of the SDK's tasks, down to where the ROM's data end.
const ROM_STACK: Stack = Stack { name: "the SDK's stack", low: ram::END };
/// The same where the vendor's start-up code runs, whose frames alone take 5.4 KB: it goes on into what of the ROM's
/// data it does not need.
const VENDORS_STACK: Stack = Stack { low: ram::KNOWN_END, ..ROM_STACK };

/// An image.
#[derive(Debug)]
pub struct Image {
    flash: Vec<u8>,
    program: Option<Program>,
    elf: Option<Vec<u8>>,
    names: BTreeMap<String, u32>,
    stacks: Vec<Stack>,
    /// What was found at an address before: a program that crashes does so at the same few again and again, and to read
    /// the debug information takes longer than to get there.
    places: Mutex<BTreeMap<u32, Vec<Place>>>,
}

/// Memory that a stack grows down in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stack {
    /// What it is, in words.
    pub name: &'static str,
    /// Its lowest address.
    pub low: u32,
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
        let mut image = Self { flash, program, elf, names, stacks: Vec::new(), places: Mutex::default() };
        image.stacks.push(if image.is_vendors() { VENDORS_STACK } else { ROM_STACK });
        if image.is_vendors() {
            if image.address_of("user_init").is_none() {
                return Err("it starts with the vendor's code, but there is no `user_init` in it");
            }
        } else if image
            .address_of("sdk_boot")
            .is_some_and(|boot| image.address_of("sdk_start").is_none_or(|at| at == boot))
        {
            return Err(
                "it begins with this project's boot stub, but does not say where the program starts (`sdk_start`)",
            );
        } else if image.address_of("sdk_boot").is_none() {
            return Err(
                "it is neither linked against this project's stubs nor against the vendor's libraries with their \
                        names, which of a dump the ELF file has (--elf)",
            );
        }
        if let Some(low) = image.address_of(STACK) {
            image.stacks.push(Stack { name: "the firmware's stack", low });
        }
        Ok(image)
    }

    /// What the flash holds: 1 MiB.
    pub(super) fn flash(&self) -> &[u8] {
        &self.flash
    }

    /// The linked program, if its file is known.
    pub(super) fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }

    /// What stands at each of these addresses, by the debug information: see [`Lines::places`].
    pub(super) fn places(&self, addresses: &[u32]) -> Vec<Vec<Place>> {
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

    /// The stacks whose ends are known.
    pub(super) fn stacks(&self) -> &[Stack] {
        &self.stacks
    }

    /// Whether the vendor's start-up code is in it, in the place of this project's stubs.
    pub(super) fn is_vendors(&self) -> bool {
        self.names.contains_key("call_user_start")
    }

    /// The address of a function or object of the program.
    pub(super) fn address_of(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    /// Where the first object lies whose name is `wanted`.
    pub(super) fn range_of(&self, wanted: impl Fn(&str) -> bool) -> Option<std::ops::Range<u32>> {
        let (start, size, _) = self.program.as_ref()?.symbols.iter().find(|(_, _, name)| wanted(name))?;
        Some(*start..start.saturating_add(*size))
    }

    /// The function that an address is in, as its source names it.
    pub(super) fn function(&self, address: u32) -> Option<String> {
        if let Some(name) = esp8266::rom::symbol(address) {
            return Some(format!("{name} of the boot ROM"));
        }
        self.program.as_ref()?.symbol_at(address).map(|(name, _)| demangled(name))
    }

    /// An address in words: with its function, if it has one.
    pub(super) fn place(&self, address: u32) -> String {
        match self.function(address) {
            Some(name) => format!("{address:#010x}, {name}"),
            None => format!("{address:#010x}"),
        }
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
