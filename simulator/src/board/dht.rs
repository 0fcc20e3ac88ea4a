//! The sensor itself: what a DHT22 or DHT11 makes of a start pulse.
//!
//! It is given the host's start pulse and returns the train of edges with which it answers, worked out in advance.
//! Timings are drawn anew for each edge, within the data sheets' limits. The line with its pull-up is
//! [`super::data_line`].
//!
//! After Aosong's data sheets "AM2302" (DHT22; single-bus timing table, §7) and "DHT11" (§5). Bits are sent most
//! significant first: humidity, temperature (sign and magnitude), sum of the four bytes.
//!
//! Not modelled: that a real sensor answers with the measurement it made after the previous start pulse (here it measures
//! when asked), accuracy and drift, start pulses longer than the data sheets allow (sensors in the field answer them),
//! clones that send negative temperatures in two's complement, the cable.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::readings::Signal;
use crate::events::SensorOutcome;
use crate::random::{Draw, Stream};
use crate::time::Instant;

/// Which sensor it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhtModel {
    /// AM2302: tenths, −40 to 80 °C, 0 to 100 %.
    Dht22,
    /// Whole units, 0 to 50 °C, 20 to 90 %.
    Dht11,
}

/// What is wrong with the sensor for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorFault {
    /// It does not answer.
    Silent,
    /// One bit of its checksum is wrong.
    BadChecksum,
    /// Its response begins later than the data sheet allows, by so much.
    LateResponse(Duration),
    /// It keeps exactly these times, whatever the data sheet says.
    Exact(ExactTiming),
}

/// Times of a sensor that has no tolerances: to find where a driver stops to understand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExactTiming {
    /// From the host's release to the response.
    pub release: Duration,
    /// Low of the response.
    pub response_low: Duration,
    /// High of the response.
    pub response_high: Duration,
    /// Low before each bit.
    pub bit_low: Duration,
    /// High of a zero.
    pub zero_high: Duration,
    /// High of a one.
    pub one_high: Duration,
}

/// Nanoseconds.
type Range = RangeInclusive<u64>;

/// A data sheet's timing table.
struct Timing {
    /// Shortest start pulse.
    start_low: Duration,
    /// From the host's release to the response.
    release: Range,
    response_low: Range,
    response_high: Range,
    bit_low: Range,
    zero_high: Range,
    one_high: Range,
    /// Low after the last bit.
    end_low: Range,
    /// Between two measurements.
    interval: Duration,
    /// After power-up.
    settling: Duration,
}

impl Timing {
    /// The same but for what `exact` says.
    fn with(&self, exact: ExactTiming) -> Self {
        let always = |time: Duration| {
            let nanoseconds = time.as_nanos() as u64;
            nanoseconds..=nanoseconds
        };
        Self {
            release: always(exact.release),
            response_low: always(exact.response_low),
            response_high: always(exact.response_high),
            bit_low: always(exact.bit_low),
            zero_high: always(exact.zero_high),
            one_high: always(exact.one_high),
            end_low: self.end_low.clone(),
            ..*self
        }
    }
}

impl DhtModel {
    const fn timing(self) -> Timing {
        match self {
            // The bus may stay released for up to 200 µs, says the table; the text, and every sensor seen, 20 to 40.
            Self::Dht22 => Timing {
                start_low: Duration::from_micros(800),
                release: 20_000..=40_000,
                response_low: 75_000..=85_000,
                response_high: 75_000..=85_000,
                bit_low: 48_000..=55_000,
                zero_high: 22_000..=30_000,
                one_high: 68_000..=75_000,
                end_low: 45_000..=55_000,
                interval: Duration::from_secs(2),
                settling: Duration::from_secs(2),
            },
            // This data sheet gives typical values, and a range for the zero bit and the release only.
            Self::Dht11 => Timing {
                start_low: Duration::from_millis(18),
                release: 20_000..=40_000,
                response_low: 78_000..=82_000,
                response_high: 78_000..=82_000,
                bit_low: 48_000..=54_000,
                zero_high: 26_000..=28_000,
                one_high: 68_000..=72_000,
                end_low: 48_000..=54_000,
                interval: Duration::from_secs(1),
                settling: Duration::from_secs(1),
            },
        }
    }

    /// Humidity and temperature as four bytes, from tenths, and the tenths that they stand for. Values outside the
    /// sensor's range are sent as far as the bytes can hold them: a broken sensor does so.
    fn encode(self, measurement: Measurement) -> ([u8; 4], Measurement) {
        match self {
            Self::Dht22 => {
                let humidity = measurement.humidity.clamp(0, 0xFFFF) as u16;
                let magnitude = measurement.temperature.unsigned_abs().min(0x7FFF) as u16;
                let negative = measurement.temperature < 0;
                let [rh_high, rh_low] = humidity.to_be_bytes();
                let [t_high, t_low] = (magnitude | u16::from(negative) << 15).to_be_bytes();
                let temperature = if negative { -i32::from(magnitude) } else { i32::from(magnitude) };
                ([rh_high, rh_low, t_high, t_low], Measurement { temperature, humidity: i32::from(humidity) })
            }
            Self::Dht11 => {
                let whole = |tenths: i32, highest| (tenths.saturating_add(5).div_euclid(10)).clamp(0, highest);
                let humidity = whole(measurement.humidity, 0xFF);
                let temperature = whole(measurement.temperature, 0x7F);
                let sent = Measurement { temperature: temperature * 10, humidity: humidity * 10 };
                ([humidity as u8, 0, temperature as u8, 0], sent)
            }
        }
    }
}

/// In tenths of a degree Celsius and of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Measurement {
    temperature: i32,
    humidity: i32,
}

/// A sensor with its surroundings.
pub(super) struct Dht {
    model: DhtModel,
    timing: Timing,
    pub(super) temperature: Signal,
    pub(super) humidity: Signal,
    pub(super) fault: Option<SensorFault>,
    latched: bool,
    powered_since: Option<Instant>,
    previous: Option<(Instant, Measurement)>,
    stream: Stream,
}

/// How the sensor answers a start pulse.
pub(super) struct Answer {
    pub(super) outcome: SensorOutcome,
    /// What is sent, in tenths: temperature and humidity.
    pub(super) sent: Option<(i32, u32)>,
    /// When the sensor pulls the line low and lets it go, alternately; empty if it does not answer.
    pub(super) edges: Vec<Instant>,
}

impl Dht {
    pub(super) fn new(model: DhtModel, temperature: Signal, humidity: Signal, stream: Stream) -> Self {
        Self {
            model,
            timing: model.timing(),
            temperature,
            humidity,
            fault: None,
            latched: false,
            powered_since: None,
            previous: None,
            stream,
        }
    }

    pub(super) fn power_on(&mut self, at: Instant) {
        self.powered_since.get_or_insert(at);
    }

    pub(super) fn power_off(&mut self) {
        self.powered_since = None;
        self.previous = None;
        self.latched = false;
    }

    /// Silent from now on, until the power is cut.
    pub(super) fn latch(&mut self) {
        self.latched = true;
    }

    pub(super) fn is_powered(&self) -> bool {
        self.powered_since.is_some()
    }

    /// What the sensor makes of a line pulled low by the host from `pulled` to `released`.
    pub(super) fn answer(&mut self, pulled: Instant, released: Instant) -> Answer {
        let none = |outcome| Answer { outcome, sent: None, edges: Vec::new() };
        let Some(powered_since) = self.powered_since else { return none(SensorOutcome::Silent) };
        if self.latched || self.fault == Some(SensorFault::Silent) {
            return none(SensorOutcome::Silent);
        }
        if released.saturating_since(powered_since) < self.timing.settling {
            return none(SensorOutcome::Settling);
        }
        if released.saturating_since(pulled) < self.timing.start_low {
            return none(SensorOutcome::ShortStart);
        }
        let Some((mut outcome, measurement)) = self.measure(released) else { return none(SensorOutcome::Silent) };
        let (bytes, sent) = self.model.encode(measurement);
        let mut checksum = bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
        let mut begins = released;
        match self.fault {
            Some(SensorFault::BadChecksum) => {
                checksum ^= 1 << self.stream.between(0, 7);
                outcome = SensorOutcome::BadChecksum;
            }
            Some(SensorFault::LateResponse(late)) => begins += late,
            Some(SensorFault::Silent | SensorFault::Exact(_)) | None => {}
        }
        let [a, b, c, d] = bytes;
        let edges = self.train(begins, [a, b, c, d, checksum]);
        Answer { outcome, sent: Some((sent.temperature, sent.humidity.unsigned_abs())), edges }
    }

    /// What there is to send; `None` where the surroundings come from a recording in which the sensor did not answer.
    fn measure(&mut self, at: Instant) -> Option<(SensorOutcome, Measurement)> {
        if let Some((measured, previous)) = self.previous
            && at.saturating_since(measured) < self.timing.interval
        {
            return Some((SensorOutcome::TooSoon, previous));
        }
        let measurement = Measurement { temperature: self.temperature.at(at)?, humidity: self.humidity.at(at)? };
        self.previous = Some((at, measurement));
        Some((SensorOutcome::Answered, measurement))
    }

    fn train(&mut self, released: Instant, bytes: [u8; 5]) -> Vec<Instant> {
        let mut edges = Vec::with_capacity(2 + 80 + 2);
        let mut at = released;
        let Self { timing, stream, .. } = self;
        let timing = match self.fault {
            Some(SensorFault::Exact(exact)) => &timing.with(exact),
            _ => timing,
        };
        let mut edge_after = |range: &Range| {
            at += Duration::from_nanos(stream.between(*range.start(), *range.end()));
            edges.push(at);
        };
        edge_after(&timing.release);
        edge_after(&timing.response_low);
        edge_after(&timing.response_high);
        for bit in bytes.into_iter().flat_map(|byte| (0..8).rev().map(move |shift| byte >> shift & 1 == 1)) {
            edge_after(&timing.bit_low);
            edge_after(if bit { &timing.one_high } else { &timing.zero_high });
        }
        edge_after(&timing.end_low);
        edges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(model: DhtModel, temperature: i32, humidity: i32) -> ([u8; 4], i32, i32) {
        let (bytes, sent) = model.encode(Measurement { temperature, humidity });
        (bytes, sent.temperature, sent.humidity)
    }

    #[test]
    fn a_dht22_sends_the_data_sheets_examples() {
        // AM2302 data sheet §7: 65.2 %, 35.1 °C and −10.1 °C.
        assert_eq!(encoded(DhtModel::Dht22, 351, 652), ([0x02, 0x8C, 0x01, 0x5F], 351, 652));
        assert_eq!(encoded(DhtModel::Dht22, -101, 652), ([0x02, 0x8C, 0x80, 0x65], -101, 652));
    }

    #[test]
    fn a_dht11_sends_whole_units_and_nothing_below_zero() {
        assert_eq!(encoded(DhtModel::Dht11, 215, 456), ([46, 0, 22, 0], 220, 460));
        assert_eq!(encoded(DhtModel::Dht11, 214, 454), ([45, 0, 21, 0], 210, 450));
        assert_eq!(encoded(DhtModel::Dht11, -101, -5), ([0, 0, 0, 0], 0, 0));
    }

    #[test]
    fn readings_outside_the_range_are_sent_as_far_as_the_bytes_go() {
        assert_eq!(encoded(DhtModel::Dht22, 1_500, 1_200), ([0x04, 0xB0, 0x05, 0xDC], 1_500, 1_200));
        assert_eq!(encoded(DhtModel::Dht22, i32::MIN, i32::MAX), ([0xFF; 4], -0x7FFF, 0xFFFF));
    }
}
