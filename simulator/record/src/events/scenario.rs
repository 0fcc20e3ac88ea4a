//! What the scenario does to the world: its faults and its timeline.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::declare::{Field, Value, event};
use crate::time::Instant;

event! {
    /// A fault began, ended or did something.
    pub struct Fault {
        /// The fault's name.
        rule: String,
        /// `begins`, `ends`, or what it did, in words.
        action: FaultAction,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault `{}`: {}", self.rule, self.action)
    }
}

/// What became of a fault, or what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultAction {
    /// It is in force from now on.
    Begins,
    /// It is in force no more.
    Ends,
    /// It did something, in words.
    Did(String),
}

impl FaultAction {
    const BEGINS: &str = "begins";
    const ENDS: &str = "ends";

    /// Whether it begins or ends, and does nothing by that.
    pub fn is_boundary(&self) -> bool {
        matches!(self, Self::Begins | Self::Ends)
    }

    /// As the record has it.
    pub fn text(&self) -> &str {
        match self {
            Self::Begins => Self::BEGINS,
            Self::Ends => Self::ENDS,
            Self::Did(what) => what,
        }
    }
}

/// As the record has it.
impl From<String> for FaultAction {
    fn from(text: String) -> Self {
        match text.as_str() {
            Self::BEGINS => Self::Begins,
            Self::ENDS => Self::Ends,
            _ => Self::Did(text),
        }
    }
}

impl fmt::Display for FaultAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Serialize for FaultAction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for FaultAction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl Field for FaultAction {
    fn value(&self) -> Value<'_> {
        Value::Text(self.text())
    }
}

/// The faults that are in force, as events tell in their order. One that began twice is so until it has ended twice.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    /// When each of them began, the earliest first.
    begun: BTreeMap<String, Vec<Instant>>,
}

impl InForce {
    /// The next event of a fault. If it is in force no more, gives since when it was.
    pub fn see(&mut self, at: Instant, fault: &Fault) -> Option<Instant> {
        match fault.action {
            FaultAction::Begins => self.begun.entry(fault.rule.clone()).or_default().push(at),
            FaultAction::Ends => {
                let times = self.begun.get_mut(&fault.rule)?;
                if times.len() == 1 {
                    return self.begun.remove(&fault.rule)?.first().copied();
                }
                times.pop();
            }
            FaultAction::Did(_) => {}
        }
        None
    }

    /// Whether a fault is in force.
    pub fn has(&self, rule: &str) -> bool {
        self.begun.contains_key(rule)
    }

    /// All of them by their beginning, and since when.
    pub fn all(&self) -> Vec<(&str, Instant)> {
        let begun = self.begun.iter().filter_map(|(rule, times)| Some((rule.as_str(), *times.first()?)));
        let mut all: Vec<_> = begun.collect();
        all.sort_by_key(|(_, at)| *at);
        all
    }
}

event! {
    /// The timeline or a person changed something about the device.
    pub struct Step {
        /// What, in words.
        action: String,
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step: {}", self.action)
    }
}
