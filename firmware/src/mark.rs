//! The mark in an image by which a programmer knows the yellow duck, and where and in which format it keeps what it
//! keeps.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 20 | `preflash yellow-duck` |
//! | 20 | 4 | first byte of [`SETTINGS_SECTORS`] |
//! | 24 | 4 | the byte behind them |
//! | 28 | 1 | format of what the duck keeps of itself |
//! | 29 | 1 | format of the settings |
//! | 30 | 2 | 0 |

use core::ops::Range;

use crate::board::SETTINGS_SECTORS;
use crate::store;

const NAME: [u8; 20] = *b"preflash yellow-duck";
/// Bytes of a mark.
pub const LENGTH: usize = 32;

/// Where and how an image keeps what it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The sectors, in bytes from the flash's beginning.
    pub sectors: Range<u32>,
    /// Format of what the duck keeps of itself, and of the settings.
    pub formats: [u8; 2],
}

impl Mark {
    /// This firmware's.
    pub const OWN: Self = Self { sectors: SETTINGS_SECTORS, formats: store::FORMATS };

    /// As it stands in an image.
    pub const fn to_bytes(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let (name, rest) = bytes.split_at_mut(NAME.len());
        name.copy_from_slice(&NAME);
        let (start, rest) = rest.split_at_mut(4);
        start.copy_from_slice(&self.sectors.start.to_le_bytes());
        let (end, rest) = rest.split_at_mut(4);
        end.copy_from_slice(&self.sectors.end.to_le_bytes());
        [rest[0], rest[1]] = self.formats;
        bytes
    }

    /// The mark in an image; `None` if there is none.
    pub fn find(image: &[u8]) -> Option<Self> {
        let at = image.windows(LENGTH).position(|bytes| bytes.starts_with(&NAME))?;
        let (words, rest) = image[at + NAME.len()..].split_at(8);
        let word = |at: usize| words[at..].first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        Some(Self { sectors: word(0)?..word(4)?, formats: [rest[0], rest[1]] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_where_it_stands() {
        let mut image = [0x55; 100];
        assert_eq!(Mark::find(&image), None);
        image[41..41 + LENGTH].copy_from_slice(&Mark::OWN.to_bytes());
        assert_eq!(Mark::find(&image), Some(Mark::OWN));
        image[45] = 0;
        assert_eq!(Mark::find(&image), None);
        assert_eq!(Mark::find(&Mark::OWN.to_bytes()[..LENGTH - 1]), None);
    }
}
