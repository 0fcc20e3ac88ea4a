//! Courses of temperature and humidity.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Resolver;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::model::{Course, Readings};
use crate::scenario::tree::{Fields, Node, Value};
use crate::scenario::units::{DeciCelsius, DeciPercent, field_tenths};

/// A quantity that a sensor measures.
pub(super) trait Measured: Copy + Ord {
    /// The value of a node that was read as this quantity.
    fn from_node(node: &Node) -> Option<Self>;
    /// The value from a number of tenths, if it is in range.
    fn from_tenths(tenths: i64) -> Option<Self>;
    /// Tenths.
    fn tenths(self) -> i64;
}

impl Measured for DeciCelsius {
    fn from_node(node: &Node) -> Option<Self> {
        match node.value {
            Value::Temperature(value) => Some(value),
            _ => None,
        }
    }

    fn from_tenths(tenths: i64) -> Option<Self> {
        (-1_000..=2_000).contains(&tenths).then(|| i32::try_from(tenths).ok().map(Self))?
    }

    fn tenths(self) -> i64 {
        self.0.into()
    }
}

impl Measured for DeciPercent {
    fn from_node(node: &Node) -> Option<Self> {
        match node.value {
            Value::Humidity(value) => Some(value),
            _ => None,
        }
    }

    fn from_tenths(tenths: i64) -> Option<Self> {
        (0..=1_000).contains(&tenths).then(|| u32::try_from(tenths).ok().map(Self))?
    }

    fn tenths(self) -> i64 {
        self.0.into()
    }
}

impl Resolver<'_, '_> {
    pub(super) fn readings(&mut self, fields: Option<&Fields>) -> Option<Readings> {
        let temperature = fields.and_then(|fields| fields.get("temperature"));
        let humidity = fields.and_then(|fields| fields.get("humidity"));
        let temperature = temperature.map_or(Some(Course::Constant(DeciCelsius(215))), |node| self.course(node));
        let humidity = humidity.map_or(Some(Course::Constant(DeciPercent(456))), |node| self.course(node));
        Some(Readings { temperature: temperature?, humidity: humidity? })
    }

    pub(super) fn course<T: Measured>(&mut self, node: &Node) -> Option<Course<T>> {
        let Some((kind, details)) = node.choice() else { return T::from_node(node).map(Course::Constant) };
        let fields = details.table()?;
        match kind {
            "ramp" => {
                let over = fields.get("over").and_then(|node| self.positive(node, "over"));
                Some(Course::Ramp {
                    from: T::from_node(fields.get("from")?)?,
                    to: T::from_node(fields.get("to")?)?,
                    over: over?,
                })
            }
            "daily" => {
                let mean = T::from_node(fields.get("mean")?)?;
                let swing = T::from_node(fields.get("swing")?)?;
                if swing.tenths() < 0 {
                    let span = fields.get("swing")?.span.clone();
                    self.report(
                        Diagnostic::new("`swing` is negative", span, "not positive")
                            .help("it is the highest value minus the mean; `warmest` says when"),
                    );
                }
                let extremes = [mean.tenths() + swing.tenths(), mean.tenths() - swing.tenths()];
                if extremes.into_iter().any(|tenths| T::from_tenths(tenths).is_none()) {
                    self.report(Diagnostic::new(
                        "the curve leaves the quantity's range",
                        details.span.clone(),
                        "mean and swing together go too far",
                    ));
                }
                let warmest = fields.duration("warmest").unwrap_or(Duration::from_hours(15));
                Some(Course::Daily { mean, swing, warmest })
            }
            _ => self.recording(fields).map(Course::Recording),
        }
    }

    fn recording<T: Measured>(&mut self, fields: &Fields) -> Option<Vec<(Duration, T)>> {
        let (file, column) = (fields.get("file")?, fields.get("column")?);
        let (name, column_name) = (file.text()?, column.text()?);
        let text = match (self.read_file)(name) {
            Ok(text) => text,
            Err(why) => {
                self.report(
                    Diagnostic::new(format!("could not read the recording: {why}"), file.span.clone(), "this file")
                        .help("its name is relative to the scenario's folder"),
                );
                return None;
            }
        };
        match parse_recording(&text, column_name, self.start) {
            Ok(rows) => Some(rows),
            Err(RecordingError { column: true, message }) => {
                self.report(Diagnostic::new(format!("in `{name}`: {message}"), column.span.clone(), "this column"));
                None
            }
            Err(RecordingError { message, .. }) => {
                self.report(
                    Diagnostic::new(format!("in `{name}`: {message}"), file.span.clone(), "this file")
                        .help("a recording has a header line, a column `time` (seconds from the beginning, or RFC 3339), and rows in the order of their times"),
                );
                None
            }
        }
    }
}

/// What is wrong with a recording, and whether it is the column that the scenario names.
struct RecordingError {
    column: bool,
    message: String,
}

impl RecordingError {
    fn row(line: usize, message: impl std::fmt::Display) -> Self {
        Self { column: false, message: format!("line {line}: {message}") }
    }
}

fn parse_recording<T: Measured>(
    text: &str,
    column: &str,
    start: OffsetDateTime,
) -> Result<Vec<(Duration, T)>, RecordingError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| RecordingError::row(1, error))?.clone();
    let index_of = |name: &str| headers.iter().position(|header| header == name);
    let time_index = index_of("time").ok_or_else(|| RecordingError::row(1, "no column is called `time`"))?;
    let value_index = index_of(column).ok_or_else(|| RecordingError {
        column: true,
        message: format!("no column is called `{column}`; there are {}", headers.iter().collect::<Vec<_>>().join(", ")),
    })?;
    let mut rows: Vec<(Duration, T)> = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let line = |record: &csv::StringRecord| {
            record.position().and_then(|position| usize::try_from(position.line()).ok()).unwrap_or(index + 2)
        };
        let record = record.map_err(|error| RecordingError::row(index + 2, error))?;
        let line = line(&record);
        let field = |index: usize| record.get(index).unwrap_or_default();
        let time = row_time(field(time_index), start)
            .ok_or_else(|| RecordingError::row(line, format!("`{}` is not a time of the run", field(time_index))))?;
        let value =
            field_tenths(field(value_index)).map_err(|error| RecordingError::row(line, error)).and_then(|tenths| {
                T::from_tenths(tenths)
                    .ok_or_else(|| RecordingError::row(line, format!("`{}` is out of range", field(value_index))))
            })?;
        if rows.last().is_some_and(|(previous, _)| *previous >= time) {
            return Err(RecordingError::row(line, "not later than the row before"));
        }
        rows.push((time, value));
    }
    if rows.is_empty() {
        return Err(RecordingError::row(1, "no rows follow"));
    }
    Ok(rows)
}

/// Seconds from the beginning, or a calendar time not before it.
fn row_time(text: &str, start: OffsetDateTime) -> Option<Duration> {
    if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
        return Duration::try_from(moment - start).ok();
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    crate::scenario::units::duration(&format!("{text}s")).ok()
}
