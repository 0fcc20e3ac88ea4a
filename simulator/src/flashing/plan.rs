//! What is written to a flash, in which order.
//!
//! The boot ROM starts whatever begins with an image's mark at offset 0. So the first sector is erased before anything
//! is written and comes last: until then nothing boots, whenever power or the line fails. What lies in no part is left
//! as it is, settings too, unless all is erased.

use std::ops::Range;

use simulator_parts::flash::SECTOR;
use simulator_world::device::esp8266::Contents;

/// Something that is written in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where, in bytes from the flash's beginning.
    pub offset: u32,
    /// What.
    pub bytes: Vec<u8>,
    /// What it is, for people.
    pub what: String,
}

impl Piece {
    /// The name of a file that holds it.
    pub fn file(&self) -> String {
        format!("{:#07x}.bin", self.offset)
    }
}

/// What is written to a flash.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In the order of writing; the last is the first sector.
    pub pieces: Vec<Piece>,
    /// Bytes that the flash must have.
    pub size: u32,
    /// Whether all of the flash is erased before.
    pub erase: bool,
    /// Sectors with what the device keeps, if they are known and stay as they are.
    pub kept: Option<Range<u32>>,
}

impl Plan {
    /// What is written for these contents.
    pub fn new(contents: &Contents, erase: bool) -> Self {
        let mut pieces = Vec::new();
        let mut first = None;
        for part in contents.parts() {
            let mut rest = Piece { offset: part.offset, bytes: part.bytes.clone(), what: part.name.clone() };
            if part.offset == 0 {
                let behind = rest.bytes.split_off(rest.bytes.len().min(SECTOR as usize));
                first = Some(Piece { what: format!("{}, its first sector", part.name), ..rest });
                rest = Piece { offset: SECTOR, bytes: behind, what: format!("{}, all behind that", part.name) };
            }
            if !rest.bytes.is_empty() {
                pieces.push(rest);
            }
        }
        let size = contents.size();
        let ends = |piece: &Piece| piece.offset..piece.offset + piece.bytes.len() as u32;
        let mut kept = None;
        if let Some(mark) = contents.mark() {
            let is_free = |range: &Range<u32>| {
                pieces.iter().map(ends).all(|piece| piece.end <= range.start || piece.start >= range.end)
            };
            kept = Some(mark.sectors.clone()).filter(|sectors| !erase && is_free(sectors));
            // What another program has left where the SDK keeps its calibration and its parameters.
            let blanks = [size - 5 * SECTOR..size - 4 * SECTOR, size - 3 * SECTOR..size];
            let blanks: Vec<Piece> = blanks
                .into_iter()
                .filter(|range| !erase && is_free(range))
                .map(|range| Piece {
                    offset: range.start,
                    bytes: vec![0xFF; range.len()],
                    what: "blank, for the SDK".to_owned(),
                })
                .collect();
            pieces.extend(blanks);
        }
        pieces.sort_by_key(|piece| piece.offset);
        pieces.extend(first);
        Self { pieces, size, erase, kept }
    }

    /// The arguments of what makes the flash unable to boot.
    pub fn erasure(&self) -> Vec<String> {
        let words: &[&str] = if self.erase { &["erase-flash"] } else { &["erase-region", "0x0", "0x1000"] };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// The arguments of what writes everything, with each piece's file as `file` has it.
    pub fn writing(&self, file: impl Fn(&Piece) -> String) -> Vec<String> {
        // The header's bytes are what was validated; else esptool writes into them.
        let keep = ["write-flash", "--flash-mode", "keep", "--flash-freq", "keep", "--flash-size", "keep"];
        let mut words: Vec<String> = keep.iter().map(|word| (*word).to_owned()).collect();
        words.extend(self.pieces.iter().flat_map(|piece| [format!("{:#x}", piece.offset), file(piece)]));
        words
    }
}
