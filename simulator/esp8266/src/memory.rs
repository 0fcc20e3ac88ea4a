//! The chip's memories, and which access to them silicon refuses.
//!
//! All memory between 0x3FF00000 and 0x40300000 is a table of 4 KiB pages that point into one store: data RAM (any
//! width), instruction RAM (32 bits only), and the window through which the flash cache shows 1 MiB of the flash
//! (32-bit reads only). Data RAM is kept apart, because most accesses are to it. Two banks of instruction RAM disappear
//! while they serve as the flash cache. What the table does not map is a device's or nobody's: see [`Miss`].
//!
//! Accesses are checked in this order, as the core does: alignment (cause 9), region attributes (causes 20, 28 and 29),
//! then what the memory refuses (cause 3). Region attributes follow the region protection option (Xtensa ISA manual,
//! §4.6.3): eight regions of 512 MiB. What a flash access costs is not modelled.
//!
//! Words of pages that the block executor has translated are marked; a store to one of them is remembered in
//! `take_modified_code`, whoever makes it.

use crate::cpu::{Cause, Exception};
use crate::width::Width;

mod map;
#[cfg(test)]
mod tests;

pub use map::{Kind, REGIONS, Region};

/// First address that the page table covers.
pub(crate) const BASE: u32 = 0x3FF0_0000;
/// Pages that it covers: up to 0x40300000.
pub(crate) const PAGES: usize = 0x400;
pub(crate) const PAGE_SIZE: u32 = 0x1000;

/// Start of the flash window.
pub const FLASH_WINDOW: u32 = 0x4020_0000;
/// Its size, 1 MiB.
pub const FLASH_WINDOW_SIZE: u32 = 0x10_0000;
/// Addresses that hold instructions and refuse access to less than 32 bits: ROM, instruction RAM and flash.
const INSTRUCTION_MEMORY: core::ops::Range<u32> = 0x4000_0000..0x4030_0000;

/// Where the chip's owner can have memory of its own: see [`Memory::lend`]. Silicon has none there, and no program uses
/// it.
pub const LENT: core::ops::Range<u32> = 0x3FFC_0000..0x3FFC_4000;

/// Start and size of data RAM.
const RAM: u32 = 0x3FFE_8000;
const RAM_SIZE: usize = 0x1_8000;
/// Data RAM is watched in pieces of this size, of which 64 bits are enough for all.
const PIECE: usize = 0x800;

/// Flags of a page table entry; the rest of it is the page's place in the store.
mod flag {
    pub const READ: u32 = 1;
    pub const WRITE: u32 = 2;
    pub const NARROW: u32 = 4;
    pub const EXECUTE: u32 = 8;
    /// Some words of the page are translated.
    pub const CODE: u32 = 16;
    /// The page's place is in data RAM.
    pub const RAM: u32 = 32;
    /// Stores to some words of the page are noted.
    pub const WATCHED: u32 = 64;
    pub const ALL: u32 = 0xFFF;
}

/// Why an access was not answered by memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// The program gets an exception.
    Exception(Exception),
    /// A device may answer.
    Device,
    /// The flash window was touched while the cache is off: on silicon the core hangs or reads garbage.
    FlashOff,
}

/// All memories.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Data RAM.
    ram: Box<[u8; RAM_SIZE]>,
    /// Instruction RAM, then what is [lent](Self::lend), then the flash.
    store: Vec<u8>,
    pages: Box<[u32; PAGES]>,
    /// Where the flash begins in the store.
    flash: usize,
    /// Whether there is memory at [`LENT`].
    lent: bool,
    /// Offset in the flash that the window shows, if the cache is on.
    window: Option<u32>,
    /// Whether each of the two banks of instruction RAM serves as cache.
    cache_banks: [bool; 2],
    data_regions: [u8; 8],
    instruction_regions: [u8; 8],
    /// One bit for each word of a translated page.
    code: Vec<Option<Box<[u32; 32]>>>,
    modified_code: bool,
    /// Data RAM may not be read or not be written.
    restricted: bool,
    /// Stretches whose stores are noted.
    watched: Vec<core::ops::Range<u32>>,
    /// One bit for each piece of data RAM that a stretch reaches into.
    watched_pieces: u64,
    watched_store: Option<u32>,
}

impl Memory {
    /// Memory after reset: RAM is zero, the flash holds `flash` (its length is its size, a multiple of 4 KiB up to
    /// 16 MiB), the cache is off.
    ///
    /// # Panics
    /// If the size of the flash is no multiple of 4 KiB or more than 16 MiB.
    pub fn new(flash: &[u8]) -> Self {
        assert!(
            flash.len().is_multiple_of(PAGE_SIZE as usize) && flash.len() <= 1 << 24,
            "flash of an impossible size"
        );
        let iram = REGIONS.iter().filter(|region| region.kind == Kind::Instructions);
        let mut store = vec![0; iram.map(|region| region.size as usize).sum::<usize>() + LENT.len()];
        let start_of_flash = store.len();
        store.extend_from_slice(flash);
        let mut memory = Self {
            ram: Box::new([0; RAM_SIZE]),
            store,
            pages: Box::new([0; PAGES]),
            flash: start_of_flash,
            lent: false,
            window: None,
            cache_banks: [false; 2],
            data_regions: [2; 8],
            instruction_regions: [2; 8],
            code: vec![None; PAGES],
            modified_code: false,
            restricted: false,
            watched: Vec::new(),
            watched_pieces: 0,
            watched_store: None,
        };
        memory.remap();
        memory
    }

    /// Shows the flash from `offset` on in the window, or turns the cache off. What lies beyond the end of the flash
    /// repeats its beginning, as the chip ignores address lines it does not have.
    pub fn map_flash(&mut self, offset: Option<u32>) {
        if self.window != offset {
            self.window = offset;
            self.remap();
        }
    }

    /// Offset in the flash that the window shows; `None` if the cache is off.
    pub fn flash_window(&self) -> Option<u32> {
        self.window
    }

    /// Uses banks of instruction RAM (0x40108000, 0x4010C000) as flash cache, or gives them back. Their content
    /// survives.
    pub fn use_as_cache(&mut self, banks: [bool; 2]) {
        if self.cache_banks != banks {
            self.cache_banks = banks;
            self.remap();
        }
    }

    /// Puts memory at [`LENT`], which programs can use as data RAM. An owner that answers for part of a program keeps
    /// there what that part would keep in data RAM, and so cannot hurt what the program has in its own.
    pub fn lend(&mut self) {
        self.lent = true;
        self.remap();
    }

    /// Attribute of data region `index` (0 to 7), and of its instruction twin if `instructions`.
    pub fn region(&self, index: usize, instructions: bool) -> u8 {
        if instructions { self.instruction_regions[index] } else { self.data_regions[index] }
    }

    /// Sets the attribute of data region `index` (0 to 7), or of its instruction twin.
    pub fn set_region(&mut self, index: usize, instructions: bool, attribute: u8) {
        let regions = if instructions { &mut self.instruction_regions } else { &mut self.data_regions };
        if regions[index] != attribute {
            regions[index] = attribute;
            self.remap();
        }
    }

    /// The whole flash.
    pub fn flash(&self) -> &[u8] {
        &self.store[self.flash..]
    }

    /// The whole flash, to program or erase it. Translated code is forgotten.
    pub fn flash_mut(&mut self) -> &mut [u8] {
        self.modified_code = true;
        &mut self.store[self.flash..]
    }

    /// Reads `width` bits at `address`.
    ///
    /// # Errors
    /// [`Miss`] if memory does not answer.
    pub fn load(&self, address: u32, width: Width) -> Result<u32, Miss> {
        let page = self.page(address);
        let needed = if width == Width::Word { flag::READ } else { flag::READ | flag::NARROW };
        if page & needed != needed || address & (width as u32 - 1) != 0 {
            return self.refuse(address, width, false).map(|()| 0);
        }
        let bytes = &self.behind(page)[place(page, address)..];
        Ok((0..width as usize).rev().fold(0, |value, index| value << 8 | u32::from(bytes[index])))
    }

    /// Writes the low `width` bits of `value` at `address`.
    ///
    /// # Errors
    /// [`Miss`] if memory does not answer.
    pub fn store(&mut self, address: u32, width: Width, value: u32) -> Result<(), Miss> {
        let page = self.page(address);
        let needed = if width == Width::Word { flag::WRITE } else { flag::WRITE | flag::NARROW };
        if page & needed != needed || address & (width as u32 - 1) != 0 {
            return self.refuse(address, width, true);
        }
        if page & flag::CODE != 0 {
            self.note_code_store(address);
        }
        if page & flag::WATCHED != 0 && self.watched.iter().any(|range| range.contains(&address)) {
            self.watched_store = Some(address);
        }
        let bytes = &mut self.behind_mut(page)[place(page, address)..][..width as usize];
        bytes.copy_from_slice(&value.to_le_bytes()[..width as usize]);
        Ok(())
    }

    /// Whether the word at `address` is data RAM that can be written without anybody's notice.
    pub(crate) fn is_plain(&self, address: u32) -> bool {
        let offset = address.wrapping_sub(RAM) as usize;
        offset < RAM_SIZE
            && offset.is_multiple_of(4)
            && !self.restricted
            && self.watched_pieces >> (offset / PIECE) & 1 == 0
    }

    /// Whether the region of data RAM has attributes under which the accesses below would be wrong.
    pub(crate) fn is_restricted(&self) -> bool {
        self.restricted
    }

    /// A load from plain memory, or `None` if anything at all is special about it.
    #[inline(always)]
    pub(crate) fn fast_load<const BYTES: usize>(&self, address: u32) -> Option<u32> {
        let offset = address.wrapping_sub(RAM) as usize;
        if offset <= RAM_SIZE - BYTES && offset.is_multiple_of(BYTES) {
            return word_of::<BYTES>(&self.ram[offset..]);
        }
        self.load_from_page::<BYTES>(address)
    }

    /// A store to plain memory; `None` if anything is special about it, and then nothing is written.
    #[inline(always)]
    pub(crate) fn fast_store<const BYTES: usize>(&mut self, address: u32, value: u32) -> Option<()> {
        let offset = address.wrapping_sub(RAM) as usize;
        // What is translated is never here.
        if offset <= RAM_SIZE - BYTES
            && offset.is_multiple_of(BYTES)
            && self.watched_pieces >> (offset / PIECE) & 1 == 0
        {
            *self.ram[offset..].first_chunk_mut::<BYTES>()? = *value.to_le_bytes().first_chunk()?;
            return Some(());
        }
        self.store_to_page::<BYTES>(address, value)
    }

    #[inline(never)]
    fn load_from_page<const BYTES: usize>(&self, address: u32) -> Option<u32> {
        let page = *self.pages.get((address.wrapping_sub(BASE) / PAGE_SIZE) as usize)?;
        let needed = if BYTES == 4 { flag::READ } else { flag::READ | flag::NARROW };
        if page & (needed | flag::RAM) != needed || !(address as usize).is_multiple_of(BYTES) {
            return None;
        }
        word_of::<BYTES>(self.store.get(place(page, address)..)?)
    }

    #[inline(never)]
    fn store_to_page<const BYTES: usize>(&mut self, address: u32, value: u32) -> Option<()> {
        let page = *self.pages.get((address.wrapping_sub(BASE) / PAGE_SIZE) as usize)?;
        let needed = if BYTES == 4 { flag::WRITE } else { flag::WRITE | flag::NARROW };
        if page & (needed | flag::CODE | flag::RAM | flag::WATCHED) != needed
            || !(address as usize).is_multiple_of(BYTES)
        {
            return None;
        }
        *self.store.get_mut(place(page, address)..)?.first_chunk_mut::<BYTES>()? =
            *value.to_le_bytes().first_chunk()?;
        Some(())
    }

    /// The memory that a page is part of.
    fn behind(&self, page: u32) -> &[u8] {
        if page & flag::RAM != 0 { self.ram.as_slice() } else { &self.store }
    }

    fn behind_mut(&mut self, page: u32) -> &mut [u8] {
        if page & flag::RAM != 0 { self.ram.as_mut_slice() } else { &mut self.store }
    }

    /// The bytes of the instruction at `pc`, in the low bits of a word; bits beyond its length are unspecified.
    ///
    /// # Errors
    /// [`Miss::Exception`] if the core cannot fetch there, [`Miss::FlashOff`] if the cache is off.
    pub fn fetch(&self, pc: u32) -> Result<u32, Miss> {
        let first = self.fetch_byte(pc)?;
        let length = crate::isa::length(first).unwrap_or(1);
        let mut word = u32::from(first);
        for index in 1..u32::from(length) {
            word |= u32::from(self.fetch_byte(pc.wrapping_add(index))?) << (8 * index);
        }
        Ok(word)
    }

    fn fetch_byte(&self, address: u32) -> Result<u8, Miss> {
        let page = self.page(address);
        if page & flag::EXECUTE != 0 {
            return Ok(self.behind(page)[place(page, address)]);
        }
        let attribute = self.instruction_regions[(address >> 29) as usize];
        if !permits(attribute, flag::EXECUTE) {
            return Err(Miss::Exception(Exception::at(Cause::FetchProhibited, address)));
        }
        if self.is_window(address) {
            return Err(Miss::FlashOff);
        }
        let cause = if REGIONS.iter().any(|region| region.contains(address)) {
            Cause::InstructionFetchError
        } else {
            Cause::InstructionAddressError
        };
        Err(Miss::Exception(Exception::at(cause, address)))
    }

    /// Copies bytes out of memory as a debugger would: of any width, with no regard to attributes. Stops before the
    /// first byte that is not mapped.
    pub fn peek(&self, address: u32, length: usize) -> Vec<u8> {
        let byte = |index: usize| {
            let address = address.wrapping_add(index as u32);
            let page = self.page(address);
            (page & flag::ALL != 0).then(|| self.behind(page)[place(page, address)])
        };
        (0..length).map_while(byte).collect()
    }

    /// Writes bytes into memory as a loader does: of any width. Returns whether all of them fell into RAM; otherwise
    /// those before the first that did not are written.
    pub fn poke(&mut self, address: u32, bytes: &[u8]) -> bool {
        for (index, &byte) in bytes.iter().enumerate() {
            let address = address.wrapping_add(index as u32);
            let page = self.page(address);
            if page & flag::WRITE == 0 {
                return false;
            }
            if page & flag::CODE != 0 {
                self.note_code_store(address);
            }
            self.behind_mut(page)[place(page, address)] = byte;
        }
        true
    }

    /// Marks the words from `start` to before `end` as translated.
    pub(crate) fn mark_code(&mut self, start: u32, end: u32) {
        for word in (start & !3..end).step_by(4) {
            let index = (word.wrapping_sub(BASE) / PAGE_SIZE) as usize;
            if let Some(page) = self.pages.get_mut(index)
                && *page & flag::WRITE != 0
            {
                *page |= flag::CODE;
                let bits = self.code[index].get_or_insert_default();
                bits[(word % PAGE_SIZE / 128) as usize] |= 1 << (word / 4 % 32);
            }
        }
    }

    /// Whether translated code was written to, or moved, since this was last asked. All marks are gone afterwards.
    pub(crate) fn take_modified_code(&mut self) -> bool {
        if !self.modified_code {
            return false;
        }
        self.modified_code = false;
        self.code.fill(None);
        for page in self.pages.iter_mut() {
            *page &= !flag::CODE;
        }
        true
    }

    /// From now on a program's stores to `ranges` are noted for [`take_watched_store`](Self::take_watched_store), and
    /// those to anything else are not. Stores to the pages around them take longer to emulate.
    pub fn watch(&mut self, ranges: Vec<core::ops::Range<u32>>) {
        let reaches_into = |piece: &usize| {
            let start = RAM + (piece * PIECE) as u32;
            ranges.iter().any(|range| range.start < start + PIECE as u32 && start < range.end)
        };
        self.watched_pieces = (0..RAM_SIZE / PIECE).filter(reaches_into).fold(0, |pieces, piece| pieces | 1 << piece);
        self.watched = ranges;
        self.remap();
    }

    /// The address of the last store to a watched word since this was last asked.
    #[inline]
    pub fn take_watched_store(&mut self) -> Option<u32> {
        self.watched_store.take()
    }

    fn note_code_store(&mut self, address: u32) {
        let index = (address.wrapping_sub(BASE) / PAGE_SIZE) as usize;
        if let Some(bits) = &self.code[index] {
            self.modified_code |= bits[(address % PAGE_SIZE / 128) as usize] >> (address / 4 % 32) & 1 != 0;
        }
    }

    fn page(&self, address: u32) -> u32 {
        self.pages.get((address.wrapping_sub(BASE) / PAGE_SIZE) as usize).copied().unwrap_or(0)
    }

    fn is_window(&self, address: u32) -> bool {
        address.wrapping_sub(FLASH_WINDOW) < FLASH_WINDOW_SIZE
    }

    /// Says why the page table does not answer an access. `Ok` means that it reads as zero and ignores writes: a bank
    /// that serves as cache.
    #[cold]
    #[inline(never)]
    fn refuse(&self, address: u32, width: Width, is_store: bool) -> Result<(), Miss> {
        let exception = |cause| Err(Miss::Exception(Exception::at(cause, address)));
        if address & (width as u32 - 1) != 0 {
            return exception(Cause::LoadStoreAlignment);
        }
        let attribute = self.data_regions[(address >> 29) as usize];
        if is_store && !permits(attribute, flag::WRITE) {
            return exception(Cause::StoreProhibited);
        }
        if !is_store && !permits(attribute, flag::READ) {
            return exception(Cause::LoadProhibited);
        }
        if !INSTRUCTION_MEMORY.contains(&address) {
            return Err(Miss::Device);
        }
        let read_only = self.is_window(address) || address < 0x4010_0000;
        if width != Width::Word || is_store && read_only {
            return exception(Cause::LoadStoreError);
        }
        if self.is_window(address) {
            return Err(Miss::FlashOff);
        }
        if REGIONS.iter().any(|region| region.contains(address)) { Ok(()) } else { Err(Miss::Device) }
    }

    /// Fills the page table from the regions, the cache's state and the attributes. Translated code is forgotten.
    fn remap(&mut self) {
        self.modified_code = true;
        self.pages.fill(0);
        let mut at = 0;
        for region in &REGIONS {
            let hidden = region.cache_bank.is_some_and(|bank| self.cache_banks[bank]);
            for offset in (0..region.size).step_by(PAGE_SIZE as usize) {
                let address = region.start + offset;
                let flash = (self.store.len() - self.flash) as u32;
                let (place, mut flags) = match (region.kind, self.window) {
                    (Kind::Data, _) => (address - RAM, flag::READ | flag::WRITE | flag::NARROW | flag::RAM),
                    (Kind::Instructions, _) => (at + offset, flag::READ | flag::WRITE | flag::EXECUTE),
                    (Kind::Flash, Some(window)) if flash > 0 => {
                        (self.flash as u32 + (window + offset) % flash, flag::READ | flag::EXECUTE)
                    }
                    (Kind::Flash, _) => continue,
                };
                let region = (address >> 29) as usize;
                for access in [flag::READ, flag::WRITE] {
                    if !permits(self.data_regions[region], access) {
                        flags &= !access;
                    }
                }
                if !permits(self.instruction_regions[region], flag::EXECUTE) {
                    flags &= !flag::EXECUTE;
                }
                let page = address..address + PAGE_SIZE;
                if self.watched.iter().any(|range| range.start < page.end && page.start < range.end) {
                    flags |= flag::WATCHED;
                }
                if !hidden {
                    self.pages[((address - BASE) / PAGE_SIZE) as usize] = place | flags;
                }
            }
            if region.kind == Kind::Instructions {
                at += region.size;
            }
        }
        let attribute = self.data_regions[(RAM >> 29) as usize];
        if self.lent {
            let readable = if permits(attribute, flag::READ) { flag::READ } else { 0 };
            let writable = if permits(attribute, flag::WRITE) { flag::WRITE } else { 0 };
            for offset in (0..LENT.len() as u32).step_by(PAGE_SIZE as usize) {
                let place = (self.flash - LENT.len()) as u32 + offset;
                self.pages[((LENT.start + offset - BASE) / PAGE_SIZE) as usize] =
                    place | flag::NARROW | readable | writable;
            }
        }
        self.restricted = !permits(attribute, flag::READ) || !permits(attribute, flag::WRITE);
    }
}

/// Whether a region's `attribute` permits `access` (of [`flag`]).
fn permits(attribute: u8, access: u32) -> bool {
    let permitted = match attribute & 0xF {
        1 | 2 | 4 | 5 => flag::READ | flag::WRITE | flag::EXECUTE,
        0 | 14 => flag::READ | flag::WRITE,
        3 => flag::EXECUTE,
        _ => 0,
    };
    permitted & access != 0
}

/// The first bytes as a number.
#[inline(always)]
fn word_of<const BYTES: usize>(bytes: &[u8]) -> Option<u32> {
    let mut word = [0; 4];
    *word.first_chunk_mut::<BYTES>()? = *bytes.first_chunk::<BYTES>()?;
    Some(u32::from_le_bytes(word))
}

#[inline(always)]
fn place(page: u32, address: u32) -> usize {
    (page & !flag::ALL | address & flag::ALL) as usize
}
