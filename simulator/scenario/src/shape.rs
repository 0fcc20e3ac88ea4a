//! What a value of a scenario file may look like, as data: the one description that the reader, the JSON Schema and the
//! suggestions are made from, so that they cannot disagree.
//!
//! A [`Shape`] says what a value is by itself: its type, its unit, its keys. Whether values fit together (names that
//! are defined, intervals that end after they begin) is `resolve`'s.
//!
//! A word, and a key of a [`Choice`], stands in the grammar beside the value that it means, and reading gives that
//! value: `resolve` matches on enums and never on a text once more, so that the compiler names each place that a new
//! word concerns. The values of one list have one type, which [`AnyWords`] and [`AnyChoice`] hide from those that only
//! read, describe and suggest.

use std::any::Any;
use std::net::Ipv4Addr;
use std::time::Duration;

/// What a value may look like.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// A single value.
    Scalar(Scalar),
    /// One of these words: an array of the word, the value that it means, and a sentence.
    Words(&'static dyn AnyWords),
    /// Any number of such values.
    List(&'static Shape),
    /// Exactly two such values: lowest and highest.
    Pair(&'static Shape),
    /// Any keys, all with texts: HTTP headers.
    TextMap,
    /// Any keys, each with a single value; what they stand for is put in place before anything is read.
    Parameters,
    /// A table with these keys.
    Table(&'static Table),
    /// A table with exactly one of some keys: a [`Choice`].
    Choice(&'static dyn AnyChoice),
    /// Something that is no table, or a table.
    Either {
        /// No table.
        plain: &'static Shape,
        /// A [`Shape::Table`] or [`Shape::Choice`].
        table: &'static Shape,
    },
    /// A shape that is used in several places, under a name of its own in the JSON Schema.
    Named(&'static str, &'static Shape),
}

/// A single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    /// A string.
    Text,
    /// A string or an integer, as somebody types it into a form.
    Typed,
    /// An integer in a range.
    Integer {
        /// Lowest.
        least: i64,
        /// Highest.
        most: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// A date and time with an offset from UTC.
    DateTime,
    /// "5m".
    Duration,
    /// "-400d".
    SignedDuration,
    /// "15:00".
    TimeOfDay,
    /// "21.5 °C".
    Temperature,
    /// "45.6 %".
    Humidity,
    /// "10 %".
    Probability,
    /// "-70 dBm".
    Signal,
    /// "3.3 V".
    Voltage,
    /// "6 Ohm".
    Resistance,
    /// "100 uF".
    Capacitance,
    /// A value of a channel's field, with or without its unit.
    FieldValue,
    /// "02:00:00:00:01:00".
    HardwareAddress,
    /// "203.0.113.66".
    Ipv4Address,
    /// A regular expression.
    Regex,
}

impl Scalar {
    /// What it is, for "expected …".
    pub(super) fn expected(self) -> String {
        match self {
            Self::Text => "a string".to_owned(),
            Self::Typed => "a string or an integer, as it is typed".to_owned(),
            Self::Integer { least, most: i64::MAX } => format!("an integer from {least}"),
            Self::Integer { least, most } => format!("an integer from {least} to {most}"),
            Self::Boolean => "true or false".to_owned(),
            Self::DateTime => "a date and time such as 2026-01-01T00:00:00Z".to_owned(),
            Self::Duration => "a duration such as \"5m\"".to_owned(),
            Self::SignedDuration => "a duration such as \"-400d\"".to_owned(),
            Self::TimeOfDay => "a time of day such as \"15:00\"".to_owned(),
            Self::Temperature => "a temperature such as \"21.5 °C\"".to_owned(),
            Self::Humidity => "a humidity such as \"45.6 %\"".to_owned(),
            Self::Probability => "a probability such as \"10 %\"".to_owned(),
            Self::Signal => "a signal strength such as \"-70 dBm\"".to_owned(),
            Self::Voltage => "a voltage such as \"3.3 V\"".to_owned(),
            Self::Resistance => "a resistance such as \"6 Ohm\"".to_owned(),
            Self::Capacitance => "a capacitance such as \"100 uF\"".to_owned(),
            Self::FieldValue => "a value such as \"21.5 °C\", \"45.6 %\" or \"7\"".to_owned(),
            Self::HardwareAddress => "a hardware address such as \"02:00:00:00:01:00\"".to_owned(),
            Self::Ipv4Address => "an IPv4 address such as \"203.0.113.66\"".to_owned(),
            Self::Regex => "a regular expression".to_owned(),
        }
    }
}

/// A list of words, whatever the type of the values that they mean.
pub(super) trait AnyWords {
    /// The word at this place of the list.
    fn at(&'static self, index: usize) -> Option<Word>;
}

/// A word of a list.
#[derive(Clone, Copy)]
pub(super) struct Word {
    /// As written.
    pub(super) text: &'static str,
    /// The value that it means.
    pub(super) value: &'static dyn Any,
    /// What it means, in a sentence.
    pub(super) doc: &'static str,
}

impl<T: Any, const N: usize> AnyWords for [(&'static str, T, &'static str); N] {
    fn at(&'static self, index: usize) -> Option<Word> {
        self.get(index).map(|(text, value, doc)| Word { text, value, doc })
    }
}

impl dyn AnyWords {
    /// All of them, in the grammar's order.
    pub(super) fn iter(&'static self) -> impl Iterator<Item = Word> {
        (0..).map_while(|index| self.at(index))
    }

    /// As they are written.
    pub(super) fn texts(&'static self) -> impl Iterator<Item = &'static str> {
        self.iter().map(|word| word.text)
    }
}

/// A key of a table.
#[derive(Clone, Copy)]
pub(super) struct Key {
    /// As written, kebab-case.
    pub(super) name: &'static str,
    /// What its value looks like.
    pub(super) shape: Shape,
    /// Whether it must be there.
    pub(super) required: bool,
    /// What it means, and its default.
    pub(super) doc: &'static str,
    /// The key and the word beside which alone it means something.
    pub(super) goes_with: Option<(&'static str, &'static str)>,
}

/// A key that must be there.
pub(super) const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, required: true, doc, goes_with: None }
}

/// A key that may be left out.
pub(super) const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, required: false, doc, goes_with: None }
}

impl Key {
    /// The same key, which means something beside this word of another key only.
    pub(super) const fn beside(self, key: &'static str, word: &'static str) -> Self {
        Self { goes_with: Some((key, word)), ..self }
    }
}

/// A table's keys.
#[derive(Clone, Copy)]
pub(super) struct Table {
    /// What it is, with its article: "a network".
    pub(super) what: &'static str,
    /// Its keys.
    pub(super) keys: &'static [Key],
    /// Exactly one key of each of these groups must be there.
    pub(super) exactly_one: &'static [&'static [&'static str]],
    /// At most one key of each of these groups may be there.
    pub(super) at_most_one: &'static [&'static [&'static str]],
    /// If not empty, at least one of these must be there.
    pub(super) at_least_one: &'static [&'static str],
}

impl Table {
    /// A table with these keys and no rule about which go together.
    pub(super) const fn new(what: &'static str, keys: &'static [Key]) -> Self {
        Self { what, keys, exactly_one: &[], at_most_one: &[], at_least_one: &[] }
    }
}

/// A table with exactly one key, which says what it is.
#[derive(Clone, Copy)]
pub(super) struct Choice<T: 'static> {
    /// What it is, with its article: "an event".
    pub(super) what: &'static str,
    /// The keys to choose from.
    pub(super) cases: &'static [Case<T>],
}

/// A key to choose, and what it means.
#[derive(Clone, Copy)]
pub(super) struct Case<T> {
    kind: T,
    key: Key,
}

impl<T: Copy> Case<T> {
    /// What it means.
    pub(super) fn kind(&self) -> T {
        self.kind
    }
}

/// A key to choose: what it means to `resolve`, its name, what its value looks like, and what it means in a sentence.
pub(super) const fn case<T: Copy>(kind: T, name: &'static str, shape: Shape, doc: &'static str) -> Case<T> {
    Case { kind, key: required(name, shape, doc) }
}

/// A choice, whatever the type of what its keys mean.
pub(super) trait AnyChoice {
    /// What it is, with its article: "an event".
    fn what(&self) -> &'static str;
    /// The key at this place of the list, and what it means.
    fn at(&self, index: usize) -> Option<(&'static Key, &'static dyn Any)>;
}

impl<T: Any> AnyChoice for Choice<T> {
    fn what(&self) -> &'static str {
        self.what
    }

    fn at(&self, index: usize) -> Option<(&'static Key, &'static dyn Any)> {
        self.cases.get(index).map(|Case { kind, key }| (key, kind as &dyn Any))
    }
}

impl dyn AnyChoice {
    /// Its keys, in the grammar's order, each with what it means.
    pub(super) fn cases(&'static self) -> impl Iterator<Item = (&'static Key, &'static dyn Any)> {
        (0..).map_while(|index| self.at(index))
    }

    /// Its keys, in the grammar's order.
    pub(super) fn keys(&'static self) -> impl Iterator<Item = &'static Key> {
        self.cases().map(|(key, _)| key)
    }

    /// The names of its keys.
    pub(super) fn names(&'static self) -> impl Iterator<Item = &'static str> {
        self.keys().map(|key| key.name)
    }
}

/// What makes a `T` of a single value: the meaning of a key such as `slow` or `status`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Makes<T> {
    /// Of a duration, which is more than nothing.
    Duration(fn(Duration) -> T),
    /// Of a duration that may be negative.
    SignedDuration(fn(time::Duration) -> T),
    /// Of an integer that the shape keeps within 16 bits.
    Integer(fn(u16) -> T),
    /// Of an address.
    Address(fn(Ipv4Addr) -> T),
}

/// The candidate nearest to a misspelt word, if one is near enough to be what was meant: a slip of the fingers away, or
/// else much alike, as `password` is to `passphrase`. Nothing is near to what is longer than any word.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let normal = |word: &str| word.to_lowercase().replace(['_', ' '], "-");
    let word = normal(word);
    let candidates: Vec<(&str, String)> =
        candidates.into_iter().filter(|name| name.len() <= LONGEST).map(|name| (name, normal(name))).collect();
    let slip = candidates
        .iter()
        .map(|(candidate, normal)| (strsim::damerau_levenshtein(&word, normal), !normal.starts_with(&word), *candidate))
        .filter(|(distance, _, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, other_beginning, _)| (*distance, *other_beginning))
        .map(|(_, _, candidate)| candidate);
    slip.or_else(|| {
        candidates
            .iter()
            .map(|(candidate, normal)| (strsim::jaro_winkler(&word, normal), *candidate))
            .filter(|(likeness, _)| *likeness >= 0.8)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, candidate)| candidate)
    })
}

/// Names in a sentence: "`a`, `b` or `c`".
pub(super) fn alternatives<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
