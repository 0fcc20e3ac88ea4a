//! What is noted of a round's accesses to memory and devices.

use std::collections::{BTreeMap, BTreeSet};

use super::left::Place;
use super::trace::{Absorbed, Step, Trace};
use crate::bus::Width;
use crate::memory::{Memory, Miss};
use crate::peripherals::{Outside, Peripherals, Steady};
use crate::rom::noted::Accesses;

/// A number, and the step that has given it, if it was one.
pub(super) type Given = (u32, Option<u16>);

/// A word of data RAM in this round.
#[derive(Clone, Copy)]
struct Word {
    given: Given,
    is_written: bool,
}

/// What has been noted of a round.
pub(super) struct Notes<'a, O> {
    bus: &'a Peripherals<O>,
    words: BTreeMap<u32, Word>,
    /// What has been read of devices: addresses, and the instructions that did.
    reads: BTreeSet<(u32, u32)>,
    /// What only a program changes is among them.
    reads_kept: bool,
    pub trace: Trace,
}

impl<'a, O: Outside> Notes<'a, O> {
    pub fn new(bus: &'a Peripherals<O>, trace: Trace) -> Self {
        Self { bus, words: BTreeMap::new(), reads: BTreeSet::new(), reads_kept: false, trace }
    }

    /// Takes note of what a word holds when the round begins.
    pub fn found(&mut self, address: u32, number: u32, step: Option<u16>) {
        self.words.insert(address, Word { given: (number, step), is_written: false });
    }

    /// Whether it reads the same of a device again and again, and nobody but itself could ever change that: then it is
    /// to be told.
    pub fn waits_in_vain(&self) -> bool {
        self.reads_kept && self.reads.len() < 2
    }

    /// What is known of the round, and the words that it has written.
    pub fn done(self) -> (Trace, impl Iterator<Item = (Place, u32, Option<u16>)>) {
        let words = self.words.into_iter().filter(|(_, word)| word.is_written);
        let words = words.map(|(address, Word { given: (number, step), .. })| (Place::Word(address), number, step));
        (self.trace, words)
    }

    pub fn push(&mut self, step: Step) -> u16 {
        self.trace.steps.push(step);
        (self.trace.steps.len() - 1) as u16
    }

    /// A register is read that shows another number in each round.
    pub fn read(&mut self, address: u32, cycle: u64) -> u16 {
        self.push(Step::Read { address, offset: self.offset(cycle) })
    }

    fn offset(&self, cycle: u64) -> u64 {
        cycle - self.trace.start.cycles
    }

    /// A function of the boot ROM was called.
    pub fn count(&mut self, function: usize) {
        match self.trace.functions.iter_mut().find(|counted| counted.0 == function) {
            Some((_, count)) => *count += 1,
            None => self.trace.functions.push((function, 1)),
        }
    }

    /// What an instruction at `pc` loads at this cycle. `None` if that cannot be noted.
    pub fn load(&mut self, memory: &Memory, address: u32, width: Width, pc: u32, cycle: u64) -> Option<Given> {
        match memory.load(address, width) {
            Ok(_) => {
                let (number, step) = self.word(memory, address & !3)?;
                let (shift, mask) = (8 * (address & 3), width.mask());
                let step = step.map(|of| match width {
                    Width::Word => of,
                    _ => self.push(Step::Part { of, shift, mask }),
                });
                Some((number >> shift & mask, step))
            }
            Err(Miss::Device) if width == Width::Word => self.read_device(address, pc, cycle),
            Err(_) => None,
        }
    }

    /// What a device shows, if to read it does nothing.
    fn read_device(&mut self, address: u32, pc: u32, cycle: u64) -> Option<Given> {
        let steady = self.bus.steady(address, cycle)?;
        self.reads.insert((address, pc));
        self.reads_kept |= matches!(steady, Steady::Kept(_));
        Some(match steady {
            Steady::Constant(number) | Steady::Kept(number) => {
                if !self.trace.constants.contains(&(address, number)) {
                    self.trace.constants.push((address, number));
                }
                (number, None)
            }
            Steady::Up { count: number, .. } | Steady::Down(number) => (number as u32, Some(self.read(address, cycle))),
        })
    }

    /// Takes note of what an instruction at `pc` stores at this cycle. `None` if that cannot be noted.
    pub fn store(
        &mut self,
        memory: &Memory,
        address: u32,
        width: Width,
        (number, step): Given,
        pc: u32,
        cycle: u64,
    ) -> Option<()> {
        if address & (width as u32 - 1) != 0 {
            return None;
        }
        if width == Width::Word {
            let is_absorbed = step.is_none()
                && memory.load(address, width) == Err(Miss::Device)
                && self.bus.is_absorbed(address, number);
            if !is_absorbed {
                return self.set_word(memory, address, (number, step));
            }
            let offset = self.offset(cycle);
            self.trace.absorbed.retain(|before| before.address != address);
            self.trace.absorbed.push(Absorbed { address, value: number, pc, offset });
            return Some(());
        }
        let (word, of_word) = self.word(memory, address & !3)?;
        if step.is_some() || of_word.is_some() {
            return None;
        }
        let (shift, mask) = (8 * (address & 3), width.mask());
        self.set_word(memory, address & !3, (word & !(mask << shift) | (number & mask) << shift, None))
    }

    fn word(&mut self, memory: &Memory, address: u32) -> Option<Given> {
        if let Some(word) = self.words.get(&address) {
            return Some(word.given);
        }
        let number = memory.load(address, Width::Word).ok()?;
        self.found(address, number, None);
        self.trace.words.push((address, number));
        Some((number, None))
    }

    fn set_word(&mut self, memory: &Memory, address: u32, given: Given) -> Option<()> {
        if !memory.is_plain(address) {
            return None;
        }
        self.words.insert(address, Word { given, is_written: true });
        Some(())
    }
}

impl<O: Outside> Accesses for Notes<'_, O> {
    /// What a step has given must be the same in all rounds.
    fn load(&mut self, memory: &Memory, address: u32, width: Width, pc: u32, cycle: u64) -> Option<u32> {
        let (number, step) = Self::load(self, memory, address, width, pc, cycle)?;
        if let Some(of) = step {
            self.push(Step::Number { of, number });
        }
        Some(number)
    }

    fn store(&mut self, memory: &Memory, address: u32, width: Width, value: u32, pc: u32, cycle: u64) -> Option<()> {
        Self::store(self, memory, address, width, (value, None), pc, cycle)
    }
}
