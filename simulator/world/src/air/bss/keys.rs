//! An access point's handshakes: the four messages with a station that joins, and new keys for the group.

use std::time::Duration;

use rand_core::RngCore;
use simulator_wlan::data;
use simulator_wlan::eapol::Refusal;
use simulator_wlan::group::{GroupKey, GroupSecret};
use simulator_wlan::handshake::{Authenticator, Step};
use simulator_wlan::header::Mac;
use simulator_wlan::keys::{NetworkKey, network_key};
use simulator_wlan::management::{Body, REASON_GROUP_TIMEOUT, REASON_HANDSHAKE_TIMEOUT};
use simulator_wlan::tkip::TkipKey;

use super::super::access_point::Security;
use super::client::{Handshake, PairKey};
use super::{Bss, Effect, Outgoing, Timer, bodies};
use simulator_record::events::{JoinFailure, LinkLoss};
use simulator_record::random::Stream;
use simulator_record::time::Instant;

/// So often is a message sent in all, so long apart.
const TRIES: u8 = 4;
const PATIENCE: Duration = Duration::from_secs(1);

/// A key for what is for all: where stations of WPA are to read it, one of TKIP.
pub(super) fn new_group_key(security: &Security, id: u8, random: &mut Stream) -> GroupKey {
    let mut cipher = [0; 16];
    random.fill_bytes(&mut cipher);
    if !matches!(security, Security::Mixed(_)) {
        return GroupKey::ccmp(id, cipher);
    }
    let mut code = [0; 8];
    random.fill_bytes(&mut code);
    GroupKey { id, secret: GroupSecret::Tkip(TkipKey { cipher, code }) }
}

impl Bss {
    /// The network's key; worked out once, for it takes a few milliseconds.
    fn network_key(&mut self) -> NetworkKey {
        let Some(passphrase) = self.config.security.passphrase() else { return [0; 32] };
        *self.network_key.get_or_insert_with(|| network_key(passphrase, self.config.name.as_bytes()))
    }

    /// A station is associated; at `at` the first message goes out.
    pub(super) fn begin_handshake(&mut self, at: Instant, mac: Mac) {
        let mut nonce = [0; 32];
        self.random.fill_bytes(&mut nonce);
        let (key, rsn) = (self.network_key(), bodies::rsn(&self.config));
        let authenticator = Authenticator::new(key, self.config.bssid, mac, nonce, rsn);
        if let Some(client) = self.clients.get_mut(&mac) {
            client.handshake = Some(Handshake { authenticator, message: 0, tries: 0, wrong_passphrase: false });
            self.repeat(at, mac);
        }
    }

    /// Sends the message that awaits an answer, at `at`.
    fn repeat(&mut self, at: Instant, mac: Mac) {
        let handshake = self.clients.get_mut(&mac).and_then(|client| client.handshake.as_mut());
        let Some(handshake) = handshake else { return };
        let Some(message) = handshake.authenticator.repeat() else { return };
        handshake.tries += 1;
        self.await_answer(at, mac, &message);
    }

    fn await_answer(&mut self, at: Instant, mac: Mac, message: &[u8]) {
        self.messages += 1;
        let number = self.messages;
        if let Some(handshake) = self.clients.get_mut(&mac).and_then(|client| client.handshake.as_mut()) {
            handshake.message = number;
        }
        let ethernet = [&mac[..], &self.config.bssid, &data::EAPOL.to_be_bytes(), message].concat();
        self.schedule(at, Timer::Send(Outgoing::Data { to: mac, ethernet, more: false }));
        self.schedule(at + PATIENCE, Timer::Handshake(mac, number));
    }

    /// No answer has come to a message.
    pub(super) fn no_answer(&mut self, at: Instant, mac: Mac, message: u32) {
        let Some(client) = self.clients.get(&mac) else { return };
        let Some(handshake) = client.handshake.as_ref().filter(|handshake| handshake.message == message) else {
            return;
        };
        if handshake.tries < TRIES {
            return self.repeat(at, mac);
        }
        let (radio, joined) = (client.radio, client.joined);
        let why = if handshake.wrong_passphrase { JoinFailure::WrongPassphrase } else { JoinFailure::Timeout };
        let reason = if joined { REASON_GROUP_TIMEOUT } else { REASON_HANDSHAKE_TIMEOUT };
        let frame = Body::Deauthentication { reason }.frame(mac, self.config.bssid, self.config.bssid);
        self.enqueue(Outgoing::Management(frame));
        if !joined {
            self.effects.push(Effect::Failed { at, radio, why, status: None });
        }
        self.remove(at, mac, LinkLoss::Deauthenticated);
    }

    /// A station's answer has come, in an Ethernet frame.
    pub(super) fn key_frame(&mut self, at: Instant, mac: Mac, ethernet: &[u8]) {
        let (group, group_sent) = (self.group, self.group_sent);
        let Some(client) = self.clients.get_mut(&mac) else { return };
        let Some(handshake) = &mut client.handshake else { return };
        let radio = client.radio;
        match handshake.authenticator.receive(&ethernet[14..], &group, group_sent) {
            Ok(Step::Send(third)) => {
                handshake.tries = 1;
                self.await_answer(at + Duration::from_millis(2), mac, &third);
            }
            Ok(Step::Established(key)) => {
                handshake.message = 0;
                client.key = Some(PairKey::new(key));
                client.joined = true;
                self.effects.push(Effect::Joined { at, radio, mac });
            }
            Ok(Step::GroupKeyTaken) => handshake.message = 0,
            Err(Refusal::WrongMic) if !handshake.authenticator.has_derived() => handshake.wrong_passphrase = true,
            Err(_) => {}
        }
    }

    /// Lets the group's key be renewed when it is time, as it is set up.
    pub(super) fn renew_group_key_later(&mut self, at: Instant) {
        if let Some(period) = self.config.features.group_rekey {
            self.schedule(at + period, Timer::Rekey);
        }
    }

    /// Gives the group a new key and tells all stations, which have to answer. Frames to the group are encrypted with
    /// it at once.
    pub(in crate::air) fn renew_group_key(&mut self, at: Instant) {
        if !bodies::is_protected(&self.config) {
            return;
        }
        self.group = new_group_key(&self.config.security, 3 - self.group.id, &mut self.random);
        self.group_sent = 0;
        let joined: Vec<Mac> = self.clients.iter().filter(|(_, client)| client.joined).map(|(mac, _)| *mac).collect();
        for mac in joined {
            let group = self.group;
            let handshake = self.clients.get_mut(&mac).and_then(|client| client.handshake.as_mut());
            let Some(handshake) = handshake else { continue };
            handshake.tries = 1;
            if let Some(message) = handshake.authenticator.renew(&group, 0) {
                self.await_answer(at, mac, &message);
            }
        }
    }
}
