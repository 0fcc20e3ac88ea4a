//! What texts and fields of entries must be.

use regex::Regex;

use crate::units;

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
    pub fn pattern(&self) -> &str {
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

/// What a field of an entry must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldMatch {
    /// This text.
    Equals(String),
    /// A number no lower and no higher, in tenths.
    Between {
        /// Lowest, in tenths.
        low: i64,
        /// Highest, in tenths.
        high: i64,
    },
}

impl FieldMatch {
    /// Whether a field with this value (`None`: absent) is such a field.
    pub fn matches(&self, value: Option<&str>) -> bool {
        match (self, value) {
            (_, None) => false,
            (Self::Equals(wanted), Some(value)) => wanted == value,
            (Self::Between { low, high }, Some(value)) => {
                units::field_value(value).is_ok_and(|(value, _)| (*low..=*high).contains(&value))
            }
        }
    }
}
