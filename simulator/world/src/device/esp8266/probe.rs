//! What a TLS handshake costs on the chip: a watch over one run of the image, for [`Esp8266Target::probed`].
//!
//! The probe sees the calls of the vendor's SDK that the program makes, and so the frames that it sends, and each time
//! that it feeds the watchdog. It counts the core's cycles while the program runs, not while it waits, and the longest
//! stretch in which the SDK neither gets a turn nor is its watchdog fed. During the first handshake of a run the core
//! goes by single instructions: the lowest stack pointer is kept, and with the frames the checks of signatures divide
//! it into steps. Nothing of it changes what the run comes to, unless the core is to be [slowed down](Speed::Half).
//!
//! A cycle is an instruction, or what one would have been in the boot ROM's functions: waiting for flash and the core's
//! pipeline are not modelled, so silicon is slower.
//!
//! [`Esp8266Target::probed`]: super::Esp8266Target::probed

use std::ops::Range;
use std::time::Duration;

use esp8266::chip::{Chip, Stop};
use esp8266::peripherals::Time;

use super::image::Image;
use super::outside::Board;

/// Record types of TLS, which begin each record.
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// The endings of names: the stack that the firmware is polled on, and what checks a signature.
const STACK: &str = "firmware_stack";
const CHECK: &str = "6Scheme6verify";

/// How fast the core goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// At 160 MHz, as the program sets it.
    Full,
    /// At 80 MHz from the moment on at which the program begins to connect to the cloud. (Before, it reads the sensor,
    /// whose delays it counts in cycles of 160 MHz.)
    Half,
}

impl Speed {
    /// In MHz.
    pub const fn megahertz(self) -> u64 {
        match self {
            Self::Full => 160,
            Self::Half => 80,
        }
    }
}

/// A step of a handshake: from the event before to its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The connection is there: the handshake begins. Has no cost.
    Connected,
    /// The key pair is made, and the client's hello sent.
    Hello,
    /// The check of a signature begins: before the first, the keys are agreed on and the chain is looked through;
    /// before each further one, the one before is done.
    Check,
    /// The client's Finished is sent.
    Finished,
}

/// What a step costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Which it is.
    pub step: Step,
    /// Cycles that the core worked.
    pub cycles: u64,
}

/// The watch over one run.
#[derive(Debug)]
pub struct Probe {
    speed: Speed,
    stack: Range<u32>,
    check: Option<u32>,
    send: Option<u32>,
    feed: Option<u32>,
    /// Cycles that the core worked up to `resumed`, the cycle since which it has worked on, and how many at the last
    /// step.
    worked: u64,
    resumed: u64,
    at_step: u64,
    steps: Vec<Cost>,
    deepest: u32,
    /// When the SDK last had a turn, or its watchdog was fed.
    relieved: Time,
    longest: Time,
}

impl Probe {
    /// A watch over a run of `image`.
    pub fn new(image: &Image, speed: Speed) -> Self {
        let address = |name: &str| image.address_of(&format!("sdk_{name}"));
        Self {
            speed,
            stack: image.range_of(|name| name.ends_with(STACK)).unwrap_or_default(),
            check: image.range_of(|name| name.ends_with(CHECK)).map(|range| range.start),
            send: address("ieee80211_output_pbuf"),
            feed: address("system_soft_wdt_feed"),
            worked: 0,
            resumed: 0,
            at_step: 0,
            steps: Vec::new(),
            deepest: 0,
            relieved: Time::default(),
            longest: Time::default(),
        }
    }

    /// The steps of the first handshake; the last is [`Step::Finished`] if it came so far.
    pub fn steps(&self) -> &[Cost] {
        &self.steps
    }

    /// The most that the handshake took of the firmware's stack, and the size of that, in bytes.
    pub fn stack(&self) -> (u32, u32) {
        (self.deepest, self.stack.len() as u32)
    }

    /// The longest time in the whole run in which the SDK neither had a turn nor was its watchdog fed.
    pub fn longest_unfed(&self) -> Duration {
        Duration::from_nanos(self.longest.nanoseconds())
    }

    /// Runs the chip up to `limit`, or until something is for its owner to answer.
    pub(super) fn run(&mut self, chip: &mut Chip<Board>, limit: Time) -> Stop {
        self.resumed = chip.core.cpu.cycles;
        let stop = if self.shakes_hands() { self.step(chip, limit) } else { chip.run_until(limit) };
        self.worked += chip.core.cpu.cycles - self.resumed;
        self.resumed = chip.core.cpu.cycles;
        if stop == Stop::Idle {
            self.relieve(chip);
        }
        stop
    }

    fn shakes_hands(&self) -> bool {
        self.steps.last().is_some_and(|cost| cost.step != Step::Finished)
    }

    /// One instruction at a time, with an eye on where it is and on the stack pointer.
    fn step(&mut self, chip: &mut Chip<Board>, limit: Time) -> Stop {
        let limit = chip.core.bus.clock().cycle(limit);
        while chip.core.cpu.cycles < limit {
            if Some(chip.core.cpu.pc) == self.check {
                self.pass(Step::Check, chip);
            }
            let stop = chip.run(chip.core.cpu.cycles + 1);
            let pointer = chip.core.cpu.a[1];
            if self.stack.contains(&pointer) {
                self.deepest = self.deepest.max(self.stack.end - pointer);
            }
            if stop != Stop::Limit {
                return stop;
            }
        }
        Stop::Limit
    }

    /// The chip begins to run after it has waited.
    pub(super) fn begin(&mut self, chip: &Chip<Board>) {
        self.relieved = chip.now();
    }

    fn relieve(&mut self, chip: &Chip<Board>) {
        let now = chip.now();
        self.longest = self.longest.max(now.since(self.relieved));
        self.relieved = now;
    }

    /// The program has called the SDK's function at `address`.
    pub(super) fn called(&mut self, chip: &mut Chip<Board>, address: u32) {
        if Some(address) == self.feed {
            self.relieve(chip);
        } else if Some(address) == self.send {
            self.sent(chip);
        }
    }

    /// The program sends a frame: its second argument is a `pbuf`.
    fn sent(&mut self, chip: &mut Chip<Board>) {
        let record = chip.core.memory.peek(chip.core.cpu.a[3], 12);
        let word = |at: usize| u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
        let frame = chip.core.memory.peek(word(4), (word(8) >> 16) as usize);
        let Some(segment) = Segment::parse(&frame) else { return };
        match (self.steps.last().map(|cost| cost.step), segment) {
            (None, Segment { opens: true, .. }) if self.speed == Speed::Half => {
                chip.start_pll(false);
            }
            (None, Segment { opens: false, .. }) => self.pass(Step::Connected, chip),
            (Some(Step::Connected), Segment { content: Some(HANDSHAKE), .. }) => self.pass(Step::Hello, chip),
            (Some(Step::Hello | Step::Check), Segment { content: Some(APPLICATION_DATA), .. }) => {
                self.pass(Step::Finished, chip);
            }
            _ => {}
        }
    }

    fn pass(&mut self, step: Step, chip: &Chip<Board>) {
        let worked = self.worked + (chip.core.cpu.cycles - self.resumed);
        let cycles = if step == Step::Connected { 0 } else { worked - self.at_step };
        self.at_step = worked;
        self.steps.push(Cost { step, cycles });
    }
}

/// What matters of a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    /// It asks for a connection (SYN).
    opens: bool,
    /// The first byte of its content.
    content: Option<u8>,
}

impl Segment {
    /// The segment in an Ethernet frame; none if it is something else.
    fn parse(frame: &[u8]) -> Option<Self> {
        const IPV4: [u8; 2] = [0x08, 0x00];
        const TCP: u8 = 6;
        const SYN: u8 = 0x02;
        let packet = frame.get(14..).filter(|_| frame[12..14] == IPV4)?;
        let &[version, _, high, low, ..] = packet else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let packet = packet.get(..length).filter(|packet| packet.get(9) == Some(&TCP))?;
        let segment = packet.get(usize::from(version & 0x0F) * 4..)?;
        let (&offset, &flags) = segment.get(12).zip(segment.get(13))?;
        let content = segment.get(usize::from(offset >> 4) * 4..)?;
        Some(Self { opens: flags & SYN != 0, content: content.first().copied() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(flags: u8, content: &[u8]) -> Vec<u8> {
        let length = (20 + 20 + content.len()) as u8;
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0, 0, length, 0, 0, 0, 0, 64, 6, 0, 0]);
        frame.extend([10, 0, 0, 1, 10, 0, 0, 2]);
        frame.extend([0, 80, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        frame.extend(content);
        // The radio pads.
        frame.extend([0xAA; 9]);
        frame
    }

    #[test]
    fn segments_are_told_apart() {
        assert_eq!(Segment::parse(&frame(0x02, &[])), Some(Segment { opens: true, content: None }));
        assert_eq!(Segment::parse(&frame(0x10, &[22, 3])), Some(Segment { opens: false, content: Some(22) }));
        let mut udp = frame(0x10, &[22, 3]);
        udp[14 + 9] = 17;
        assert_eq!(Segment::parse(&udp), None);
    }

    #[test]
    fn no_cut_frame_panics() {
        let frame = frame(0x10, &[22, 3]);
        for end in 0..frame.len() {
            let _ = Segment::parse(&frame[..end]);
        }
    }
}
