//! The board as the vendor's SDK has it at function level: the radio is the world's, the flash is the board's.

use std::ops::Range;

use esp8266_sdk::{AccessPoint, AuthMode, Flash, Radio};

use super::outside::Board;
use crate::air::{Heard, Protection};
use crate::device::port::Output;
use simulator_parts::flash::Operation;
use simulator_record::events::{JoinOutcome, LinkLoss};
use simulator_record::time::Instant;

#[deny(clippy::missing_trait_methods, reason = "a board has all of a radio")]
impl Radio for Board {
    fn hardware_address(&self) -> [u8; 6] {
        self.port.hardware_address
    }

    fn join(&mut self, at: Instant, network: String, passphrase: Option<String>) {
        let mut radio = self.port.radio.borrow_mut();
        radio.joined = None;
        radio.lost = None;
        self.port.put(at, Output::Join { network, passphrase });
    }

    fn take_outcome(&mut self) -> Option<JoinOutcome> {
        self.port.radio.borrow_mut().joined.take()
    }

    fn leave(&mut self, at: Instant) {
        self.port.radio.borrow_mut().up = false;
        self.port.put(at, Output::Leave);
    }

    fn take_loss(&mut self) -> Option<LinkLoss> {
        self.port.radio.borrow_mut().lost.take()
    }

    fn signal(&self) -> Option<i8> {
        self.port.radio.borrow().signal
    }

    fn scan(&mut self, at: Instant, network: Option<String>) {
        self.port.radio.borrow_mut().scanned = None;
        self.port.put(at, Output::Scan { network });
    }

    fn take_scanned(&mut self) -> Option<Vec<AccessPoint>> {
        let heard = self.port.radio.borrow_mut().scanned.take()?;
        Some(heard.into_iter().map(access_point).collect())
    }

    fn open_access_point(&mut self, at: Instant, network: String, passphrase: String, channel: u8) {
        self.port.put(at, Output::StartAccessPoint { network, passphrase, channel });
    }

    fn take_handshakes(&mut self) -> u32 {
        std::mem::take(&mut self.port.radio.borrow_mut().handshakes)
    }

    fn send_frame(&mut self, at: Instant, frame: Vec<u8>) {
        self.port.put(at, Output::Frame(frame));
    }

    fn take_frame(&mut self) -> Option<Vec<u8>> {
        self.port.frames.borrow_mut().pop_front()
    }
}

fn access_point(heard: Heard) -> AccessPoint {
    let Heard { name, bssid, channel, signal, protection } = heard;
    let auth_mode = match protection {
        Protection::Open => AuthMode::Open,
        Protection::Wep => AuthMode::Wep,
        // What it does not know, it does not tell from WPA2.
        Protection::Wpa2 | Protection::Transition | Protection::Wpa3 => AuthMode::Wpa2,
        Protection::Wpa => AuthMode::Wpa,
        Protection::Mixed => AuthMode::WpaWpa2,
    };
    AccessPoint { name, bssid, channel, signal, auth_mode }
}

#[deny(clippy::missing_trait_methods, reason = "a board has all of a flash")]
impl Flash for Board {
    fn erase(&mut self, at: Instant, range: Range<u32>) -> Option<Instant> {
        self.begin(at, Operation::Erase { from: range.start, to: range.end })
    }

    fn write(&mut self, at: Instant, address: u32, data: Vec<u8>) -> Option<Instant> {
        self.begin(at, Operation::Write { address, data })
    }

    fn finish(&mut self, at: Instant) -> Option<Range<u32>> {
        let report = self.port.flash.borrow_mut().finish()?;
        let range = report.address..report.address + report.length;
        self.port.put(at, Output::Event(report.into()));
        Some(range)
    }

    fn fetch(&mut self, at: Instant, address: u32, bytes: &mut [u8]) -> Option<Instant> {
        self.port.flash.borrow_mut().read(at, address, bytes).ok()
    }

    fn sense(&mut self, address: u32, bytes: &mut [u8]) {
        self.port.flash.borrow_mut().sense(address, bytes);
    }
}

impl Board {
    /// Begins an operation of the flash that a power cut may tear; returns when it will be over.
    fn begin(&self, at: Instant, operation: Operation) -> Option<Instant> {
        let begun = self.port.flash.borrow_mut().begin(at, operation).ok()?;
        self.port.put(at, Output::FlashBegan { number: begun.number, ends: begun.ends });
        Some(begun.ends)
    }
}
