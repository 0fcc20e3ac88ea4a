//! Programs that wait for a register to change, which never does.
//!
//! The sign of a bit that should come and is not modelled: the same instruction reads the same word from the same
//! place again and again, and nothing else is read between. What comes late is not meant: a byte that has to leave a
//! full FIFO takes a millisecond at 9600 baud. Nor is what comes from outside: a program may wait for a key for ever.

use super::env::Access;

/// So many reads in a row, for so many cycles, are in vain.
const READS: u32 = 1_000;
const CYCLES: u64 = 1_600_000;

/// Blocks in which programs wait for what comes from outside.
const OUTSIDE: [&str; 2] = ["UART", "GPIO"];

/// The last read, and how often it was made in a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Poll {
    address: u32,
    pc: u32,
    value: u32,
    reads: u32,
    since: u64,
}

impl Poll {
    /// Takes note of a read; `true` if it is the one by which it is clear that the program waits in vain.
    pub(super) fn is_in_vain(&mut self, access: Access, value: u32, cycle: u64) -> bool {
        if (self.address, self.pc, self.value) != (access.address, access.pc, value) {
            *self = Self { address: access.address, pc: access.pc, value, reads: 0, since: cycle };
            return false;
        }
        let before = self.reads >= READS;
        self.reads = self.reads.saturating_add(1);
        if self.reads < READS || cycle < self.since.saturating_add(CYCLES) {
            // Not yet long enough: the count stays just below.
            self.reads = self.reads.min(READS - 1);
            return false;
        }
        !before && access.block.is_none_or(|block| !OUTSIDE.contains(&block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peripherals::bench::Board;

    const ACCESS: Access = Access { address: 0x6000_0200, pc: 0x4010_0000, is_write: false, block: None };

    #[test]
    fn waiting_in_vain_is_told_once() {
        let mut poll = Poll::default();
        let told = (0..5_000).filter(|&read| poll.is_in_vain(ACCESS, 1, 1_000 * read)).count();
        assert_eq!(told, 1);
        // It has changed, and does so no more.
        assert!(!poll.is_in_vain(ACCESS, 2, 6_000_000));
        assert_eq!((0..5_000).filter(|&read| poll.is_in_vain(ACCESS, 2, 6_000_000 + 1_000 * read)).count(), 1);
    }

    #[test]
    fn whoever_waits_briefly_or_does_something_else_between_does_not_wait_in_vain() {
        let mut poll = Poll::default();
        assert!(!(0..100_000).any(|read| poll.is_in_vain(ACCESS, 1, 10 * read)));
        let mut poll = Poll::default();
        let other = Access { pc: 0x4010_0010, ..ACCESS };
        assert!(!(0..100_000).any(|read| poll.is_in_vain(if read % 2 == 0 { ACCESS } else { other }, 1, 1_000 * read)));
    }

    #[test]
    fn the_report_names_the_register() {
        let mut board = Board::new();
        for _ in 0..2_000 {
            board.read(0x6000_0510);
            board.cycle += 1_000;
        }
        let told: Vec<_> = board.devices.take_reports().iter().map(ToString::to_string).collect();
        for _ in 0..2_000 {
            board.read(0x6000_001C);
            board.cycle += 1_000;
        }
        assert_eq!(board.devices.take_reports(), [], "nobody has typed anything");
        let expected = "read of 0x60000510 (what the program waits for), which is not modelled, \
                        by the instruction at 0x40100000";
        assert_eq!(told, [expected]);
    }
}
