//! Faults of the link between stations and their access point: rules that lose, duplicate, delay and change frames.
//!
//! A rule has a name, chances and a stream of its own, so that it changes nothing that another rule or the air draws.
//! Each frame on its way to each receiver is shown to every rule that covers its network, in the order in which the
//! rules were added; what a rule did to it, other than delay, is told by name.
//!
//! Not modelled: the checks of 802.11 itself, which would throw a changed frame away. What is changed here was changed
//! before, by a router with bad memory.

use std::time::Duration;

use super::{NetworkId, Port};
use simulator_record::events::{self, EventKind};
use simulator_record::random::{Draw, Stream};

/// How long an overtaken frame is held, in nanoseconds.
const HELD: (u64, u64) = (5_000_000, 20_000_000);
/// How much later the second of two arrives.
const ECHO: (u64, u64) = (100_000, 2_000_000);
/// The Ethernet header, which stays as it is: a frame that goes astray is lost, not changed.
const HEADER: usize = 14;

/// What happens to frames. Chances are in a million.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkRule {
    /// By which the record tells what it did.
    pub name: String,
    /// At which access points; at all if `None`.
    pub networks: Option<Vec<NetworkId>>,
    /// Frames of which direction; of both if `None`.
    pub direction: Option<Direction>,
    /// Which frames; all if `None`.
    pub frames: Option<Frames>,
    /// Chance that a frame is lost.
    pub loss: u32,
    /// Chance that it arrives twice.
    pub duplicate: u32,
    /// Chance that it is held for 5 to 20 ms, while those behind it overtake.
    pub reorder: u32,
    /// Chance that one byte of its payload is changed.
    pub corrupt: u32,
    /// How much longer it takes.
    pub latency: Duration,
    /// Up to how much longer still.
    pub jitter: Duration,
    /// It does something to so many frames at most.
    pub count: Option<u32>,
}

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To a station.
    ToStation,
    /// From a station.
    FromStation,
}

/// Which frames a rule concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// Those for all stations, or for many.
    Broadcast,
    /// Those for one.
    Addressed,
    /// ARP, to whomever.
    Arp,
}

impl Frames {
    fn has(self, frame: &[u8]) -> bool {
        const ARP: [u8; 2] = [0x08, 0x06];
        let is_for_many = frame.first().is_some_and(|byte| byte & 1 == 1);
        match self {
            Self::Broadcast => is_for_many,
            Self::Addressed => !is_for_many,
            Self::Arp => frame.get(12..14) == Some(&ARP),
        }
    }
}

/// What a rule did to a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleAction {
    /// The rule's name.
    pub rule: String,
    /// What it did: `lost a frame of 342 bytes`.
    pub action: String,
}

impl From<RuleAction> for EventKind {
    fn from(RuleAction { rule, action }: RuleAction) -> Self {
        Self::Fault(events::Fault { rule, action: events::FaultAction::Did(action) })
    }
}

/// A rule at work.
pub(super) struct ActiveRule {
    rule: LinkRule,
    left: Option<u32>,
    stream: Stream,
}

/// What a rule made of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acted {
    /// Nothing.
    Not,
    /// It only takes longer, which is not told of each frame.
    Slowed,
    /// What is told.
    Told,
}

/// How a frame fares on its way to one receiver.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) lost: bool,
    /// A second one arrives so much later.
    pub(super) echo: Option<Duration>,
    /// How much longer it takes.
    pub(super) delay: Duration,
    /// Those behind may overtake.
    pub(super) overtaken: bool,
    /// Byte and the bits to flip in it.
    pub(super) flips: Vec<(usize, u8)>,
}

impl ActiveRule {
    pub(super) fn new(rule: LinkRule, stream: Stream) -> Self {
        Self { left: rule.count, rule, stream }
    }

    pub(super) fn name(&self) -> &str {
        &self.rule.name
    }

    pub(super) fn covers(&self, network: NetworkId) -> bool {
        self.left != Some(0) && self.rule.networks.as_ref().is_none_or(|only| only.contains(&network))
    }

    /// Whether the rule is about such a frame on its way between these ports.
    pub(super) fn concerns(&self, from: Port, to: Port, frame: &[u8]) -> bool {
        let goes = |port| matches!(port, Port::Station(_));
        let direction = match self.rule.direction {
            None => true,
            Some(Direction::ToStation) => goes(to),
            Some(Direction::FromStation) => goes(from),
        };
        direction && self.rule.frames.is_none_or(|frames| frames.has(frame))
    }

    /// Lets the rule act on a frame of `length` bytes.
    pub(super) fn act(&mut self, length: usize, fate: &mut Fate, actions: &mut Vec<RuleAction>) -> Acted {
        let Self { rule, left, stream } = self;
        let mut acted = Acted::Not;
        let mut tell = |what: &str| {
            acted = Acted::Told;
            actions.push(RuleAction { rule: rule.name.clone(), action: format!("{what} a frame of {length} bytes") });
        };
        if stream.happens(rule.loss) {
            fate.lost = true;
            tell("lost");
        } else {
            if stream.happens(rule.duplicate) {
                fate.echo = Some(Duration::from_nanos(stream.between(ECHO.0, ECHO.1)));
                tell("duplicated");
            }
            if stream.happens(rule.reorder) {
                fate.overtaken = true;
                fate.delay += Duration::from_nanos(stream.between(HELD.0, HELD.1));
                tell("held");
            }
            if stream.happens(rule.corrupt) && length > 0 {
                let first = if length > HEADER { HEADER } else { 0 };
                let byte = stream.between(first as u64, length as u64 - 1) as usize;
                fate.flips.push((byte, stream.between(1, 0xFF) as u8));
                tell("changed");
            }
            if !rule.latency.is_zero() || !rule.jitter.is_zero() {
                let jitter = u64::try_from(rule.jitter.as_nanos()).unwrap_or(u64::MAX);
                fate.delay += rule.latency + Duration::from_nanos(stream.between(0, jitter));
                if acted == Acted::Not {
                    acted = Acted::Slowed;
                }
            }
        }
        if acted != Acted::Not
            && let Some(left) = left
        {
            *left -= 1;
        }
        acted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator_record::random::Seed;

    fn fates(rule: LinkRule, frames: usize) -> (Vec<Fate>, Vec<RuleAction>) {
        let mut rule = ActiveRule::new(rule, Seed(1).stream("rule"));
        let mut actions = Vec::new();
        let fates = (0..frames).map(|_| {
            let mut fate = Fate::default();
            if rule.covers(NetworkId(0)) {
                rule.act(342, &mut fate, &mut actions);
            }
            fate
        });
        (fates.collect(), actions)
    }

    #[test]
    fn a_tenth_is_a_tenth() {
        let (fates, actions) = fates(LinkRule { name: "hop".to_owned(), loss: 100_000, ..LinkRule::default() }, 10_000);
        let lost = fates.iter().filter(|fate| fate.lost).count();
        assert!((900..1_100).contains(&lost), "{lost} of 10000");
        assert_eq!(actions.len(), lost);
        assert_eq!(actions[0].action, "lost a frame of 342 bytes");
    }

    #[test]
    fn a_count_ends_a_rule() {
        let (fates, actions) = fates(LinkRule { loss: 1_000_000, count: Some(3), ..LinkRule::default() }, 10);
        assert_eq!(fates.iter().filter(|fate| fate.lost).count(), 3);
        assert_eq!(actions.len(), 3);
    }

    #[test]
    fn delay_lies_between_latency_and_latency_with_jitter() {
        let (latency, jitter) = (Duration::from_millis(50), Duration::from_millis(20));
        let (fates, actions) = fates(LinkRule { latency, jitter, ..LinkRule::default() }, 1_000);
        assert!(fates.iter().all(|fate| (latency..=latency + jitter).contains(&fate.delay)));
        assert!(fates.iter().any(|fate| fate.delay > latency + jitter / 2));
        assert_eq!(actions, [], "delay alone is not worth a line for each frame");
    }

    #[test]
    fn a_changed_byte_is_never_in_the_header_and_always_different() {
        let (fates, _) = fates(LinkRule { corrupt: 1_000_000, ..LinkRule::default() }, 1_000);
        for fate in fates {
            assert!(matches!(fate.flips[..], [(14..342, 1..)]), "{fate:?}");
        }
    }

    #[test]
    fn a_rule_may_be_about_some_frames_only() {
        let mut arp = [0; 60];
        arp[..6].fill(0xFF);
        arp[12..14].copy_from_slice(&[0x08, 0x06]);
        let packet = [2; 60];
        assert!(Frames::Arp.has(&arp) && Frames::Broadcast.has(&arp) && !Frames::Addressed.has(&arp));
        assert!(!Frames::Arp.has(&packet) && !Frames::Broadcast.has(&packet) && Frames::Addressed.has(&packet));
    }

    #[test]
    fn another_network_is_not_covered() {
        let rule = LinkRule { networks: Some(vec![NetworkId(1)]), loss: 1_000_000, ..LinkRule::default() };
        assert!(fates(rule, 10).0.iter().all(|fate| !fate.lost));
    }
}
