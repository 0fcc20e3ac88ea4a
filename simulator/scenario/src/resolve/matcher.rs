//! Matchers: which events a file means.

use simulator_record::events::{DeviceId, Kind};
use simulator_world::air::colons;

use super::Resolver;
use crate::diagnostics::Diagnostic;
use crate::grammar::events::{FieldMatchKind, TextMatchKind};
use crate::matcher::{FieldMatch, Matcher, Names, PhoneMatch, Reads, Row, TextMatch, Wanted};
use crate::model::{Part, SensorKind};
use crate::tree::{Chosen, Fields, Node, Value};
use crate::units::DeciCelsius;

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

fn temperature(node: &Node) -> Option<i32> {
    match node.value {
        Value::Temperature(DeciCelsius(tenths)) => Some(tenths),
        _ => None,
    }
}

impl Resolver<'_, '_> {
    /// Which events are meant, of the device that the table around them names, if it does.
    pub(super) fn matcher(&mut self, node: &Node, around: &Fields) -> Option<Matcher> {
        let device = self.any_device(around);
        let Chosen { kind: row, node: details, .. } = node.choice::<&'static Row>()?;
        let empty = Fields::default();
        let fields = details.table().unwrap_or(&empty);
        if matches!(row.kind, Kind::Phone | Kind::Fault)
            && let Some(span) = around.key_span("device")
        {
            self.report(
                Diagnostic::new("this never happens to a device", span, "means nothing here")
                    .related(node.span.clone(), "it happens to the world")
                    .help("leave `device` out: `name` says which phone or fault is meant"),
            );
        }
        let mut matcher = Matcher::new(row);
        for ask in row.asks {
            let node = if ask.key.is_empty() { Some(details) } else { fields.get(ask.key) };
            let Some(node) = node else {
                self.has_such_a_part(device, &ask.reads, details);
                continue;
            };
            matcher.add(ask, self.wanted(&ask.reads, ask.key, node, fields, device)?);
        }
        if let Some((device, name)) = device.and_then(|device| Some((device, self.device_name(device)?))) {
            matcher.only_of(device, name);
        }
        Some(matcher)
    }

    /// Reports an event of a part that no device which is meant has: it would never happen.
    fn has_such_a_part(&mut self, device: Option<DeviceId>, reads: &Reads, details: &Node) {
        let Reads::PartName(class) = *reads else { return };
        if self.meant_parts(device, |kind| class.is(kind)).next().is_none() {
            let what = class.name();
            self.report(
                Diagnostic::new(format!("the board has no {what}"), details.span.clone(), "never happens")
                    .help("[[parts]] solders one to the board"),
            );
        }
    }

    /// What a field must be, as the file says it at this node.
    fn wanted(
        &mut self,
        reads: &Reads,
        key: &str,
        node: &Node,
        fields: &Fields,
        device: Option<DeviceId>,
    ) -> Option<Wanted> {
        Some(match reads {
            Reads::Exactly(names) => {
                self.name(names, node);
                Wanted::Exactly(node.text()?.to_owned())
            }
            Reads::Part => Wanted::Part(node.text()?.to_owned()),
            Reads::Text => Wanted::Text(self.text_match(node)?),
            Reads::Line => Wanted::Line(self.text_match(node)?),
            Reads::Path => Wanted::Path(self.path(node)?),
            Reads::Bssid => Wanted::Exactly(colons(self.known_bssid(fields)?)),
            Reads::Gpio => Wanted::Number(self.recorded_pin(fields, device)?.0.into()),
            Reads::Address => match node.value {
                Value::Ipv4Address(address) => Wanted::Address(address),
                _ => return None,
            },
            Reads::Below => Wanted::Below(temperature(node)?),
            Reads::Above => Wanted::Above(temperature(node)?),
            Reads::Number => Wanted::Number(node.integer()?),
            Reads::MoreThan => Wanted::MoreThan(node.integer()?),
            Reads::Flag => Wanted::Flag(node.boolean()?),
            Reads::Position => Wanted::Flag(match node.word() {
                Some(on) => on,
                None => fields.word("to")?,
            }),
            Reads::PartName(kind) => Wanted::Exactly(self.part_name(device, *kind, Some(node))?.to_string()),
            Reads::Word(word) => Wanted::Word(word(node)?),
            Reads::EntryField(place) => Wanted::EntryField(*place, self.entry_field(*place, key, node, fields)?),
            Reads::Phone => Wanted::Phone(self.phone_match(fields)?),
        })
    }

    /// Reports a name that is not among those that it may be.
    fn name(&mut self, names: &Names, node: &Node) {
        let (what, known) = match names {
            Names::Any => return,
            // Without networks in the file nothing is known of them.
            Names::Joinable if self.names.networks.is_none() => return,
            Names::Joinable => ("network", self.names.joinable.clone()),
            Names::Networks => ("network", self.names.networks.clone()),
            Names::NetworksAndOwn => ("network", self.names.networks_and_own.clone()),
            Names::Phones => ("phone", self.names.phones.clone()),
            Names::Faults => ("fault", self.names.faults.clone()),
        };
        self.known(what, known, node);
    }

    fn path(&mut self, node: &Node) -> Option<String> {
        let path = node.text()?;
        if !path.starts_with('/') {
            self.report(
                Diagnostic::new(format!("`{path}` is not a path"), node.span.clone(), "not a path")
                    .help("a path begins with /"),
            );
        }
        Some(path.to_owned())
    }

    /// A pin whose level is recorded, of the device that is meant or of any, and the part on it.
    pub(super) fn recorded_pin(&mut self, fields: &Fields, device: Option<DeviceId>) -> Option<(u8, Part)> {
        let node = fields.get("gpio")?;
        let gpio = u8::try_from(fields.integer("gpio")?).ok()?;
        let parts: Vec<&Part> = self.meant_parts(device, |kind| kind.pin_kind().is_some()).collect();
        let found = parts.iter().find(|part| part.soldered.gpio == gpio).map(|part| (*part).clone());
        if found.is_none() {
            let pins = parts.iter().map(|part| format!("{} (`{}`)", part.soldered.gpio, part.soldered.name));
            let pins: std::collections::BTreeSet<String> = pins.collect();
            let help = if pins.is_empty() {
                "the board has no LED, switch or button".to_owned()
            } else {
                let pins: Vec<String> = pins.into_iter().collect();
                format!(
                    "recorded are the pins of LEDs, switches and buttons: {}; a sensor's bus has events of its own",
                    pins.join(", ")
                )
            };
            self.report(
                Diagnostic::new(format!("nothing is recorded of GPIO{gpio}"), node.span.clone(), "not recorded")
                    .help(help),
            );
        }
        Some((gpio, found?))
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

    pub(super) fn field_matches(&mut self, fields: &Fields) -> Option<Box<[Option<FieldMatch>; 8]>> {
        let mut matches: Box<[Option<FieldMatch>; 8]> = Box::default();
        for (index, wanted) in matches.iter_mut().enumerate() {
            let key = format!("field{}", index + 1);
            let Some(node) = fields.get(&key) else { continue };
            *wanted = Some(self.entry_field(index, &key, node, fields)?);
        }
        Some(matches)
    }

    /// What the field of an entry at this place from 0 must be.
    fn entry_field(&mut self, place: usize, key: &str, node: &Node, fields: &Fields) -> Option<FieldMatch> {
        if let Some((quantity, unit)) = FIELDS.get(place) {
            return self.field_match(node, key, quantity, unit);
        }
        let span = fields.key_span(key).unwrap_or_else(|| node.span.clone());
        self.report(
            Diagnostic::new(format!("the duck never sends `{key}`"), span, "always absent")
                .help("`field1` is the temperature and `field2` the humidity"),
        );
        None
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
    /// DHT11, and either if phones set it up or devices differ.
    fn decimals(&self) -> &'static [usize] {
        let mut sensors = self.devices.iter().map(|device| Some(device.settings.as_ref()?.sensor));
        let first = sensors.next().flatten().filter(|_| !self.has_phones);
        match first.filter(|first| sensors.all(|other| other == Some(*first))) {
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
}
