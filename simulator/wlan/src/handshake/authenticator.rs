//! The access point's side.

use super::wrap;
use crate::eapol::{
    self, ACK, ENCRYPTED, ERROR, INSTALL, KeyFrame, MIC, PAIRWISE, REQUEST, Refusal, SECURE, VERSION_AES,
};
use crate::group::GroupKey;
use crate::header::Mac;
use crate::keys::{NetworkKey, Nonce, Pair, PairKeys, TemporalKey};

/// What an answer leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The second message is right; the third is to be sent.
    Send(Vec<u8>),
    /// The fourth message is right: the pair's key is used from now on.
    Established(TemporalKey),
    /// The station has the group's new key.
    GroupKeyTaken,
}

/// Where the handshake stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// For the second message.
    Offered,
    /// For the fourth.
    Derived(PairKeys, GroupKey, [u8; 8]),
    /// For nothing.
    Established(PairKeys),
    /// For the answer to a new group key.
    Renewing(PairKeys, GroupKey, [u8; 8]),
}

/// An access point's handshake with one station.
#[derive(Clone, Debug)]
pub struct Authenticator {
    key: NetworkKey,
    pair: Pair,
    /// The RSN element of its beacons, whole.
    rsn: Vec<u8>,
    replay_counter: u64,
    state: State,
}

impl Authenticator {
    /// A handshake that begins, for the network's `key`, between the `authenticator` and the `supplicant`. `rsn` is the
    /// RSN element of the beacons, whole; the first message has the replay counter 1.
    pub fn new(key: NetworkKey, authenticator: Mac, supplicant: Mac, nonce: Nonce, rsn: Vec<u8>) -> Self {
        let pair = Pair { authenticator, supplicant, authenticator_nonce: nonce, supplicant_nonce: [0; 32] };
        Self { key, pair, rsn, replay_counter: 0, state: State::Offered }
    }

    /// The message whose answer is awaited, with the next replay counter; `None` once there is nothing to wait for.
    pub fn repeat(&mut self) -> Option<Vec<u8>> {
        self.replay_counter += 1;
        let message = |information: u16, nonce: Nonce, receive_counter: [u8; 8], data: Vec<u8>| KeyFrame {
            information: VERSION_AES | information,
            key_length: if information & PAIRWISE != 0 { 16 } else { 0 },
            replay_counter: self.replay_counter,
            nonce,
            receive_counter,
            data,
        };
        match &self.state {
            State::Offered => {
                Some(message(PAIRWISE | ACK, self.pair.authenticator_nonce, [0; 8], Vec::new()).bytes(None))
            }
            State::Derived(keys, group, counter) => {
                let information = PAIRWISE | INSTALL | ACK | MIC | SECURE | ENCRYPTED;
                let data = wrap(&self.rsn, group, keys);
                Some(message(information, self.pair.authenticator_nonce, *counter, data).bytes(Some(keys)))
            }
            State::Renewing(keys, group, counter) => {
                let data = wrap(&[], group, keys);
                Some(message(ACK | MIC | SECURE | ENCRYPTED, [0; 32], *counter, data).bytes(Some(keys)))
            }
            State::Established(_) => None,
        }
    }

    /// Takes an answer. `group` is the group's key and `packet_number` the last that it has been used with, for the
    /// third message.
    ///
    /// # Errors
    /// If the frame leads nowhere; then the handshake stands where it stood.
    pub fn receive(&mut self, payload: &[u8], group: &GroupKey, packet_number: u64) -> Result<Step, Refusal> {
        let frame = KeyFrame::parse(payload)?;
        if !frame.has(MIC) || frame.information & (ACK | ERROR | REQUEST) != 0 {
            return Err(Refusal::Order);
        }
        if frame.replay_counter != self.replay_counter {
            return Err(Refusal::Replay);
        }
        let pairwise = frame.has(PAIRWISE);
        match &self.state {
            State::Offered if pairwise && !frame.has(SECURE) => {
                let pair = Pair { supplicant_nonce: frame.nonce, ..self.pair };
                let keys = PairKeys::derive(&self.key, &pair);
                eapol::verify(payload, &keys)?;
                self.pair = pair;
                self.state = State::Derived(keys, *group, packet_number.to_le_bytes());
                self.repeat().map(Step::Send).ok_or(Refusal::Order)
            }
            State::Derived(keys, ..) if pairwise && frame.data.is_empty() => {
                eapol::verify(payload, keys)?;
                let keys = keys.clone();
                let temporal = keys.temporal;
                self.state = State::Established(keys);
                Ok(Step::Established(temporal))
            }
            State::Renewing(keys, ..) if !pairwise => {
                eapol::verify(payload, keys)?;
                self.state = State::Established(keys.clone());
                Ok(Step::GroupKeyTaken)
            }
            _ => Err(Refusal::Order),
        }
    }

    /// Whether the second message was right: who sent it knows the network's key.
    pub fn has_derived(&self) -> bool {
        self.state != State::Offered
    }

    /// Begins to hand over a new group key; the message is to be sent encrypted. `None` before the handshake is
    /// through.
    pub fn renew(&mut self, group: &GroupKey, packet_number: u64) -> Option<Vec<u8>> {
        let (State::Established(keys) | State::Renewing(keys, ..)) = &self.state else { return None };
        self.state = State::Renewing(keys.clone(), *group, packet_number.to_le_bytes());
        self.repeat()
    }
}
