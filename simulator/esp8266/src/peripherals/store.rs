//! Registers that only keep what is written to them: how a block of which little is known is modelled.
//!
//! Each word of the block is one. Which of them a program has used is kept, so that it can be told what was stored and
//! had no effect.

use super::registers::{Description, Layout};

/// A word of a block of `BYTES` bytes: its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<const BYTES: usize>(pub u32);

impl<const BYTES: usize> Layout for Word<BYTES> {
    fn at(offset: u32) -> Option<Self> {
        ((offset as usize) < BYTES).then_some(Self(offset & !3))
    }

    fn describe(self) -> Option<&'static Description> {
        None
    }
}

/// What is kept of each word: its value, and whether a program has used it.
#[derive(Clone, Debug)]
pub(super) struct Store {
    words: Vec<(u32, bool)>,
}

impl Store {
    /// A block of so many bytes, all of them 0.
    pub(super) fn new(bytes: usize) -> Self {
        Self { words: vec![(0, false); bytes / 4] }
    }

    /// As after a reset; what has been used stays used.
    pub(super) fn clear(&mut self) {
        self.words.iter_mut().for_each(|(value, _)| *value = 0);
    }

    /// The value at an offset; what lies behind the block is 0.
    pub(super) fn value(&self, offset: u32) -> u32 {
        self.words.get(offset as usize / 4).map_or(0, |(value, _)| *value)
    }

    /// A program reads.
    pub(super) fn read(&mut self, offset: u32) -> u32 {
        self.words.get_mut(offset as usize / 4).map_or(0, |(value, is_used)| {
            *is_used = true;
            *value
        })
    }

    /// A program writes.
    pub(super) fn write(&mut self, offset: u32, value: u32) {
        if let Some(word) = self.words.get_mut(offset as usize / 4) {
            *word = (value, true);
        }
    }

    /// Offsets of the words that a program has used.
    pub(super) fn used(&self) -> impl Iterator<Item = u32> {
        self.words.iter().zip(0..).filter(|((_, is_used), _)| *is_used).map(|(_, index)| 4 * index)
    }
}
