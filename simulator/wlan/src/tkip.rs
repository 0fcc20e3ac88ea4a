//! TKIP: what protects the frames of a WPA network, and those for a group of one that takes WPA and WPA2 (IEEE
//! 802.11-2020 §12.5.2): RC4 with a key mixed anew for each frame, a check value, and Michael's code over the body.
//!
//! ```text
//! MAC header │ TSC1 seed TSC0 key-id·ExtIV TSC2 TSC3 TSC4 TSC5 │ encrypted: body, code (8), check value (4)
//! ```
//!
//! It is weak, and no network should use it. Devices of 2018 do.
//!
//! Not modelled: its countermeasures against forged codes, fragments (the code is over each frame by itself).

use rc4::cipher::{KeyInit, StreamCipher};
use rc4::consts::U16;
use rc4::{Key, Rc4};
use thiserror::Error;

use crate::header::{FROM_DS, Header, Mac, PROTECTED, TO_DS, Type};

/// Bytes of a TKIP header, between the MAC header and the body.
pub const HEADER: usize = 8;
/// Bytes of Michael's code, behind the body.
pub const CODE: usize = 8;
/// Bytes of the check value behind that.
pub const CHECK_VALUE: usize = 4;

/// In the fourth byte of the header: an extended initialisation vector follows.
const EXT_IV: u8 = 1 << 5;

/// Why a frame cannot be encrypted or decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TkipError {
    /// It is no data frame with room for what TKIP adds.
    #[error("the frame is too short or of a kind that TKIP does not protect")]
    Malformed,
    /// It was encrypted with another key, or changed on the way.
    #[error("the check value or the message integrity code is wrong")]
    WrongCode,
}

/// A key: for the cipher, and for Michael's code in the direction in which the frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TkipKey {
    /// The temporal key.
    pub cipher: [u8; 16],
    /// Michael's key.
    pub code: [u8; 8],
}

/// Encrypts a data `frame` of MAC header, TKIP header and body: the same with the body encrypted and 12 bytes more.
///
/// # Errors
/// If it is no protected data frame with a TKIP header.
pub fn encrypt(key: &TkipKey, frame: &[u8]) -> Result<Vec<u8>, TkipError> {
    let parts = Parts::of(frame)?;
    let mut body = parts.body.to_vec();
    body.extend(michael(&key.code, &parts.ends, parts.body));
    body.extend(check_value(&body));
    parts.cipher(&key.cipher).apply_keystream(&mut body);
    Ok([parts.clear, &body].concat())
}

/// Decrypts a data `frame`: MAC header, TKIP header and body, without code and check value.
///
/// # Errors
/// If it is no protected data frame with a TKIP header, or what is behind its body is wrong.
pub fn decrypt(key: &TkipKey, frame: &[u8]) -> Result<Vec<u8>, TkipError> {
    let parts = Parts::of(frame)?;
    let length = parts.body.len().checked_sub(CODE + CHECK_VALUE).ok_or(TkipError::Malformed)?;
    let mut body = parts.body.to_vec();
    parts.cipher(&key.cipher).apply_keystream(&mut body);
    let (checked, value) = body.split_at(length + CODE);
    let (plain, code) = checked.split_at(length);
    if value != check_value(checked) || code != michael(&key.code, &parts.ends, plain) {
        return Err(TkipError::WrongCode);
    }
    Ok([parts.clear, plain].concat())
}

/// A frame as TKIP sees it.
struct Parts<'f> {
    /// Both headers.
    clear: &'f [u8],
    body: &'f [u8],
    transmitter: Mac,
    /// The sequence counter: its lower 16 and upper 32 bits.
    counter: (u16, u32),
    /// Destination, source and priority, which the code is over, too.
    ends: [u8; 16],
}

impl<'f> Parts<'f> {
    fn of(frame: &'f [u8]) -> Result<Self, TkipError> {
        let mac = Header::of(frame).filter(|mac| mac.kind() == Type::Data && mac.has(PROTECTED));
        let mac = mac.ok_or(TkipError::Malformed)?;
        let header = mac.body().first_chunk::<HEADER>().filter(|header| header[3] & EXT_IV != 0);
        let [tsc1, _, tsc0, _, rest @ ..] = *header.ok_or(TkipError::Malformed)?;
        let (clear, body) = frame.split_at(mac.length() + HEADER);
        let destination = if mac.has(TO_DS) { mac.third() } else { mac.receiver() };
        let source = match (mac.has(FROM_DS), mac.fourth()) {
            (true, Some(fourth)) => fourth,
            (true, None) => mac.third(),
            (false, _) => mac.transmitter(),
        };
        let mut ends = [0; 16];
        ends[..6].copy_from_slice(&destination);
        ends[6..12].copy_from_slice(&source);
        ends[12] = mac.qos_control().map_or(0, |control| (control & 7) as u8);
        let counter = (u16::from_be_bytes([tsc1, tsc0]), u32::from_le_bytes(rest));
        Ok(Self { clear, body, transmitter: mac.transmitter(), counter, ends })
    }

    fn cipher(&self, key: &[u8; 16]) -> Rc4<U16> {
        let (low, high) = self.counter;
        let key: Key<U16> = second_phase(&first_phase(key, self.transmitter, high), key, low).into();
        Rc4::new(&key)
    }
}

/// CRC-32 as frames have it (§12.3.2.3.3), lowest byte first.
fn check_value(bytes: &[u8]) -> [u8; CHECK_VALUE] {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 != 0 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    (!crc).to_le_bytes()
}

/// Michael's code over two addresses, a priority and a body (§12.5.2.3).
fn michael(key: &[u8; 8], ends: &[u8], body: &[u8]) -> [u8; CODE] {
    let half = |at: usize| u32::from_le_bytes([key[at], key[at + 1], key[at + 2], key[at + 3]]);
    let (mut left, mut right) = (half(0), half(4));
    let mut bytes = [ends, body, &[0x5A, 0, 0, 0, 0]].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    for word in bytes.chunks_exact(4) {
        left ^= u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        right ^= left.rotate_left(17);
        left = left.wrapping_add(right);
        right ^= (left & 0xFF00_FF00) >> 8 | (left & 0x00FF_00FF) << 8;
        left = left.wrapping_add(right);
        right ^= left.rotate_left(3);
        left = left.wrapping_add(right);
        right ^= left.rotate_right(2);
        left = left.wrapping_add(right);
    }
    let mut code = [0; CODE];
    code[..4].copy_from_slice(&left.to_le_bytes());
    code[4..].copy_from_slice(&right.to_le_bytes());
    code
}

/// Multiplication by 2 in the field of AES.
const fn double(byte: u8) -> u8 {
    byte << 1 ^ if byte & 0x80 != 0 { 0x1B } else { 0 }
}

/// The S-box of TKIP (§12.5.2.5.2): of each byte that of AES, twice and three times.
const S_BOX: [u16; 256] = {
    let mut table = [0; 256];
    // Powers of 3 and of its inverse go through all bytes but 0, which is its own inverse.
    let (mut byte, mut inverse) = (1_u8, 1_u8);
    let mut done = false;
    while !done {
        byte ^= double(byte);
        // Division by 3.
        inverse ^= inverse << 1;
        inverse ^= inverse << 2;
        inverse ^= inverse << 4;
        if inverse & 0x80 != 0 {
            inverse ^= 9;
        }
        table[byte as usize] = entry(inverse);
        done = byte == 1;
    }
    table[0] = entry(0);
    table
};

/// The entry of a byte whose inverse is that.
const fn entry(inverse: u8) -> u16 {
    let rotated = inverse.rotate_left(1) ^ inverse.rotate_left(2) ^ inverse.rotate_left(3) ^ inverse.rotate_left(4);
    let s = inverse ^ rotated ^ 0x63;
    let twice = double(s);
    (twice as u16) << 8 | (twice ^ s) as u16
}

fn substitute(value: u16) -> u16 {
    let [high, low] = value.to_be_bytes();
    S_BOX[usize::from(low)] ^ S_BOX[usize::from(high)].swap_bytes()
}

/// The nth pair of a key's bytes.
fn pair(bytes: &[u8], index: usize) -> u16 {
    u16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]])
}

/// From the key, the transmitter and the upper 32 bits of the counter (§12.5.2.5.3).
fn first_phase(key: &[u8; 16], transmitter: Mac, high: u32) -> [u16; 5] {
    let mut mixed =
        [high as u16, (high >> 16) as u16, pair(&transmitter, 0), pair(&transmitter, 1), pair(&transmitter, 2)];
    for round in 0..8_u16 {
        let odd = usize::from(round & 1);
        for index in 0..5 {
            let before = mixed[(index + 4) % 5];
            let part = pair(key, (2 * index) % 8 + odd);
            mixed[index] = mixed[index].wrapping_add(substitute(before ^ part));
        }
        mixed[4] = mixed[4].wrapping_add(round);
    }
    mixed
}

/// The RC4 key of a frame, from that and the lower 16 bits of the counter (§12.5.2.5.4).
fn second_phase(first: &[u16; 5], key: &[u8; 16], low: u16) -> [u8; 16] {
    let mut mixed = [first[0], first[1], first[2], first[3], first[4], first[4].wrapping_add(low)];
    for index in 0..6 {
        let before = mixed[(index + 5) % 6];
        mixed[index] = mixed[index].wrapping_add(substitute(before ^ pair(key, index)));
    }
    for index in 0..6 {
        let before = mixed[(index + 5) % 6];
        let part = if index < 2 { pair(key, 6 + index) } else { 0 };
        mixed[index] = mixed[index].wrapping_add((before ^ part).rotate_right(1));
    }
    let [high_byte, low_byte] = low.to_be_bytes();
    let mut seed = [0; 16];
    seed[..4].copy_from_slice(&[
        high_byte,
        (high_byte | 0x20) & 0x7F,
        low_byte,
        ((mixed[5] ^ pair(key, 0)) >> 1) as u8,
    ]);
    for (bytes, word) in seed[4..].chunks_exact_mut(2).zip(mixed) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    seed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IEEE 802.11-2020, table J-3: test vectors for Michael, each the key of the next.
    #[test]
    fn michael_is_as_published() {
        let mut key = [0; 8];
        let codes = [
            ("", [0x82, 0x92, 0x5C, 0x1C, 0xA1, 0xD1, 0x30, 0xB8]),
            ("M", [0x43, 0x47, 0x21, 0xCA, 0x40, 0x63, 0x9B, 0x3F]),
            ("Mi", [0xE8, 0xF9, 0xBE, 0xCA, 0xE9, 0x7E, 0x5D, 0x29]),
            ("Mic", [0x90, 0x03, 0x8F, 0xC6, 0xCF, 0x13, 0xC1, 0xDB]),
            ("Mich", [0xD5, 0x5E, 0x10, 0x05, 0x10, 0x12, 0x89, 0x86]),
            ("Michael", [0x0A, 0x94, 0x2B, 0x12, 0x4E, 0xCA, 0xA5, 0x46]),
        ];
        for (message, code) in codes {
            assert_eq!(michael(&key, &[], message.as_bytes()), code, "{message}");
            key = code;
        }
    }

    /// IEEE 802.11-2020, J.2: the key mixing's test vector 1.
    #[test]
    fn keys_are_mixed_as_published() {
        let key: [u8; 16] = std::array::from_fn(|index| index as u8);
        let first = first_phase(&key, [0x10, 0x22, 0x33, 0x44, 0x55, 0x66], 0);
        assert_eq!(first, [0x3DD2, 0x016E, 0x76F4, 0x8697, 0xB2E8]);
        let seed = second_phase(&first, &key, 0);
        let published =
            [0x00, 0x20, 0x00, 0x33, 0xEA, 0x8D, 0x2F, 0x60, 0xCA, 0x6D, 0x13, 0x74, 0x23, 0x4A, 0x66, 0x0B];
        assert_eq!(seed, published);
    }

    /// "123456789", by the catalogue of CRC algorithms (CRC-32/ISO-HDLC).
    #[test]
    fn the_check_value_is_crc_32() {
        assert_eq!(check_value(b"123456789"), 0xCBF4_3926_u32.to_le_bytes());
    }

    #[test]
    fn what_is_encrypted_comes_back_and_damage_is_noticed() {
        let key = TkipKey { cipher: *b"0123456789abcdef", code: *b"michaels" };
        let mut frame = vec![8, 0x42, 0, 0];
        frame.extend([[0xFF; 6], [2; 6], [4; 6]].concat());
        frame.extend([0x10, 0, 0x12, 0x32, 0x34, 0x20, 1, 0, 0, 0]);
        frame.extend(b"the body");
        let encrypted = encrypt(&key, &frame).unwrap();
        assert_eq!(encrypted.len(), frame.len() + CODE + CHECK_VALUE);
        assert_eq!(decrypt(&key, &encrypted).unwrap(), frame);
        for at in 4..encrypted.len() {
            let mut damaged = encrypted.clone();
            damaged[at] ^= 1;
            let covered = at >= 32 || [24, 26, 28, 29, 30, 31].contains(&at) || (4..22).contains(&at);
            assert_eq!(decrypt(&key, &damaged).is_err(), covered, "byte {at}");
        }
        assert_eq!(encrypt(&key, &frame[..31]), Err(TkipError::Malformed));
    }
}
