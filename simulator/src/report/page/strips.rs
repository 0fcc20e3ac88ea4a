//! The strips of the timeline: one for each lane of each device, and of pins, phones and faults one for each of them.
//!
//! A strip has spans (power is on, a network is joined, a fault is in force) and marks (a request, a failed join).

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use simulator_record::events::{
    ConnectionOutcome, DeviceId, Event, EventKind, JoinOutcome, PhoneEvent, PowerState, SensorOutcome, Vocabulary,
};
use simulator_record::time::Instant;

use super::thinned::{Piece, Thinned};
use crate::report::lane::{Lane, News};

/// How many spans, and how many marks, a strip keeps apart.
const MOST_PIECES: usize = 3_000;
/// How many strips there are at most; what belongs to others is told in the events alone.
const MOST_STRIPS: usize = 80;

/// Which strip: lane, device, and of pins, phones and faults the name.
type Key = (Option<DeviceId>, Lane, String);

/// All strips of a run.
#[derive(Default)]
pub(super) struct Strips {
    places: BTreeMap<Key, usize>,
    strips: Vec<Strip>,
    left_out: u64,
}

/// One of them.
struct Strip {
    lane: Lane,
    device: Option<DeviceId>,
    device_name: Option<String>,
    label: String,
    spans: Thinned<Bar>,
    marks: Thinned<Bar>,
    /// Spans that have begun, by what they are.
    open: BTreeMap<u32, (Instant, News, String)>,
}

/// A span or a mark; where it stands for several, how many.
#[derive(Clone, Debug)]
struct Bar {
    from: u64,
    to: u64,
    news: News,
    text: String,
    count: u64,
}

impl Piece for Bar {
    fn from(&self) -> u64 {
        self.from
    }

    fn length(&self) -> u64 {
        self.to - self.from
    }

    fn absorb(&mut self, next: Self) {
        self.to = self.to.max(next.to);
        self.count += next.count;
        if next.news > self.news {
            (self.news, self.text) = (next.news, next.text);
        }
    }
}

/// `[from, to, news, text, count]`, in microseconds; of a mark that stands for itself `[from, news]`.
impl Serialize for Bar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let news = self.news as u8;
        if self.from == self.to && self.count == 1 && self.text.is_empty() {
            return (self.from, news).serialize(serializer);
        }
        (self.from, self.to, news, &self.text, self.count).serialize(serializer)
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// A strip as the page has it.
#[derive(Serialize)]
struct StripData<'s> {
    lane: &'static str,
    label: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'s str>,
    spans: &'s [Bar],
    marks: &'s [Bar],
    /// The grid in which neighbours became one, in microseconds, if some did.
    #[serde(skip_serializing_if = "Option::is_none")]
    grid: Option<u64>,
}

impl<'s> StripData<'s> {
    fn of(strip: &'s Strip) -> Self {
        let grid = strip.spans.grid().max(strip.marks.grid());
        Self {
            lane: strip.lane.word(),
            label: &strip.label,
            device: strip.device_name.as_deref(),
            spans: strip.spans.pieces(),
            marks: strip.marks.pieces(),
            grid: (grid > 0).then_some(grid),
        }
    }
}

impl Strips {
    /// Takes in the next event, and gives the place of its strip, if there is room for one.
    pub(super) fn see(&mut self, event: &Event) -> Option<usize> {
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
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None if self.strips.len() >= MOST_STRIPS => {
                self.left_out += 1;
                return None;
            }
            None => {
                self.strips.push(Strip::new(event, device, lane, &key.2));
                self.places.insert(key, self.strips.len() - 1);
                self.strips.len() - 1
            }
        };
        self.strips[place].see(event);
        if let EventKind::Power(power) = &event.kind
            && power.state != PowerState::On
        {
            // Without power nothing goes on.
            for strip in &mut self.strips {
                if strip.device == event.device && matches!(strip.lane, Lane::Boots | Lane::WiFi | Lane::Tls) {
                    strip.close_all(event.at);
                }
            }
        }
        Some(place)
    }

    /// How many events no strip shows.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Ends what goes on to the end of the run.
    pub(super) fn finish(&mut self, end: Instant) {
        self.strips.iter_mut().for_each(|strip| strip.close_all(end));
    }
}

/// All of them, in the order in which they came.
impl Serialize for Strips {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.strips.iter().map(StripData::of))
    }
}

impl Strip {
    fn new(event: &Event, device: Option<DeviceId>, lane: Lane, name: &str) -> Self {
        let label = match &event.kind {
            EventKind::Pin(pin) => format!("{} {name}", capitalized(pin.kind.name())),
            EventKind::AccessPoint(_) => format!("AP {name}"),
            _ if name.is_empty() => lane.label().to_owned(),
            _ => format!("{} {name}", lane.label()),
        };
        Self {
            lane,
            device,
            device_name: device.and(event.name.as_deref()).map(str::to_owned),
            label,
            spans: Thinned::new(MOST_PIECES),
            marks: Thinned::new(MOST_PIECES),
            open: BTreeMap::new(),
        }
    }

    fn see(&mut self, event: &Event) {
        let (at, news) = (event.at, News::of(&event.kind));
        match &event.kind {
            EventKind::Power(power) => {
                self.close_all(at);
                self.open(0, at, news, power.state.word());
            }
            EventKind::Boot(boot) => {
                self.close_all(at);
                self.open(0, at, news, &format!("boot {} after {}", boot.number, boot.cause));
            }
            EventKind::Pin(pin) => {
                self.close_all(at);
                if pin.on {
                    self.open(0, at, News::Good, "on");
                }
            }
            EventKind::Join(join) if join.outcome == JoinOutcome::Joined => {
                self.close_all(at);
                self.open(0, at, news, &format!("joined {}", join.network));
            }
            EventKind::LinkLost(_) => {
                self.close_all(at);
                self.mark(at, news);
            }
            EventKind::AccessPoint(point) => {
                self.close_all(at);
                if point.on {
                    self.open(0, at, News::Good, "there");
                }
            }
            EventKind::Connection(connection) => match connection.outcome {
                ConnectionOutcome::Opened => {
                    self.open(connection.number, at, News::None, &format!("connection {}", connection.number));
                }
                ConnectionOutcome::Closed => self.close(connection.number, at),
                ConnectionOutcome::Reset | ConnectionOutcome::Refused | ConnectionOutcome::Ignored => {
                    self.close(connection.number, at);
                    self.mark(at, news);
                }
            },
            EventKind::Fault(fault) => match fault.action.as_str() {
                "begins" => self.open(0, at, News::Doubtful, "in force"),
                "ends" => self.close_all(at),
                _ => self.mark(at, News::Bad),
            },
            EventKind::Phone(phone) => {
                self.mark(at, news);
                if matches!(phone.what, PhoneEvent::Left {}) {
                    self.close_all(at);
                } else if self.open.is_empty() {
                    self.open(0, at, News::None, "here");
                }
            }
            EventKind::Sensor(sensor) => self.mark(
                at,
                match sensor.outcome {
                    SensorOutcome::Settling | SensorOutcome::TooSoon => News::Doubtful,
                    _ => news,
                },
            ),
            _ => self.mark(at, news),
        }
    }

    fn mark(&mut self, at: Instant, news: News) {
        let at = at.as_micros();
        self.marks.push(Bar { from: at, to: at, news, text: String::new(), count: 1 });
    }

    fn open(&mut self, what: u32, at: Instant, news: News, text: &str) {
        self.open.entry(what).or_insert_with(|| (at, news, text.to_owned()));
    }

    fn close(&mut self, what: u32, at: Instant) {
        if let Some((from, news, text)) = self.open.remove(&what) {
            self.spans.push(Bar { from: from.as_micros(), to: at.as_micros(), news, text, count: 1 });
        }
    }

    fn close_all(&mut self, at: Instant) {
        while let Some((what, _)) = self.open.first_key_value() {
            self.close(*what, at);
        }
    }
}
