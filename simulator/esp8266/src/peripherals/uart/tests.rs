//! UARTs as a program sees them.

use super::super::bench::Board;
use crate::bus::{Bus, Context, Width};

#[test]
fn bytes_leave_one_after_the_other() {
    let mut board = Board::new();
    for byte in 0..3 {
        board.write(0x6000_0000, byte);
    }
    assert_eq!(board.read(0x6000_001C) >> 16 & 0xFF, 2, "the first is on the line");
    board.next();
    board.next();
    assert_eq!(board.read(0x6000_001C) >> 16 & 0xFF, 0);
    // 694 cycles of 80 MHz a bit, ten bits a byte.
    assert_eq!(board.devices.outside.sent, [(0, 0, 0..86_750), (0, 1, 86_750..173_500), (0, 2, 173_500..260_250)]);
}

#[test]
fn an_idle_uarts_status_has_nothing_but_the_receivers_line() {
    for status in [0x6000_001C, 0x6000_0F1C] {
        let mut board = Board::new();
        assert_eq!(board.read(status), 1 << 15);
        for _ in 0..3 {
            board.write(status - 0x1C, 0x55);
        }
        assert_eq!(board.read(status) >> 16, 2, "the first is on the line");
        board.cycle = 80_000_000;
        assert_eq!(board.read(status), 1 << 15);
    }
}

#[test]
fn looped_back_bytes_are_counted_as_they_come_in() {
    for fifo in [0x6000_0000, 0x6000_0F00] {
        let mut board = Board::new();
        board.write(fifo + 0x20, 0x1C | 1 << 14);
        for byte in 0..3 {
            board.write(fifo, byte);
        }
        assert_eq!(board.read(fifo + 0x1C), 2 << 16 | 1 << 15);
        // A byte takes 86,750 ns, 6,940 cycles at 80 MHz.
        board.cycle = 7_000;
        assert_eq!(board.read(fifo + 0x1C), 1 << 16 | 1 << 15 | 1);
        board.cycle = 21_000;
        assert_eq!(board.read(fifo + 0x1C), 1 << 15 | 3);
        for left in [2, 1, 0] {
            board.read(fifo);
            assert_eq!(board.read(fifo + 0x1C) & 0xFF, left);
        }
    }
}

#[test]
fn a_full_fifo_loses_what_comes() {
    let mut board = Board::new();
    for _ in 0..140 {
        board.write(0x6000_0F00, 0x55);
    }
    assert_eq!(board.read(0x6000_0F1C) >> 16 & 0xFF, 128);
    assert!(board.devices.outside.sent.iter().all(|(uart, ..)| *uart == 1));
}

#[test]
fn a_narrow_write_to_the_fifo_leaves_what_was_received() {
    let mut board = Board::new();
    board.devices.receive(0, b'x', 10);
    board.cycle = 80;
    let mut context = Context { memory: &mut board.memory, cycle: board.cycle, pc: 0x4010_0000 };
    board.devices.write(0x6000_0000, Width::Byte, u32::from(b'y'), &mut context).unwrap();
    assert_eq!(board.devices.outside.sent.last().map(|sent| sent.1), Some(b'y'));
    assert_eq!(board.read(0x6000_0000), u32::from(b'x'));
}

#[test]
fn a_looped_back_byte_comes_in_its_turn() {
    let mut board = Board::new();
    board.write(0x6000_0020, 0x1C | 1 << 14);
    board.write(0x6000_0000, u32::from(b'b'));
    board.devices.receive(0, b'a', 1_000);
    board.cycle = 80_000_000;
    assert_eq!([board.read(0x6000_0000), board.read(0x6000_0000)], [b'a', b'b'].map(u32::from));
}

#[test]
fn the_transmit_interrupt_comes_when_the_fifo_has_room() {
    let mut board = Board::new();
    board.write(0x6000_0024, 2 << 8);
    for byte in 0..4 {
        board.write(0x6000_0000, byte);
    }
    board.write(0x6000_000C, 2);
    assert_eq!(board.interrupts().lines, 0);
    assert_eq!(board.read(0x3FF2_0020), 0);
    board.next();
    assert_eq!(board.interrupts().lines, 0, "two are left");
    board.next();
    assert_eq!(board.interrupts().lines, 1 << 5);
    assert_eq!(board.read(0x3FF2_0020), 1);
    board.write(0x6000_000C, 0);
    assert_eq!(board.interrupts().lines, 0);
}

#[test]
fn received_bytes_interrupt_at_their_time() {
    let mut board = Board::new();
    board.devices.receive(0, b'a', 1_000_000);
    board.devices.receive(0, b'b', 1_100_000);
    board.write(0x6000_0024, 2);
    board.write(0x6000_000C, 1);
    board.next();
    assert_eq!((board.cycle, board.interrupts().lines), (80_000, 0), "one is not enough");
    board.next();
    assert_eq!((board.cycle, board.interrupts().lines), (88_000, 1 << 5));
    assert_eq!(board.read(0x6000_001C) & 0xFF, 2);
    assert_eq!([board.read(0x6000_0000), board.read(0x6000_0000)], [u32::from(b'a'), u32::from(b'b')]);
    assert_eq!(board.interrupts().lines, 0);
}

#[test]
fn silence_after_a_byte_interrupts() {
    let mut board = Board::new();
    board.write(0x6000_0024, 1 << 31 | 2 << 24 | 100);
    board.write(0x6000_000C, 1 << 8);
    board.devices.receive(0, b'a', 1_000_000);
    board.next();
    assert_eq!(board.interrupts().lines, 0);
    board.next();
    assert_eq!(board.cycle, 80_000 + 16 * 694);
    assert_eq!(board.read(0x6000_0008), 1 << 8);
    board.read(0x6000_0000);
    board.write(0x6000_0010, 1 << 8);
    assert_eq!(board.interrupts().lines, 0);
}
