//! Functions, files and lines of addresses, from the DWARF sections of an ELF file.

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use object::{Object, ObjectSection};

/// Reads the debug information of a program.
pub struct Lines<'a> {
    context: Context<EndianSlice<'a, LittleEndian>>,
}

/// What stands at an address: a function, or one that was inlined there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The function's name.
    pub function: Option<String>,
    /// The source file, from the folder of its crate on.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
}

impl<'a> Lines<'a> {
    /// The debug information in an ELF file; `None` if it cannot be read. A file without any has no places.
    pub fn read(elf: &'a [u8]) -> Option<Self> {
        let file = object::read::elf::ElfFile32::<object::Endianness>::parse(elf).ok()?;
        let section = |id: SectionId| {
            let data = file.section_by_name(id.name()).and_then(|section| section.data().ok()).unwrap_or_default();
            Ok::<_, addr2line::gimli::Error>(EndianSlice::new(data, LittleEndian))
        };
        let context = Context::from_dwarf(Dwarf::load(section).ok()?).ok()?;
        Some(Self { context })
    }

    /// What stands at `address`: functions inlined there from the innermost on, and the function that they are part of.
    /// Empty if nothing is known.
    pub fn places(&self, address: u32) -> Vec<Place> {
        let mut places = Vec::new();
        let Ok(mut frames) = self.context.find_frames(address.into()).skip_all_loads() else { return places };
        // A damaged entry ends the list.
        while let Ok(Some(frame)) = frames.next() {
            let function = frame.function.and_then(|name| name.raw_name().ok().map(|name| demangled(&name)));
            let (file, line) = frame.location.map_or((None, None), |location| (location.file, location.line));
            // Line 0 stands for code that no line is the source of.
            let line = line.filter(|line| *line != 0);
            places.push(Place { function, file: file.map(|file| short(file).to_owned()), line });
        }
        places
    }
}

/// A symbol's name as its source has it.
pub fn demangled(name: &str) -> String {
    addr2line::demangle(name, addr2line::gimli::DW_LANG_Rust).unwrap_or_else(|| name.to_owned())
}

/// A source path without what depends on the machine: from the crate's folder on.
fn short(path: &str) -> &str {
    let end = path.rfind("/src/").unwrap_or(0);
    path[..end].rfind('/').map_or(path, |slash| &path[slash + 1..])
}
