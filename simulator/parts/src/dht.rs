//! The sensor itself: what an AM2302 (DHT22) or one of its kin makes of a start pulse.
//!
//! It is given the host's start pulse and returns the train of edges with which it answers, worked out in advance.
//! Timings are drawn anew for each edge, within what was captured of its kind (`dht/part.rs`). The line with its
//! pull-up is [`super::data_line`].
//!
//! It measures after it has answered, and is deaf meanwhile. So it answers with what it measured after the answer
//! before, or after power-up, however long ago that was: whoever wants to know how warm it is now asks twice. Where its
//! surroundings come from a recording in which the sensor did not answer, it does not answer either.
//!
//! After Aosong's data sheets "AM2302" (§7), "AM2301" and "DHT11" (§5), and captures of real sensors. Bits are sent
//! most significant first: humidity, temperature, sum of the four bytes.
//!
//! Not modelled: accuracy and drift, that a start pulse too short may wake it for the next one (of pulses of 305 us the
//! captured sensor answered every other; here each is drawn by itself), a limit to the length of start pulses, the −0.0
//! °C that clones send between 0.0 and −0.1 °C, the cable.

mod fault;
mod line;
mod part;

use std::time::Duration;

pub use fault::{ExactTiming, MadeOfLateness, SensorFault};
use part::{Coding, Range};
pub use part::{DhtModel, Lateness};

use super::readings::Signal;
use simulator_record::events::SensorOutcome;
use simulator_record::random::{Draw, Stream};
use simulator_record::time::Instant;

/// Of less than 584 years.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Whether something happens that does `per_million` times in a million. What is certain takes no draw.
fn likely(per_million: u32, stream: &mut Stream) -> bool {
    match per_million {
        0 => false,
        1_000_000.. => true,
        _ => stream.happens(per_million),
    }
}

impl DhtModel {
    /// How often, in a million, it answers a start pulse of such a length.
    fn answers(self, pulse: Duration) -> u32 {
        let curve = self.part().start;
        let after = curve.partition_point(|(length, _)| *length <= pulse);
        let Some(&(shorter, low)) = after.checked_sub(1).and_then(|before| curve.get(before)) else { return 0 };
        let Some(&(longer, high)) = curve.get(after) else { return low };
        let share = (pulse - shorter).as_nanos() * u128::from(high - low) / (longer - shorter).as_nanos();
        low + share as u32
    }

    /// Humidity and temperature as four bytes, from tenths, and the tenths that they stand for. Values outside the
    /// sensor's range are sent as far as the bytes can hold them: a broken sensor does so.
    fn encode(self, measurement: Measurement, coding: Coding) -> ([u8; 4], Measurement) {
        let humidity = measurement.humidity.clamp(0, 0xFFFF) as u16;
        let tenths = |temperature: i32, bits: u16| {
            let ([rh_high, rh_low], [t_high, t_low]) = (humidity.to_be_bytes(), bits.to_be_bytes());
            ([rh_high, rh_low, t_high, t_low], Measurement { temperature, humidity: i32::from(humidity) })
        };
        match coding {
            Coding::Sign => {
                let magnitude = measurement.temperature.unsigned_abs().min(0x7FFF) as u16;
                let negative = measurement.temperature < 0;
                let temperature = if negative { -i32::from(magnitude) } else { i32::from(magnitude) };
                tenths(temperature, magnitude | u16::from(negative) << 15)
            }
            Coding::TwosComplement => {
                let temperature = measurement.temperature.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
                tenths(temperature.into(), temperature.cast_unsigned())
            }
            Coding::WholeUnits => {
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
    temperature: Signal,
    humidity: Signal,
    fault: Option<SensorFault>,
    latched: bool,
    /// What it is stuck at.
    stuck_at: Option<Measurement>,
    powered_since: Option<Instant>,
    /// What it measured last, which it will answer with.
    measured: Option<Measurement>,
    /// When the measurement is done that goes on.
    measuring: Option<Instant>,
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
            temperature,
            humidity,
            fault: None,
            latched: false,
            stuck_at: None,
            powered_since: None,
            measured: None,
            measuring: None,
            stream,
        }
    }

    pub(super) fn power_on(&mut self, at: Instant) {
        if self.powered_since.is_none() {
            self.powered_since = Some(at);
            self.measuring = Some(at + self.model.part().settling);
        }
    }

    pub(super) fn power_off(&mut self) {
        self.powered_since = None;
        self.measured = None;
        self.measuring = None;
        self.latched = false;
    }

    /// Something is wrong from now on; of several faults the last counts.
    pub(super) fn begin_fault(&mut self, fault: SensorFault) {
        if fault == SensorFault::Latched {
            // It stays without the fault, and while the power is cut it goes in spite of the fault.
            self.latched = true;
        } else {
            if fault == SensorFault::Stuck {
                self.stuck_at = None;
            }
            self.fault = Some(fault);
        }
    }

    /// A fault ends that began, and those are left that began before it or after it.
    pub(super) fn end_fault<'f>(&mut self, left: impl DoubleEndedIterator<Item = &'f SensorFault>) {
        let left: Vec<_> = left.rev().filter(|fault| **fault != SensorFault::Latched).collect();
        self.fault = left.first().map(|fault| (*fault).clone());
        // What it is stuck at it keeps while another fault comes and goes.
        if !left.contains(&&SensorFault::Stuck) {
            self.stuck_at = None;
        }
    }

    pub(super) fn is_powered(&self) -> bool {
        self.powered_since.is_some()
    }

    /// Changes what there is to measure from `at` on; says whether anything is not as it was.
    pub(super) fn surround(&mut self, at: Instant, temperature: Option<Signal>, humidity: Option<Signal>) -> bool {
        self.finish_measuring(at);
        let temperature = temperature.unwrap_or_else(|| self.temperature.clone());
        let humidity = humidity.unwrap_or_else(|| self.humidity.clone());
        let changed = (&temperature, &humidity) != (&self.temperature, &self.humidity);
        (self.temperature, self.humidity) = (temperature, humidity);
        changed
    }

    /// What the sensor makes of a line pulled low by the host from `pulled` to `released`.
    pub(super) fn answer(&mut self, pulled: Instant, released: Instant) -> Answer {
        let none = |outcome| Answer { outcome, sent: None, edges: Vec::new() };
        let Some(powered_since) = self.powered_since else { return none(SensorOutcome::Silent) };
        if self.latched || self.fault == Some(SensorFault::Silent) {
            return none(SensorOutcome::Silent);
        }
        if let Some(SensorFault::Replay(train)) = &self.fault {
            let edges = train.iter().scan(released, |at, level| {
                *at += *level;
                Some(*at)
            });
            return Answer { outcome: SensorOutcome::Answered, sent: None, edges: edges.collect() };
        }
        let part = self.model.part();
        if released.saturating_since(powered_since) < part.settling {
            return none(SensorOutcome::Settling);
        }
        self.finish_measuring(released);
        if self.measuring.is_some() {
            return none(SensorOutcome::TooSoon);
        }
        if !likely(self.model.answers(released.saturating_since(pulled)), &mut self.stream) {
            return none(SensorOutcome::ShortStart);
        }
        let Some(now) = self.measure(released) else { return none(SensorOutcome::Silent) };
        if matches!(self.fault, Some(SensorFault::SilentBetween(least, most)) if (least..=most).contains(&now.temperature))
        {
            return none(SensorOutcome::Silent);
        }
        // There is none if its surroundings had no value when it measured first.
        let mut measured = self.measured.unwrap_or(now);
        let mut coding = part.coding;
        match self.fault {
            Some(SensorFault::Stuck) => measured = *self.stuck_at.get_or_insert(measured),
            Some(SensorFault::TwosComplement) if coding == Coding::Sign => coding = Coding::TwosComplement,
            _ => {}
        }
        let (bytes, sent) = self.model.encode(measured, coding);
        self.measuring = Some(released + part.measuring);
        let mut checksum = bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
        let mut outcome = SensorOutcome::Answered;
        let mut begins = released + part.late.map_or(Duration::ZERO, |lateness| lateness.draw(&mut self.stream));
        match self.fault {
            Some(SensorFault::BadChecksum) => {
                checksum ^= 1 << self.stream.between(0, 7);
                outcome = SensorOutcome::BadChecksum;
            }
            Some(SensorFault::LateResponse(lateness)) => begins += lateness.draw(&mut self.stream),
            Some(
                SensorFault::Silent
                | SensorFault::Latched
                | SensorFault::Exact(_)
                | SensorFault::Replay(_)
                | SensorFault::Stuck
                | SensorFault::TwosComplement
                | SensorFault::LastEdgeLost
                | SensorFault::BitFlips(_)
                | SensorFault::Glitches(_)
                | SensorFault::SlowEdges(_)
                | SensorFault::SilentBetween(..),
            )
            | None => {}
        }
        let [a, b, c, d] = bytes;
        let mut frame = [a, b, c, d, checksum];
        if let Some(SensorFault::BitFlips(per_million)) = self.fault
            && likely(per_million, &mut self.stream)
        {
            let bit = self.stream.between(0, 39) as usize;
            frame[bit / 8] ^= 0x80 >> (bit % 8);
            outcome = SensorOutcome::BadChecksum;
        }
        let edges = self.train(begins, frame);
        let edges = match &self.fault {
            Some(fault) => line::disturbed(edges, fault, &mut self.stream),
            None => edges,
        };
        Answer { outcome, sent: Some((sent.temperature, sent.humidity.unsigned_abs())), edges }
    }

    /// Takes over the measurement that went on, if it is done by `at`.
    fn finish_measuring(&mut self, at: Instant) {
        if let Some(done) = self.measuring.take_if(|done| *done <= at) {
            self.measured = self.measure(done).or(self.measured);
        }
    }

    /// What there is to measure.
    fn measure(&self, at: Instant) -> Option<Measurement> {
        Some(Measurement { temperature: self.temperature.at(at)?, humidity: self.humidity.at(at)? })
    }

    fn train(&mut self, released: Instant, bytes: [u8; 5]) -> Vec<Instant> {
        let part = self.model.part();
        let exact;
        let wire = match self.fault {
            Some(SensorFault::Exact(timing)) => {
                exact = timing.on(&part.wire);
                &exact
            }
            _ => &part.wire,
        };
        let bytes = bytes.into_iter().chain(std::iter::repeat_n(0, part.trailing));
        let mut edges = Vec::with_capacity(4 + 16 * (5 + part.trailing));
        let mut at = released;
        let mut edge_after = |range: &Range| {
            at += Duration::from_nanos(self.stream.between(*range.start(), *range.end()));
            edges.push(at);
        };
        edge_after(&wire.release);
        edge_after(&wire.response_low);
        edge_after(&wire.response_high);
        for (number, byte) in bytes.enumerate() {
            edge_after(&wire.byte_low[number.min(4)]);
            for bit in 0..8 {
                if bit > 0 {
                    edge_after(&wire.bit_low);
                }
                edge_after(if byte << bit & 0x80 != 0 { &wire.one_high } else { &wire.zero_high });
            }
        }
        edge_after(&wire.end_low);
        edges
    }
}

#[cfg(test)]
mod tests;
