//! Two sectors that keep one record over power cuts at any moment.
//!
//! Each sector has room for one record and two *seals*. A save erases the sector that does not hold the newest record,
//! writes the record there with the next number, reads it back, and then writes the first seal and the second one, each
//! read back in turn. So nothing ever touches the newest record before the next one is complete.
//!
//! Nothing is written over what was written before, complete or not: on some chips (PUYA's, on many ESP-01 modules) a
//! word that has been programmed since the last erase cannot be programmed again. So only a sector is written to that
//! has just been erased, with power on since, and what a torn write has left is put in order by copying or erasing.
//!
//! Cells that a torn operation has left half-way may read differently each time, so one good reading of a record proves
//! nothing: the next may fail. What does prove something is the order. A seal is begun only when all before it is
//! complete, so a record of which a seal can be read is complete, and a first seal is whose second can be read. A save
//! is confirmed when both can. What comes first when flash is read, before anybody gets to see a record, is therefore
//! to settle it for good. The record that stays is the newest of those with a seal, or else the one without:
//!
//! * Both of its seals can be read: it will always be found sealed. If the other sector holds a record without a seal,
//!   or is in disorder, it is erased, because a later reading might find a sealed record there.
//! * Only one can, or none: the record is copied into the other sector, which is erased first, with the next number and
//!   both seals; then it is itself erased. Of two without a seal the older is copied, because the newer is its copy.
//!
//! So a save that is cut short is undone if it has not come to its first seal and there is an older record, and is
//! completed otherwise. Being interrupted in any of this leaves cases that are told here. Until one record is sealed
//! for certain, each start decides anew which one stays, and cells that read differently may change that. So a sector
//! whose erase was cut short in its first moments, and reads as before, may count again; a record therefore counts only
//! if it can be read several times.
//!
//! Records are protected by eight bytes of their SHA-256. Layout of a sector, each part in programming pages of its
//! own:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | number, little endian; the higher of two is the newer |
//! | 4 | 4 | length of the contents, little endian |
//! | 8 | 8 | the first bytes of SHA-256 over number, length and contents |
//! | 16 | up to 256 | the contents, and zeros up to a multiple of four |
//! | 512, 768 | 4 each | the seals: zeros |
//!
//! Not modelled: bits that flip by themselves long after, beyond what the checksum finds; cells that an erase cut short
//! has left so that a later, complete write does not hold; a whole record in a sector whose erase was cut short that
//! reads well each time at one start and not at the next.

use embedded_storage_async::nor_flash::{NorFlash, NorFlashError};
use log::warn;
use sha2::{Digest, Sha256};

use super::StoreError;

const HEADER: usize = 16;
/// Most bytes of a record's contents.
const CAPACITY: usize = 256;
const SEALS: [u32; 2] = [512, 768];
const SEAL: [u8; 4] = [0; 4];
/// Bytes of a sector that are used.
pub(super) const SIZE: usize = 768 + 4;
/// What blank cells read as.
const BLANK: u8 = 0xFF;
/// So often a record must read well to count.
const READINGS: usize = 4;

/// Bytes aligned to the word size of the flash controller, which reads and writes whole words.
#[repr(align(4))]
struct Aligned<const SIZE: usize>([u8; SIZE]);

/// A buffer for one record: of `SIZE` bytes, [`size`] of its contents.
pub(super) struct Record<const SIZE: usize> {
    bytes: Aligned<SIZE>,
    length: usize,
}

/// The size of a record with so many bytes of contents at most, a multiple of the word size.
pub(super) const fn size(contents: usize) -> usize {
    assert!(contents <= CAPACITY);
    HEADER + contents.next_multiple_of(4)
}

impl<const SIZE: usize> Record<SIZE> {
    pub(super) fn new() -> Self {
        Self { bytes: Aligned([0; SIZE]), length: 0 }
    }

    /// The contents, once loaded.
    pub(super) fn contents(&self) -> &[u8] {
        &self.bytes.0[HEADER..HEADER + self.length]
    }

    /// Makes this the record with that number and what `write` puts into its contents.
    fn fill(&mut self, number: u32, write: impl FnOnce(&mut [u8]) -> usize) {
        self.bytes.0.fill(0);
        self.length = write(&mut self.bytes.0[HEADER..]);
        self.bytes.0[4..8].copy_from_slice(&(self.length as u32).to_le_bytes());
        self.renumber(number);
    }

    /// Gives the record that number.
    fn renumber(&mut self, number: u32) {
        self.bytes.0[..4].copy_from_slice(&number.to_le_bytes());
        let checksum = self.checksum();
        self.bytes.0[8..HEADER].copy_from_slice(&checksum);
    }

    fn number(&self) -> u32 {
        let number = self.bytes.0.first_chunk().expect("a record is larger than its number");
        u32::from_le_bytes(*number)
    }

    /// The length that the header tells; none if there can be no such record.
    fn told_length(&self) -> Option<usize> {
        let length = self.bytes.0[4..].first_chunk().expect("a record is larger than its header");
        usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= SIZE - HEADER)
    }

    fn checksum(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        hash.update(&self.bytes.0[..8]);
        hash.update(self.contents());
        let digest = hash.finalize();
        core::array::from_fn(|index| digest[index])
    }

    /// All bytes that are written.
    fn whole(&self) -> &[u8] {
        &self.bytes.0[..(HEADER + self.length).next_multiple_of(4)]
    }
}

/// What a reading of a sector found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Disorder,
    Record { number: u32, seals: usize },
}

/// The sectors that hold records, the one whose record stays first.
fn ranked(found: [Found; 2]) -> impl Iterator<Item = usize> {
    // Numbers wrap around, in theory.
    let is_newer = |number: u32, than: u32| (number.wrapping_sub(than) as i32) > 0;
    let second_stays = match found {
        [Found::Record { number: first, seals: 0 }, Found::Record { number: second, seals: 0 }] => {
            is_newer(first, second)
        }
        [Found::Record { seals: 0, .. } | Found::Nothing | Found::Disorder, Found::Record { .. }] => true,
        [Found::Record { .. }, Found::Record { seals: 0, .. } | Found::Nothing | Found::Disorder] => false,
        [Found::Record { number: first, .. }, Found::Record { number: second, .. }] => is_newer(second, first),
        [Found::Nothing | Found::Disorder, Found::Nothing | Found::Disorder] => false,
    };
    let sectors = if second_stays { [1, 0] } else { [0, 1] };
    sectors.into_iter().filter(move |sector| matches!(found[*sector], Found::Record { .. }))
}

/// What the flash holds after it was settled.
struct Settled {
    /// Which of the sectors has the newest record, and its number.
    newest: Option<(usize, u32)>,
    /// Whether all could be put in order.
    order: Result<(), StoreError>,
}

/// The two sectors, by the offsets of their first bytes.
pub(super) struct Pair(pub [u32; 2]);

impl Pair {
    /// Reads the newest record into `record`; false if there is none.
    pub(super) async fn load<F: NorFlash, const SIZE: usize>(
        &self,
        flash: &mut F,
        record: &mut Record<SIZE>,
    ) -> Result<bool, StoreError> {
        let settled = self.settle(flash, record).await?;
        if let Err(error) = settled.order {
            // What was read is good; whether it stays so shows at the next start.
            warn!(target: "config", "could not put the flash in order: {error}");
        }
        Ok(settled.newest.is_some())
    }

    /// Makes what `write` puts into the contents the newest record; it returns their length.
    pub(super) async fn save<F: NorFlash, const SIZE: usize>(
        &self,
        flash: &mut F,
        record: &mut Record<SIZE>,
        write: impl FnOnce(&mut [u8]) -> usize,
    ) -> Result<(), StoreError> {
        let settled = self.settle(flash, record).await?;
        // If the newest record is not sealed, the other sector is not to be touched.
        settled.order?;
        let (sector, number) = settled.newest.map_or((0, 1), |(sector, number)| (1 - sector, number.wrapping_add(1)));
        record.fill(number, write);
        self.put(flash, sector, record).await
    }

    /// Settles what the flash holds, as the module says; the newest record then stands in `record`.
    async fn settle<F: NorFlash, const SIZE: usize>(
        &self,
        flash: &mut F,
        record: &mut Record<SIZE>,
    ) -> Result<Settled, StoreError> {
        let mut found = [Found::Nothing; 2];
        for (sector, found) in found.iter_mut().enumerate() {
            *found = self.look(flash, sector, record).await?;
        }
        for sector in ranked(found) {
            // Read again, because the other's may stand in the buffer; and cells may read differently now.
            if let Found::Record { number, seals } = self.look(flash, sector, record).await? {
                return Ok(self.keep(flash, record, (sector, number), seals, found[1 - sector]).await);
            }
            found[sector] = Found::Disorder;
        }
        let mut order = Ok(());
        for sector in (0..found.len()).filter(|sector| found[*sector] == Found::Disorder) {
            order = order.and(self.erase(flash, sector).await);
        }
        Ok(Settled { newest: None, order })
    }

    /// Sees to it that the record in a sector, which stands in `record`, is always found from now on; `other` is what
    /// the other sector holds.
    async fn keep<F: NorFlash, const SIZE: usize>(
        &self,
        flash: &mut F,
        record: &mut Record<SIZE>,
        kept: (usize, u32),
        seals: usize,
        other: Found,
    ) -> Settled {
        let (sector, number) = kept;
        if seals < SEALS.len() {
            let copy = (1 - sector, number.wrapping_add(1));
            record.renumber(copy.1);
            return match self.put(flash, copy.0, record).await {
                Ok(()) => Settled { newest: Some(copy), order: self.erase(flash, sector).await },
                Err(error) => Settled { newest: Some(kept), order: Err(error) },
            };
        }
        let order = match other {
            Found::Nothing | Found::Record { seals: 1.., .. } => Ok(()),
            Found::Disorder | Found::Record { seals: 0, .. } => self.erase(flash, 1 - sector).await,
        };
        Settled { newest: Some(kept), order }
    }

    /// Reads a sector; a record then stands in `record`.
    async fn look<F: NorFlash, const SIZE: usize>(
        &self,
        flash: &mut F,
        sector: usize,
        record: &mut Record<SIZE>,
    ) -> Result<Found, StoreError> {
        let at = self.0[sector];
        read(flash, at, &mut record.bytes.0[..HEADER]).await?;
        if record.bytes.0[..HEADER].iter().all(|byte| *byte == BLANK) {
            return Ok(Found::Nothing);
        }
        let Some(length) = record.told_length() else { return Ok(Found::Disorder) };
        record.length = length;
        let end = record.whole().len();
        read(flash, at + HEADER as u32, &mut record.bytes.0[HEADER..end]).await?;
        if record.checksum() != record.bytes.0[8..HEADER] {
            return Ok(Found::Disorder);
        }
        // The checksum does not cover what fills the last word.
        record.bytes.0[HEADER + length..end].fill(0);
        let mut seals = SEALS.len();
        for _ in 0..READINGS {
            if !holds(flash, at, record.whole()).await? {
                return Ok(Found::Disorder);
            }
            let mut readable = 0;
            for seal in SEALS {
                readable += usize::from(holds(flash, at + seal, &SEAL).await?);
            }
            seals = seals.min(readable);
        }
        Ok(Found::Record { number: record.number(), seals })
    }

    /// Erases a sector, and writes `record` and its seals there, one after the other.
    async fn put<F: NorFlash, const SIZE: usize>(
        &self,
        flash: &mut F,
        sector: usize,
        record: &Record<SIZE>,
    ) -> Result<(), StoreError> {
        self.erase(flash, sector).await?;
        let at = self.0[sector];
        write(flash, at, record.whole()).await?;
        for seal in SEALS {
            write(flash, at + seal, &SEAL).await?;
        }
        Ok(())
    }

    async fn erase<F: NorFlash>(&self, flash: &mut F, sector: usize) -> Result<(), StoreError> {
        let from = self.0[sector];
        flash.erase(from, from + F::ERASE_SIZE as u32).await.map_err(|error| StoreError::Flash(error.kind()))
    }
}

async fn read<F: NorFlash>(flash: &mut F, at: u32, bytes: &mut [u8]) -> Result<(), StoreError> {
    flash.read(at, bytes).await.map_err(|error| StoreError::Flash(error.kind()))
}

/// Writes and reads back.
async fn write<F: NorFlash>(flash: &mut F, at: u32, bytes: &[u8]) -> Result<(), StoreError> {
    flash.write(at, bytes).await.map_err(|error| StoreError::Flash(error.kind()))?;
    if holds(flash, at, bytes).await? { Ok(()) } else { Err(StoreError::NotKept) }
}

/// Whether the flash holds `bytes`.
async fn holds<F: NorFlash>(flash: &mut F, at: u32, bytes: &[u8]) -> Result<bool, StoreError> {
    let mut piece = Aligned([0; 32]);
    let mut at = at;
    for expected in bytes.chunks(piece.0.len()) {
        let piece = &mut piece.0[..expected.len()];
        read(flash, at, piece).await?;
        if piece != expected {
            return Ok(false);
        }
        at += expected.len() as u32;
    }
    Ok(true)
}
