//! The four-way handshake and the renewal of group keys, of both sides (IEEE 802.11-2020 §12.7.6, §12.7.7).
//!
//! ```text
//! access point                              station
//!   1: its nonce                      ──►
//!                                     ◄──   2: its nonce, its RSN element; signed
//!   3: RSN element, group key; signed ──►
//!                                     ◄──   4: signed; both use the keys from now on
//! ```
//!
//! Both sides are state machines without time and chance: whoever drives them draws nonces, repeats messages when no
//! answer comes ([`Authenticator::repeat`]) and gives up. Replies go out unencrypted until the fourth message is
//! through.
//!
//! Not modelled: TKIP for the keys of a pair, fast transition, protected management frames, a handshake that the
//! station asks for.

mod authenticator;
mod supplicant;
#[cfg(test)]
mod tests;

pub use authenticator::{Authenticator, Step};
pub use supplicant::{Reply, Supplicant};

use crate::eapol::Refusal;
use crate::element::{self, Elements};
use crate::group::GroupKey;
use crate::keys::PairKeys;

/// The organisation and type of a group's key among vendor elements (§12.7.2, table 12-9).
const GROUP_KEY_DATA: [u8; 4] = [0x00, 0x0F, 0xAC, 1];

/// Elements and the group's key, wrapped (RFC 3394) and padded before.
fn wrap(elements: &[u8], group: &GroupKey, keys: &PairKeys) -> Vec<u8> {
    let mut data = elements.to_vec();
    let content = [&GROUP_KEY_DATA[..], &[group.id & 3, 0], &group.bytes()].concat();
    element::push(&mut data, element::VENDOR, &content);
    if !data.len().is_multiple_of(8) {
        data.push(element::VENDOR);
        data.resize(data.len().next_multiple_of(8), 0);
    }
    let kek = aes_kw::KekAes128::from(keys.encryption);
    let mut wrapped = vec![0; data.len() + 8];
    kek.wrap(&data, &mut wrapped).expect("the data is a multiple of 8 bytes and the buffer 8 bytes longer");
    wrapped
}

/// The reverse: the unwrapped data and the group's key in it.
fn unwrap(wrapped: &[u8], keys: &PairKeys) -> Result<(Vec<u8>, GroupKey), Refusal> {
    if wrapped.len() < 24 || !wrapped.len().is_multiple_of(8) {
        return Err(Refusal::KeyData);
    }
    let kek = aes_kw::KekAes128::from(keys.encryption);
    let mut data = vec![0; wrapped.len() - 8];
    kek.unwrap(wrapped, &mut data).map_err(|_| Refusal::KeyData)?;
    let keys = Elements(&data).into_iter().filter(|(id, _)| *id == element::VENDOR);
    let group =
        keys.filter_map(|(_, content)| content.strip_prefix(&GROUP_KEY_DATA)).find_map(|content| match content {
            [id, _, key @ ..] => GroupKey::of_bytes(*id, key),
            _ => None,
        });
    let group = group.ok_or(Refusal::KeyData)?;
    Ok((data, group))
}
