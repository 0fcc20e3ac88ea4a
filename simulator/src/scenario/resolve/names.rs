//! Names: which a file defines, which it uses, and whether they fit.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{OWN_NETWORK, Resolver};
use crate::air::colons;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::shape::nearest;
use crate::scenario::tree::{Fields, Node, Value};

/// The names that a file defines. `None` if one of them could not be read: then nothing is said about unknown ones.
pub(super) struct Names {
    /// Of the world's networks.
    pub(super) networks: Option<BTreeSet<String>>,
    /// That the device may try to join, whether they are there or not.
    pub(super) joinable: BTreeSet<String>,
    pub(super) phones: Option<BTreeSet<String>>,
    pub(super) faults: Option<BTreeSet<String>>,
}

impl Names {
    pub(super) fn collect(root: &Fields) -> Self {
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

impl Resolver<'_, '_> {
    pub(super) fn unique_names(&mut self, root: &Fields, list: &str, what: &str) {
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
    pub(super) fn known(&mut self, what: &str, known: Option<BTreeSet<String>>, node: &Node) {
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
    pub(super) fn known_network(&mut self, fields: &Fields) -> Option<String> {
        let node = fields.get("network")?;
        self.known("network", self.names.networks.clone(), node);
        node.text().map(str::to_owned)
    }

    /// Reports a hardware address that no access point of the network has, or none at all if no network is named.
    pub(super) fn known_bssid(&mut self, fields: &Fields) -> Option<[u8; 6]> {
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
}
