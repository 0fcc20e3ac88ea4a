//! The scenario language: from a TOML file to a [`Scenario`] in which nothing is left to check.
//!
//! Four steps, each of which goes on after a mistake so that all of a file's mistakes come out at once:
//!
//! 1. TOML is parsed with the place of every key and value; mistakes in the syntax end it here.
//! 2. `inherit` puts in place what `like` and `[parameters]` stand for.
//! 3. `read` reads each value by its shape (`grammar` says which keys there are): types, units, words, keys.
//! 4. `resolve` puts the values together: names, times, secrets, recordings.
//!
//! Keys are kebab-case and unknown ones are mistakes. Tables that are one of several things have the thing as their
//! only key, which keeps the places of mistakes exact. [`schema()`] makes a JSON Schema from the same grammar. What is
//! not judged here: whether a scenario makes sense to run, and whether the firmware could ever fulfil it.
//!
//! ```
//! use simulator_scenario::Scenario;
//!
//! let text = "title = 'A duck starts'\nduration = '1m'\n[[expect]]\nevent.boot = { couse = 'power-on' }\n";
//! let mistakes = Scenario::parse("duck.toml", text, &|_| Err("it names no file".to_owned())).unwrap_err();
//! assert!(mistakes.render(false).contains("did you mean `cause`?"), "{}", mistakes.render(false));
//!
//! let right = text.replace("couse", "cause");
//! let scenario = Scenario::parse("duck.toml", &right, &|_| Err("it names no file".to_owned()))?;
//! assert_eq!(scenario.expectations[0].text, "boot after `power-on`: at least once");
//! # Ok::<(), simulator_scenario::Diagnostics>(())
//! ```

mod diagnostics;
pub mod files;
mod grammar;
mod inherit;
mod lines;
pub mod matcher;
pub mod model;
mod read;
mod reference;
mod resolve;
mod schema;
mod shape;
mod tree;
pub mod units;
pub mod vocabulary;
pub mod words;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use simulator_world::input::{self, Limit};

pub use diagnostics::{Diagnostic, Diagnostics};
pub use grammar::events::all_of;
pub use model::Scenario;
pub use reference::reference;
pub use resolve::{OWN_NETWORK, ReadFile};
pub use schema::{schema, schema_text};

/// How large a scenario file may be: some 50,000 steps.
const SCENARIO: Limit = Limit(4);
/// How large a recording may be: a reading a minute for two years.
const RECORDING: Limit = Limit(64);

impl Scenario {
    /// Reads and checks a scenario file, and the recordings that it names relative to its folder.
    ///
    /// # Errors
    /// All of its mistakes.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        Self::load_noting(path, &|_, _| ())
    }

    /// The same, and shows `note` each file that is read, with its text: the scenario's own, and those that it names.
    ///
    /// # Errors
    /// All of its mistakes.
    pub fn load_noting(path: &Path, note: &dyn Fn(&Path, &str)) -> Result<Self, Diagnostics> {
        let file = path.display().to_string();
        let unreadable =
            |why: &dyn std::fmt::Display| Diagnostics::unreadable(&file, format!("could not read the scenario: {why}"));
        let text = input::text(path, SCENARIO).map_err(|error| unreadable(&error))?;
        if text.contains('\r') && !text.contains('\n') {
            return Err(unreadable(&"its lines end in CR alone, as on an old Mac; save it with line ends LF or CRLF"));
        }
        note(path, &text);
        let source = |path: &Path, text: &str| model::Source {
            file: path.display().to_string(),
            sha256: Sha256::digest(text).into(),
            text: None,
        };
        let sources = RefCell::new(vec![model::Source { text: Some(text.as_str().into()), ..source(path, &text) }]);
        let folder = path.parent().unwrap_or(Path::new(""));
        let named = |name: &str| {
            let path = folder.join(name);
            let text = input::text(&path, RECORDING).map_err(|error| error.to_string())?;
            note(&path, &text);
            let source = source(&path, &text);
            // A recording with two columns is read twice.
            let mut sources = sources.borrow_mut();
            if !sources.contains(&source) {
                sources.push(source);
            }
            Ok(text)
        };
        let mut scenario = Self::parse(&file, &text, &named)?;
        scenario.sources = sources.into_inner();
        Ok(scenario)
    }

    /// Checks a scenario's text. `file` is what messages call it; `read_file` reads the recordings that it names.
    ///
    /// # Errors
    /// All of its mistakes.
    pub fn parse(file: &str, text: &str, read_file: ReadFile<'_>) -> Result<Self, Diagnostics> {
        inherit::parse(file, text, read_file)
    }

    /// A scenario's text in which everything that `like` and `[parameters]` stand for is in its place, for whoever
    /// changes it further. Comments and the order of keys are gone.
    ///
    /// # Errors
    /// All of its mistakes.
    pub fn flat(file: &str, text: &str, read_file: ReadFile<'_>) -> Result<String, Diagnostics> {
        inherit::flat(file, text, read_file)
    }
}

/// A mistake in TOML's own syntax.
pub(crate) fn syntax_mistake(text: &str, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or(text.len()..text.len());
    Diagnostic::new(format!("this is not TOML: {}", error.message()), span, "here")
}
