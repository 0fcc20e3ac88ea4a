//! What the lines of a serial log tell, one after the other.

use super::super::evidence::{
    Evidence, Expected, Fault, Network, On, Origin, Reading, SECOND, Step, Time, duration, quoted,
};
use super::super::stamp;
use super::{BOOT, Line, MEASURED};

/// What the lines have told until now.
pub(super) struct Reader {
    pub(super) evidence: Evidence,
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
    pub(super) fn new(evidence: Evidence, file: String) -> Self {
        Self { evidence, file, down: None, upload: None, last_sensor: None }
    }

    /// A start, for a cause, told in a line of the file; what was before it was at `previous`.
    pub(super) fn boot(&mut self, cause: &str, line: u64, at: Time, previous: Option<Time>) {
        let from = at - BOOT;
        let origin = Origin::line(&self.file, line);
        let first = self.evidence.starts.is_empty();
        if first {
            if cause != "before the log" {
                self.evidence.starts.push(On { from, until: None });
            }
            return;
        }
        match cause {
            "power-on" | "unknown" => {
                let off = previous.map_or(from - SECOND, |last| (last + SECOND).min(from - SECOND / 5));
                let length = duration(from - off);
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

    pub(super) fn line(&mut self, line: &Line, at: Time) {
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

    pub(super) fn finish(mut self) -> Result<Evidence, String> {
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
