//! An access point of the world towards radios at register level: beacons, probe responses, authentication,
//! association, the four-way handshake, encryption and power save (IEEE 802.11-2020 §11.1, §11.2.3, §11.3, §12.7.6). A
//! basic service set, in the standard's words.
//!
//! Frames of radios come in with [`Bss::receive`], Ethernet frames for them with [`Bss::deliver`]; at
//! [`Bss::next_event`] it wants to [`advance`](Bss::advance). What comes of all that are [`Effect`]s. Whom the network
//! takes, and where Ethernet frames go, is decided outside, for all stations alike.
//!
//! A network of WEP, of WPA alone or of WPA3 alone is there to be heard, and lets nobody in.
//!
//! Not modelled: WEP's cipher, TKIP for the keys of a pair, SAE, QoS (WMM), aggregation, fragments, other intervals of
//! beacons, stations that are sent away because they have been silent for long.

mod bodies;
mod client;
mod keys;
mod requests;
mod sending;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use simulator_wlan::group::GroupKey;
use simulator_wlan::header::{BROADCAST, Header, Mac, POWER_MANAGEMENT, RETRY, TO_DS, Type, is_group};
use simulator_wlan::keys::NetworkKey;
use simulator_wlan::management::{Body, REASON_NOT_ASSOCIATED, REASON_NOT_AUTHENTICATED};

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
    /// A station is not let in; with which status code, if it was told one.
    Failed { at: Instant, radio: RadioId, why: JoinFailure, status: Option<u16> },
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
    /// The key of the group is to be renewed.
    Rekey,
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
    /// Until an acknowledgement that it owes is through.
    busy_until: Instant,
    next_beacon: Instant,
    timers: BTreeMap<(Instant, u64), Timer>,
    scheduled: u64,
    messages: u32,
    effects: Vec<Effect>,
}

impl Bss {
    /// An access point that has come up at `up_since`, before `at`. Keys and nonces come from `random`.
    pub(super) fn new(config: AccessPointConfig, up_since: Instant, at: Instant, mut random: Stream) -> Self {
        let group = keys::new_group_key(&config.security, 1, &mut random);
        let transmitter = Transmitter::new(config.channel);
        // Access points do not beacon in step.
        let clock_offset = random.between(0, 1 << 40);
        let mut bss = Self {
            config,
            up_since,
            clock_offset,
            random,
            network_key: None,
            group,
            group_sent: 0,
            clients: BTreeMap::new(),
            transmitter,
            queue: VecDeque::new(),
            kept_for_group: VecDeque::new(),
            busy_until: at,
            next_beacon: at,
            timers: BTreeMap::new(),
            scheduled: 0,
            messages: 0,
            effects: Vec::new(),
        };
        bss.next_beacon = bss.beacon_after(at);
        bss.renew_group_key_later(at);
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
                Timer::Rekey => {
                    self.renew_group_key(at);
                    self.renew_group_key_later(at);
                }
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

    /// A frame of a radio has arrived. `admits` says whether the network takes one more station, or
    /// with which status code it does not.
    pub(super) fn receive(&mut self, at: Instant, radio: RadioId, frame: &RadioFrame, admits: Result<(), u16>) {
        let (rate, frame) = (frame.rate, &frame.bytes);
        let Some(header) = Header::of(frame).filter(|header| !is_group(header.transmitter())) else { return };
        let for_us = self.is_at(header.receiver());
        if for_us {
            self.busy_until = at + rate.acknowledgement_time();
        }
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

    /// How much it keeps in mind.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        let Self { clients, queue, kept_for_group, timers, effects, .. } = self;
        clients.len() + queue.len() + kept_for_group.len() + timers.len() + effects.len()
    }

    /// Whether a joined station sleeps: it will not hear that it is sent away.
    pub(super) fn is_asleep(&self, mac: Mac) -> bool {
        self.clients.get(&mac).is_some_and(|client| client.sleeps)
    }
}
