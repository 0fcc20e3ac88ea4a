//! `inputs.json`: what the case was made of, for `preflash replay`.

use serde::{Deserialize, Serialize};

use super::{Artifact, Made};

pub(super) const INPUTS: Artifact = Artifact {
    file: "inputs.json",
    about: "what it was run from: the version of preflash, the scenario's text and seed, and the SHA-256 of each file that took part; `preflash replay` compares",
    made: Made::OfCase(|facts| {
        let mut text = serde_json::to_string_pretty(facts.inputs).expect("inputs are plain data");
        text.push('\n');
        Ok(Some(text))
    }),
};

/// What a case was run from.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub struct Inputs {
    /// The version of preflash.
    pub version: String,
    /// The scenario's file as it was named.
    pub scenario: String,
    /// Its text.
    pub text: String,
    /// The seed.
    pub seed: u64,
    /// Whether it was one of several seeds, which stand in the case's name and folder.
    #[serde(default)]
    pub seed_named: bool,
    /// The scenario's own file, recordings, images.
    pub files: Vec<InputFile>,
}

/// A file that took part.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub struct InputFile {
    /// Its path.
    pub file: String,
    /// SHA-256 of what was in it, in hexadecimal digits; none if it could not be read.
    pub sha256: Option<String>,
}
