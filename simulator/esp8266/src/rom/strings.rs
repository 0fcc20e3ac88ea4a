//! `mem*` and `str*`: in the widths in which the ROM's code reads and writes.
//!
//! The ROM has newlib's versions for Xtensa: whole words where source and destination allow it, single bytes at
//! unaligned ends. It matters, because bytes of instruction memory cannot be read or written: `memcpy` of six bytes out
//! of the flash raises an exception, of eight aligned ones it does not.

use super::call::{Call, Flow, Trouble};
use super::ram;
use crate::bus::Width::{self, Byte, Half, Word};

type Outcome = Result<Flow, Trouble>;

/// Cycles of copying `length` bytes, by words or by bytes.
fn cost(length: u32, by_words: bool) -> u64 {
    14 + if by_words { u64::from(length) * 5 / 8 } else { u64::from(length) * 4 }
}

/// `memcpy(to, from, length)`: returns `to`.
pub fn memcpy(call: &mut Call<'_>) -> Outcome {
    let [mut to, mut from, mut left] = [call.argument(0), call.argument(1), call.argument(2)];
    call.spend(cost(left, true));
    if to & 1 != 0 {
        if left < 7 {
            return copy_bytes(call, to, from, left);
        }
        copy(call, &mut to, &mut from, &mut left, Byte)?;
    }
    if to & 2 != 0 {
        if left < 6 {
            return copy_bytes(call, to, from, left);
        }
        copy(call, &mut to, &mut from, &mut left, Byte)?;
        copy(call, &mut to, &mut from, &mut left, Byte)?;
    }
    if from & 3 == 0 {
        while left >= 4 {
            copy(call, &mut to, &mut from, &mut left, Word)?;
        }
        if left >= 2 {
            copy(call, &mut to, &mut from, &mut left, Half)?;
        }
        if left >= 1 {
            copy(call, &mut to, &mut from, &mut left, Byte)?;
        }
        return Ok(Flow::Return);
    }
    if left == 0 {
        return Ok(Flow::Return);
    }
    let shift = 8 * (from & 3);
    let mut word = call.word(from & !3)?;
    while left >= 4 {
        let next = call.word((from & !3).wrapping_add(4))?;
        call.set_word(to, word >> shift | next << (32 - shift))?;
        word = next;
        (to, from, left) = (to.wrapping_add(4), from.wrapping_add(4), left - 4);
    }
    copy_bytes(call, to, from, left)
}

/// `xthal_memcpy(to, from, length)`: only whole words are read and written, so that it works everywhere.
pub fn xthal_memcpy(call: &mut Call<'_>) -> Outcome {
    let [to, from, length] = [call.argument(0), call.argument(1), call.argument(2)];
    call.spend(cost(length, true) + 10);
    let mut done = 0;
    while done < length {
        let target = to.wrapping_add(done);
        let count = (4 - (target & 3)).min(length - done);
        let mut word = if count < 4 { call.word(target & !3)? } else { 0 }.to_le_bytes();
        for cell in &mut word[(target & 3) as usize..][..count as usize] {
            *cell = byte_of_word(call, from.wrapping_add(done))?;
            done += 1;
        }
        call.set_word(target & !3, u32::from_le_bytes(word))?;
    }
    Ok(Flow::Return)
}

/// `xthal_bcopy(from, to, length)`.
pub fn xthal_bcopy(call: &mut Call<'_>) -> Outcome {
    call.cpu.a.swap(2, 3);
    xthal_memcpy(call)
}

/// Copies one unit of `width`.
fn copy(call: &mut Call<'_>, to: &mut u32, from: &mut u32, left: &mut u32, width: Width) -> Result<(), Trouble> {
    let value = call.load(*from, width)?;
    call.store(*to, width, value)?;
    *to = to.wrapping_add(width as u32);
    *from = from.wrapping_add(width as u32);
    *left -= width as u32;
    Ok(())
}

fn copy_bytes(call: &mut Call<'_>, to: u32, from: u32, length: u32) -> Outcome {
    for index in 0..length {
        let byte = call.byte(from.wrapping_add(index))?;
        call.set_byte(to.wrapping_add(index), byte)?;
    }
    Ok(Flow::Return)
}

/// `memmove(to, from, length)`: returns `to`. Backwards byte by byte where the end of the source is overwritten.
pub fn memmove(call: &mut Call<'_>) -> Outcome {
    let [mut to, mut from, mut left] = [call.argument(0), call.argument(1), call.argument(2)];
    if from < to && to < from.wrapping_add(left) {
        call.spend(cost(left, false));
        for index in (0..left).rev() {
            let byte = call.byte(from.wrapping_add(index))?;
            call.set_byte(to.wrapping_add(index), byte)?;
        }
        return Ok(Flow::Return);
    }
    let aligned = left >= 16 && (to | from) & 3 == 0;
    call.spend(cost(left, aligned));
    while aligned && left >= 4 {
        copy(call, &mut to, &mut from, &mut left, Word)?;
    }
    copy_bytes(call, to, from, left)
}

/// `memset(to, byte, length)`: returns `to`.
pub fn memset(call: &mut Call<'_>) -> Outcome {
    let (to, byte, length) = (call.argument(0), call.argument(1), call.argument(2));
    fill(call, to, byte, length)
}

/// `bzero(to, length)`: byte by byte.
pub fn bzero(call: &mut Call<'_>) -> Outcome {
    let (to, length) = (call.argument(0), call.argument(1));
    call.spend(6 + 3 * u64::from(length) / 2);
    for index in 0..length {
        call.set_byte(to.wrapping_add(index), 0)?;
    }
    Ok(Flow::Return)
}

fn fill(call: &mut Call<'_>, mut to: u32, byte: u32, mut left: u32) -> Outcome {
    call.spend(12 + u64::from(left) / 2);
    let value = (byte & 0xFF) * 0x0101_0101;
    let put = |call: &mut Call<'_>, to: &mut u32, left: &mut u32, width: Width| {
        call.store(*to, width, value)?;
        *to = to.wrapping_add(width as u32);
        *left -= width as u32;
        Ok::<_, Trouble>(())
    };
    if to & 1 != 0 && left >= 8 {
        put(call, &mut to, &mut left, Byte)?;
    }
    if to & 3 == 2 && left >= 8 {
        put(call, &mut to, &mut left, Half)?;
    }
    if to & 3 != 0 {
        while left > 0 {
            put(call, &mut to, &mut left, Byte)?;
        }
    }
    while left >= 4 {
        put(call, &mut to, &mut left, Word)?;
    }
    if left >= 2 {
        put(call, &mut to, &mut left, Half)?;
    }
    if left >= 1 {
        put(call, &mut to, &mut left, Byte)?;
    }
    Ok(Flow::Return)
}

/// `memcmp(x, y, length)`: the difference of the first bytes that differ.
pub fn memcmp(call: &mut Call<'_>) -> Outcome {
    let [mut x, mut y, mut left] = [call.argument(0), call.argument(1), call.argument(2)];
    if left >= 4 && (x | y) & 3 == 0 {
        while left >= 4 && call.word(x)? == call.word(y)? {
            (x, y, left) = (x.wrapping_add(4), y.wrapping_add(4), left - 4);
            call.spend(5);
        }
    }
    for index in 0..left {
        call.spend(8);
        let (a, b) = (call.byte(x.wrapping_add(index))?, call.byte(y.wrapping_add(index))?);
        if a != b {
            return call.returns(u32::from(a).wrapping_sub(u32::from(b)));
        }
    }
    call.returns(0)
}

/// The byte at `address`, taken out of its word: most of the string functions read words.
fn byte_of_word(call: &mut Call<'_>, address: u32) -> Result<u8, Trouble> {
    Ok((call.word(address & !3)? >> (8 * (address & 3))) as u8)
}

/// `strlen(text)`.
pub fn strlen(call: &mut Call<'_>) -> Outcome {
    let text = call.argument(0);
    let mut length = 0;
    if text & 1 != 0 {
        if call.byte(text)? == 0 {
            return call.returns(0);
        }
        length = 1;
    }
    while byte_of_word(call, text.wrapping_add(length))? != 0 {
        length += 1;
    }
    call.spend(8 + u64::from(length) * 2);
    call.returns(length)
}

/// `strcmp(x, y)`: the difference of the first bytes that differ.
pub fn strcmp(call: &mut Call<'_>) -> Outcome {
    let (x, y) = (call.argument(0), call.argument(1));
    let together = (x ^ y) & 3 == 0;
    let mut index = 0;
    loop {
        let (p, q) = (x.wrapping_add(index), y.wrapping_add(index));
        // The first bytes are read alone, and then all up to a word's end.
        let by_words = together && index > 0 && index >= (4 - (x & 3)) & 3;
        let (a, b) =
            if by_words { (byte_of_word(call, p)?, byte_of_word(call, q)?) } else { (call.byte(p)?, call.byte(q)?) };
        call.spend(4);
        if a != b || a == 0 {
            return call.returns(u32::from(a).wrapping_sub(u32::from(b)));
        }
        index += 1;
    }
}

/// `strncmp(x, y, length)`: as [`strcmp`], of `length` bytes at most. Byte by byte unless both are aligned.
pub fn strncmp(call: &mut Call<'_>) -> Outcome {
    let (x, y, length) = (call.argument(0), call.argument(1), call.argument(2));
    let aligned = (x | y) & 3 == 0 && length >= 4;
    for index in 0..length {
        let (p, q) = (x.wrapping_add(index), y.wrapping_add(index));
        let whole_words = aligned && index & !3 <= length - 4;
        let (a, b) = if whole_words && call.word(p & !3)? == call.word(q & !3)? {
            (byte_of_word(call, p)?, byte_of_word(call, q)?)
        } else {
            (call.byte(p)?, call.byte(q)?)
        };
        call.spend(6);
        if a != b || a == 0 {
            return call.returns(u32::from(a).wrapping_sub(u32::from(b)));
        }
    }
    call.returns(0)
}

/// `strcpy(to, from)`: returns `to`.
pub fn strcpy(call: &mut Call<'_>) -> Outcome {
    let (to, from) = (call.argument(0), call.argument(1));
    let length = copy_string(call, to, from, u32::MAX)?;
    call.spend(10 + u64::from(length) * 2);
    Ok(Flow::Return)
}

/// `strncpy(to, from, length)`: returns `to`; fills with zeros up to `length`.
pub fn strncpy(call: &mut Call<'_>) -> Outcome {
    let (to, from, length) = (call.argument(0), call.argument(1), call.argument(2));
    let copied = copy_string(call, to, from, length)?;
    let mut index = copied;
    while index < length {
        let at = to.wrapping_add(index);
        if at & 3 == 0 && length - index >= 4 {
            call.set_word(at, 0)?;
            index += 4;
        } else {
            call.set_byte(at, 0)?;
            index += 1;
        }
    }
    call.spend(10 + u64::from(length) * 2);
    Ok(Flow::Return)
}

/// Copies a string with its end, up to `limit` bytes; returns how many. Words where both ends are aligned and the
/// string goes on.
fn copy_string(call: &mut Call<'_>, to: u32, from: u32, limit: u32) -> Result<u32, Trouble> {
    let mut index = 0;
    while index < limit {
        let (target, source) = (to.wrapping_add(index), from.wrapping_add(index));
        if (target | source) & 3 == 0 && limit - index > 4 {
            let bytes = call.word(source)?.to_le_bytes();
            match bytes.iter().position(|&byte| byte == 0) {
                None | Some(3) => {
                    call.set_word(target, u32::from_le_bytes(bytes))?;
                    if bytes[3] == 0 {
                        return Ok(index + 4);
                    }
                    index += 4;
                }
                Some(end) => {
                    for (offset, &byte) in bytes[..=end].iter().enumerate() {
                        call.set_byte(target.wrapping_add(offset as u32), byte)?;
                    }
                    return Ok(index + end as u32 + 1);
                }
            }
        } else {
            let byte = call.byte(source)?;
            call.set_byte(target, byte)?;
            index += 1;
            if byte == 0 {
                break;
            }
        }
    }
    Ok(index)
}

/// `strstr(text, part)`: where `part` begins in `text`, or 0.
pub fn strstr(call: &mut Call<'_>) -> Outcome {
    let (text, part) = (call.argument(0), call.argument(1));
    let (text_bytes, part_bytes) = (call.string(text)?, call.string(part)?);
    call.spend(10 + 6 * text_bytes.len() as u64);
    if part_bytes.is_empty() {
        return call.returns(text);
    }
    let found = text_bytes.windows(part_bytes.len()).position(|window| window == part_bytes);
    call.returns(found.map_or(0, |index| text.wrapping_add(index as u32)))
}

/// `ets_char2xdigit(character)`: a hexadecimal digit's value, or -1.
pub fn ets_char2xdigit(call: &mut Call<'_>) -> Outcome {
    let digit = char::from(call.argument(0) as u8).to_digit(16);
    call.returns(digit.unwrap_or(u32::MAX))
}

/// `ets_str2macaddr(address, text)`: six hexadecimal pairs with a colon or any other sign between; 1 if they were such.
pub fn ets_str2macaddr(call: &mut Call<'_>) -> Outcome {
    let (address, text) = (call.argument(0), call.argument(1));
    for index in 0..6 {
        let mut value = 0;
        for digit in 0..2 {
            match char::from(call.byte(text.wrapping_add(3 * index + digit))?).to_digit(16) {
                Some(digit) => value = value << 4 | digit,
                None => return call.returns(0),
            }
        }
        call.set_byte(address.wrapping_add(index), value as u8)?;
    }
    call.returns(1)
}

/// `srand(seed)`.
pub fn srand(call: &mut Call<'_>) -> Outcome {
    let seed = call.argument(0);
    call.set_word(ram::RANDOM, seed)?;
    call.set_word(ram::RANDOM + 4, 0)?;
    Ok(Flow::Return)
}

/// `rand()`: newlib's 64-bit linear congruential generator, upper half.
pub fn rand(call: &mut Call<'_>) -> Outcome {
    let seed = u64::from(call.word(ram::RANDOM)?) | u64::from(call.word(ram::RANDOM + 4)?) << 32;
    let seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    call.set_word(ram::RANDOM, seed as u32)?;
    call.set_word(ram::RANDOM + 4, (seed >> 32) as u32)?;
    call.spend(60);
    call.returns((seed >> 32) as u32 & 0x7FFF_FFFF)
}

/// `multofup(value, unit)`: how many units hold a value.
pub fn multofup(call: &mut Call<'_>) -> Outcome {
    let (value, unit) = (call.argument(0), call.argument(1));
    call.cpu.a[2] = value.wrapping_add(unit).wrapping_sub(1);
    super::libgcc::udivsi3(call)
}

/// `roundup2(value, power)`: the next multiple of a power of two.
pub fn roundup2(call: &mut Call<'_>) -> Outcome {
    let (value, power) = (call.argument(0), call.argument(1));
    call.returns(value.wrapping_add(power.wrapping_sub(1)) & power.wrapping_neg())
}
