//! Linked programs in ELF (System V ABI, Xtensa supplement: machine 94, little-endian, 32 bits).

use object::elf;
use object::{Object, ObjectSegment, ObjectSymbol, SymbolKind};

use super::{ImageError, Program, Segment, check_entry};

type File<'a> = object::read::elf::ElfFile32<'a, object::Endianness>;

/// Reads a program and its symbols.
///
/// # Errors
/// [`ImageError`] if the file is damaged, for another machine, or does not fit into the chip.
pub fn parse(bytes: &[u8]) -> Result<Program, ImageError> {
    let damaged = |error: object::Error| ImageError::Elf(error.to_string());
    // The class stands before what differs by it, so another machine is told from a damaged file.
    if bytes.starts_with(&elf::ELFMAG) && bytes.get(4).is_some_and(|&class| class != elf::ELFCLASS32.0) {
        return Err(ImageError::OtherMachine);
    }
    let file = File::parse(bytes).map_err(damaged)?;
    if file.elf_header().e_machine.get(file.endian()) != elf::EM_XTENSA || !file.is_little_endian() {
        return Err(ImageError::OtherMachine);
    }
    let mut segments = Vec::new();
    for segment in file.segments() {
        let address = segment.address() as u32;
        let size = segment.size() as usize;
        if size == 0 {
            continue;
        }
        let mut bytes = segment.data().map_err(damaged)?.to_vec();
        if size > bytes.len() {
            // What is not in the file is zero; no memory of the chip is larger than 1 MiB.
            if size > 1 << 20 {
                return Err(ImageError::Outside { address, length: size });
            }
            bytes.resize(size, 0);
        }
        segments.push(Segment { address, bytes }.check(true)?);
    }
    if segments.is_empty() {
        return Err(ImageError::NothingToLoad);
    }
    let entry = check_entry(file.entry() as u32)?;
    let named = |symbol: &object::read::elf::ElfSymbol32<'_, '_, object::Endianness>| {
        matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data | SymbolKind::Unknown) && symbol.is_definition()
    };
    let mut symbols: Vec<_> = file
        .symbols()
        .filter(named)
        .filter_map(|symbol| Some((symbol.address() as u32, symbol.size() as u32, symbol.name().ok()?.to_owned())))
        .filter(|symbol| !symbol.2.is_empty())
        .collect();
    symbols.sort();
    Ok(Program { entry, segments, symbols })
}
