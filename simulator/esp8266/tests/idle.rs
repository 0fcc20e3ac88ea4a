//! Waiting costs the host nothing: however long the chip waits, the loop comes round a few times and executes next to
//! no instruction.

#[path = "boards/blank.rs"]
mod blank;

use blank::Blank;
use esp8266::chip::{Chip, Configuration, Stop};
use esp8266::peripherals::Time;

/// `ets_delay_us`, `ets_run`, and a place in instruction memory for programs.
const DELAY_US: u32 = 0x4000_2ECC;
const RUN: u32 = 0x4000_0E04;
const CODE: u32 = 0x4010_0000;
/// Where calls return to.
const BACK: u32 = 0x4010_0800;

/// A chip whose boot ROM has found no program and stands still, at 80 MHz.
fn chip() -> Chip<Blank> {
    let mut chip = Chip::new(Configuration { mac: [0x18, 0xFE, 0x34, 1, 2, 3], seed: 1 }, Blank::new(0x10_0000));
    chip.core.trap(BACK);
    // What boot says has left the UART afterwards.
    chip.run(10_000_000);
    chip.start_pll(false);
    chip.core.cpu.a[1] = 0x3FFF_F000;
    chip.core.cpu.ps = 0x20;
    chip
}

/// Runs for that long, and returns what that took: turns of the loop, and cycles in which something was executed.
fn cost(chip: &mut Chip<Blank>, length: Time, expected: Stop) -> (u64, u64) {
    let (turns, idle, cycles) = (chip.core.turns, chip.core.idle, chip.core.cpu.cycles);
    let end = chip.now() + length;
    assert_eq!(chip.run_until(end), expected);
    let elapsed = chip.core.cpu.cycles - cycles;
    (chip.core.turns - turns, elapsed - (chip.core.idle - idle))
}

/// One second and forty cost the same few steps. (CCOUNT comes round after 53 s at 80 MHz.)
fn is_free(prepare: impl Fn(&mut Chip<Blank>)) {
    let costs = [1_000, 40_000].map(|milliseconds| {
        let mut chip = chip();
        prepare(&mut chip);
        cost(&mut chip, Time::from_milliseconds(milliseconds), Stop::Limit)
    });
    assert_eq!(costs[0], costs[1]);
    let (turns, executed) = costs[0];
    assert!(turns < 10 && executed < 100, "{turns} turns, {executed} cycles");
}

#[test]
fn waiti_is_free() {
    is_free(|chip| {
        // waiti 0; j to it
        assert!(chip.core.memory.poke(CODE, &[0x00, 0x70, 0x00, 0x46, 0xFE, 0xFF]));
        chip.core.cpu.pc = CODE;
    });
}

#[test]
fn the_task_loop_is_free_when_it_has_nothing_to_do() {
    is_free(|chip| chip.core.cpu.pc = RUN);
}

#[test]
fn a_delay_is_free() {
    for microseconds in [1_000, 1_000_000, 20_000_000] {
        let mut chip = chip();
        chip.core.cpu.pc = DELAY_US;
        chip.core.cpu.a[0] = BACK;
        chip.core.cpu.a[2] = microseconds;
        let before = chip.now();
        let (turns, executed) = cost(&mut chip, Time::from_milliseconds(60_000), Stop::Trap(BACK));
        let took = chip.now().since(before).nanoseconds();
        let asked = u64::from(microseconds) * 1_000;
        assert!((asked..asked + 2_000).contains(&took), "{microseconds} us took {took} ns");
        assert!(turns < 10 && executed < 100, "{microseconds} us: {turns} turns, {executed} cycles");
    }
}

/// A timer that wakes it up a hundred times a second costs what its hundred interrupts cost, not the time between them.
#[test]
fn between_interrupts_waiti_is_free() {
    let mut chip = chip();
    // The user vector, after 0x50 bytes: acknowledge with the new time in a3, and return; then waiti and j as above.
    // rsr.ccompare0 a2; add a2, a2, a3; wsr.ccompare0 a2; rfe
    let handler = [0x20, 0xF0, 0x03, 0x30, 0x22, 0x80, 0x20, 0xF0, 0x13, 0x00, 0x30, 0x00];
    assert!(chip.core.memory.poke(CODE + 0x50, &handler));
    assert!(chip.core.memory.poke(CODE + 0x100, &[0x00, 0x70, 0x00, 0x46, 0xFE, 0xFF]));
    let cpu = &mut chip.core.cpu;
    (cpu.vecbase, cpu.pc, cpu.intenable, cpu.a[3]) = (CODE, CODE + 0x100, 1 << 6, 800_000);
    (cpu.ccompare0, cpu.timer_at) = (cpu.ccount().wrapping_add(800_000), cpu.cycles + 800_000);
    let (turns, executed) = cost(&mut chip, Time::from_milliseconds(1_005), Stop::Limit);
    assert_eq!(executed, 1 + 100 * 6, "waiti; a hundred times four of the handler, the jump and waiti");
    assert!(turns < 100 * 10, "{turns} turns");
}
