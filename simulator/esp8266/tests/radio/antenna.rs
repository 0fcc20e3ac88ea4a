//! What the chip is connected to: an antenna whose other end is written down.

use std::ops::Range;

use esp8266::peripherals::{Drive, Pins, Radio, SerialOut, SpiBus, Transmission};

/// Keeps what is sent, and says whether it is acknowledged.
#[derive(Debug, Default)]
pub struct Antenna {
    pub acknowledges: bool,
    pub sent: Vec<Transmission>,
    /// To whom the chip has sent acknowledgements.
    pub acknowledged: Vec<[u8; 6]>,
    /// What its receiver was on, one after the other.
    pub listened: Vec<Option<u8>>,
}

impl Pins for Antenna {
    fn levels(&mut self, _: u64) -> u32 {
        0x1_7FFF
    }

    fn drive(&mut self, _: u8, _: Drive, _: u64) {}
}

impl SpiBus for Antenna {}

impl SerialOut for Antenna {
    fn send(&mut self, _: u8, _: u8, _: Range<u64>) {}
}

impl Radio for Antenna {
    fn transmit(&mut self, transmission: Transmission) {
        self.sent.push(transmission);
    }

    fn listen(&mut self, channel: Option<u8>, _: u64) {
        self.listened.push(channel);
    }

    fn was_acknowledged(&mut self) -> bool {
        self.acknowledges
    }

    fn acknowledge(&mut self, transmitter: [u8; 6], _: u64) {
        self.acknowledged.push(transmitter);
    }
}
