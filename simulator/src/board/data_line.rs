//! The sensor's wire: an open-drain bus with a pull-up, the host at one end and a [`DhtModel`] at the other.
//!
//! The host [drives](DataLine::drive) and [reads](DataLine::level) the line in device time. When it releases the line
//! after a start pulse, the sensor's whole answer is worked out and stands in the line's future; the level at any moment
//! is the wired AND of both ends. Each start pulse gives one [`SensorReport`] for the record, once its last edge has
//! passed: ask [`DataLine::report_due`] when that is.
//!
//! Not modelled: rise times, crosstalk, a pull-up that is missing. A host that pulls the line low while the sensor talks
//! spoils what it reads; the sensor talks on and takes the rest of the pulse, if any, for the next start.

use std::collections::VecDeque;

use super::dht::{Dht, DhtModel, SensorFault};
use super::readings::Signal;
use crate::events::{EventKind, Level, SensorOutcome};
use crate::random::Stream;
use crate::time::Instant;

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

impl From<SensorReport> for EventKind {
    fn from(report: SensorReport) -> Self {
        let SensorReport { outcome, temperature, humidity, edges, .. } = report;
        Self::Sensor { outcome, temperature, humidity, edges }
    }
}

/// The wire with the sensor on it.
pub struct DataLine {
    sensor: Dht,
    /// Since when the host pulls the line low, if it does.
    low_since: Option<Instant>,
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
        match self.low_since {
            Some(since) if since <= at => self.drive(at, Level::High),
            _ => self.low_since = None,
        }
    }

    /// The host pulls the line low or, with [`Level::High`], lets it go.
    pub fn drive(&mut self, at: Instant, level: Level) {
        match (level, self.low_since) {
            (Level::Low, None) => self.low_since = Some(at),
            (Level::High, Some(since)) => {
                self.low_since = None;
                self.released(since, at);
            }
            _ => {}
        }
    }

    fn released(&mut self, since: Instant, at: Instant) {
        let talks_until = self.train.last().copied().unwrap_or(Instant::START);
        if at <= talks_until || !self.sensor.is_powered() {
            return;
        }
        let started = since.max(talks_until);
        let answer = self.sensor.answer(started, at);
        let micros = |edge: &Instant| u32::try_from(edge.saturating_since(started).as_micros()).unwrap_or(u32::MAX);
        let edges = [started, at].iter().chain(&answer.edges).map(micros).collect();
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

    /// The line's level: low while either end pulls it low.
    pub fn level(&self, at: Instant) -> Level {
        let edges_passed = self.train.partition_point(|edge| *edge <= at);
        let host_low = self.low_since.is_some_and(|since| since <= at);
        if host_low || edges_passed % 2 == 1 { Level::Low } else { Level::High }
    }

    /// When the next report can be taken; `None` while there is nothing to report.
    pub fn report_due(&self) -> Option<Instant> {
        self.reports.front().map(|report| report.ended)
    }

    /// The next transaction that has ended by `at`.
    pub fn take_report(&mut self, at: Instant) -> Option<SensorReport> {
        self.reports.pop_front_if(|report| report.ended <= at)
    }

    /// Something is wrong with the sensor from the next start pulse on, or, with `None`, nothing is any longer.
    pub fn set_fault(&mut self, fault: Option<SensorFault>) {
        self.sensor.fault = fault;
    }

    /// The sensor latches up: silent until its power is cut. Seen in the field after days on a marginal supply.
    pub fn latch(&mut self) {
        self.sensor.latch();
    }

    /// Changes what there is to measure, in tenths of a degree Celsius.
    pub fn set_temperature(&mut self, temperature: Signal) {
        self.sensor.temperature = temperature;
    }

    /// Changes what there is to measure, in tenths of a percent of relative humidity.
    pub fn set_humidity(&mut self, humidity: Signal) {
        self.sensor.humidity = humidity;
    }
}

#[cfg(test)]
mod tests;
