//! Images in flash: what the boot ROM loads.
//!
//! An image (esptool's "version 1") has a header of eight bytes: magic 0xE9, number of segments, SPI mode, flash size
//! and frequency, entry point. Each segment has its address, its length and its data. Zeros follow so that the
//! checksum, the XOR of all data and 0xEF, is the last byte of a 16-byte line. Code that runs from flash is no segment:
//! it stands in flash as it is, in the second file that `esptool elf2image` makes, for 0x10000.

use super::{ImageError, Program, Segment, check_entry};
use crate::memory::FLASH_WINDOW;

/// First byte of an image.
pub const MAGIC: u8 = 0xE9;
/// Size of the ESP-07's flash.
pub const FLASH_SIZE: usize = 1 << 20;
/// Where the second file of an image without over-the-air update goes.
const SECOND_PART: usize = 0x1_0000;
/// How dual-mode flash chips of 1 MiB are said to be in an image's header: mode; size and frequency.
const MODE_DIO: u8 = 2;
const SIZE_1_MIB_40_MHZ: u8 = 0x20;
const CHECKSUM_SEED: u8 = 0xEF;
const MOST_SEGMENTS: u8 = 16;

/// How the flash is wired and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpiMode {
    /// Four lines for address and data.
    Qio,
    /// Four lines for data.
    Qout,
    /// Two lines for address and data.
    Dio,
    /// Two lines for data.
    Dout,
}

/// A checked image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// How the boot ROM is to read the flash; `None` for a value without a meaning.
    pub mode: Option<SpiMode>,
    /// Flash size (high four bits) and frequency (low four bits) as encoded; the boot ROM does not read them.
    pub size_and_frequency: u8,
    /// Where the program starts.
    pub entry: u32,
    /// What goes into RAM.
    pub segments: Vec<Segment>,
    /// Bytes from the magic to the checksum.
    pub length: usize,
}

/// Reads and checks the image that begins at `offset` in `bytes`.
///
/// # Errors
/// [`ImageError`] for what the boot ROM would refuse, and for segments that no memory takes.
pub fn parse(bytes: &[u8], offset: usize) -> Result<Image, ImageError> {
    let mut reader = Reader { bytes, at: offset };
    let header = reader.take(8, "the header")?;
    if header[0] != MAGIC {
        return Err(ImageError::Magic { offset, found: header[0] });
    }
    if !(1..=MOST_SEGMENTS).contains(&header[1]) {
        return Err(ImageError::Segments(header[1]));
    }
    let entry = check_entry(u32::from_le_bytes([header[4], header[5], header[6], header[7]]))?;
    let mode = [SpiMode::Qio, SpiMode::Qout, SpiMode::Dio, SpiMode::Dout].get(usize::from(header[2])).copied();
    let size_and_frequency = header[3];
    let mut segments = Vec::new();
    let mut computed = CHECKSUM_SEED;
    for _ in 0..header[1] {
        let address = reader.word("a segment's header")?;
        let length = reader.word("a segment's header")? as usize;
        let bytes = reader.take(length, "a segment")?;
        computed = bytes.iter().fold(computed, |sum, byte| sum ^ byte);
        segments.push(Segment { address, bytes: bytes.to_vec() }.check(false)?);
    }
    let padding = 15 - (reader.at - offset) % 16;
    reader.take(padding, "the padding")?;
    let stored = reader.take(1, "the checksum")?[0];
    if stored != computed {
        return Err(ImageError::Checksum { stored, computed });
    }
    Ok(Image { mode, size_and_frequency, entry, segments, length: reader.at - offset })
}

/// Checks a dump of the flash from its beginning: its size, and the image that the boot ROM would load. What it does
/// not reach is erased.
///
/// # Errors
/// [`ImageError`] as for [`parse`], and for a dump that is larger than the flash.
pub fn pad_dump(bytes: &[u8]) -> Result<Vec<u8>, ImageError> {
    if bytes.len() > FLASH_SIZE {
        return Err(ImageError::DumpSize { most: FLASH_SIZE, found: bytes.len() });
    }
    parse(bytes, 0)?;
    let mut flash = bytes.to_vec();
    flash.resize(FLASH_SIZE, 0xFF);
    Ok(flash)
}

/// A size that a flash can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashSize {
    /// As `esptool` names it.
    pub name: &'static str,
    /// The same in a sentence.
    pub about: &'static str,
    /// In bytes.
    pub bytes: usize,
    /// How an image's header says it: the high four bits of its fourth byte.
    pub code: u8,
}

/// All of them that the vendor's SDK knows.
pub const SIZES: [FlashSize; 7] = [
    FlashSize { name: "256K", about: "256 KiB.", bytes: 0x4_0000, code: 1 },
    FlashSize { name: "512K", about: "512 KiB.", bytes: 0x8_0000, code: 0 },
    FlashSize { name: "1M", about: "1 MiB.", bytes: 0x10_0000, code: 2 },
    FlashSize { name: "2M", about: "2 MiB.", bytes: 0x20_0000, code: 3 },
    FlashSize { name: "4M", about: "4 MiB.", bytes: 0x40_0000, code: 4 },
    FlashSize { name: "8M", about: "8 MiB.", bytes: 0x80_0000, code: 8 },
    FlashSize { name: "16M", about: "16 MiB.", bytes: 0x100_0000, code: 9 },
];

/// The size of most boards' flash.
const USUAL: FlashSize = SIZES[4];
/// How many bytes before the flash's end the vendor's SDK looks for what its radio starts with.
const INIT_DATA: usize = 0x4000;
/// How many bytes its radio starts with.
pub const INIT_DATA_LENGTH: usize = 128;

/// A flash of `size` bytes into which an image has been written from its beginning, as `esptool write-flash
/// --flash-size` leaves it, see [`size_for`] and [`init_data`].
///
/// # Errors
/// [`ImageError`] as for [`parse`], and for an image that is larger than the flash.
pub fn write_image(bytes: &[u8], size: Option<usize>) -> Result<Vec<u8>, ImageError> {
    let size = size_for(bytes, bytes.len(), size)?;
    let mut flash = bytes.to_vec();
    flash.resize(size.bytes, 0xFF);
    size.say_in(&mut flash);
    let (offset, data) = init_data(&size);
    let init_data = &mut flash[offset..][..data.len()];
    if init_data.iter().all(|byte| *byte == 0xFF) {
        init_data.copy_from_slice(&data);
    }
    Ok(flash)
}

/// The size of the flash for an image at its beginning, of which `used` bytes are used: the one that is `wanted`, or
/// that which the image's header says, or 4 MiB if the header says nothing or more is used.
///
/// # Errors
/// [`ImageError`] as for [`parse`], for a size that no flash has, and for more than the flash takes.
pub fn size_for(image: &[u8], used: usize, wanted: Option<usize>) -> Result<FlashSize, ImageError> {
    let image = parse(image, 0)?;
    let said = SIZES.iter().find(|size| size.code != 0 && size.code == image.size_and_frequency >> 4);
    let said = said.filter(|size| used <= size.bytes);
    let size = match wanted {
        Some(wanted) => SIZES.iter().find(|size| size.bytes == wanted).ok_or(ImageError::FlashSize(wanted))?,
        None => said.unwrap_or(&USUAL),
    };
    if used > size.bytes {
        return Err(ImageError::DumpSize { most: size.bytes, found: used });
    }
    Ok(*size)
}

impl FlashSize {
    /// Writes the size into an image's header, by which the vendor's SDK finds its parameters.
    pub fn say_in(&self, image: &mut [u8]) {
        if let Some(byte) = image.get_mut(3) {
            *byte = self.code << 4 | *byte & 0xF;
        }
    }
}

/// What the vendor's SDK starts its radio with, and where: 16 KiB before the flash's end. It restarts again and again
/// if there is nothing.
pub fn init_data(size: &FlashSize) -> (usize, [u8; INIT_DATA_LENGTH]) {
    (size.bytes - INIT_DATA, init_data_of(CRYSTAL_26_MHZ))
}

/// A flash that holds this, byte by byte: a dump of one of a size that there is.
///
/// # Errors
/// [`ImageError::FlashSize`].
pub fn whole(bytes: Vec<u8>) -> Result<Vec<u8>, ImageError> {
    if SIZES.iter().all(|size| size.bytes != bytes.len()) {
        return Err(ImageError::FlashSize(bytes.len()));
    }
    Ok(bytes)
}

/// An erased flash of that size, or of 4 MiB.
pub fn erased(size: Option<usize>) -> Vec<u8> {
    vec![0xFF; size.unwrap_or(USUAL.bytes)]
}

/// How the data that the radio starts with name a crystal of 26 MHz.
const CRYSTAL_26_MHZ: u8 = 1;

/// What the vendor's SDK starts its radio with, as far as it shows: that there is something (the first byte), the
/// transmitter's power by groups of rates in quarters of a dBm, the crystal, and that the converter measures its input.
fn init_data_of(crystal: u8) -> [u8; INIT_DATA_LENGTH] {
    let mut data = [0; INIT_DATA_LENGTH];
    data[0] = 5;
    data[34..40].copy_from_slice(&[82, 78, 74, 68, 64, 56]);
    data[48] = crystal;
    data
}

/// Lays the two files that `esptool elf2image` makes into an erased flash.
///
/// # Errors
/// [`ImageError`] if the first is no image or reaches into the second, or the second does not fit.
pub fn assemble(first: &[u8], second: &[u8]) -> Result<Vec<u8>, ImageError> {
    parse(first, 0)?;
    if first.len() > SECOND_PART {
        return Err(ImageError::Overlap(first.len()));
    }
    if second.len() > FLASH_SIZE - SECOND_PART {
        let address = FLASH_WINDOW + SECOND_PART as u32;
        return Err(ImageError::Outside { address, length: second.len() });
    }
    let mut flash = vec![0xFF; FLASH_SIZE];
    flash[..first.len()].copy_from_slice(first);
    flash[SECOND_PART..SECOND_PART + second.len()].copy_from_slice(second);
    Ok(flash)
}

/// A flash with that program in it, as `esptool elf2image` and `write-flash` would leave it.
///
/// # Errors
/// [`ImageError`] if what runs from flash lies before the place of the second file, or does not fit.
pub fn of_program(program: &Program) -> Result<Vec<u8>, ImageError> {
    let (mut loaded, mut second) = (Vec::new(), Vec::new());
    for segment in &program.segments {
        // What is to be zero is not loaded: the program's start clears it.
        let length = segment.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if segment.address >= FLASH_WINDOW {
            let outside = ImageError::Outside { address: segment.address, length: segment.bytes.len() };
            let offset = segment.address.checked_sub(FLASH_WINDOW + SECOND_PART as u32).ok_or(outside)? as usize;
            if second.len() < offset + segment.bytes.len() {
                second.resize(offset + segment.bytes.len(), 0xFF);
            }
            second[offset..offset + segment.bytes.len()].copy_from_slice(&segment.bytes);
        } else if length > 0 {
            let bytes = segment.bytes[..length.next_multiple_of(4).min(segment.bytes.len())].to_vec();
            loaded.push(Segment { address: segment.address, bytes });
        }
    }
    assemble(&emit(MODE_DIO, SIZE_1_MIB_40_MHZ, program.entry, &loaded), &second)
}

/// Writes an image of `segments`: the inverse of [`parse`].
pub fn emit(mode: u8, size_and_frequency: u8, entry: u32, segments: &[Segment]) -> Vec<u8> {
    let mut bytes = vec![MAGIC, segments.len() as u8, mode, size_and_frequency];
    bytes.extend(entry.to_le_bytes());
    let mut checksum = CHECKSUM_SEED;
    for segment in segments {
        bytes.extend(segment.address.to_le_bytes());
        bytes.extend((segment.bytes.len() as u32).to_le_bytes());
        bytes.extend(&segment.bytes);
        checksum = segment.bytes.iter().fold(checksum, |sum, byte| sum ^ byte);
    }
    while bytes.len() % 16 != 15 {
        bytes.push(0);
    }
    bytes.push(checksum);
    bytes
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, within: &'static str) -> Result<&'a [u8], ImageError> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(ImageError::Truncated { length: self.bytes.len(), within })?;
        self.at += count;
        Ok(taken)
    }

    fn word(&mut self, within: &'static str) -> Result<u32, ImageError> {
        let bytes = self.take(4, within)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }
}
