//! `events.jsonl`: the record.

use super::lines;
use super::{Artifact, Made};

pub(super) const EVENTS: Artifact = Artifact {
    file: "events.jsonl",
    about: "everything that happened, one JSON object a line, in order",
    made: Made::Along(|file| lines::recorder(file, lines::json)),
};
