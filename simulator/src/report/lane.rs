//! What a report sorts events by: the lane that each belongs to, and whether it is good or bad news.

use simulator_record::events::{
    BootCause, ConnectionOutcome, DnsOutcome, EventKind, JoinOutcome, LeaseOutcome, LinkLoss, NtpOutcome, PhoneEvent,
    PowerState, SensorOutcome,
};

/// Declares lanes in the order in which they are shown: each with its word, and what it is called beside a timeline.
macro_rules! lanes {
    ($($(#[doc = $about:literal])+ $lane:ident = $word:literal, $label:literal;)+) => {
        /// Events of a kind that a reader looks at together.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Lane {
            $($(#[doc = $about])+ $lane,)+
        }

        impl Lane {
            /// All of them, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$lane),+];

            /// As it is called on the command line and in JSON.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$lane => $word,)+
                }
            }

            /// As it is called beside a timeline.
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$lane => $label,)+
                }
            }
        }
    };
}

lanes! {
    /// Faults of the scenario.
    Faults = "faults", "Fault";
    /// Its timeline.
    Steps = "steps", "Steps";
    /// The supply.
    Power = "power", "Power";
    /// Starts, restarts, crashes and watchdogs.
    Boots = "boots", "Boots";
    /// LEDs, switches and buttons.
    Pins = "pins", "Pin";
    /// Transactions on the sensor's wire.
    Sensor = "sensor", "Sensor";
    /// Joins, and links that were lost.
    WiFi = "wifi", "Wi-Fi";
    /// Access points that come and go.
    AccessPoints = "access-points", "Access points";
    /// DHCP.
    Dhcp = "dhcp", "DHCP";
    /// DNS.
    Dns = "dns", "DNS";
    /// NTP.
    Ntp = "ntp", "NTP";
    /// TCP connections and the TLS on them.
    Tls = "tls", "TCP, TLS";
    /// HTTP requests that servers had.
    Http = "http", "HTTP";
    /// Entries that the cloud stored.
    Entries = "entries", "Entries";
    /// Erases and writes of the flash.
    Flash = "flash", "Flash";
    /// What is free of the program's heap and stack.
    Memory = "memory", "Memory";
    /// Lines of the serial port.
    Serial = "serial", "Serial";
    /// Phones.
    Phones = "phones", "Phone";
    /// What the emulated chip met that is not modelled.
    Chip = "chip", "Chip";
}

/// Whether an event is good or bad news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Neither.
    None = 0,
    /// Something worked.
    Good = 1,
    /// Something did not work as it does on a good day, and may again.
    Doubtful = 2,
    /// Something failed.
    Bad = 3,
}

impl Lane {
    /// The lane of an event.
    pub fn of(kind: &EventKind) -> Self {
        match kind {
            EventKind::Power(_) => Self::Power,
            EventKind::Boot(_)
            | EventKind::Restart(_)
            | EventKind::Crash(_)
            | EventKind::Watchdog(_)
            | EventKind::CrashLoop(_)
            | EventKind::Livelock(_) => Self::Boots,
            EventKind::Memory(_) => Self::Memory,
            EventKind::NotModelled(_) => Self::Chip,
            EventKind::Serial(_) => Self::Serial,
            EventKind::Pin(_) => Self::Pins,
            EventKind::Sensor(_) => Self::Sensor,
            EventKind::Flash(_) => Self::Flash,
            EventKind::Join(_) | EventKind::LinkLost(_) => Self::WiFi,
            EventKind::AccessPoint(_) => Self::AccessPoints,
            EventKind::Lease(_) => Self::Dhcp,
            EventKind::Dns(_) => Self::Dns,
            EventKind::Ntp(_) => Self::Ntp,
            EventKind::Connection(_) | EventKind::Tls(_) => Self::Tls,
            EventKind::Http(_) => Self::Http,
            EventKind::Stored(_) => Self::Entries,
            EventKind::Phone(_) => Self::Phones,
            EventKind::Fault(_) => Self::Faults,
            EventKind::Step(_) => Self::Steps,
        }
    }
}

impl News {
    /// What an event tells.
    pub fn of(kind: &EventKind) -> Self {
        let good = |good| if good { Self::Good } else { Self::Bad };
        match kind {
            EventKind::Power(power) => match power.state {
                PowerState::On => Self::Good,
                PowerState::Off | PowerState::BrownOut => Self::Doubtful,
            },
            EventKind::Boot(boot) => match boot.cause {
                BootCause::PowerOn | BootCause::Software | BootCause::DeepSleep => Self::Good,
                BootCause::External => Self::Doubtful,
                BootCause::Watchdog | BootCause::SoftwareWatchdog | BootCause::Exception => Self::Bad,
            },
            EventKind::Restart(_) => Self::Doubtful,
            EventKind::Crash(_) | EventKind::Watchdog(_) | EventKind::CrashLoop(_) | EventKind::Livelock(_) => {
                Self::Bad
            }
            EventKind::NotModelled(_) => Self::Doubtful,
            EventKind::Memory(_) | EventKind::Serial(_) | EventKind::Step(_) => Self::None,
            EventKind::Pin(pin) => {
                if pin.on {
                    Self::Good
                } else {
                    Self::None
                }
            }
            EventKind::Sensor(sensor) => match sensor.outcome {
                SensorOutcome::Answered => Self::Good,
                // The device asked before it may.
                SensorOutcome::Settling | SensorOutcome::TooSoon => Self::Doubtful,
                SensorOutcome::ShortStart | SensorOutcome::BadChecksum | SensorOutcome::Silent => Self::Bad,
            },
            EventKind::Flash(flash) => good(!flash.torn),
            EventKind::Join(join) => good(join.outcome == JoinOutcome::Joined),
            EventKind::LinkLost(lost) => match lost.reason {
                LinkLoss::Left | LinkLoss::Power => Self::Doubtful,
                LinkLoss::BeaconTimeout | LinkLoss::Deauthenticated => Self::Bad,
            },
            EventKind::AccessPoint(point) => {
                if point.on {
                    Self::Good
                } else {
                    Self::Doubtful
                }
            }
            EventKind::Lease(lease) => {
                good(matches!(lease.outcome, LeaseOutcome::Offered | LeaseOutcome::Acknowledged))
            }
            EventKind::Dns(dns) => good(dns.outcome == DnsOutcome::Answered),
            EventKind::Ntp(ntp) => good(ntp.outcome == NtpOutcome::Answered),
            EventKind::Connection(connection) => {
                good(matches!(connection.outcome, ConnectionOutcome::Opened | ConnectionOutcome::Closed))
            }
            EventKind::Tls(tls) => good(tls.outcome.starts_with("established")),
            EventKind::Http(http) => match http.status {
                Some(200..400) => Self::Good,
                Some(400..500) => Self::Doubtful,
                _ => Self::Bad,
            },
            EventKind::Stored(_) => Self::Good,
            EventKind::Phone(phone) => match &phone.what {
                PhoneEvent::Join { outcome, .. } => good(*outcome == JoinOutcome::Joined),
                PhoneEvent::Resolved { address, .. } => good(address.is_some()),
                PhoneEvent::Reply { status, .. } => good(*status < 400),
                PhoneEvent::Failed { .. } => Self::Bad,
                PhoneEvent::Lease { .. } => Self::Good,
                PhoneEvent::Left {} => Self::None,
            },
            EventKind::Fault(_) => Self::Doubtful,
        }
    }
}
