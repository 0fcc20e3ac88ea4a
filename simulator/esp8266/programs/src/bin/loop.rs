//! A tight loop: eight instructions, no memory.

#![no_std]
#![no_main]

/// Where `start.S` goes.
#[unsafe(no_mangle)]
extern "C" fn program() -> ! {
    programs::run(|rounds| {
        let mut x = 0x9E37_79B9_u32;
        // A round is a hundred thousand steps of Marsaglia's xorshift generator.
        for _ in 0..rounds * 100_000 {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
        }
        x
    })
}
