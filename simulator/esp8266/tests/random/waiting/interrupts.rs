//! Interrupts that come into loops that wait, and what they change there.

use super::*;

/// A program into which CCOMPARE0 interrupts each `period` cycles, with and without passing over; the handler sets it
/// anew, by a6, and does `more`.
fn interrupted(code: &Code, length: u32, period: u32, more: impl Fn(&mut Code)) -> [Chip<Blank>; 2] {
    let mut handler = Code::new(VECTORS + 0x50);
    handler.op("rsr.ccompare0", &[7]);
    handler.op("add", &[7, 7, 6]);
    handler.op("wsr.ccompare0", &[7]);
    more(&mut handler);
    handler.op("rfe", &[]);
    [true, false].map(|skips| {
        let mut chip = chip(code, length, skips);
        assert!(chip.core.memory.poke(handler.start, &handler.bytes));
        let cpu = &mut chip.core.cpu;
        (cpu.intenable, cpu.a[6]) = (1 << 6, period);
        (cpu.ccompare0, cpu.timer_at) = (cpu.ccount().wrapping_add(period), cpu.cycles + u64::from(period));
        chip
    })
}

/// Compares one that is interrupted every 10 ms.
#[track_caller]
fn share_between_interrupts(code: &Code, length: u32, more: impl Fn(&mut Code)) -> f64 {
    let [skipping, executing] = interrupted(code, length, 800_000, more);
    compare(skipping, executing, &mut Random::new(3), 8_000_000)
}

#[test]
fn interrupts_come_between() {
    let code = waiting(ClockRead::Microseconds, feed);
    let passed = share_between_interrupts(&code, 3_000_000, |handler| handler.op("addi", &[5, 5, 1]));
    assert!(passed > 0.9, "{passed}");
}

/// A loop that is known looks how long its last round is ago; an interrupt has changed when that was.
#[test]
fn what_a_known_loop_has_left_is_looked_at_again() {
    let mut code = Code::new(CODE);
    feed(&mut code);
    read_clock(&mut code, ClockRead::Microseconds, 3);
    code.op("sub", &[4, 3, 5]);
    code.op("or", &[5, 3, 3]);
    let branch = code.here();
    code.op("bltu", &[4, LENGTH, branch + 4]);
    code.patch_target(branch, CODE);
    code.op("addi", &[ENDS, ENDS, 1]);
    code.op("j", &[CODE]);
    let passed = share_between_interrupts(&code, 64, |handler| handler.op("movi", &[5, 0]));
    assert!(passed > 0.5, "{passed}");
}

/// Each round writes the same into a word that it does not read. An interrupt has written something else there.
#[test]
fn what_each_round_writes_again_is_written_again() {
    let code = waiting(ClockRead::Microseconds, |code| {
        feed(code);
        code.op("s32i", &[FOOD, 1, 8]);
        code.op("callx0", &[LOCK]);
        code.op("callx0", &[UNLOCK]);
    });
    for length in [100, 3_000_000] {
        let passed = share_between_interrupts(&code, length, |handler| {
            handler.op("s32i", &[7, 1, 8]);
            handler.op("addi", &[5, 5, 1]);
        });
        assert!(passed > 0.8, "{length}: {passed}");
    }
}

/// A loop that looks how long its last round is ago, which is less where an interrupt has come between and notes the
/// time too; it may change the clock's rate before.
#[test]
fn what_an_interrupt_notes_of_a_clock_is_not_taken_for_what_a_round_has_left() {
    for clock in [ClockRead::Microseconds, ClockRead::Cycles, ClockRead::Frc2] {
        for (nops, limit, switches) in [(80, 3, false), (170, 2, true), (300, 4, true), (40, 1, false), (300, 60, true)]
        {
            let mut code = Code::new(CODE);
            code.op("movi", &[2, limit]);
            let again = code.here();
            read_clock(&mut code, clock, 3);
            code.op("sub", &[4, 3, 5]);
            code.op("or", &[5, 3, 3]);
            let branch = code.here();
            code.op("bgeu", &[4, 2, branch + 6]);
            code.op("addi", &[ENDS, ENDS, 1]);
            feed(&mut code);
            nop(&mut code, nops);
            code.op("j", &[again]);
            let [skipping, executing] = interrupted(&code, 0x3FF0_0014, 30_011, |handler| {
                if switches {
                    // Of the DPORT's register for the CPU's frequency, bit 0.
                    handler.op("l32i", &[7, LENGTH, 0]);
                    handler.op("movi", &[4, 1]);
                    handler.op("xor", &[7, 7, 4]);
                    handler.op("s32i", &[7, LENGTH, 0]);
                }
                read_clock(handler, clock, 5);
            });
            let passed = compare(skipping, executing, &mut Random::new(7), 8_000_000);
            assert!(passed > 0.5, "{clock:?} {nops}: {passed}");
        }
    }
}

/// An interrupt writes another instruction, or another literal, into the loop, and other bytes beside the one that the
/// loop reads.
#[test]
fn code_literals_and_bytes_that_change_are_noticed() {
    let mut code = Code::new(CODE - 8);
    code.word(1);
    code.word(2);
    let again = code.here();
    code.op("l32r", &[2, CODE - 8]);
    read_clock(&mut code, ClockRead::Microseconds, 3);
    code.op("l8ui", &[4, 1, 9]);
    code.op("add", &[4, 4, 2]);
    code.op("s8i", &[4, 1, 12]);
    let at = code.here();
    code.op("addi", &[7, 4, 1]);
    code.op("s32i", &[7, 1, 4]);
    feed(&mut code);
    code.op("j", &[again]);
    let [one, other] = [1, 2].map(|number| {
        let mut patched = Code::new(at);
        patched.op("addi", &[7, 4, number]);
        patched.bytes
    });
    let word = |bytes: &[u8]| {
        let mut all = code.bytes.clone();
        let from = (at - code.start) as usize;
        all[from..from + bytes.len()].copy_from_slice(bytes);
        let start = from & !3;
        u32::from_le_bytes(all[start..start + 4].try_into().unwrap())
    };
    let flip = word(&one) ^ word(&other);
    let length = CODE - 8;
    let mut chips = interrupted(&code, length, 200_003, |handler| {
        handler.op("addi", &[5, 5, 1]);
        handler.op("s8i", &[5, 1, 10]);
        handler.op("s8i", &[5, 1, 14]);
        handler.op("s8i", &[5, 1, 9]);
        handler.op("s32i", &[5, LENGTH, 0]);
        handler.op("l32i", &[7, LENGTH, (at & !3) - length]);
        handler.op("l32i", &[4, 1, 0]);
        handler.op("xor", &[7, 7, 4]);
        handler.op("s32i", &[7, LENGTH, (at & !3) - length]);
    });
    for chip in &mut chips {
        chip.core.memory.store(DATA, Width::Word, flip).unwrap();
    }
    let [skipping, executing] = chips;
    let passed = compare(skipping, executing, &mut Random::new(9), 8_000_000);
    assert!(passed > 0.3, "{passed}");
}
