//! The sensor's wire: an open-drain bus with a pull-up, the host at one end and a [`DhtModel`] at the other.
//!
//! The host [drives](DataLine::drive) and [reads](DataLine::level) the line in device time. When it releases the line
//! after a start pulse, the sensor's whole answer is worked out and stands in the line's future; the level at any
//! moment is the wired AND of both ends, but for a host that drives the line high: it is the stronger, so that what the
//! sensor says meanwhile is not seen. Each start pulse gives one [`SensorReport`] for the record, once its last edge
//! has passed: ask [`DataLine::report_due`] when that is.
//!
//! Not modelled: rise times, crosstalk, a pull-up that is missing. A host that pulls the line low while the sensor
//! talks spoils what it reads; the sensor talks on and takes the rest of the pulse, if any, for the next start.

use std::collections::VecDeque;
use std::sync::Arc;

use super::dht::{Dht, DhtModel, SensorFault};
use super::readings::Signal;
use simulator_record::events::{self, EventKind, Level, SensorOutcome};
use simulator_record::random::Stream;
use simulator_record::time::Instant;

/// One start pulse and how the sensor answered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorReport {
    /// When the host pulled the line low.
    pub started: Instant,
    /// The last edge.
    pub ended: Instant,
    /// How the sensor answered.
    pub outcome: SensorOutcome,
    /// What it sent, in tenths of a degree Celsius.
    pub temperature: Option<i32>,
    /// What it sent, in tenths of a percent.
    pub humidity: Option<u32>,
    /// The line's edges, falling first, in microseconds after `started`.
    pub edges: Vec<u32>,
}

impl SensorReport {
    /// The event that tells it, of the sensor of this name.
    pub(crate) fn into_event(self, part: &Arc<str>) -> EventKind {
        let Self { outcome, temperature, humidity, edges, .. } = self;
        EventKind::Sensor(events::Sensor { part: Arc::clone(part), outcome, temperature, humidity, edges })
    }
}

/// What the host does to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostDrive {
    /// Pulls it low.
    Low,
    /// Drives it high, as a push-pull output does.
    High,
    /// Lets go of it, as an input or an open drain does.
    Released,
}

/// The wire with the sensor on it.
pub struct DataLine {
    sensor: Dht,
    /// Since when the host pulls the line low, if it does.
    low_since: Option<Instant>,
    /// Since when the host drives the line high, if it does.
    high_since: Option<Instant>,
    /// When the sensor pulls the line low and lets it go, alternately.
    train: Vec<Instant>,
    /// In order; none is dropped before it is taken, except by a power cut.
    reports: VecDeque<SensorReport>,
}

impl DataLine {
    /// A released line with an unpowered sensor, which will measure `temperature` (tenths of a degree Celsius) and
    /// `humidity` (tenths of a percent) and draws its tolerances from `stream`.
    pub fn new(model: DhtModel, temperature: Signal, humidity: Signal, stream: Stream) -> Self {
        Self {
            sensor: Dht::new(model, temperature, humidity, stream),
            low_since: None,
            high_since: None,
            train: Vec::new(),
            reports: VecDeque::new(),
        }
    }

    /// Power comes on. Does nothing if it is on.
    pub fn power_on(&mut self, at: Instant) {
        self.sensor.power_on(at);
    }

    /// Power goes away: the sensor forgets everything, and what the device did on the wire after `at` has not happened.
    pub fn power_off(&mut self, at: Instant) {
        self.sensor.power_off();
        self.low_since = None;
        self.high_since = None;
        self.train.clear();
        self.reports.retain(|report| report.ended <= at);
    }

    /// The host is reset and releases the line at `at`, while the sensor stays powered (brown-out, reset button); what
    /// the device did on the wire after `at` has not happened. A measurement made for it stays made.
    pub fn reset_host(&mut self, at: Instant) {
        self.reports.retain(|report| report.started <= at);
        if self.train.first().is_some_and(|first| *first > at) {
            self.train.clear();
        }
        self.low_since.take_if(|since| *since > at);
        self.high_since.take_if(|since| *since > at);
        self.drive(at, HostDrive::Released);
    }

    /// The host pulls the line low, drives it high or lets it go.
    pub fn drive(&mut self, at: Instant, drive: HostDrive) {
        if drive == HostDrive::Low {
            self.low_since.get_or_insert(at);
        } else if let Some(since) = self.low_since.take() {
            self.start_pulse(since, at);
        }
        if drive == HostDrive::High {
            self.high_since.get_or_insert(at);
        } else if let Some(since) = self.high_since.take() {
            self.uncover(since, at);
        }
    }

    /// The host lets go of a line that it drove high since `since`: what the sensor did meanwhile was not to be seen.
    fn uncover(&mut self, since: Instant, at: Instant) {
        let sensor_low = self.sensor_pulls_low(at);
        let talks = self.train.last().is_some_and(|last| since < *last);
        if let Some(report) = self.reports.back_mut().filter(|_| talks) {
            let (since, at) = (micros(report.started, since), micros(report.started, at));
            let passed = |moment: u32| report.edges.partition_point(|edge| *edge <= moment);
            let (first, last) = (passed(since), passed(at));
            let was_low = first % 2 == 1;
            let seen = [was_low.then_some(since), sensor_low.then_some(at)];
            report.edges.splice(first..last, seen.into_iter().flatten());
        }
    }

    fn start_pulse(&mut self, since: Instant, at: Instant) {
        let talks_until = self.train.last().copied().unwrap_or(Instant::START);
        if at <= talks_until || !self.sensor.is_powered() {
            return;
        }
        let started = since.max(talks_until);
        let answer = self.sensor.answer(started, at);
        let edges = [started, at].iter().chain(&answer.edges).map(|edge| micros(started, *edge)).collect();
        self.reports.push_back(SensorReport {
            started,
            ended: answer.edges.last().copied().unwrap_or(at),
            outcome: answer.outcome,
            temperature: answer.sent.map(|(temperature, _)| temperature),
            humidity: answer.sent.map(|(_, humidity)| humidity),
            edges,
        });
        self.train = answer.edges;
    }

    /// The line's level: low while either end pulls it low, unless the host drives it high.
    pub fn level(&self, at: Instant) -> Level {
        if self.high_since.is_some_and(|since| since <= at) {
            return Level::High;
        }
        let host_low = self.low_since.is_some_and(|since| since <= at);
        if host_low || self.sensor_pulls_low(at) { Level::Low } else { Level::High }
    }

    fn sensor_pulls_low(&self, at: Instant) -> bool {
        self.train.partition_point(|edge| *edge <= at) % 2 == 1
    }

    /// When the next report can be taken; `None` while there is nothing to report.
    pub fn report_due(&self) -> Option<Instant> {
        self.reports.front().map(|report| report.ended)
    }

    /// The next transaction that has ended by `at`.
    pub fn take_report(&mut self, at: Instant) -> Option<SensorReport> {
        self.reports.pop_front_if(|report| report.ended <= at)
    }

    /// Something is wrong with the sensor from the next start pulse on; of several faults the last counts.
    pub fn begin_fault(&mut self, fault: SensorFault) {
        self.sensor.begin_fault(fault);
    }

    /// A fault ends that began, and those are left that are in force, in the order in which they began.
    pub fn end_fault<'f>(&mut self, left: impl DoubleEndedIterator<Item = &'f SensorFault>) {
        self.sensor.end_fault(left);
    }

    /// Changes what there is to measure from `at` on, in tenths of a degree Celsius and of a percent of relative
    /// humidity; what is `None` stays as it is. Says whether anything is not as it was.
    pub fn surround(&mut self, at: Instant, temperature: Option<Signal>, humidity: Option<Signal>) -> bool {
        self.sensor.surround(at, temperature, humidity)
    }
}

/// How long after `started` an edge comes.
fn micros(started: Instant, edge: Instant) -> u32 {
    u32::try_from(edge.saturating_since(started).as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
