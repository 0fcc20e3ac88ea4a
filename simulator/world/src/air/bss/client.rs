//! What an access point knows of one station at register level.

use std::collections::VecDeque;

use simulator_wlan::ccmp;
use simulator_wlan::data;
use simulator_wlan::handshake::Authenticator;
use simulator_wlan::header::{Header, PROTECTED};
use simulator_wlan::keys::TemporalKey;

use super::super::radio::RadioId;

/// So many frames are kept for a station that sleeps; then the oldest is given up.
const KEPT: usize = 64;

/// A station, from its authentication on.
pub(super) struct Client {
    pub(super) radio: RadioId,
    /// Its association identifier, once it is associated.
    pub(super) association: Option<u16>,
    /// Of a network that is protected.
    pub(super) handshake: Option<Handshake>,
    pub(super) key: Option<PairKey>,
    /// Whether its Ethernet frames pass.
    pub(super) joined: bool,
    /// Whether it said that it sleeps.
    pub(super) sleeps: bool,
    /// The Ethernet frames kept for it.
    kept: VecDeque<Vec<u8>>,
    /// That of the last frame, by which a repeated one is told.
    last_sequence: Option<u16>,
}

/// A handshake that goes on.
pub(super) struct Handshake {
    pub(super) authenticator: Authenticator,
    /// Tells the message that is awaited from earlier ones.
    pub(super) message: u32,
    pub(super) tries: u8,
    /// The second message came and was signed with another key.
    pub(super) wrong_passphrase: bool,
}

/// The key of a pair, and what it has been used for.
pub(super) struct PairKey {
    pub(super) key: TemporalKey,
    pub(super) sent: u64,
    /// The last packet number by traffic identifier, the last for frames without one.
    received: [u64; 17],
}

impl PairKey {
    pub(super) fn new(key: TemporalKey) -> Self {
        Self { key, sent: 0, received: [0; 17] }
    }
}

impl Client {
    pub(super) fn new(radio: RadioId) -> Self {
        Self {
            radio,
            association: None,
            handshake: None,
            key: None,
            joined: false,
            sleeps: false,
            kept: VecDeque::new(),
            last_sequence: None,
        }
    }

    /// Whether a frame is the last one once more.
    pub(super) fn has_had(&mut self, header: &Header<'_>, is_retry: bool) -> bool {
        let before = self.last_sequence.replace(header.sequence_control());
        is_retry && before == self.last_sequence
    }

    /// Keeps a frame until the station wakes.
    pub(super) fn keep(&mut self, ethernet: Vec<u8>) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(ethernet);
    }

    /// Takes the oldest frame that is kept.
    pub(super) fn take_kept(&mut self) -> Option<Vec<u8>> {
        self.kept.pop_front()
    }

    pub(super) fn has_kept(&self) -> bool {
        !self.kept.is_empty()
    }

    /// The Ethernet frame in one of its data frames; `None` if it carries none, is not protected as it should be, or
    /// has come before.
    pub(super) fn open(&mut self, header: &Header<'_>, frame: &[u8], is_protected: bool) -> Option<Vec<u8>> {
        if !data::carries_data(header) {
            return None;
        }
        if !header.has(PROTECTED) {
            // Handshakes are in the clear until the keys are there.
            return data::to_ethernet(frame).filter(|ethernet| !is_protected || is_eapol(ethernet));
        }
        let key = self.key.as_mut()?;
        let (packet_number, _) = ccmp::read_header(frame)?;
        let traffic = header.qos_control().map_or(16, |control| usize::from(control & 0xF));
        let opened = ccmp::decrypt(&key.key, frame).ok()?;
        if packet_number <= key.received[traffic] {
            return None;
        }
        key.received[traffic] = packet_number;
        data::to_ethernet(&opened)
    }
}

/// Whether an Ethernet frame is one of a handshake.
pub(super) fn is_eapol(ethernet: &[u8]) -> bool {
    ethernet.get(12..14) == Some(&data::EAPOL.to_be_bytes())
}
