//! What an image must have passed to be flashed, in a TOML file.
//!
//! ```toml
//! require = ["scenarios/setup", "scenarios/power/brown-out.toml"]
//! warnings = "refuse"
//! ```

use serde::Deserialize;

/// A policy. Without one, an image must have passed whatever it was run with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policy {
    /// Scenario files that must be among what passed, or folders of which at least one file must.
    #[serde(default)]
    pub require: Vec<String>,
    /// Whether what passed and touched something that is not modelled is enough.
    #[serde(default)]
    pub warnings: Warnings,
}

/// What warnings are worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Warnings {
    /// They are told, and the image is validated.
    #[default]
    Allow,
    /// The image is not.
    Refuse,
}

impl Policy {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// Whether `name` is the file `required`, or lies below the folder of that name.
pub(super) fn covers(required: &str, name: &str) -> bool {
    let plain = |text: &str| text.trim_start_matches("./").trim_end_matches('/').to_owned();
    let (required, name) = (plain(required), plain(name));
    name == required || name.strip_prefix(&required).is_some_and(|rest| rest.starts_with('/'))
}
