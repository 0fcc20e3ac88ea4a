//! AES-128 (FIPS 197), as far as the ROM has it: both key schedules, decryption, and unwrapping of keys (RFC 3394).
//!
//! Functions and round keys are those of wpa_supplicant (`aes-internal.c`): 44 words in which the first byte of the
//! standard is the highest; those for decryption stand in reverse order, with InvMixColumns done. The vendor's code
//! reads the ROM's tables, too, which lie in its RAM. Here they are computed, out of the field's arithmetic.

use aes::Aes128;
use aes::cipher::{BlockDecrypt, KeyInit};

use super::call::{Call, Flow, Trouble};
use super::ram;
use crate::memory::Memory;

type Outcome = Result<Flow, Trouble>;

const ROUNDS: usize = 10;
/// Words of all round keys.
const KEYS: usize = 4 * (ROUNDS + 1);
/// Bytes of a block, and of a key.
const BLOCK: u32 = 16;

/// Cycles that the functions take, roughly: some 20 instructions for each table that is looked up.
mod cost {
    pub const KEY_SCHEDULE: u64 = 1_000;
    pub const INVERSE_KEY_SCHEDULE: u64 = 4_000;
    pub const BLOCK: u64 = 1_500;
}

/// Twice the number in the field.
const fn double(value: u8) -> u8 {
    value << 1 ^ if value & 0x80 == 0 { 0 } else { 0x1B }
}

/// The product in the field.
const fn times(mut value: u8, mut factor: u8) -> u8 {
    let mut product = 0;
    while factor != 0 {
        if factor & 1 != 0 {
            product ^= value;
        }
        value = double(value);
        factor >>= 1;
    }
    product
}

/// S-box and its inverse: each number's inverse in the field (found by going through the powers of 3 and of its
/// inverse, 0xF6), and the affine transformation of that (FIPS 197 §5.1.1).
const BOXES: ([u8; 256], [u8; 256]) = {
    let (mut forward, mut back) = ([0; 256], [0; 256]);
    let (mut value, mut inverse) = (1_u8, 1_u8);
    let mut index = 0;
    while index < 256 {
        let (from, inverted) = if index < 255 { (value, inverse) } else { (0, 0) };
        let spread = inverted ^ inverted.rotate_left(1) ^ inverted.rotate_left(2) ^ inverted.rotate_left(3);
        let to = spread ^ inverted.rotate_left(4) ^ 0x63;
        forward[from as usize] = to;
        back[to as usize] = from;
        value = times(value, 3);
        inverse = times(inverse, 0xF6);
        index += 1;
    }
    (forward, back)
};
const S_BOX: [u8; 256] = BOXES.0;
const INVERSE_S_BOX: [u8; 256] = BOXES.1;

/// A number times the four coefficients of a column.
const fn column(value: u8, by: [u8; 4]) -> u32 {
    u32::from_be_bytes([times(value, by[0]), times(value, by[1]), times(value, by[2]), times(value, by[3])])
}

/// The coefficients of InvMixColumns, for the first byte of a column.
const INVERSE_MIX: [u8; 4] = [14, 9, 13, 11];

/// Fills the tables as a reset does.
pub(super) fn initialize(memory: &mut Memory) {
    for index in 0..=u8::MAX {
        let word = 4 * u32::from(index);
        let (forward, back) = (S_BOX[usize::from(index)], INVERSE_S_BOX[usize::from(index)]);
        memory.poke(ram::AES_TE0 + word, &column(forward, [2, 1, 1, 3]).to_le_bytes());
        memory.poke(ram::AES_TD0 + word, &column(back, INVERSE_MIX).to_le_bytes());
        memory.poke(ram::AES_TD4S + u32::from(index), &[back]);
    }
    let mut constant = 1;
    for round in 0..ROUNDS as u32 {
        memory.poke(ram::AES_RCONS + round, &[constant]);
        constant = double(constant);
    }
}

/// The round keys.
fn schedule(key: [u8; BLOCK as usize]) -> [u32; KEYS] {
    let mut keys = [0; KEYS];
    for (word, bytes) in keys.iter_mut().zip(key.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let mut constant = 1;
    for index in 4..KEYS {
        let mut word = keys[index - 1];
        if index % 4 == 0 {
            let bytes = word.rotate_left(8).to_be_bytes().map(|byte| S_BOX[usize::from(byte)]);
            word = u32::from_be_bytes(bytes) ^ u32::from(constant) << 24;
            constant = double(constant);
        }
        keys[index] = keys[index - 4] ^ word;
    }
    keys
}

/// InvMixColumns of one column.
fn unmix(word: u32) -> u32 {
    let bytes = word.to_be_bytes().into_iter().enumerate();
    bytes.fold(0, |sum, (index, byte)| sum ^ column(byte, INVERSE_MIX).rotate_right(8 * index as u32))
}

/// The round keys for decryption.
fn inverse_schedule(key: [u8; BLOCK as usize]) -> [u32; KEYS] {
    let forward = schedule(key);
    std::array::from_fn(|index| {
        let word = forward[4 * (ROUNDS - index / 4) + index % 4];
        if (4..4 * ROUNDS).contains(&index) { unmix(word) } else { word }
    })
}

/// The equivalent inverse cipher (FIPS 197 §5.3.5).
fn decrypt_with(keys: &[u32; KEYS], block: [u8; BLOCK as usize]) -> [u8; BLOCK as usize] {
    let mut state: [u32; 4] = std::array::from_fn(|index| {
        let bytes = std::array::from_fn(|byte| block[4 * index + byte]);
        u32::from_be_bytes(bytes) ^ keys[index]
    });
    for round in 1..=ROUNDS {
        let before = state.map(u32::to_be_bytes);
        for (index, word) in state.iter_mut().enumerate() {
            let shifted = [0, 1, 2, 3].map(|row| INVERSE_S_BOX[usize::from(before[(index + 4 - row) % 4][row])]);
            let substituted = u32::from_be_bytes(shifted);
            *word = keys[4 * round + index] ^ if round < ROUNDS { unmix(substituted) } else { substituted };
        }
    }
    let mut plain = [0; BLOCK as usize];
    plain.copy_from_slice(state.map(u32::to_be_bytes).as_flattened());
    plain
}

fn set_keys(call: &mut Call<'_>, to: u32, keys: [u32; KEYS]) -> Result<(), Trouble> {
    for (index, word) in keys.into_iter().enumerate() {
        call.set_word(to.wrapping_add(4 * index as u32), word)?;
    }
    Ok(())
}

/// `rijndaelKeySetupEnc(round keys, key)`.
pub fn set_up_encryption(call: &mut Call<'_>) -> Outcome {
    let (to, from) = (call.argument(0), call.argument(1));
    let key = call.block(from)?;
    set_keys(call, to, schedule(key))?;
    call.spend(cost::KEY_SCHEDULE);
    Ok(Flow::Return)
}

/// `rijndaelKeySetupDec(round keys, key)`.
pub fn set_up_decryption(call: &mut Call<'_>) -> Outcome {
    let (to, from) = (call.argument(0), call.argument(1));
    set_up(call, to, from)?;
    Ok(Flow::Return)
}

fn set_up(call: &mut Call<'_>, to: u32, from: u32) -> Result<(), Trouble> {
    let key = call.block(from)?;
    set_keys(call, to, inverse_schedule(key))?;
    call.spend(cost::INVERSE_KEY_SCHEDULE);
    Ok(())
}

/// `aes_decrypt_init(key, its length)`: where the round keys stand, which is always the same place; 0 if the key has
/// not 16 bytes.
pub fn decrypt_init(call: &mut Call<'_>) -> Outcome {
    let (key, length) = (call.argument(0), call.argument(1));
    if length != BLOCK {
        return call.returns(0);
    }
    set_up(call, ram::AES_CONTEXT, key)?;
    call.returns(ram::AES_CONTEXT)
}

/// `aes_decrypt(round keys, block, to)`.
pub fn decrypt(call: &mut Call<'_>) -> Outcome {
    let (from, block, to) = (call.argument(0), call.argument(1), call.argument(2));
    let mut keys = [0; KEYS];
    for (index, word) in keys.iter_mut().enumerate() {
        *word = call.word(from.wrapping_add(4 * index as u32))?;
    }
    let block = call.block(block)?;
    call.set_bytes(to, &decrypt_with(&keys, block))?;
    call.spend(cost::BLOCK);
    Ok(Flow::Return)
}

/// `aes_decrypt_deinit(round keys)`: clears them.
pub fn decrypt_deinit(call: &mut Call<'_>) -> Outcome {
    set_keys(call, call.argument(0), [0; KEYS])?;
    Ok(Flow::Return)
}

/// `aes_unwrap(key, number, wrapped, to)`: of so many pieces of 8 bytes; 0, or −1 if they were not wrapped with this
/// key.
pub fn unwrap(call: &mut Call<'_>) -> Outcome {
    let [key, number, from, to] = [0, 1, 2, 3].map(|index| call.argument(index));
    let cipher = Aes128::new(&call.block(key)?.into());
    let mut check = u64::from_be_bytes(call.block(from)?);
    let wrapped = call.bytes(from.wrapping_add(8), number.saturating_mul(8))?;
    let mut pieces: Vec<[u8; 8]> = wrapped.as_chunks().0.to_vec();
    for step in (0..6 * u64::from(number)).rev() {
        let piece = &mut pieces[(step % u64::from(number)) as usize];
        let mut block = [0; BLOCK as usize];
        block[..8].copy_from_slice(&(check ^ (step + 1)).to_be_bytes());
        block[8..].copy_from_slice(piece);
        let mut block = block.into();
        cipher.decrypt_block(&mut block);
        let (first, second) = block.split_at(8);
        check = first.iter().fold(0, |check, byte| check << 8 | u64::from(*byte));
        piece.copy_from_slice(second);
    }
    call.set_bytes(to, pieces.as_flattened())?;
    // The round keys have stood where each decryption has them, and are cleared.
    set_keys(call, ram::AES_CONTEXT, [0; KEYS])?;
    call.spend(cost::INVERSE_KEY_SCHEDULE + 6 * u64::from(number) * (cost::BLOCK + 150));
    call.returns(if check == u64::from_be_bytes([0xA6; 8]) { 0 } else { u32::MAX })
}
