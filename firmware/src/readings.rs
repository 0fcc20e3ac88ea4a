//! Readings on their way to the cloud: what was measured, when, and the queue they wait in while the cloud is away.
//!
//! A reading carries the time since boot at which it was taken. It gets its calendar time when it is sent for the first
//! time and keeps it from then on, because `created_at` is its identity: only so can a reading whose reply was lost be
//! sent again without being stored twice. What went wrong before a reading (tries that failed, readings that had to be
//! dropped) travels with it as its [`Gap`], and is told in its `status`. Where no reading comes that could carry it,
//! because the sensor is dead, a report takes a reading's place in the queue and goes the same way: an entry with a
//! `status` and no values.

use core::fmt;

use embassy_time::Instant;
use heapless::Deque;

use crate::settings::SensorKind;

/// How many readings wait at most; the oldest is dropped for a new one.
pub const CAPACITY: usize = 64;

/// What a sensor measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Tenths of a degree Celsius.
    pub temperature: i16,
    /// Tenths of a per cent of relative humidity.
    pub humidity: i16,
    /// The sensor, which says how many places are worth writing.
    pub sensor: SensorKind,
}

impl Measurement {
    /// The temperature in degrees Celsius with the sensor's resolution.
    pub fn celsius(&self) -> Decimal {
        Decimal { tenths: self.temperature, sensor: self.sensor }
    }

    /// The relative humidity in per cent with the sensor's resolution.
    pub fn percent(&self) -> Decimal {
        Decimal { tenths: self.humidity, sensor: self.sensor }
    }
}

/// `21.5 °C, 45.6 %`
impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} °C, {} %", self.celsius(), self.percent())
    }
}

/// A number of tenths, written as the sensor measures: one place for a DHT22, none for a DHT11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    tenths: i16,
    sensor: SensorKind,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sensor {
            SensorKind::Dht22 => {
                let sign = if self.tenths < 0 { "-" } else { "" };
                let magnitude = self.tenths.unsigned_abs();
                write!(f, "{sign}{}.{}", magnitude / 10, magnitude % 10)
            }
            SensorKind::Dht11 => write!(f, "{}", self.tenths / 10),
        }
    }
}

/// Why a reading could not be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorFault {
    /// The sensor did not answer, or stopped halfway.
    NoAnswer,
    /// The sensor answered too late to be understood.
    LateAnswer,
    /// What arrived does not fit its checksum.
    Checksum,
    /// The values lie outside of what the sensor can measure.
    OutOfRange,
    /// The data pin could not be used.
    Pin,
}

impl fmt::Display for SensorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAnswer => "no answer",
            Self::LateAnswer => "late answer",
            Self::Checksum => "wrong checksum",
            Self::OutOfRange => "values out of range",
            Self::Pin => "data pin unusable",
        })
    }
}

/// What went wrong since the reading before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Readings that could not be taken.
    pub failed: u16,
    /// Why the last of them could not.
    pub reason: Option<SensorFault>,
    /// Readings that were taken and dropped because the queue was full.
    pub dropped: u16,
}

impl Gap {
    /// Nothing went wrong.
    pub const NONE: Self = Self { failed: 0, reason: None, dropped: 0 };

    /// Both gaps, `earlier` before `self`.
    fn following(self, earlier: Self) -> Self {
        Self {
            failed: self.failed.saturating_add(earlier.failed),
            reason: self.reason.or(earlier.reason),
            dropped: self.dropped.saturating_add(earlier.dropped),
        }
    }

    /// One more reading failed.
    pub fn failed(&mut self, reason: SensorFault) {
        self.failed = self.failed.saturating_add(1);
        self.reason = Some(reason);
    }

    /// Whether nothing went wrong.
    pub fn is_none(&self) -> bool {
        self.failed == 0 && self.dropped == 0
    }
}

/// What an entry tells of a gap: `2 readings failed before this one: no answer; 5 readings dropped`. Printable ASCII
/// without anything that JSON would escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    gap: Gap,
    /// The entry is a report: there is no reading that the failed ones could lie before.
    is_report: bool,
}

impl Status {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.gap.is_none()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let readings = |n: u16| if n == 1 { "reading" } else { "readings" };
        let Gap { failed, reason, dropped } = self.gap;
        if let Some(reason) = reason {
            let before = if self.is_report { "" } else { " before this one" };
            write!(f, "{failed} {} failed{before}: {reason}", readings(failed))?;
        }
        if dropped > 0 {
            let separator = if reason.is_some() { "; " } else { "" };
            write!(f, "{separator}{dropped} {} dropped", readings(dropped))?;
        }
        Ok(())
    }
}

/// A reading on its way to the cloud, or a report that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Counts the readings and reports since boot, from 0.
    pub number: u32,
    /// When it was taken, since boot.
    pub taken: Instant,
    /// What was measured; nothing in a report.
    pub measurement: Option<Measurement>,
    /// What went wrong before it.
    pub gap: Gap,
    /// The calendar time it was last packed with, in seconds since 1970.
    pub created_at: Option<i64>,
    /// Whether a request that carried it may have arrived; from then on its `created_at` is its identity and stays.
    pub sent: bool,
    /// Whether a request that carried it got no clear answer, so that it may be stored already.
    pub in_doubt: bool,
}

impl Reading {
    /// What its entry tells besides the values.
    pub fn status(&self) -> Status {
        Status { gap: self.gap, is_report: self.measurement.is_none() }
    }
}

/// Readings that wait for the cloud, oldest first.
#[derive(Debug)]
pub struct Readings {
    waiting: Deque<Reading, CAPACITY>,
    next: u32,
}

impl Default for Readings {
    fn default() -> Self {
        Self::new()
    }
}

impl Readings {
    /// An empty queue.
    pub const fn new() -> Self {
        Self { waiting: Deque::new(), next: 0 }
    }

    /// Forgets all readings.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// How many readings wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The waiting readings, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Reading> {
        self.waiting.iter()
    }

    /// The waiting readings, oldest first, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Reading> {
        self.waiting.iter_mut()
    }

    /// The oldest reading.
    pub fn oldest(&self) -> Option<&Reading> {
        self.waiting.front()
    }

    /// Appends a reading. If the queue is full, the oldest makes room and is returned; the one after it tells of it.
    pub fn push(&mut self, taken: Instant, measurement: Measurement, gap: Gap) -> Option<Reading> {
        self.append(taken, Some(measurement), gap)
    }

    /// Appends a report of `gap`, made at `taken`. Makes room like [`push`](Self::push).
    pub fn push_report(&mut self, taken: Instant, gap: Gap) -> Option<Reading> {
        self.append(taken, None, gap)
    }

    fn append(&mut self, taken: Instant, measurement: Option<Measurement>, gap: Gap) -> Option<Reading> {
        let dropped = if self.waiting.is_full() { self.waiting.pop_front() } else { None };
        if let (Some(dropped), Some(oldest)) = (&dropped, self.waiting.front_mut()) {
            let readings = u16::from(dropped.measurement.is_some());
            let told = Gap { dropped: dropped.gap.dropped.saturating_add(readings), ..dropped.gap };
            oldest.gap = oldest.gap.following(told);
        }
        let reading =
            Reading { number: self.next, taken, measurement, gap, created_at: None, sent: false, in_doubt: false };
        self.next = self.next.wrapping_add(1);
        // There is room: either there was, or the oldest has just made some.
        let _full = self.waiting.push_back(reading);
        dropped
    }

    /// Removes the readings up to `number`, which the cloud has stored.
    pub fn stored_through(&mut self, number: u32) {
        while self.waiting.front().is_some_and(|reading| reading.number <= number) {
            self.waiting.pop_front();
        }
    }

    /// The waiting readings from number `first` to number `last`, to note what became of them.
    pub fn between(&mut self, first: u32, last: u32) -> impl Iterator<Item = &mut Reading> {
        self.waiting.iter_mut().filter(move |reading| (first..=last).contains(&reading.number))
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    fn measurement(temperature: i16, sensor: SensorKind) -> Measurement {
        Measurement { temperature, humidity: 456, sensor }
    }

    #[test]
    fn values_are_written_with_the_sensors_resolution() {
        for (tenths, dht22, dht11) in [(215, "21.5", "21"), (-5, "-0.5", "0"), (-127, "-12.7", "-12"), (0, "0.0", "0")]
        {
            assert_eq!(measurement(tenths, SensorKind::Dht22).celsius().to_string(), dht22);
            assert_eq!(measurement(tenths, SensorKind::Dht11).celsius().to_string(), dht11);
        }
        assert_eq!(measurement(215, SensorKind::Dht22).to_string(), "21.5 °C, 45.6 %");
    }

    #[test]
    fn a_full_queue_drops_the_oldest_and_tells_so_with_the_next() {
        let mut readings = Readings::new();
        let gap = Gap { failed: 2, reason: Some(SensorFault::NoAnswer), dropped: 0 };
        for n in 0..70 {
            let gap = if n == 3 { gap } else { Gap::NONE };
            let dropped = readings.push(Instant::from_secs(n), measurement(200, SensorKind::Dht22), gap);
            assert_eq!(dropped.map(|reading| reading.number), n.checked_sub(64).map(|n| n as u32));
        }
        assert_eq!(readings.len(), CAPACITY);
        let oldest = readings.oldest().expect("there are readings");
        assert_eq!((oldest.number, oldest.gap.dropped, oldest.gap.failed), (6, 6, 2));
        assert_eq!(oldest.status().to_string(), "2 readings failed before this one: no answer; 6 readings dropped");
        assert!(readings.iter().skip(1).all(|reading| reading.gap.is_none()));
    }

    #[test]
    fn stored_readings_leave_even_if_the_first_of_them_was_dropped_meanwhile() {
        let mut readings = Readings::new();
        for n in 0..64 {
            readings.push(Instant::from_secs(n), measurement(200, SensorKind::Dht22), Gap::NONE);
        }
        for reading in readings.between(0, 2) {
            reading.in_doubt = true;
        }
        readings.push(Instant::from_secs(64), measurement(200, SensorKind::Dht22), Gap::NONE);
        readings.stored_through(2);
        assert_eq!(readings.oldest().map(|reading| reading.number), Some(3));
        assert_eq!(readings.iter().filter(|reading| reading.in_doubt).count(), 0);
        assert_eq!(readings.iter().map(|reading| reading.number).collect::<Vec<_>>(), (3..=64).collect::<Vec<_>>());
    }

    #[test]
    fn a_dropped_report_is_no_dropped_reading_and_what_it_told_is_kept() {
        let mut readings = Readings::new();
        let gap = |failed| Gap { failed, reason: Some(SensorFault::NoAnswer), dropped: 0 };
        readings.push_report(Instant::from_secs(0), gap(3));
        readings.push_report(Instant::from_secs(1), gap(12));
        for n in 2..65 {
            readings.push(Instant::from_secs(n), measurement(200, SensorKind::Dht22), Gap::NONE);
        }
        let oldest = readings.oldest().expect("there are readings");
        assert_eq!((oldest.number, oldest.measurement, oldest.gap), (1, None, gap(15)));
        assert_eq!(oldest.status().to_string(), "15 readings failed: no answer");
    }

    #[test]
    fn a_status_speaks_in_the_singular_too() {
        let mut gap = Gap::NONE;
        gap.failed(SensorFault::NoAnswer);
        let status = |gap| Status { gap, is_report: false }.to_string();
        assert_eq!(status(gap), "1 reading failed before this one: no answer");
        assert_eq!(status(Gap { dropped: 1, ..Gap::NONE }), "1 reading dropped");
        assert_eq!(status(Gap::NONE), "");
    }
}
