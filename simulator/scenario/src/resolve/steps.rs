//! The timeline's steps, and sweeps.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use simulator_parts::PartId;
use simulator_record::events::{DeviceId, PinKind};

use super::{Resolver, typing};
use crate::diagnostics::Diagnostic;
use crate::grammar::steps::{ActionKind, SweepKind};
use crate::model::{Action, LineEnding, PartClass, PartKind, Step, Sweep, TYPING, When};
use crate::tree::{Chosen, Fields, Node, Value};
use crate::units::PerMillion;

/// The shortest time between two times of something that repeats.
pub(crate) const SHORTEST_PERIOD: Duration = Duration::from_millis(1);
/// How often something that repeats may happen in a run; all of them are scheduled at its beginning.
pub(crate) const MOST_TIMES: u128 = 100_000;
/// The same for all of a file together.
pub(crate) const MOST_TIMES_TOGETHER: u128 = 1_000_000;

impl Resolver<'_, '_> {
    pub(super) fn step(&mut self, node: &Node) -> Option<Step> {
        let fields = node.table()?;
        let when = self.when(fields);
        let device = self.one_device(fields, &node.span);
        let action = fields.choice("do").zip(device);
        let action = action.and_then(|(Chosen { kind, node, .. }, device)| self.action(kind, node, device));
        let require_effect = fields.boolean("require-effect").unwrap_or(false);
        let probability = self.probability(fields);
        Some(Step {
            when: when?,
            device: device?,
            action: action?,
            probability,
            require_effect,
            place: self.place(node),
        })
    }

    /// How likely it is that a step happens, or that a fault begins.
    pub(super) fn probability(&mut self, fields: &Fields) -> Option<PerMillion> {
        fields.get("probability").and_then(|node| self.likelihood(node, "probability"))
    }

    fn when(&mut self, fields: &Fields) -> Option<When> {
        let Some(every) = fields.get("every") else {
            for key in ["from", "until"] {
                if let Some(span) = fields.key_span(key) {
                    self.report(
                        Diagnostic::new(format!("`{key}` goes with `every` only"), span, "means nothing here")
                            .help("a step without `every` happens once"),
                    );
                }
            }
            return match fields.get("after") {
                Some(trigger) => self.reaction(trigger).map(|trigger| When::After(Box::new(trigger))),
                None => self.before_end(fields, "at", false).map(When::At),
            };
        };
        self.repeated(fields, every)
    }

    /// Something that happens again and again.
    pub(super) fn repeated(&mut self, fields: &Fields, every: &Node) -> Option<When> {
        let period = every.duration().filter(|period| {
            let long_enough = *period >= SHORTEST_PERIOD;
            if !long_enough {
                self.report(
                    Diagnostic::new("`every` is too short", every.span.clone(), "shorter than 1 ms")
                        .help("once a millisecond is the fastest: every = \"1ms\""),
                );
            }
            long_enough
        });
        let from = match fields.get("from") {
            Some(_) => self.before_end(fields, "from", false),
            None => self.before_end(fields, "every", false),
        };
        let until = match fields.get("until") {
            Some(_) => self.before_end(fields, "until", true).map(Some),
            None => Some(None),
        };
        if fields.get("from").is_none()
            && let (Some(from), Some(Some(until)), Some(node)) = (from, until, fields.get("until"))
            && until < from
        {
            self.report(
                Diagnostic::new("this never happens", node.span.clone(), "before its first time")
                    .related(every.span.clone(), "its first time")
                    .help("without `from` what repeats happens first one period after the beginning"),
            );
        }
        self.ordered(fields, "from", "until");
        let (period, from, until) = (period?, from?, until?);
        let last = until.or_else(|| self.end.as_ref().map(|(end, _)| *end)).unwrap_or(from);
        let times = last.saturating_sub(from).as_nanos() / period.as_nanos() + 1;
        if times > MOST_TIMES {
            self.report(
                Diagnostic::new(
                    format!("this happens {times} times, more than {MOST_TIMES}"),
                    every.span.clone(),
                    "too often",
                )
                .help("make `every` longer, or `until` earlier"),
            );
        }
        let before = self.repetitions;
        self.repetitions += times.min(MOST_TIMES);
        // Said once, where there is one too many.
        if before <= MOST_TIMES_TOGETHER && self.repetitions > MOST_TIMES_TOGETHER {
            self.report(
                Diagnostic::new(
                    format!("all that repeats happens more than {MOST_TIMES_TOGETHER} times together"),
                    every.span.clone(),
                    "with this one",
                )
                .help("make `every` longer in some steps and faults, or `until` earlier"),
            );
        }
        Some(When::Every { period, from, until })
    }

    fn action(&mut self, kind: ActionKind, details: &Node, device: DeviceId) -> Option<Action> {
        Some(match kind {
            ActionKind::Power => Action::Power(self.word_or_made(details)?),
            ActionKind::ResetButton => Action::PressReset,
            ActionKind::Air => {
                let fields = details.table()?;
                let part = self.part_of(device, PartClass::Sensor, fields.get("part"), &details.span)?;
                let PartKind::Dht(model) = self.devices[device.0 as usize].parts[part.0].soldered.kind else {
                    return None;
                };
                let temperature = fields.get("temperature").map(|node| self.course(node, model));
                let humidity = fields.get("humidity").map(|node| self.course(node, model));
                Action::Readings {
                    part,
                    temperature: match temperature {
                        Some(course) => Some(course?),
                        None => None,
                    },
                    humidity: match humidity {
                        Some(course) => Some(course?),
                        None => None,
                    },
                }
            }
            ActionKind::Serial => {
                let (text, every) = match details.text() {
                    Some(line) => (format!("{line}\r"), TYPING),
                    None => {
                        let fields = details.table()?;
                        let ending: LineEnding = fields.word("line-ending").unwrap_or_default();
                        let text = format!("{}{ending}", fields.text("type")?);
                        (text, fields.duration("every").unwrap_or(TYPING))
                    }
                };
                self.listens(device, &details.span);
                Action::Type(typing::keys(text.as_bytes(), every))
            }
            ActionKind::Files => {
                self.listens(device, &details.span);
                let mut files = Vec::new();
                for node in details.items() {
                    let name = node.text()?;
                    match (self.read_file)(name) {
                        Ok(content) => files.push((name.to_owned(), content)),
                        Err(why) => self.report(Diagnostic::new(
                            format!("could not read `{name}`: {why}"),
                            node.span.clone(),
                            "this file",
                        )),
                    }
                }
                Action::Converse(typing::files(&files))
            }
            ActionKind::SwitchNamed(name) => {
                let name = Node { span: details.span.clone(), value: Value::Text(name.to_owned()) };
                let part = self.part_of(device, PartClass::On(PinKind::Switch), Some(&name), &details.span)?;
                self.switch(part, details)?
            }
            ActionKind::Switch => {
                let named = details.table()?.get("part");
                let part = self.part_of(device, PartClass::On(PinKind::Switch), named, &details.span)?;
                self.switch(part, details)?
            }
            ActionKind::Button => {
                let fields = details.table()?;
                let part = self.part_of(device, PartClass::On(PinKind::Button), fields.get("part"), &details.span);
                let length = fields.get("for").and_then(|node| self.positive(node, "for"));
                let bounce = fields.duration("bounce").unwrap_or_default();
                Action::Press { part: part?, length: length?, bounce }
            }
        })
    }

    /// A device whose serial port is typed at must listen there.
    fn listens(&mut self, device: DeviceId, span: &Range<usize>) {
        if self.devices[device.0 as usize].firmware.is_none() {
            self.report(
                Diagnostic::new(
                    "the yellow duck's firmware does not listen at its serial port",
                    span.clone(),
                    "typed in vain",
                )
                .help("images that do are named by `image` in `[device]`"),
            );
        }
    }

    fn switch(&self, part: PartId, details: &Node) -> Option<Action> {
        Some(Action::Switch {
            part,
            on: match details.word() {
                Some(on) => on,
                None => details.table()?.word("to")?,
            },
            bounce: details.table().and_then(|fields| fields.duration("bounce")).unwrap_or_default(),
        })
    }

    pub(super) fn sweep(&mut self, chosen: Chosen<'_, SweepKind>) -> Option<Sweep> {
        let Chosen { kind, node: details, .. } = chosen;
        if kind == SweepKind::Images {
            return self.sweep_of_images(details);
        }
        let fields = details.table()?;
        self.ordered(fields, "from", "until");
        let from = match fields.get("from") {
            Some(_) => self.before_end(fields, "from", false),
            None => Some(Duration::ZERO),
        };
        let until = match fields.get("until") {
            Some(_) => self.before_end(fields, "until", true),
            None => self.end.as_ref().map(|(end, _)| *end),
        };
        let off_for = fields.get("off-for").map_or(Some(Duration::from_secs(2)), |node| self.positive(node, "off-for"));
        Some(Sweep::CutPowerAtEachFlashOperation { from: from?, until: until?, off_for: off_for? })
    }

    fn sweep_of_images(&mut self, details: &Node) -> Option<Sweep> {
        let Some(first) = self.devices.first().and_then(|device| device.firmware.clone()) else {
            self.report(
                Diagnostic::new("there is no image that others could replace", details.span.clone(), "these images")
                    .help("name the first one by `image` in `[device]`"),
            );
            return None;
        };
        let folder = Path::new(self.file).parent().unwrap_or(Path::new(""));
        let image = |node: &Node| Some(first.with_image(folder.join(node.text()?)));
        Some(Sweep::Images(details.items().iter().map(image).collect::<Option<_>>()?))
    }
}
