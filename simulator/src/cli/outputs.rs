//! The files of a whole run: tried before the run, written whole after it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write {path}: {reason}", path = path.display())]
pub(super) struct OutputError {
    path: PathBuf,
    reason: String,
}

/// A file to write once the run is over.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
}

impl Output {
    /// Makes sure that the file can be written, makes the folders above it, and removes what an earlier run left there,
    /// so that it cannot be taken for this run's.
    pub(super) fn prepare(path: PathBuf) -> Result<Self, OutputError> {
        let output = Self { path };
        if output.path.is_dir() {
            return Err(OutputError { path: output.path, reason: "it is a folder".to_owned() });
        }
        let attempt = || {
            if let Some(folder) = output.path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(output.draft(), "")?;
            fs::remove_file(output.draft())?;
            match fs::remove_file(&output.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            }
        };
        match attempt() {
            Ok(()) => Ok(output),
            Err(error) => Err(output.failed(&error)),
        }
    }

    /// Writes the file whole.
    pub(super) fn write(&self, text: &str) -> Result<(), OutputError> {
        let draft = self.draft();
        fs::write(&draft, text).and_then(|()| fs::rename(&draft, &self.path)).map_err(|error| {
            // Nothing half-written stays; if that fails, too, the first failure is the one to tell.
            let _ = fs::remove_file(&draft);
            self.failed(&error)
        })
    }

    fn draft(&self) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(".new");
        self.path.with_file_name(name)
    }

    fn failed(&self, error: &io::Error) -> OutputError {
        let reason = match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                format!("{} is no folder", in_the_way(&self.path).display())
            }
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        OutputError { path: self.path.clone(), reason }
    }
}

/// The part of a path that is a file where a folder is needed.
fn in_the_way(path: &Path) -> &Path {
    path.ancestors().skip(1).find(|part| part.is_file()).unwrap_or(path)
}
