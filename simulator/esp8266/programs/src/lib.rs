//! What a bare program needs of the world: a number from standard input, lines on standard output, and an end.
//!
//! All three are `simcall`s as QEMU's `sim` machine answers them with `-semihosting`. A program says `begin` when it
//! has read how many rounds to go, and then what it came to: the time between the two lines is that of its work.

#![no_std]

/// Numbers of `simcall` (Xtensa's `simcall.h`).
mod number {
    pub const EXIT: u32 = 1;
    pub const READ: u32 = 3;
    pub const WRITE: u32 = 4;
}

unsafe extern "C" {
    /// In `start.S`: the instruction itself.
    fn sim_call(number: u32, a: u32, b: u32, c: u32) -> u32;
}

fn write(text: &[u8]) {
    // SAFETY: the host reads the text, and nothing else.
    unsafe { sim_call(number::WRITE, 1, text.as_ptr() as u32, text.len() as u32) };
}

fn exit(code: u32) -> ! {
    // SAFETY: the host ends the program.
    unsafe { sim_call(number::EXIT, code, 0, 0) };
    loop {}
}

/// The decimal number on standard input.
fn rounds() -> u32 {
    let mut text = [0_u8; 10];
    // SAFETY: the host writes no more than the length into the text.
    let length = unsafe { sim_call(number::READ, 0, text.as_mut_ptr() as u32, text.len() as u32) };
    text.iter()
        .take(length as usize)
        .take_while(|digit| digit.is_ascii_digit())
        .fold(0_u32, |number, digit| number.wrapping_mul(10).wrapping_add(u32::from(digit - b'0')))
}

/// Runs a program that goes so many rounds and comes to a number.
pub fn run(work: impl FnOnce(u32) -> u32) -> ! {
    let rounds = rounds();
    write(b"begin\n");
    let result = work(rounds);
    let mut line = *b"00000000\n";
    for (index, digit) in line.iter_mut().take(8).enumerate() {
        *digit = b"0123456789abcdef"[(result >> (28 - 4 * index) & 0xF) as usize];
    }
    write(&line);
    exit(0)
}

/// A program that panics says so and ends with 101.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    write(b"panic\n");
    exit(101)
}

/// What a 64-bit multiplication becomes on a core that gives 32 bits of a product; on the chip the boot ROM has it.
#[unsafe(no_mangle)]
extern "C" fn __muldi3(a: u64, b: u64) -> u64 {
    let (low, high) = (a as u32, (a >> 32) as u32);
    let (other_low, other_high) = (b as u32, (b >> 32) as u32);
    let halves = |word: u32| (word & 0xFFFF, word >> 16);
    let ((a0, a1), (b0, b1)) = (halves(low), halves(other_low));
    let lowest = a0 * b0;
    let middle = a1 * b0 + (lowest >> 16);
    let other_middle = a0 * b1 + (middle & 0xFFFF);
    let highest = a1 * b1 + (middle >> 16) + (other_middle >> 16);
    let crossed = low.wrapping_mul(other_high).wrapping_add(high.wrapping_mul(other_low));
    u64::from(highest.wrapping_add(crossed)) << 32 | u64::from(other_middle << 16 | lowest & 0xFFFF)
}
