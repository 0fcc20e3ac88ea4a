//! A board with a flash and nothing else.

use std::ops::Range;

use esp8266::peripherals::{Drive, Pins, Radio, SerialOut, SpiBus};
use esp8266::serial_flash::{FlashChip, PlainCells, SerialFlash};

/// A blank flash and nothing else is connected; strapped for booting from flash.
#[derive(Debug)]
pub struct Blank(SerialFlash<PlainCells>);

impl Blank {
    /// With a flash of so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(SerialFlash::new(PlainCells::new(vec![0xFF; bytes])))
    }
}

impl Pins for Blank {
    fn levels(&mut self, _: u64) -> u32 {
        0x1_7FFF
    }

    fn drive(&mut self, _: u8, _: Drive, _: u64) {}
}

impl SpiBus for Blank {
    fn flash(&mut self) -> Option<&mut dyn FlashChip> {
        Some(&mut self.0)
    }
}

impl Radio for Blank {}

impl SerialOut for Blank {
    fn send(&mut self, _: u8, _: u8, _: Range<u64>) {}
}
