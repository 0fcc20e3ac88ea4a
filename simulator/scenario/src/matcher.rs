//! Which events a scenario means: matchers of triggers and expectations.
//!
//! A matcher names a kind of event and what some of its fields must be; a field that it does not name may be anything.
//! It looks at one event at a time and remembers nothing; counting and windows are the director's and the evaluation's.
//! What can be asked of which kind of event is a `Row` of the grammar; fields are found by their names in the record.
//! [`Display`](std::fmt::Display) says a matcher in words, for reports.

mod phone;
mod row;
mod text;
mod wording;

use std::net::Ipv4Addr;
use std::sync::Arc;

use simulator_record::events::{AnyWord, DeviceId, Event, Kind, Value};

pub use phone::PhoneMatch;
pub(super) use row::{Ask, Names, Reads, Row, word};
pub use text::{FieldMatch, TextMatch};
pub(super) use wording::Sentence;

/// Which events are meant.
#[derive(Clone)]
pub struct Matcher {
    row: &'static Row,
    conditions: Vec<Condition>,
    /// The only device whose events are meant, with its name.
    device: Option<(DeviceId, Arc<str>)>,
}

/// What a field must be.
#[derive(Clone, Debug)]
struct Condition {
    /// The key in the file.
    key: &'static str,
    /// The field's name in the record.
    name: &'static str,
    /// The field's place in the kind's declaration.
    field: usize,
    wanted: Wanted,
}

/// What a field must be.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// This text.
    Exactly(String),
    /// A text with this part.
    Part(String),
    /// Such a text.
    Text(TextMatch),
    /// Such a line of the serial log.
    Line(TextMatch),
    /// Path and query; the query counts only if this has one.
    Path(String),
    /// This number.
    Number(i64),
    /// A number below this one of tenths of a degree Celsius.
    Below(i32),
    /// A number above it.
    Above(i32),
    /// A larger number.
    MoreThan(i64),
    /// This address.
    Address(Ipv4Addr),
    /// Yes or no.
    Flag(bool),
    /// This word of a vocabulary.
    Word(AnyWord),
    /// Such a field of an entry, by its place from 0.
    EntryField(usize, FieldMatch),
    /// Such a deed of a phone.
    Phone(PhoneMatch),
}

impl Wanted {
    /// Whether a field with this value is meant.
    fn is(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Exactly(wanted), Value::Text(text)) => wanted == text,
            (Self::Part(part), Value::Text(text)) => text.contains(part.as_str()),
            (Self::Text(wanted), Value::Text(text)) => wanted.matches(text),
            (Self::Line(wanted), Value::Text(line)) => wanted.matches_line(line),
            (Self::Path(path), Value::Text(target)) => {
                let whole = path.contains('?');
                path == if whole { target } else { target.split('?').next().unwrap_or_default() }
            }
            (Self::Number(wanted), Value::Number(number)) => *wanted == number,
            (Self::Below(bound), Value::Number(number)) => number < i64::from(*bound),
            (Self::Above(bound), Value::Number(number)) => number > i64::from(*bound),
            (Self::MoreThan(bound), Value::Number(number)) => number > *bound,
            (Self::Address(wanted), Value::Address(address)) => *wanted == address,
            (Self::Flag(wanted), Value::Flag(flag)) => *wanted == flag,
            (Self::Word(wanted), Value::Word(word)) => *wanted == word,
            (Self::EntryField(place, wanted), Value::Texts(texts)) => {
                wanted.matches(texts.get(*place).and_then(Option::as_deref))
            }
            (Self::Phone(wanted), Value::Phone(event)) => wanted.matches(event),
            _ => false,
        }
    }
}

impl Matcher {
    /// All events of a row.
    ///
    /// # Panics
    /// If the row names a field that its kind of event has not: a mistake in the grammar.
    pub(super) fn new(row: &'static Row) -> Self {
        let mut all = Self { row, conditions: Vec::new(), device: None };
        for (field, word) in row.fixed {
            all.add(&Ask { key: field, field, reads: Reads::Number }, Wanted::Word(word()));
        }
        all
    }

    /// Asks for something of a field.
    ///
    /// # Panics
    /// If the kind of event has no such field: a mistake in the grammar.
    pub(super) fn add(&mut self, ask: &Ask, wanted: Wanted) {
        let Ask { key, field: name, .. } = *ask;
        let field = self.row.kind.field(name).expect("the grammar names fields of the record");
        self.conditions.push(Condition { key, name, field, wanted });
    }

    /// Leaves out the events of other devices.
    pub(super) fn only_of(&mut self, device: DeviceId, name: Arc<str>) {
        self.device = Some((device, name));
    }

    fn is_of_device(&self, event: &Event) -> bool {
        self.device.as_ref().is_none_or(|(device, _)| event.device == Some(*device))
    }

    /// The one kind of events that can be meant.
    pub fn kind(&self) -> Kind {
        self.row.kind
    }

    /// Whether `event` is meant.
    pub fn matches(&self, event: &Event) -> bool {
        event.kind.kind() == self.row.kind
            && self.is_of_device(event)
            && self.conditions.iter().all(|condition| condition.holds(event))
    }

    /// Whether `event` is of the kind that is meant, and about the same pin or phone, whatever its other details: a
    /// candidate for the nearest miss.
    pub fn concerns(&self, event: &Event) -> bool {
        let mut identity = self.conditions.iter().filter(|condition| self.row.identity.contains(&condition.name));
        event.kind.kind() == self.row.kind
            && self.is_of_device(event)
            && identity.all(|condition| condition.holds(event))
    }

    /// What a line of the serial log must be, if that is what is meant.
    pub fn line(&self) -> Option<&TextMatch> {
        self.conditions.iter().find_map(|condition| match &condition.wanted {
            Wanted::Line(text) => Some(text),
            _ => None,
        })
    }
}

impl Condition {
    fn holds(&self, event: &Event) -> bool {
        self.wanted.is(event.kind.field(self.field))
    }
}
