//! The image as it lies in flash.
//!
//! Two files: what the boot ROM loads into memory, flashed at 0x00000, and what is read through the flash cache,
//! flashed at 0x10000. The first has the format of the boot ROM: magic number 0xE9, the number of segments, flash mode,
//! flash size and frequency, entry point; then each segment with address and length; padding; and as the last byte of a
//! row of 16 a checksum over the segments' bytes. Espressif, "Firmware Image Format", version 1.

use std::fs;
use std::path::Path;

use object::{Object, ObjectSegment};

use crate::error::Error;

/// Where flash offset 0 appears in memory.
const FLASH_WINDOW: u64 = 0x4020_0000;
/// Where the part behind the cache begins.
const IROM: u64 = FLASH_WINDOW + 0x1_0000;
const WINDOW_END: u64 = FLASH_WINDOW + 0x10_0000;
const MAGIC: u8 = 0xE9;
/// Dual I/O: works with every flash chip that an ESP-07 has been seen with.
const MODE_DIO: u8 = 2;
/// 1 MiB at 40 MHz.
const SIZE_1_MIB_40_MHZ: u8 = 0x20;
const CHECKSUM_SEED: u8 = 0xEF;

/// A piece of memory that the boot ROM fills.
#[derive(Debug, PartialEq, Eq)]
struct Segment {
    address: u32,
    /// A multiple of 4 bytes.
    bytes: Vec<u8>,
}

/// Writes `0x00000.bin` and `0x10000.bin` of the ELF file `elf` into `folder`.
///
/// # Errors
/// If a file cannot be accessed, or the ELF is not a program for this chip.
pub fn write_pair(elf: &Path, folder: &Path) -> Result<(), Error> {
    let bytes = fs::read(elf).map_err(Error::file(elf))?;
    let malformed = |reason: String| Error::Malformed { path: elf.to_owned(), reason };
    let file = object::File::parse(bytes.as_slice()).map_err(|error| malformed(error.to_string()))?;
    let mut loaded = Vec::new();
    let mut irom = Vec::new();
    for segment in file.segments() {
        let data = segment.data().map_err(|error| malformed(error.to_string()))?;
        if data.is_empty() {
            continue;
        }
        if (FLASH_WINDOW..WINDOW_END).contains(&segment.address()) {
            let offset = segment
                .address()
                .checked_sub(IROM)
                .ok_or_else(|| malformed(format!("a segment at {:#x} lies below the flash part", segment.address())))?;
            irom.resize(offset as usize, 0xFF);
            irom.extend_from_slice(data);
        } else {
            let mut bytes = data.to_vec();
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            loaded.push(Segment { address: segment.address() as u32, bytes });
        }
    }
    let entry = u32::try_from(file.entry()).map_err(|_| malformed("the entry point lies outside of memory".into()))?;
    let header = rom_image(entry, &loaded);
    if header.len() > 0x1_0000 {
        return Err(malformed(format!("{} bytes to load leave no room before 0x10000", header.len())));
    }
    for (name, contents) in [("0x00000.bin", header), ("0x10000.bin", irom)] {
        let path = folder.join(name);
        fs::write(&path, contents).map_err(Error::file(path))?;
    }
    Ok(())
}

/// The boot ROM's format.
fn rom_image(entry: u32, segments: &[Segment]) -> Vec<u8> {
    let mut out = vec![MAGIC, segments.len() as u8, MODE_DIO, SIZE_1_MIB_40_MHZ];
    out.extend(entry.to_le_bytes());
    let mut checksum = CHECKSUM_SEED;
    for Segment { address, bytes } in segments {
        out.extend(address.to_le_bytes());
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(bytes);
        checksum = bytes.iter().fold(checksum, |checksum, byte| checksum ^ byte);
    }
    // The checksum is the last byte of a row of 16, and there is always room for it.
    out.resize((out.len() + 1).next_multiple_of(16) - 1, 0);
    out.push(checksum);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rom_finds_header_segments_and_checksum() {
        let segments = [
            Segment { address: 0x4010_0000, bytes: vec![1, 2, 3, 4] },
            Segment { address: 0x3FFE_8000, bytes: vec![0xFF; 8] },
        ];
        let image = rom_image(0x4010_0004, &segments);
        assert_eq!(image[..8], [0xE9, 2, 2, 0x20, 4, 0, 0x10, 0x40]);
        assert_eq!(image[8..20], [0, 0, 0x10, 0x40, 4, 0, 0, 0, 1, 2, 3, 4]);
        assert_eq!(image[20..28], [0, 0x80, 0xFE, 0x3F, 8, 0, 0, 0]);
        assert_eq!(image.len(), 48);
        assert_eq!(image[47], 0xEF ^ 1 ^ 2 ^ 3 ^ 4);
    }

    #[test]
    fn a_full_row_gets_one_more_for_the_checksum() {
        // 8 bytes of header, 8 of the segment's, 16 of its contents.
        let image = rom_image(0, &[Segment { address: 0, bytes: vec![0; 16] }]);
        assert_eq!((image.len(), image[47]), (48, 0xEF));
    }
}
