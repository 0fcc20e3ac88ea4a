//! EAPOL-Key frames, by which access point and station agree on keys (IEEE 802.11-2020 §12.7.2; IEEE 802.1X-2010 §11).
//!
//! ```text
//! version 2 │ type 3 │ length │ 2 │ information │ key length │ replay counter │ nonce │ IV │ RSC │ 0 │ MIC │
//! length │ data
//! ```
//!
//! Only descriptors of type 2 (RSN) and version 2 (HMAC-SHA-1, AES key wrap) are worked with; others are told as
//! [`Refusal`]s. A frame may have more bytes behind it than its length says.

use thiserror::Error;

use crate::keys::{Nonce, PairKeys, hmac_sha1};

/// Key information: version 2.
pub const VERSION_AES: u16 = 2;
/// Key information: about the keys of a pair, not of a group.
pub const PAIRWISE: u16 = 1 << 3;
/// Key information: the keys are to be used.
pub const INSTALL: u16 = 1 << 6;
/// Key information: from the access point, to be answered.
pub const ACK: u16 = 1 << 7;
/// Key information: signed.
pub const MIC: u16 = 1 << 8;
/// Key information: the handshake has given all keys.
pub const SECURE: u16 = 1 << 9;
/// Key information: the station tells of an error.
pub const ERROR: u16 = 1 << 10;
/// Key information: the station asks for a handshake.
pub const REQUEST: u16 = 1 << 11;
/// Key information: the data is encrypted.
pub const ENCRYPTED: u16 = 1 << 12;

const VERSION_BITS: u16 = 7;
/// 802.1X version 2004, which access points send.
const PROTOCOL_VERSION: u8 = 2;
/// The packet type of EAPOL-Key.
const KEY: u8 = 3;
/// The descriptor type of RSN.
const RSN: u8 = 2;
/// Version, type and length.
const HEADER: usize = 4;
/// Where the MIC stands, from the frame's beginning.
const MIC_AT: usize = 81;
/// A frame without data.
const SHORTEST: usize = 99;

/// Why an EAPOL frame leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It is no EAPOL-Key frame, or not whole.
    #[error("it is no whole EAPOL-Key frame")]
    Malformed,
    /// It is of WPA, or of TKIP.
    #[error("WPA and TKIP are not modelled: only WPA2 with CCMP is")]
    Tkip,
    /// It is signed with an algorithm that WPA2-PSK does not use.
    #[error("the key descriptor is of a version that is not modelled")]
    Version,
    /// Its replay counter is an old one.
    #[error("the replay counter is not the expected one")]
    Replay,
    /// It is not what comes now.
    #[error("the message is out of order")]
    Order,
    /// It is not signed with the key expected: the passphrases differ, or it was changed.
    #[error("the message integrity code is wrong")]
    WrongMic,
    /// Its nonce is not that of the first message.
    #[error("the nonce has changed")]
    Nonce,
    /// Its data lacks a key, or is not encrypted as it should be.
    #[error("the key data is wrong")]
    KeyData,
}

/// An EAPOL-Key frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFrame {
    /// Key information: [`PAIRWISE`] and the others.
    pub information: u16,
    /// Bytes of the key that is agreed on.
    pub key_length: u16,
    /// Rises with each of the access point's messages; an answer has that of its question.
    pub replay_counter: u64,
    /// A number drawn by the sender.
    pub nonce: Nonce,
    /// The packet number that the group's key has come to, least significant byte first.
    pub receive_counter: [u8; 8],
    /// Elements and keys; wrapped if [`ENCRYPTED`].
    pub data: Vec<u8>,
}

impl KeyFrame {
    /// The frame in the payload of an 802.1X Ethernet frame.
    ///
    /// # Errors
    /// If it is no EAPOL-Key frame of WPA2 with CCMP.
    pub fn parse(payload: &[u8]) -> Result<Self, Refusal> {
        let frame = whole(payload)?;
        let half = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let information = half(5);
        if frame[4] != RSN || information & VERSION_BITS == 1 {
            return Err(Refusal::Tkip);
        }
        if information & VERSION_BITS != VERSION_AES {
            return Err(Refusal::Version);
        }
        let data = frame.get(SHORTEST..SHORTEST + usize::from(half(97))).ok_or(Refusal::Malformed)?;
        Ok(Self {
            information,
            key_length: half(7),
            replay_counter: u64::from_be_bytes(field(frame, 9)?),
            nonce: field(frame, 17)?,
            receive_counter: field(frame, 65)?,
            data: data.to_vec(),
        })
    }

    /// The payload of an 802.1X Ethernet frame, signed if `keys` are given.
    pub fn bytes(&self, keys: Option<&PairKeys>) -> Vec<u8> {
        let mut frame = vec![PROTOCOL_VERSION, KEY];
        frame.extend(((SHORTEST - HEADER + self.data.len()) as u16).to_be_bytes());
        frame.push(RSN);
        frame.extend(self.information.to_be_bytes());
        frame.extend(self.key_length.to_be_bytes());
        frame.extend(self.replay_counter.to_be_bytes());
        frame.extend(self.nonce);
        frame.extend([0; 16]);
        frame.extend(self.receive_counter);
        frame.extend([0; 8 + 16]);
        frame.extend((self.data.len() as u16).to_be_bytes());
        frame.extend(&self.data);
        if let Some(keys) = keys {
            let mic = sign(&frame, keys);
            frame[MIC_AT..MIC_AT + 16].copy_from_slice(&mic);
        }
        frame
    }

    /// Whether all of these bits of the key information are set.
    pub fn has(&self, bits: u16) -> bool {
        self.information & bits == bits
    }
}

/// Checks the signature of the frame in a payload.
///
/// # Errors
/// If it is wrong, or there is no whole frame.
pub fn verify(payload: &[u8], keys: &PairKeys) -> Result<(), Refusal> {
    let frame = whole(payload)?;
    let given: [u8; 16] = field(frame, MIC_AT)?;
    if sign(frame, keys) == given { Ok(()) } else { Err(Refusal::WrongMic) }
}

/// The MIC of a frame, whose own field counts as zero.
fn sign(frame: &[u8], keys: &PairKeys) -> [u8; 16] {
    let (before, rest) = frame.split_at(MIC_AT);
    let mac = hmac_sha1(&keys.confirmation, &[before, &[0; 16], &rest[16..]]);
    *mac.first_chunk().expect("SHA-1 gives 20 bytes")
}

/// The frame without what follows it.
fn whole(payload: &[u8]) -> Result<&[u8], Refusal> {
    let [_, kind, high, low, ..] = *payload else { return Err(Refusal::Malformed) };
    let length = HEADER + usize::from(u16::from_be_bytes([high, low]));
    payload.get(..length).filter(|frame| kind == KEY && frame.len() >= SHORTEST).ok_or(Refusal::Malformed)
}

fn field<const N: usize>(frame: &[u8], at: usize) -> Result<[u8; N], Refusal> {
    frame.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(Refusal::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> PairKeys {
        PairKeys { confirmation: [1; 16], encryption: [2; 16], temporal: [3; 16] }
    }

    fn message() -> KeyFrame {
        KeyFrame {
            information: VERSION_AES | PAIRWISE | MIC,
            key_length: 16,
            replay_counter: 7,
            nonce: [9; 32],
            receive_counter: [1, 2, 3, 4, 5, 6, 0, 0],
            data: vec![0xDD; 22],
        }
    }

    #[test]
    fn a_frame_comes_back_as_it_was_whatever_follows_it() {
        let mut bytes = message().bytes(Some(&keys()));
        assert_eq!(bytes[..9], [2, 3, 0, 117, 2, 1, 0x0A, 0, 16]);
        bytes.extend([0xEE; 5]);
        assert_eq!(KeyFrame::parse(&bytes), Ok(message()));
        assert_eq!(verify(&bytes, &keys()), Ok(()));
    }

    #[test]
    fn a_changed_frame_or_another_key_is_noticed() {
        let bytes = message().bytes(Some(&keys()));
        for at in 4..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(verify(&changed, &keys()), Err(Refusal::WrongMic), "{at}");
        }
        let other = PairKeys { confirmation: [4; 16], ..keys() };
        assert_eq!(verify(&bytes, &other), Err(Refusal::WrongMic));
    }

    #[test]
    fn what_is_no_key_frame_of_wpa2_is_refused_in_words() {
        let bytes = message().bytes(None);
        for length in 0..bytes.len() {
            assert_eq!(KeyFrame::parse(&bytes[..length]), Err(Refusal::Malformed));
        }
        let with = |at: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            KeyFrame::parse(&bytes).unwrap_err()
        };
        assert_eq!(with(4, 254), Refusal::Tkip, "WPA");
        assert_eq!(with(6, 0x09), Refusal::Tkip);
        assert_eq!(with(6, 0x0B), Refusal::Version);
        assert_eq!(with(1, 1), Refusal::Malformed, "EAPOL-Start");
        assert_eq!(with(98, 0xFF), Refusal::Malformed, "data beyond the end");
    }
}
