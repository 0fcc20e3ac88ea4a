//! A board with a flash and a radio that does what a test says.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use esp8266::peripherals::{self, Drive, Pins, SerialOut, SpiBus};
use esp8266::serial_flash::{Cells, FlashChip, Operation, SerialFlash};
use simulator_parts::NorFlash;
use simulator_parts::flash;
use simulator_record::events::{JoinOutcome, LinkLoss};
use simulator_record::random::Seed;
use simulator_record::time::Instant;

use crate::outside::{AccessPoint, Flash, Radio};

pub(super) const ADDRESS: [u8; 6] = [0x18, 0xFE, 0x34, 0, 0, 0];

/// What the SDK has asked for.
#[derive(Debug, PartialEq)]
pub(super) enum Output {
    Frame(Vec<u8>),
    Join { network: String, passphrase: Option<String> },
    Leave,
    Scan { network: Option<String> },
    StartAccessPoint { network: String, passphrase: String, channel: u8 },
    FlashBegan,
}

pub(super) struct Board {
    pub output: Vec<Output>,
    /// What has left the serial port.
    pub printed: Vec<u8>,
    pub joined: Option<JoinOutcome>,
    pub lost: Option<LinkLoss>,
    pub signal: Option<i8>,
    pub scanned: Option<Vec<AccessPoint>>,
    pub handshakes: u32,
    pub frames: VecDeque<Vec<u8>>,
    flash: Rc<RefCell<NorFlash>>,
    commands: SerialFlash<OneFlash>,
}

impl Board {
    pub(super) fn new() -> Self {
        let flash = Rc::new(RefCell::new(NorFlash::new(Seed(1), "flash")));
        Self {
            output: Vec::new(),
            printed: Vec::new(),
            joined: None,
            lost: None,
            signal: None,
            scanned: None,
            handshakes: 0,
            frames: VecDeque::new(),
            commands: SerialFlash::new(OneFlash(Rc::clone(&flash))),
            flash,
        }
    }

    fn begin(&mut self, at: Instant, operation: flash::Operation) -> Option<Instant> {
        let begun = self.flash.borrow_mut().begin(at, operation).ok()?;
        self.output.push(Output::FlashBegan);
        Some(begun.ends)
    }
}

impl Radio for Board {
    fn hardware_address(&self) -> [u8; 6] {
        ADDRESS
    }

    fn join(&mut self, _: Instant, network: String, passphrase: Option<String>) {
        (self.joined, self.lost) = (None, None);
        self.output.push(Output::Join { network, passphrase });
    }

    fn take_outcome(&mut self) -> Option<JoinOutcome> {
        self.joined.take()
    }

    fn leave(&mut self, _: Instant) {
        self.output.push(Output::Leave);
    }

    fn take_loss(&mut self) -> Option<LinkLoss> {
        self.lost.take()
    }

    fn signal(&self) -> Option<i8> {
        self.signal
    }

    fn scan(&mut self, _: Instant, network: Option<String>) {
        self.scanned = None;
        self.output.push(Output::Scan { network });
    }

    fn take_scanned(&mut self) -> Option<Vec<AccessPoint>> {
        self.scanned.take()
    }

    fn open_access_point(&mut self, _: Instant, network: String, passphrase: String, channel: u8) {
        self.output.push(Output::StartAccessPoint { network, passphrase, channel });
    }

    fn take_handshakes(&mut self) -> u32 {
        std::mem::take(&mut self.handshakes)
    }

    fn send_frame(&mut self, _: Instant, frame: Vec<u8>) {
        self.output.push(Output::Frame(frame));
    }

    fn take_frame(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }
}

impl Flash for Board {
    fn erase(&mut self, at: Instant, range: Range<u32>) -> Option<Instant> {
        self.begin(at, flash::Operation::Erase { from: range.start, to: range.end })
    }

    fn write(&mut self, at: Instant, address: u32, data: Vec<u8>) -> Option<Instant> {
        self.begin(at, flash::Operation::Write { address, data })
    }

    fn finish(&mut self, _: Instant) -> Option<Range<u32>> {
        let report = self.flash.borrow_mut().finish()?;
        Some(report.address..report.address + report.length)
    }

    fn fetch(&mut self, at: Instant, address: u32, bytes: &mut [u8]) -> Option<Instant> {
        self.flash.borrow_mut().read(at, address, bytes).ok()
    }

    fn sense(&mut self, address: u32, bytes: &mut [u8]) {
        self.flash.borrow_mut().sense(address, bytes);
    }
}

impl Pins for Board {
    /// GPIO0 and GPIO2 are high, GPIO15 is low: the chip boots from flash.
    fn levels(&mut self, _: u64) -> u32 {
        1 << 0 | 1 << 2
    }

    fn drive(&mut self, _: u8, _: Drive, _: u64) {}
}

impl SpiBus for Board {
    fn flash(&mut self) -> Option<&mut dyn FlashChip> {
        Some(&mut self.commands)
    }
}

impl peripherals::Radio for Board {}

impl SerialOut for Board {
    fn send(&mut self, uart: u8, byte: u8, _: Range<u64>) {
        if uart == 0 {
            self.printed.push(byte);
        }
    }
}

/// The same flash behind commands, which only read it.
struct OneFlash(Rc<RefCell<NorFlash>>);

impl Cells for OneFlash {
    fn size(&self) -> u32 {
        self.0.borrow().size()
    }

    fn read(&mut self, address: u32, bytes: &mut [u8]) {
        self.0.borrow_mut().sense(address, bytes);
    }

    fn content(&self) -> Vec<u8> {
        self.0.borrow().contents()
    }

    fn begin(&mut self, _: &Operation, _: u64) -> Option<u64> {
        None
    }

    fn end(&mut self, _: u64) -> bool {
        true
    }
}
