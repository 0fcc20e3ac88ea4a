//! A serial line between two ends that need not agree on the rate: what a receiver makes of what is sent.
//!
//! A byte is a start bit, eight data bits, lowest first, and a stop bit. A receiver waits for a falling edge and then
//! looks at the middle of each of its own bits. At the sender's rate it sees what was sent; at another one, something
//! else, a different number of bytes among it. Not modelled: frames of other lengths, noise, a receiver that samples
//! more than once a bit.

/// Bits of a byte on the line, with its start and stop bits.
pub const BITS: u64 = 10;

/// A byte on the line. All times are in one unit of the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The byte.
    pub byte: u8,
    /// When its start bit begins.
    pub start: u64,
    /// How long each of its bits is.
    pub bit: u64,
}

impl Sent {
    /// When its stop bit is over.
    pub fn end(&self) -> u64 {
        self.start + BITS * self.bit
    }

    /// The line's level in bit `index` of this byte; behind its last the line is high.
    fn level(&self, index: u64) -> bool {
        match index {
            0 => false,
            1..=8 => self.byte >> (index - 1) & 1 != 0,
            _ => true,
        }
    }

    /// The line's level at this moment, from the byte's start on.
    fn level_at(&self, at: u64) -> bool {
        self.level((at - self.start) / self.bit.max(1))
    }

    /// The moments at which the level changes, from the falling edge of the start bit on, which is the first. They fall
    /// and rise in turn.
    pub fn edges(&self) -> impl Iterator<Item = u64> {
        let falls = |index: u64| index == 0 || self.level(index - 1) != self.level(index);
        (0..BITS).filter(move |index| falls(*index)).map(|index| self.start + index * self.bit)
    }
}

/// What a receiver has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The byte.
    pub byte: u8,
    /// When it was there: in the middle of its stop bit.
    pub at: u64,
    /// Where its stop bit should have been, the line was low.
    pub is_broken: bool,
}

/// A receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receiver {
    /// It is busy with a byte until then.
    busy: u64,
}

impl Receiver {
    /// What it makes of a byte if its own bits are `bit` long. Bytes are given in the order of their times.
    pub fn receive(&mut self, sent: Sent, bit: u64) -> Vec<Received> {
        let mut all = Vec::new();
        let falling: Vec<u64> = sent.edges().step_by(2).collect();
        for edge in falling {
            if edge < self.busy {
                continue;
            }
            let middle = |index: u64| edge + index * bit + bit / 2;
            let byte = (0..8).fold(0, |byte, index| byte | u8::from(sent.level_at(middle(1 + index))) << index);
            let at = middle(BITS - 1);
            all.push(Received { byte, at, is_broken: !sent.level_at(at) });
            self.busy = at;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nanoseconds of a bit.
    const fn bit(baud: u64) -> u64 {
        1_000_000_000 / baud
    }

    fn bytes(sent: &[u8], from: u64, to: u64) -> Vec<u8> {
        let mut receiver = Receiver::default();
        let sent = (0..).zip(sent).map(|(index, &byte)| Sent { byte, start: index * BITS * bit(from), bit: bit(from) });
        sent.flat_map(|sent| receiver.receive(sent, bit(to))).map(|received| received.byte).collect()
    }

    #[test]
    fn ends_that_agree_understand_each_other() {
        let all: Vec<u8> = (0..=255).collect();
        for (from, to) in [(115_200, 115_200), (115_200, 112_000), (115_200, 118_500), (9_600, 9_600)] {
            assert_eq!(bytes(&all, from, to), all, "{from} {to}");
        }
    }

    #[test]
    fn ends_that_do_not_agree_make_something_else_of_it() {
        let text = b"ets Jan  8 2013";
        let at_115200 = bytes(text, 74_880, 115_200);
        assert_ne!(at_115200, text);
        assert!(at_115200.len() >= text.len(), "{at_115200:02x?}");
        assert!(bytes(text, 460_800, 115_200).len() < text.len());
    }

    #[test]
    fn edges_fall_and_rise_in_turn() {
        let edges = |byte| Sent { byte, start: 100, bit: 10 }.edges().collect::<Vec<_>>();
        assert_eq!(edges(0x00), [100, 190]);
        assert_eq!(edges(0xFF), [100, 110]);
        assert_eq!(edges(0x55), [100, 110, 120, 130, 140, 150, 160, 170, 180, 190]);
        assert_eq!(edges(0xC0), [100, 170]);
    }
}
