//! How large the image is, what is largest in it, and whether that is too much.
//!
//! Of the chip's 80 KiB of data memory the vendor's part takes some 26 KiB for its statics and needs a heap for the
//! radio: 44 KiB are ours, our stack included. Our heap lies in instruction memory. What is ours is measured in the
//! stub link, where everything is; of a link against the vendor's archives, if there is one, what it leaves of each
//! memory.

use std::fs;
use std::path::Path;

use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolSection};

use crate::error::Error;
use crate::{build, link, stack};

/// Both parts of the image together, in bytes.
const IMAGE_BUDGET: u64 = 512 * 1_024;
/// `.data`, `.rodata` and `.bss`, in bytes.
const DRAM_BUDGET: u64 = 44 * 1_024;
/// What the vendor's part (some 24 KiB) leaves of 48 KiB: our code there, and our heap.
const IRAM_BUDGET: u64 = 23 * 1_024;
/// What the SDK needs of data memory for its heap, in bytes: an access point with four stations and a scan of a crowded
/// band come out of it, and the SDK crashes when it runs out. Not measured on a board yet; the limit is to keep what
/// there is.
const VENDORS_HEAP: u64 = 12 * 1_024;
/// What the SDK's own heap in instruction memory gets behind ours, in bytes.
const VENDORS_IRAM_HEAP: u64 = 4 * 1_024;
/// Where the settings begin in flash, as it is seen through the cache.
const SETTINGS: u64 = 0x402F_7000;
/// The firmware's future, which is what the heap is for most of the time, in bytes.
const FUTURE_BUDGET: u64 = 8 * 1_024;
/// Where the program says how large that is.
const FUTURE: &str = "FUTURE_SIZE";
/// How many symbols of each memory are shown.
const SHOWN: usize = 12;

/// The firmware's stack, and the function that is called on it: ends of mangled names.
const STACK: &str = "firmware_stack";
const POLL: &str = "8executor4poll";
/// What calls itself, and how often: the search for a path of certificates, once for each of a chain of five, which is
/// as many as the firmware takes.
const REPEATED: [(&str, u64); 1] = [("17build_chain_inner", 5)];
/// Bytes of the stack that are left for interrupts.
const RESERVE: u64 = 2_048;

/// A kind of memory.
struct Memory {
    name: &'static str,
    addresses: core::ops::Range<u64>,
    budget: Option<u64>,
}

const MEMORIES: [Memory; 3] = [
    Memory { name: "flash", addresses: 0x4020_0000..0x4030_0000, budget: None },
    Memory { name: "IRAM", addresses: 0x4010_0000..0x4010_C000, budget: Some(IRAM_BUDGET) },
    Memory { name: "DRAM", addresses: 0x3FFE_8000..0x3FFF_C000, budget: Some(DRAM_BUDGET) },
];

/// Prints the sizes of the image in `folder`.
///
/// # Errors
/// If there is none, or it is over budget.
pub fn run(folder: &Path) -> Result<(), Error> {
    let path = folder.join("esp07");
    let bytes = fs::read(&path).map_err(Error::file(&path))?;
    let elf = object::File::parse(bytes.as_slice())
        .map_err(|error| Error::Malformed { path: path.clone(), reason: error.to_string() })?;
    let mut over = Vec::new();
    for memory in &MEMORIES {
        let used = print_memory(&elf, memory);
        if let Some(budget) = memory.budget {
            check(&mut over, memory.name, used, budget);
        }
    }
    let mut image = 0;
    println!("image");
    for name in ["0x00000.bin", "0x10000.bin"] {
        let path = folder.join(name);
        let length = fs::metadata(&path).map_err(Error::file(&path))?.len();
        println!("  {length:>7}  {name}");
        image += length;
    }
    check(&mut over, "image", image, IMAGE_BUDGET);
    println!("future");
    let future = word_at(&elf, FUTURE)
        .ok_or_else(|| Error::Malformed { path: path.clone(), reason: format!("there is no {FUTURE} in it") })?;
    check(&mut over, "the firmware's future", future, FUTURE_BUDGET);
    let stack =
        elf.symbols().find(|symbol| symbol.name().is_ok_and(|name| name.ends_with(STACK))).map_or(0, |s| s.size());
    print_stack(&mut over, stack)?;
    let vendor = folder.join("vendor/esp07");
    if vendor.is_file() {
        let bytes = fs::read(&vendor).map_err(Error::file(&vendor))?;
        let malformed = |reason: String| Error::Malformed { path: vendor.clone(), reason };
        let elf = object::File::parse(bytes.as_slice()).map_err(|error| malformed(error.to_string()))?;
        let left =
            Left::of(|name| address_of(&elf, name)).map_err(|name| malformed(format!("there is no `{name}` in it")))?;
        println!("left by the link against the vendor's archives");
        left.check(&mut over);
    }
    if over.is_empty() { Ok(()) } else { Err(Error::Budget(over.join("; "))) }
}

/// What a link against the vendor's archives leaves, in bytes.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    /// Between the program's data and those of the boot ROM.
    heap: u64,
    /// Between our heap and the end of instruction memory.
    iram_heap: u64,
    /// Between the program and the settings.
    flash: u64,
}

impl Left {
    /// Of the program with those marks of the linker script, or which of them it has not.
    fn of(address_of: impl Fn(&'static str) -> Option<u64>) -> Result<Self, &'static str> {
        // What reaches over the end leaves nothing.
        let left = |end: u64, name| Ok(end.saturating_sub(address_of(name).ok_or(name)?));
        Ok(Self {
            heap: left(MEMORIES[2].addresses.end, "_heap_start")?,
            iram_heap: left(MEMORIES[1].addresses.end, "_iram_heap_end")?,
            flash: left(SETTINGS, "_irom0_text_end")?,
        })
    }

    fn check(&self, over: &mut Vec<String>) {
        for (name, left, needed) in [
            ("the SDK's heap", self.heap, VENDORS_HEAP),
            ("the SDK's heap in IRAM", self.iram_heap, VENDORS_IRAM_HEAP),
            ("flash", self.flash, 0),
        ] {
            println!("  {left:>7}  for {name}, at least {needed} are needed");
            if left < needed || left == 0 {
                over.push(format!(
                    "{name} gets {left} bytes in the link against the vendor's archives, it needs {needed}"
                ));
            }
        }
    }
}

/// Where a mark of the linker script is.
fn address_of(elf: &object::File<'_>, name: &str) -> Option<u64> {
    elf.symbols().find(|symbol| symbol.name().is_ok_and(|found| found == name)).map(|symbol| symbol.address())
}

/// The value of an initialised object of four bytes.
fn word_at(elf: &object::File<'_>, name: &str) -> Option<u64> {
    let symbol = elf.symbols().find(|symbol| symbol.name().is_ok_and(|found| found == name))?;
    let SymbolSection::Section(index) = symbol.section() else { return None };
    let bytes = elf.section_by_index(index).ok()?.data_range(symbol.address(), 4).ok()??;
    Some(u32::from_le_bytes(bytes.try_into().ok()?).into())
}

/// Prints the deepest path of calls beside the `stack` bytes there are.
fn print_stack(over: &mut Vec<String>, stack: u64) -> Result<(), Error> {
    let path = build::steps().join(link::GENERATED);
    let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
    let deepest = stack::deepest(&text, POLL, &REPEATED)
        .ok_or_else(|| Error::Malformed { path, reason: format!("there is no function ...{POLL} in it") })?;
    println!("stack");
    for (frame, name) in deepest.calls.iter().take(SHOWN) {
        println!("    {frame:>7}  {:#}", rustc_demangle::demangle(name));
    }
    check(over, "stack, less a reserve", deepest.bytes, stack.saturating_sub(RESERVE));
    Ok(())
}

fn check(over: &mut Vec<String>, name: &str, used: u64, budget: u64) {
    println!("  {used:>7}  of {budget} bytes of {name}");
    if used > budget {
        over.push(format!("{name} has {used} bytes, {budget} are allowed"));
    }
}

/// Prints sections and largest symbols of one memory and returns its bytes in use.
fn print_memory(elf: &object::File<'_>, memory: &Memory) -> u64 {
    println!("{}", memory.name);
    let mut used = 0;
    for section in elf.sections() {
        if memory.addresses.contains(&section.address())
            && section.kind() != SectionKind::Metadata
            && section.size() > 0
        {
            println!("  {:>7}  {}", section.size(), section.name().unwrap_or("?"));
            used += section.size();
        }
    }
    let mut symbols: Vec<(u64, &str)> = elf
        .symbols()
        .filter(|symbol| symbol.size() > 0 && memory.addresses.contains(&symbol.address()))
        .filter_map(|symbol| Some((symbol.size(), symbol.name().ok()?)))
        .collect();
    symbols.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    for (size, name) in symbols.into_iter().take(SHOWN) {
        println!("    {size:>7}  {:#}", rustc_demangle::demangle(name));
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the marks at these places leave, and what is wrong with it.
    fn judged(heap_start: u64, iram_heap_end: u64, irom_end: u64) -> (Left, Vec<String>) {
        let marks = [("_heap_start", heap_start), ("_iram_heap_end", iram_heap_end), ("_irom0_text_end", irom_end)];
        let left = Left::of(|name| marks.iter().find(|(mark, _)| *mark == name).map(|(_, address)| *address)).unwrap();
        let mut over = Vec::new();
        left.check(&mut over);
        (left, over)
    }

    #[test]
    fn a_link_that_leaves_the_vendor_enough_passes() {
        let (left, over) = judged(0x3FFF_8D50, 0x4010_AEA0, 0x402A_80A0);
        assert_eq!(left, Left { heap: 12_976, iram_heap: 4_448, flash: 323_424 });
        assert_eq!(over, [""; 0]);
    }

    #[test]
    fn what_the_vendor_lacks_is_told() {
        let (_, over) = judged(0x3FFF_9001, 0x4010_B001, 0x402F_8000);
        assert_eq!(over.len(), 3, "{over:?}");
        assert!(over[0].starts_with("the SDK's heap gets 12287 bytes"), "{over:?}");
        assert_eq!(Left::of(|_| None), Err("_heap_start"));
    }
}
