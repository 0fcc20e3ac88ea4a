//! Faults: what goes wrong, and when.

mod internet;
mod sensor;
mod supply;

use std::time::Duration;

use super::Resolver;
use crate::diagnostics::Diagnostic;
use crate::grammar::faults::{InjectionKind, OfFault};
use crate::model::{DhcpFault, End, Fault, Injection, LinkEffects, PartClass, RouteTarget, When};
use crate::tree::{Chosen, Fields, Node, Value};
use crate::units::PerMillion;

/// The status code of an access point that has enough stations (IEEE 802.11-2020 table 9-50).
const STATUS_FULL: u16 = 17;

impl Resolver<'_, '_> {
    pub(super) fn fault(&mut self, node: &Node) -> Option<Fault> {
        let fields = node.table()?;
        let (when, end) = match fields.get("every") {
            Some(every) => (self.repeated(fields, every), self.length_within(fields, every)),
            None => self.once(fields),
        };
        let injection = fields.choice("inject").and_then(|Chosen { kind, node, .. }| {
            self.countable(fields, kind);
            self.of_a_part(fields, kind);
            self.injection(kind, node, fields)
        });
        Some(Fault {
            name: fields.text("name")?.to_owned(),
            when: when?,
            end: end?,
            count: fields.integer("count").and_then(|count| u32::try_from(count).ok()),
            probability: self.probability(fields),
            injection: injection?,
            require_effect: fields.boolean("require-effect").unwrap_or(false),
            place: self.place(node),
        })
    }

    /// Reports a count of what goes on by itself for as long as the fault is there.
    fn countable(&mut self, fields: &Fields, kind: InjectionKind) {
        let what = match kind {
            InjectionKind::Sensor => "a sensor's fault",
            InjectionKind::AccessPoint => "an access point's state",
            InjectionKind::Supply
            | InjectionKind::Link
            | InjectionKind::Dhcp
            | InjectionKind::Dns
            | InjectionKind::Ntp
            | InjectionKind::Route
            | InjectionKind::ManInTheMiddle
            | InjectionKind::Certificate
            | InjectionKind::Cloud => return,
            InjectionKind::CaptivePortal => "a captive portal",
        };
        if let Some(span) = fields.key_span("count") {
            self.report(
                Diagnostic::new(format!("{what} is not counted"), span, "means nothing here")
                    .help("`until` or `for` says how long it lasts"),
            );
        }
    }

    /// Reports a device or a part beside what goes wrong elsewhere.
    fn of_a_part(&mut self, fields: &Fields, kind: InjectionKind) {
        let of_device = [InjectionKind::Sensor, InjectionKind::Supply];
        let keys = [
            ("device", &of_device[..], "`inject.sensor` and `inject.supply`", "other faults concern all devices"),
            ("part", &of_device[..1], "`inject.sensor`", "what is not a sensor's fault concerns no part"),
        ];
        for (key, kinds, with, help) in keys {
            if !kinds.contains(&kind)
                && let Some(span) = fields.key_span(key)
            {
                self.report(
                    Diagnostic::new(format!("`{key}` goes with {with} only"), span, "means nothing here").help(help),
                );
            }
        }
    }

    /// A fault that comes once.
    fn once(&mut self, fields: &Fields) -> (Option<When>, Option<End>) {
        let when = match fields.get("after") {
            Some(trigger) => self.reaction(trigger).map(|trigger| When::After(Box::new(trigger))),
            None if fields.get("from").is_some() => self.before_end(fields, "from", false).map(When::At),
            None => Some(When::At(Duration::ZERO)),
        };
        if let Some(after) = fields.get("after")
            && after.table().and_then(|trigger| trigger.boolean("each")) == Some(true)
            && fields.get("for").is_none()
            && !fields.is_broken("for")
        {
            self.report(
                Diagnostic::new("`each` needs `for`", after.span.clone(), "and how long each time?")
                    .help("for = \"30s\" says how long the fault stays each time"),
            );
        }
        self.ordered(fields, "from", "until");
        if let (Some(until), Some(length)) = (fields.key_span("until"), fields.key_span("for")) {
            let (first, second) = if until.start < length.start { ("until", "for") } else { ("for", "until") };
            let spans = if until.start < length.start { (until, length) } else { (length, until) };
            self.report(
                Diagnostic::new(format!("`{second}` and `{first}` exclude each other"), spans.1, "the second of them")
                    .related(spans.0, "the first")
                    .help("keep one of them; both mean something with `every` only"),
            );
        }
        let end = if fields.get("until").is_some() {
            self.before_end(fields, "until", true).map(End::At)
        } else if let Some(length) = fields.get("for") {
            self.positive(length, "for").map(End::For)
        } else {
            Some(End::Never)
        };
        (when, end)
    }

    /// How long a fault stays that comes again every so often.
    fn length_within(&mut self, fields: &Fields, every: &Node) -> Option<End> {
        let Some(node) = fields.get("for") else {
            if !fields.is_broken("for") {
                self.report(
                    Diagnostic::new("`every` needs `for`", every.span.clone(), "and how long each time?")
                        .help("for = \"30s\" says how long the fault stays each time"),
                );
            }
            return None;
        };
        let length = self.positive(node, "for")?;
        if every.duration().is_some_and(|period| length >= period) {
            self.report(
                Diagnostic::new("the fault is still there when it comes again", node.span.clone(), "not shorter")
                    .related(every.span.clone(), "it comes again then")
                    .help("make `for` shorter; a fault that stays needs no `every`"),
            );
        }
        Some(End::For(length))
    }

    fn injection(&mut self, kind: InjectionKind, details: &Node, rule: &Fields) -> Option<Injection> {
        Some(match kind {
            InjectionKind::Sensor => {
                let device = self.one_device(rule, &details.span);
                let part =
                    device.and_then(|device| self.part_of(device, PartClass::Sensor, rule.get("part"), &details.span));
                let fault = match details.word() {
                    Some(fault) => fault,
                    None => self.sensor_fault(details.choice()?)?,
                };
                Injection::Sensor { device: device?, part: part?, fault }
            }
            InjectionKind::Supply => {
                let device = self.one_device(rule, &details.span);
                let supply = self.supply(details);
                Injection::Supply { device: device?, supply: supply? }
            }
            InjectionKind::AccessPoint => {
                let fields = details.table()?;
                let network = self.known_network(fields);
                let bssid = self.known_bssid(fields);
                let state = fields.word("state")?;
                let status = fields.integer("status").and_then(|status| u16::try_from(status).ok());
                Injection::AccessPoint {
                    network: network?,
                    bssid,
                    state,
                    deauth: fields.boolean("deauth").unwrap_or(true),
                    status: status.unwrap_or(STATUS_FULL),
                }
            }
            InjectionKind::Link => {
                let fields = details.table()?;
                let network = self.known_network(fields);
                let bssid = self.known_bssid(fields);
                Injection::Link { network: network?, bssid, effects: self.link_effects(fields) }
            }
            InjectionKind::Dhcp => {
                let fields = details.table()?;
                let network = self.known_network(fields);
                let reply = fields.get("reply")?;
                let reply = match reply.word() {
                    Some(fault) => fault,
                    None => match reply.choice()? {
                        Chosen { kind: OfFault::Value(makes), name, node } => self.made(makes, name, node)?,
                        Chosen { kind: OfFault::Table, node, .. } => {
                            DhcpFault::Tells(self.dhcp_options(node.table()?)?)
                        }
                    },
                };
                Injection::Dhcp { network: network?, reply }
            }
            InjectionKind::Dns => match details.word() {
                Some(fault) => Injection::Dns(fault),
                None => match details.choice()? {
                    Chosen { kind: OfFault::Value(makes), name, node } => Injection::Dns(self.made(makes, name, node)?),
                    Chosen { kind: OfFault::Table, node, .. } => {
                        Injection::DnsAnswer(self.dns_answer(node.table()?)?.into())
                    }
                },
            },
            InjectionKind::Ntp => Injection::Ntp(self.word_or_made(details)?),
            InjectionKind::Route => {
                let fields = details.table()?;
                let to = fields.word("to").unwrap_or(RouteTarget::Cloud);
                Injection::Route { to, reply: fields.word("reply")? }
            }
            InjectionKind::ManInTheMiddle => Injection::ManInTheMiddle(details.word()?),
            InjectionKind::Certificate => Injection::Certificate(self.certificate(details)?.into()),
            InjectionKind::CaptivePortal => Injection::CaptivePortal(details.word()?),
            InjectionKind::Cloud => match details.word() {
                Some(fault) => Injection::Cloud(fault),
                None => match details.choice()? {
                    Chosen { kind: OfFault::Value(makes), name, node } => {
                        Injection::Cloud(self.made(makes, name, node)?)
                    }
                    Chosen { kind: OfFault::Table, node, .. } => {
                        Injection::CloudReply(self.reply(node.table()?)?.into())
                    }
                },
            },
        })
    }

    /// How likely something is that a fault or a step names: more than never.
    pub(super) fn likelihood(&mut self, node: &Node, name: &str) -> Option<PerMillion> {
        let Value::Probability(probability) = node.value else { return None };
        if probability == PerMillion(0) {
            self.report(
                Diagnostic::new(format!("`{name}` is never"), node.span.clone(), "then nothing happens")
                    .help("leave it out, or say how likely it is, such as \"10 %\""),
            );
        }
        Some(probability)
    }

    fn link_effects(&mut self, fields: &Fields) -> LinkEffects {
        let mut likelihood = |key| fields.get(key).and_then(|node| self.likelihood(node, key)).unwrap_or(PerMillion(0));
        let [loss, duplicate, reorder, corrupt] = ["loss", "duplicate", "reorder", "corrupt"].map(&mut likelihood);
        let [latency, jitter] = ["latency", "jitter"]
            .map(|key| fields.get(key).and_then(|node| self.positive(node, key)).unwrap_or_default());
        LinkEffects {
            direction: fields.word("direction"),
            frames: fields.word("frames"),
            loss,
            duplicate,
            reorder,
            corrupt,
            latency,
            jitter,
        }
    }
}
