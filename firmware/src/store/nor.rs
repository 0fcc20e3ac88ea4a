//! NOR flash for tests, with power that fails in the middle of any operation.

use std::vec;
use std::vec::Vec;

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

/// Bytes of a sector.
pub(crate) const SECTOR: usize = 4096;

/// NOR flash in memory: programming clears bits, erasing sets a sector's, and power can fail in the middle of either.
#[derive(Clone)]
pub(crate) struct Nor {
    pub(crate) bytes: Vec<u8>,
    /// Writes and erases since power came on.
    pub(crate) operations: usize,
    /// The operation that power fails in.
    pub(crate) cut_at: Option<usize>,
    /// How far an interrupted erase got: in so many of 256 bits, at random, the old state is left or noise.
    pub(crate) noise: u8,
    pub(crate) random: u64,
    pub(crate) wear: Vec<usize>,
}

impl Nor {
    pub(crate) fn new(sectors: usize) -> Self {
        Self {
            bytes: vec![0xff; sectors * SECTOR],
            operations: 0,
            cut_at: None,
            noise: 128,
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

    pub(crate) fn noisy(&mut self) -> u8 {
        (0..8).fold(0, |byte, bit| byte | u8::from(self.draw() >> 56 < u64::from(self.noise)) << bit)
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
        let source = self.bytes.get(offset as usize..).and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(source.ok_or(NorFlashErrorKind::OutOfBounds)?);
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
                let left = if torn { self.noisy() } else { 0 };
                // Cells on their way to 1 read as either; a chip that clears all cells first leaves noise.
                let old = if self.noise.is_multiple_of(2) { self.bytes[at] } else { 0 };
                self.bytes[at] = old & left | !left;
            }
            if torn {
                return Err(NorFlashErrorKind::Other);
            }
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        assert!(offset.is_multiple_of(4) && bytes.len().is_multiple_of(4));
        let torn = self.begin()?;
        let whole = if torn { self.draw() as usize % bytes.len() / 4 * 4 } else { bytes.len() };
        for (place, byte) in bytes.iter().enumerate() {
            let missing = match place {
                _ if place < whole => 0,
                _ if place < whole + 4 => self.noisy(),
                _ => 0xff,
            };
            self.bytes[offset as usize + place] &= byte | missing;
        }
        if torn { Err(NorFlashErrorKind::Other) } else { Ok(()) }
    }
}
