//! The ESP8266 target: the ESP-07's own image, instruction by instruction, on the emulated chip.
//!
//! The chip (crate `esp8266`) boots from its flash as silicon does. Boot ROM functions, registers and the program's code
//! run there. What the program calls of the vendor's SDK stops at a stub; `sdk` answers it at function level, from the
//! board's models and from what the world says of the radio. The vendor's tasks and timers are the boot ROM's, so that
//! interrupts and stacks are as on silicon.
//!
//! A call of [`Target::run`] lets the idle chip catch up with the world, hands it what has come in, and runs it until it
//! idles again: ahead of the world if it computes for long. Only flash operations make it wait for the world, because a
//! power cut may tear them.
//!
//! Not modelled: how long the radio keeps the core busy, the flash cache's misses, the vendor's memory and its interrupts.

mod call;
mod image;
mod outside;
pub mod probe;
mod sdk;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use esp8266::chip::{Chip, Configuration, Stop};
use esp8266::peripherals::{ResetCause as ChipReset, Time};
use firmware::board::ResetCause;
use rand_core::RngCore;

use super::{Port, Progress, Target, Wait};
use crate::time::Instant;

pub use image::{Image, ImageError};

use call::Calls;
use outside::Board;
use probe::Probe;
use sdk::{Answer, Sdk};

/// How far a run may go at once. The hardware watchdog bites long before, unless it is fed.
const LONGEST_RUN: Duration = Duration::from_secs(60);

/// An ESP-07's chip.
pub struct Esp8266Target {
    port: Rc<Port>,
    image: Arc<Image>,
    probe: Option<Rc<RefCell<Probe>>>,
    running: Option<Running>,
}

/// A chip with power.
struct Running {
    chip: Chip<Board>,
    sdk: Sdk,
    calls: Calls,
    started: Instant,
    /// Until when the chip waits for its flash.
    flash_busy: Option<Instant>,
    probe: Option<Rc<RefCell<Probe>>>,
}

impl Esp8266Target {
    /// A chip with that image in its flash, on the board behind `port`.
    pub fn new(port: Rc<Port>, image: Arc<Image>) -> Self {
        Self { port, image, probe: None, running: None }
    }

    /// The same with a watch over what it costs.
    pub fn probed(port: Rc<Port>, image: Arc<Image>, probe: Rc<RefCell<Probe>>) -> Self {
        Self { probe: Some(probe), ..Self::new(port, image) }
    }
}

impl Target for Esp8266Target {
    fn start(&mut self, at: Instant, cause: ResetCause) {
        self.port.watchdog_fed.set(at);
        let configuration = Configuration {
            flash: self.image.flash(),
            mac: self.port.hardware_address,
            seed: self.port.random.borrow_mut().next_u64(),
        };
        let mut chip = Chip::new(configuration, Board::new(Rc::clone(&self.port), at));
        chip.reset(match cause {
            ResetCause::PowerOn => ChipReset::PowerOn,
            ResetCause::External => ChipReset::External,
            ResetCause::Software => ChipReset::Software,
            ResetCause::Watchdog => ChipReset::Watchdog,
        });
        let sdk = Sdk::new(Rc::clone(&self.port), &self.image, cause);
        for address in sdk.addresses() {
            chip.core.trap(address);
        }
        chip.core.trap(call::RETURN);
        let probe = self.probe.clone();
        self.running = Some(Running { chip, sdk, calls: Calls::default(), started: at, flash_busy: None, probe });
    }

    fn run(&mut self, now: Instant) -> Progress {
        let running = self.running.as_mut().expect("the world runs started targets only");
        let wait = running.run(now, &self.image);
        Progress { local: running.now().max(now), wait }
    }

    fn stop(&mut self) {
        self.running = None;
    }
}

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
        if let Some(until) = self.flash_busy {
            if until > now {
                return Wait::Until(Some(until));
            }
            self.flash_busy = None;
            self.sdk.finish_flash(until);
            self.pass_time(until);
            self.sdk.answer(&mut self.chip, 0);
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
        if let Some(probe) = &self.probe {
            probe.borrow_mut().begin(&self.chip);
        }
        let limit = self.time(self.now() + LONGEST_RUN);
        loop {
            let stop = match &self.probe {
                Some(probe) => probe.borrow_mut().run(&mut self.chip, limit),
                None => self.chip.run_until(limit),
            };
            if stop == Stop::Idle {
                if let Some(call) = self.sdk.next_call(&mut self.chip) {
                    self.calls.begin(&mut self.chip, call);
                    continue;
                }
                return Wait::Until(self.next_event());
            }
            if let Some(wait) = self.stopped(stop, image) {
                return wait;
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
        match stop {
            Stop::Idle => None,
            Stop::Limit if self.now() >= self.sdk.starves_at() => Some(Wait::Until(Some(self.now()))),
            Stop::Limit => None,
            Stop::Trap(call::RETURN) => {
                let result = self.calls.end(&mut self.chip);
                self.sdk.returned(&mut self.chip, result);
                None
            }
            Stop::Trap(address) => match self.enter(address) {
                Answer::Done => None,
                Answer::Flash(until) => {
                    self.flash_busy = Some(until);
                    Some(Wait::Until(Some(until)))
                }
                Answer::Restart => Some(Wait::Restart("system_restart".to_owned())),
            },
            Stop::Reset(_) => Some(Wait::Restart("reset by a register of the chip".to_owned())),
            Stop::DeepSleep(_) => Some(self.crash("went into deep sleep, which this board cannot wake from", image)),
            Stop::Simcall => Some(self.crash("executed simcall", image)),
            Stop::FlashOff(address) => {
                Some(self.crash(&format!("touched the flash at {address:#010x} while its cache is off"), image))
            }
            Stop::NotModelled(what) => {
                Some(self.crash(&format!("called {what} of the boot ROM, which is not modelled"), image))
            }
            Stop::NoRomFunction => Some(self.crash("jumped to where the boot ROM has no function", image)),
        }
    }

    /// The program has called the SDK's function at `address`.
    fn enter(&mut self, address: u32) -> Answer {
        if let Some(probe) = &self.probe {
            probe.borrow_mut().called(&mut self.chip, address);
        }
        self.sdk.enter(&mut self.chip, address, self.started)
    }

    fn crash(&self, what: &str, image: &Image) -> Wait {
        let pc = self.chip.core.cpu.pc;
        let caller = self.chip.core.cpu.a[0];
        Wait::Crashed(format!("{what} (at {}, called from {})", image.place(pc), image.place(caller)))
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
