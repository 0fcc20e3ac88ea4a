//! The ROM's cryptography, held against published examples.

use super::*;

const KEY: u32 = DATA;
const MESSAGE: u32 = DATA + 0x200;
const TO: u32 = DATA + 0x600;
const LISTS: u32 = DATA + 0x800;

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u8> = hexadecimal.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.as_chunks::<2>().0.iter();
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn words(chip: &Chip<Bench>, address: u32, number: usize) -> Vec<u32> {
    let bytes = chip.core.memory.peek(address, 4 * number);
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

/// Puts the message down in three pieces, and lists of their addresses and lengths.
fn pieces(chip: &mut Chip<Bench>, message: &[u8]) {
    write(chip, MESSAGE, message);
    let (first, second) = (message.len() as u32 / 3, message.len() as u32 / 2);
    let (starts, ends) = ([0, first, second], [first, second, message.len() as u32]);
    for (index, (start, end)) in starts.into_iter().zip(ends).enumerate() {
        write(chip, LISTS + 4 * index as u32, &(MESSAGE + start).to_le_bytes());
        write(chip, LISTS + 0x40 + 4 * index as u32, &(end - start).to_le_bytes());
    }
}

/// RFC 2202.
const MACS: [(&[u8], &[u8], &str, &str); 2] = [
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "750c783e6ab0b503eaa86e310a5db738",
        "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    ),
    (
        &[0xAA; 80],
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
        "aa4ae5e15272d00e95705637ce8a3b55ed402112",
    ),
];

#[test]
fn hmacs_are_those_of_rfc_2202() {
    let mut chip = chip();
    for (key, message, md5, sha1) in MACS {
        write(&mut chip, KEY, key);
        pieces(&mut chip, message);
        let (key, message) = (key.len() as u32, message.len() as u32);
        for (mac, of_one, of_many) in [(md5, 0x4000_A2CC, 0x4000_A160), (sha1, 0x4000_BA28, 0x4000_B8B4)] {
            let mac = bytes(mac);
            assert_eq!(call(&mut chip, of_one, &[KEY, key, MESSAGE, message, TO]), 0);
            assert_eq!(chip.core.memory.peek(TO, mac.len()), mac);
            write(&mut chip, TO, &[0; 20]);
            assert_eq!(call(&mut chip, of_many, &[KEY, key, 3, LISTS, LISTS + 0x40, TO]), 0);
            assert_eq!(chip.core.memory.peek(TO, mac.len()), mac);
        }
    }
}

#[test]
fn digests_are_those_of_the_standards() {
    let mut chip = chip();
    // FIPS 180, appendix A; RFC 1321, A.5.
    for (function, message, digest) in [
        (0x4000_A2EC, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            0x4000_A2EC,
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
        ),
        (0x4000_97AC, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        (0x4000_97AC, "", "d41d8cd98f00b204e9800998ecf8427e"),
    ] {
        pieces(&mut chip, message.as_bytes());
        assert_eq!(call(&mut chip, function, &[3, LISTS, LISTS + 0x40, TO]), 0);
        assert_eq!(chip.core.memory.peek(TO, digest.len() / 2), bytes(digest));
    }
}

/// MicroPython's `check_fw` digests its own image so: of flash only words can be read.
#[test]
fn whole_words_are_digested_where_they_lie_in_flash() {
    let mut chip = chip_with(&[0x61; 0x400], Bench::default());
    chip.core.trap(BACK);
    chip.run(1_000_000);
    chip.core.cpu.ps = 0x20;
    chip.core.cpu.a[1] = 0x3FFF_F000;
    call(&mut chip, 0x4000_4678, &[0, 0, 0]);
    for (from, length) in [(0x4020_0000, 0x400), (0x4020_0003, 0x100)] {
        let digest = |chip: &mut Chip<Bench>, from| {
            call(chip, 0x4000_9818, &[KEY]);
            call(chip, 0x4000_9834, &[KEY, from, length]);
            call(chip, 0x4000_9900, &[TO, KEY]);
            chip.core.memory.peek(TO, 16)
        };
        let of_flash = digest(&mut chip, from);
        write(&mut chip, MESSAGE, &vec![0x61; length as usize]);
        assert_eq!(digest(&mut chip, MESSAGE), of_flash);
    }
}

/// Lengths around those where another block begins.
#[test]
fn sha1_in_pieces_comes_to_the_same_as_at_once() {
    let mut chip = chip();
    let message: Vec<u8> = (0..200).map(|index| index as u8 ^ 0x5A).collect();
    write(&mut chip, MESSAGE, &message);
    let context = KEY;
    for length in [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 200] {
        call(&mut chip, 0x4000_B584, &[context]);
        let first = length.min(61);
        call(&mut chip, 0x4000_B5A8, &[context, MESSAGE, first]);
        call(&mut chip, 0x4000_B5A8, &[context, MESSAGE + first, length - first]);
        call(&mut chip, 0x4000_B648, &[TO, context]);
        let digest = chip.core.memory.peek(TO, 20);
        assert_eq!(chip.core.memory.peek(context, 92), [0; 92], "the context is cleared");
        pieces(&mut chip, &message[..length as usize]);
        call(&mut chip, 0x4000_A2EC, &[3, LISTS, LISTS + 0x40, TO]);
        assert_eq!(chip.core.memory.peek(TO, 20), digest, "{length} bytes");
        write(&mut chip, MESSAGE, &message);
    }
}

/// RFC 6070, and the passphrase and network of IEEE 802.11 annex J.4.
#[test]
fn pbkdf2_gives_the_published_keys() {
    let mut chip = chip();
    for (password, salt, iterations, key) in [
        ("password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
        ("password", "salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
        (
            "passwordPASSWORDpassword",
            "saltSALTsaltSALTsaltSALTsaltSALTsalt",
            4096,
            "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
        ),
        ("password", "IEEE", 4096, "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"),
    ] {
        let key = bytes(key);
        write(&mut chip, KEY, &[password.as_bytes(), &[0]].concat());
        write(&mut chip, MESSAGE, salt.as_bytes());
        let (salt, length) = (salt.len() as u32, key.len() as u32);
        chip.core.cpu.a[12] = 0x1234_5678;
        let before = (chip.core.cpu.a[1], chip.core.cpu.cycles);
        assert_eq!(call(&mut chip, 0x4000_B840, &[KEY, MESSAGE, salt, iterations, TO, length]), 0);
        assert_eq!(chip.core.memory.peek(TO, key.len()), key);
        assert_eq!((chip.core.cpu.a[1], chip.core.cpu.a[12]), (before.0, 0x1234_5678));
        if iterations == 4096 {
            let cycles = chip.core.cpu.cycles - before.1;
            assert!((55_000_000..65_000_000).contains(&cycles), "{cycles} cycles");
        }
    }
}

/// While a key is derived, interrupts are served within some 100 µs.
#[test]
fn pbkdf2_lets_interrupts_in() {
    let mut chip = chip();
    write(&mut chip, KEY, b"password\0salt");
    let arguments = [KEY, KEY + 9, 4, 4096, TO, 32];
    chip.core.cpu.a[2..8].copy_from_slice(&arguments);
    chip.core.cpu.a[0] = BACK;
    chip.core.cpu.pc = 0x4000_B840;
    for _ in 0..100 {
        let limit = chip.core.cpu.cycles + 10_000;
        assert_eq!(chip.run(limit), Stop::Limit);
        assert!(chip.core.cpu.cycles < limit + 8_000);
    }
}

/// The first example of IEEE 802.11 annex J.3.
#[test]
fn the_pseudo_random_function_is_the_standards() {
    let mut chip = chip();
    write(&mut chip, KEY, &[0x0B; 20]);
    write(&mut chip, MESSAGE, b"prefix\0Hi There");
    let stack = chip.core.cpu.a[1];
    write(&mut chip, stack, &64_u32.to_le_bytes());
    assert_eq!(call(&mut chip, 0x4000_BA48, &[KEY, 20, MESSAGE, MESSAGE + 7, 8, TO]), 0);
    let expected = "bcd4c650b30b9684951829e0d75f9d54b862175ed9f00606e17d8da35402ffee\
                    75df78c3d31e0f889f012120c0862beb67753e7439ae242edb8373698356cf5a";
    assert_eq!(chip.core.memory.peek(TO, 64), bytes(expected));
}

/// FIPS 197, appendices A.1 and C.1.
#[test]
fn aes_is_the_standards() {
    let mut chip = chip();
    write(&mut chip, KEY, &bytes("2b7e151628aed2a6abf7158809cf4f3c"));
    call(&mut chip, 0x4000_9300, &[TO, KEY]);
    let schedule = words(&chip, TO, 44);
    assert_eq!((schedule[3], schedule[4], schedule[43]), (0x09CF_4F3C, 0xA0FA_FE17, 0xB663_0CA6));

    write(&mut chip, KEY, &bytes("000102030405060708090a0b0c0d0e0f"));
    write(&mut chip, MESSAGE, &bytes("69c4e0d86a7b0430d8cdb78070b4c55a"));
    let plain = bytes("00112233445566778899aabbccddeeff");
    call(&mut chip, 0x4000_8DD0, &[TO, KEY]);
    let schedule = words(&chip, TO, 44);
    // The last round's key, and the first of the last column of the equivalent inverse cipher's.
    assert_eq!((schedule[0], schedule[40]), (0x1311_1D7F, 0x0001_0203));
    call(&mut chip, 0x4000_92D4, &[TO, MESSAGE, MESSAGE + 16]);
    assert_eq!(chip.core.memory.peek(MESSAGE + 16, 16), plain);

    let context = call(&mut chip, 0x4000_8EA4, &[KEY, 16]);
    assert_eq!(words(&chip, context, 44), schedule);
    call(&mut chip, 0x4000_92D4, &[context, MESSAGE, MESSAGE]);
    assert_eq!(chip.core.memory.peek(MESSAGE, 16), plain);
    call(&mut chip, 0x4000_92E4, &[context]);
    assert_eq!(words(&chip, context, 44), [0; 44]);
    assert_eq!(call(&mut chip, 0x4000_8EA4, &[KEY, 24]), 0, "only short keys");
}

/// Words of the tables as all implementations with tables have them.
#[test]
fn the_tables_of_aes_are_where_programs_look_for_them() {
    let chip = chip();
    let table = |address: u32, index: u32| words(&chip, address + 4 * index, 1)[0];
    assert_eq!((table(0x3FFF_CCF0, 0), table(0x3FFF_CCF0, 255)), (0xC663_63A5, 0x2C16_163A));
    assert_eq!((table(0x3FFF_D100, 0), table(0x3FFF_D100, 255)), (0x51F4_A750, 0xD0B8_5742));
    assert_eq!(chip.core.memory.peek(0x3FFF_D0F0, 10), bytes("01020408102040801b36"));
    assert_eq!(chip.core.memory.peek(0x3FFF_D500, 4), bytes("52096ad5"));
    assert_eq!(chip.core.memory.peek(0x3FFF_D5FF, 1), [0x7D]);
}

/// RFC 3394 §4.1.
#[test]
fn wrapped_keys_are_unwrapped() {
    let mut chip = chip();
    write(&mut chip, KEY, &bytes("000102030405060708090a0b0c0d0e0f"));
    write(&mut chip, MESSAGE, &bytes("1fa68b0a8112b447 aef34bd8fb5a7b82 9d3e862371d2cfe5"));
    assert_eq!(call(&mut chip, 0x4000_9410, &[KEY, 2, MESSAGE, TO]), 0);
    assert_eq!(chip.core.memory.peek(TO, 16), bytes("00112233445566778899aabbccddeeff"));
    write(&mut chip, MESSAGE, &[0x1E]);
    assert_eq!(call(&mut chip, 0x4000_9410, &[KEY, 2, MESSAGE, TO]), u32::MAX);
}

/// RFC 6229, a key of 40 bits: the key stream from byte 256 on.
#[test]
fn rc4_skips_the_beginning_of_its_key_stream() {
    let mut chip = chip();
    write(&mut chip, KEY, &[1, 2, 3, 4, 5]);
    for (skip, stream) in [(0, "b2396305f03dc027ccc3524a0a1118a8"), (256, "1cfcf62b03eddb641d77dfcf7f8d8c93")] {
        write(&mut chip, MESSAGE, &[0; 16]);
        assert_eq!(call(&mut chip, 0x4000_DD68, &[KEY, 5, skip, MESSAGE, 16]), 0);
        assert_eq!(chip.core.memory.peek(MESSAGE, 16), bytes(stream));
    }
}
