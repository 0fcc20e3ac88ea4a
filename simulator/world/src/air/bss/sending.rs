//! What an access point sends: beacons, answers, Ethernet frames, encrypted when their turn comes; and what it keeps
//! for stations that sleep (IEEE 802.11-2020 §11.2.3).

use simulator_wlan::ccmp;
use simulator_wlan::data::{self, Way};
use simulator_wlan::element::Elements;
use simulator_wlan::header::{BROADCAST, MORE_DATA, Mac, is_group};
use simulator_wlan::management::{Body, REASON_LEAVING};
use simulator_wlan::rate::Rate;

use super::super::radio::RadioId;
use super::super::transmitter::Transmitter;
use super::{Bss, Effect, Outgoing, QUEUE, bodies};
use simulator_record::time::Instant;

impl Bss {
    /// Behind each beacon, which is a DTIM, frames to groups follow: stations that sleep are awake then.
    pub(super) fn release_group(&mut self) {
        let mut more = false;
        for (radio, ethernet) in self.kept_for_group.drain(..).rev() {
            self.queue.push_front(Outgoing::Group { radio, ethernet, more });
            more = true;
        }
    }

    /// Puts the next frame on the air if none is.
    pub(super) fn pump(&mut self, at: Instant) {
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
                Some(frame) => (frame, self.config.data_rate(), None),
                None => return,
            },
            Outgoing::Group { radio, ethernet, more } => match self.seal_for_group(&ethernet, more) {
                Some(frame) => (frame, Rate::ONE_MEGABIT, Some(radio)),
                None => return,
            },
        };
        self.transmitter.number(&mut frame);
        let sent = self.transmitter.send(at.max(self.busy_until), frame, rate, only);
        self.effects.push(Effect::OnAir(sent));
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
            frame[1] |= MORE_DATA;
        }
        let Some(key) = &mut client.key else { return Some(frame) };
        key.sent += 1;
        data::add_ccmp_header(&mut frame, key.sent, 0);
        ccmp::encrypt(&key.key, &frame).ok()
    }

    fn seal_for_group(&mut self, ethernet: &[u8], more: bool) -> Option<Vec<u8>> {
        let mut frame = data::from_ethernet(ethernet, Way::ToStation, self.config.bssid)?;
        if more {
            frame[1] |= MORE_DATA;
        }
        if !bodies::is_protected(&self.config) {
            return Some(frame);
        }
        self.group_sent += 1;
        self.group.seal(frame, self.group_sent)
    }

    /// An Ethernet frame for the station at `mac`, whose radio is `radio`.
    pub(in crate::air) fn deliver(&mut self, at: Instant, radio: RadioId, mac: Mac, ethernet: &[u8]) {
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

    /// A station asks for a frame that is kept for it.
    pub(super) fn poll(&mut self, mac: Mac, id: u16) {
        let client = self.clients.get_mut(&mac).filter(|client| client.association == Some(id & 0x3FFF));
        if let Some(client) = client
            && let Some(ethernet) = client.take_kept()
        {
            let more = client.has_kept();
            self.enqueue(Outgoing::Data { to: mac, ethernet, more });
        }
    }

    /// A station has woken: it gets what was kept for it.
    pub(super) fn flush(&mut self, mac: Mac) {
        while let Some(client) = self.clients.get_mut(&mac)
            && let Some(ethernet) = client.take_kept()
        {
            let more = client.has_kept();
            self.enqueue(Outgoing::Data { to: mac, ethernet, more });
        }
    }

    /// Sends all stations away, one after the other, and is no longer there.
    pub(in crate::air) fn say_goodbye(mut self, at: Instant) -> Vec<Effect> {
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
