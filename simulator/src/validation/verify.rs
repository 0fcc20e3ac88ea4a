//! Whether an image is the one that a statement validates.

use std::fmt;

use super::policy::{Policy, Warnings, covers};
use super::statement::{Resource, Statement, Verdict};

/// Why an image is not validated by a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A part has other bytes.
    Changed {
        /// Its name in the image.
        part: String,
        /// Where it lies.
        offset: u32,
    },
    /// A part lies elsewhere.
    Moved {
        /// Its name in the image.
        part: String,
        /// Where it lies.
        offset: u32,
        /// Where it was validated.
        validated: u32,
    },
    /// A part that the statement does not know.
    Unknown {
        /// Its name.
        part: String,
        /// Where it lies.
        offset: u32,
    },
    /// A part that the image does not have.
    Absent {
        /// Its name in the statement.
        part: String,
        /// Where it was validated.
        offset: u32,
    },
    /// A case failed, or was not run.
    Failed(String),
    /// A case passed, and touched what is not modelled; the policy refuses that.
    Warned(String),
    /// The policy wants a scenario that was not run.
    Required(String),
    /// A scenario, or a file that it names, is another one now.
    Outdated(String),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { part, offset } => {
                write!(f, "{part} at {offset:#07x} has other bytes than those that were validated")
            }
            Self::Moved { part, offset, validated } => {
                write!(f, "{part} lies at {offset:#07x}, and was validated at {validated:#07x}")
            }
            Self::Unknown { part, offset } => write!(f, "{part} at {offset:#07x} was not there when it was validated"),
            Self::Absent { part, offset } => write!(f, "{part} is missing, which was validated at {offset:#07x}"),
            Self::Failed(case) => write!(f, "{case} failed, or was not run to its end"),
            Self::Warned(case) => write!(f, "{case} touched something that is not modelled, which the policy refuses"),
            Self::Required(what) => write!(f, "{what} was not run, and the policy requires it"),
            Self::Outdated(file) => write!(f, "{file} has been changed since: validate again"),
        }
    }
}

/// What keeps an image with these parts from being validated by a statement; empty if it is. `now` gives the digest of
/// a file as it is now, if there is such a file.
pub fn missing(
    parts: &[Resource],
    statement: &Statement,
    policy: &Policy,
    now: impl Fn(&str) -> Option<String>,
) -> Vec<Missing> {
    let mut missing = different(parts, &statement.subject);
    let result = &statement.predicate;
    missing.extend(result.failed_tests.iter().cloned().map(Missing::Failed));
    if result.result == Verdict::Failed && result.failed_tests.is_empty() {
        missing.push(Missing::Failed("the run as a whole".to_owned()));
    }
    if policy.warnings == Warnings::Refuse {
        missing.extend(result.warned_tests.iter().cloned().map(Missing::Warned));
    }
    let scenarios = || result.configuration.iter().filter(|resource| resource.annotations.contains_key(super::SEEDS));
    let passed: Vec<&String> = result.passed_tests.iter().chain(&result.warned_tests).collect();
    // A case's name is its scenario's, and perhaps a seed behind a comma.
    let is_run = |name: &str| passed.iter().any(|case| case.split(", seed ").next() == Some(name));
    for required in &policy.require {
        if !scenarios().any(|scenario| covers(required, &scenario.name) && is_run(&scenario.name)) {
            missing.push(Missing::Required(required.clone()));
        }
    }
    let is_file = |resource: &&Resource| {
        [super::SEEDS, super::NAMED_BY].iter().any(|annotation| resource.annotations.contains_key(*annotation))
    };
    for file in result.configuration.iter().filter(is_file) {
        if now(&file.name).is_some_and(|digest| file.sha256() != Some(&digest)) {
            missing.push(Missing::Outdated(file.name.clone()));
        }
    }
    missing
}

/// How the parts of an image differ from those that were validated.
fn different(parts: &[Resource], validated: &[Resource]) -> Vec<Missing> {
    let mut missing = Vec::new();
    for part in parts {
        let Some(offset) = part.offset() else { continue };
        let name = part.name.clone();
        if let Some(known) = validated.iter().find(|known| known.offset() == Some(offset)) {
            if known.sha256() != part.sha256() {
                missing.push(Missing::Changed { part: name, offset });
            }
            continue;
        }
        let elsewhere = validated.iter().find(|known| known.sha256() == part.sha256());
        missing.push(match elsewhere.and_then(Resource::offset) {
            Some(validated) => Missing::Moved { part: name, offset, validated },
            None => Missing::Unknown { part: name, offset },
        });
    }
    for known in validated {
        let Some(offset) = known.offset() else { continue };
        let is_there = |part: &Resource| part.offset() == Some(offset) || part.sha256() == known.sha256();
        if !parts.iter().any(is_there) {
            missing.push(Missing::Absent { part: known.name.clone(), offset });
        }
    }
    missing
}
