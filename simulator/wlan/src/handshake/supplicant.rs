//! The station's side.

use super::unwrap;
use crate::eapol::{self, ACK, ENCRYPTED, INSTALL, KeyFrame, MIC, PAIRWISE, Refusal, SECURE, VERSION_AES};
use crate::element::{self, Elements};
use crate::group::GroupKey;
use crate::header::Mac;
use crate::keys::{NetworkKey, Nonce, Pair, PairKeys, TemporalKey};

/// What a message leads to: an answer, and keys that are used once the answer is through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer.
    pub frame: Vec<u8>,
    /// The pair's key, after the third message.
    pub temporal: Option<TemporalKey>,
    /// The group's key, and the packet number it has come to.
    pub group: Option<(GroupKey, u64)>,
}

/// A station's handshake with its access point.
#[derive(Clone, Debug)]
pub struct Supplicant {
    key: NetworkKey,
    pair: Pair,
    /// The RSN element of its association request, whole.
    rsn: Vec<u8>,
    /// What an RSN element of the access point holds, as its beacons have it; the third message must agree.
    heard: Option<Vec<u8>>,
    keys: Option<PairKeys>,
    /// That of the last signed message.
    replay_counter: Option<u64>,
}

impl Supplicant {
    /// A handshake that has not begun. `rsn` is the RSN element of the association request, whole; `heard` what that of
    /// the access point's beacons holds.
    pub fn new(
        key: NetworkKey,
        authenticator: Mac,
        supplicant: Mac,
        nonce: Nonce,
        rsn: Vec<u8>,
        heard: Option<Vec<u8>>,
    ) -> Self {
        let pair = Pair { authenticator, supplicant, authenticator_nonce: [0; 32], supplicant_nonce: nonce };
        Self { key, pair, rsn, heard, keys: None, replay_counter: None }
    }

    /// Takes a message.
    ///
    /// # Errors
    /// If it leads nowhere; then the handshake stands where it stood.
    pub fn receive(&mut self, payload: &[u8]) -> Result<Reply, Refusal> {
        let frame = KeyFrame::parse(payload)?;
        if !frame.has(ACK) {
            return Err(Refusal::Order);
        }
        if self.replay_counter.is_some_and(|last| frame.replay_counter <= last) {
            return Err(Refusal::Replay);
        }
        match (frame.has(PAIRWISE), frame.has(MIC)) {
            (true, false) => Ok(self.second(&frame)),
            (true, true) => self.fourth(&frame, payload),
            (false, true) => self.renewed(&frame, payload),
            (false, false) => Err(Refusal::Order),
        }
    }

    fn second(&mut self, first: &KeyFrame) -> Reply {
        self.pair.authenticator_nonce = first.nonce;
        let keys = PairKeys::derive(&self.key, &self.pair);
        let answer = KeyFrame {
            information: VERSION_AES | PAIRWISE | MIC,
            key_length: 0,
            replay_counter: first.replay_counter,
            nonce: self.pair.supplicant_nonce,
            receive_counter: [0; 8],
            data: self.rsn.clone(),
        };
        let frame = answer.bytes(Some(&keys));
        self.keys = Some(keys);
        Reply { frame, temporal: None, group: None }
    }

    fn fourth(&mut self, third: &KeyFrame, payload: &[u8]) -> Result<Reply, Refusal> {
        let keys = self.keys.as_ref().ok_or(Refusal::Order)?;
        eapol::verify(payload, keys)?;
        if third.nonce != self.pair.authenticator_nonce {
            return Err(Refusal::Nonce);
        }
        if !third.has(INSTALL | ENCRYPTED) {
            return Err(Refusal::KeyData);
        }
        let (data, group) = unwrap(&third.data, keys)?;
        let said = Elements(&data).find(element::RSN);
        if self.heard.as_deref().is_some_and(|heard| said != Some(heard)) {
            return Err(Refusal::KeyData);
        }
        let (frame, temporal) = (answer(third, PAIRWISE).bytes(Some(keys)), keys.temporal);
        self.replay_counter = Some(third.replay_counter);
        Ok(Reply { frame, temporal: Some(temporal), group: Some((group, counter(third))) })
    }

    fn renewed(&mut self, message: &KeyFrame, payload: &[u8]) -> Result<Reply, Refusal> {
        let keys = self.keys.as_ref().filter(|_| self.replay_counter.is_some()).ok_or(Refusal::Order)?;
        eapol::verify(payload, keys)?;
        let (_, group) = unwrap(&message.data, keys)?;
        let frame = answer(message, 0).bytes(Some(keys));
        self.replay_counter = Some(message.replay_counter);
        Ok(Reply { frame, temporal: None, group: Some((group, counter(message))) })
    }

    /// Whether the first message has come and been answered.
    pub fn has_answered(&self) -> bool {
        self.keys.is_some()
    }
}

fn answer(to: &KeyFrame, about: u16) -> KeyFrame {
    KeyFrame {
        information: VERSION_AES | about | MIC | SECURE,
        key_length: 0,
        replay_counter: to.replay_counter,
        nonce: [0; 32],
        receive_counter: [0; 8],
        data: Vec::new(),
    }
}

fn counter(frame: &KeyFrame) -> u64 {
    u64::from_le_bytes(frame.receive_counter) & crate::ccmp::LAST_PACKET_NUMBER
}
