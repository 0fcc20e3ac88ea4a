//! The text of a scenario, table by table, each line with a comment that says where it came from.

use super::super::evidence::{Evidence, Network, On, SECOND, Time, duration, quoted};
use super::super::schedule::{self, Rhythm, Row};
use super::super::stamp;

/// So many gaps are expectations of their own; of more the longest.
const MOST_GAPS: usize = 500;
/// A default network's name and passphrase.
const NETWORK: &str = "home";
const PASSPHRASE: &str = "correct horse";

/// The text as it grows.
pub(super) struct Page {
    pub(super) text: String,
    zero: Time,
    end: Time,
    network: String,
    /// How many faults and steps are in it.
    pub(super) done: usize,
}

impl Page {
    /// An empty one, of a run from `zero` to `end`.
    pub(super) fn new(zero: Time, end: Time) -> Self {
        Self { text: String::new(), zero, end, network: NETWORK.to_owned(), done: 0 }
    }

    fn line(&mut self, text: impl AsRef<str>) {
        self.text += text.as_ref();
        self.text.push('\n');
    }

    /// A moment as the run counts it, not before its beginning.
    fn since(&self, at: Time) -> Time {
        at.clamp(self.zero, self.end - 1) - self.zero
    }

    pub(super) fn head(&mut self, evidence: &[Evidence], calendar: bool, measured: bool) {
        let files: Vec<&str> = evidence.iter().map(|it| it.file.as_str()).collect();
        let kinds: Vec<String> = evidence.iter().map(|it| format!("{} ({})", it.file, it.kind)).collect();
        self.line(format!("# Made by `preflash import` of {}.", kinds.join(", ")));
        let notes: Vec<&String> = evidence.iter().flat_map(|it| &it.notes).collect();
        for note in notes.iter().take(20) {
            self.line(format!("# {note}"));
        }
        if notes.len() > 20 {
            self.line(format!("# … and {} more of that kind", notes.len() - 20));
        }
        let what =
            if measured { "was measured in the field is measured again" } else { "the network did is done again" };
        self.line(format!("title = {}", quoted(&format!("What {what}: {}", files.join(", ")))));
        if calendar {
            let start = stamp::rfc3339(self.zero);
            self.line(format!("start = {start}"));
        }
        let length = duration(self.end - self.zero);
        self.line(format!("duration = {}", quoted(&length)));
    }

    pub(super) fn device(&mut self, from: Time, evidence: &[Evidence]) {
        let up = from - self.zero;
        let sensor = evidence.iter().find_map(|it| it.sensor.clone()).filter(|(kind, _)| *kind == "DHT11");
        if up < SECOND / 1_000 && sensor.is_none() {
            return;
        }
        self.line("\n[device]");
        if up >= SECOND / 1_000 {
            self.line(format!("power-up = {}", quoted(&duration(up))));
        }
        if let Some((_, origin)) = sensor {
            self.line(format!("sensor = \"DHT11\"  # {origin}"));
        }
    }

    pub(super) fn settings(&mut self, evidence: &[Evidence], rhythm: &Rhythm, said: bool) {
        let networks: Vec<&Network> = evidence.iter().flat_map(|it| &it.networks).collect();
        self.line("\n[settings]");
        let comment = match networks.first() {
            Some(network) => {
                self.network = network.name.clone();
                network.origin.as_ref().map(|origin| format!("  # {origin}")).unwrap_or_default()
            }
            None => "  # no file tells it".to_owned(),
        };
        self.line(format!("network = {}{comment}", quoted(&self.network.clone())));
        if networks.first().is_none_or(|network| network.protected) {
            self.line(format!("passphrase = {}  # no file tells it", quoted(PASSPHRASE)));
        }
        if let Some((host, port, tls, origin)) = evidence.iter().find_map(|it| it.server.clone()) {
            // The cloud answers at these ports; another would need one of its own.
            if host == "api.thingspeak.com" && matches!((port, tls), (443, true) | (80, false)) {
                self.line(format!("host = {}  # {origin}", quoted(&host)));
                if !tls {
                    self.line("tls = false");
                }
            }
        }
        let origin = evidence.iter().find_map(|it| it.interval_origin.clone()).filter(|_| said);
        let comment = match origin {
            Some(origin) => origin.to_string(),
            None if evidence.iter().any(|it| it.readings.len() > 1) => {
                "the median of the times between readings".to_owned()
            }
            None => "no file tells it".to_owned(),
        };
        self.line(format!("interval = {}  # {comment}", quoted(&duration(rhythm.interval))));
        if evidence.iter().any(|it| it.sensor.as_ref().is_some_and(|(kind, _)| *kind == "DHT11")) {
            self.line("sensor = \"DHT11\"");
        }
    }

    pub(super) fn sensor(&mut self, evidence: &[Evidence], main: Option<&Evidence>, rhythm: &Rhythm, recording: &str) {
        let Some(main) = main else { return };
        self.line(format!(
            "\n# Each row holds from {} before its time: the sensor answers with what it measured before it was asked.",
            duration(rhythm.lead())
        ));
        self.line("[sensor]");
        for (key, column) in ["temperature", "humidity"].into_iter().zip(&main.columns) {
            let comment = if column.is_empty() { main.file.clone() } else { format!("{}, {column}", main.file) };
            self.line(format!(
                "{key} = {{ csv = {{ file = {}, column = \"{key}\" }} }}  # {comment}",
                quoted(recording)
            ));
        }
        for other in evidence.iter().filter(|it| it.file != main.file && !it.readings.is_empty()) {
            self.line(format!("# {} has {} readings, too, which are not used", other.file, other.readings.len()));
        }
    }

    pub(super) fn surroundings(&mut self, evidence: &[Evidence]) {
        let mut networks: Vec<&Network> = Vec::new();
        for network in evidence.iter().flat_map(|it| &it.networks) {
            if !networks
                .iter()
                .any(|other| other.name == network.name && (other.bssid == network.bssid || network.bssid.is_none()))
            {
                networks.push(network);
            }
        }
        for network in networks.iter().take(100) {
            let origin = network.origin.as_ref().map(|origin| format!("  # {origin}")).unwrap_or_default();
            self.line(format!("\n[[networks]]{origin}"));
            self.line(format!("name = {}", quoted(&network.name)));
            if network.protected {
                self.line(format!("passphrase = {}", quoted(PASSPHRASE)));
            }
            if let Some(bssid) = network.bssid {
                let bytes: Vec<String> = bssid.iter().map(|byte| format!("{byte:02x}")).collect();
                self.line(format!("bssid = {}", quoted(&bytes.join(":"))));
            }
            if let Some(channel) = network.channel.filter(|channel| (1..=13).contains(channel)) {
                self.line(format!("channel = {channel}"));
            }
            if let Some(signal) = network.signal.filter(|signal| (-90..0).contains(signal)) {
                self.line(format!("signal = \"{signal} dBm\""));
            }
        }
        if let Some((latency, origin)) = evidence.iter().find_map(|it| it.latency.clone()) {
            self.line("\n[internet]");
            self.line(format!("latency = {}  # {origin}: half a round trip", quoted(&duration(latency))));
        }
    }

    pub(super) fn faults(&mut self, evidence: &[Evidence]) {
        let network = quoted(&self.network);
        let mut names = std::collections::BTreeMap::<String, u32>::new();
        for fault in evidence.iter().flat_map(|it| &it.faults) {
            if fault.until.is_some_and(|until| until <= self.zero) || fault.from >= self.end {
                continue;
            }
            let count = names.entry(fault.what.clone()).or_default();
            *count += 1;
            let name = if *count == 1 { fault.what.clone() } else { format!("{} ({count})", fault.what) };
            let from = self.since(fault.from);
            self.line(format!("\n[[faults]]  # {}", fault.origin));
            self.line(format!("name = {}", quoted(&name)));
            if from > 0 {
                self.line(format!("from = {}", quoted(&duration(from))));
            }
            if let Some(until) = fault.until.filter(|until| *until < self.end) {
                self.line(format!("until = {}", quoted(&duration(self.since(until).max(from + 1)))));
            }
            if let Some(count) = fault.count {
                self.line(format!("count = {count}"));
            }
            self.line(format!("inject.{}", fault.inject.replace("{network}", &network)));
            self.done += 1;
        }
    }

    pub(super) fn steps(&mut self, evidence: &[Evidence], starts: &[On]) {
        let (zero, end) = (self.zero, self.end);
        for step in evidence.iter().flat_map(|it| &it.steps).filter(|step| step.at >= zero && step.at < end) {
            self.line(format!("\n[[steps]]  # {}", step.origin));
            self.line(format!("at = {}", quoted(&duration(self.since(step.at)))));
            self.line(format!("do.{}", step.action));
            self.done += 1;
        }
        for pair in starts.windows(2) {
            let Some(until) = pair[0].until else { continue };
            self.line(
                "\n[[steps]]  # what comes behind it is out of step with what was before: the device has started anew",
            );
            self.line(format!("at = {}", quoted(&duration(self.since(until)))));
            self.line(format!("do.power = {{ cut-for = {} }}", quoted(&duration(pair[1].from - until))));
            self.done += 1;
        }
    }

    pub(super) fn expectations(
        &mut self,
        evidence: &[Evidence],
        main: Option<&Evidence>,
        rhythm: &Rhythm,
        rows: &[Row],
        starts: &[On],
    ) -> usize {
        let mut written = 0;
        let mut found = 0;
        if let Some(main) = main {
            let (count, doubtful) = schedule::readings(rows, starts, rhythm.interval, self.end);
            if count > 0 || doubtful > 0 {
                let entries = match doubtful {
                    0 => format!("entries = {count}"),
                    _ => format!(
                        "entries = {{ at-least = {}, at-most = {} }}",
                        count.saturating_sub(doubtful),
                        count + doubtful
                    ),
                };
                self.line(format!("\n[[expect]]  # {}", main.file));
                self.line(format!("channel = {{ {entries} }}"));
                let good = main.readings.iter().filter(|reading| !reading.failed()).count();
                self.line(format!(
                    "because = {}",
                    quoted(&format!("{} has {good} readings that did not fail", main.file))
                ));
                written += 1;
            }
            let mut gaps = rhythm.gaps(&main.readings);
            found = gaps.len();
            if gaps.len() > MOST_GAPS {
                gaps.sort_by_key(|gap| std::cmp::Reverse(gap.before.at - gap.after.at));
                gaps.truncate(MOST_GAPS);
                gaps.sort_by_key(|gap| gap.after.at);
            }
            for gap in gaps {
                let (after, before) = (&gap.after, &gap.before);
                // The service shows whole seconds, and an upload takes some.
                let from = (after.at + (rhythm.interval / 2).min(60 * SECOND)).min(before.at - 5 * SECOND);
                let until = before.at - SECOND;
                if from >= until {
                    continue;
                }
                self.line(format!(
                    "\n[[expect]]  # {}: nothing between {} and {}",
                    after.origin.file, after.origin.place, before.origin.place
                ));
                self.line("event.stored = { field1 = { between = [\"-100\", \"200\"] } }");
                self.line("never = true");
                let (from, until) = (self.since(from), self.since(until));
                self.line(format!("from = {}", quoted(&duration(from))));
                self.line(format!("until = {}", quoted(&duration(until))));
                let length = duration((before.at - after.at) / SECOND * SECOND);
                self.line(format!("because = {}", quoted(&format!("the field had no entry for {length}"))));
                written += 1;
            }
        }
        for expected in evidence.iter().flat_map(|it| &it.expected) {
            self.line(format!("\n[[expect]]  # {}", expected.origin));
            self.line(&expected.keys);
            if let Some(from) = expected.from {
                self.line(format!("from = {}", quoted(&duration(self.since(from)))));
            }
            if let Some(until) = expected.until {
                self.line(format!("until = {}", quoted(&duration(self.since(until)))));
            }
            self.line(format!("because = {}", quoted(&expected.because)));
            written += 1;
        }
        if written == 0 {
            self.line("\n[[expect]]\nevent.boot = {}");
        }
        found
    }
}
