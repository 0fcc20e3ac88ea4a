//! Executes a round of a loop once, without anything that comes of it, and notes what it is made of: a
//! [trace](super::trace).

use std::collections::{BTreeMap, BTreeSet};

use super::arithmetic::{compares_registers, has_one_operand, is_branch};
use super::left::Place;
use super::trace::{Absorbed, Source, Step, Trace, number_in};
use crate::bus::{NoDevices, Width};
use crate::core::Core;
use crate::cpu::compute::is_arithmetic;
use crate::cpu::interpreter::{self, Step as Stepped};
use crate::cpu::{Cpu, ps, special};
use crate::isa::table::Entry;
use crate::isa::{self, Instruction, Opcode, Operand};
use crate::memory::{Memory, Miss};
use crate::peripherals::{Outside, Peripherals, Steady};
use crate::rom;

/// The round does what a loop that waits for a clock does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

/// A loop that takes longer to come round, in cycles, does more than wait.
pub(super) const LONGEST: u64 = 16_000;
/// How often a round is executed until it is clear what changes from one to the next.
const ATTEMPTS: usize = 4;

/// Notes the round that begins now. Places of `found` are taken for such as hold something else in each round, and more
/// are found.
pub(super) fn record<O: Outside>(
    core: &mut Core<Peripherals<O>>,
    found: impl IntoIterator<Item = Place>,
) -> Result<Trace, Busy> {
    let memory = &core.memory;
    // Of the others it is not known that to read them does nothing.
    let can_be_found = |place: &Place| match *place {
        // By these it is known where a round ends.
        Place::Register(index) => index > 1,
        Place::Word(address) => memory.is_plain(address),
    };
    let mut found: BTreeSet<Place> = found.into_iter().filter(can_be_found).collect();
    for _ in 0..ATTEMPTS {
        let trace = Round::new(core, &found).run()?;
        let depends = |&(place, source): &(Place, Source)| matches!(source, Source::Step(_)).then_some(place);
        let before = found.len();
        found.extend(trace.left.iter().filter_map(depends));
        if found.len() == before {
            return Ok(trace);
        }
    }
    Err(Busy)
}

/// A word of data RAM in this round.
#[derive(Clone, Copy)]
struct Word {
    number: u32,
    /// The step that has given it, if it was one.
    step: Option<u16>,
    is_written: bool,
}

/// A round under way.
struct Round<'a, O> {
    memory: &'a mut Memory,
    bus: &'a Peripherals<O>,
    traps: &'a BTreeSet<u32>,
    cpu: Cpu,
    /// The steps that have given what registers hold.
    a: [Option<u16>; 16],
    words: BTreeMap<u32, Word>,
    trace: Trace,
}

impl<'a, O: Outside> Round<'a, O> {
    fn new(core: &'a mut Core<Peripherals<O>>, found: &BTreeSet<Place>) -> Self {
        let Core { cpu, memory, bus, traps, .. } = core;
        let trace = Trace {
            start: cpu.clone(),
            length: 0,
            found: found.iter().copied().collect(),
            words: Vec::new(),
            constants: Vec::new(),
            absorbed: Vec::new(),
            steps: (0..found.len() as u16).map(Step::Found).collect(),
            left: Vec::new(),
            functions: Vec::new(),
        };
        let mut round = Round { cpu: cpu.clone(), a: [None; 16], words: BTreeMap::new(), trace, memory, bus, traps };
        for (step, &place) in found.iter().enumerate() {
            let step = Some(step as u16);
            match place {
                Place::Register(index) => round.a[usize::from(index)] = step,
                Place::Word(address) => {
                    let number = number_in(place, &round.cpu, round.memory);
                    round.words.insert(address, Word { number, step, is_written: false });
                }
            }
        }
        round
    }

    fn run(mut self) -> Result<Trace, Busy> {
        loop {
            self.step()?;
            let (cpu, start) = (&self.cpu, &self.trace.start);
            // The same instruction in a function that is called from two places is not the same place in the loop.
            if cpu.pc == start.pc && (0..2).all(|index| cpu.a[index] == start.a[index] && self.a[index].is_none()) {
                return self.done();
            }
            if cpu.cycles - start.cycles > LONGEST || self.trace.steps.len() > usize::from(u16::MAX) - 16 {
                return Err(Busy);
            }
        }
    }

    fn done(mut self) -> Result<Trace, Busy> {
        let start = &self.trace.start;
        self.trace.length = self.cpu.cycles - start.cycles;
        if (Cpu { a: start.a, cycles: start.cycles, ..self.cpu.clone() }) != *start {
            return Err(Busy);
        }
        let registers = (0..16_u8)
            .map(|index| (Place::Register(index), self.cpu.a[usize::from(index)], self.a[usize::from(index)]));
        let words = self.words.iter().filter(|(_, word)| word.is_written);
        let words = words.map(|(&address, word)| (Place::Word(address), word.number, word.step));
        for (place, number, step) in registers.chain(words) {
            let is_untouched = match (step, self.trace.found.binary_search(&place)) {
                // It is still what was found there.
                (Some(step), Ok(index)) => usize::from(step) == index,
                (Some(_), Err(_)) => false,
                (None, Ok(_)) => false,
                // What was not read may hold something else the next time.
                (None, Err(_)) => self.trace.reads(place) && number == number_in(place, &self.trace.start, self.memory),
            };
            if !is_untouched {
                self.trace.left.push((place, step.map_or(Source::Number(number), Source::Step)));
            }
        }
        self.trace.drop_unused();
        Ok(self.trace)
    }

    fn step(&mut self) -> Result<(), Busy> {
        let pc = self.cpu.pc;
        if self.cpu.interrupt_pending() || self.traps.contains(&pc) {
            return Err(Busy);
        }
        if rom::RANGE.contains(&pc) {
            return self.function(pc);
        }
        let word = self.memory.fetch(pc).map_err(|_| Busy)?;
        let instruction = isa::decode(word, pc).ok_or(Busy)?;
        self.memory.mark_code(pc, instruction.next());
        self.execute(&instruction)
    }

    /// A function of the boot ROM: those of a few instructions that programs call wherever they touch what is shared.
    fn function(&mut self, pc: u32) -> Result<(), Busy> {
        let (index, name) = rom::answered_at(pc).ok_or(Busy)?;
        let before = self.cpu.ps;
        let (level, cycles) = match name {
            "ets_intr_lock" => {
                self.set_word(rom::ram::LOCKED_PS, before, None)?;
                (3, 5)
            }
            "ets_intr_unlock" => (0, 3),
            _ => return Err(Busy),
        };
        self.cpu.ps = before & !ps::INTLEVEL | level;
        self.cpu.cycles += cycles;
        self.set(2, before, None);
        self.cpu.pc = self.number(0);
        match self.trace.functions.iter_mut().find(|function| function.0 == index) {
            Some((_, count)) => *count += 1,
            None => self.trace.functions.push((index, 1)),
        }
        Ok(())
    }

    fn execute(&mut self, instruction: &Instruction) -> Result<(), Busy> {
        use Opcode::*;

        let [x, y, z, w] = instruction.operands;
        let opcode = instruction.opcode();
        match opcode {
            L8ui => self.load(instruction, Width::Byte),
            L16ui => self.load(instruction, Width::Half),
            L32i => self.load(instruction, Width::Word),
            L32r => self.load_from(instruction, instruction.literal_address(self.cpu.litbase), Width::Word),
            S8i => self.store(instruction, Width::Byte),
            S16i => self.store(instruction, Width::Half),
            S32i => self.store(instruction, Width::Word),
            Rsr if y == special::CCOUNT => {
                let number = self.cpu.ccount();
                let step = self.read(0);
                self.assign(instruction, number, Some(step));
                Ok(())
            }
            Rsr if !is_noted(y) => Err(Busy),
            Rsr | Rsil => self.interpret_to(x, None),
            Wsr if y == special::PS || y == special::SAR => self.interpret_with(x),
            Ssr | Ssl | Ssa8l | Ssa8b | Jx => self.interpret_with(x),
            Ret => self.interpret_with(0),
            Callx0 => {
                self.number(x);
                self.interpret_to(0, None)
            }
            Call0 => self.interpret_to(0, None),
            Ssai | Nop | Memw | Extw | Isync | Rsync | Esync | Dsync | Excw | J => self.interpret(),
            _ if is_branch(opcode) => {
                let (right, target) = match opcode {
                    _ if compares_registers(opcode) => (self.source(y), z),
                    _ if has_one_operand(opcode) => (Source::Number(0), y),
                    _ => (Source::Number(y), z),
                };
                let operands = [self.source(x), right];
                self.interpret()?;
                self.decided(opcode, operands, self.cpu.pc == target);
                Ok(())
            }
            Moveqz | Movnez | Movltz | Movgez => {
                let number = self.register(z);
                let (branch, is_moved) = match opcode {
                    Moveqz => (Beqz, number == 0),
                    Movnez => (Bnez, number != 0),
                    Movltz => (Bltz, (number as i32) < 0),
                    _ => (Bgez, number as i32 >= 0),
                };
                self.decided(branch, [self.source(z), Source::Number(0)], is_moved);
                let step = self.a[if is_moved { y } else { x } as usize & 15];
                self.interpret_to(x, step)
            }
            _ if !is_arithmetic(opcode) => Err(Busy),
            _ if !self.depends(instruction.entry, &instruction.operands) => self.interpret_to(x, None),
            // A move.
            And | Or if y == z => {
                let step = self.a[y as usize & 15];
                self.interpret_to(x, step)
            }
            _ => {
                let operands = [self.source(y), self.source(z)];
                let step = Step::Arithmetic { opcode, operands, numbers: [y, z, w], sar: self.cpu.sar };
                let step = self.push(step);
                self.interpret_to(x, Some(step))
            }
        }
    }

    /// Whether a step has given what an arithmetic instruction reads.
    fn depends(&self, entry: &Entry, operands: &[u32; 4]) -> bool {
        let mut read = entry.operands.iter().zip(operands).skip(1);
        read.any(|(operand, &index)| {
            matches!(operand, Operand::R | Operand::S | Operand::T) && self.a[index as usize & 15].is_some()
        })
    }

    fn register(&self, index: u32) -> u32 {
        self.cpu.a[index as usize & 15]
    }

    fn source(&self, index: u32) -> Source {
        self.a[index as usize & 15].map_or(Source::Number(self.register(index)), Source::Step)
    }

    /// What a register holds, where it must be the same in all rounds.
    fn number(&mut self, index: u32) -> u32 {
        let number = self.register(index);
        if let Some(of) = self.a[index as usize & 15] {
            self.push(Step::Number { of, number });
        }
        number
    }

    fn push(&mut self, step: Step) -> u16 {
        self.trace.steps.push(step);
        (self.trace.steps.len() - 1) as u16
    }

    /// A register is read that shows another number in each round.
    fn read(&mut self, address: u32) -> u16 {
        self.push(Step::Read { address, offset: self.cpu.cycles - self.trace.start.cycles })
    }

    fn decided(&mut self, opcode: Opcode, operands: [Source; 2], is_taken: bool) {
        if operands.iter().any(|operand| matches!(operand, Source::Step(_))) {
            self.push(Step::Decision { opcode, operands, is_taken });
        }
    }

    /// Lets the interpreter execute an instruction.
    fn interpret(&mut self) -> Result<(), Busy> {
        match interpreter::step(&mut self.cpu, self.memory, &mut NoDevices) {
            Stepped::Done => Ok(()),
            _ => Err(Busy),
        }
    }

    /// The same of one that needs the number in a register.
    fn interpret_with(&mut self, index: u32) -> Result<(), Busy> {
        self.number(index);
        self.interpret()
    }

    /// The same with a register that gets a result.
    fn interpret_to(&mut self, register: u32, step: Option<u16>) -> Result<(), Busy> {
        self.interpret()?;
        self.a[register as usize & 15] = step;
        Ok(())
    }

    fn set(&mut self, register: u32, number: u32, step: Option<u16>) {
        self.cpu.a[register as usize & 15] = number;
        self.a[register as usize & 15] = step;
    }

    /// Goes on behind an instruction that has been executed here.
    fn pass(&mut self, instruction: &Instruction) {
        self.cpu.pc = instruction.next();
        self.cpu.cycles += 1;
    }

    /// Ends an instruction with a result for its first operand.
    fn assign(&mut self, instruction: &Instruction, number: u32, step: Option<u16>) {
        self.set(instruction.operands[0], number, step);
        self.pass(instruction);
    }

    fn load(&mut self, instruction: &Instruction, width: Width) -> Result<(), Busy> {
        let address = self.number(instruction.operands[1]).wrapping_add(instruction.operands[2]);
        self.load_from(instruction, address, width)
    }

    fn load_from(&mut self, instruction: &Instruction, address: u32, width: Width) -> Result<(), Busy> {
        let (number, step) = match self.memory.load(address, width) {
            Ok(_) => {
                let Word { number, step, .. } = self.word(address & !3)?;
                let (shift, mask) = (8 * (address & 3), width.mask());
                let step = step.map(|of| match width {
                    Width::Word => of,
                    _ => self.push(Step::Part { of, shift, mask }),
                });
                (number >> shift & mask, step)
            }
            Err(Miss::Device) if width == Width::Word => self.read_device(address).ok_or(Busy)?,
            Err(_) => return Err(Busy),
        };
        self.assign(instruction, number, step);
        Ok(())
    }

    /// What a device shows, if to read it does nothing.
    fn read_device(&mut self, address: u32) -> Option<(u32, Option<u16>)> {
        Some(match self.bus.steady(address, self.cpu.cycles)? {
            Steady::Constant(number) => {
                if !self.trace.constants.contains(&(address, number)) {
                    self.trace.constants.push((address, number));
                }
                (number, None)
            }
            Steady::Up { count: number, .. } | Steady::Down(number) => (number as u32, Some(self.read(address))),
        })
    }

    fn store(&mut self, instruction: &Instruction, width: Width) -> Result<(), Busy> {
        let [x, y, offset, _] = instruction.operands;
        let address = self.number(y).wrapping_add(offset);
        if address & (width as u32 - 1) != 0 {
            return Err(Busy);
        }
        let (number, step) = (self.register(x), self.a[x as usize & 15]);
        if width == Width::Word
            && step.is_none()
            && self.memory.load(address, width) == Err(Miss::Device)
            && self.bus.is_absorbed(address, number)
        {
            let (pc, offset) = (self.cpu.pc, self.cpu.cycles - self.trace.start.cycles);
            self.trace.absorbed.retain(|before| before.address != address);
            self.trace.absorbed.push(Absorbed { address, value: number, pc, offset });
            self.pass(instruction);
            return Ok(());
        }
        let (number, step) = if width == Width::Word {
            (number, step)
        } else {
            let word = self.word(address & !3)?;
            if step.is_some() || word.step.is_some() {
                return Err(Busy);
            }
            let (shift, mask) = (8 * (address & 3), width.mask());
            (word.number & !(mask << shift) | (number & mask) << shift, None)
        };
        self.set_word(address & !3, number, step)?;
        self.pass(instruction);
        Ok(())
    }

    fn word(&mut self, address: u32) -> Result<Word, Busy> {
        if let Some(&word) = self.words.get(&address) {
            return Ok(word);
        }
        let number = self.memory.load(address, Width::Word).map_err(|_| Busy)?;
        let word = Word { number, step: None, is_written: false };
        self.words.insert(address, word);
        self.trace.words.push((address, number));
        Ok(word)
    }

    fn set_word(&mut self, address: u32, number: u32, step: Option<u16>) -> Result<(), Busy> {
        if !self.memory.is_plain(address) {
            return Err(Busy);
        }
        self.words.insert(address, Word { number, step, is_written: true });
        Ok(())
    }
}

/// Whether a special register is among those of which a trace notes what they held: all but what interrupts leave in
/// theirs.
fn is_noted(register: u32) -> bool {
    use special::*;

    matches!(register, SAR | LITBASE | PS | INTENABLE | INTERRUPT | VECBASE | PRID)
}
