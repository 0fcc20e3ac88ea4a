//! The record of a run as it lies in its folder: `events.jsonl`, read back event by event.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use simulator_record::events::Event;

use super::artifacts::EVENTS;

/// How many folders a message names.
const NAMED: usize = 6;

fn instead(inside: &[String]) -> String {
    match inside {
        [] => "name the folder that a run of a scenario has left, such as target/preflash/my".to_owned(),
        [only] => format!("there is one in {only}"),
        several => {
            let more = if several.len() > NAMED { " …" } else { "" };
            format!("there are several inside; name one of {}{more}", several[..several.len().min(NAMED)].join(", "))
        }
    }
}

/// A record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file.
    #[error("could not read {path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder has none.
    #[error("there is no {EVENTS} in {folder}: {}", instead(inside), folder = folder.display())]
    NoRecord {
        /// Which.
        folder: PathBuf,
        /// The folders inside that have one.
        inside: Vec<String>,
    },
    /// A line of it, which another version may have written.
    #[error("could not read {path}:{line}: {reason}; it is no event that this version of preflash writes", path = path.display())]
    Line {
        /// Of which file.
        path: PathBuf,
        /// Which, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
}

/// The record in a folder that a run has left.
///
/// # Errors
/// If there is none, with the folders inside that have one.
pub fn in_folder(folder: &Path) -> Result<PathBuf, RecordError> {
    let record = folder.join(EVENTS);
    if record.is_file() {
        return Ok(record);
    }
    let entries = std::fs::read_dir(folder).map_err(|source| RecordError::File { path: folder.to_owned(), source })?;
    let inside = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.join(EVENTS).is_file());
    let mut inside: Vec<String> = inside.map(|path| path.display().to_string()).collect();
    inside.sort();
    Err(RecordError::NoRecord { folder: folder.to_owned(), inside })
}

/// Reads a record, one event after the other, in order. It is never in memory as a whole.
///
/// # Errors
/// If there is no such file; and in the place of an event, if the rest cannot be read.
pub fn read(path: &Path) -> Result<impl Iterator<Item = Result<Event, RecordError>> + use<>, RecordError> {
    let path = path.to_owned();
    let file = File::open(&path).map_err(|source| RecordError::File { path: path.clone(), source })?;
    let lines = BufReader::new(file).lines().enumerate();
    Ok(lines.map(move |(index, line)| {
        let line = line.map_err(|source| RecordError::File { path: path.clone(), source })?;
        serde_json::from_str(&line).map_err(|error| RecordError::Line {
            path: path.clone(),
            line: index + 1,
            reason: error.to_string(),
        })
    }))
}
