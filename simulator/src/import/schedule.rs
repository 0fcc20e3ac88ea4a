//! When the yellow duck measures, and what of a recording it then gets to see.
//!
//! It reads its sensor 2.6 s after its power or reset comes, and then once an interval; a DHT22 answers with what it
//! measured 2 s before. So each value of the recording holds from somewhat before its own time, and what is missing is
//! a reading that failed.

use super::evidence::{Evidence, Gap, On, Reading, SECOND, Time};

/// From power or reset to the first reading: the boot ROM, the sensor's settling, the request.
pub(super) const FIRST: Time = 2_605_000_000;
/// The least and the most that the duck takes as its interval.
const LEAST: Time = 15 * SECOND;
const MOST: Time = 24 * 60 * 60 * SECOND;
/// How far from its place in the rhythm a reading may lie: the service counts whole seconds.
const JITTER: Time = 2 * SECOND;

/// The rhythm of readings.
#[derive(Clone, Debug)]
pub(super) struct Rhythm {
    /// Between two readings, as the duck takes it.
    pub interval: Time,
    /// The median of the times between rows.
    pub median: Time,
    /// Whether nearly all rows keep to it.
    pub steady: bool,
}

impl Rhythm {
    /// The rhythm of some readings, in order; `None` if there are fewer than two times.
    pub(super) fn of(readings: &[Reading], said: Option<Time>) -> Option<Self> {
        let mut apart: Vec<Time> =
            readings.windows(2).map(|pair| pair[1].at - pair[0].at).filter(|it| *it > 0).collect();
        apart.sort_unstable();
        let median = said.or_else(|| apart.get(apart.len() / 2).copied())?;
        let in_time = |it: &&Time| (**it % median).min(median - **it % median) <= JITTER;
        let steady = apart.iter().filter(in_time).count() * 10 >= apart.len() * 8;
        // The duck counts in whole seconds.
        let interval = ((median + SECOND / 2) / SECOND * SECOND).clamp(LEAST, MOST);
        Some(Self { interval, median, steady })
    }

    /// How long before its own time a value holds already.
    pub(super) fn lead(&self) -> Time {
        (self.interval / 2).min(10 * SECOND)
    }

    /// The gaps between readings that did not fail.
    pub(super) fn gaps(&self, readings: &[Reading]) -> Vec<Gap> {
        let good: Vec<&Reading> = readings.iter().filter(|reading| !reading.failed()).collect();
        let apart = good.windows(2).filter(|pair| pair[1].at - pair[0].at >= self.interval * 3 / 2);
        apart.map(|pair| Gap { after: pair[0].clone(), before: pair[1].clone() }).collect()
    }

    /// How far two readings are from being whole intervals apart.
    fn out_of_step(&self, one: &Reading, other: &Reading) -> Time {
        let out = (other.at - one.at) % self.interval;
        out.min(self.interval - out)
    }

    /// Whether the device must have been started anew between the first two of these readings: what comes from then on
    /// is out of step with what was before, and in step with itself.
    fn restarted(&self, readings: &[&Reading]) -> bool {
        let [before, after, rest @ ..] = readings else { return false };
        let stays = rest
            .first()
            .is_none_or(|next| self.out_of_step(after, next) <= JITTER && self.out_of_step(before, next) > JITTER);
        self.steady && self.out_of_step(before, after) > JITTER && stays
    }
}

/// When the device was on, as its readings tell it.
pub(super) fn starts(evidence: &Evidence, rhythm: &Rhythm) -> Vec<On> {
    let Some(first) = evidence.readings.first() else { return Vec::new() };
    // Whole seconds: the first reading comes 0.6 s behind the time that the service shows.
    let start = |at: Time| at.div_euclid(SECOND) * SECOND - 2 * SECOND;
    let mut starts = vec![On { from: start(first.at), until: None }];
    let good: Vec<&Reading> = evidence.readings.iter().filter(|reading| !reading.failed()).collect();
    for index in (1..good.len()).filter(|index| rhythm.restarted(&good[index - 1..])) {
        let (before, after) = (good[index - 1], good[index]);
        if let Some(last) = starts.last_mut() {
            last.until = Some((before.at + (rhythm.interval / 2).min(15 * SECOND)).min(start(after.at) - SECOND));
        }
        starts.push(On { from: start(after.at), until: None });
    }
    starts
}

/// A row of the recording: from when on a reading holds, or that none does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub from: Time,
    pub temperature: Option<i32>,
    pub humidity: Option<i32>,
    pub origin: String,
}

/// The rows of a recording from which the sensor measures the same again.
pub(super) fn rows(readings: &[Reading], rhythm: &Rhythm) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (index, reading) in readings.iter().enumerate() {
        let failed = reading.failed();
        let value = |value: Option<i32>| value.filter(|_| !failed);
        let row = Row {
            from: reading.at - rhythm.lead(),
            temperature: value(reading.temperature),
            humidity: value(reading.humidity),
            origin: reading.origin.to_string(),
        };
        match rows.last_mut() {
            Some(last) if last.from == row.from => *last = row,
            _ => rows.push(row),
        }
        if let Some(next) = readings.get(index + 1)
            && !failed
            && next.at - reading.at >= rhythm.interval * 3 / 2
        {
            rows.push(Row {
                from: reading.at + rhythm.interval - rhythm.lead(),
                temperature: None,
                humidity: None,
                origin: format!(
                    "{}: nothing between {} and {}",
                    reading.origin.file, reading.origin.place, next.origin.place
                ),
            });
        }
    }
    // The field tells no more: what the device still measures until the run ends is not counted.
    if let Some(last) = readings.last().filter(|last| !last.failed()) {
        let from = last.at + rhythm.interval - rhythm.lead();
        let origin = format!("{}: nothing behind {}", last.origin.file, last.origin.place);
        rows.push(Row { from, temperature: None, humidity: None, origin });
    }
    rows
}

/// How many readings the duck gets out of these rows until the end, and how many of them may as well fail: a row begins
/// while the duck still tries.
pub(super) fn readings(rows: &[Row], starts: &[On], interval: Time, end: Time) -> (u32, u32) {
    let (mut count, mut doubtful) = (0, 0);
    for (index, on) in starts.iter().enumerate() {
        let next = starts.get(index + 1).map(|next| next.from);
        let off = on.until.or(next).unwrap_or(end).min(end);
        let mut at = on.from + FIRST;
        while at < off {
            let held = rows.partition_point(|row| row.from <= at);
            let good = rows.get(held.saturating_sub(1)).is_some_and(|row| row.temperature.is_some());
            count += u32::from(good);
            let near = |row: &&Row| (at - 3 * SECOND..=at + 7 * SECOND).contains(&row.from);
            let turns = rows
                .iter()
                .skip(held.saturating_sub(2))
                .take(6)
                .filter(near)
                .any(|row| row.temperature.is_some() != good);
            // What is measured in the last seconds may not have been sent.
            doubtful += u32::from(turns || good && at + 5 * SECOND >= off);
            at += interval;
        }
    }
    (count, doubtful)
}
