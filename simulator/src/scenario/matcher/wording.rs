//! Matchers in words, as they stand in reports: `stored entry with field1 between 20.0 and 22.5`.

use std::fmt;

use super::{FieldMatch, Matcher, PhoneMatch, RequestMatch, TextMatch};
use crate::events::{FlashOperation, PowerState};
use crate::scenario::units::tenths;

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(text) => write!(f, "serial line {text}"),
            Self::Led { on } => write!(f, "LED goes {}", on_off(*on)),
            Self::Pin { gpio, level } => Words::new(format!("GPIO{gpio} changes")).with("to ", level.as_ref()).fmt(f),
            Self::Boot { cause } => Words::new("boot").quoted("after ", cause.as_ref()).fmt(f),
            Self::Restart { reason } => Words::new("restart").with("with reason ", reason.as_ref()).fmt(f),
            Self::Crash { message } => Words::new("crash").with("with message ", message.as_ref()).fmt(f),
            Self::Power { state } => f.write_str(match state {
                PowerState::On => "power comes on",
                PowerState::Off => "power goes off",
                PowerState::BrownOut => "brown-out",
            }),
            Self::Sensor { outcome } => {
                Words::new("sensor transaction").quoted("with outcome ", outcome.as_ref()).fmt(f)
            }
            Self::Flash { operation, torn } => {
                let subject = match operation {
                    None => "flash operation",
                    Some(FlashOperation::Erase) => "flash erase",
                    Some(FlashOperation::Write) => "flash write",
                };
                Words::new(subject).with("that is ", torn.map(|torn| if torn { "torn" } else { "not torn" })).fmt(f)
            }
            Self::Join { network, bssid, outcome } => Words::new("attempt to join")
                .quoted("", network.as_ref())
                .quoted("at ", bssid.as_ref())
                .quoted("with outcome ", outcome.as_ref())
                .fmt(f),
            Self::LinkLost { network, bssid, reason } => Words::new("loss of the link")
                .quoted("to ", network.as_ref())
                .quoted("at ", bssid.as_ref())
                .quoted("by ", reason.as_ref())
                .fmt(f),
            Self::AccessPoint { network, bssid, on } => Words::new("access point")
                .quoted("", network.as_ref())
                .quoted("at ", bssid.as_ref())
                .with(
                    "",
                    Some(match on {
                        None => "appears or goes away",
                        Some(true) => "appears",
                        Some(false) => "goes away",
                    }),
                )
                .fmt(f),
            Self::Lease { network, outcome } => Words::new("DHCP exchange")
                .quoted("on ", network.as_ref())
                .quoted("with outcome ", outcome.as_ref())
                .fmt(f),
            Self::Dns { name, outcome } => {
                Words::new("DNS query").quoted("for ", name.as_ref()).quoted("with outcome ", outcome.as_ref()).fmt(f)
            }
            Self::Ntp { outcome } => Words::new("NTP query").quoted("with outcome ", outcome.as_ref()).fmt(f),
            Self::Connection { server, outcome } => {
                Words::new("connection").quoted("to ", server.as_ref()).quoted("with outcome ", outcome.as_ref()).fmt(f)
            }
            Self::Tls { server, outcome } => Words::new("TLS handshake")
                .quoted("with ", server.as_ref())
                .with("with outcome ", outcome.as_ref())
                .fmt(f),
            Self::Request(request) => request.fmt(f),
            Self::Stored { fields, status_contains } => {
                let mut words = Words::new("stored entry");
                for (index, field) in fields.iter().enumerate() {
                    words = words.with(&format!("with field{} ", index + 1), field.as_ref());
                }
                words.quoted("with status containing ", status_contains.as_ref()).fmt(f)
            }
            Self::Phone { name, what } => {
                match name {
                    Some(name) => write!(f, "phone `{name}` ")?,
                    None => f.write_str("a phone ")?,
                }
                what.fmt(f)
            }
            Self::Fault { name, action } => {
                Words::new("fault").quoted("", name.as_ref()).with("doing ", action.as_ref()).fmt(f)
            }
        }
    }
}

impl fmt::Display for RequestMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = self.tls.map(|tls| if tls { "over TLS" } else { "without TLS" });
        Words::new(self.method.as_deref().unwrap_or("HTTP"))
            .with("request", Some(""))
            .quoted("for ", self.path.as_ref())
            .quoted("to ", self.server.as_ref())
            .with("", over)
            .quoted("with body containing ", self.body_contains.as_ref())
            .with("answered with status ", self.status)
            .quoted("answered with a body containing ", self.reply_contains.as_ref())
            .fmt(f)
    }
}

impl fmt::Display for PhoneMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anything => f.write_str("does or sees something"),
            Self::Joined(true) => f.write_str("joins"),
            Self::Joined(false) => f.write_str("fails to join"),
            Self::Lease => f.write_str("is given an address"),
            Self::Reply { status, contains, location } => Words::new("gets a reply")
                .with("with status ", *status)
                .quoted("containing ", contains.as_ref())
                .with("leading to ", location.as_ref())
                .fmt(f),
            Self::Failed { reason } => Words::new("gets no reply").with("because ", reason.as_ref()).fmt(f),
            Self::Left => f.write_str("leaves"),
        }
    }
}

impl fmt::Display for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(text) => write!(f, "`{text}`"),
            Self::Contains(text) => write!(f, "containing `{text}`"),
            Self::Matches(regex) => write!(f, "matching `{regex}`"),
        }
    }
}

impl fmt::Display for FieldMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(text) => write!(f, "`{text}`"),
            Self::Between { low, high } => write!(f, "between {} and {}", tenths(*low), tenths(*high)),
        }
    }
}

/// Words, joined as a sentence's parts: "a request", "with status 200".
struct Words(Vec<String>);

impl Words {
    fn new(subject: impl Into<String>) -> Self {
        Self(vec![subject.into()])
    }

    /// Adds `before value after` if there is a value.
    fn with(mut self, before: &str, value: Option<impl fmt::Display>) -> Self {
        self.0.extend(value.map(|value| format!("{before}{value}")));
        self
    }

    /// Adds `before `value`` in quotes if there is a value.
    fn quoted(self, before: &str, value: Option<impl fmt::Display>) -> Self {
        self.with(before, value.map(|value| format!("`{value}`")))
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// A switch's, LED's or supply's position in words.
fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
