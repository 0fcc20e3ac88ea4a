//! What devices are tested on: surroundings for one device alone, and a board around all of them.

use core::ops::Range;

use super::env::{Access, Env, Wires};
use super::reports::Reports;
use super::{Clock, Drive, Peripherals, Pins, Radio, SerialOut, SpiBus, Time, Transmission};
use crate::bus::{Bus, Context, Width};
use crate::cpu::Interrupts;
use crate::memory::Memory;
use crate::serial_flash::{FlashChip, PlainCells, SerialFlash};

/// Pins whose levels change at set moments; keeps what the chip does with them.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// Levels from each moment on, in nanoseconds.
    pub levels: Vec<(u64, u32)>,
    pub driven: Vec<(u8, Drive, u64)>,
    pub sent: Vec<(u8, u8, Range<u64>)>,
    pub transmitted: Vec<Transmission>,
    /// Whether what is transmitted is acknowledged.
    pub acknowledges: bool,
    /// Whose frames the chip has acknowledged, and when.
    pub acknowledged: Vec<([u8; 6], u64)>,
    flash: SerialFlash<PlainCells>,
}

impl Default for Surroundings {
    fn default() -> Self {
        let flash = SerialFlash::new(PlainCells::new(vec![0xFF; 0x10_0000]));
        Self {
            levels: Vec::new(),
            driven: Vec::new(),
            sent: Vec::new(),
            transmitted: Vec::new(),
            acknowledges: false,
            acknowledged: Vec::new(),
            flash,
        }
    }
}

impl SpiBus for Surroundings {
    fn flash(&mut self) -> Option<&mut dyn FlashChip> {
        Some(&mut self.flash)
    }
}

impl Pins for Surroundings {
    fn levels(&mut self, at: u64) -> u32 {
        self.levels.iter().rev().find(|(from, _)| *from <= at).map_or(0x1_7FFF, |(_, levels)| *levels)
    }

    fn drive(&mut self, pin: u8, drive: Drive, at: u64) {
        self.driven.push((pin, drive, at));
    }

    fn next_change(&mut self, _: u32, after: u64) -> Option<u64> {
        self.levels.iter().map(|(from, _)| *from).find(|from| *from > after)
    }

    fn analog(&mut self, _: u64) -> u16 {
        512
    }
}

impl Radio for Surroundings {
    fn transmit(&mut self, transmission: Transmission) {
        self.transmitted.push(transmission);
    }

    fn was_acknowledged(&mut self) -> bool {
        self.acknowledges
    }

    fn acknowledge(&mut self, transmitter: [u8; 6], at: u64) {
        self.acknowledged.push((transmitter, at));
    }
}

impl SerialOut for Surroundings {
    fn send(&mut self, uart: u8, byte: u8, during: Range<u64>) {
        self.sent.push((uart, byte, during));
    }
}

/// Surroundings of one device; the clock is set to 80 MHz, the gates of interrupts are open.
pub(super) struct Bench {
    pub wires: Wires,
    outside: Surroundings,
    memory: Memory,
    clock: Clock,
    reports: Reports,
}

impl Default for Bench {
    fn default() -> Self {
        let mut clock = Clock::new(0, Time(0));
        clock.switch(0, true, false);
        let mut wires = Wires::default();
        wires.gates = u32::MAX;
        Self {
            wires,
            outside: Surroundings::default(),
            memory: Memory::new(&[0xFF; 0x1000]),
            clock,
            reports: Reports::default(),
        }
    }
}

impl Bench {
    /// What a device sees at `now`.
    pub(super) fn env(&mut self, now: Time) -> Env<'_> {
        let Self { wires, outside, memory, clock, reports } = self;
        let cycle = clock.cycle(now);
        Env { now, cycle, clock, memory, outside, wires, access: Access::default(), reports }
    }
}

/// Devices with a memory around them; the clock is set to 80 MHz.
pub(super) struct Board {
    pub devices: Peripherals<Surroundings>,
    pub memory: Memory,
    pub cycle: u64,
}

impl Board {
    pub(super) fn new() -> Self {
        Self::with(Surroundings::default())
    }

    pub(super) fn with_levels(levels: Vec<(u64, u32)>) -> Self {
        Self::with(Surroundings { levels, ..Surroundings::default() })
    }

    pub(super) fn with_flash(content: Vec<u8>) -> Self {
        Self::with(Surroundings { flash: SerialFlash::new(PlainCells::new(content)), ..Surroundings::default() })
    }

    fn with(outside: Surroundings) -> Self {
        let mut memory = Memory::new(&outside.flash.content());
        let mut devices = Peripherals::new(outside, [0x18, 0xFE, 0x34, 1, 2, 3], 42, &mut memory);
        devices.start_pll(false, 0, &mut memory);
        Self { devices, memory, cycle: 0 }
    }

    pub(super) fn read(&mut self, address: u32) -> u32 {
        let mut context = Context { memory: &mut self.memory, cycle: self.cycle, pc: 0x4010_0000 };
        self.devices.read(address, Width::Word, &mut context).unwrap()
    }

    pub(super) fn write(&mut self, address: u32, value: u32) {
        let mut context = Context { memory: &mut self.memory, cycle: self.cycle, pc: 0x4010_0000 };
        self.devices.write(address, Width::Word, value, &mut context).unwrap();
    }

    pub(super) fn interrupts(&mut self) -> Interrupts {
        self.devices.interrupts(self.cycle)
    }

    /// Tunes the radio to a channel, as the baseband does.
    pub(super) fn tune(&mut self, channel: u8) {
        self.devices.wires.channel = Some(channel);
    }

    /// Goes on to a moment, in microseconds, and lets happen what is due by then.
    pub(super) fn pass_to(&mut self, microseconds: u64) {
        let end = self.devices.clock().cycle(Time::MICROSECOND.times(microseconds));
        while self.devices.next_event() <= end {
            self.next();
        }
        self.cycle = self.cycle.max(end);
        self.devices.advance(self.cycle, &mut self.memory);
    }

    /// Goes on to the next event, as the core does.
    pub(super) fn next(&mut self) {
        self.cycle = self.devices.next_event();
        assert_ne!(self.cycle, u64::MAX, "nothing will happen");
        self.devices.advance(self.cycle, &mut self.memory);
    }
}
