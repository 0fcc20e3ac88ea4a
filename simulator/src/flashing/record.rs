//! What is kept of a flashing: `flashed.json`.

use serde::Serialize;

use super::chip::Chip;
use crate::validation::statement::Resource;

/// Which board got what, and on whose word.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Record {
    /// What came of it.
    pub outcome: Outcome,
    /// The serial port, as it was named.
    pub port: String,
    /// What it was written to.
    pub chip: Chip,
    /// What was written, as a statement names it: with digests and offsets.
    pub parts: Vec<Resource>,
    /// Whether the flash was erased before.
    pub erased: bool,
    /// The statement that validates the parts, if there is one.
    pub manifest: Option<Resource>,
    /// Why they were flashed although they are not validated.
    pub unvalidated: Option<Unvalidated>,
    /// How what is in the flash was compared with what was to be written.
    pub verified: Option<&'static str>,
    /// The line that the board said after its reset.
    pub heard: Option<String>,
    /// What wrote it.
    pub esptool: String,
    /// The version of preflash.
    pub preflash: &'static str,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was begun and not ended: what is in the flash does not boot.
    Interrupted,
    /// All was written and compared.
    Written,
    /// And the board said what was waited for.
    Started,
    /// The board did not say what was waited for.
    NotHeard,
}

/// What went past the gate.
#[derive(Clone, Debug, Serialize)]
pub struct Unvalidated {
    /// The user's reason.
    pub reason: String,
    /// What is missing for a validation.
    pub missing: Vec<String>,
}

impl Record {
    /// As text: indented, with a final newline.
    pub fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("a record is plain data");
        text + "\n"
    }
}
