//! The board's flash chip as the cells behind the chip's SPI controller.
//!
//! What a program erases and writes by commands, what it asks of the SDK, and what the cache shows are one flash: the
//! one on the board, which keeps its content over power cuts and tears what a cut interrupts. Because of that an
//! operation is not over before the world has come to its end, however far the chip runs ahead.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use esp8266::serial_flash::{Cells, Operation, PUYA, WINBOND};
use firmware::board::SETTINGS_SECTORS;

use crate::device::Port;
use crate::device::esp8266::Image;
use crate::device::port::Output;
use simulator_parts::flash::{self, Overwrite, WORD};
use simulator_record::time::Instant;

/// The cells of a started chip's flash.
pub(super) struct BoardCells {
    port: Rc<Port>,
    started: Instant,
    /// How far the world has come, which may still cut the power from there on.
    pub world: Cell<Instant>,
    /// When the operation under way will be over.
    ends: Instant,
}

impl BoardCells {
    pub(super) fn new(port: Rc<Port>, started: Instant) -> Self {
        Self { port, started, world: Cell::new(started), ends: started }
    }

    fn moment(&self, nanoseconds: u64) -> Instant {
        self.started + Duration::from_nanos(nanoseconds)
    }
}

impl Cells for BoardCells {
    fn size(&self) -> u32 {
        self.port.flash.borrow().size()
    }

    fn manufacturer(&self) -> [u8; 2] {
        match self.port.flash.borrow().overwrite() {
            Overwrite::Replaces => PUYA,
            Overwrite::Clears | Overwrite::Disturbs => WINBOND,
        }
    }

    fn read(&mut self, address: u32, bytes: &mut [u8]) {
        self.port.flash.borrow_mut().sense(address, bytes);
    }

    fn content(&self) -> Vec<u8> {
        self.port.flash.borrow().contents()
    }

    fn begin(&mut self, operation: &Operation, at: u64) -> Option<u64> {
        let operation = match operation {
            Operation::Program { address, bytes } => words(*address, bytes),
            Operation::Erase(range) => flash::Operation::EraseBlock { from: range.start, to: range.end },
        };
        let at = self.moment(at);
        let begun = self.port.flash.borrow_mut().begin(at, operation).ok()?;
        self.port.put(at, Output::FlashBegan { number: begun.number, ends: begun.ends });
        self.ends = begun.ends;
        Some(begun.ends.saturating_since(self.started).as_nanos() as u64)
    }

    fn end(&mut self, _: u64) -> bool {
        if self.world.get() < self.ends {
            return false;
        }
        if let Some(report) = self.port.flash.borrow_mut().finish() {
            self.port.put(self.ends, Output::Event(report.into()));
        }
        true
    }
}

/// Puts an image into a board's flash as a programmer does, beside the settings that are there already.
pub(super) fn program(port: &Port, image: &Image) {
    let mut flash = port.flash.borrow_mut();
    let (from, to) = (SETTINGS_SECTORS.start as usize, SETTINGS_SECTORS.end as usize);
    for (start, part) in [(0, &image.flash()[..from]), (to, &image.flash()[to..])] {
        flash.preload(start as u32, part).expect("an image is as large as the flash");
    }
}

/// Programs bytes as whole words: what is to stay as it is is ones.
fn words(address: u32, bytes: &[u8]) -> flash::Operation {
    let before = address % WORD;
    let mut data = vec![0xFF; before as usize];
    data.extend_from_slice(bytes);
    data.resize(data.len().next_multiple_of(WORD as usize), 0xFF);
    flash::Operation::Write { address: address - before, data }
}
