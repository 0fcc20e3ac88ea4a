//! Loops that call functions of the boot ROM.

use super::*;

/// Addresses of functions, which stand before the program.
const ADDRESSES: u32 = CODE - 0x80;
const FUNCTIONS: [u32; 16] = [
    0x4000_0E24, // ets_post
    0x4000_0E04, // ets_run
    0x4000_DCF0, // __umulsidi3
    0x4000_E21C, // __udivsi3
    0x4000_E268, // __umodsi3
    0x4000_D310, // __udivdi3
    0x4000_D770, // __umoddi3
    0x4000_DF48, // memcpy
    0x4000_E190, // memset
    0x4000_BF4C, // strlen
    0x4000_0F98, // ets_isr_mask
    0x4000_0FA8, // ets_isr_unmask
    0x4000_2F04, // ets_update_cpu_frequency
    0x4000_DD38, // xthal_get_ccount
    0x4000_DEA8, // memcmp
    0x4000_0DD0, // ets_task
];
const POST: usize = 0;
const RUN: usize = 1;
const PRODUCT: usize = 2;
const QUOTIENT: usize = 3;
const COPY: usize = 7;
const FILL: usize = 8;
const LENGTH_OF_TEXT: usize = 9;
const MASK: usize = 10;
const UNMASK: usize = 11;
const FREQUENCY: usize = 12;
const CYCLE_COUNT: usize = 13;
const COMPARE: usize = 14;
const TASK: usize = 15;

/// A program that knows the functions' addresses, and numbers.
fn program(numbers: &[u32]) -> Code {
    let mut code = Code::new(ADDRESSES);
    FUNCTIONS.iter().chain(numbers).for_each(|&number| code.word(number));
    code.bytes.resize((CODE - ADDRESSES) as usize, 0);
    code
}

/// The address at which number `index` of [`program`] stands.
fn number(index: usize) -> u32 {
    ADDRESSES + 4 * (FUNCTIONS.len() + index) as u32
}

fn call(code: &mut Code, function: usize) {
    code.op("l32r", &[0, ADDRESSES + 4 * function as u32]);
    code.op("callx0", &[0]);
}

/// Ends the loop that begins at `again` when the clock in a3 has counted as much as a2 says, which it then sets anew.
fn until(code: &mut Code, again: u32) {
    code.op("l32i", &[2, 1, 0]);
    code.op("l32i", &[3, 1, 4]);
    code.op("sub", &[4, 3, 2]);
    let branch = code.here();
    code.op("bltu", &[4, LENGTH, branch + 4]);
    code.patch_target(branch, again);
    code.op("addi", &[ENDS, ENDS, 1]);
    code.op("s32i", &[3, 1, 0]);
    code.op("j", &[again]);
}

/// Milliseconds as programs make them: by a product or a quotient of microseconds. When there is another one, it is
/// counted.
#[test]
fn milliseconds_are_made_by_functions() {
    for function in [PRODUCT, QUOTIENT, QUOTIENT + 1, QUOTIENT + 2, QUOTIENT + 3] {
        for clock in [ClockRead::Microseconds, ClockRead::Cycles] {
            let mut code = program(&[1_000, 4_294_967, 1_271_310_320]);
            let again = code.here();
            feed(&mut code);
            read_clock(&mut code, clock, 2);
            code.op("s32i", &[2, 1, 4]);
            code.op("l32r", &[3, number(usize::from(function == PRODUCT))]);
            if function > QUOTIENT + 1 {
                code.op("l32r", &[4, number(0)]);
                code.op("movi", &[3, 0]);
                code.op("movi", &[5, 0]);
            }
            call(&mut code, function);
            if function == PRODUCT {
                // The lower half with what is still to be added, and whether that gives one more.
                code.op("or", &[6, 2, 2]);
                code.op("or", &[7, 3, 3]);
                code.op("l32i", &[2, 1, 4]);
                code.op("l32r", &[3, number(2)]);
                call(&mut code, PRODUCT);
                code.op("add", &[6, 3, 6]);
                let branch = code.here();
                code.op("bgeu", &[6, 3, branch + 6]);
                code.op("addi", &[7, 7, 1]);
                code.op("or", &[2, 7, 7]);
            }
            code.op("l32i", &[3, 1, 8]);
            let branch = code.here();
            code.op("beq", &[2, 3, branch + 9]);
            code.op("s32i", &[2, 1, 8]);
            code.op("addi", &[ENDS, ENDS, 0x10]);
            until(&mut code, again);
            let passed = share(&code);
            // A thousand cycles are over after few rounds, and then another way is gone.
            let least = if clock == ClockRead::Cycles { 0.1 } else { 0.8 };
            assert!(passed > least, "{function} {clock:?}: {passed}");
        }
    }
}

/// Functions that read and write memory, of numbers that are the same in each round, or are not.
#[test]
fn what_functions_do_to_memory_is_done() {
    for changes in [false, true] {
        let mut code = program(&[0x3FFE_E100, 0x3FFE_E180]);
        let again = code.here();
        feed(&mut code);
        read_clock(&mut code, ClockRead::Microseconds, 7);
        code.op("s32i", &[7, 1, 4]);
        code.op("l32r", &[2, number(0)]);
        code.op("movi", &[3, 0x5A]);
        code.op("movi", &[4, 21]);
        call(&mut code, FILL);
        if changes {
            // A clock lies between what is copied.
            code.op("l32r", &[2, number(0)]);
            code.op("s32i", &[7, 2, 8]);
        }
        code.op("l32r", &[2, number(1)]);
        code.op("l32r", &[3, number(0)]);
        code.op("movi", &[4, 21]);
        call(&mut code, COPY);
        call(&mut code, LENGTH_OF_TEXT);
        code.op("or", &[5, 2, 2]);
        code.op("l32r", &[2, number(1)]);
        code.op("l32r", &[3, number(0)]);
        code.op("movi", &[4, 20]);
        call(&mut code, COMPARE);
        code.op("movi", &[2, 0x40]);
        call(&mut code, MASK);
        code.op("movi", &[2, 0x40]);
        call(&mut code, UNMASK);
        code.op("movi", &[2, 80]);
        call(&mut code, FREQUENCY);
        call(&mut code, CYCLE_COUNT);
        code.op("s32i", &[2, 1, 12]);
        until(&mut code, again);
        let passed = share(&code);
        assert!(changes || passed > 0.9, "{passed}");
    }
}

/// A task that posts to itself in each round, as the loop of Arduino's core does, and sets the CPU's frequency to what
/// it is; one of a higher priority is posted to when the time has come.
#[test]
fn a_task_that_posts_to_itself_waits() {
    for events in [1, 3] {
        let mut code = program(&[0x3FFE_E100, 0x3FF0_0014, 0, 0]);
        for (priority, function, queue) in [(1, 2, 0), (5, 3, 0x100)] {
            code.op("l32r", &[2, number(function)]);
            code.op("movi", &[3, priority]);
            code.op("l32r", &[4, number(0)]);
            code.op("movi", &[5, queue]);
            code.op("add", &[4, 4, 5]);
            code.op("movi", &[5, events]);
            call(&mut code, TASK);
        }
        let post = |code: &mut Code, priority: u32| {
            code.op("movi", &[2, priority]);
            code.op("movi", &[3, 7]);
            code.op("movi", &[4, 9]);
            call(code, POST);
        };
        post(&mut code, 1);
        call(&mut code, RUN);
        code.align();
        let high = code.here();
        code.op("addi", &[ENDS, ENDS, 0x10]);
        code.op("ret", &[]);
        code.align();
        let low = code.here();
        code.op("addi", &[1, 1, 0xF0]);
        code.op("s32i", &[0, 1, 8]);
        feed(&mut code);
        code.op("l32r", &[4, number(1)]);
        code.op("l32i", &[5, 4, 0]);
        code.op("s32i", &[5, 4, 0]);
        read_clock(&mut code, ClockRead::Microseconds, 5);
        code.op("l32r", &[4, number(0)]);
        code.op("l32i", &[6, 4, 0x80]);
        code.op("sub", &[6, 5, 6]);
        let branch = code.here();
        code.op("bltu", &[6, LENGTH, branch + 4]);
        code.op("s32i", &[5, 4, 0x80]);
        post(&mut code, 5);
        let end = code.here();
        code.patch_target(branch, end);
        post(&mut code, 1);
        code.op("l32i", &[0, 1, 8]);
        code.op("addi", &[1, 1, 0x10]);
        code.op("ret", &[]);
        for (index, function) in [(2, low), (3, high)] {
            let at = (number(index) - ADDRESSES) as usize;
            code.bytes[at..at + 4].copy_from_slice(&function.to_le_bytes());
        }
        let passed = share(&code);
        // With room for three events the place of the next changes from round to round.
        assert!(events > 1 || passed > 0.9, "{passed}");
    }
}

/// A program that only waits for a register that nobody but a program changes is told that it waits in vain.
#[test]
fn waiting_for_what_only_a_program_changes_is_told() {
    let mut code = program(&[0x3FF0_0014]);
    code.op("l32r", &[2, number(0)]);
    let again = code.here();
    feed(&mut code);
    code.op("l32i", &[3, 2, 0]);
    code.op("j", &[again]);
    let mut random = Random::new(3);
    let chips = [true, false].map(|skips| chip(&code, 0, skips));
    let [skipping, executing] = chips;
    assert_eq!(compare(skipping, executing, &mut random, 12_000_000), 0.0);
}
