//! Passing over the rounds of loops that wait for a clock.
//!
//! Programs wait by reading a clock again and again. When one comes back to the same instruction often enough, a round
//! of its loop is executed beside the program, and what it is made of is noted ([`round`]): what it has read of
//! registers, memory and devices, and the few steps that depend on clocks ([`trace`]). Where all that it has read is
//! the same again, the next round differs in these steps alone, and only they are gone through: for one round on its
//! numbers, or for many at once on what clocks show in any of them ([`value`]). If every branch goes the same way for
//! all of it, then all these rounds do the same and take the same cycles. So the cycles pass, and what the last of them
//! leaves behind is left behind. What comes of it is what comes of all rounds, to the bit; nothing is guessed.
//! ([`Core::turns`](crate::Core::turns), which tells what the host did, is the exception.)
//!
//! Functions of the boot ROM within a round are noted, too, if their accesses can be ([`noted`](crate::rom::noted)); of
//! those by which programs make milliseconds it is known what they make of a clock ([`helped`]).
//!
//! A round may go several ways, as the clock stands to the core when it is read; then each is learned ([`loops`]).
//!
//! All of it ends before the next moment at which a device, the timer or the owner may change something. Where the loop
//! itself ends before, a branch is undecided, and fewer rounds are tried.

mod arithmetic;
mod helped;
mod left;
mod loops;
mod notes;
mod round;
mod trace;
mod value;

use crate::core::Core;
use crate::peripherals::{Outside, Peripherals};
use crate::rom::State;
use loops::{Loops, Room};

/// So many times an instruction is come back to before it is looked at more closely.
const TIMES: u32 = 16;
/// So many other instructions of that kind may lie between.
const OTHERS: u32 = 64;
/// The pause after a failure in such instructions, at first and at most: looking more closely takes the host as long
/// as some thousand instructions.
const PAUSES: core::ops::RangeInclusive<u32> = 64..=0x4000;
/// Fewer cycles are not worth it.
const FEWEST_CYCLES: u64 = 500;

/// Whether the program waits, as far as can be seen without a closer look: by the instructions that only the
/// interpreter executes, and those that read clocks are among them but for the core's own: a loop that reads nothing
/// but CCOUNT is not found.
#[derive(Clone, Debug)]
pub(crate) struct Suspicion {
    /// Whether anybody wants to know.
    pub is_wanted: bool,
    /// When a closer look was taken last: once there, the program goes on.
    looked_at: Option<u64>,
    loops: Loops,
    room: Room,
    pc: Option<u32>,
    times: u32,
    others: u32,
    /// Where it was wrong last. That may have been an inner loop, which counts, of one that waits.
    wrong: u32,
    pause: u32,
    next_pause: u32,
}

impl Default for Suspicion {
    fn default() -> Self {
        Self {
            is_wanted: false,
            looked_at: None,
            loops: Loops::default(),
            room: Room::default(),
            pc: None,
            times: 0,
            others: 0,
            wrong: 0,
            pause: 0,
            next_pause: *PAUSES.start(),
        }
    }
}

impl Suspicion {
    /// Forgets what was learned of the program, whose code has changed.
    pub fn forget(&mut self) {
        self.loops = Loops::default();
    }

    /// Takes note of an instruction for the interpreter, at this cycle; `true` if a loop that leads back to it deserves
    /// a closer look.
    #[inline]
    pub fn arises(&mut self, pc: u32, cycle: u64) -> bool {
        self.is_wanted && self.is_worth_a_look(pc) && self.looked_at.replace(cycle) != Some(cycle)
    }

    fn is_worth_a_look(&mut self, pc: u32) -> bool {
        if self.loops.begin_at(pc) {
            return true;
        }
        if self.pause > 0 {
            self.pause -= 1;
            return false;
        }
        if self.pc != Some(pc) {
            self.others += 1;
            if self.others > OTHERS || self.pc.is_none() && pc != self.wrong {
                (self.pc, self.times, self.others) = (Some(pc), 0, 0);
            }
            return false;
        }
        (self.times, self.others) = (self.times + 1, 0);
        if self.times < TIMES {
            return false;
        }
        self.times = 0;
        true
    }

    /// What was learned came to something.
    fn was_worth_it(&mut self) {
        self.next_pause = (self.next_pause - self.next_pause / 16).max(*PAUSES.start());
    }

    /// Learning takes its time, and may come to nothing: next time later, and elsewhere.
    fn put_off(&mut self, pc: u32) {
        (self.wrong, self.pc) = (pc, None);
        self.pause = self.next_pause;
        self.next_pause = (2 * self.next_pause).min(*PAUSES.end());
    }
}

/// Passes over rounds of the loop that leads from the program counter back to it, if it only waits.
pub(crate) fn skip<O: Outside>(core: &mut Core<Peripherals<O>>, rom: &mut State, limit: u64) {
    let horizon = limit.min(core.cpu.timer_at).min(core.bus.changes());
    let cycles = horizon.saturating_sub(core.cpu.cycles);
    // What the core has not heard of yet, it hears of by its next access to a device.
    if cycles < FEWEST_CYCLES || core.cpu.debug.is_armed() || !core.bus.is_heard(core.cpu.lines) {
        return;
    }
    let mut loops = std::mem::take(&mut core.suspicion.loops);
    let mut room = std::mem::take(&mut core.suspicion.room);
    let pc = core.cpu.pc;
    let mut passed = loops.pass(core, rom, horizon, &mut room);
    if passed == 0 && core.suspicion.pause == 0 && cycles >= round::LONGEST {
        if loops.learn(core).is_ok() {
            passed = loops.pass(core, rom, horizon, &mut room);
        }
        core.suspicion.put_off(pc);
    }
    if passed > FEWEST_CYCLES && room.is_worth(passed) {
        core.suspicion.was_worth_it();
    }
    (core.suspicion.loops, core.suspicion.room) = (loops, room);
}
