//! The file's tables, and how those of an older version become those of this one.
//!
//! SQLite keeps the version in the file (`user_version`): how many of [`MIGRATIONS`] have been carried out. One that
//! has been released is never altered; what has to change is another one at the end.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as one of this program: "duck" in ASCII.
pub(crate) const APPLICATION: i32 = 0x6475_636b;

/// Times are nanoseconds since 1970, but those of entries seconds, as the service has them.
pub(crate) const MIGRATIONS: &[&str] = &["
    CREATE TABLE service (
        seed BLOB NOT NULL,
        last_channel INTEGER,
        last_talkback INTEGER,
        last_command INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE channels (
        channel INTEGER PRIMARY KEY,
        write_key TEXT NOT NULL,
        read_key TEXT NOT NULL,
        name TEXT NOT NULL,
        description TEXT,
        metadata TEXT,
        latitude TEXT,
        longitude TEXT,
        elevation TEXT,
        url TEXT,
        field1 TEXT, field2 TEXT, field3 TEXT, field4 TEXT, field5 TEXT, field6 TEXT, field7 TEXT, field8 TEXT,
        tags TEXT NOT NULL, -- a JSON list
        public INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        written_at INTEGER
    ) STRICT;
    CREATE TABLE entries (
        channel INTEGER NOT NULL,
        entry_id INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        field1 TEXT, field2 TEXT, field3 TEXT, field4 TEXT, field5 TEXT, field6 TEXT, field7 TEXT, field8 TEXT,
        status TEXT,
        latitude TEXT,
        longitude TEXT,
        elevation TEXT,
        PRIMARY KEY (channel, entry_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tags (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE talkbacks (talkback INTEGER PRIMARY KEY, key TEXT NOT NULL) STRICT;
    CREATE TABLE commands (
        command INTEGER PRIMARY KEY,
        talkback INTEGER NOT NULL,
        text TEXT NOT NULL,
        position INTEGER,
        created_at INTEGER NOT NULL,
        executed_at INTEGER
    ) STRICT;
"];

/// Carries out those of `migrations` that the file has not had yet, each with its number as one transaction. The number
/// of a file from a later version, if it is one.
pub(crate) fn migrate(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<Result<(), i64>> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(left) = usize::try_from(version).ok().and_then(|version| migrations.get(version..)) else {
        return Ok(Err(version));
    };
    for (version, migration) in (version + 1..).zip(left) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.commit()?;
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_the_migrations_that_it_has_not_had() {
        let mut file = Connection::open_in_memory().unwrap();
        let (one, two) =
            ("CREATE TABLE a (x); INSERT INTO a VALUES (1)", "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x");
        assert_eq!(migrate(&mut file, &[one]).unwrap(), Ok(()));
        assert_eq!(migrate(&mut file, &[one, two]).unwrap(), Ok(()));
        assert_eq!(migrate(&mut file, &[one, two]).unwrap(), Ok(()));
        let row = file.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(row, (1, 1));
        assert_eq!(migrate(&mut file, &[one]).unwrap(), Err(2));
    }

    #[test]
    fn a_migration_that_fails_leaves_the_file_as_it_was() {
        let mut file = Connection::open_in_memory().unwrap();
        assert!(migrate(&mut file, &["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"]).is_err());
        let version: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        let tables: i64 = file.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!((version, tables), (1, 1));
    }
}
