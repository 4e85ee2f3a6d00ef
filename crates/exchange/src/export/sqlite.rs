//! A database of aw-server-rust, in its newest schema: copied to where that server looks for it, it is opened as its own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, params};
use timberline_model::{Bucket, NewEvent, Timestamp};

use super::{Sink, Totals, create_private, no_bucket};
use crate::{Error, Result};

/// The tables of schema 7.
const TABLES: &str = "
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -32768;
    BEGIN EXCLUSIVE;
    CREATE TABLE buckets (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        device_id TEXT NOT NULL DEFAULT 'local',
        type TEXT NOT NULL,
        client TEXT NOT NULL,
        hostname TEXT NOT NULL,
        created TEXT NOT NULL,
        data TEXT NOT NULL DEFAULT '{}',
        data_deprecated TEXT DEFAULT '{}',
        UNIQUE(device_id, name)
    );
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        bucketrow INTEGER NOT NULL,
        starttime INTEGER NOT NULL,
        endtime INTEGER NOT NULL,
        data TEXT NOT NULL,
        FOREIGN KEY (bucketrow) REFERENCES buckets(id)
    );
    CREATE TABLE key_value (
        key TEXT PRIMARY KEY,
        value TEXT,
        last_modified NUMBER NOT NULL
    );";

/// Its indexes, and what says that it is complete. Made last: then they are sorted once.
const INDEXES: &str = "
    CREATE INDEX bucket_id_index ON buckets(id);
    CREATE INDEX events_bucketrow_starttime_endtime_index ON events(bucketrow, starttime DESC, endtime);
    CREATE INDEX events_bucketrow_endtime_starttime_index ON events(bucketrow, endtime, starttime DESC);
    PRAGMA user_version = 7;
    COMMIT;";

/// Writes a database. It appears under its name only once it is complete.
pub struct Sqlite {
    /// The name that it gets at the end; `None` if it gets none.
    path: Option<PathBuf>,
    /// Where it is made.
    part: PathBuf,
    connection: Option<Connection>,
    bucket: Option<i64>,
    now: Timestamp,
    totals: Totals,
}

impl Sqlite {
    /// Writes to a file that is not there yet. `now` is when its settings were changed.
    ///
    /// # Errors
    ///
    /// When it is there, or cannot be made.
    pub fn new(path: &Path, now: Timestamp) -> Result<Sqlite> {
        if path.exists() {
            return Err(Error::Unwritable(format!(
                "{} is there already: name another file",
                path.display()
            )));
        }
        let mut part = OsString::from(path);
        part.push(".part");
        let part = PathBuf::from(part);
        if part.exists() {
            return Err(Error::Unwritable(format!(
                "{} is there: another export is making it, or was interrupted. If it was, remove that file",
                part.display()
            )));
        }
        Sqlite::begin(part, Some(path.to_owned()), now)
    }

    /// Writes to a file without a name, of which nothing is left behind whatever happens: it is made at `path`, which must
    /// not be there, and unlinked before the first event is written. Gives back the file as well, to read it when it is
    /// complete.
    ///
    /// # Errors
    ///
    /// When it is there, or cannot be made.
    #[cfg(unix)]
    pub fn unnamed(path: &Path, now: Timestamp) -> Result<(Sqlite, fs::File)> {
        let sqlite = Sqlite::begin(path.to_owned(), None, now)?;
        let file = fs::File::open(path).map_err(Error::io("open", path));
        fs::remove_file(path).map_err(Error::io("unlink", path))?;
        Ok((sqlite, file?))
    }

    fn begin(part: PathBuf, path: Option<PathBuf>, now: Timestamp) -> Result<Sqlite> {
        create_private(&part)?;
        let connection = Connection::open_with_flags(
            &part,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        );
        let connection = connection.map_err(Error::sqlite("create the database", &part))?;
        connection
            .execute_batch(TABLES)
            .map_err(Error::sqlite("create the tables", &part))?;
        Ok(Sqlite {
            path,
            part,
            connection: Some(connection),
            bucket: None,
            now,
            totals: Totals::default(),
        })
    }

    fn connection(&self) -> Result<&Connection> {
        self.connection
            .as_ref()
            .ok_or_else(|| Error::Unwritable("the database is complete already".to_owned()))
    }

    fn failed(&self, op: &'static str) -> impl FnOnce(rusqlite::Error) -> Error {
        Error::sqlite(op, &self.part)
    }
}

impl Sink for Sqlite {
    fn bucket(&mut self, bucket: &Bucket) -> Result<()> {
        let connection = self.connection()?;
        let values = params![
            bucket.id,
            bucket.type_,
            bucket.client,
            bucket.hostname,
            created(bucket.created),
            bucket.data.as_str()
        ];
        let sql = "INSERT INTO buckets (name, type, client, hostname, created, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        connection
            .execute(sql, values)
            .map_err(self.failed("write a bucket"))?;
        self.bucket = Some(connection.last_insert_rowid());
        self.totals.buckets += 1;
        Ok(())
    }

    fn events(&mut self, events: &[NewEvent<'_>]) -> Result<()> {
        let bucket = self.bucket.ok_or_else(no_bucket)?;
        let connection = self.connection()?;
        let mut renumbered = 0;
        let failed = || self.failed("write an event");
        // Ids are unique in the whole database here, in the store only in a bucket.
        let sql = "INSERT OR IGNORE INTO events (id, bucketrow, starttime, endtime, data) VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut insert = connection.prepare(sql).map_err(failed())?;
        for event in events {
            let id = event.id.and_then(|id| i64::try_from(id.0).ok());
            let (start, end) = (event.start.nanos(), event.end().nanos());
            let data = event.data.as_ref();
            if insert
                .execute(params![id, bucket, start, end, data])
                .map_err(failed())?
                == 0
            {
                renumbered += 1;
                let none: Option<i64> = None;
                insert
                    .execute(params![none, bucket, start, end, data])
                    .map_err(failed())?;
            }
        }
        drop(insert);
        self.totals.renumbered += renumbered;
        self.totals.count(events);
        Ok(())
    }

    fn setting(&mut self, key: &str, value: &str) -> Result<()> {
        let connection = self.connection()?;
        let values = params![
            format!("settings.{key}"),
            value,
            self.now.nanos().div_euclid(1_000_000_000)
        ];
        let sql = "INSERT OR REPLACE INTO key_value (key, value, last_modified) VALUES (?1, ?2, ?3)";
        connection
            .execute(sql, values)
            .map_err(self.failed("write a setting"))?;
        Ok(())
    }

    fn finish(&mut self) -> Result<Totals> {
        self.connection()?
            .execute_batch(INDEXES)
            .map_err(self.failed("write the indexes"))?;
        if let Some(connection) = self.connection.take() {
            connection
                .close()
                .map_err(|(_, error)| Error::sqlite("close the database", &self.part)(error))?;
        }
        if let Some(path) = &self.path {
            let file = fs::File::open(&self.part).map_err(Error::io("open", &self.part))?;
            file.sync_all().map_err(Error::io("write", &self.part))?;
            fs::rename(&self.part, path).map_err(Error::io("complete", path))?;
        }
        Ok(self.totals)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // What was not completed.
        if self.connection.take().is_some() && self.path.is_some() {
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// A time as that server writes it: `2024-03-01 10:00:00.123+00:00`.
fn created(created: Timestamp) -> String {
    let mut text = Vec::new();
    created.write(&mut text);
    String::from_utf8_lossy(&text)
        .replace('T', " ")
        .replace('Z', "+00:00")
}
