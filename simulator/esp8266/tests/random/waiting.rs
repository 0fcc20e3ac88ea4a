//! Passing over loops that wait against executing all their rounds: the same states at the same cycles, wherever a run
//! is cut, and little executed where nothing but waiting is done.

mod functions;
mod interrupts;
mod random_loops;

use esp8266::bus::{Bus, Context, Width};
use esp8266::chip::{Chip, Configuration, Stop};

use super::assembler::Code;
use super::blank::Blank;
use super::generator::Random;

/// Where the interrupt handler (behind 0x50 bytes) and the program stand, and the program's data.
const VECTORS: u32 = 0x4010_0000;
const CODE: u32 = 0x4010_0200;
const DATA: u32 = 0x3FFE_E000;

/// What registers hold when a program begins.
const TIMERS: u32 = 9;
const MICROSECONDS: u32 = 8;
const WATCHDOG: u32 = 10;
const FOOD: u32 = 11;
/// Counts how often a loop has come to its end.
const ENDS: u32 = 12;
const LOCK: u32 = 13;
const UNLOCK: u32 = 14;
/// How long to wait, in what the clock counts.
const LENGTH: u32 = 15;

/// A chip at 80 MHz that is about to run a program, FRC2 counting 5 MHz, the watchdog's stages lasting 26 ms.
fn chip(code: &Code, length: u32, skips: bool) -> Chip<Blank> {
    let mut chip = Chip::new(Configuration { mac: [0x18, 0xFE, 0x34, 1, 2, 3], seed: 1 }, Blank::new(0x1000));
    chip.run(10_000_000);
    chip.start_pll(false);
    chip.skips_waiting = skips;
    for (address, value) in
        [(0x6000_0620, 0), (0x6000_0628, 0x84), (0x6000_0904, 5), (0x6000_0908, 5), (0x6000_0900, 1)]
    {
        let (memory, cycle) = (&mut chip.core.memory, chip.core.cpu.cycles);
        let mut context = Context { memory, cycle, pc: 0 };
        chip.core.bus.write(address, Width::Word, value, &mut context).unwrap();
    }
    assert!(chip.core.memory.poke(code.start, &code.bytes));
    let cpu = &mut chip.core.cpu;
    (cpu.pc, cpu.ps, cpu.vecbase) = (CODE, 0x20, VECTORS);
    cpu.a = [0; 16];
    cpu.a[1] = DATA;
    cpu.a[MICROSECONDS as usize..].copy_from_slice(&[
        0x3FF2_0C00,
        0x6000_0600,
        0x6000_0900,
        0x73,
        0,
        0x4000_0F74,
        0x4000_0F80,
        length,
    ]);
    chip
}

fn ram(chip: &Chip<Blank>) -> Vec<u8> {
    [(0x3FFE_8000, 0x1_8000), (VECTORS, 0x1_0000)].map(|(start, size)| chip.core.memory.peek(start, size)).concat()
}

/// Runs both to the same limits and compares after each leg; returns the share of cycles that were passed over.
#[track_caller]
fn compare(mut skipping: Chip<Blank>, mut executing: Chip<Blank>, random: &mut Random, cycles: u64) -> f64 {
    let (start, idle) = (skipping.core.cpu.cycles, skipping.core.idle);
    while skipping.core.cpu.cycles < start + cycles {
        let leg = if random.one_in(3) { random.below(300) } else { random.below(700_000) };
        let limit = skipping.core.cpu.cycles + u64::from(leg);
        let stops = [skipping.run(limit), executing.run(limit)];
        assert_eq!(stops[0], stops[1]);
        assert_eq!(skipping.core.cpu, executing.core.cpu);
        assert!(ram(&skipping) == ram(&executing), "memory differs");
        assert_eq!(skipping.core.bus.next_event(), executing.core.bus.next_event());
        assert!(skipping.answered().eq(executing.answered()), "counts of the ROM's functions differ");
        if stops[0] != Stop::Limit {
            break;
        }
    }
    let told = [&mut skipping, &mut executing].map(|chip| chip.core.bus.take_reports());
    assert_eq!(told[0], told[1]);
    (skipping.core.idle - idle) as f64 / (skipping.core.cpu.cycles - start) as f64
}

/// Which clock a loop reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClockRead {
    Microseconds,
    Cycles,
    Frc2,
}

fn read_clock(code: &mut Code, clock: ClockRead, register: u32) {
    match clock {
        ClockRead::Microseconds => code.op("l32i", &[register, MICROSECONDS, 0]),
        ClockRead::Cycles => code.op("rsr.ccount", &[register]),
        ClockRead::Frc2 => code.op("l32i", &[register, TIMERS, 0x24]),
    }
}

/// A loop that waits until `clock` has counted for as long as [`LENGTH`] says, and does `more` in each round; when it
/// ends, it is counted, and begins anew.
fn waiting(clock: ClockRead, more: impl Fn(&mut Code)) -> Code {
    let mut code = Code::new(CODE);
    read_clock(&mut code, clock, 2);
    let again = code.here();
    more(&mut code);
    read_clock(&mut code, clock, 3);
    code.op("sub", &[4, 3, 2]);
    let branch = code.here();
    code.op("bltu", &[4, LENGTH, branch + 4]);
    code.patch_target(branch, again);
    code.op("addi", &[ENDS, ENDS, 1]);
    code.op("j", &[CODE]);
    code
}

/// Compares for several lengths of waiting; the share passed over of the longest.
#[track_caller]
fn share(code: &Code) -> f64 {
    let mut random = Random::new(u64::from(code.here()));
    let lengths = [7, 1_000, 20_011, 3_000_017];
    let shares =
        lengths.map(|length| compare(chip(code, length, true), chip(code, length, false), &mut random, 4_000_000));
    shares[shares.len() - 1]
}

fn nop(code: &mut Code, count: u32) {
    for _ in 0..count {
        code.op("nop", &[]);
    }
}

fn feed(code: &mut Code) {
    code.op("s32i", &[FOOD, WATCHDOG, 0x14]);
}

#[test]
fn waiting_for_any_clock_is_passed_over() {
    for clock in [ClockRead::Microseconds, ClockRead::Cycles, ClockRead::Frc2] {
        for nops in [0, 1, 17, 34] {
            let passed = share(&waiting(clock, |code| {
                feed(code);
                nop(code, nops);
            }));
            assert!(passed > 0.9, "{clock:?}, {nops}: {passed}");
        }
    }
}

#[test]
fn the_watchdog_bites_where_nobody_feeds_it() {
    let code = waiting(ClockRead::Microseconds, |_| ());
    let mut chips = [true, false].map(|skips| chip(&code, 3_000_000, skips));
    let stops = chips.each_mut().map(|chip| (chip.run(chip.core.cpu.cycles + 80_000_000), chip.core.cpu.cycles));
    assert_eq!(stops[0], stops[1]);
    assert!(matches!(stops[0].0, Stop::Reset(_)), "{:?}", stops[0]);
}

#[test]
fn functions_of_the_rom_and_other_interrupt_levels_are_passed_over() {
    let passed = share(&waiting(ClockRead::Microseconds, |code| {
        feed(code);
        code.op("callx0", &[LOCK]);
        nop(code, 3);
        code.op("callx0", &[UNLOCK]);
        code.op("rsil", &[5, 2]);
        code.op("wsr.ps", &[5]);
    }));
    assert!(passed > 0.9, "{passed}");
}

#[test]
fn what_each_round_leaves_in_memory_is_left_by_the_last() {
    let passed = share(&waiting(ClockRead::Cycles, |code| {
        feed(code);
        read_clock(code, ClockRead::Frc2, 5);
        code.op("s32i", &[5, 1, 0]);
        code.op("l32i", &[6, 1, 0]);
        code.op("s32i", &[FOOD, 1, 4]);
    }));
    assert!(passed > 0.9, "{passed}");
}

/// FRC1 goes on from its highest count, which shows as 0 at first.
#[test]
fn a_timer_that_goes_on_from_its_end_shows_what_it_shows() {
    let mut code = Code::new(CODE);
    feed(&mut code);
    code.op("l32i", &[3, TIMERS, 4]);
    code.op("s32i", &[3, 1, 0]);
    let branch = code.here();
    code.op("bltu", &[3, LENGTH, branch + 6]);
    code.op("addi", &[ENDS, ENDS, 1]);
    code.op("j", &[CODE]);
    for length in [0x100, 0x7F_FFF0, 0x80_0000, 0x90_0000] {
        for (control, cycles) in [(0x88, 800_000), (0x84, 300_000)] {
            let chips = [true, false].map(|skips| {
                let mut chip = chip(&code, length, skips);
                for (address, value) in [(0x6000_0600, 3_000), (0x6000_0608, control)] {
                    let (memory, cycle) = (&mut chip.core.memory, chip.core.cpu.cycles);
                    let mut context = Context { memory, cycle, pc: 0 };
                    chip.core.bus.write(address, Width::Word, value, &mut context).unwrap();
                }
                chip
            });
            let [mut skipping, mut executing] = chips;
            // Up to the end, and then in small legs.
            let end = skipping.core.cpu.cycles + if control == 0x88 { 768_000 } else { 48_000 };
            assert_eq!(skipping.run(end - 100), executing.run(end - 100));
            for leg in 0..30 {
                assert_eq!(skipping.run(end + 601 * leg), executing.run(end + 601 * leg));
                assert_eq!(skipping.core.cpu, executing.core.cpu, "{leg}");
                assert!(ram(&skipping) == ram(&executing), "memory differs");
            }
            compare(skipping, executing, &mut Random::new(8), cycles);
        }
    }
}

/// The owner has let devices act; the program hears of it at its next access to one.
#[test]
fn what_the_owner_lets_devices_do_is_heard() {
    let code = waiting(ClockRead::Microseconds, feed);
    let [mut skipping, mut executing] = [true, false].map(|skips| {
        let mut chip = chip(&code, 3_000_000, skips);
        let (memory, cycle) = (&mut chip.core.memory, chip.core.cpu.cycles);
        let mut context = Context { memory, cycle, pc: 0 };
        // FRC2's alarm in 2 ms, then in 13 minutes; UART 0 asks while its FIFO holds few bytes.
        chip.core.bus.write(0x6000_0630, Width::Word, 10_000, &mut context).unwrap();
        chip.core.bus.write(0x6000_0024, Width::Word, 4 << 8, &mut context).unwrap();
        chip.core.bus.write(0x6000_000C, Width::Word, 2, &mut context).unwrap();
        chip
    });
    for leg in 0..40_u64 {
        for chip in [&mut skipping, &mut executing] {
            if leg % 5 == 2 {
                chip.transmit(0, &[b'x'; 20]);
            }
            if leg % 7 == 3 {
                chip.drain(0);
            }
            chip.advance_devices();
        }
        let limit = executing.core.cpu.cycles + 3_000 * (leg % 3 + 1);
        assert_eq!(skipping.run(limit), executing.run(limit));
        assert_eq!(skipping.core.cpu, executing.core.cpu, "{leg}");
    }
}

/// A byte comes while the program looks at the FIFO's state and the clock, without an interrupt.
#[test]
fn a_byte_that_comes_ends_the_waiting_for_it() {
    let mut code = Code::new(CODE);
    code.op("movi", &[2, 6]);
    code.op("movi", &[6, 28]);
    code.op("ssl", &[6]);
    code.op("sll", &[2, 2]);
    code.op("movi", &[6, 0xFF]);
    let again = code.here();
    feed(&mut code);
    read_clock(&mut code, ClockRead::Microseconds, 3);
    code.op("l32i", &[4, 2, 0x1C]);
    let branch = code.here();
    code.op("bnone", &[4, 6, branch + 4]);
    code.patch_target(branch, again);
    code.op("addi", &[ENDS, ENDS, 1]);
    code.op("l32i", &[4, 2, 0]);
    code.op("j", &[again]);
    let chips = [true, false].map(|skips| {
        let mut chip = chip(&code, 0, skips);
        let now = chip.now().nanoseconds();
        for microseconds in [5_000, 5_600, 31_234] {
            chip.core.bus.receive(0, b'x', now + 1_000 * microseconds + 77);
        }
        chip
    });
    let [skipping, executing] = chips;
    let passed = compare(skipping, executing, &mut Random::new(4), 8_000_000);
    assert!(passed > 0.9, "{passed}");
}

/// A program that minds the clock's coming round keeps what it has read, and looks in the next round whether that was
/// more.
#[test]
fn what_a_round_leaves_of_the_clock_for_the_next_is_left_as_it_would_be() {
    for clock in [ClockRead::Microseconds, ClockRead::Cycles, ClockRead::Frc2] {
        let passed = share(&waiting(clock, |code| {
            feed(code);
            code.op("l32i", &[6, 1, 0]);
            read_clock(code, clock, 5);
            code.op("s32i", &[5, 1, 0]);
            let branch = code.here();
            code.op("bgeu", &[5, 6, branch + 6]);
            code.op("addi", &[7, 7, 1]);
        }));
        assert!(passed > 0.9, "{clock:?}: {passed}");
    }
}

/// The longest gap between two reads, and whether the clock has moved at all; interrupts make longer ones. Then rounds
/// go different ways.
#[test]
fn gaps_between_reads_are_seen() {
    for clock in [ClockRead::Microseconds, ClockRead::Cycles, ClockRead::Frc2] {
        for nops in [0, 5, 13] {
            share(&waiting(clock, |code| {
                feed(code);
                nop(code, nops);
                code.op("l32i", &[5, 1, 0]);
                read_clock(code, clock, 6);
                code.op("s32i", &[6, 1, 0]);
                code.op("sub", &[6, 6, 5]);
                let branch = code.here();
                code.op("bgeu", &[7, 6, branch + 6]);
                code.op("or", &[7, 6, 6]);
                let branch = code.here();
                code.op("bnez", &[6, branch + 6]);
                code.op("addi", &[ENDS, ENDS, 0x10]);
            }));
        }
    }
}

/// What a loop adds up of a clock is another number after each round, and each round is gone through.
#[test]
fn what_is_added_up_of_a_clock_is_left_as_it_would_be() {
    for clock in [ClockRead::Microseconds, ClockRead::Cycles, ClockRead::Frc2] {
        let passed = share(&waiting(clock, |code| {
            feed(code);
            code.op("add", &[5, 5, 3]);
        }));
        assert!(passed > 0.9, "{clock:?}: {passed}");
    }
}

/// Loops that count or draw random numbers do more than wait.
#[test]
fn what_depends_on_the_round_before_is_executed() {
    let counting = waiting(ClockRead::Cycles, |code| code.op("addi", &[5, 5, 1]));
    let drawing = waiting(ClockRead::Microseconds, |code| {
        code.op("movi", &[5, 0x244]);
        code.op("add", &[5, 5, MICROSECONDS]);
        code.op("l32i", &[6, 5, 0]);
    });
    for (name, code) in [("count", counting), ("draw", drawing)] {
        let mut random = Random::new(5);
        for length in [1_000, 3_000_000] {
            let chips = [true, false].map(|skips| {
                let mut chip = chip(&code, length, skips);
                // The watchdog shall not end it.
                let (memory, cycle) = (&mut chip.core.memory, chip.core.cpu.cycles);
                chip.core.bus.write(0x6000_0900, Width::Word, 0, &mut Context { memory, cycle, pc: 0 }).unwrap();
                chip
            });
            let [skipping, executing] = chips;
            assert_eq!(compare(skipping, executing, &mut random, 2_000_000), 0.0, "{name}");
        }
    }
}
