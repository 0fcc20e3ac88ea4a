//! Names: which a file defines, which it uses, and whether they fit.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use simulator_world::air::colons;

use super::{OWN_NETWORK, Resolver};
use crate::diagnostics::Diagnostic;
use crate::grammar::phones::PhoneActionKind;
use crate::shape::nearest;
use crate::tree::{Chosen, Fields, Node, Value};

/// How many of a file's names are listed where another one was expected.
const LISTED: usize = 10;

/// Names that a file defines, shared by all who look for one of them.
pub(super) type Known = Rc<BTreeSet<String>>;

/// The names that a file defines. `None` if one of them could not be read, or if an image of one's own may have others:
/// then nothing is said about unknown ones.
pub(super) struct Names {
    /// Of the world's networks.
    pub(super) networks: Option<Known>,
    /// The same with the device's own.
    pub(super) networks_and_own: Option<Known>,
    /// That the device may try to join, whether they are there or not.
    pub(super) joinable: Option<Known>,
    pub(super) phones: Option<Known>,
    pub(super) faults: Option<Known>,
}

impl Names {
    pub(super) fn collect(root: &Fields) -> Self {
        let defined = |list: &str| -> Option<BTreeSet<String>> {
            if root.is_broken(list) {
                return None;
            }
            root.list(list).iter().map(|node| Some(node.table()?.text("name")?.to_owned())).collect()
        };
        let settings: Vec<&str> = super::settings_tables(root)
            .into_iter()
            .flatten()
            .filter_map(|settings| settings.text("network"))
            .collect();
        let mut networks = defined("networks");
        if let (None, Some(networks)) = (root.get("networks"), &mut networks) {
            networks.extend(settings.iter().map(|network| (*network).to_owned()));
        }
        let mut joinable: BTreeSet<String> = settings.into_iter().map(str::to_owned).collect();
        for action in root.list("phones").iter().filter_map(Node::table).flat_map(|phone| phone.list("does")) {
            if let Some(Chosen { kind: PhoneActionKind::Submit, node: form, .. }) = action.choice() {
                joinable.extend(form.table().and_then(|form| form.text("network")).map(str::to_owned));
            }
        }
        joinable.extend(networks.iter().flatten().cloned());
        let mut networks_and_own = networks.clone();
        if let Some(names) = &mut networks_and_own {
            names.insert(OWN_NETWORK.to_owned());
        }
        let set_up = root.table("device").into_iter().chain(root.list("devices").iter().filter_map(Node::table));
        let has_image = |device: &Fields| ["image", "flash"].iter().any(|key| device.get(key).is_some());
        let of_the_duck = !set_up.into_iter().any(has_image);
        Self {
            networks: networks.map(Rc::new),
            networks_and_own: networks_and_own.filter(|_| of_the_duck).map(Rc::new),
            joinable: of_the_duck.then(|| Rc::new(joinable)),
            phones: defined("phones").map(Rc::new),
            faults: defined("faults").map(Rc::new),
        }
    }
}

impl Resolver<'_, '_> {
    pub(super) fn unique_names(&mut self, root: &Fields, list: &str, what: &str) {
        let mut seen: BTreeMap<&str, (Range<usize>, bool)> = BTreeMap::new();
        for fields in root.list(list).iter().filter_map(Node::table) {
            let Some(node) = fields.get("name") else { continue };
            let Some(name) = node.text() else { continue };
            if name.is_empty() {
                self.report(Diagnostic::new(format!("a {what}'s name is empty"), node.span.clone(), "empty"));
            }
            match seen.get(name) {
                // Access points of one network, which say so by their addresses.
                Some((_, true)) if list == "networks" && fields.get("bssid").is_some() => {}
                Some((first, _)) => {
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
                None => _ = seen.insert(name, (node.span.clone(), fields.get("bssid").is_some())),
            }
        }
    }

    /// Reports a name that is not among the known ones.
    pub(super) fn known(&mut self, what: &str, known: Option<Known>, node: &Node) {
        let (Some(name), Some(known)) = (node.text(), known) else { return };
        if known.contains(name) {
            return;
        }
        let left = self.comparisons_left.checked_sub(known.len());
        self.comparisons_left = left.unwrap_or(self.comparisons_left);
        let near = left.and_then(|_| nearest(name, known.iter().map(String::as_str)));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("this scenario has no {what}"),
            None => {
                let names = known.iter().take(LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                match known.len().saturating_sub(LISTED) {
                    0 => format!("this scenario has {names}"),
                    more => format!("this scenario has {names} and {more} more"),
                }
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
        // The device's own access point has an address that no file gives.
        let names = self.access_points.get(&bssid);
        let known = names.is_some_and(|names| network.is_none_or(|network| names.contains(network)));
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
