//! `http.jsonl`: the requests that servers of the internet had.

use simulator_record::events::EventKind;

use super::lines;
use super::{Artifact, Made, Of};

pub(super) const HTTP: Artifact = Artifact {
    file: "http.jsonl",
    about: "the lines of `events.jsonl` whose `event` is `http`",
    made: Made::Along(Of::All, |file| {
        lines::recorder(file, |event, file| match event.kind {
            EventKind::Http(_) => lines::json(event, file),
            _ => Ok(()),
        })
    }),
};
