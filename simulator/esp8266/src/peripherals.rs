//! The devices of the chip, as one [`Bus`].
//!
//! Each block is a table of registers with a device behind it; `table.rs` says where it lies. An access finds its block
//! by address, brings all devices up to the moment of the access, and then reads or writes. Devices that act by
//! themselves say when; the core calls [`advance`](Bus::advance) then. Interrupt lines follow the devices' state, edges
//! are collected until asked for.
//!
//! Registers that no table knows read as 0 and ignore writes; each is reported once, with the instruction that touched
//! it first, and so is what is asked of a known register in vain. Where nothing is at all, reads give the pattern that
//! silicon gives. SDIO, SLC and I2S are such. Most registers of the RF and baseband blocks only keep what they are told
//! ([`Peripherals::stored`]).
//!
//! Sources: Espressif's register sheets, `esp8266.svd`, the Arduino core's `esp8266_peri.h`, esp-open-rtos' `*_regs.h`.

mod analog;
mod baseband;
#[cfg(test)]
mod bench;
mod boot_rom;
mod clock;
mod device;
mod dport;
mod env;
mod gpio;
mod mac;
mod outside;
mod poll;
pub(crate) mod registers;
mod reports;
mod rf;
mod rng;
mod rtc;
mod spi;
mod steady;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod timers;
mod uart;
mod watchdog;
mod wdev;

pub use clock::{Clock, Time};
pub use env::Request;
pub use outside::{Drive, Heard, Outside, Pins, Radio, SerialOut, SpiBus, Transmission};
pub use registers::{Access, Description, Field, Ignored};
pub use reports::Unmodelled;
pub use rng::HardwareRng;
pub use rtc::{MEMORY as RTC_MEMORY, ResetCause};
pub(crate) use steady::Steady;
pub use table::describe;
pub use uart::FIFO as TRANSMIT_FIFO;

use crate::bus::{Bus, Context, NoAnswer, Width};
use crate::cpu::Interrupts;
use crate::memory::Memory;
use device::Block;
use env::{Env, Wires};
use poll::Poll;
use reports::Reports;
use table::{Devices, Part};

/// All devices, and what the chip is connected to.
#[derive(Debug)]
pub struct Peripherals<O> {
    /// What the pins and UARTs are connected to.
    pub outside: O,
    clock: Clock,
    devices: Devices,
    wires: Wires,
    reports: Reports,
    poll: Poll,
    /// The cycle at which a device acts by itself.
    next: u64,
}

impl<O: Outside> Peripherals<O> {
    /// Devices after power on, with a factory address and a seed for random numbers.
    pub fn new(outside: O, mac: [u8; 6], seed: u64, memory: &mut Memory) -> Self {
        let mut peripherals = Self {
            outside,
            clock: Clock::new(0, Time(0)),
            devices: Devices::new(&Part { mac, seed }),
            wires: Wires::default(),
            reports: Reports::default(),
            poll: Poll::default(),
            next: u64::MAX,
        };
        peripherals.reset(ResetCause::PowerOn, 0, memory);
        peripherals
    }

    /// Resets the devices at `cycle`: what keeps power keeps its content, clocks and pins fall back.
    pub fn reset(&mut self, cause: ResetCause, cycle: u64, memory: &mut Memory) {
        self.clock = Clock::new(cycle, self.now(cycle));
        self.wires.reset();
        let (devices, mut env) = self.around(env::Access::default(), cycle, memory);
        env.show_cache();
        devices.reset(cause, &mut env);
        self.settle();
    }

    /// Puts the counters that run by themselves ahead, as if power had come that much earlier.
    pub(crate) fn age(&mut self, uptime: Time) {
        self.devices.age(uptime);
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
    pub fn start_pll(&mut self, double: bool, cycle: u64, memory: &mut Memory) {
        self.advance(cycle, memory);
        self.devices.analog.start_pll();
        self.devices.dport.set_double(double);
        self.clock.switch(cycle, true, double);
        self.settle();
    }

    /// A byte comes in at UART `uart` (0 or 1); its last bit is there `at` nanoseconds after power on.
    ///
    /// It comes at the rate at which the UART expects it.
    pub fn receive(&mut self, uart: usize, byte: u8, at: u64) {
        self.devices.uart(uart).receive(byte, None, Time::from_nanoseconds(at));
        self.settle();
    }

    /// The same for a byte whose bits are so many nanoseconds long, and perhaps not what the UART expects.
    pub fn receive_at_rate(&mut self, uart: usize, byte: u8, bit: u64, at: u64) {
        let bit = Some(Time::from_nanoseconds(bit.max(1)));
        self.devices.uart(uart).receive(byte, bit, Time::from_nanoseconds(at));
        self.settle();
    }

    /// A frame arrives at the antenna, at a moment that has not come yet.
    pub fn hear(&mut self, heard: Heard) {
        self.devices.mac.hear(heard);
        self.settle();
    }

    /// The RTC's memory, which keeps its content over a reset: 512 bytes of the vendor's SDK, 512 of the program's.
    pub fn rtc_memory(&self) -> &[u8; RTC_MEMORY] {
        self.devices.rtc.memory()
    }

    /// Puts a byte into the transmit FIFO of UART `uart` (0 or 1), as a program does. A full FIFO loses it.
    pub fn transmit(&mut self, uart: usize, byte: u8, cycle: u64, memory: &mut Memory) {
        let (devices, mut env) = self.around(env::Access::default(), cycle, memory);
        devices.advance(&mut env);
        devices.uart(uart).write(uart::Register::Fifo, u32::from(byte), &mut env);
        self.settle();
    }

    /// Bytes in the transmit FIFO of UART `uart` (0 or 1), which holds [`TRANSMIT_FIFO`].
    pub fn unsent(&mut self, uart: usize) -> usize {
        self.devices.uart(uart).unsent()
    }

    /// What a device has asked for.
    pub fn take_request(&mut self) -> Option<Request> {
        self.wires.request.take()
    }

    /// Accesses to what is not modelled, since this was last asked. Each is reported once in a chip's life.
    pub fn take_reports(&mut self) -> Vec<Unmodelled> {
        self.reports.take()
    }

    /// Registers that the program has used in a chip's life and that only keep what they are told, by their addresses:
    /// whatever they are to do has no effect.
    pub fn stored(&self) -> impl Iterator<Item = u32> {
        self.devices.stored()
    }

    /// What a read of `address` would show at `cycle`, which lies before [`changes`](Self::changes), if it had no
    /// effect. Nothing is known of the time before the CPU's frequency has changed.
    pub(crate) fn steady(&self, address: u32, cycle: u64) -> Option<Steady> {
        let is_known = cycle >= self.clock.since();
        is_known.then(|| self.devices.steady(address, self.now(cycle), self.clock.apb_period())).flatten()
    }

    /// Whether the core has heard all that devices have to say to it: these lines, and nothing else.
    pub(crate) fn is_heard(&self, lines: u32) -> bool {
        let Wires { edges, request, .. } = &self.wires;
        (*edges, *request) == (0, None) && self.wires.interrupts() == lines
    }

    /// Whether of many writes of this word to `address` only the last one matters.
    pub(crate) fn is_absorbed(&self, address: u32, value: u32) -> bool {
        self.devices.absorb(address, value)
    }

    /// The cycle up to which it does not matter how often the devices are looked at.
    pub(crate) fn changes(&self) -> u64 {
        self.clock.cycle(self.devices.changes(self.clock.apb_period())).min(self.next)
    }

    /// The devices, and what surrounds them at `cycle`.
    fn around<'a>(&'a mut self, access: env::Access, cycle: u64, memory: &'a mut Memory) -> (&'a mut Devices, Env<'a>) {
        let now = self.clock.moment(cycle);
        let Self { outside, clock, devices, wires, reports, .. } = self;
        (devices, Env { now, cycle, clock, memory, outside, wires, access, reports })
    }

    /// The same for an access, with the devices brought up to it.
    fn at_access<'a>(
        &'a mut self,
        address: u32,
        is_write: bool,
        context: &'a mut Context<'_>,
    ) -> (&'a mut Devices, Env<'a>) {
        let access = env::Access { address: address & !3, pc: context.pc, is_write, block: None };
        let (devices, mut env) = self.around(access, context.cycle, context.memory);
        devices.advance(&mut env);
        (devices, env)
    }

    /// After something has happened to a device: what of it shows to the core.
    fn settle(&mut self) {
        self.wires.lines = self.devices.lines();
        let next = self.devices.next(self.clock.apb_period()).min(self.wires.mac_raises_nmi());
        self.next = self.clock.cycle(next);
    }
}

/// Reads the word that the access goes to, or what is read where no register is.
fn read_word(devices: &mut Devices, env: &mut Env<'_>) -> Result<u32, NoAnswer> {
    if let Some(value) = devices.read(env) {
        return Ok(value);
    }
    let value = table::read_of_nothing(env.access.address, env.access.block).ok_or(NoAnswer)?;
    let is_write = core::mem::replace(&mut env.access.is_write, false);
    env.nothing_there();
    env.access.is_write = is_write;
    Ok(value)
}

impl<O: Outside> Bus for Peripherals<O> {
    fn read(&mut self, address: u32, width: Width, context: &mut Context<'_>) -> Result<u32, NoAnswer> {
        let (devices, mut env) = self.at_access(address, false, context);
        let word = read_word(devices, &mut env)?;
        let access = env.access;
        self.settle();
        if self.poll.is_in_vain(access, word, context.cycle) {
            self.reports.add_poll(access);
        }
        Ok(word >> (8 * (address & 3)) & width.mask())
    }

    fn write(&mut self, address: u32, width: Width, value: u32, context: &mut Context<'_>) -> Result<(), NoAnswer> {
        let (devices, mut env) = self.at_access(address, true, context);
        let word = if width == Width::Word {
            value
        } else {
            // Bytes of a register cannot be written alone; what silicon makes of it is not known.
            if !Devices::takes_narrow_writes(env.access.address) {
                env.not_modelled("a narrow write to a register");
            }
            let shift = 8 * (address & 3);
            read_word(devices, &mut env)? & !(width.mask() << shift) | value << shift
        };
        let done = devices.write(word, &mut env);
        if done.is_none() {
            table::read_of_nothing(env.access.address, env.access.block).ok_or(NoAnswer)?;
            env.nothing_there();
        }
        self.settle();
        Ok(())
    }

    fn interrupts(&mut self, _: u64) -> Interrupts {
        let Wires { edges, request, .. } = &mut self.wires;
        let (edges, stop) = (core::mem::take(edges), request.is_some());
        Interrupts { lines: self.wires.interrupts(), edges, stop }
    }

    fn next_event(&self) -> u64 {
        self.next
    }

    fn advance(&mut self, cycle: u64, memory: &mut Memory) {
        let (devices, mut env) = self.around(env::Access::default(), cycle, memory);
        devices.advance(&mut env);
        self.settle();
    }
}
