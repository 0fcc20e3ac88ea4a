//! What a programmer says to the boot ROM over the serial line, and what it answers.

use super::*;

/// A chip that waits for a download, and the programmer's end of its line.
struct Programmer {
    chip: Chip<Bench>,
    baud: u64,
}

impl Programmer {
    /// Beside a chip with that in its flash, to which power has just come; its flash begins with this.
    fn new(flash: &[u8], baud: u64) -> Self {
        let mut chip = chip_with(flash, Bench { strap: Some(0x1_7FFE), ..Bench::default() });
        assert_eq!(chip.run_until(Time::from_milliseconds(30)), Stop::Limit);
        assert_eq!(text(&chip), "\r\n ets Jan  8 2013,rst cause:1, boot mode:(1,7)\r\n\r\n");
        chip.core.bus.outside.text.clear();
        Self { chip, baud }
    }

    /// The same, and they have found each other.
    fn synchronized(flash: &[u8]) -> Self {
        let mut programmer = Self::new(flash, 115_200);
        for _ in 0..2 {
            programmer.send(&request(8, 0, &SYNC));
        }
        let replies = programmer.replies(100);
        assert!(replies.contains(&vec![1, 8, 2, 0, 7, 7, 0x12, 0x20, 0, 0]), "{replies:02x?}");
        programmer
    }

    fn send(&mut self, bytes: &[u8]) {
        let bit = 1_000_000_000 / self.baud;
        for byte in bytes {
            let at = self.chip.now().nanoseconds() + 10 * bit;
            self.chip.core.bus.receive_at_rate(0, *byte, bit, at);
            assert_eq!(self.chip.run_until(Time::from_nanoseconds(at)), Stop::Limit);
        }
    }

    /// What the chip sends within so many milliseconds, frame by frame.
    fn replies(&mut self, milliseconds: u64) -> Vec<Vec<u8>> {
        let until = self.chip.now() + Time::from_milliseconds(milliseconds);
        assert_eq!(self.chip.run_until(until), Stop::Limit);
        let sent = core::mem::take(&mut self.chip.core.bus.outside.text);
        let mut frames = Vec::new();
        for frame in sent.split(|byte| *byte == 0xC0).filter(|frame| !frame.is_empty()) {
            let mut bytes = Vec::new();
            let mut rest = frame.iter();
            while let Some(byte) = rest.next() {
                bytes.push(match byte {
                    0xDB if rest.next() == Some(&0xDC) => 0xC0,
                    0xDB => 0xDB,
                    byte => *byte,
                });
            }
            frames.push(bytes);
        }
        frames
    }

    /// The one reply to a request.
    fn ask(&mut self, operation: u8, checksum: u8, data: &[u8]) -> Vec<u8> {
        self.send(&request(operation, checksum, data));
        let mut replies = self.replies(4_000);
        assert_eq!(replies.len(), 1, "{replies:02x?}");
        replies.remove(0)
    }

    /// Sends a packet of data, and gives status and error.
    fn packet(&mut self, operation: u8, data: &[u8], checksum: u8) -> [u8; 2] {
        let mut packet = words(&[data.len() as u32, 0, 0, 0]);
        packet.extend(data);
        let reply = self.ask(operation, checksum, &packet);
        [reply[8], reply[9]]
    }
}

/// The data of SYNC.
const SYNC: [u8; 36] = {
    let mut sync = [0x55; 36];
    [sync[0], sync[1], sync[2], sync[3]] = [0x07, 0x07, 0x12, 0x20];
    sync
};

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn checksum(data: &[u8]) -> u8 {
    data.iter().fold(0xEF, |sum, byte| sum ^ byte)
}

fn request(operation: u8, checksum: u8, data: &[u8]) -> Vec<u8> {
    let mut request = vec![0, operation];
    request.extend((data.len() as u16).to_le_bytes());
    request.extend(u32::from(checksum).to_le_bytes());
    request.extend(data);
    let mut frame = vec![0xC0];
    for byte in request {
        match byte {
            0xC0 => frame.extend([0xDB, 0xDC]),
            0xDB => frame.extend([0xDB, 0xDD]),
            byte => frame.push(byte),
        }
    }
    frame.push(0xC0);
    frame
}

#[test]
fn the_rate_is_that_of_the_first_bytes() {
    for baud in [9_600, 57_600, 74_880, 115_200, 230_400] {
        let mut programmer = Programmer::new(&[], baud);
        for _ in 0..2 {
            programmer.send(&request(8, 0, &SYNC));
        }
        let replies = programmer.replies(200);
        assert_eq!(replies, vec![vec![1, 8, 2, 0, 7, 7, 0x12, 0x20, 0, 0]; 8], "{baud} baud");
        let divisor = programmer.ask(10, 0, &words(&[0x6000_0014]));
        let divisor = u64::from(u32::from_le_bytes([divisor[4], divisor[5], divisor[6], divisor[7]]));
        assert!(divisor.abs_diff(52_000_000 / baud) <= 1, "{baud} baud: {divisor}");
    }
}

#[test]
fn registers_are_read_and_written() {
    let mut programmer = Programmer::synchronized(&[]);
    assert_eq!(programmer.ask(10, 0, &words(&[0x4000_1000])), [1, 10, 2, 0, 0x01, 0xC1, 0xF0, 0xFF, 0, 0]);
    // Two at once; of the second only some bits.
    let data = words(&[DATA, 0x1234_C0DB, u32::MAX, 0, DATA, 0xFFFF_FFFF, 0xFF00_0000, 5]);
    assert_eq!(programmer.ask(9, 0, &data), [1, 9, 2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(programmer.ask(10, 0, &words(&[DATA])), [1, 10, 2, 0, 0xDB, 0xC0, 0x34, 0xFF, 0, 0]);
}

#[test]
fn what_is_not_understood_is_refused_eight_times_in_the_name_of_the_last_that_was() {
    let mut programmer = Programmer::synchronized(&[]);
    for request in [request(0x14, 0, &[]), request(10, 0, &[1, 2]), vec![0xC0, 0, 10, 9, 0, 0, 0, 0, 0, 1, 0xC0]] {
        programmer.send(&request);
        assert_eq!(programmer.replies(100), vec![vec![1, 8, 2, 0, 0, 0, 0, 0, 1, 5]; 8]);
    }
}

#[test]
fn a_program_in_memory_is_started_when_the_last_request_says_so() {
    let mut programmer = Programmer::synchronized(&[]);
    programmer.chip.core.trap(CODE + 4);
    let code = [0xF0, 0x20, 0x00, 0xF0, 0x20, 0x00, 0x80, 0x00, 0x00, 0x12, 0x34, 0x56];
    assert_eq!(programmer.ask(5, 0, &words(&[12, 1, 12, CODE + 4]))[8..], [0, 0]);
    assert_eq!(programmer.packet(7, &code, checksum(&code) ^ 1), [1, 7]);
    assert_eq!(programmer.packet(7, &code, checksum(&code)), [0, 0]);
    assert_eq!(programmer.chip.core.memory.load(CODE + 12, Width::Word), Ok(0x5634_1200));
    // It is to stay in the loader.
    assert_eq!(programmer.ask(6, 0, &words(&[1, 0]))[8..], [0, 0]);
    programmer.send(&request(6, 0, &words(&[0, CODE + 4])));
    assert_eq!(programmer.chip.run(u64::MAX), Stop::Trap(CODE + 4));
    assert!(text(&programmer.chip).ends_with("\u{1}\u{6}\u{2}\0\0\0\0\0\0\0\u{FFFD}"));
}

#[test]
fn what_is_written_to_the_flash_boots() {
    let mut programmer = Programmer::synchronized(&[0; 0x4000]);
    let image = image(BACK, &[(DATA, &[1; 16])]);
    // As esptool asks for two sectors.
    assert_eq!(programmer.ask(2, 0, &words(&[0x1000, 1, 0x400, 0]))[8..], [0, 0]);
    let content = |programmer: &Programmer| programmer.chip.core.bus.outside.flash.content();
    assert_eq!(content(&programmer)[..0x4000], [vec![0xFF; 0x2000], vec![0; 0x2000]].concat());
    let mut data = image.clone();
    data.resize(0x400, 0xFF);
    assert_eq!(programmer.packet(3, &data, checksum(&data) ^ 0x80), [1, 7]);
    assert_eq!(programmer.packet(3, &data, checksum(&data)), [0, 0]);
    assert_eq!(content(&programmer)[..0x400], data);
    programmer.chip.core.trap(BACK);
    programmer.send(&request(4, 0, &words(&[0])));
    assert_eq!(programmer.chip.run(u64::MAX), Stop::Trap(BACK));
    assert!(text(&programmer.chip).contains("load 0x3ffe8000, len 16, room 16"), "{}", text(&programmer.chip));
}

#[test]
fn what_was_not_erased_is_noticed() {
    let mut programmer = Programmer::synchronized(&[0; 0x1000]);
    assert_eq!(programmer.ask(2, 0, &words(&[0, 1, 0x400, 0]))[8..], [0, 0]);
    let data = [0x55, 0xAA, 0x01, 0x00];
    assert_eq!(programmer.packet(3, &data, checksum(&data)), [1, 8]);
}

#[test]
fn a_packet_that_is_larger_than_announced_is_not_understood() {
    let mut programmer = Programmer::synchronized(&[]);
    assert_eq!(programmer.ask(5, 0, &words(&[8, 2, 4, DATA]))[8..], [0, 0]);
    for data in [[8, 0, 0, 0, 1, 2], [2, 0, 0, 0, 1, 2]] {
        programmer.send(&request(7, 0xEF ^ 1 ^ 2, &words(&data)));
        assert_eq!(programmer.replies(100), vec![vec![1, 7, 2, 0, 0, 0, 0, 0, 1, 5]; 8]);
    }
}

#[test]
fn a_line_without_a_rate_has_the_usual_one() {
    let mut programmer = Programmer::new(&[], 115_200);
    for _ in 0..2 {
        for byte in request(8, 0, &SYNC) {
            let at = programmer.chip.now().nanoseconds() + 133_547;
            programmer.chip.core.bus.receive(0, byte, at);
            assert_eq!(programmer.chip.run_until(Time::from_nanoseconds(at)), Stop::Limit);
        }
    }
    assert_eq!(programmer.replies(100).len(), 8);
    let divisor = programmer.ask(10, 0, &words(&[0x6000_0014]));
    assert_eq!(divisor[4..8], 450u32.to_le_bytes());
}
