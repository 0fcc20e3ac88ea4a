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

/// Everything around the chip.
pub trait Outside: Pins + SerialOut + SpiBus {}

impl<T: Pins + SerialOut + SpiBus> Outside for T {}
