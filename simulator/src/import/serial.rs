//! A serial log whose lines tell times: the yellow duck's own (`[2.504831] sensor: 21.5 °C, 45.6 %`), and what terminal
//! programs put in front of any line (`2026-04-18 16:00:02.123 -> `, `16:00:02.123 > `).
//!
//! Only the device's own times: each start counts from 0 again. When a start was follows from what it says of the
//! calendar (`time: it is …`, `cloud: reading of … stored`), each of which leaves less than a second open.

use std::sync::LazyLock;

use regex::Regex;

use super::evidence::{Evidence, Expected, Fault, Network, On, Origin, Reading, SECOND, Step, Time, quoted};
use super::stamp;

/// From power or reset to the program's first line.
const BOOT: Time = 105_000_000;

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).expect("it is written right"));
    };
}

pattern!(
    DATED,
    r"^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| UTC|[+-]\d\d:?\d\d)?)\]?:?\s*(?:->|>|\|)?\s*(.*)$"
);
pattern!(CLOCKED, r"^\[?(\d\d:\d\d:\d\d(?:[.,]\d+)?)\]?:?\s*(?:->|>|\|)?\s*(.*)$");
pattern!(SINCE_BOOT, r"^\[\s*(\d+\.\d+)\]\s*(.*)$");
pattern!(MEASURED, r"(-?\d+(?:\.\d+)?)\s*°?\s*C\b[^0-9-]*(\d+(?:\.\d+)?)\s*%");
pattern!(ESP_BOOT, r"^ets .*rst cause:\s*(\d)");

/// A line of the log.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub number: u64,
    /// What a terminal or the record says.
    pub stamped: Option<Time>,
    /// Nanoseconds since the device started.
    pub since_boot: Option<Time>,
    pub text: String,
}

/// Reads a log.
pub(super) fn read(file: &str, text: &str) -> Result<Evidence, String> {
    let (mut lines, mut dated, mut day, mut last) = (Vec::new(), false, 0, 0);
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end().trim_start_matches(|letter: char| letter.is_control());
        let (stamped, rest) = if let Some(found) = DATED.captures(line) {
            let at = stamp::calendar(&found[1]).ok_or_else(|| format!("line {number}: `{}` is no time", &found[1]))?;
            dated = true;
            (Some(at), found[2].to_owned())
        } else if let Some(found) = CLOCKED.captures(line) {
            let at =
                stamp::time_of_day(&found[1]).ok_or_else(|| format!("line {number}: `{}` is no time", &found[1]))?;
            if at + 12 * 60 * 60 * SECOND < last {
                day += 24 * 60 * 60 * SECOND;
            }
            last = at;
            (Some(day + at), found[2].to_owned())
        } else {
            (None, line.to_owned())
        };
        let (since_boot, text) = match SINCE_BOOT.captures(&rest) {
            Some(found) => (stamp::seconds(&found[1]), found[2].to_owned()),
            None => (None, rest),
        };
        lines.push(Line { number, stamped, since_boot, text });
    }
    if lines.iter().all(|line| line.stamped.is_none() && line.since_boot.is_none()) {
        return Err("no line begins with a time: neither the device's own, `[2.504831] …`, nor a terminal's, \
                    `2026-01-01 12:00:00.123 -> …` or `12:00:00.123 > …`; `pio device monitor --filter time` writes one"
            .to_owned());
    }
    evidence(Evidence::new(file, "a serial log"), lines, dated)
}

/// Makes evidence of lines; `dated` says that their stamps are of the calendar.
pub(super) fn evidence(mut evidence: Evidence, lines: Vec<Line>, dated: bool) -> Result<Evidence, String> {
    let file = evidence.file.clone();
    let boots = boots(&lines);
    let (placed, calendar) = place(&lines, &boots, dated);
    evidence.calendar = calendar;
    let mut reader = Reader { evidence, file, down: None, upload: None, last_sensor: None };
    let mut previous: Option<Time> = None;
    for (index, line) in lines.iter().enumerate() {
        let Some(at) = placed[index] else { continue };
        if let Some(boot) = boots.iter().find(|boot| boot.line == index) {
            reader.boot(boot, at, previous);
        }
        reader.line(line, at);
        reader.evidence.reach(at);
        previous = Some(at);
    }
    reader.finish()
}

/// A start of the device.
#[derive(Clone, Debug)]
struct Boot {
    /// The first line of it.
    line: usize,
    cause: String,
}

fn boots(lines: &[Line]) -> Vec<Boot> {
    let mut boots: Vec<Boot> = Vec::new();
    let mut last = None;
    for (index, line) in lines.iter().enumerate() {
        let said = line.text.split_once("reset cause: ").filter(|_| line.text.contains("boot:"));
        let rom = ESP_BOOT.captures(&line.text).map(|found| match &found[1] {
            "1" => "power-on",
            "2" => "external reset",
            "3" => "software restart",
            _ => "watchdog",
        });
        let back = matches!((last, line.since_boot), (Some(last), Some(now)) if now < last);
        let cause = said.map(|(_, cause)| cause.trim().to_owned()).or_else(|| rom.map(str::to_owned));
        // The boot ROM's line and the program's are of one start.
        let again = boots
            .last()
            .is_some_and(|boot| lines[boot.line..index].len() < 12 && lines[boot.line].text.starts_with("ets"));
        match cause {
            Some(cause) if again && rom.is_none() => boots.last_mut().expect("there is one").cause = cause,
            Some(cause) => boots.push(Boot { line: index, cause }),
            None if back => boots.push(Boot { line: index, cause: "unknown".to_owned() }),
            None => {}
        }
        last = line.since_boot.or(if boots.last().is_some_and(|boot| boot.line == index) { None } else { last });
    }
    if boots.is_empty() || boots[0].line > 0 && lines[..boots[0].line].iter().any(|line| line.since_boot.is_some()) {
        boots.insert(0, Boot { line: 0, cause: "before the log".to_owned() });
    }
    boots
}

/// When each line was, and whether that is of the calendar.
fn place(lines: &[Line], boots: &[Boot], dated: bool) -> (Vec<Option<Time>>, bool) {
    if lines.iter().any(|line| line.stamped.is_some()) {
        let mut last = None;
        let placed = lines.iter().map(|line| {
            last = line.stamped.or(last);
            last
        });
        return (placed.collect(), dated);
    }
    // Where a start lies, at least and at most, by what it says of the calendar.
    let ends: Vec<usize> = boots.iter().skip(1).map(|boot| boot.line).chain([lines.len()]).collect();
    let said: Vec<Option<(Time, Time)>> =
        boots.iter().zip(&ends).map(|(boot, end)| calendar_of(&lines[boot.line..*end])).collect();
    let calendar = said.iter().any(Option::is_some);
    let mut placed = vec![None; lines.len()];
    let mut base: Option<Time> = None;
    let mut reached: Time = 0;
    for ((boot, end), said) in boots.iter().zip(&ends).zip(&said) {
        let from = match (said, base) {
            (Some((low, high)), _) => {
                // A run begins at a whole second as a rule, and the program's first line comes 0.1 s later.
                let whole = (low - BOOT).div_euclid(SECOND) * SECOND + BOOT;
                let whole = if whole < *low { whole + SECOND } else { whole };
                if whole < *high { whole } else { low + (high - low) / 2 }
            }
            // A start that says nothing of the calendar comes soon after what was before.
            (None, Some(_)) => reached + 2 * SECOND,
            (None, None) => 0,
        };
        base = Some(from);
        let mut last = 0;
        for index in boot.line..*end {
            last = lines[index].since_boot.unwrap_or(last);
            placed[index] = Some(from + last);
        }
        reached = from + last;
    }
    (placed, calendar)
}

/// Between which moments the device's clock was 0, by what these lines of one start say of the calendar.
fn calendar_of(lines: &[Line]) -> Option<(Time, Time)> {
    let (mut low, mut high) = (Time::MIN, Time::MAX);
    let mut narrow = |whole: Time, since: Time| {
        // A clock that shows whole seconds shows this one for a second.
        let (least, most) = (whole - since, whole + SECOND - since);
        if least < high && most > low {
            (low, high) = (low.max(least), high.min(most));
        }
    };
    let mut measured: Option<Time> = None;
    let mut known = false;
    for line in lines {
        let Some(since) = line.since_boot else { continue };
        if let Some(rest) = line.text.strip_prefix("time: it is ") {
            if let Some(at) = rest.split_whitespace().next().and_then(stamp::calendar) {
                narrow(at, since);
                known = true;
            }
        } else if line.text.starts_with("sensor: ") && MEASURED.is_match(&line.text) {
            measured = Some(since);
        } else if let Some(rest) = line.text.strip_prefix("cloud: reading of ")
            && let (Some(at), Some(measured)) = (rest.split_whitespace().next().and_then(stamp::calendar), measured)
            && known
            && since - measured < 5 * SECOND
        {
            narrow(at, measured);
        }
    }
    known.then_some((low, high))
}

/// What the lines have told until now.
struct Reader {
    evidence: Evidence,
    file: String,
    /// Since when the network is lost, or could not be joined, why, and when the last try to join began and failed.
    down: Option<Down>,
    /// Since when uploads fail, and how.
    upload: Option<(Time, String, Origin, Time)>,
    last_sensor: Option<Time>,
}

struct Down {
    since: Time,
    inject: &'static str,
    tried: Option<Time>,
    failed: Time,
    origin: Origin,
}

impl Reader {
    fn boot(&mut self, boot: &Boot, at: Time, previous: Option<Time>) {
        let from = at - BOOT;
        let origin = Origin::line(&self.file, boot.line as u64 + 1);
        let first = self.evidence.starts.is_empty();
        if first {
            if boot.cause != "before the log" {
                self.evidence.starts.push(On { from, until: None });
            }
            return;
        }
        match boot.cause.as_str() {
            "power-on" | "unknown" => {
                let off = previous.map_or(from - SECOND, |last| (last + SECOND).min(from - SECOND / 5));
                let length = super::evidence::duration(from - off);
                if let Some(last) = self.evidence.starts.last_mut() {
                    last.until = Some(off);
                }
                self.evidence.steps.push(Step {
                    at: off,
                    action: format!("power = {{ cut-for = \"{length}\" }}"),
                    origin,
                });
            }
            "external reset" => {
                let action = "reset-button = \"press\"".to_owned();
                self.evidence.steps.push(Step { at: from, action, origin });
            }
            "software restart" => {
                self.evidence.notes.push(format!("{origin}: the firmware has restarted by itself"));
            }
            cause => self.evidence.expected.push(Expected {
                keys: format!("event.boot = {{ cause = {} }}\nnever = true", quoted(cause)),
                from: None,
                until: None,
                because: format!("{origin} has one; the firmware must not do that"),
                origin,
            }),
        }
        self.evidence.starts.push(On { from, until: None });
        self.down = None;
        self.upload = None;
    }

    fn line(&mut self, line: &Line, at: Time) {
        let origin = Origin::line(&self.file, line.number);
        let Some((source, said)) = line.text.split_once(": ") else {
            return self.measured(&line.text, at, origin);
        };
        match source {
            "sensor" => {
                if said.contains("try 1 of") || !said.contains("no reading") {
                    self.last_sensor = Some(at);
                }
                if said.starts_with("no reading") {
                    let at = self.last_sensor.unwrap_or(at);
                    self.evidence.readings.push(Reading { at, temperature: None, humidity: None, origin });
                } else if !said.contains("try ") {
                    self.measured(said, at, origin);
                }
            }
            "config" => self.config(said, origin),
            "wifi" => self.wifi(said, at, origin),
            "cloud" => self.cloud(said, at, origin),
            _ => self.measured(&line.text, at, origin),
        }
    }

    /// A line with a temperature and a humidity, whoever wrote it.
    fn measured(&mut self, text: &str, at: Time, origin: Origin) {
        let Some(found) = MEASURED.captures(text) else { return };
        if !found[1].contains('.') && !found[2].contains('.') && self.evidence.sensor.is_none() {
            self.evidence.sensor = Some(("DHT11", origin.clone()));
        }
        let (temperature, humidity) = (stamp::tenths(&found[1]), stamp::tenths(&found[2]));
        self.evidence.readings.push(Reading { at, temperature, humidity, origin });
    }

    fn config(&mut self, said: &str, origin: Origin) {
        if let Some(network) = said.strip_prefix("network ") {
            let (name, security) = network.rsplit_once(" (").unwrap_or((network, "WPA2)"));
            if !self.evidence.networks.iter().any(|network| network.name == name) {
                let protected = !security.starts_with("open");
                let name = name.to_owned();
                self.evidence.networks.push(Network { name, protected, origin: Some(origin), ..Network::default() });
            }
        } else if let Some(server) = said.strip_prefix("server ") {
            let (address, rest) = server.split_once(',').unwrap_or((server, ""));
            if let Some((host, port)) = address.split_once(':')
                && let Some(port) = port.split_whitespace().next().and_then(|port| port.parse().ok())
            {
                let tls = rest.contains("trusting");
                self.evidence.server = Some((host.to_owned(), port, tls, origin));
            }
        } else if let Some((sensor, rest)) = said.split_once(" every ") {
            let sensor = if sensor == "DHT11" { "DHT11" } else { "DHT22" };
            self.evidence.sensor = Some((sensor, origin.clone()));
            self.evidence.interval = rest.split_whitespace().next().and_then(stamp::seconds);
            self.evidence.interval_origin = Some(origin);
        }
    }

    fn wifi(&mut self, said: &str, at: Time, origin: Origin) {
        if let Some(rest) = said.strip_prefix("joined ") {
            let (name, signal) = rest.rsplit_once(", ").unwrap_or((rest, ""));
            let signal = signal.trim_end_matches(" dBm").parse().ok();
            if let Some(network) = self.evidence.networks.iter_mut().find(|network| network.name == name) {
                network.signal = network.signal.or(signal);
            }
            if let Some(down) = self.down.take() {
                // It was there again before the try that succeeded, and not yet when the one before failed.
                let until = down.tried.unwrap_or(at).max(down.failed + SECOND / 100);
                self.fault("the network is away", down.since, Some(until), None, down.inject, down.origin);
            }
        } else if said.starts_with("lost ") {
            let inject = match said.contains("sent us away") {
                true => "access-point = { network = {network}, state = \"off\" }",
                false => "access-point = { network = {network}, state = \"off\", deauth = false }",
            };
            self.down = Some(Down { since: at - SECOND / 100, inject, tried: None, failed: at, origin });
        } else if said.starts_with("joining ") && !said.starts_with("joining again") {
            if let Some(down) = &mut self.down {
                down.tried = Some(at - SECOND / 100);
            }
        } else if said.starts_with("could not join ") {
            let inject = match said.contains("refused") {
                true => "access-point = { network = {network}, state = \"refusing\" }",
                false => "access-point = { network = {network}, state = \"off\", deauth = false }",
            };
            let since = self.evidence.starts.last().map_or(at, |on| on.from);
            let down = self.down.get_or_insert(Down { since, inject, tried: None, failed: at, origin });
            down.failed = at;
        }
    }

    fn cloud(&mut self, said: &str, at: Time, origin: Origin) {
        let failed = if said.contains("name was not resolved") {
            Some("dns = \"silent\"".to_owned())
        } else if said.contains("refuses the connection") {
            Some("route = { to = \"cloud\", reply = \"refused\" }".to_owned())
        } else if said.contains("no reply") {
            Some("cloud = \"drop-before-storing\"".to_owned())
        } else if let Some(rest) = said.strip_prefix("the server answers ") {
            let status: Option<u16> = rest.split([';', ' ']).next().and_then(|status| status.parse().ok());
            status
                .filter(|status| (200..=599).contains(status))
                .map(|status| format!("cloud = {{ status = {status} }}"))
        } else if said.starts_with("could not upload") {
            Some("route = { to = \"cloud\", reply = \"silent\" }".to_owned())
        } else {
            None
        };
        if let Some(inject) = failed {
            if self.down.is_some() {
                return;
            }
            let since = self.last_sensor.filter(|sensor| at - sensor < 30 * SECOND).unwrap_or(at) - SECOND / 100;
            match &mut self.upload {
                Some((_, known, _, last)) if *known == inject => *last = at,
                _ => {
                    self.uploaded(at, false);
                    self.upload = Some((since, inject, origin, at));
                }
            }
        } else if said.contains("stored") {
            self.uploaded(at, said.contains("stored already"));
        }
    }

    /// Uploads work again.
    fn uploaded(&mut self, at: Time, already: bool) {
        let Some((since, inject, origin, last)) = self.upload.take() else { return };
        if already && inject.contains("drop-before-storing") {
            return self.fault("the reply is lost", since, None, Some(1), "cloud = \"drop-after-storing\"", origin);
        }
        let until = (at - 2 * SECOND).max(last + SECOND / 100);
        self.fault("uploads fail", since, Some(until), None, &inject, origin);
    }

    fn fault(&mut self, what: &str, from: Time, until: Option<Time>, count: Option<u32>, inject: &str, origin: Origin) {
        let inject = inject.to_owned();
        self.evidence.faults.push(Fault { what: what.to_owned(), from, until, count, inject, origin });
    }

    fn finish(mut self) -> Result<Evidence, String> {
        if let Some(down) = self.down.take() {
            self.fault("the network is away", down.since, None, None, down.inject, down.origin);
        }
        if let Some((since, inject, origin, _)) = self.upload.take() {
            self.fault("uploads fail", since, None, None, &inject, origin);
        }
        let evidence = self.evidence;
        if evidence.readings.is_empty() && evidence.faults.is_empty() && evidence.starts.is_empty() {
            return Err(
                "no line of it tells of a reading (`21.5 °C, 45.6 %`), a start (`rst cause:`) or a network".to_owned()
            );
        }
        Ok(evidence)
    }
}
