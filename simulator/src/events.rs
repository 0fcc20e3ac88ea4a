//! What happens in a run: the one record that every report, expectation and trigger is made from.
//!
//! Components hand [`EventKind`]s to the world, which stamps them with virtual time and a sequence number and never
//! changes them again. Nothing that reads the record feeds anything back into the run, except the director, which
//! schedules strictly later. `docs/events.md` describes how they are written to a file.

use serde::Serialize;

use crate::time::Instant;

mod board;
mod chip;
mod crash;
mod internet;
mod people;
mod vocabulary;
mod wifi;

#[cfg(test)]
mod tests;

pub use board::{FlashOperation, Level, SensorOutcome};
pub use chip::{AccessKind, BootCause, PowerState, WatchdogKind};
pub use crash::{CrashReport, Hexadecimal, NotModelled, TraceEntry};
pub use internet::{ConnectionOutcome, DnsOutcome, HttpExchange, LeaseOutcome, NtpOutcome};
pub use people::PhoneEvent;
pub use vocabulary::{Row, Vocabulary};
pub use wifi::{JoinFailure, JoinOutcome, LinkLoss};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// When, in nanoseconds of virtual time.
    pub at: Instant,
    /// Place in the record; events of one moment are told apart by it.
    pub sequence: u64,
    /// The device it happened to; `None` for the world's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// One of a world's devices, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DeviceId(pub u32);

/// What happened, by kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum EventKind {
    /// The device's supply changed.
    Power {
        /// What it is now.
        state: PowerState,
    },
    /// The device started: once for each power-up and reset.
    Boot {
        /// How often it has started, this time included.
        number: u32,
        /// Why.
        cause: BootCause,
    },
    /// The firmware asked for a restart.
    Restart {
        /// Its reason.
        reason: String,
    },
    /// The firmware panicked, raised an exception that nobody handles, or did something else that it does not recover from
    /// but by a reset; or it ran over the end of its stack, and goes on.
    Crash {
        /// What happened, and where.
        message: String,
        /// What the emulated chip's registers and stack tell of it.
        #[serde(skip_serializing_if = "Option::is_none")]
        report: Option<Box<CrashReport>>,
    },
    /// Nobody has fed a watchdog, and it resets the device now.
    Watchdog {
        /// Which.
        which: WatchdogKind,
        /// What the emulated chip was doing.
        #[serde(skip_serializing_if = "Option::is_none")]
        report: Option<Box<CrashReport>>,
    },
    /// On the emulated chip, the program touched something that is not modelled; told once for each thing.
    NotModelled(NotModelled),
    /// A line left the device's serial port completely (without its line end).
    Serial {
        /// The line.
        line: String,
    },
    /// An output pin or a switch changed.
    Pin {
        /// GPIO number.
        gpio: u8,
        /// Its level from now on.
        level: Level,
    },
    /// A transaction on the sensor's bus ended.
    Sensor {
        /// How the sensor answered.
        outcome: SensorOutcome,
        /// What it sent, in tenths of a degree Celsius, if it sent a measurement.
        #[serde(skip_serializing_if = "Option::is_none")]
        temperature: Option<i32>,
        /// What it sent, in tenths of a percent, if it sent a measurement.
        #[serde(skip_serializing_if = "Option::is_none")]
        humidity: Option<u32>,
        /// The bus's edges, falling first, in microseconds after the transaction's first edge, which stands at 0.
        edges: Vec<u32>,
    },
    /// An erase or write of the flash ended.
    Flash {
        /// Counts the erases and writes since the scenario began, from 1.
        number: u32,
        /// Which.
        operation: FlashOperation,
        /// Byte address.
        address: u32,
        /// Length in bytes.
        length: u32,
        /// Power went away before it was finished.
        torn: bool,
    },
    /// An attempt to join a network ended.
    Join {
        /// The network's name.
        network: String,
        /// The access point's hardware address, if it is joined.
        #[serde(skip_serializing_if = "Option::is_none")]
        bssid: Option<String>,
        /// What came of it.
        outcome: JoinOutcome,
    },
    /// The device is no longer joined.
    LinkLost {
        /// The network's name.
        network: String,
        /// The hardware address of the access point that it was joined to.
        bssid: String,
        /// Why.
        reason: LinkLoss,
    },
    /// An access point appeared or went away: one of the world's, or the device's own.
    AccessPoint {
        /// Its name.
        network: String,
        /// Its hardware address.
        bssid: String,
        /// Whether it is there.
        on: bool,
    },
    /// A DHCP server of the world dealt with a client.
    Lease {
        /// The network's name.
        network: String,
        /// What it did.
        outcome: LeaseOutcome,
        /// The address concerned.
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<core::net::Ipv4Addr>,
    },
    /// A name server of the world was asked.
    Dns {
        /// The name.
        name: String,
        /// How it answered.
        outcome: DnsOutcome,
        /// The answer.
        addresses: Vec<core::net::Ipv4Addr>,
    },
    /// A time server of the world was asked.
    Ntp {
        /// How it answered.
        outcome: NtpOutcome,
        /// The time it told, in seconds since 1970.
        #[serde(skip_serializing_if = "Option::is_none")]
        unix_time: Option<i64>,
    },
    /// A TCP connection to a server of the world changed.
    Connection {
        /// The server's name.
        server: String,
        /// Counts the connections of the run, from 1.
        number: u32,
        /// What became of it.
        outcome: ConnectionOutcome,
        /// The client.
        client: core::net::SocketAddrV4,
    },
    /// A TLS handshake with a server of the world ended.
    Tls {
        /// The server's name.
        server: String,
        /// The connection's number.
        number: u32,
        /// `established`, or what went wrong as the server saw it.
        outcome: String,
    },
    /// A server of the world answered an HTTP request (or chose not to).
    Http(Box<HttpExchange>),
    /// The cloud stored an entry.
    Stored {
        /// The channel's number.
        channel: u32,
        /// The entry's number in the channel.
        entry_id: u64,
        /// `created_at` in seconds since 1970.
        created_at: i64,
        /// `field1` to `field8`.
        fields: [Option<String>; 8],
        /// `status`.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<String>,
    },
    /// A phone did or saw something in configuration mode.
    Phone {
        /// The phone's name.
        phone: String,
        /// What: see [`PhoneEvent`].
        #[serde(flatten)]
        what: PhoneEvent,
    },
    /// A fault's interval began, ended, or the fault did something.
    Fault {
        /// The rule's name.
        rule: String,
        /// What it did: `begins`, `ends`, or a sentence.
        action: String,
    },
    /// The director carried out a step of the timeline.
    Step {
        /// What it did.
        action: String,
    },
    /// The device did nothing but crash, each time in the same way; the run was ended.
    CrashLoop {
        /// How often in a row.
        crashes: u32,
        /// The crash's message, or where the watchdog found the firmware.
        message: String,
    },
    /// The device woke itself again and again without time passing; the run was ended.
    Livelock {
        /// How often.
        polls: u32,
    },
}

/// The kinds of events, so that those of one kind can be kept together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// [`EventKind::Power`].
    Power,
    /// [`EventKind::Boot`].
    Boot,
    /// [`EventKind::Restart`].
    Restart,
    /// [`EventKind::Crash`].
    Crash,
    /// [`EventKind::Watchdog`].
    Watchdog,
    /// [`EventKind::NotModelled`].
    NotModelled,
    /// [`EventKind::Serial`].
    Serial,
    /// [`EventKind::Pin`].
    Pin,
    /// [`EventKind::Sensor`].
    Sensor,
    /// [`EventKind::Flash`].
    Flash,
    /// [`EventKind::Join`].
    Join,
    /// [`EventKind::LinkLost`].
    LinkLost,
    /// [`EventKind::AccessPoint`].
    AccessPoint,
    /// [`EventKind::Lease`].
    Lease,
    /// [`EventKind::Dns`].
    Dns,
    /// [`EventKind::Ntp`].
    Ntp,
    /// [`EventKind::Connection`].
    Connection,
    /// [`EventKind::Tls`].
    Tls,
    /// [`EventKind::Http`].
    Http,
    /// [`EventKind::Stored`].
    Stored,
    /// [`EventKind::Phone`].
    Phone,
    /// [`EventKind::Fault`].
    Fault,
    /// [`EventKind::Step`].
    Step,
    /// [`EventKind::CrashLoop`].
    CrashLoop,
    /// [`EventKind::Livelock`].
    Livelock,
}

impl EventKind {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Power { .. } => Kind::Power,
            Self::Boot { .. } => Kind::Boot,
            Self::Restart { .. } => Kind::Restart,
            Self::Crash { .. } => Kind::Crash,
            Self::Watchdog { .. } => Kind::Watchdog,
            Self::NotModelled(_) => Kind::NotModelled,
            Self::Serial { .. } => Kind::Serial,
            Self::Pin { .. } => Kind::Pin,
            Self::Sensor { .. } => Kind::Sensor,
            Self::Flash { .. } => Kind::Flash,
            Self::Join { .. } => Kind::Join,
            Self::LinkLost { .. } => Kind::LinkLost,
            Self::AccessPoint { .. } => Kind::AccessPoint,
            Self::Lease { .. } => Kind::Lease,
            Self::Dns { .. } => Kind::Dns,
            Self::Ntp { .. } => Kind::Ntp,
            Self::Connection { .. } => Kind::Connection,
            Self::Tls { .. } => Kind::Tls,
            Self::Http(_) => Kind::Http,
            Self::Stored { .. } => Kind::Stored,
            Self::Phone { .. } => Kind::Phone,
            Self::Fault { .. } => Kind::Fault,
            Self::Step { .. } => Kind::Step,
            Self::CrashLoop { .. } => Kind::CrashLoop,
            Self::Livelock { .. } => Kind::Livelock,
        }
    }
}
