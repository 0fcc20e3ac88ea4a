//! What is in a flash before its device is first powered: an image as it is flashed, at its offset, and the radio's
//! initial data where the vendor's code looks for it.

use esp8266::image::{ImageError as FormatError, flash};

use crate::device::Port;

/// The contents of a flash of some size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    size: u32,
    parts: Vec<(u32, Vec<u8>)>,
}

/// Why something cannot be what is in a flash.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ContentsError {
    /// It is no image.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The flash is not large enough.
    #[error("the image has {length} bytes, and the flash only {size}; a larger flash-size is wanted")]
    TooLarge {
        /// Of the image.
        length: usize,
        /// Of the flash.
        size: u32,
    },
    /// There is no flash of that size.
    #[error("{0} bytes are no flash's size: it is 512 KiB, 1, 2, 4, 8 or 16 MiB")]
    Size(u32),
}

/// Sizes of flashes, and what says so in an image's header: the upper half of its fourth byte (esptool,
/// `ESP8266ROM.FLASH_SIZES`).
const SIZES: [(u32, u8); 6] = [(512 << 10, 0), (1 << 20, 2), (2 << 20, 3), (4 << 20, 4), (8 << 20, 8), (16 << 20, 9)];
/// Where the radio's initial data lie, from the end of the flash.
const INITIAL_DATA: u32 = 0x4000;
/// The radio's initial data: the mark by which the vendor's code knows them, and nothing set.
const BLANK_INITIAL_DATA: [u8; 128] = {
    let mut data = [0; 128];
    data[0] = 5;
    data
};

impl Contents {
    /// A flash with an image at its beginning, of the smallest size from 1 MiB that holds it unless `size` says
    /// otherwise. As esptool does, the size is written into the image's header.
    ///
    /// # Errors
    /// [`ContentsError`].
    pub fn of_image(mut image: Vec<u8>, size: Option<u32>) -> Result<Self, ContentsError> {
        flash::parse(&image, 0)?;
        let smallest = u32::try_from(image.len()).unwrap_or(u32::MAX).checked_next_power_of_two().unwrap_or(u32::MAX);
        let size = size.unwrap_or(smallest.max(1 << 20));
        let (_, code) = SIZES.into_iter().find(|(bytes, _)| *bytes == size).ok_or(ContentsError::Size(size))?;
        if image.len() > size as usize {
            return Err(ContentsError::TooLarge { length: image.len(), size });
        }
        image[3] = code << 4 | image[3] & 0x0F;
        let at = size - INITIAL_DATA;
        let is_blank = image.get(at as usize..).is_none_or(|rest| rest.iter().take(128).all(|byte| *byte == 0xFF));
        let mut parts = vec![(0, image)];
        if is_blank {
            parts.push((at, BLANK_INITIAL_DATA.to_vec()));
        }
        Ok(Self { size, parts })
    }

    /// Bytes of the flash.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Puts it into a board's blank flash, as a programmer does.
    pub(super) fn program(&self, port: &Port) {
        let mut flash = port.flash.borrow_mut();
        flash.resize(self.size);
        for (at, part) in &self.parts {
            flash.preload(*at, part).expect("what is in a flash fits it");
        }
    }
}
