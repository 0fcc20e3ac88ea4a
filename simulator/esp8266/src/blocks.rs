//! Fast execution: basic blocks, decoded once.
//!
//! A block is a run of instructions up to a jump, a branch, or an instruction that only the interpreter executes. It is
//! decoded into dense `Op`s with operands resolved as far as they are known: immediates, targets, literals. Blocks are
//! found by address, and remember the blocks that they lead to. `execute` runs the ops of linked blocks on the
//! registers and plain memory; whatever is special about an instruction (a device, an exception, a special register)
//! makes it hand that instruction to the [interpreter](crate::cpu::interpreter), untouched. So there is one place for
//! all that is rare, and two for what is common; the tests compare them.
//!
//! A store to translated words, a moved flash window or a changed attribute is noticed by the memory, and then all
//! blocks are dropped. A translator to machine code can take the place of `execute::run`: it would get the same blocks
//! and return the same `Exit`.

mod execute;
mod op;

use std::collections::BTreeSet;

pub(crate) use execute::{Exit, run};

use crate::isa;
use crate::memory::{BASE, Memory, PAGE_SIZE, PAGES};
use op::{Kind, Op, join_pairs, lower};

/// No block.
pub(crate) const NONE: u32 = u32::MAX;

/// Longest block, in instructions.
const LONGEST: u32 = 48;
/// All blocks are dropped when this many ops are kept.
const MOST_OPS: usize = 1 << 21;

/// A translated block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// Address of its first instruction.
    pub pc: u32,
    /// Address after its last instruction.
    pub end: u32,
    /// Its first op.
    pub first: u32,
    /// How many ops it has.
    pub count: u32,
    /// The block at the target of its last instruction, once known; of an indirect jump, the last target.
    pub taken: u32,
    /// The block at `end`, once known.
    pub next: u32,
    /// Its last instruction jumps to an address in a register.
    pub indirect: bool,
}

/// How many targets of indirect jumps are remembered.
const TARGETS: usize = 1024;

/// Where a target of indirect jumps is remembered.
fn target_index(pc: u32) -> usize {
    (pc ^ pc >> 10) as usize % TARGETS
}

/// All blocks.
#[derive(Debug)]
pub(crate) struct Blocks {
    /// LITBASE, as the blocks take it to be.
    pub litbase: u32,
    blocks: Vec<Block>,
    ops: Vec<Op>,
    /// Length of each op's instruction in bytes.
    lengths: Vec<u8>,
    /// For each page with blocks, the block that starts at each of its bytes.
    starts: Vec<Option<Box<[u32; PAGE_SIZE as usize]>>>,
    /// Targets of indirect jumps, with their blocks: for those that do not always go to the same.
    targets: Box<[(u32, u32); TARGETS]>,
}

impl Default for Blocks {
    fn default() -> Self {
        Self {
            litbase: 0,
            blocks: Vec::new(),
            ops: Vec::new(),
            lengths: Vec::new(),
            starts: Vec::new(),
            targets: Box::new([(0, NONE); TARGETS]),
        }
    }
}

impl Blocks {
    /// Drops all blocks.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.ops.clear();
        self.lengths.clear();
        self.starts.clear();
        self.targets.fill((0, NONE));
    }

    /// A block and its ops.
    #[inline(always)]
    fn get(&self, id: u32) -> (&Block, &[Op]) {
        let block = &self.blocks[id as usize];
        (block, &self.ops[block.first as usize..][..block.count as usize])
    }

    /// The address of a block's instruction.
    fn pc_of(&self, block: &Block, index: u32) -> u32 {
        let lengths = &self.lengths[block.first as usize..(block.first + index) as usize];
        block.pc + lengths.iter().map(|&length| u32::from(length)).sum::<u32>()
    }

    /// The block that starts at `pc`, or [`NONE`].
    #[inline]
    pub fn find(&self, pc: u32) -> u32 {
        let page = (pc.wrapping_sub(BASE) / PAGE_SIZE) as usize;
        match self.starts.get(page) {
            Some(Some(starts)) => starts[(pc % PAGE_SIZE) as usize],
            _ => NONE,
        }
    }

    /// `id` if it is a block that starts at `pc`; otherwise one that is known to, or [`NONE`].
    #[inline(always)]
    fn if_at(&self, id: u32, pc: u32) -> u32 {
        match self.blocks.get(id as usize) {
            Some(block) if block.pc == pc => id,
            _ => {
                let (at, id) = self.targets[target_index(pc)];
                if at == pc { id } else { NONE }
            }
        }
    }

    /// Notes that block `from` leads to block `to`: at its end, or at its target.
    pub fn link(&mut self, from: u32, to: u32, is_next: bool) {
        let to_pc = self.blocks[to as usize].pc;
        let block = &mut self.blocks[from as usize];
        *if is_next { &mut block.next } else { &mut block.taken } = to;
        if block.indirect {
            self.targets[target_index(to_pc)] = (to_pc, to);
        }
    }

    /// Translates the block at `pc`. Even what cannot be fetched makes a block: one that leaves it to the interpreter.
    pub fn build(&mut self, pc: u32, memory: &mut Memory, traps: &BTreeSet<u32>) -> u32 {
        if self.ops.len() > MOST_OPS {
            self.clear();
        }
        let first = self.ops.len() as u32;
        let mut end = pc;
        let mut count = 0;
        let last = loop {
            let instruction = memory.fetch(end).ok().and_then(|word| isa::decode(word, end));
            let (op, length) = match &instruction {
                Some(instruction) => (lower(instruction, memory, self.litbase), instruction.entry.length),
                None => (Op::INTERPRET, 0),
            };
            self.ops.push(op);
            self.lengths.push(length);
            count += 1;
            end = end.wrapping_add(u32::from(length));
            if op.kind.ends_block() || count == LONGEST || traps.contains(&end) {
                break op.kind;
            }
        };
        memory.mark_code(pc, end);
        join_pairs(&mut self.ops[first as usize..]);
        let indirect = matches!(last, Kind::Jx | Kind::Ret | Kind::Callx0);
        let id = self.blocks.len() as u32;
        self.blocks.push(Block { pc, end, first, count, taken: NONE, next: NONE, indirect });
        let page = (pc.wrapping_sub(BASE) / PAGE_SIZE) as usize;
        if page < PAGES {
            if self.starts.is_empty() {
                self.starts.resize_with(PAGES, || None);
            }
            let starts = self.starts[page].get_or_insert_with(|| Box::new([NONE; PAGE_SIZE as usize]));
            starts[(pc % PAGE_SIZE) as usize] = id;
        }
        id
    }
}
