//! What the language can ask of a kind of event: a row of the grammar.

use simulator_record::events::{AnyWord, Kind, Vocabulary};

use super::Sentence;
use crate::model::PartClass;
use crate::tree::Node;

/// What the language can ask of a kind of event.
pub(crate) struct Row {
    /// The kind.
    pub(crate) kind: Kind,
    /// Fields that must have a word, whatever the file says: the kind of part on a pin.
    pub(crate) fixed: &'static [Fixed],
    /// What the file may say of fields.
    pub(crate) asks: &'static [Ask],
    /// The fields that tell whom an event is about: one about another is no near miss.
    pub(crate) identity: &'static [&'static str],
    /// The matcher in words.
    pub(crate) says: fn(Sentence<'_>) -> Sentence<'_>,
}

/// A field's name, and the word that it must have.
pub(crate) type Fixed = (&'static str, fn() -> AnyWord);

/// Something that a file may say of a field.
pub(crate) struct Ask {
    /// The key in the file; empty if it is the whole value of the event.
    pub(crate) key: &'static str,
    /// The field's name in the record.
    pub(crate) field: &'static str,
    /// How the value in the file is read.
    pub(crate) reads: Reads,
}

/// How the value of a key is read, and what of it is checked.
pub(crate) enum Reads {
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
    /// An address.
    Address,
    /// A number.
    Number,
    /// A number that the field must be above.
    MoreThan,
    /// A temperature that the field, in tenths of a degree Celsius, must be below.
    Below,
    /// One that it must be above.
    Above,
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
pub(crate) enum Names {
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
pub(crate) const fn word<T: Vocabulary>() -> Reads {
    Reads::Word(|node| node.word::<T>().map(AnyWord::of))
}
