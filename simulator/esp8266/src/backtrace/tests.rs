//! Programs of a few instructions, stopped where they come to grief.

use super::*;
use crate::bus::NoDevices;
use crate::cpu::ps;
use crate::{Core, Stop};

const CODE: u32 = 0x4010_1000;
const MIDDLE: u32 = CODE + 0x100;
const INNER: u32 = CODE + 0x200;
/// Where the boot ROM's task loop goes on.
const ROM: u32 = 0x4000_0F49;
const STACK: u32 = 0x3FFE_9000;
const OTHER_STACK: u32 = 0x3FFE_A000;

const RET: u32 = 0x000080;
const ILL: u32 = 0x000000;
const NOP: u32 = 0x0020F0;

fn addi(t: u32, s: u32, amount: i8) -> u32 {
    u32::from(amount as u8) << 16 | 0xC << 12 | s << 8 | t << 4 | 2
}

fn s32i(t: u32, s: u32, offset: u32) -> u32 {
    (offset / 4) << 16 | 6 << 12 | s << 8 | t << 4 | 2
}

fn movi(t: u32, value: i32) -> u32 {
    (value as u32 & 0xFF) << 16 | 0xA << 12 | (value as u32 >> 8 & 0xF) << 8 | t << 4 | 2
}

fn add(r: u32, s: u32, t: u32) -> u32 {
    0x80_0000 | r << 12 | s << 8 | t << 4
}

fn mov(r: u32, s: u32) -> u32 {
    0x20_0000 | r << 12 | s << 8 | s << 4
}

fn callx0(s: u32) -> u32 {
    0xC0 | s << 8
}

/// Runs functions from the first on, which may call the second through a2 and the third through a3, until one executes
/// an illegal instruction; returns the trace as seen with the symbols named.
fn trace(functions: [&[u32]; 3], named: &[u32]) -> Vec<Frame> {
    let mut memory = Memory::new(&[]);
    for (start, words) in [CODE, MIDDLE, INNER].into_iter().zip(functions) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()[..3].to_vec()).collect();
        memory.poke(start, &bytes);
    }
    let mut core = Core::new(memory, NoDevices);
    core.cpu.pc = CODE;
    core.cpu.ps = ps::UM;
    core.cpu.vecbase = 0x4010_0000;
    (core.cpu.a[0], core.cpu.a[1], core.cpu.a[2], core.cpu.a[3], core.cpu.a[4]) =
        (ROM, STACK, MIDDLE, INNER, OTHER_STACK);
    let vector = core.cpu.vecbase + 0x50;
    core.trap(vector);
    assert_eq!(core.run(1_000), Stop::Trap(vector));
    let registers = Registers { pc: core.cpu.epc[0], ..Registers::now(&core.cpu) };
    let symbols = named.iter().map(|&start| (start, 0x100, format!("{start:x}"))).collect();
    let program = Program { entry: CODE, segments: Vec::new(), symbols };
    backtrace(&registers, &core.memory, Some(&program))
}

fn exact(address: u32) -> Frame {
    Frame { address, is_caller: true, guessed: false }
}

const ALL: [u32; 3] = [CODE, MIDDLE, INNER];
const OUTER: [u32; 4] = [addi_16(), 0x03_6102, 0x02C0, RET];

/// `addi a1, a1, -16`.
const fn addi_16() -> u32 {
    0xF0_C112
}

#[test]
fn the_tests_assembler_agrees_with_gnus() {
    assert_eq!((addi(1, 1, -16), s32i(0, 1, 12), callx0(2)), (OUTER[0], OUTER[1], OUTER[2]));
    assert_eq!(movi(3, 115), 0x73_A032);
}

#[test]
fn frames_are_followed_to_the_boot_rom() {
    let middle = [addi(1, 1, -32), s32i(0, 1, 28), NOP, callx0(3), RET];
    let frames = trace([&OUTER, &middle, &[addi(1, 1, -48), s32i(0, 1, 44), ILL]], &ALL);
    let innermost = Frame { address: INNER + 6, is_caller: false, guessed: false };
    assert_eq!(frames, [innermost, exact(MIDDLE + 12), exact(CODE + 9), exact(ROM)]);
}

#[test]
fn a_leaf_has_its_return_address_in_a0() {
    let middle = [addi(1, 1, -32), s32i(0, 1, 28), callx0(3), RET];
    let frames = trace([&OUTER, &middle, &[NOP, ILL]], &ALL);
    assert_eq!(frames[1..], [exact(MIDDLE + 9), exact(CODE + 9), exact(ROM)]);
}

#[test]
fn large_frames_are_made_with_a_register() {
    let middle = [movi(8, -1856), add(8, 1, 8), mov(1, 8), movi(8, 1844), add(8, 1, 8), s32i(0, 8, 0), callx0(3), RET];
    let frames = trace([&OUTER, &middle, &[NOP, ILL]], &ALL);
    assert_eq!(frames[1..], [exact(MIDDLE + 21), exact(CODE + 9), exact(ROM)]);
}

#[test]
fn an_early_way_out_is_not_the_functions_end() {
    // beqz.n would be two bytes; a branch of three that is not taken: beqz a3.
    let beqz_a3 = 0x01_4316;
    let middle = [addi(1, 1, -32), s32i(0, 1, 28), beqz_a3, addi(8, 8, 0), callx0(3), addi(1, 1, 32), RET];
    let frames = trace([&OUTER, &middle, &[NOP, ILL]], &ALL);
    assert_eq!(frames[1..], [exact(MIDDLE + 15), exact(CODE + 9), exact(ROM)]);
}

#[test]
fn a_switch_of_stacks_is_crossed() {
    // firmware/toolchain/cpu.S: cpu_call_on_stack.
    let middle = [addi(4, 4, -16), s32i(0, 4, 0), s32i(1, 4, 4), mov(1, 4), callx0(3), RET];
    let frames = trace([&OUTER, &middle, &[addi(1, 1, -48), s32i(0, 1, 44), ILL]], &ALL);
    assert_eq!(frames[1..], [exact(MIDDLE + 15), exact(CODE + 9), exact(ROM)]);
}

#[test]
fn a_jump_to_nowhere_leads_back_to_who_jumped() {
    // The table of regions is the ROM's, which has not run: null is merely no memory.
    let frames = trace([&[addi_16(), s32i(0, 1, 12), movi(5, 0), callx0(5), RET], &[], &[]], &ALL);
    assert_eq!(frames, [Frame { address: 0, is_caller: false, guessed: false }, exact(CODE + 12), exact(ROM)]);
}

#[test]
fn without_a_symbol_the_stack_is_searched_and_says_so() {
    let inner = [addi(1, 1, -48), s32i(0, 1, 44), movi(0, 0), ILL];
    let middle = [addi(1, 1, -32), s32i(0, 1, 28), callx0(3), RET];
    let frames = trace([&OUTER, &middle, &inner], &[CODE, MIDDLE]);
    let guessed = Frame { guessed: true, ..exact(MIDDLE + 9) };
    assert_eq!(frames[1..], [guessed, exact(CODE + 9), exact(ROM)]);
}

#[test]
fn a_stack_pointer_into_nothing_ends_the_trace() {
    let registers =
        Registers { pc: 0x4010_0000, ps: 0, sar: 0, a: [0xFFFF_FFFF; 16], epc1: 0, exccause: 0, excvaddr: 0 };
    assert_eq!(backtrace(&registers, &Memory::new(&[]), None).len(), 1);
}
