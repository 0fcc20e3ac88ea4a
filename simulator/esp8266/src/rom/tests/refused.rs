//! The three ways in which programs see to accesses that memory refuses, for functions of the ROM as for their own
//! code.

use super::*;

const FLASH: u32 = 0x4020_0000;
/// `_xtos_exc_handler_table`, and a function that puts handlers into `_xtos_c_handler_table`.
const EXCEPTION_TABLE: u32 = 0x3FFF_C000;
const SET_EXCEPTION_HANDLER: u32 = 0x4000_0454;
const MEMCPY: u32 = 0x4000_DF48;
const STR2MACADDR: u32 = 0x4000_2AF8;
const UART_RX_READBUFF: u32 = 0x4000_3EC8;
const SPIN: u32 = 0xFF_FF06;

/// A user vector that loads the byte at EXCVADDR into a8 and returns behind the instruction. From its fifth instruction
/// on it is a handler for the ROM's table, whose vector does the same before.
#[rustfmt::skip]
const VECTOR: &[u32] = &[
    0xFF_D112, // addmi a1, a1, -256
    0x05_6122, // s32i a2, a1, 20
    0x06_6132, // s32i a3, a1, 24
    0x07_6142, // s32i a4, a1, 28
    0x03_B120, // rsr.epc1 a2
    0x03_C222, // addi a2, a2, 3
    0x13_B120, // wsr.epc1 a2
    0x03_0320, // rsr.sar a2
    0x03_EE30, // rsr.excvaddr a3
    0x40_2300, // ssa8l a3
    0x41_4230, // srli a4, a3, 2
    0x11_44E0, // slli a4, a4, 2
    0x00_2442, // l32i a4, a4, 0
    0x91_4040, // srl a4, a4
    0x74_8040, // extui a8, a4, 0, 8
    0x13_0320, // wsr.sar a2
    0x05_2122, // l32i a2, a1, 20
    0x06_2132, // l32i a3, a1, 24
    0x07_2142, // l32i a4, a1, 28
    0x01_D112, // addmi a1, a1, 256
    0x00_3000, // rfe
];
/// Where that handler begins in it.
const ASSEMBLY: u32 = 12;

/// A C handler (frame, cause): loads and stores of all widths and alignments, whatever their registers from a3 on.
#[rustfmt::skip]
const C_HANDLER: &[u32] = &[
    0x00_2242, // l32i a4, a2, 0
    0x41_5240, // srli a5, a4, 2
    0x11_55E0, // slli a5, a5, 2
    0x00_2562, // l32i a6, a5, 0
    0x01_2572, // l32i a7, a5, 4
    0x40_2400, // ssa8l a4
    0x81_6760, // src a6, a7, a6
    0x03_C442, // addi a4, a4, 3
    0x00_6242, // s32i a4, a2, 0
    0x34_7460, // extui a7, a6, 4, 4
    0xA0_7720, // addx4 a7, a7, a2
    0x03_EE50, // rsr.excvaddr a5
    0x14_4C60, // extui a4, a6, 12, 2
    0x01_A032, // movi a3, 1
    0x40_1400, // ssl a4
    0xA1_4300, // sll a4, a3
    0x26_E6E7, // bbsi a6, 14, store
    0x41_8250, // srli a8, a5, 2
    0x11_88E0, // slli a8, a8, 2
    0x00_2892, // l32i a9, a8, 0
    0x01_28A2, // l32i a10, a8, 4
    0x40_2500, // ssa8l a5
    0x81_9A90, // src a9, a10, a9
    0x0B_44E6, // bgei a4, 4, loaded
    0x05_24E6, // bgei a4, 2, half
    0x74_9090, // extui a9, a9, 0, 8
    0x00_0086, // j loaded
    0xF4_9090, // extui a9, a9, 0, 16
    0x03_6792, // s32i a9, a7, 12
    0x00_0080, // ret
    0x03_2792, // l32i a9, a7, 12
    0x41_8250, // srli a8, a5, 2
    0x11_88E0, // slli a8, a8, 2
    0x00_28A2, // l32i a10, a8, 0
    0xFF_A0B2, // movi a11, 255
    0x10_69B0, // and a6, a9, a11
    0x40_3500, // ssa8b a5
    0xA1_BB00, // sll a11, a11
    0xA1_6600, // sll a6, a6
    0x20_AAB0, // or a10, a10, a11
    0x30_AAB0, // xor a10, a10, a11
    0x20_AA60, // or a10, a10, a6
    0x00_68A2, // s32i a10, a8, 0
    0x41_9890, // srli a9, a9, 8
    0x01_C552, // addi a5, a5, 1
    0xFF_C442, // addi a4, a4, -1
    0xFC_F456, // bnez a4, loop
    0x00_0080, // ret
];

/// A user vector that goes through the ROM's tables, as those of the SDKs do.
#[rustfmt::skip]
const TABLE_VECTOR: &[u32] = &[
    0xFF_D112, // addmi a1, a1, -256
    0x05_6122, // s32i a2, a1, 20
    0x06_6132, // s32i a3, a1, 24
    0x07_6142, // s32i a4, a1, 28
    0x01_A032, // movi a3, 1
    0x01_3320, // slli a3, a3, 30
    0xC0_D332, // addmi a3, a3, -0x4000
    0x03_E820, // rsr.exccause a2
    0xA0_3230, // addx4 a3, a2, a3
    0x00_2332, // l32i a3, a3, 0
    0x00_03A0, // jx a3
];

/// A chip with the flash cache on, that text in the flash, and this code in instruction memory.
fn chip_with_code(code: &[u32]) -> Chip<Bench> {
    let mut chip = chip_with(b"01:23:45:67:89:ab\0%s and more\0", Bench::default());
    chip.core.trap(BACK);
    chip.run(1_000_000);
    chip.core.bus.outside.text.clear();
    chip.core.cpu.a[1] = 0x3FFF_F000;
    chip.core.cpu.ps = 0x20;
    call(&mut chip, 0x4000_4678, &[0, 0, 0]);
    let code: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()[..3].to_vec()).collect();
    write(&mut chip, CODE, &code);
    chip
}

fn with_a_vector() -> Chip<Bench> {
    // Its code lies where VECBASE has the user vector.
    let mut chip = chip_with_code(VECTOR);
    chip.core.cpu.vecbase = CODE - 0x50;
    chip
}

fn with_an_assembly_handler() -> Chip<Bench> {
    let mut chip = chip_with_code(VECTOR);
    write(&mut chip, EXCEPTION_TABLE + 4 * 3, &(CODE + ASSEMBLY).to_le_bytes());
    chip
}

fn with_a_c_handler(cause: u32) -> Chip<Bench> {
    let mut chip = chip_with_code(C_HANDLER);
    call(&mut chip, SET_EXCEPTION_HANDLER, &[cause, CODE]);
    chip
}

#[test]
fn a_handler_is_found_however_it_was_installed() {
    for mut chip in [with_an_assembly_handler(), with_a_c_handler(3), with_a_vector()] {
        let stack = chip.core.cpu.a[1];
        // One word and one byte.
        assert_eq!(call(&mut chip, MEMCPY, &[DATA, FLASH, 5]), DATA);
        assert_eq!(chip.core.memory.peek(DATA, 6), b"01:23\0");
        assert_eq!(call(&mut chip, STR2MACADDR, &[DATA, FLASH]), 1);
        assert_eq!(chip.core.memory.peek(DATA, 6), [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB]);
        call(&mut chip, 0x4000_24CC, &[FLASH + 18, FLASH]);
        drain(&mut chip);
        assert_eq!(text(&chip), "01:23:45:67:89:ab and more");
        assert_eq!((chip.core.cpu.a[1], chip.core.cpu.ps), (stack, 0x20), "it leaves nothing behind");
        assert!(chip.core.bus.take_reports().is_empty());
    }
}

#[test]
fn a_store_into_instruction_memory_is_done_byte_by_byte() {
    let mut chip = with_a_c_handler(3);
    let target = CODE + 0x400;
    write(&mut chip, DATA, b"abcdefg");
    write(&mut chip, target, &[0xEE; 8]);
    call(&mut chip, MEMCPY, &[target, DATA, 7]);
    assert_eq!(chip.core.memory.peek(target, 8), b"abcdefg\xEE");
}

#[test]
fn unaligned_accesses_are_done_by_a_handler_of_theirs() {
    let ring = DATA + 0x101;
    let ready = |chip: &mut Chip<Bench>| {
        let words = [0x100, DATA, DATA + 2, DATA + 1];
        let bytes: Vec<u8> = words.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
        write(chip, ring, &bytes);
        write(chip, DATA, b"xyz");
    };
    let mut chip = with_a_c_handler(9);
    ready(&mut chip);
    assert_eq!(call(&mut chip, UART_RX_READBUFF, &[ring, DATA + 0x200]), 0);
    assert_eq!(chip.core.memory.peek(DATA + 0x200, 1), b"y");
    assert_eq!(chip.core.memory.peek(ring + 12, 4), (DATA + 2).to_le_bytes(), "the ring's next place");

    // The other's handler does not count.
    let mut chip = with_a_c_handler(3);
    ready(&mut chip);
    chip.core.trap(0x4000_17E0);
    (chip.core.cpu.a[2], chip.core.cpu.pc) = (ring, UART_RX_READBUFF);
    chip.core.cpu.vecbase = CODE + 0x400;
    chip.core.trap(CODE + 0x450);
    assert_eq!(chip.run(u64::MAX), Stop::Trap(CODE + 0x450));
    assert_eq!((chip.core.cpu.exccause, chip.core.cpu.epc[0]), (9, UART_RX_READBUFF));
}

/// The SDKs before 3 have vectors of their own, and go through the ROM's tables, where nobody sees to narrow accesses.
#[test]
fn a_vector_of_ones_own_that_sees_to_nothing_makes_nothing_good() {
    // rsr.exccause a3; j .
    let mut chip = chip_with_code(&[0x03_E830, SPIN]);
    chip.core.cpu.vecbase = CODE - 0x50;
    (chip.core.cpu.a[0], chip.core.cpu.pc) = (BACK, MEMCPY);
    chip.core.cpu.a[2..5].copy_from_slice(&[DATA, FLASH, 5]);
    let limit = chip.core.cpu.cycles + 100_000;
    assert_eq!(chip.run(limit), Stop::Limit);
    assert_eq!((chip.core.cpu.pc, chip.core.cpu.a[3]), (CODE + 3, 3), "it loops in its vector");
    assert_eq!(chip.core.cpu.epc[0], MEMCPY);
}

#[test]
fn the_roms_own_handler_is_none() {
    let mut chip = chip_with_code(&[]);
    // As the ROM leaves it for a program: its handler prints, and returns to what raises the exception again.
    call(&mut chip, SET_EXCEPTION_HANDLER, &[3, 0x4000_1878]);
    (chip.core.cpu.a[0], chip.core.cpu.pc) = (BACK, MEMCPY);
    chip.core.cpu.a[2..5].copy_from_slice(&[DATA, FLASH, 5]);
    let limit = chip.core.cpu.cycles + 2_000_000;
    assert_eq!(chip.run(limit), Stop::Limit);
    assert!(text(&chip).starts_with("Fatal exception (3): \r\nepc1=0x4000df48,"), "{}", text(&chip));
}

#[test]
fn the_owners_handler_of_narrow_accesses_is_a_handler_of_those_only() {
    const HANDLER: u32 = 0x5000_0000;
    for vector in [0x4000_0000, CODE - 0x50] {
        let mut chip = chip_with_code(TABLE_VECTOR);
        chip.core.trap(HANDLER);
        chip.narrow_access_handler(HANDLER);
        call(&mut chip, SET_EXCEPTION_HANDLER, &[3, HANDLER]);
        chip.core.cpu.vecbase = vector;
        assert_eq!(call(&mut chip, MEMCPY, &[DATA, FLASH, 7]), DATA);
        assert_eq!(chip.core.memory.peek(DATA, 8), b"01:23:4\0");
        assert_eq!((chip.core.cpu.a[1], chip.core.cpu.ps), (0x3FFF_F000, 0x20), "it leaves nothing behind");
        (chip.core.cpu.a[0], chip.core.cpu.pc) = (BACK, MEMCPY);
        chip.core.cpu.a[2..5].copy_from_slice(&[FLASH, DATA, 4]);
        assert_eq!(chip.run(u64::MAX), Stop::Trap(HANDLER), "a store into the flash is beyond it");
        assert_eq!(chip.core.cpu.epc[0], MEMCPY);
    }
}

#[test]
fn a_handler_that_raises_the_exception_again_does_not_come_back() {
    // mov a3, a9; movi a4, 1; jx a5: it copies the byte with the function that could not, into its frame.
    let mut chip = chip_with_code(&[0x20_3990, 0x01_A042, 0x00_05A0]);
    call(&mut chip, SET_EXCEPTION_HANDLER, &[3, CODE]);
    (chip.core.cpu.a[0], chip.core.cpu.pc) = (BACK, MEMCPY);
    chip.core.cpu.a[2..6].copy_from_slice(&[DATA, FLASH, 5, MEMCPY]);
    let limit = chip.core.cpu.cycles + 1_000_000;
    assert_ne!(chip.run(limit), Stop::Trap(BACK));
}

#[test]
fn a_program_whose_handler_is_the_owners_has_its_narrow_accesses_done_on_request() {
    const HANDLER: u32 = 0x5000_0000;
    // l8ui a3, a2, 1; l16si a4, a2, 2; s8i a3, a5, 1; s32i a3, a2, 0
    let mut chip = chip_with_code(&[0x01_0232, 0x01_9242, 0x01_4532, 0x00_6232]);
    let target = CODE + 0x400;
    write(&mut chip, target, &[0xEE; 4]);
    chip.core.memory.flash_mut()[2..4].copy_from_slice(&[0x34, 0x92]);
    chip.core.trap(HANDLER);
    call(&mut chip, SET_EXCEPTION_HANDLER, &[3, HANDLER]);
    (chip.core.cpu.a[2], chip.core.cpu.a[5], chip.core.cpu.pc) = (FLASH, target, CODE);
    for _ in 0..3 {
        assert_eq!(chip.run(u64::MAX), Stop::Trap(HANDLER));
        assert!(chip.do_narrow_access());
    }
    assert_eq!(chip.run(u64::MAX), Stop::Trap(HANDLER));
    assert!(!chip.do_narrow_access(), "a word into the flash");
    assert_eq!((chip.core.cpu.epc[0], chip.core.cpu.a[3]), (CODE + 9, 3), "in the handler a3 is the cause");
    assert_eq!(chip.core.cpu.a[4], 0xFFFF_9234);
    assert_eq!(chip.core.memory.peek(target, 4), [0xEE, b'1', 0xEE, 0xEE]);
}
