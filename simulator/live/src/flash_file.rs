//! A file that holds all of a flash, byte by byte, and survives the session.
//!
//! It is written anew as a whole and put in the old one's place in one step: whoever reads it, and whoever is cut off
//! while it is written, finds a flash as it was at some moment. One session at a time has it: a file beside it, with
//! `.lock` behind its name, is locked for as long.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file.
#[derive(Debug)]
pub struct FlashFile {
    path: PathBuf,
    /// Locked until it is closed.
    _lock: File,
}

impl FlashFile {
    /// The file at `path`, which need not be there yet, for this session alone.
    ///
    /// # Errors
    /// If another has it ([`io::ErrorKind::ResourceBusy`]), or if nothing can be written beside it.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let lock = File::options().create(true).truncate(false).write(true).open(beside(&path, ".lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another board goes on with it; end that one, or name another file",
            ),
            TryLockError::Error(error) => error,
        })?;
        Ok(Self { path, _lock: lock })
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
        let beside = beside(&self.path, ".new");
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

/// The path with more behind its name.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(more);
    path.with_file_name(name)
}
