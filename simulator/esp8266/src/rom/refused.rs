//! Accesses of the ROM's functions that memory refuses and the program's own exception handler makes good.
//!
//! On silicon such a handler reads the ROM's instruction at EPC1, does what it should have done, and returns behind it.
//! Programs install one in three ways: in `_xtos_exc_handler_table` (assembly: `firmware/toolchain/cpu.S`), in
//! `_xtos_c_handler_table` (`_xtos_set_exception_handler`: NONOS SDK 3, Arduino, NodeMCU), and with a user vector of
//! their own (esp-open-rtos). No instruction of the ROM is here to be read. So whichever it is, the handler runs as
//! code, and finds at the function's entry one instruction of our own making, which loads or stores as the function
//! wanted to. When the handler returns behind it, the function goes on with what the handler has made of the register.
//! A handler that ends in any other way takes over for good, and the function is not continued; EPC1 is its entry then,
//! as of any other exception.
//!
//! Which accesses a handler sees to is the handler's business: narrow ones of instruction memory (LoadStoreError),
//! unaligned ones (LoadStoreAlignment). Not modelled: interrupts while the handler runs, which wait for the function's
//! end.

use super::call::{Call, Trouble};
use super::state::RANGE;
use super::{Entered, ram, xtos};
use crate::bus::{Bus, Context, NoAnswer, Width};
use crate::cpu::interpreter::{self, Step};
use crate::cpu::{Cause, Exception, Interrupts, ps, vector};
use crate::memory::Memory;

/// The registers of the instruction: what is loaded or stored, and the address. The ROM's functions may use both, and
/// none of them is an argument.
const VALUE: u32 = 8;
const ADDRESS: u32 = 9;
/// Length of that instruction.
const LENGTH: u32 = 3;
/// A handler that has not come back after so many instructions and functions will not: those that are known take some
/// 50.
const LONGEST: u32 = 10_000;
/// Cycles that the SDK's handler takes for a narrow access, roughly: the ROM's wrapper saves and restores all registers
/// around a C function.
const NARROW_ACCESS: u64 = 120;
/// As many accesses as a handler counts for, so that a function without end is told in seconds.
const ACCESSES: u32 = 8;

/// Who sees to an exception.
enum Handler {
    /// The program does, with code that begins here or behind here.
    Program,
    /// The owner of the chip does, in the place of the SDK's handler of narrow accesses.
    Sdk,
    /// Nobody who would make the access good.
    Nobody,
}

/// Where a handler that has run has come to.
enum Outcome {
    /// Behind the instruction.
    Back,
    /// To the SDK's handler of narrow accesses, to which it leaves the rest.
    Sdk,
    /// Elsewhere, for good.
    Gone,
}

impl Call<'_> {
    /// What comes of an access that raises `exception`: done, with the value if it is a load; or `None` if no handler
    /// does it. `stored` is the value of a store.
    pub(super) fn refused(
        &mut self,
        exception: Exception,
        address: u32,
        width: Width,
        stored: Option<u32>,
    ) -> Result<Option<u32>, Trouble> {
        match self.handler(exception.cause) {
            Handler::Nobody => Ok(None),
            Handler::Sdk if width == Width::Word => Ok(None),
            Handler::Sdk => self.narrow_access(address, width, stored).map(Some),
            Handler::Program => {
                self.count_accesses(ACCESSES)?;
                self.run_handler(exception, address, width, stored).map(Some)
            }
        }
    }

    /// Who sees to an exception of that cause, as far as the tables tell: a user vector of the program's own may still
    /// go through them.
    fn handler(&self, cause: Cause) -> Handler {
        let can_be_made_good = matches!(cause, Cause::LoadStoreError | Cause::LoadStoreAlignment);
        // Another exception within a handler is one too many, as it is on silicon.
        let is_plain = self.cpu.ps & (ps::EXCM | ps::UM) == ps::UM && !self.state.in_handler;
        if !can_be_made_good || !is_plain {
            return Handler::Nobody;
        }
        let vector = self.cpu.vecbase.wrapping_add(vector::USER);
        if !RANGE.contains(&vector) {
            return self.handler_at(vector);
        }
        let entry = |table: u32| self.memory.load(table + 4 * cause as u32, Width::Word).unwrap_or_default();
        match entry(ram::EXCEPTION_TABLE) {
            xtos::C_WRAPPER_HANDLER | xtos::CAUSE_3_HANDLER => self.handler_at(entry(ram::C_TABLE)),
            assembly => self.handler_at(assembly),
        }
    }

    fn handler_at(&self, address: u32) -> Handler {
        if self.state.narrow_access_handler == Some(address) {
            Handler::Sdk
        } else if address == 0 || RANGE.contains(&address) || self.traps.contains(&address) {
            Handler::Nobody
        } else {
            Handler::Program
        }
    }

    /// Does a narrow access word by word, as the SDK's handler does.
    fn narrow_access(&mut self, address: u32, width: Width, stored: Option<u32>) -> Result<u32, Trouble> {
        self.spend(NARROW_ACCESS);
        let (at, shift) = (address & !3, 8 * (address & 3));
        let word = self.word(at)?;
        if let Some(value) = stored {
            let mask = width.mask() << shift;
            self.set_word(at, word & !mask | value << shift & mask)?;
        }
        Ok(word >> shift & width.mask())
    }

    /// Lets the program's handler do the access; returns what it has loaded.
    fn run_handler(
        &mut self,
        exception: Exception,
        address: u32,
        width: Width,
        stored: Option<u32>,
    ) -> Result<u32, Trouble> {
        let (a, status, sar) = (self.cpu.a, self.cpu.ps, self.cpu.sar);
        self.cpu.a[VALUE as usize] = stored.unwrap_or_default();
        self.cpu.a[ADDRESS as usize] = address;
        self.cpu.raise(exception, self.entry);
        self.state.in_handler = true;
        let outcome = self.run_until_back(instruction(width, stored.is_some()));
        self.state.in_handler = false;
        let is_sdks = match outcome {
            Outcome::Back => false,
            Outcome::Sdk if width != Width::Word => true,
            Outcome::Sdk | Outcome::Gone => return Err(Trouble::HandedOver),
        };
        let value = self.cpu.a[VALUE as usize] & width.mask();
        // The function goes on as it was, whatever registers it uses.
        (self.cpu.a, self.cpu.ps, self.cpu.sar, self.cpu.pc) = (a, status, sar, self.entry);
        if is_sdks { self.narrow_access(address, width, stored) } else { Ok(value) }
    }

    /// Runs from the vector on until the handler returns behind `instruction`.
    fn run_until_back(&mut self, instruction: u32) -> Outcome {
        let back = self.entry.wrapping_add(LENGTH);
        for _ in 0..LONGEST {
            let pc = self.cpu.pc;
            if pc == back {
                return Outcome::Back;
            }
            if self.state.narrow_access_handler == Some(pc) {
                return Outcome::Sdk;
            }
            if self.cpu.waiting || pc == self.entry || self.traps.contains(&pc) {
                return Outcome::Gone;
            }
            let mut bus = WithInstruction { bus: &mut *self.bus, at: self.entry, instruction };
            if RANGE.contains(&pc) {
                match super::enter(self.state, self.cpu, self.memory, &mut bus, self.traps) {
                    Entered::Returned | Entered::Done => continue,
                    // Whatever it is, it happens again when the chip enters the function.
                    Entered::Wait(_)
                    | Entered::Spin(_)
                    | Entered::FlashOff(_)
                    | Entered::NotModelled(_)
                    | Entered::Nowhere => return Outcome::Gone,
                }
            }
            match interpreter::step(self.cpu, self.memory, &mut bus) {
                Step::Done => {}
                Step::Stop => self.state.stop = true,
                Step::FlashOff(_) => return Outcome::Gone,
                Step::Simcall => {
                    self.cpu.pc = pc;
                    return Outcome::Gone;
                }
            }
        }
        Outcome::Gone
    }
}

/// `L8UI`, `L16UI`, `L32I`, `S8I`, `S16I` or `S32I` of [`VALUE`] at [`ADDRESS`] (Xtensa ISA manual, format RRI8).
fn instruction(width: Width, is_store: bool) -> u32 {
    let operation = match width {
        Width::Byte => 0,
        Width::Half => 1,
        Width::Word => 2,
    };
    let operation = if is_store { operation + 4 } else { operation };
    operation << 12 | ADDRESS << 8 | VALUE << 4 | 2
}

/// The devices, and an instruction in the ROM that can be read.
struct WithInstruction<'a> {
    bus: &'a mut dyn Bus,
    at: u32,
    instruction: u32,
}

impl Bus for WithInstruction<'_> {
    fn read(&mut self, address: u32, width: Width, context: &mut Context<'_>) -> Result<u32, NoAnswer> {
        // The instruction may lie across two words, and handlers read both without asking.
        match address.wrapping_sub(self.at) as i32 {
            _ if width != Width::Word => self.bus.read(address, width, context),
            before @ -3..0 => Ok(self.instruction << (8 * -before)),
            within @ 0..3 => Ok(self.instruction >> (8 * within)),
            3..8 => Ok(0),
            _ => self.bus.read(address, width, context),
        }
    }

    fn write(&mut self, address: u32, width: Width, value: u32, context: &mut Context<'_>) -> Result<(), NoAnswer> {
        self.bus.write(address, width, value, context)
    }

    fn interrupts(&mut self, cycle: u64) -> Interrupts {
        self.bus.interrupts(cycle)
    }

    fn next_event(&self) -> u64 {
        self.bus.next_event()
    }

    fn advance(&mut self, cycle: u64, memory: &mut Memory) {
        self.bus.advance(cycle, memory);
    }
}
