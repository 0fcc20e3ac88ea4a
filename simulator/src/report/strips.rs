//! The strips of a timeline: one for each lane of each device, and of pins, phones, access points and faults one for
//! each of them.
//!
//! A strip has spans (power is on, a network is joined, a fault is in force) and marks (a request, a failed join).
//! Events go in, in their order; what becomes of the strips comes out, for whoever draws it: the page of a case, a
//! trace for Perfetto.

use std::collections::BTreeMap;

use simulator_record::events::{
    ConnectionOutcome, DeviceId, Event, EventKind, InForce, JoinOutcome, PhoneEvent, PowerState, Vocabulary,
};
use simulator_record::time::Instant;

use super::lane::{Lane, News};

/// Which strip: lane, device, and of pins, phones, access points and faults the name.
type Key = (Option<DeviceId>, Lane, String);

/// What does not change of a strip.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) lane: Lane,
    /// The device that it is of; none if it is the world's.
    pub(super) device: Option<DeviceId>,
    /// The device's name, if there are several.
    pub(super) device_name: Option<String>,
    /// What it is called beside a timeline.
    pub(super) label: String,
}

/// A change of a strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A span begins. Its number tells it from others of the same strip that go on meanwhile.
    Begins { span: u32, news: News, text: String },
    /// It ends.
    Ends { span: u32 },
    /// Something happens.
    Mark(News),
}

/// Draws strips. Each is told by its place in the order in which they came.
pub(super) trait Draw {
    type Error;

    /// A strip comes; its place is the next one.
    fn strip(&mut self, head: &Head) -> Result<(), Self::Error>;

    /// A strip changes, because of an event if it is not the end of the run.
    fn change(&mut self, strip: usize, at: Instant, change: Change, event: Option<&Event>) -> Result<(), Self::Error>;
}

/// The strips while events go by.
pub(super) struct Strips {
    places: BTreeMap<Key, usize>,
    strips: Vec<Strip>,
    most: usize,
    in_force: InForce,
    left_out: u64,
}

struct Strip {
    head: Head,
    /// Spans that go on.
    open: Vec<u32>,
}

impl Strips {
    /// None yet, and so many at most: what belongs to others has no strip.
    pub(super) fn new(most: usize) -> Self {
        Self { places: BTreeMap::new(), strips: Vec::new(), most, in_force: InForce::default(), left_out: 0 }
    }

    /// How many events no strip shows.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Takes in the next event, and gives the place of its strip, if there is room for one.
    ///
    /// # Errors
    /// Whatever drawing says.
    pub(super) fn see<D: Draw>(&mut self, event: &Event, draw: &mut D) -> Result<Option<usize>, D::Error> {
        let Some(place) = self.place(event, draw)? else {
            self.left_out += 1;
            return Ok(None);
        };
        for change in self.changes(place, event) {
            self.apply(place, event.at, change, Some(event), draw)?;
        }
        if let EventKind::Power(power) = &event.kind
            && power.state != PowerState::On
        {
            // Without power nothing goes on.
            for other in 0..self.strips.len() {
                let head = &self.strips[other].head;
                if head.device == event.device && matches!(head.lane, Lane::Boots | Lane::WiFi | Lane::Tls) {
                    self.end_all(other, event.at, Some(event), draw)?;
                }
            }
        }
        Ok(Some(place))
    }

    /// Ends what goes on to the end of the run.
    ///
    /// # Errors
    /// Whatever drawing says.
    pub(super) fn finish<D: Draw>(&mut self, end: Instant, draw: &mut D) -> Result<(), D::Error> {
        (0..self.strips.len()).try_for_each(|place| self.end_all(place, end, None, draw))
    }

    fn place<D: Draw>(&mut self, event: &Event, draw: &mut D) -> Result<Option<usize>, D::Error> {
        let lane = Lane::of(&event.kind);
        let name = match &event.kind {
            EventKind::Pin(pin) => pin.part.to_string(),
            EventKind::Phone(phone) => phone.phone.clone(),
            EventKind::Fault(fault) => fault.rule.clone(),
            EventKind::AccessPoint(point) => point.network.clone(),
            _ => String::new(),
        };
        let device = match lane {
            // What happens to the world, whoever it is for.
            Lane::Faults | Lane::Phones | Lane::AccessPoints => None,
            _ => event.device,
        };
        let key = (device, lane, name);
        if let Some(place) = self.places.get(&key) {
            return Ok(Some(*place));
        }
        if self.strips.len() >= self.most {
            return Ok(None);
        }
        let head = Head::new(event, device, lane, &key.2);
        draw.strip(&head)?;
        self.strips.push(Strip { head, open: Vec::new() });
        self.places.insert(key, self.strips.len() - 1);
        Ok(Some(self.strips.len() - 1))
    }

    fn apply<D: Draw>(
        &mut self,
        place: usize,
        at: Instant,
        change: Change,
        event: Option<&Event>,
        draw: &mut D,
    ) -> Result<(), D::Error> {
        let open = &mut self.strips[place].open;
        match &change {
            Change::Begins { span, .. } => open.push(*span),
            Change::Ends { span } => open.retain(|other| other != span),
            Change::Mark(_) => {}
        }
        draw.change(place, at, change, event)
    }

    fn end_all<D: Draw>(
        &mut self,
        place: usize,
        at: Instant,
        event: Option<&Event>,
        draw: &mut D,
    ) -> Result<(), D::Error> {
        let open = std::mem::take(&mut self.strips[place].open);
        open.into_iter().try_for_each(|span| draw.change(place, at, Change::Ends { span }, event))
    }

    /// What an event changes on its strip.
    fn changes(&mut self, place: usize, event: &Event) -> Vec<Change> {
        let news = News::of(&event.kind);
        let open = &self.strips[place].open;
        let ends = |span| Change::Ends { span };
        let end = |span: u32| open.contains(&span).then_some(ends(span));
        let all = || open.iter().copied().map(ends);
        let begins = |span, text: String| Change::Begins { span, news, text };
        // One state after the other.
        let becomes = |text: String| all().chain([begins(0, text)]).collect();
        let is_there = |on: bool, text: &str| all().chain(on.then(|| begins(0, text.to_owned()))).collect();
        match &event.kind {
            EventKind::Power(power) => becomes(power.state.word().to_owned()),
            EventKind::Boot(boot) => becomes(format!("boot {} after {}", boot.number, boot.cause)),
            EventKind::Pin(pin) => is_there(pin.on, "on"),
            EventKind::AccessPoint(point) => is_there(point.on, "there"),
            EventKind::Join(join) if join.outcome == JoinOutcome::Joined => becomes(format!("joined {}", join.network)),
            EventKind::LinkLost(_) => all().chain([Change::Mark(news)]).collect(),
            EventKind::Connection(connection) => {
                let number = connection.number;
                match connection.outcome {
                    ConnectionOutcome::Opened if open.contains(&number) => Vec::new(),
                    ConnectionOutcome::Opened => vec![begins(number, format!("connection {number}"))],
                    ConnectionOutcome::Closed => end(number).into_iter().collect(),
                    ConnectionOutcome::Reset | ConnectionOutcome::Refused | ConnectionOutcome::Ignored => {
                        end(number).into_iter().chain([Change::Mark(news)]).collect()
                    }
                }
            }
            EventKind::Fault(fault) if fault.action.is_boundary() => {
                let before = !open.is_empty();
                self.in_force.see(event.at, fault);
                match (before, self.in_force.has(&fault.rule)) {
                    (false, true) => vec![begins(0, fault.rule.clone())],
                    (true, false) => all().collect(),
                    _ => Vec::new(),
                }
            }
            EventKind::Phone(phone) => {
                let mark = [Change::Mark(news)].into_iter();
                if matches!(phone.what, PhoneEvent::Left {}) {
                    mark.chain(all()).collect()
                } else {
                    mark.chain(open.is_empty().then(|| begins(0, "here".to_owned()))).collect()
                }
            }
            _ => vec![Change::Mark(news)],
        }
    }
}

impl Head {
    fn new(event: &Event, device: Option<DeviceId>, lane: Lane, name: &str) -> Self {
        let label = match &event.kind {
            EventKind::Pin(pin) => format!("{} {name}", capitalized(pin.kind.name())),
            EventKind::AccessPoint(_) => format!("AP {name}"),
            _ if name.is_empty() => lane.label().to_owned(),
            _ => format!("{} {name}", lane.label()),
        };
        Self { lane, device, device_name: device.and(event.name.as_deref()).map(str::to_owned), label }
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
