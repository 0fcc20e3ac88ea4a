//! What the chip's pins and serial port are connected to: the board's models, in the chip's own time.

use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use esp8266::line::BITS;
use esp8266::peripherals::{Drive, Pins, Radio, SerialOut, SpiBus, Transmission};
use esp8266::serial_flash::{FlashChip, SerialFlash};

use simulator_wlan::rate::Rate;

use super::flash::BoardCells;
use crate::air::RadioFrame;
use crate::device::Port;
use crate::device::port::Output;
use simulator_parts::{HostDrive, SerialByte};
use simulator_record::events::Level;
use simulator_record::time::Instant;

/// GPIO0 and GPIO2, which an ESP-07's board pulls up so that it boots from flash; GPIO15 is pulled down.
const STRAPPING: u32 = 1 << 0 | 1 << 2;

/// The board around the chip.
pub(super) struct Board {
    pub(super) port: Rc<Port>,
    started: Instant,
    /// The flash chip, as it answers commands.
    flash: SerialFlash<BoardCells>,
    /// The line that the serial port is sending, as far as it may be a panic's.
    line: Vec<u8>,
    panic: Option<String>,
}

/// What the firmware's last words begin with.
const PANIC: &str = "panic: ";
/// No line that matters is longer.
const LONGEST_LINE: usize = 1_024;

impl Board {
    pub(super) fn new(port: Rc<Port>, started: Instant) -> Self {
        let flash = SerialFlash::new(BoardCells::new(Rc::clone(&port), started));
        Self { port, started, flash, line: Vec::new(), panic: None }
    }

    /// The world has come as far as `now`: up to there no power cut can come any more.
    pub(super) fn world_is_at(&self, now: Instant) {
        self.flash.cells.world.set(now);
    }

    /// What the last panic said on the serial port, if there was one since this was last asked.
    pub(super) fn take_panic(&mut self) -> Option<String> {
        self.panic.take()
    }

    fn listen(&mut self, byte: u8) {
        if byte != b'\n' {
            if self.line.len() < LONGEST_LINE {
                self.line.push(byte);
            }
            return;
        }
        let line = String::from_utf8_lossy(&self.line);
        if let Some(words) = line.trim_end().strip_prefix(PANIC) {
            self.panic = Some(words.to_owned());
        }
        self.line.clear();
    }

    fn moment(&self, nanoseconds: u64) -> Instant {
        self.started + Duration::from_nanos(nanoseconds)
    }
}

impl Pins for Board {
    fn levels(&mut self, at: u64) -> u32 {
        let at = self.moment(at);
        let levels = self.port.parts.iter().fold(STRAPPING, |levels, part| match part.level(at) {
            Some(Level::High) => levels | 1 << part.gpio,
            Some(Level::Low) => levels & !(1 << part.gpio),
            None => levels,
        });
        levels & !self.port.held_low.get()
    }

    fn drive(&mut self, pin: u8, drive: Drive, at: u64) {
        let drive = match drive {
            Drive::Low => HostDrive::Low,
            Drive::High => HostDrive::High,
            Drive::Floating | Drive::PulledUp => HostDrive::Released,
        };
        self.port.drive(pin, self.moment(at), drive);
    }
}

impl SpiBus for Board {
    fn flash(&mut self) -> Option<&mut dyn FlashChip> {
        Some(&mut self.flash)
    }
}

impl Radio for Board {
    fn transmit(&mut self, transmission: Transmission) {
        let Transmission { channel, rate, start, end, frame, .. } = transmission;
        self.port.antenna.borrow_mut().acknowledged = false;
        let Some(rate) = Rate::from_code(rate) else { return };
        let frame = RadioFrame { channel, rate, bytes: frame.into() };
        self.port.put(self.moment(start), Output::RadioFrame { frame, end: self.moment(end) });
    }

    fn listen(&mut self, channel: Option<u8>, at: u64) {
        self.port.put(self.moment(at), Output::Listens(channel));
    }

    fn was_acknowledged(&mut self) -> bool {
        self.port.antenna.borrow().acknowledged
    }

    fn acknowledge(&mut self, transmitter: [u8; 6], _: u64) {
        self.port.antenna.borrow_mut().acknowledges.push(transmitter);
    }
}

impl SerialOut for Board {
    fn send(&mut self, uart: u8, byte: u8, during: Range<u64>) {
        // UART1 comes out at GPIO2, where nothing listens.
        if uart == 0 {
            self.listen(byte);
            let bit = Duration::from_nanos((during.end - during.start) / BITS);
            let sent = SerialByte { at: self.moment(during.end), byte, bit: Some(bit) };
            self.port.serial_line.borrow_mut().receive_at_rate(sent);
            self.port.conversation.borrow_mut().hear(sent.at, byte);
        }
    }
}
