//! What there is to measure: a temperature or a humidity as a function of virtual time.
//!
//! A scenario builds a [`Signal`], the sensor model samples it whenever it measures. Values are tenths (of a degree
//! Celsius, of a percent of relative humidity) in whole numbers, worked out without floating point, so that they are the
//! same on every machine. Recordings are read once, when the scenario is; a step in between is held, not interpolated.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::time::Instant;

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
    /// The value at `at`, in tenths.
    pub fn at(&self, at: Instant) -> i32 {
        match self {
            Self::Constant(value) => *value,
            Self::Ramp { from, to, begins, over } => ramp(*from, *to, at.saturating_since(*begins), *over),
            Self::Daily { mean, amplitude, highest } => {
                let highest = (highest.as_nanos() % u128::from(DAY)) as u64;
                let since = (at.as_nanos() % DAY + DAY - highest) % DAY;
                mean.saturating_add(round_div(i128::from(*amplitude) * cosine(since), COSINE_ONE))
            }
            Self::Recorded(recording) => recording.at(at),
        }
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

/// The cosine of a moment of the day, 0 being its highest point, times [`COSINE_ONE`]: Bhaskara's rational approximation,
/// exact at every quarter of the day and within 0.0017 everywhere, which is less than a sensor shows for any amplitude
/// below 30 degrees.
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
    /// Time after the scenario's beginning, and value from then on; ascending, never empty.
    rows: Arc<[(Duration, i32)]>,
}

impl Recording {
    /// Reads one column of a CSV file whose first row names the columns. The time stands in a column `time`, as seconds
    /// after the scenario's beginning or as an RFC 3339 calendar time, or in a column `created_at` as ThingSpeak exports
    /// it; `start` is the calendar time of the beginning. Values are decimal numbers, rounded to tenths; rows without one
    /// are passed over. Rows are in order of time; of those before the beginning, the last holds at the beginning.
    ///
    /// # Errors
    /// What is wrong with the text, and in which line.
    pub fn from_csv(text: &str, column: &str, start: OffsetDateTime) -> Result<Self, RecordingError> {
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
        let value_column = find(column)?;
        let mut rows: Vec<(i64, i32)> = Vec::new();
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
            let value = parse_decimal(value, 1)
                .and_then(|tenths| i32::try_from(tenths).ok())
                .ok_or_else(|| RecordingError::Value { line, text: value.to_owned() })?;
            if rows.last().is_some_and(|(previous, _)| at <= *previous) {
                return Err(RecordingError::Order { line });
            }
            rows.push((at, value));
            time.clone_into(&mut last);
        }
        if rows.last().is_some_and(|(at, _)| *at < 0) {
            return Err(RecordingError::Over { last });
        }
        let begun = rows.partition_point(|(at, _)| *at <= 0);
        let rows = rows.drain(begun.saturating_sub(1)..).map(|(at, value)| (at.max(0).unsigned_abs(), value));
        Self::from_rows(rows.map(|(at, value)| (Duration::from_nanos(at), value))).ok_or(RecordingError::Empty)
    }

    /// A recording of values (tenths) and their times after the scenario's beginning; `None` if there are none, or if they
    /// are not in order of time.
    pub fn from_rows(rows: impl IntoIterator<Item = (Duration, i32)>) -> Option<Self> {
        let rows: Arc<[_]> = rows.into_iter().collect();
        (!rows.is_empty() && rows.is_sorted_by(|earlier, later| earlier.0 < later.0)).then_some(Self { rows })
    }

    /// Each value (tenths) and the time after the scenario's beginning from which it holds; the first holds before, too.
    pub fn rows(&self) -> &[(Duration, i32)] {
        &self.rows
    }

    /// The value recorded last at `at` or before; before the first row, the first row's.
    pub fn at(&self, at: Instant) -> i32 {
        let after = self.rows.partition_point(|(time, _)| *time <= at.since_start());
        self.rows[after.saturating_sub(1)].1
    }
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
    #[error("line {line}: `{text}` is not a decimal number")]
    Value {
        /// Counted from 1.
        line: u64,
        /// The cell.
        text: String,
    },
    /// A row is not later than the one above.
    #[error("line {line}: the time is not later than the row's above")]
    Order {
        /// Counted from 1.
        line: u64,
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
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| parse_export(text))?;
        i64::try_from((moment - start).whole_nanoseconds()).ok()
    })
}

/// A time as ThingSpeak exports it: `2026-01-01 12:00:00 UTC`.
fn parse_export(text: &str) -> Option<OffsetDateTime> {
    let (date, time) = text.strip_suffix(" UTC")?.split_once(' ')?;
    OffsetDateTime::parse(&format!("{date}T{time}Z"), &Rfc3339).ok()
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

    #[test]
    fn a_ramp_is_straight_and_stays_at_its_end() {
        let ramp = Signal::Ramp { from: 200, to: -100, begins: Instant::from_secs(60), over: Duration::from_secs(300) };
        assert_eq!(ramp.at(Instant::START), 200);
        assert_eq!(ramp.at(Instant::from_secs(60 + 150)), 50);
        assert_eq!(ramp.at(Instant::from_secs(60 + 299)), -99);
        assert_eq!(ramp.at(Instant::from_secs(100_000)), -100);
        let jump = Signal::Ramp { from: 1, to: 2, begins: Instant::from_secs(5), over: Duration::ZERO };
        assert_eq!(jump.at(Instant::from_secs(5)), 2);
    }

    #[test]
    fn a_day_is_warmest_when_it_says_and_coldest_twelve_hours_later() {
        let hours = |hours: u64| Instant::from_secs(hours * 3_600);
        let day = Signal::Daily { mean: 150, amplitude: 60, highest: Duration::from_secs(15 * 3_600) };
        assert_eq!(day.at(hours(15)), 210);
        assert_eq!(day.at(hours(24 + 15)), 210);
        assert_eq!(day.at(hours(3)), 90);
        assert_eq!(day.at(hours(9)), 150);
        assert_eq!(day.at(hours(21)), 150);
        assert_eq!(day.at(hours(13)), 202, "60 · cos 30° is 52.0");
    }

    #[test]
    fn a_recording_holds_between_rows() {
        let text = "time,temperature,humidity\n0,21.5,45\n60.5, -10.14 ,46.25\n120,3,47\n";
        let temperature = Recording::from_csv(text, "temperature", START).unwrap();
        assert_eq!(temperature.at(Instant::START), 215);
        assert_eq!(temperature.at(Instant::from_millis(60_499)), 215);
        assert_eq!(temperature.at(Instant::from_millis(60_500)), -101);
        assert_eq!(temperature.at(Instant::from_secs(9_999)), 30);
        let humidity = Recording::from_csv(text, "humidity", START).unwrap();
        assert_eq!(humidity.at(Instant::from_secs(61)), 463);
    }

    #[test]
    fn a_recording_is_in_order_of_time() {
        let rows =
            |times: &[u64]| Recording::from_rows(times.iter().map(|time| (Duration::from_secs(*time), *time as i32)));
        assert_eq!(rows(&[1, 5]).unwrap().at(Instant::from_secs(5)), 5);
        assert_eq!(rows(&[1, 5]).unwrap().at(Instant::START), 1);
        assert_eq!(rows(&[5, 5]), None);
        assert_eq!(rows(&[]), None);
    }

    #[test]
    fn a_recording_can_carry_calendar_times() {
        let text = "time,t\n2025-12-31T22:00:00Z,0\n2025-12-31T23:00:00Z,1\n2026-01-01T01:00:30+01:00,2\n";
        let recording = Recording::from_csv(text, "t", START).unwrap();
        assert_eq!(recording.rows(), [(Duration::ZERO, 10), (Duration::from_secs(30), 20)]);
        assert_eq!(recording.at(Instant::from_secs(29)), 10);
        assert_eq!(recording.at(Instant::from_secs(30)), 20);
    }

    #[test]
    fn what_thingspeak_exports_is_a_recording() {
        let text = "created_at,entry_id,field1,field2,latitude,status\n\
            2025-12-31 23:59:50 UTC,7,21.5,45.6,,\n2026-01-01 00:05:00 UTC,8,,46.1,,\n2026-01-01 00:10:00 UTC,9,22.1,46,,\n";
        let temperature = Recording::from_csv(text, "field1", START).unwrap();
        assert_eq!(temperature.rows(), [(Duration::ZERO, 215), (Duration::from_mins(10), 221)]);
        let humidity = Recording::from_csv(text, "field2", START).unwrap();
        assert_eq!(humidity.at(Instant::from_secs(300)), 461);
    }

    #[test]
    fn mistakes_name_their_line() {
        let error = |text: &str| Recording::from_csv(text, "t", START).unwrap_err().to_string();
        assert_eq!(error("time,x\n0,1\n"), "there is no column `t` (there are: time, x)");
        assert_eq!(
            error("time,t\n0,1\nnoon,2\n"),
            "line 3: `noon` is neither seconds nor a time like 2026-01-01T12:00:00Z"
        );
        assert_eq!(error("time,t\n0,1\n1,warm\n"), "line 3: `warm` is not a decimal number");
        assert_eq!(error("time,t\n5,1\n5,2\n"), "line 3: the time is not later than the row's above");
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
            let _ = Recording::from_csv(&text, "t", START);
        }

        #[test]
        fn the_daily_curve_is_within_a_tenth_of_a_cosine(second in 0_u64..86_400, amplitude in 0_i32..250) {
            let day = Signal::Daily { mean: 0, amplitude, highest: Duration::ZERO };
            let exact = f64::from(amplitude) * (second as f64 / 86_400.0 * std::f64::consts::TAU).cos();
            prop_assert!((f64::from(day.at(Instant::from_secs(second))) - exact).abs() < 1.0);
        }
    }
}
