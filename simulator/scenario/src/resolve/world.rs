//! The world around the board: access points, the cloud, and whether the duck's settings lead there.

use core::net::Ipv4Addr;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use simulator_world::air::colons;
use simulator_world::internet::SERVERS;

use super::{OWN_NETWORK, Resolver};
use crate::diagnostics::Diagnostic;
use crate::model::{Cloud, CloudPort, Features, Network, Policy, Protection, RouterSettings, Settings};
use crate::tree::{Fields, Node, Value};
use crate::units::Dbm;

/// The cloud's own ports.
const HTTP: u16 = 80;
const HTTPS: u16 = 443;
/// Where the real cloud is.
pub(super) const CLOUD_HOST: &str = "api.thingspeak.com";

impl Resolver<'_, '_> {
    pub(super) fn network_name(&mut self, node: &Node) {
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

    pub(super) fn passphrase(&mut self, node: &Node) {
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
    pub(super) fn host(&mut self, node: &Node) {
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

    pub(super) fn networks(&mut self, root: &Fields) -> Option<Vec<Network>> {
        if root.get("networks").is_none() {
            let mut networks: Vec<Network> = Vec::new();
            for settings in self.devices.iter().filter_map(|device| device.settings.as_ref()) {
                if networks.iter().all(|known| known.name != settings.network) {
                    networks.push(Network {
                        name: settings.network.clone(),
                        passphrase: (!settings.passphrase.is_empty()).then(|| settings.passphrase.clone()),
                        security: if settings.passphrase.is_empty() { Protection::Open } else { Protection::Wpa2 },
                        features: Features::default(),
                        bssid: default_bssid(networks.len()),
                        channel: 6,
                        signal: Dbm(-60),
                        router: RouterSettings::default(),
                    });
                }
            }
            return Some(networks);
        }
        let mut networks: Vec<Network> = Vec::new();
        let mut bssids = BTreeSet::new();
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
            let security = self.protection(fields, &node.span);
            let group_rekey = fields.get("group-rekey").and_then(|node| self.group_rekey(node, security));
            let features = Features {
                is_hidden: fields.boolean("hidden").unwrap_or(false),
                group_rekey,
                mode: fields.word("mode").unwrap_or_default(),
            };
            let router = self.router(fields);
            let bssid = match fields.get("bssid").map(|node| &node.value) {
                Some(Value::HardwareAddress(bssid)) => *bssid,
                _ => default_bssid(index),
            };
            if !bssids.insert(bssid) {
                let span = fields.get("bssid").map_or(node.span.clone(), |node| node.span.clone());
                self.report(
                    Diagnostic::new(format!("two networks have the BSSID {}", colons(bssid)), span, "the second")
                        .help("leave `bssid` out, or give each another: without it the place in the file decides"),
                );
            }
            // A name that is missing has been reported; the others are looked at all the same.
            networks.push(Network {
                name: fields.text("name").unwrap_or_default().to_owned(),
                passphrase: fields.text("passphrase").map(str::to_owned),
                security,
                features,
                bssid,
                channel: fields.integer("channel").and_then(|channel| u8::try_from(channel).ok()).unwrap_or(6),
                signal: match fields.get("signal").map(|node| &node.value) {
                    Some(Value::Signal(signal)) => *signal,
                    _ => Dbm(-60),
                },
                router,
            });
        }
        Some(networks)
    }

    /// What the router behind an access point is set up to.
    fn router(&mut self, fields: &Fields) -> RouterSettings {
        let said = |key: &str| {
            fields.get(key).and_then(|node| match node.value {
                Value::Ipv4Address(address) => Some((address, node)),
                _ => None,
            })
        };
        let (router, gateway, name_server) = (said("router"), said("gateway"), said("name-server"));
        let address = router.map(|(address, _)| address);
        if let Some((address, node)) = router
            && (!address.is_private() || !is_no_clients(address))
        {
            self.report(
                Diagnostic::new(format!("`{address}` cannot be a router's address"), node.span.clone(), "not here")
                    .help(
                        "one of a private network (RFC 1918) that no client gets, such as 10.0.7.1 or 192.168.178.254",
                    ),
            );
        }
        if let Some((gateway, node)) = gateway
            && !address.is_some_and(|router| is_beside(router, gateway))
        {
            self.report(
                Diagnostic::new(format!("`{gateway}` cannot be the gateway"), node.span.clone(), "not beside the router")
                    .help(
                        "an address of the network that `router` is in, which no client gets: with `router = \"192.168.178.1\"` one such as 192.168.178.254",
                    ),
            );
        }
        if let Some((server, node)) = name_server
            && !(address.is_some_and(|router| is_beside(router, server)) || is_free_in_the_internet(server))
        {
            self.report(
                Diagnostic::new(format!("`{server}` cannot be the name server"), node.span.clone(), "not there").help(
                    "an address beside `router` that no client gets, such as 192.168.178.2, or one in the internet that no other server has, such as 9.9.9.9",
                ),
            );
        }
        RouterSettings {
            address,
            lease: fields.get("lease").and_then(|node| self.positive(node, "lease")),
            gateway: gateway.map(|(address, _)| address),
            name_server: name_server.map(|(address, _)| address),
        }
    }

    /// How a network is protected; it has a passphrase if and only if that means something.
    fn protection(&mut self, fields: &Fields, network: &Range<usize>) -> Protection {
        let passphrase = fields.get("passphrase");
        let Some(security) = fields.word::<Protection>("security") else {
            return if passphrase.is_some() { Protection::Wpa2 } else { Protection::Open };
        };
        let (word, ..) = security.row();
        match (security, passphrase) {
            (security, None) if security.has_passphrase() => self.report(
                Diagnostic::new(
                    format!("a network with `security = \"{word}\"` has a passphrase"),
                    network.clone(),
                    "without `passphrase`",
                )
                .help("give it one of 8 to 63 bytes, or leave `security` out for an open network"),
            ),
            (security, Some(passphrase)) if !security.has_passphrase() => self.report(
                Diagnostic::new(
                    format!("a network with `security = \"{word}\"` has no passphrase"),
                    passphrase.span.clone(),
                    "means nothing here",
                )
                .help("leave it out; WEP's keys are not modelled, for nobody is let in"),
            ),
            _ => {}
        }
        security
    }

    fn group_rekey(&mut self, node: &Node, security: Protection) -> Option<Duration> {
        let period = self.positive(node, "the time between two keys")?;
        if period < Duration::from_secs(1) {
            self.report(
                Diagnostic::new("a group's key is renewed at most once a second", node.span.clone(), "too often")
                    .help("routers do it each hour or so"),
            );
        } else if !security.has_passphrase() {
            self.report(
                Diagnostic::new(
                    "only networks with WPA or WPA2 have a group's key",
                    node.span.clone(),
                    "means nothing here",
                )
                .help("it goes with a `passphrase`"),
            );
        }
        Some(period)
    }

    pub(super) fn cloud(&mut self, fields: Option<&Fields>) -> Cloud {
        if let Some(node) = fields.and_then(|fields| fields.get("host")) {
            self.host(node);
        }
        let write_key = fields.and_then(|fields| fields.get("write-key")).filter(|node| {
            let is_key =
                |text: &str| text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z'));
            let is_right = node.text().is_some_and(is_key);
            if !is_right {
                let mistake = Diagnostic::new("this is no write key", node.span.clone(), "not 16 of 0-9 and A-Z");
                self.report(mistake.help("such as write-key = \"0123456789ABCDEF\""));
            }
            is_right
        });
        Cloud {
            write_key: write_key.and_then(Node::text).map(str::to_owned),
            certificate: fields.map(|fields| self.own_certificate(fields)).unwrap_or_default(),
            legacy_tls: fields.and_then(|fields| fields.word("legacy-tls")).unwrap_or(Policy::Off),
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
    pub(super) fn reaches_the_cloud(&mut self, fields: &Fields, settings: &Settings, cloud: &Cloud) {
        if let Some(node) = fields.get("host")
            && !settings.host.eq_ignore_ascii_case(&cloud.host)
        {
            let message = if settings.host.parse::<Ipv4Addr>().is_ok() {
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

/// A locally administered address with the network's place in it.
fn default_bssid(index: usize) -> [u8; 6] {
    let number = u16::try_from(index + 1).unwrap_or(u16::MAX).to_be_bytes();
    [2, 0, 0, number[0], number[1], 0]
}

/// Whether no client of a /24 network gets this address.
fn is_no_clients(address: Ipv4Addr) -> bool {
    matches!(address.octets()[3], 1..=9 | 251..=254)
}

/// Whether an address is in the router's /24 network, is not the router's, and no client's.
fn is_beside(router: Ipv4Addr, address: Ipv4Addr) -> bool {
    router.octets()[..3] == address.octets()[..3] && address != router && is_no_clients(address)
}

/// Whether an address can be a server's that is not there yet.
fn is_free_in_the_internet(address: Ipv4Addr) -> bool {
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_unspecified();
    !is_special && !SERVERS.contains(&address)
}
