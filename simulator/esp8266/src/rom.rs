//! The boot ROM: its functions in Rust, entered at their published addresses.
//!
//! The core stops at every address of the ROM; [`enter`] finds the function there and runs it. Functions see the chip
//! as their machine code would (see [`call`]): they use registers, the program's stack and the devices' registers, and
//! keep their data where programs look for it (see [`ram`]). So interrupts, callbacks and stack switches work as on
//! silicon, and a function of the program that the ROM calls returns to a place within the ROM.
//!
//! A function that touches what memory refuses raises the exception at its entry and cannot be continued from there,
//! unless the program's handler does what the access should have done (see `refused`).
//!
//! No byte of the ROM is here: addresses are from Espressif's linker scripts, behaviour from public descriptions.
//! Functions that are not modelled are known by name and stop the run when entered: SDIO and SIP, the parts
//! of the download protocol by themselves, deep sleep helpers, WEP keys, the ROM's allocator and what allocates
//! (Base64), its console parser.

mod aes;
mod boot;
pub mod call;
mod console;
mod continuation;
mod download;
pub mod flash;
pub mod floats;
pub(crate) mod libgcc;
mod lldesc;
mod md5;
mod misc;
pub(crate) mod noted;
mod os;
mod phy;
mod printf;
pub mod ram;
mod rc4;
mod refused;
mod sha1;
mod state;
mod strings;
mod table;
#[cfg(test)]
mod tests;
mod xtos;

use std::collections::BTreeSet;

use call::{Call, Flow, Trouble};
pub use state::{RANGE, State};

use crate::bus::Bus;
use crate::cpu::Cpu;
use crate::memory::Memory;

/// A function of the ROM.
type Function = fn(&mut Call<'_>) -> Result<Flow, Trouble>;

/// What came of entering the ROM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// The function is done, and the program goes on at the return address.
    Returned,
    /// The program goes on elsewhere.
    Done,
    /// The function waits until this cycle, or until a device acts or an interrupt is served.
    Wait(u64),
    /// The ROM loops for ever; only an interrupt or a reset ends it.
    Spin(&'static str),
    /// The function touched the flash at this address while its cache is off.
    FlashOff(u32),
    /// There is a function, but it is not modelled: its name, or what of it.
    NotModelled(&'static str),
    /// There is no function at this address.
    Nowhere,
}

/// Runs the function at the program counter, up to its end or to where it waits. At `traps` the owner answers.
pub fn enter(
    state: &mut State,
    cpu: &mut Cpu,
    memory: &mut Memory,
    bus: &mut dyn Bus,
    traps: &BTreeSet<u32>,
) -> Entered {
    let entry = cpu.pc;
    let Some((index, place)) = table::find(entry) else { return Entered::Nowhere };
    let Some(function) = place.function else { return Entered::NotModelled(place.name) };
    let endless = Some((entry, cpu.a[1], cpu.a[2]));
    if state.endless == endless {
        return Entered::Spin(ENDLESS_FUNCTION);
    }
    cpu.cycles += 1;
    let mut call = Call { cpu, memory, bus, state, traps, entry, accesses: 0, noted: None };
    let outcome = function(&mut call);
    if !matches!(outcome, Ok(Flow::Wait(_))) {
        if state.answered.is_empty() {
            state.answered.resize(table::TABLE.len(), 0);
        }
        state.answered[index] += 1;
    }
    match outcome {
        Ok(Flow::Return) => {
            cpu.pc = cpu.a[0];
            return Entered::Returned;
        }
        Ok(Flow::Jump(to)) => cpu.pc = to,
        Ok(Flow::Wait(until)) => return Entered::Wait(until),
        Err(Trouble::Exception(exception, at)) => cpu.raise(exception, at.unwrap_or(entry)),
        Err(Trouble::HandedOver) => {}
        Err(Trouble::FlashOff(address)) => return Entered::FlashOff(address),
        Err(Trouble::Spin(what)) => return Entered::Spin(what),
        Err(Trouble::Endless) => {
            state.endless = endless;
            return Entered::Spin(ENDLESS_FUNCTION);
        }
        Err(Trouble::NotModelled(what)) => return Entered::NotModelled(what),
        Err(Trouble::NotNoted) => unreachable!("accesses go to the chip itself"),
    }
    Entered::Done
}

/// By what the function that is answered at `address` is counted.
pub(crate) fn answered_at(address: u32) -> Option<usize> {
    let (index, place) = table::find(address)?;
    place.function.map(|_| index)
}

impl State {
    /// Counts calls of a function that has been called before, as [`answered_at`] says.
    pub(crate) fn answer_again(&mut self, index: usize, times: u64) {
        if let Some(count) = self.answered.get_mut(index) {
            *count += times;
        }
    }

    /// Names of the functions that were answered here instead of run as code, and how often, over all resets.
    pub fn answered(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let answered = table::TABLE.iter().zip(self.answered.iter().copied());
        answered.filter(|(place, count)| *count > 0 && !place.is_within()).map(|(place, count)| (place.name, count))
    }
}

/// What [`Chip::spinning`](crate::chip::Chip::spinning) says after an exception that has no handler. Only the user
/// vector has run since: see [`Registers::in_vector`](crate::registers::Registers::in_vector).
pub const UNHANDLED_EXCEPTION: &str = "unhandled exception";

/// What [`Chip::spinning`](crate::chip::Chip::spinning) says of a function that will never end.
const ENDLESS_FUNCTION: &str = "a function without end";

/// Functions of the PHY that do nothing and return 0, and why they may.
pub fn without_effect() -> impl Iterator<Item = (&'static str, &'static str)> {
    phy::WITHOUT_EFFECT.iter().map(|(_, name, why)| (*name, *why))
}

/// Where the task loop (`ets_run`) looks for a task that is ready. An owner that has stopped an idle chip and let it do
/// something goes on here.
pub const TASK_LOOP: u32 = continuation::RUN;

/// Whether the program counter stands where the task loop waits for an interrupt.
pub(crate) fn is_idle(pc: u32) -> bool {
    pc == continuation::IDLE
}

/// Name of the ROM's function that `address` is the entry of.
pub fn symbol(address: u32) -> Option<&'static str> {
    table::find(address).map(|(_, place)| place.name)
}
