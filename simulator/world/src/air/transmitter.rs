//! What puts frames on the air one after the other, for an access point or a phone: numbers them, waits for their
//! acknowledgement, and sends again what a radio says it has missed (IEEE 802.11-2020 §10.3).
//!
//! Not modelled: other stations' frames that keep the channel busy, collisions, fragments, falling rates.

use std::time::Duration;

use simulator_wlan::header::{Header, RETRY, Type, is_group};
use simulator_wlan::management::set_sequence_number;
use simulator_wlan::rate::{FCS_BYTES, Rate, SHORT_SLOT, SIFS};

use super::radio::{RadioFrame, RadioId};
use simulator_record::time::Instant;

/// A frame that is missed is sent so often in all (dot11ShortRetryLimit).
const TRIES: u8 = 7;

/// A frame that has been put on the air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OnAir {
    /// When its first bit leaves.
    pub(super) start: Instant,
    /// When its last bit arrives.
    pub(super) end: Instant,
    pub(super) frame: RadioFrame,
    /// The only radio that hears it, if not all do.
    pub(super) only: Option<RadioId>,
}

/// A transmitter.
pub(super) struct Transmitter {
    channel: u8,
    sequence: u16,
    current: Option<Current>,
}

/// The frame on the air.
struct Current {
    sent: OnAir,
    tries: u8,
    missed: bool,
    /// When its acknowledgement is through.
    done: Instant,
}

impl Transmitter {
    pub(super) fn new(channel: u8) -> Self {
        Self { channel, sequence: 0, current: None }
    }

    /// Whether it can send.
    pub(super) fn is_idle(&self) -> bool {
        self.current.is_none()
    }

    /// When [`Transmitter::finish`] is due.
    pub(super) fn done_at(&self) -> Option<Instant> {
        self.current.as_ref().map(|current| current.done)
    }

    /// Numbers a frame. Before it is encrypted, or afterwards: the number is not protected.
    pub(super) fn number(&mut self, frame: &mut [u8]) {
        if Header::of(frame).is_some_and(|header| header.kind() != Type::Control) {
            set_sequence_number(frame, self.sequence);
            self.sequence = (self.sequence + 1) & 0xFFF;
        }
    }

    /// Sends a frame whose number it has.
    pub(super) fn send(&mut self, at: Instant, mut frame: Vec<u8>, rate: Rate, only: Option<RadioId>) -> OnAir {
        let header = Header::of(&frame).map(|header| (header.kind(), is_group(header.receiver())));
        let is_unicast = header.is_some_and(|(_, group)| !group);
        // The duration covers the acknowledgement; a poll has its association identifier there.
        if is_unicast && header.is_some_and(|(kind, _)| kind != Type::Control) {
            let micros = rate.acknowledgement_time().as_micros() as u16;
            frame[2..4].copy_from_slice(&micros.to_le_bytes());
        }
        let frame = RadioFrame { channel: self.channel, rate, bytes: frame.into() };
        self.put(at, OnAir { start: at, end: at, frame, only }, 1)
    }

    fn put(&mut self, at: Instant, mut sent: OnAir, tries: u8) -> OnAir {
        sent.start = at + SIFS + 2 * SHORT_SLOT;
        sent.end = sent.start + sent.frame.rate.air_time(sent.frame.bytes.len() + FCS_BYTES);
        let is_unicast = Header::of(&sent.frame.bytes).is_some_and(|header| !is_group(header.receiver()));
        let after = if is_unicast { sent.frame.rate.acknowledgement_time() } else { Duration::from_micros(1) };
        self.current = Some(Current { sent: sent.clone(), tries, missed: false, done: sent.end + after });
        sent
    }

    /// A radio says that it has not taken this frame, which was for it.
    pub(super) fn missed(&mut self, frame: &RadioFrame) {
        if let Some(current) = &mut self.current
            && current.sent.frame.bytes == frame.bytes
        {
            current.missed = true;
        }
    }

    /// The acknowledgement is through, or has not come: then the frame is sent again, up to a limit.
    pub(super) fn finish(&mut self, at: Instant) -> Option<OnAir> {
        let Current { mut sent, tries, missed, .. } = self.current.take()?;
        if !missed || tries >= TRIES {
            return None;
        }
        let mut bytes = sent.frame.bytes.to_vec();
        bytes[1] |= RETRY;
        sent.frame.bytes = bytes.into();
        Some(self.put(at, sent, tries + 1))
    }
}

#[cfg(test)]
mod tests {
    use simulator_wlan::header::{BROADCAST, Mac};
    use simulator_wlan::management::Body;

    use super::*;

    const STATION: Mac = [2, 0, 0, 0, 0, 1];
    const BSSID: Mac = [2, 0, 0, 0, 1, 0];

    fn goodbye(to: Mac) -> Vec<u8> {
        Body::Deauthentication { reason: 3 }.frame(to, BSSID, BSSID)
    }

    #[test]
    fn frames_are_numbered_and_take_their_time() {
        let mut transmitter = Transmitter::new(6);
        let mut at = Instant::from_secs(1);
        for number in 0..3 {
            let mut frame = goodbye(STATION);
            transmitter.number(&mut frame);
            let sent = transmitter.send(at, frame, Rate::ONE_MEGABIT, None);
            let header = Header::of(&sent.frame.bytes).unwrap();
            assert_eq!(header.sequence_control(), number << 4);
            assert_eq!(header.duration_or_id(), 314);
            assert_eq!(sent.end.saturating_since(sent.start), Duration::from_micros(192 + 8 * 30));
            at = transmitter.done_at().unwrap();
            assert_eq!(at.saturating_since(sent.end), Duration::from_micros(314));
            assert_eq!(transmitter.finish(at), None);
            assert!(transmitter.is_idle());
        }
    }

    #[test]
    fn a_frame_that_is_missed_is_sent_again_but_not_for_ever() {
        let mut transmitter = Transmitter::new(6);
        let mut sent = transmitter.send(Instant::START, goodbye(STATION), Rate::ONE_MEGABIT, None);
        let mut tries = 1;
        loop {
            transmitter.missed(&sent.frame);
            let at = transmitter.done_at().unwrap();
            let Some(again) = transmitter.finish(at) else { break };
            assert!(Header::of(&again.frame.bytes).unwrap().has(RETRY));
            assert!(again.start > sent.end);
            sent = again;
            tries += 1;
        }
        assert_eq!(tries, TRIES);
        assert!(transmitter.is_idle());
    }

    #[test]
    fn nobody_acknowledges_what_is_for_all() {
        let mut transmitter = Transmitter::new(6);
        let sent = transmitter.send(Instant::START, goodbye(BROADCAST), Rate::ONE_MEGABIT, None);
        assert_eq!(Header::of(&sent.frame.bytes).unwrap().duration_or_id(), 0);
        let after = transmitter.done_at().unwrap().saturating_since(sent.end);
        assert!(after < Rate::ONE_MEGABIT.acknowledgement_time());
    }
}
