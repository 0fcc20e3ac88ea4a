//! Tests of the language from outside, in one program.

mod diagnostics;
mod schema;
