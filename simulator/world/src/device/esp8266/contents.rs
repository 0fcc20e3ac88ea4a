//! What is in a flash before its device is first powered: an image as it is flashed, and what `esptool` and the
//! vendor's code want beside it.

use esp8266::image::{ImageError as FormatError, flash};

use crate::device::Port;

/// The contents of a flash of some size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    bytes: Vec<u8>,
}

impl Contents {
    /// A flash with an image at its beginning, as `esptool write-flash --flash-size` leaves it; see
    /// [`flash::write_image`].
    ///
    /// # Errors
    /// If it is no image, or the flash is too small for it or no flash has that size.
    pub fn of_image(image: &[u8], size: Option<u32>) -> Result<Self, FormatError> {
        Ok(Self { bytes: flash::write_image(image, size.map(|size| size as usize))? })
    }

    /// A flash that holds this, byte by byte.
    ///
    /// # Errors
    /// If no flash has that size.
    pub fn of_dump(bytes: Vec<u8>) -> Result<Self, FormatError> {
        Ok(Self { bytes: flash::whole(bytes)? })
    }

    /// An erased flash of that size, or of 4 MiB.
    pub fn erased(size: Option<u32>) -> Self {
        Self { bytes: flash::erased(size.map(|size| size as usize)) }
    }

    /// Bytes of the flash.
    pub fn size(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// Puts it into a board's blank flash, as a programmer does.
    pub(super) fn program(&self, port: &Port) {
        let mut flash = port.flash.borrow_mut();
        flash.resize(self.size());
        flash.preload(0, &self.bytes).expect("the flash is as large as its contents");
    }
}
