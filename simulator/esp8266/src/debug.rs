//! A chip as a debugger sees it: registers and memory are read and written, a run stops at breakpoints, and
//! instructions are executed one by one.
//!
//! Nothing here lets time pass but [`Debugger::step`] and [`Debugger::run_until`], and nothing touches a device: memory
//! is read as it is, whatever its attributes, and only RAM is written. [`Chip::arguments`] and
//! [`Chip::return_from_function`] are for an owner that answers functions of the program in their place.
//!
//! A program of four instructions, stopped at its third:
//!
//! ```
//! # use core::ops::Range;
//! # use esp8266::chip::Configuration;
//! # use esp8266::image::{Segment, flash};
//! # use esp8266::peripherals::{Drive, Pins, Radio, SerialOut, SpiBus};
//! # use esp8266::serial_flash::{FlashChip, PlainCells, SerialFlash};
//! # struct Board(SerialFlash<PlainCells>);
//! # impl Pins for Board {
//! #     fn levels(&mut self, _: u64) -> u32 {
//! #         1 << 0 | 1 << 2
//! #     }
//! #     fn drive(&mut self, _: u8, _: Drive, _: u64) {}
//! # }
//! # impl SpiBus for Board {
//! #     fn flash(&mut self) -> Option<&mut dyn FlashChip> {
//! #         Some(&mut self.0)
//! #     }
//! # }
//! # impl Radio for Board {}
//! # impl SerialOut for Board {
//! #     fn send(&mut self, _: u8, _: u8, _: Range<u64>) {}
//! # }
//! use esp8266::chip::{Chip, Stop};
//! use esp8266::peripherals::Time;
//!
//! // movi a2, 6; movi a3, 33; add a4, a2, a3; j .
//! let code = [0x22, 0xA0, 0x06, 0x32, 0xA0, 0x21, 0x30, 0x42, 0x80, 0x06, 0xFF, 0xFF];
//! # let segment = Segment { address: 0x4010_0000, bytes: code.to_vec() };
//! # let content = flash::pad_dump(&flash::emit(2, 0x20, 0x4010_0000, &[segment]))?;
//! # let board = Board(SerialFlash::new(PlainCells::new(content)));
//! # let mut chip = Chip::new(Configuration { mac: [0x18, 0xFE, 0x34, 1, 2, 3], seed: 1 }, board);
//! let mut debugger = chip.debug();
//! debugger.break_at(0x4010_0006);
//! assert_eq!(debugger.run_until(Time::from_milliseconds(100)), Stop::Trap(0x4010_0006));
//! assert_eq!(debugger.register("a3"), Some(33));
//!
//! debugger.set_register("a2", 9);
//! assert_eq!(debugger.step(), Stop::Limit);
//! assert_eq!((debugger.register("pc"), debugger.register("a4")), (Some(0x4010_0009), Some(42)));
//!
//! assert_eq!(debugger.memory(0x4010_0000, 3), [0x22, 0xA0, 0x06]);
//! assert!(debugger.write_memory(0x3FFE_8000, b"hello"));
//! assert!(!debugger.write_memory(0x4020_0000, b"the flash is not written so"));
//! # Ok::<(), esp8266::image::ImageError>(())
//! ```

use crate::chip::{Chip, Stop};
use crate::cpu::Cpu;
use crate::peripherals::{Outside, Time};
use crate::registers::Registers;

/// A chip in the hands of a debugger.
#[derive(Debug)]
pub struct Debugger<'c, O> {
    chip: &'c mut Chip<O>,
}

impl<O: Outside> Chip<O> {
    /// The chip as a debugger sees it.
    pub fn debug(&mut self) -> Debugger<'_, O> {
        Debugger { chip: self }
    }

    /// The first four arguments of the function at whose first instruction the program counter stands (a2 to a5; the
    /// calling convention without register windows).
    pub fn arguments(&self) -> [u32; 4] {
        let a = &self.core.cpu.a;
        [a[2], a[3], a[4], a[5]]
    }

    /// Returns from the function at whose first instruction the program counter stands, with this result.
    pub fn return_from_function(&mut self, result: u32) {
        let cpu = &mut self.core.cpu;
        cpu.a[2] = result;
        cpu.pc = cpu.a[0];
    }
}

impl<O: Outside> Debugger<'_, O> {
    /// All registers that tell where the program is.
    pub fn registers(&self) -> Registers {
        Registers::now(&self.chip.core.cpu)
    }

    /// A register by its name in the manual, as [`Registers::named`] has it; `None` if there is none of that name.
    pub fn register(&self, name: &str) -> Option<u32> {
        self.registers().named().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Writes a register. Returns whether there is one of that name.
    pub fn set_register(&mut self, name: &str, value: u32) -> bool {
        let register = register(&mut self.chip.core.cpu, name);
        register.map(|register| *register = value).is_some()
    }

    /// Up to `length` bytes of memory from `address` on: fewer if it ends, none if there is none. Registers of devices
    /// are no memory.
    pub fn memory(&self, address: u32, length: usize) -> Vec<u8> {
        self.chip.core.memory.peek(address, length)
    }

    /// Writes RAM. Returns whether all of it is RAM; otherwise what lies before the first byte that is not is written.
    pub fn write_memory(&mut self, address: u32, bytes: &[u8]) -> bool {
        self.chip.core.memory.poke(address, bytes)
    }

    /// Makes each run stop before the instruction at `address`, until [`remove_break`](Self::remove_break).
    pub fn break_at(&mut self, address: u32) {
        self.chip.core.trap(address);
    }

    /// Takes a breakpoint away.
    pub fn remove_break(&mut self, address: u32) {
        self.chip.core.untrap(address);
    }

    /// Executes the instruction at the program counter, also at a breakpoint; a function of the boot ROM counts as one.
    /// [`Stop::Limit`] if nothing else is to be told of it.
    pub fn step(&mut self) -> Stop {
        let core = &mut self.chip.core;
        let (here, next) = (core.cpu.pc, core.cpu.cycles + 1);
        let is_breakpoint = core.traps.contains(&here);
        if is_breakpoint {
            core.untrap(here);
        }
        let stop = self.chip.run(next);
        if is_breakpoint {
            self.chip.core.trap(here);
        }
        stop
    }

    /// Runs to the next breakpoint, up to this moment of the chip's time, or until something is for the owner to
    /// answer. A breakpoint at which the program stands already is passed.
    pub fn run_until(&mut self, until: Time) -> Stop {
        match self.step() {
            Stop::Limit => self.chip.run_until(until),
            stop => stop,
        }
    }
}

/// A register by its name.
fn register<'c>(cpu: &'c mut Cpu, name: &str) -> Option<&'c mut u32> {
    Some(match name {
        "pc" => &mut cpu.pc,
        "ps" => &mut cpu.ps,
        "sar" => &mut cpu.sar,
        "epc1" => &mut cpu.epc[0],
        "exccause" => &mut cpu.exccause,
        "excvaddr" => &mut cpu.excvaddr,
        _ => cpu.a.get_mut(name.strip_prefix('a')?.parse::<usize>().ok()?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_register_that_is_listed_can_be_written() {
        let mut cpu = Cpu::new();
        let names: Vec<&str> = Registers::now(&cpu).named().map(|(name, _)| name).collect();
        for (value, name) in (100..).zip(&names) {
            *register(&mut cpu, name).unwrap() = value;
        }
        let written: Vec<(&str, u32)> = Registers::now(&cpu).named().collect();
        assert_eq!(written, names.into_iter().zip(100..).collect::<Vec<_>>());
        for unknown in ["a16", "b0", "a"] {
            assert_eq!(register(&mut cpu, unknown), None, "{unknown}");
        }
    }
}
