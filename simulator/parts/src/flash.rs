//! The SPI NOR flash of an ESP-07: 1 MiB, like Winbond's W25Q80.
//!
//! Erases and writes take time: [`NorFlash::begin`] checks one and says when it ends, [`NorFlash::finish`] carries it
//! out then, [`NorFlash::tear`] carries out as much of it as was done when power went away, [`NorFlash::reset_host`] as
//! much as the chip does on its own when only its host is reset. Contents and wear outlive power cuts. An erase sets
//! whole sectors to ones; a write only clears bits, so writing over old data gives the AND of both, and the chip does
//! not complain.
//!
//! After Winbond's W25Q80 data sheets (typical times of their AC characteristics) with the ESP8266's own limits (words
//! of 4 bytes). A torn write has programmed its words in order up to the one in flight, of which each bit may or may
//! not have changed; a torn erase leaves a sector in which bits have become ones at random, the more the longer it ran.
//! Cells that were half-way when power went away are *unstable*: each reading draws their value anew, until they are
//! erased or programmed. In a word in flight a third of the cells that change are so, in a torn erase those that were
//! within 5 % of the erase's time of their change.
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
//! a page whose words are programmed all at once or replaced together. Commands, the status register and the
//! manufacturer's number are the host's or the emulated chip's to know.

use std::collections::BTreeMap;
use std::time::Duration;

use embedded_storage::nor_flash::{NorFlashError, NorFlashErrorKind};

use simulator_record::events::{self, EventKind, FlashOperation, Row};
use simulator_record::random::{Draw, Seed, Stream};
use simulator_record::time::Instant;

/// Bytes in the chip.
pub const SIZE: u32 = 1 << 20;
/// Bytes in the smallest part that can be erased.
pub const SECTOR: u32 = 4_096;
/// Bytes that are programmed in one go.
pub const PAGE: u32 = 256;
/// Bytes that are written together; writes are aligned to it.
pub const WORD: u32 = 4;
/// Words of a sector.
const WORDS: usize = (SECTOR / WORD) as usize;

/// Nanoseconds: shortest and longest erase of a sector, and programming of a page.
const SECTOR_ERASE: (u64, u64) = (45_000_000, 60_000_000);
const PAGE_PROGRAM: (u64, u64) = (650_000, 750_000);
/// The same for what is erased in one go beside sectors: blocks of 32 and 64 KiB, and the whole chip.
const HALF_BLOCK: u32 = 0x8000;
const HALF_BLOCK_ERASE: (u64, u64) = (120_000_000, 160_000_000);
const BLOCK: u32 = 0x1_0000;
const BLOCK_ERASE: (u64, u64) = (150_000_000, 200_000_000);
const CHIP_ERASE: (u64, u64) = (2_000_000_000, 2_700_000_000);
/// Reads go through the controller's FIFO of 64 bytes: set-up of each, and a byte at 40 MHz over two wires.
const READ_SETUP: u64 = 4_000;
const READ_BYTE: u64 = 100;
const READ_FIFO: u64 = 64;
/// Within so much of an erase's time of its change, a cell is unstable.
const UNSTABLE_PER_MILLION: u32 = 50_000;

/// A change of the chip's contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Sets the sectors from byte address `from` to (not including) `to` to ones.
    Erase {
        /// First byte, aligned to [`SECTOR`].
        from: u32,
        /// Byte after the last, aligned to [`SECTOR`].
        to: u32,
    },
    /// Sets the sectors from byte address `from` to (not including) `to` to ones in one go, as the chip's commands for
    /// blocks of 32 and 64 KiB and for all of it do.
    EraseBlock {
        /// First byte, aligned to [`SECTOR`].
        from: u32,
        /// Byte after the last, aligned to [`SECTOR`].
        to: u32,
    },
    /// Clears the bits that are zero in `data`.
    Write {
        /// First byte, aligned to [`WORD`].
        address: u32,
        /// Whole words.
        data: Vec<u8>,
    },
}

impl Operation {
    fn span(&self) -> (u32, u32) {
        match self {
            Self::Erase { from, to } | Self::EraseBlock { from, to } => (*from, to.saturating_sub(*from)),
            Self::Write { address, data } => (*address, u32::try_from(data.len()).unwrap_or(u32::MAX)),
        }
    }

    fn kind(&self) -> FlashOperation {
        match self {
            Self::Erase { .. } | Self::EraseBlock { .. } => FlashOperation::Erase,
            Self::Write { .. } => FlashOperation::Write,
        }
    }

    fn check(&self, size: u32) -> Result<(), FlashError> {
        let (address, length) = self.span();
        let unit = match self {
            Self::Erase { .. } | Self::EraseBlock { .. } => SECTOR,
            Self::Write { .. } => WORD,
        };
        check_bounds(address, length, size)?;
        match self {
            Self::Erase { from, to } | Self::EraseBlock { from, to } if from > to => Err(FlashError::OutOfBounds),
            _ if address % unit != 0 || length % unit != 0 => Err(FlashError::NotAligned),
            _ => Ok(()),
        }
    }

    /// Bytes that change in one go, and the shortest and longest time that takes in nanoseconds, on a chip of that
    /// size.
    fn unit(&self, size: u32) -> (u32, (u64, u64)) {
        match self {
            Self::Erase { .. } => (SECTOR, SECTOR_ERASE),
            Self::EraseBlock { .. } => {
                let units = [(SECTOR, SECTOR_ERASE), (HALF_BLOCK, HALF_BLOCK_ERASE), (BLOCK, BLOCK_ERASE)];
                let length = self.span().1;
                units.into_iter().find(|(unit, _)| length <= *unit).unwrap_or((size, CHIP_ERASE))
            }
            Self::Write { .. } => (PAGE, PAGE_PROGRAM),
        }
    }
}

fn check_bounds(address: u32, length: u32, size: u32) -> Result<(), FlashError> {
    match address.checked_add(length) {
        Some(end) if end <= size => Ok(()),
        _ => Err(FlashError::OutOfBounds),
    }
}

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

/// Cells of a sector that an erase beyond the endurance leaves at 0 for good.
const STUCK_PER_ERASE: u32 = 1_024;

/// Why the flash refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlashError {
    /// Not a multiple of the word, or of the sector.
    #[error("address or length is not aligned")]
    NotAligned,
    /// Beyond the chip's end.
    #[error("beyond the end of the flash")]
    OutOfBounds,
    /// An erase or write is under way.
    #[error("the flash is busy")]
    Busy,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::Busy => NorFlashErrorKind::Other,
        }
    }
}

/// An operation that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Counts the erases and writes since the scenario began, from 1.
    pub number: u32,
    /// When it will be finished.
    pub ends: Instant,
}

/// An operation that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashReport {
    /// Counts the erases and writes since the scenario began, from 1.
    pub number: u32,
    /// Which.
    pub operation: FlashOperation,
    /// First byte.
    pub address: u32,
    /// Length in bytes.
    pub length: u32,
    /// Power went away before it was finished.
    pub torn: bool,
    /// How often that of its sectors has been erased which has been most often, this time included.
    pub erasures: u32,
}

impl From<FlashReport> for EventKind {
    fn from(report: FlashReport) -> Self {
        let FlashReport { number, operation, address, length, torn, erasures } = report;
        Self::Flash(events::Flash { number, operation, address, length, torn, erasures })
    }
}

/// An operation under way.
struct Running {
    operation: Operation,
    number: u32,
    begun: Instant,
    /// When each of its sectors or pages is done.
    ends: Vec<Instant>,
}

/// The chip.
pub struct NorFlash {
    /// Sectors; one that has never been written takes no memory.
    sectors: Vec<Option<Box<[u8]>>>,
    /// The cells that read differently each time, by sector, as masks.
    unstable: BTreeMap<u32, Box<[u8]>>,
    wear: Vec<u32>,
    /// How often a sector can be erased before cells of it stay at 0; `None` for without end.
    endurance: Option<u32>,
    /// The cells that stay at 0, by sector, as masks.
    stuck: BTreeMap<u32, Box<[u8]>>,
    overwrite: Overwrite,
    /// Which words have been programmed since they were erased, by sector; nothing if that does not matter.
    programmed: BTreeMap<u32, Box<[bool]>>,
    running: Option<Running>,
    operations: u32,
    /// Durations.
    timing: Stream,
    /// When a cut comes and what it leaves; apart from the durations, so that a cut changes nothing before it.
    tearing: Stream,
    /// What unstable cells read as.
    reading: Stream,
    /// Which cells wear out.
    wearing: Stream,
    /// What is left of a word that is programmed again.
    overwriting: Stream,
}

impl NorFlash {
    /// A blank chip of [`SIZE`]; its random numbers come from streams of `seed` whose names begin with `name`.
    pub fn new(seed: Seed, name: &str) -> Self {
        let sectors = (SIZE / SECTOR) as usize;
        Self {
            sectors: vec![None; sectors],
            unstable: BTreeMap::new(),
            wear: vec![0; sectors],
            endurance: None,
            stuck: BTreeMap::new(),
            overwrite: Overwrite::Clears,
            programmed: BTreeMap::new(),
            running: None,
            operations: 0,
            timing: seed.stream(&format!("{name}/timing")),
            tearing: seed.stream(&format!("{name}/tearing")),
            reading: seed.stream(&format!("{name}/unstable cells")),
            wearing: seed.stream(&format!("{name}/wear")),
            overwriting: seed.stream(&format!("{name}/overwriting")),
        }
    }

    /// Bytes of the chip.
    pub fn size(&self) -> u32 {
        self.sectors.len() as u32 * SECTOR
    }

    /// Makes the blank chip one of another size: a power of two from 64 KiB to 16 MiB.
    pub fn resize(&mut self, size: u32) {
        let sectors = (size / SECTOR) as usize;
        self.sectors.resize(sectors, None);
        self.wear.resize(sectors, 0);
    }

    /// Makes it a chip of which each sector can be erased so often; further erases leave cells at 0.
    pub fn set_endurance(&mut self, erases: u32) {
        self.endurance = Some(erases);
    }

    /// Makes the blank chip one of that kind.
    pub fn set_overwrite(&mut self, overwrite: Overwrite) {
        self.overwrite = overwrite;
    }

    /// What kind of chip it is.
    pub fn overwrite(&self) -> Overwrite {
        self.overwrite
    }

    /// Puts `bytes` at `address` as a programmer in the factory does: without time, wear or count.
    ///
    /// # Errors
    /// [`FlashError::OutOfBounds`].
    pub fn preload(&mut self, address: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        check_bounds(address, length, self.size())?;
        for (from, to) in units(address, length, SECTOR) {
            let part = &bytes[(from - address) as usize..(to - address) as usize];
            let slot = &mut self.sectors[(from / SECTOR) as usize];
            if slot.is_none() && part.iter().all(|byte| *byte == 0xFF) {
                continue;
            }
            let offset = (from % SECTOR) as usize;
            slot.get_or_insert_with(blank)[offset..offset + part.len()].copy_from_slice(part);
            for (address, byte) in (from..).zip(part) {
                self.note_programmed(address, &[*byte]);
            }
        }
        Ok(())
    }

    /// Reads bytes from `address` on, beginning at `at`, and returns when they have been read.
    ///
    /// # Errors
    /// [`FlashError::OutOfBounds`], or [`FlashError::Busy`] while an operation is under way.
    pub fn read(&mut self, at: Instant, address: u32, bytes: &mut [u8]) -> Result<Instant, FlashError> {
        check_bounds(address, u32::try_from(bytes.len()).unwrap_or(u32::MAX), self.size())?;
        if self.running.is_some() {
            return Err(FlashError::Busy);
        }
        self.sense(address, bytes);
        let length = bytes.len() as u64;
        Ok(at + Duration::from_nanos(length.div_ceil(READ_FIFO) * READ_SETUP + length * READ_BYTE))
    }

    /// Reads bytes that lie within the chip, without time.
    ///
    /// # Panics
    /// If they do not.
    pub fn sense(&mut self, address: u32, bytes: &mut [u8]) {
        for (address, byte) in (address..).zip(bytes.iter_mut()) {
            let sector = self.sectors[(address / SECTOR) as usize].as_deref();
            *byte = sector.map_or(0xFF, |sector| sector[(address % SECTOR) as usize]);
            let unstable = self.unstable.get(&(address / SECTOR)).map_or(0, |mask| mask[(address % SECTOR) as usize]);
            if unstable != 0 {
                *byte ^= unstable & self.reading.between(0, 0xFF) as u8;
            }
        }
    }

    /// All bytes, as a host sees them that keeps what it has read: nothing of that draws what unstable cells read as.
    pub fn contents(&self) -> Vec<u8> {
        self.sectors.iter().flat_map(|sector| sector.as_deref().unwrap_or(&BLANK)).copied().collect()
    }

    /// Begins an erase or write at `at`. Call [`NorFlash::finish`] when it ends, or [`NorFlash::tear`] if power goes
    /// away before.
    ///
    /// # Errors
    /// A [`FlashError`]; the operation is not counted then.
    pub fn begin(&mut self, at: Instant, operation: Operation) -> Result<Begun, FlashError> {
        operation.check(self.size())?;
        if self.running.is_some() {
            return Err(FlashError::Busy);
        }
        let (address, length) = operation.span();
        let (unit, (shortest, longest)) = operation.unit(self.size());
        let mut end = at;
        let ends: Vec<Instant> = units(address, length, unit)
            .map(|_| {
                end += Duration::from_nanos(self.timing.between(shortest, longest));
                end
            })
            .collect();
        self.wear_out(&operation, |wear| wear + 1);
        self.operations += 1;
        let number = self.operations;
        self.running = Some(Running { operation, number, begun: at, ends });
        Ok(Begun { number, ends: end })
    }

    /// Carries out the operation under way, if there is one.
    pub fn finish(&mut self) -> Option<FlashReport> {
        self.end(Instant::FAR_FUTURE)
    }

    /// Power goes away at `at`: the operation under way, if any, is carried out as far as it got. One that had come to
    /// its end by then is finished; one that begins only after `at` has not happened and is not counted.
    pub fn tear(&mut self, at: Instant) -> Option<FlashReport> {
        self.end(at)
    }

    /// The host is reset at `at` while the chip stays powered: the chip completes the sector or page it is at and is
    /// told nothing of the next. An operation that begins only after `at` has not happened and is not counted.
    pub fn reset_host(&mut self, at: Instant) -> Option<FlashReport> {
        let running = self.running.as_ref()?;
        let unit_ends = running.ends.iter().copied().find(|end| running.begun <= at && at < *end);
        self.end(unit_ends.unwrap_or(at))
    }

    fn end(&mut self, at: Instant) -> Option<FlashReport> {
        let Running { operation, number, begun, ends } = self.running.take()?;
        if at < begun {
            self.operations -= 1;
            self.wear_out(&operation, |wear| wear - 1);
            return None;
        }
        let (address, length) = operation.span();
        let (unit, _) = operation.unit(self.size());
        let mut starts = begun;
        for ((from, to), ends) in units(address, length, unit).zip(&ends) {
            if at <= starts {
                break;
            }
            let (elapsed, whole) = (at.saturating_since(starts), ends.saturating_since(starts));
            let done_per_million = (elapsed.min(whole).as_nanos() * 1_000_000 / whole.as_nanos().max(1)) as u32;
            match &operation {
                Operation::Erase { .. } | Operation::EraseBlock { .. } => {
                    (from / SECTOR..to / SECTOR).for_each(|sector| self.erase_sector(sector, done_per_million));
                }
                Operation::Write { data, .. } => {
                    let part = &data[(from - address) as usize..(to - address) as usize];
                    self.program(from, part, done_per_million);
                }
            }
            starts = *ends;
        }
        let torn = ends.last().is_some_and(|last| at < *last);
        let sectors = units(address, length, SECTOR).map(|(from, _)| self.wear[(from / SECTOR) as usize]);
        let erasures = sectors.max().unwrap_or(0);
        Some(FlashReport { number, operation: operation.kind(), address, length, torn, erasures })
    }

    /// Changes the wear of the sectors that an operation erases, if it does.
    fn wear_out(&mut self, operation: &Operation, change: impl Fn(u32) -> u32) {
        if let Operation::Erase { from, to } | Operation::EraseBlock { from, to } = operation {
            for wear in &mut self.wear[(from / SECTOR) as usize..(to / SECTOR) as usize] {
                *wear = change(*wear);
            }
        }
    }

    fn erase_sector(&mut self, sector: u32, done_per_million: u32) {
        let slot = &mut self.sectors[sector as usize];
        if done_per_million >= 1_000_000 {
            *slot = None;
            self.unstable.remove(&sector);
            self.programmed.remove(&sector);
            self.leave_stuck(sector);
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
    fn leave_stuck(&mut self, sector: u32) {
        if self.endurance.is_none_or(|endurance| self.wear[sector as usize] <= endurance) {
            return;
        }
        let stuck = self.stuck.entry(sector).or_insert_with(stable);
        for _ in 0..STUCK_PER_ERASE {
            let cell = self.wearing.between(0, u64::from(SECTOR) * 8 - 1);
            stuck[(cell / 8) as usize] |= 1 << (cell % 8);
        }
        self.sectors[sector as usize] = Some(stuck.iter().map(|stuck| !stuck).collect());
    }

    fn program(&mut self, address: u32, data: &[u8], done_per_million: u32) {
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
        let words = self.programmed.entry(address / SECTOR).or_insert_with(|| [false; WORDS].into());
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

    /// How often each sector has been erased (torn erases included), from the first on.
    pub fn wear(&self) -> &[u32] {
        &self.wear
    }

    /// How many erases and writes there have been since the scenario began.
    pub fn operations(&self) -> u32 {
        self.operations
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

/// The parts of `address..address + length` that lie in one unit each.
fn units(address: u32, length: u32, unit: u32) -> impl Iterator<Item = (u32, u32)> {
    let end = address + length;
    std::iter::successors(Some(address), move |from| Some((from / unit + 1) * unit))
        .take_while(move |from| *from < end)
        .map(move |from| (from, end.min((from / unit + 1) * unit)))
}

#[cfg(test)]
mod tests;
