//! `interrupted.txt`: where a case was given up.

use super::{Artifact, Made};

pub(super) const INTERRUPTED: Artifact = Artifact {
    file: "interrupted.txt",
    about: "of a run that was interrupted: where, and that nothing of it was judged",
    made: Made::OfCase(|facts| Ok(facts.given_up.map(str::to_owned))),
};
