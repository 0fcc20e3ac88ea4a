//! What can go wrong, by what one can do about it.

use std::io;
use std::path::PathBuf;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// A tool has to be installed.
    #[error("could not find {tool}; {remedy} (`ci/setup-xtensa` does it)")]
    MissingTool {
        /// Its name.
        tool: String,
        /// Which package has it.
        remedy: String,
    },
    /// A tool ran and failed; it has said why.
    #[error("could not {what}: {tool} failed{output}")]
    Failed {
        /// What it was to do.
        what: &'static str,
        /// Its name.
        tool: String,
        /// What it said, on lines of its own, unless that went to the terminal.
        output: String,
    },
    /// A file cannot be read or written.
    #[error("could not access {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("could not use {}: {reason}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The program and its list of the vendor's functions differ.
    #[error("could not link: {0}")]
    Boundary(String),
    /// The image is too large.
    #[error("over budget: {0}")]
    Budget(String),
}

impl Error {
    /// Turns an error of the file at `path` into ours.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// The process's exit code: 2 for what the caller got wrong, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::MissingTool { .. } => 2,
            _ => 1,
        }
    }
}
