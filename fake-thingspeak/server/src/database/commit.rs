//! Writing: changes as new rows, altered ones and deletions.

use std::collections::BTreeMap;

use fake_thingspeak::cloud::{About, Change, Packed};
use rusqlite::types::Value;
use rusqlite::{Connection, Statement, TransactionBehavior, params, params_from_iter};
use time::OffsetDateTime;

use super::Database;

impl Database {
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

/// Nanoseconds since 1970, clamped to what 64 bits hold (until 2262).
fn nanoseconds(time_of: OffsetDateTime) -> i64 {
    let nanoseconds = time_of.unix_timestamp_nanos();
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}

/// A number for SQLite, whose integers have a sign; ours count from 0 and stay far below 2⁶³.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
