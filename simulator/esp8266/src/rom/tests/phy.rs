//! The PHY's functions and chains of descriptors.

use super::*;
use crate::rom::{symbol, without_effect};

fn word(chip: &Chip<Bench>, address: u32) -> u32 {
    u32::from_le_bytes(*chip.core.memory.peek(address, 4).first_chunk().unwrap())
}

#[test]
fn the_table_of_functions_names_them_in_the_order_of_their_addresses() {
    let mut chip = chip();
    let table = call(&mut chip, 0x4000_6B08, &[]);
    assert_eq!(table, 0x3FFF_C734);
    let functions: Vec<u32> = (0..70).map(|index| word(&chip, table + 4 * index)).collect();
    let named: Vec<u32> = functions.iter().copied().filter(|&function| function != 0).collect();
    assert_eq!(named.len(), 67);
    assert!(named.is_sorted_by(|a, b| a < b));
    let name = |offset: usize| symbol(functions[offset / 4]);
    assert!(named.iter().all(|&function| symbol(function).is_some_and(|name| name.starts_with("rom_"))));
    for (offset, expected) in
        [(0, "rom_abs_temp"), (68, "rom_mhz2ieee"), (172, "rom_pbus_force_test"), (276, "rom_set_txiq_cal")]
    {
        assert_eq!(name(offset), Some(expected), "at {offset}");
    }
    assert_eq!((functions[5], functions[23], functions[24]), (0, 0, 0));
}

#[test]
fn frequencies_have_channels() {
    let mut chip = chip();
    for (frequency, flags, channel) in [
        (2412, 0x80, 1),
        (2437, 0, 6),
        (2472, 0x80, 13),
        (2484, 0x80, 14),
        (2484, 0, 14),
        (5180, 0x80, 148_u32 as i8 as i32 as u32),
        (5180, 0, u32::MAX),
    ] {
        assert_eq!(call(&mut chip, 0x4000_65A4, &[frequency, flags]), channel, "{frequency} MHz");
    }
}

/// 2412 MHz and 2417 MHz with both crystals: the synthesizer's ratio is 4/3 of the frequency by the crystal's, less 32.
#[test]
fn the_synthesizer_is_set_for_a_frequency() {
    let mut chip = chip();
    for (frequency, crystal, bytes) in
        [(2412, 1, [0x5B, 0xB1, 0x3B]), (2417, 1, [0x5B, 0xF2, 0xDF]), (2412, 0, [0x30, 0x66, 0x66])]
    {
        call(&mut chip, 0x4000_7968, &[frequency, crystal, 0, DATA]);
        let set = chip.core.memory.peek(DATA, 3);
        assert_eq!(set[..2], bytes[..2], "{frequency} MHz: {set:02x?}");
        assert!(set[2].abs_diff(bytes[2]) <= 1, "{frequency} MHz: {set:02x?}");
    }
}

#[test]
fn numbers_become_decibels() {
    let mut chip = chip();
    // 16 is the number one; twice as much is six decibels more.
    for (number, shift, decibels) in [(16, 3, 48), (32, 3, 96), (24, 3, 48 + 28), (32, 4, 48), (8, 2, 48), (5, 3, 19)] {
        assert_eq!(call(&mut chip, 0x4000_6484, &[number, shift]), decibels, "{number}, {shift}");
    }
}

#[test]
fn what_is_forced_on_the_internal_bus_is_read_back() {
    let mut chip = chip();
    call(&mut chip, 0x4000_737C, &[]);
    for (register, width, value) in [(2, 1, 0x1A5), (3, 2, 5), (7, 1, 95), (0, 4, 0x0F0)] {
        call(&mut chip, 0x4000_747C, &[register, width, value]);
        assert_eq!(call(&mut chip, 0x4000_74D8, &[register, width]), value, "register {register}");
    }
}

/// `rom_pbus_xpd_rx_off` calls `rom_pbus_force_test` through the table, where a program has put a function of its own.
#[test]
fn functions_call_each_other_through_the_table() {
    let mut chip = chip();
    let trap = CODE + 0x100;
    chip.core.trap(trap);
    let table = call(&mut chip, 0x4000_6B08, &[]);
    write(&mut chip, table + 172, &trap.to_le_bytes());
    let (stack, saved) = (chip.core.cpu.a[1], [0x11, 0x22]);
    chip.core.cpu.a[12..14].copy_from_slice(&saved);
    chip.core.cpu.a[0] = BACK;
    chip.core.cpu.a[2] = 0x55;
    chip.core.cpu.pc = 0x4000_7688;
    let mut calls = Vec::new();
    loop {
        let limit = chip.core.cpu.cycles + 10_000;
        match chip.run(limit) {
            Stop::Trap(BACK) => break,
            stop => assert_eq!(stop, Stop::Trap(trap)),
        }
        calls.push([chip.core.cpu.a[2], chip.core.cpu.a[3], chip.core.cpu.a[4]]);
        chip.core.cpu.a[2..12].fill(0xDEAD);
        chip.core.cpu.pc = chip.core.cpu.a[0];
    }
    assert_eq!(calls, [[2, 1, 0x55], [3, 1, 0], [3, 2, 0]]);
    assert_eq!((chip.core.cpu.a[1], &chip.core.cpu.a[12..14]), (stack, &saved[..]));
}

#[test]
fn the_synthesizers_bytes_go_to_its_registers() {
    let mut chip = chip();
    write(&mut chip, DATA, &[0x5B, 0xB1, 0x3B]);
    call(&mut chip, 0x4000_78DC, &[DATA]);
    let registers: Vec<u32> =
        [3, 4, 5, 0].into_iter().map(|register| call(&mut chip, 0x4000_7268, &[99, 0, register])).collect();
    assert_eq!(registers, [0x5B, 0xB1, 0x3B, 23]);
}

#[test]
fn functions_without_effect_return_0_and_say_why() {
    let mut chip = chip();
    assert_eq!(without_effect().count(), 26);
    for (name, why) in without_effect() {
        assert!(!why.is_empty());
        let address = (0x4000_60C0..0x4000_8DD0).find(|&address| symbol(address) == Some(name)).expect(name);
        assert_eq!(call(&mut chip, address, &[1, 2, 3, 4]), 0, "{name}");
    }
}

#[test]
fn descriptors_are_chained() {
    let mut chip = chip();
    let stack = chip.core.cpu.a[1];
    write(&mut chip, stack, &[DATA + 0x100, DATA + 0x104].map(u32::to_le_bytes).concat());
    call(&mut chip, 0x4000_4F40, &[DATA, 36, DATA + 0x200, 0x1C0, 0x80, 1]);
    assert_eq!((word(&chip, DATA + 0x100), word(&chip, DATA + 0x104)), (DATA, DATA + 24));
    let chain: Vec<u32> = (0..9).map(|index| word(&chip, DATA + 4 * index)).collect();
    let flags = 1 << 31 | 0x80 << 12 | 0x80;
    assert_eq!(
        chain,
        [flags, DATA + 0x200, DATA + 12, flags, DATA + 0x280, DATA + 24, flags, DATA + 0x300, 0],
        "what is left of the buffer is in no block"
    );
    assert_eq!(call(&mut chip, 0x4000_5050, &[DATA, 3]), DATA + 24);
    assert_eq!(call(&mut chip, 0x4000_5050, &[DATA, 1]), DATA);
    call(&mut chip, 0x4000_507C, &[DATA, 2, 0]);
    let owned: Vec<u32> = [0, 12, 24].into_iter().map(|at| word(&chip, DATA + at) >> 31).collect();
    assert_eq!(owned, [0, 0, 1]);
}

/// esp-open-rtos gives a description of its own.
#[test]
fn spi_read_data_goes_by_the_chip_that_it_is_given() {
    let mut chip = chip_with(&[1, 2, 3, 4, 5, 6, 7, 8], Bench::default());
    chip.core.trap(BACK);
    chip.run(1_000_000);
    chip.core.cpu.ps = 0x20;
    chip.core.cpu.a[1] = 0x3FFF_F000;
    write(&mut chip, crate::rom::ram::FLASH_CHIP, &[0; 4]);
    write(&mut chip, DATA, &[0, 8, 0, 0, 0, 0].map(u32::to_le_bytes).concat());
    assert_eq!(call(&mut chip, 0x4000_42AC, &[DATA, 0, DATA + 0x100, 8]), 0);
    assert_eq!(chip.core.memory.peek(DATA + 0x100, 8), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(call(&mut chip, 0x4000_42AC, &[DATA, 4, DATA + 0x100, 8]), 1, "beyond its end");
}
