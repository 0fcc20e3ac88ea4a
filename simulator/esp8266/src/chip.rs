//! The whole chip: core, memories, devices and boot ROM.
//!
//! [`Chip::run`] runs the core and answers the ROM's functions, until the owner's limit, one of the owner's own traps,
//! a reset or deep sleep, or something that the chip cannot go on from. Functions of the ROM take their time at once,
//! so that a run may end some cycles behind its limit, and interrupts wait for the end of the function as they would
//! for an instruction; functions that spin for long do not hold them up.

use crate::bus::Bus;
use crate::core::{Core, Stop as CoreStop};
use crate::cpu::{Cpu, RESET_VECTOR};
use crate::memory::Memory;
use crate::narrow;
use crate::peripherals::{Outside, Peripherals, Request, ResetCause, TRANSMIT_FIFO, Time};
use crate::rom::{self, Entered};
use crate::skip;

/// At the usual frequency of the CPU.
const CYCLES_PER_MICROSECOND: u64 = 80;

/// What makes one chip differ from another.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// Factory address, in the eFuse.
    pub mac: [u8; 6],
    /// Seed of the hardware's random numbers.
    pub seed: u64,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The limit is reached.
    Limit,
    /// The boot ROM's task loop has nothing to do, and [`Chip::stop_when_idle`] is set.
    Idle,
    /// The program counter stands at one of the owner's traps.
    Trap(u32),
    /// The program has executed `simcall`.
    Simcall,
    /// The chip was to be reset for this cause, and has been: it stands at the reset vector.
    Reset(ResetCause),
    /// The program has jumped to the reset vector, without a reset of the chip, and [`Chip::stop_at_restart`] is set.
    /// The registers are still the program's, and a later run goes on with the boot ROM's code. Devices keep their
    /// state, and the boot ROM says again why the hardware was last reset.
    Restarted,
    /// The chip sleeps until this moment; then [`Chip::reset`] wakes it up. Light sleep looks the same: to let the
    /// program go on, just run on. The vendor's start-up code sleeps so once.
    DeepSleep(Time),
    /// The flash has begun to erase or program, which lasts until this moment, and [`Chip::stop_at_flash`] is set. An
    /// owner that may cut the power in between runs the chip no further before it knows that it will not.
    FlashBegan(Time),
    /// The radio has begun to send a frame, and [`Chip::stop_at_transmission`] is set. An owner whose world answers
    /// runs the chip no further before it knows what it says.
    Transmitted,
    /// The instruction or ROM function at the program counter has touched the flash at this address while its cache is
    /// off.
    FlashOff(u32),
    /// The last instruction, or function of the boot ROM, has stored to this [watched](Memory::watch) address.
    Watched(u32),
    /// The boot ROM has begun to loop for ever, see [`Chip::spinning`], and [`Chip::stop_when_spinning`] is set. A
    /// later run goes on looping.
    Spinning(&'static str),
    /// The program counter stands in the boot ROM at a function that is not modelled; its name, or what it would do.
    NotModelled(&'static str),
    /// The program counter stands in the boot ROM where no function begins.
    NoRomFunction,
}

/// An ESP8266 and what it is connected to.
#[derive(Debug)]
pub struct Chip<O> {
    /// Core, memories and devices.
    pub core: Core<Peripherals<O>>,
    /// Whether a run ends where the boot ROM's task loop (`ets_run`) would wait for an interrupt. A later run goes on
    /// from there.
    pub stop_when_idle: bool,
    /// Whether loops that wait for a clock are passed over, which comes to the same, see `skip.rs`. Without, all
    /// their rounds are executed.
    pub skips_waiting: bool,
    /// Whether a run ends where the boot ROM begins to loop for ever.
    pub stop_when_spinning: bool,
    /// Whether a run ends when the flash has begun to erase or program.
    pub stop_at_flash: bool,
    /// Whether a run ends when the radio has begun to send a frame.
    pub stop_at_transmission: bool,
    /// Whether a run ends when the program jumps to the reset vector, as the vendor's SDK does to restart.
    pub stop_at_restart: bool,
    /// The core stands at the reset vector since a reset, or since the owner was told of a jump there.
    begins: bool,
    rom: rom::State,
    spinning: Option<&'static str>,
}

impl<O: Outside> Chip<O> {
    /// A chip to which power has just come, beside the flash that is outside.
    ///
    /// # Panics
    /// If the flash has an impossible size, see [`Memory::new`].
    pub fn new(configuration: Configuration, mut outside: O) -> Self {
        let Configuration { mac, seed } = configuration;
        let flash = outside.flash().map(|flash| flash.content()).unwrap_or_default();
        let mut memory = Memory::new(&flash);
        let bus = Peripherals::new(outside, mac, seed, &mut memory);
        Self {
            core: Core::new(memory, bus),
            stop_when_idle: false,
            skips_waiting: true,
            stop_when_spinning: false,
            stop_at_flash: false,
            stop_at_transmission: false,
            stop_at_restart: false,
            begins: true,
            rom: rom::State::default(),
            spinning: None,
        }
    }

    /// Resets the chip now. Memory keeps its content, cycles go on counting.
    pub fn reset(&mut self, cause: ResetCause) {
        let cycle = self.core.cpu.cycles;
        let semihosting = self.core.cpu.semihosting;
        self.core.cpu = Cpu::new();
        self.core.cpu.cycles = cycle;
        self.core.cpu.ccount_offset = (cycle as u32).wrapping_neg();
        self.core.cpu.timer_at = cycle + (1 << 32);
        self.core.cpu.semihosting = semihosting;
        self.core.bus.reset(cause, cycle, &mut self.core.memory);
        self.rom.reset();
        self.spinning = None;
        self.begins = true;
    }

    /// Puts the counters that run from power-on ahead, as if power had come `uptime` earlier: the microseconds of the
    /// MAC's block (32 bits, which wrap after 71 min 35 s), its TSF, the slow counter of the RTC, and CCOUNT at 80 MHz.
    /// What a program counts itself is in its memory, and begins anew. The next reset begins at 0 as ever; only the
    /// RTC's counter goes on.
    pub fn age(&mut self, uptime: Time) {
        let cycles = uptime.0 / Time::MICROSECOND.0 * CYCLES_PER_MICROSECOND;
        let cpu = &mut self.core.cpu;
        cpu.set_ccount(cpu.ccount().wrapping_add(cycles as u32));
        self.core.bus.age(uptime);
    }

    /// Sets the clocks as the vendor's start-up code does: PLL on, and the CPU at 160 instead of 80 MHz if `double`.
    pub fn start_pll(&mut self, double: bool) {
        let Core { cpu, memory, bus, .. } = &mut self.core;
        bus.start_pll(double, cpu.cycles, memory);
    }

    /// Lets the devices act on what has happened up to now, as they do before the next instruction.
    pub fn advance_devices(&mut self) {
        let Core { cpu, memory, bus, .. } = &mut self.core;
        bus.advance(cpu.cycles, memory);
    }

    /// Puts bytes into the transmit FIFO of UART `uart` (0 or 1) as a program does that looks whether there is room:
    /// while there is none, time passes.
    pub fn transmit(&mut self, uart: usize, bytes: &[u8]) {
        for &byte in bytes {
            while self.core.bus.unsent(uart) >= TRANSMIT_FIFO {
                self.pass_to_next_event();
            }
            let Core { cpu, memory, bus, .. } = &mut self.core;
            bus.transmit(uart, byte, cpu.cycles, memory);
        }
    }

    /// Lets time pass until the transmit FIFO of UART `uart` is empty, and its last byte on the line.
    pub fn drain(&mut self, uart: usize) {
        self.advance_devices();
        while self.core.bus.unsent(uart) > 0 {
            self.pass_to_next_event();
        }
    }

    /// Lets time pass, in which nothing is executed, until a device acts.
    fn pass_to_next_event(&mut self) {
        self.core.let_pass(self.core.bus.next_event());
        self.advance_devices();
    }

    /// Says that the [trap](Core::trap) at `address` stands for a C handler of LoadStoreError that does narrow accesses
    /// to instruction memory, as that of NONOS SDK 3 (`load_non_32_wide_handler`). What a function of the boot ROM
    /// reads and writes so is then done, as if the handler had run; for a program's own instructions the run stops at
    /// the trap.
    pub fn narrow_access_handler(&mut self, address: u32) {
        self.rom.narrow_access_handler = Some(address);
    }

    /// Does what the C handler of LoadStoreError in NONOS SDK 3 does (`load_non_32_wide_handler`), and returns from it:
    /// the chip stands at its beginning. `false` if the program's instruction is none that it can do; then nothing has
    /// changed.
    pub fn do_narrow_access(&mut self) -> bool {
        let Core { cpu, memory, .. } = &mut self.core;
        narrow::do_access(cpu, memory).is_some()
    }

    /// The moment up to which the chip has run.
    pub fn now(&self) -> Time {
        self.core.bus.now(self.core.cpu.cycles)
    }

    /// What the boot ROM loops in for ever, if it does; only an interrupt, the watchdog or the owner's reset ends it.
    pub fn spinning(&self) -> Option<&'static str> {
        self.spinning
    }

    /// Names of the boot ROM's functions that were answered instead of run as code, and how often.
    pub fn answered(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.rom.answered()
    }

    /// Runs up to this moment, or until something is for the owner to answer. The frequency may change on the way.
    pub fn run_until(&mut self, until: Time) -> Stop {
        while self.now() < until {
            // A slower clock on the way only makes the limit come early.
            let limit = self.core.bus.clock().cycle(until);
            match self.run(limit) {
                Stop::Limit => {}
                stop => return stop,
            }
        }
        Stop::Limit
    }

    /// Runs up to cycle `limit`, or until something is for the owner to answer.
    pub fn run(&mut self, limit: u64) -> Stop {
        self.core.suspicion.is_wanted = self.skips_waiting;
        loop {
            let pc = match self.core.run(limit) {
                CoreStop::Limit => return Stop::Limit,
                CoreStop::Simcall => return Stop::Simcall,
                CoreStop::FlashOff(address) => return Stop::FlashOff(address),
                CoreStop::Watched(address) => return Stop::Watched(address),
                CoreStop::Waits => {
                    skip::skip(&mut self.core, &mut self.rom, limit);
                    continue;
                }
                CoreStop::Device => match self.answer_request() {
                    Some(stop) => return stop,
                    None => continue,
                },
                CoreStop::Trap(pc) => pc,
            };
            if !rom::RANGE.contains(&pc) {
                return Stop::Trap(pc);
            }
            if self.stop_when_idle && rom::is_idle(pc) {
                return Stop::Idle;
            }
            if pc == RESET_VECTOR && !core::mem::take(&mut self.begins) && self.stop_at_restart {
                self.begins = true;
                return Stop::Restarted;
            }
            let Core { cpu, memory, bus, traps, .. } = &mut self.core;
            let entered = rom::enter(&mut self.rom, cpu, memory, bus, traps);
            let spinning = self.spinning.take();
            match entered {
                Entered::Returned | Entered::Done => {}
                Entered::Wait(until) => self.wait(until, limit),
                Entered::Spin(what) => {
                    self.spinning = Some(what);
                    if self.stop_when_spinning && spinning.is_none() {
                        return Stop::Spinning(what);
                    }
                    self.wait(u64::MAX, limit);
                }
                Entered::FlashOff(address) => return Stop::FlashOff(address),
                Entered::NotModelled(what) => return Stop::NotModelled(what),
                Entered::Nowhere => return Stop::NoRomFunction,
            }
            if self.rom.take_stop()
                && let Some(stop) = self.answer_request()
            {
                return stop;
            }
        }
    }

    /// Calls a function of the boot ROM that neither waits nor calls back, with these arguments, and returns its
    /// result. The registers that the caller of a function may lose are lost; the program counter stays.
    ///
    /// `None` if the function does not return: of what it was given it has raised an exception, or it stops with a
    /// message. Then the program goes on there, and returns, if ever, to the address in a0.
    pub fn call_rom(&mut self, function: u32, arguments: [u32; 4]) -> Option<u32> {
        let Core { cpu, memory, bus, traps, .. } = &mut self.core;
        let pc = cpu.pc;
        cpu.a[2..6].copy_from_slice(&arguments);
        cpu.pc = function;
        if rom::enter(&mut self.rom, cpu, memory, bus, traps) != Entered::Returned {
            return None;
        }
        cpu.pc = pc;
        Some(cpu.a[2])
    }

    /// Lets time pass in a function that waits, up to what may change something.
    fn wait(&mut self, until: u64, limit: u64) {
        let next = until.min(limit).min(self.core.cpu.timer_at).min(self.core.bus.next_event());
        self.core.let_pass(next);
    }

    fn answer_request(&mut self) -> Option<Stop> {
        match self.core.bus.take_request()? {
            Request::Reset(cause) => {
                self.reset(cause);
                Some(Stop::Reset(cause))
            }
            Request::DeepSleep(until) => Some(Stop::DeepSleep(until)),
            Request::FlashBegan(until) => self.stop_at_flash.then_some(Stop::FlashBegan(until)),
            Request::Transmitted => self.stop_at_transmission.then_some(Stop::Transmitted),
        }
    }
}
