//! What the duck keeps in flash, whole after a power cut at any moment: its settings, and a few words about itself.
//!
//! | sectors | what | written |
//! |---|---|---|
//! | 0, 1 | [`Own`]: the set-up network's secret, the newest authenticated time | at first start, then about weekly |
//! | 2, 3 | the [`Settings`] | when somebody sets the duck up |
//!
//! Each has a pair of sectors to itself, of which one holds the newest record while the other takes the next one; how
//! that survives torn operations, whose cells may read differently each time, is told there. `settings_record` and
//! `own_record` say how the records are laid out.
//!
//! A save erases one sector, so that a time kept weekly wears each of its two by 26 erases a year; a sector bears
//! 100,000 (Winbond W25Q80, "Endurance").

#[cfg(test)]
pub(crate) mod nor;
mod own_record;
mod pair;
mod settings_record;
#[cfg(test)]
mod tests;

use embedded_storage_async::nor_flash::{NorFlash, NorFlashErrorKind};
use log::warn;
use thiserror::Error;

use crate::settings::Settings;
pub use own_record::{Own, SECRET};
use pair::{Pair, Record};

/// Why something could not be loaded or saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The flash has fewer than four sectors.
    #[error("the settings flash has fewer than four sectors")]
    TooSmall,
    /// The flash refused an operation.
    #[error("the settings flash failed: {0}")]
    Flash(NorFlashErrorKind),
    /// What was written does not read back.
    #[error("the settings flash does not keep what is written")]
    NotKept,
}

/// Why a whole record cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unreadable {
    /// Written in a format that this firmware does not know.
    Version(u8),
    /// Cut short or out of range.
    Content,
}

/// The formats that this firmware writes: what it keeps of itself, its settings.
pub const FORMATS: [u8; 2] = [own_record::VERSION, settings_record::VERSION];

/// The first sector of each pair.
const OWN: usize = 0;
const SETTINGS: usize = 2;
const SECTORS: usize = 4;
/// The records' sizes.
const OWN_SIZE: usize = pair::size(own_record::LENGTH);
const SETTINGS_SIZE: usize = pair::size(settings_record::LENGTH);

/// Reads the settings. `None` if there are none: the flash is blank, damaged, or was written by a firmware whose format
/// this one does not know; the latter is logged. What an interrupted save has left is put in order first.
///
/// # Errors
/// [`StoreError`] if the flash cannot be read.
pub async fn load<F: NorFlash>(flash: &mut F) -> Result<Option<Settings>, StoreError> {
    let mut record = Record::<SETTINGS_SIZE>::new();
    if !pair::<F>(flash, SETTINGS)?.load(flash, &mut record).await? {
        return Ok(None);
    }
    Ok(usable("settings", settings_record::read(record.contents())))
}

/// Writes the settings and reads them back. If power fails, or this future is dropped, before it returns, a later
/// [`load`] gives the old settings or these, whole, and the same ones from then on.
///
/// # Errors
/// [`StoreError`] if the flash fails; the old settings are then still in force.
pub async fn save<F: NorFlash>(flash: &mut F, settings: &Settings) -> Result<(), StoreError> {
    let mut record = Record::<SETTINGS_SIZE>::new();
    pair::<F>(flash, SETTINGS)?.save(flash, &mut record, |contents| settings_record::write(settings, contents)).await
}

/// Reads what the duck keeps of itself, as [`load`] reads the settings.
///
/// # Errors
/// [`StoreError`] if the flash cannot be read.
pub async fn load_own<F: NorFlash>(flash: &mut F) -> Result<Option<Own>, StoreError> {
    let mut record = Record::<OWN_SIZE>::new();
    if !pair::<F>(flash, OWN)?.load(flash, &mut record).await? {
        return Ok(None);
    }
    Ok(usable("what this device keeps of itself", own_record::read(record.contents())))
}

/// Writes what the duck keeps of itself, as [`save`] writes the settings.
///
/// # Errors
/// [`StoreError`] if the flash fails; what was there before is then still there.
pub async fn save_own<F: NorFlash>(flash: &mut F, own: &Own) -> Result<(), StoreError> {
    let mut record = Record::<OWN_SIZE>::new();
    pair::<F>(flash, OWN)?.save(flash, &mut record, |contents| own_record::write(own, contents)).await
}

fn pair<F: NorFlash>(flash: &F, first: usize) -> Result<Pair, StoreError> {
    let sector = |number: usize| u32::try_from(number * F::ERASE_SIZE).map_err(|_| StoreError::TooSmall);
    if flash.capacity() < SECTORS * F::ERASE_SIZE || F::ERASE_SIZE < pair::SIZE {
        return Err(StoreError::TooSmall);
    }
    Ok(Pair([sector(first)?, sector(first + 1)?]))
}

fn usable<T>(what: &str, read: Result<T, Unreadable>) -> Option<T> {
    match read {
        Ok(read) => return Some(read),
        Err(Unreadable::Version(version)) => {
            warn!(target: "config", "{what} in flash: unknown format {version}, ignored");
        }
        Err(Unreadable::Content) => warn!(target: "config", "{what} in flash: invalid, ignored"),
    }
    None
}
