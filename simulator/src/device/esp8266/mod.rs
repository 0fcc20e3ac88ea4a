//! The ESP8266 target: the ESP-07's own image, instruction by instruction, on the emulated chip.
//!
//! The chip (crate `esp8266`) boots from its flash as silicon does. Boot ROM functions, registers and the program's
//! code run there. What the program calls of the vendor's SDK stops at a stub; `sdk` answers it at function level, from
//! the board's models and from what the world says of the radio. The vendor's tasks and timers are the boot ROM's, so
//! that interrupts and stacks are as on silicon.
//!
//! A call of [`Target::run`] lets the idle chip catch up with the world, hands it what has come in, and runs it until
//! it idles again: ahead of the world if it computes for long. Only flash operations make it wait for the world,
//! because a power cut may tear them.
//!
//! A program that comes to grief ends as on silicon: an exception in the SDK's handler, which prints it and restarts
//! the chip; a program that does not return to the SDK in a watchdog's bite; and what silicon does not notice, such as
//! a stack that runs over its end, in whatever comes of it. What the registers and the stack tell is recorded when it
//! happens (`crash`).
//!
//! Not modelled: how long the radio keeps the core busy, the flash cache's misses, the vendor's memory and its
//! interrupts.

mod call;
mod crash;
mod flash;
mod image;
mod outside;
pub mod probe;
mod sdk;
#[cfg(test)]
mod tests;
mod traps;
mod watchdog;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use esp8266::chip::{Chip, Configuration, Stop};
use esp8266::peripherals::{ResetCause as ChipReset, Time};
use esp8266::registers::Registers;
use rand_core::RngCore;

use super::port::Output;
use super::{Coverage, Port, Progress, Target, Wait};
use crate::events::{self, BootCause, CrashReport, EventKind, WatchdogKind};
use crate::time::Instant;

pub use image::{Image, ImageError};

use call::Calls;
use outside::Board;
use probe::Probe;
use sdk::{Answer, Sdk};
use watchdog::Expiry;

/// How far a run may go at once, for a program that feeds the watchdogs but never idles: then the world has its turn.
const LONGEST_RUN: Duration = Duration::from_secs(1);
/// How often a software watchdog that finds interrupts masked looks again.
const MASKED: Duration = Duration::from_millis(1);
/// Cycles that a function of the SDK takes at least, so that a program that goes round and round through one gets
/// nowhere in the end.
const ANSWER: u64 = 20;
/// Cycles that the SDK's handler of narrow accesses takes, roughly, besides the boot ROM's wrapper around it.
const NARROW_ACCESS: u64 = 50;
/// How many bytes below a stack's end are watched.
const WATCHED: u32 = 256;
/// First address of data memory.
const DATA_MEMORY: u32 = 0x3FFE_8000;

/// An ESP-07's chip.
pub struct Esp8266Target {
    port: Rc<Port>,
    image: Arc<Image>,
    probe: Option<Rc<RefCell<Probe>>>,
    running: Option<Running>,
    /// Why the chip was last reset by its hardware: all that the boot ROM knows. The SDK restarts by a jump.
    hardware_cause: ChipReset,
    /// What the SDK has written down for its next start.
    reset_information: Option<[u32; 7]>,
    /// Of the starts that are over.
    coverage: Coverage,
    /// What has been told not to be modelled: address, and whether it was written.
    told: BTreeSet<(u32, bool)>,
}

/// A chip with power.
struct Running {
    chip: Chip<Board>,
    sdk: Sdk,
    calls: Calls,
    port: Rc<Port>,
    started: Instant,
    /// Until when the chip waits for its flash, in a function of the SDK.
    flash_busy: Option<Instant>,
    /// When the flash will have done what the program has commanded it; the chip runs no further ahead than that.
    flash_ends: Instant,
    probe: Option<Rc<RefCell<Probe>>>,
    /// It has computed for so long that the world had its turn in between.
    yielded: bool,
    /// It executes nothing more until a reset.
    halted: bool,
    /// A crash, and a stack's overflow, are told once for each start.
    crashed: bool,
    overflowed: bool,
    reset_information: Option<[u32; 7]>,
}

impl Esp8266Target {
    /// A chip with that image in its flash, on the board behind `port`.
    pub fn new(port: Rc<Port>, image: Arc<Image>) -> Self {
        flash::program(&port, &image);
        Self {
            port,
            image,
            probe: None,
            running: None,
            hardware_cause: ChipReset::PowerOn,
            reset_information: None,
            coverage: Coverage::default(),
            told: BTreeSet::new(),
        }
    }

    /// The same with a watch over what it costs.
    pub fn probed(port: Rc<Port>, image: Arc<Image>, probe: Rc<RefCell<Probe>>) -> Self {
        Self { probe: Some(probe), ..Self::new(port, image) }
    }

    /// Tells of accesses to what is not modelled, each once in the device's life.
    fn tell_not_modelled(&mut self) {
        let Some(running) = &mut self.running else { return };
        for access in running.chip.core.bus.take_reports() {
            if self.told.insert((access.address, access.is_write)) {
                let access = crash::not_modelled(&access, &self.image);
                self.coverage.not_modelled.push(access.clone());
                self.port.put(running.now(), Output::Event(EventKind::NotModelled(access)));
            }
        }
    }
}

/// Why the chip starts, as the SDK numbers it (`rst_reason`, ESP8266 Non-OS SDK API Reference, `system_get_rst_info`).
fn reset_reason(cause: BootCause) -> u32 {
    match cause {
        BootCause::PowerOn => 0,
        BootCause::Watchdog => 1,
        BootCause::Exception => 2,
        BootCause::SoftwareWatchdog => 3,
        BootCause::Software => 4,
        BootCause::External => 6,
    }
}

impl Target for Esp8266Target {
    fn start(&mut self, at: Instant, cause: BootCause) {
        let configuration =
            Configuration { mac: self.port.hardware_address, seed: self.port.random.borrow_mut().next_u64() };
        self.hardware_cause = match cause {
            BootCause::PowerOn => ChipReset::PowerOn,
            BootCause::External => ChipReset::External,
            BootCause::Watchdog => ChipReset::Watchdog,
            BootCause::Software | BootCause::Exception | BootCause::SoftwareWatchdog => self.hardware_cause,
        };
        let mut chip = Chip::new(configuration, Board::new(Rc::clone(&self.port), at));
        chip.reset(self.hardware_cause);
        chip.stop_when_spinning = true;
        chip.stop_at_flash = true;
        let reason = reset_reason(cause);
        let information = self.reset_information.take().filter(|information| information[0] == reason);
        let information = information.unwrap_or([reason, 0, 0, 0, 0, 0, 0]);
        let sdk = Sdk::new(Rc::clone(&self.port), &self.image, information, at);
        for address in sdk.addresses().into_iter().chain(traps::ALL).chain(self.image.address_of(HALT)) {
            chip.core.trap(address);
        }
        self.running = Some(Running {
            chip,
            sdk,
            calls: Calls::default(),
            port: Rc::clone(&self.port),
            started: at,
            flash_busy: None,
            flash_ends: at,
            probe: self.probe.clone(),
            yielded: false,
            halted: false,
            crashed: false,
            overflowed: false,
            reset_information: None,
        });
    }

    fn run(&mut self, now: Instant) -> Progress {
        let running = self.running.as_mut().expect("the world runs started targets only");
        let wait = running.run(now, &self.image);
        let local = running.now().max(now);
        self.reset_information = running.reset_information.take().or(self.reset_information.take());
        self.tell_not_modelled();
        Progress { local, wait }
    }

    fn stop(&mut self) {
        self.coverage = self.coverage().unwrap_or_default();
        self.running = None;
    }

    fn watchdog_resets_at(&self) -> Instant {
        self.running.as_ref().expect("the world asks started targets only").sdk.hardware_watchdog.resets_at()
    }

    fn report(&self) -> Option<CrashReport> {
        let running = self.running.as_ref()?;
        let registers = Registers::now(&running.chip.core.cpu);
        Some(crash::report(&registers, &running.chip.core.memory, &self.image, false))
    }

    fn coverage(&self) -> Option<Coverage> {
        let mut coverage = self.coverage.clone();
        if let Some(running) = &self.running {
            coverage.add(&Coverage {
                boot_rom: running.chip.answered().collect(),
                sdk: running.sdk.called().clone(),
                not_modelled: Vec::new(),
            });
        }
        Some(coverage)
    }
}

/// The function that the firmware ends in after a panic.
const HALT: &str = "cpu_halt";

impl Running {
    /// The chip's moment in the world.
    fn now(&self) -> Instant {
        self.started + Duration::from_nanos(self.chip.now().nanoseconds())
    }

    /// A moment of the world as the chip's.
    fn time(&self, at: Instant) -> Time {
        Time::from_nanoseconds(at.saturating_since(self.started).as_nanos() as u64)
    }

    fn run(&mut self, now: Instant, image: &Image) -> Wait {
        if self.halted {
            return Wait::Until(None);
        }
        self.chip.core.bus.outside.world_is_at(now);
        if let Some(until) = self.flash_busy {
            if until > now {
                return Wait::Until(Some(until));
            }
            self.flash_busy = None;
            self.sdk.finish_flash(&mut self.chip, until);
            self.pass_time(until);
            self.sdk.end_flash(&mut self.chip, 0);
        } else if self.now() < now {
            // Idle since the last run: nothing is due before the moment for which the world was asked to come back.
            self.chip.stop_when_idle = false;
            let stop = self.chip.run_until(self.time(now));
            if let Some(wait) = self.stopped(stop, image) {
                return wait;
            }
        }
        // The world may have something for a chip that waits for an interrupt.
        self.chip.core.cpu.waiting = false;
        self.chip.stop_when_idle = true;
        if let Some(probe) = &self.probe
            && !std::mem::take(&mut self.yielded)
        {
            probe.borrow_mut().begin(&self.chip);
        }
        let turn = self.now() + LONGEST_RUN;
        let mut masked_until = Instant::START;
        loop {
            let bites_at = self.sdk.hardware_watchdog.resets_at();
            let expires = self.sdk.watchdog.expires().max(masked_until);
            let flash_ends = Some(self.flash_ends).filter(|ends| *ends > now).unwrap_or(Instant::FAR_FUTURE);
            let limit = self.time(turn.min(bites_at).min(expires).min(flash_ends));
            let stop = match &self.probe {
                Some(probe) => probe.borrow_mut().run(&mut self.chip, limit),
                None => self.chip.run_until(limit),
            };
            if stop == Stop::Idle {
                // Idling, the SDK's task has had its turn.
                if self.now() >= self.sdk.watchdog.expires() {
                    self.sdk.watchdog_task_ran(self.now());
                }
                let now = self.now();
                self.sdk.start_stored_mode(&mut self.chip, now);
                // The SDK does not call a program that it has called already, even if that has gone to the task loop.
                if !self.calls.is_under_way()
                    && let Some(call) = self.sdk.next_call(&mut self.chip, now)
                {
                    self.calls.begin(&mut self.chip, call);
                    continue;
                }
                let next = self.next_event().unwrap_or(self.sdk.watchdog.expires());
                let next = self.sdk.next_sent().filter(|sent| *sent > now).map_or(next, |sent| next.min(sent));
                return Wait::Until(Some(next.min(self.sdk.watchdog.expires())));
            }
            if let Some(wait) = self.stopped(stop, image) {
                return wait;
            }
            let local = self.now();
            if stop != Stop::Limit {
                continue;
            }
            if local >= bites_at {
                // The world sees to the hardware watchdog.
                return Wait::Until(None);
            }
            if local >= expires {
                if self.chip.core.cpu.level() > 0 {
                    masked_until = local + MASKED;
                } else if self.sdk.watchdog.expire(local) == Expiry::Reset {
                    return self.software_watchdog_reset(image);
                } else {
                    self.sdk.post_watchdog_task(&mut self.chip);
                }
            }
            if local >= turn.min(flash_ends) {
                self.yielded = true;
                return Wait::Until(Some(local));
            }
        }
    }

    /// Lets time pass up to `until` without the core doing anything.
    fn pass_time(&mut self, until: Instant) {
        let cycle = self.chip.core.bus.clock().cycle(self.time(until));
        let cpu = &mut self.chip.core.cpu;
        cpu.cycles = cpu.cycles.max(cycle);
    }

    /// What a stop means; `None` if the chip can go on.
    fn stopped(&mut self, stop: Stop, image: &Image) -> Option<Wait> {
        if let Stop::Trap(_) = stop {
            self.chip.core.cpu.cycles += ANSWER;
        }
        match stop {
            Stop::Idle | Stop::Limit => None,
            Stop::Trap(traps::RETURN) => {
                let now = self.now();
                match self.calls.end(&mut self.chip) {
                    Some(result) => self.sdk.returned(&mut self.chip, now, result),
                    None => return Some(self.halt("jumped to where calls from the SDK return to", image)),
                }
                None
            }
            Stop::Trap(traps::CACHE_ANSWER) => match self.sdk.memory_asked(&mut self.chip) {
                true => None,
                false => Some(self.halt("jumped to where an answer to the SDK returns to", image)),
            },
            Stop::Trap(traps::PRE_INIT_RETURN) => {
                self.sdk.pre_initialised(&mut self.chip);
                None
            }
            Stop::Trap(traps::WATCHDOG_TASK) => {
                let now = self.now();
                self.sdk.watchdog_task_ran(now);
                self.sdk.answer(&mut self.chip, 0);
                None
            }
            Stop::Trap(traps::FATAL_EXCEPTION) => Some(self.fatal_exception(image)),
            Stop::Trap(traps::LOAD_STORE_ERROR) => {
                if self.chip.do_narrow_access() {
                    self.chip.core.cpu.cycles += NARROW_ACCESS;
                    return None;
                }
                let registers = Registers::in_handler(&self.chip.core.cpu, &self.chip.core.memory);
                self.crash(&crash::exception_in_words(&registers), &registers, image, true);
                // What the SDK's handler cannot make good ends in a breakpoint.
                Some(self.wait_for_the_watchdog())
            }
            Stop::Trap(address) if image.address_of(HALT) == Some(address) => Some(self.panicked(address, image)),
            Stop::Trap(address) => match self.enter(address) {
                Answer::Done => None,
                Answer::Started => {
                    self.watch_stacks(image);
                    None
                }
                Answer::Flash(until) => {
                    self.flash_busy = Some(until);
                    Some(Wait::Until(Some(until)))
                }
                Answer::FlashOff(address) => Some(self.touch_closed_flash(address, image)),
                Answer::Restart => Some(Wait::Restart("system_restart".to_owned())),
                Answer::Unknown => Some(self.halt("jumped to where the SDK has no function", image)),
            },
            Stop::FlashBegan(until) => {
                self.flash_ends = self.started + Duration::from_nanos(until.nanoseconds());
                None
            }
            Stop::Watched(address) => {
                self.overran(address, image);
                None
            }
            Stop::Spinning(what) => {
                let cpu = &self.chip.core.cpu;
                let is_exception = what == esp8266::rom::UNHANDLED_EXCEPTION;
                // Its vector has made its frame; others have not.
                let registers = match is_exception {
                    true => Registers::in_vector(cpu, &self.chip.core.memory),
                    false => Registers::now(cpu),
                };
                let words = if is_exception {
                    crash::exception_in_words(&registers)
                } else {
                    format!("the boot ROM loops for ever ({what})")
                };
                self.crash(&words, &registers, image, is_exception);
                None
            }
            Stop::Reset(ChipReset::Watchdog) => Some(Wait::Reset(BootCause::Watchdog)),
            Stop::Reset(_) => Some(Wait::Restart("reset by a register of the chip".to_owned())),
            Stop::DeepSleep(_) => Some(self.halt("went into deep sleep, which this board cannot wake from", image)),
            Stop::Simcall => Some(self.halt("executed simcall", image)),
            Stop::FlashOff(address) => Some(self.touch_closed_flash(address, image)),
            Stop::NotModelled(what) => {
                Some(self.halt(&format!("called {what} of the boot ROM, which is not modelled"), image))
            }
            Stop::NoRomFunction => Some(self.halt("jumped to where the boot ROM has no function", image)),
        }
    }

    /// The program has called the SDK's function at `address`.
    fn enter(&mut self, address: u32) -> Answer {
        if let Some(probe) = &self.probe {
            probe.borrow_mut().called(&mut self.chip, address);
        }
        self.sdk.enter(&mut self.chip, address, self.started)
    }

    /// From now on the stacks' lower ends are watched.
    fn watch_stacks(&mut self, image: &Image) {
        let below = |low: u32| low.saturating_sub(WATCHED).max(DATA_MEMORY)..low;
        let ranges = image.stacks().iter().map(|stack| below(stack.low)).filter(|range| !range.is_empty());
        self.chip.core.memory.watch(ranges.collect());
    }

    /// Something was stored below the end of a stack: by a program that has run over it?
    fn overran(&mut self, address: u32, image: &Image) {
        let registers = Registers::now(&self.chip.core.cpu);
        let Some(stack) = crash::overflowed(registers.a[1], image) else { return };
        if address >= stack.low || std::mem::replace(&mut self.overflowed, true) {
            return;
        }
        let into = image.place(address);
        let report = crash::report(&registers, &self.chip.core.memory, image, false);
        let place = crash::place(&report);
        self.tell(format!("{} overflows into {into} at {place}; nothing on the chip notices", stack.name), report);
    }

    /// The SDK's handler of exceptions: prints, writes down why for the next start, and restarts.
    fn fatal_exception(&mut self, image: &Image) -> Wait {
        let registers = Registers::in_handler(&self.chip.core.cpu, &self.chip.core.memory);
        self.crash(&crash::exception_in_words(&registers), &registers, image, true);
        let words = crash::vendors_words(&registers, &self.chip);
        // The SDK prints where interrupts are off, and waits for the FIFO.
        self.chip.transmit(0, words.as_bytes());
        self.chip.drain(0);
        let cause = BootCause::Exception;
        self.reset_information = Some(crash::reset_information(reset_reason(cause), &registers, &self.chip));
        Wait::Reset(cause)
    }

    /// The software watchdog resets the chip.
    fn software_watchdog_reset(&mut self, image: &Image) -> Wait {
        let cause = BootCause::SoftwareWatchdog;
        let registers = Registers::now(&self.chip.core.cpu);
        let report = crash::report(&registers, &self.chip.core.memory, image, false);
        let event =
            EventKind::Watchdog(events::Watchdog { which: WatchdogKind::Software, report: Some(Box::new(report)) });
        self.port.put(self.now(), Output::Event(event));
        self.reset_information = Some(crash::reset_information(reset_reason(cause), &registers, &self.chip));
        Wait::Reset(cause)
    }

    /// The firmware has panicked, and is about to mask interrupts and to loop until the watchdog bites.
    fn panicked(&mut self, address: u32, image: &Image) -> Wait {
        let registers = Registers::now(&self.chip.core.cpu);
        self.chip.core.untrap(address);
        // Its words are still on their way.
        self.chip.drain(0);
        let words = self.chip.core.bus.outside.take_panic().unwrap_or_else(|| "halted".to_owned());
        let report = crash::report(&registers, &self.chip.core.memory, image, false);
        self.tell(words, report);
        self.crashed = true;
        self.wait_for_the_watchdog()
    }

    /// Something that the core, or this emulation of it, does not go on from.
    fn halt(&mut self, what: &str, image: &Image) -> Wait {
        let registers = Registers::now(&self.chip.core.cpu);
        self.crash(what, &registers, image, false);
        self.wait_for_the_watchdog()
    }

    fn touch_closed_flash(&mut self, address: u32, image: &Image) -> Wait {
        self.halt(&format!("touched the flash at {address:#010x} while its cache is off"), image)
    }

    fn wait_for_the_watchdog(&mut self) -> Wait {
        self.halted = true;
        Wait::Until(None)
    }

    /// Tells of a crash, once for each start, with its place.
    fn crash(&mut self, what: &str, registers: &Registers, image: &Image, exception: bool) {
        if !std::mem::replace(&mut self.crashed, true) {
            let report = crash::report(registers, &self.chip.core.memory, image, exception);
            self.tell(format!("{what} at {}", crash::place(&report)), report);
        }
    }

    fn tell(&self, message: String, report: CrashReport) {
        let event = EventKind::Crash(events::Crash { message, report: Some(Box::new(report)) });
        self.port.put(self.now(), Output::Event(event));
    }

    /// When the idle chip will do something by itself.
    fn next_event(&self) -> Option<Instant> {
        use esp8266::bus::Bus;

        let next = self.chip.core.bus.next_event().min(self.chip.core.cpu.timer_at);
        (next != u64::MAX).then(|| {
            let at = self.chip.core.bus.now(next);
            self.started + Duration::from_nanos(at.nanoseconds() + 1)
        })
    }
}
