//! Devices as a program sees them, all together: by addresses, at cycles.

mod properties;

use super::bench::Board;
use super::*;

#[test]
fn a_starved_watchdog_asks_for_a_reset() {
    let mut board = Board::new();
    board.write(0x3FF0_0004, 1);
    board.write(0x6000_0904, 1);
    board.write(0x6000_0908, 1);
    board.write(0x6000_0900, 0x39);
    board.next();
    assert_eq!((board.interrupts().edges, board.devices.take_request()), (1 << 8, None));
    board.next();
    assert_eq!(board.cycle, 2 << 17);
    assert!(board.interrupts().stop);
    assert_eq!(board.devices.take_request(), Some(Request::Reset(ResetCause::Watchdog)));
}

#[test]
fn counters_that_have_run_for_long_wrap_soon() {
    let mut board = Board::new();
    // 2^32 us less 10.
    board.devices.age(Time::MICROSECOND.times((1 << 32) - 10));
    let counters = [0x3FF2_0C00, 0x3FF2_1004, 0x3FF2_1048];
    assert_eq!(counters.map(|at| board.read(at)), [u32::MAX - 9; 3]);
    assert_eq!(board.read(0x6000_071C), 611_132_299, "the RTC counts periods of 7.028 us");
    board.cycle += 80 * 11;
    assert_eq!(counters.map(|at| board.read(at)), [1; 3]);
    assert_eq!([0x3FF2_1008, 0x3FF2_104C].map(|at| board.read(at)), [1; 2], "a TSF has 64 bits");
}

#[test]
fn what_is_not_modelled_is_reported_once() {
    let mut board = Board::new();
    assert_eq!(board.read(0x6000_0A04), 0);
    assert_eq!(board.read(0x6000_0A04), 0);
    board.write(0x6000_0A04, 1);
    assert_eq!(board.read(0x7000_0000), 0x0080_0000);
    let reports: Vec<String> = board.devices.take_reports().iter().map(ToString::to_string).collect();
    assert_eq!(
        reports,
        [
            "read of 0x60000a04 (SDIO), which is not modelled, by the instruction at 0x40100000",
            "write to 0x60000a04 (SDIO), which is not modelled, by the instruction at 0x40100000",
            "read of 0x70000000 (nothing), which is not modelled, by the instruction at 0x40100000",
        ]
    );
    assert_eq!(board.devices.take_reports(), []);
    let mut context = Context { memory: &mut board.memory, cycle: 0, pc: 0 };
    assert_eq!(board.devices.read(0x6000_2000, Width::Word, &mut context), Err(NoAnswer));
}

#[test]
fn what_a_known_register_is_asked_in_vain_is_reported_too() {
    let mut board = Board::new();
    // Sigma-delta output; an ordinary pin; flow control; a frame of eight bits.
    for (address, value) in [(0x6000_0368, 1 << 16), (0x6000_0328, 1 << 7), (0x6000_0024, 1 << 23), (0x6000_0020, 0x1C)]
    {
        board.write(address, value);
    }
    let reports: Vec<_> =
        board.devices.take_reports().into_iter().map(|report| (report.address, report.block)).collect();
    assert_eq!(reports, [(0x6000_0368, "sigma-delta output"), (0x6000_0024, "flow control")]);
}

#[test]
fn who_runs_wild_is_not_reported_for_ever() {
    let mut board = Board::new();
    for address in (0x7000_0000..0x7001_0000).step_by(4) {
        board.read(address);
    }
    assert_eq!(board.devices.take_reports().len(), reports::MOST);
    assert_eq!(board.read(0x3FFC_1234), 0x3FFC_1234);
}

#[test]
fn registers_are_described() {
    let name = |address| describe(address).map(|register| register.name);
    assert_eq!(name(0x6000_0304), Some("GPIO_OUT_W1TS"));
    assert_eq!(name(0x3FF0_0014), Some("DPORT_CPU_CLOCK"));
    assert_eq!(name(0x3FF2_0C00), Some("WDEV_COUNT"));
    assert_eq!(name(0x6000_0A00), None);
    assert_eq!(describe(0x6000_0F14).map(|register| (register.offset, register.reset)), Some((0x14, 0x2B6)));
}
