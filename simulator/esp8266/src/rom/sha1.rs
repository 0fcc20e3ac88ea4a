//! SHA-1 (FIPS 180-4) and what WPA2 makes of it: HMAC (RFC 2104), the pseudo-random function of IEEE 802.11, PBKDF2
//! (RFC 8018).
//!
//! Functions and contexts are those of wpa_supplicant (`sha1.h`, `sha1-internal.c`, `sha1-pbkdf2.c`). A context is 92
//! bytes: five words of state, 64 bits of length in bits, 64 bytes of unfinished block.
//!
//! A function takes all of its time at once, except `pbkdf2_sha1`, which takes most of a second: interrupts are served
//! after each of its iterations.

use hmac::{Hmac, Mac};
use sha1::{Digest, Sha1};

use super::call::{Call, Flow, Trouble};
use super::continuation;

type Outcome = Result<Flow, Trouble>;

/// Cycles that a block of 64 bytes takes. So PBKDF2 with 4096 iterations takes 0.75 s at 80 MHz, as on silicon.
const BLOCK_CYCLES: u64 = 1_800;
/// Bytes of a block.
const BLOCK: u32 = 64;
/// Bytes of a digest.
const DIGEST: usize = 20;

/// Where in a context its length and its unfinished block stand.
const LENGTH: u32 = 20;
const UNFINISHED: u32 = 28;

const INITIAL: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];

/// Blocks of a message, with what is appended to it.
fn blocks(length: usize) -> u64 {
    (length as u64 + 9).div_ceil(u64::from(BLOCK))
}

/// The HMAC of a message, and how many blocks that takes.
fn hmac(key: &[u8], parts: &[&[u8]]) -> ([u8; DIGEST], u64) {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let of_key = if key.len() > BLOCK as usize { blocks(key.len()) } else { 0 };
    (mac.finalize().into_bytes().into(), of_key + blocks(BLOCK as usize + length) + blocks(BLOCK as usize + DIGEST))
}

fn spend(call: &mut Call<'_>, blocks: u64) {
    call.spend(100 + BLOCK_CYCLES * blocks);
}

/// Digests one block.
fn compress(state: &mut [u32; 5], block: [u8; BLOCK as usize]) {
    sha1::compress(state, &[block.into()]);
}

fn state(call: &mut Call<'_>, context: u32) -> Result<[u32; 5], Trouble> {
    let mut state = [0; 5];
    for (index, word) in state.iter_mut().enumerate() {
        *word = call.word(context.wrapping_add(4 * index as u32))?;
    }
    Ok(state)
}

fn set_state(call: &mut Call<'_>, context: u32, state: [u32; 5]) -> Result<(), Trouble> {
    for (index, word) in state.into_iter().enumerate() {
        call.set_word(context.wrapping_add(4 * index as u32), word)?;
    }
    Ok(())
}

/// `SHA1Transform(state, block)`.
pub fn transform(call: &mut Call<'_>) -> Outcome {
    let (context, from) = (call.argument(0), call.argument(1));
    let mut state = state(call, context)?;
    compress(&mut state, call.block(from)?);
    set_state(call, context, state)?;
    spend(call, 1);
    Ok(Flow::Return)
}

/// `SHA1Init(context)`.
pub fn init(call: &mut Call<'_>) -> Outcome {
    let context = call.argument(0);
    set_state(call, context, INITIAL)?;
    call.set_word(context.wrapping_add(LENGTH), 0)?;
    call.set_word(context.wrapping_add(LENGTH + 4), 0)?;
    Ok(Flow::Return)
}

/// `SHA1Update(context, bytes, length)`.
pub fn update(call: &mut Call<'_>) -> Outcome {
    let (context, from, length) = (call.argument(0), call.argument(1), call.argument(2));
    let bytes = call.bytes(from, length)?;
    append(call, context, &bytes)?;
    Ok(Flow::Return)
}

fn bits(call: &mut Call<'_>, context: u32) -> Result<u64, Trouble> {
    let low = call.word(context.wrapping_add(LENGTH))?;
    Ok(u64::from(low) | u64::from(call.word(context.wrapping_add(LENGTH + 4))?) << 32)
}

/// Adds bytes, and digests the blocks that they complete.
fn append(call: &mut Call<'_>, context: u32, mut bytes: &[u8]) -> Result<(), Trouble> {
    let before = bits(call, context)?;
    let after = before.wrapping_add(8 * bytes.len() as u64);
    let mut at = (before / 8) as u32 % BLOCK;
    call.set_word(context.wrapping_add(LENGTH), after as u32)?;
    call.set_word(context.wrapping_add(LENGTH + 4), (after >> 32) as u32)?;
    call.spend(40 + 4 * bytes.len() as u64);
    while !bytes.is_empty() {
        let (now, later) = bytes.split_at(bytes.len().min((BLOCK - at) as usize));
        call.set_bytes(context.wrapping_add(UNFINISHED + at), now)?;
        at += now.len() as u32;
        if at == BLOCK {
            let mut state = state(call, context)?;
            compress(&mut state, call.block(context.wrapping_add(UNFINISHED))?);
            set_state(call, context, state)?;
            call.spend(BLOCK_CYCLES);
            at = 0;
        }
        bytes = later;
    }
    Ok(())
}

/// `SHA1Final(digest, context)`: 20 bytes. Clears the context.
pub fn finish(call: &mut Call<'_>) -> Outcome {
    let (to, context) = (call.argument(0), call.argument(1));
    let length = bits(call, context)?;
    let filled = (length / 8) as usize % BLOCK as usize;
    let mut end = vec![0; (119 - filled) % BLOCK as usize + 1];
    end[0] = 0x80;
    end.extend(length.to_be_bytes());
    append(call, context, &end)?;
    let digest = state(call, context)?.map(u32::to_be_bytes);
    call.set_bytes(to, digest.as_flattened())?;
    call.set_bytes(context, &[0; UNFINISHED as usize + BLOCK as usize])?;
    Ok(Flow::Return)
}

/// `sha1_vector(number, addresses, lengths, digest)`: of so many pieces in a row; returns 0.
pub fn vector(call: &mut Call<'_>) -> Outcome {
    let pieces = call.pieces(call.argument(0), call.argument(1), call.argument(2))?;
    let message = pieces.concat();
    call.set_bytes(call.argument(3), &Sha1::digest(&message))?;
    spend(call, blocks(message.len()));
    call.returns(0)
}

/// `hmac_sha1_vector(key, its length, number, addresses, lengths, mac)`; returns 0.
pub fn hmac_vector(call: &mut Call<'_>) -> Outcome {
    let key = call.bytes(call.argument(0), call.argument(1))?;
    let pieces = call.pieces(call.argument(2), call.argument(3), call.argument(4))?;
    let (mac, blocks) = hmac(&key, &[&pieces.concat()]);
    call.set_bytes(call.argument(5), &mac)?;
    spend(call, blocks);
    call.returns(0)
}

/// `hmac_sha1(key, its length, message, its length, mac)`; returns 0.
pub fn hmac_one(call: &mut Call<'_>) -> Outcome {
    let key = call.bytes(call.argument(0), call.argument(1))?;
    let message = call.bytes(call.argument(2), call.argument(3))?;
    let (mac, blocks) = hmac(&key, &[&message]);
    call.set_bytes(call.argument(4), &mac)?;
    spend(call, blocks);
    call.returns(0)
}

/// `sha1_prf(key, its length, label, data, its length, to, length)`: the pseudo-random function of IEEE 802.11
/// (12.7.1.2), HMACs of label, 0, data and a counter; returns 0.
pub fn prf(call: &mut Call<'_>) -> Outcome {
    let key = call.bytes(call.argument(0), call.argument(1))?;
    let label = call.string(call.argument(2))?;
    let data = call.bytes(call.argument(3), call.argument(4))?;
    let (to, length) = (call.argument(5), call.stacked(0)?);
    for (counter, start) in (0..length).step_by(DIGEST).enumerate() {
        let (mac, blocks) = hmac(&key, &[&label, &[0], &data, &[counter as u8]]);
        call.set_bytes(to.wrapping_add(start), &mac[..DIGEST.min((length - start) as usize)])?;
        spend(call, blocks);
    }
    call.returns(0)
}

/// Frame of `pbkdf2_sha1`: at first the return address and a12 to a15; then passphrase, salt, its length and the number
/// of iterations as they were given; then the last HMAC, and the sum of all.
mod frame {
    pub const GIVEN: u32 = 20;
    pub const LAST: u32 = GIVEN + 4 * 4;
    pub const SUM: u32 = LAST + 20;
    pub const SIZE: u32 = SUM + 20 + 4;
}

/// `pbkdf2_sha1(passphrase, salt, its length, iterations, to, length)`; returns 0.
pub fn pbkdf2(call: &mut Call<'_>) -> Outcome {
    let given = [0, 1, 2, 3].map(|index| call.argument(index));
    let (to, length) = (call.argument(4), call.argument(5));
    call.enter(frame::SIZE, 4)?;
    for (index, value) in given.into_iter().enumerate() {
        call.set_word(call.cpu.a[1].wrapping_add(frame::GIVEN + 4 * index as u32), value)?;
    }
    [call.cpu.a[12], call.cpu.a[13], call.cpu.a[14], call.cpu.a[15]] = [to, length, 1, 0];
    Ok(Flow::Jump(continuation::PBKDF2))
}

/// The next iteration: a12 is where the next block of the result goes, a13 what is left of it, a14 its number, a15 how
/// many iterations it has had.
pub(super) fn pbkdf2_iteration(call: &mut Call<'_>) -> Outcome {
    let [to, left, number, done] = [12, 13, 14, 15].map(|register| call.cpu.a[register]);
    if left == 0 {
        call.cpu.a[2] = 0;
        return call.leave(frame::SIZE, 4);
    }
    let at = call.cpu.a[1];
    let mut given = [0; 4];
    for (index, word) in given.iter_mut().enumerate() {
        *word = call.word(at.wrapping_add(frame::GIVEN + 4 * index as u32))?;
    }
    let [passphrase, salt, salt_length, iterations] = given;
    let key = call.string(passphrase)?;
    let (mac, blocks) = if done == 0 {
        hmac(&key, &[&call.bytes(salt, salt_length)?, &number.to_be_bytes()])
    } else {
        hmac(&key, &[&call.bytes(at.wrapping_add(frame::LAST), DIGEST as u32)?])
    };
    let mut sum = mac;
    if done > 0 {
        let before = call.bytes(at.wrapping_add(frame::SUM), DIGEST as u32)?;
        sum.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
    }
    call.set_bytes(at.wrapping_add(frame::LAST), &mac)?;
    call.set_bytes(at.wrapping_add(frame::SUM), &sum)?;
    spend(call, blocks);
    call.cpu.a[15] = done.wrapping_add(1);
    if call.cpu.a[15] >= iterations {
        let length = left.min(DIGEST as u32);
        call.set_bytes(to, &sum[..length as usize])?;
        [call.cpu.a[12], call.cpu.a[13], call.cpu.a[14], call.cpu.a[15]] =
            [to.wrapping_add(length), left - length, number.wrapping_add(1), 0];
    }
    Ok(Flow::Jump(continuation::PBKDF2))
}
