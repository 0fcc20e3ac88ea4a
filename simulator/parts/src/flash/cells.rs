//! The cells of a flash: what erasing and programming leave in them, also if they are cut short.
//!
//! An erase sets a sector to ones; programming only clears bits. A torn write has programmed its words in order up to
//! the one in flight, of which each bit may or may not have changed; a torn erase leaves a sector in which bits have
//! become ones at random, the more the longer it ran. Cells that were half-way when power went away are *unstable*:
//! each reading draws their value anew, until they are erased or programmed. In a word in flight a third of the cells
//! that change are so, in a torn erase those that were within 5 % of the erase's time of their change.
//!
//! A chip may have an endurance: each further erase of a sector leaves some more of its cells at 0 for good, and the
//! chip does not complain (data sheets promise 100,000 erases and say nothing of what comes then).
//!
//! A chip may be of a kind on which a word that has been programmed since its sector was erased cannot be programmed
//! again ([`Overwrite`]); data sheets promise only that erased cells are programmed. The chips of PUYA (P25Q80H) on
//! ESP-01 modules were seen to hold what was written last, zeros turned to ones, where the AND of both was expected
//! (esp8266/Arduino#4061, a log of one word whose bits were cleared one by one, and #7514); others report bits that are
//! not cleared and bits that are without reason (#4061), or garbage (#7644). The word of 4 bytes counts, because the
//! ESP8266 writes whole words, with ones where nothing is to change. A word counts as programmed from the moment at
//! which its programming begins, also if power goes away then, until its sector has been erased to the end; so does
//! what a programmer has put there. Writing ones to a word that is not programmed programs nothing.
//!
//! Not modelled: cells that wear out little by little (they hold, or are stuck), unstable cells that settle with time,
//! a page whose words are programmed all at once or replaced together.

use std::collections::BTreeMap;

use simulator_record::events::Row;
use simulator_record::random::{Draw, Seed, Stream};

use super::{SECTOR, WORD, units};

/// Words of a sector.
const WORDS: usize = (SECTOR / WORD) as usize;
/// Within so much of an erase's time of its change, a cell is unstable.
const UNSTABLE_PER_MILLION: u32 = 50_000;
/// Cells of a sector that an erase beyond the endurance leaves at 0 for good.
const STUCK_PER_ERASE: u32 = 1_024;

/// What becomes of a word that is programmed again before its sector has been erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// It is the AND of old and new.
    #[default]
    Clears,
    /// It is what was written last: ones in that set bits that were clear. While this is under way, each of its cells
    /// that is 0 or shall be 0 may be anything.
    Replaces,
    /// Of its bits that are still 1, half of those that shall be cleared are not, and a few of the others are.
    Disturbs,
}

impl Overwrite {
    /// All of them: the word, which, and a sentence.
    pub const ROWS: [Row<Self>; 3] = [
        ("clears", Self::Clears, "Clears the bits that are 0 in what is written, and leaves the others as they are."),
        (
            "replaces",
            Self::Replaces,
            "Keeps what was written last, so that bits that were 0 may be 1 again, as PUYA's chips were seen to do. To an `image` that asks, it says that it is PUYA's: Arduino's core then writes the AND itself.",
        ),
        (
            "disturbs",
            Self::Disturbs,
            "Leaves half of the bits at 1 that should be cleared, and clears a few that should not be.",
        ),
    ];
}

/// One in so many bits that should stay 1 is cleared, where words are disturbed.
const DISTURBED: u64 = 16;

/// The cells.
pub(super) struct Cells {
    /// Sectors; one that has never been written takes no memory.
    sectors: Vec<Option<Box<[u8]>>>,
    /// The cells that read differently each time, by sector, as masks.
    unstable: BTreeMap<u32, Box<[u8]>>,
    /// How often a sector can be erased before cells of it stay at 0; `None` for without end.
    pub(super) endurance: Option<u32>,
    /// The cells that stay at 0, by sector, as masks.
    stuck: BTreeMap<u32, Box<[u8]>>,
    overwrite: Overwrite,
    /// Which words have been programmed since they were erased, by sector; nothing if that does not matter.
    programmed: BTreeMap<u32, Box<[bool]>>,
    /// When a cut comes and what it leaves; apart from the durations, so that a cut changes nothing before it.
    tearing: Stream,
    /// What unstable cells read as.
    reading: Stream,
    /// Which cells wear out.
    wearing: Stream,
    /// What is left of a word that is programmed again.
    overwriting: Stream,
}

impl Cells {
    /// So many blank sectors.
    pub(super) fn new(sectors: usize, seed: Seed, name: &str) -> Self {
        Self {
            sectors: vec![None; sectors],
            unstable: BTreeMap::new(),
            endurance: None,
            stuck: BTreeMap::new(),
            overwrite: Overwrite::Clears,
            programmed: BTreeMap::new(),
            tearing: seed.stream(&format!("{name}/tearing")),
            reading: seed.stream(&format!("{name}/unstable cells")),
            wearing: seed.stream(&format!("{name}/wear")),
            overwriting: seed.stream(&format!("{name}/overwriting")),
        }
    }

    /// How many bytes there are.
    pub(super) fn size(&self) -> u32 {
        self.sectors.len() as u32 * SECTOR
    }

    /// Makes it so many sectors, blank ones if they are more.
    pub(super) fn resize(&mut self, sectors: usize) {
        self.sectors.resize(sectors, None);
    }

    pub(super) fn overwrite(&self) -> Overwrite {
        self.overwrite
    }

    /// Makes them cells of that kind. What is not blank counts as programmed.
    pub(super) fn set_overwrite(&mut self, overwrite: Overwrite) {
        self.overwrite = overwrite;
        self.programmed.clear();
        for sector in 0..self.sectors.len() as u32 {
            self.note_contents(sector);
        }
    }

    /// Puts bytes there as a programmer in the factory does.
    pub(super) fn preload(&mut self, address: u32, bytes: &[u8]) {
        for (from, to) in units(address, bytes.len() as u32, SECTOR) {
            let part = &bytes[(from - address) as usize..(to - address) as usize];
            let slot = &mut self.sectors[(from / SECTOR) as usize];
            if slot.is_none() && part.iter().all(|byte| *byte == 0xFF) {
                continue;
            }
            let offset = (from % SECTOR) as usize;
            slot.get_or_insert_with(blank)[offset..offset + part.len()].copy_from_slice(part);
            self.note_contents(from / SECTOR);
        }
    }

    /// Notes that the words of a sector that are not blank have been programmed, if that matters.
    fn note_contents(&mut self, sector: u32) {
        if let Some(bytes) = &self.sectors[sector as usize]
            && self.overwrite != Overwrite::Clears
        {
            let words = self.programmed.entry(sector).or_insert_with(none_programmed);
            for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(WORD as usize)) {
                *word |= bytes.iter().any(|byte| *byte != 0xFF);
            }
        }
    }

    /// Reads bytes that lie within the cells.
    pub(super) fn sense(&mut self, address: u32, bytes: &mut [u8]) {
        for (address, byte) in (address..).zip(bytes.iter_mut()) {
            let sector = self.sectors[(address / SECTOR) as usize].as_deref();
            *byte = sector.map_or(0xFF, |sector| sector[(address % SECTOR) as usize]);
            let unstable = self.unstable.get(&(address / SECTOR)).map_or(0, |mask| mask[(address % SECTOR) as usize]);
            if unstable != 0 {
                *byte ^= unstable & self.reading.between(0, 0xFF) as u8;
            }
        }
    }

    /// All bytes; nothing of that draws what unstable cells read as.
    pub(super) fn contents(&self) -> Vec<u8> {
        self.sectors.iter().flat_map(|sector| sector.as_deref().unwrap_or(&BLANK)).copied().collect()
    }

    /// Erases a sector, all of it or as far as that got, and for the so many'th time.
    pub(super) fn erase(&mut self, sector: u32, erasures: u32, done_per_million: u32) {
        let slot = &mut self.sectors[sector as usize];
        if done_per_million >= 1_000_000 {
            *slot = None;
            self.unstable.remove(&sector);
            self.programmed.remove(&sector);
            self.leave_stuck(sector, erasures);
        } else if let Some(bytes) = slot {
            let unstable = self.unstable.entry(sector).or_insert_with(stable);
            for (byte, unstable) in bytes.iter_mut().zip(unstable.iter_mut()) {
                for bit in 0..8 {
                    if (!*byte | *unstable) >> bit & 1 == 0 {
                        continue;
                    }
                    // When, in the course of the erase, this cell changes.
                    let changes_at = self.tearing.between(0, 999_999) as u32;
                    if changes_at.abs_diff(done_per_million) <= UNSTABLE_PER_MILLION {
                        *unstable |= 1 << bit;
                    } else if changes_at < done_per_million {
                        *byte |= 1 << bit;
                        *unstable &= !(1 << bit);
                    }
                }
            }
        }
    }

    /// What a sector that has been erased too often does not give up.
    fn leave_stuck(&mut self, sector: u32, erasures: u32) {
        if self.endurance.is_none_or(|endurance| erasures <= endurance) {
            return;
        }
        let stuck = self.stuck.entry(sector).or_insert_with(stable);
        for _ in 0..STUCK_PER_ERASE {
            let cell = self.wearing.between(0, u64::from(SECTOR) * 8 - 1);
            stuck[(cell / 8) as usize] |= 1 << (cell % 8);
        }
        self.sectors[sector as usize] = Some(stuck.iter().map(|stuck| !stuck).collect());
    }

    /// Programs words of one page, all of them or as far as that got.
    pub(super) fn program(&mut self, address: u32, data: &[u8], done_per_million: u32) {
        let words = data.len() / WORD as usize;
        let whole = words * done_per_million as usize / 1_000_000;
        for (index, word) in data.chunks_exact(WORD as usize).enumerate().take(whole + 1) {
            let address = address + (index * WORD as usize) as u32;
            if self.note_programmed(address, word) {
                self.program_again(address, word, index >= whole);
                continue;
            }
            for (address, byte) in (address..).zip(word) {
                // A bit that the word in flight would clear may have become clear, or unstable, or neither.
                let (mut stays, mut unstable) = (0, 0);
                for bit in (0..8).filter(|bit| index >= whole && byte >> bit & 1 == 0) {
                    match self.tearing.between(0, 2) {
                        0 => {}
                        1 => stays |= 1 << bit,
                        _ => unstable |= 1 << bit,
                    }
                }
                self.program_byte(address, byte | stays | unstable, unstable);
            }
        }
    }

    /// Clears the bits that are zero in `byte`, and leaves those in `unstable` half-way unless they are clear already.
    fn program_byte(&mut self, address: u32, byte: u8, unstable: u8) {
        let (sector, offset) = (address / SECTOR, (address % SECTOR) as usize);
        let cells = self.byte(address);
        let half_way = unstable & *cells;
        *cells &= byte;
        if half_way != 0 || self.unstable.contains_key(&sector) {
            let mask = &mut self.unstable.entry(sector).or_insert_with(stable)[offset];
            *mask = *mask & byte | half_way;
        }
    }

    /// Notes that `bytes` are programmed into a word; whether it was programmed before, if that matters.
    fn note_programmed(&mut self, address: u32, bytes: &[u8]) -> bool {
        if self.overwrite == Overwrite::Clears {
            return false;
        }
        let words = self.programmed.entry(address / SECTOR).or_insert_with(none_programmed);
        let programmed = &mut words[(address % SECTOR / WORD) as usize];
        let before = *programmed;
        *programmed |= bytes.iter().any(|byte| *byte != 0xFF);
        before
    }

    /// Programs a word that is programmed already.
    fn program_again(&mut self, address: u32, word: &[u8], in_flight: bool) {
        for (address, byte) in (address..).zip(word) {
            let (sector, offset) = (address / SECTOR, (address % SECTOR) as usize);
            let cells = *self.byte(address);
            let was_unstable = self.unstable.get(&sector).map_or(0, |mask| mask[offset]);
            let (target, moving) = match self.overwrite {
                Overwrite::Clears => (cells & byte, cells & !byte),
                Overwrite::Replaces => (*byte, !cells | !byte | was_unstable),
                Overwrite::Disturbs => {
                    let cleared = self.some_of(cells & !byte, 2) | self.some_of(cells & byte, DISTURBED);
                    (cells & !cleared, cleared)
                }
            };
            let (mut reads, mut unstable) = (target, was_unstable & !moving);
            for bit in (0..8).filter(|bit| in_flight && moving >> bit & 1 != 0) {
                match self.overwriting.between(0, 2) {
                    0 => reads &= !(1 << bit),
                    1 => reads |= 1 << bit,
                    _ => unstable |= 1 << bit,
                }
            }
            // What is worn out is at 0 for good.
            let stuck = self.stuck.get(&sector).map_or(0, |mask| mask[offset]);
            let (reads, unstable) = (reads & !stuck, unstable & !stuck);
            *self.byte(address) = reads;
            if unstable != was_unstable {
                self.unstable.entry(sector).or_insert_with(stable)[offset] = unstable;
            }
        }
    }

    /// One in so many bits of a mask, at random.
    fn some_of(&mut self, mask: u8, one_in: u64) -> u8 {
        let bits = (0..8).filter(|bit| mask >> bit & 1 != 0);
        bits.filter(|_| self.overwriting.between(1, one_in) == 1).fold(0, |some, bit| some | 1 << bit)
    }

    fn byte(&mut self, address: u32) -> &mut u8 {
        let sector = &mut self.sectors[(address / SECTOR) as usize];
        let sector = sector.get_or_insert_with(blank);
        &mut sector[(address % SECTOR) as usize]
    }
}

/// A sector that has been erased.
const BLANK: [u8; SECTOR as usize] = [0xFF; SECTOR as usize];

fn blank() -> Box<[u8]> {
    BLANK.into()
}

/// No cell of a sector is unstable.
fn stable() -> Box<[u8]> {
    vec![0; SECTOR as usize].into()
}

/// No word of a sector has been programmed.
fn none_programmed() -> Box<[bool]> {
    [false; WORDS].into()
}
