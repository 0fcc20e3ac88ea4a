//! What the boot ROM's functions share: where they lie, and what they remember outside of the chip's memory.

use std::collections::{BTreeMap, VecDeque};

/// Where the ROM lies.
pub const RANGE: core::ops::Range<u32> = 0x4000_0000..0x4001_0000;

/// Characters on their way out, and what is to happen then.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub text: Vec<u8>,
    /// How many characters the program is told there are.
    pub count: u32,
    /// How many characters have gone to both functions.
    pub done: usize,
    /// The current one has gone to `putc1`.
    pub half_done: bool,
    /// The one function to call, if it is not the installed two.
    pub only: Option<u32>,
}

/// What the ROM's functions remember outside of the chip's memory: text on its way out. Everything else stands where
/// programs can see it.
#[derive(Debug, Default)]
pub struct State {
    /// By the stack pointer of the printing function.
    pub(super) outputs: BTreeMap<u32, Output>,
    pub(super) frames: VecDeque<Vec<u8>>,
    /// The download that is under way.
    pub(super) download: super::download::State,
    /// A device has asked to stop during a function.
    pub(super) stop: bool,
    /// The call that would not come to an end: entry, stack pointer and first argument. It goes on for ever.
    pub(super) endless: Option<(u32, u32, u32)>,
    /// The owner's trap that stands for a C handler of narrow accesses, see
    /// [`Chip::narrow_access_handler`](crate::chip::Chip::narrow_access_handler).
    pub(crate) narrow_access_handler: Option<u32>,
    /// The program's handler of an exception runs on behalf of a function.
    pub(super) in_handler: bool,
    /// How often each function was answered, by its index in the table; empty before the first.
    pub(super) answered: Vec<u64>,
}

impl State {
    /// Whether a device has asked to stop during a function, since this was last asked.
    pub fn take_stop(&mut self) -> bool {
        core::mem::take(&mut self.stop)
    }

    /// Forgets what was under way, as a reset does.
    pub fn reset(&mut self) {
        let answered = core::mem::take(&mut self.answered);
        *self = Self { answered, narrow_access_handler: self.narrow_access_handler, ..Self::default() };
    }
}
