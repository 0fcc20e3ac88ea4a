//! What runs while the flash cache is off, and whether all of it lies in memory that is there then.
//!
//! The SDK turns the cache off around each flash operation, and opens it again through a function that asks the program
//! (`user_iram_memory_is_enabled`); the radio's interrupts come at any time. Whatever these call of ours must lie in
//! instruction memory, with all that it calls and reads: a fetch from flash while the cache is off hangs the chip, and
//! nothing but this notices before the board does.
//!
//! The linked program keeps its relocations (`ld -q`) for this. Each says where an instruction with an operand in
//! memory stands; the instruction is decoded (`l32r`, `call0`, `j`; Xtensa ISA Reference Manual) for what it names: a
//! function, or a constant. To name a function counts as calling it. Functions are followed through instruction memory
//! only: what the vendor's functions there name of the vendor's own flash is the vendor's business, what they name of
//! ours is not. Not seen: functions that are reached through a table in data memory, and those of the boot ROM.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use object::elf::R_XTENSA_SLOT0_OP;
use object::{Object, ObjectSection, ObjectSymbol, RelocationFlags, SymbolKind};

use crate::error::Error;

/// Instruction memory.
const IRAM: Range<u32> = 0x4010_0000..0x4010_C000;
/// What the flash cache shows.
const FLASH: Range<u32> = 0x4020_0000..0x4030_0000;
/// Functions of ours and of the vendor's that run, or may run, while the cache is off, by the ends of their names.
const ROOTS: [&str; 13] = [
    // What the SDK asks while it opens the cache, and what counts the sensor's microseconds.
    "user_iram_memory_is_enabled",
    "3cpu4wait",
    // Exceptions and interrupts come at any time.
    "narrow_access",
    "cpu_mask_interrupts",
    "cpu_restore_interrupts",
    "NMI_Handler",
    "wDev_ProcessFiq",
    // Around them the vendor turns the cache off and on.
    "Cache_Read_Enable_New",
    "spi_flash_erase_sector",
    "spi_flash_write",
    "spi_flash_read",
    "spi_flash_get_id",
    "spi_flash_read_status",
];
/// Which of them every image has.
const OURS: usize = 5;
/// The linker script's marks around what is ours, and libgcc's, in flash.
const CODE: [&str; 2] = ["_irom0_text_start", "_irom0_own_text_end"];
const CONSTANTS: [&str; 2] = ["_irom0_rodata_start", "_irom0_text_end"];

/// Checks the linked program `elf`, which has its relocations.
///
/// # Errors
/// With each function that runs without the flash cache and needs it, and the calls that lead there.
pub fn check(elf: &[u8]) -> Result<(), Error> {
    let program = Program::parse(elf).map_err(|reason| Error::Boundary(format!("the linked program: {reason}")))?;
    let troubles = program.troubles();
    if troubles.is_empty() {
        return Ok(());
    }
    Err(Error::Boundary(format!(
        "this runs while the flash cache is off, and lies in flash (put it into a section `.iram.text.…`):\n  {}",
        troubles.join("\n  ")
    )))
}

/// A linked program, as far as it says what calls what.
struct Program<'a> {
    /// By their first address.
    functions: BTreeMap<u32, Function<'a>>,
    /// What the memories hold when the program starts, by first address.
    contents: BTreeMap<u32, &'a [u8]>,
    /// Where instructions stand that have an operand in memory.
    places: BTreeSet<u32>,
    /// What is ours, or libgcc's, in flash.
    own: [Range<u32>; 2],
}

struct Function<'a> {
    name: &'a str,
    /// Assembly does not always tell it; then the next function ends it.
    size: u32,
}

impl<'a> Program<'a> {
    fn parse(elf: &'a [u8]) -> Result<Self, String> {
        let file = object::File::parse(elf).map_err(|error| error.to_string())?;
        let mut functions: BTreeMap<u32, Function<'a>> = BTreeMap::new();
        let mut marks = BTreeMap::new();
        for symbol in file.symbols() {
            let (Ok(name), Ok(address)) = (symbol.name(), u32::try_from(symbol.address())) else { continue };
            if symbol.kind() == SymbolKind::Text && !symbol.is_undefined() {
                let size = symbol.size() as u32;
                // Of several names for one place any will do.
                functions.entry(address).or_insert(Function { name, size });
            } else {
                marks.insert(name, address);
            }
        }
        let mark = |name: &str| marks.get(name).copied().ok_or_else(|| format!("there is no `{name}` in it"));
        let mut contents = BTreeMap::new();
        let mut places = BTreeSet::new();
        for section in file.sections() {
            let Ok(address) = u32::try_from(section.address()) else { continue };
            if address == 0 {
                continue;
            }
            contents.insert(address, section.data().map_err(|error| error.to_string())?);
            for (place, relocation) in section.relocations() {
                if let (RelocationFlags::Elf { r_type }, Ok(place)) = (relocation.flags(), u32::try_from(place))
                    && r_type == R_XTENSA_SLOT0_OP
                {
                    places.insert(place);
                }
            }
        }
        if places.is_empty() {
            return Err("it has no relocations".to_owned());
        }
        let own = [mark(CODE[0])?..mark(CODE[1])?, mark(CONSTANTS[0])?..mark(CONSTANTS[1])?];
        Ok(Self { functions, contents, places, own })
    }

    /// What needs the flash cache and runs without it, each in words.
    fn troubles(&self) -> Vec<String> {
        let mut troubles = Vec::new();
        // By whom each was reached.
        let mut reached: BTreeMap<u32, Option<u32>> = BTreeMap::new();
        let mut next = Vec::new();
        for (index, root) in ROOTS.iter().enumerate() {
            let found = self.functions.iter().find(|(_, function)| function.name.ends_with(root));
            match found.map(|(address, _)| *address) {
                // An optimiser that leaves no function behind has put its code into its callers.
                None if index < OURS => troubles.push(format!("there is no function `{root}`")),
                None => {}
                Some(address) if FLASH.contains(&address) => troubles.push(self.describe(address, None, &reached)),
                Some(address) => next.push((address, None)),
            }
        }
        while let Some((address, by)) = next.pop() {
            if reached.contains_key(&address) {
                continue;
            }
            reached.insert(address, by);
            for named in self.named_by(address) {
                if self.own.iter().any(|own| own.contains(&named)) {
                    troubles.push(self.describe(named, Some(address), &reached));
                } else if IRAM.contains(&named)
                    && let Some(function) = self.function_at(named)
                {
                    next.push((function, Some(address)));
                }
            }
        }
        troubles.sort();
        troubles.dedup();
        troubles
    }

    /// The functions and constants that the function at `start` names.
    fn named_by(&self, start: u32) -> Vec<u32> {
        let next = self.functions.range(start + 1..).next().map_or(IRAM.end, |(next, _)| *next);
        let size = self.functions[&start].size;
        let end = if size == 0 { next } else { start + size };
        self.places.range(start..end).filter_map(|place| self.operand(*place)).collect()
    }

    /// What the instruction at `place` names: where it jumps to, or the word that it loads. None if it does neither.
    fn operand(&self, place: u32) -> Option<u32> {
        let instruction = u32::from_le_bytes([self.byte(place)?, self.byte(place + 1)?, self.byte(place + 2)?, 0]);
        let offset = (instruction as i32) << 8 >> 14;
        match (instruction & 0xF, instruction >> 4 & 3) {
            // l32r: the word that lies so many words before the next whole one.
            (1, _) => {
                let words = (instruction >> 8) | 0xFFFF_0000;
                let at = (place.wrapping_add(3) & !3).wrapping_add(words << 2);
                let bytes = [self.byte(at)?, self.byte(at + 1)?, self.byte(at + 2)?, self.byte(at + 3)?];
                Some(u32::from_le_bytes(bytes))
            }
            // call0: in words, from the next whole one on; j: in bytes.
            (5, 0) => Some((place & !3).wrapping_add(4).wrapping_add((offset << 2) as u32)),
            (6, 0) => Some(place.wrapping_add(4).wrapping_add(offset as u32)),
            _ => None,
        }
    }

    fn byte(&self, address: u32) -> Option<u8> {
        let (start, bytes) = self.contents.range(..=address).next_back()?;
        bytes.get((address - start) as usize).copied()
    }

    /// The function that an address is in.
    fn function_at(&self, address: u32) -> Option<u32> {
        let (start, function) = self.functions.range(..=address).next_back()?;
        (function.size == 0 || address - start < function.size).then_some(*start)
    }

    fn describe(&self, address: u32, by: Option<u32>, reached: &BTreeMap<u32, Option<u32>>) -> String {
        let name = |address: u32| match self.function_at(address) {
            Some(function) => format!("{:#}", rustc_demangle::demangle(self.functions[&function].name)),
            None => "a constant".to_owned(),
        };
        let mut text = format!("{address:#010x}, {}", name(address));
        let mut by = by;
        while let Some(caller) = by {
            text += &format!(", from {}", name(caller));
            by = reached.get(&caller).copied().flatten();
        }
        text
    }
}

#[cfg(test)]
mod tests;
