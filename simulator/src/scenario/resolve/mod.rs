//! From values that have been read one by one to a scenario whose parts fit together.
//!
//! Everything that takes two places of a file to judge is judged here: names that are used and defined, intervals and
//! the run's end, secrets and the length that their use demands. A part that is wrong is reported and left out, and the
//! rest is looked at all the same; a scenario comes of it only if nothing was reported.

mod expect;
mod faults;
mod phones;
mod readings;
mod settings;
mod steps;

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use humantime::format_duration;
use time::OffsetDateTime;
use time::macros::datetime;

use super::diagnostics::{Diagnostic, place};
use super::model::{
    Allow, Certificate, Cloud, CloudPort, Device, Internet, KeyType, Network, Place, Scenario, SensorKind, Settings,
};
use super::shape::nearest;
use super::tree::{Fields, Node, Value};
use super::units::Dbm;
use crate::air::colons;

/// The network that the device itself opens in configuration mode.
pub const OWN_NETWORK: &str = "yellow-duck";
/// The cloud's own ports.
const HTTP: u16 = 80;
const HTTPS: u16 = 443;
/// Where the real cloud is.
const CLOUD_HOST: &str = "api.thingspeak.com";

/// Reads a file that a scenario names, by the name it has there; an error is a fragment that says why not.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Puts a scenario together. `read_file` reads the recordings that it names.
pub(super) fn resolve(
    file: &str,
    text: &str,
    root: &Fields,
    read_file: ReadFile<'_>,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Scenario> {
    let start = match root.get("start").map(|node| &node.value) {
        Some(Value::DateTime(start)) => *start,
        _ => datetime!(2026-01-01 00:00:00 UTC),
    };
    let names = Names::collect(root);
    Resolver {
        text,
        start,
        end: root.get("duration").and_then(|node| Some((node.duration()?, node.span.clone()))),
        names,
        access_points: Vec::new(),
        soldered: sensor_kind(root.table("device").and_then(|device| device.word("sensor"))),
        sends: root
            .table("settings")
            .filter(|_| root.list("phones").is_empty())
            .map(|settings| sensor_kind(settings.word("sensor"))),
        read_file,
        mistakes,
    }
    .scenario(file, root)
}

/// The names that a file defines. `None` if one of them could not be read: then nothing is said about unknown ones.
struct Names {
    /// Of the world's networks.
    networks: Option<BTreeSet<String>>,
    /// That the device may try to join, whether they are there or not.
    joinable: BTreeSet<String>,
    phones: Option<BTreeSet<String>>,
    faults: Option<BTreeSet<String>>,
}

impl Names {
    fn collect(root: &Fields) -> Self {
        let defined = |list: &str| -> Option<BTreeSet<String>> {
            if root.is_broken(list) {
                return None;
            }
            root.list(list).iter().map(|node| Some(node.table()?.text("name")?.to_owned())).collect()
        };
        let settings = root.table("settings").and_then(|settings| settings.text("network"));
        let mut networks = defined("networks");
        if let (None, Some(networks), Some(network)) = (root.get("networks"), &mut networks, settings) {
            networks.insert(network.to_owned());
        }
        let mut joinable: BTreeSet<String> = settings.into_iter().map(str::to_owned).collect();
        for action in root.list("phones").iter().filter_map(Node::table).flat_map(|phone| phone.list("does")) {
            if let Some(("submit", form)) = action.choice() {
                joinable.extend(form.table().and_then(|form| form.text("network")).map(str::to_owned));
            }
        }
        joinable.extend(networks.iter().flatten().cloned());
        Self { networks, joinable, phones: defined("phones"), faults: defined("faults") }
    }
}

struct Resolver<'a, 'm> {
    text: &'a str,
    start: OffsetDateTime,
    /// The run's end and where it is said.
    end: Option<(Duration, Range<usize>)>,
    names: Names,
    /// The name and hardware address of each access point.
    access_points: Vec<(String, [u8; 6])>,
    /// The sensor on the board.
    soldered: SensorKind,
    /// The sensor that the duck is set up for, which decides how it writes numbers; `None` if a phone may change it.
    sends: Option<SensorKind>,
    read_file: ReadFile<'a>,
    mistakes: &'m mut Vec<Diagnostic>,
}

impl Resolver<'_, '_> {
    fn scenario(&mut self, file: &str, root: &Fields) -> Option<Scenario> {
        self.title(root);
        self.links(root);
        if let Some(node) = root.get("duration")
            && node.duration() == Some(Duration::ZERO)
        {
            self.report(Diagnostic::new("the run ends as it begins", node.span.clone(), "no time at all"));
        }
        self.unique_names(root, "networks", "network");
        self.unique_names(root, "phones", "phone");
        self.unique_names(root, "faults", "fault");
        let device = self.device(root.table("device"));
        let settings = root.table("settings").map(|fields| self.settings(fields));
        let readings = self.readings(root.table("sensor"));
        let networks = self.networks(root, settings.as_ref().and_then(Option::as_ref));
        self.access_points = networks.iter().flatten().map(|network| (network.name.clone(), network.bssid)).collect();
        let cloud = self.cloud(root.table("cloud"));
        if let (Some(fields), Some(Some(settings))) = (root.table("settings"), &settings) {
            self.reaches_the_cloud(fields, settings, &cloud);
        }
        let phones = root.list("phones").iter().map(|node| self.phone(node)).collect::<Vec<_>>();
        let faults = root.list("faults").iter().map(|node| self.fault(node)).collect::<Vec<_>>();
        let steps = root.list("steps").iter().map(|node| self.step(node)).collect::<Vec<_>>();
        let sweep = root.choice("sweep").map(|(_, node)| self.sweep(node));
        let expectations = root.list("expect").iter().map(|node| self.expectation(node)).collect::<Vec<_>>();
        let allowed = |name: &str| root.list("allow").iter().any(|node| node.word() == Some(name));
        // Said only when everything else is right: a file that is still being written expects nothing yet.
        if self.mistakes.is_empty() && expectations.is_empty() {
            self.expects_nothing(root);
        }
        if !self.mistakes.is_empty() {
            return None;
        }
        Some(Scenario {
            file: file.to_owned(),
            title: root.text("title")?.trim().to_owned(),
            description: root.text("description").map(str::to_owned),
            links: root.list("links").iter().filter_map(Node::text).map(str::to_owned).collect(),
            seed: root.integer("seed").map_or(1, i64::unsigned_abs),
            start: self.start,
            duration: root.duration("duration")?,
            allow: Allow { crash: allowed("crash"), watchdog: allowed("watchdog"), livelock: allowed("livelock") },
            device,
            settings: match settings {
                Some(settings) => Some(settings?),
                None => None,
            },
            readings: readings?,
            networks: networks?,
            internet: Internet {
                latency: root
                    .table("internet")
                    .and_then(|f| f.duration("latency"))
                    .unwrap_or(Duration::from_millis(20)),
            },
            cloud,
            phones: phones.into_iter().collect::<Option<_>>()?,
            faults: faults.into_iter().collect::<Option<_>>()?,
            steps: steps.into_iter().collect::<Option<_>>()?,
            sweep: match sweep {
                Some(sweep) => Some(sweep?),
                None => None,
            },
            expectations: expectations.into_iter().collect::<Option<_>>()?,
        })
    }

    fn report(&mut self, mistake: Diagnostic) {
        self.mistakes.push(mistake);
    }

    /// Where a value stands.
    fn place(&self, node: &Node) -> Place {
        place(self.text, node.span.start)
    }

    fn title(&mut self, root: &Fields) {
        if let Some(node) = root.get("title")
            && node.text().is_some_and(|title| title.trim().is_empty())
        {
            self.report(Diagnostic::new("the title is empty", node.span.clone(), "empty").help(
                "say in one sentence what the scenario shows: \"The router is rebooted and the duck comes back\"",
            ));
        }
    }

    /// Reports a scenario that would pass whatever happens, but for crashes.
    fn expects_nothing(&mut self, root: &Fields) {
        let span = root.get("expect").or(root.get("title")).map_or(0..0, |node| node.span.clone());
        self.report(Diagnostic::new("this scenario expects nothing", span, "nothing must come of it").help(
            "say what must come of it: [[expect]] with `event`, `state` or `channel`, such as event.stored = {}",
        ));
    }

    fn links(&mut self, root: &Fields) {
        for node in root.list("links") {
            if let Some(link) = node.text()
                && !link.starts_with("https://")
                && !link.starts_with("http://")
            {
                self.report(
                    Diagnostic::new(format!("`{link}` is not an address"), node.span.clone(), "not an address")
                        .help("a link begins with https:// or http://"),
                );
            }
        }
    }

    fn unique_names(&mut self, root: &Fields, list: &str, what: &str) {
        let mut seen: Vec<(&str, Range<usize>, bool)> = Vec::new();
        for fields in root.list(list).iter().filter_map(Node::table) {
            let Some(node) = fields.get("name") else { continue };
            let Some(name) = node.text() else { continue };
            if name.is_empty() {
                self.report(Diagnostic::new(format!("a {what}'s name is empty"), node.span.clone(), "empty"));
            }
            match seen.iter().find(|(known, ..)| *known == name) {
                // Access points of one network, which say so by their addresses.
                Some((.., true)) if list == "networks" && fields.get("bssid").is_some() => {}
                Some((_, first, _)) => {
                    let help = match list {
                        "networks" => "give each network a name of its own, or several access points of one network each its `bssid`".to_owned(),
                        _ => format!("give each {what} a name of its own"),
                    };
                    self.report(
                        Diagnostic::new(format!("two {what}s are called `{name}`"), node.span.clone(), "the second")
                            .related(first.clone(), "the first")
                            .help(help),
                    );
                }
                None => seen.push((name, node.span.clone(), fields.get("bssid").is_some())),
            }
        }
    }

    /// Reports a name that is not among the known ones.
    fn known(&mut self, what: &str, known: Option<BTreeSet<String>>, node: &Node) {
        let (Some(name), Some(known)) = (node.text(), known) else { return };
        if known.contains(name) {
            return;
        }
        let help = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("this scenario has no {what}"),
            None => {
                let names = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                format!("this scenario has {names}")
            }
        };
        self.report(
            Diagnostic::new(format!("no {what} is called `{name}`"), node.span.clone(), "not defined").help(help),
        );
    }

    /// Reports a name of a network that the world has not.
    fn known_network(&mut self, fields: &Fields) -> Option<String> {
        let node = fields.get("network")?;
        self.known("network", self.names.networks.clone(), node);
        node.text().map(str::to_owned)
    }

    /// Reports a hardware address that no access point of the network has, or none at all if no network is named.
    fn known_bssid(&mut self, fields: &Fields) -> Option<[u8; 6]> {
        let node = fields.get("bssid")?;
        let Value::HardwareAddress(bssid) = node.value else { return None };
        let network = fields.text("network");
        let of_network = |name: &str| network.is_none_or(|network| network == name);
        // The device's own access point has an address that no file gives.
        let known = self.access_points.iter().any(|(name, its)| of_network(name) && *its == bssid);
        if !known && network != Some(OWN_NETWORK) {
            self.report(
                Diagnostic::new(
                    format!("no such access point has the BSSID {}", colons(bssid)),
                    node.span.clone(),
                    "not defined",
                )
                .help("give it to one of the [[networks]] of that name"),
            );
        }
        Some(bssid)
    }

    /// Reports a time that lies after the run's end, or at it if nothing could come of it then.
    fn before_end(&mut self, fields: &Fields, key: &str, may_be_end: bool) -> Option<Duration> {
        let node = fields.get(key)?;
        let time = node.duration()?;
        if let Some((end, end_span)) = self.end.clone() {
            let (message, label) = match time.cmp(&end) {
                std::cmp::Ordering::Less => return Some(time),
                std::cmp::Ordering::Equal if may_be_end => return Some(time),
                std::cmp::Ordering::Equal => {
                    (format!("`{key}` is the end of the run"), "nothing can come of it any more")
                }
                std::cmp::Ordering::Greater => (format!("`{key}` lies after the end of the run"), "after the end"),
            };
            self.report(
                Diagnostic::new(message, node.span.clone(), label)
                    .related(end_span, "the run ends then")
                    .help(format!("the run lasts {}: make `duration` longer or `{key}` earlier", format_duration(end))),
            );
            return None;
        }
        Some(time)
    }

    /// Reports an interval that ends before it begins, or as it begins.
    fn ordered(&mut self, fields: &Fields, from: &str, until: &str) {
        if let (Some(first), Some(last)) = (fields.get(from), fields.get(until))
            && let (Some(first_time), Some(last_time)) = (first.duration(), last.duration())
            && last_time <= first_time
        {
            let message = if last_time == first_time {
                format!("`{until}` is the same as `{from}`")
            } else {
                format!("`{until}` lies before `{from}`")
            };
            self.report(
                Diagnostic::new(message, last.span.clone(), "not later").related(first.span.clone(), "it begins then"),
            );
        }
    }

    /// A duration that must be more than nothing.
    fn positive(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let time = node.duration()?;
        if time.is_zero() {
            self.report(Diagnostic::new(format!("`{what}` is nothing"), node.span.clone(), "more than 0 is needed"));
        }
        Some(time)
    }

    fn device(&mut self, fields: Option<&Fields>) -> Device {
        let Some(fields) = fields else {
            return Device {
                sensor: SensorKind::Dht22,
                config_switch: false,
                spare_switch: false,
                power_up: Duration::ZERO,
            };
        };
        Device {
            sensor: sensor_kind(fields.word("sensor")),
            config_switch: fields.on("config-switch").unwrap_or(false),
            spare_switch: fields.on("spare-switch").unwrap_or(false),
            power_up: self.before_end(fields, "power-up", false).unwrap_or_default(),
        }
    }

    fn network_name(&mut self, node: &Node) {
        let length = node.text().map_or(1, str::len);
        if !(1..=32).contains(&length) {
            self.report(
                Diagnostic::new(
                    format!("a network's name has 1 to 32 bytes, this has {length}"),
                    node.span.clone(),
                    "wrong length",
                )
                .help("IEEE 802.11 allows no other; letters beyond ASCII take two bytes and more"),
            );
        }
    }

    fn passphrase(&mut self, node: &Node) {
        let Some(text) = node.text() else { return };
        let hexadecimal = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !(8..=63).contains(&text.len()) && !hexadecimal {
            self.report(
                Diagnostic::new(
                    format!("a passphrase has 8 to 63 bytes, this has {}", text.len()),
                    node.span.clone(),
                    "wrong length",
                )
                .help("64 hexadecimal digits are a pre-shared key; leave `passphrase` out for an open network"),
            );
        }
    }

    /// Reports a name that no server can have (RFC 1123, section 2.1).
    fn host(&mut self, node: &Node) {
        let Some(host) = node.text() else { return };
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if host.len() > 253 || !host.split('.').all(is_label) {
            self.report(
                Diagnostic::new(format!("`{host}` is not a server's name"), node.span.clone(), "not a name")
                    .help("letters, digits, dots and hyphens, without http:// and port: \"api.thingspeak.com\""),
            );
        }
    }

    fn networks(&mut self, root: &Fields, settings: Option<&Settings>) -> Option<Vec<Network>> {
        if root.get("networks").is_none() {
            let network = settings.map(|settings| Network {
                name: settings.network.clone(),
                passphrase: (!settings.passphrase.is_empty()).then(|| settings.passphrase.clone()),
                bssid: default_bssid(0),
                channel: 6,
                signal: Dbm(-60),
            });
            return Some(network.into_iter().collect());
        }
        let mut networks: Vec<Network> = Vec::new();
        for (index, node) in root.list("networks").iter().enumerate() {
            let fields = node.table()?;
            if let Some(name) = fields.get("name") {
                self.network_name(name);
                if name.text() == Some(OWN_NETWORK) {
                    self.report(
                        Diagnostic::new(
                            format!("`{OWN_NETWORK}` is the device's own network"),
                            name.span.clone(),
                            "taken",
                        )
                        .help("the device opens it in configuration mode; give this one another name"),
                    );
                }
            }
            if let Some(passphrase) = fields.get("passphrase") {
                self.passphrase(passphrase);
            }
            let bssid = match fields.get("bssid").map(|node| (&node.value, node.span.clone())) {
                Some((Value::HardwareAddress(bssid), span)) => {
                    if networks.iter().any(|network| network.bssid == *bssid) {
                        self.report(
                            Diagnostic::new("two networks have this BSSID", span, "the second")
                                .help("leave `bssid` out: each network gets one of its own"),
                        );
                    }
                    *bssid
                }
                _ => default_bssid(index),
            };
            // A name that is missing has been reported; the others are looked at all the same.
            networks.push(Network {
                name: fields.text("name").unwrap_or_default().to_owned(),
                passphrase: fields.text("passphrase").map(str::to_owned),
                bssid,
                channel: fields.integer("channel").and_then(|channel| u8::try_from(channel).ok()).unwrap_or(6),
                signal: match fields.get("signal").map(|node| &node.value) {
                    Some(Value::Signal(signal)) => *signal,
                    _ => Dbm(-60),
                },
            });
        }
        Some(networks)
    }

    fn cloud(&mut self, fields: Option<&Fields>) -> Cloud {
        if let Some(node) = fields.and_then(|fields| fields.get("host")) {
            self.host(node);
        }
        Cloud {
            certificate: match fields.and_then(|fields| fields.word("certificate")) {
                Some("expired") => Certificate::Expired,
                Some("not-yet-valid") => Certificate::NotYetValid,
                Some("wrong-host") => Certificate::WrongHost,
                Some("unknown-issuer") => Certificate::UnknownIssuer,
                Some("self-signed") => Certificate::SelfSigned,
                _ => Certificate::Good,
            },
            key_type: match fields.and_then(|fields| fields.word("key-type")) {
                Some("RSA-2048") => KeyType::Rsa2048,
                _ => KeyType::P256,
            },
            host: fields.and_then(|fields| fields.text("host")).unwrap_or(CLOUD_HOST).to_owned(),
            port: fields.and_then(|fields| self.cloud_port(fields)),
        }
    }

    fn cloud_port(&mut self, fields: &Fields) -> Option<CloudPort> {
        let Some(node) = fields.get("port") else {
            if let Some(span) = fields.key_span("tls") {
                self.report(
                    Diagnostic::new("`tls` goes with `port` only", span, "means nothing here")
                        .help("the cloud speaks TLS at port 443 and none at port 80"),
                );
            }
            return None;
        };
        let number = u16::try_from(fields.integer("port")?).ok()?;
        if [HTTP, HTTPS].contains(&number) {
            self.report(
                Diagnostic::new(format!("the cloud answers at port {number} anyway"), node.span.clone(), "its own")
                    .help("leave `port` out, or give another one"),
            );
        }
        Some(CloudPort { number, tls: fields.boolean("tls").unwrap_or(true) })
    }

    /// Reports settings with which the duck would never get as far as the cloud.
    fn reaches_the_cloud(&mut self, fields: &Fields, settings: &Settings, cloud: &Cloud) {
        if let Some(node) = fields.get("host")
            && !settings.host.eq_ignore_ascii_case(&cloud.host)
        {
            let message = if settings.host.parse::<std::net::Ipv4Addr>().is_ok() {
                format!("the duck asks a name server for `{}`, which is no name", settings.host)
            } else {
                format!("no server is called `{}`", settings.host)
            };
            self.report(
                Diagnostic::new(message, node.span.clone(), "never reached")
                    .help(format!("the cloud is called `{}`: [cloud] host = \"…\" gives it another name", cloud.host)),
            );
        }
        let speaks_tls = match settings.port {
            HTTP => Some(false),
            HTTPS => Some(true),
            port => cloud.port.filter(|own| own.number == port).map(|own| own.tls),
        };
        let Some(span) = fields.key_span("port").or(fields.key_span("tls")) else { return };
        let port = settings.port;
        match speaks_tls {
            None => self.report(
                Diagnostic::new(format!("nothing answers at port {port}"), span, "never reached")
                    .help(format!("[cloud] port = {port} has the cloud answer there")),
            ),
            Some(tls) if tls != settings.tls => {
                let (has, wants) = if tls { ("TLS", "none") } else { ("no TLS", "TLS") };
                self.report(
                    Diagnostic::new(
                        format!("the cloud speaks {has} at port {port}, the duck {wants}"),
                        span,
                        "never understood",
                    )
                    .help("443 is the port with TLS and 80 the one without; [cloud] port and tls add another"),
                );
            }
            Some(_) => {}
        }
    }
}

fn sensor_kind(word: Option<&str>) -> SensorKind {
    match word {
        Some("DHT11") => SensorKind::Dht11,
        _ => SensorKind::Dht22,
    }
}

/// A locally administered address with the network's place in it.
fn default_bssid(index: usize) -> [u8; 6] {
    let number = u16::try_from(index + 1).unwrap_or(u16::MAX).to_be_bytes();
    [2, 0, 0, number[0], number[1], 0]
}
