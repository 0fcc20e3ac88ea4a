//! Faults of a sensor.

use std::time::Duration;

use crate::diagnostics::Diagnostic;
use crate::grammar::faults::sensor::OfSensor;
use crate::model::{Lateness, SensorFault};
use crate::resolve::Resolver;
use crate::tree::{Chosen, Node, Value};
use crate::units::PerMillion;

/// A frame has 82 levels behind the release with its end; one with three bytes more has 130.
const LEVELS: std::ops::RangeInclusive<usize> = 1..=200;
/// Longer than any level of a frame.
const SLOWEST: Duration = Duration::from_micros(100);

impl Resolver<'_, '_> {
    /// A sensor's fault that says more than a word.
    pub(super) fn sensor_fault(&mut self, chosen: Chosen<'_, OfSensor>) -> Option<SensorFault> {
        let Chosen { kind, node, name } = chosen;
        Some(match kind {
            OfSensor::Late(fault) => fault(self.lateness(node, name)?),
            OfSensor::Chance(fault) => fault(self.likelihood(node, name)?.0),
            OfSensor::SlowEdges => {
                let rise = self.positive(node, name)?;
                if rise >= SLOWEST {
                    self.report(
                        Diagnostic::new("no edge is that slow", node.span.clone(), "100us or more")
                            .help("a level of a frame is 23 to 90 us long; 10 m of cable at 10 kOhm make some 10us"),
                    );
                }
                SensorFault::SlowEdges(rise)
            }
            OfSensor::SilentBetween => {
                let tenths = |node: &Node| match &node.value {
                    Value::Temperature(temperature) => Some(temperature.0),
                    _ => None,
                };
                let [least, most] = node.items() else { return None };
                let (least, most) = (tenths(least)?, tenths(most)?);
                if least > most {
                    self.report(
                        Diagnostic::new(
                            "the first is above the second",
                            node.span.clone(),
                            "no temperature is between",
                        )
                        .help("lowest first: [\"0 °C\", \"1 °C\"]"),
                    );
                }
                SensorFault::SilentBetween(least, most)
            }
            OfSensor::Replay => {
                let micros =
                    node.items().iter().filter_map(Node::integer).filter_map(|micros| u64::try_from(micros).ok());
                let levels: Vec<Duration> = micros.map(Duration::from_micros).collect();
                if !LEVELS.contains(&levels.len()) {
                    self.report(
                        Diagnostic::new(
                            format!("{} levels are no frame", levels.len()),
                            node.span.clone(),
                            "1 to 200 of them",
                        )
                        .help("a frame of 40 bits has 84: high after the release, low and high of the response, of each bit, and the low at its end"),
                    );
                }
                SensorFault::Replay(levels.into())
            }
        })
    }

    /// By how much a sensor's responses are late.
    fn lateness(&mut self, node: &Node, name: &str) -> Option<Lateness> {
        let Some(fields) = node.table() else { return self.positive(node, name).map(Lateness::always) };
        self.ordered(fields, "from", "to");
        let most = self.positive(fields.get("to")?, "to")?;
        let all = PerMillion(1_000_000);
        let likelihood = fields.get("probability").map_or(Some(all), |node| self.likelihood(node, "probability"));
        Some(Lateness { least: fields.duration("from")?, most, per_million: likelihood?.0 })
    }
}
