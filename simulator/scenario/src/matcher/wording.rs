//! Matchers in words, as they stand in reports: `stored entry with field1 between 20.0 and 22.5`.

use std::fmt;

use simulator_record::events::{AnyWord, Value, Vocabulary, tenths};

use super::{FieldMatch, Matcher, PhoneMatch, TextMatch, Wanted};

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = (self.row.says)(Sentence { matcher: self, parts: Vec::new() }).parts;
        parts.extend(self.device.as_ref().map(|(_, name)| format!("of `{name}`")));
        parts.join(" ").fmt(f)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.row.kind, self.conditions)
    }
}

/// A matcher on its way into words, part by part. Parts of which the file says nothing are left out.
pub(crate) struct Sentence<'m> {
    matcher: &'m Matcher,
    parts: Vec<String>,
}

impl Sentence<'_> {
    /// What the file says at this key, in words.
    fn said(&self, key: &str) -> Option<String> {
        self.wanted(key).map(Wanted::to_string)
    }

    /// What the file says at this key.
    fn wanted(&self, key: &str) -> Option<&Wanted> {
        self.matcher.conditions.iter().find(|condition| condition.key == key).map(|condition| &condition.wanted)
    }

    /// Adds this as it is.
    pub(crate) fn say(mut self, words: &str) -> Self {
        self.parts.push(words.to_owned());
        self
    }

    /// Adds `before` and what the file says at `key`, or nothing.
    pub(crate) fn with(mut self, before: &str, key: &str) -> Self {
        self.parts.extend(self.said(key).map(|said| format!("{before}{said}")));
        self
    }

    /// The same in quotes.
    pub(crate) fn quoted(mut self, before: &str, key: &str) -> Self {
        self.parts.extend(self.said(key).map(|said| format!("{before}`{said}`")));
        self
    }

    /// Adds what the file says at `key`, or `otherwise` if it says nothing.
    pub(crate) fn or(self, key: &str, otherwise: &str) -> Self {
        match self.said(key) {
            Some(said) => self.say(&said),
            None => self.say(otherwise),
        }
    }

    /// Adds the word for yes or for no, if the file says either.
    pub(crate) fn flag(self, key: &str, yes: &str, no: &str) -> Self {
        match self.wanted(key) {
            Some(Wanted::Flag(true)) => self.say(yes),
            Some(Wanted::Flag(false)) => self.say(no),
            _ => self,
        }
    }

    /// Adds what a word means, as `in_words` says it.
    pub(crate) fn spoken<T: Vocabulary>(self, key: &str, in_words: fn(T) -> &'static str) -> Self {
        let is = |value: &T| self.wanted(key).is_some_and(|wanted| wanted.is(Value::Word(AnyWord::of(*value))));
        match T::ALL.iter().map(|(_, value, _)| *value).find(is) {
            Some(value) => self.say(in_words(value)),
            None => self,
        }
    }

    /// Whether the file says something at `key`.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.wanted(key).is_some()
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(text) | Self::Part(text) | Self::Path(text) => f.write_str(text),
            Self::Text(text) | Self::Line(text) => text.fmt(f),
            Self::Number(number) | Self::MoreThan(number) => number.fmt(f),
            Self::Below(bound) | Self::Above(bound) => write!(f, "{} °C", tenths((*bound).into())),
            Self::Address(address) => write!(f, "{address}"),
            Self::Flag(flag) => flag.fmt(f),
            Self::Word(word) => f.write_str(word.text()),
            Self::EntryField(_, field) => field.fmt(f),
            Self::Phone(what) => what.fmt(f),
        }
    }
}

impl fmt::Display for PhoneMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anything => f.write_str("does or sees something"),
            Self::Joined(true) => f.write_str("joins"),
            Self::Joined(false) => f.write_str("fails to join"),
            Self::Lease => f.write_str("is given an address"),
            Self::Reply { status, contains, location } => {
                f.write_str("gets a reply")?;
                if let Some(status) = status {
                    write!(f, " with status {status}")?;
                }
                if let Some(contains) = contains {
                    write!(f, " containing `{contains}`")?;
                }
                match location {
                    Some(location) => write!(f, " leading to {location}"),
                    None => Ok(()),
                }
            }
            Self::Failed { reason: None } => f.write_str("gets no reply"),
            Self::Failed { reason: Some(reason) } => write!(f, "gets no reply because {reason}"),
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
