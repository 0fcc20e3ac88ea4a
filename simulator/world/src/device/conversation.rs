//! A program at the other end of the serial port: it types, waits for the device's answer, and types on.
//!
//! The device's port holds it, because an answer counts when the device sends it, by the device's own time. It waits
//! without an end: what a device does not answer to is nowhere typed.

use std::collections::VecDeque;
use std::time::Duration;

use simulator_parts::SerialByte;
use simulator_record::time::Instant;

/// What is typed, and what is waited for then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The bytes that are typed.
    pub keys: Vec<u8>,
    /// The bytes that the device sends when it is ready for the next turn; none if that follows at once.
    pub answer: Vec<u8>,
}

/// What has yet to be typed.
#[derive(Debug, Default)]
pub struct Conversation {
    turns: VecDeque<Turn>,
    /// From one byte to the next.
    every: Duration,
    /// What is waited for, if anything.
    awaited: Vec<u8>,
    /// The last bytes that the device has sent, as many as are waited for.
    heard: VecDeque<u8>,
    /// What is typed next and has not been taken.
    typed: Vec<SerialByte>,
}

impl Conversation {
    /// Begins, in the place of one that has not ended. Gives what is typed at once, and when each byte has arrived.
    pub fn begin(&mut self, now: Instant, turns: Vec<Turn>, every: Duration) -> Vec<SerialByte> {
        *self = Self { turns: turns.into(), every, ..Self::default() };
        self.go_on(now)
    }

    /// The device has sent a byte.
    pub fn hear(&mut self, at: Instant, byte: u8) {
        if self.awaited.is_empty() {
            return;
        }
        self.heard.push_back(byte);
        if self.heard.len() > self.awaited.len() {
            self.heard.pop_front();
        }
        if self.heard == self.awaited {
            self.typed = self.go_on(at);
        }
    }

    /// Takes what is typed after an answer. The device may have run ahead of it: what would arrive before its own time
    /// `local` comes later, all of it by as much.
    pub fn take_typed(&mut self, local: Instant) -> Vec<SerialByte> {
        let mut typed = std::mem::take(&mut self.typed);
        let late = typed.first().map_or(Duration::ZERO, |first| local.saturating_since(first.at));
        typed.iter_mut().for_each(|byte| byte.at += late);
        typed
    }

    fn go_on(&mut self, mut at: Instant) -> Vec<SerialByte> {
        let mut typed = Vec::new();
        self.awaited.clear();
        self.heard.clear();
        while self.awaited.is_empty()
            && let Some(Turn { keys, answer }) = self.turns.pop_front()
        {
            for byte in keys {
                at += self.every;
                typed.push(SerialByte { at, byte, bit: None });
            }
            self.awaited = answer;
        }
        typed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(keys: &str, answer: &str) -> Turn {
        Turn { keys: keys.into(), answer: answer.into() }
    }

    fn text(typed: &[SerialByte]) -> String {
        typed.iter().map(|typed| char::from(typed.byte)).collect()
    }

    #[test]
    fn each_turn_waits_for_the_answer_to_the_one_before() {
        let mut conversation = Conversation::default();
        let every = Duration::from_millis(1);
        let turns = vec![turn("a", ""), turn("b", "OK>"), turn("c", ">"), turn("d", "")];
        let typed = conversation.begin(Instant::from_secs(1), turns, every);
        assert_eq!(text(&typed), "ab");
        assert_eq!(typed[1].at, Instant::from_secs(1) + 2 * every);
        let mut hear = |seconds, byte| {
            conversation.hear(Instant::from_secs(seconds), byte);
            conversation.take_typed(Instant::from_secs(4))
        };
        // Its echo, and what looks like the answer.
        for byte in *b"ab>OOK" {
            assert_eq!(text(&hear(2, byte)), "");
        }
        let typed = hear(5, b'>');
        assert_eq!((text(&typed), typed[0].at), ("c".to_owned(), Instant::from_secs(5) + every));
        // The device has run ahead by then.
        let typed = hear(3, b'>');
        assert_eq!((text(&typed), typed[0].at), ("d".to_owned(), Instant::from_secs(4)));
        assert_eq!(text(&hear(6, b'>')), "", "all is said");
    }
}
