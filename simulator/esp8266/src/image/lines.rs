//! Functions, files and lines of addresses, from the DWARF sections of an ELF file.
//!
//! A program that was assembled as one text has one line table, which all of its compilation units share, those too
//! whose functions have all been inlined elsewhere or dropped. `addr2line` takes a unit without addresses of its own
//! for the owner of all that is in its line table, and then finds no function there. So such units are given an empty
//! table first. DWARF 4, sections 3.1.1 (units) and 6.2.4 (line tables).

use std::rc::Rc;

use addr2line::Context;
use gimli::{DW_AT_stmt_list, DW_FORM_sec_offset, Dwarf, EndianRcSlice, EndianSlice, LittleEndian, SectionId, Unit};
use object::{Object, ObjectSection};

/// Reads the debug information of a program.
pub struct Lines {
    context: Context<EndianRcSlice<LittleEndian>>,
}

/// A line table of version 4 for no instruction: its length, version and the header's length; then an instruction's
/// bytes and operations, whether each begins a statement, three numbers for opcodes that it does not have, no folders,
/// no files.
const EMPTY_TABLE: [u8; 18] = [14, 0, 0, 0, 4, 0, 8, 0, 0, 0, 1, 1, 1, 0, 1, 1, 0, 0];

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

impl Lines {
    /// The debug information in an ELF file; `None` if it cannot be read. A file without any has no places.
    pub fn read(elf: &[u8]) -> Option<Self> {
        let file = object::read::elf::ElfFile32::<object::Endianness>::parse(elf).ok()?;
        let section =
            |id: SectionId| file.section_by_name(id.name()).and_then(|section| section.data().ok()).unwrap_or_default();
        let (info, line) = with_empty_tables(section).ok()?;
        let dwarf = Dwarf::load(|id| {
            let bytes: Rc<[u8]> = match id {
                SectionId::DebugInfo => info.as_slice().into(),
                SectionId::DebugLine => line.as_slice().into(),
                _ => section(id).into(),
            };
            Ok::<_, gimli::Error>(EndianRcSlice::new(bytes, LittleEndian))
        });
        Some(Self { context: Context::from_dwarf(dwarf.ok()?).ok()? })
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

/// The sections `.debug_info` and `.debug_line`, in which the units without addresses have an empty line table. A unit
/// that is damaged keeps what it has.
fn with_empty_tables<'a>(section: impl Fn(SectionId) -> &'a [u8]) -> Result<(Vec<u8>, Vec<u8>), gimli::Error> {
    let dwarf = Dwarf::load(|id| Ok::<_, gimli::Error>(EndianSlice::new(section(id), LittleEndian)))?;
    let mut info = section(SectionId::DebugInfo).to_vec();
    let mut line = section(SectionId::DebugLine).to_vec();
    let empty = u32::try_from(line.len()).unwrap_or(u32::MAX).to_le_bytes();
    line.extend(EMPTY_TABLE);
    let mut units = dwarf.units();
    while let Ok(Some(header)) = units.next() {
        let Ok(unit) = dwarf.unit(header) else { continue };
        let addresses = dwarf.unit_ranges(&unit).and_then(|mut ranges| ranges.next());
        if let Ok(None) = addresses
            && let Some(table) = place_of_table(&unit).and_then(|at| info.get_mut(at..)?.first_chunk_mut())
        {
            *table = empty;
        }
    }
    Ok((info, line))
}

/// Where in `.debug_info` a unit says where its line table is.
fn place_of_table(unit: &Unit<EndianSlice<'_, LittleEndian>>) -> Option<usize> {
    let mut entries = unit.entries_raw(None).ok()?;
    let root = entries.read_abbreviation().ok()??;
    for attribute in root.attributes() {
        let at = entries.next_offset();
        if attribute.name() == DW_AT_stmt_list && attribute.form() == DW_FORM_sec_offset {
            return at.to_debug_info_offset(&unit.header).map(|at| at.0);
        }
        entries.read_attribute(*attribute).ok()?;
    }
    None
}

/// A symbol's name as its source has it.
pub fn demangled(name: &str) -> String {
    addr2line::demangle(name, gimli::DW_LANG_Rust).unwrap_or_else(|| name.to_owned())
}

/// A source path without what depends on the machine: from the crate's folder on.
fn short(path: &str) -> &str {
    let end = path.rfind("/src/").unwrap_or(0);
    path[..end].rfind('/').map_or(path, |slash| &path[slash + 1..])
}
