//! A record as a trace that <https://ui.perfetto.dev> and `chrome://tracing` open: the JSON Trace Event Format.
//!
//! A process stands for a device, or for the world; a thread for a strip of the timeline. What lasts (power, a start, a
//! joined network, a fault) is a slice, everything else an instant event. Connections may go on at the same time, which
//! slices of a thread cannot, so they are asynchronous events. Times are microseconds of virtual time. What goes on
//! when the last event has come ends there: a record does not say how long the run went on.

use std::io::{self, Write};

use serde_json::{Value, json};
use simulator_record::events::Event;
use simulator_record::time::Instant;

use super::lane::Lane;
use super::strips::{Change, Draw, Head, Strips};

/// Writes a trace while events come.
pub struct Trace<W> {
    strips: Strips,
    tracks: Tracks<W>,
    last: Instant,
}

/// What is written of strips.
struct Tracks<W> {
    out: W,
    heads: Vec<Head>,
    /// The processes that have their names.
    named: Vec<u32>,
    any: bool,
}

impl<W: Write> Trace<W> {
    /// Begins a trace.
    ///
    /// # Errors
    /// Whatever writing says.
    pub fn begin(mut out: W) -> io::Result<Self> {
        out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
        let tracks = Tracks { out, heads: Vec::new(), named: Vec::new(), any: false };
        Ok(Self { strips: Strips::new(usize::MAX), tracks, last: Instant::START })
    }

    /// The next event.
    ///
    /// # Errors
    /// Whatever writing says.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        self.last = event.at;
        self.strips.see(event, &mut self.tracks).map(drop)
    }

    /// Ends what goes on, and the trace.
    ///
    /// # Errors
    /// Whatever writing says.
    pub fn finish(mut self) -> io::Result<()> {
        self.strips.finish(self.last, &mut self.tracks)?;
        self.tracks.out.write_all(b"\n]}\n")?;
        self.tracks.out.flush()
    }
}

impl<W: Write> Tracks<W> {
    fn write(&mut self, line: &Value) -> io::Result<()> {
        self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        serde_json::to_writer(&mut self.out, line).map_err(io::Error::from)
    }

    fn name(&mut self, what: &str, pid: u32, tid: usize, name: &str) -> io::Result<()> {
        self.write(&json!({ "name": what, "ph": "M", "pid": pid, "tid": tid, "args": { "name": name } }))
    }
}

/// The process of a strip.
fn process(head: &Head) -> u32 {
    head.device.map_or(1, |device| device.0 + 2)
}

impl<W: Write> Draw for Tracks<W> {
    type Error = io::Error;

    fn strip(&mut self, head: &Head) -> io::Result<()> {
        let pid = process(head);
        self.heads.push(head.clone());
        if !self.named.contains(&pid) {
            self.named.push(pid);
            let name = match (head.device, &head.device_name) {
                (None, _) => "the world".to_owned(),
                (Some(device), None) => format!("device {}", device.0),
                (Some(device), Some(name)) => format!("device {}: {name}", device.0),
            };
            self.name("process_name", pid, 0, &name)?;
        }
        self.name("thread_name", pid, self.heads.len(), &head.label)
    }

    fn change(&mut self, strip: usize, at: Instant, change: Change, event: Option<&Event>) -> io::Result<()> {
        let head = &self.heads[strip];
        let overlaps = head.lane == Lane::Tls;
        let mut line = json!({
            "cat": head.lane.word(), "ts": at.as_nanos() as f64 / 1e3, "pid": process(head), "tid": strip + 1,
        });
        let (phase, name, id) = match change {
            Change::Begins { span, text, .. } => (if overlaps { "b" } else { "B" }, Some(text), Some(span)),
            Change::Ends { span } => (if overlaps { "e" } else { "E" }, None, Some(span)),
            Change::Mark(_) => ("i", event.map(|event| event.kind.to_string()), None),
        };
        line["ph"] = phase.into();
        if let Some(id) = id.filter(|_| overlaps) {
            // By these the two ends of an asynchronous event belong together.
            line["id"] = id.into();
            line["name"] = format!("connection {id}").into();
        }
        if phase == "i" {
            line["s"] = "t".into();
        }
        if let Some(name) = name {
            line["name"] = name.into();
            if let Some(event) = event {
                line["args"] = arguments(event)?;
            }
        }
        self.write(&line)
    }
}

/// The fields of an event.
fn arguments(event: &Event) -> io::Result<Value> {
    let mut arguments = serde_json::to_value(&event.kind).map_err(io::Error::from)?;
    if let Value::Object(fields) = &mut arguments {
        fields.remove("edges");
        fields.insert("sequence".to_owned(), event.sequence.into());
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use simulator_record::events::{
        AccessPoint, Boot, BootCause, Connection, ConnectionOutcome, DeviceId, EventKind, Fault, FaultAction, Power,
        PowerState, Serial,
    };

    use super::*;

    /// Phase, second and name of each event of the trace that is not about names.
    fn told(kinds: Vec<EventKind>) -> Vec<String> {
        let mut text = Vec::new();
        let mut trace = Trace::begin(&mut text).unwrap();
        for (sequence, kind) in (0..).zip(kinds) {
            let device = matches!(kind, EventKind::Power(_) | EventKind::Boot(_) | EventKind::Connection(_))
                .then_some(DeviceId(0));
            trace.event(&Event { at: Instant::from_secs(sequence), sequence, device, name: None, kind }).unwrap();
        }
        trace.finish().unwrap();
        let trace: Value = serde_json::from_slice(&text).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let told = events.iter().filter(|event| event["ph"] != "M");
        told.map(|event| {
            let [phase, name] = ["ph", "name"].map(|field| event[field].as_str().unwrap_or_default());
            format!("{phase} {} {name}", event["ts"].as_f64().unwrap() / 1e6).trim_end().to_owned()
        })
        .collect()
    }

    #[test]
    fn each_slice_that_begins_ends_and_everything_is_there() {
        let point = |on| AccessPoint { network: "home".to_owned(), bssid: "02".to_owned(), on }.into();
        let fault = |action| Fault { rule: "off".to_owned(), action }.into();
        let kinds = vec![
            point(true),
            fault(FaultAction::Begins),
            point(false),
            fault(FaultAction::Ends),
            Serial { line: "x".to_owned() }.into(),
        ];
        assert_eq!(told(kinds), ["B 0 there", "B 1 off", "E 2", "E 3", "i 4 `x`"]);
    }

    #[test]
    fn without_power_nothing_goes_on_and_connections_may_overlap() {
        let connection = |number, outcome| {
            let client = "192.168.1.2:1024".parse().unwrap();
            Connection { number, server: "cloud".to_owned(), outcome, client }.into()
        };
        let kinds = vec![
            Power { state: PowerState::On }.into(),
            Boot { number: 1, cause: BootCause::PowerOn }.into(),
            connection(1, ConnectionOutcome::Opened),
            connection(9, ConnectionOutcome::Opened),
            connection(1, ConnectionOutcome::Closed),
            Power { state: PowerState::Off }.into(),
        ];
        assert_eq!(
            told(kinds),
            [
                "B 0 on",
                "B 1 boot 1 after power-on",
                "b 2 connection 1",
                "b 3 connection 9",
                "e 4 connection 1",
                "E 5",
                "B 5 off",
                "E 5",
                "e 5 connection 9",
                "E 5",
            ]
        );
    }
}
