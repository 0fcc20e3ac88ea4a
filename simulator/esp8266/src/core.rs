//! A core with its memory and devices, and the loop that runs it.
//!
//! Before an instruction the loop lets devices act whose time has come, latches the timer, and takes a pending
//! interrupt; then it stops at the limit, or at an address whose function the owner answers; then the instruction runs.
//! [`Core::run`] does so for whole blocks at a time where nothing can happen in between; [`Core::run_interpreted`] for
//! each instruction. Both come to the same states at the same cycles.

use std::collections::BTreeSet;

use crate::blocks::{self, Blocks, Exit, NONE};
use crate::bus::Bus;
use crate::cpu::Cpu;
use crate::cpu::interpreter::{self, Step};
use crate::memory::Memory;
use crate::skip::Suspicion;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The cycle limit is reached.
    Limit,
    /// The program counter stands at an address whose function the owner answers: in the boot ROM, or
    /// [trapped](Core::trap).
    Trap(u32),
    /// The program has executed `simcall`: its request is in the registers, where the answer is to go.
    Simcall,
    /// A device has asked to stop, see [`Interrupts::stop`](crate::cpu::Interrupts::stop).
    Device,
    /// The instruction at the program counter has touched the flash at this address while its cache is off.
    FlashOff(u32),
    /// The last instruction, or function of the boot ROM, has stored to this [watched](Memory::watch) address.
    Watched(u32),
    /// The program comes back to the instruction at the program counter again and again. Only told who asks for it.
    Waits,
}

/// Addresses of the boot ROM, which holds no code here.
const ROM: core::ops::Range<u32> = 0x4000_0000..0x4001_0000;

/// A core, its memory and its devices.
#[derive(Debug)]
pub struct Core<B> {
    /// The registers.
    pub cpu: Cpu,
    /// The memories.
    pub memory: Memory,
    /// The devices.
    pub bus: B,
    /// Cycles that passed while nothing was executed: in `waiti`, and in functions of the boot ROM that wait.
    pub idle: u64,
    /// How often the loop came round: what runs cost the host beside the instructions.
    pub turns: u64,
    blocks: Blocks,
    pub(crate) suspicion: Suspicion,
    pub(crate) traps: BTreeSet<u32>,
}

impl<B: Bus> Core<B> {
    /// A core after reset.
    pub fn new(memory: Memory, bus: B) -> Self {
        Self {
            cpu: Cpu::new(),
            memory,
            bus,
            idle: 0,
            turns: 0,
            blocks: Blocks::default(),
            suspicion: Suspicion::default(),
            traps: BTreeSet::new(),
        }
    }

    /// Makes runs stop whenever the program counter gets to `address`.
    pub fn trap(&mut self, address: u32) {
        self.traps.insert(address);
        self.forget_code();
    }

    /// Takes a trap away again.
    pub fn untrap(&mut self, address: u32) {
        self.traps.remove(&address);
        self.forget_code();
    }

    /// Forgets all that is known of the program's code.
    fn forget_code(&mut self) {
        self.blocks.clear();
        self.suspicion.forget();
    }

    /// Runs until cycle `limit` or until something is for the owner to answer. Waiting for an interrupt takes no host
    /// time.
    pub fn run(&mut self, limit: u64) -> Stop {
        loop {
            if let Some(address) = self.memory.take_watched_store() {
                return Stop::Watched(address);
            }
            if let Some(stop) = self.before_instruction(limit) {
                return stop;
            }
            // Literals are part of blocks.
            if self.memory.take_modified_code() || self.blocks.litbase != self.cpu.litbase {
                self.forget_code();
                self.blocks.litbase = self.cpu.litbase;
            }
            let id = self.blocks.find(self.cpu.pc);
            // No block begins at a trap.
            if id == NONE && self.is_trapped(self.cpu.pc) {
                return Stop::Trap(self.cpu.pc);
            }
            let by_one = self.cpu.debug.is_armed() || self.memory.is_restricted();
            if let Some(stop) = if by_one { self.interpret() } else { self.run_blocks(id, limit) } {
                return stop;
            }
        }
    }

    /// As [`run`](Self::run), one instruction at a time: slow, and the reference for it.
    pub fn run_interpreted(&mut self, limit: u64) -> Stop {
        loop {
            if let Some(address) = self.memory.take_watched_store() {
                return Stop::Watched(address);
            }
            if let Some(stop) = self.before_instruction(limit) {
                return stop;
            }
            if self.is_trapped(self.cpu.pc) {
                return Stop::Trap(self.cpu.pc);
            }
            if let Some(stop) = self.interpret() {
                return stop;
            }
        }
    }

    fn before_instruction(&mut self, limit: u64) -> Option<Stop> {
        loop {
            self.turns += 1;
            if self.cpu.cycles >= self.bus.next_event() {
                self.bus.advance(self.cpu.cycles, &mut self.memory);
                let interrupts = self.bus.interrupts(self.cpu.cycles);
                self.cpu.apply(interrupts);
                if interrupts.stop {
                    return Some(Stop::Device);
                }
            }
            self.cpu.tick_timer();
            if self.cpu.interrupt_pending() {
                self.cpu.take_interrupt();
            }
            if self.cpu.cycles >= limit {
                return Some(Stop::Limit);
            }
            if !self.cpu.waiting {
                return None;
            }
            self.let_pass(self.horizon(limit));
        }
    }

    /// Lets time pass to `cycle`, at least one cycle, without executing anything.
    pub(crate) fn let_pass(&mut self, cycle: u64) {
        let cycle = cycle.max(self.cpu.cycles + 1);
        self.idle += cycle - self.cpu.cycles;
        self.cpu.cycles = cycle;
    }

    /// The next cycle at which something may happen that no instruction causes.
    fn horizon(&self, limit: u64) -> u64 {
        limit.min(self.cpu.timer_at).min(self.bus.next_event())
    }

    fn is_trapped(&self, pc: u32) -> bool {
        ROM.contains(&pc) || self.traps.contains(&pc)
    }

    fn interpret(&mut self) -> Option<Stop> {
        match interpreter::step(&mut self.cpu, &mut self.memory, &mut self.bus) {
            Step::Done => None,
            Step::Simcall => Some(Stop::Simcall),
            Step::Stop => Some(Stop::Device),
            Step::FlashOff(address) => Some(Stop::FlashOff(address)),
        }
    }

    /// Runs blocks from the program counter on until one hands an instruction to the interpreter, the horizon is near,
    /// or an address is trapped. `id` is the first, or [`NONE`] if it is not translated yet. Within blocks no device is
    /// touched and no interrupt can become pending.
    fn run_blocks(&mut self, id: u32, limit: u64) -> Option<Stop> {
        let horizon = self.horizon(limit);
        let mut id = if id == NONE { self.build_block() } else { id };
        loop {
            match blocks::run(&mut self.cpu, &mut self.memory, &self.blocks, id, horizon) {
                Exit::Horizon if self.cpu.cycles >= horizon => return None,
                Exit::Interpret if self.suspicion.arises(self.cpu.pc, self.cpu.cycles) => return Some(Stop::Waits),
                Exit::Horizon | Exit::Interpret => return self.interpret(),
                Exit::Unlinked { from, is_next } => {
                    id = self.blocks.find(self.cpu.pc);
                    if id != NONE {
                        self.blocks.link(from, id, is_next);
                    } else if self.is_trapped(self.cpu.pc) {
                        return None;
                    } else {
                        id = self.build_block();
                        // Unless building it has dropped all others.
                        if id > from {
                            self.blocks.link(from, id, is_next);
                        }
                    }
                }
            }
        }
    }

    fn build_block(&mut self) -> u32 {
        self.blocks.build(self.cpu.pc, &mut self.memory, &self.traps)
    }
}
