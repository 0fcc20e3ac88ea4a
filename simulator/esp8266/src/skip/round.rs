//! One round of a loop, executed for many rounds at once: on [values](super::value) that registers and words have in
//! any of them.
//!
//! What is the same number in all rounds is left to the interpreter; here is only what differs from round to round,
//! and that comes from clocks. All rounds go the same way, or the attempt fails.

use std::collections::{BTreeMap, BTreeSet};

use super::arithmetic::{arithmetic, compares_registers, decide, has_one_operand, is_arithmetic, is_branch};
use super::left::{Changing, Left, Place, count_at, tick_at};
use super::value::{SIGNED, Tick, Value};
use crate::bus::{NoDevices, Width};
use crate::cpu::interpreter::{self, Step};
use crate::cpu::{Cpu, ps, special};
use crate::isa::table::Entry;
use crate::isa::{self, Instruction, Opcode, Operand};
use crate::memory::{Memory, Miss};
use crate::peripherals::{Outside, Peripherals, Steady, Time};
use crate::rom;

/// Why a round is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Rounds may differ: fewer may not.
    Undecided,
    /// It does what a loop that waits for a clock does not do.
    Busy,
}

/// A loop that takes longer to come round does more than wait.
const LONGEST: u64 = 4_000;

/// What surrounds a round.
pub(super) struct Surroundings<'a, O> {
    pub memory: &'a mut Memory,
    pub bus: &'a Peripherals<O>,
    pub traps: &'a BTreeSet<u32>,
    /// How many rounds are meant, and how many cycles lie between their beginnings.
    pub rounds: u64,
    pub length: u64,
}

/// What came of a round.
#[derive(Debug)]
pub(super) struct Done {
    /// Its cycles.
    pub length: u64,
    /// What must have been taken for changing.
    pub changing: Changing,
    /// Something of it depends on what the round before has left.
    pub is_stale: bool,
    /// Functions of the boot ROM that were called, in the order of calls.
    pub functions: Vec<usize>,
    /// Its instructions.
    pub path: Vec<u32>,
}

/// A round under way.
struct Round<'a, 'b, O> {
    around: &'a mut Surroundings<'b, O>,
    /// The first of the rounds. Its general registers are right where [`Self::a`] is a single number.
    cpu: Cpu,
    a: [Value; 16],
    /// Words of data RAM that differ, or have been written.
    words: BTreeMap<u32, Value>,
    functions: Vec<usize>,
    path: Vec<u32>,
    /// The cycle at which it began.
    start: u64,
}

/// Executes a round that begins with `cpu`, but for what `changing` says to be anything.
pub(super) fn execute<O: Outside>(
    around: &mut Surroundings<'_, O>,
    start: &Cpu,
    changing: &Changing,
) -> Result<Done, Trouble> {
    let a = start.a.map(Value::constant);
    let mut round = Round {
        around,
        cpu: start.clone(),
        a,
        words: BTreeMap::new(),
        functions: Vec::new(),
        path: Vec::new(),
        start: start.cycles,
    };
    for (&place, left) in changing {
        let value = match left {
            Left::Anything => Value::STALE,
            Left::Tick(tick) => round.ticking(*tick).ok_or(Trouble::Undecided)?,
        };
        match place {
            Place::Register(index) => round.a[usize::from(index)] = value,
            Place::Word(address) => drop(round.words.insert(address, value)),
        }
    }
    loop {
        round.step()?;
        // The same instruction in a function that is called from two places is not the same place in the loop.
        if round.cpu.pc == start.pc && (0..2).all(|index| round.a[index].known() == Some(start.a[index])) {
            return round.done(start, changing);
        }
        if round.cpu.cycles - start.cycles > LONGEST {
            return Err(Trouble::Busy);
        }
    }
}

impl<O: Outside> Round<'_, '_, O> {
    fn done(self, start: &Cpu, changing: &Changing) -> Result<Done, Trouble> {
        let length = self.cpu.cycles - start.cycles;
        let end = Cpu { a: start.a, cycles: start.cycles, ..self.cpu };
        if end != *start {
            return Err(Trouble::Busy);
        }
        let (mut after, mut is_stale) = (changing.clone(), false);
        let registers = self.a.iter().enumerate().map(|(index, value)| (Place::Register(index as u8), *value));
        let words = self.words.iter().map(|(&address, value)| (Place::Word(address), *value));
        for (place, value) in registers.chain(words) {
            // As the next round will find it. What is older than a round may be older than the clock.
            let left = value
                .tick()
                .filter(|tick| tick.offset >= 0)
                .map(|tick| Tick { offset: tick.offset - length as i64, ..tick });
            let before = match place {
                Place::Register(index) => Some(start.a[usize::from(index)]),
                Place::Word(address) => self.around.memory.load(address, Width::Word).ok(),
            };
            match changing.get(&place) {
                Some(Left::Anything) => is_stale |= value.is_stale(),
                Some(Left::Tick(tick)) if left == Some(*tick) => {}
                Some(Left::Tick(_)) => drop(after.insert(place, Left::Anything)),
                None if value.known().is_some() && value.known() == before => {}
                None => {
                    let is_left = |tick: &Tick| {
                        before.is_some() && tick_at(self.around.bus, start, *tick, start.cycles) == before
                    };
                    after.insert(place, left.filter(is_left).map_or(Left::Anything, Left::Tick));
                }
            }
        }
        Ok(Done { length, changing: after, is_stale, functions: self.functions, path: self.path })
    }

    fn step(&mut self) -> Result<(), Trouble> {
        let pc = self.cpu.pc;
        self.path.push(pc);
        if self.cpu.interrupt_pending() || self.around.traps.contains(&pc) {
            return Err(Trouble::Busy);
        }
        if rom::RANGE.contains(&pc) {
            return self.function(pc);
        }
        let word = self.around.memory.fetch(pc).map_err(|_| Trouble::Busy)?;
        let instruction = isa::decode(word, pc).ok_or(Trouble::Busy)?;
        self.execute(&instruction)
    }

    /// A function of the boot ROM: those of a few instructions that programs call wherever they touch what is shared.
    fn function(&mut self, pc: u32) -> Result<(), Trouble> {
        let (index, name) = rom::answered_at(pc).ok_or(Trouble::Busy)?;
        let before = self.cpu.ps;
        let (level, cycles) = match name {
            "ets_intr_lock" => {
                self.set_word(rom::ram::LOCKED_PS, Value::constant(before))?;
                (3, 5)
            }
            "ets_intr_unlock" => (0, 3),
            _ => return Err(Trouble::Busy),
        };
        self.cpu.ps = before & !ps::INTLEVEL | level;
        self.cpu.cycles += cycles;
        self.set(2, Value::constant(before));
        self.cpu.pc = self.a[0].known().ok_or(Trouble::Undecided)?;
        self.functions.push(index);
        Ok(())
    }

    fn execute(&mut self, instruction: &Instruction) -> Result<(), Trouble> {
        use Opcode::*;

        let [x, y, z, w] = instruction.operands;
        let a = self.a;
        let reg = |index: u32| a[index as usize & 15];
        let opcode = instruction.opcode();
        match opcode {
            L8ui => self.load(instruction, reg(y) + Value::constant(z), Width::Byte),
            L16ui => self.load(instruction, reg(y) + Value::constant(z), Width::Half),
            L32i => self.load(instruction, reg(y) + Value::constant(z), Width::Word),
            L32r => {
                let address = instruction.literal_address(self.cpu.litbase);
                self.load(instruction, Value::constant(address), Width::Word)
            }
            S8i => self.store(instruction, reg(y) + Value::constant(z), Width::Byte, reg(x)),
            S16i => self.store(instruction, reg(y) + Value::constant(z), Width::Half, reg(x)),
            S32i => self.store(instruction, reg(y) + Value::constant(z), Width::Word, reg(x)),
            Rsr if y == special::CCOUNT => {
                let tick = self.tick(0, self.around.bus.clock().cpu_period());
                let value = self.ticking(tick).ok_or(Trouble::Undecided)?;
                self.assign(instruction, value);
                Ok(())
            }
            Rsr | Rsil => self.interpret_to(instruction, x),
            Wsr if (y == special::PS || y == special::SAR) && reg(x).known().is_some() => self.interpret(),
            Ssr | Ssl | Ssa8l | Ssa8b if reg(x).known().is_none() => Err(Trouble::Undecided),
            Ssr | Ssl | Ssa8l | Ssa8b | Ssai => self.interpret(),
            Nop | Memw | Extw | Isync | Rsync | Esync | Dsync | Excw => self.interpret(),
            J => self.interpret(),
            Call0 => self.interpret_to(instruction, 0),
            Ret if reg(0).known().is_some() => self.interpret(),
            Jx if reg(x).known().is_some() => self.interpret(),
            Callx0 if reg(x).known().is_some() => self.interpret_to(instruction, 0),
            Ret | Jx | Callx0 => Err(Trouble::Undecided),
            _ if is_branch(opcode) => {
                let (left, right) = (reg(x), if compares_registers(opcode) { reg(y) } else { Value::constant(y) });
                if left.known().is_some() && right.known().is_some() {
                    return self.interpret();
                }
                let target = if has_one_operand(opcode) { y } else { z };
                let is_taken = decide(opcode, left, right).ok_or(Trouble::Undecided)?;
                self.pass(instruction);
                if is_taken {
                    self.cpu.pc = target;
                }
                Ok(())
            }
            Moveqz | Movnez | Movltz | Movgez => {
                let zero = Value::constant(0);
                let is_moved = match opcode {
                    Moveqz => reg(z).is_equal(zero),
                    Movnez => reg(z).is_equal(zero).map(|equal| !equal),
                    Movltz => reg(z).is_less(zero, SIGNED),
                    _ => reg(z).is_less(zero, SIGNED).map(|less| !less),
                };
                let value = if is_moved.ok_or(Trouble::Undecided)? { reg(y) } else { reg(x) };
                self.assign(instruction, value);
                Ok(())
            }
            _ if !is_arithmetic(opcode) => Err(Trouble::Busy),
            _ if self.operands_are_known(instruction.entry, &instruction.operands) => self.interpret_to(instruction, x),
            _ => {
                let value = arithmetic(opcode, [reg(y), reg(z)], [y, z, w], self.cpu.sar);
                self.assign(instruction, value);
                Ok(())
            }
        }
    }

    /// Whether all registers that an arithmetic instruction reads hold single numbers.
    fn operands_are_known(&self, entry: &Entry, operands: &[u32; 4]) -> bool {
        let mut read = entry.operands.iter().zip(operands).skip(1);
        read.all(|(operand, &index)| {
            !matches!(operand, Operand::R | Operand::S | Operand::T) || self.a[index as usize & 15].known().is_some()
        })
    }

    /// Lets the interpreter execute an instruction of which everything is known.
    fn interpret(&mut self) -> Result<(), Trouble> {
        match interpreter::step(&mut self.cpu, self.around.memory, &mut NoDevices) {
            Step::Done => Ok(()),
            _ => Err(Trouble::Busy),
        }
    }

    /// The same, with a register that gets a result.
    fn interpret_to(&mut self, instruction: &Instruction, register: u32) -> Result<(), Trouble> {
        debug_assert_eq!(instruction.pc, self.cpu.pc);
        self.interpret()?;
        self.a[register as usize & 15] = Value::constant(self.cpu.a[register as usize & 15]);
        Ok(())
    }

    /// Goes on behind an instruction that has been executed here.
    fn pass(&mut self, instruction: &Instruction) {
        self.cpu.pc = instruction.next();
        self.cpu.cycles += 1;
    }

    fn set(&mut self, register: u32, value: Value) {
        self.a[register as usize & 15] = value;
        if let Some(number) = value.known() {
            self.cpu.a[register as usize & 15] = number;
        }
    }

    /// Ends an instruction with a result for its first operand.
    fn assign(&mut self, instruction: &Instruction, value: Value) {
        self.set(instruction.operands[0], value);
        self.pass(instruction);
    }

    /// Cycles from this moment in the first round to the same in the last.
    fn distance(&self) -> u64 {
        (self.around.rounds - 1).saturating_mul(self.around.length)
    }

    fn load(&mut self, instruction: &Instruction, address: Value, width: Width) -> Result<(), Trouble> {
        let address = address.known().ok_or(Trouble::Undecided)?;
        let value = match self.words.get(&(address & !3)) {
            Some(&word) if address & (width as u32 - 1) == 0 => match width {
                Width::Word => word,
                _ => word >> (8 * (address & 3)) & Value::constant(width.mask()),
            },
            _ => match self.around.memory.load(address, width) {
                Ok(number) => Value::constant(number),
                Err(Miss::Device) if width == Width::Word => self.read_device(address).ok_or(Trouble::Busy)?,
                Err(_) => return Err(Trouble::Busy),
            },
        };
        self.assign(instruction, value);
        Ok(())
    }

    /// What a clock shows now.
    fn tick(&self, clock: u32, period: Time) -> Tick {
        let offset = (self.cpu.cycles - self.start) as i64;
        Tick { clock, offset, plus: 0, period: period.0, cycle: self.around.bus.clock().cpu_period().0 }
    }

    /// What it shows in all rounds.
    fn ticking(&self, tick: Tick) -> Option<Value> {
        let bus = self.around.bus;
        let at = self.start.checked_add_signed(tick.offset)?;
        let (first, last) =
            (count_at(bus, &self.cpu, tick, at)?, count_at(bus, &self.cpu, tick, at + self.distance())?);
        Some(Value::range((first as u32).wrapping_add(tick.plus), last.checked_sub(first)?).with(tick))
    }

    /// What a device shows in all rounds, if to read it does nothing.
    fn read_device(&self, address: u32) -> Option<Value> {
        let bus = self.around.bus;
        let last = self.cpu.cycles + self.distance();
        Some(match (bus.steady(address, self.cpu.cycles)?, bus.steady(address, last)?) {
            (Steady::Constant(value), _) => Value::constant(value),
            (Steady::Up { period, .. }, Steady::Up { .. }) => self.ticking(self.tick(address, period))?,
            (Steady::Down(first), Steady::Down(last)) => Value::range(last as u32, first - last),
            _ => return None,
        })
    }

    fn store(&mut self, instruction: &Instruction, address: Value, width: Width, value: Value) -> Result<(), Trouble> {
        let address = address.known().ok_or(Trouble::Undecided)?;
        if address & (width as u32 - 1) != 0 {
            return Err(Trouble::Busy);
        }
        if width == Width::Word
            && let Some(value) = value.known()
            && self.around.bus.is_absorbed(address, value)
        {
            self.pass(instruction);
            return Ok(());
        }
        let word = if width == Width::Word {
            value
        } else {
            let (word, value) = (self.word(address & !3)?.known(), value.known());
            let (word, value) = word.zip(value).ok_or(Trouble::Busy)?;
            let shift = 8 * (address & 3);
            Value::constant(word & !(width.mask() << shift) | (value & width.mask()) << shift)
        };
        self.set_word(address & !3, word)?;
        self.pass(instruction);
        Ok(())
    }

    fn word(&self, address: u32) -> Result<Value, Trouble> {
        let written = self.words.get(&address).copied().map(Ok);
        written.unwrap_or_else(|| match self.around.memory.load(address, Width::Word) {
            Ok(number) => Ok(Value::constant(number)),
            Err(_) => Err(Trouble::Busy),
        })
    }

    fn set_word(&mut self, address: u32, value: Value) -> Result<(), Trouble> {
        if !self.around.memory.is_plain(address) {
            return Err(Trouble::Busy);
        }
        self.words.insert(address, value);
        Ok(())
    }
}
