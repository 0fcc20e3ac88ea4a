//! Copies memory, 8 KiB a round, each time to another place.

#![no_std]
#![no_main]

use core::hint::black_box;

/// Where `start.S` goes.
#[unsafe(no_mangle)]
extern "C" fn program() -> ! {
    const SIZE: usize = 8 << 10;
    programs::run(|rounds| {
        let mut memory = [0_u8; 2 * SIZE + 64];
        for (at, byte) in memory.iter_mut().enumerate() {
            *byte = (at * at >> 3) as u8;
        }
        for round in 0..rounds {
            // Forth and back; whole words, as most copies in the firmware.
            let to = SIZE + 4 * (round as usize % 16);
            black_box(&mut memory).copy_within(..SIZE, to);
            black_box(&mut memory).copy_within(to..to + SIZE, 0);
        }
        memory.iter().fold(0, |sum: u32, byte| sum.rotate_left(5) ^ u32::from(*byte))
    })
}
