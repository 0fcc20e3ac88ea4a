//! `events.jsonl`: the record.

use super::lines;
use super::{Artifact, Made, Of};

pub(super) const EVENTS: Artifact = Artifact {
    file: "events.jsonl",
    about: "everything that happened, one JSON object a line, in order",
    made: Made::Along(Of::AllAndEach, |file| lines::recorder(file, lines::json)),
};
