//! A phone (or a device without 802.11 of its own) that joins a radio's access point frame by frame: it authenticates,
//! associates, shakes hands as the supplicant, encrypts and decrypts (IEEE 802.11-2020 §11.3, §12.7.6).
//!
//! It begins when the network has been found and chosen; what comes of it are [`Effect`]s. Frames in the air come in
//! with [`FrameStation::receive`], Ethernet frames that it is to send with [`FrameStation::send`].
//!
//! Not modelled: power save, other rates than 24 Mbit/s for data, an access point that is looked for while joined.

use std::collections::VecDeque;
use std::time::Duration;

use rand_core::RngCore;
use simulator_wlan::ccmp;
use simulator_wlan::data::{self, Way};
use simulator_wlan::element::{self, Elements, Rsn};
use simulator_wlan::group::GroupKey;
use simulator_wlan::handshake::{Reply, Supplicant};
use simulator_wlan::header::{FROM_DS, Header, Mac, PROTECTED, RETRY, Type, is_group};
use simulator_wlan::keys::{TemporalKey, network_key};
use simulator_wlan::management::{
    Body, CAPABILITY_ESS, CAPABILITY_PRIVACY, CAPABILITY_SHORT_SLOT, REASON_HANDSHAKE_TIMEOUT, REASON_LEAVING,
    STATUS_SUCCESS,
};
use simulator_wlan::rate::Rate;

use super::access_point::Security;
use super::radio::RadioFrame;
use super::transmitter::{OnAir, Transmitter};
use simulator_record::events::{JoinFailure, LinkLoss};
use simulator_record::random::Stream;
use simulator_record::time::Instant;

/// So often is a request sent in all, so long apart.
const TRIES: u8 = 4;
const PATIENCE: Duration = Duration::from_millis(500);
/// For all of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(6);
/// So many frames wait to be sent; more are given up.
const QUEUE: usize = 256;
/// 1, 2, 5.5, 11, 6, 12, 24 and 54 Mbit/s.
const RATES: [u8; 8] = [0x82, 0x84, 0x8B, 0x96, 0x0C, 0x18, 0x30, 0x6C];

/// What comes of frames and time.
#[derive(Debug)]
pub(super) enum Effect {
    /// A frame is on the air.
    OnAir(OnAir),
    /// It has joined.
    Joined,
    /// It could not join.
    Failed(JoinFailure),
    /// It is no longer joined.
    Lost(LinkLoss),
}

/// The access point that is joined, as its beacons tell of it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) bssid: Mac,
    pub(super) channel: u8,
    /// What its RSN element holds, if it has one.
    pub(super) rsn: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Authenticating,
    Associating,
    Handshaking,
    Joined,
    Over,
}

/// Something to be sent.
enum Outgoing {
    Management(Vec<u8>),
    Ethernet(Vec<u8>),
    /// An answer in the handshake, after which keys are used.
    Answer(Vec<u8>, Option<TemporalKey>),
}

/// A station.
pub(super) struct FrameStation {
    mac: Mac,
    target: Target,
    /// What it answers to the access point's RSN element.
    rsn: Option<Rsn>,
    security: Security,
    random: Stream,
    state: State,
    tries: u8,
    deadline: Option<Instant>,
    supplicant: Option<Supplicant>,
    key: Option<TemporalKey>,
    sent: u64,
    received: u64,
    /// By identifier, with the last packet number.
    groups: [Option<(GroupKey, u64)>; 4],
    last_sequence: Option<u16>,
    transmitter: Transmitter,
    /// Until an acknowledgement that it owes is through.
    busy_until: Instant,
    queue: VecDeque<Outgoing>,
    effects: Vec<Effect>,
}

impl FrameStation {
    /// A station that begins to join at `at`.
    pub(super) fn new(at: Instant, mac: Mac, target: Target, security: Security, random: Stream) -> Self {
        let transmitter = Transmitter::new(target.channel);
        let rsn = target.rsn.as_ref().map(|heard| Rsn::parse(heard).and_then(|rsn| rsn.answer()));
        let fits = rsn.as_ref().is_none_or(Result::is_ok);
        let mut station = Self {
            mac,
            target,
            rsn: rsn.and_then(Result::ok),
            security,
            random,
            state: State::Authenticating,
            tries: 0,
            deadline: None,
            supplicant: None,
            key: None,
            sent: 0,
            received: 0,
            groups: [None; 4],
            last_sequence: None,
            transmitter,
            busy_until: at,
            queue: VecDeque::new(),
            effects: Vec::new(),
        };
        if fits {
            station.ask(at);
        } else {
            station.fail(JoinFailure::SecurityMismatch);
        }
        station
    }

    /// Takes what has come of frames and time since the last time.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// When [`FrameStation::advance`] has something to do.
    pub(super) fn next_event(&self) -> Option<Instant> {
        [self.deadline, self.transmitter.done_at()].into_iter().flatten().min()
    }

    /// Does what is due at `at`.
    pub(super) fn advance(&mut self, at: Instant) {
        if self.transmitter.done_at().is_some_and(|done| done <= at) {
            let again = self.transmitter.finish(at);
            self.effects.extend(again.map(Effect::OnAir));
        }
        if self.deadline.take_if(|deadline| *deadline <= at).is_some() {
            match self.state {
                State::Authenticating | State::Associating if self.tries < TRIES => self.ask(at),
                State::Authenticating | State::Associating => self.fail(JoinFailure::Timeout),
                State::Handshaking => {
                    // Without it some access points keep its place, and refuse it when it comes again.
                    self.say_farewell(at, REASON_HANDSHAKE_TIMEOUT);
                    self.fail(self.why_no_handshake());
                }
                State::Joined | State::Over => {}
            }
        }
        self.pump(at);
    }

    /// An access point that knows another passphrase does not answer the second message.
    fn why_no_handshake(&self) -> JoinFailure {
        let answered = self.supplicant.as_ref().is_some_and(Supplicant::has_answered);
        if answered { JoinFailure::WrongPassphrase } else { JoinFailure::Timeout }
    }

    /// Sends the request that the state is about.
    fn ask(&mut self, at: Instant) {
        self.tries += 1;
        self.deadline = Some(at + PATIENCE);
        let frame = match self.state {
            State::Authenticating => {
                let body = Body::Authentication { algorithm: 0, sequence: 1, status: 0, elements: Elements(&[]) };
                self.frame(body)
            }
            _ => {
                let mut elements = Vec::new();
                element::push(&mut elements, element::SSID, self.target.name.as_bytes());
                element::push(&mut elements, element::RATES, &RATES);
                elements.extend(self.own_rsn());
                let privacy = if self.target.rsn.is_some() { CAPABILITY_PRIVACY } else { 0 };
                self.frame(Body::AssociationRequest {
                    capability: CAPABILITY_ESS | CAPABILITY_SHORT_SLOT | privacy,
                    listen_interval: 3,
                    elements: Elements(&elements),
                })
            }
        };
        self.enqueue(Outgoing::Management(frame));
        self.pump(at);
    }

    fn frame(&self, body: Body<'_>) -> Vec<u8> {
        body.frame(self.target.bssid, self.mac, self.target.bssid)
    }

    /// The RSN element of its association request, of a protected network.
    fn own_rsn(&self) -> Vec<u8> {
        let mut element = Vec::new();
        if let Some(rsn) = &self.rsn {
            element::push(&mut element, element::RSN, &rsn.content());
        }
        element
    }

    fn enqueue(&mut self, outgoing: Outgoing) {
        if self.queue.len() < QUEUE {
            self.queue.push_back(outgoing);
        }
    }

    /// Puts the next frame on the air if none is.
    fn pump(&mut self, at: Instant) {
        while self.transmitter.is_idle()
            && let Some(outgoing) = self.queue.pop_front()
        {
            let (frame, rate) = match outgoing {
                Outgoing::Management(frame) => (Some(frame), Rate::ONE_MEGABIT),
                Outgoing::Ethernet(ethernet) => (self.seal(&ethernet), Rate::TWENTY_FOUR_MEGABITS),
                Outgoing::Answer(ethernet, key) => {
                    let frame = self.seal(&ethernet);
                    if let Some(key) = key {
                        self.use_key(key);
                    }
                    (frame, Rate::ONE_MEGABIT)
                }
            };
            let Some(mut frame) = frame else { continue };
            self.transmitter.number(&mut frame);
            let sent = self.transmitter.send(at.max(self.busy_until), frame, rate, None);
            self.effects.push(Effect::OnAir(sent));
        }
    }

    /// From now on the pair's key is used. A third message that came again brings the one there is: its numbers go on.
    fn use_key(&mut self, key: TemporalKey) {
        if self.key != Some(key) {
            self.key = Some(key);
            (self.sent, self.received) = (0, 0);
        }
        if self.state == State::Handshaking {
            self.join();
        }
    }

    fn seal(&mut self, ethernet: &[u8]) -> Option<Vec<u8>> {
        let mut frame = data::from_ethernet(ethernet, Way::ToAccessPoint, self.target.bssid)?;
        let Some(key) = &self.key else { return Some(frame) };
        self.sent += 1;
        data::add_ccmp_header(&mut frame, self.sent, 0);
        ccmp::encrypt(key, &frame).ok()
    }

    /// Sends an Ethernet frame, if it has joined.
    pub(super) fn send(&mut self, at: Instant, ethernet: &[u8]) {
        if self.state == State::Joined {
            self.enqueue(Outgoing::Ethernet(ethernet.to_vec()));
            self.pump(at);
        }
    }

    /// A radio says that it has not taken a frame that was for it.
    pub(super) fn missed(&mut self, frame: &RadioFrame) {
        self.transmitter.missed(frame);
    }

    /// Whether frames to this address are for it.
    pub(super) fn is_at(&self, channel: u8, address: Mac) -> bool {
        self.mac == address && self.target.channel == channel && self.state != State::Over
    }

    /// It leaves; a farewell frame says so to the access point.
    pub(super) fn leave(mut self, at: Instant) -> Vec<Effect> {
        if matches!(self.state, State::Handshaking | State::Joined) {
            self.say_farewell(at, REASON_LEAVING);
        }
        self.effects
    }

    /// Sends a deauthentication, behind what is on the air.
    fn say_farewell(&mut self, at: Instant, reason: u16) {
        let mut frame = self.frame(Body::Deauthentication { reason });
        self.transmitter.number(&mut frame);
        let at = self.transmitter.done_at().map_or(at, |done| done.max(at));
        self.effects.push(Effect::OnAir(self.transmitter.send(at, frame, Rate::ONE_MEGABIT, None)));
    }

    /// A frame has arrived from the radio whose access point it joins; returns the Ethernet frame in it, if it carries
    /// one.
    pub(super) fn receive(&mut self, at: Instant, frame: &RadioFrame) -> Option<Vec<u8>> {
        let (rate, frame) = (frame.rate, &frame.bytes);
        let header = Header::of(frame).filter(|header| header.transmitter() == self.target.bssid)?;
        let for_us = header.receiver() == self.mac;
        if !for_us && !is_group(header.receiver()) || self.state == State::Over {
            return None;
        }
        if for_us {
            self.busy_until = at + rate.acknowledgement_time();
        }
        match header.kind() {
            Type::Management => {
                if let Some(body) = Body::of(&header) {
                    self.told(at, body, for_us);
                }
                None
            }
            Type::Data if header.has(FROM_DS) => {
                let before = self.last_sequence.replace(header.sequence_control());
                if header.has(RETRY) && before == self.last_sequence {
                    return None;
                }
                let ethernet = self.open(&header, frame)?;
                if ethernet.get(12..14) == Some(&data::EAPOL.to_be_bytes()) {
                    self.key_frame(at, &ethernet[14..]);
                    return None;
                }
                // What it sent to all comes back from the access point.
                (self.state == State::Joined && ethernet[6..12] != self.mac).then_some(ethernet)
            }
            _ => None,
        }
    }

    fn told(&mut self, at: Instant, body: Body<'_>, for_us: bool) {
        match (self.state, body) {
            (State::Authenticating, Body::Authentication { algorithm: 0, sequence: 2, status, .. }) if for_us => {
                if status == STATUS_SUCCESS {
                    self.state = State::Associating;
                    self.tries = 0;
                    self.ask(at);
                } else {
                    self.fail(JoinFailure::Refused);
                }
            }
            (State::Associating, Body::AssociationResponse { status, .. }) if for_us => {
                if status != STATUS_SUCCESS {
                    self.fail(JoinFailure::Refused);
                } else if self.target.rsn.is_some() {
                    self.state = State::Handshaking;
                    self.deadline = Some(at + HANDSHAKE);
                } else {
                    self.join();
                }
            }
            (_, Body::Deauthentication { .. } | Body::Disassociation { .. }) => match self.state {
                State::Joined => {
                    self.state = State::Over;
                    self.effects.push(Effect::Lost(LinkLoss::Deauthenticated));
                }
                State::Handshaking => self.fail(self.why_no_handshake()),
                State::Associating => self.fail(JoinFailure::Refused),
                // What it says of an association from before.
                State::Authenticating | State::Over => {}
            },
            _ => {}
        }
    }

    fn join(&mut self) {
        self.state = State::Joined;
        self.deadline = None;
        self.effects.push(Effect::Joined);
    }

    fn fail(&mut self, why: JoinFailure) {
        self.state = State::Over;
        self.deadline = None;
        self.effects.push(Effect::Failed(why));
    }

    /// The Ethernet frame in a data frame, if it is protected as it should be and has not come before.
    fn open(&mut self, header: &Header<'_>, frame: &[u8]) -> Option<Vec<u8>> {
        if !data::carries_data(header) {
            return None;
        }
        if !header.has(PROTECTED) {
            let ethernet = data::to_ethernet(frame)?;
            let is_eapol = ethernet.get(12..14) == Some(&data::EAPOL.to_be_bytes());
            return (self.target.rsn.is_none() || is_eapol).then_some(ethernet);
        }
        let (opened, packet_number, received) = if is_group(header.receiver()) {
            // TKIP has the identifier where CCMP has it.
            let (_, id) = ccmp::read_header(frame)?;
            let (key, received) = self.groups[usize::from(id)].as_mut()?;
            let (packet_number, opened) = key.open(frame)?;
            (opened, packet_number, received)
        } else {
            let (packet_number, _) = ccmp::read_header(frame)?;
            (ccmp::decrypt(self.key.as_ref()?, frame).ok()?, packet_number, &mut self.received)
        };
        if packet_number <= *received {
            return None;
        }
        *received = packet_number;
        data::to_ethernet(&opened)
    }

    fn key_frame(&mut self, at: Instant, payload: &[u8]) {
        let Some(passphrase) = self.security.passphrase() else { return };
        if !matches!(self.state, State::Handshaking | State::Joined) {
            return;
        }
        let (target, mac) = (&self.target, self.mac);
        if self.supplicant.is_none() {
            let mut nonce = [0; 32];
            self.random.fill_bytes(&mut nonce);
            let key = network_key(passphrase, target.name.as_bytes());
            let heard = target.rsn.clone();
            self.supplicant = Some(Supplicant::new(key, target.bssid, mac, nonce, self.own_rsn(), heard));
        }
        let Some(Ok(Reply { frame, temporal, group })) = self.supplicant.as_mut().map(|it| it.receive(payload)) else {
            return;
        };
        let ethernet = [&self.target.bssid[..], &mac, &data::EAPOL.to_be_bytes(), &frame].concat();
        if let Some((key, packet_number)) = group
            && self.groups[usize::from(key.id)].is_none_or(|(known, _)| known != key)
        {
            self.groups[usize::from(key.id)] = Some((key, packet_number));
        }
        self.enqueue(Outgoing::Answer(ethernet, temporal));
        self.pump(at);
    }
}
