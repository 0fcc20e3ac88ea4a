//! MD5 (RFC 1321) with the context in the program's memory (`MD5Init`, `MD5Update`, `MD5Final`), and without one
//! (`md5_vector`, `hmac_md5`; RFC 2104).
//!
//! A context is 88 bytes: four words of state, 64 bits of length in bits, 64 bytes of unfinished block.
//! The download stubs use it.

use super::call::{Call, Flow, Trouble};
use super::continuation;

type Outcome = Result<Flow, Trouble>;

const LENGTH: u32 = 16;
const BLOCK: u32 = 24;
/// Bytes of a block, and of the frame of a function that takes more.
const SIZE: u32 = 64;
const FRAME: u32 = 16;

const INITIAL: [u32; 4] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476];

/// Shifts of the four rounds.
const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// Floor of 2³² · |sin(i + 1)|.
static CONSTANTS: [u32; 64] = [
    0xD76A_A478,
    0xE8C7_B756,
    0x2420_70DB,
    0xC1BD_CEEE,
    0xF57C_0FAF,
    0x4787_C62A,
    0xA830_4613,
    0xFD46_9501,
    0x6980_98D8,
    0x8B44_F7AF,
    0xFFFF_5BB1,
    0x895C_D7BE,
    0x6B90_1122,
    0xFD98_7193,
    0xA679_438E,
    0x49B4_0821,
    0xF61E_2562,
    0xC040_B340,
    0x265E_5A51,
    0xE9B6_C7AA,
    0xD62F_105D,
    0x0244_1453,
    0xD8A1_E681,
    0xE7D3_FBC8,
    0x21E1_CDE6,
    0xC337_07D6,
    0xF4D5_0D87,
    0x455A_14ED,
    0xA9E3_E905,
    0xFCEF_A3F8,
    0x676F_02D9,
    0x8D2A_4C8A,
    0xFFFA_3942,
    0x8771_F681,
    0x6D9D_6122,
    0xFDE5_380C,
    0xA4BE_EA44,
    0x4BDE_CFA9,
    0xF6BB_4B60,
    0xBEBF_BC70,
    0x289B_7EC6,
    0xEAA1_27FA,
    0xD4EF_3085,
    0x0488_1D05,
    0xD9D4_D039,
    0xE6DB_99E5,
    0x1FA2_7CF8,
    0xC4AC_5665,
    0xF429_2244,
    0x432A_FF97,
    0xAB94_23A7,
    0xFC93_A039,
    0x655B_59C3,
    0x8F0C_CC92,
    0xFFEF_F47D,
    0x8584_5DD1,
    0x6FA8_7E4F,
    0xFE2C_E6E0,
    0xA301_4314,
    0x4E08_11A1,
    0xF753_7E82,
    0xBD3A_F235,
    0x2AD7_D2BB,
    0xEB86_D391,
];

/// Digests one block of 16 words.
fn compress(state: &mut [u32; 4], block: &[u32; 16]) {
    let [mut a, mut b, mut c, mut d] = *state;
    for (index, &constant) in CONSTANTS.iter().enumerate() {
        let (mixed, word) = match index / 16 {
            0 => (b & c | !b & d, index),
            1 => (d & b | !d & c, 5 * index + 1),
            2 => (b ^ c ^ d, 3 * index + 5),
            _ => (c ^ (b | !d), 7 * index),
        };
        let sum = a.wrapping_add(mixed).wrapping_add(constant).wrapping_add(block[word % 16]);
        a = d;
        d = c;
        c = b;
        b = b.wrapping_add(sum.rotate_left(SHIFTS[index / 16][index % 4]));
    }
    for (word, addend) in state.iter_mut().zip([a, b, c, d]) {
        *word = word.wrapping_add(addend);
    }
}

/// `MD5Init(context)`.
pub fn md5_init(call: &mut Call<'_>) -> Outcome {
    let context = call.argument(0);
    for (index, word) in INITIAL.into_iter().chain([0, 0]).enumerate() {
        call.set_word(context.wrapping_add(4 * index as u32), word)?;
    }
    Ok(Flow::Return)
}

/// `MD5Update(context, bytes, length)`. Interrupts are served after each block: a digest of all the flash takes 0.2 s.
pub fn md5_update(call: &mut Call<'_>) -> Outcome {
    let (context, from, length) = (call.argument(0), call.argument(1), call.argument(2));
    if length <= SIZE {
        append(call, context, from, length)?;
        return Ok(Flow::Return);
    }
    call.enter(FRAME, 3)?;
    [call.cpu.a[12], call.cpu.a[13], call.cpu.a[14]] = [context, from, length];
    Ok(Flow::Jump(continuation::MD5_UPDATE))
}

/// The next block: a12 is the context, a13 where the bytes are, a14 how many are left.
pub(super) fn next_block(call: &mut Call<'_>) -> Outcome {
    let [context, from, left] = [12, 13, 14].map(|register| call.cpu.a[register]);
    if left == 0 {
        return call.leave(FRAME, 3);
    }
    let length = left.min(SIZE);
    append(call, context, from, length)?;
    [call.cpu.a[13], call.cpu.a[14]] = [from.wrapping_add(length), left - length];
    Ok(Flow::Jump(continuation::MD5_UPDATE))
}

fn append(call: &mut Call<'_>, context: u32, from: u32, length: u32) -> Result<(), Trouble> {
    for byte in call.bytes(from, length)? {
        push(call, context, byte)?;
    }
    call.spend(u64::from(length) * 14);
    Ok(())
}

fn bits(call: &mut Call<'_>, context: u32) -> Result<u64, Trouble> {
    Ok(u64::from(call.word(context.wrapping_add(LENGTH))?)
        | u64::from(call.word(context.wrapping_add(LENGTH + 4))?) << 32)
}

/// Adds a byte, and digests the block it completes.
fn push(call: &mut Call<'_>, context: u32, byte: u8) -> Result<(), Trouble> {
    let length = bits(call, context)?;
    let at = (length / 8 % 64) as u32;
    call.set_byte(context.wrapping_add(BLOCK + at), byte)?;
    let length = length.wrapping_add(8);
    call.set_word(context.wrapping_add(LENGTH), length as u32)?;
    call.set_word(context.wrapping_add(LENGTH + 4), (length >> 32) as u32)?;
    if at < 63 {
        return Ok(());
    }
    let mut state = [0; 4];
    for (index, word) in state.iter_mut().enumerate() {
        *word = call.word(context.wrapping_add(4 * index as u32))?;
    }
    let mut block = [0; 16];
    for (index, word) in block.iter_mut().enumerate() {
        *word = call.word(context.wrapping_add(BLOCK + 4 * index as u32))?;
    }
    compress(&mut state, &block);
    for (index, word) in state.into_iter().enumerate() {
        call.set_word(context.wrapping_add(4 * index as u32), word)?;
    }
    Ok(())
}

/// `MD5Final(digest, context)`: 16 bytes. Clears the context's first word only, where its author meant all of it.
pub fn md5_final(call: &mut Call<'_>) -> Outcome {
    let (digest, context) = (call.argument(0), call.argument(1));
    let length = bits(call, context)?;
    push(call, context, 0x80)?;
    while bits(call, context)? / 8 % 64 != 56 {
        push(call, context, 0)?;
    }
    for byte in length.to_le_bytes() {
        push(call, context, byte)?;
    }
    for index in 0..16 {
        let byte = call.byte(context.wrapping_add(index))?;
        call.set_byte(digest.wrapping_add(index), byte)?;
    }
    call.set_word(context.wrapping_add(LENGTH), length as u32)?;
    call.set_word(context.wrapping_add(LENGTH + 4), (length >> 32) as u32)?;
    call.set_word(context, 0)?;
    call.spend(1000);
    Ok(Flow::Return)
}

/// The digest of a message, and how many cycles that takes.
fn digest(message: &[u8]) -> ([u8; 16], u64) {
    let length = 8 * message.len() as u64;
    let mut padded = [message, &[0x80]].concat();
    padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
    padded.extend(length.to_le_bytes());
    let mut state = INITIAL;
    for block in padded.as_chunks::<64>().0 {
        compress(&mut state, &std::array::from_fn(|word| u32::from_le_bytes(block.as_chunks().0[word])));
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(state.map(u32::to_le_bytes).as_flattened());
    (digest, padded.len() as u64 * 14)
}

/// `md5_vector(number, addresses, lengths, digest)`: of so many pieces in a row; returns 0.
pub fn md5_vector(call: &mut Call<'_>) -> Outcome {
    let message = call.pieces(call.argument(0), call.argument(1), call.argument(2))?.concat();
    let (digest, cycles) = digest(&message);
    call.set_bytes(call.argument(3), &digest)?;
    call.spend(cycles);
    call.returns(0)
}

/// `hmac_md5_vector(key, its length, number, addresses, lengths, mac)`.
pub fn hmac_md5_vector(call: &mut Call<'_>) -> Outcome {
    let message = call.pieces(call.argument(2), call.argument(3), call.argument(4))?.concat();
    hmac(call, &message, call.argument(5))
}

/// `hmac_md5(key, its length, message, its length, mac)`.
pub fn hmac_md5(call: &mut Call<'_>) -> Outcome {
    let message = call.bytes(call.argument(2), call.argument(3))?;
    hmac(call, &message, call.argument(4))
}

/// Puts the HMAC of a message, with the key that the first two arguments tell, to `to`.
fn hmac(call: &mut Call<'_>, message: &[u8], to: u32) -> Outcome {
    let mut key = call.bytes(call.argument(0), call.argument(1))?;
    if key.len() > 64 {
        key = digest(&key).0.to_vec();
    }
    key.resize(64, 0);
    let mut outer: Vec<u8> = key.iter().map(|byte| byte ^ 0x5C).collect();
    key.iter_mut().for_each(|byte| *byte ^= 0x36);
    let (inner, first) = digest(&[&key, message].concat());
    outer.extend(inner);
    let (mac, second) = digest(&outer);
    call.set_bytes(to, &mac)?;
    call.spend(first + second);
    call.returns(0)
}
