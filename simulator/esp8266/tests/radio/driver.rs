//! The vendor's drivers as far as they touch registers: what they write at the start, and how they take interrupts.
//!
//! Two generations are told apart. The first (NONOS SDK 1.5 to 2.2 and 3.0.5, ESP-Open-SDK) has a queue for each access
//! category, believes the end of a frame only after its beginning, and finds the queue in bits 15:12 of the status. The
//! second (NONOS SDK 3.0.6, RTOS SDK 3) has one queue; RTOS SDK's reads bits 11:8. NONOS SDKs take the MAC's interrupt
//! at its level, the others as the NMI.

use esp8266::bus::Bus;

use crate::steps::{Chip, Step, at};

/// How a driver is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    ByLevel,
    ByNmi,
}

/// How a driver finds the descriptors that were filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finds {
    /// All up to the last one.
    Last,
    /// So many from the first one on, which must be its own first; the last of them must be the last one.
    FirstAndCount,
}

/// What tells a driver from others.
#[derive(Clone, Copy, Debug)]
pub struct Generation {
    pub name: &'static str,
    pub enables: u32,
    pub interrupted: Interrupted,
    pub finds: Finds,
    pub queues: &'static [u32],
    /// Where it looks for a queue's number.
    pub queue_at: u32,
    /// Without the beginning of a frame it does not take it for sent.
    pub awaits_start: bool,
}

const ALL_QUEUES: &[u32] = &[0, 1, 2, 3, 4, 7];

pub const GENERATIONS: [Generation; 4] = [
    Generation {
        name: "NONOS SDK 2.2 (first generation, level)",
        enables: 0x2C9F_0300,
        interrupted: Interrupted::ByLevel,
        finds: Finds::Last,
        queues: ALL_QUEUES,
        queue_at: 12,
        awaits_start: true,
    },
    Generation {
        name: "ESP-Open-SDK (first generation, NMI)",
        enables: 0x0C9F_0300,
        interrupted: Interrupted::ByNmi,
        finds: Finds::FirstAndCount,
        queues: ALL_QUEUES,
        queue_at: 12,
        awaits_start: true,
    },
    Generation {
        name: "NONOS SDK 3.0.6 (second generation, level)",
        enables: 0x2C9F_0300,
        interrupted: Interrupted::ByLevel,
        finds: Finds::Last,
        queues: &[0],
        queue_at: 12,
        awaits_start: false,
    },
    Generation {
        name: "RTOS SDK 3 (second generation, NMI)",
        enables: 0x2C88_0300,
        interrupted: Interrupted::ByNmi,
        finds: Finds::Last,
        queues: &[0],
        queue_at: 8,
        awaits_start: false,
    },
];

/// Events that drivers look at.
pub mod event {
    pub const RECEIVED: u32 = 1 << 8;
    pub const STARTED: u32 = 1 << 18;
    pub const DONE: u32 = 1 << 19;
    pub const TSF1: u32 = 1 << 26;
    /// A driver that finds one of these prints where it stands and spins for ever, or was never asked to take it.
    pub const NEVER: u32 = 1 << 28 | 1 << 9 | 1 << 3 | 1 << 2;
}

pub const STATION: [u8; 6] = [0x5C, 0xCF, 0x7F, 1, 2, 3];
pub const OWN_ACCESS_POINT: [u8; 6] = [0x5E, 0xCF, 0x7F, 1, 2, 3];
pub const ACCESS_POINT: [u8; 6] = [0x24, 0x0A, 0xC4, 9, 8, 7];
pub const OTHER: [u8; 6] = [0x24, 0x0A, 0xC4, 1, 1, 1];
pub const ALL: [u8; 6] = [0xFF; 6];
pub const CHANNEL: u8 = 6;

const RING: u32 = 0x3FFE_9000;
const BUFFERS: u32 = 0x3FFE_A000;
/// The drivers' receive ring: so many descriptors, with buffers of that many bytes.
pub const DESCRIPTORS: u32 = 6;
const SIZE: u32 = 1600;
const DISTANCE: u32 = 1604;
const CHAIN: u32 = 0x3FFE_8400;
const FRAME: u32 = 0x3FFE_8800;

fn halves(address: [u8; 6]) -> (u32, u32) {
    let [a, b, c, d, e, f] = address;
    (u32::from_le_bytes([a, b, c, d]), u32::from(u16::from_le_bytes([e, f])))
}

/// An address and its mask of ones, or none.
pub fn address_steps(first: u32, address: Option<[u8; 6]>) -> Vec<Step> {
    let Some(address) = address else { return vec![Step::Clears(first + 0x14, 1 << 16)] };
    let (low, high) = halves(address);
    vec![
        Step::Write(first, low),
        Step::Write(first + 4, high),
        Step::Write(first + 0x10, u32::MAX),
        Step::Write(first + 0x14, 0xFFFF),
        Step::Sets(first + 0x14, 1 << 16),
    ]
}

/// Tunes to a channel and waits for what `libphy` waits for. The receiver is off meanwhile.
pub fn tune_steps(channel: u8) -> Vec<Step> {
    let period = (52_428_800 + (2407 + 5 * u32::from(channel)) / 2) / (2407 + 5 * u32::from(channel));
    vec![
        Step::Clears(at::ENABLE, 1 << 31),
        Step::Waits { at: at::TX_STATE, bits: 0xF, value: 0, rounds: 100 },
        Step::Waits { at: at::STATE, bits: 0xF000, value: 0, rounds: 100 },
        // Block 98, register 7, bit 7: the synthesizer's loop is locked.
        Step::Write(at::PLL, 7 << 8 | 98),
        Step::Waits { at: at::PLL, bits: 1 << 25, value: 0, rounds: 10 },
        Step::Finds { at: at::PLL, bits: 0x80 << 16, value: 0x80 << 16 },
        Step::Write(at::CHANNEL, period << 17 | 0x6000),
        Step::Sets(at::ENABLE, 1 << 31),
    ]
}

/// A driver at work.
pub struct Driver {
    pub generation: Generation,
    pub chip: Chip,
    /// The descriptor whose frame it takes next, and the last of the chain.
    head: u32,
    tail: u32,
    /// Queues on which it waits: whether their frames have begun.
    waits: [Option<bool>; 11],
    /// What it has taken: control words and frames.
    pub received: Vec<([u32; 3], Vec<u8>)>,
    /// Queues whose frames have ended, and how.
    pub ended: Vec<(u32, u32)>,
    pub timer_events: u32,
}

impl Driver {
    /// A driver that has set up the MAC.
    pub fn new(generation: Generation) -> Self {
        let mut chip = Chip::new();
        for number in 0..DESCRIPTORS {
            let next = if number + 1 == DESCRIPTORS { 0 } else { RING + 12 * (number + 1) };
            chip.set_word(RING + 12 * number, 1 << 31 | SIZE);
            chip.set_word(RING + 12 * number + 4, BUFFERS + DISTANCE * number);
            chip.set_word(RING + 12 * number + 8, next);
        }
        let mut steps = vec![
            Step::Clears(at::RX_CONTROL, 1 << 29 | 0xFF),
            Step::Write(at::RX_BASE, RING),
            Step::Sets(at::RX_FILTER, 0x707),
            Step::Sets(at::OPTIONS, 0x8084_A000),
            Step::Write(at::EVENT_CLEAR, u32::MAX),
            Step::Write(at::EVENT_ENABLE, generation.enables),
            Step::Sets(at::TX_OPTIONS, 1),
            Step::Sets(at::RADIO, 2),
        ];
        steps.extend(address_steps(at::ADDRESS0, Some(STATION)));
        steps.extend(tune_steps(CHANNEL));
        if generation.interrupted == Interrupted::ByNmi {
            steps.push(Step::Write(at::NMI, 1));
        }
        chip.take("start", &steps);
        let tail = RING + 12 * (DESCRIPTORS - 1);
        Self {
            generation,
            chip,
            head: RING,
            tail,
            waits: [None; 11],
            received: Vec::new(),
            ended: Vec::new(),
            timer_events: 0,
        }
    }

    pub fn take(&mut self, what: &str, steps: &[Step]) {
        let name = self.generation.name;
        self.chip.take(&format!("{name}: {what}"), steps);
    }

    /// Whether the core is interrupted now.
    pub fn is_interrupted(&mut self) -> bool {
        let interrupts = self.chip.devices.interrupts(self.chip.cycle);
        match self.generation.interrupted {
            Interrupted::ByLevel => interrupts.lines & 1 != 0,
            Interrupted::ByNmi => interrupts.edges >> 14 & 1 != 0,
        }
    }

    /// Takes interrupts until there is none; returns the events it has seen.
    pub fn serve(&mut self) -> u32 {
        let mut seen = 0;
        for _ in 0..100 {
            if !self.is_interrupted() {
                return seen;
            }
            seen |= self.interrupt();
        }
        panic!("{}: the interrupt does not go away", self.generation.name);
    }

    fn interrupt(&mut self) -> u32 {
        let by_nmi = self.generation.interrupted == Interrupted::ByNmi;
        if by_nmi {
            self.take("entry", &[Step::Write(at::NMI, 0), Step::Finds { at: at::NMI, bits: 1, value: 0 }]);
        }
        let enabled = self.chip.read(at::EVENT_ENABLE);
        let (status, tx_status) = (self.chip.read(at::EVENT_STATUS), self.chip.read(at::TX_STATUS));
        self.take("entry", &[Step::Write(at::EVENT_ENABLE, 0), Step::Write(at::EVENT_CLEAR, status)]);
        assert_eq!(status & event::NEVER, 0, "{}: it would spin", self.generation.name);
        if status & event::TSF1 != 0 {
            self.timer_events += 1;
        }
        if status & event::STARTED != 0 {
            self.started(tx_status);
        }
        if status & event::DONE != 0 {
            self.ended(tx_status);
        }
        if status & event::RECEIVED != 0 {
            self.receive();
        }
        self.take("exit", &[Step::Write(at::EVENT_ENABLE, enabled)]);
        if by_nmi {
            // The vector's last act; the NMI comes when it has been left.
            self.take("exit", &[Step::Write(at::NMI, 1), Step::Passes(2)]);
        }
        status
    }

    fn queue(&self, tx_status: u32) -> u32 {
        let queue = tx_status >> self.generation.queue_at & 0xF;
        assert!(queue < 8 || queue == 10, "{}: it would spin: queue {queue}", self.generation.name);
        queue
    }

    fn started(&mut self, tx_status: u32) {
        let queue = self.queue(tx_status);
        if let Some(begun) = &mut self.waits[queue as usize] {
            *begun = true;
        }
    }

    fn ended(&mut self, tx_status: u32) {
        let queue = self.queue(tx_status);
        let wait = self.waits[queue as usize].take();
        let begun = wait.expect("the end of a frame that it has not sent");
        assert!(begun || !self.generation.awaits_start, "{}: it would wait for ever", self.generation.name);
        let result = tx_status >> 28;
        assert!(matches!(result, 0 | 1 | 2 | 4 | 5), "{}: it would spin: result {result}", self.generation.name);
        if queue != 10 {
            let go = Step::Finds { at: at::QUEUES + 4 - 0x18 * queue, bits: 3 << 30, value: 0 };
            self.take("end", &[go, Step::Finds { at: at::ACK_SNR, bits: 1 << 24, value: 0 }]);
        }
        self.ended.push((queue, result));
    }

    /// Takes what was filled, and links the descriptors behind the last one.
    fn receive(&mut self) {
        let last = self.chip.read(at::RX_LAST);
        assert_ne!(last, 0);
        assert_ne!(self.chip.word(last + 8), 0, "{}: it would spin", self.generation.name);
        if self.generation.finds == Finds::FirstAndCount {
            let (first, count) = (self.chip.read(at::RX_FIRST), self.chip.read(at::RX_COUNT) & 0xFF);
            assert_eq!(first, self.head, "{}: the first is its own", self.generation.name);
            let nth = (1..count).fold(first, |descriptor, _| self.chip.word(descriptor + 8));
            assert_eq!(nth, last, "{}: {count} from the first on", self.generation.name);
        }
        loop {
            let descriptor = self.head;
            self.head = self.chip.word(descriptor + 8);
            self.take_frame(descriptor);
            self.recycle(descriptor);
            if descriptor == last {
                break;
            }
        }
    }

    fn take_frame(&mut self, descriptor: u32) {
        let (state, buffer) = (self.chip.word(descriptor), self.chip.word(descriptor + 4));
        assert_eq!(state >> 30, 3, "{}: owned by the hardware, end of frame", self.generation.name);
        let length = (state >> 12 & 0xFFF) as usize;
        assert!(length >= 16, "{}: it would spin", self.generation.name);
        let control = [0, 4, 8].map(|offset| self.chip.word(buffer + offset));
        assert_eq!(control[1] >> 27 & 1, 0, "{}: it drops aggregates", self.generation.name);
        assert_eq!(control[2] & 0xFF, 0, "{}: it drops what did not arrive", self.generation.name);
        assert_eq!((control[0] >> 16 & 0xFFF) as usize, length - 12);
        let frame = self.chip.memory.peek(buffer + 12, length - 16);
        self.received.push((control, frame));
    }

    fn recycle(&mut self, descriptor: u32) {
        // RTOS SDK's takes a buffer out of the hardware's hands while it reads it.
        self.chip.set_word(descriptor, SIZE);
        self.chip.set_word(descriptor, 1 << 31 | SIZE << 12 | SIZE);
        self.chip.set_word(descriptor + 8, 0);
        self.chip.set_word(self.tail + 8, descriptor);
        self.tail = descriptor;
    }

    /// Puts a frame into a queue; `trailer` is what the hardware puts behind it, `flags` and `key` go into its words.
    pub fn send(&mut self, queue: u32, frame: &[u8], trailer: u32, wants_acknowledgement: bool, key: u32) {
        self.chip.memory.poke(FRAME, frame);
        let (head, rest) = (24, frame.len() as u32 - 24 + trailer);
        // Behind the end of a frame the next word means nothing, and sizes may mean nothing, either.
        let words = [1 << 31 | head << 12 | 0xFFF, FRAME, CHAIN + 12, 3 << 30 | rest << 12 | 0xFFF, FRAME + 24, 0x55];
        for (index, word) in (0..).zip(words) {
            self.chip.set_word(CHAIN + 4 * index, word);
        }
        let block = at::QUEUES - 0x18 * queue;
        let acknowledged = u32::from(wants_acknowledgement) << 24;
        self.waits[queue as usize] = Some(false);
        self.take(
            "send",
            &[
                Step::Write(block + 0x14, 0x200 << 12),
                Step::Write(block + 4, CHAIN & 0x3_FFFF | 1 << 21 | 1 << 22 | acknowledged),
                Step::Write(block + 0x10, 0x30 << 16),
                Step::Write(block + 8, (head + rest) | 0xB << 12 | key << 16),
                Step::Write(block, 3 << 12),
                Step::Sets(block + 4, 3 << 30),
            ],
        );
    }

    /// Puts the same frame once more into the burst block.
    pub fn arm_burst(&mut self, queue: u32) {
        let block = at::QUEUES - 0x18 * queue;
        let length = self.chip.read(block + 8);
        self.waits[10] = Some(false);
        let descriptor = CHAIN & 0x3_FFFF | 1 << 24;
        self.take(
            "burst",
            &[
                Step::Write(at::BURST_LENGTH, length),
                Step::Write(at::BURST, descriptor),
                Step::Sets(at::BURST, 1 << 30),
            ],
        );
    }

    /// The ring had run dry: the hardware begins anew at the driver's first descriptor.
    pub fn begin_anew(&mut self) {
        self.take("dry", &[Step::Write(at::RX_BASE, self.head)]);
    }

    /// A key of CCMP in a slot, as `wDev` writes it.
    pub fn set_key(&mut self, slot: u32, address: [u8; 6], class: u32, key_id: u32, key: &[u8; 16]) {
        let (low, high) = halves(address);
        let base = at::KEYS + 0x28 * slot;
        let mut steps =
            vec![Step::Write(base, low), Step::Write(base + 4, high | 3 << 18 | class << 21 | key_id << 30)];
        for (index, bytes) in (0..).zip(key.chunks_exact(4)) {
            let word = u32::from_le_bytes(bytes.try_into().unwrap_or_default());
            steps.push(Step::Write(base + 8 + 4 * index, word));
        }
        steps.extend([Step::Write(at::CRYPTO0, 0x3_0303), Step::Write(at::CRYPTO1, 0x3_0303)]);
        steps.push(Step::Sets(at::KEYS_VALID, 1 << slot));
        self.take("key", &steps);
    }
}

/// A frame with that frame control, three addresses and a body.
pub fn frame(control: [u8; 2], [receiver, transmitter, third]: [[u8; 6]; 3], body: &[u8]) -> Vec<u8> {
    let mut frame = vec![control[0], control[1], 0, 0];
    frame.extend([receiver, transmitter, third].concat());
    frame.extend([0x10, 0]);
    frame.extend(body);
    frame
}

/// A beacon of an access point.
pub fn beacon(bssid: [u8; 6]) -> Vec<u8> {
    frame([0x80, 0], [ALL, bssid, bssid], b"0123456789AB")
}

/// An authentication that an access point answers.
pub fn authentication() -> Vec<u8> {
    frame([0xB0, 0], [STATION, ACCESS_POINT, ACCESS_POINT], &[0, 0, 2, 0, 0, 0])
}
