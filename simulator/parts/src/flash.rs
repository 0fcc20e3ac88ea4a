//! The SPI NOR flash of an ESP-07: 1 MiB, like Winbond's W25Q80.
//!
//! Erases and writes take time: [`NorFlash::begin`] checks one and says when it ends, [`NorFlash::finish`] carries it
//! out then, [`NorFlash::tear`] carries out as much of it as was done when power went away, [`NorFlash::reset_host`] as
//! much as the chip does on its own when only its host is reset. Contents and wear outlive power cuts. An erase sets
//! whole sectors to ones; a write only clears bits, so writing over old data gives the AND of both, and the chip does
//! not complain.
//!
//! After Winbond's W25Q80 data sheets (typical times of their AC characteristics) with the ESP8266's own limits (words
//! of 4 bytes). What operations leave in the cells, torn ones among them, is the business of `cells`.
//!
//! Not modelled: commands, the status register and the manufacturer's number, which are the host's or the emulated
//! chip's to know.

mod cells;

use std::time::Duration;

use embedded_storage::nor_flash::{NorFlashError, NorFlashErrorKind};

use simulator_record::events::{self, EventKind, FlashOperation};
use simulator_record::random::{Draw, Seed, Stream};
use simulator_record::time::Instant;

use cells::Cells;
pub use cells::Overwrite;

/// Bytes in the chip.
pub const SIZE: u32 = 1 << 20;
/// Bytes in the smallest part that can be erased.
pub const SECTOR: u32 = 4_096;
/// Bytes that are programmed in one go.
pub const PAGE: u32 = 256;
/// Bytes that are written together; writes are aligned to it.
pub const WORD: u32 = 4;

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
    cells: Cells,
    /// How often each sector has been erased.
    wear: Vec<u32>,
    running: Option<Running>,
    operations: u32,
    /// Durations.
    timing: Stream,
}

impl NorFlash {
    /// A blank chip of [`SIZE`]; its random numbers come from streams of `seed` whose names begin with `name`.
    pub fn new(seed: Seed, name: &str) -> Self {
        let sectors = (SIZE / SECTOR) as usize;
        Self {
            cells: Cells::new(sectors, seed, name),
            wear: vec![0; sectors],
            running: None,
            operations: 0,
            timing: seed.stream(&format!("{name}/timing")),
        }
    }

    /// Bytes of the chip.
    pub fn size(&self) -> u32 {
        self.cells.size()
    }

    /// Makes the blank chip one of another size: a power of two from 64 KiB to 16 MiB.
    pub fn resize(&mut self, size: u32) {
        let sectors = (size / SECTOR) as usize;
        self.cells.resize(sectors);
        self.wear.resize(sectors, 0);
    }

    /// Makes it a chip of which each sector can be erased so often; further erases leave cells at 0.
    pub fn set_endurance(&mut self, erases: u32) {
        self.cells.endurance = Some(erases);
    }

    /// Makes it a chip of that kind.
    pub fn set_overwrite(&mut self, overwrite: Overwrite) {
        self.cells.set_overwrite(overwrite);
    }

    /// What kind of chip it is.
    pub fn overwrite(&self) -> Overwrite {
        self.cells.overwrite()
    }

    /// Puts `bytes` at `address` as a programmer in the factory does: without time, wear or count.
    ///
    /// # Errors
    /// [`FlashError::OutOfBounds`].
    pub fn preload(&mut self, address: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        check_bounds(address, length, self.size())?;
        self.cells.preload(address, bytes);
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
        self.cells.sense(address, bytes);
    }

    /// All bytes, as a host sees them that keeps what it has read: nothing of that draws what unstable cells read as.
    pub fn contents(&self) -> Vec<u8> {
        self.cells.contents()
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
                    for sector in from / SECTOR..to / SECTOR {
                        self.cells.erase(sector, self.wear[sector as usize], done_per_million);
                    }
                }
                Operation::Write { data, .. } => {
                    let part = &data[(from - address) as usize..(to - address) as usize];
                    self.cells.program(from, part, done_per_million);
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

    /// How often each sector has been erased (torn erases included), from the first on.
    pub fn wear(&self) -> &[u32] {
        &self.wear
    }

    /// How many erases and writes there have been since the scenario began.
    pub fn operations(&self) -> u32 {
        self.operations
    }
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
