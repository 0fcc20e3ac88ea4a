//! A service in a file: SQLite, one process at a time.
//!
//! The file holds the present state, not its history: each [`Change`](fake_thingspeak::cloud::Change) alters its rows,
//! and at the start the rows become changes that make the same service again ([`Database::load`]). All rows are read
//! then, and SQLite checks its pages before, so that damage is found before anything is served. The journal is a
//! write-ahead log, synchronised at each commit: what is committed survives the end of the process and of the machine.
//!
//! The file holds keys. On Unix a new file belongs to its owner alone. If others may read an existing one, the user is
//! told; if others may write to it, or to files beside it that SQLite would read with it, it is refused.

use std::collections::BTreeMap;
use std::fs::{Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};

use crate::exposure::{Exposure, same_owner};
use crate::schema::{APPLICATION, MIGRATIONS, migrate};

mod commit;
mod load;
#[cfg(test)]
mod tests;

/// Why a file cannot be used; reads well after "could not use FILE: ".
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("another program has it open; stop that one, or choose another file with --data")]
    InUse,
    #[error("it is not a database of fake-thingspeak; choose another file with --data")]
    Foreign,
    #[error("it is of a later version of fake-thingspeak (its tables are version {0}, this program knows {known})", known = MIGRATIONS.len())]
    Later(i64),
    #[error("it is damaged: {0}; choose another file with --data, or restore this one from a backup")]
    Damaged(String),
    #[error("its keys come from another seed; leave out --seed, or choose another file with --data")]
    OtherSeed,
    #[error("others on this machine can write to {}; `chmod 600 {}` ends that, where the disk has permissions", .0.display(), .0.display())]
    Writable(PathBuf),
    #[error("{}, which is read with it, is another user's; remove it", .0.display())]
    Planted(PathBuf),
    #[error("{0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse,
            Some(ErrorCode::NotADatabase) => Self::Foreign,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}

/// An open file, which no other process can open.
pub(crate) struct Database {
    connection: Connection,
    seed: [u8; 32],
    exposure: Option<Exposure>,
    /// The number of each channel's last entry.
    last_entries: BTreeMap<u32, u64>,
}

impl Database {
    /// Opens the file, or makes one with `new_seed`. With `wanted`, an existing file must have that seed.
    pub(crate) fn open(path: &Path, new_seed: [u8; 32], wanted: Option<[u8; 32]>) -> Result<Self, DatabaseError> {
        create(path)?;
        let file = path.metadata()?;
        refuse_planted(path, &file)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::ZERO)?;
        // Before the first look into the file: then the lock is taken with that look and kept.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        if tables > 0 && application != APPLICATION {
            return Err(DatabaseError::Foreign);
        }
        let exposure = Exposure::of(&file);
        if exposure == Some(Exposure::Writable) {
            return Err(DatabaseError::Writable(path.to_owned()));
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let found: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if found != "ok" {
            // What SQLite says may be of several lines.
            return Err(DatabaseError::Damaged(found.lines().last().unwrap_or_default().to_owned()));
        }
        migrate(&mut connection, MIGRATIONS)?.map_err(DatabaseError::Later)?;

        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let kept: Option<Vec<u8>> =
            transaction.query_row("SELECT seed FROM service", [], |row| row.get(0)).optional()?;
        let seed = match kept {
            Some(kept) => kept.try_into().map_err(|_| DatabaseError::Damaged("its seed is too short".to_owned()))?,
            None => {
                transaction.execute("INSERT INTO service (seed, last_command) VALUES (?, 0)", [new_seed])?;
                new_seed
            }
        };
        transaction.commit()?;
        if wanted.is_some_and(|wanted| wanted != seed) {
            return Err(DatabaseError::OtherSeed);
        }
        Ok(Self { connection, seed, exposure, last_entries: BTreeMap::new() })
    }

    /// The seed that the keys of the file come from.
    pub(crate) fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// What others can do with the file.
    pub(crate) fn exposure(&self) -> Option<Exposure> {
        self.exposure
    }
}

/// Makes an empty file that only its owner may read, unless there is a file already.
fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// The endings of files that SQLite reads along with a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Refuses files beside `path` through which others could write into it.
fn refuse_planted(path: &Path, file: &Metadata) -> Result<(), DatabaseError> {
    for ending in COMPANIONS {
        let mut companion = path.as_os_str().to_owned();
        companion.push(ending);
        let companion = PathBuf::from(companion);
        // A symbolic link is not followed: SQLite makes none.
        let Ok(found) = companion.symlink_metadata() else { continue };
        if !same_owner(&found, file) || found.is_symlink() {
            return Err(DatabaseError::Planted(companion));
        }
        if Exposure::of(&found) == Some(Exposure::Writable) {
            return Err(DatabaseError::Writable(companion));
        }
    }
    Ok(())
}
