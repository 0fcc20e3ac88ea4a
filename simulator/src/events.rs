//! What happens in a run: the one record that every report, expectation and trigger is made from.
//!
//! Components hand [`EventKind`]s to the world, which stamps them with virtual time and a sequence number and never
//! changes them again. Nothing that reads the record feeds anything back into the run, except the director, which
//! schedules strictly later. `docs/events.md` describes how they are written to a file.

use serde::Serialize;

use crate::time::Instant;

mod crash;
#[cfg(test)]
mod tests;

pub use crash::{CrashReport, Hexadecimal, NotModelled, TraceEntry};

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

/// A logic level on a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// 0 V.
    Low,
    /// 3.3 V.
    High,
}

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
        /// Why: `power-on`, `external reset`, `software restart`, `watchdog`, and on the emulated chip also `exception` and
        /// `software watchdog`.
        cause: &'static str,
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
        /// `watchdog` or `software watchdog`.
        which: &'static str,
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
        /// `joined`, or why not: `not found`, `wrong passphrase`, `security mismatch`, `refused`, `timeout`.
        outcome: &'static str,
    },
    /// The device is no longer joined.
    LinkLost {
        /// The network's name.
        network: String,
        /// The hardware address of the access point that it was joined to.
        bssid: String,
        /// `beacon timeout`, `deauthenticated`, `left`, `power`.
        reason: &'static str,
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
        /// `offered`, `acknowledged`, `refused`, `ignored`.
        outcome: &'static str,
        /// The address concerned.
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<core::net::Ipv4Addr>,
    },
    /// A name server of the world was asked.
    Dns {
        /// The name.
        name: String,
        /// `answered`, `no such name`, `server failure`, `refused`, `ignored`.
        outcome: &'static str,
        /// The answer.
        addresses: Vec<core::net::Ipv4Addr>,
    },
    /// A time server of the world was asked.
    Ntp {
        /// `answered`, `ignored`, `kiss of death`.
        outcome: &'static str,
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
        /// `opened`, `refused`, `closed`, `reset`, `ignored`.
        outcome: &'static str,
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

/// A device's supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerState {
    /// Supplied.
    On,
    /// Cut.
    Off,
    /// Dipped so far that the chip resets but the sensor goes on.
    BrownOut,
}

/// How the sensor answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SensorOutcome {
    /// With a measurement.
    Answered,
    /// With a measurement whose checksum is wrong.
    BadChecksum,
    /// Not at all.
    Silent,
    /// Not at all: it has not settled since power-up.
    Settling,
    /// Not at all: it still measures after its previous answer.
    TooSoon,
    /// Not at all: the start pulse was too short.
    ShortStart,
}

/// What changes flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlashOperation {
    /// Sectors set to all ones.
    Erase,
    /// Bits cleared.
    Write,
}

/// One HTTP request to a server of the world, and its reply.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct HttpExchange {
    /// The server's name.
    pub server: String,
    /// The connection's number.
    pub connection: u32,
    /// Whether it came over TLS.
    pub tls: bool,
    /// When the request had arrived completely.
    pub received: Instant,
    /// `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, in order of arrival.
    pub request_headers: Vec<(String, String)>,
    /// The body, as text (invalid UTF-8 replaced).
    pub request_body: String,
    /// The reply's status; `None` if no reply was sent.
    pub status: Option<u16>,
    /// The reply's body, as text.
    pub response_body: String,
    /// How many entries the request stored.
    pub stored: u32,
    /// The fault that had a hand in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// What a phone did or saw.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum PhoneEvent {
    /// It tried to join a network.
    Join {
        /// The network's name.
        network: String,
        /// `joined`, `not found`, `wrong passphrase`.
        outcome: &'static str,
    },
    /// It was given an address.
    Lease {
        /// The address.
        address: core::net::Ipv4Addr,
    },
    /// A name was resolved for it (`None`: no answer).
    Resolved {
        /// The name.
        name: String,
        /// The answer.
        address: Option<core::net::Ipv4Addr>,
    },
    /// It got a reply to an HTTP request.
    Reply {
        /// `GET http://192.168.4.1/`
        request: String,
        /// The status.
        status: u16,
        /// Where a redirect leads.
        #[serde(skip_serializing_if = "Option::is_none")]
        location: Option<String>,
        /// The body, as text.
        body: String,
    },
    /// It got no reply.
    Failed {
        /// What it tried.
        request: String,
        /// What happened instead.
        reason: String,
    },
    /// It left, or its network went away.
    Left,
}
