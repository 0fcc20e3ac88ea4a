//! What the scenario does to the world: its faults and its timeline.

use std::fmt;

use super::declare::event;

event! {
    /// A fault began, ended or did something.
    pub struct Fault {
        /// The fault's name.
        rule: String,
        /// `begins`, `ends`, or what it did, in words.
        action: String,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault `{}`: {}", self.rule, self.action)
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
