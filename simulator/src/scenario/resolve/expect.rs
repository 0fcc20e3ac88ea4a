//! Matchers, triggers and expectations, and the words that reports use for them.

use std::time::Duration;

use humantime::format_duration;

use super::Resolver;
use crate::air::colons;
use crate::events::Level;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::grammar::expect::{EventWord, FieldMatchKind, StateKind, TextMatchKind};
use crate::scenario::matcher::{LED_GPIO, Matcher, PhoneMatch, RequestMatch, TextMatch};
use crate::scenario::model::{
    Begin, ChannelCheck, Check, End, Expectation, FieldMatch, Quantity, RateCheck, SensorKind, State, Trigger, Window,
};
use crate::scenario::tree::{Chosen, Fields, Node, Value};

/// The pins whose changes are recorded: switches and LED.
const PINS: [u8; 3] = [4, 5, LED_GPIO];

/// What the duck sends in `field1` and `field2`.
const FIELDS: [(&str, &str); 2] = [("temperature", "°C"), ("humidity", "%")];

/// Whether a number is written with exactly so many decimals and nothing else.
fn is_written_so(text: &str, decimals: usize) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = match text.strip_prefix('-').unwrap_or(text).split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text.strip_prefix('-').unwrap_or(text), None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && match fraction {
            Some(fraction) => digits(fraction) && fraction.len() == decimals,
            None => decimals == 0,
        }
}

impl Resolver<'_, '_> {
    pub(super) fn trigger(&mut self, node: &Node) -> Option<Trigger> {
        let fields = node.table()?;
        let matcher = fields.get("event").and_then(|node| self.matcher(node));
        let plus = match fields.get("plus") {
            Some(_) => self.before_end(fields, "plus", false),
            None => Some(Duration::ZERO),
        };
        let count = fields.integer("count").and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
        Some(Trigger { matcher: matcher?, count, plus: plus? })
    }

    fn matcher(&mut self, node: &Node) -> Option<Matcher> {
        let Chosen { kind, node: details, .. } = node.choice()?;
        let empty = Fields::default();
        let fields = details.table().unwrap_or(&empty);
        let owned = |key: &str| fields.text(key).map(str::to_owned);
        Some(match kind {
            EventWord::Serial => Matcher::Serial(self.text_match(details)?),
            EventWord::Led => Matcher::Led { on: details.word()? },
            EventWord::Pin => Matcher::Pin { gpio: self.gpio(fields)?, level: fields.word("level") },
            EventWord::Boot => Matcher::Boot { cause: fields.word("cause") },
            EventWord::Restart => Matcher::Restart { reason: self.optional_text(fields, "reason")? },
            EventWord::Crash => Matcher::Crash { message: self.optional_text(fields, "message")? },
            EventWord::Power => Matcher::Power { state: details.word()? },
            EventWord::Sensor => Matcher::Sensor { outcome: fields.word("outcome") },
            EventWord::Flash => Matcher::Flash { operation: fields.word("operation"), torn: fields.boolean("torn") },
            EventWord::Join => Matcher::Join {
                network: self.joinable(fields),
                bssid: self.known_bssid(fields).map(colons),
                outcome: fields.word("outcome"),
            },
            EventWord::LinkLost => Matcher::LinkLost {
                network: self.joinable(fields),
                bssid: self.known_bssid(fields).map(colons),
                reason: fields.word("reason"),
            },
            EventWord::AccessPoint => {
                if let Some(node) = fields.get("network") {
                    self.known("network", self.names.networks_and_own.clone(), node);
                }
                Matcher::AccessPoint {
                    network: owned("network"),
                    bssid: self.known_bssid(fields).map(colons),
                    on: fields.boolean("on"),
                }
            }
            EventWord::Lease => Matcher::Lease { network: self.known_network(fields), outcome: fields.word("outcome") },
            EventWord::Dns => Matcher::Dns { name: owned("name"), outcome: fields.word("outcome") },
            EventWord::Ntp => Matcher::Ntp { outcome: fields.word("outcome") },
            EventWord::Connection => Matcher::Connection { server: owned("server"), outcome: fields.word("outcome") },
            EventWord::Tls => Matcher::Tls { server: owned("server"), outcome: self.optional_text(fields, "outcome")? },
            EventWord::Request => Matcher::Request(Box::new(RequestMatch {
                server: owned("server"),
                method: owned("method"),
                path: self.path(fields),
                status: fields.integer("status").and_then(|status| u16::try_from(status).ok()),
                body_contains: owned("body-contains"),
                reply_contains: owned("reply-contains"),
                tls: fields.boolean("tls"),
            })),
            EventWord::Stored => {
                Matcher::Stored { fields: self.field_matches(fields)?, status_contains: owned("status-contains") }
            }
            EventWord::Phone => {
                if let Some(node) = fields.get("name") {
                    let known = self.names.phones.clone();
                    self.known("phone", known, node);
                }
                Matcher::Phone { name: owned("name"), what: self.phone_match(fields)? }
            }
            EventWord::Fault => {
                if let Some(node) = fields.get("name") {
                    let known = self.names.faults.clone();
                    self.known("fault", known, node);
                }
                Matcher::Fault { name: owned("name"), action: self.optional_text(fields, "action")? }
            }
        })
    }

    fn joinable(&mut self, fields: &Fields) -> Option<String> {
        let node = fields.get("network")?;
        if self.names.networks.is_some() {
            self.known("network", Some(self.names.joinable.clone()), node);
        }
        node.text().map(str::to_owned)
    }

    fn path(&mut self, fields: &Fields) -> Option<String> {
        let node = fields.get("path")?;
        let path = node.text()?;
        if !path.starts_with('/') {
            self.report(
                Diagnostic::new(format!("`{path}` is not a path"), node.span.clone(), "not a path")
                    .help("a path begins with /"),
            );
        }
        Some(path.to_owned())
    }

    fn gpio(&mut self, fields: &Fields) -> Option<u8> {
        let node = fields.get("gpio")?;
        let gpio = u8::try_from(fields.integer("gpio")?).ok()?;
        if !PINS.contains(&gpio) {
            self.report(
                Diagnostic::new(format!("nothing is recorded of GPIO{gpio}"), node.span.clone(), "not recorded")
                    .help("4 and 5 are the switches and 13 is LD1; the sensor's bus has events of its own"),
            );
        }
        Some(gpio)
    }

    /// What a text must be; the inner `None` for a key that is absent.
    fn optional_text(&mut self, fields: &Fields, key: &str) -> Option<Option<TextMatch>> {
        match fields.get(key) {
            Some(node) => self.text_match(node).map(Some),
            None => Some(None),
        }
    }

    fn text_match(&mut self, node: &Node) -> Option<TextMatch> {
        if let Some(text) = node.text() {
            return Some(TextMatch::Equals(text.to_owned()));
        }
        let Chosen { kind, node: details, .. } = node.choice()?;
        let wanted = match kind {
            TextMatchKind::Contains => TextMatch::Contains(details.text()?.to_owned()),
            TextMatchKind::Matches => TextMatch::Matches(details.regex()?.clone()),
        };
        if wanted.pattern().is_empty() {
            self.report(Diagnostic::new("this fits every text", details.span.clone(), "empty"));
        }
        Some(wanted)
    }

    fn field_matches(&mut self, fields: &Fields) -> Option<Box<[Option<FieldMatch>; 8]>> {
        let mut matches: Box<[Option<FieldMatch>; 8]> = Box::default();
        for (index, wanted) in matches.iter_mut().enumerate() {
            let key = format!("field{}", index + 1);
            let Some(node) = fields.get(&key) else { continue };
            match FIELDS.get(index) {
                Some((quantity, unit)) => *wanted = Some(self.field_match(node, &key, quantity, unit)?),
                None => {
                    let span = fields.key_span(&key).unwrap_or_else(|| node.span.clone());
                    self.report(
                        Diagnostic::new(format!("the duck never sends `{key}`"), span, "always absent")
                            .help("`field1` is the temperature and `field2` the humidity"),
                    );
                    return None;
                }
            }
        }
        Some(matches)
    }

    fn field_match(&mut self, node: &Node, key: &str, quantity: &str, unit: &str) -> Option<FieldMatch> {
        if let Some(text) = node.text() {
            if !self.decimals().iter().any(|decimals| is_written_so(text, *decimals)) {
                let example = if self.decimals().contains(&1) { "21.5" } else { "21" };
                self.report(
                    Diagnostic::new(
                        format!("`{key}` is never `{text}`"),
                        node.span.clone(),
                        "not as the duck writes a number",
                    )
                    .help(format!(
                        "it sends the {quantity} as \"{example}\", without a unit; a range is {{ between = [\"20 {unit}\", \"22 {unit}\"] }}"
                    )),
                );
            }
            return Some(FieldMatch::Equals(text.to_owned()));
        }
        let Chosen { kind: FieldMatchKind::Between, node: pair, .. } = node.choice()?;
        let Value::List(bounds) = &pair.value else { return None };
        let [Node { value: Value::Tenths(low, _), .. }, Node { value: Value::Tenths(high, _), .. }] = bounds.as_slice()
        else {
            return None;
        };
        for bound in bounds {
            if let Value::Tenths(_, Some(written)) = bound.value
                && written != unit
            {
                self.report(
                    Diagnostic::new(
                        format!("`{key}` is the {quantity}, which has no `{written}`"),
                        bound.span.clone(),
                        "wrong unit",
                    )
                    .help(format!("write \"… {unit}\", or the number alone")),
                );
            }
        }
        if low > high {
            self.report(
                Diagnostic::new("nothing lies between these", pair.span.clone(), "the first is the higher one")
                    .help("the lowest comes first"),
            );
        }
        Some(FieldMatch::Between { low: *low, high: *high })
    }

    /// How many decimals the duck's numbers may have in this scenario: one with a DHT22 in its settings, none with a
    /// DHT11, and either if phones set it up.
    fn decimals(&self) -> &'static [usize] {
        match self.sends {
            Some(SensorKind::Dht22) => &[1],
            Some(SensorKind::Dht11) => &[0],
            None => &[0, 1],
        }
    }

    fn phone_match(&mut self, fields: &Fields) -> Option<PhoneMatch> {
        if let Some(joined) = fields.boolean("joined") {
            return Some(PhoneMatch::Joined(joined));
        }
        if let Some(reply) = fields.table("reply") {
            return Some(PhoneMatch::Reply {
                status: reply.integer("status").and_then(|status| u16::try_from(status).ok()),
                contains: reply.text("contains").map(str::to_owned),
                location: self.optional_text(reply, "location")?,
            });
        }
        if let Some(failed) = fields.table("failed") {
            return Some(PhoneMatch::Failed { reason: self.optional_text(failed, "reason")? });
        }
        Some(match (fields.get("lease"), fields.get("left")) {
            (Some(_), _) => PhoneMatch::Lease,
            (None, Some(_)) => PhoneMatch::Left,
            (None, None) => PhoneMatch::Anything,
        })
    }

    pub(super) fn expectation(&mut self, node: &Node) -> Option<Expectation> {
        let fields = node.table()?;
        if ["event", "rate", "state", "channel"].into_iter().any(|kind| fields.is_broken(kind)) {
            return None;
        }
        let check = if let Some(event) = fields.get("event") {
            self.only_for(fields, "`state`", &["at"]);
            let matcher = self.matcher(event);
            let quantity = self.quantity(fields);
            let window = self.window(fields);
            Check::Events { matcher: matcher?, quantity: quantity?, window: window? }
        } else if let Some(rate) = fields.table("rate") {
            self.only_for(fields, "`state`", &["at"]);
            self.only_for(fields, "`event`", &["never", "exactly", "at-least", "at-most"]);
            Check::Rate(self.rate(rate, fields)?)
        } else if let Some(Chosen { kind, node: details, .. }) = fields.choice("state") {
            self.only_for(fields, "`event`", &["never", "exactly", "at-least", "at-most"]);
            let state = self.state(kind, details);
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
            Check::Channel(self.channel(channel)?)
        };
        let text = describe(&check);
        Some(Expectation { check, because: fields.text("because").map(str::to_owned), text, place: self.place(node) })
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

    fn state(&mut self, kind: StateKind, details: &Node) -> Option<State> {
        Some(match kind {
            StateKind::Led => {
                State::Pin { gpio: LED_GPIO, level: if details.word()? { Level::High } else { Level::Low } }
            }
            StateKind::Power => State::Power { on: details.word()? },
            StateKind::Pin => {
                let fields = details.table()?;
                State::Pin { gpio: self.gpio(fields)?, level: fields.word("level")? }
            }
        })
    }

    /// A rate, whose window is said beside it.
    fn rate(&mut self, rate: &Fields, expectation: &Fields) -> Option<RateCheck> {
        let matcher = rate.get("event").and_then(|event| self.matcher(event));
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

    fn channel(&mut self, fields: &Fields) -> Option<ChannelCheck> {
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
            entries,
            status_reports,
            ascending: fields.boolean("ascending").unwrap_or(false),
            longest_gap: fields.get("longest-gap").and_then(|node| self.positive(node, "longest-gap")),
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
        Check::Channel(channel) => format!("the channel: {channel}"),
    }
}
