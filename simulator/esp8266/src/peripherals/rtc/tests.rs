//! What the RTC block keeps, and how the chip sleeps.

use super::super::bench::Board;
use super::*;
use crate::bus::{Bus, Context, Width};

#[test]
fn gpio16_is_driven_from_the_rtc_block() {
    let mut board = Board::new();
    board.write(0x6000_0774, 1);
    board.write(0x6000_0768, 1);
    let of_16: Vec<_> =
        board.devices.outside.driven.iter().filter(|(pin, ..)| *pin == 16).map(|(_, drive, _)| *drive).collect();
    assert_eq!(of_16, [Drive::Low, Drive::High]);
    assert_eq!(board.read(0x6000_078C), 1);
}

#[test]
fn rtc_memory_survives_all_but_a_power_cut() {
    let mut board = Board::new();
    board.write(0x6000_1200, 0x1234_5678);
    board.write(0x6000_0730, 3);
    board.write(0x6000_0700, 1 << 31);
    assert_eq!(board.devices.take_request(), Some(Request::Reset(ResetCause::Software)));
    board.devices.reset(ResetCause::Software, board.cycle, &mut board.memory);
    assert_eq!([board.read(0x6000_1200), board.read(0x6000_0730), board.read(0x6000_0714)], [0x1234_5678, 3, 3]);
    let mut context = Context { memory: &mut board.memory, cycle: 0, pc: 0 };
    assert_eq!(board.devices.read(0x6000_1201, Width::Byte, &mut context), Ok(0x56));
    board.devices.reset(ResetCause::PowerOn, board.cycle, &mut board.memory);
    assert_eq!([board.read(0x6000_1200), board.read(0x6000_0714)], [0, 1]);
}

#[test]
fn deep_sleep_ends_when_the_slow_counter_says() {
    let mut board = Board::new();
    board.cycle = 80_000_000;
    let now = board.read(0x6000_071C);
    board.write(0x6000_0704, now + 1_000_000);
    board.write(0x6000_0718, 8);
    board.write(0x6000_0708, 1 << 20);
    assert_eq!(board.devices.take_request(), None, "light sleep is over at once");
    board.write(0x6000_0744, 0x20);
    board.write(0x6000_0708, 1 << 20);
    let Some(Request::DeepSleep(until)) = board.devices.take_request() else { panic!("no sleep") };
    let slept = until.since(Time::from_milliseconds(1000)).nanoseconds();
    assert!((7_027_000_000..7_029_000_000).contains(&slept), "{slept}");
}

#[test]
fn who_writes_the_sleep_register_back_does_not_sleep_again() {
    let mut board = Board::new();
    board.write(0x6000_0744, 0x20);
    board.write(0x6000_0708, 1 << 20 | 1 << 21);
    assert!(matches!(board.devices.take_request(), Some(Request::DeepSleep(_))));
    let state = board.read(0x6000_0708);
    board.write(0x6000_0708, state & !(1 << 21));
    assert_eq!(board.devices.take_request(), None);
}
