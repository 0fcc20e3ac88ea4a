//! Steps of a driver, and the chip's devices that they are taken on.

use esp8266::bus::{Bus, Context, Width};
use esp8266::memory::Memory;
use esp8266::peripherals::{Heard, Peripherals, Time};

use crate::antenna::Antenna;

/// Something that a driver does to a register.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Writes a word.
    Write(u32, u32),
    /// Reads, and must find this in those bits.
    Finds { at: u32, bits: u32, value: u32 },
    /// Reads, sets bits, and writes back.
    Sets(u32, u32),
    /// Reads, clears bits, and writes back.
    Clears(u32, u32),
    /// Reads until it finds this in those bits, each microsecond, so often at most.
    Waits { at: u32, bits: u32, value: u32, rounds: u32 },
    /// Does nothing for so many microseconds.
    Passes(u64),
}

/// Registers, as the tables name them.
pub mod at {
    pub const NMI: u32 = 0x3FF0_0000;
    pub const MAC: u32 = 0x3FF2_0000;
    pub const RX_CONTROL: u32 = MAC;
    pub const ENABLE: u32 = MAC + 0x004;
    pub const RX_BASE: u32 = MAC + 0x008;
    pub const RX_LAST: u32 = MAC + 0x014;
    pub const RX_COUNT: u32 = MAC + 0x018;
    pub const RX_FIRST: u32 = MAC + 0x01C;
    pub const RX_FILTER: u32 = MAC + 0x06C;
    pub const BUFFER_FULL: u32 = MAC + 0x19C;
    pub const RX_ENDS: u32 = MAC + 0x1C0;
    pub const STATE: u32 = MAC + 0x1D0;
    pub const TX_STATE: u32 = MAC + 0x410;
    pub const CRYPTO0: u32 = MAC + 0x800;
    pub const CRYPTO1: u32 = MAC + 0x804;
    pub const KEYS_VALID: u32 = MAC + 0x80C;
    pub const EVENT_ENABLE: u32 = MAC + 0xC18;
    pub const EVENT_STATUS: u32 = MAC + 0xC20;
    pub const EVENT_CLEAR: u32 = MAC + 0xC24;
    pub const BSSID0: u32 = MAC + 0xC28;
    pub const BSSID1: u32 = MAC + 0xC30;
    pub const ADDRESS0: u32 = MAC + 0xC48;
    pub const ADDRESS1: u32 = MAC + 0xC50;
    pub const RADIO: u32 = MAC + 0xC70;
    pub const TX_GATES: u32 = MAC + 0xC74;
    pub const TX_STATUS: u32 = MAC + 0xC84;
    pub const OPTIONS: u32 = MAC + 0xC88;
    pub const TX_OPTIONS: u32 = MAC + 0xC94;
    pub const DATA_RESPONSES: u32 = MAC + 0xCA8;
    pub const TROUBLES: u32 = MAC + 0xCC0;
    pub const BURST: u32 = MAC + 0xCDC;
    pub const BURST_LENGTH: u32 = MAC + 0xCE0;
    pub const QUEUES: u32 = MAC + 0xDC0;
    pub const COEXISTENCE: u32 = MAC + 0xDE0;
    pub const ACK_SNR: u32 = MAC + 0xE04;
    pub const KEYS: u32 = 0x3FF2_1400;
    pub const TSF1_LOW: u32 = 0x3FF2_1048;
    pub const TSF1_CONTROL: u32 = 0x3FF2_1058;
    pub const TSF1_LOAD_LOW: u32 = 0x3FF2_105C;
    pub const TSF1_LOAD_HIGH: u32 = 0x3FF2_1060;
    pub const TSF1_TARGET: u32 = 0x3FF2_10C8;
    pub const TSF1_TARGET_LOW: u32 = 0x3FF2_10CC;
    pub const CHANNEL: u32 = 0x6000_9B14;
    pub const PLL: u32 = 0x6000_0D04;
}

/// The chip's devices with their memory.
pub struct Chip {
    pub devices: Peripherals<Antenna>,
    pub memory: Memory,
    pub cycle: u64,
}

impl Chip {
    pub fn new() -> Self {
        let mut memory = Memory::new(&[0xFF; 0x1000]);
        let mut devices = Peripherals::new(Antenna::default(), [0x18, 0xFE, 0x34, 1, 2, 3], 42, &mut memory);
        devices.start_pll(false, 0, &mut memory);
        Self { devices, memory, cycle: 0 }
    }

    pub fn read(&mut self, address: u32) -> u32 {
        let mut context = Context { memory: &mut self.memory, cycle: self.cycle, pc: 0x4010_0000 };
        self.devices.read(address, Width::Word, &mut context).unwrap_or(0xDEAD_DEAD)
    }

    pub fn write(&mut self, address: u32, value: u32) {
        let mut context = Context { memory: &mut self.memory, cycle: self.cycle, pc: 0x4010_0000 };
        let _ = self.devices.write(address, Width::Word, value, &mut context);
    }

    pub fn write_byte(&mut self, address: u32, value: u8) {
        let mut context = Context { memory: &mut self.memory, cycle: self.cycle, pc: 0x4010_0000 };
        let _ = self.devices.write(address, Width::Byte, value.into(), &mut context);
    }

    /// Takes steps one after the other; `what` says of what they are.
    pub fn take(&mut self, what: &str, steps: &[Step]) {
        for (number, step) in steps.iter().enumerate() {
            match *step {
                Step::Write(at, value) => self.write(at, value),
                Step::Finds { at, bits, value } => {
                    let found = self.read(at);
                    assert_eq!(found & bits, value, "{what}, step {number}: {at:#010x} reads {found:#010x}");
                }
                Step::Sets(at, bits) => {
                    let value = self.read(at) | bits;
                    self.write(at, value);
                }
                Step::Clears(at, bits) => {
                    let value = self.read(at) & !bits;
                    self.write(at, value);
                }
                Step::Waits { at, bits, value, rounds } => {
                    let came = (0..rounds).any(|_| {
                        self.pass(1);
                        self.read(at) & bits == value
                    });
                    assert!(came, "{what}, step {number}: {at:#010x} never has {value:#x} in {bits:#x}");
                }
                Step::Passes(microseconds) => self.pass(microseconds),
            }
        }
    }

    pub fn now(&self) -> Time {
        self.devices.now(self.cycle)
    }

    /// Lets time pass, and what is due in it happen, event by event as the core does.
    pub fn pass(&mut self, microseconds: u64) {
        let end = self.devices.clock().cycle(self.now() + Time::MICROSECOND.times(microseconds));
        self.pass_to(end);
    }

    /// The same up to a cycle.
    pub fn pass_to(&mut self, end: u64) {
        while self.devices.next_event() < end {
            assert!(self.devices.next_event() >= self.cycle, "time goes back");
            self.cycle = self.devices.next_event();
            self.devices.advance(self.cycle, &mut self.memory);
        }
        self.cycle = self.cycle.max(end);
        self.devices.advance(self.cycle, &mut self.memory);
    }

    /// A frame arrives in a microsecond; a little later it is there.
    pub fn hear(&mut self, channel: u8, frame: &[u8]) {
        let at = self.now().nanoseconds() + 1_000;
        self.devices.hear(Heard { at, channel, rate: 0xB, signal: -55, frame: frame.to_vec() });
        self.pass(2);
    }

    pub fn word(&self, address: u32) -> u32 {
        let bytes = self.memory.peek(address, 4);
        u32::from_le_bytes(bytes[..].try_into().unwrap_or_default())
    }

    pub fn set_word(&mut self, address: u32, value: u32) {
        self.memory.poke(address, &value.to_le_bytes());
    }
}
