//! How a kind of event is declared: a type with its fields, each with a sentence.
//!
//! `docs/events.md` is made from the declarations, and matchers of the scenario language find an event's fields by name
//! in them. A field's [`Value`] keeps its type, so that nothing is compared as text that is none.

use std::any::TypeId;
use std::fmt::Debug;

use super::{PhoneEvent, Vocabulary};

/// A kind of event.
pub trait Declared: Sized + 'static {
    /// What happened, in a sentence or two.
    const ABOUT: &'static str;
    /// Its fields, in the order in which they are written.
    const FIELDS: &'static [FieldOf<Self>];
}

/// A field of a kind of event.
pub struct FieldOf<E> {
    /// Its name in Rust; the record has hyphens in it.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// The words that it may have, each with a sentence; none if it is no vocabulary.
    pub words: fn() -> Vec<(&'static str, &'static str)>,
    /// Its value in an event.
    pub value: for<'e> fn(&'e E) -> Value<'e>,
}

/// A field's value, for comparisons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'e> {
    /// There is none.
    Absent,
    /// A text.
    Text(&'e str),
    /// A number.
    Number(i64),
    /// An address.
    Address(std::net::Ipv4Addr),
    /// Yes or no.
    Flag(bool),
    /// A word of a vocabulary.
    Word(AnyWord),
    /// Several texts, some of them absent.
    Texts(&'e [Option<String>]),
    /// What a phone did.
    Phone(&'e PhoneEvent),
    /// Something that nothing is compared with.
    Other,
}

/// A word of any vocabulary: equal only to the same word of the same one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AnyWord {
    vocabulary: TypeId,
    place: usize,
    text: &'static str,
}

impl AnyWord {
    /// The word of a value.
    pub fn of<T: Vocabulary>(value: T) -> Self {
        let place = T::ALL.iter().position(|(_, other, _)| *other == value).unwrap_or(T::ALL.len());
        Self { vocabulary: TypeId::of::<T>(), place, text: value.word() }
    }

    /// As the record has it.
    pub fn text(self) -> &'static str {
        self.text
    }
}

impl Debug for AnyWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text)
    }
}

/// A type that a field may have.
pub trait Field {
    /// The words that it may have, each with a sentence.
    fn words() -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    /// Its value.
    fn value(&self) -> Value<'_> {
        Value::Other
    }
}

impl<T: Vocabulary> Field for T {
    fn words() -> Vec<(&'static str, &'static str)> {
        T::ALL.iter().map(|(word, _, about)| (*word, *about)).collect()
    }

    fn value(&self) -> Value<'_> {
        Value::Word(AnyWord::of(*self))
    }
}

impl<T: Field> Field for Option<T> {
    fn words() -> Vec<(&'static str, &'static str)> {
        T::words()
    }

    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Absent, T::value)
    }
}

/// Gives types of fields their values.
macro_rules! values {
    ($($type:ty: $field:ident => $value:expr;)+) => {
        $(impl Field for $type {
            fn value(&self) -> Value<'_> {
                let $field = self;
                $value
            }
        })+
    };
}

values! {
    String: text => Value::Text(text);
    std::sync::Arc<str>: text => Value::Text(text);
    std::borrow::Cow<'static, str>: text => Value::Text(text);
    bool: flag => Value::Flag(*flag);
    u8: number => Value::Number((*number).into());
    u16: number => Value::Number((*number).into());
    u32: number => Value::Number((*number).into());
    i32: number => Value::Number((*number).into());
    i64: number => Value::Number(*number);
    u64: number => i64::try_from(*number).map_or(Value::Other, Value::Number);
    [Option<String>; 8]: texts => Value::Texts(texts);
    std::net::Ipv4Addr: address => Value::Address(*address);
    PhoneEvent: what => Value::Phone(what);
}

/// Types of fields that nothing is compared with.
macro_rules! others {
    ($($type:ty),+ $(,)?) => {
        $(impl Field for $type {})+
    };
}

others!(
    crate::time::Instant,
    std::net::SocketAddrV4,
    super::Hexadecimal,
    Vec<u32>,
    Vec<std::net::Ipv4Addr>,
    Vec<(String, String)>,
    Box<super::CrashReport>,
);

/// Declares a kind of event. The doc comments are what the page about events says of it and of its fields.
macro_rules! event {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $($(#[doc = $of_field:literal])+ $(#[serde($($attribute:tt)*)])? $field:ident: $type:ty,)*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub struct $name {
            $($(#[doc = $of_field])+ $(#[serde($($attribute)*)])? pub $field: $type,)*
        }

        impl $crate::events::Declared for $name {
            const ABOUT: &'static str = concat!($($about),+).trim_ascii();
            const FIELDS: &'static [$crate::events::FieldOf<Self>] = &[$($crate::events::FieldOf {
                name: stringify!($field),
                about: concat!($($of_field),+).trim_ascii(),
                words: <$type as $crate::events::Field>::words,
                value: |event| $crate::events::Field::value(&event.$field),
            }),*];
        }

        impl From<$name> for $crate::events::EventKind {
            fn from(event: $name) -> Self {
                Self::$name(event)
            }
        }
    };
}

pub(crate) use event;
