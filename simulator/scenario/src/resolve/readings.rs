//! Courses of temperature and humidity.

use std::ops::RangeInclusive;
use std::time::Duration;

use humantime::format_duration;
use simulator_parts::readings::{Column, Gaps, Recording, RecordingError};

use super::Resolver;
use crate::diagnostics::Diagnostic;
use crate::grammar::sensor::CourseKind;
use crate::model::{Course, DhtModel, Readings};
use crate::tree::{Chosen, Fields, Node, Value};
use crate::units::{DeciCelsius, DeciPercent};

/// A quantity that a sensor measures.
pub(super) trait Measured: Copy + Ord {
    /// What a scenario may say, in tenths.
    const RANGE: RangeInclusive<i32>;
    /// Its unit.
    const UNIT: &'static str;
    /// The least that a DHT11 can send, in tenths.
    const LEAST_OF_DHT11: i64;

    /// The value of a node that was read as this quantity.
    fn from_node(node: &Node) -> Option<Self>;
    /// The value from a number of tenths, if it is in range.
    fn from_tenths(tenths: i64) -> Option<Self>;
    /// Tenths.
    fn tenths(self) -> i64;
}

impl Measured for DeciCelsius {
    const RANGE: RangeInclusive<i32> = -1_000..=2_000;
    const UNIT: &'static str = "°C";
    // It has no sign: whole degrees in a byte.
    const LEAST_OF_DHT11: i64 = 0;

    fn from_node(node: &Node) -> Option<Self> {
        match node.value {
            Value::Temperature(value) => Some(value),
            _ => None,
        }
    }

    fn from_tenths(tenths: i64) -> Option<Self> {
        i32::try_from(tenths).ok().filter(|tenths| Self::RANGE.contains(tenths)).map(Self)
    }

    fn tenths(self) -> i64 {
        self.0.into()
    }
}

impl Measured for DeciPercent {
    const RANGE: RangeInclusive<i32> = 0..=1_000;
    const UNIT: &'static str = "%";
    const LEAST_OF_DHT11: i64 = 0;

    fn from_node(node: &Node) -> Option<Self> {
        match node.value {
            Value::Humidity(value) => Some(value),
            _ => None,
        }
    }

    fn from_tenths(tenths: i64) -> Option<Self> {
        let tenths = i32::try_from(tenths).ok().filter(|tenths| Self::RANGE.contains(tenths))?;
        u32::try_from(tenths).ok().map(Self)
    }

    fn tenths(self) -> i64 {
        self.0.into()
    }
}

impl Resolver<'_, '_> {
    pub(super) fn readings(&mut self, fields: Option<&Fields>, model: DhtModel) -> Option<Readings> {
        let temperature = fields.and_then(|fields| fields.get("temperature"));
        let humidity = fields.and_then(|fields| fields.get("humidity"));
        let temperature = temperature.map_or(Some(Course::Constant(DeciCelsius(215))), |node| self.course(node, model));
        let humidity = humidity.map_or(Some(Course::Constant(DeciPercent(456))), |node| self.course(node, model));
        Some(Readings { temperature: temperature?, humidity: humidity? })
    }

    /// How a quantity goes, which the sensor must be able to tell.
    pub(super) fn course<T: Measured>(&mut self, node: &Node, model: DhtModel) -> Option<Course<T>> {
        let course = self.any_course::<T>(node)?;
        let least = match &course {
            Course::Constant(value) => Some(value.tenths()),
            Course::Ramp { from, to, .. } => Some(from.tenths().min(to.tenths())),
            Course::Daily { mean, swing, .. } => Some(mean.tenths() - swing.tenths()),
            Course::Recording(rows) => rows.iter().filter_map(|(_, value)| value.map(T::tenths)).min(),
        };
        // Half a degree below is rounded up.
        if model == DhtModel::Dht11 && least.is_some_and(|least| least < T::LEAST_OF_DHT11 - 5) {
            self.report(
                Diagnostic::new("a DHT11 cannot send less than 0 °C", node.span.clone(), "below 0 °C")
                    .help("its range is 0 to 50 °C; a DHT22 goes down to -40 °C: [sensor] kind = \"DHT22\""),
            );
        }
        Some(course)
    }

    fn any_course<T: Measured>(&mut self, node: &Node) -> Option<Course<T>> {
        let Some(Chosen { kind, node: details, .. }) = node.choice() else {
            return T::from_node(node).map(Course::Constant);
        };
        let fields = details.table()?;
        match kind {
            CourseKind::Ramp => {
                let over = fields.get("over").and_then(|node| self.positive(node, "over"));
                Some(Course::Ramp {
                    from: T::from_node(fields.get("from")?)?,
                    to: T::from_node(fields.get("to")?)?,
                    over: over?,
                })
            }
            CourseKind::Daily => {
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
            CourseKind::Csv => self.recording(fields).map(Course::Recording),
        }
    }

    fn recording<T: Measured>(&mut self, fields: &Fields) -> Option<Vec<(Duration, Option<T>)>> {
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
        let wanted = Column {
            name: column_name,
            range: T::RANGE,
            unit: T::UNIT,
            gaps: fields.word("gaps").unwrap_or(Gaps::Hold),
        };
        let recording = match Recording::from_csv(&text, &wanted, self.start) {
            Ok(recording) => recording,
            Err(error) => {
                let message = format!("in `{name}`: {error}");
                self.report(match error {
                    RecordingError::NoColumn { name, .. } if name == column_name => {
                        Diagnostic::new(message, column.span.clone(), "this column")
                    }
                    RecordingError::Range { .. } => Diagnostic::new(message, column.span.clone(), "this column"),
                    RecordingError::Over { .. } => Diagnostic::new(message, file.span.clone(), "this file")
                        .help("set `start` to where the recording begins"),
                    _ => Diagnostic::new(message, file.span.clone(), "this file").help(
                        "a recording has a header line, a column `time` (seconds from the beginning, or RFC 3339) or \
                         `created_at` as ThingSpeak exports it, and rows in the order of their times",
                    ),
                });
                return None;
            }
        };
        if let (Some((first, _)), Some((end, end_span))) =
            (recording.rows().iter().find(|(_, value)| value.is_some()), self.end.clone())
            && *first >= end
        {
            self.report(
                Diagnostic::new(
                    format!(
                        "in `{name}`: it begins {} after the beginning, when the run is over",
                        format_duration(Duration::from_secs(first.as_secs()))
                    ),
                    file.span.clone(),
                    "this file",
                )
                .related(end_span, "the run ends then")
                .help("set `start` to where the recording begins"),
            );
            return None;
        }
        let value = |tenths: Option<i32>| tenths.and_then(|tenths| T::from_tenths(tenths.into()));
        Some(recording.rows().iter().map(|(since, tenths)| (*since, value(*tenths))).collect())
    }
}
