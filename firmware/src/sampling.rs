//! Sampling: asks the sensor on a steady grid and puts what it measured into the queue.
//!
//! The first reading is due 2.5 s after boot (a DHT22 needs up to 2 s to settle after power-up, AM2302 data sheet §7.1)
//! and every further one an interval later, counted from the first and not from the reading before, so that nothing
//! drifts. Each has three tries, 2 s apart, the sensor's shortest measuring interval. `dht-sensor` speaks the wire
//! protocol; its values become tenths here, and values that the sensor cannot measure are refused: a clone that
//! sends two's complement shows as -3276.7 °C.
//!
//! What failed is told with the next reading. A sensor that is dead lets none come, so after three failed readings in a
//! row, and no sooner than twelve readings after the last time, a report goes up instead ([`Outage`]).

use dht_sensor::{DhtError, dht11, dht22};
use embassy_time::{Duration, Instant, Timer};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};
use log::{info, warn};

use crate::board::Delay;
use crate::readings::{Gap, Measurement, SensorFault};
use crate::settings::SensorKind;
use crate::station::Shared;

/// When the first reading is due, counted from boot.
pub const FIRST_READING: Duration = Duration::from_millis(2_500);
const TRIES: u8 = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(2);
/// So many failed readings in a row are worth a report.
const REPORT_AFTER: u16 = 3;
/// From one report to the next there are at least so many readings, good or bad.
const REPORT_SPACING: u16 = 12;

/// Takes readings for ever, `interval` apart.
pub(crate) async fn run<P: InputPin + OutputPin>(
    shared: &Shared<'_>,
    kind: SensorKind,
    interval: Duration,
    pin: &mut P,
    delay: &mut impl Delay,
) -> ! {
    let first = Instant::from_ticks(0) + FIRST_READING;
    let mut due = first;
    let mut outage = Outage::default();
    loop {
        Timer::at(due).await;
        match take(kind, pin, delay).await {
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

/// One reading, in up to three tries.
async fn take<P: InputPin + OutputPin>(
    kind: SensorKind,
    pin: &mut P,
    delay: &mut impl Delay,
) -> Result<Measurement, SensorFault> {
    let mut attempt = 1;
    loop {
        let result = measure(kind, pin, delay);
        match result {
            Err(fault) if attempt < TRIES => {
                warn!(target: "sensor", "{fault}, try {attempt} of {TRIES}");
                attempt += 1;
                Timer::after(BETWEEN_TRIES).await;
            }
            _ => return result,
        }
    }
}

/// A delay for the driver after the start pulse, which is the only wait that it counts in milliseconds and is over.
struct Started<'a, D>(&'a mut D);

impl<D: DelayNs> DelayNs for Started<'_, D> {
    fn delay_ns(&mut self, nanos: u32) {
        self.0.delay_ns(nanos);
    }

    fn delay_us(&mut self, micros: u32) {
        self.0.delay_us(micros);
    }

    fn delay_ms(&mut self, _start_pulse: u32) {}
}

/// One try: some 5 ms (DHT22) or 25 ms (DHT11) during which nothing else of ours runs. The start pulse may become longer,
/// what the sensor answers may not be missed: only for that, some 5 ms, the radio waits as well.
fn measure<P: InputPin + OutputPin>(
    kind: SensorKind,
    pin: &mut P,
    delay: &mut impl Delay,
) -> Result<Measurement, SensorFault> {
    pin.set_low().map_err(|error| fault(error.into()))?;
    delay.delay_ms(match kind {
        SensorKind::Dht22 => 1,
        SensorKind::Dht11 => 18,
    });
    let measurement = match kind {
        SensorKind::Dht22 => {
            let reading = delay.undisturbed(|delay| dht22::blocking::read(&mut Started(delay), pin)).map_err(fault)?;
            Measurement {
                temperature: tenths(reading.temperature),
                humidity: tenths(reading.relative_humidity),
                sensor: kind,
            }
        }
        SensorKind::Dht11 => {
            let reading = delay.undisturbed(|delay| dht11::blocking::read(&mut Started(delay), pin)).map_err(fault)?;
            Measurement {
                temperature: i16::from(reading.temperature) * 10,
                humidity: i16::from(reading.relative_humidity) * 10,
                sensor: kind,
            }
        }
    };
    if plausible(&measurement) {
        Ok(measurement)
    } else {
        warn!(target: "sensor", "{measurement} cannot be: outside of the sensor's range");
        Err(SensorFault::OutOfRange)
    }
}

/// The driver hands out the sensor's tenths as floating point; back to what the sensor sent. Saturates.
fn tenths(value: f32) -> i16 {
    let half = if value < 0.0 { -0.5 } else { 0.5 };
    (value * 10.0 + half) as i16
}

/// Whether the sensor can measure such values: AM2302 data sheet §4, DHT11 data sheet §3.
fn plausible(measurement: &Measurement) -> bool {
    let (temperatures, humidities) = match measurement.sensor {
        SensorKind::Dht22 => (-400..=800, 0..=1_000),
        SensorKind::Dht11 => (0..=500, 200..=900),
    };
    temperatures.contains(&measurement.temperature) && humidities.contains(&measurement.humidity)
}

fn fault<E>(error: DhtError<E>) -> SensorFault {
    match error {
        DhtError::Timeout => SensorFault::NoAnswer,
        DhtError::ChecksumMismatch => SensorFault::Checksum,
        DhtError::PinError(_) => SensorFault::Pin,
    }
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
    fn values_outside_of_the_sensors_range_are_refused() {
        let of = |sensor, temperature, humidity| plausible(&Measurement { temperature, humidity, sensor });
        assert!(of(SensorKind::Dht22, -400, 0) && of(SensorKind::Dht22, 800, 1_000));
        assert!(!of(SensorKind::Dht22, -401, 500) && !of(SensorKind::Dht22, 801, 500));
        assert!(!of(SensorKind::Dht22, 200, 1_001) && !of(SensorKind::Dht22, -32_767, 500));
        assert!(of(SensorKind::Dht11, 0, 200) && of(SensorKind::Dht11, 500, 900));
        assert!(!of(SensorKind::Dht11, -10, 500) && !of(SensorKind::Dht11, 510, 500));
        assert!(!of(SensorKind::Dht11, 200, 190) && !of(SensorKind::Dht11, 200, 910));
    }
}
