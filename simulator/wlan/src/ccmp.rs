//! CCMP: what protects the frames of a WPA2 network (IEEE 802.11-2020 §12.5.3): AES-128 in counter mode with a message
//! integrity code of 8 bytes (CCM, RFC 3610, with M = 8 and L = 2).
//!
//! ```text
//! MAC header │ CCMP header: PN0 PN1 0 key-id·ExtIV PN2 PN3 PN4 PN5 │ encrypted: body, code
//! ```
//!
//! The code covers the fields of the MAC header that do not change when a frame is sent again. Packet numbers are the
//! caller's: a number may never be used twice with a key, and a receiver takes only rising ones.
//!
//! Not modelled: A-MSDUs whose presence is protected (SPP), CCMP-256, protected management frames in groups (BIP).

use aes::Aes128;
use ccm::aead::{Aead, KeyInit, Payload};
use ccm::consts::{U8, U13};
use ccm::{Ccm, Nonce};
use thiserror::Error;

use crate::header::{Header, MORE_DATA, ORDER, POWER_MANAGEMENT, PROTECTED, RETRY, Type};

/// Bytes of a CCMP header, between the MAC header and the body.
pub const HEADER: usize = 8;
/// Bytes of the message integrity code, behind the body.
pub const MIC: usize = 8;
/// Packet numbers have 48 bits.
pub const LAST_PACKET_NUMBER: u64 = (1 << 48) - 1;

/// In the fourth byte of the header: an extended initialisation vector follows, as it always does with CCMP.
const EXT_IV: u8 = 1 << 5;

/// Why a frame cannot be encrypted or decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CcmpError {
    /// It is no management or data frame with room for what CCMP adds.
    #[error("the frame is too short or of a kind that CCMP does not protect")]
    Malformed,
    /// Its header does not say that it is protected.
    #[error("the frame is not marked as protected")]
    NotProtected,
    /// Its CCMP header lacks the extended initialisation vector: it is WEP's.
    #[error("the frame is protected by WEP, which is not modelled")]
    Wep,
    /// It was encrypted with another key, or changed on the way.
    #[error("the message integrity code is wrong")]
    WrongMic,
}

/// The CCMP header of a frame, by packet number (48 bits) and key identifier (0 to 3).
pub fn header(packet_number: u64, key_id: u8) -> [u8; HEADER] {
    let [pn0, pn1, pn2, pn3, pn4, pn5, ..] = packet_number.to_le_bytes();
    [pn0, pn1, 0, EXT_IV | key_id << 6, pn2, pn3, pn4, pn5]
}

/// The packet number and key identifier of a protected frame; `None` if it has no CCMP header.
pub fn read_header(frame: &[u8]) -> Option<(u64, u8)> {
    let mac = Header::of(frame).filter(|mac| mac.has(PROTECTED))?;
    let [pn0, pn1, _, key, pn2, pn3, pn4, pn5] = *mac.body().first_chunk::<HEADER>()?;
    let packet_number = u64::from_le_bytes([pn0, pn1, pn2, pn3, pn4, pn5, 0, 0]);
    (key & EXT_IV != 0).then_some((packet_number, key >> 6))
}

/// Encrypts a `frame` of MAC header, CCMP header and body: the same with the body encrypted and 8 bytes more.
///
/// # Errors
/// If it is no protected data or management frame with a CCMP header.
pub fn encrypt(key: &[u8; 16], frame: &[u8]) -> Result<Vec<u8>, CcmpError> {
    let Parts { clear, body, nonce, associated } = parts(frame)?;
    let payload = Payload { msg: body, aad: &associated };
    let sealed = cipher(key).encrypt(Nonce::from_slice(&nonce), payload).map_err(|_| CcmpError::Malformed)?;
    Ok([clear, &sealed].concat())
}

/// Decrypts a `frame`: MAC header, CCMP header and body, without message integrity code.
///
/// # Errors
/// If it is no protected data or management frame with a CCMP header, or the message integrity code is wrong.
pub fn decrypt(key: &[u8; 16], frame: &[u8]) -> Result<Vec<u8>, CcmpError> {
    let Parts { clear, body, nonce, associated } = parts(frame)?;
    if body.len() < MIC {
        return Err(CcmpError::Malformed);
    }
    let payload = Payload { msg: body, aad: &associated };
    let opened = cipher(key).decrypt(Nonce::from_slice(&nonce), payload).map_err(|_| CcmpError::WrongMic)?;
    Ok([clear, &opened].concat())
}

fn cipher(key: &[u8; 16]) -> Ccm<Aes128, U8, U13> {
    Ccm::new(key.into())
}

/// A frame as CCM sees it.
struct Parts<'f> {
    /// Both headers.
    clear: &'f [u8],
    /// What is encrypted, or to be.
    body: &'f [u8],
    nonce: [u8; 13],
    associated: Vec<u8>,
}

fn parts(frame: &[u8]) -> Result<Parts<'_>, CcmpError> {
    let mac = Header::of(frame).filter(|mac| mac.kind() != Type::Control).ok_or(CcmpError::Malformed)?;
    if !mac.has(PROTECTED) {
        return Err(CcmpError::NotProtected);
    }
    if mac.body().len() < HEADER {
        return Err(CcmpError::Malformed);
    }
    let (packet_number, _) = read_header(frame).ok_or(CcmpError::Wep)?;
    let (clear, body) = frame.split_at(mac.length() + HEADER);
    Ok(Parts { clear, body, nonce: nonce(&mac, packet_number), associated: associated(&mac, frame) })
}

/// §12.5.3.3.4.
fn nonce(mac: &Header<'_>, packet_number: u64) -> [u8; 13] {
    let traffic = mac.qos_control().map_or(0, |control| (control & 0xF) as u8);
    let management = if mac.kind() == Type::Management { 1 << 4 } else { 0 };
    let mut nonce = [0; 13];
    nonce[0] = traffic | management;
    nonce[1..7].copy_from_slice(&mac.transmitter());
    nonce[7..].copy_from_slice(&packet_number.to_be_bytes()[2..]);
    nonce
}

/// The additional authentication data, §12.5.3.3.3.
fn associated(mac: &Header<'_>, frame: &[u8]) -> Vec<u8> {
    let subtype_counts = if mac.kind() == Type::Data { 0b1000_1111 } else { 0xFF };
    let order_counts = if mac.qos_control().is_some() { !ORDER } else { 0xFF };
    let flags = frame[1] & !(RETRY | POWER_MANAGEMENT | MORE_DATA) & order_counts;
    let mut data = vec![frame[0] & subtype_counts, flags];
    data.extend(&frame[4..22]);
    data.extend([frame[22] & 0xF, 0]);
    data.extend(mac.fourth().into_iter().flatten());
    if let Some(control) = mac.qos_control() {
        data.extend([(control & 0xF) as u8, 0]);
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// IEEE 802.11-2012 annex M.6.4 (2020: J.6.4).
    const KEY: &str = "c97c1f67ce371185514a8a19f2bdd52f";
    const MAC_HEADER: &str = "0848c32c0fd2e128a57c5030f1844408abaea5b8fcba8033";
    const CCMP_HEADER: &str = "0ce7002076970 3b5";
    const PLAIN: &str = "f8ba1a55d02f85ae967bb62fb6cda8eb7e78a050";
    const SEALED: &str = "f3d0a2fe9a3dbf2342a643e43246e80c3c04d0197845ce0b16f97623";

    fn key() -> [u8; 16] {
        hex(KEY).try_into().unwrap()
    }

    #[test]
    fn the_standards_frame_is_encrypted_as_in_the_standard() {
        let headers = [hex(MAC_HEADER), hex(CCMP_HEADER)].concat();
        let plain = [headers.clone(), hex(PLAIN)].concat();
        let sealed = [headers, hex(SEALED)].concat();
        assert_eq!(encrypt(&key(), &plain), Ok(sealed.clone()));
        assert_eq!(decrypt(&key(), &sealed), Ok(plain));
        assert_eq!(read_header(&sealed), Some((0xB503_9776_E70C, 0)));
        assert_eq!(header(0xB503_9776_E70C, 0).to_vec(), hex(CCMP_HEADER));
    }

    /// A QoS data frame with four addresses, HT control and a body.
    fn quality_frame() -> Vec<u8> {
        let mut frame = vec![0x88, 0xC3, 0, 0];
        frame.extend(1..=18);
        frame.extend([0x25, 0x12]);
        frame.extend(31..=36);
        frame.extend([0xF5, 0xAB, 1, 2, 3, 4]);
        frame.extend(header(7, 2));
        frame.extend(b"what is said");
        frame
    }

    #[test]
    fn what_may_change_on_the_way_is_not_covered_and_all_else_is() {
        let sealed = encrypt(&key(), &quality_frame()).unwrap();
        assert_eq!(decrypt(&key(), &sealed), Ok(quality_frame()));
        // Bits that may change, by byte: subtype but QoS; retry, power management, more data; duration; sequence
        // number; QoS control but the traffic identifier; HT control; the reserved bits of the CCMP header.
        let free: [(usize, u8); 12] = [
            (0, 0x70),
            (1, 0x38),
            (2, 0xFF),
            (3, 0xFF),
            (22, 0xF0),
            (23, 0xFF),
            (30, 0xF0),
            (31, 0xFF),
            (32, 0xFF),
            (33, 0xFF),
            (34, 0xFF),
            (35, 0xFF),
        ];
        for byte in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[byte] ^= 1 << bit;
                let covered = !free.iter().any(|(free, bits)| *free == byte && bits >> bit & 1 == 1);
                let ccmp_header = 36..44;
                // Key identifier and reserved bits choose the key; they are not under the code.
                let unused = ccmp_header.contains(&byte) && (byte == 38 || byte == 39 && bit != 5);
                assert_eq!(decrypt(&key(), &changed).is_err(), covered && !unused, "byte {byte}, bit {bit}");
            }
        }
    }

    #[test]
    fn what_is_no_such_frame_is_refused() {
        let frame = quality_frame();
        let mut clear = frame.clone();
        clear[1] &= !PROTECTED;
        assert_eq!(encrypt(&key(), &clear), Err(CcmpError::NotProtected));
        let mut wep = frame.clone();
        wep[39] &= !EXT_IV;
        assert_eq!(decrypt(&key(), &wep), Err(CcmpError::Wep));
        for length in 0..44 {
            assert_eq!(encrypt(&key(), &frame[..length]), Err(CcmpError::Malformed));
        }
        for length in 0..52 {
            assert_eq!(decrypt(&key(), &frame[..length]), Err(CcmpError::Malformed), "{length}");
        }
    }
}
