//! A whole image on the emulated chip: all of its code runs, the vendor's radio driver included.
//!
//! Nothing is answered but the boot ROM's functions. The chip stands on the board's models and in the air like any
//! other; it never runs further than to where the world may have something for it, and stops when its radio sends, so
//! that access points answer in time. A reset keeps what silicon keeps: the chip's memory and the RTC's. Only power
//! that goes away takes them.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use esp8266::chip::{Chip, Configuration, Stop};
use esp8266::peripherals::{Heard, ResetCause, Time};
use esp8266::registers::Registers;
use rand_core::RngCore;

use super::gauges::Gauges;
use super::outside::Board;
use super::symbols::Symbols;
use super::{Contents, LONGEST_RUN, crash, restart};
use crate::air::RadioFrame;
use crate::device::port::Output;
use crate::device::{Coverage, Port, Progress, Target, Wait};
use simulator_parts::SerialByte;
use simulator_record::events::{self, BootCause, EventKind, WatchdogKind};
use simulator_record::time::Instant;

/// How far a run goes in any case: nothing that happens at the same moment reaches the chip sooner. No frame is as
/// short; the shortest takes 30 us. Where several chips run whole, each waits for the other after as long.
const SHORTEST_RUN: Duration = Duration::from_micros(25);

/// In the first byte of an address: it is no manufacturer's. By that the chip's access point differs from its station.
const LOCAL: u8 = 0x02;

/// A chip with a whole image in its flash.
pub struct WholeImageTarget {
    port: Rc<Port>,
    contents: Arc<Contents>,
    running: Option<Running>,
    coverage: Coverage,
    /// What has been told not to be modelled: address, and whether it was written.
    told: BTreeSet<(u32, bool)>,
}

/// A chip with power.
struct Running {
    chip: Chip<Board>,
    port: Rc<Port>,
    started: Instant,
    /// When the flash will have done what the program has commanded it.
    flash_ends: Instant,
    /// Frames for the chip that it has been handed for the present run.
    expected: Vec<RadioFrame>,
    /// The end of deep sleep.
    wakes: Option<Instant>,
    /// It executes nothing more until a reset.
    halted: bool,
    /// A stack's overflow has been told of this start.
    overflowed: bool,
    /// What is free of the program's memory.
    gauges: Gauges,
}

impl WholeImageTarget {
    /// A chip with that in its flash, on the board behind `port`.
    pub fn new(port: Rc<Port>, contents: &Arc<Contents>) -> Self {
        contents.program(&port);
        Self {
            port,
            contents: Arc::clone(contents),
            running: None,
            coverage: Coverage::default(),
            told: BTreeSet::new(),
        }
    }

    fn tell_not_modelled(&mut self) {
        let Some(running) = &mut self.running else { return };
        for access in running.chip.core.bus.take_reports() {
            if self.told.insert((access.address, access.is_write)) {
                let access = crash::not_modelled(&access, self.contents.symbols());
                self.coverage.not_modelled.push(access.clone());
                self.port.put(running.now(), Output::Event(EventKind::NotModelled(access)));
            }
        }
    }
}

/// Why the chip's hardware starts.
fn hardware_cause(cause: BootCause) -> ResetCause {
    match cause {
        BootCause::PowerOn => ResetCause::PowerOn,
        BootCause::External => ResetCause::External,
        BootCause::DeepSleep => ResetCause::DeepSleep,
        BootCause::Watchdog => ResetCause::Watchdog,
        BootCause::Software | BootCause::Exception | BootCause::SoftwareWatchdog => ResetCause::Software,
    }
}

impl Target for WholeImageTarget {
    fn start(&mut self, at: Instant, cause: BootCause) {
        if cause == BootCause::PowerOn {
            self.running = None;
        }
        let running = self.running.get_or_insert_with(|| {
            let configuration =
                Configuration { mac: self.port.hardware_address, seed: self.port.random.borrow_mut().next_u64() };
            let mut chip = Chip::new(configuration, Board::new(Rc::clone(&self.port), at));
            chip.stop_when_spinning = true;
            chip.stop_at_flash = true;
            chip.stop_at_transmission = true;
            chip.stop_at_restart = true;
            chip.core.memory.watch(self.contents.symbols().below_stacks());
            let port = Rc::clone(&self.port);
            Running {
                chip,
                port,
                started: at,
                flash_ends: at,
                expected: Vec::new(),
                wakes: None,
                halted: false,
                overflowed: false,
                gauges: Gauges::default(),
            }
        });
        running.pass_time(at);
        running.chip.reset(hardware_cause(cause));
        running.chip.age(Time::from_nanoseconds(self.port.uptime.take().as_nanos() as u64));
        (running.flash_ends, running.wakes, running.halted) = (at, None, false);
        running.overflowed = false;
        running.gauges = Gauges::new(self.contents.symbols(), at);
    }

    fn run(&mut self, now: Instant) -> Progress {
        let running = self.running.as_mut().expect("the world runs started targets only");
        let wait = running.run(now, self.contents.symbols());
        running.tell_missed(now);
        if !running.halted && running.wakes.is_none() {
            let now = running.now();
            running.gauges.tell(&running.chip.core.memory, now, &running.port);
        }
        let local = running.now().max(now);
        self.tell_not_modelled();
        Progress { local, wait }
    }

    /// The chip keeps its memory: whether power goes away shows when it starts again.
    fn stop(&mut self) {
        if let Some(running) = &mut self.running {
            running.halted = true;
        }
    }

    /// The chip's own watchdog resets it.
    fn watchdog_resets_at(&self) -> Instant {
        Instant::FAR_FUTURE
    }

    fn drives_radio(&self) -> bool {
        true
    }

    fn listens(&self) -> bool {
        self.running.as_ref().is_some_and(|running| !running.halted && running.wakes.is_none())
    }

    fn coverage(&self) -> Option<Coverage> {
        let mut coverage = self.coverage.clone();
        if let Some(running) = &self.running {
            coverage.add(&Coverage { boot_rom: running.chip.answered().collect(), ..Coverage::default() });
        }
        Some(coverage)
    }
}

impl Running {
    /// The chip's moment in the world.
    fn now(&self) -> Instant {
        self.started + Duration::from_nanos(self.chip.now().nanoseconds())
    }

    fn nanoseconds(&self, at: Instant) -> u64 {
        at.saturating_since(self.started).as_nanos() as u64
    }

    /// Lets time pass up to `until` without the core doing anything.
    fn pass_time(&mut self, until: Instant) {
        let cycle = self.chip.core.bus.clock().cycle(Time::from_nanoseconds(self.nanoseconds(until)));
        let cpu = &mut self.chip.core.cpu;
        cpu.cycles = cpu.cycles.max(cycle);
    }

    /// Hands the chip what has come in.
    fn take_in(&mut self) {
        let port = Rc::clone(&self.port);
        let heard: Vec<_> = port.antenna.borrow_mut().heard.drain(..).collect();
        for (at, signal, frame) in heard {
            if self.is_for_this(&frame) {
                self.expected.push(frame.clone());
            }
            self.chip.core.bus.hear(Heard {
                at: self.nanoseconds(at),
                channel: frame.channel,
                rate: frame.rate.code(),
                signal,
                frame: frame.bytes.to_vec(),
            });
        }
        let answers = port.conversation.borrow_mut().take_typed(self.now());
        for SerialByte { at, byte, bit } in port.typed.borrow_mut().drain(..).chain(answers) {
            let at = self.nanoseconds(at);
            match bit {
                Some(bit) => self.chip.core.bus.receive_at_rate(0, byte, bit.as_nanos() as u64, at),
                None => self.chip.core.bus.receive(0, byte, at),
            }
        }
    }

    /// Whether a frame is for one of the chip's two interfaces.
    fn is_for_this(&self, frame: &RadioFrame) -> bool {
        let mut access_point = self.port.hardware_address;
        access_point[0] |= LOCAL;
        let receiver = frame.bytes.get(4..10);
        receiver == Some(&self.port.hardware_address) || receiver == Some(&access_point)
    }

    /// Tells the world of the frames that the chip has heard at `now` and not acknowledged.
    fn tell_missed(&mut self, now: Instant) {
        let mut acknowledges = std::mem::take(&mut self.port.antenna.borrow_mut().acknowledges);
        for frame in self.expected.drain(..) {
            let transmitter = frame.bytes.get(10..16);
            match acknowledges.iter().position(|receiver| transmitter == Some(&receiver[..])) {
                Some(place) => drop(acknowledges.remove(place)),
                None => self.port.put(now, Output::Missed(frame)),
            }
        }
    }

    fn run(&mut self, now: Instant, symbols: &Symbols) -> Wait {
        if self.halted {
            return Wait::Until(None);
        }
        if let Some(wakes) = self.wakes {
            return if wakes <= now { Wait::Reset(BootCause::DeepSleep) } else { Wait::Until(Some(wakes)) };
        }
        self.chip.core.bus.outside.world_is_at(now);
        self.take_in();
        let horizon = self.port.horizon.get().max(now + SHORTEST_RUN).min(now + LONGEST_RUN);
        loop {
            let flash_ends = Some(self.flash_ends).filter(|ends| *ends > now).unwrap_or(Instant::FAR_FUTURE);
            let limit = horizon.min(flash_ends);
            let stop = self.chip.run_until(Time::from_nanoseconds(self.nanoseconds(limit)));
            match self.stopped(stop, symbols) {
                Some(wait) => return wait,
                None if self.now() >= limit => return Wait::Until(Some(self.now())),
                None => {}
            }
        }
    }

    /// What a stop means; `None` if the chip can go on.
    fn stopped(&mut self, stop: Stop, symbols: &Symbols) -> Option<Wait> {
        match stop {
            Stop::Limit | Stop::Idle => None,
            Stop::Watched(address) => {
                self.overran(address, symbols);
                None
            }
            Stop::Transmitted => Some(Wait::Until(Some(self.now()))),
            Stop::FlashBegan(until) => {
                self.flash_ends = self.started + Duration::from_nanos(until.nanoseconds());
                None
            }
            Stop::Restarted => {
                self.overflowed = false;
                let (cause, event) = restart::cause(&self.chip, symbols);
                let at = self.now();
                self.gauges = Gauges::new(symbols, at);
                self.port.put(at, Output::Restarted { cause, event: event.map(Box::new) });
                Some(Wait::Until(Some(at)))
            }
            Stop::Reset(ResetCause::Watchdog) => {
                let bite = events::Watchdog { which: WatchdogKind::Hardware, report: None };
                self.port.put(self.now(), Output::Event(bite.into()));
                Some(Wait::Reset(BootCause::Watchdog))
            }
            Stop::Reset(_) => Some(Wait::Restart("reset by a register of the chip".to_owned())),
            Stop::DeepSleep(until) => {
                let wakes = self.started + Duration::from_nanos(until.nanoseconds());
                self.wakes = Some(wakes);
                self.port.put(self.now(), Output::RadioOff);
                Some(Wait::Until((until != Time::NEVER).then_some(wakes)))
            }
            Stop::Spinning(what) => {
                self.tell(format!("the boot ROM loops for ever ({what})"));
                None
            }
            Stop::Trap(pc) => Some(self.halt(format!("stopped at a trap that nobody has set, {pc:#010x}"))),
            Stop::Simcall => Some(self.halt("executed simcall".to_owned())),
            Stop::FlashOff(address) => Some(self.halt(format!("touched the flash at {address:#010x} while it is off"))),
            Stop::NotModelled(what) => Some(self.halt(format!("called {what} of the boot ROM, which is not modelled"))),
            Stop::NoRomFunction => Some(self.halt("jumped to where the boot ROM has no function".to_owned())),
        }
    }

    /// Something was stored below the end of a stack.
    fn overran(&mut self, address: u32, symbols: &Symbols) {
        let registers = Registers::now(&self.chip.core.cpu);
        let overrun = crash::overrun(&registers, &self.chip.core.memory, symbols, address);
        if let Some((message, report)) = overrun.filter(|_| !self.overflowed) {
            self.overflowed = true;
            let crash = events::Crash { message, report: Some(Box::new(report)) };
            self.port.put(self.now(), Output::Event(crash.into()));
        }
    }

    fn tell(&mut self, message: String) {
        let pc = self.chip.core.cpu.pc;
        let crash = events::Crash { message: format!("{message}, at {pc:#010x}"), report: None };
        self.port.put(self.now(), Output::Event(crash.into()));
    }

    /// The chip does nothing more until a reset.
    fn halt(&mut self, message: String) -> Wait {
        self.tell(message);
        self.halted = true;
        Wait::Hung
    }
}
