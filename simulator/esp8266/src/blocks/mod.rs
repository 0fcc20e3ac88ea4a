//! Fast execution: basic blocks, decoded once.
//!
//! A block is a run of instructions up to a jump, a branch, or an instruction that only the interpreter executes. It is
//! decoded into dense `Op`s with operands resolved as far as they are known: immediates, targets, literals.
//! Blocks are found by address, and remember the blocks that they lead to. `execute` runs the ops of one block on the
//! registers and plain memory; whatever is special about an instruction (a device, an exception, a special register) makes
//! it hand that instruction to the [interpreter](crate::cpu::interpreter), untouched. So there is one place for all that is rare, and two for
//! what is common; the tests compare them.
//!
//! A store to translated words, a moved flash window or a changed attribute is noticed by the memory, and then all blocks
//! are dropped. A translator to machine code can take the place of `execute`: it would get the same blocks and return the
//! same `Exit`.

mod execute;
mod op;

use std::collections::BTreeSet;

pub(crate) use execute::{Exit, execute};

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

/// All blocks.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    blocks: Vec<Block>,
    ops: Vec<Op>,
    /// Length of each op's instruction in bytes.
    lengths: Vec<u8>,
    /// For each page with blocks, the block that starts at each of its bytes.
    starts: Vec<Option<Box<[u32; PAGE_SIZE as usize]>>>,
}

impl Blocks {
    /// Drops all blocks.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.ops.clear();
        self.lengths.clear();
        self.starts.clear();
    }

    #[inline(always)]
    pub fn block(&self, id: u32) -> Block {
        self.blocks[id as usize]
    }

    #[inline(always)]
    pub fn ops(&self, block: Block) -> &[Op] {
        &self.ops[block.first as usize..(block.first + block.count) as usize]
    }

    /// The address of a block's instruction.
    pub fn pc_of(&self, id: u32, index: u32) -> u32 {
        let block = self.block(id);
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

    /// `id` if it is a block that starts at `pc`, otherwise [`NONE`].
    #[inline(always)]
    pub fn if_at(&self, id: u32, pc: u32) -> u32 {
        match self.blocks.get(id as usize) {
            Some(block) if block.pc == pc => id,
            _ => NONE,
        }
    }

    /// Notes that block `from` leads to block `to`: at its end, or at its target.
    pub fn link(&mut self, from: u32, to: u32, is_next: bool) {
        // Building `to` may have dropped `from`.
        if let Some(block) = self.blocks.get_mut(from as usize) {
            *if is_next { &mut block.next } else { &mut block.taken } = to;
        }
    }

    /// Translates the block at `pc`. Even what cannot be fetched makes a block: one that leaves it to the interpreter.
    pub fn build(&mut self, pc: u32, memory: &mut Memory, litbase: u32, traps: &BTreeSet<u32>) -> u32 {
        if self.ops.len() > MOST_OPS {
            self.clear();
        }
        let first = self.ops.len() as u32;
        let mut end = pc;
        let mut count = 0;
        let last = loop {
            let instruction = memory.fetch(end).ok().and_then(|word| isa::decode(word, end));
            let (op, length) = match &instruction {
                Some(instruction) => (lower(instruction, memory, litbase), instruction.entry.length),
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
