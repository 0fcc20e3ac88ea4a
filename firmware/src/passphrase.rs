//! The passphrase of the set-up network: each device has its own, made at its first start and told on the serial port,
//! from where it goes onto the device's label.
//!
//! Eight random bytes become four words that can be read aloud and typed on a phone, `lusab-babad-gutih-tugad`:
//! proquints (D. S. Wilkerson, "A Proposal for Proquints: Identifiers that are Readable, Spellable, and Pronounceable",
//! arXiv:0901.4016), each of five letters for 16 bits. Who has recorded a WPA2 handshake can try passphrases at home,
//! so it takes all 64 bits; nothing of it follows from the hardware address, which everybody on the air can see.
//!
//! A build can ask for one that is the same on all its devices, for a workshop or a bench:
//! `YELLOW_DUCK_PASSPHRASE=helloduck cargo build …`. Whoever knows it can then set up any of them that is in
//! configuration mode.

use heapless::String;

use crate::store::SECRET;

/// What the build asks for.
const FIXED: Option<&str> = option_env!("YELLOW_DUCK_PASSPHRASE");
const _: () = if let Some(fixed) = FIXED {
    assert!(is_allowed(fixed.as_bytes()), "YELLOW_DUCK_PASSPHRASE is 8 to 63 printable ASCII characters");
};

const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aiou";
/// WPA2's most (IEEE 802.11, J.4.1).
const LONGEST: usize = 63;

/// A passphrase of the set-up network. Secret, but for the serial port.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(String<LONGEST>);

impl Passphrase {
    /// The passphrase of the device with this secret.
    pub fn new(secret: [u8; SECRET]) -> Self {
        match FIXED {
            Some(fixed) => Self(String::try_from(fixed).expect("checked when it was built")),
            None => Self(words(secret)),
        }
    }

    /// As it is typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether WPA2 takes this for a passphrase.
const fn is_allowed(passphrase: &[u8]) -> bool {
    let mut at = 0;
    while at < passphrase.len() {
        if !(passphrase[at] == b' ' || passphrase[at].is_ascii_graphic()) {
            return false;
        }
        at += 1;
    }
    at >= 8 && at <= LONGEST
}

fn words(secret: [u8; SECRET]) -> String<LONGEST> {
    let mut words = String::new();
    let mut push = |letter: u8| words.push(char::from(letter)).expect("four words have 23 letters with their hyphens");
    for (number, pair) in secret.as_chunks::<2>().0.iter().enumerate() {
        if number > 0 {
            push(b'-');
        }
        let bits = usize::from(u16::from_be_bytes(*pair));
        push(CONSONANTS[bits >> 12]);
        push(VOWELS[bits >> 10 & 3]);
        push(CONSONANTS[bits >> 6 & 15]);
        push(VOWELS[bits >> 4 & 3]);
        push(CONSONANTS[bits & 15]);
    }
    words
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn secrets_become_the_words_of_the_proposal() {
        // The proposal's examples: 127.0.0.1, 63.84.220.193, 63.118.7.35, 140.98.193.141.
        assert_eq!(words([127, 0, 0, 1, 63, 84, 220, 193]), "lusab-babad-gutih-tugad");
        assert_eq!(words([63, 118, 7, 35, 140, 98, 193, 141]), "gutuk-bisog-mudof-sakat");
    }

    #[test]
    fn no_two_secrets_have_the_same_words() {
        let of = |bits: u16| words([0, 0, 0, 0, 0, 0, (bits >> 8) as u8, bits as u8]);
        let all: BTreeSet<_> = (0..=u16::MAX).map(of).collect();
        assert_eq!(all.len(), 1 << 16);
        assert!(all.iter().all(|words| words.len() == 23 && is_allowed(words.as_bytes())));
    }

    #[test]
    fn what_wpa2_does_not_take_is_not_built() {
        assert!(is_allowed(b"helloduck") && is_allowed(b"hello d!") && is_allowed(&[b'x'; 63]));
        assert!(!is_allowed(b"hello d") && !is_allowed(&[b'x'; 64]) && !is_allowed("hellodück".as_bytes()));
        assert!(!is_allowed(b"hello\tduck"));
    }
}
