//! Real programs, compiled for the core: the interpreter, the block executor, QEMU's core and this machine come to the
//! same.
//!
//! The programs are built by `cargo ci programs`. Without them or without QEMU a test says so and passes, unless
//! `PREFLASH_REQUIRE_XTENSA=1`.

#[cfg(test)]
mod runner;

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Signer as _;
    use p256::ecdsa::{Signature, SigningKey};
    use sha2::{Digest as _, Sha256};

    use super::runner::{path, run_here, run_on_qemu};

    fn required() -> bool {
        std::env::var("PREFLASH_REQUIRE_XTENSA").is_ok_and(|value| value == "1")
    }

    /// Runs a program everywhere and compares with what it is to come to.
    fn check(name: &str, rounds: u32, expected: u32) {
        let path = path(name);
        let Ok(elf) = std::fs::read(&path) else {
            assert!(!required(), "{} is missing and PREFLASH_REQUIRE_XTENSA=1", path.display());
            eprintln!("skipped: {} is missing (`cargo ci programs` builds it)", path.display());
            return;
        };
        let expected = format!("{expected:08x}");
        let blocks = run_here(&elf, rounds, false).unwrap();
        assert_eq!(blocks.result, expected, "the block executor");
        let interpreted = run_here(&elf, rounds, true).unwrap();
        assert_eq!(interpreted.result, expected, "the interpreter");
        assert_eq!(interpreted.instructions, blocks.instructions);
        match run_on_qemu(&path, rounds, false) {
            Ok(qemu) => assert_eq!(qemu.result, expected, "QEMU"),
            Err(reason) => {
                assert!(!required(), "{reason}, and PREFLASH_REQUIRE_XTENSA=1");
                eprintln!("not compared with QEMU: {reason}");
            }
        }
    }

    #[test]
    fn a_tight_loop() {
        let mut x = 0x9E37_79B9_u32;
        for _ in 0..200_000 {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
        }
        check("loop", 2, x);
    }

    #[test]
    fn copies_of_memory() {
        const SIZE: usize = 8 << 10;
        let mut memory: Vec<u8> = (0..2 * SIZE + 64).map(|at| ((at * at) >> 3) as u8).collect();
        for round in 0..20 {
            let to = SIZE + 4 * (round % 16);
            memory.copy_within(..SIZE, to);
            memory.copy_within(to..to + SIZE, 0);
        }
        check("copy", 20, memory.iter().fold(0, |sum: u32, byte| sum.rotate_left(5) ^ u32::from(*byte)));
    }

    #[test]
    fn sha_256() {
        let mut text = [0x5A; 1 << 10];
        for _ in 0..8 {
            let digest = Sha256::digest(text);
            text[..32].copy_from_slice(&digest);
        }
        check("sha256", 8, u32::from_be_bytes([text[0], text[1], text[2], text[3]]));
    }

    #[test]
    fn a_signature_on_p_256_and_its_check() {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let signature: Signature = key.sign(&[0; 64]);
        let bytes = signature.to_bytes();
        check("p256", 1, u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    }
}
