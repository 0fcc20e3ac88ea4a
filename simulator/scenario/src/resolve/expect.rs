//! Triggers and expectations, and the words that reports use for them.

use std::sync::Arc;
use std::time::Duration;

use humantime::format_duration;
use simulator_parts::Soldered;
use simulator_record::events::DeviceId;

use super::Resolver;
use crate::diagnostics::Diagnostic;
use crate::grammar::expect::StateKind;
use crate::model::{
    Begin, ChannelCheck, Check, End, Expectation, PartClass, PartKind, PinState, PinWords, Quantity, RateCheck, State,
    Trigger, Window,
};
use crate::tree::{Chosen, Fields, Node, Value};

impl Resolver<'_, '_> {
    /// An event after which something happens once.
    pub(super) fn trigger(&mut self, node: &Node) -> Option<Trigger> {
        if let Some(span) = node.table()?.key_span("each") {
            self.report(
                Diagnostic::new("`each` goes with steps and faults only", span, "means nothing here")
                    .help("a window opens once, and a phone arrives once"),
            );
        }
        self.reaction(node)
    }

    /// An event after which something happens, perhaps each time.
    pub(super) fn reaction(&mut self, node: &Node) -> Option<Trigger> {
        let fields = node.table()?;
        let matcher = fields.get("event").and_then(|node| self.matcher(node, fields));
        let plus = match fields.get("plus") {
            Some(_) => self.before_end(fields, "plus", false),
            None => Some(Duration::ZERO),
        };
        let count = fields.integer("count").and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
        let each = fields.boolean("each").unwrap_or(false);
        Some(Trigger { matcher: matcher?, count, plus: plus?, each })
    }

    pub(super) fn expectation(&mut self, node: &Node) -> Option<Expectation> {
        let fields = node.table()?;
        if ["event", "rate", "state", "channel"].into_iter().any(|kind| fields.is_broken(kind)) {
            return None;
        }
        let check = if let Some(event) = fields.get("event") {
            self.only_for(fields, "`state`", &["at"]);
            let matcher = self.matcher(event, fields);
            let quantity = self.quantity(fields);
            let window = self.window(fields);
            Check::Events { matcher: matcher?, quantity: quantity?, window: window? }
        } else if let Some(rate) = fields.table("rate") {
            self.only_for(fields, "`state`", &["at"]);
            self.only_for(fields, "`event`", &["never", "exactly", "at-least", "at-most"]);
            Check::Rate(self.rate(rate, fields)?)
        } else if let Some(Chosen { kind, node: details, .. }) = fields.choice("state") {
            self.only_for(fields, "`event`", &["never", "exactly", "at-least", "at-most"]);
            let device = self.one_device(fields, &node.span);
            let state = device.and_then(|device| self.state(kind, details, device));
            if fields.get("at").is_some() {
                let at = self.before_end(fields, "at", true);
                Check::StateAt { state: state?, at: at? }
            } else {
                let window = self.window(fields);
                Check::StateThroughout { state: state?, window: window? }
            }
        } else {
            let channel = fields.table("channel")?;
            self.only_for(fields, "`event`", &["never", "exactly", "at-least", "at-most"]);
            self.only_for(fields, "`event`, `rate` or `state`", &["by", "until", "within", "from", "after", "at"]);
            let device = self.one_device(fields, &node.span);
            Check::Channel(self.channel(channel, device?)?)
        };
        let text = describe(&check);
        Some(Expectation {
            check,
            because: fields.text("because").map(str::to_owned),
            over_seeds: fields.word("over-seeds").unwrap_or_default(),
            text,
            place: self.place(node),
        })
    }

    /// Reports keys that mean nothing beside this expectation's kind.
    fn only_for(&mut self, fields: &Fields, kind: &str, keys: &[&str]) {
        for key in keys {
            if let Some(span) = fields.key_span(key) {
                self.report(
                    Diagnostic::new(format!("`{key}` goes with {kind} only"), span, "means nothing here")
                        .help("remove it, or say it in an expectation of its own"),
                );
            }
        }
    }

    fn quantity(&mut self, fields: &Fields) -> Option<Quantity> {
        let count = |key: &str| fields.integer(key).and_then(|count| u64::try_from(count).ok());
        if let Some(node) = fields.get("never") {
            if fields.boolean("never") == Some(false) {
                self.report(
                    Diagnostic::new("`never = false` says nothing", node.span.clone(), "says nothing")
                        .help("leave it out: without it the event must happen"),
                );
            }
            return Some(Quantity::Exactly(0));
        }
        if let Some(exactly) = count("exactly") {
            return Some(Quantity::Exactly(exactly));
        }
        self.range(fields, count("at-least"), count("at-most")).or(Some(Quantity::AtLeast(1)))
    }

    /// `at-least`, `at-most` or both.
    fn range(&mut self, fields: &Fields, least: Option<u64>, most: Option<u64>) -> Option<Quantity> {
        match (least, most) {
            (Some(least), Some(most)) => {
                if least > most
                    && let Some(node) = fields.get("at-most")
                {
                    self.report(Diagnostic::new(
                        "no number is so large and so small",
                        node.span.clone(),
                        "less than `at-least`",
                    ));
                }
                Some(Quantity::Between(least, most))
            }
            (Some(least), None) => Some(Quantity::AtLeast(least)),
            (None, Some(most)) => Some(Quantity::AtMost(most)),
            (None, None) => None,
        }
    }

    fn window(&mut self, fields: &Fields) -> Option<Window> {
        let open = match fields.get("after") {
            Some(trigger) => self.trigger(trigger).map(|trigger| Begin::After(Box::new(trigger))),
            None if fields.get("from").is_some() => self.before_end(fields, "from", false).map(Begin::At),
            None => Some(Begin::At(Duration::ZERO)),
        };
        let close = if let Some(key) = ["by", "until"].into_iter().find(|key| fields.get(key).is_some()) {
            self.ordered(fields, "from", key);
            self.before_end(fields, key, true).map(End::At)
        } else if let Some(within) = fields.get("within") {
            let length = self.positive(within, "within");
            if let (Some(length), Some(Begin::At(open)), Some((end, end_span))) = (length, &open, self.end.clone())
                && *open + length > end
            {
                self.report(
                    Diagnostic::new("the window closes after the end of the run", within.span.clone(), "after the end")
                        .related(end_span, "the run ends then")
                        .help(format!(
                            "the run lasts {}: make `duration` longer or `within` shorter",
                            format_duration(end)
                        )),
                );
            }
            length.map(End::For)
        } else {
            Some(End::Never)
        };
        Some(Window { open: open?, close: close? })
    }

    fn state(&mut self, kind: StateKind, details: &Node, device: DeviceId) -> Option<State> {
        let of = self.device_name(device);
        Some(match kind {
            StateKind::Part(kind) => {
                let named = details.table().and_then(|fields| fields.get("part"));
                let part = self.part_of(device, PartClass::On(kind), named, &details.span)?;
                let Soldered { gpio, name, kind: part, on: begins_on } =
                    &self.devices[device.0 as usize].parts[part.0].soldered;
                let on: bool = match details.word() {
                    Some(on) => on,
                    None => details.table()?.word("is")?,
                };
                State::Pin(PinState {
                    device,
                    of,
                    gpio: *gpio,
                    level: part.on_level()?.when(on),
                    begins: part.on_level()?.when(*begins_on),
                    is_output: matches!(part, PartKind::Led { .. }),
                    words: PinWords::On { kind, part: named.map(|_| Arc::clone(name)), on },
                })
            }
            StateKind::Power => State::Power { device, of, on: details.word()? },
            StateKind::Pin => {
                let fields = details.table()?;
                let (gpio, part) = self.recorded_pin(fields, Some(device))?;
                State::Pin(PinState {
                    device,
                    of,
                    gpio,
                    level: fields.word("level")?,
                    begins: part.soldered.kind.on_level()?.when(part.soldered.on),
                    is_output: matches!(part.soldered.kind, PartKind::Led { .. }),
                    words: PinWords::Level,
                })
            }
        })
    }

    /// A rate, whose window is said beside it.
    fn rate(&mut self, rate: &Fields, expectation: &Fields) -> Option<RateCheck> {
        let matcher = rate.get("event").and_then(|event| self.matcher(event, expectation));
        let most = rate.integer("at-most").and_then(|most| u64::try_from(most).ok());
        let per = rate.get("per").and_then(|per| self.positive(per, "per"));
        if let (Some(per), Some(node), Some((end, end_span))) = (per, rate.get("per"), self.end.clone())
            && per > end
        {
            self.report(
                Diagnostic::new("no stretch of the run is so long", node.span.clone(), "longer than the run")
                    .related(end_span, "the run ends then"),
            );
        }
        let window = self.window(expectation);
        Some(RateCheck { matcher: matcher?, most: most?, per: per?, window: window? })
    }

    /// A number of entries: as it is, or its bounds. The inner `None` for a key that is absent.
    fn entries(&mut self, fields: &Fields, key: &str) -> Option<Option<Quantity>> {
        Some(match fields.get(key) {
            Some(Node { value: Value::Integer(count), .. }) => u64::try_from(*count).ok().map(Quantity::Exactly),
            Some(node) => {
                let bounds = node.table()?;
                let count = |key: &str| bounds.integer(key).and_then(|count| u64::try_from(count).ok());
                self.range(bounds, count("at-least"), count("at-most"))
            }
            None => None,
        })
    }

    fn channel(&mut self, fields: &Fields, device: DeviceId) -> Option<ChannelCheck> {
        let entries = self.entries(fields, "entries")?;
        let status_reports = self.entries(fields, "status-reports")?;
        if let Some(node) = fields.get("ascending")
            && fields.boolean("ascending") == Some(false)
        {
            self.report(
                Diagnostic::new("`ascending = false` says nothing", node.span.clone(), "says nothing")
                    .help("leave it out"),
            );
        }
        Some(ChannelCheck {
            device,
            of: self.device_name(device),
            entries,
            status_reports,
            ascending: fields.boolean("ascending").unwrap_or(false),
            longest_gap: fields.get("longest-gap").and_then(|node| self.positive(node, "longest-gap")),
            longest_same: fields.get("longest-same").and_then(|node| self.positive(node, "longest-same")),
            fields: self.field_matches(fields)?,
        })
    }
}

/// An expectation in words.
fn describe(check: &Check) -> String {
    match check {
        Check::Events { matcher, quantity, window } => format!("{matcher}: {quantity}{window}"),
        Check::Rate(rate) => rate.to_string(),
        Check::StateAt { state, at } => format!("{state} at {}", format_duration(*at)),
        Check::StateThroughout { state, window } => format!("{state} throughout{window}"),
        Check::Channel(channel) => match &channel.of {
            Some(name) => format!("the channel of `{name}`: {channel}"),
            None => format!("the channel: {channel}"),
        },
    }
}
