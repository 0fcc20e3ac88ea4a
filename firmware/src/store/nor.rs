//! NOR flash for tests, with power that fails in the middle of any operation.

use std::vec;
use std::vec::Vec;

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

/// Bytes of a sector.
pub(crate) const SECTOR: usize = 4096;

/// How many of the cells that were on their way read differently each time, until they are programmed or erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unstable {
    #[default]
    None,
    /// One in 32: one of a word's.
    Few,
    Half,
}

/// What a torn operation leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tear {
    pub(crate) unstable: Unstable,
    /// A write programs all of its words at once, not one after the other.
    pub(crate) all_at_once: bool,
    /// An erase clears all cells first.
    pub(crate) clears_first: bool,
}

impl Tear {
    pub(crate) const ALL: [Self; 12] = {
        let mut all = [Self { unstable: Unstable::None, all_at_once: false, clears_first: false }; 12];
        let mut number = 0;
        while number < all.len() {
            let unstable = [Unstable::None, Unstable::Few, Unstable::Half][number / 4];
            all[number] = Self { unstable, all_at_once: number & 1 != 0, clears_first: number & 2 != 0 };
            number += 1;
        }
        all
    };
}

/// NOR flash in memory: programming clears bits, erasing sets a sector's, and power can fail in the middle of either.
/// It is of a kind on which no word can be programmed twice between two erases, and panics if that is tried.
#[derive(Clone)]
pub(crate) struct Nor {
    pub(crate) bytes: Vec<u8>,
    /// Cells that read as either.
    pub(crate) unstable: Vec<u8>,
    /// Words that have been written to since they were erased, if only by a write that was cut short.
    pub(crate) written: Vec<bool>,
    /// Writes and erases since power came on.
    pub(crate) operations: usize,
    /// The operation that power fails in.
    pub(crate) cut_at: Option<usize>,
    pub(crate) tear: Tear,
    /// How far an interrupted operation got: so many of 256 cells, at random, are left as they were.
    pub(crate) left: u8,
    pub(crate) random: u64,
    pub(crate) wear: Vec<usize>,
}

impl Nor {
    pub(crate) fn new(sectors: usize) -> Self {
        Self {
            bytes: vec![0xff; sectors * SECTOR],
            unstable: vec![0; sectors * SECTOR],
            written: vec![false; sectors * SECTOR / 4],
            operations: 0,
            cut_at: None,
            tear: Tear::default(),
            left: 128,
            random: 1,
            wear: vec![0; sectors],
        }
    }

    /// Xorshift: enough for noise.
    fn draw(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// Bits that are set with a probability of `left` in 256.
    pub(crate) fn noisy(&mut self) -> u8 {
        (0..8).fold(0, |byte, bit| byte | u8::from(self.draw() >> 56 < u64::from(self.left)) << bit)
    }

    pub(crate) fn power_on(&mut self, cut_at: Option<usize>) {
        self.operations = 0;
        self.cut_at = cut_at;
    }

    /// Counts an operation: goes well, fails in the middle, or finds power gone.
    fn begin(&mut self) -> Result<bool, NorFlashErrorKind> {
        self.operations += 1;
        match self.cut_at {
            Some(cut) if self.operations > cut => Err(NorFlashErrorKind::Other),
            Some(cut) => Ok(self.operations == cut),
            None => Ok(false),
        }
    }

    /// Leaves the cells of a byte that are in `changing` half-way to what they are in `to`.
    fn half_way(&mut self, at: usize, changing: u8, to: u8) {
        let stays = self.noisy() & changing;
        let old = self.bytes[at];
        let moved = changing & !stays;
        self.bytes[at] = old & !moved | to & moved;
        let [mask, others @ ..] = self.draw().to_le_bytes();
        let unstable = match self.tear.unstable {
            Unstable::None => 0,
            Unstable::Few => others[..4].iter().fold(mask, |mask, other| mask & other),
            Unstable::Half => mask,
        };
        self.unstable[at] = self.unstable[at] & !moved | changing & unstable;
    }
}

impl ErrorType for Nor {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Nor {
    const READ_SIZE: usize = 4;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        if self.cut_at.is_some_and(|cut| self.operations >= cut) {
            return Err(NorFlashErrorKind::Other);
        }
        if !offset.is_multiple_of(4) || !bytes.len().is_multiple_of(4) {
            return Err(NorFlashErrorKind::NotAligned);
        }
        let span = offset as usize..offset as usize + bytes.len();
        bytes.copy_from_slice(self.bytes.get(span.clone()).ok_or(NorFlashErrorKind::OutOfBounds)?);
        for (at, byte) in span.zip(bytes) {
            if self.unstable[at] != 0 {
                *byte ^= self.unstable[at] & self.draw().to_le_bytes()[0];
            }
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Nor {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        for start in (from as usize..to as usize).step_by(SECTOR) {
            let torn = self.begin()?;
            self.wear[start / SECTOR] += 1;
            for at in start..start + SECTOR {
                if !torn {
                    (self.bytes[at], self.unstable[at]) = (0xff, 0);
                } else if self.tear.clears_first {
                    self.bytes[at] = 0;
                    self.half_way(at, 0xff, 0xff);
                } else {
                    let changing = !self.bytes[at] | self.unstable[at];
                    self.half_way(at, changing, 0xff);
                }
            }
            if torn {
                return Err(NorFlashErrorKind::Other);
            }
            self.written[start / 4..(start + SECTOR) / 4].fill(false);
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        assert!(offset.is_multiple_of(4) && bytes.len().is_multiple_of(4));
        let torn = self.begin()?;
        for word in &mut self.written[offset as usize / 4..][..bytes.len() / 4] {
            assert!(!std::mem::replace(word, true), "a word at {offset:#x} or behind is programmed twice");
        }
        let whole = match (torn, self.tear.all_at_once) {
            (false, _) => bytes.len(),
            (true, true) => 0,
            (true, false) => self.draw() as usize % bytes.len() / 4 * 4,
        };
        let in_flight = if self.tear.all_at_once { bytes.len() } else { 4 };
        for (place, byte) in bytes.iter().enumerate() {
            let at = offset as usize + place;
            if place < whole {
                self.bytes[at] &= byte;
                self.unstable[at] &= byte;
            } else if torn && place < whole + in_flight {
                let changing = !byte & (self.bytes[at] | self.unstable[at]);
                self.half_way(at, changing, 0);
            }
        }
        if torn { Err(NorFlashErrorKind::Other) } else { Ok(()) }
    }
}
