//! A scenario file's values once each has been read by itself: typed, with its place, its keys known.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Duration;

use regex::Regex;
use time::OffsetDateTime;

use super::units::{Dbm, DeciCelsius, DeciPercent, Milliohms, Millivolts, Nanofarads, PerMillion};

/// A value and which bytes of the file it is.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The value's bytes.
    pub(super) span: Range<usize>,
    /// The value.
    pub(super) value: Value,
}

/// A value, by the shape that it was read with.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `Text`, `Typed`.
    Text(String),
    /// One of `Words`: the value that it means.
    Word(&'static dyn Any),
    /// `Integer`.
    Integer(i64),
    /// `Boolean`.
    Boolean(bool),
    /// `DateTime`.
    DateTime(OffsetDateTime),
    /// `Duration`, `TimeOfDay`.
    Duration(Duration),
    /// `SignedDuration`.
    SignedDuration(time::Duration),
    /// `Temperature`.
    Temperature(DeciCelsius),
    /// `Humidity`.
    Humidity(DeciPercent),
    /// `Probability`.
    Probability(PerMillion),
    /// `Signal`.
    Signal(Dbm),
    /// `Voltage`.
    Voltage(Millivolts),
    /// `Resistance`.
    Resistance(Milliohms),
    /// `Capacitance`.
    Capacitance(Nanofarads),
    /// `FieldValue`: tenths, and the unit if one was written.
    Tenths(i64, Option<&'static str>),
    /// `HardwareAddress`.
    HardwareAddress([u8; 6]),
    /// `Ipv4Address`.
    Ipv4Address(Ipv4Addr),
    /// `Regex`.
    Regex(Regex),
    /// `List`, `Pair`.
    List(Vec<Node>),
    /// `TextMap`: each key with its bytes.
    TextMap(BTreeMap<String, (Range<usize>, String)>),
    /// `Table`, without the keys whose values could not be read.
    Table(Fields),
    /// `Choice`: the key's name, what it means, and its value.
    Choice(&'static str, &'static dyn Any, Box<Node>),
}

/// The key that was chosen of a `Choice`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen<'a, T> {
    /// What it means.
    pub(super) kind: T,
    /// Its name.
    pub(super) name: &'static str,
    /// Its value.
    pub(super) node: &'a Node,
}

/// A table's readable keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    entries: BTreeMap<&'static str, (Range<usize>, Node)>,
    broken: BTreeSet<&'static str>,
}

impl Fields {
    /// Adds a key with its bytes and its value.
    pub(super) fn insert(&mut self, key: &'static str, span: Range<usize>, node: Node) {
        self.entries.insert(key, (span, node));
    }

    /// Notes that a key is there but its value could not be read.
    pub(super) fn mark_broken(&mut self, key: &'static str) {
        self.broken.insert(key);
    }

    /// Whether a key is there but its value could not be read.
    pub(super) fn is_broken(&self, key: &str) -> bool {
        self.broken.contains(key)
    }

    /// A key's value.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.get(key).map(|(_, node)| node)
    }

    /// A key's own bytes.
    pub(super) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.entries.get(key).map(|(span, _)| span.clone())
    }

    /// The bytes of the key that stands first.
    pub(super) fn first_key_span(&self) -> Option<Range<usize>> {
        self.entries.values().map(|(span, _)| span.clone()).min_by_key(|span| span.start)
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::text)
    }

    /// What a word out of a list means.
    pub(super) fn word<T: Clone + 'static>(&self, key: &str) -> Option<T> {
        self.get(key).and_then(Node::word)
    }

    /// An integer; its range was the shape's.
    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(Node::integer)
    }

    /// A boolean.
    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(Node::boolean)
    }

    /// A duration.
    pub(super) fn duration(&self, key: &str) -> Option<Duration> {
        self.get(key).and_then(Node::duration)
    }

    /// A table.
    pub(super) fn table(&self, key: &str) -> Option<&Fields> {
        self.get(key).and_then(Node::table)
    }

    /// The elements of a list; none if it is absent.
    pub(super) fn list(&self, key: &str) -> &[Node] {
        match self.get(key).map(|node| &node.value) {
            Some(Value::List(nodes)) => nodes,
            _ => &[],
        }
    }

    /// A one-of table.
    pub(super) fn choice<T: Copy + 'static>(&self, key: &str) -> Option<Chosen<'_, T>> {
        self.get(key).and_then(Node::choice)
    }
}

impl Node {
    /// The items of a list; none if it is no list.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What a word out of a list means.
    ///
    /// # Panics
    /// If the grammar's words for this value mean something of another type.
    pub(super) fn word<T: Clone + 'static>(&self) -> Option<T> {
        match self.value {
            Value::Word(meaning) => Some(meant(meaning)),
            _ => None,
        }
    }

    /// An integer; its range was the shape's.
    pub(super) fn integer(&self) -> Option<i64> {
        match self.value {
            Value::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// A boolean.
    pub(super) fn boolean(&self) -> Option<bool> {
        match self.value {
            Value::Boolean(value) => Some(value),
            _ => None,
        }
    }

    /// A regular expression.
    pub(super) fn regex(&self) -> Option<&Regex> {
        match &self.value {
            Value::Regex(regex) => Some(regex),
            _ => None,
        }
    }

    /// A duration.
    pub(super) fn duration(&self) -> Option<Duration> {
        match self.value {
            Value::Duration(duration) => Some(duration),
            _ => None,
        }
    }

    /// A table.
    pub(super) fn table(&self) -> Option<&Fields> {
        match &self.value {
            Value::Table(fields) => Some(fields),
            _ => None,
        }
    }

    /// A one-of table.
    ///
    /// # Panics
    /// If the grammar's keys for this value mean something of another type.
    pub(super) fn choice<T: Copy + 'static>(&self) -> Option<Chosen<'_, T>> {
        match &self.value {
            Value::Choice(name, meaning, node) => Some(Chosen { kind: meant(*meaning), name, node }),
            _ => None,
        }
    }
}

/// A word's or a key's meaning as what `resolve` reads it for.
fn meant<T: Clone + 'static>(meaning: &'static dyn Any) -> T {
    meaning.downcast_ref::<T>().expect("`resolve` reads words and keys as the type that the grammar gives them").clone()
}
