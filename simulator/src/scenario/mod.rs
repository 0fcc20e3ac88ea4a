//! The scenario language: from a TOML file to a [`Scenario`] in which nothing is left to check.
//!
//! Three steps, each of which goes on after a mistake so that all of a file's mistakes come out at once:
//!
//! 1. TOML is parsed with the place of every key and value; mistakes in the syntax end it here.
//! 2. `read` reads each value by its shape (`grammar` says which keys there are): types, units, words, keys.
//! 3. `resolve` puts the values together: names, times, secrets, recordings.
//!
//! Keys are kebab-case and unknown ones are mistakes. Tables that are one of several things have the thing as their only
//! key, which keeps the places of mistakes exact. [`schema()`] makes a JSON Schema from the same grammar. What is not
//! judged here: whether a scenario makes sense to run, and whether the firmware could ever fulfil it.

mod diagnostics;
pub mod files;
mod grammar;
pub mod matcher;
pub mod model;
mod read;
mod reference;
mod resolve;
mod schema;
mod shape;
mod tree;
pub mod units;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use diagnostics::{Diagnostic, Diagnostics};
pub use model::Scenario;
pub use reference::reference;
pub use resolve::{OWN_NETWORK, ReadFile};
pub use schema::{schema, schema_text};

impl Scenario {
    /// Reads and checks a scenario file, and the recordings that it names relative to its folder.
    ///
    /// # Errors
    /// All of its mistakes.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        let file = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| {
            Diagnostics::unreadable(&file, format!("could not read the scenario: {}", reason(&error)))
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            Diagnostics::unreadable(&file, format!("could not read the scenario: line {line} is not UTF-8"))
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&file, &text, &|name| std::fs::read_to_string(folder.join(name)).map_err(|error| reason(&error)))
    }

    /// Checks a scenario's text. `file` is what messages call it; `read_file` reads the recordings that it names.
    ///
    /// # Errors
    /// All of its mistakes.
    pub fn parse(file: &str, text: &str, read_file: ReadFile<'_>) -> Result<Self, Diagnostics> {
        let (document, errors) = toml::de::DeTable::parse_recoverable(text);
        let mut mistakes: Vec<Diagnostic> = errors.iter().map(|error| syntax_mistake(text, error)).collect();
        if mistakes.is_empty() {
            let root = read::document(&grammar::FILE, &document, &mut mistakes);
            if let Some(scenario) = resolve::resolve(file, text, &root, read_file, &mut mistakes) {
                return Ok(scenario);
            }
        }
        Err(Diagnostics::new(file, text, mistakes))
    }
}

/// A mistake in TOML's own syntax.
fn syntax_mistake(text: &str, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or(text.len()..text.len());
    Diagnostic::new(format!("this is not TOML: {}", error.message()), span, "here")
}

/// Why a file could not be read, without the operating system's number for it.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}
