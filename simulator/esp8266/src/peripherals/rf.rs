//! The radio's analogue part as its registers show it: the PHY's internal bus, and measurements.
//!
//! Most registers keep what they are told and nothing comes of it. Measurements are over at once, and find nothing. On
//! the internal bus software reads what it has forced there; while the bus follows the baseband, the receiver is on.
//! Names and bits are from disassemblies of the boot ROM and of the vendor's `libphy`. Not modelled: everything
//! analogue.

use super::device::{Block, Device};
use super::env::Env;
use super::rtc::ResetCause;
use super::store::{self, Store};

/// Bytes of the block.
pub(super) const BYTES: usize = 0x200;
/// A register.
pub(super) type Word = store::Word<BYTES>;

/// Registers that do something, by their offsets.
mod offset {
    pub const IQ_ESTIMATE: u32 = 0x17C;
    pub const PBUS: u32 = 0x194;
    pub const PBUS_STATE: u32 = 0x1A0;
    pub const PBUS_FIRST: u32 = 0x1A4;
    pub const PBUS_LAST: u32 = 0x1B4;
}

/// Estimate of the receiver's imbalance: begun, over.
const ESTIMATE_BEGUN: u32 = 1 << 1;
const ESTIMATE_OVER: u32 = 1 << 31;
/// Command on the internal bus: the program has the bus; a register is written.
const FORCED: u32 = 1 << 0;
const WRITES: u32 = 1 << 1;
/// State of the internal bus: it is the program's.
const PBUS_IS_FREE: u32 = 1 << 30;
/// Pieces of nine bits in which the internal bus is read, three in a word from the highest on.
const SLOTS: usize = 15;
/// The first piece of each register on the internal bus. What a register has for a width of 1, 2 and 4 is in a row.
const FIRST_SLOTS: [usize; 8] = [0, 2, 4, 5, 7, 9, 11, 12];
/// What the baseband has switched on while the bus follows it: the receiver.
const RECEIVER: [(usize, u16); 2] = [(4, 0x184), (6, 6)];

/// The block.
#[derive(Clone, Debug)]
pub(super) struct Rf {
    store: Store,
    slots: [u16; SLOTS],
}

impl Default for Rf {
    fn default() -> Self {
        Self { store: Store::new(BYTES), slots: [0; SLOTS] }
    }
}

impl Rf {
    /// Registers that have been used and only keep what they are told, by their offsets.
    pub(super) fn stored(&self) -> impl Iterator<Item = u32> {
        let acts = |offset: &u32| {
            matches!(*offset, offset::IQ_ESTIMATE | offset::PBUS | offset::PBUS_STATE)
                || (offset::PBUS_FIRST..=offset::PBUS_LAST).contains(offset)
        };
        self.store.used().filter(move |offset| !acts(offset))
    }

    /// Does a command on the internal bus: bits 4:2 are the register, 13:5 the value, and from 14 on the width.
    fn force(&mut self, command: u32) {
        let width = command >> 14 & 7;
        let place = if width == 4 { 2 } else { (width as usize).saturating_sub(1) };
        if let Some(slot) = self.slots.get_mut(FIRST_SLOTS[(command >> 2 & 7) as usize] + place) {
            *slot = (command >> 5 & 0x1FF) as u16;
        }
    }

    fn slot(&self, number: usize) -> u16 {
        let follows = self.store.value(offset::PBUS) & FORCED == 0;
        match RECEIVER.iter().find(|(slot, _)| *slot == number) {
            Some((_, on)) if follows => *on,
            _ => self.slots.get(number).copied().unwrap_or_default(),
        }
    }
}

impl Device for Rf {
    fn reset(&mut self, _: ResetCause, _: &mut Env<'_>) {
        self.store.clear();
        self.slots = [0; SLOTS];
    }
}

impl Block<Word> for Rf {
    fn read(&mut self, store::Word(offset): Word, _: &mut Env<'_>) -> u32 {
        let kept = self.store.read(offset);
        match offset {
            offset::IQ_ESTIMATE if kept & ESTIMATE_BEGUN != 0 => kept | ESTIMATE_OVER,
            offset::IQ_ESTIMATE => kept & !ESTIMATE_OVER,
            offset::PBUS_STATE => PBUS_IS_FREE,
            // The thirteenth piece stands at the lower end of its word.
            offset::PBUS_LAST => u32::from(self.slot(12)),
            offset::PBUS_FIRST..offset::PBUS_LAST => {
                let first = 3 * ((offset - offset::PBUS_FIRST) / 4) as usize;
                (first..first + 3).fold(0, |word, slot| word << 9 | u32::from(self.slot(slot)))
            }
            _ => kept,
        }
    }

    fn write(&mut self, store::Word(offset): Word, value: u32, _: &mut Env<'_>) {
        self.store.write(offset, value);
        if offset == offset::PBUS && value & WRITES != 0 {
            self.force(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::Board;

    /// What `wait` loops of the vendor's `libphy` ask for.
    #[test]
    fn what_is_waited_for_comes() {
        let mut board = Board::new();
        assert_eq!(board.read(0x6000_057C) >> 31, 0);
        board.write(0x6000_057C, 3);
        assert_eq!(board.read(0x6000_057C), 0x8000_0003);
        board.write(0x6000_057C, 0);
        assert_eq!(board.read(0x6000_057C), 0);
        assert_eq!(board.read(0x6000_05A0) >> 30, 1);
        assert_eq!((board.read(0x6000_05A8) >> 9 & 0x184, board.read(0x6000_05AC) >> 18 & 6), (0x184, 6));
    }

    #[test]
    fn the_internal_bus_is_read_as_it_was_forced() {
        let mut board = Board::new();
        let command = |register: u32, width: u32, value: u32| width << 14 | value << 5 | register << 2 | 3;
        for (register, width, value) in [(0, 1, 0x101), (2, 1, 0x0AA), (3, 2, 0x055), (7, 1, 0x1FF)] {
            board.write(0x6000_0594, command(register, width, value));
        }
        assert_eq!(board.read(0x6000_05A4) >> 18 & 0x1FF, 0x101);
        assert_eq!(board.read(0x6000_05A8) >> 9 & 0x1FF, 0x0AA);
        assert_eq!(board.read(0x6000_05AC) >> 18 & 0x1FF, 0x055);
        assert_eq!(board.read(0x6000_05B4) & 0x1FF, 0x1FF);
    }

    #[test]
    fn other_registers_keep_what_they_are_told_and_that_is_told() {
        let mut board = Board::new();
        board.write(0x6000_0510, 0x1234_5678);
        assert_eq!(board.read(0x6000_0510), 0x1234_5678);
        board.read(0x6000_05A0);
        board.read(0x6000_9C00);
        assert_eq!(board.devices.take_reports(), []);
        assert_eq!(board.devices.stored().collect::<Vec<_>>(), [0x6000_0510, 0x6000_9C00]);
    }
}
