//! A file that holds all of a flash, byte by byte, and survives the session.
//!
//! It is written anew as a whole and put in the old one's place in one step: whoever reads it, and whoever is cut off
//! while it is written, finds a flash as it was at some moment.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file.
#[derive(Clone, Debug)]
pub struct FlashFile {
    path: PathBuf,
}

impl FlashFile {
    /// The file at `path`, which need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the flash.
    ///
    /// # Errors
    /// If it cannot be written; then the file is as it was.
    pub fn write(&self, contents: &[u8]) -> io::Result<()> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let beside = self.path.with_file_name(name);
        let mut file = File::create(&beside)?;
        let written = file.write_all(contents).and_then(|()| file.sync_all());
        drop(file);
        let done = written.and_then(|()| fs::rename(&beside, &self.path));
        if done.is_err() {
            // What is half written is of no use; the first error is the one to tell.
            let _ = fs::remove_file(&beside);
        }
        done
    }
}
