//! What a value of a scenario file may look like, as data: the one description that the reader, the JSON Schema and the
//! suggestions are made from, so that they cannot disagree.
//!
//! A [`Shape`] says what a value is by itself: its type, its unit, its keys. Whether values fit together (names that are
//! defined, intervals that end after they begin) is `resolve`'s.

/// What a value may look like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A single value.
    Scalar(Scalar),
    /// One of these words, with their meaning.
    Words(&'static [(&'static str, &'static str)]),
    /// Any number of such values.
    List(&'static Shape),
    /// Exactly two such values: lowest and highest.
    Pair(&'static Shape),
    /// Any keys, all with texts: HTTP headers.
    TextMap,
    /// A table with these keys.
    Table(&'static Table),
    /// A table with exactly one of these keys.
    Choice(&'static Choice),
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
            Self::FieldValue => "a value such as \"21.5 °C\", \"45.6 %\" or \"7\"".to_owned(),
            Self::HardwareAddress => "a hardware address such as \"02:00:00:00:01:00\"".to_owned(),
            Self::Ipv4Address => "an IPv4 address such as \"203.0.113.66\"".to_owned(),
            Self::Regex => "a regular expression".to_owned(),
        }
    }
}

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// As written, kebab-case.
    pub(super) name: &'static str,
    /// What its value looks like.
    pub(super) shape: Shape,
    /// Whether it must be there.
    pub(super) required: bool,
    /// What it means, and its default.
    pub(super) doc: &'static str,
}

/// A key that must be there.
pub(super) const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, required: true, doc }
}

/// A key that may be left out.
pub(super) const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, required: false, doc }
}

/// A table's keys.
#[derive(Clone, Copy, Debug)]
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
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// What it is, with its article: "an event".
    pub(super) what: &'static str,
    /// The keys to choose from.
    pub(super) keys: &'static [Key],
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
