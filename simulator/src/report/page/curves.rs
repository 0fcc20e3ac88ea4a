//! What was measured and what was stored, as curves over time.
//!
//! A reading stands where it was measured; an entry where its `created_at` says that it was measured, so that what was
//! sent later lies on what it was of. `field1` is the temperature and `field2` the humidity, as in the world's channel.

use serde::{Serialize, Serializer};
use simulator_record::events::{Event, EventKind};

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

/// A quantity of one device.
#[derive(Serialize)]
pub(super) struct Curve {
    name: &'static str,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(serialize_with = "points")]
    measured: Thinned<Point>,
    #[serde(serialize_with = "points")]
    stored: Thinned<Point>,
    /// How many values were measured, and how many were stored.
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

const QUANTITIES: [(&str, &str); 2] = [("Temperature", "°C"), ("Humidity", "%")];

impl Curves {
    pub(super) fn new(start: i64, end: u64) -> Self {
        Self { start, end, all: Vec::new() }
    }

    pub(super) fn see(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Sensor(sensor) => {
                let at = event.at.as_micros();
                let values = [sensor.temperature.map(f64::from), sensor.humidity.map(f64::from)];
                for (quantity, value) in values.into_iter().enumerate() {
                    if let Some(value) = value {
                        let curve = self.of(quantity, event);
                        curve.measured.push(Point::new(at, value / 10.0));
                        curve.counts[0] += 1;
                    }
                }
            }
            EventKind::Stored(stored) => {
                let since = stored.created_at.saturating_sub(self.start);
                let at = u64::try_from(since).ok().and_then(|since| since.checked_mul(1_000_000));
                let at = at.filter(|at| *at <= self.end);
                for (quantity, field) in stored.fields.iter().take(QUANTITIES.len()).enumerate() {
                    let value = field.as_ref().and_then(|field| field.trim().parse::<f64>().ok());
                    match (value.filter(|value| value.is_finite()), at) {
                        (Some(value), Some(at)) => {
                            let curve = self.of(quantity, event);
                            curve.stored.push(Point::new(at, value));
                            curve.counts[1] += 1;
                        }
                        (Some(_), None) => self.of(quantity, event).outside += 1,
                        (None, _) => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn of(&mut self, quantity: usize, event: &Event) -> &mut Curve {
        let (name, unit) = QUANTITIES[quantity];
        let device = event.name.as_deref();
        let known = self.all.iter().position(|curve| curve.name == name && curve.device.as_deref() == device);
        let place = known.unwrap_or_else(|| {
            self.all.push(Curve {
                name,
                unit,
                device: device.map(str::to_owned),
                measured: Thinned::new(MOST_POINTS),
                stored: Thinned::new(MOST_POINTS),
                counts: [0; 2],
                outside: 0,
            });
            self.all.len() - 1
        });
        &mut self.all[place]
    }

    pub(super) fn into_curves(self) -> Vec<Curve> {
        self.all
    }
}

impl Point {
    fn new(at: u64, value: f64) -> Self {
        Self { at, least: value, most: value }
    }
}
