//! Which events a scenario means: matchers of triggers and expectations.
//!
//! A matcher names a kind of event and what its details must be; a detail that it does not name may be anything. It
//! looks at one event at a time and remembers nothing; counting and windows are the director's and the evaluation's.
//! [`Display`](std::fmt::Display) says it in words, for reports.

mod wording;

use regex::Regex;

use super::model::FieldMatch;
use crate::events::{
    BootCause, ConnectionOutcome, DnsOutcome, Event, EventKind, FlashOperation, HttpExchange, JoinOutcome, Kind,
    LeaseOutcome, Level, LinkLoss, NtpOutcome, PhoneEvent, PowerState, SensorOutcome,
};

/// The GPIO of LD1; high lights it.
pub const LED_GPIO: u8 = 13;

/// What a text must be.
#[derive(Clone, Debug)]
pub enum TextMatch {
    /// This.
    Equals(String),
    /// This is somewhere in it.
    Contains(String),
    /// This expression matches somewhere in it.
    Matches(Regex),
}

impl TextMatch {
    /// Whether `text` is such a text.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Equals(wanted) => text == wanted,
            Self::Contains(part) => text.contains(part.as_str()),
            Self::Matches(regex) => regex.is_match(text),
        }
    }

    /// Whether `line` of the serial log is such a text, with or without the time since boot in front of it.
    pub fn matches_line(&self, line: &str) -> bool {
        self.matches(line) || without_time(line).is_some_and(|line| self.matches(line))
    }

    /// The text that it compares with, for finding the nearest miss.
    pub(crate) fn pattern(&self) -> &str {
        match self {
            Self::Equals(text) | Self::Contains(text) => text,
            Self::Matches(regex) => regex.as_str(),
        }
    }
}

/// A line of the serial log without the time since boot, `[2.504831] `, that the firmware puts in front of each.
fn without_time(line: &str) -> Option<&str> {
    let (time, rest) = line.strip_prefix('[')?.split_once("] ")?;
    time.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then_some(rest)
}

impl FieldMatch {
    /// Whether a field with this value (`None`: absent) is such a field.
    pub fn matches(&self, value: Option<&str>) -> bool {
        match (self, value) {
            (_, None) => false,
            (Self::Equals(wanted), Some(value)) => wanted == value,
            (Self::Between { low, high }, Some(value)) => {
                super::units::field_value(value).is_ok_and(|(value, _)| (*low..=*high).contains(&value))
            }
        }
    }
}

/// Which events are meant. `None` means any.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// A line on the serial port.
    Serial(TextMatch),
    /// LD1 goes on or off.
    Led {
        /// Which.
        on: bool,
    },
    /// A pin changes.
    Pin {
        /// GPIO number.
        gpio: u8,
        /// To this level.
        level: Option<Level>,
    },
    /// The device starts.
    Boot {
        /// Why.
        cause: Option<BootCause>,
    },
    /// The firmware asks for a restart.
    Restart {
        /// Why.
        reason: Option<TextMatch>,
    },
    /// The firmware panics.
    Crash {
        /// The panic's message.
        message: Option<TextMatch>,
    },
    /// The supply changes.
    Power {
        /// To what.
        state: PowerState,
    },
    /// The sensor was asked.
    Sensor {
        /// How it answered.
        outcome: Option<SensorOutcome>,
    },
    /// The flash was changed.
    Flash {
        /// By what.
        operation: Option<FlashOperation>,
        /// Whether power went away meanwhile.
        torn: Option<bool>,
    },
    /// An attempt to join a network ended.
    Join {
        /// The network.
        network: Option<String>,
        /// The hardware address of the access point that was joined.
        bssid: Option<String>,
        /// How.
        outcome: Option<JoinOutcome>,
    },
    /// The device is no longer joined.
    LinkLost {
        /// The network.
        network: Option<String>,
        /// The hardware address of the access point that it was joined to.
        bssid: Option<String>,
        /// Why.
        reason: Option<LinkLoss>,
    },
    /// An access point appeared or went away.
    AccessPoint {
        /// Its network.
        network: Option<String>,
        /// Its hardware address.
        bssid: Option<String>,
        /// Which.
        on: Option<bool>,
    },
    /// A DHCP server dealt with a client.
    Lease {
        /// The network.
        network: Option<String>,
        /// How.
        outcome: Option<LeaseOutcome>,
    },
    /// A name server was asked.
    Dns {
        /// For this name.
        name: Option<String>,
        /// How it answered.
        outcome: Option<DnsOutcome>,
    },
    /// A time server was asked.
    Ntp {
        /// How it answered.
        outcome: Option<NtpOutcome>,
    },
    /// A TCP connection changed.
    Connection {
        /// The server.
        server: Option<String>,
        /// How.
        outcome: Option<ConnectionOutcome>,
    },
    /// A TLS handshake ended.
    Tls {
        /// The server.
        server: Option<String>,
        /// How, as the server saw it.
        outcome: Option<TextMatch>,
    },
    /// A server had an HTTP request.
    Request(Box<RequestMatch>),
    /// The cloud stored an entry.
    Stored {
        /// `field1` to `field8`.
        fields: Box<[Option<FieldMatch>; 8]>,
        /// A part of `status`.
        status_contains: Option<String>,
    },
    /// A phone did or saw something.
    Phone {
        /// Which phone.
        name: Option<String>,
        /// What.
        what: PhoneMatch,
    },
    /// A fault began, ended or did something.
    Fault {
        /// The rule.
        name: Option<String>,
        /// What.
        action: Option<TextMatch>,
    },
}

/// Which HTTP requests are meant.
#[derive(Clone, Debug, Default)]
pub struct RequestMatch {
    /// The server's name.
    pub server: Option<String>,
    /// `POST`.
    pub method: Option<String>,
    /// The path; the query counts only if this has one.
    pub path: Option<String>,
    /// The reply's status.
    pub status: Option<u16>,
    /// A part of the request's body.
    pub body_contains: Option<String>,
    /// A part of the reply's body.
    pub reply_contains: Option<String>,
    /// Whether it came over TLS.
    pub tls: Option<bool>,
}

/// What a phone is meant to do or see.
#[derive(Clone, Debug)]
pub enum PhoneMatch {
    /// Anything.
    Anything,
    /// It joined, or failed to.
    Joined(bool),
    /// It was given an address.
    Lease,
    /// It got a reply.
    Reply {
        /// The status.
        status: Option<u16>,
        /// A part of the body.
        contains: Option<String>,
        /// Where a redirect leads.
        location: Option<TextMatch>,
    },
    /// It got no reply.
    Failed {
        /// What happened instead.
        reason: Option<TextMatch>,
    },
    /// It left, or its network went away.
    Left,
}

/// Whether a wanted detail, if there is one, is this.
fn is<W: PartialEq<V>, V>(wanted: &Option<W>, value: V) -> bool {
    wanted.as_ref().is_none_or(|wanted| *wanted == value)
}

/// Whether a wanted text, if there is one, matches this.
fn fits(wanted: &Option<TextMatch>, value: &str) -> bool {
    wanted.as_ref().is_none_or(|wanted| wanted.matches(value))
}

/// Whether a wanted part, if there is one, is in this.
fn holds(part: &Option<String>, whole: &str) -> bool {
    part.as_ref().is_none_or(|part| whole.contains(part.as_str()))
}

impl Matcher {
    /// The one kind of events that can be meant.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Serial(_) => Kind::Serial,
            Self::Led { .. } | Self::Pin { .. } => Kind::Pin,
            Self::Boot { .. } => Kind::Boot,
            Self::Restart { .. } => Kind::Restart,
            Self::Crash { .. } => Kind::Crash,
            Self::Power { .. } => Kind::Power,
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
            Self::Request(_) => Kind::Http,
            Self::Stored { .. } => Kind::Stored,
            Self::Phone { .. } => Kind::Phone,
            Self::Fault { .. } => Kind::Fault,
        }
    }

    /// Whether `event` is meant.
    pub fn matches(&self, event: &Event) -> bool {
        match (self, &event.kind) {
            (Self::Serial(text), EventKind::Serial { line }) => text.matches_line(line),
            (Self::Led { on }, EventKind::Pin { gpio, level }) => *gpio == LED_GPIO && *on == (*level == Level::High),
            (Self::Pin { gpio, level }, EventKind::Pin { gpio: pin, level: now }) => gpio == pin && is(level, *now),
            (Self::Boot { cause: wanted }, EventKind::Boot { cause, .. }) => is(wanted, *cause),
            (Self::Restart { reason: wanted }, EventKind::Restart { reason }) => fits(wanted, reason),
            (Self::Crash { message: wanted }, EventKind::Crash { message, .. }) => fits(wanted, message),
            (Self::Power { state: wanted }, EventKind::Power { state }) => wanted == state,
            (Self::Sensor { outcome: wanted }, EventKind::Sensor { outcome, .. }) => is(wanted, *outcome),
            (Self::Flash { operation: wanted, torn: wanted_torn }, EventKind::Flash { operation, torn, .. }) => {
                is(wanted, *operation) && is(wanted_torn, *torn)
            }
            (
                Self::Join { network: wanted, bssid: wanted_bssid, outcome: wanted_outcome },
                EventKind::Join { network, bssid, outcome },
            ) => {
                is(wanted, network.as_str())
                    && (wanted_bssid.is_none() || wanted_bssid == bssid)
                    && is(wanted_outcome, *outcome)
            }
            (
                Self::LinkLost { network: wanted, bssid: wanted_bssid, reason: wanted_reason },
                EventKind::LinkLost { network, bssid, reason },
            ) => is(wanted, network.as_str()) && is(wanted_bssid, bssid.as_str()) && is(wanted_reason, *reason),
            (
                Self::AccessPoint { network: wanted, bssid: wanted_bssid, on: wanted_on },
                EventKind::AccessPoint { network, bssid, on },
            ) => is(wanted, network.as_str()) && is(wanted_bssid, bssid.as_str()) && is(wanted_on, *on),
            (Self::Lease { network: wanted, outcome: wanted_outcome }, EventKind::Lease { network, outcome, .. }) => {
                is(wanted, network.as_str()) && is(wanted_outcome, *outcome)
            }
            (Self::Dns { name: wanted, outcome: wanted_outcome }, EventKind::Dns { name, outcome, .. }) => {
                is(wanted, name.as_str()) && is(wanted_outcome, *outcome)
            }
            (Self::Ntp { outcome: wanted }, EventKind::Ntp { outcome, .. }) => is(wanted, *outcome),
            (
                Self::Connection { server: wanted, outcome: wanted_outcome },
                EventKind::Connection { server, outcome, .. },
            ) => is(wanted, server.as_str()) && is(wanted_outcome, *outcome),
            (Self::Tls { server: wanted, outcome: wanted_outcome }, EventKind::Tls { server, outcome, .. }) => {
                is(wanted, server.as_str()) && fits(wanted_outcome, outcome)
            }
            (Self::Request(request), EventKind::Http(exchange)) => request.matches(exchange),
            (Self::Stored { fields: wanted, status_contains }, EventKind::Stored { fields, status, .. }) => {
                holds(status_contains, status.as_deref().unwrap_or_default())
                    && wanted
                        .iter()
                        .zip(fields)
                        .all(|(wanted, field)| wanted.as_ref().is_none_or(|wanted| wanted.matches(field.as_deref())))
            }
            (Self::Phone { name, what: wanted }, EventKind::Phone { phone, what }) => {
                is(name, phone.as_str()) && wanted.matches(what)
            }
            (Self::Fault { name, action: wanted }, EventKind::Fault { rule, action }) => {
                is(name, rule.as_str()) && fits(wanted, action)
            }
            _ => false,
        }
    }

    /// Whether `event` is of the kind that is meant, whatever its details: a candidate for the nearest miss.
    pub fn concerns(&self, event: &Event) -> bool {
        match (self, &event.kind) {
            (Self::Led { .. }, EventKind::Pin { gpio, .. }) => *gpio == LED_GPIO,
            (Self::Pin { gpio, .. }, EventKind::Pin { gpio: pin, .. }) => gpio == pin,
            (Self::Phone { name, .. }, EventKind::Phone { phone, .. }) => is(name, phone.as_str()),
            (Self::Serial(_), EventKind::Serial { .. })
            | (Self::Boot { .. }, EventKind::Boot { .. })
            | (Self::Restart { .. }, EventKind::Restart { .. })
            | (Self::Crash { .. }, EventKind::Crash { .. })
            | (Self::Power { .. }, EventKind::Power { .. })
            | (Self::Sensor { .. }, EventKind::Sensor { .. })
            | (Self::Flash { .. }, EventKind::Flash { .. })
            | (Self::Join { .. }, EventKind::Join { .. })
            | (Self::LinkLost { .. }, EventKind::LinkLost { .. })
            | (Self::AccessPoint { .. }, EventKind::AccessPoint { .. })
            | (Self::Lease { .. }, EventKind::Lease { .. })
            | (Self::Dns { .. }, EventKind::Dns { .. })
            | (Self::Ntp { .. }, EventKind::Ntp { .. })
            | (Self::Connection { .. }, EventKind::Connection { .. })
            | (Self::Tls { .. }, EventKind::Tls { .. })
            | (Self::Request(_), EventKind::Http(_))
            | (Self::Stored { .. }, EventKind::Stored { .. })
            | (Self::Fault { .. }, EventKind::Fault { .. }) => true,
            _ => false,
        }
    }
}

impl RequestMatch {
    /// Whether this exchange is meant.
    pub fn matches(&self, exchange: &HttpExchange) -> bool {
        let path_fits = self.path.as_deref().is_none_or(|path| {
            let target = if path.contains('?') {
                exchange.target.as_str()
            } else {
                exchange.target.split('?').next().unwrap_or_default()
            };
            target == path
        });
        path_fits
            && is(&self.server, exchange.server.as_str())
            && is(&self.method, exchange.method.as_str())
            && self.status.is_none_or(|status| exchange.status == Some(status))
            && holds(&self.body_contains, &exchange.request_body)
            && holds(&self.reply_contains, &exchange.response_body)
            && is(&self.tls, exchange.tls)
    }
}

impl PhoneMatch {
    /// Whether this is meant.
    pub fn matches(&self, event: &PhoneEvent) -> bool {
        match (self, event) {
            (Self::Anything, _) => true,
            (Self::Joined(joined), PhoneEvent::Join { outcome, .. }) => *joined == (*outcome == JoinOutcome::Joined),
            (Self::Lease, PhoneEvent::Lease { .. }) | (Self::Left, PhoneEvent::Left) => true,
            (
                Self::Reply { status: wanted, contains, location: wanted_location },
                PhoneEvent::Reply { status, location, body, .. },
            ) => {
                is(wanted, *status)
                    && holds(contains, body)
                    && wanted_location
                        .as_ref()
                        .is_none_or(|wanted| location.as_deref().is_some_and(|l| wanted.matches(l)))
            }
            (Self::Failed { reason: wanted }, PhoneEvent::Failed { reason, .. }) => fits(wanted, reason),
            _ => false,
        }
    }
}
