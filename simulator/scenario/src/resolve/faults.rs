//! Faults: what goes wrong, and when.

use std::net::Ipv4Addr;
use std::time::Duration;

use fake_thingspeak::serve::check_header;
use simulator_world::parts::MadeOfLateness;

use super::Resolver;
use crate::diagnostics::Diagnostic;
use crate::grammar::faults::{InjectionKind, LeftOut, OfCloud, OfDhcp, OfDns};
use crate::model::{
    AccessPointState, DhcpFault, DhcpOptions, DnsAnswer, End, Fault, Injection, Lateness, LinkEffects, PartClass,
    Pieces, RouteTarget, When, Without, WrittenReply,
};
use crate::tree::{Chosen, Fields, Node, Value};
use crate::units::PerMillion;

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
            injection: injection?,
            place: self.place(node),
        })
    }

    /// Reports a count of what goes on by itself for as long as the fault is there.
    fn countable(&mut self, fields: &Fields, kind: InjectionKind) {
        let what = match kind {
            InjectionKind::Sensor => "a sensor's fault",
            InjectionKind::AccessPoint => "an access point's state",
            InjectionKind::Link
            | InjectionKind::Dhcp
            | InjectionKind::Dns
            | InjectionKind::Ntp
            | InjectionKind::Route
            | InjectionKind::ManInTheMiddle
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
        for key in ["device", "part"] {
            if kind != InjectionKind::Sensor
                && let Some(span) = fields.key_span(key)
            {
                self.report(
                    Diagnostic::new(format!("`{key}` goes with `inject.sensor` only"), span, "means nothing here")
                        .help("what is not a sensor's fault concerns all devices"),
                );
            }
        }
    }

    /// A fault that comes once.
    fn once(&mut self, fields: &Fields) -> (Option<When>, Option<End>) {
        let when = match fields.get("after") {
            Some(trigger) => self.trigger(trigger).map(|trigger| When::After(Box::new(trigger))),
            None if fields.get("from").is_some() => self.before_end(fields, "from", false).map(When::At),
            None => Some(When::At(Duration::ZERO)),
        };
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

    /// By how much a sensor's responses are late.
    fn lateness(&mut self, node: &Node, name: &str) -> Option<Lateness> {
        let Some(fields) = node.table() else { return self.positive(node, name).map(Lateness::always) };
        self.ordered(fields, "from", "to");
        let most = self.positive(fields.get("to")?, "to")?;
        let PerMillion(per_million) = probability(fields, "probability").unwrap_or(PerMillion(1_000_000));
        Some(Lateness { least: fields.duration("from")?, most, per_million })
    }

    /// A reply that is written in the file.
    fn reply(&mut self, fields: &Fields) -> Option<WrittenReply> {
        let mut reply = WrittenReply::default();
        let mut good = true;
        if let Some(status) = fields.integer("status").and_then(|status| u16::try_from(status).ok()) {
            reply.status = status;
        }
        if let Some(Value::TextMap(headers)) = fields.get("headers").map(|node| &node.value) {
            for (name, (span, value)) in headers {
                if let Err(error) = check_header(name, value) {
                    good = false;
                    self.report(Diagnostic::new(error.to_string(), span.clone(), "cannot be sent"));
                }
                reply.headers.push((name.clone(), value.clone()));
            }
        }
        reply.body = fields.text("body").unwrap_or_default().to_owned();
        reply.stores = fields.boolean("stores").unwrap_or(false);
        reply.pieces = fields.table("pieces").and_then(|fields| {
            let bytes = fields.integer("bytes").and_then(|bytes| usize::try_from(bytes).ok())?;
            Some(Pieces { bytes, pause: fields.duration("pause").unwrap_or_default() })
        });
        reply.close_after = fields.integer("close-after-bytes").and_then(|bytes| usize::try_from(bytes).ok());
        good.then_some(reply)
    }

    /// What a DHCP server tells its clients.
    fn dhcp_options(&mut self, fields: &Fields) -> Option<DhcpOptions> {
        let lease = match fields.get("lease") {
            Some(node) => Some(u32::try_from(self.positive(node, "lease")?.as_secs()).unwrap_or(u32::MAX)),
            None => None,
        };
        let left_out = |option| fields.list("without").iter().any(|node| node.word() == Some(option));
        let without = Without {
            gateway: left_out(LeftOut::Gateway),
            name_server: left_out(LeftOut::NameServer),
            subnet_mask: left_out(LeftOut::SubnetMask),
            lease: left_out(LeftOut::Lease),
        };
        let told_and_not = [
            ("gateway", without.gateway),
            ("name-server", without.name_server),
            ("subnet-mask", without.subnet_mask),
            ("lease", without.lease),
        ];
        for (key, _) in told_and_not.into_iter().filter(|(_, without)| *without) {
            if let Some(span) = fields.key_span(key) {
                self.report(
                    Diagnostic::new(format!("`{key}` is told and left out"), span, "and in `without`")
                        .help("keep one of them"),
                );
            }
        }
        Some(DhcpOptions {
            gateway: fields.get("gateway").and_then(address),
            name_server: fields.get("name-server").and_then(address),
            subnet_mask: fields.get("subnet-mask").and_then(address),
            lease,
            without,
        })
    }

    /// What a name server answers.
    fn dns_answer(&mut self, fields: &Fields) -> Option<DnsAnswer> {
        let names = fields.get("name").into_iter().chain(fields.list("aliases"));
        names.for_each(|node| self.host(node));
        let lower = |node: &Node| node.text().map(str::to_ascii_lowercase);
        let time_to_live = fields.duration("ttl").map(|ttl| u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX));
        let addresses = fields.get("addresses").map(|list| list.items().iter().filter_map(address).collect());
        let is = |key| fields.boolean(key).unwrap_or(false);
        Some(DnsAnswer {
            name: fields.get("name").and_then(lower),
            aliases: fields.list("aliases").iter().filter_map(lower).collect(),
            addresses,
            time_to_live,
            only_ipv6: is("only-ipv6"),
            is_truncated: is("truncated"),
            has_wrong_id: is("wrong-id"),
        })
    }

    fn injection(&mut self, kind: InjectionKind, details: &Node, rule: &Fields) -> Option<Injection> {
        Some(match kind {
            InjectionKind::Sensor => {
                let device = self.one_device(rule, &details.span);
                let part =
                    device.and_then(|device| self.part_of(device, PartClass::Sensor, rule.get("part"), &details.span));
                let fault = match details.word() {
                    Some(fault) => fault,
                    None => {
                        let Chosen { kind: fault, node, name } = details.choice::<MadeOfLateness>()?;
                        fault(self.lateness(node, name)?)
                    }
                };
                Injection::Sensor { device: device?, part: part?, fault }
            }
            InjectionKind::AccessPoint => {
                let fields = details.table()?;
                let network = self.known_network(fields);
                let bssid = self.known_bssid(fields);
                let state = fields.word("state")?;
                if state != AccessPointState::Off
                    && let Some(span) = fields.key_span("deauth")
                {
                    self.report(Diagnostic::new(
                        "`deauth` goes with `state = \"off\"` only",
                        span,
                        "means nothing here",
                    ));
                }
                Injection::AccessPoint {
                    network: network?,
                    bssid,
                    state,
                    deauth: fields.boolean("deauth").unwrap_or(true),
                }
            }
            InjectionKind::Link => {
                let fields = details.table()?;
                let network = self.known_network(fields);
                let bssid = self.known_bssid(fields);
                Injection::Link { network: network?, bssid, effects: link_effects(fields) }
            }
            InjectionKind::Dhcp => {
                let fields = details.table()?;
                let network = self.known_network(fields);
                let reply = fields.get("reply")?;
                let reply = match reply.word() {
                    Some(fault) => fault,
                    None => match reply.choice()? {
                        Chosen { kind: OfDhcp::Fault(makes), name, node } => self.made(makes, name, node)?,
                        Chosen { kind: OfDhcp::Options, node, .. } => {
                            DhcpFault::Tells(self.dhcp_options(node.table()?)?)
                        }
                    },
                };
                Injection::Dhcp { network: network?, reply }
            }
            InjectionKind::Dns => match details.word() {
                Some(fault) => Injection::Dns(fault),
                None => match details.choice()? {
                    Chosen { kind: OfDns::Fault(makes), name, node } => Injection::Dns(self.made(makes, name, node)?),
                    Chosen { kind: OfDns::Answer, node, .. } => {
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
            InjectionKind::CaptivePortal => Injection::CaptivePortal(details.word()?),
            InjectionKind::Cloud => match details.word() {
                Some(fault) => Injection::Cloud(fault),
                None => match details.choice()? {
                    Chosen { kind: OfCloud::Fault(makes), name, node } => {
                        Injection::Cloud(self.made(makes, name, node)?)
                    }
                    Chosen { kind: OfCloud::Reply, node, .. } => {
                        Injection::CloudReply(self.reply(node.table()?)?.into())
                    }
                },
            },
        })
    }
}

fn address(node: &Node) -> Option<Ipv4Addr> {
    match node.value {
        Value::Ipv4Address(address) => Some(address),
        _ => None,
    }
}

fn probability(fields: &Fields, key: &str) -> Option<PerMillion> {
    match fields.get(key)?.value {
        Value::Probability(probability) => Some(probability),
        _ => None,
    }
}

fn link_effects(fields: &Fields) -> LinkEffects {
    let probability = |key: &str| probability(fields, key).unwrap_or(PerMillion(0));
    LinkEffects {
        loss: probability("loss"),
        duplicate: probability("duplicate"),
        reorder: probability("reorder"),
        corrupt: probability("corrupt"),
        latency: fields.duration("latency").unwrap_or_default(),
        jitter: fields.duration("jitter").unwrap_or_default(),
    }
}
