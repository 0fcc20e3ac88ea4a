//! What was measured and what was stored, and what is free of the program's memory, as curves over time.
//!
//! A reading stands where it was measured; an entry where its `created_at` says that it was measured, so that what was
//! sent later lies on what it was of. `field1` is the temperature and `field2` the humidity, as in the world's channel.

use serde::{Serialize, Serializer};
use simulator_record::events::{Event, EventKind, MemoryKind};

use super::thinned::{Piece, Thinned};

/// How many points a curve keeps apart.
const MOST_POINTS: usize = 1_500;

/// The curves of a run.
pub(super) struct Curves {
    /// The calendar at virtual time 0, in seconds since 1970.
    start: i64,
    /// When the run ends, in microseconds.
    end: u64,
    all: Vec<Curve>,
}

/// What is drawn, in the order in which it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    Temperature,
    Humidity,
    Heap,
    SdkHeap,
    Stack,
}

/// How a quantity is drawn.
struct Drawn {
    name: &'static str,
    unit: &'static str,
    /// A line, and what is drawn over it.
    series: [&'static str; 2],
    /// A value holds until the next one, and at most until the device starts again.
    holds: bool,
}

/// What a sensor measures, and the channel's first fields are.
const MEASURED: [Quantity; 2] = [Quantity::Temperature, Quantity::Humidity];

impl Quantity {
    fn of_memory(which: MemoryKind) -> Self {
        match which {
            MemoryKind::Heap => Self::Heap,
            MemoryKind::SdkHeap => Self::SdkHeap,
            MemoryKind::Stack => Self::Stack,
        }
    }

    fn drawn(self) -> Drawn {
        let of_channel = |name, unit| Drawn { name, unit, series: ["measured", "stored"], holds: false };
        let of_memory = |name, series| Drawn { name, unit: "bytes", series, holds: true };
        match self {
            Self::Temperature => of_channel("Temperature", "°C"),
            Self::Humidity => of_channel("Humidity", "%"),
            Self::Heap => of_memory("Heap", ["free", LEAST]),
            Self::SdkHeap => of_memory("SDK's heap", ["free", LEAST]),
            // Of a stack what is free is the least that was.
            Self::Stack => of_memory("Stack", ["never used", ""]),
        }
    }
}

const LEAST: &str = "least since the start";

/// A quantity of one device.
#[derive(Serialize)]
pub(super) struct Curve {
    /// Its place among all quantities, in which order they are shown.
    place: usize,
    name: &'static str,
    unit: &'static str,
    series: [&'static str; 2],
    holds: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(serialize_with = "points")]
    line: Thinned<Point>,
    #[serde(serialize_with = "points")]
    over: Thinned<Point>,
    /// How many values there were of each.
    counts: [u64; 2],
    /// How many entries are of a time that is not in the run.
    outside: u64,
}

/// A value, or the least and the most of several.
#[derive(Clone, Debug)]
struct Point {
    at: u64,
    least: f64,
    most: f64,
}

impl Piece for Point {
    fn from(&self) -> u64 {
        self.at
    }

    fn length(&self) -> u64 {
        0
    }

    fn absorb(&mut self, next: Self) {
        self.least = self.least.min(next.least);
        self.most = self.most.max(next.most);
    }
}

fn points<S: Serializer>(points: &Thinned<Point>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(points.pieces().iter().map(|point| (point.at, point.least, point.most)))
}

impl Curves {
    pub(super) fn new(start: i64, end: u64) -> Self {
        Self { start, end, all: Vec::new() }
    }

    pub(super) fn see(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Sensor(sensor) => {
                let at = event.at.as_micros();
                let values = [sensor.temperature.map(f64::from), sensor.humidity.map(f64::from)];
                for (quantity, value) in MEASURED.into_iter().zip(values) {
                    if let Some(value) = value {
                        self.of(quantity, event).push(0, at, value / 10.0);
                    }
                }
            }
            EventKind::Stored(stored) => {
                let since = stored.created_at.saturating_sub(self.start);
                let at = u64::try_from(since).ok().and_then(|since| since.checked_mul(1_000_000));
                let at = at.filter(|at| *at <= self.end);
                for (quantity, field) in MEASURED.into_iter().zip(&stored.fields) {
                    let value = field.as_ref().and_then(|field| field.trim().parse::<f64>().ok());
                    match (value.filter(|value| value.is_finite()), at) {
                        (Some(value), Some(at)) => self.of(quantity, event).push(1, at, value),
                        (Some(_), None) => self.of(quantity, event).outside += 1,
                        (None, _) => {}
                    }
                }
            }
            EventKind::Memory(memory) => {
                let at = event.at.as_micros();
                let curve = self.of(Quantity::of_memory(memory.which), event);
                curve.push(0, at, memory.free.into());
                if !curve.series[1].is_empty() {
                    curve.push(1, at, memory.least.into());
                }
            }
            _ => {}
        }
    }

    fn of(&mut self, quantity: Quantity, event: &Event) -> &mut Curve {
        let Drawn { name, unit, series, holds } = quantity.drawn();
        let place = quantity as usize;
        let device = event.name.as_deref();
        let known = self.all.iter().position(|curve| curve.place == place && curve.device.as_deref() == device);
        let known = known.unwrap_or_else(|| {
            self.all.push(Curve {
                place,
                name,
                unit,
                series,
                holds,
                device: device.map(str::to_owned),
                line: Thinned::new(MOST_POINTS),
                over: Thinned::new(MOST_POINTS),
                counts: [0; 2],
                outside: 0,
            });
            self.all.len() - 1
        });
        &mut self.all[known]
    }

    pub(super) fn into_curves(self) -> Vec<Curve> {
        self.all
    }
}

impl Curve {
    /// The next value of one of the two series.
    fn push(&mut self, series: usize, at: u64, value: f64) {
        let points = if series == 0 { &mut self.line } else { &mut self.over };
        points.push(Point::new(at, value));
        self.counts[series] += 1;
    }
}

impl Point {
    fn new(at: u64, value: f64) -> Self {
        Self { at, least: value, most: value }
    }
}
