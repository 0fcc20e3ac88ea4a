//! Devices as a program sees them: by addresses, at cycles.

mod properties;

use super::*;

/// Pins whose levels change at set moments; keeps what the chip does with them.
#[derive(Debug, Default)]
struct Bench {
    /// Levels from each moment on, in nanoseconds.
    levels: Vec<(u64, u32)>,
    driven: Vec<(u8, Drive, u64)>,
    sent: Vec<(u8, u8, u64)>,
}

impl Pins for Bench {
    fn levels(&mut self, at: u64) -> u32 {
        self.levels.iter().rev().find(|(from, _)| *from <= at).map_or(0x1_7FFF, |(_, levels)| *levels)
    }

    fn drive(&mut self, pin: u8, drive: Drive, at: u64) {
        self.driven.push((pin, drive, at));
    }

    fn next_change(&mut self, _: u32, after: u64) -> Option<u64> {
        self.levels.iter().map(|(from, _)| *from).find(|from| *from > after)
    }

    fn analog(&mut self, _: u64) -> u16 {
        512
    }
}

impl SerialOut for Bench {
    fn send(&mut self, uart: u8, byte: u8, at: u64, _: u64) {
        self.sent.push((uart, byte, at));
    }
}

/// Devices with a memory around them; the clock is set to 80 MHz.
struct Board {
    devices: Peripherals<Bench>,
    memory: Memory,
    cycle: u64,
}

impl Board {
    fn new() -> Self {
        Self::with(Bench::default())
    }

    fn with(bench: Bench) -> Self {
        let memory = Memory::new(&[0xFF; 0x10_0000]);
        let mut devices = Peripherals::new(bench, 0x10_0000, [0x18, 0xFE, 0x34, 1, 2, 3], 42);
        devices.start_pll(false, 0);
        Self { devices, memory, cycle: 0 }
    }

    fn read(&mut self, address: u32) -> u32 {
        let mut context = Context { memory: &mut self.memory, cycle: self.cycle, pc: 0x4010_0000 };
        self.devices.read(address, Width::Word, &mut context).unwrap()
    }

    fn write(&mut self, address: u32, value: u32) {
        let mut context = Context { memory: &mut self.memory, cycle: self.cycle, pc: 0x4010_0000 };
        self.devices.write(address, Width::Word, value, &mut context).unwrap();
    }

    fn interrupts(&mut self) -> Interrupts {
        self.devices.interrupts(self.cycle)
    }

    /// Goes on to the next event, as the core does.
    fn next(&mut self) {
        self.cycle = self.devices.next_event();
        assert_ne!(self.cycle, u64::MAX, "nothing will happen");
        self.devices.advance(self.cycle);
    }
}

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
    assert_eq!(board.devices.outside.sent, [(0, 0, 0), (0, 1, 86_750), (0, 2, 173_500)]);
}

/// Programs compare the upper half of STATUS as a whole: the Arduino core of 2015 waits while it is 0x7F or more.
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
    let mut board = Board::with(Bench { levels, ..Bench::default() });
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
    let mut board = Board::with(Bench { levels, ..Bench::default() });
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
    let mut board = Board::with(Bench { levels, ..Bench::default() });
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
    let mut board = Board::with(Bench { levels, ..Bench::default() });
    board.write(0x6000_033C, 2 << 7);
    board.cycle = 8000;
    assert_eq!(board.read(0x6000_031C), 1 << 5);
}

#[test]
fn a_level_interrupt_lasts() {
    let mut board = Board::with(Bench { levels: vec![(0, 0)], ..Bench::default() });
    board.write(0x6000_033C, 4 << 7);
    board.write(0x6000_0324, 1 << 5);
    assert_eq!(board.interrupts().lines, 1 << 4);
    board.write(0x6000_033C, 0);
    board.write(0x6000_0324, 1 << 5);
    assert_eq!(board.interrupts().lines, 0);
}

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
fn timers_interrupt_through_their_gates() {
    let mut board = Board::new();
    board.write(0x6000_0600, 8000);
    board.write(0x6000_0608, 0xC0);
    board.next();
    assert_eq!((board.cycle, board.interrupts().edges), (8000, 0), "the gate is shut");
    board.write(0x3FF0_0004, 2);
    board.next();
    assert_eq!((board.cycle, board.interrupts().edges), (16_000, 1 << 9));
    assert_eq!(board.interrupts().edges, 0, "an edge is told once");
}

#[test]
fn frc1_is_the_nmi_if_dport_says_so() {
    let mut board = Board::new();
    board.write(0x6000_0600, 8000);
    board.write(0x6000_0608, 0xC0);
    // As the vendor's `NmiTimSetFunc`.
    board.write(0x3FF0_0000, 0x0F);
    board.next();
    assert_eq!(board.interrupts().edges, 0, "the gate is shut");
    board.write(0x3FF0_0004, 2);
    board.next();
    assert_eq!(board.interrupts().edges, 1 << 14);
    board.write(0x3FF0_0000, 1);
    board.next();
    assert_eq!(board.interrupts().edges, 1 << 9, "the MAC's bit is not the timer's");
}

#[test]
fn a_doubled_cpu_does_not_speed_up_the_timers() {
    let mut board = Board::new();
    board.write(0x6000_0620, 0);
    board.write(0x6000_0628, 0x80);
    board.cycle = 800;
    board.write(0x3FF0_0014, 1);
    board.cycle = 800 + 1600;
    assert_eq!(board.read(0x6000_0624), 1600);
    assert_eq!(board.read(0x3FF2_0C00), 20);
    assert_eq!(board.devices.clock().cpu_megahertz(), 160);
}

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
    let Some(Request::DeepSleep(until)) = board.devices.take_request() else { panic!("no sleep") };
    let slept = until.since(Time::from_milliseconds(1000)).nanoseconds();
    assert!((7_027_000_000..7_029_000_000).contains(&slept), "{slept}");
}

#[test]
fn who_writes_the_sleep_register_back_does_not_sleep_again() {
    let mut board = Board::new();
    board.write(0x6000_0708, 1 << 20 | 1 << 21);
    assert!(matches!(board.devices.take_request(), Some(Request::DeepSleep(_))));
    let state = board.read(0x6000_0708);
    board.write(0x6000_0708, state & !(1 << 21));
    assert_eq!(board.devices.take_request(), None);
}

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
    let mut board = Board::new();
    board.memory.flash_mut()[0x1234] = 0x5A;
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

#[test]
fn the_converter_reads_its_input() {
    let mut board = Board::new();
    board.write(0x6000_0D50, 0x0009_08BE);
    assert_eq!(board.read(0x6000_0D50) >> 24 & 7, 0);
    let inverted = !board.read(0x6000_0D80) & 0x7FF;
    assert_eq!((inverted & 0x700) + ((((inverted & 0xFF) - 21) * 279) >> 8), 1024);
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
    // Sigma-delta output; an ordinary pin; automatic baud rate; a frame of eight bits.
    for (address, value) in [(0x6000_0368, 1 << 16), (0x6000_0328, 1 << 7), (0x6000_0018, 1), (0x6000_0020, 0x1C)] {
        board.write(address, value);
    }
    let reports: Vec<_> =
        board.devices.take_reports().into_iter().map(|report| (report.address, report.block)).collect();
    assert_eq!(reports, [(0x6000_0368, "sigma-delta output"), (0x6000_0018, "automatic baud rate detection")]);
}

#[test]
fn who_runs_wild_is_not_reported_for_ever() {
    let mut board = Board::new();
    for address in (0x7000_0000..0x7001_0000).step_by(4) {
        board.read(address);
    }
    assert_eq!(board.devices.take_reports().len(), MOST_REPORTS);
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
