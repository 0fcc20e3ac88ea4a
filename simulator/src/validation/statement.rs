//! The form of a statement: an in-toto Statement v1 with the predicate test-result v0.1.
//!
//! Sources: the in-toto Attestation Framework (spec/v1: `statement.md`, `resource_descriptor.md`; spec/predicates:
//! `test-result.md`). `simulator/schema/validated.schema.json` is its JSON Schema.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sha256;

/// `_type` of a statement.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// `predicateType`.
pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// What is said of which bytes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// The parts that are written to a flash, and the program that has their names.
    pub subject: Vec<Resource>,
    predicate_type: String,
    /// What is said.
    pub predicate: TestResult,
}

/// Something that is named, and its digest.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Resource {
    /// Its name: a file's, without folders above those that the user named.
    pub name: String,
    /// Digests by algorithm; `sha256` is the one that counts here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
    /// What else is known of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, Value>,
}

/// What came of tests.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// All of it in one word.
    pub result: Verdict,
    /// The program, the scenarios, the flash.
    pub configuration: Vec<Resource>,
    /// Cases that passed.
    #[serde(default)]
    pub passed_tests: Vec<String>,
    /// Cases that passed, and touched something that is not modelled.
    #[serde(default)]
    pub warned_tests: Vec<String>,
    /// Cases that failed, or were not run.
    #[serde(default)]
    pub failed_tests: Vec<String>,
    /// What is not modelled and was touched, by case. It is no field of the predicate; readers skip what they do not
    /// know.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_modelled: BTreeMap<String, Vec<String>>,
}

/// What came of all tests together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// All passed, and nothing was touched that is not modelled.
    Passed,
    /// All passed.
    Warned,
    /// One failed, or was not run.
    #[default]
    Failed,
}

/// Why a text is no statement of ours.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// It is no JSON, or has another form.
    #[error("it is no test-result statement: {0}")]
    Form(#[from] serde_json::Error),
    /// It is a statement of another kind.
    #[error("its {field} is {found:?}, and {expected:?} is expected")]
    Kind {
        /// Which of the two.
        field: &'static str,
        /// What it says.
        found: String,
        /// What it should.
        expected: &'static str,
    },
    /// It says nothing of any part of a flash.
    #[error("its subjects do not say a SHA-256 each, and a flash-offset those that are written")]
    NoSubjects,
}

impl Statement {
    /// A statement of what tests came to.
    pub fn new(subject: Vec<Resource>, predicate: TestResult) -> Self {
        Self { kind: STATEMENT.to_owned(), subject, predicate_type: TEST_RESULT.to_owned(), predicate }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`StatementError`] if it is none, or none of this kind.
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let statement: Self = serde_json::from_str(text)?;
        for (field, found, expected) in
            [("_type", &statement.kind, STATEMENT), ("predicateType", &statement.predicate_type, TEST_RESULT)]
        {
            if found != expected {
                return Err(StatementError::Kind { field, found: found.clone(), expected });
            }
        }
        // An offset that is no number is not one that is not there.
        let is_sound = |subject: &Resource| {
            subject.sha256().is_some()
                && (subject.offset().is_some() || !subject.annotations.contains_key(super::OFFSET))
        };
        let has_parts = statement.subject.iter().any(|subject| subject.offset().is_some());
        if !has_parts || !statement.subject.iter().all(is_sound) {
            return Err(StatementError::NoSubjects);
        }
        Ok(statement)
    }

    /// As text: indented, with a final newline.
    pub fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("a statement is plain data");
        text + "\n"
    }
}

impl Resource {
    /// Something without a digest.
    pub fn named(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    /// Something that consists of these bytes.
    pub fn of(name: String, bytes: &[u8]) -> Self {
        Self { digest: BTreeMap::from([("sha256".to_owned(), sha256(bytes))]), ..Self::named(name) }
    }

    /// The same with one more thing that is known of it.
    #[must_use]
    pub fn with(mut self, annotation: &str, value: Value) -> Self {
        self.annotations.insert(annotation.to_owned(), value);
        self
    }

    /// Its SHA-256 in hexadecimal digits.
    pub fn sha256(&self) -> Option<&str> {
        self.digest.get("sha256").map(String::as_str)
    }

    /// Where it is written in the flash.
    pub fn offset(&self) -> Option<u32> {
        let text = self.annotations.get(super::OFFSET)?.as_str()?;
        u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
    }
}
