//! What happens in a run: the one record that every report, expectation and trigger is made from.
//!
//! Components hand [`EventKind`]s to the world, which stamps them with virtual time and a sequence number and never
//! changes them again. Nothing that reads the record feeds anything back into the run, except the director, which
//! schedules strictly later.
//!
//! Each kind is a type of its own, in the file of its family: `chip`, `board`, `wifi`, `internet`, `people`,
//! `scenario`. It says there what its fields are and which words they may have; `docs/events.md` and the scenario
//! language are made from that. A new kind is such a type, its row in [`Kind`] below, and, if scenarios can look for
//! it, its row in the language's grammar.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::Instant;

mod board;
mod chip;
mod crash;
mod declare;
mod internet;
mod people;
mod scenario;
mod shared;
mod vocabulary;
mod wifi;

#[cfg(test)]
mod tests;

pub use board::{Flash, FlashOperation, Level, Pin, PinKind, Sensor, SensorOutcome, Serial, tenths};
pub use chip::{
    AccessKind, Boot, BootCause, Crash, CrashLoop, Livelock, Memory, MemoryKind, NotModelled, Power, PowerState,
    Restart, Watchdog, WatchdogKind,
};
pub use crash::{CrashReport, Hexadecimal, TraceEntry};
pub use declare::{AnyWord, Declared, Field, FieldOf, Value};
pub use internet::{
    Connection, ConnectionOutcome, Dns, DnsOutcome, Http, Lease, LeaseOutcome, Ntp, NtpOutcome, Stored, Tls,
};
pub use people::{Phone, PhoneEvent, PhoneRow};
pub use scenario::{Fault, FaultAction, InForce, Step};
pub use vocabulary::{Row, Vocabulary};
pub use wifi::{AccessPoint, Join, JoinFailure, JoinOutcome, LinkLoss, LinkLost};

/// Something that happened. Written as a line of JSON and read back it is the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, in nanoseconds of virtual time.
    pub at: Instant,
    /// Place in the record; events of one moment are told apart by it.
    pub sequence: u64,
    /// The device it happened to; `None` for the world's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// That device's name, if the world has several.
    #[serde(rename = "device-name", default, skip_serializing_if = "Option::is_none", with = "shared::optional")]
    pub name: Option<Arc<str>>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// In one line, for people.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} on `{name}`", self.kind),
            None => self.kind.fmt(f),
        }
    }
}

/// One of a world's devices, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceId(pub u32);

/// Makes [`EventKind`] and [`Kind`] of the types of events, family by family.
macro_rules! kinds {
    ($($family:literal: $($name:ident),+;)+) => {
        /// What happened, by kind.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "event", rename_all = "kebab-case")]
        pub enum EventKind {
            $($(
                #[doc = concat!("See [`struct@", stringify!($name), "`].")]
                $name($name),
            )+)+
        }

        /// The kinds of events, so that those of one kind can be kept together.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind {
            $($(
                #[doc = concat!("[`EventKind::", stringify!($name), "`].")]
                $name,
            )+)+
        }

        impl EventKind {
            /// Which kind it is.
            pub fn kind(&self) -> Kind {
                match self {
                    $($(Self::$name(_) => Kind::$name,)+)+
                }
            }

            /// The field at this place of the kind's fields; see [`Kind::field`].
            pub fn field(&self, place: usize) -> Value<'_> {
                match self {
                    $($(Self::$name(event) => value(event, place),)+)+
                }
            }
        }

        /// In one line, for people.
        impl fmt::Display for EventKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $($(Self::$name(event) => event.fmt(f),)+)+
                }
            }
        }

        impl Kind {
            /// All of them by family, in the order in which they are told.
            pub const FAMILIES: &'static [(&'static str, &'static [Self])] = &[$(($family, &[$(Self::$name),+])),+];

            /// What such an event is, in a sentence or two.
            pub fn about(self) -> &'static str {
                match self {
                    $($(Self::$name => $name::ABOUT,)+)+
                }
            }

            /// Its fields.
            pub fn fields(self) -> Vec<FieldAbout> {
                match self {
                    $($(Self::$name => $name::FIELDS.iter().map(FieldAbout::of).collect(),)+)+
                }
            }
        }
    };
}

kinds! {
    "The chip": Power, Boot, Restart, Crash, Watchdog, Memory, NotModelled, CrashLoop, Livelock;
    "The board": Serial, Pin, Sensor, Flash;
    "Wi-Fi": Join, LinkLost, AccessPoint;
    "The internet": Lease, Dns, Ntp, Connection, Tls, Http, Stored;
    "People": Phone;
    "Faults and timeline": Fault, Step;
}

/// What is to be known of a field of a kind of event.
pub struct FieldAbout {
    /// Its name as the record has it.
    pub name: String,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// The words that it may have, each with a sentence; none if it is no vocabulary.
    pub words: Vec<(&'static str, &'static str)>,
}

impl FieldAbout {
    fn of<E>(field: &FieldOf<E>) -> Self {
        Self { name: kebab(field.name), about: field.about, words: (field.words)() }
    }
}

impl Kind {
    /// Its name as the record has it: `link-lost`.
    pub fn name(self) -> String {
        let name = format!("{self:?}");
        let mut kebab = String::new();
        for letter in name.chars() {
            if letter.is_ascii_uppercase() && !kebab.is_empty() {
                kebab.push('-');
            }
            kebab.push(letter.to_ascii_lowercase());
        }
        kebab
    }

    /// The place among its fields of the one that the record calls `name`.
    pub fn field(self, name: &str) -> Option<usize> {
        self.fields().iter().position(|field| field.name == name)
    }
}

/// A name of Rust's as the record has it: `unix-time`.
fn kebab(name: &str) -> String {
    name.replace('_', "-")
}

fn value<E: Declared>(event: &E, place: usize) -> Value<'_> {
    E::FIELDS.get(place).map_or(Value::Absent, |field| (field.value)(event))
}
