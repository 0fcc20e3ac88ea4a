//! A board for any image: a flash, a terminal at UART0, strapped for booting from flash. Nothing else is connected.

use std::ops::Range;

use esp8266::chip::Chip;
use esp8266::peripherals::{Drive, Pins, Radio, SerialOut, SpiBus};
use esp8266::serial_flash::{FlashChip, PlainCells, SerialFlash};

/// Nanoseconds between two characters that are typed: somewhat longer than one takes at 115200 baud.
const TYPING: u64 = 100_000;

/// The board.
#[derive(Debug)]
pub struct Board {
    flash: SerialFlash<PlainCells>,
    /// What UART0 has sent.
    pub sent: Vec<u8>,
}

impl Board {
    /// With this in its flash.
    pub fn new(flash: Vec<u8>) -> Self {
        Self { flash: SerialFlash::new(PlainCells::new(flash)), sent: Vec::new() }
    }
}

impl Pins for Board {
    fn levels(&mut self, _: u64) -> u32 {
        0x1_7FFF
    }

    fn drive(&mut self, _: u8, _: Drive, _: u64) {}
}

impl SpiBus for Board {
    fn flash(&mut self) -> Option<&mut dyn FlashChip> {
        Some(&mut self.flash)
    }
}

impl Radio for Board {}

impl SerialOut for Board {
    fn send(&mut self, uart: u8, byte: u8, _: Range<u64>) {
        if uart == 0 {
            self.sent.push(byte);
        }
    }
}

/// Types a text on the terminal, from now on.
pub fn type_in(chip: &mut Chip<Board>, text: &str) {
    let mut at = chip.now().nanoseconds();
    for byte in text.bytes() {
        at += TYPING;
        chip.core.bus.receive(0, byte, at);
    }
}
