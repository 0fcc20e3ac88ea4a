//! Where two records differ: the first event that is not the same, and lane by lane the first that is of another kind
//! or text, and how much each has.
//!
//! Both go by once. Events of a lane are compared in their order, whatever happens in between in others; times count
//! in the first divergence only, so that a lane that is the same but later is told as that.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use simulator_record::events::Event;
use simulator_record::time::Instant;

use super::lane::Lane;
use super::record::RecordError;

/// What two records have that is not the same.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Differences {
    /// Whether there is nothing.
    pub same: bool,
    /// The first place at which they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Divergence>,
    /// Lane by lane, of several devices each by itself.
    pub lanes: Vec<LaneDifference>,
}

/// A place at which two records differ; one of them may have nothing there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Divergence {
    /// In the first.
    pub first: Option<Told>,
    /// In the second.
    pub second: Option<Told>,
}

/// An event as a reader sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Told {
    /// Virtual time.
    pub at_seconds: f64,
    /// The same, as a person reads it.
    #[serde(skip)]
    pub at: Instant,
    /// Its place in its record.
    pub sequence: u64,
    /// In words.
    pub text: String,
}

/// What a lane has in each of the two.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LaneDifference {
    /// The lane.
    pub lane: &'static str,
    /// The device's number, if it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<u32>,
    /// How many events each has.
    pub counts: [u64; 2],
    /// The first that differ in more than their time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differs: Option<Divergence>,
    /// The most that an event is later in the second (below 0: earlier), in seconds, until then.
    pub furthest_seconds: f64,
}

/// What is known of a lane while the records go by.
#[derive(Default)]
struct Open {
    counts: [u64; 2],
    /// What one has had and the other has not yet.
    waiting: [VecDeque<Event>; 2],
    differs: Option<Divergence>,
    furthest: f64,
}

impl Told {
    fn of(event: &Event) -> Self {
        Self {
            at_seconds: event.at.since_start().as_secs_f64(),
            at: event.at,
            sequence: event.sequence,
            text: event.to_string(),
        }
    }
}

/// Compares two records.
///
/// # Errors
/// If one of them cannot be read.
pub fn differences(
    first: impl Iterator<Item = Result<Event, RecordError>>,
    second: impl Iterator<Item = Result<Event, RecordError>>,
) -> Result<Differences, RecordError> {
    let (mut first, mut second) = (first.peekable(), second.peekable());
    let mut lanes: BTreeMap<(Lane, Option<u32>), Open> = BTreeMap::new();
    let mut divergence = None;
    let mut see = |side: usize, event: Event| {
        let open = lanes.entry((Lane::of(&event.kind), event.device.map(|device| device.0))).or_default();
        open.see(side, event);
    };
    loop {
        // The one that is behind goes on, so that little has to wait; a mistake is met at once.
        let side = match (first.peek(), second.peek()) {
            (None, None) => break,
            (Some(Err(_)), _) | (Some(_), None) => 0,
            (_, Some(Err(_))) | (None, Some(_)) => 1,
            (Some(Ok(one)), Some(Ok(other))) => usize::from(one.at > other.at),
        };
        if divergence.is_none() {
            let [one, other] = [first.next(), second.next()].map(Option::transpose);
            let (one, other) = (one?, other?);
            if one != other {
                let told = |event: &Option<Event>| event.as_ref().map(Told::of);
                divergence = Some(Divergence { first: told(&one), second: told(&other) });
            }
            [one, other]
                .into_iter()
                .enumerate()
                .filter_map(|(side, event)| Some((side, event?)))
                .for_each(|(side, event)| see(side, event));
            continue;
        }
        let event = if side == 0 { first.next() } else { second.next() };
        if let Some(event) = event {
            see(side, event?);
        }
    }
    let lanes: Vec<LaneDifference> =
        lanes.into_iter().map(|((lane, device), open)| open.finish(lane, device)).collect();
    Ok(Differences { same: divergence.is_none(), first: divergence, lanes })
}

impl Open {
    fn see(&mut self, side: usize, event: Event) {
        self.counts[side] += 1;
        if self.differs.is_some() {
            return;
        }
        self.waiting[side].push_back(event);
        let [ours, theirs] = &mut self.waiting;
        while let (Some(one), Some(other)) = (ours.front(), theirs.front()) {
            if one.kind != other.kind {
                self.differs = Some(Divergence { first: Some(Told::of(one)), second: Some(Told::of(other)) });
                ours.clear();
                theirs.clear();
                return;
            }
            let later = (i128::from(other.at.as_nanos()) - i128::from(one.at.as_nanos())) as f64 / 1e9;
            if later.abs() > self.furthest.abs() {
                self.furthest = later;
            }
            ours.pop_front();
            theirs.pop_front();
        }
    }

    fn finish(self, lane: Lane, device: Option<u32>) -> LaneDifference {
        let [first, second] = self.waiting.each_ref().map(|waiting| waiting.front().map(Told::of));
        let left = (first.is_some() || second.is_some()).then_some(Divergence { first, second });
        LaneDifference {
            lane: lane.word(),
            device,
            counts: self.counts,
            differs: self.differs.or(left),
            furthest_seconds: self.furthest,
        }
    }
}
