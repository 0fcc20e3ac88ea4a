//! The files that a run leaves in its folder: each has a file of its own here, and a row in [`ARTIFACTS`].
//!
//! A row says what the file is called, what is in it (the page about events has that), and how it is made: event by event
//! while a run goes on, of a run that is over, or of a whole case.

mod chip;
mod comparison;
mod events;
mod http;
mod interrupted;
mod lines;
mod reproduce;
mod serial;

use std::fs::File;
use std::io;
use std::path::Path;

use crate::recorder::Recorder;
use crate::run::{Results, Run};

/// A file that a run leaves in its folder.
pub struct Artifact {
    /// Its name.
    pub file: &'static str,
    /// What is in it, for the table of the page about events.
    pub about: &'static str,
    made: Made,
}

/// How a file is made.
#[derive(Clone, Copy)]
enum Made {
    /// Of each run, while it goes on.
    Along(fn(File) -> Box<dyn Recorder>),
    /// Of each run, once it is over; none if there is nothing to say.
    OfRun(fn(&Run) -> Option<String>),
    /// Of the case; none if there is nothing to say.
    OfCase(fn(&CaseFacts<'_>) -> Option<String>),
}

/// What is known of a case once it is over, or was given up.
pub(super) struct CaseFacts<'c> {
    /// The command that runs it again.
    pub(super) command: &'c str,
    /// What came of it.
    pub(super) results: &'c Results,
    /// Where and when it was given up, in words, if it was.
    pub(super) given_up: Option<&'c str>,
}

/// All of them.
pub const ARTIFACTS: &[Artifact] = &[
    serial::SERIAL,
    events::EVENTS,
    http::HTTP,
    reproduce::REPRODUCE,
    comparison::COMPARISON,
    chip::CHIP,
    interrupted::INTERRUPTED,
];

/// The file with all events of a run.
pub(super) const EVENTS: &str = events::EVENTS.file;

/// Opens in a run's folder what is written while the run goes on.
pub(super) fn recorder(folder: &Path) -> io::Result<Vec<Box<dyn Recorder>>> {
    let along = ARTIFACTS.iter().filter_map(|artifact| match artifact.made {
        Made::Along(open) => Some(File::create(folder.join(artifact.file)).map(open)),
        Made::OfRun(_) | Made::OfCase(_) => None,
    });
    along.collect()
}

/// Writes into a run's folder what is made of it once it is over.
pub(super) fn write_run(folder: &Path, run: &Run) -> io::Result<()> {
    for Artifact { file, made, .. } in ARTIFACTS {
        if let Made::OfRun(text) = made
            && let Some(text) = text(run)
        {
            std::fs::write(folder.join(file), text)?;
        }
    }
    Ok(())
}

/// Writes into a case's folder what is made of the case.
pub(super) fn write_case(folder: &Path, facts: &CaseFacts<'_>) -> io::Result<()> {
    for Artifact { file, made, .. } in ARTIFACTS {
        if let Made::OfCase(text) = made
            && let Some(text) = text(facts)
        {
            std::fs::write(folder.join(file), text)?;
        }
    }
    Ok(())
}
