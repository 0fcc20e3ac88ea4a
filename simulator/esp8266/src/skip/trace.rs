//! A round of a loop as it has been executed once: what it needs to come about again, and what of it then depends on
//! clocks.
//!
//! Everything that follows from numbers which are the same in each round is left out: of some thousand instructions a
//! few dozen steps remain. They are gone through on [values](super::value) for many rounds at once, or on the numbers
//! of one.

use super::arithmetic::{arithmetic, decide, decide_carry};
use super::helped;
use super::left::{Left, Place, count_at, tick_at};
use super::value::{Tick, Value};
use crate::bus::Width;
use crate::core::Core;
use crate::cpu::{Cpu, compute};
use crate::isa::Opcode;
use crate::memory::Memory;
use crate::peripherals::{Outside, Peripherals, Steady};
use crate::rom::libgcc::Helper;

/// Where a step takes a number from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It is the same in each round.
    Number(u32),
    /// The step with this index has given it.
    Step(u16),
}

/// What is done with what clocks show. The first five give a value, the others must come about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// What the place with this index of [`Trace::found`] held when the round began.
    Found(u16),
    /// A register is read so many cycles after the round began; 0 is the core's own counter.
    Read { address: u32, offset: u64 },
    /// As [`arithmetic`] says.
    Arithmetic { opcode: Opcode, operands: [Source; 2], numbers: [u32; 3], sar: u32 },
    /// Part of a word.
    Part { of: u16, shift: u32, mask: u32 },
    /// The lower or the upper half of what a function of the boot ROM makes of numbers.
    Helped { helper: Helper, operands: [Source; 4], is_upper: bool },
    /// Such a function takes so many cycles.
    Lasts { helper: Helper, operands: [Source; 4], cycles: u64 },
    /// A branch, see [`decide`].
    Decision { opcode: Opcode, operands: [Source; 2], is_taken: bool },
    /// It is the number that was used in its place.
    Number { of: u16, number: u32 },
}

impl Step {
    /// What it depends on, to be looked at or changed.
    fn for_each_source(&mut self, mut change: impl FnMut(&mut Source)) {
        match self {
            Self::Found(_) | Self::Read { .. } => {}
            Self::Arithmetic { operands, .. } | Self::Decision { operands, .. } => {
                operands.iter_mut().for_each(change);
            }
            Self::Helped { operands, .. } | Self::Lasts { operands, .. } => operands.iter_mut().for_each(change),
            Self::Part { of, .. } | Self::Number { of, .. } => {
                let mut source = Source::Step(*of);
                change(&mut source);
                if let Source::Step(index) = source {
                    *of = index;
                }
            }
        }
    }

    /// Whether it must come about.
    fn is_condition(&self) -> bool {
        matches!(self, Self::Decision { .. } | Self::Number { .. } | Self::Lasts { .. })
    }
}

/// A store to a register of which, as often as it is made, only the last one matters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absorbed {
    pub address: u32,
    pub value: u32,
    /// The instruction that makes it.
    pub pc: u32,
    /// When, in cycles since the round began.
    pub offset: u64,
}

/// What is known of a round.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    /// The core when it began. Its cycles do not matter, nor do registers that are among [`Self::found`].
    pub start: Cpu,
    /// Its cycles.
    pub length: u64,
    /// Places that hold something else in each round.
    pub found: Vec<Place>,
    /// Words of memory with what they held when they were read first.
    pub words: Vec<(u32, u32)>,
    /// Registers of devices that showed a constant.
    pub constants: Vec<(u32, u32)>,
    /// Stores to devices of which only the last one matters.
    pub absorbed: Vec<Absorbed>,
    pub steps: Vec<Step>,
    /// What it has left in places that held something else, or may have.
    pub left: Vec<(Place, Source)>,
    /// The same of each of [`Self::found`], if it has left something there.
    pub left_for_next: Vec<Option<Source>>,
    /// Whether what it has left keeps the next round from being the same, or may.
    pub disturbs_itself: bool,
    /// Functions of the boot ROM that were called, and how often.
    pub functions: Vec<(usize, u64)>,
}

/// What places of [`Trace::found`] hold when a round of many begins: the same in all, if there is nothing.
pub(super) type Changing = Vec<Option<Left>>;

/// Why many rounds are not known to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Undecided;

impl Trace {
    /// Whether a round that begins now is this one, as far as no clock has a part in it.
    pub fn holds<O: Outside>(&self, core: &Core<Peripherals<O>>) -> bool {
        let Core { cpu, memory, bus, .. } = core;
        // What no round reads that is noted, see `is_noted`.
        let Cpu { a, cycles, ccount_offset, ccompare0, timer_at, .. } = *cpu;
        let Cpu { epc, eps, excsave, exccause, excvaddr, depc, .. } = *cpu;
        let start = Cpu {
            a,
            cycles,
            ccount_offset,
            ccompare0,
            timer_at,
            epc,
            eps,
            excsave,
            exccause,
            excvaddr,
            depc,
            ..self.start.clone()
        };
        let is_same = |index: usize| self.start.a[index] == cpu.a[index] || self.is_found(Place::Register(index as u8));
        (0..16).all(is_same)
            && start == *cpu
            && !memory.is_restricted()
            && self.words.iter().all(|&(address, word)| memory.load(address, Width::Word) == Ok(word))
            && self
                .constants
                .iter()
                .all(|&(address, value)| bus.steady(address, cpu.cycles).and_then(Steady::constant) == Some(value))
            && self.absorbed.iter().all(|store| bus.is_absorbed(store.address, store.value))
    }

    /// How much [`Self::holds`] compares.
    pub fn comparisons(&self) -> u64 {
        (16 + self.words.len() + self.constants.len() + self.absorbed.len()) as u64
    }

    /// To be called when all is noted.
    pub fn complete(&mut self) {
        self.drop_unused();
        let left = |place: &Place| self.left.iter().find(|left| left.0 == *place).map(|left| left.1);
        self.left_for_next = self.found.iter().map(left).collect();
        self.disturbs_itself = self.disturbs(self);
    }

    /// Drops steps on which nothing depends.
    fn drop_unused(&mut self) {
        let mut is_used = vec![false; self.steps.len()];
        let mut uses: Vec<Source> = self.left.iter().map(|left| left.1).collect();
        for index in (0..self.steps.len()).rev() {
            for source in uses.drain(..) {
                if let Source::Step(index) = source {
                    is_used[usize::from(index)] = true;
                }
            }
            is_used[index] |= self.steps[index].is_condition();
            if is_used[index] {
                self.steps[index].for_each_source(|source| uses.push(*source));
            }
        }
        let mut kept = 0;
        let places: Vec<u16> = is_used
            .iter()
            .map(|&is_used| {
                kept += u16::from(is_used);
                kept.wrapping_sub(1)
            })
            .collect();
        let mut is_kept = is_used.iter().copied();
        self.steps.retain(|_| is_kept.next().unwrap_or_default());
        let moved = |source: &mut Source| {
            if let Source::Step(index) = source {
                *index = places[usize::from(*index)];
            }
        };
        self.left.iter_mut().for_each(|left| moved(&mut left.1));
        self.steps.iter_mut().for_each(|step| step.for_each_source(moved));
    }

    /// The places in which a round that begins now differs from this one, if there are no more than a few.
    pub fn differences<O: Outside>(&self, core: &Core<Peripherals<O>>) -> Vec<Place> {
        /// More are another round altogether.
        const FEW: usize = 8;

        let registers = (0..16_u8).map(|index| (Place::Register(index), self.start.a[usize::from(index)]));
        let words = self.words.iter().map(|&(address, word)| (Place::Word(address), word));
        let differs = |&(place, number): &(Place, u32)| {
            !self.is_found(place) && number_in(place, &core.cpu, &core.memory) != number
        };
        let places: Vec<Place> = registers.chain(words).filter(differs).map(|(place, _)| place).take(FEW + 1).collect();
        if places.len() > FEW { Vec::new() } else { places }
    }

    /// Whether it needs what a place holds that is not among [`Self::found`].
    pub fn reads(&self, place: Place) -> bool {
        match place {
            Place::Register(_) => true,
            Place::Word(address) => self.words.iter().any(|word| word.0 == address),
        }
    }

    fn is_found(&self, place: Place) -> bool {
        self.found.contains(&place)
    }

    /// Whether what this has left keeps `other` from coming about, or may.
    pub fn disturbs(&self, other: &Self) -> bool {
        self.left.iter().any(|&(place, source)| {
            if other.is_found(place) {
                return false;
            }
            let needed = match place {
                Place::Register(index) => Some(other.start.a[usize::from(index)]),
                Place::Word(address) => other.words.iter().find(|word| word.0 == address).map(|word| word.1),
            };
            needed.is_some_and(|needed| source != Source::Number(needed))
        })
    }

    /// Executes one round. `false` if it is another one, and then nothing has happened. What it leaves in any case is
    /// there already if the round before was one of these, too: `is_again`.
    pub fn once<O: Outside>(&self, core: &mut Core<Peripherals<O>>, numbers: &mut Vec<u32>, is_again: bool) -> bool {
        numbers.clear();
        for step in &self.steps {
            match self.number(step, core, numbers) {
                Some(number) => numbers.push(number),
                None => return false,
            }
        }
        for &(place, source) in &self.left {
            if !is_again || matches!(source, Source::Step(_)) {
                put(place, number_of(source, numbers), core);
            }
        }
        core.let_pass(core.cpu.cycles + self.length);
        true
    }

    /// What a step gives in the round that begins now, if it comes about.
    fn number<O: Outside>(&self, step: &Step, core: &Core<Peripherals<O>>, numbers: &[u32]) -> Option<u32> {
        match *step {
            Step::Found(index) => Some(number_in(self.found[usize::from(index)], &core.cpu, &core.memory)),
            Step::Read { address: 0, offset } => Some(core.cpu.ccount().wrapping_add(offset as u32)),
            Step::Read { address, offset } => match core.bus.steady(address, core.cpu.cycles + offset)? {
                Steady::Up { count: number, .. } | Steady::Down(number) => Some(number as u32),
                Steady::Constant(_) | Steady::Kept(_) => None,
            },
            Step::Arithmetic { opcode, operands, numbers: immediates, sar } => {
                compute::result(opcode, operands.map(|operand| number_of(operand, numbers)), immediates, sar)
            }
            Step::Part { of, shift, mask } => Some(numbers[usize::from(of)] >> shift & mask),
            Step::Helped { helper, operands, is_upper } => {
                let (x, y) = helper.arguments(operands.map(|operand| number_of(operand, numbers)));
                helper.result(x, y).map(|result| if is_upper { (result >> 32) as u32 } else { result as u32 })
            }
            Step::Lasts { helper, operands, cycles } => {
                let (x, y) = helper.arguments(operands.map(|operand| number_of(operand, numbers)));
                (helper.cycles(x, y) == cycles).then_some(0)
            }
            Step::Decision { opcode, operands: [left, right], is_taken } => {
                let decided = compute::is_taken(opcode, number_of(left, numbers), number_of(right, numbers));
                (decided == is_taken).then_some(0)
            }
            Step::Number { of, number } => (numbers[usize::from(of)] == number).then_some(number),
        }
    }

    /// Shows that so many rounds from now on are all the same. What is expected to change is taken from `hint`; what
    /// does is left there.
    pub fn are_same<O: Outside>(
        &self,
        core: &Core<Peripherals<O>>,
        rounds: u64,
        hint: &mut Changing,
        values: &mut Vec<Value>,
    ) -> Result<(), Undecided> {
        /// How often it is gone through until it is clear what changes.
        const ATTEMPTS: usize = 6;

        if self.disturbs_itself {
            return Err(Undecided);
        }
        let (bus, cpu) = (&core.bus, &core.cpu);
        let numbers: Vec<u32> = self.found.iter().map(|&place| number_in(place, cpu, &core.memory)).collect();
        let shows = |tick: &Tick, number: u32| tick_at(bus, cpu, *tick, cpu.cycles) == Some(number);
        hint.resize(self.found.len(), None);
        for (left, &number) in hint.iter_mut().zip(&numbers) {
            if matches!(left, Some(Left::Tick(tick)) if !shows(tick, number)) {
                *left = Some(Left::Anything);
            }
        }
        for _ in 0..ATTEMPTS {
            let changing = hint.clone();
            let found = |index: usize| match &changing[index] {
                None => Value::constant(numbers[index]),
                Some(Left::Anything) => Value::STALE,
                // A clock that cannot be asked may show anything.
                Some(Left::Tick(tick)) => self.ticking(bus, cpu, *tick, rounds).unwrap_or(Value::STALE),
            };
            self.evaluate(bus, cpu, rounds, found, values)?;
            let mut is_stale = false;
            for (index, source) in self.left_for_next.iter().enumerate() {
                let Some(value) = source.map(|source| value_of(source, values)) else { continue };
                // As the next round will find it. What is older than a round may be older than the clock.
                let left = value
                    .tick()
                    .filter(|tick| tick.offset >= 0)
                    .map(|tick| Tick { offset: tick.offset - self.length as i64, ..tick });
                match changing[index] {
                    Some(Left::Anything) => is_stale |= value.is_stale(),
                    Some(Left::Tick(tick)) if left == Some(tick) => {}
                    Some(Left::Tick(_)) => hint[index] = Some(Left::Anything),
                    None if value.known() == Some(numbers[index]) => {}
                    None => {
                        let left = left.filter(|tick| shows(tick, numbers[index]));
                        hint[index] = Some(left.map_or(Left::Anything, Left::Tick));
                    }
                }
            }
            if *hint == changing {
                return if is_stale { Err(Undecided) } else { Ok(()) };
            }
        }
        Err(Undecided)
    }

    /// Leaves behind what the last of many rounds that have just passed would have left for the next.
    pub fn leave<O: Outside>(&self, changing: &Changing, core: &mut Core<Peripherals<O>>) {
        for (&place, left) in self.found.iter().zip(changing) {
            let Some(Left::Tick(tick)) = left else { continue };
            if let Some(number) = tick_at(&core.bus, &core.cpu, *tick, core.cpu.cycles) {
                put(place, number, core);
            }
        }
    }

    /// Goes through the steps for so many rounds from now on.
    fn evaluate<O: Outside>(
        &self,
        bus: &Peripherals<O>,
        cpu: &Cpu,
        rounds: u64,
        found: impl Fn(usize) -> Value,
        values: &mut Vec<Value>,
    ) -> Result<(), Undecided> {
        values.clear();
        for step in &self.steps {
            let value = match *step {
                Step::Found(index) => found(usize::from(index)),
                Step::Read { address, offset } => self.read(bus, cpu, address, offset, rounds).ok_or(Undecided)?,
                Step::Arithmetic { opcode, operands, numbers, sar } => {
                    arithmetic(opcode, operands.map(|operand| value_of(operand, values)), numbers, sar)
                }
                Step::Part { of, shift, mask } => values[usize::from(of)] >> shift & Value::constant(mask),
                Step::Helped { helper, operands, is_upper } => {
                    helped::result(helper, operands.map(|operand| value_of(operand, values)), is_upper)
                }
                Step::Lasts { helper, operands, cycles } => {
                    if helped::cycles(helper, operands.map(|operand| value_of(operand, values))) != Some(cycles) {
                        return Err(Undecided);
                    }
                    Value::constant(0)
                }
                Step::Decision { opcode, operands: [left, right], is_taken } => {
                    let decided = decide(opcode, value_of(left, values), value_of(right, values));
                    let of_sum = || decide_carry(opcode, self.added(left, right)?.map(|added| value_of(added, values)));
                    if decided.or_else(of_sum) != Some(is_taken) {
                        return Err(Undecided);
                    }
                    Value::constant(0)
                }
                Step::Number { of, number } => {
                    if values[usize::from(of)].known() != Some(number) {
                        return Err(Undecided);
                    }
                    Value::constant(number)
                }
            };
            values.push(value);
        }
        Ok(())
    }

    /// The numbers of which `sum` is the sum, if `part` is one of them.
    fn added(&self, sum: Source, part: Source) -> Option<[Source; 2]> {
        let Source::Step(step) = sum else { return None };
        match self.steps[usize::from(step)] {
            Step::Arithmetic { opcode: Opcode::Add, operands, .. } if operands.contains(&part) => Some(operands),
            _ => None,
        }
    }

    /// What a register shows in all rounds.
    fn read<O: Outside>(
        &self,
        bus: &Peripherals<O>,
        cpu: &Cpu,
        address: u32,
        offset: u64,
        rounds: u64,
    ) -> Option<Value> {
        let cycle = bus.clock().cpu_period();
        let tick = |period: u64| Tick { clock: address, offset: offset as i64, plus: 0, period, cycle: cycle.0 };
        if address == 0 {
            return self.ticking(bus, cpu, tick(cycle.0), rounds);
        }
        let first = cpu.cycles + offset;
        let last = first + self.distance(rounds);
        match (bus.steady(address, first)?, bus.steady(address, last)?) {
            (Steady::Up { period, .. }, Steady::Up { .. }) => self.ticking(bus, cpu, tick(period.0), rounds),
            (Steady::Down(first), Steady::Down(last)) => Some(Value::range(last as u32, first - last)),
            _ => None,
        }
    }

    /// What a clock shows in all rounds.
    fn ticking<O: Outside>(&self, bus: &Peripherals<O>, cpu: &Cpu, tick: Tick, rounds: u64) -> Option<Value> {
        let at = cpu.cycles.checked_add_signed(tick.offset)?;
        let first = count_at(bus, cpu, tick, at)?;
        let low = (first as u32).wrapping_add(tick.plus);
        let last = count_at(bus, cpu, tick, at + self.distance(rounds))?;
        Some(Value::range(low, last.checked_sub(first)?).with(tick))
    }

    /// Cycles from a moment in the first round to the same in the last.
    fn distance(&self, rounds: u64) -> u64 {
        (rounds - 1).saturating_mul(self.length)
    }
}

fn value_of(source: Source, values: &[Value]) -> Value {
    match source {
        Source::Number(number) => Value::constant(number),
        Source::Step(index) => values[usize::from(index)],
    }
}

fn number_of(source: Source, numbers: &[u32]) -> u32 {
    match source {
        Source::Number(number) => number,
        Source::Step(index) => numbers[usize::from(index)],
    }
}

/// What a place holds.
pub(super) fn number_in(place: Place, cpu: &Cpu, memory: &Memory) -> u32 {
    match place {
        Place::Register(index) => cpu.a[usize::from(index)],
        // It is data RAM that takes any access.
        Place::Word(address) => memory.load(address, Width::Word).unwrap_or_default(),
    }
}

fn put<O: Outside>(place: Place, number: u32, core: &mut Core<Peripherals<O>>) {
    match place {
        Place::Register(index) => core.cpu.a[usize::from(index)] = number,
        Place::Word(address) => drop(core.memory.store(address, Width::Word, number)),
    }
}
