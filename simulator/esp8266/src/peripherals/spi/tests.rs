//! The controller with the flash on it, as a program sees it.

use super::super::bench::Board;
use crate::bus::Width;
use crate::peripherals::Request;

#[test]
fn the_flash_answers_user_defined_commands() {
    let mut board = Board::new();
    board.write(0x6000_021C, 1 << 31 | 1 << 28);
    board.write(0x6000_0220, 23 << 8);
    board.write(0x6000_0224, 7 << 28 | 0x9F);
    board.write(0x6000_0200, 1 << 18);
    assert_ne!(board.read(0x6000_0200), 0, "it takes its time");
    board.cycle += 100_000;
    assert_eq!(board.read(0x6000_0200), 0);
    assert_eq!(board.read(0x6000_0240) & 0xFF_FFFF, 0x14_40EF);
}

#[test]
fn the_flash_takes_the_first_24_bits_of_an_address_however_long() {
    let mut content = vec![0xFF; 0x10_0000];
    content[0x1234] = 0x5A;
    let mut board = Board::with_flash(content);
    // A plain read; one on two lines, whose address is followed by eight bits of mode; what no flash asks for.
    for (opcode, bits) in [(0x03, 24), (0xBB, 32), (0x03, 64)] {
        board.write(0x6000_021C, 1 << 31 | 1 << 30 | 1 << 28);
        board.write(0x6000_0220, (bits - 1) << 26 | 7 << 8);
        board.write(0x6000_0224, 7 << 28 | opcode);
        board.write(0x6000_0204, 0x0012_34A5);
        board.write(0x6000_0240, 0);
        board.write(0x6000_0200, 1 << 18);
        board.cycle += 100_000;
        assert_eq!(board.read(0x6000_0240), 0x5A, "{bits} bits");
    }
}

#[test]
fn the_flash_window_shows_what_the_controllers_say() {
    let mut board = Board::new();
    board.memory.flash_mut()[..4].copy_from_slice(&[1, 2, 3, 4]);
    board.write(0x3FF0_000C, 0x100);
    assert_eq!(board.memory.flash_window(), None, "the controller does not serve it");
    board.write(0x6000_0208, 1 << 17);
    assert_eq!(board.memory.flash_window(), Some(0));
    assert_eq!(board.memory.load(0x4020_0000, Width::Word), Ok(0x0403_0201));
    board.write(0x3FF0_000C, 0);
    assert_eq!(board.memory.flash_window(), None);
}

/// A sector is erased and a page programmed by commands; the window shows both, each when it is over.
#[test]
fn what_is_programmed_shows_in_the_window() {
    let mut board = Board::with_flash(vec![0; 0x10_0000]);
    board.write(0x6000_0208, 1 << 17);
    board.write(0x3FF0_000C, 0x100);
    let word = |board: &Board| board.memory.load(0x4020_3004, Width::Word);
    board.write(0x6000_0200, 1 << 30);
    board.write(0x6000_0204, 0x3000);
    board.write(0x6000_0200, 1 << 24);
    assert_eq!(word(&board), Ok(0));
    assert!(matches!(board.devices.take_request(), Some(Request::FlashBegan(_))));
    board.next();
    assert_eq!((board.cycle, word(&board)), (45 * 80_000, Ok(u32::MAX)));
    board.write(0x6000_0200, 1 << 30);
    board.write(0x6000_0240, 0x1234_5678);
    board.write(0x6000_0204, 0x3004 | 4 << 24);
    board.write(0x6000_0200, 1 << 25);
    board.next();
    assert_eq!(word(&board), Ok(0x1234_5678));
}
