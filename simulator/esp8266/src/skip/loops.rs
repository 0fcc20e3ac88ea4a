//! Loops that have been found to wait, and the ways their rounds go.

use super::left::Place;
use super::round;
use super::trace::{Absorbed, Changing, Trace};
use super::value::Value;
use crate::bus::{Bus, Context, Width};
use crate::core::Core;
use crate::peripherals::{Outside, Peripherals};
use crate::rom::State;

/// So many loops are remembered, and so many ways of each. What has not been of use for longest goes.
const LOOPS: usize = 16;
const WAYS: usize = 16;
/// So many cycles must be passed over for what it takes the host.
const WORTH_IT: u64 = 2_000;
/// At most so many times the beginning of a loop is come to before it is looked at again.
const LONGEST_PAUSE: u32 = 0x1000;
/// At most so many rounds are executed alone before it is looked again whether many are the same.
const MOST_ALONE: u32 = 64;
/// Many rounds are tried first as the same: so many times as many as were the last time, or as these.
const MORE: u64 = 16;
const FEW: u64 = 4;

/// A comparison or a step of a round takes the host about as long as executing so many cycles of it.
const CYCLES_OF_A_STEP: u64 = 2;

/// Room for what steps give.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    numbers: Vec<u32>,
    values: Vec<Value>,
    /// What was compared and gone through since a loop was looked at.
    effort: u64,
}

impl Room {
    /// Whether so many cycles that were passed over would have taken the host longer than passing over them did.
    pub fn is_worth(&self, passed: u64) -> bool {
        passed >= self.effort * CYCLES_OF_A_STEP
    }
}

/// The loops of a program.
#[derive(Clone, Debug, Default)]
pub(super) struct Loops {
    loops: Vec<Loop>,
    /// A bit for each address at which one may begin.
    begins: u64,
    /// Counts uses.
    now: u64,
}

/// A loop, by the instruction at which its rounds begin.
#[derive(Clone, Debug)]
struct Loop {
    pc: u32,
    ways: Vec<Way>,
    used: u64,
    /// How often it is passed by without a look.
    pause: u32,
    next_pause: u32,
}

/// A way that a round can go.
#[derive(Clone, Debug)]
struct Way {
    trace: Trace,
    /// What changed from round to round when many were the same last, and how many that were.
    changing: Changing,
    many: u64,
    used: u64,
    /// How many rounds to execute alone, now and after the next failure to show that many are the same.
    alone: u32,
    next_alone: u32,
    /// The ways, a bit for each, that this one may keep from coming about.
    disturbs: u32,
}

impl Loops {
    /// Whether the loop that begins at `pc` is known, and to be looked at.
    #[inline]
    pub fn begin_at(&mut self, pc: u32) -> bool {
        if self.begins & bit(pc) == 0 {
            return false;
        }
        let Some(known) = self.loops.iter_mut().find(|known| known.pc == pc) else { return false };
        match known.pause.checked_sub(1) {
            None => true,
            Some(pause) => {
                known.pause = pause;
                false
            }
        }
    }

    /// Passes over rounds of the loop that begins at the program counter, as far as `horizon`; says how many cycles.
    pub fn pass<O: Outside>(
        &mut self,
        core: &mut Core<Peripherals<O>>,
        rom: &mut State,
        horizon: u64,
        room: &mut Room,
    ) -> u64 {
        self.now += 1;
        let now = self.now;
        let pc = core.cpu.pc;
        let Some(known) = self.loops.iter_mut().find(|known| known.pc == pc) else { return 0 };
        room.effort = 0;
        let passed = known.pass(core, rom, horizon, now, room);
        if passed >= WORTH_IT && room.is_worth(passed) {
            (known.used, known.pause, known.next_pause) = (now, 0, 1);
        } else {
            known.pause = known.next_pause;
            known.next_pause = (2 * known.next_pause).min(LONGEST_PAUSE);
        }
        passed
    }

    /// Learns the way that the round goes which begins now.
    pub fn learn<O: Outside>(&mut self, core: &mut Core<Peripherals<O>>) -> Result<(), round::Busy> {
        let pc = core.cpu.pc;
        let index = self.loops.iter().position(|known| known.pc == pc);
        let mut found: Vec<Place> = Vec::new();
        for way in index.iter().flat_map(|&index| &self.loops[index].ways) {
            // What is not the same this time may be another again the next.
            found.extend(way.trace.found.iter().copied().chain(way.trace.differences(core)));
        }
        let trace = round::record(core, found)?;
        let index = index.unwrap_or_else(|| {
            if self.loops.len() == LOOPS {
                let oldest = (0..LOOPS).min_by_key(|&index| self.loops[index].used).unwrap_or_default();
                self.loops.swap_remove(oldest);
            }
            self.loops.push(Loop { pc, ways: Vec::new(), used: self.now, pause: 0, next_pause: 1 });
            self.begins = self.loops.iter().fold(0, |bits, known| bits | bit(known.pc));
            self.loops.len() - 1
        });
        self.loops[index].add(trace, self.now);
        Ok(())
    }
}

fn bit(pc: u32) -> u64 {
    1 << (pc & 63)
}

impl Loop {
    fn add(&mut self, trace: Trace, now: u64) {
        let mut way = Way { trace, changing: Vec::new(), many: FEW, used: now, alone: 0, next_alone: 1, disturbs: 0 };
        let index = if self.ways.len() < WAYS {
            self.ways.len()
        } else {
            (0..WAYS).min_by_key(|&index| self.ways[index].used).unwrap_or_default()
        };
        let bit = 1 << index;
        for (other, before) in self.ways.iter_mut().enumerate().filter(|&(other, _)| other != index) {
            before.disturbs &= !bit;
            before.disturbs |= u32::from(before.trace.disturbs(&way.trace)) << index;
            way.disturbs |= u32::from(way.trace.disturbs(&before.trace)) << other;
        }
        way.disturbs |= u32::from(way.trace.disturbs_itself) << index;
        match self.ways.get_mut(index) {
            Some(oldest) => *oldest = way,
            None => self.ways.push(way),
        }
        self.pause = 0;
    }

    fn pass<O: Outside>(
        &mut self,
        core: &mut Core<Peripherals<O>>,
        rom: &mut State,
        horizon: u64,
        now: u64,
        room: &mut Room,
    ) -> u64 {
        let start = core.cpu.cycles;
        // The ways of which nothing but clocks can tell any more whether a round goes them, or that none does.
        let (mut possible, mut impossible) = (0_u32, 0_u32);
        let mut last = None;
        // Stores to devices, each with its cycle.
        let mut stores: Vec<(u64, Absorbed)> = Vec::new();
        'rounds: loop {
            // What came last comes most often.
            for index in last.into_iter().chain((0..self.ways.len()).filter(|&index| Some(index) != last)) {
                let way = &mut self.ways[index];
                if way.trace.length > horizon - core.cpu.cycles || impossible >> index & 1 != 0 {
                    continue;
                }
                if possible >> index & 1 == 0 {
                    room.effort += way.trace.comparisons();
                    if !way.trace.holds(core) {
                        impossible |= 1 << index;
                        continue;
                    }
                    possible |= 1 << index;
                }
                if !way.pass(core, rom, horizon, room, last == Some(index)) {
                    continue;
                }
                (way.used, last) = (now, Some(index));
                let began = core.cpu.cycles - way.trace.length;
                for &store in &way.trace.absorbed {
                    stores.retain(|before| before.1.address != store.address);
                    stores.push((began + store.offset, store));
                }
                possible &= !way.disturbs;
                impossible &= !way.disturbs;
                continue 'rounds;
            }
            break;
        }
        for (cycle, Absorbed { address, value, pc, .. }) in stores {
            let mut context = Context { memory: &mut core.memory, cycle, pc };
            let written = core.bus.write(address, Width::Word, value, &mut context);
            debug_assert!(written.is_ok(), "a register that was written is there");
        }
        core.cpu.cycles - start
    }
}

impl Way {
    /// Passes over as many rounds as are known to be the same, or over one. `false` if the next is another one. The
    /// round before went this way, too, if `is_again`.
    fn pass<O: Outside>(
        &mut self,
        core: &mut Core<Peripherals<O>>,
        rom: &mut State,
        horizon: u64,
        room: &mut Room,
        is_again: bool,
    ) -> bool {
        let most = (horizon - core.cpu.cycles) / self.trace.length;
        let mut rounds = 1;
        if self.alone > 0 {
            self.alone -= 1;
        } else if most > 2 {
            rounds = self.same_rounds(core, most, room);
            if rounds > 1 {
                core.let_pass(core.cpu.cycles + (rounds - 1) * self.trace.length);
                self.trace.leave(&self.changing, core);
                self.next_alone = 1;
            } else {
                self.alone = self.next_alone;
                self.next_alone = (2 * self.next_alone).min(MOST_ALONE);
            }
        }
        // The last one leaves all that it does.
        room.effort += self.trace.steps.len() as u64;
        let is_done = self.trace.once(core, &mut room.numbers, is_again);
        let passed = if is_done { rounds } else { rounds - 1 };
        for &(index, calls) in &self.trace.functions {
            rom.answer_again(index, passed * calls);
        }
        passed > 0
    }

    /// Nearly the most rounds that are all the same, and at most `most`.
    fn same_rounds<O: Outside>(&mut self, core: &Core<Peripherals<O>>, most: u64, room: &mut Room) -> u64 {
        let Self { trace, changing, many, .. } = self;
        let most = most.min(many.saturating_mul(MORE));
        // What steps give in many rounds takes longer than in one.
        let effort = 4 * trace.steps.len() as u64;
        room.effort += effort;
        if trace.are_same(core, most, changing, &mut room.values).is_ok() {
            *many = most.max(FEW);
            return most;
        }
        let (mut best, mut too_many) = (1, most);
        let mut known = Vec::new();
        while too_many - best > (best / 64).max(1) {
            // At first not far, where most fail.
            let middle = if best == 1 { 2.max(too_many / 16) } else { best + (too_many - best) / 2 };
            changing.clear();
            room.effort += effort;
            if trace.are_same(core, middle, changing, &mut room.values).is_ok() {
                (best, known) = (middle, changing.clone());
            } else {
                too_many = middle;
            }
        }
        *changing = known;
        *many = best.max(FEW);
        best
    }
}
