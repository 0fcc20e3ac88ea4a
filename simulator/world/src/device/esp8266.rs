//! The ESP8266 target: the ESP-07's own image, instruction by instruction, on the emulated chip.
//!
//! The chip (crate `esp8266`) boots from its flash as silicon does. Boot ROM functions, registers and the program's
//! code run there. What the program calls of the vendor's SDK stops at a stub; the crate [`esp8266_sdk`] answers it at
//! function level, from the board's models and from what the world says of the radio (`sdk`). The vendor's tasks and
//! timers are the boot ROM's, so that interrupts and stacks are as on silicon.
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

pub mod contents;
mod crash;
mod flash;
mod gauges;
mod image;
mod outside;
pub mod probe;
mod restart;
mod sdk;
mod stops;
mod symbols;
#[cfg(test)]
mod tests;
mod whole;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use esp8266::chip::{Chip, Configuration, Stop};
use esp8266::peripherals::{ResetCause as ChipReset, Time};
use esp8266::registers::Registers;
use esp8266_sdk::{Expiry, Sdk, Start};
use rand_core::RngCore;

use super::port::Output;
use super::{Coverage, Port, Progress, Target, Wait};
use simulator_record::events::{BootCause, CrashReport, EventKind};
use simulator_record::time::Instant;

pub use super::port::BootMode;
pub use contents::{Contents, ContentsError, FlashPart, Programming, SettingsError};
pub use image::{Firmware, FirmwareError, Image, ImageError};
pub use whole::WholeImageTarget;

use gauges::Gauges;
use outside::Board;
use probe::Probe;

/// How far a run may go at once, for a program that feeds the watchdogs but never idles: then the world has its turn.
const LONGEST_RUN: Duration = Duration::from_secs(1);
/// How often a software watchdog that finds interrupts masked looks again.
const MASKED: Duration = Duration::from_millis(1);

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
    /// What is free of the program's memory.
    gauges: Gauges,
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
                let access = crash::not_modelled(&access, self.image.symbols());
                self.coverage.not_modelled.push(access.clone());
                self.port.put(running.now(), Output::Event(EventKind::NotModelled(access)));
            }
        }
    }
}

impl Target for Esp8266Target {
    fn start(&mut self, at: Instant, cause: BootCause) {
        let configuration =
            Configuration { mac: self.port.hardware_address, seed: self.port.random.borrow_mut().next_u64() };
        self.hardware_cause = match cause {
            BootCause::PowerOn => ChipReset::PowerOn,
            BootCause::External => ChipReset::External,
            BootCause::DeepSleep => ChipReset::DeepSleep,
            BootCause::Watchdog => ChipReset::Watchdog,
            BootCause::Software | BootCause::Exception | BootCause::SoftwareWatchdog => self.hardware_cause,
        };
        let mut chip = Chip::new(configuration, Board::new(Rc::clone(&self.port), at));
        chip.reset(self.hardware_cause);
        chip.stop_when_spinning = true;
        chip.stop_at_flash = true;
        let reason = esp8266_sdk::reset_reason(cause);
        let information = self.reset_information.take().filter(|information| information[0] == reason);
        let reset_information = information.unwrap_or([reason, 0, 0, 0, 0, 0, 0]);
        let uptime = self.port.uptime.take();
        chip.age(Time::from_nanoseconds(uptime.as_nanos() as u64));
        let sdk = Sdk::new(Start { at, uptime, reset_information }, |name| self.image.address_of(name));
        for address in sdk.addresses().into_iter().chain(self.image.address_of(HALT)) {
            chip.core.trap(address);
        }
        self.running = Some(Running {
            chip,
            sdk,
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
            gauges: Gauges::new(self.image.symbols(), at),
        });
    }

    fn run(&mut self, now: Instant) -> Progress {
        let running = self.running.as_mut().expect("the world runs started targets only");
        let wait = running.run(now, &self.image);
        let local = running.now().max(now);
        self.reset_information = running.reset_information.take().or(self.reset_information.take());
        if !running.halted {
            let now = running.now();
            running.gauges.tell(&running.chip.core.memory, now, &running.port);
        }
        self.tell_not_modelled();
        Progress { local, wait }
    }

    fn stop(&mut self) {
        self.coverage = self.coverage().unwrap_or_default();
        self.running = None;
    }

    fn watchdog_resets_at(&self) -> Instant {
        self.running.as_ref().expect("the world asks started targets only").sdk.hardware_watchdog_resets_at()
    }

    fn report(&self) -> Option<CrashReport> {
        let running = self.running.as_ref()?;
        let registers = Registers::now(&running.chip.core.cpu);
        Some(crash::report(&registers, &running.chip.core.memory, self.image.symbols(), false))
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
            self.sdk.flash_is_done(&mut self.chip, until);
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
            let bites_at = self.sdk.hardware_watchdog_resets_at();
            let expires = self.sdk.watchdog_due().max(masked_until);
            let flash_ends = Some(self.flash_ends).filter(|ends| *ends > now).unwrap_or(Instant::FAR_FUTURE);
            let limit = self.time(turn.min(bites_at).min(expires).min(flash_ends));
            let stop = match &self.probe {
                Some(probe) => probe.borrow_mut().run(&mut self.chip, limit),
                None => self.chip.run_until(limit),
            };
            if stop == Stop::Idle {
                if self.sdk.idles(&mut self.chip) {
                    continue;
                }
                let due = self.sdk.due(self.now());
                return Wait::Until(Some(self.next_event().map_or(due, |next| next.min(due))));
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
                } else if self.sdk.watchdog_expires(&mut self.chip) == Expiry::Reset {
                    return self.software_watchdog_reset(image);
                }
            }
            if local >= turn.min(flash_ends) {
                self.yielded = true;
                return Wait::Until(Some(local));
            }
        }
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
