//! Executes a round of a loop once, without anything that comes of it, and notes what it is made of: a
//! [trace](super::trace).

use std::collections::BTreeSet;

use super::arithmetic::{compares_in_order, compares_registers, has_one_operand, is_branch};
use super::left::Place;
use super::notes::Notes;
use super::trace::{Source, Step, Trace, number_in};
use crate::bus::{NoDevices, Width};
use crate::core::Core;
use crate::cpu::compute::is_arithmetic;
use crate::cpu::interpreter::{self, Step as Stepped};
use crate::cpu::{Cpu, special};
use crate::isa::table::Entry;
use crate::isa::{self, Instruction, Opcode, Operand};
use crate::memory::Memory;
use crate::peripherals::{Outside, Peripherals};
use crate::rom;
use crate::rom::libgcc::Helper;
use crate::rom::noted::{self, Uses};

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

/// A round under way.
struct Round<'a, O> {
    memory: &'a mut Memory,
    traps: &'a BTreeSet<u32>,
    cpu: Cpu,
    /// The steps that have given what registers hold.
    a: [Option<u16>; 16],
    notes: Notes<'a, O>,
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
            left_for_next: Vec::new(),
            disturbs_itself: false,
            functions: Vec::new(),
        };
        let notes = Notes::new(bus, trace);
        let mut round = Round { cpu: cpu.clone(), a: [None; 16], notes, memory, traps };
        for (step, &place) in found.iter().enumerate() {
            let step = Some(step as u16);
            match place {
                Place::Register(index) => round.a[usize::from(index)] = step,
                Place::Word(address) => {
                    let number = number_in(place, &round.cpu, round.memory);
                    round.notes.found(address, number, step);
                }
            }
        }
        round
    }

    fn run(mut self) -> Result<Trace, Busy> {
        loop {
            self.step()?;
            let (cpu, start) = (&self.cpu, &self.notes.trace.start);
            // The same instruction in a function that is called from two places is not the same place in the loop.
            if cpu.pc == start.pc && (0..2).all(|index| cpu.a[index] == start.a[index] && self.a[index].is_none()) {
                return self.done();
            }
            if cpu.cycles - start.cycles > LONGEST || self.notes.trace.steps.len() > usize::from(u16::MAX) - 16 {
                return Err(Busy);
            }
        }
    }

    fn done(self) -> Result<Trace, Busy> {
        let Self { memory, cpu, a, notes, .. } = self;
        if notes.waits_in_vain() {
            return Err(Busy);
        }
        let (mut trace, words) = notes.done();
        let start = &trace.start;
        trace.length = cpu.cycles - start.cycles;
        if (Cpu { a: start.a, cycles: start.cycles, ..cpu.clone() }) != *start {
            return Err(Busy);
        }
        let registers =
            (0..16_u8).map(|index| (Place::Register(index), cpu.a[usize::from(index)], a[usize::from(index)]));
        for (place, number, step) in registers.chain(words) {
            let is_untouched = match (step, trace.found.binary_search(&place)) {
                // It is still what was found there.
                (Some(step), Ok(index)) => usize::from(step) == index,
                (Some(_), Err(_)) => false,
                (None, Ok(_)) => false,
                // What was not read may hold something else the next time.
                (None, Err(_)) => trace.reads(place) && number == number_in(place, &trace.start, memory),
            };
            if !is_untouched {
                trace.left.push((place, step.map_or(Source::Number(number), Source::Step)));
            }
        }
        trace.complete();
        Ok(trace)
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

    /// A function of the boot ROM.
    fn function(&mut self, pc: u32) -> Result<(), Busy> {
        let index = rom::answered_at(pc).ok_or(Busy)?;
        let helper = Helper::at(pc).filter(|helper| self.helper_depends(*helper));
        if let Some(helper) = helper {
            self.help(helper)?;
        } else if pc == noted::CCOUNT {
            self.cpu.cycles += 1;
            let step = self.read(0);
            self.set(2, self.cpu.ccount(), Some(step));
            self.cpu.pc = self.number(0);
        } else {
            let Uses { reads, leaves } = noted::uses(pc).ok_or(Busy)?;
            let is_in = |registers: u16, index: u32| registers >> index & 1 != 0;
            (0..16).filter(|&index| is_in(reads, index)).for_each(|index| {
                self.number(index);
            });
            noted::run(&mut self.cpu, self.memory, &mut self.notes, self.traps).ok_or(Busy)?;
            (0..16).filter(|&index| is_in(leaves, index)).for_each(|index| self.a[index as usize] = None);
        }
        self.notes.count(index);
        Ok(())
    }

    /// Whether a step has given what a function calculates with.
    fn helper_depends(&self, helper: Helper) -> bool {
        self.a[2..][..helper.registers().0].iter().any(Option::is_some)
    }

    /// A function that calculates with what steps have given.
    fn help(&mut self, helper: Helper) -> Result<(), Busy> {
        let [_, _, a, b, c, d, ..] = self.cpu.a;
        let (x, y) = helper.arguments([a, b, c, d]);
        let result = helper.result(x, y).ok_or(Busy)?;
        let (arguments, results) = helper.registers();
        let unused = Source::Number(0);
        let operands = [2, 3, 4, 5].map(|index| if index < 2 + arguments { self.source(index as u32) } else { unused });
        let cycles = helper.cycles(x, y);
        if helper != Helper::Product {
            self.push(Step::Lasts { helper, operands, cycles });
        }
        self.cpu.cycles += 1 + cycles;
        for (index, is_upper) in [false, true].into_iter().enumerate().take(results) {
            let step = self.push(Step::Helped { helper, operands, is_upper });
            self.set(2 + index as u32, (result >> (32 * index)) as u32, Some(step));
        }
        self.cpu.pc = self.number(0);
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
            Mov => self.move_to(x, y),
            And | Or if y == z => self.move_to(x, y),
            Add if self.source(z) == Source::Number(0) => self.move_to(x, y),
            Add if self.source(y) == Source::Number(0) => self.move_to(x, z),
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
        self.notes.push(step)
    }

    /// A register is read that shows another number in each round.
    fn read(&mut self, address: u32) -> u16 {
        self.notes.read(address, self.cpu.cycles)
    }

    fn decided(&mut self, opcode: Opcode, operands: [Source; 2], is_taken: bool) {
        if operands[0] == operands[1] && compares_in_order(opcode) {
            return;
        }
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

    /// The same with one that gets what another register holds.
    fn move_to(&mut self, register: u32, from: u32) -> Result<(), Busy> {
        let step = self.a[from as usize & 15];
        self.interpret_to(register, step)
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
        let (pc, cycle) = (self.cpu.pc, self.cpu.cycles);
        let (number, step) = self.notes.load(self.memory, address, width, pc, cycle).ok_or(Busy)?;
        self.assign(instruction, number, step);
        Ok(())
    }

    fn store(&mut self, instruction: &Instruction, width: Width) -> Result<(), Busy> {
        let [x, y, offset, _] = instruction.operands;
        let address = self.number(y).wrapping_add(offset);
        let (value, step) = (self.register(x), self.a[x as usize & 15]);
        let (pc, cycle) = (self.cpu.pc, self.cpu.cycles);
        self.notes.store(self.memory, address, width, (value, step), pc, cycle).ok_or(Busy)?;
        self.pass(instruction);
        Ok(())
    }
}

/// Whether a special register is among those of which a trace notes what they held: all but what interrupts leave in
/// theirs.
fn is_noted(register: u32) -> bool {
    use special::*;

    matches!(register, SAR | LITBASE | PS | INTENABLE | INTERRUPT | VECBASE | PRID)
}
