//! A record as a trace that <https://ui.perfetto.dev> and `chrome://tracing` open: the JSON Trace Event Format.
//!
//! A process stands for a device, or for the world; a thread for a lane, and of pins, phones, faults and access points
//! for each of them. What lasts (power, a start, a joined network, a connection, a fault) is a slice, everything else
//! an instant event. Times are microseconds of virtual time.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};
use simulator_record::events::{ConnectionOutcome, DeviceId, Event, EventKind, JoinOutcome, PowerState};
use simulator_record::time::Instant;

use super::lane::Lane;

/// A thread of the trace.
type Track = (Option<DeviceId>, Lane, String);

/// Writes a trace while events come.
pub struct Trace<W> {
    out: W,
    tracks: BTreeMap<Track, u32>,
    /// The processes that have their names.
    named: Vec<u32>,
    /// Which tracks have a slice that goes on.
    open: BTreeMap<Track, ()>,
    any: bool,
    last: Instant,
}

impl<W: Write> Trace<W> {
    /// Begins a trace.
    ///
    /// # Errors
    /// Whatever writing says.
    pub fn begin(mut out: W) -> io::Result<Self> {
        out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
        Ok(Self {
            out,
            tracks: BTreeMap::new(),
            named: Vec::new(),
            open: BTreeMap::new(),
            any: false,
            last: Instant::START,
        })
    }

    /// The next event.
    ///
    /// # Errors
    /// Whatever writing says.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        self.last = event.at;
        let track = track(event);
        match change(&event.kind) {
            Change::Begins(what) => {
                self.end(&track, event.at)?;
                self.put(&track, "B", event.at, &what, event)?;
                self.open.insert(track, ());
                Ok(())
            }
            Change::Ends => self.end(&track, event.at),
            Change::Happens => self.put(&track, "i", event.at, &event.kind.to_string(), event),
        }
    }

    /// Ends what goes on, and the trace.
    ///
    /// # Errors
    /// Whatever writing says.
    pub fn finish(mut self) -> io::Result<()> {
        let open: Vec<Track> = self.open.keys().cloned().collect();
        for track in open {
            self.end(&track, self.last)?;
        }
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }

    fn end(&mut self, track: &Track, at: Instant) -> io::Result<()> {
        if self.open.remove(track).is_none() {
            return Ok(());
        }
        let (pid, tid) = self.place(track)?;
        self.write(&json!({ "ph": "E", "ts": micros(at), "pid": pid, "tid": tid }))
    }

    fn put(&mut self, track: &Track, phase: &str, at: Instant, name: &str, event: &Event) -> io::Result<()> {
        let (pid, tid) = self.place(track)?;
        let mut args = serde_json::to_value(&event.kind).map_err(io::Error::from)?;
        if let Value::Object(fields) = &mut args {
            fields.remove("edges");
            fields.insert("sequence".to_owned(), event.sequence.into());
        }
        let mut line = json!({ "name": name, "cat": track.1.word(), "ph": phase, "ts": micros(at), "pid": pid, "tid": tid, "args": args });
        if phase == "i" {
            line["s"] = "t".into();
        }
        self.write(&line)
    }

    /// The process and the thread of a track, which get their names where they come first.
    fn place(&mut self, track: &Track) -> io::Result<(u32, u32)> {
        let pid = track.0.map_or(1, |device| device.0 + 2);
        if !self.named.contains(&pid) {
            self.named.push(pid);
            let name = track.0.map_or("the world".to_owned(), |device| format!("device {}", device.0));
            self.write(&json!({ "name": "process_name", "ph": "M", "pid": pid, "args": { "name": name } }))?;
        }
        if let Some(tid) = self.tracks.get(track) {
            return Ok((pid, *tid));
        }
        let tid = u32::try_from(self.tracks.len()).unwrap_or(u32::MAX) + 1;
        self.tracks.insert(track.clone(), tid);
        let name = format!("{} {}", track.1.label(), track.2);
        self.write(
            &json!({ "name": "thread_name", "ph": "M", "pid": pid, "tid": tid, "args": { "name": name.trim_end() } }),
        )?;
        Ok((pid, tid))
    }

    fn write(&mut self, line: &Value) -> io::Result<()> {
        self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        serde_json::to_writer(&mut self.out, line).map_err(io::Error::from)
    }
}

/// What an event is to its track.
enum Change {
    Begins(String),
    Ends,
    Happens,
}

fn change(kind: &EventKind) -> Change {
    let when = |on, what: &str| if on { Change::Begins(what.to_owned()) } else { Change::Ends };
    match kind {
        EventKind::Power(power) => match power.state {
            PowerState::Off => Change::Ends,
            PowerState::On | PowerState::BrownOut => Change::Begins(power.state.in_words().to_owned()),
        },
        EventKind::Boot(boot) => Change::Begins(format!("boot {} after {}", boot.number, boot.cause)),
        EventKind::Pin(pin) => when(pin.on, "on"),
        EventKind::AccessPoint(point) => when(point.on, "there"),
        EventKind::Join(join) if join.outcome == JoinOutcome::Joined => {
            Change::Begins(format!("joined {}", join.network))
        }
        EventKind::LinkLost(_) => Change::Ends,
        EventKind::Connection(connection) => match connection.outcome {
            ConnectionOutcome::Opened => Change::Begins(format!("connection {}", connection.number)),
            ConnectionOutcome::Closed | ConnectionOutcome::Reset => Change::Ends,
            ConnectionOutcome::Refused | ConnectionOutcome::Ignored => Change::Happens,
        },
        EventKind::Fault(fault) => match fault.action.as_str() {
            "begins" => Change::Begins(fault.rule.clone()),
            "ends" => Change::Ends,
            _ => Change::Happens,
        },
        _ => Change::Happens,
    }
}

fn track(event: &Event) -> Track {
    let lane = Lane::of(&event.kind);
    let name = match &event.kind {
        EventKind::Pin(pin) => pin.part.to_string(),
        EventKind::AccessPoint(point) => point.network.clone(),
        EventKind::Phone(phone) => phone.phone.clone(),
        EventKind::Fault(fault) => fault.rule.clone(),
        // Slices of one thread must lie in each other, and connections need not.
        EventKind::Connection(connection) => format!("{} {}", connection.server, connection.number % 8),
        _ => String::new(),
    };
    let device = event.device.filter(|_| !matches!(lane, Lane::Faults | Lane::AccessPoints));
    (device, lane, name)
}

fn micros(at: Instant) -> f64 {
    at.as_nanos() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use simulator_record::events::{AccessPoint, Fault, Serial};

    use super::*;

    #[test]
    fn each_slice_that_begins_ends_and_everything_is_there() {
        let point = |on| AccessPoint { network: "home".to_owned(), bssid: "02".to_owned(), on }.into();
        let fault = |action: &str| Fault { rule: "off".to_owned(), action: action.to_owned() }.into();
        let kinds: [EventKind; 5] =
            [point(true), fault("begins"), point(false), fault("ends"), Serial { line: "x".to_owned() }.into()];
        let mut text = Vec::new();
        let mut trace = Trace::begin(&mut text).unwrap();
        for (sequence, kind) in (0..).zip(kinds) {
            trace.event(&Event { at: Instant::from_secs(sequence), sequence, device: None, name: None, kind }).unwrap();
        }
        trace.finish().unwrap();
        let trace: Value = serde_json::from_slice(&text).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let told = events.iter().filter(|event| event["ph"] != "M");
        let told: Vec<_> = told.map(|event| format!("{} {}", event["ph"].as_str().unwrap(), event["ts"])).collect();
        assert_eq!(told, ["B 0.0", "B 1000000.0", "E 2000000.0", "E 3000000.0", "i 4000000.0"]);
    }
}
