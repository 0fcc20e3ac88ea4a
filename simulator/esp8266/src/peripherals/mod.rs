//! The devices of the chip, as one [`Bus`].
//!
//! Each block is a table of registers with a device behind it. An access finds its block by address,
//! brings the block up to the moment of the access, and then reads or writes. Devices that act by themselves say when; the
//! core calls [`advance`](Bus::advance) then. Interrupt lines follow the devices' state, edges are collected until asked for.
//!
//! Registers that no table knows read as 0 and ignore writes; each is reported once, with the instruction that touched it
//! first, and so is what is asked of a known register in vain. Where nothing is at all, reads give the pattern that silicon gives. SDIO, SLC, I2S, the RF and baseband blocks and
//! all of the Wi-Fi MAC but its counter and random numbers are such.
//!
//! Sources: Espressif's register sheets, `esp8266.svd`, the Arduino core's `esp8266_peri.h`, esp-open-rtos' `*_regs.h`.

mod clock;
mod gpio;
mod noise;
mod nor;
mod outside;
pub(crate) mod registers;
mod rtc;
mod spi;
mod system;
#[cfg(test)]
mod tests;
mod timers;
mod uart;
mod watchdog;

use std::collections::BTreeSet;

pub use clock::{Clock, Time};
pub use noise::Noise;
pub use outside::{Drive, Outside, Pins, SerialOut};
use registers::Registers as _;
pub use registers::{Access, Description, Field, Ignored};
pub use rtc::ResetCause;

use crate::bus::{Bus, Context, NoAnswer, Width};
use crate::cpu::Interrupts;
use crate::memory::Memory;
use gpio::Gpio;
use nor::Flash;
use rtc::{Rtc, Wish};
use spi::Spi;
use system::{Analog, CacheState, System, Wdev, gate};
use timers::Timers;
use uart::Uart;
use watchdog::{Bite, Watchdog};

/// What a device wants of whoever runs the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The chip is reset.
    Reset(ResetCause),
    /// The chip sleeps deeply until this moment ([`Time::NEVER`]: until the reset pin).
    DeepSleep(Time),
}

/// An access to something that is not modelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmodelled {
    /// The instruction that made it.
    pub pc: u32,
    /// What it accessed.
    pub address: u32,
    /// Whether it wrote.
    pub is_write: bool,
    /// The block that the address belongs to.
    pub block: &'static str,
}

impl core::fmt::Display for Unmodelled {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { pc, address, is_write, block } = self;
        let access = if *is_write { "write to" } else { "read of" };
        write!(f, "{access} 0x{address:08x} ({block}), which is not modelled, by the instruction at 0x{pc:08x}")
    }
}

/// Numbers of interrupts.
mod interrupt {
    pub const GPIO: u32 = 1 << 4;
    pub const UART: u32 = 1 << 5;
    pub const WATCHDOG: u32 = 1 << 8;
    pub const FRC1: u32 = 1 << 9;
    pub const FRC2: u32 = 1 << 10;
    pub const NMI: u32 = 1 << 14;
}

/// What an unmapped address reads as on silicon.
const NOTHING: u32 = 0x0080_0000;
/// Where silicon gives back the address instead.
const ECHO: core::ops::Range<u32> = 0x3FFC_0000..0x3FFE_0000;
/// A program that runs wild is reported with so many accesses, and then no more.
const MOST_REPORTS: usize = 4096;

/// All devices, and what the chip is connected to.
#[derive(Debug)]
pub struct Peripherals<O> {
    /// What the pins and UARTs are connected to.
    pub outside: O,
    clock: Clock,
    uarts: [Uart; 2],
    gpio: Gpio,
    timers: Timers,
    rtc: Rtc,
    watchdog: Watchdog,
    spis: [Spi; 2],
    flash: Flash,
    system: System,
    wdev: Wdev,
    analog: Analog,
    /// Edges since the core asked.
    edges: u32,
    request: Option<Request>,
    reported: BTreeSet<(u32, bool)>,
    reports: Vec<Unmodelled>,
    /// The cycle at which a device acts by itself.
    next: u64,
}

/// The block of registers at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Uart(usize),
    Spi(usize),
    Gpio,
    Timers,
    Rtc,
    Pads,
    Watchdog,
    Analog,
    RtcMemory,
    System,
    Wdev,
    Rom,
    /// Known, but not modelled.
    Other(&'static str),
    Unmapped,
}

/// Finds the block, and the offset in it.
fn block(address: u32) -> (Block, u32) {
    match address {
        0x3FF0_0000..=0x3FF0_0FFF => (Block::System, address & 0xFF),
        0x3FF2_0000..=0x3FF2_1FFF => (Block::Wdev, address & 0x1FFF),
        0x4000_0000..=0x4000_FFFF => (Block::Rom, address & 0xFFFF),
        0x6000_0000..=0x6000_0FFF => {
            let block = match address >> 8 & 0xF {
                0x0 => Block::Uart(0),
                0x1 => Block::Spi(1),
                0x2 => Block::Spi(0),
                0x3 => Block::Gpio,
                0x6 => Block::Timers,
                0x7 => Block::Rtc,
                0x8 => Block::Pads,
                0x9 => Block::Watchdog,
                0xA => Block::Other("SDIO"),
                0xB => Block::Other("SLC"),
                0xD => Block::Analog,
                0xE => Block::Other("I2S"),
                0xF => Block::Uart(1),
                _ => Block::Other("RF"),
            };
            (block, address & 0xFF)
        }
        0x6000_1000..=0x6000_13FF | 0x6000_1800..=0x6000_1BFF => (Block::RtcMemory, address & 0x3FF),
        0x6000_9000..=0x6000_9FFF => (Block::Other("baseband"), address & 0xFFF),
        _ => (Block::Unmapped, 0),
    }
}

/// The register at `address`, if it is a modelled one.
pub fn describe(address: u32) -> Option<&'static Description> {
    let (block, offset) = block(address & !3);
    description(block, offset)
}

fn description(block: Block, offset: u32) -> Option<&'static Description> {
    fn of<R: registers::Registers>(offset: u32) -> Option<&'static Description> {
        R::at(offset).map(registers::Registers::description)
    }
    match block {
        Block::Uart(_) => of::<uart::Register>(offset),
        Block::Spi(_) => of::<spi::Register>(offset),
        Block::Gpio => of::<gpio::Register>(offset),
        Block::Timers => of::<timers::Register>(offset),
        Block::Rtc => of::<rtc::Register>(offset),
        Block::Pads => of::<gpio::Pad>(offset),
        Block::Watchdog => of::<watchdog::Register>(offset),
        Block::Analog => of::<system::Sar>(offset),
        Block::System => of::<system::Dport>(offset),
        Block::Wdev => of::<system::WdevRegister>(offset),
        Block::RtcMemory | Block::Rom | Block::Other(_) | Block::Unmapped => None,
    }
}

/// What a program may read of the boot ROM's code: the word by which esptool knows the chip.
fn rom_word(offset: u32) -> Option<u32> {
    (offset == 0x1000).then_some(0xFFF0_C101)
}

impl<O: Outside> Peripherals<O> {
    /// Devices after power on, with a flash of `flash` bytes, a factory address, and a seed for random numbers.
    pub fn new(mut outside: O, flash: usize, mac: [u8; 6], seed: u64) -> Self {
        let mut system = System::default();
        system.burn(mac);
        Self {
            clock: Clock::new(0, Time(0)),
            uarts: [Uart::new(0), Uart::new(1)],
            gpio: Gpio::new(Time(0), &mut outside),
            timers: Timers::default(),
            rtc: Rtc::new(),
            watchdog: Watchdog::default(),
            spis: [Spi::default(), Spi::default()],
            flash: Flash::new(flash),
            system,
            wdev: Wdev::new(seed),
            analog: Analog::default(),
            edges: 0,
            request: None,
            reported: BTreeSet::new(),
            reports: Vec::new(),
            next: u64::MAX,
            outside,
        }
    }

    /// Resets the devices at `cycle`: what keeps power keeps its content, clocks and pins fall back.
    pub fn reset(&mut self, cause: ResetCause, cycle: u64, memory: &mut Memory) {
        let now = self.now(cycle);
        self.clock = Clock::new(cycle, now);
        self.uarts.iter_mut().for_each(Uart::reset);
        self.gpio.reset(now, &mut self.outside);
        self.timers = Timers::default();
        self.rtc.reset(cause);
        self.watchdog = Watchdog::default();
        self.spis = [Spi::default(), Spi::default()];
        self.system.reset();
        self.wdev.reset(now);
        self.analog = Analog::default();
        self.edges = 0;
        self.request = None;
        self.show_cache(memory);
        self.schedule();
    }

    /// The clocks.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The moment at which CPU cycle `cycle` begins.
    pub fn now(&self, cycle: u64) -> Time {
        self.clock.moment(cycle)
    }

    /// Sets the clocks as the vendor's start-up code does: PLL on, and the CPU at 160 instead of 80 MHz if `double`.
    pub fn start_pll(&mut self, double: bool, cycle: u64) {
        self.advance(cycle);
        self.analog.start_pll();
        self.system.set_double(double);
        self.clock.switch(cycle, true, double);
        self.schedule();
    }

    /// A byte comes in at UART `uart` (0 or 1); its last bit is there `at` nanoseconds after power on.
    pub fn receive(&mut self, uart: usize, byte: u8, at: u64) {
        self.uarts[uart & 1].receive(byte, Time::from_nanoseconds(at));
        self.schedule();
    }

    /// What a device has asked for.
    pub fn take_request(&mut self) -> Option<Request> {
        self.request.take()
    }

    /// Accesses to what is not modelled, since this was last asked. Each is reported once in a chip's life.
    pub fn take_reports(&mut self) -> Vec<Unmodelled> {
        core::mem::take(&mut self.reports)
    }

    /// Power goes at `cycle`: what the flash was doing stays half done.
    pub fn cut_power(&mut self, cycle: u64, memory: &mut Memory) {
        let now = self.now(cycle);
        self.flash.cut_power(now, memory);
    }

    fn report(&mut self, address: u32, is_write: bool, pc: u32, block: &'static str) {
        let word = address & !3;
        if self.reported.len() < MOST_REPORTS && self.reported.insert((word, is_write)) {
            self.reports.push(Unmodelled { pc, address: word, is_write, block });
        }
    }

    /// Brings the devices up to `now`.
    fn bring_up(&mut self, now: Time) {
        let apb = self.clock.apb_period();
        for uart in &mut self.uarts {
            uart.advance(now, apb, &mut self.outside);
        }
        self.gpio.advance(now, &mut self.outside);
        self.timers.advance(now, apb);
        let gates = self.system.gates();
        let expired = self.timers.take_expired();
        if expired.frc1 && gates & gate::FRC1 != 0 {
            self.edges |= if self.system.frc1_is_nmi() { interrupt::NMI } else { interrupt::FRC1 };
        }
        if expired.frc2 && gates & gate::FRC2 != 0 {
            self.edges |= interrupt::FRC2;
        }
        match self.watchdog.advance(now, apb) {
            Bite::Nothing => {}
            Bite::Interrupt if gates & gate::WATCHDOG != 0 => self.edges |= interrupt::WATCHDOG,
            Bite::Interrupt => {}
            Bite::Reset => self.request = Some(Request::Reset(ResetCause::Watchdog)),
        }
    }

    fn schedule(&mut self) {
        let apb = self.clock.apb_period();
        let next = self.uarts[0]
            .next(apb)
            .min(self.uarts[1].next(apb))
            .min(self.gpio.next())
            .min(self.timers.next(apb))
            .min(self.watchdog.next(apb));
        self.next = self.clock.cycle(next);
    }

    fn show_cache(&mut self, memory: &mut Memory) {
        let CacheState { window, banks } = self.system.cache();
        memory.use_as_cache(banks);
        memory.map_flash(window.filter(|_| self.spis[0].serves_window()));
    }

    fn switch_clock(&mut self, cycle: u64) {
        let wanted = (self.analog.runs_pll(), self.system.is_double());
        if wanted != self.clock.state() {
            self.clock.switch(cycle, wanted.0, wanted.1);
        }
    }

    fn read_word(&mut self, address: u32, now: Time, pc: u32) -> Result<u32, NoAnswer> {
        let apb = self.clock.apb_period();
        let (block, offset) = block(address & !3);
        let value = match block {
            Block::Uart(number) => self.uarts[number].read(offset),
            Block::Spi(number) => self.spis[number].read(offset, now),
            Block::Gpio => self.gpio.read(offset, now, &mut self.outside),
            Block::Timers => self.timers.read(offset),
            Block::Rtc => {
                let (gpio, outside) = (&self.gpio, &mut self.outside);
                self.rtc.read(offset, now, || gpio.gpio16(now, outside))
            }
            Block::Pads => self.gpio.read_pad(offset),
            Block::Watchdog => self.watchdog.read(offset, now, apb),
            Block::Analog => self.analog.read(offset),
            Block::RtcMemory => {
                let at = offset as usize;
                self.rtc.memory()[at..].first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
            }
            Block::System => self.system.read(offset),
            Block::Wdev => {
                let uarts = [self.uarts[0].interrupts(), self.uarts[1].interrupts()];
                self.wdev.read(offset, now, uarts)
            }
            Block::Rom => rom_word(offset),
            Block::Other(_) | Block::Unmapped => None,
        };
        if let Some(value) = value {
            return Ok(value);
        }
        // The one place of this map that faults on silicon.
        if address & !0xFFF == 0x6000_2000 {
            return Err(NoAnswer);
        }
        self.report(address, false, pc, name(block));
        Ok(match block {
            Block::Unmapped if ECHO.contains(&address) => address & !3,
            Block::Unmapped => NOTHING,
            _ => 0,
        })
    }

    fn write_word(&mut self, address: u32, value: u32, now: Time, context: &mut Context<'_>) -> Result<(), NoAnswer> {
        let apb = self.clock.apb_period();
        let (block, offset) = block(address & !3);
        let done = match block {
            Block::Uart(number) => self.uarts[number].write(offset, value, now, apb, &mut self.outside),
            Block::Spi(number) => {
                let flash = (number == 0).then_some(&mut self.flash);
                let known = self.spis[number].write(offset, value, now, apb, flash, context.memory);
                if known == Some(false) {
                    self.report(address, true, context.pc, "SPI command");
                }
                if number == 0 && spi::Register::at(offset) == Some(spi::Register::Ctrl) {
                    self.show_cache(context.memory);
                }
                known.map(|_| ())
            }
            Block::Gpio => self.gpio.write(offset, value, now, &mut self.outside),
            Block::Timers => self.timers.write(offset, value, now),
            Block::Rtc => self.rtc.write(offset, value, now).map(|wish| {
                match wish {
                    Wish::Nothing => {}
                    Wish::Reset => self.request = Some(Request::Reset(ResetCause::Software)),
                    Wish::Sleep(until) => self.request = Some(Request::DeepSleep(until)),
                }
                let (output, enabled) = self.rtc.gpio16();
                self.gpio.set_gpio16(output, enabled, now, &mut self.outside);
            }),
            Block::Pads => self.gpio.write_pad(offset, value, now, &mut self.outside),
            Block::Watchdog => self.watchdog.write(offset, value, now),
            Block::Analog => {
                let outside = &mut self.outside;
                let done = self.analog.write(offset, value, || outside.analog(now.nanoseconds()));
                self.switch_clock(context.cycle);
                done
            }
            Block::RtcMemory => {
                let at = offset as usize;
                self.rtc.memory()[at..].first_chunk_mut().map(|bytes| *bytes = value.to_le_bytes())
            }
            Block::System => {
                let done = self.system.write(offset, value);
                self.show_cache(context.memory);
                self.switch_clock(context.cycle);
                done
            }
            Block::Wdev | Block::Rom | Block::Other(_) | Block::Unmapped => None,
        };
        if let Some(what) = description(block, offset).and_then(|register| register.asked_in_vain(value)) {
            self.report(address, true, context.pc, what);
        }
        if done.is_none() {
            if address & !0xFFF == 0x6000_2000 {
                return Err(NoAnswer);
            }
            self.report(address, true, context.pc, name(block));
        }
        Ok(())
    }
}

fn name(block: Block) -> &'static str {
    match block {
        Block::Uart(_) => "UART",
        Block::Spi(_) => "SPI",
        Block::Gpio => "GPIO",
        Block::Timers => "timers",
        Block::Rtc => "RTC",
        Block::Pads => "IO_MUX",
        Block::Watchdog => "watchdog",
        Block::Analog => "analogue bus and converter",
        Block::RtcMemory => "RTC memory",
        Block::System => "DPORT",
        Block::Wdev => "Wi-Fi MAC",
        Block::Rom => "boot ROM",
        Block::Other(name) => name,
        Block::Unmapped => "nothing",
    }
}

impl<O: Outside> Bus for Peripherals<O> {
    fn read(&mut self, address: u32, width: Width, context: &mut Context<'_>) -> Result<u32, NoAnswer> {
        let now = self.now(context.cycle);
        self.flash.settle(now, context.memory);
        self.bring_up(now);
        let word = self.read_word(address, now, context.pc)?;
        self.schedule();
        Ok(word >> (8 * (address & 3)) & width.mask())
    }

    fn write(&mut self, address: u32, width: Width, value: u32, context: &mut Context<'_>) -> Result<(), NoAnswer> {
        let now = self.now(context.cycle);
        self.flash.settle(now, context.memory);
        self.bring_up(now);
        let word = if width == Width::Word {
            value
        } else {
            // Bytes of a register cannot be written alone; what silicon makes of it is not known, except in RTC memory.
            let (block, offset) = block(address & !3);
            if block != Block::RtcMemory {
                self.report(address, true, context.pc, "a narrow write to a register");
            }
            let shift = 8 * (address & 3);
            // To read a UART's FIFO would take a byte out of it.
            let is_fifo = matches!(block, Block::Uart(_)) && uart::Register::at(offset) == Some(uart::Register::Fifo);
            let before = if is_fifo { 0 } else { self.read_word(address, now, context.pc)? };
            before & !(width.mask() << shift) | value << shift
        };
        let result = self.write_word(address, word, now, context);
        self.schedule();
        result
    }

    fn interrupts(&mut self, _: u64) -> Interrupts {
        let mut lines = 0;
        if self.gpio.interrupts() {
            lines |= interrupt::GPIO;
        }
        if self.uarts.iter().any(Uart::interrupts) {
            lines |= interrupt::UART;
        }
        Interrupts { lines, edges: core::mem::take(&mut self.edges), stop: self.request.is_some() }
    }

    fn next_event(&self) -> u64 {
        self.next
    }

    fn advance(&mut self, cycle: u64) {
        let now = self.now(cycle);
        self.bring_up(now);
        self.schedule();
    }
}
