//! A service in a file: SQLite, one process at a time.
//!
//! The file holds the present state, not its history: each [`Change`] alters its rows, and at the start the rows become
//! changes that make the same service again ([`Database::load`]). All rows are read then, and SQLite checks its pages
//! before, so that damage is found before anything is served. The journal is a write-ahead log, synchronised at
//! each commit: what is committed survives the end of the process and of the machine.
//!
//! The file holds keys. On Unix a new file belongs to its owner alone. If others may read an existing one, the user is
//! told; if others may write to it, or to files beside it that SQLite would read with it, it is refused.

use std::collections::BTreeMap;
use std::fs::{Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use fake_thingspeak::cloud::{About, Access, Change, Command, Content, Packed};
use rusqlite::types::Value;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row, Statement, TransactionBehavior, params, params_from_iter,
};
use time::OffsetDateTime;

use crate::private::{Exposure, same_owner};
use crate::schema::{APPLICATION, MIGRATIONS, migrate};

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

    /// Hands out changes that make what the file holds, in order.
    pub(crate) fn load(&mut self, mut make: impl FnMut(Change)) -> Result<(), DatabaseError> {
        let tags = self.connection.prepare("SELECT name FROM tags ORDER BY number")?;
        let tags = { tags }.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let numbers = "SELECT last_channel, last_talkback, last_command FROM service";
        make(self.connection.query_row(numbers, [], |row| {
            let command = unsigned(row.get(2)?);
            Ok(Change::NumbersGiven { channel: row.get(0)?, talkback: row.get(1)?, command, tags })
        })?);

        let mut statement = self.connection.prepare("SELECT * FROM channels ORDER BY channel")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (access, about) = channel(row)?;
            let about = Box::new(about);
            let number = access.channel;
            make(Change::ChannelCreated { access, about: about.clone(), at: time_of(row.get("created_at")?) });
            let written_at = row.get::<_, Option<i64>>("written_at")?.map(time_of);
            let last = self.load_entries(number, written_at.unwrap_or(OffsetDateTime::UNIX_EPOCH), &mut make)?;
            self.last_entries.insert(number, last);
            if let Some(at) = written_at {
                // The last write may have been of an entry that is gone.
                make(Change::ChannelWritten { channel: number, at });
            }
            make(Change::ChannelDescribed { channel: number, about, at: time_of(row.get("updated_at")?) });
        }

        let mut statement = self.connection.prepare("SELECT talkback, key FROM talkbacks ORDER BY talkback")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            make(Change::TalkbackCreated { talkback: row.get(0)?, key: row.get(1)? });
        }
        let mut statement = self.connection.prepare(
            "SELECT talkback, command, text, position, created_at, executed_at FROM commands ORDER BY command",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let command = Command {
                id: unsigned(row.get(1)?),
                text: row.get(2)?,
                position: row.get::<_, Option<i64>>(3)?.map(unsigned),
                created_at: time_of(row.get(4)?),
                executed_at: row.get::<_, Option<i64>>(5)?.map(time_of),
            };
            make(Change::CommandSet { talkback: row.get(0)?, command });
        }
        Ok(())
    }

    /// Hands out the entries of a channel; returns the number of the last one.
    fn load_entries(
        &self,
        channel: u32,
        written_at: OffsetDateTime,
        make: &mut impl FnMut(Change),
    ) -> Result<u64, DatabaseError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT entry_id, created_at, field1, field2, field3, field4, field5, field6, field7, field8, status, latitude, \
             longitude, elevation FROM entries WHERE channel = ? ORDER BY entry_id",
        )?;
        let mut rows = statement.query([channel])?;
        let mut last = 0;
        while let Some(row) = rows.next()? {
            last += 1;
            if unsigned(row.get(0)?) != last {
                return Err(DatabaseError::Damaged(format!("channel {channel} has no entry {last}")));
            }
            let created_at: i64 = row.get(1)?;
            let created_at = OffsetDateTime::from_unix_timestamp(created_at)
                .map_err(|_| DatabaseError::Damaged(format!("entry {last} of channel {channel} is of no time")))?;
            let mut content = Content {
                status: row.get(10)?,
                latitude: row.get(11)?,
                longitude: row.get(12)?,
                elevation: row.get(13)?,
                ..Content::default()
            };
            for (index, field) in content.fields.iter_mut().enumerate() {
                *field = row.get(2 + index)?;
            }
            make(Change::EntryAdded { channel, created_at, content: content.into(), written_at });
        }
        Ok(last)
    }

    /// Writes changes down, all of them or none. When it returns, they are kept.
    pub(crate) fn commit<'c>(&mut self, changes: impl IntoIterator<Item = &'c Change>) -> rusqlite::Result<()> {
        let Self { connection, last_entries, .. } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            // Looked up once, and not for each entry.
            let mut insert = transaction.prepare_cached(INSERT_ENTRY)?;
            let mut changes = changes.into_iter().peekable();
            while let Some(change) = changes.next() {
                let Change::EntryAdded { channel, created_at, content, written_at } = change else {
                    write(&transaction, last_entries, change)?;
                    continue;
                };
                add_entry(&mut insert, last_entries, *channel, *created_at, content)?;
                // Of successive entries of one channel only the last one updates when it was written to.
                let more = |next: &&Change| matches!(next, Change::EntryAdded { channel: of, .. } if of == channel);
                if !changes.peek().is_some_and(more) {
                    note_write(&transaction, *channel, *written_at)?;
                }
            }
        }
        transaction.commit()
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

const INSERT_ENTRY: &str = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Adds an entry with the statement [`INSERT_ENTRY`]. An entry of an unknown channel changes nothing, as in the
/// service.
fn add_entry(
    insert: &mut Statement<'_>,
    last_entries: &mut BTreeMap<u32, u64>,
    channel: u32,
    created_at: OffsetDateTime,
    content: &Packed,
) -> rusqlite::Result<()> {
    let Some(last) = last_entries.get_mut(&channel) else { return Ok(()) };
    *last += 1;
    insert.raw_bind_parameter(1, channel)?;
    insert.raw_bind_parameter(2, signed(*last))?;
    insert.raw_bind_parameter(3, created_at.unix_timestamp())?;
    for (index, text) in content.values().enumerate() {
        insert.raw_bind_parameter(4 + index, text)?;
    }
    insert.raw_execute().map(drop)
}

/// Notes when a channel was written to.
fn note_write(file: &Connection, channel: u32, at: OffsetDateTime) -> rusqlite::Result<()> {
    file.prepare_cached("UPDATE channels SET written_at = ?2, updated_at = ?2 WHERE channel = ?1")?
        .execute(params![channel, nanoseconds(at)])
        .map(drop)
}

/// Writes a change down.
fn write(file: &Connection, last_entries: &mut BTreeMap<u32, u64>, change: &Change) -> rusqlite::Result<()> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| file.prepare_cached(sql)?.execute(values).map(drop);
    match change {
        Change::ChannelCreated { access, about, at } => {
            last_entries.insert(access.channel, 0);
            write_tags(file, &about.tags)?;
            run("UPDATE service SET last_channel = max(coalesce(last_channel, 0), ?)", params![access.channel])?;
            let sql = "INSERT INTO channels (channel, write_key, read_key, name, tags, public, created_at, updated_at) \
                       VALUES (?, ?, ?, '', '', 0, ?4, ?4)";
            run(sql, params![access.channel, access.write_key, access.read_key, nanoseconds(*at)])?;
            describe(file, access.channel, about)
        }
        Change::ChannelDescribed { channel, about, at } => {
            write_tags(file, &about.tags)?;
            run("UPDATE channels SET updated_at = ?2 WHERE channel = ?1", params![channel, nanoseconds(*at)])?;
            describe(file, *channel, about)
        }
        Change::ChannelCleared { channel } => {
            last_entries.entry(*channel).and_modify(|last| *last = 0);
            run("DELETE FROM entries WHERE channel = ?", params![channel])
        }
        Change::ChannelDeleted { channel } => {
            last_entries.remove(channel);
            run("DELETE FROM entries WHERE channel = ?", params![channel])?;
            run("DELETE FROM channels WHERE channel = ?", params![channel])
        }
        Change::EntryAdded { channel, created_at, content, written_at } => {
            let mut insert = file.prepare_cached(INSERT_ENTRY)?;
            add_entry(&mut insert, last_entries, *channel, *created_at, content)?;
            note_write(file, *channel, *written_at)
        }
        Change::ChannelWritten { channel, at } => note_write(file, *channel, *at),
        Change::TalkbackCreated { talkback, key } => {
            run("UPDATE service SET last_talkback = max(coalesce(last_talkback, 0), ?)", params![talkback])?;
            run("INSERT INTO talkbacks VALUES (?, ?)", params![talkback, key])
        }
        Change::CommandSet { talkback, command } => {
            run("UPDATE service SET last_command = max(last_command, ?)", params![signed(command.id)])?;
            let executed_at = command.executed_at.map(nanoseconds);
            let (id, position) = (signed(command.id), command.position.map(signed));
            let times = (nanoseconds(command.created_at), executed_at);
            run(
                "INSERT OR REPLACE INTO commands VALUES (?, ?, ?, ?, ?, ?)",
                params![id, talkback, command.text, position, times.0, times.1],
            )
        }
        Change::CommandDeleted { talkback, command } => {
            let sql = "DELETE FROM commands WHERE talkback = ? AND command = ?";
            run(sql, params![talkback, signed(*command)])
        }
        Change::CommandsCleared { talkback } => run("DELETE FROM commands WHERE talkback = ?", params![talkback]),
        Change::NumbersGiven { channel, talkback, command, tags } => {
            write_tags(file, tags)?;
            let sql = "UPDATE service SET last_channel = ?, last_talkback = ?, last_command = ?";
            run(sql, params![channel, talkback, signed(*command)])
        }
    }
}

fn write_tags(file: &Connection, tags: &[String]) -> rusqlite::Result<()> {
    tags.iter().try_for_each(|tag| {
        file.prepare_cached("INSERT OR IGNORE INTO tags (name) VALUES (?)")?.execute([tag]).map(drop)
    })
}

/// Writes down what a channel is.
fn describe(file: &Connection, channel: u32, about: &About) -> rusqlite::Result<()> {
    let tags = serde_json::to_string(&about.tags).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::from);
    let place = [&about.latitude, &about.longitude, &about.elevation, &about.url];
    let texts = [&about.description, &about.metadata].into_iter().chain(place).chain(&about.fields).map(text);
    let first = [Value::from(i64::from(channel)), Value::from(about.name.clone())];
    let last = [Value::from(tags), Value::from(i64::from(about.public))];
    let sql = "UPDATE channels SET name = ?2, description = ?3, metadata = ?4, latitude = ?5, longitude = ?6, \
               elevation = ?7, url = ?8, field1 = ?9, field2 = ?10, field3 = ?11, field4 = ?12, field5 = ?13, \
               field6 = ?14, field7 = ?15, field8 = ?16, tags = ?17, public = ?18 WHERE channel = ?1";
    file.prepare_cached(sql)?.execute(params_from_iter(first.into_iter().chain(texts).chain(last))).map(drop)
}

fn channel(row: &Row<'_>) -> Result<(Access, About), DatabaseError> {
    let channel = row.get("channel")?;
    let access = Access { channel, write_key: row.get("write_key")?, read_key: row.get("read_key")? };
    let tags: String = row.get("tags")?;
    let mut about = About {
        name: row.get("name")?,
        description: row.get("description")?,
        metadata: row.get("metadata")?,
        latitude: row.get("latitude")?,
        longitude: row.get("longitude")?,
        elevation: row.get("elevation")?,
        url: row.get("url")?,
        fields: Default::default(),
        tags: serde_json::from_str(&tags)
            .map_err(|_| DatabaseError::Damaged(format!("the tags of channel {channel} are no list")))?,
        public: row.get("public")?,
    };
    for (index, field) in about.fields.iter_mut().enumerate() {
        *field = row.get(format!("field{}", index + 1).as_str())?;
    }
    Ok((access, about))
}

/// Nanoseconds since 1970, clamped to what 64 bits hold (until 2262).
fn nanoseconds(time_of: OffsetDateTime) -> i64 {
    let nanoseconds = time_of.unix_timestamp_nanos();
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}

fn time_of(nanoseconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds.into()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A number for SQLite, whose integers have a sign; ours count from 0 and stay far below 2⁶³.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
