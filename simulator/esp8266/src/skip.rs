//! Passing over the rounds of loops that wait for a clock.
//!
//! Programs wait by reading a clock again and again. When one comes back to the same instruction often enough, a round
//! of its loop is executed on what registers and memory may hold in any of many rounds ([`round`]): clocks show
//! intervals, and what a round has left behind of them for the next is what they showed, or may be anything. If every
//! branch goes the same way for all of it, if nothing is touched but memory and registers that do not mind
//! ([`Steady`](crate::peripherals)), if nothing else is left behind, then all these rounds do the same and take the
//! same cycles. So the cycles pass, what the clocks showed in the last round but one is left behind, and the last one
//! is executed. What comes of it is what comes of all rounds, to the bit; nothing is guessed. ([`Core::turns`], which
//! tells what the host did, is the exception.)
//!
//! That many rounds end before the next moment at which a device, the timer or the owner may change something. Where
//! the loop itself ends among them, a branch is undecided, and fewer rounds are tried.

mod arithmetic;
mod left;
mod round;
mod value;

use crate::core::Core;
use crate::peripherals::{Outside, Peripherals};
use crate::rom::State;
use left::{Changing, leave};
use round::{Done, Surroundings, Trouble};

/// So many times an instruction is come back to before it is looked at more closely.
const TIMES: u32 = 16;
/// So many other instructions of that kind may lie between.
const OTHERS: u32 = 64;
/// The pause after a failure in such instructions, at first and at most: looking more closely takes the host as long
/// as some thousand instructions.
const PAUSES: core::ops::RangeInclusive<u32> = 64..=0x4000;
/// Fewer cycles are not worth it.
const FEWEST_CYCLES: u64 = 4_000;
/// How often a round is executed until it is clear what changes.
const ATTEMPTS: usize = 6;

/// Whether the program waits, as far as can be seen without a closer look: by the instructions that only the
/// interpreter executes, and those that read clocks are among them but for the core's own: a loop that reads nothing
/// but CCOUNT is not found.
#[derive(Clone, Debug)]
pub(crate) struct Suspicion {
    /// Whether anybody wants to know.
    pub is_wanted: bool,
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
        Self { is_wanted: false, pc: None, times: 0, others: 0, wrong: 0, pause: 0, next_pause: *PAUSES.start() }
    }
}

impl Suspicion {
    /// Takes note of an instruction for the interpreter; `true` if a loop that leads back to it deserves a closer look.
    #[inline]
    pub fn arises(&mut self, pc: u32) -> bool {
        if !self.is_wanted {
            return false;
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

    /// It was right: the loop goes on being watched.
    fn was_right(&mut self) {
        (self.times, self.next_pause) = (TIMES - 2, *PAUSES.start());
    }

    /// It was wrong: next time later, and elsewhere.
    fn was_wrong(&mut self, pc: u32) {
        (self.wrong, self.pc) = (pc, None);
        self.pause = self.next_pause;
        self.next_pause = (2 * self.next_pause).min(*PAUSES.end());
    }
}

/// Passes over rounds of the loop that leads from the program counter back to it, if it only waits.
pub(crate) fn skip<O: Outside>(core: &mut Core<Peripherals<O>>, rom: &mut State, limit: u64) {
    let horizon = limit.min(core.cpu.timer_at).min(core.bus.changes());
    let cycles = horizon.saturating_sub(core.cpu.cycles);
    if cycles < FEWEST_CYCLES || core.cpu.debug.is_armed() {
        return;
    }
    match most_rounds(core, cycles) {
        Some((rounds, done)) => {
            let skipped = rounds - 1;
            core.let_pass(core.cpu.cycles + skipped * done.length);
            leave(core, &done.changing);
            for index in done.functions {
                rom.answer_again(index, skipped);
            }
            core.suspicion.was_right();
        }
        None => core.suspicion.was_wrong(core.cpu.pc),
    }
}

/// Nearly the most rounds that fit into so many cycles and are all the same, if they are worth it; and one of them.
fn most_rounds<O: Outside>(core: &mut Core<Peripherals<O>>, cycles: u64) -> Option<(u64, Done)> {
    let first = execute(core, 1, 1, &Changing::default()).ok()?;
    let length = first.length;
    let (fewest, mut too_many) = (FEWEST_CYCLES / length + 2, cycles / length);
    if too_many < fewest {
        return None;
    }
    match all_the_same(core, too_many, &first) {
        Ok(done) => return Some((too_many, done)),
        Err(Trouble::Busy) => return None,
        Err(Trouble::Undecided) => {}
    }
    let mut best = (fewest, all_the_same(core, fewest, &first).ok()?);
    while too_many - best.0 > fewest.max(best.0 / 64) {
        let middle = best.0 + (too_many - best.0) / 2;
        match all_the_same(core, middle, &first) {
            Ok(done) => best = (middle, done),
            Err(_) => too_many = middle,
        }
    }
    Some(best)
}

/// A round of so many that are proven to be all the same as the first, which has been executed alone: of what it finds
/// of clocks nobody knows when it was read.
fn all_the_same<O: Outside>(core: &mut Core<Peripherals<O>>, rounds: u64, first: &Done) -> Result<Done, Trouble> {
    let mut changing = Changing::default();
    for _ in 0..ATTEMPTS {
        let done = execute(core, rounds, first.length, &changing)?;
        if done.path != first.path || done.length != first.length {
            return Err(Trouble::Undecided);
        }
        if done.changing == changing {
            return if done.is_stale { Err(Trouble::Undecided) } else { Ok(done) };
        }
        changing = done.changing;
    }
    Err(Trouble::Undecided)
}

fn execute<O: Outside>(
    core: &mut Core<Peripherals<O>>,
    rounds: u64,
    length: u64,
    changing: &Changing,
) -> Result<Done, Trouble> {
    let Core { cpu, memory, bus, traps, .. } = core;
    round::execute(&mut Surroundings { memory, bus, traps, rounds, length }, cpu, changing)
}
