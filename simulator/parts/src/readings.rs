//! What there is to measure: a temperature or a humidity as a function of virtual time.
//!
//! A scenario builds a [`Signal`], the sensor model samples it whenever it measures. Values are tenths (of a degree
//! Celsius, of a percent of relative humidity) in whole numbers, worked out without floating point, so that they are
//! the same on every machine. Recordings are read once, when the scenario is; a step in between is held, not
//! interpolated. Where a recording has no value there is none: the sensor that was recorded had not answered.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use simulator_record::time::Instant;

const DAY: u64 = 24 * 60 * 60 * 1_000_000_000;

/// A quantity over time, in tenths of its unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// Always the same.
    Constant(i32),
    /// From one value to another at a steady rate; the first before it begins, the second once it is over.
    Ramp {
        /// Value at the beginning.
        from: i32,
        /// Value at the end.
        to: i32,
        /// When it begins.
        begins: Instant,
        /// How long it takes; zero is a jump.
        over: Duration,
    },
    /// A cosine with a period of 24 hours.
    Daily {
        /// The day's mean.
        mean: i32,
        /// How far the highest value lies above the mean, and the lowest below.
        amplitude: i32,
        /// The highest value's distance from the scenario's beginning; whole days do not matter.
        highest: Duration,
    },
    /// From a recording.
    Recorded(Recording),
}

impl Signal {
    /// The value at `at`, in tenths; `None` where a recording has none.
    pub fn at(&self, at: Instant) -> Option<i32> {
        Some(match self {
            Self::Constant(value) => *value,
            Self::Ramp { from, to, begins, over } => ramp(*from, *to, at.saturating_since(*begins), *over),
            Self::Daily { mean, amplitude, highest } => {
                let highest = (highest.as_nanos() % u128::from(DAY)) as u64;
                let since = (at.as_nanos() % DAY + DAY - highest) % DAY;
                mean.saturating_add(round_div(i128::from(*amplitude) * cosine(since), COSINE_ONE))
            }
            Self::Recorded(recording) => return recording.at(at),
        })
    }
}

fn ramp(from: i32, to: i32, elapsed: Duration, over: Duration) -> i32 {
    if elapsed >= over {
        return to;
    }
    let (elapsed, over) = (elapsed.as_nanos() as i128, over.as_nanos() as i128);
    from.saturating_add(round_div((i128::from(to) - i128::from(from)) * elapsed, over))
}

/// What [`cosine`] calls 1.
const COSINE_ONE: i128 = 1_000_000;

/// The cosine of a moment of the day, 0 being its highest point, times [`COSINE_ONE`]: Bhaskara's rational
/// approximation, exact at every quarter of the day and within 0.0017 everywhere, which is less than a sensor shows for
/// any amplitude below 30 degrees.
fn cosine(since_highest: u64) -> i128 {
    // In degrees · 10^6: the sine's half waves begin 90 degrees before the cosine's highest point.
    let degrees = i128::from(since_highest) * 360_000_000 / i128::from(DAY) + 90_000_000;
    let degrees = degrees % 360_000_000;
    let (x, sign) = if degrees < 180_000_000 { (degrees, 1) } else { (degrees - 180_000_000, -1) };
    let product = x * (180_000_000 - x);
    sign * 4 * product * COSINE_ONE / (40_500_000_000_000_000 - product)
}

/// `numerator / denominator`, rounded half away from zero; `denominator` is positive.
fn round_div(numerator: i128, denominator: i128) -> i32 {
    let half = if numerator < 0 { -denominator / 2 } else { denominator / 2 };
    i32::try_from((numerator + half) / denominator).unwrap_or(if numerator < 0 { i32::MIN } else { i32::MAX })
}

/// Values as they were recorded; each holds until the next one. Clones share the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Time after the scenario's beginning, and value from then on (`None`: there is none); ascending, never empty.
    rows: Arc<[(Duration, Option<i32>)]>,
}

/// What is taken from a CSV file, and what it may be.
#[derive(Clone, Debug)]
pub struct Column<'a> {
    /// The column's name.
    pub name: &'a str,
    /// What its values may be, in tenths.
    pub range: RangeInclusive<i32>,
    /// Their unit, for messages.
    pub unit: &'a str,
    /// What holds where rows are missing.
    pub gaps: Gaps,
}

/// What holds where rows of a recording are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gaps {
    /// The value before; before the first row, the first row's.
    #[default]
    Hold,
    /// Nothing: before the first row, and from one usual interval on after a row that is the last, or whose next comes
    /// three usual intervals later or more.
    Silent,
}

/// So many usual intervals without a row are a gap.
const GAP: i64 = 3;

impl Recording {
    /// Reads one column of a CSV file whose first row names the columns. The time stands in a column `time`, as seconds
    /// after the scenario's beginning or as an RFC 3339 calendar time, or in a column `created_at` as ThingSpeak
    /// exports it; `start` is the calendar time of the beginning. Values are decimal numbers, rounded to tenths, or
    /// `nan` for a reading that failed; rows without one are passed over. Rows are in order of time; of several with
    /// the same time, the last counts; of those before the beginning, the last holds at the beginning.
    ///
    /// # Errors
    /// What is wrong with the text, and in which line.
    pub fn from_csv(text: &str, column: &Column<'_>, start: OffsetDateTime) -> Result<Self, RecordingError> {
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(RecordingError::EmptyFile);
        }
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let headers = reader.headers()?.clone();
        if headers.len() == 1 && headers.iter().any(|header| header.contains([';', '\t'])) {
            return Err(RecordingError::Separator);
        }
        let place = |name: &str| headers.iter().position(|header| header == name);
        let find = |name: &str| place(name).ok_or_else(|| RecordingError::no_column(name, headers.iter().collect()));
        let time_column = place("time").or_else(|| place("created_at")).map_or_else(|| find("time"), Ok)?;
        let value_column = find(column.name)?;
        let mut rows: Vec<(i64, Option<i32>)> = Vec::new();
        let mut last = String::new();
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |index| record.get(index).unwrap_or_default();
            let (time, value) = (cell(time_column), cell(value_column));
            if value.is_empty() {
                continue;
            }
            let at = parse_time(time, start).ok_or_else(|| RecordingError::Time { line, text: time.to_owned() })?;
            let value = column.value(value, line)?;
            match rows.last_mut() {
                Some((previous, _)) if at < *previous => {
                    return Err(RecordingError::Order { line, text: time.to_owned(), above: last });
                }
                // Two devices, a retry or a bulk update store with the same second.
                Some((previous, held)) if at == *previous => *held = value,
                _ => rows.push((at, value)),
            }
            time.clone_into(&mut last);
        }
        if rows.last().is_some_and(|(at, _)| *at < 0) {
            return Err(RecordingError::Over { last });
        }
        if column.gaps == Gaps::Silent {
            rows = with_gaps(&rows);
        }
        let begun = rows.partition_point(|(at, _)| *at <= 0);
        let rows = rows.drain(begun.saturating_sub(1)..).map(|(at, value)| (at.max(0).unsigned_abs(), value));
        Self::from_rows(rows.map(|(at, value)| (Duration::from_nanos(at), value))).ok_or(RecordingError::Empty)
    }

    /// A recording of values (tenths; `None` where there is none) and their times after the scenario's beginning;
    /// `None` if there are no rows, or if they are not in order of time.
    pub fn from_rows(rows: impl IntoIterator<Item = (Duration, Option<i32>)>) -> Option<Self> {
        let rows: Arc<[_]> = rows.into_iter().collect();
        (!rows.is_empty() && rows.is_sorted_by(|earlier, later| earlier.0 < later.0)).then_some(Self { rows })
    }

    /// Each value (tenths; `None` where there is none) and the time after the scenario's beginning from which it holds;
    /// the first holds before, too.
    pub fn rows(&self) -> &[(Duration, Option<i32>)] {
        &self.rows
    }

    /// The value recorded last at `at` or before; before the first row, the first row's.
    pub fn at(&self, at: Instant) -> Option<i32> {
        let after = self.rows.partition_point(|(time, _)| *time <= at.since_start());
        self.rows[after.saturating_sub(1)].1
    }
}

impl Column<'_> {
    /// The value of a cell in tenths; `None` for a reading that failed.
    fn value(&self, text: &str, line: u64) -> Result<Option<i32>, RecordingError> {
        // As a sketch prints a float that is none.
        if text.trim_start_matches(['-', '+']).eq_ignore_ascii_case("nan") {
            return Ok(None);
        }
        let wrong = || RecordingError::Value { line, text: text.to_owned() };
        let tenths = parse_decimal(text, 1).ok_or_else(wrong)?;
        match i32::try_from(tenths) {
            Ok(tenths) if self.range.contains(&tenths) => Ok(Some(tenths)),
            _ => Err(RecordingError::Range {
                line,
                text: text.to_owned(),
                low: f64::from(*self.range.start()) / 10.0,
                high: f64::from(*self.range.end()) / 10.0,
                unit: self.unit.to_owned(),
            }),
        }
    }
}

/// Rows with times in nanoseconds, with nothing where [`Gaps::Silent`] wants it. The usual interval is the median.
fn with_gaps(rows: &[(i64, Option<i32>)]) -> Vec<(i64, Option<i32>)> {
    let mut intervals: Vec<i64> = rows.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0)).collect();
    intervals.sort_unstable();
    let Some(usual) = intervals.get(intervals.len() / 2).copied() else { return rows.to_vec() };
    let mut filled = Vec::with_capacity(rows.len() + 2);
    if rows.first().is_some_and(|(first, _)| *first > 0) {
        filled.push((0, None));
    }
    for (index, (at, value)) in rows.iter().enumerate() {
        filled.push((*at, *value));
        let next = rows.get(index + 1).map_or(i64::MAX, |(next, _)| *next);
        if next.saturating_sub(*at) >= usual.saturating_mul(GAP) {
            filled.push((at.saturating_add(usual), None));
        }
    }
    filled
}

/// What is wrong with a recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A column is missing.
    #[error("there is no column `{name}`{}", hint(near, present))]
    NoColumn {
        /// The column asked for.
        name: String,
        /// The one that may be meant.
        near: Option<String>,
        /// Those that are there, separated by commas.
        present: String,
    },
    /// The columns are not separated by commas.
    #[error("columns are separated by commas, and decimals written with a point; these are not")]
    Separator,
    /// All of it lies before the scenario's beginning.
    #[error("it is over before the scenario begins: its last row is of {last}")]
    Over {
        /// The last row's time as it stands there.
        last: String,
    },
    /// A row's time cannot be read.
    #[error("line {line}: `{text}` is neither seconds nor a time like 2026-01-01T12:00:00Z")]
    Time {
        /// Counted from 1.
        line: u64,
        /// The cell.
        text: String,
    },
    /// A row's value cannot be read.
    #[error("line {line}: `{text}` is neither a decimal number nor `nan`, a reading that failed")]
    Value {
        /// Counted from 1.
        line: u64,
        /// The cell.
        text: String,
    },
    /// A row's value is none that a sensor could be asked to measure.
    #[error("line {line}: {text} is out of range: from {low} to {high} {unit}")]
    Range {
        /// Counted from 1.
        line: u64,
        /// The cell.
        text: String,
        /// Lowest.
        low: f64,
        /// Highest.
        high: f64,
        /// Of all three.
        unit: String,
    },
    /// A row is earlier than the one above.
    #[error("line {line}: `{text}` is earlier than the row above, `{above}`; rows stand in the order of their times")]
    Order {
        /// Counted from 1.
        line: u64,
        /// Its time.
        text: String,
        /// The time of the row above.
        above: String,
    },
    /// No row with a value.
    #[error("there are no rows")]
    Empty,
    /// Nothing at all.
    #[error("the file is empty")]
    EmptyFile,
    /// Not a CSV file.
    #[error(transparent)]
    Csv(#[from] csv::Error),
}

impl RecordingError {
    fn no_column(name: &str, present: Vec<&str>) -> Self {
        let near = present.iter().find(|column| {
            strsim::damerau_levenshtein(&column.to_lowercase(), &name.to_lowercase()) <= name.chars().count() / 3
        });
        Self::NoColumn { name: name.to_owned(), near: near.map(|near| (*near).to_owned()), present: present.join(", ") }
    }
}

/// What may be meant, or what there is.
fn hint(near: &Option<String>, present: &str) -> String {
    match near {
        Some(near) => format!(" (did you mean `{near}`?)"),
        None => format!(" (there are: {present})"),
    }
}

/// Nanoseconds after `start`.
fn parse_time(text: &str, start: OffsetDateTime) -> Option<i64> {
    parse_decimal(text, 9).or_else(|| {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| parse_spaced(text))?;
        i64::try_from((moment - start).whole_nanoseconds()).ok()
    })
}

/// A time as ThingSpeak exports it, `2026-01-01 12:00:00 UTC`, or with the offset of a time zone that was asked for:
/// `2026-01-01 13:00:00 +0100`.
fn parse_spaced(text: &str) -> Option<OffsetDateTime> {
    let mut parts = text.split(' ');
    let (date, time, zone, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let offset = match zone {
        "UTC" => "Z".to_owned(),
        _ if zone.len() == 5 && zone.is_ascii() => format!("{}:{}", &zone[..3], &zone[3..]),
        _ => zone.to_owned(),
    };
    OffsetDateTime::parse(&format!("{date}T{time}{offset}"), &Rfc3339).ok()
}

/// A decimal number times 10^`places`, rounded half away from zero.
fn parse_decimal(text: &str, places: usize) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let mut value: i64 = whole.parse().ok()?;
    for place in 0..places {
        let digit = fraction.as_bytes().get(place).map_or(0, |byte| byte - b'0');
        value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
    }
    if fraction.as_bytes().get(places).is_some_and(|digit| *digit >= b'5') {
        value = value.checked_add(1)?;
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

    fn column(name: &str) -> Column<'_> {
        Column { name, range: -1_000..=2_000, unit: "°C", gaps: Gaps::Hold }
    }

    fn silent_in_gaps(text: &str) -> Recording {
        Recording::from_csv(text, &Column { gaps: Gaps::Silent, ..column("t") }, START).unwrap()
    }

    #[test]
    fn a_gap_is_silent_where_that_is_asked_for() {
        let text = "time,t\n60,1\n120,2\n180,3\n1800,4\n1860,5\n1979,6\n";
        let recording = silent_in_gaps(text);
        let at = |second| recording.at(Instant::from_secs(second));
        assert_eq!((at(0), at(59), at(60)), (None, None, Some(10)), "before the first row");
        assert_eq!((at(239), at(240), at(1_799), at(1_800)), (Some(30), None, None, Some(40)), "a gap");
        assert_eq!(at(1_978), Some(50), "one row that is late is no gap");
        assert_eq!((at(2_038), at(2_039)), (Some(60), None), "after the last row");
        let held = Recording::from_csv(text, &column("t"), START).unwrap();
        assert_eq!((held.at(Instant::START), held.at(Instant::from_secs(1_799))), (Some(10), Some(30)));
        assert_eq!(silent_in_gaps("time,t\n0,1\n").at(Instant::from_secs(9_999)), Some(10), "no interval, no gap");
    }

    #[test]
    fn a_gap_that_began_before_the_scenario_is_one_at_its_beginning() {
        let text =
            "time,t\n2025-12-31T20:00:00Z,1\n2025-12-31T20:05:00Z,2\n2026-01-01T00:10:00Z,3\n2026-01-01T00:15:00Z,4\n";
        let recording = silent_in_gaps(text);
        assert_eq!(recording.at(Instant::START), None);
        assert_eq!(recording.at(Instant::from_secs(600)), Some(30));
    }

    #[test]
    fn a_reading_that_failed_is_none() {
        for nan in ["nan", "NaN", "NAN", "-nan"] {
            let text = format!("time,t\n0,1\n60,{nan}\n120,\n180,3\n");
            let recording = Recording::from_csv(&text, &column("t"), START).unwrap();
            let at = |second| recording.at(Instant::from_secs(second));
            assert_eq!((at(59), at(60), at(179), at(180)), (Some(10), None, None, Some(30)), "{nan}");
        }
    }

    #[test]
    fn of_rows_with_the_same_time_the_last_counts() {
        let text = "time,t\n0,1\n60,2\n60,3\n60,\n61,4\n";
        let recording = Recording::from_csv(text, &column("t"), START).unwrap();
        let rows = [(0, 10), (60, 30), (61, 40)].map(|(second, value)| (Duration::from_secs(second), Some(value)));
        assert_eq!(recording.rows(), rows);
    }

    #[test]
    fn times_may_have_an_offset_with_or_without_a_colon() {
        let text =
            "created_at,t\n2025-12-31 23:00:00 UTC,1\n2026-01-01 01:00:10 +0100,2\n2025-12-31 19:00:20 -05:00,3\n";
        let recording = Recording::from_csv(text, &column("t"), START).unwrap();
        let rows = [(0, 10), (10, 20), (20, 30)].map(|(second, value)| (Duration::from_secs(second), Some(value)));
        assert_eq!(recording.rows(), rows);
    }

    #[test]
    fn a_ramp_is_straight_and_stays_at_its_end() {
        let ramp = Signal::Ramp { from: 200, to: -100, begins: Instant::from_secs(60), over: Duration::from_secs(300) };
        assert_eq!(ramp.at(Instant::START), Some(200));
        assert_eq!(ramp.at(Instant::from_secs(60 + 150)), Some(50));
        assert_eq!(ramp.at(Instant::from_secs(60 + 299)), Some(-99));
        assert_eq!(ramp.at(Instant::from_secs(100_000)), Some(-100));
        let jump = Signal::Ramp { from: 1, to: 2, begins: Instant::from_secs(5), over: Duration::ZERO };
        assert_eq!(jump.at(Instant::from_secs(5)), Some(2));
    }

    #[test]
    fn a_day_is_warmest_when_it_says_and_coldest_twelve_hours_later() {
        let hours = |hours: u64| Instant::from_secs(hours * 3_600);
        let day = Signal::Daily { mean: 150, amplitude: 60, highest: Duration::from_secs(15 * 3_600) };
        assert_eq!(day.at(hours(15)), Some(210));
        assert_eq!(day.at(hours(24 + 15)), Some(210));
        assert_eq!(day.at(hours(3)), Some(90));
        assert_eq!(day.at(hours(9)), Some(150));
        assert_eq!(day.at(hours(21)), Some(150));
        assert_eq!(day.at(hours(13)), Some(202), "60 · cos 30° is 52.0");
    }

    #[test]
    fn a_recording_holds_between_rows() {
        let text = "time,temperature,humidity\n0,21.5,45\n60.5, -10.14 ,46.25\n120,3,47\n";
        let temperature = Recording::from_csv(text, &column("temperature"), START).unwrap();
        assert_eq!(temperature.at(Instant::START), Some(215));
        assert_eq!(temperature.at(Instant::from_millis(60_499)), Some(215));
        assert_eq!(temperature.at(Instant::from_millis(60_500)), Some(-101));
        assert_eq!(temperature.at(Instant::from_secs(9_999)), Some(30));
        let humidity = Recording::from_csv(text, &column("humidity"), START).unwrap();
        assert_eq!(humidity.at(Instant::from_secs(61)), Some(463));
    }

    #[test]
    fn a_recording_is_in_order_of_time() {
        let rows = |times: &[u64]| {
            Recording::from_rows(times.iter().map(|time| (Duration::from_secs(*time), Some(*time as i32))))
        };
        assert_eq!(rows(&[1, 5]).unwrap().at(Instant::from_secs(5)), Some(5));
        assert_eq!(rows(&[1, 5]).unwrap().at(Instant::START), Some(1));
        assert_eq!(rows(&[5, 5]), None);
        assert_eq!(rows(&[]), None);
    }

    #[test]
    fn a_recording_can_carry_calendar_times() {
        let text = "time,t\n2025-12-31T22:00:00Z,0\n2025-12-31T23:00:00Z,1\n2026-01-01T01:00:30+01:00,2\n";
        let recording = Recording::from_csv(text, &column("t"), START).unwrap();
        assert_eq!(recording.rows(), [(Duration::ZERO, Some(10)), (Duration::from_secs(30), Some(20))]);
        assert_eq!(recording.at(Instant::from_secs(29)), Some(10));
        assert_eq!(recording.at(Instant::from_secs(30)), Some(20));
    }

    #[test]
    fn what_thingspeak_exports_is_a_recording() {
        let text = "created_at,entry_id,field1,field2,latitude,status\n\
            2025-12-31 23:59:50 UTC,7,21.5,45.6,,\n2026-01-01 00:05:00 UTC,8,,46.1,,\n2026-01-01 00:10:00 UTC,9,22.1,46,,\n";
        let temperature = Recording::from_csv(text, &column("field1"), START).unwrap();
        assert_eq!(temperature.rows(), [(Duration::ZERO, Some(215)), (Duration::from_mins(10), Some(221))]);
        let humidity = Recording::from_csv(text, &column("field2"), START).unwrap();
        assert_eq!(humidity.at(Instant::from_secs(300)), Some(461));
    }

    #[test]
    fn mistakes_name_their_line() {
        let error = |text: &str| Recording::from_csv(text, &column("t"), START).unwrap_err().to_string();
        assert_eq!(error("time,x\n0,1\n"), "there is no column `t` (there are: time, x)");
        assert_eq!(
            error("time,t\n0,1\nnoon,2\n"),
            "line 3: `noon` is neither seconds nor a time like 2026-01-01T12:00:00Z"
        );
        assert_eq!(
            error("time,t\n0,1\n1,warm\n"),
            "line 3: `warm` is neither a decimal number nor `nan`, a reading that failed"
        );
        assert_eq!(error("time,t\n0,1\n1,-100.1\n"), "line 3: -100.1 is out of range: from -100 to 200 °C");
        assert_eq!(error("time,t\n0,1\n1,1e9\n").split(": ").next(), Some("line 3"));
        assert_eq!(error("time,t\n0,1\n1,99999999999\n"), "line 3: 99999999999 is out of range: from -100 to 200 °C");
        assert_eq!(
            error("time,t\n5,1\n4.5,2\n"),
            "line 3: `4.5` is earlier than the row above, `5`; rows stand in the order of their times"
        );
        assert_eq!(error("time,t\n"), "there are no rows");
        assert!(error("time,t\n0\n").contains("line: 2"));
        assert_eq!(error("Time,t\n0,1\n"), "there is no column `time` (did you mean `Time`?)");
        assert_eq!(
            error("time;t\n0;1,5\n"),
            "columns are separated by commas, and decimals written with a point; these are not"
        );
        assert_eq!(error("\n"), "the file is empty");
        assert_eq!(
            error("time,t\n2025-12-30T00:00:00Z,1\n2025-12-31T00:00:00Z,2\n"),
            "it is over before the scenario begins: its last row is of 2025-12-31T00:00:00Z"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(time,t\n)?[-0-9.,\"T:Z\n]{0,80}") {
            let _ = Recording::from_csv(&text, &column("t"), START);
        }

        #[test]
        fn the_daily_curve_is_within_a_tenth_of_a_cosine(second in 0_u64..86_400, amplitude in 0_i32..250) {
            let day = Signal::Daily { mean: 0, amplitude, highest: Duration::ZERO };
            let exact = f64::from(amplitude) * (second as f64 / 86_400.0 * std::f64::consts::TAU).cos();
            prop_assert!((f64::from(day.at(Instant::from_secs(second)).unwrap()) - exact).abs() < 1.0);
        }
    }
}
