//! Pins as a program and the outside see them.

use super::super::bench::Board;
use super::*;

#[test]
fn pins_are_driven_at_the_cycle_of_the_write() {
    let mut board = Board::new();
    board.write(0x6000_080C, 0x30);
    board.write(0x6000_0310, 1 << 14);
    board.cycle = 81;
    board.write(0x6000_0304, 1 << 14);
    board.cycle = 160;
    board.write(0x6000_0360, 1 << 2);
    let driven = &board.devices.outside.driven;
    let of_14: Vec<_> = driven.iter().filter(|(pin, ..)| *pin == 14).map(|(_, drive, at)| (*drive, *at)).collect();
    assert_eq!(
        of_14,
        [(Drive::PulledUp, 0), (Drive::Floating, 0), (Drive::Low, 0), (Drive::High, 1012), (Drive::Floating, 2000)]
    );
    assert_eq!(board.read(0x6000_0300), 1 << 14);
}

#[test]
fn a_pad_with_another_function_is_not_driven() {
    let mut board = Board::new();
    board.write(0x6000_0310, 1 << 14 | 1 << 5);
    let driven: Vec<u8> = board
        .devices
        .outside
        .driven
        .iter()
        .filter(|(.., drive, _)| *drive == Drive::Low)
        .map(|(pin, ..)| *pin)
        .collect();
    assert_eq!(driven, [5], "function 0 of GPIO14's pad is MTMS, of GPIO5's GPIO");
}

#[test]
fn inputs_show_the_level_of_their_moment_and_the_strapping_of_the_reset() {
    let levels = vec![(0, 0x1_7FFF), (1000, 0x1_7FFF & !(1 << 14))];
    let mut board = Board::with_levels(levels);
    assert_eq!(board.read(0x6000_0318), 0xE003_7FFF);
    board.cycle = 79;
    assert_eq!(board.read(0x6000_0318) >> 14 & 1, 1);
    board.cycle = 80;
    assert_eq!(board.read(0x6000_0318) >> 14 & 1, 0);
    // A driven pin shows itself.
    board.write(0x6000_0310, 1 << 5);
    assert_eq!(board.read(0x6000_0318) >> 5 & 1, 0);
}

#[test]
fn an_edge_interrupts_when_it_comes() {
    let idle = 0x1_7FFF;
    let levels = vec![(0, idle), (1000, idle & !(1 << 5)), (2000, idle), (3000, idle & !(1 << 5))];
    let mut board = Board::with_levels(levels);
    // GPIO5, falling.
    board.write(0x6000_033C, 2 << 7);
    board.next();
    assert_eq!((board.cycle, board.interrupts().lines), (80, 1 << 4));
    assert_eq!(board.read(0x6000_031C), 1 << 5);
    board.write(0x6000_0324, 1 << 5);
    assert_eq!(board.interrupts().lines, 0);
    board.next();
    assert_eq!((board.cycle, board.interrupts().lines), (160, 0), "rising");
    board.next();
    assert_eq!((board.cycle, board.interrupts().lines), (240, 1 << 4));
}

#[test]
fn edges_before_an_interrupt_is_wanted_do_not_count() {
    let idle = 0x1_7FFF;
    let levels = vec![(0, idle & !(1 << 4)), (1000, idle)];
    let mut board = Board::with_levels(levels);
    // GPIO5 is watched from the beginning; GPIO4 has risen when somebody asks for its rising edges.
    board.write(0x6000_033C, 3 << 7);
    board.cycle = 160;
    board.write(0x6000_0338, 1 << 7);
    assert_eq!(board.read(0x6000_031C), 0);
}

#[test]
fn a_pulse_interrupts_that_is_over_when_the_devices_are_looked_at() {
    let idle = 0x1_7FFF;
    let levels = vec![(0, idle), (1000, idle & !(1 << 5)), (1500, idle)];
    let mut board = Board::with_levels(levels);
    board.write(0x6000_033C, 2 << 7);
    board.cycle = 8000;
    assert_eq!(board.read(0x6000_031C), 1 << 5);
}

#[test]
fn a_level_interrupt_lasts() {
    let mut board = Board::with_levels(vec![(0, 0)]);
    board.write(0x6000_033C, 4 << 7);
    board.write(0x6000_0324, 1 << 5);
    assert_eq!(board.interrupts().lines, 1 << 4);
    board.write(0x6000_033C, 0);
    board.write(0x6000_0324, 1 << 5);
    assert_eq!(board.interrupts().lines, 0);
}
