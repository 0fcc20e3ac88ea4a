//! Enums whose variants have a word in files, orders and pages: each is declared in one place with its word and a
//! sentence.

/// Declares an enum without fields whose variants each have a word and a sentence, and with it `ALL`, `word`, `about`
/// and `row`.
#[macro_export]
macro_rules! vocabulary {
    (
        $(#[$of_enum:meta])*
        pub enum $name:ident {
            $($(#[$of_variant:meta])* $variant:ident: $word:literal, $about:literal;)+
        }
    ) => {
        $(#[$of_enum])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$of_variant])* $variant,)+
        }

        impl $name {
            /// All of them, in the order in which they are told.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// As files, orders and pages have it.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What it is, in a sentence.
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$variant => $about,)+
                }
            }

            /// Its word, itself and its sentence: a row of a list of words.
            pub const fn row(self) -> (&'static str, Self, &'static str) {
                (self.word(), self, self.about())
            }
        }
    };
}
