//! RC4 as WEP and TKIP have it, `rc4_skip`: the beginning of the key stream is thrown away.

use super::call::{Call, Flow, Trouble};

/// `rc4_skip(key, its length, skip, data, its length)`: in place, after `skip` bytes of the key stream; returns 0.
pub fn skip(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let [key, key_length, skip, data, length] = [0, 1, 2, 3, 4].map(|index| call.argument(index));
    // More than that of a key has no effect. Without a key the ROM reads its first byte again and again.
    let key = call.bytes(key, key_length.clamp(1, 256))?;
    let mut state: [u8; 256] = std::array::from_fn(|index| index as u8);
    let mut j = 0_u8;
    for i in 0..256 {
        j = j.wrapping_add(state[i]).wrapping_add(key[i % key.len()]);
        state.swap(i, usize::from(j));
    }
    let (mut i, mut j) = (0_u8, 0_u8);
    let mut next = || {
        i = i.wrapping_add(1);
        j = j.wrapping_add(state[usize::from(i)]);
        state.swap(usize::from(i), usize::from(j));
        state[usize::from(state[usize::from(i)].wrapping_add(state[usize::from(j)]))]
    };
    for _ in 0..skip {
        call.count_accesses(1)?;
        next();
    }
    for index in 0..length {
        let at = data.wrapping_add(index);
        let byte = call.byte(at)?;
        call.set_byte(at, byte ^ next())?;
    }
    call.spend(256 * 20 + (u64::from(skip) + u64::from(length)) * 16);
    call.returns(0)
}
