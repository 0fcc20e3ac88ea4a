//! What reads the serial port: bytes with their times, and the lines that they make.
//!
//! Whatever sends (a UART of the emulated chip, or what stands for it on the host) says of each byte when its stop bit
//! is over, at whatever rate that is; so a line is a line at 9,600 baud and at 921,600. What has been received is
//! [taken](SerialLine::take_line) line by line.
//!
//! Not modelled: line noise; a reader that is set to another rate than the sender, unless it reads along and looks at
//! the rate of each byte.

use std::collections::VecDeque;
use std::time::Duration;

use simulator_record::time::Instant;

/// A line as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When its last byte, the line feed, had been received.
    pub at: Instant,
    /// Its text without the line end; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// A byte on a serial port's line, in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerialByte {
    /// When its stop bit is over.
    pub at: Instant,
    /// The byte.
    pub byte: u8,
    /// How long each of its bits is; `None` if it goes at whatever rate its receiver expects.
    pub bit: Option<Duration>,
}

/// A bit at 115,200 baud: so long is one that is sent without a rate of its own, as what stands for a UART on the host
/// sends it.
pub const USUAL_BIT: Duration = Duration::from_nanos(1_000_000_000 / 115_200);

/// A receiver on the serial port.
#[derive(Default)]
pub struct SerialLine {
    /// When the last byte has been received.
    silent_at: Instant,
    /// The bytes of the line that has no end yet, and when each is received.
    bytes: Vec<(Instant, u8)>,
    /// Lines not yet taken, each with its bytes in case it is cut.
    lines: VecDeque<(Line, Vec<(Instant, u8)>)>,
    /// All bytes since this was last asked for, if somebody reads along.
    along: Option<VecDeque<SerialByte>>,
}

impl SerialLine {
    /// A byte is sent; it has been received `at` this moment, which is not before that of the byte before it.
    pub fn receive(&mut self, at: Instant, byte: u8) {
        self.receive_at_rate(SerialByte { at, byte, bit: None });
    }

    /// The same with its rate.
    pub fn receive_at_rate(&mut self, sent: SerialByte) {
        let SerialByte { at, byte, .. } = sent;
        self.silent_at = at;
        self.bytes.push((at, byte));
        if let Some(along) = &mut self.along {
            along.push_back(sent);
        }
        if byte == b'\n' {
            let bytes = std::mem::take(&mut self.bytes);
            let text: Vec<u8> = bytes.iter().map(|(_, byte)| *byte).collect();
            let text = String::from_utf8_lossy(text.trim_ascii_end()).into_owned();
            self.lines.push_back((Line { at, text }, bytes));
        }
    }

    /// From now on keeps every byte for [`take_bytes`](Self::take_bytes), too.
    pub fn read_along(&mut self) {
        self.along = Some(VecDeque::new());
    }

    /// The bytes that have been received by `at` since this was last asked for.
    pub fn take_bytes(&mut self, at: Instant) -> Vec<u8> {
        self.take_sent(at).into_iter().map(|sent| sent.byte).collect()
    }

    /// The same with their times and rates.
    pub fn take_sent(&mut self, at: Instant) -> Vec<SerialByte> {
        let Some(along) = &mut self.along else { return Vec::new() };
        std::iter::from_fn(|| along.pop_front_if(|sent| sent.at <= at)).collect()
    }

    /// When the next byte can be taken by who reads along, if one has been sent.
    pub fn next_at(&self) -> Option<Instant> {
        self.along.as_ref()?.front().map(|sent| sent.at)
    }

    /// When everything that is being sent has been received.
    pub fn silent_at(&self) -> Instant {
        self.silent_at
    }

    /// When the next line can be taken, if one has been sent.
    pub fn line_due(&self) -> Option<Instant> {
        self.lines.front().map(|(line, _)| line.at)
    }

    /// The next line that has been received completely by `at`.
    pub fn take_line(&mut self, at: Instant) -> Option<Line> {
        self.lines.pop_front_if(|(line, _)| line.at <= at).map(|(line, _)| line)
    }

    /// Power is cut or the chip reset: what has not been received by `at` never will be, nor what the device sent after
    /// it. Returns the bytes of the line that is now left unfinished; lines that were complete can still be taken.
    pub fn cut(&mut self, at: Instant) -> Vec<u8> {
        self.silent_at = at;
        if let Some(along) = &mut self.along {
            along.retain(|sent| sent.at <= at);
        }
        let complete = self.lines.partition_point(|(line, _)| line.at <= at);
        let bytes = std::mem::take(&mut self.bytes);
        let torn = self.lines.drain(complete..).next().map_or(bytes, |(_, bytes)| bytes);
        torn.into_iter().take_while(|(received, _)| *received <= at).map(|(_, byte)| byte).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const AT: Instant = Instant::from_secs(1);

    /// Sends bytes one after the other from `at` on, each for so long.
    fn send(line: &mut SerialLine, at: Instant, byte: Duration, bytes: &[u8]) {
        for (count, &sent) in (1..).zip(bytes) {
            line.receive(at + byte * count, sent);
        }
    }

    #[test]
    fn a_line_arrives_with_its_last_byte_at_any_rate() {
        // 9,600, 74,880 and 921,600 baud.
        for nanoseconds in [1_041_667, 133_547, 10_851] {
            let byte = Duration::from_nanos(nanoseconds);
            let mut line = SerialLine::default();
            send(&mut line, AT, byte, b"boot\r\n");
            let due = AT + byte * 6;
            assert_eq!((line.line_due(), line.silent_at()), (Some(due), due));
            assert_eq!(line.take_line(due - Duration::from_nanos(1)), None);
            assert_eq!(line.take_line(due), Some(Line { at: due, text: "boot".to_owned() }));
            assert_eq!(line.line_due(), None);
        }
    }

    #[test]
    fn a_cut_loses_what_has_not_been_received() {
        let mut line = SerialLine::default();
        let byte = Duration::from_micros(87);
        send(&mut line, AT, byte, b"whole\nhalf a line\nnever\n");
        let in_the_eleventh = AT + byte * 10 + byte / 2;
        assert_eq!(line.cut(in_the_eleventh), b"half");
        assert_eq!(line.take_line(in_the_eleventh).unwrap().text, "whole");
        assert_eq!(line.take_line(Instant::FAR_FUTURE), None);
        send(&mut line, in_the_eleventh, byte, b"boot\n");
        assert_eq!(line.take_line(Instant::FAR_FUTURE).unwrap().text, "boot");
    }

    #[test]
    fn a_cut_in_silence_loses_nothing() {
        let mut line = SerialLine::default();
        let byte = Duration::from_micros(87);
        send(&mut line, AT, byte, b"whole\n");
        assert_eq!(line.cut(Instant::from_secs(2)), b"");
        assert_eq!(line.take_line(Instant::from_secs(2)).unwrap().text, "whole");
        send(&mut line, Instant::from_secs(3), byte, b"no end");
        assert_eq!(line.cut(Instant::from_secs(4)), b"no end");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let mut line = SerialLine::default();
        send(&mut line, AT, Duration::from_micros(87), b"\xFFok\n");
        assert_eq!(line.take_line(Instant::FAR_FUTURE).unwrap().text, "\u{FFFD}ok");
    }
}
