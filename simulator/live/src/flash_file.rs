//! A file that holds all of a flash, byte by byte, and survives the session.
//!
//! It is written anew as a whole and put in the old one's place in one step: whoever reads it, and whoever is cut off
//! while it is written, finds a flash as it was at some moment. One session at a time has it: a file beside it, with
//! `.lock` behind its name, is locked for as long.
//!
//! A busy disk may take seconds for each time, in which the device must not stand still: a [`Writer`] writes beside it.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

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

/// Writes a flash to its file in a thread of its own, one content at a time.
#[derive(Debug)]
pub struct Writer {
    file: Arc<FlashFile>,
    contents: Sender<Vec<u8>>,
    written: Receiver<io::Result<()>>,
    is_busy: bool,
}

impl Writer {
    /// A writer of this file, which is not written yet.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub fn new(file: FlashFile) -> io::Result<Self> {
        let file = Arc::new(file);
        let ((contents, to_write), (done, written)) = (channel::<Vec<u8>>(), channel());
        let its = Arc::clone(&file);
        let write = move || {
            for contents in to_write {
                if done.send(its.write(&contents)).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("flash file".to_owned()).spawn(write)?;
        Ok(Self { file, contents, written, is_busy: false })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Learns what has become of what was begun, without waiting for it.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn look(&mut self) -> io::Result<()> {
        match self.written.try_recv() {
            Ok(written) => {
                self.is_busy = false;
                written
            }
            Err(_) => Ok(()),
        }
    }

    /// Begins to write a flash; not if an earlier one is being written, as far as is known (`false`).
    ///
    /// # Errors
    /// If nothing can be written any more.
    pub fn begin(&mut self, contents: impl FnOnce() -> Vec<u8>) -> io::Result<bool> {
        if self.is_busy {
            return Ok(false);
        }
        self.contents.send(contents()).map_err(|_| ended())?;
        self.is_busy = true;
        Ok(true)
    }

    /// Waits until all is written that has been begun.
    ///
    /// # Errors
    /// If it could not be.
    pub fn finish(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.is_busy) {
            return Ok(());
        }
        self.written.recv().map_err(|_| ended())?
    }
}

fn ended() -> io::Error {
    io::Error::other("whoever writes it has ended")
}

/// The path with more behind its name.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(more);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_begun_is_written_and_what_comes_meanwhile_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.flash");
        let mut writer = Writer::new(FlashFile::open(path.clone()).unwrap()).unwrap();
        assert!(writer.begin(|| vec![1; 4_096]).unwrap());
        assert!(!writer.begin(|| vec![2; 4_096]).unwrap());
        writer.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), vec![1; 4_096]);
        assert!(writer.begin(|| vec![2; 4_096]).unwrap());
        while writer.is_busy {
            writer.look().unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), vec![2; 4_096]);
        writer.finish().unwrap();
        fs::remove_dir_all(folder.path()).unwrap();
        assert!(writer.begin(|| vec![3; 4_096]).unwrap());
        assert!(writer.finish().is_err(), "the folder is gone");
    }
}
