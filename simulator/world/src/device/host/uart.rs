//! The chip's serial transmitter, as the host stands for it.
//!
//! The firmware writes bytes in device time; a byte leaves when those before it have, 10 bits each at 115200 baud, and
//! a writer waits while the FIFO of 128 bytes is full (ESP8266 Technical Reference §11).

use std::collections::VecDeque;
use std::time::Duration;

use simulator_parts::SerialLine;
use simulator_record::time::Instant;

/// What the firmware sets.
const BAUD: u64 = 115_200;
/// Start bit, eight data bits, stop bit.
const BITS_A_BYTE: u64 = 10;
/// Bytes in the transmit FIFO, the one being shifted out not counted.
const FIFO: usize = 128;

/// A transmitter.
pub(super) struct Transmitter {
    /// Since when bytes have followed each other without a pause, and how many.
    burst: (Instant, u64),
    /// When the last bytes began to be shifted out: at most as many as the FIFO holds.
    begins: VecDeque<Instant>,
}

impl Transmitter {
    /// A transmitter that is idle at `at`.
    pub(super) fn new(at: Instant) -> Self {
        Self { burst: (at, 0), begins: VecDeque::new() }
    }

    /// When everything written so far has left.
    fn idle_at(&self) -> Instant {
        let (begin, count) = self.burst;
        begin + Duration::from_nanos(count * BITS_A_BYTE * 1_000_000_000 / BAUD)
    }

    /// Writes `bytes` at `at`, which leave on `line`. Returns when the last of them is in the FIFO, which is when the
    /// writer goes on.
    pub(super) fn write(&mut self, at: Instant, bytes: &[u8], line: &mut SerialLine) -> Instant {
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
            line.receive(self.idle_at(), byte);
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Instant = Instant::from_secs(1);

    fn uart() -> (Transmitter, SerialLine) {
        (Transmitter::new(Instant::START), SerialLine::default())
    }

    #[test]
    fn a_line_leaves_with_its_last_byte() {
        let (mut uart, mut line) = uart();
        assert_eq!(uart.write(AT, b"boot\r\n", &mut line), AT, "six bytes fit the FIFO");
        // 60 bits at 115200 baud take 520.833 µs.
        assert_eq!(line.line_due(), Some(Instant::from_nanos(1_000_520_833)));
    }

    #[test]
    fn a_full_fifo_makes_the_writer_wait() {
        let (mut uart, mut line) = uart();
        // One byte is being shifted out and 128 wait.
        assert_eq!(uart.write(AT, &[b'x'; 129], &mut line), AT);
        assert_eq!(uart.write(AT, b"x", &mut line).saturating_since(AT).as_nanos(), 86_805);
        // The pace is the line's from now on, without rounding adding up: 1000 bytes are 86.8 ms.
        let written = uart.write(AT, &[b'x'; 870], &mut line);
        assert_eq!(written.saturating_since(AT).as_nanos(), (1_000 - 129) * 10_000_000_000 / 115_200);
        assert_eq!(line.silent_at().saturating_since(AT).as_nanos(), 1_000 * 10_000_000_000 / 115_200);
    }

    #[test]
    fn after_a_pause_the_next_byte_leaves_at_once() {
        let (mut uart, mut line) = uart();
        uart.write(AT, &[b'x'; 500], &mut line);
        let at = Instant::from_secs(2);
        assert_eq!(uart.write(at, b"\n", &mut line), at);
        assert_eq!(line.line_due(), Some(at + Duration::from_nanos(86_805)));
    }
}
