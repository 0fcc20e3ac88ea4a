//! Whatever a program hands to the ROM's functions, and whatever it has made of the ROM's data: nothing panics, and
//! every call comes to an end.

use super::*;
use crate::rom::table::TABLE;

/// What a register or a word of the ROM's data may hold: pointers of all kinds, lengths, and nonsense.
fn value() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => (0x3FFE_8000..0x4000_0010u32).prop_map(|address| address & !3),
        1 => 0x3FFE_7FF0..0x4000_0010u32,
        2 => (0x3FFF_C000..0x3FFF_EB40u32).prop_map(|address| address & !3),
        1 => 0x4000_0000..0x4001_0000u32,
        1 => (0x4010_0000..0x4011_0010u32).prop_map(|address| address & !3),
        1 => 0x401F_FFF0..0x4030_0010u32,
        1 => (0x5FFF_FF00..0x6000_2100u32).prop_map(|address| address & !3),
        1 => 0x3FEF_FFF0..0x3FF0_0100u32,
        6 => 0..0x120u32,
        2 => (0..0x100u32).prop_map(|below| u32::MAX - below),
        1 => (0..32u32).prop_map(|bit| 1 << bit),
        1 => any::<u32>(),
    ]
}

#[derive(Clone, Debug)]
struct Wild {
    place: usize,
    registers: Vec<u32>,
    /// Words of the ROM's data.
    pokes: Vec<(u32, u32)>,
    /// Bytes at the addresses that the first arguments point to: a format, a string, a structure.
    bytes: Vec<u8>,
}

fn wild() -> impl Strategy<Value = Wild> {
    let modelled: Vec<usize> = (0..TABLE.len()).filter(|&index| TABLE[index].function.is_some()).collect();
    let poke = ((0x3FFF_C000..0x3FFF_EB30u32).prop_map(|address| address & !3), value());
    let text =
        prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"%0159.-lduxpsc\n".as_slice())], 0..40);
    (prop::sample::select(modelled), prop::collection::vec(value(), 16), prop::collection::vec(poke, 0..12), text)
        .prop_map(|(place, registers, pokes, bytes)| Wild { place, registers, pokes, bytes })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn no_call_of_a_program_panics_or_hangs(calls in prop::collection::vec(wild(), 1..5)) {
        let mut chip = chip();
        for wild in calls {
            for (address, value) in wild.pokes {
                chip.core.memory.poke(address, &value.to_le_bytes());
            }
            for pointer in &wild.registers[2..4] {
                chip.core.memory.poke(*pointer, &wild.bytes);
            }
            chip.core.cpu.a.copy_from_slice(&wild.registers);
            chip.core.cpu.a[0] = BACK;
            chip.core.cpu.pc = TABLE[wild.place].address;
            let limit = chip.core.cpu.cycles + 300_000;
            let stop = chip.run(limit);
            prop_assert!(stop != Stop::Limit || chip.core.cpu.cycles >= limit);
        }
    }
}

/// A timer that is its own successor: the ROM goes round for ever, which costs the host next to nothing.
#[test]
fn a_list_without_end_is_an_endless_loop() {
    let mut chip = chip();
    write(&mut chip, crate::rom::ram::TIMERS, &DATA.to_le_bytes());
    write(&mut chip, DATA, &DATA.to_le_bytes());
    chip.core.cpu.a[0] = BACK;
    chip.core.cpu.a[2] = DATA + 0x100;
    // ets_timer_disarm
    chip.core.cpu.pc = 0x4000_2D40;
    for _ in 0..100 {
        assert_eq!(chip.run(chip.core.cpu.cycles + 1_000_000), Stop::Limit);
        assert_eq!(chip.spinning(), Some("a function without end"));
    }
    chip.reset(ResetCause::Watchdog);
    assert_eq!(chip.run(chip.core.cpu.cycles + 10_000_000), Stop::Limit, "it boots again");
    assert_eq!(chip.spinning(), Some("endless loop after trouble"), "there is nothing to boot");
}

#[test]
fn a_field_wider_than_memory_is_no_text() {
    let mut chip = chip();
    write(&mut chip, DATA, b"%2000000000d\0");
    chip.core.cpu.a[0] = BACK;
    chip.core.cpu.a[2..4].copy_from_slice(&[DATA, 1]);
    chip.core.cpu.pc = 0x4000_24CC;
    let limit = chip.core.cpu.cycles + 10_000_000_000;
    assert_eq!(chip.run(limit), Stop::Trap(BACK));
    assert_eq!(chip.core.bus.outside.text.len(), 0xFFFE, "the last is still in the FIFO");
    write(&mut chip, DATA, &b"%60000d".repeat(18));
    write(&mut chip, DATA + 18 * 7, &[0]);
    chip.core.cpu.a[2] = DATA;
    chip.core.cpu.pc = 0x4000_24CC;
    assert_eq!(chip.run(limit), Stop::NotModelled("ets_printf of more than a mebibyte"));
}
