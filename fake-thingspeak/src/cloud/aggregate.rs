//! Many entries as few rows: the first, the sum, the average or the median of every so many minutes.
//!
//! Time is cut into pieces that begin at multiples of their length since 1970. Every piece from the first entry's to
//! the last one's is a row; one without entries is a row without values. Rows have no `entry_id`.
//!
//! Numbers are what looks like one: digits, a sign, a point or a comma before decimals. What is none adds nothing, but
//! counts in an average, which is over the entries and not over the numbers (MathWorks: "NaN counts as 0"). As soon as
//! one number had a decimal comma, results have one. Follows the open-source server of 2015.

use time::OffsetDateTime;

use super::parameters::Parameters;
use super::store::{Content, Entry};
use super::zone::whole_number;

/// The lengths of a piece that a feed may ask for, in minutes.
const MINUTES: [i64; 8] = [10, 15, 20, 30, 60, 240, 720, 1_440];
/// The most rows. Ours: two entries of different centuries would be millions.
const MOST_ROWS: i64 = 8_000;
/// The most decimals that a value is rounded to.
const MOST_DECIMALS: i64 = 20;

/// A row of a reply.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) created_at: OffsetDateTime,
    /// `None`: it is made of several entries.
    pub(super) entry_id: Option<u64>,
    pub(super) content: Content,
}

impl From<Entry> for Row {
    fn from(Entry { created_at, entry_id, content }: Entry) -> Self {
        Self { created_at, entry_id: Some(entry_id), content }
    }
}

/// What is made of the entries of a piece of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// The first of them.
    Timescale,
    Sum,
    Average,
    Median,
}

impl Measure {
    /// What a feed's parameters ask for, with the length of a piece in minutes; the first of several counts.
    pub(super) fn of_feed(parameters: &Parameters<'_>) -> Option<(Self, i64)> {
        let asked =
            [(Self::Timescale, "timescale"), (Self::Sum, "sum"), (Self::Average, "average"), (Self::Median, "median")];
        asked.into_iter().find_map(|(measure, name)| {
            let minutes = minutes(parameters.present(name)?);
            MINUTES.contains(&minutes).then_some((measure, minutes))
        })
    }

    /// The measure of that name.
    pub(super) fn called(name: &str) -> Option<Self> {
        match name {
            "sum" => Some(Self::Sum),
            "average" => Some(Self::Average),
            "median" => Some(Self::Median),
            _ => None,
        }
    }
}

/// `60` or `daily`.
pub(super) fn minutes(text: &str) -> i64 {
    if text.trim() == "daily" { 1_440 } else { whole_number(text) }
}

/// The number of decimals that the parameters ask for.
pub(super) fn decimals(parameters: &Parameters<'_>) -> Option<usize> {
    usize::try_from(whole_number(parameters.present("round")?).min(MOST_DECIMALS)).ok()
}

/// Makes a row of every `minutes` minutes, the newest 8000 of them. `rows` are in order of time; none without minutes.
pub(super) fn aggregated(rows: &[Row], measure: Measure, minutes: i64, decimals: Option<usize>) -> Vec<Row> {
    let piece = |row: &Row| row.created_at.unix_timestamp().div_euclid(minutes.saturating_mul(60).max(1));
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Vec::new() };
    if minutes < 1 {
        return Vec::new();
    }
    let (first, last) = (piece(first), piece(last));
    let first = first.max(last.saturating_sub(MOST_ROWS - 1));
    let mut rest = &rows[rows.partition_point(|row| piece(row) < first)..];
    let mut comma = false;
    let mut made = Vec::new();
    for number in first..=last {
        let (inside, after) = rest.split_at(rest.partition_point(|row| piece(row) <= number));
        rest = after;
        let start = number.saturating_mul(minutes.saturating_mul(60));
        let created_at = OffsetDateTime::from_unix_timestamp(start).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let content = match (inside.first(), measure) {
            (None, _) => Content::default(),
            (Some(first), Measure::Timescale) => first.content.clone(),
            (Some(_), _) => measured(inside, measure, decimals, &mut comma),
        };
        made.push(Row { created_at, entry_id: None, content });
    }
    made
}

/// One row out of those of a piece.
fn measured(rows: &[Row], measure: Measure, decimals: Option<usize>, comma: &mut bool) -> Content {
    let mut content = Content::default();
    for row in rows {
        let with_comma = |value: &String| number(value).is_some() && value.contains(',');
        *comma |= row.content.fields.iter().flatten().any(with_comma);
    }
    for (index, made) in content.fields.iter_mut().enumerate() {
        let mut numbers: Vec<f64> =
            rows.iter().filter_map(|row| number(row.content.fields[index].as_deref()?)).collect();
        let result = match measure {
            _ if numbers.is_empty() => continue,
            Measure::Timescale => numbers[0],
            Measure::Sum => numbers.iter().sum(),
            Measure::Average => numbers.iter().sum::<f64>() / rows.len() as f64,
            Measure::Median => median(&mut numbers),
        };
        let text = decimals.map_or_else(|| as_ruby(result), |decimals| format!("{result:.decimals$}"));
        *made = Some(if *comma { text.replace('.', ",") } else { text });
    }
    content
}

/// The median of at least one number.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[middle] } else { (numbers[middle - 1] + numbers[middle]) / 2.0 }
}

/// Rounds the numbers among the fields to so many decimals.
pub(super) fn round(content: &mut Content, decimals: usize) {
    for value in content.fields.iter_mut().flatten() {
        if let Some(number) = number(value) {
            let text = format!("{number:.decimals$}");
            *value = if value.contains(',') { text.replace('.', ",") } else { text };
        }
    }
}

/// The value as a number, if it looks like one.
pub(super) fn number(value: &str) -> Option<f64> {
    let value = value.trim();
    let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
    let (whole, decimals) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(decimals) {
        return None;
    }
    value.replace(',', ".").parse().ok()
}

/// A number as Ruby writes it: `51.0`, `1.0e+16`, `1.0e-05`.
fn as_ruby(number: f64) -> String {
    let text = format!("{number:?}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let (sign, digits) = exponent.strip_prefix('-').map_or(("+", exponent), |digits| ("-", digits));
    format!("{mantissa}{point}e{sign}{digits:0>2}")
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    /// Rows with these values of `field1`, so many minutes after midnight.
    fn rows(values: &[(i64, &str)]) -> Vec<Row> {
        let row = |(minute, value): &(i64, &str)| {
            let mut content = Content::default();
            content.fields[0] = Some((*value).to_owned());
            Row { created_at: datetime!(2026-01-01 0:00 UTC) + Duration::minutes(*minute), entry_id: Some(1), content }
        };
        values.iter().map(row).collect()
    }

    fn field1(rows: &[Row]) -> Vec<Option<&str>> {
        rows.iter().map(|row| row.content.fields[0].as_deref()).collect()
    }

    #[test]
    fn every_piece_of_time_is_a_row() {
        let rows = rows(&[(3, "1"), (9, "2.5"), (10, "x"), (35, "4"), (36, "-1"), (39, "6")]);
        let made = |measure| aggregated(&rows, measure, 10, None);
        assert_eq!(field1(&made(Measure::Timescale)), [Some("1"), Some("x"), None, Some("4")]);
        assert_eq!(field1(&made(Measure::Sum)), [Some("3.5"), None, None, Some("9.0")]);
        assert_eq!(field1(&made(Measure::Average)), [Some("1.75"), None, None, Some("3.0")]);
        assert_eq!(field1(&made(Measure::Median)), [Some("1.75"), None, None, Some("4.0")]);
        let times: Vec<_> = made(Measure::Sum).iter().map(|row| row.created_at.minute()).collect();
        assert_eq!(times, [0, 10, 20, 30]);
        assert!(made(Measure::Sum).iter().all(|row| row.entry_id.is_none()));
    }

    #[test]
    fn the_server_of_2015_gives_the_same_results() {
        // Its own tests.
        let values = ["10", "10", "9", "7", "6", "5", "4"].map(|value| (0, value));
        let made = |measure| field1(&aggregated(&rows(&values), measure, 10, None))[0].map(str::to_owned);
        assert_eq!(made(Measure::Average).as_deref(), Some("7.285714285714286"));
        assert_eq!(made(Measure::Median).as_deref(), Some("7.0"));
        assert_eq!(made(Measure::Sum).as_deref(), Some("51.0"));
    }

    #[test]
    fn what_is_no_number_counts_in_an_average_and_a_comma_stays() {
        let rows = rows(&[(0, "1,5"), (1, "NaN"), (20, "3.25")]);
        assert_eq!(field1(&aggregated(&rows, Measure::Average, 10, None)), [Some("0,75"), None, Some("3,25")]);
        assert_eq!(field1(&aggregated(&rows, Measure::Sum, 10, Some(1))), [Some("1,5"), None, Some("3,2")]);
    }

    #[test]
    fn two_entries_centuries_apart_are_not_millions_of_rows() {
        let rows = rows(&[(-200 * 365 * 1_440, "1"), (0, "2")]);
        let made = aggregated(&rows, Measure::Sum, 10, None);
        assert_eq!((made.len(), made[7_999].content.fields[0].as_deref()), (8_000, Some("2.0")));
        assert!(aggregated(&rows, Measure::Sum, 0, None).is_empty());
        assert_eq!(aggregated(&rows, Measure::Sum, i64::MAX, None).len(), 2);
    }

    #[test]
    fn numbers_are_what_looks_like_one() {
        for (text, expected) in [("1", 1.0), (" -2.50 ", -2.5), ("+3,5", 3.5), ("007", 7.0)] {
            assert_eq!(number(text), Some(expected), "{text}");
        }
        for text in ["", "1.", ".5", "1e5", "NaN", "inf", "0x1", "1.2.3", "--1", "1,2,3"] {
            assert_eq!(number(text), None, "{text}");
        }
        for (number, expected) in
            [(51.0, "51.0"), (1e16, "1.0e+16"), (1.5e-7, "1.5e-07"), (0.001, "0.001"), (-0.5, "-0.5")]
        {
            assert_eq!(as_ruby(number), expected);
        }
    }
}
