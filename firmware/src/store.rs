//! The settings in flash: wear-levelled, checksummed, versioned, and whole after a power cut at any moment.
//!
//! The flash is cut into two halves, each a `sequential-storage` queue of at least one sector. A save appends a record
//! with the next sequence number to the half that does *not* hold the newest one, and reads it back; a load takes the
//! record with the highest number from either half. So no operation of a save ever touches the sector that holds the
//! current settings, and whatever an interrupted write or erase leaves behind in the other half costs nothing: if the
//! queue cannot make sense of it, the half is erased and written anew.
//!
//! Two halves rather than one, because the library alone does not survive an erase that was cut off: it tells a sector's
//! state by its first and last word, and a half-erased sector can pass for the one in use (shown in the tests). Records
//! are protected by the library's CRC-32C; `record` says how they are laid out.
//!
//! Not modelled: bits that flip by themselves, beyond what the checksum finds.

#[cfg(test)]
pub(crate) mod nor;
mod record;
#[cfg(test)]
mod tests;

use core::ops::Range;

use embedded_storage_async::nor_flash::{NorFlash, NorFlashError, NorFlashErrorKind};
use log::warn;
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::queue::{QueueConfig, QueueStorage};
use thiserror::Error;

use crate::settings::Settings;
use record::{Record, Unreadable};

/// Why settings could not be loaded or saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The flash has fewer than two sectors.
    #[error("the settings flash has fewer than two sectors")]
    TooSmall,
    /// The flash refused an operation.
    #[error("the settings flash failed: {0}")]
    Flash(NorFlashErrorKind),
    /// What was written does not read back.
    #[error("the settings flash does not keep what is written")]
    NotKept,
}

/// One half of the flash.
type Half<'f, F> = QueueStorage<&'f mut F, Cache<Uncached, Uncached, Uncached>>;
type QueueError<F> = sequential_storage::Error<<F as embedded_storage_async::nor_flash::ErrorType>::Error>;

/// The newest record's place and number.
#[derive(Clone, Copy)]
struct Newest {
    half: usize,
    sequence: u32,
}

/// Reads the settings. `None` if there are none: the flash is blank, damaged, or was written by a firmware whose format
/// this one does not know; the latter two are logged.
///
/// # Errors
/// [`StoreError`] if the flash cannot be read.
pub async fn load<F: NorFlash>(flash: &mut F) -> Result<Option<Settings>, StoreError> {
    let mut record = Record::new();
    let Some(newest) = newest(flash, &mut record).await? else {
        if !is_blank(flash).await? {
            warn!(target: "config", "settings in flash are damaged, ignored");
        }
        return Ok(None);
    };
    if !fetch(flash, newest, &mut record).await? {
        return Err(StoreError::NotKept);
    }
    match record.settings() {
        Ok(settings) => Ok(Some(settings)),
        Err(Unreadable::Version(version)) => {
            warn!(target: "config", "settings in flash have unknown format {version}, ignored");
            Ok(None)
        }
        Err(Unreadable::Content) => {
            warn!(target: "config", "settings in flash are invalid, ignored");
            Ok(None)
        }
    }
}

/// Writes the settings and reads them back. If power fails, or this future is dropped, before it returns, a later
/// [`load`] gives the old settings or these, whole.
///
/// # Errors
/// [`StoreError`] if the flash fails; the old settings are then still in force.
pub async fn save<F: NorFlash>(flash: &mut F, settings: &Settings) -> Result<(), StoreError> {
    let mut record = Record::new();
    let target = match newest(flash, &mut record).await? {
        Some(newest) => Newest { half: 1 - newest.half, sequence: newest.sequence.wrapping_add(1) },
        None => Newest { half: 0, sequence: 1 },
    };
    // A half that an interrupted operation left in disorder takes the record, if at all, only after it was erased.
    for disorder in [false, true] {
        if disorder && let Err(error) = open(flash, target.half)?.erase_all().await {
            return Err(flash_error::<F>(&error).unwrap_or(StoreError::NotKept));
        }
        record.fill(settings, target.sequence);
        match open(flash, target.half)?.push(record.bytes(), true).await {
            Ok(()) => {}
            Err(error) => match flash_error::<F>(&error) {
                Some(error) => return Err(error),
                None => continue,
            },
        }
        if fetch(flash, target, &mut record).await? && record.settings().as_ref() == Ok(settings) {
            return Ok(());
        }
    }
    Err(StoreError::NotKept)
}

/// The ranges of the two halves, in bytes.
fn halves<F: NorFlash>(flash: &F) -> Result<[Range<u32>; 2], StoreError> {
    let sectors = flash.capacity() / F::ERASE_SIZE;
    let middle = u32::try_from(sectors / 2 * F::ERASE_SIZE).map_err(|_| StoreError::TooSmall)?;
    if middle == 0 { Err(StoreError::TooSmall) } else { Ok([0..middle, middle..2 * middle]) }
}

fn open<F: NorFlash>(flash: &mut F, half: usize) -> Result<Half<'_, F>, StoreError> {
    let range = halves(flash)?[half].clone();
    let config = QueueConfig::try_new(range).map_err(|_| StoreError::TooSmall)?;
    Ok(QueueStorage::new(flash, config, Cache::new_uncached()))
}

/// Looks through both halves for the record with the highest number. Records that cannot be read count as absent.
async fn newest<F: NorFlash>(flash: &mut F, record: &mut Record) -> Result<Option<Newest>, StoreError> {
    let mut newest: Option<Newest> = None;
    for half in 0..2 {
        if let Some(sequence) = walk(flash, half, None, record).await?
            && newest.is_none_or(|newest| sequence > newest.sequence)
        {
            newest = Some(Newest { half, sequence });
        }
    }
    Ok(newest)
}

/// Reads the record of that number into `record`; false if it is not there.
async fn fetch<F: NorFlash>(flash: &mut F, wanted: Newest, record: &mut Record) -> Result<bool, StoreError> {
    Ok(walk(flash, wanted.half, Some(wanted.sequence), record).await?.is_some())
}

/// Walks over a half's records, oldest first: to the record numbered `wanted`, which then stands in `record`, or over
/// all of them for the highest number.
async fn walk<F: NorFlash>(
    flash: &mut F,
    half: usize,
    wanted: Option<u32>,
    record: &mut Record,
) -> Result<Option<u32>, StoreError> {
    let mut queue = open(flash, half)?;
    let absent = |error: &QueueError<F>| flash_error::<F>(error).map_or(Ok(None), Err);
    let mut records = match queue.iter().await {
        Ok(records) => records,
        Err(error) => return absent(&error),
    };
    let mut highest = None;
    loop {
        let length = match records.next(record.buffer()).await {
            Ok(Some(entry)) => entry.len(),
            Ok(None) => return Ok(highest.filter(|_| wanted.is_none())),
            // What stood before the disorder may still be the newest.
            Err(error) => return flash_error::<F>(&error).map_or(Ok(highest.filter(|_| wanted.is_none())), Err),
        };
        record.read(length);
        let sequence = record.sequence();
        if wanted.is_some() && sequence == wanted {
            return Ok(sequence);
        }
        highest = highest.max(sequence);
    }
}

/// The flash's own error, if it is one; all others say that the half is in disorder.
fn flash_error<F: NorFlash>(error: &QueueError<F>) -> Option<StoreError> {
    match error {
        sequential_storage::Error::Storage { value, .. } => Some(StoreError::Flash(value.kind())),
        _ => None,
    }
}

async fn is_blank<F: NorFlash>(flash: &mut F) -> Result<bool, StoreError> {
    let [_, Range { end, .. }] = halves(flash)?;
    let mut piece = record::Aligned([0; 64]);
    let step = u32::try_from(piece.0.len()).expect("64 fits");
    for offset in (0..end).step_by(piece.0.len()) {
        debug_assert!(offset + step <= end);
        flash.read(offset, &mut piece.0).await.map_err(|error| StoreError::Flash(error.kind()))?;
        if piece.0.iter().any(|&byte| byte != 0xff) {
            return Ok(false);
        }
    }
    Ok(true)
}
