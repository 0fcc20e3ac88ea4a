//! One flash: what a program writes by the controller's commands it can run, and a power cut tears it.

use super::*;
use simulator_parts::flash::{Overwrite, SECTOR};
use simulator_record::events::FlashOperation;

/// Boot ROM: `SPIEraseSector(number)`, `SPIWrite(address, from, length)`, `Cache_Read_Enable(odd, block, size)`.
const ERASE_SECTOR: u32 = 0x4000_4A00;
const WRITE: u32 = 0x4000_4A4C;
const CACHE_ENABLE: u32 = 0x4000_4678;
/// Where the program prepares what it writes, and where it leaves what it finds.
const BUFFER: u32 = 0x3FFE_8400;
/// Where in the flash it writes.
const PLACE: u32 = 0x8_0000;

fn call(function: u32) -> Vec<u32> {
    [address(5, function), vec![callx0(5)]].concat()
}

/// Erases a sector and writes code there; the return address is kept in a14, the buffer is in a13.
fn writes_code(code: &[u32]) -> Vec<u32> {
    let mut code = bytes(code);
    code.resize(code.len().next_multiple_of(4), 0);
    let mut words = vec![addi(14, 0, 0)];
    words.extend(address(13, BUFFER));
    for (index, word) in (0..).zip(code.as_chunks().0) {
        words.extend(address(5, u32::from_le_bytes(*word)));
        words.push(s32i(5, 13, 4 * index));
    }
    words.push(movi(2, (PLACE / SECTOR) as i32));
    words.extend(call(ERASE_SECTOR));
    words.extend(address(2, PLACE));
    words.extend([addi(3, 13, 0), movi(4, code.len() as i32)]);
    words.extend(call(WRITE));
    words
}

#[test]
fn a_program_runs_what_it_has_written_by_commands() {
    let mut words = writes_code(&[movi(5, 77), RET]);
    words.extend([movi(2, 0), movi(3, 0), movi(4, 1)]);
    words.extend(call(CACHE_ENABLE));
    words.extend(call(0x4020_0000 + PLACE));
    words.extend([s32i(5, 13, 8), addi(0, 14, 0), RET]);
    let mut bench = bench(&words);
    bench.port.flash.borrow_mut().preload(PLACE, &[0; SECTOR as usize]).unwrap();
    bench.run_until(Instant::from_secs(1));
    let chip = &bench.target.running.as_ref().unwrap().chip;
    assert_eq!(chip.core.memory.peek(BUFFER + 8, 4), [77, 0, 0, 0], "{:?}", bench.events);
    let operations: Vec<_> = bench
        .events
        .iter()
        .map(|(_, kind)| match kind {
            EventKind::Flash(flash) => (flash.operation, flash.address, flash.length, flash.torn),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(operations, [(FlashOperation::Erase, PLACE, SECTOR, false), (FlashOperation::Write, PLACE, 8, false)]);
    let apart = bench.events[1].0.saturating_since(bench.events[0].0);
    assert!((Duration::from_micros(650)..Duration::from_micros(1_000)).contains(&apart), "{apart:?}");
    assert_eq!(bench.port.flash.borrow().contents()[PLACE as usize..][..6], bytes(&[movi(5, 77), RET]));
}

#[test]
fn a_word_that_a_program_writes_twice_is_what_its_kind_of_chip_makes_of_it() {
    let mut words = vec![addi(14, 0, 0)];
    words.extend(address(13, BUFFER));
    for word in [0xAAAA_AAAA, 0x5555_5555] {
        words.extend(address(5, word));
        words.push(s32i(5, 13, 0));
        words.extend(address(2, PLACE));
        words.extend([addi(3, 13, 0), movi(4, 4)]);
        words.extend(call(WRITE));
    }
    words.extend([addi(0, 14, 0), RET]);
    for (overwrite, held) in [(Overwrite::Clears, [0; 4]), (Overwrite::Replaces, [0x55; 4])] {
        let mut bench = bench(&words);
        bench.port.flash.borrow_mut().set_overwrite(overwrite);
        bench.run_until(Instant::from_secs(1));
        assert_eq!(bench.port.flash.borrow().contents()[PLACE as usize..][..4], held, "{overwrite:?}");
    }
}

#[test]
fn a_power_cut_tears_what_the_program_is_writing() {
    let mut bench = bench(&writes_code(&[movi(5, 77), RET]));
    bench.port.flash.borrow_mut().preload(PLACE, &[0; SECTOR as usize]).unwrap();
    bench.target.stop();
    bench.target.start(Instant::START, BootCause::PowerOn);
    let (began, ends) = loop {
        let progress = bench.target.run(bench.now);
        let Wait::Until(Some(next)) = progress.wait else { panic!("{progress:?}") };
        let begun = bench.port.take_outbox().into_iter().find_map(|(at, output)| match output {
            Output::FlashBegan { ends, .. } => Some((at, ends)),
            _ => None,
        });
        if let Some((began, ends)) = begun {
            assert!(next >= ends && progress.local < ends + Duration::from_micros(1), "it waits for the world");
            break (began, ends);
        }
        bench.now = next.max(progress.local);
    };
    let cut = began + ends.saturating_since(began) / 2;
    assert!(bench.port.flash.borrow_mut().tear(cut).is_some_and(|report| report.torn));
    bench.target.stop();
    bench.target.start(cut, BootCause::PowerOn);
    let chip = &bench.target.running.as_ref().unwrap().chip;
    let ones: u32 = chip.core.memory.flash()[PLACE as usize..][..SECTOR as usize].iter().map(|b| b.count_ones()).sum();
    assert!((8_000..24_000).contains(&ones), "half of 32768 bits or so: {ones}");
}
