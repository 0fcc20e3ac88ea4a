//! The serial port's transmitter: bytes with their times, lines as they arrive at the other end.
//!
//! The firmware [writes](Uart::write) bytes in device time; a byte leaves when those before it have, 10 bits each at
//! 115200 baud, and a writer waits while the FIFO of 128 bytes is full (ESP8266 Technical Reference §11). What has been
//! received is [taken](Uart::take_line) line by line.
//!
//! Not modelled: the receiver, line noise, other baud rates than the one it is made with.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Instant;

/// What the firmware sets.
pub const BAUD: u64 = 115_200;
/// Start bit, eight data bits, stop bit.
const BITS_A_BYTE: u64 = 10;
/// Bytes in the transmit FIFO, the one being shifted out not counted.
const FIFO: usize = 128;

/// A line as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When its last byte, the line feed, had been received.
    pub at: Instant,
    /// Its text without the line end; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// A transmitter with a receiver at the other end.
pub struct Uart {
    baud: u64,
    /// Since when bytes have followed each other without a pause, and how many.
    burst: (Instant, u64),
    /// When the last bytes began to be shifted out: at most as many as the FIFO holds.
    begins: VecDeque<Instant>,
    /// The bytes of the line that has no end yet, and when each is received.
    bytes: VecDeque<(Instant, u8)>,
    /// Lines not yet taken, each with its bytes in case it is cut.
    lines: VecDeque<(Line, Vec<(Instant, u8)>)>,
}

impl Default for Uart {
    fn default() -> Self {
        Self::new(BAUD)
    }
}

impl Uart {
    /// An idle transmitter of `baud` bits a second.
    ///
    /// # Panics
    /// If `baud` is 0.
    pub fn new(baud: u64) -> Self {
        assert!(baud > 0, "a serial port has a speed");
        Self {
            baud,
            burst: (Instant::START, 0),
            begins: VecDeque::new(),
            bytes: VecDeque::new(),
            lines: VecDeque::new(),
        }
    }

    /// When `count` bytes of the burst have been shifted out.
    fn burst_after(&self, count: u64) -> Instant {
        let (begin, _) = self.burst;
        begin + Duration::from_nanos(count * BITS_A_BYTE * 1_000_000_000 / self.baud)
    }

    /// When everything written so far has left.
    pub fn idle_at(&self) -> Instant {
        self.burst_after(self.burst.1)
    }

    /// Writes `bytes` at `at` and returns when the last of them is in the FIFO, which is when the writer goes on.
    pub fn write(&mut self, at: Instant, bytes: &[u8]) -> Instant {
        let mut now = at;
        for &byte in bytes {
            if self.begins.len() == FIFO
                && let Some(oldest) = self.begins.pop_front()
            {
                now = now.max(oldest);
            }
            let mut begins = self.idle_at();
            if begins < now {
                self.burst = (now, 0);
                begins = now;
            }
            self.burst.1 += 1;
            self.begins.push_back(begins);
            self.bytes.push_back((self.idle_at(), byte));
            if byte == b'\n' {
                self.end_line();
            }
        }
        now
    }

    fn end_line(&mut self) {
        let bytes: Vec<_> = self.bytes.drain(..).collect();
        let at = bytes.last().map_or(Instant::START, |(at, _)| *at);
        let text: Vec<u8> = bytes.iter().map(|(_, byte)| *byte).collect();
        let text = String::from_utf8_lossy(text.trim_ascii_end()).into_owned();
        self.lines.push_back((Line { at, text }, bytes));
    }

    /// When the next line can be taken, if one has been written.
    pub fn line_due(&self) -> Option<Instant> {
        self.lines.front().map(|(line, _)| line.at)
    }

    /// The next line that has been received completely by `at`.
    pub fn take_line(&mut self, at: Instant) -> Option<Line> {
        self.lines.pop_front_if(|(line, _)| line.at <= at).map(|(line, _)| line)
    }

    /// Power is cut or the chip reset: what has not been received by `at` never will be, nor what the device wrote
    /// after it. Returns the bytes of the line that is now left unfinished; lines that were complete can still be taken.
    pub fn cut(&mut self, at: Instant) -> Vec<u8> {
        let complete = self.lines.partition_point(|(line, _)| line.at <= at);
        let torn = self.lines.drain(complete..).next().map(|(_, bytes)| bytes);
        let torn = torn.unwrap_or_else(|| self.bytes.drain(..).collect());
        self.bytes.clear();
        self.begins.clear();
        self.burst = (at, 0);
        torn.into_iter().take_while(|(received, _)| *received <= at).map(|(_, byte)| byte).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_arrives_with_its_last_byte() {
        let mut uart = Uart::default();
        let at = Instant::from_secs(1);
        assert_eq!(uart.write(at, b"boot\r\n"), at, "six bytes fit the FIFO");
        // 60 bits at 115200 baud take 520.833 µs.
        let due = Instant::from_nanos(1_000_520_833);
        assert_eq!(uart.line_due(), Some(due));
        assert_eq!(uart.take_line(due - Duration::from_nanos(1)), None);
        assert_eq!(uart.take_line(due), Some(Line { at: due, text: "boot".to_owned() }));
        assert_eq!(uart.line_due(), None);
    }

    #[test]
    fn a_full_fifo_makes_the_writer_wait() {
        let mut uart = Uart::default();
        let at = Instant::from_secs(1);
        // One byte is being shifted out and 128 wait.
        assert_eq!(uart.write(at, &[b'x'; 129]), at);
        assert_eq!(uart.write(at, b"x").saturating_since(at).as_nanos(), 86_805);
        // The pace is the line's from now on, without rounding adding up: 1000 bytes are 86.8 ms.
        let written = uart.write(at, &[b'x'; 870]);
        assert_eq!(written.saturating_since(at).as_nanos(), (1_000 - 129) * 10_000_000_000 / 115_200);
        assert_eq!(uart.idle_at().saturating_since(at).as_nanos(), 1_000 * 10_000_000_000 / 115_200);
    }

    #[test]
    fn after_a_pause_the_next_byte_leaves_at_once() {
        let mut uart = Uart::default();
        uart.write(Instant::from_secs(1), &[b'x'; 500]);
        let at = Instant::from_secs(2);
        assert_eq!(uart.write(at, b"\n"), at);
        assert_eq!(uart.line_due(), Some(at + Duration::from_nanos(86_805)));
    }

    #[test]
    fn a_cut_loses_what_has_not_left() {
        let mut uart = Uart::default();
        let at = Instant::from_secs(1);
        uart.write(at, b"whole\nhalf a line\nnever\n");
        let in_the_tenth = at + Duration::from_nanos(10 * 86_806 + 40_000);
        assert_eq!(uart.cut(in_the_tenth), b"half");
        assert_eq!(uart.take_line(in_the_tenth).unwrap().text, "whole");
        assert_eq!(uart.take_line(Instant::FAR_FUTURE), None);
        uart.write(in_the_tenth, b"boot\n");
        assert_eq!(uart.take_line(Instant::FAR_FUTURE).unwrap().text, "boot");
    }

    #[test]
    fn a_cut_while_idle_loses_nothing() {
        let mut uart = Uart::default();
        uart.write(Instant::from_secs(1), b"whole\n");
        assert_eq!(uart.cut(Instant::from_secs(2)), b"");
        assert_eq!(uart.take_line(Instant::from_secs(2)).unwrap().text, "whole");
        uart.write(Instant::from_secs(3), b"no end");
        assert_eq!(uart.cut(Instant::from_secs(4)), b"no end");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let mut uart = Uart::default();
        uart.write(Instant::START, b"\xFFok\n");
        assert_eq!(uart.take_line(Instant::FAR_FUTURE).unwrap().text, "\u{FFFD}ok");
    }
}
