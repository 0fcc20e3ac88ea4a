//! Accesses to what is not modelled: each is told once, with the instruction that made it first.

use std::collections::BTreeSet;

use super::env::Access;

/// An access to something that is not modelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmodelled {
    /// The instruction that made it.
    pub pc: u32,
    /// What it accessed.
    pub address: u32,
    /// Whether it wrote.
    pub is_write: bool,
    /// The block that the address belongs to, or what of a known register is not modelled.
    pub block: &'static str,
}

impl core::fmt::Display for Unmodelled {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { pc, address, is_write, block } = self;
        let access = if *is_write { "write to" } else { "read of" };
        write!(f, "{access} 0x{address:08x} ({block}), which is not modelled, by the instruction at 0x{pc:08x}")
    }
}

/// A program that runs wild is reported with so many accesses, and then no more.
pub(super) const MOST: usize = 4096;

/// What has been accessed, and what of it has not been told yet.
#[derive(Debug, Default)]
pub(super) struct Reports {
    reported: BTreeSet<(u32, bool)>,
    polled: BTreeSet<u32>,
    new: Vec<Unmodelled>,
}

impl Reports {
    /// Takes note of an access; the first to each word, in each direction, counts.
    pub(super) fn add(&mut self, access: Access, block: &'static str) {
        let Access { address, pc, is_write, .. } = access;
        if self.reported.len() < MOST && self.reported.insert((address, is_write)) {
            self.new.push(Unmodelled { pc, address, is_write, block });
        }
    }

    /// Takes note of a register that a program reads again and again in vain. Whatever else was told of it does not
    /// count: that it is waited for is news.
    pub(super) fn add_poll(&mut self, access: Access) {
        let Access { address, pc, is_write, .. } = access;
        if self.polled.len() < MOST && self.polled.insert(address) {
            self.new.push(Unmodelled { pc, address, is_write, block: "what the program waits for" });
        }
    }

    /// Those since this was last asked.
    pub(super) fn take(&mut self) -> Vec<Unmodelled> {
        core::mem::take(&mut self.new)
    }
}
