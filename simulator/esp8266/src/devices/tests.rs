use super::*;
use crate::memory::Memory;

/// A world whose wires are high but for one pin that toggles each millisecond, and whose random numbers count.
#[derive(Default)]
struct Bench {
    driven: Vec<(u8, Drive, u64)>,
    random: u32,
}

const TOGGLES: u8 = 14;

impl World for Bench {
    fn level(&mut self, gpio: u8, nanos: u64) -> bool {
        gpio != TOGGLES || (nanos / 1_000_000).is_multiple_of(2)
    }

    fn drive(&mut self, gpio: u8, drive: Drive, nanos: u64) {
        self.driven.push((gpio, drive, nanos));
    }

    fn next_change(&mut self, nanos: u64) -> u64 {
        (nanos / 1_000_000 + 1) * 1_000_000
    }

    fn random(&mut self) -> u32 {
        self.random += 1;
        self.random
    }
}

/// Devices and a memory, driven by hand at 80 cycles a microsecond.
struct Chip {
    devices: Devices<Bench>,
    memory: Memory,
    micros: u64,
}

impl Chip {
    fn new() -> Self {
        let mut devices = Devices::new(Bench::default(), [0x18, 0xFE, 0x34, 0x23, 0x12, 0x45], 0b0100_0000_0000_0011);
        devices.start_pll(0);
        Self { devices, memory: Memory::new(&vec![0xFF; 1 << 20]), micros: 0 }
    }

    fn read(&mut self, address: u32) -> u32 {
        let mut context = Context { memory: &mut self.memory, cycle: self.micros * 80, pc: 0x4010_0000 };
        self.devices.read(address, Width::Word, &mut context).unwrap()
    }

    fn write(&mut self, address: u32, value: u32) {
        let mut context = Context { memory: &mut self.memory, cycle: self.micros * 80, pc: 0x4010_0000 };
        self.devices.write(address, Width::Word, value, &mut context).unwrap();
    }

    fn interrupts(&mut self) -> Interrupts {
        self.devices.interrupts(self.micros * 80)
    }

    /// Lets time pass as a core would: event by event. Returns when the first interrupt came, if one did.
    fn wait_for_interrupt(&mut self, micros: u64) -> Option<(u64, Interrupts)> {
        let end = (self.micros + micros) * 80;
        loop {
            let cycle = self.devices.next_event().min(end);
            self.devices.advance(cycle);
            self.micros = cycle / 80;
            let interrupts = self.devices.interrupts(cycle);
            if interrupts != Interrupts::default() {
                return Some((cycle, interrupts));
            }
            if cycle == end {
                return None;
            }
        }
    }
}

#[test]
fn tables_are_sound() {
    let tables =
        [uart::TABLE, gpio::TABLE, gpio::PADS, timers::TABLE, watchdog::TABLE, rtc::TABLE, spi::TABLE, system::TABLE];
    for table in tables {
        for pair in table.windows(2) {
            assert!(pair[0].offset < pair[1].offset, "{} and {}", pair[0].name, pair[1].name);
        }
        assert!(table.iter().all(|register| register.offset < 0x100 && register.offset % 4 == 0));
    }
}

#[test]
fn a_uart_sends_one_byte_after_the_other() {
    let mut chip = Chip::new();
    // 115200 baud from 80 MHz: ten bits of 694 ticks.
    chip.write(0x6000_0014, 694);
    for byte in b"duck" {
        chip.write(0x6000_0000, u32::from(*byte));
    }
    assert_eq!(chip.read(0x6000_001C) >> 16 & 0xFF, 4);
    let times: Vec<u64> = (chip.devices.outbox.iter())
        .map(|output| match output {
            Output::Byte { uart: 0, nanos, .. } => *nanos,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(times, [86_750, 173_500, 260_250, 347_000]);
    // TX FIFO empty: at or below a threshold of 1.
    chip.write(0x6000_0024, 1 << 8);
    chip.write(0x6000_000C, 2);
    assert_eq!(chip.wait_for_interrupt(1_000).map(|(cycle, _)| cycle), Some(260_250 * 80 / 1_000));
    chip.micros = 400;
    assert_eq!(chip.read(0x6000_001C) >> 16 & 0xFF, 0);
}

#[test]
fn a_uart_interrupts_when_enough_has_come_or_nothing_more_comes() {
    let mut chip = Chip::new();
    // Full at three bytes; timeout after two byte times.
    chip.write(0x6000_0024, 1 << 31 | 2 << 24 | 3);
    chip.write(0x6000_000C, 0x101);
    chip.devices.receive(0, b'a', 0);
    assert_eq!(chip.interrupts().lines, 0);
    assert_eq!(chip.wait_for_interrupt(1_000).unwrap(), (13_880, Interrupts { lines: 0x20, ..Default::default() }));
    assert_eq!(chip.read(0x6000_0000), u32::from(b'a'));
    assert_eq!(chip.interrupts().lines, 0);
    for byte in b"bcd" {
        chip.devices.receive(0, *byte, chip.micros * 80);
    }
    assert_eq!(chip.read(0x6000_0008), 1);
}

#[test]
fn pins_drive_release_and_read_the_world() {
    let mut chip = Chip::new();
    assert_eq!(chip.read(0x6000_0318), 0x4003_FFFF);
    chip.micros = 1_500;
    assert_eq!(chip.read(0x6000_0318) & 1 << TOGGLES, 0);
    // GPIO13 low, then high; GPIO14 open drain.
    chip.write(0x6000_0360, 4);
    chip.write(0x6000_0310, 1 << 13 | 1 << 14);
    chip.write(0x6000_0304, 1 << 13 | 1 << 14);
    let at = 1_500_000;
    let expected = [(13, Drive::Low, at), (14, Drive::Low, at), (13, Drive::High, at), (14, Drive::Released, at)];
    assert_eq!(chip.devices.world.driven, expected);
}

#[test]
fn a_pin_interrupts_at_the_edge_it_waits_for() {
    let mut chip = Chip::new();
    chip.write(0x6000_0360, 1 << 7);
    assert_eq!(chip.wait_for_interrupt(10_000).unwrap().0, 2_000 * 80);
    assert_eq!(chip.read(0x6000_031C), 1 << 14);
    chip.write(0x6000_0324, 1 << 14);
    assert_eq!(chip.interrupts().lines, 0);
}

#[test]
fn frc1_counts_down_and_reloads() {
    let mut chip = Chip::new();
    chip.write(0x3FF0_0004, 2);
    chip.write(0x6000_0600, 5_000);
    // Divided by 16: 5 MHz, so each millisecond.
    chip.write(0x6000_0608, 1 << 7 | 1 << 6 | 1 << 2);
    for round in 1..=3 {
        let (cycle, interrupts) = chip.wait_for_interrupt(5_000).unwrap();
        assert_eq!((cycle, interrupts.edges), (round * 80_000, 1 << 9));
    }
    chip.micros += 100;
    assert_eq!(chip.read(0x6000_0604), 4_500);
    // Behind its closed gate nobody hears it.
    chip.write(0x3FF0_0004, 0);
    assert_eq!(chip.wait_for_interrupt(5_000), None);
}

#[test]
fn frc2_counts_up_to_its_alarm() {
    let mut chip = Chip::new();
    chip.write(0x3FF0_0004, 4);
    chip.write(0x6000_0630, 312_500);
    chip.write(0x6000_0628, 1 << 7 | 2 << 2);
    let (cycle, interrupts) = chip.wait_for_interrupt(2_000_000).unwrap();
    assert_eq!((cycle, interrupts.edges), (80_000_000, 1 << 10));
    assert_eq!(chip.read(0x6000_0624), 312_500);
    assert_eq!(chip.wait_for_interrupt(2_000_000), None);
}

#[test]
fn a_hungry_watchdog_interrupts_and_then_resets() {
    let mut chip = Chip::new();
    chip.write(0x3FF0_0004, 1);
    chip.write(0x6000_0904, 11);
    chip.write(0x6000_0908, 10);
    chip.write(0x6000_0900, 1);
    chip.micros = 1_000_000;
    chip.write(0x6000_0914, 0x73);
    let stage0 = (1 << 27) + 80_000_000;
    assert_eq!(
        chip.wait_for_interrupt(10_000_000).unwrap(),
        (stage0, Interrupts { edges: 1 << 8, ..Default::default() })
    );
    let (cycle, interrupts) = chip.wait_for_interrupt(10_000_000).unwrap();
    assert_eq!((cycle, interrupts.stop), (stage0 + (1 << 26), true));
    assert_eq!(chip.devices.outbox, [Output::Reset(ResetCause::Watchdog)]);
}

#[test]
fn the_flash_programs_and_erases_as_nor_flash_does() {
    let mut chip = Chip::new();
    let command = |chip: &mut Chip, bit: u32| chip.write(0x6000_0200, 1 << bit);
    let program = |chip: &mut Chip, address: u32, word: u32| {
        chip.write(0x6000_0204, 4 << 24 | address);
        chip.write(0x6000_0240, word);
        command(chip, 25);
    };
    let read = |chip: &mut Chip, address: u32| {
        chip.write(0x6000_0204, 4 << 24 | address);
        command(chip, 31);
        chip.read(0x6000_0240)
    };
    program(&mut chip, 0x1000, 0);
    assert_eq!(read(&mut chip, 0x1000), u32::MAX, "without write enable nothing happens");
    command(&mut chip, 30);
    program(&mut chip, 0x1000, 0x1234_FFFF);
    command(&mut chip, 27);
    assert_eq!(chip.read(0x6000_0210), 1, "busy, and no longer write enabled");
    chip.micros += 1_000;
    command(&mut chip, 30);
    program(&mut chip, 0x1000, 0xFFFF_00FF);
    chip.micros += 1_000;
    assert_eq!(read(&mut chip, 0x1000), 0x1234_00FF, "bits only go from 1 to 0");
    chip.write(0x6000_0204, 0x1000);
    command(&mut chip, 30);
    command(&mut chip, 24);
    chip.micros += 100_000;
    assert_eq!(read(&mut chip, 0x1000), u32::MAX);
    // esptool's way to the identification: a command of its own.
    chip.write(0x6000_021C, 1 << 31 | 1 << 28);
    chip.write(0x6000_0220, 23 << 8);
    chip.write(0x6000_0224, 7 << 28 | 0x9F);
    command(&mut chip, 18);
    assert_eq!(chip.read(0x6000_0240), 0x14_40EF);
}

#[test]
fn the_window_needs_cache_and_controller() {
    let mut chip = Chip::new();
    chip.write(0x3FF0_000C, 1 << 8);
    assert_eq!(chip.memory.flash_window(), None);
    chip.write(0x6000_0208, 1 << 17);
    assert_eq!(chip.memory.flash_window(), Some(0));
    chip.write(0x3FF0_000C, 1 << 8 | 1 << 25);
    assert_eq!(chip.memory.flash_window(), Some(1 << 20));
    chip.write(0x3FF0_0024, 1 << 3);
    assert_eq!(chip.memory.load(0x4010_C000, Width::Word), Ok(0));
    chip.write(0x6000_0208, 0);
    assert_eq!(chip.memory.flash_window(), None);
}

#[test]
fn a_program_can_reset_the_chip_and_finds_its_rtc_memory_again() {
    let mut chip = Chip::new();
    assert_eq!(chip.read(0x6000_0714), 1);
    chip.write(0x6000_1200, 0xD0C4);
    chip.write(0x6000_0730, 7);
    chip.write(0x6000_0700, 1 << 31);
    assert!(chip.interrupts().stop);
    assert_eq!(chip.devices.outbox, [Output::Reset(ResetCause::Software)]);
    chip.devices.rtc.reset(ResetCause::Software);
    assert_eq!((chip.read(0x6000_0714), chip.read(0x6000_0730), chip.read(0x6000_1200)), (3, 7, 0xD0C4));
    assert_eq!(chip.read(0x6000_0700), 0);
}

#[test]
fn identity_time_and_chance() {
    let mut chip = Chip::new();
    let fuses: Vec<u32> = (0..4).map(|i| chip.read(0x3FF0_0050 + 4 * i)).collect();
    assert_eq!(fuses, [0x4500_0000, 0x0200_2312, 0x8000, 0]);
    chip.micros = 1_234;
    assert_eq!(chip.read(0x3FF2_0C00), 1_234);
    // The core's frequency changes, time does not.
    chip.write(0x3FF0_0014, 1);
    assert_eq!(chip.devices.clock().nanos(1_234 * 80 + 160), 1_235_000);
    assert_eq!((chip.read(0x3FF2_0E44), chip.read(0x3FF2_0E44)), (1, 2));
}

#[test]
fn what_is_not_modelled_is_reported_once() {
    let mut chip = Chip::new();
    for _ in 0..3 {
        chip.read(0x6000_0500);
    }
    chip.write(0x3FF2_0004, 1);
    let reported: Vec<_> = chip.devices.unmodelled().map(|(address, access)| (address, access.count)).collect();
    assert_eq!(reported, [(0x3FF2_0004, 1), (0x6000_0500, 3)]);
}
