//! What a file tells: when what happened, and where in the file that stands.

use std::fmt;

/// Nanoseconds: since 1970 if the file tells the calendar, else since something of its own.
pub type Time = i64;

/// A second.
pub(super) const SECOND: Time = 1_000_000_000;

/// Where in which file something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file's name.
    pub file: String,
    /// The place in it: `line 12`, `entry 7`, `packet 3`, `at 1.204 s`.
    pub place: String,
}

impl Origin {
    pub(super) fn line(file: &str, line: u64) -> Self {
        Self { file: file.to_owned(), place: format!("line {line}") }
    }

    pub(super) fn at(file: &str, place: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place: place.into() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.file, self.place)
    }
}

/// What a sensor measured, in tenths of a degree Celsius and of a percent; nothing where a reading failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub at: Time,
    pub temperature: Option<i32>,
    pub humidity: Option<i32>,
    pub origin: Origin,
}

impl Reading {
    /// Whether the sensor did not answer, or nothing that it can measure.
    pub(super) fn failed(&self) -> bool {
        self.temperature.is_none() || self.humidity.is_none()
    }
}

/// A time without readings where there should have been one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last reading before it.
    pub after: Reading,
    /// The first one behind it.
    pub before: Reading,
}

/// An access point as it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    pub name: String,
    /// Whether it wants a passphrase.
    pub protected: bool,
    pub bssid: Option<[u8; 6]>,
    pub channel: Option<u8>,
    /// dBm.
    pub signal: Option<i32>,
    pub origin: Option<Origin>,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it is, for its name.
    pub what: String,
    pub from: Time,
    /// Until the end if there is none.
    pub until: Option<Time>,
    /// How often it applies at most.
    pub count: Option<u32>,
    /// What stands behind `inject.`, in TOML; `{network}` stands for the network's name.
    pub inject: String,
    pub origin: Origin,
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub at: Time,
    /// What stands behind `do.`, in TOML.
    pub action: String,
    pub origin: Origin,
}

/// What is expected besides readings and gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The expectation's keys, in TOML, without `from` and `until`.
    pub keys: String,
    pub from: Option<Time>,
    pub until: Option<Time>,
    pub because: String,
    pub origin: Origin,
}

/// When the device was on: from when its power or reset came, and until when, if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct On {
    pub from: Time,
    pub until: Option<Time>,
}

/// All that a file tells.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The file's name.
    pub file: String,
    /// What kind of file it is, in words.
    pub kind: &'static str,
    /// Whether its times are of the calendar.
    pub calendar: bool,
    /// What was measured, in order of time.
    pub readings: Vec<Reading>,
    /// Where the two values of a reading stand, for a comment.
    pub columns: [String; 2],
    /// Nanoseconds between two readings, if the file says so.
    pub interval: Option<Time>,
    /// Where it says so.
    pub interval_origin: Option<Origin>,
    /// When the device started; if it is not known, its first reading tells.
    pub starts: Vec<On>,
    /// Which sensor it is, by the word of the language, and from where that is known.
    pub sensor: Option<(&'static str, Origin)>,
    pub networks: Vec<Network>,
    /// One way from router to server.
    pub latency: Option<(Time, Origin)>,
    /// Whether it spoke to a port in the clear, where that is known: (host, port, TLS).
    pub server: Option<(String, u16, bool, Origin)>,
    pub faults: Vec<Fault>,
    pub steps: Vec<Step>,
    pub expected: Vec<Expected>,
    /// The first and the last moment that the file tells of.
    pub span: Option<(Time, Time)>,
    /// What a reader of the scenario should know.
    pub notes: Vec<String>,
}

impl Evidence {
    pub(super) fn new(file: &str, kind: &'static str) -> Self {
        Self { file: file.to_owned(), kind, ..Self::default() }
    }

    /// Notes that something was at a moment.
    pub(super) fn reach(&mut self, at: Time) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }
}

/// A text in TOML.
pub(super) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// Nanoseconds as the language writes a duration: exact, the largest units first.
pub(super) fn duration(nanos: Time) -> String {
    let nanos = u64::try_from(nanos).unwrap_or(0);
    humantime::format_duration(std::time::Duration::from_nanos(nanos)).to_string()
}
