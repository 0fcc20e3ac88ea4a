//! An access point of the world towards radios at register level: beacons, probe responses, authentication, association,
//! the four-way handshake, encryption and power save (IEEE 802.11-2020 §11.1, §11.2.3, §11.3, §12.7.6). A basic service
//! set, in the standard's words.
//!
//! Frames of radios come in with [`Bss::receive`], Ethernet frames for them with [`Bss::deliver`]; at [`Bss::next_event`]
//! it wants to [`advance`](Bss::advance). What comes of all that are [`Effect`]s. Whom the network takes, and where
//! Ethernet frames go, is decided outside, for all stations alike.
//!
//! Not modelled: WEP, TKIP, WPA3, QoS (WMM), HT and aggregation, fragments, other intervals of beacons, hidden names,
//! stations that are sent away because they have been silent for long.

mod bodies;
mod client;
mod keys;
mod requests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand_core::RngCore;
use simulator_wlan::data::{self, Way};
use simulator_wlan::element::Elements;
use simulator_wlan::handshake::GroupKey;
use simulator_wlan::header::{BROADCAST, Header, Mac, POWER_MANAGEMENT, RETRY, TO_DS, Type, is_group};
use simulator_wlan::keys::NetworkKey;
use simulator_wlan::management::{Body, REASON_LEAVING, REASON_NOT_ASSOCIATED, REASON_NOT_AUTHENTICATED};
use simulator_wlan::rate::Rate;
use simulator_wlan::{ccmp, header};

use super::access_point::AccessPointConfig;
use super::radio::{RadioFrame, RadioId};
use super::transmitter::{OnAir, Transmitter};
use client::Client;
use simulator_record::events::{JoinFailure, LinkLoss};
use simulator_record::random::{Draw, Stream};
use simulator_record::time::Instant;

/// A beacon is due each so many microseconds: 100 time units of 1024 µs.
const BEACON_INTERVAL: u64 = 102_400;
/// So many frames wait to be sent; more are given up.
const QUEUE: usize = 256;
/// So many stations are in mind, joined or not.
const CLIENTS: usize = 64;
/// How long an answer takes: an access point's software, in nanoseconds.
const ANSWER: (u64, u64) = (400_000, 2_000_000);

/// What comes of frames and time.
#[derive(Debug)]
pub(super) enum Effect {
    /// A frame is on the air.
    OnAir(OnAir),
    /// A station is through with joining.
    Joined { at: Instant, radio: RadioId, mac: Mac },
    /// A station is not let in.
    Failed { at: Instant, radio: RadioId, why: JoinFailure },
    /// A station that had joined is no longer.
    Gone { at: Instant, radio: RadioId, reason: LinkLoss },
    /// A joined station has sent an Ethernet frame.
    Ethernet { at: Instant, radio: RadioId, frame: Vec<u8> },
}

/// Something to be sent.
#[derive(Debug)]
enum Outgoing {
    Beacon,
    ProbeResponse {
        to: Mac,
    },
    Management(Vec<u8>),
    /// An Ethernet frame for one station; whether more are kept for it.
    Data {
        to: Mac,
        ethernet: Vec<u8>,
        more: bool,
    },
    /// An Ethernet frame to a group, of whose members one is meant; whether more follow.
    Group {
        radio: RadioId,
        ethernet: Vec<u8>,
        more: bool,
    },
}

/// What is to happen by itself.
#[derive(Debug)]
enum Timer {
    Send(Outgoing),
    /// No answer has come to this message of a handshake with this station.
    Handshake(Mac, u32),
}

/// An access point.
pub(super) struct Bss {
    config: AccessPointConfig,
    up_since: Instant,
    /// What its clock showed then, in microseconds.
    clock_offset: u64,
    random: Stream,
    network_key: Option<NetworkKey>,
    group: GroupKey,
    group_sent: u64,
    clients: BTreeMap<Mac, Client>,
    transmitter: Transmitter,
    queue: VecDeque<Outgoing>,
    /// Ethernet frames to groups while stations sleep.
    kept_for_group: VecDeque<(RadioId, Vec<u8>)>,
    next_beacon: Instant,
    timers: BTreeMap<(Instant, u64), Timer>,
    scheduled: u64,
    messages: u32,
    effects: Vec<Effect>,
}

impl Bss {
    /// An access point that has come up at `up_since`, before `at`. Keys and nonces come from `random`.
    pub(super) fn new(config: AccessPointConfig, up_since: Instant, at: Instant, mut random: Stream) -> Self {
        let mut key = [0; 16];
        random.fill_bytes(&mut key);
        let transmitter = Transmitter::new(config.channel);
        // Access points do not beacon in step.
        let clock_offset = random.between(0, 1 << 40);
        let mut bss = Self {
            config,
            up_since,
            clock_offset,
            random,
            network_key: None,
            group: GroupKey { id: 1, key },
            group_sent: 0,
            clients: BTreeMap::new(),
            transmitter,
            queue: VecDeque::new(),
            kept_for_group: VecDeque::new(),
            next_beacon: at,
            timers: BTreeMap::new(),
            scheduled: 0,
            messages: 0,
            effects: Vec::new(),
        };
        bss.next_beacon = bss.beacon_after(at);
        bss
    }

    /// The access point's clock (TSF), in microseconds.
    fn clock(&self, at: Instant) -> u64 {
        self.clock_offset + at.saturating_since(self.up_since).as_micros() as u64
    }

    fn beacon_after(&self, at: Instant) -> Instant {
        at + Duration::from_micros(BEACON_INTERVAL - self.clock(at) % BEACON_INTERVAL)
    }

    /// Takes what has come of frames and time since the last time.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// When [`Bss::advance`] has something to do.
    pub(super) fn next_event(&self) -> Instant {
        let timer = self.timers.first_key_value().map(|((at, _), _)| *at);
        [self.transmitter.done_at(), timer].into_iter().flatten().fold(self.next_beacon, Instant::min)
    }

    /// Does what is due at `at`, which nothing is before.
    pub(super) fn advance(&mut self, at: Instant) {
        if self.transmitter.done_at().is_some_and(|done| done <= at) {
            let again = self.transmitter.finish(at);
            self.effects.extend(again.map(Effect::OnAir));
        }
        while let Some(entry) = self.timers.first_entry()
            && entry.key().0 <= at
        {
            match entry.remove() {
                Timer::Send(Outgoing::Data { to, ethernet, .. }) if self.is_asleep(to) => self.keep(to, ethernet),
                Timer::Send(outgoing) => self.enqueue(outgoing),
                Timer::Handshake(mac, message) => self.no_answer(at, mac, message),
            }
        }
        if self.next_beacon <= at {
            self.next_beacon = self.beacon_after(at);
            self.release_group();
            self.queue.push_front(Outgoing::Beacon);
        }
        self.pump(at);
    }

    /// Lets something be sent after an answer's time.
    fn answer(&mut self, at: Instant, outgoing: Outgoing) {
        let later = Duration::from_nanos(self.random.between(ANSWER.0, ANSWER.1));
        self.schedule(at + later, Timer::Send(outgoing));
    }

    fn schedule(&mut self, at: Instant, timer: Timer) {
        // Whoever asks faster than answers go out gets none.
        if self.timers.len() < QUEUE {
            self.timers.insert((at, self.scheduled), timer);
            self.scheduled += 1;
        }
    }

    fn enqueue(&mut self, outgoing: Outgoing) {
        if self.queue.len() < QUEUE {
            self.queue.push_back(outgoing);
        }
    }

    /// Behind each beacon, which is a DTIM, frames to groups follow: stations that sleep are awake then.
    fn release_group(&mut self) {
        let mut more = false;
        for (radio, ethernet) in self.kept_for_group.drain(..).rev() {
            self.queue.push_front(Outgoing::Group { radio, ethernet, more });
            more = true;
        }
    }

    /// Puts the next frame on the air if none is.
    fn pump(&mut self, at: Instant) {
        while self.transmitter.is_idle()
            && let Some(outgoing) = self.queue.pop_front()
        {
            self.send(at, outgoing);
        }
    }

    fn send(&mut self, at: Instant, outgoing: Outgoing) {
        let (mut frame, rate, only) = match outgoing {
            Outgoing::Beacon => (self.beacon(at), Rate::ONE_MEGABIT, None),
            Outgoing::ProbeResponse { to } => (self.probe_response(at, to), Rate::ONE_MEGABIT, None),
            Outgoing::Management(frame) => (frame, Rate::ONE_MEGABIT, None),
            Outgoing::Data { to, ethernet, more } => match self.seal(to, &ethernet, more) {
                Some(frame) => (frame, self.data_rate(), None),
                None => return,
            },
            Outgoing::Group { radio, ethernet, more } => match self.seal_for_group(&ethernet, more) {
                Some(frame) => (frame, Rate::ONE_MEGABIT, Some(radio)),
                None => return,
            },
        };
        self.transmitter.number(&mut frame);
        let sent = self.transmitter.send(at, frame, rate, only);
        self.effects.push(Effect::OnAir(sent));
    }

    /// The weaker a signal, the slower what comes through.
    fn data_rate(&self) -> Rate {
        match self.config.signal {
            -68.. => Rate::FIFTY_FOUR_MEGABITS,
            -80.. => Rate::TWENTY_FOUR_MEGABITS,
            -87.. => Rate::SIX_MEGABITS,
            _ => Rate::ONE_MEGABIT,
        }
    }

    fn beacon(&mut self, at: Instant) -> Vec<u8> {
        let kept = self.clients.values().filter(|client| client.has_kept()).filter_map(|client| client.association);
        let group = !self.kept_for_group.is_empty() || matches!(self.queue.front(), Some(Outgoing::Group { .. }));
        let tim = bodies::tim(group, kept);
        let elements = bodies::elements(&self.config, Some(&tim));
        let body = Body::Beacon {
            timestamp: self.clock(at),
            interval: 100,
            capability: bodies::capability(&self.config),
            elements: Elements(&elements),
        };
        body.frame(BROADCAST, self.config.bssid, self.config.bssid)
    }

    fn probe_response(&self, at: Instant, to: Mac) -> Vec<u8> {
        let elements = bodies::elements(&self.config, None);
        let body = Body::ProbeResponse {
            timestamp: self.clock(at),
            interval: 100,
            capability: bodies::capability(&self.config),
            elements: Elements(&elements),
        };
        body.frame(to, self.config.bssid, self.config.bssid)
    }

    /// An Ethernet frame as a data frame for a station, encrypted once there is a key.
    fn seal(&mut self, to: Mac, ethernet: &[u8], more: bool) -> Option<Vec<u8>> {
        let client = self.clients.get_mut(&to)?;
        client.association?;
        let mut frame = data::from_ethernet(ethernet, Way::ToStation, self.config.bssid)?;
        if more {
            frame[1] |= header::MORE_DATA;
        }
        let Some(key) = &mut client.key else { return Some(frame) };
        key.sent += 1;
        data::add_ccmp_header(&mut frame, key.sent, 0);
        ccmp::encrypt(&key.key, &frame).ok()
    }

    fn seal_for_group(&mut self, ethernet: &[u8], more: bool) -> Option<Vec<u8>> {
        let mut frame = data::from_ethernet(ethernet, Way::ToStation, self.config.bssid)?;
        if more {
            frame[1] |= header::MORE_DATA;
        }
        if !bodies::is_protected(&self.config) {
            return Some(frame);
        }
        self.group_sent += 1;
        data::add_ccmp_header(&mut frame, self.group_sent, self.group.id);
        ccmp::encrypt(&self.group.key, &frame).ok()
    }

    /// An Ethernet frame for the station at `mac`, whose radio is `radio`.
    pub(super) fn deliver(&mut self, at: Instant, radio: RadioId, mac: Mac, ethernet: &[u8]) {
        let to_group = ethernet.first_chunk().is_some_and(|to| is_group(*to));
        let somebody_sleeps = self.clients.values().any(|client| client.joined && client.sleeps);
        let Some(client) = self.clients.get_mut(&mac).filter(|client| client.joined) else { return };
        let ethernet = ethernet.to_vec();
        if to_group && somebody_sleeps {
            if self.kept_for_group.len() < QUEUE {
                self.kept_for_group.push_back((radio, ethernet));
            }
        } else if to_group {
            self.enqueue(Outgoing::Group { radio, ethernet, more: false });
        } else if client.sleeps {
            client.keep(ethernet);
        } else {
            self.enqueue(Outgoing::Data { to: mac, ethernet, more: false });
        }
        self.pump(at);
    }

    /// A radio says that it has not taken a frame that was for it.
    pub(super) fn missed(&mut self, frame: &RadioFrame) {
        self.transmitter.missed(frame);
    }

    /// Whether frames to this address are for the access point.
    pub(super) fn is_at(&self, address: Mac) -> bool {
        self.config.bssid == address
    }

    /// Whether it is on this channel and as strong as to be heard, and to hear.
    pub(super) fn reaches(&self, channel: u8) -> bool {
        self.config.channel == channel && self.config.signal >= super::SENSITIVITY
    }

    /// A frame of a radio has arrived. `admits` says whether the network takes one more station.
    pub(super) fn receive(&mut self, at: Instant, radio: RadioId, frame: &[u8], admits: bool) {
        let Some(header) = Header::of(frame).filter(|header| !is_group(header.transmitter())) else { return };
        let for_us = self.is_at(header.receiver());
        match header.kind() {
            Type::Management if for_us || header.receiver() == BROADCAST => {
                if let Some(body) = Body::of(&header) {
                    self.request(at, radio, &header, body, admits);
                }
            }
            Type::Control if for_us => self.poll(header.transmitter(), header.duration_or_id()),
            Type::Data if for_us && header.has(TO_DS) => self.data(at, radio, &header, frame),
            _ => {}
        }
        self.pump(at);
    }

    /// A station asks for a frame that is kept for it.
    fn poll(&mut self, mac: Mac, id: u16) {
        let client = self.clients.get_mut(&mac).filter(|client| client.association == Some(id & 0x3FFF));
        if let Some(client) = client
            && let Some(ethernet) = client.take_kept()
        {
            let more = client.has_kept();
            self.enqueue(Outgoing::Data { to: mac, ethernet, more });
        }
    }

    fn keep(&mut self, mac: Mac, ethernet: Vec<u8>) {
        if let Some(client) = self.clients.get_mut(&mac) {
            client.keep(ethernet);
        }
    }

    fn data(&mut self, at: Instant, radio: RadioId, header: &Header<'_>, frame: &[u8]) {
        let mac = header.transmitter();
        let Some(client) = self.clients.get_mut(&mac) else {
            // It may have joined before the access point restarted.
            self.effects.push(Effect::Gone { at, radio, reason: LinkLoss::Deauthenticated });
            return self.send_away(at, mac, REASON_NOT_AUTHENTICATED);
        };
        if client.association.is_none() {
            return self.send_away(at, mac, REASON_NOT_ASSOCIATED);
        }
        let slept = std::mem::replace(&mut client.sleeps, header.has(POWER_MANAGEMENT));
        if client.has_had(header, header.has(RETRY)) {
            return;
        }
        let opened = client.open(header, frame, bodies::is_protected(&self.config));
        let (joined, sleeps) = (client.joined, client.sleeps);
        if slept && !sleeps {
            self.flush(mac);
        }
        let Some(ethernet) = opened else { return };
        if client::is_eapol(&ethernet) {
            self.key_frame(at, mac, &ethernet);
        } else if joined {
            self.effects.push(Effect::Ethernet { at, radio, frame: ethernet });
        }
    }

    /// A station has woken: it gets what was kept for it.
    fn flush(&mut self, mac: Mac) {
        while let Some(client) = self.clients.get_mut(&mac)
            && let Some(ethernet) = client.take_kept()
        {
            let more = client.has_kept();
            self.enqueue(Outgoing::Data { to: mac, ethernet, more });
        }
    }

    /// A station that speaks out of turn is told so.
    fn send_away(&mut self, at: Instant, mac: Mac, reason: u16) {
        let body = match reason {
            REASON_NOT_ASSOCIATED => Body::Disassociation { reason },
            _ => Body::Deauthentication { reason },
        };
        let frame = body.frame(mac, self.config.bssid, self.config.bssid);
        self.answer(at, Outgoing::Management(frame));
    }

    /// Takes a station out; says whether it had joined.
    fn remove(&mut self, at: Instant, mac: Mac, reason: LinkLoss) -> bool {
        let joined = self.clients.remove(&mac).filter(|client| client.joined);
        let gone = joined.map(|client| Effect::Gone { at, radio: client.radio, reason });
        let had_joined = gone.is_some();
        self.effects.extend(gone);
        had_joined
    }

    /// Forgets the station at `mac`, which is known to be gone.
    pub(super) fn forget(&mut self, mac: Mac) {
        self.clients.remove(&mac);
    }

    /// Forgets all stations of a radio that is without power.
    pub(super) fn forget_radio(&mut self, radio: RadioId) {
        self.clients.retain(|_, client| client.radio != radio);
        self.kept_for_group.retain(|(its, _)| *its != radio);
    }

    /// Whether a joined station sleeps: it will not hear that it is sent away.
    pub(super) fn is_asleep(&self, mac: Mac) -> bool {
        self.clients.get(&mac).is_some_and(|client| client.sleeps)
    }

    /// Sends all stations away, one after the other, and is no longer there.
    pub(super) fn say_goodbye(mut self, at: Instant) -> Vec<Effect> {
        let mut transmitter = Transmitter::new(self.config.channel);
        let mut at = self.transmitter.done_at().map_or(at, |done| done.max(at));
        for (mac, _) in self.clients.iter().filter(|(_, client)| client.association.is_some()) {
            let body = Body::Deauthentication { reason: REASON_LEAVING };
            let mut frame = body.frame(*mac, self.config.bssid, self.config.bssid);
            transmitter.number(&mut frame);
            self.effects.push(Effect::OnAir(transmitter.send(at, frame, Rate::ONE_MEGABIT, None)));
            at = transmitter.done_at().unwrap_or(at);
            transmitter.finish(at);
        }
        self.effects
    }
}
