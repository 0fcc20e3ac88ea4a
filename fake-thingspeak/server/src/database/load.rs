//! Reading: the rows of the file as changes that make the same service again.

use fake_thingspeak::cloud::{About, Access, Change, Command, Content};
use rusqlite::Row;
use time::OffsetDateTime;

use super::{Database, DatabaseError};

impl Database {
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

fn time_of(nanoseconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds.into()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
