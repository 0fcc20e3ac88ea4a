//! The two transistors by which a serial adapter's DTR and RTS reset a board and hold its GPIO0 low.
//!
//! RTS alone pulls the reset pin, DTR alone GPIO0; both together do nothing, so that a program that asserts both does
//! not hold the board. A program that goes from one to the other passes through both or neither; on a board a capacitor
//! bridges that. Over RFC 2217 each change takes a round trip and more, so that this must bridge longer: up to
//! [`BRIDGED`] both together leave the pins as they were.

use std::time::Duration;

use simulator_record::time::Instant;

/// How long both lines together leave the pins as they were. pyserial looks for the answer to each change after 50 ms,
/// and esptool sets DTR twice; a computer that is busy takes its time for each.
pub const BRIDGED: Duration = Duration::from_secs(1);

/// What is pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// The reset pin.
    pub reset: bool,
    /// GPIO0.
    pub gpio0: bool,
}

/// Both transistors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Programmer {
    pulled: Pulled,
    /// When both lines were asserted, if they are and that still leaves the pins as they were.
    both: Option<Instant>,
}

impl Programmer {
    /// The lines change at `now`; what is pulled then.
    pub fn set(&mut self, dtr: bool, rts: bool, now: Instant) -> Pulled {
        self.both = None;
        match (dtr, rts) {
            (true, true) if self.pulled != Pulled::default() => self.both = Some(now),
            (dtr, rts) => self.pulled = Pulled { reset: rts && !dtr, gpio0: dtr && !rts },
        }
        self.pulled
    }

    /// What is pulled at `now`.
    pub fn at(&mut self, now: Instant) -> Pulled {
        if self.both.is_some_and(|both| now >= both + BRIDGED) {
            (self.pulled, self.both) = (Pulled::default(), None);
        }
        self.pulled
    }

    /// When what is pulled changes by itself.
    pub fn changes(&self) -> Option<Instant> {
        self.both.map(|both| both + BRIDGED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Pulled = Pulled { reset: false, gpio0: false };
    const RESET: Pulled = Pulled { reset: true, gpio0: false };
    const GPIO0: Pulled = Pulled { reset: false, gpio0: true };

    fn at(milliseconds: u64) -> Instant {
        Instant::from_millis(milliseconds)
    }

    #[test]
    fn esptools_sequence_resets_with_gpio0_low() {
        let mut programmer = Programmer::default();
        assert_eq!(programmer.set(false, true, at(0)), RESET);
        // 100 ms later DTR, and as long as it takes afterwards RTS.
        assert_eq!(programmer.set(true, true, at(100)), RESET);
        assert_eq!(programmer.set(true, false, at(200)), GPIO0);
        assert_eq!(programmer.set(false, false, at(250)), NOTHING);
        assert_eq!(programmer.changes(), None);
    }

    #[test]
    fn both_lines_do_not_hold_a_board() {
        let mut programmer = Programmer::default();
        assert_eq!(programmer.set(true, true, at(0)), NOTHING);
        assert_eq!(programmer.set(false, true, at(10)), RESET);
        assert_eq!(programmer.set(true, true, at(20)), RESET);
        assert_eq!(programmer.changes(), Some(at(1_020)));
        assert_eq!(programmer.at(at(1_019)), RESET);
        assert_eq!(programmer.at(at(1_020)), NOTHING);
    }
}
