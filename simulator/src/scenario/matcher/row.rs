//! What the language can ask of a kind of event: a row of the grammar.

use super::Sentence;
use crate::events::{AnyWord, Kind, Vocabulary};
use crate::scenario::model::PartClass;
use crate::scenario::tree::Node;

/// What the language can ask of a kind of event.
pub(in crate::scenario) struct Row {
    /// The kind.
    pub(in crate::scenario) kind: Kind,
    /// Fields that must have a word, whatever the file says: the kind of part on a pin.
    pub(in crate::scenario) fixed: &'static [Fixed],
    /// What the file may say of fields.
    pub(in crate::scenario) asks: &'static [Ask],
    /// The fields that tell whom an event is about: one about another is no near miss.
    pub(in crate::scenario) identity: &'static [&'static str],
    /// The matcher in words.
    pub(in crate::scenario) says: fn(Sentence<'_>) -> Sentence<'_>,
}

/// A field's name, and the word that it must have.
pub(in crate::scenario) type Fixed = (&'static str, fn() -> AnyWord);

/// Something that a file may say of a field.
pub(in crate::scenario) struct Ask {
    /// The key in the file; empty if it is the whole value of the event.
    pub(in crate::scenario) key: &'static str,
    /// The field's name in the record.
    pub(in crate::scenario) field: &'static str,
    /// How the value in the file is read.
    pub(in crate::scenario) reads: Reads,
}

/// How the value of a key is read, and what of it is checked.
pub(in crate::scenario) enum Reads {
    /// A text that the field must be.
    Exactly(Names),
    /// A part of the field.
    Part,
    /// A text, a part of it or an expression.
    Text,
    /// The same of a line of the serial log.
    Line,
    /// A path, perhaps with a query.
    Path,
    /// A hardware address.
    Bssid,
    /// The number of a pin that the record has.
    Gpio,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// Whether something is on: a word alone, or at `to` in a table.
    Position,
    /// The name of a part of this kind.
    PartName(PartClass),
    /// A word of the record's.
    Word(fn(&Node) -> Option<AnyWord>),
    /// What a field of an entry must be, by its place from 0.
    EntryField(usize),
    /// What a phone did: the other keys of the table.
    Phone,
}

/// Which names a text may be.
pub(in crate::scenario) enum Names {
    /// Any.
    Any,
    /// The networks that the device or a phone can be told to join.
    Joinable,
    /// The world's networks.
    Networks,
    /// The world's networks and the device's own.
    NetworksAndOwn,
    /// The phones.
    Phones,
    /// The faults.
    Faults,
}

/// Reads a word of this vocabulary.
pub(in crate::scenario) const fn word<T: Vocabulary>() -> Reads {
    Reads::Word(|node| node.word::<T>().map(AnyWord::of))
}
