//! Quantities, windows, states and triggers in the words of reports.

use std::fmt;
use std::time::Duration;

use humantime::format_duration;
use simulator_record::events::{Level, PinKind};

use super::model::{Begin, ChannelCheck, End, PinState, PinWords, Quantity, RateCheck, State, Trigger, Window};

/// "at least once", "exactly 3 times".
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(0) | Self::AtMost(0) => f.write_str("never"),
            Self::Exactly(count) => write!(f, "exactly {}", times(*count)),
            Self::AtLeast(least) => write!(f, "at least {}", times(*least)),
            Self::AtMost(most) => write!(f, "at most {}", times(*most)),
            Self::Between(least, most) => write!(f, "{least} to {most} times"),
        }
    }
}

/// "once", "3 times".
pub fn times(count: u64) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// ", by 5m"; nothing for the whole run.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.open, self.close) {
            (Begin::At(Duration::ZERO), End::Never) => Ok(()),
            (Begin::At(Duration::ZERO), End::At(close) | End::For(close)) => {
                write!(f, ", by {}", format_duration(close))
            }
            (Begin::At(open), End::Never) => write!(f, ", from {}", format_duration(*open)),
            (Begin::At(open), End::At(close)) => {
                write!(f, ", from {} to {}", format_duration(*open), format_duration(close))
            }
            (Begin::At(open), End::For(length)) => {
                write!(f, ", within {} from {}", format_duration(length), format_duration(*open))
            }
            (Begin::After(trigger), End::Never) => write!(f, ", {trigger}"),
            (Begin::After(trigger), End::At(close)) => write!(f, ", by {}, {trigger}", format_duration(close)),
            (Begin::After(trigger), End::For(length)) => write!(f, ", within {} {trigger}", format_duration(length)),
        }
    }
}

/// "after the 2nd boot".
impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.plus.is_zero() {
            write!(f, "{} ", format_duration(self.plus))?;
        }
        match (self.each, self.count) {
            (false, count) => write!(f, "after {} {}", ordinal(count), self.matcher),
            (true, 1) => write!(f, "after each {}", self.matcher),
            (true, count) => write!(f, "after {} {} and each after it", ordinal(count), self.matcher),
        }
    }
}

/// "the first", "the 2nd".
fn ordinal(number: u32) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    if number == 1 { "the first".to_owned() } else { format!("the {number}{suffix}") }
}

/// "the LED is on".
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pin(PinState { of, gpio, level, words, .. }) => {
                match words {
                    PinWords::On { kind, part, on } => {
                        let is = match (kind, on) {
                            (PinKind::Led | PinKind::Switch, true) => "on",
                            (PinKind::Led | PinKind::Switch, false) => "off",
                            (PinKind::Button, true) => "pressed",
                            (PinKind::Button, false) => "not pressed",
                        };
                        match part {
                            Some(part) => write!(f, "the {} `{part}` is {is}", kind.name())?,
                            None => write!(f, "the {} is {is}", kind.name())?,
                        }
                    }
                    PinWords::Level => {
                        write!(f, "GPIO{gpio} is {}", if *level == Level::High { "high" } else { "low" })?;
                    }
                }
                match of {
                    Some(name) => write!(f, " on `{name}`"),
                    None => Ok(()),
                }
            }
            Self::Power { of, on, .. } => {
                match of {
                    Some(name) => write!(f, "`{name}`")?,
                    None => f.write_str("the device")?,
                }
                f.write_str(if *on { " has power" } else { " has no power" })
            }
        }
    }
}

/// "DNS query: at most 300 times in any 5m".
impl fmt::Display for RateCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { matcher, most, per, window } = self;
        write!(f, "{matcher}: at most {} in any {}{window}", times(*most), format_duration(*per))
    }
}

/// "exactly 288 entries, ascending".
impl fmt::Display for ChannelCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(wanted) = self.entries {
            parts.push(so_many(wanted, entries));
        }
        if let Some(wanted) = self.status_reports {
            parts.push(so_many(wanted, status_reports));
        }
        if self.ascending {
            parts.push("in ascending order".to_owned());
        }
        if let Some(gap) = self.longest_gap {
            parts.push(format!("no gap longer than {}", format_duration(gap)));
        }
        if let Some(same) = self.longest_same {
            parts.push(format!("no field the same for longer than {}", format_duration(same)));
        }
        for (number, field) in (1..).zip(self.fields.iter()) {
            if let Some(field) = field {
                parts.push(format!("every field{number} {field}"));
            }
        }
        f.write_str(&parts.join(", "))
    }
}

/// "exactly 288 entries"; `counted` says a number of them.
fn so_many(quantity: Quantity, counted: fn(u64) -> String) -> String {
    match quantity {
        Quantity::Exactly(count) => format!("exactly {}", counted(count)),
        Quantity::AtLeast(least) => format!("at least {}", counted(least)),
        Quantity::AtMost(most) => format!("at most {}", counted(most)),
        Quantity::Between(least, most) => format!("{least} to {}", counted(most)),
    }
}

/// "1 entry", "2 entries".
pub fn entries(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

/// "1 status report", "2 status reports".
pub fn status_reports(count: u64) -> String {
    if count == 1 { "1 status report".to_owned() } else { format!("{count} status reports") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals() {
        let all: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 112].into_iter().map(ordinal).collect();
        assert_eq!(
            all,
            ["the first", "the 2nd", "the 3rd", "the 4th", "the 11th", "the 12th", "the 13th", "the 21st", "the 112th"]
        );
    }
}
