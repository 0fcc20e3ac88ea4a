//! Enums without fields that the record writes as a word: each is declared once, with its words and a sentence for
//! each.
//!
//! The sentence is the variant's doc comment. The scenario language, its schema and reference, the page about events
//! and the reports are made from the declaration.

use std::fmt;

/// A word of the record, its value and a sentence about it.
pub type Row<T> = (&'static str, T, &'static str);

/// An enum whose variants the record writes as words.
pub trait Vocabulary: Copy + Eq + fmt::Debug + fmt::Display + 'static {
    /// All words, in the order in which they are told.
    const ALL: &'static [Row<Self>];

    /// As the record has it.
    fn word(self) -> &'static str;
}

/// Declares an enum without fields with its words; a variant's doc comment is the sentence about its word.
macro_rules! vocabulary {
    (
        $(#[$of_enum:meta])*
        pub enum $name:ident {
            $($(#[doc = $about:literal])+ $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$of_enum])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[doc = $about])+ $variant,)+
        }

        impl $name {
            /// All words, in the order in which they are told.
            pub const ROWS: [$crate::events::Row<Self>; [$($word),+].len()] =
                [$(($word, Self::$variant, concat!($($about),+).trim_ascii())),+];
        }

        impl $crate::events::Vocabulary for $name {
            const ALL: &'static [$crate::events::Row<Self>] = &Self::ROWS;

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        $crate::events::vocabulary::writes_its_word!($name);
    };
}

/// Lets a vocabulary be printed and serialized as its word, and read back.
macro_rules! writes_its_word {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::events::Vocabulary::word(*self))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::events::Vocabulary::word(*self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                let mut rows = <Self as $crate::events::Vocabulary>::ALL.iter();
                let row = rows.find(|(known, ..)| *known == word);
                row.map(|(_, value, _)| *value)
                    .ok_or_else(|| serde::de::Error::custom(format_args!("there is no {} `{word}`", stringify!($name))))
            }
        }
    };
}

pub(crate) use {vocabulary, writes_its_word};
