//! Numbers and keys, all from one seed: the same seed and order of creation give the same ones.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore;

use super::{Access, Device, TalkbackAccess, User};
use crate::repeatable_random::derived;

/// Where numbers and keys come from.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    seed: [u8; 32],
    next_channel: u32,
    next_talkback: u32,
    /// Where the numbers of requests come from, for `X-Request-Id`.
    requests: ChaCha20Rng,
}

impl Keys {
    pub(super) fn from_seed(seed: [u8; 32]) -> Self {
        let next_channel = 1_000_000 + derived(&seed, &[b"first channel"]).next_u32() % 2_000_000;
        let next_talkback = 10_000 + derived(&seed, &[b"first talkback"]).next_u32() % 40_000;
        let requests = derived(&seed, &[b"requests"]);
        Self { seed, next_channel, next_talkback, requests }
    }

    pub(super) fn user(&self) -> User {
        User { login: "duck".to_owned(), key: key(&mut derived(&self.seed, &[b"user"])) }
    }

    pub(super) fn devices(&self) -> [Device; 2] {
        [1_u8, 2].map(|number| {
            let mut stream = derived(&self.seed, &[b"device", &[number]]);
            Device { client_id: text(&mut stream, LETTERS, 23), password: text(&mut stream, LETTERS, 24) }
        })
    }

    pub(super) fn next_channel(&mut self) -> Access {
        let channel = self.next_channel;
        self.next_channel += 1;
        let mut stream = derived(&self.seed, &[b"channel", &channel.to_le_bytes()]);
        Access { channel, write_key: key(&mut stream), read_key: key(&mut stream) }
    }

    pub(super) fn next_talkback(&mut self) -> TalkbackAccess {
        let talkback = self.next_talkback;
        self.next_talkback += 1;
        let mut stream = derived(&self.seed, &[b"talkback", &talkback.to_le_bytes()]);
        TalkbackAccess { talkback, key: key(&mut stream) }
    }

    /// From now on gives channels numbers after this one.
    pub(super) fn skip_channel(&mut self, channel: u32) {
        self.next_channel = self.next_channel.max(channel.saturating_add(1));
    }

    /// From now on gives TalkBacks numbers after this one.
    pub(super) fn skip_talkback(&mut self, talkback: u32) {
        self.next_talkback = self.next_talkback.max(talkback.saturating_add(1));
    }

    /// What the next reply is known by.
    pub(super) fn next_request(&mut self) -> RequestId {
        let mut id = [0; 16];
        self.requests.fill_bytes(&mut id);
        RequestId(id)
    }
}

/// What a reply is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestId([u8; 16]);

impl RequestId {
    /// In hexadecimal, or as a UUID (RFC 9562).
    pub(super) fn text(self, as_uuid: bool) -> String {
        let Self(mut id) = self;
        if as_uuid {
            // Version 4, in the variant of the RFC.
            id[6] = id[6] & 0x0f | 0x40;
            id[8] = id[8] & 0x3f | 0x80;
        }
        let mut text = String::with_capacity(36);
        for (index, byte) in id.into_iter().enumerate() {
            if as_uuid && [4, 6, 8, 10].contains(&index) {
                text.push('-');
            }
            for digit in [byte >> 4, byte & 0x0f] {
                text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        text
    }
}

/// What a device's name and password are made of: base 64 but for the two characters that a shell may take for its own.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A key: 16 characters of `0-9A-Z`.
fn key(stream: &mut ChaCha20Rng) -> String {
    text(stream, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 16)
}

fn text(stream: &mut ChaCha20Rng, alphabet: &[u8], length: usize) -> String {
    (0..length).map(|_| char::from(alphabet[(stream.next_u64() % alphabet.len() as u64) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_by_a_uuid_where_that_is_the_custom() {
        let mut keys = Keys::from_seed([7; 32]);
        assert_eq!(keys.next_request().text(false).len(), 32);
        let uuid = keys.next_request().text(true);
        let parts: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{uuid}");
        assert_eq!(&uuid[14..15], "4", "{uuid}");
    }
}
