//! `reproduce.txt`: how to see the same again.

use super::{Artifact, Made};

pub(super) const REPRODUCE: Artifact = Artifact {
    file: "reproduce.txt",
    about: "the command that runs it again",
    made: Made::OfCase(|facts| Ok(Some(format!("{}\n", facts.command)))),
};
