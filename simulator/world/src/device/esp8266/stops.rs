//! What it means that the chip has stopped: a function of the SDK to be answered, a crash to be told of, or its end.

use std::time::Duration;

use esp8266::chip::Stop;
use esp8266::peripherals::ResetCause as ChipReset;
use esp8266::registers::Registers;
use esp8266_sdk::{ANSWER, Answer};

use super::{HALT, Image, Running, crash};
use crate::device::Wait;
use crate::device::port::Output;
use simulator_record::events::{self, BootCause, CrashReport, EventKind, WatchdogKind};

impl Running {
    /// What a stop means; `None` if the chip can go on.
    pub(super) fn stopped(&mut self, stop: Stop, image: &Image) -> Option<Wait> {
        match stop {
            // Without being asked for, the chip does not stop when its radio sends or it restarts.
            Stop::Idle | Stop::Limit | Stop::Transmitted | Stop::Restarted => None,
            Stop::Trap(address) if image.address_of(HALT) == Some(address) => {
                self.chip.core.cpu.cycles += ANSWER;
                Some(self.panicked(address, image))
            }
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
                Answer::Exception => Some(self.fatal_exception(image)),
                Answer::BadAccess => {
                    let registers = Registers::in_handler(&self.chip.core.cpu, &self.chip.core.memory);
                    self.crash(&crash::exception_in_words(&registers), &registers, image, true);
                    Some(self.wait_for_the_watchdog())
                }
                Answer::Astray(what) => Some(self.halt(what, image)),
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

    /// The program has come to the SDK's `address`.
    fn enter(&mut self, address: u32) -> Answer {
        if let Some(probe) = &self.probe {
            probe.borrow_mut().called(&mut self.chip, address);
        }
        self.sdk.enter(&mut self.chip, address)
    }

    /// From now on the stacks' lower ends are watched.
    fn watch_stacks(&mut self, image: &Image) {
        self.chip.core.memory.watch(image.symbols().below_stacks());
    }

    /// Something was stored below the end of a stack: by a program that has run over it?
    fn overran(&mut self, address: u32, image: &Image) {
        let registers = Registers::now(&self.chip.core.cpu);
        if !self.overflowed
            && let Some((words, report)) = crash::overrun(&registers, &self.chip.core.memory, image.symbols(), address)
        {
            self.overflowed = true;
            self.tell(words, report);
        }
    }

    /// The SDK's handler of exceptions: prints, writes down why for the next start, and restarts.
    fn fatal_exception(&mut self, image: &Image) -> Wait {
        let registers = Registers::in_handler(&self.chip.core.cpu, &self.chip.core.memory);
        self.crash(&crash::exception_in_words(&registers), &registers, image, true);
        esp8266_sdk::print_exception(&mut self.chip, &registers);
        let cause = BootCause::Exception;
        self.reset_information = Some(esp8266_sdk::reset_information(cause, &registers, &self.chip));
        Wait::Reset(cause)
    }

    /// The software watchdog resets the chip.
    pub(super) fn software_watchdog_reset(&mut self, image: &Image) -> Wait {
        let cause = BootCause::SoftwareWatchdog;
        let registers = Registers::now(&self.chip.core.cpu);
        let report = crash::report(&registers, &self.chip.core.memory, image.symbols(), false);
        let event =
            EventKind::Watchdog(events::Watchdog { which: WatchdogKind::Software, report: Some(Box::new(report)) });
        self.port.put(self.now(), Output::Event(event));
        self.reset_information = Some(esp8266_sdk::reset_information(cause, &registers, &self.chip));
        Wait::Reset(cause)
    }

    /// The firmware has panicked, and is about to mask interrupts and to loop until the watchdog bites.
    fn panicked(&mut self, address: u32, image: &Image) -> Wait {
        let registers = Registers::now(&self.chip.core.cpu);
        self.chip.core.untrap(address);
        // Its words are still on their way.
        self.chip.drain(0);
        let words = self.chip.core.bus.outside.take_panic().unwrap_or_else(|| "halted".to_owned());
        let report = crash::report(&registers, &self.chip.core.memory, image.symbols(), false);
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
            let report = crash::report(registers, &self.chip.core.memory, image.symbols(), exception);
            self.tell(format!("{what} at {}", crash::place(&report)), report);
        }
    }

    fn tell(&self, message: String, report: CrashReport) {
        let event = EventKind::Crash(events::Crash { message, report: Some(Box::new(report)) });
        self.port.put(self.now(), Output::Event(event));
    }
}
