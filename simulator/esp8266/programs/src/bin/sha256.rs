//! SHA-256 of 1 KiB a round, each with the digest before it.

#![no_std]
#![no_main]

use sha2::{Digest, Sha256};

/// Where `start.S` goes.
#[unsafe(no_mangle)]
extern "C" fn program() -> ! {
    programs::run(|rounds| {
        let mut text = [0x5A; 1 << 10];
        for _ in 0..rounds {
            let digest = Sha256::digest(text);
            text[..32].copy_from_slice(&digest);
        }
        u32::from_be_bytes([text[0], text[1], text[2], text[3]])
    })
}
