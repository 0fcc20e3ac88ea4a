//! The key table: 25 slots of ten words, and which of them a frame is encrypted with.
//!
//! A slot has an address (of the other end; of the network, for a group's key), what kind of key it is, and the key.
//! Slots below 6 are keys of groups. The register `MAC_KEYS_VALID` says which slots count.

use simulator_wlan::ccmp;
use simulator_wlan::header::{Header, is_group};
use simulator_wlan::tkip::{self, TkipKey};

use super::super::registers::{Bank, Description, Field, Layout};
use super::Register;
use super::address::bssid;

const SLOTS: usize = 25;
const WORDS: usize = 10;

/// Fields of a slot's second word.
mod flags {
    use super::Field;

    pub const ADDRESS: Field = Field::new(0, 15);
    pub const CIPHER: Field = Field::new(18, 20);
    pub const CLASS: Field = Field::new(21, 23);
    pub const KEY_ID: Field = Field::new(30, 31);
}

const TKIP: u32 = 2;
const CCMP: u32 = 3;
const GROUP: u32 = 6;

/// A word of the table.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Word(usize);

impl Layout for Word {
    fn at(offset: u32) -> Option<Self> {
        let word = offset as usize / 4;
        (word < SLOTS * WORDS).then_some(Self(word))
    }

    fn describe(self) -> Option<&'static Description> {
        None
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Keys {
    words: [u32; SLOTS * WORDS],
}

impl Default for Keys {
    fn default() -> Self {
        Self { words: [0; SLOTS * WORDS] }
    }
}

/// A slot that counts.
struct Slot<'a>(&'a [u32]);

impl Slot<'_> {
    fn address(&self) -> [u8; 6] {
        let [a, b, c, d] = self.0[0].to_le_bytes();
        let [e, f] = (flags::ADDRESS.of(self.0[1]) as u16).to_le_bytes();
        [a, b, c, d, e, f]
    }

    fn flag(&self, field: Field) -> u32 {
        field.of(self.0[1])
    }

    /// Bytes of the key, from a word of it on.
    fn key<const LENGTH: usize>(&self, word: usize) -> [u8; LENGTH] {
        let mut key = [0; LENGTH];
        for (bytes, word) in key.chunks_exact_mut(4).zip(&self.0[2 + word..]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        key
    }

    fn cipher(&self) -> Result<Cipher, Refusal> {
        match self.flag(flags::CIPHER) {
            CCMP => Ok(Cipher::Ccmp(self.key(0))),
            // Behind the key are Michael's, for what is received and for what is sent: the vendor's driver of an access
            // point puts the second half of the handshake's (IEEE 802.11-2020 §12.8.1) in front of the first.
            TKIP => {
                let [received, sent] = [4, 6].map(|word| TkipKey { cipher: self.key(0), code: self.key(word) });
                Ok(Cipher::Tkip { sent, received })
            }
            _ => Err(Refusal::Cipher),
        }
    }
}

/// What a slot's key is for.
enum Cipher {
    Ccmp([u8; 16]),
    Tkip { sent: TkipKey, received: TkipKey },
}

/// Why a frame was not encrypted or decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such key.
    NoKey,
    /// The key is of a cipher that is not modelled.
    Cipher,
    /// The frame is damaged, or was encrypted with another key.
    Damaged,
}

impl Keys {
    pub(super) fn read(&self, Word(at): Word) -> u32 {
        self.words[at]
    }

    pub(super) fn write(&mut self, Word(at): Word, value: u32) {
        self.words[at] = value;
    }

    fn slot(&self, number: usize, bank: &Bank<Register>) -> Option<Slot<'_>> {
        let is_valid = number < SLOTS && bank.value(Register::KeysValid) >> number & 1 != 0;
        is_valid.then(|| Slot(&self.words[number * WORDS..][..WORDS]))
    }

    /// Encrypts a frame that ends with its plain body and room for what the cipher puts there.
    pub(super) fn encrypt(&self, number: usize, frame: &[u8], bank: &Bank<Register>) -> Result<Vec<u8>, Refusal> {
        let cipher = self.slot(number, bank).ok_or(Refusal::NoKey)?.cipher()?;
        let room = match cipher {
            Cipher::Ccmp(_) => ccmp::MIC,
            Cipher::Tkip { .. } => tkip::CODE + tkip::CHECK_VALUE,
        };
        let frame = &frame[..frame.len().saturating_sub(room)];
        let encrypted = match cipher {
            Cipher::Ccmp(key) => ccmp::encrypt(&key, frame).ok(),
            Cipher::Tkip { sent, .. } => tkip::encrypt(&sent, frame).ok(),
        };
        encrypted.ok_or(Refusal::Damaged)
    }

    /// Decrypts a frame. The cipher's header and the check code behind the body stay where they are.
    pub(super) fn decrypt(&self, header: &Header<'_>, frame: &[u8], bank: &Bank<Register>) -> Result<Vec<u8>, Refusal> {
        let (_, key_id) = ccmp::read_header(frame).ok_or(Refusal::Damaged)?;
        let fits = |slot: &Slot<'_>| {
            if is_group(header.receiver()) {
                let is_network = Some(slot.address()) == bssid(header);
                slot.flag(flags::CLASS) == GROUP && is_network && slot.flag(flags::KEY_ID) == u32::from(key_id)
            } else {
                slot.flag(flags::CLASS) != GROUP && slot.address() == header.transmitter()
            }
        };
        let slot = (0..SLOTS).filter_map(|number| self.slot(number, bank)).find(fits).ok_or(Refusal::NoKey)?;
        let plain = match slot.cipher()? {
            Cipher::Ccmp(key) => ccmp::decrypt(&key, frame).ok(),
            Cipher::Tkip { received, .. } => tkip::decrypt(&received, frame).ok(),
        };
        let mut plain = plain.ok_or(Refusal::Damaged)?;
        plain.extend_from_slice(&frame[plain.len()..]);
        Ok(plain)
    }
}
