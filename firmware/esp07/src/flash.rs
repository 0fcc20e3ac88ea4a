//! The settings sectors, through the SDK: it knows when the flash may be taken from under the running program.
//!
//! Each call blocks: some 50 ms for an erased sector. The SDK moves words between word-aligned places, so bytes go
//! through a small buffer.

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use firmware::board::SETTINGS_SECTORS;

use crate::sdk;

const WORD: usize = 4;
const SECTOR: u32 = 4_096;
/// Words at a time.
const BUFFER: usize = 32;

/// The flash sectors that hold the settings.
pub struct SettingsFlash(());

/// What a flash operation ends with if it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashError {
    /// The place is not in the settings sectors, or not aligned.
    Place(NorFlashErrorKind),
    /// The SDK reports a failure: 1 error, 2 time-out.
    Sdk(u32),
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Place(kind) => *kind,
            Self::Sdk(_) => NorFlashErrorKind::Other,
        }
    }
}

impl SettingsFlash {
    /// The sectors.
    pub fn new() -> Self {
        Self(())
    }
}

/// The address in the chip, if `offset` and `length` lie in the sectors and are multiples of `unit`.
fn address(offset: u32, length: usize, unit: usize) -> Result<u32, FlashError> {
    if !(offset as usize).is_multiple_of(unit) || !length.is_multiple_of(unit) {
        return Err(FlashError::Place(NorFlashErrorKind::NotAligned));
    }
    let capacity = SETTINGS_SECTORS.len();
    if length > capacity || offset as usize > capacity - length {
        return Err(FlashError::Place(NorFlashErrorKind::OutOfBounds));
    }
    Ok(SETTINGS_SECTORS.start + offset)
}

fn checked(result: u32) -> Result<(), FlashError> {
    if result == 0 { Ok(()) } else { Err(FlashError::Sdk(result)) }
}

impl ErrorType for SettingsFlash {
    type Error = FlashError;
}

impl ReadNorFlash for SettingsFlash {
    const READ_SIZE: usize = WORD;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        let mut from = address(offset, bytes.len(), WORD)?;
        let mut buffer = [0_u32; BUFFER];
        for piece in bytes.chunks_mut(BUFFER * WORD) {
            // SAFETY: the buffer has room for as many bytes as a piece has at most.
            checked(unsafe { sdk::spi_flash_read(from, buffer.as_mut_ptr(), piece.len() as u32) })?;
            for (bytes, word) in piece.chunks_exact_mut(WORD).zip(buffer) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
            from += piece.len() as u32;
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        SETTINGS_SECTORS.len()
    }
}

impl NorFlash for SettingsFlash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let length = to.checked_sub(from).ok_or(FlashError::Place(NorFlashErrorKind::OutOfBounds))?;
        let first = address(from, length as usize, SECTOR as usize)? / SECTOR;
        for sector in first..first + length / SECTOR {
            // SAFETY: the sector is one of the settings'.
            checked(unsafe { sdk::spi_flash_erase_sector(sector as u16) })?;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let mut to = address(offset, bytes.len(), WORD)?;
        let mut buffer = [0_u32; BUFFER];
        for piece in bytes.chunks(BUFFER * WORD) {
            for (word, bytes) in buffer.iter_mut().zip(piece.as_chunks::<WORD>().0) {
                *word = u32::from_le_bytes(*bytes);
            }
            // SAFETY: the buffer holds the piece, and the place is the settings'.
            checked(unsafe { sdk::spi_flash_write(to, buffer.as_ptr(), piece.len() as u32) })?;
            to += piece.len() as u32;
        }
        Ok(())
    }
}
