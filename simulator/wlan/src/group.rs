//! The key of a group, by which an access point encrypts what is for several stations.
//!
//! With CCMP, or with TKIP: an access point that takes WPA stations beside those of WPA2, as an ESP8266's own does,
//! encrypts with TKIP what all of them have to read.

use crate::ccmp;
use crate::data::add_cipher_header;
use crate::element::{CCMP, Suite, TKIP};
use crate::header::{Header, PROTECTED};
use crate::keys::TemporalKey;
use crate::tkip::{self, TkipKey};

/// The key of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupKey {
    /// Its identifier, 1 to 3.
    pub id: u8,
    /// What encrypts frames to the group.
    pub secret: GroupSecret,
}

/// What encrypts frames to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupSecret {
    /// With CCMP.
    Ccmp(TemporalKey),
    /// With TKIP.
    Tkip(TkipKey),
}

impl GroupKey {
    /// A key for CCMP.
    pub fn ccmp(id: u8, key: TemporalKey) -> Self {
        Self { id, secret: GroupSecret::Ccmp(key) }
    }

    /// The cipher that it is for.
    pub fn suite(&self) -> Suite {
        match self.secret {
            GroupSecret::Ccmp(_) => CCMP,
            GroupSecret::Tkip(_) => TKIP,
        }
    }

    /// Encrypts a `frame` of MAC header and body with a packet number that has not been used before. `None` if it is no
    /// frame that can be protected.
    pub fn seal(&self, mut frame: Vec<u8>, packet_number: u64) -> Option<Vec<u8>> {
        match &self.secret {
            GroupSecret::Ccmp(key) => {
                add_cipher_header(&mut frame, ccmp::header(packet_number, self.id));
                ccmp::encrypt(key, &frame).ok()
            }
            GroupSecret::Tkip(key) => {
                add_cipher_header(&mut frame, tkip_header(packet_number, self.id));
                tkip::encrypt(key, &frame).ok()
            }
        }
    }

    /// Decrypts a frame: its packet number, and MAC header, cipher's header and body. `None` if it was encrypted
    /// otherwise.
    pub fn open(&self, frame: &[u8]) -> Option<(u64, Vec<u8>)> {
        match &self.secret {
            GroupSecret::Ccmp(key) => Some((ccmp::read_header(frame)?.0, ccmp::decrypt(key, frame).ok()?)),
            GroupSecret::Tkip(key) => Some((tkip_packet_number(frame)?, tkip::decrypt(key, frame).ok()?)),
        }
    }

    /// As the handshake hands it over. Behind a key for TKIP are those of Michael's code; frames to groups go one way
    /// only, so that the second means nothing.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match &self.secret {
            GroupSecret::Ccmp(key) => key.to_vec(),
            GroupSecret::Tkip(key) => [&key.cipher[..], &key.code, &key.code].concat(),
        }
    }

    /// The reverse.
    pub(crate) fn of_bytes(id: u8, bytes: &[u8]) -> Option<Self> {
        let cipher = *bytes.first_chunk()?;
        let secret = match bytes.len() {
            16 => GroupSecret::Ccmp(cipher),
            32 => GroupSecret::Tkip(TkipKey { cipher, code: *bytes[16..].first_chunk()? }),
            _ => return None,
        };
        Some(Self { id: id & 3, secret })
    }
}

/// The TKIP header of a frame (IEEE 802.11-2020 §12.5.2.2).
fn tkip_header(packet_number: u64, key_id: u8) -> [u8; tkip::HEADER] {
    let [tsc0, tsc1, tsc2, tsc3, tsc4, tsc5, ..] = packet_number.to_le_bytes();
    let [_, _, _, key, ..] = ccmp::header(packet_number, key_id);
    [tsc1, (tsc1 | 0x20) & 0x7F, tsc0, key, tsc2, tsc3, tsc4, tsc5]
}

fn tkip_packet_number(frame: &[u8]) -> Option<u64> {
    let mac = Header::of(frame).filter(|mac| mac.has(PROTECTED))?;
    let [tsc1, _, tsc0, _, tsc2, tsc3, tsc4, tsc5] = *mac.body().first_chunk()?;
    Some(u64::from_le_bytes([tsc0, tsc1, tsc2, tsc3, tsc4, tsc5, 0, 0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Way, from_ethernet, to_ethernet};

    #[test]
    fn both_ciphers_bring_back_what_was_sealed_and_its_number() {
        let tkip = TkipKey { cipher: [3; 16], code: [4; 8] };
        let keys = [GroupKey::ccmp(1, [3; 16]), GroupKey { id: 2, secret: GroupSecret::Tkip(tkip) }];
        let ethernet = [&[0xFF; 6][..], &[2, 0, 0, 0, 0, 1], &[8, 0], b"to all"].concat();
        for key in keys {
            let frame = from_ethernet(&ethernet, Way::ToStation, [2, 0, 0, 0, 0, 2]).unwrap();
            let sealed = key.seal(frame, 0x1234_5678_9ABC).unwrap();
            let (packet_number, opened) = key.open(&sealed).unwrap();
            assert_eq!((packet_number, to_ethernet(&opened)), (0x1234_5678_9ABC, Some(ethernet.clone())));
            assert_eq!(GroupKey::of_bytes(key.id, &key.bytes()), Some(key));
            for other in keys.iter().filter(|other| **other != key) {
                assert_eq!(other.open(&sealed), None);
            }
        }
    }
}
