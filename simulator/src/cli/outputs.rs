//! The files of a whole run: tried before the run, written whole after it.
//!
//! What an earlier run left in their place goes before the run, so that it cannot be taken for this run's. What
//! somebody else keeps there is not preflash's to replace: a scenario behind `--junit` by a slip of the hand stays as
//! it is. A device or a pipe is written to and left in its place.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use simulator_world::input::{self, Kind};

use super::whole;
use crate::validation::statement;

/// How a list of failing seeds begins.
pub(super) const FAILING: &str = "# Seeds that failed";
/// How much of a file tells what it is.
const HEAD: u64 = 1024;

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write {path}: {reason}", path = path.display())]
pub(super) struct OutputError {
    path: PathBuf,
    reason: String,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// `summary.json`.
    Summary,
    /// `index.html`.
    Index,
    /// The JUnit report.
    Junit,
    /// A statement of what has passed.
    Statement,
    /// A verification summary.
    Vsa,
    /// What was put on a board.
    Flashed,
    /// What came of many seeds.
    Sweep,
    /// Seeds that failed.
    Failing,
}

/// A file to write once the run is over.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    /// Where it is in truth: a link's end.
    place: PathBuf,
    /// Whether it is a device or a pipe, which nothing may take the place of.
    stream: bool,
}

impl Output {
    /// Finds out whether a file of that content may stand there; nothing is touched.
    pub(super) fn new(path: PathBuf, content: Content) -> Result<Self, OutputError> {
        let place = path.canonicalize().unwrap_or_else(|_| path.clone());
        let there = fs::metadata(&place).ok();
        let kind = there.as_ref().and_then(input::kind);
        let stream = matches!(kind, Some(Kind::Pipe | Kind::Device));
        let output = Self { path, place, stream };
        match (kind, there) {
            (Some(kind @ (Kind::Folder | Kind::Socket)), _) => Err(output.refused(&format!("it is {kind}"))),
            (Some(Kind::Pipe | Kind::Device), _) | (None, None) => Ok(output),
            (None, Some(there)) => match content.is_in(&output.place, &there) {
                Ok(true) => Ok(output),
                Ok(false) => Err(output.refused(&format!(
                    "what is there is no {content} and not replaced; name another file, or remove it"
                ))),
                Err(error) => Err(output.failed(&error)),
            },
        }
    }

    /// Makes the folders above it and sees whether it can be written; the file itself stays as it is.
    pub(super) fn prepare(&mut self) -> Result<(), OutputError> {
        if self.stream {
            return Ok(());
        }
        let attempt = || {
            let folder = match self.place.parent() {
                Some(folder) if folder != Path::new("") => folder,
                _ => Path::new("."),
            };
            fs::create_dir_all(folder)?;
            whole::draft(&self.place, "")?.close()?;
            folder.canonicalize()
        };
        let folder = attempt().map_err(|error| self.failed(&error))?;
        self.place = folder.join(self.place.file_name().unwrap_or_default());
        Ok(())
    }

    /// Refuses to be the same file as another one; both are prepared.
    pub(super) fn is_not(&self, other: &Self) -> Result<(), OutputError> {
        if self.place == other.place && !self.stream {
            return Err(self.refused("another file of the run stands there; name another one"));
        }
        Ok(())
    }

    /// Removes what an earlier run left there.
    pub(super) fn clear(&self) -> Result<(), OutputError> {
        if self.stream {
            return Ok(());
        }
        match fs::remove_file(&self.place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed(&error)),
            _ => Ok(()),
        }
    }

    /// Writes the file whole.
    pub(super) fn write(&self, text: &str) -> Result<(), OutputError> {
        if self.stream {
            return open_stream(&self.place)
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(|error| self.failed(&error));
        }
        let written = whole::draft(&self.place, text).and_then(|draft| Ok(draft.persist(&self.place)?));
        written.map(drop).map_err(|error| self.failed(&error))
    }

    fn refused(&self, reason: &str) -> OutputError {
        OutputError { path: self.path.clone(), reason: reason.to_owned() }
    }

    fn failed(&self, error: &io::Error) -> OutputError {
        self.refused(&match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                format!("{} is no folder", in_the_way(&self.path).display())
            }
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        })
    }
}

impl Content {
    /// Whether a file is empty or begins as preflash begins a file of this content.
    fn is_in(self, file: &Path, there: &Metadata) -> io::Result<bool> {
        if there.len() == 0 {
            return Ok(true);
        }
        let mut head = Vec::new();
        File::open(file)?.take(HEAD).read_to_end(&mut head)?;
        let head = String::from_utf8_lossy(&head);
        Ok(match self {
            Self::Summary => head.starts_with('{') && head.contains("\"passed\""),
            Self::Index => head.contains("content=\"preflash index\""),
            Self::Junit => head.trim_start().starts_with('<') && head.contains("<testsuite"),
            Self::Statement => head.starts_with('{') && head.contains(statement::STATEMENT),
            Self::Vsa => head.starts_with('{') && head.contains(statement::STATEMENT),
            Self::Flashed => head.starts_with('{') && head.contains("\"outcome\""),
            Self::Sweep => head.starts_with('{') && head.contains("\"failure-rate\""),
            Self::Failing => head.starts_with(FAILING),
        })
    }
}

impl std::fmt::Display for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Summary => "summary of a run",
            Self::Index => "page about a run",
            Self::Junit => "JUnit report",
            Self::Statement => "statement of a validation",
            Self::Vsa => "verification summary",
            Self::Flashed => "record of a flashing",
            Self::Sweep => "report of a sweep",
            Self::Failing => "list of failing seeds",
        })
    }
}

/// Opens a device, or a pipe from which somebody reads: it does not wait for a reader, who may never come.
#[cfg(unix)]
fn open_stream(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, OFlag, fcntl};

    let opened = File::options().append(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let file = opened.map_err(|error| match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENXIO) => io::Error::other("nobody reads from this pipe"),
        _ => error,
    })?;
    // Once it is open, a reader who takes his time is waited for.
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok(file)
}

#[cfg(not(unix))]
fn open_stream(path: &Path) -> io::Result<File> {
    File::options().append(true).open(path)
}

/// The part of a path that is no folder where one is needed.
fn in_the_way(path: &Path) -> &Path {
    path.ancestors().skip(1).find(|part| part.exists() && !part.is_dir()).unwrap_or(path)
}
