//! From values that have been read one by one to a scenario whose parts fit together.
//!
//! Everything that takes two places of a file to judge is judged here: names that are used and defined, intervals and
//! the run's end, secrets and the length that their use demands. A part that is wrong is reported and left out, and the
//! rest is looked at all the same; a scenario comes of it only if nothing was reported.

mod certificate;
mod devices;
mod expect;
mod faults;
mod flashed;
mod matcher;
mod names;
mod phones;
mod readings;
mod settings;
mod steps;
mod targets;
mod times;
mod typing;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use names::Names;
pub(crate) use steps::{MOST_TIMES, MOST_TIMES_TOGETHER, SHORTEST_PERIOD};
use time::OffsetDateTime;

use super::diagnostics::Diagnostic;
use super::grammar::Allowed;
use super::lines::Lines;
use super::model::{Allow, Device, EqualCrashes, Internet, Place, Scenario};
use super::shape::Makes;
use super::tree::{Chosen, Fields, Node, Value};

/// The network that the device itself opens in configuration mode.
pub const OWN_NETWORK: &str = simulator_world::boards::yellow_duck::SETUP_NETWORK;

/// How many tables of each kind a file may have.
pub(super) const MOST: [(&str, usize); 6] =
    [("devices", 100), ("networks", 100), ("phones", 100), ("faults", 10_000), ("steps", 100_000), ("expect", 10_000)];

/// With how many names the misspelt ones of a file are compared together. Few files have so many of both; in one that
/// has, what is misspelt later is told without what may have been meant.
const MOST_COMPARISONS: usize = 100_000;

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
        _ => Scenario::USUAL_START,
    };
    let names = Names::collect(root);
    Resolver {
        file,
        text,
        lines: Lines::of(text),
        start,
        end: root.get("duration").and_then(|node| Some((node.duration()?, node.span.clone()))),
        names,
        comparisons_left: MOST_COMPARISONS,
        repetitions: 0,
        access_points: BTreeMap::new(),
        devices: Vec::new(),
        has_phones: !root.list("phones").is_empty(),
        read_file,
        mistakes,
    }
    .scenario(file, root)
}

struct Resolver<'a, 'm> {
    text: &'a str,
    lines: Lines,
    start: OffsetDateTime,
    /// The run's end and where it is said.
    end: Option<(Duration, Range<usize>)>,
    names: Names,
    /// With how many names a misspelt one may still be compared.
    comparisons_left: usize,
    /// How often all that repeats happens so far.
    repetitions: u128,
    /// The networks' names by the hardware addresses of their access points.
    access_points: BTreeMap<[u8; 6], BTreeSet<String>>,
    /// The devices, once they are known.
    devices: Vec<Device>,
    /// Whether a phone may change a device's settings.
    has_phones: bool,
    read_file: ReadFile<'a>,
    /// What messages call the scenario: its path.
    file: &'a str,
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
        self.at_most(root);
        self.unique_names(root, "networks", "network");
        self.unique_names(root, "phones", "phone");
        self.unique_names(root, "faults", "fault");
        self.unique_names(root, "devices", "device");
        self.devices = self.devices(root);
        let networks = self.networks(root);
        for network in networks.iter().flatten() {
            self.access_points.entry(network.bssid).or_default().insert(network.name.clone());
        }
        let cloud = self.cloud(root.table("cloud"));
        for (fields, settings) in settings_tables(root).into_iter().zip(self.devices.clone()) {
            if let (Some(fields), Some(settings)) = (fields, &settings.settings) {
                self.reaches_the_cloud(fields, settings, &cloud);
            }
        }
        let phones = root.list("phones").iter().map(|node| self.phone(node)).collect::<Vec<_>>();
        let faults = root.list("faults").iter().map(|node| self.fault(node)).collect::<Vec<_>>();
        let steps = root.list("steps").iter().map(|node| self.step(node)).collect::<Vec<_>>();
        let sweep = root.choice("sweep").map(|chosen| self.sweep(chosen));
        let targets = root.table("targets").map(|fields| self.targets(fields)).unwrap_or_default();
        let expectations = root.list("expect").iter().map(|node| self.expectation(node)).collect::<Vec<_>>();
        // Said only when everything else is right: a file that is still being written expects nothing yet.
        if self.mistakes.is_empty() && expectations.is_empty() {
            self.expects_nothing(root);
        }
        if !self.mistakes.is_empty() {
            return None;
        }
        let allow = allow(root);
        let equal_crashes = root.integer("equal-crashes").and_then(|count| u32::try_from(count).ok());
        Some(Scenario {
            file: file.to_owned(),
            source: self.text.into(),
            title: root.text("title")?.trim().to_owned(),
            description: root.text("description").map(str::to_owned),
            links: root.list("links").iter().filter_map(Node::text).map(str::to_owned).collect(),
            seed: root.integer("seed").map_or(1, i64::unsigned_abs),
            start: self.start,
            duration: root.duration("duration")?,
            allow,
            equal_crashes: EqualCrashes::new(equal_crashes, allow),
            devices: std::mem::take(&mut self.devices),
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
            targets,
            expectations: expectations.into_iter().collect::<Option<_>>()?,
            sources: Vec::new(),
        })
    }

    fn report(&mut self, mistake: Diagnostic) {
        self.mistakes.push(mistake);
    }

    /// What a word means, or what is made of the value of the key that stands in its place.
    fn word_or_made<T: Copy + 'static>(&mut self, node: &Node) -> Option<T> {
        if let Some(meant) = node.word() {
            return Some(meant);
        }
        let Chosen { kind, name, node } = node.choice()?;
        self.made(kind, name, node)
    }

    /// What a key makes of its value.
    fn made<T>(&mut self, kind: Makes<T>, name: &str, node: &Node) -> Option<T> {
        match kind {
            Makes::Duration(make) => self.positive(node, name).map(make),
            Makes::SignedDuration(make) => match node.value {
                Value::SignedDuration(duration) => {
                    if duration.is_zero() {
                        let what = format!("`{name}` is nothing");
                        self.report(Diagnostic::new(what, node.span.clone(), "more or less than 0 is needed"));
                    }
                    Some(make(duration))
                }
                _ => None,
            },
            Makes::Integer(make) => match node.value {
                Value::Integer(integer) => u16::try_from(integer).ok().map(make),
                _ => None,
            },
            Makes::Address(make) => match node.value {
                Value::Ipv4Address(address) => Some(make(address)),
                _ => None,
            },
        }
    }

    /// Where a value stands.
    fn place(&self, node: &Node) -> Place {
        self.lines.place(self.text, node.span.start)
    }

    /// Reports lists that have more than a run can look at for each frame, each event or each of its verdicts.
    fn at_most(&mut self, root: &Fields) {
        for (list, most) in MOST {
            let nodes = root.list(list);
            if let Some(node) = nodes.get(most) {
                let message = format!("`{list}` has {} tables, more than {most}", nodes.len());
                self.report(
                    Diagnostic::new(message, node.span.clone(), "one too many").help("make several scenarios of it"),
                );
            }
        }
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
            "say what must come of it: [[expect]] with `event`, `rate`, `state` or `channel`, such as event.stored = {}",
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
}

/// What the file says of each device's flash, in the devices' order.
fn settings_tables(root: &Fields) -> Vec<Option<&Fields>> {
    if root.get("devices").is_none() {
        return vec![root.table("settings")];
    }
    root.list("devices").iter().filter_map(Node::table).map(|fields| fields.table("settings")).collect()
}

fn allow(root: &Fields) -> Allow {
    let mut allow = Allow::default();
    for allowed in root.list("allow").iter().filter_map(Node::word) {
        match allowed {
            Allowed::Crash => allow.crash = true,
            Allowed::Watchdog => allow.watchdog = true,
            Allowed::Livelock => allow.livelock = true,
            Allowed::RequestStorm => allow.request_storm = true,
        }
    }
    allow
}
