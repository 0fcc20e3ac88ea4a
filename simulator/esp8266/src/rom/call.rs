//! What a boot ROM function sees of the chip: its arguments, memory as a program sees it, and devices at their
//! addresses.
//!
//! Functions use the core's calling convention (call0): arguments in a2 to a7 and then on the stack, 64-bit ones in an
//! even and the following odd register, results in a2 (and a3), the return address in a0; a12 to a15 and a1 survive.
//! They touch memory in the widths in which the ROM's code does, so that what it may not touch raises an exception as
//! on silicon.
//!
//! Time: a function charges the cycles that its code would take, roughly. Where the ROM spins, the function returns
//! [`Flow::Wait`] and is entered again when something may have changed; interrupts are taken meanwhile. What it must
//! remember then stands in registers or on the program's stack, as it would on silicon.

use std::collections::BTreeSet;

use super::noted::Accesses;
use super::state::State;
use crate::bus::{Bus, Context, Width};
use crate::cpu::{Cause, Cpu, Exception};
use crate::memory::{Memory, Miss};

/// No function accesses memory and devices so often from its entry to its end or to where it waits: the most that a
/// sensible program could ask for is a digest of the whole flash window.
const MOST_ACCESSES: u32 = 1 << 23;

/// How a function goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To the return address.
    Return,
    /// To this address.
    Jump(u32),
    /// Where it is, when the core's cycle counter has got to this value, a device acts or an interrupt has been served.
    Wait(u64),
}

/// Why a function did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It raises an exception, at this address if it is not the function's own.
    Exception(Exception, Option<u32>),
    /// It has raised an exception, and the program's handler has taken over: the core stands where that goes on.
    HandedOver,
    /// It touches the flash window at this address while the cache is off.
    FlashOff(u32),
    /// The ROM goes into an endless loop.
    Spin(&'static str),
    /// It would not come to an end by itself, or only after minutes.
    Endless,
    /// What the function does is beyond this model.
    NotModelled(&'static str),
    /// It is not run but only noted, and an access of it cannot be.
    NotNoted,
}

/// One call of a function.
pub struct Call<'a> {
    /// The registers.
    pub cpu: &'a mut Cpu,
    /// The memories.
    pub memory: &'a mut Memory,
    /// The devices.
    pub bus: &'a mut dyn Bus,
    /// What the ROM's functions remember outside of the chip's memory.
    pub state: &'a mut State,
    /// Where the owner of the chip answers in the place of code.
    pub traps: &'a BTreeSet<u32>,
    /// Where the function was entered.
    pub entry: u32,
    /// How often it has accessed memory and devices.
    pub(super) accesses: u32,
    /// What its accesses go to in the place of memory and devices, if it is not run but only noted.
    pub(super) noted: Option<&'a mut dyn Accesses>,
}

impl Call<'_> {
    /// Argument register `index`, from 0: a2 and up.
    pub fn argument(&self, index: usize) -> u32 {
        self.cpu.a[2 + index]
    }

    /// The 64-bit argument in registers `index` and the next.
    pub fn argument64(&self, index: usize) -> u64 {
        u64::from(self.cpu.a[2 + index]) | u64::from(self.cpu.a[3 + index]) << 32
    }

    /// Ends the function with a result.
    pub fn returns(&mut self, value: u32) -> Result<Flow, Trouble> {
        self.cpu.a[2] = value;
        Ok(Flow::Return)
    }

    /// Ends the function with a 64-bit result.
    pub fn returns64(&mut self, value: u64) -> Result<Flow, Trouble> {
        self.cpu.a[2] = value as u32;
        self.cpu.a[3] = (value >> 32) as u32;
        Ok(Flow::Return)
    }

    /// Goes to a function of the program (or the ROM) that returns to `back`.
    pub fn calls(&mut self, function: u32, back: u32) -> Result<Flow, Trouble> {
        self.cpu.a[0] = back;
        Ok(Flow::Jump(function))
    }

    /// Charges cycles.
    pub fn spend(&mut self, cycles: u64) {
        self.cpu.cycles += cycles;
    }

    /// Reads memory or a device as an instruction of this width would.
    ///
    /// # Errors
    /// What that instruction would raise.
    pub fn load(&mut self, address: u32, width: Width) -> Result<u32, Trouble> {
        self.count_access()?;
        if let Some(accesses) = &mut self.noted {
            return accesses.load(self.memory, address, width, self.entry, self.cpu.cycles).ok_or(Trouble::NotNoted);
        }
        match self.memory.load(address, width) {
            Ok(value) => Ok(value),
            Err(Miss::Device) => {
                let mut context = Context { memory: self.memory, cycle: self.cpu.cycles, pc: self.entry };
                let value = self.bus.read(address, width, &mut context);
                self.after_device();
                value.map(|value| value & width.mask()).map_err(|_| no_answer(address))
            }
            Err(Miss::Exception(exception)) => {
                let value = self.refused(exception, address, width, None)?;
                value.ok_or(Trouble::Exception(exception, None))
            }
            Err(Miss::FlashOff) => Err(Trouble::FlashOff(address)),
        }
    }

    /// Writes memory or a device as an instruction of this width would.
    ///
    /// # Errors
    /// What that instruction would raise.
    pub fn store(&mut self, address: u32, width: Width, value: u32) -> Result<(), Trouble> {
        self.count_access()?;
        if let Some(accesses) = &mut self.noted {
            let (value, cycle) = (value & width.mask(), self.cpu.cycles);
            return accesses.store(self.memory, address, width, value, self.entry, cycle).ok_or(Trouble::NotNoted);
        }
        match self.memory.store(address, width, value & width.mask()) {
            Ok(()) => Ok(()),
            Err(Miss::Device) => {
                let mut context = Context { memory: self.memory, cycle: self.cpu.cycles, pc: self.entry };
                let done = self.bus.write(address, width, value & width.mask(), &mut context);
                self.after_device();
                done.map_err(|_| no_answer(address))
            }
            Err(Miss::Exception(exception)) => {
                let done = self.refused(exception, address, width, Some(value))?;
                done.map(|_| ()).ok_or(Trouble::Exception(exception, None))
            }
            Err(Miss::FlashOff) => Err(Trouble::FlashOff(address)),
        }
    }

    /// Ends a function that would not come to an end by itself, or only after minutes: it got a list that leads back
    /// into itself, or a length out of nowhere. Silicon waits for the watchdog then.
    fn count_access(&mut self) -> Result<(), Trouble> {
        self.count_accesses(1)
    }

    pub(super) fn count_accesses(&mut self, more: u32) -> Result<(), Trouble> {
        self.accesses += more;
        if self.accesses > MOST_ACCESSES { Err(Trouble::Endless) } else { Ok(()) }
    }

    /// Reads a word.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn word(&mut self, address: u32) -> Result<u32, Trouble> {
        self.load(address, Width::Word)
    }

    /// Reads a byte.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn byte(&mut self, address: u32) -> Result<u8, Trouble> {
        Ok(self.load(address, Width::Byte)? as u8)
    }

    /// Writes a word.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn set_word(&mut self, address: u32, value: u32) -> Result<(), Trouble> {
        self.store(address, Width::Word, value)
    }

    /// Writes a byte.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn set_byte(&mut self, address: u32, value: u8) -> Result<(), Trouble> {
        self.store(address, Width::Byte, u32::from(value))
    }

    /// Clears and sets bits of a word, usually of a register.
    ///
    /// # Errors
    /// As [`load`](Self::load) and [`store`](Self::store).
    pub fn modify(&mut self, address: u32, clear: u32, set: u32) -> Result<(), Trouble> {
        let value = self.word(address)?;
        self.set_word(address, value & !clear | set)
    }

    /// Reads a string that ends with a zero, byte by byte. At most 64 KiB of it.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn string(&mut self, address: u32) -> Result<Vec<u8>, Trouble> {
        let mut bytes = Vec::new();
        while bytes.len() < 0x1_0000 {
            match self.byte(address.wrapping_add(bytes.len() as u32))? {
                0 => break,
                byte => bytes.push(byte),
            }
        }
        Ok(bytes)
    }

    /// Argument `index`, from 0, of those that are on the stack.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(super) fn stacked(&mut self, index: u32) -> Result<u32, Trouble> {
        self.word(self.cpu.a[1].wrapping_add(4 * index))
    }

    /// Reads bytes as the ROM's `memcpy` does: by words, wherever they begin, and one by one what is left of the last.
    /// So whole words can be read of instruction memory.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(super) fn bytes(&mut self, address: u32, length: u32) -> Result<Vec<u8>, Trouble> {
        let (whole, shift) = (length & !3, 8 * (address & 3));
        let mut bytes = Vec::new();
        for offset in (0..whole).step_by(4) {
            let at = address.wrapping_add(offset) & !3;
            let mut word = self.word(at)? >> shift;
            if shift > 0 {
                word |= self.word(at.wrapping_add(4))? << (32 - shift);
            }
            bytes.extend(word.to_le_bytes());
        }
        for offset in whole..length {
            bytes.push(self.byte(address.wrapping_add(offset))?);
        }
        Ok(bytes)
    }

    /// Reads so many bytes as the array has, one by one.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(super) fn block<const N: usize>(&mut self, address: u32) -> Result<[u8; N], Trouble> {
        let mut bytes = [0; N];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = self.byte(address.wrapping_add(index as u32))?;
        }
        Ok(bytes)
    }

    /// Writes bytes, one by one.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub(super) fn set_bytes(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trouble> {
        for (index, byte) in bytes.iter().enumerate() {
            self.set_byte(address.wrapping_add(index as u32), *byte)?;
        }
        Ok(())
    }

    /// Reads `number` pieces, whose addresses and lengths stand in two lists.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(super) fn pieces(&mut self, number: u32, addresses: u32, lengths: u32) -> Result<Vec<Vec<u8>>, Trouble> {
        let mut pieces = Vec::new();
        for index in 0..number {
            let address = self.word(addresses.wrapping_add(4 * index))?;
            let length = self.word(lengths.wrapping_add(4 * index))?;
            pieces.push(self.bytes(address, length)?);
        }
        Ok(pieces)
    }

    /// Waits for `cycles` at most.
    pub fn wait(&self, cycles: u64) -> Result<Flow, Trouble> {
        Ok(Flow::Wait(self.cpu.cycles + cycles))
    }

    /// Enters a stack frame of `size` bytes that holds a0 at its beginning and then a12, a13, …, `saved` of them.
    pub(super) fn enter(&mut self, size: u32, saved: u32) -> Result<(), Trouble> {
        let frame = self.cpu.a[1].wrapping_sub(size);
        self.set_word(frame, self.cpu.a[0])?;
        for index in 0..saved {
            self.set_word(frame.wrapping_add(4 + 4 * index), self.cpu.a[12 + index as usize])?;
        }
        self.cpu.a[1] = frame;
        Ok(())
    }

    /// Leaves a frame made by [`enter`](Self::enter).
    pub(super) fn leave(&mut self, size: u32, saved: u32) -> Result<Flow, Trouble> {
        let frame = self.cpu.a[1];
        self.cpu.a[0] = self.word(frame)?;
        for index in 0..saved {
            self.cpu.a[12 + index as usize] = self.word(frame.wrapping_add(4 + 4 * index))?;
        }
        self.cpu.a[1] = frame.wrapping_add(size);
        Ok(Flow::Return)
    }

    fn after_device(&mut self) {
        let interrupts = self.bus.interrupts(self.cpu.cycles);
        self.cpu.apply(interrupts);
        self.state.stop |= interrupts.stop;
    }
}

fn no_answer(address: u32) -> Trouble {
    Trouble::Exception(Exception::at(Cause::LoadStoreAddressError, address), None)
}
