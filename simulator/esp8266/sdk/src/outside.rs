//! What the SDK needs of the world around its chip, beside what the chip's own pins and lines are connected to.
//!
//! Times are those of the world, in which the chip may be ahead.

use std::ops::Range;

use esp8266::peripherals::Outside;
use simulator_record::events::{JoinOutcome, LinkLoss};
use simulator_record::time::Instant;

/// The radio, as far as the SDK leaves it to the world: joining, scanning, an access point, and Ethernet frames.
/// Where nothing is said of it there is no antenna: nobody hears it, and it hears nobody.
pub trait Radio {
    /// The station's hardware address.
    fn hardware_address(&self) -> [u8; 6];

    /// Begins to join a network; without a passphrase it is an open one. What there was to tell of an earlier join or
    /// link is not told any more.
    fn join(&mut self, at: Instant, network: String, passphrase: Option<String>) {
        let _ = (at, network, passphrase);
    }

    /// What came of the join under way, once.
    fn take_outcome(&mut self) -> Option<JoinOutcome> {
        None
    }

    /// Leaves the network, or gives up joining one.
    fn leave(&mut self, at: Instant) {
        let _ = at;
    }

    /// Why the link was lost, once.
    fn take_loss(&mut self) -> Option<LinkLoss> {
        None
    }

    /// How strong the joined access point is, in dBm.
    fn signal(&self) -> Option<i8> {
        None
    }

    /// Begins to look for access points: of all names, or of this. What an earlier scan heard is not told any more.
    fn scan(&mut self, at: Instant, network: Option<String>) {
        let _ = (at, network);
    }

    /// What the scan under way has heard, once, when it has ended.
    fn take_scanned(&mut self) -> Option<Vec<AccessPoint>> {
        None
    }

    /// Opens an access point; an empty passphrase means an open one.
    fn open_access_point(&mut self, at: Instant, network: String, passphrase: String, channel: u8) {
        let _ = (at, network, passphrase, channel);
    }

    /// How many stations have begun a handshake with the own access point since this was last asked.
    fn take_handshakes(&mut self) -> u32 {
        0
    }

    /// Sends an Ethernet frame.
    fn send_frame(&mut self, at: Instant, frame: Vec<u8>) {
        let _ = (at, frame);
    }

    /// The next Ethernet frame that has come in.
    fn take_frame(&mut self) -> Option<Vec<u8>> {
        None
    }
}

/// The flash chip, as the SDK's functions work on it. Where nothing is said of it they fail.
pub trait Flash {
    /// Begins to erase these addresses, whole sectors; returns when it will be over. `None` if it cannot.
    fn erase(&mut self, at: Instant, range: Range<u32>) -> Option<Instant> {
        let _ = (at, range);
        None
    }

    /// Begins to write; returns when it will be over. `None` if it cannot, so where it is not of whole words.
    fn write(&mut self, at: Instant, address: u32, data: Vec<u8>) -> Option<Instant> {
        let _ = (at, address, data);
        None
    }

    /// Ends the operation under way at the moment that was told; returns which addresses may have changed. `None` if
    /// none is under way.
    fn finish(&mut self, at: Instant) -> Option<Range<u32>> {
        let _ = at;
        None
    }

    /// Reads; returns when it is over. `None` if that goes beyond the end.
    fn fetch(&mut self, at: Instant, address: u32, bytes: &mut [u8]) -> Option<Instant> {
        let _ = (at, address, bytes);
        None
    }

    /// What the cache sees there, at no time.
    fn sense(&mut self, address: u32, bytes: &mut [u8]) {
        let _ = (address, bytes);
    }
}

/// All that is around a chip: its pins and lines, and what the SDK needs.
pub trait Environment: Outside + Radio + Flash {}

impl<T: Outside + Radio + Flash> Environment for T {}

/// An access point that a scan has heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPoint {
    /// The network's name, at most 32 bytes.
    pub name: String,
    /// Its hardware address.
    pub bssid: [u8; 6],
    /// Its channel.
    pub channel: u8,
    /// How strong it is, in dBm.
    pub signal: i8,
    /// How it is protected.
    pub auth_mode: AuthMode,
}

/// How an access point is protected, as the SDK numbers it (`AUTH_MODE`, NONOS SDK 3.0, `user_interface.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// `AUTH_OPEN`.
    Open = 0,
    /// `AUTH_WEP`.
    Wep = 1,
    /// `AUTH_WPA_PSK`.
    Wpa = 2,
    /// `AUTH_WPA2_PSK`.
    Wpa2 = 3,
    /// `AUTH_WPA_WPA2_PSK`.
    WpaWpa2 = 4,
}
