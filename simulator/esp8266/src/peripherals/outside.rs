//! What the chip's pins are connected to.
//!
//! All times are nanoseconds since the chip was powered, exact to the CPU's cycle. The chip runs ahead of whoever owns
//! it, so inputs are functions of time.

use core::ops::Range;

use crate::serial_flash::FlashChip;

/// What the chip does with a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// It drives the pin low.
    Low,
    /// It drives the pin high.
    High,
    /// It lets go of it: an input, or an open drain output that is high.
    Floating,
    /// As [`Floating`](Self::Floating), with the chip's weak pull-up on.
    PulledUp,
}

/// The digital pins, GPIO0 to GPIO16, and the analogue input.
pub trait Pins {
    /// Levels at this moment, bit 0 for GPIO0. Bits of pins that the chip drives are ignored. At a reset they are the
    /// strapping: GPIO15 low, GPIO0 and GPIO2 high boots from flash.
    fn levels(&mut self, at: u64) -> u32;

    /// The chip drives a pin differently from this moment on. Moments never go back.
    fn drive(&mut self, pin: u8, drive: Drive, at: u64);

    /// The first moment after this one at which any of these pins changes its level by itself, as far as is known.
    fn next_change(&mut self, pins: u32, after: u64) -> Option<u64> {
        let _ = (pins, after);
        None
    }

    /// The analogue input at this moment, 0 for 0 V to 1023 for 1 V.
    fn analog(&mut self, at: u64) -> u16 {
        let _ = at;
        0
    }
}

/// Where the UARTs send.
pub trait SerialOut {
    /// UART `uart` begins to send `byte`: its start bit begins, and its stop bits are over, at these moments.
    fn send(&mut self, uart: u8, byte: u8, during: Range<u64>);
}

/// What is connected to the SPI controllers.
pub trait SpiBus {
    /// The flash on controller 0, if there is one.
    fn flash(&mut self) -> Option<&mut dyn FlashChip> {
        None
    }
}

/// A frame that the chip sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmission {
    /// The channel, 1 to 14.
    pub channel: u8,
    /// How fast: the chip's code, see [`simulator_wlan::rate::Rate`].
    pub rate: u8,
    /// When its preamble begins.
    pub start: u64,
    /// When its last bit has left.
    pub end: u64,
    /// The chip waits for an acknowledgement and then asks [`Radio::was_acknowledged`].
    pub wants_acknowledgement: bool,
    /// The 802.11 frame as it is on the air, without its check sequence.
    pub frame: Vec<u8>,
}

/// A frame that arrives at the chip's antenna.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When its last bit is there, in nanoseconds since the chip was powered.
    pub at: u64,
    /// The channel, 1 to 14.
    pub channel: u8,
    /// How fast: the chip's code, see [`simulator_wlan::rate::Rate`].
    pub rate: u8,
    /// How strong, in dBm.
    pub signal: i8,
    /// The 802.11 frame as it is on the air, without its check sequence.
    pub frame: Vec<u8>,
}

/// What the antenna sends to. Without more nobody is there.
pub trait Radio {
    /// The chip begins to send a frame. Then its run ends with [`Stop::Transmitted`](crate::chip::Stop::Transmitted),
    /// if that is wanted: so that the world can say what it makes of it.
    fn transmit(&mut self, transmission: Transmission) {
        let _ = transmission;
    }

    /// From this moment on the receiver is on a channel, 1 to 14, or hears nothing. Moments never go back.
    fn listen(&mut self, channel: Option<u8>, at: u64) {
        let _ = (channel, at);
    }

    /// Whether the last frame that wanted it has been acknowledged. Asked when the acknowledgement would be over.
    fn was_acknowledged(&mut self) -> bool {
        false
    }

    /// The chip's hardware acknowledges a frame of `transmitter`, beginning at this moment.
    fn acknowledge(&mut self, transmitter: [u8; 6], at: u64) {
        let _ = (transmitter, at);
    }
}

/// Everything around the chip.
pub trait Outside: Pins + SerialOut + SpiBus + Radio {}

impl<T: Pins + SerialOut + SpiBus + Radio> Outside for T {}
