//! Faults: what goes wrong, and when.

use std::time::Duration;

use super::Resolver;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::model::{
    AccessPointState, Attack, CloudFault, DhcpFault, DnsFault, End, Fault, Injection, Lateness, LinkEffects, NtpFault,
    RouteFault, RouteTarget, SensorFault, When,
};
use crate::scenario::tree::{Fields, Node, Value};
use crate::scenario::units::PerMillion;

impl Resolver<'_, '_> {
    pub(super) fn fault(&mut self, node: &Node) -> Option<Fault> {
        let fields = node.table()?;
        let (when, end) = match fields.get("every") {
            Some(every) => (self.repeated(fields, every), self.length_within(fields, every)),
            None => self.once(fields),
        };
        let injection = fields.choice("inject").and_then(|(kind, details)| {
            self.countable(fields, kind);
            self.injection(kind, details)
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
    fn countable(&mut self, fields: &Fields, kind: &str) {
        let what = match kind {
            "sensor" => "a sensor's fault",
            "access-point" => "an access point's state",
            _ => return,
        };
        if let Some(span) = fields.key_span("count") {
            self.report(
                Diagnostic::new(format!("{what} is not counted"), span, "means nothing here")
                    .help("`until` or `for` says how long it lasts"),
            );
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
    fn lateness(&mut self, node: &Node) -> Option<Lateness> {
        let Some(fields) = node.table() else { return self.positive(node, "late-response").map(Lateness::always) };
        self.ordered(fields, "from", "to");
        let most = self.positive(fields.get("to")?, "to")?;
        let PerMillion(per_million) = probability(fields, "probability").unwrap_or(PerMillion(1_000_000));
        Some(Lateness { least: fields.duration("from")?, most, per_million })
    }

    fn injection(&mut self, kind: &str, details: &Node) -> Option<Injection> {
        Some(match kind {
            "sensor" => Injection::Sensor(match (details.word(), details.choice()) {
                (Some("silent"), _) => SensorFault::Silent,
                (Some("bad-checksum"), _) => SensorFault::BadChecksum,
                (Some(_), _) => SensorFault::Latched,
                (None, late) => SensorFault::LateResponse(self.lateness(late?.1)?),
            }),
            "access-point" => {
                let fields = details.table()?;
                let network = self.known_network(fields);
                let bssid = self.known_bssid(fields);
                let state = match fields.word("state")? {
                    "off" => AccessPointState::Off,
                    "refusing" => AccessPointState::Refusing,
                    _ => AccessPointState::Deaf,
                };
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
            "link" => {
                let fields = details.table()?;
                let network = self.known_network(fields);
                let bssid = self.known_bssid(fields);
                Injection::Link { network: network?, bssid, effects: link_effects(fields) }
            }
            "dhcp" => {
                let fields = details.table()?;
                let network = self.known_network(fields);
                let reply = fields.get("reply")?;
                let reply = match (reply.word(), reply.choice()) {
                    (Some("silent"), _) => DhcpFault::Silent,
                    (Some(_), _) => DhcpFault::Refuse,
                    (None, Some(("lease", node))) => DhcpFault::Lease(self.positive(node, "lease")?),
                    (None, slow) => DhcpFault::Slow(self.positive(slow?.1, "slow")?),
                };
                Injection::Dhcp { network: network?, reply }
            }
            "dns" => Injection::Dns(match (details.word(), details.choice()) {
                (Some("silent"), _) => DnsFault::Silent,
                (Some("refused"), _) => DnsFault::Refused,
                (Some("server-failure"), _) => DnsFault::ServerFailure,
                (Some(_), _) => DnsFault::NoSuchName,
                (None, Some(("wrong-address", node))) => match node.value {
                    Value::Ipv4Address(address) => DnsFault::WrongAddress(address),
                    _ => return None,
                },
                (None, slow) => DnsFault::Slow(self.positive(slow?.1, "slow")?),
            }),
            "ntp" => Injection::Ntp(match (details.word(), details.choice()) {
                (Some("silent"), _) => NtpFault::Silent,
                (Some(_), _) => NtpFault::KissOfDeath,
                (None, Some(("wrong-by", node))) => match node.value {
                    Value::SignedDuration(error) => NtpFault::WrongBy(error),
                    _ => return None,
                },
                (None, slow) => NtpFault::Slow(self.positive(slow?.1, "slow")?),
            }),
            "route" => {
                let fields = details.table()?;
                Injection::Route {
                    to: match fields.word("to") {
                        Some("everywhere") => RouteTarget::Everywhere,
                        _ => RouteTarget::Cloud,
                    },
                    reply: match fields.word("reply")? {
                        "silent" => RouteFault::Silent,
                        "refused" => RouteFault::Refused,
                        _ => RouteFault::Reset,
                    },
                }
            }
            "man-in-the-middle" => Injection::ManInTheMiddle(man_in_the_middle(details.word()?)),
            _ => Injection::Cloud(self.cloud_fault(details)?),
        })
    }

    fn cloud_fault(&mut self, details: &Node) -> Option<CloudFault> {
        if let Some(word) = details.word() {
            return Some(match word {
                "drop-before-storing" => CloudFault::DropBeforeStoring,
                "drop-after-storing" => CloudFault::DropAfterStoring,
                "reset" => CloudFault::Reset,
                "chunked" => CloudFault::Chunked,
                "truncated" => CloudFault::Truncated,
                "too-soon" => CloudFault::TooSoon,
                _ => CloudFault::RefuseKey,
            });
        }
        match details.choice()? {
            ("status", Node { value: Value::Integer(status), .. }) => {
                u16::try_from(*status).ok().map(CloudFault::Status)
            }
            ("retry-after", node) => self.positive(node, "retry-after").map(CloudFault::RetryAfter),
            ("retry-after-date", node) => self.positive(node, "retry-after-date").map(CloudFault::RetryAfterDate),
            ("delay-before-storing", node) => {
                self.positive(node, "delay-before-storing").map(CloudFault::DelayBeforeStoring)
            }
            ("date-wrong-by", Node { value: Value::SignedDuration(error), .. }) => {
                Some(CloudFault::DateWrongBy(*error))
            }
            (_, node) => self.positive(node, "delay-after-storing").map(CloudFault::DelayAfterStoring),
        }
    }
}

fn man_in_the_middle(word: &str) -> Attack {
    match word {
        "forged-certificate" => Attack::ForgedCertificate,
        "no-certificate" => Attack::NoCertificate,
        "no-certificate-verify" => Attack::NoCertificateVerify,
        "leaf-signed-leaf" => Attack::LeafSignedLeaf,
        "empty-record" => Attack::EmptyRecord,
        "split-message" => Attack::SplitMessage,
        _ => Attack::OversizedRecord,
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
