//! Sampling: asks the sensor on a steady grid and puts what it measured into the queue.
//!
//! The first reading is due 2.5 s after boot (a DHT22 needs up to 2 s to settle after power-up, AM2302 data sheet §7.1)
//! and every further one an interval later, counted from the first and not from the reading before, so that nothing
//! drifts. Each has three tries, 2 s apart, the sensor's shortest measuring interval.
//!
//! The sensor measures after it has answered, and answers with what it measured then, however long ago that was (data
//! sheets of AM2302 and DHT11: read twice, the second value is that of now). So it is asked once 2 s before a reading
//! is due, and that answer is thrown away; where it did not come, the first answer of the reading itself is.
//!
//! `dht-sensor` speaks the wire protocol, on a [`bus`] that waits for late responses; its values become tenths here.
//! Clones send temperatures below zero in two's complement, which no value of a real DHT22 can be confused with; other
//! values that the sensor cannot measure are refused.
//!
//! What failed is told with the next reading. A sensor that is dead lets none come, so after three failed readings in a
//! row, and no sooner than twelve readings after the last time, a report goes up instead ([`Outage`]).

mod bus;

use bus::Bus;
use dht_sensor::{DhtError, dht11, dht22};
use embassy_time::{Duration, Instant, Timer};
use embedded_hal::digital::{InputPin, OutputPin};
use log::{info, warn};

use crate::board::{Delay, ResetCause};
use crate::readings::{Gap, Measurement, SensorFault};
use crate::settings::SensorKind;
use crate::shared::Shared;

/// When the first reading is due, counted from boot.
pub const FIRST_READING: Duration = Duration::from_millis(2_500);
const TRIES: u8 = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(2);
/// So many failed readings in a row are worth a report.
const REPORT_AFTER: u16 = 3;
/// From one report to the next there are at least so many readings, good or bad.
const REPORT_SPACING: u16 = 12;
/// An answer tells of now if the one before it is no older.
const FRESH: Duration = Duration::from_secs(10);
/// A response later than this is told: data sheets say 20 to 40 us, and a driver that looks once cannot read it.
const LATE: Duration = Duration::from_micros(50);

/// Takes readings for ever, `interval` apart.
pub(crate) async fn run<P: InputPin + OutputPin>(
    shared: &Shared<'_>,
    kind: SensorKind,
    interval: Duration,
    cause: ResetCause,
    pin: &mut P,
    delay: &mut impl Delay,
) -> ! {
    let first = Instant::from_ticks(0) + FIRST_READING;
    let mut due = first;
    let mut outage = Outage::default();
    let mut sensor = Sensor::new(kind, cause, pin, delay);
    loop {
        Timer::at(due - BETWEEN_TRIES).await;
        if !sensor.is_fresh(due) {
            // Whatever comes of it: the reading has tries of its own.
            let _old = sensor.ask();
        }
        Timer::at(due).await;
        match take(&mut sensor).await {
            Ok(measurement) => {
                info!(target: "sensor", "{measurement}");
                shared.add_reading(Instant::now(), measurement, outage.ended());
            }
            Err(fault) => {
                warn!(target: "sensor", "no reading: {fault}, {TRIES} tries");
                if let Some(gap) = outage.failed(fault) {
                    warn!(target: "sensor", "{} readings in a row failed; the cloud is told", outage.in_a_row);
                    shared.add_report(Instant::now(), gap);
                }
            }
        }
        due = next_due(first, interval, Instant::now());
    }
}

/// Readings that failed and of which the cloud has not been told yet.
#[derive(Debug, Default)]
struct Outage {
    gap: Gap,
    /// Failed readings since the last good one.
    in_a_row: u16,
    /// Readings since the last report; `None` if there was none.
    since_report: Option<u16>,
}

impl Outage {
    /// A reading failed. Says what to report, if it is time for it.
    fn failed(&mut self, fault: SensorFault) -> Option<Gap> {
        self.gap.failed(fault);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.count();
        let is_time = self.since_report.is_none_or(|readings| readings >= REPORT_SPACING);
        if self.in_a_row < REPORT_AFTER || !is_time {
            return None;
        }
        self.since_report = Some(0);
        Some(core::mem::take(&mut self.gap))
    }

    /// A reading was taken, which tells of those that failed before it.
    fn ended(&mut self) -> Gap {
        self.in_a_row = 0;
        self.count();
        core::mem::take(&mut self.gap)
    }

    fn count(&mut self) {
        self.since_report = self.since_report.map(|readings| readings.saturating_add(1));
    }
}

/// The first moment of the grid that lies after `now`.
fn next_due(first: Instant, interval: Duration, now: Instant) -> Instant {
    let elapsed = now.saturating_duration_since(first).as_ticks();
    let interval = interval.as_ticks().max(1);
    first + Duration::from_ticks((elapsed / interval + 1).saturating_mul(interval))
}

/// One reading, in up to three tries. An answer from before is no try.
async fn take<P: InputPin + OutputPin>(sensor: &mut Sensor<'_, P, impl Delay>) -> Result<Measurement, SensorFault> {
    let mut attempt = 1;
    loop {
        let is_fresh = sensor.is_fresh(Instant::now());
        let result = sensor.ask();
        if let Some(late) = sensor.late {
            warn!(target: "sensor", "late answer: {} us after the request", late.as_micros());
        }
        match result.and_then(plausible) {
            Ok(_) if !is_fresh => info!(target: "sensor", "an answer from before; asked again"),
            Err(fault) if attempt < TRIES => {
                warn!(target: "sensor", "{fault}, try {attempt} of {TRIES}");
                attempt += 1;
            }
            result => return result,
        }
        Timer::after(BETWEEN_TRIES).await;
    }
}

/// The sensor on its bus.
struct Sensor<'a, P, D> {
    kind: SensorKind,
    pin: &'a mut P,
    delay: &'a mut D,
    /// When it measured last: after it answered, or after power-up.
    measured: Option<Instant>,
    /// How long it took to respond last time, if that was too long.
    late: Option<Duration>,
}

impl<'a, P: InputPin + OutputPin, D: Delay> Sensor<'a, P, D> {
    /// The sensor as it is after a start for this reason: power wakes it, too.
    fn new(kind: SensorKind, cause: ResetCause, pin: &'a mut P, delay: &'a mut D) -> Self {
        let measured = (cause == ResetCause::PowerOn).then_some(Instant::from_ticks(0));
        Self { kind, pin, delay, measured, late: None }
    }

    /// Whether an answer at `at` tells of that time.
    fn is_fresh(&self, at: Instant) -> bool {
        self.measured.is_some_and(|measured| at.saturating_duration_since(measured) <= FRESH)
    }

    /// Asks once: some 5 ms (DHT22) or 25 ms (DHT11) during which nothing else of ours runs. The start pulse may become
    /// longer, what the sensor answers may not be missed: only for that, some 5 ms, the radio waits as well.
    fn ask(&mut self) -> Result<Measurement, SensorFault> {
        let Self { kind, pin, delay, .. } = self;
        let kind = *kind;
        pin.set_low().map_err(|_| SensorFault::Pin)?;
        delay.delay_ms(match kind {
            SensorKind::Dht22 => 1,
            SensorKind::Dht11 => 18,
        });
        let (result, response) = delay.undisturbed(|delay| {
            let bus = Bus::new(&mut **pin, delay);
            let (mut line, mut wait) = bus.ends();
            let result = match kind {
                SensorKind::Dht22 => dht22::blocking::read(&mut wait, &mut line)
                    .map(|reading| (temperature(tenths(reading.temperature)), tenths(reading.relative_humidity))),
                SensorKind::Dht11 => dht11::blocking::read(&mut wait, &mut line)
                    .map(|reading| (i16::from(reading.temperature) * 10, i16::from(reading.relative_humidity) * 10)),
            };
            (result, bus.response())
        });
        self.late = response.filter(|response| *response > LATE);
        let result = match (result, response) {
            (Ok((temperature, humidity)), Some(_)) => Ok(Measurement { temperature, humidity, sensor: kind }),
            (Err(DhtError::PinError(_)), _) => Err(SensorFault::Pin),
            (Err(DhtError::Timeout), _) => Err(SensorFault::NoAnswer),
            (Err(DhtError::ChecksumMismatch), Some(_)) => Err(SensorFault::Checksum),
            // The bus no longer waited for what the driver then took for bits.
            (Ok(_) | Err(DhtError::ChecksumMismatch), None) => Err(SensorFault::LateAnswer),
        };
        if matches!(result, Ok(_) | Err(SensorFault::Checksum)) {
            self.measured = Some(Instant::now());
        }
        result
    }
}

/// Refuses what the sensor cannot measure.
fn plausible(measurement: Measurement) -> Result<Measurement, SensorFault> {
    if in_range(&measurement) {
        return Ok(measurement);
    }
    warn!(target: "sensor", "{measurement} cannot be: outside of the sensor's range");
    Err(SensorFault::OutOfRange)
}

/// A DHT22's temperature from the tenths that it sent, read as sign and magnitude: those far below its range are a
/// clone's in two's complement.
fn temperature(sent: i16) -> i16 {
    let twos_complement = (0x8000 | sent.unsigned_abs()).cast_signed();
    if sent < LOWEST && twos_complement >= LOWEST { twos_complement } else { sent }
}

/// The driver hands out the sensor's tenths as floating point; back to what the sensor sent. Saturates.
fn tenths(value: f32) -> i16 {
    let half = if value < 0.0 { -0.5 } else { 0.5 };
    (value * 10.0 + half) as i16
}

/// The least that a DHT22 can measure, in tenths of a degree Celsius.
const LOWEST: i16 = -400;

/// Whether the sensor can measure such values: AM2302 data sheet §4, DHT11 data sheet §3.
fn in_range(measurement: &Measurement) -> bool {
    let (temperatures, humidities) = match measurement.sensor {
        SensorKind::Dht22 => (LOWEST..=800, 0..=1_000),
        SensorKind::Dht11 => (0..=500, 200..=900),
    };
    temperatures.contains(&measurement.temperature) && humidities.contains(&measurement.humidity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_does_not_drift_and_late_readings_skip_no_more_than_they_must() {
        let first = Instant::from_millis(2_500);
        let interval = Duration::from_secs(300);
        let due = |millis| next_due(first, interval, Instant::from_millis(millis)).as_millis();
        assert_eq!(due(2_530), 302_500);
        assert_eq!(due(306_530), 602_500);
        assert_eq!(due(302_500), 602_500);
        assert_eq!(due(1_000_000), 1_202_500);
    }

    /// The readings, from 1, after which there was a report, and how many failed ones it told of.
    fn reports(failed: impl Iterator<Item = bool>) -> std::vec::Vec<(usize, u16)> {
        let mut outage = Outage::default();
        let mut reports = std::vec::Vec::new();
        for (n, failed) in (1..).zip(failed) {
            if !failed {
                outage.ended();
            } else if let Some(gap) = outage.failed(SensorFault::NoAnswer) {
                reports.push((n, gap.failed));
            }
        }
        reports
    }

    #[test]
    fn a_dead_sensor_is_reported_after_three_readings_and_then_rarely() {
        assert_eq!(reports([true; 45].into_iter()), [(3, 3), (15, 12), (27, 12), (39, 12)]);
    }

    #[test]
    fn a_sensor_that_comes_and_goes_is_reported_no_more_often() {
        assert_eq!(reports((0..100).map(|n| n % 3 < 2)), []);
        let often: std::vec::Vec<_> = reports((0..100).map(|n| n % 4 < 3)).into_iter().map(|(n, _)| n).collect();
        assert_eq!(often, [3, 15, 27, 39, 51, 63, 75, 87, 99]);
    }

    #[test]
    fn what_was_reported_is_not_told_again_with_the_next_reading() {
        let mut outage = Outage::default();
        let told: std::vec::Vec<_> = (0..5).filter_map(|_| outage.failed(SensorFault::Checksum)).collect();
        assert_eq!(told, [Gap { failed: 3, reason: Some(SensorFault::Checksum), dropped: 0 }]);
        assert_eq!(outage.ended(), Gap { failed: 2, reason: Some(SensorFault::Checksum), dropped: 0 });
        assert_eq!(outage.ended(), Gap::NONE);
    }

    #[test]
    fn every_tenth_survives_the_floating_point() {
        for raw in 0..=0x7FFF_u16 {
            let value = raw as f32 / 10.0;
            assert_eq!(tenths(value), raw as i16);
            assert_eq!(tenths(-value), -(raw as i16));
        }
    }

    #[test]
    fn frost_is_read_as_sign_and_magnitude_and_in_twos_complement() {
        // As the driver hands them out: 0x804E, 0x8190 and 0x8000 of a DHT22; 0xFFFF, 0xFFFD, 0xFF4C and 0xFE70 of
        // clones.
        assert_eq!([-78, -400, 0].map(temperature), [-78, -400, 0]);
        assert_eq!([-0x7FFF, -0x7FFD, -0x7F4C, -0x7E70].map(temperature), [-1, -3, -180, -400]);
        for nonsense in [-401, -0x1000, -0x7E6F] {
            assert_eq!(temperature(nonsense), nonsense);
        }
    }

    #[test]
    fn values_outside_of_the_sensors_range_are_refused() {
        let of = |sensor, temperature, humidity| in_range(&Measurement { temperature, humidity, sensor });
        assert!(of(SensorKind::Dht22, -400, 0) && of(SensorKind::Dht22, 800, 1_000));
        assert!(!of(SensorKind::Dht22, -401, 500) && !of(SensorKind::Dht22, 801, 500));
        assert!(!of(SensorKind::Dht22, 200, 1_001) && !of(SensorKind::Dht22, -32_767, 500));
        assert!(of(SensorKind::Dht11, 0, 200) && of(SensorKind::Dht11, 500, 900));
        assert!(!of(SensorKind::Dht11, -10, 500) && !of(SensorKind::Dht11, 510, 500));
        assert!(!of(SensorKind::Dht11, 200, 190) && !of(SensorKind::Dht11, 200, 910));
    }
}
