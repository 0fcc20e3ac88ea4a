//! Scenarios from what the field sends: a channel's export, a serial log, a capture of the sensor's wire or of the
//! network.
//!
//! Each kind of file has a reader of its own, which gives [`Evidence`]: readings, silences, networks, faults, steps,
//! each with its [`Origin`]. [`draft`] lays the evidence of all files on one axis of time and writes the scenario, with
//! a recording beside it that the sensor measures again. What a file cannot tell is taken as the scenario language has
//! it by default, and a comment says so.

pub mod draft;
mod evidence;
mod feed;
mod packets;
mod record;
mod schedule;
mod serial;
mod stamp;
mod wire;

use std::path::Path;

use simulator_world::input::{self, Limit};

pub use evidence::{Evidence, Time};
pub use stamp::utc_offset;

/// How large a file may be: a capture of the wire has a million samples a second.
const FILE: Limit = Limit(256);

/// A file that nothing could be made of.
#[derive(Debug, thiserror::Error)]
#[error("could not import {file}: {reason}")]
pub struct ImportError {
    file: String,
    reason: String,
}

impl ImportError {
    fn new(file: &str, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), reason: reason.into() }
    }
}

/// What a person says of the files, because they do not.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The column with temperatures.
    pub temperature: Option<String>,
    /// The column with humidities.
    pub humidity: Option<String>,
    /// How far east of UTC times without a zone are, in nanoseconds.
    pub utc_offset: Option<Time>,
    /// The device, of several in a capture of the network.
    pub device: Option<[u8; 6]>,
}

/// Reads the evidence of one file, whatever kind it is.
///
/// # Errors
/// Where it is wrong, and what would be right.
pub fn read(path: &Path, hints: &Hints) -> Result<Evidence, ImportError> {
    let file = path.display().to_string();
    let bytes = input::bytes(path, FILE).map_err(|error| ImportError::new(&file, error.to_string()))?;
    let name = path.file_name().map_or_else(|| file.clone(), |name| name.to_string_lossy().into_owned());
    parse(&name, &bytes, hints).map_err(|reason| ImportError { file, reason })
}

/// The same of bytes; `name` is what comments call the file.
fn parse(name: &str, bytes: &[u8], hints: &Hints) -> Result<Evidence, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    if bytes.starts_with(b"PK") {
        return wire::sigrok(name, bytes);
    }
    if packets::is_capture(bytes) {
        return packets::read(name, bytes, hints.device);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return serial::with_garbage(name, bytes, hints).map_err(|_| {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            format!(
                "line {line}: not UTF-8, and neither a capture nor a serial log whose lines tell times: a ThingSpeak \
                 export (CSV, JSON), a serial log, events.jsonl, a VCD, a sigrok session (.sr), a pcap or a pcapng can \
                 be imported"
            )
        }),
    };
    let text = text.trim_start_matches('\u{feff}');
    let head = text.trim_start();
    if head.starts_with("{\"at\":") {
        record::read(name, text)
    } else if head.starts_with(['{', '[']) && serde_json::from_str::<serde_json::Value>(head).is_ok()
        || head.starts_with("{\"channel\"")
        || head.starts_with("{\"feeds\"")
    {
        feed::json(name, text, hints)
    } else if wire::is_vcd(head) {
        wire::vcd(name, text)
    } else if feed::is_csv(head) {
        feed::csv(name, text, hints)
    } else {
        serial::read(name, text, hints)
    }
}
