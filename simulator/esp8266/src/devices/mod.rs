//! The chip's devices behind one [`Bus`]: who answers at which address, and what they have in common.
//!
//! Addresses are dispatched by block of 0x100 bytes. Whatever no table names reads as zero and is [reported](Devices::unmodelled)
//! once, with the instruction that touched it: a program that needs more than is modelled shows where. What goes out of the
//! chip (pins, UART bytes, a reset) goes to the [`World`] or the outbox, with its time in nanoseconds since the power came; pins
//! come in as functions of time.
//!
//! Not modelled: Wi-Fi MAC and radio registers, SDIO, I2S, ADC, DMA.

pub mod clock;
pub mod gpio;
pub mod registers;
pub mod rtc;
pub mod spi;
pub mod system;
#[cfg(test)]
mod tests;
pub mod timers;
pub mod uart;
pub mod watchdog;

use std::collections::BTreeMap;

use crate::bus::{Bus, Context, NoAnswer, Width};
use crate::cpu::Interrupts;
use clock::Clock;
use gpio::Drive;
use registers::Block;
use rtc::ResetCause;

/// What the chip is connected to.
pub trait World {
    /// Whether the wire of a pin that the chip does not drive is high at `nanos`.
    fn level(&mut self, gpio: u8, nanos: u64) -> bool;

    /// The chip drives a pin in another way from `nanos` on.
    fn drive(&mut self, gpio: u8, drive: Drive, nanos: u64);

    /// When a wire will change next after `nanos`, if the world knows; `u64::MAX` if none will.
    fn next_change(&mut self, nanos: u64) -> u64;

    /// A random word, of the generator in the radio.
    fn random(&mut self) -> u32;
}

/// What has come out of the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A UART has sent a byte.
    Byte {
        /// 0 or 1.
        uart: u8,
        /// The byte.
        byte: u8,
        /// When its last stop bit ended.
        nanos: u64,
    },
    /// The chip resets; the run has stopped.
    Reset(ResetCause),
    /// The chip goes to deep sleep; the run has stopped.
    DeepSleep,
}

/// An access that no table names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmodelled {
    /// The instruction that made the first one.
    pub pc: u32,
    /// Whether that one was a write.
    pub is_write: bool,
    /// How many there were.
    pub count: u64,
}

/// All devices of a chip.
#[derive(Debug)]
pub struct Devices<W> {
    /// What the chip is connected to.
    pub world: W,
    /// What has come out and was not fetched yet, in the order it came.
    pub outbox: Vec<Output>,
    clock: Clock,
    uarts: [uart::Uart; 2],
    gpio: gpio::Gpio,
    pads: Block,
    timers: timers::Timers,
    watchdog: watchdog::Watchdog,
    rtc: rtc::Rtc,
    flash_spi: spi::Spi,
    second_spi: spi::Spi,
    dport: system::Dport,
    unmodelled: BTreeMap<u32, Unmodelled>,
    next_event: u64,
    stop: bool,
}

const CRYSTAL_MHZ: u32 = 52;

impl<W: World> Devices<W> {
    /// The devices after power has come. `strapping` is what GPIO_IN bits 31:16 show.
    pub fn new(world: W, mac: [u8; 6], strapping: u16) -> Self {
        Self {
            world,
            outbox: Vec::new(),
            clock: Clock::new(CRYSTAL_MHZ),
            uarts: Default::default(),
            gpio: gpio::Gpio::new(strapping),
            pads: Block::new(gpio::PADS),
            timers: timers::Timers::default(),
            watchdog: watchdog::Watchdog::default(),
            rtc: rtc::Rtc::new(),
            flash_spi: spi::Spi::new(true),
            second_spi: spi::Spi::new(false),
            dport: system::Dport::new(mac),
            unmodelled: BTreeMap::new(),
            next_event: u64::MAX,
            stop: false,
        }
    }

    /// Accesses that nothing here answers, by address.
    pub fn unmodelled(&self) -> impl Iterator<Item = (u32, Unmodelled)> + '_ {
        self.unmodelled.iter().map(|(&address, &access)| (address, access))
    }

    /// The core's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The PLL runs: the core goes at 80 or 160 MHz from `cycle` on.
    pub fn start_pll(&mut self, cycle: u64) {
        let mhz = if self.dport.read(system::CLOCK) == Some(1) { 160 } else { 80 };
        self.clock.change(cycle, mhz);
        self.plan(cycle);
    }

    /// A byte has come in at a UART (0 or 1) at `cycle`.
    pub fn receive(&mut self, uart: usize, byte: u8, cycle: u64) {
        self.uarts[uart & 1].receive(byte, self.clock.nanos(cycle));
        self.plan(cycle);
    }

    /// The clock of the UARTs: the crystal's until the PLL runs.
    fn uart_hertz(&self) -> u64 {
        if self.clock.mhz() == CRYSTAL_MHZ { 52_000_000 } else { 80_000_000 }
    }

    fn read_register(&mut self, address: u32, now: u64) -> Option<u32> {
        let (hertz, offset) = (self.uart_hertz(), address & 0xFF);
        match address & !0xFF {
            0x6000_0000 => self.uarts[0].read(offset, now, hertz),
            0x6000_0F00 => self.uarts[1].read(offset, now, hertz),
            0x6000_0100 => self.second_spi.read(offset),
            0x6000_0200 => self.flash_spi.read(offset),
            0x6000_0300 => self.gpio.read(offset, now, &mut self.world),
            0x6000_0600 => self.timers.read(offset, now),
            0x6000_0700 => self.rtc.read(offset, now),
            0x6000_0800 => self.pads.register(offset).map(|_| self.pads.get(offset)),
            0x6000_0900 => self.watchdog.read(offset, now),
            0x6000_1000..=0x6000_1B00 => Some(*self.rtc.memory((address & 0x3FF) / 4)),
            0x3FF0_0000..=0x3FF0_0F00 => self.dport.read(offset),
            0x3FF2_0C00 if offset == 0 => Some((now / 1_000) as u32),
            0x3FF2_0E00 if offset == 0x44 => Some(self.world.random()),
            0x3FF2_0000 if offset == 0x20 => {
                Some((0..2).map(|i| u32::from(self.uarts[i].interrupts(now, hertz)) << (2 * i)).sum())
            }
            // The only word of the boot ROM that programs read: a chip's magic number.
            0x4000_1000 if offset == 0 => Some(0xFFF0_C101),
            _ => None,
        }
    }

    fn write_register(&mut self, address: u32, value: u32, now: u64, context: &mut Context<'_>) -> Option<()> {
        let (hertz, offset) = (self.uart_hertz(), address & 0xFF);
        match address & !0xFF {
            0x6000_0000 | 0x6000_0F00 => {
                let uart = u8::from(address & 0xF00 != 0);
                if let Some((nanos, byte)) = self.uarts[usize::from(uart)].write(offset, value, now, hertz)? {
                    self.outbox.push(Output::Byte { uart, byte, nanos });
                }
                Some(())
            }
            0x6000_0100 => self.second_spi.write(offset, value, now, context.memory),
            0x6000_0200 => {
                self.flash_spi.write(offset, value, now, context.memory)?;
                self.map_flash(context);
                Some(())
            }
            0x6000_0300 => self.gpio.write(offset, value, now, &mut self.world),
            0x6000_0600 => self.timers.write(offset, value, now),
            0x6000_0700 => {
                match self.rtc.write(offset, value)? {
                    Some(rtc::Request::Reset) => self.leave(Output::Reset(ResetCause::Software)),
                    Some(rtc::Request::Sleep) => self.leave(Output::DeepSleep),
                    None => {}
                }
                Some(())
            }
            0x6000_0800 => self.pads.register(offset).map(|_| self.pads.write(offset, value)),
            0x6000_0900 => self.watchdog.write(offset, value, now),
            0x6000_1000..=0x6000_1B00 => {
                *self.rtc.memory((address & 0x3FF) / 4) = value;
                Some(())
            }
            0x3FF0_0000..=0x3FF0_0F00 => {
                self.dport.write(offset, value)?;
                if offset == system::CLOCK && self.clock.mhz() != CRYSTAL_MHZ {
                    self.start_pll(context.cycle);
                }
                self.map_flash(context);
                Some(())
            }
            _ => None,
        }
    }

    fn map_flash(&mut self, context: &mut Context<'_>) {
        // SPI0 lets the cache read the flash.
        let readable = self.flash_spi.read(spi::CTRL).is_some_and(|ctrl| ctrl & 1 << 17 != 0);
        context.memory.map_flash(self.dport.window().filter(|_| readable));
        context.memory.use_as_cache(self.dport.cache_banks());
    }

    fn leave(&mut self, output: Output) {
        self.outbox.push(output);
        self.stop = true;
    }

    /// Finds the next cycle at which a device acts by itself.
    fn plan(&mut self, cycle: u64) {
        let (now, hertz) = (self.clock.nanos(cycle), self.uart_hertz());
        let mut next = self.timers.next_event().min(self.watchdog.next_event());
        for uart in &self.uarts {
            next = next.min(uart.next_event(now, hertz));
        }
        if self.gpio.listens() {
            next = next.min(self.world.next_change(now));
        }
        self.next_event = self.clock.cycle(next).max(cycle + 1);
    }

    fn note_unmodelled(&mut self, address: u32, pc: u32, is_write: bool) {
        self.unmodelled.entry(address).or_insert(Unmodelled { pc, is_write, count: 0 }).count += 1;
    }
}

impl<W: World> Bus for Devices<W> {
    fn read(&mut self, address: u32, width: Width, context: &mut Context<'_>) -> Result<u32, NoAnswer> {
        let now = self.clock.nanos(context.cycle);
        let word = self.read_register(address & !3, now);
        let word = word.unwrap_or_else(|| {
            self.note_unmodelled(address & !3, context.pc, false);
            // What an unmapped address reads as on silicon; a register that is not modelled is quiet.
            if (0x2000_0000..0x3FF0_0000).contains(&address) || address >= 0x7000_0000 { 0x0080_0000 } else { 0 }
        });
        self.plan(context.cycle);
        Ok(word >> (8 * (address & 3)) & width.mask())
    }

    fn write(&mut self, address: u32, _: Width, value: u32, context: &mut Context<'_>) -> Result<(), NoAnswer> {
        let now = self.clock.nanos(context.cycle);
        if self.write_register(address & !3, value, now, context).is_none() {
            self.note_unmodelled(address & !3, context.pc, true);
        }
        self.plan(context.cycle);
        Ok(())
    }

    fn interrupts(&mut self, cycle: u64) -> Interrupts {
        let (now, hertz) = (self.clock.nanos(cycle), self.uart_hertz());
        let uarts = self.uarts.iter().any(|uart| uart.interrupts(now, hertz));
        let lines = u32::from(self.gpio.interrupts()) << 4 | u32::from(uarts) << 5;
        let mut edges = self.timers.take_edges();
        if self.watchdog.take_interrupt() {
            edges |= 1 << 8;
        }
        let passing = (8..=10).filter(|&interrupt| self.dport.passes(interrupt)).map(|interrupt| 1 << interrupt);
        Interrupts { lines, edges: edges & passing.sum::<u32>(), stop: std::mem::take(&mut self.stop) }
    }

    fn next_event(&self) -> u64 {
        self.next_event
    }

    fn advance(&mut self, cycle: u64) {
        let now = self.clock.nanos(cycle);
        self.timers.advance(now);
        self.watchdog.advance(now);
        if self.watchdog.bites() && !self.stop {
            self.leave(Output::Reset(ResetCause::Watchdog));
        }
        self.gpio.look(now, &mut self.world);
        self.plan(cycle);
    }
}
