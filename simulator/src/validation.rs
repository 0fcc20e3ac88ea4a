//! Which image has passed which scenarios, as a statement that others can check.
//!
//! `preflash validate` makes a [`Statement`] of a run, and `preflash verify` and `preflash flash` hold an image against
//! one. What counts are the bytes that are written to the flash, part by part with their offsets: an image that differs
//! in one bit is another image. A statement names no clock, host or folder, so that the same image, scenarios, seeds
//! and program give the same bytes.

pub mod policy;
pub mod statement;
pub mod summary;
pub mod verify;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use simulator_world::device::esp8266::Contents;

use crate::report::{CaseReport, Session};
use statement::{Resource, Statement, TestResult, Verdict};

/// The annotation of a subject that says where it is written, such as `0x10000`.
pub const OFFSET: &str = "flash-offset";
/// The annotation of a subject that is not written: what it is.
const FORMAT: &str = "format";
/// The annotation of a scenario that says with which seeds it was run.
const SEEDS: &str = "seeds";
/// The annotation of a file that a scenario names, which says of which scenario.
const NAMED_BY: &str = "named-by";

/// What a run was made with, beside the image.
#[derive(Debug)]
pub struct Made<'a> {
    /// Bytes of the program that ran the scenarios.
    pub program: &'a [u8],
    /// Scenarios by the names that reports use.
    pub scenarios: BTreeMap<String, Files>,
}

/// The files of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Its own text.
    pub text: String,
    /// The files that it names, by their paths, with what they hold.
    pub named: BTreeMap<String, String>,
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The parts that are written to a flash, as subjects of a statement.
pub fn subjects(contents: &Contents) -> Vec<Resource> {
    let subject = |part: &simulator_world::device::esp8266::FlashPart| {
        Resource::of(file_name(&part.name), &part.bytes).with(OFFSET, Value::from(format!("{:#07x}", part.offset)))
    };
    contents.parts().iter().map(subject).collect()
}

/// The ELF file that has the program's names: a subject that is written to no flash, and says so by having no offset.
fn program(contents: &Contents) -> Option<Resource> {
    contents.elf().map(|(name, bytes)| Resource::of(file_name(name), bytes).with(FORMAT, Value::from("elf")))
}

/// A path's last part.
fn file_name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

/// What a session in which the image ran whole says of it.
pub fn state(contents: &Contents, session: &Session, made: &Made<'_>) -> Statement {
    let mut configuration = vec![
        Resource::of("preflash".to_owned(), made.program).with("version", Value::from(env!("CARGO_PKG_VERSION"))),
        Resource::named("flash".to_owned()).with("bytes", Value::from(contents.size())),
    ];
    for (name, Files { text, named }) in &made.scenarios {
        let seeds: Vec<u64> = session.reports.iter().filter(|case| case.file == *name).map(|case| case.seed).collect();
        configuration.push(Resource::of(name.clone(), text.as_bytes()).with(SEEDS, Value::from(seeds)));
        let by = Value::from(name.as_str());
        let named = named.iter().map(|(file, text)| Resource::of(file.clone(), text.as_bytes()));
        configuration.extend(named.map(|file| file.with(NAMED_BY, by.clone())));
    }
    let mut result = TestResult { configuration, ..TestResult::default() };
    for case in &session.reports {
        let touched = not_modelled(case);
        let tests = match (case.passed(), touched.is_empty()) {
            (false, _) => &mut result.failed_tests,
            (true, false) => &mut result.warned_tests,
            (true, true) => &mut result.passed_tests,
        };
        tests.push(case.name.clone());
        if !touched.is_empty() {
            result.not_modelled.insert(case.name.clone(), touched);
        }
    }
    // What was not run has not passed.
    result.failed_tests.extend(session.not_run.iter().map(|case| case.name.clone()));
    result.result = if !result.failed_tests.is_empty() {
        Verdict::Failed
    } else if result.warned_tests.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Warned
    };
    Statement::new(subjects(contents).into_iter().chain(program(contents)).collect(), result)
}

/// What a case touched that is not modelled, by name, each once.
fn not_modelled(case: &CaseReport) -> Vec<String> {
    let accesses = case.coverage.iter().flat_map(|coverage| &coverage.not_modelled);
    let mut names: Vec<String> =
        accesses.map(|access| format!("{} of {} ({})", access.access, access.address, access.name)).collect();
    names.sort();
    names.dedup();
    names
}
