//! Which server wrote a database, and what its columns mean. The tables decide, not the version that the file claims:
//! a restored dump claims 0, and there are several schemas with version 6.

use std::collections::HashSet;

use rusqlite::Connection;

use super::open::Database;
use crate::import::Kind;
use crate::{Error, Result};

/// How a database stores times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// Nanoseconds since 1970: start and end.
    Nanoseconds,
    /// Nanoseconds since 1970, and a duration: an unreleased schema 6 of aw-server-rust.
    NanosecondsAndDuration,
    /// Microseconds since 1970, sometimes with a fraction: start and end.
    Microseconds,
    /// A time as text or number, and seconds.
    TextAndSeconds,
}

/// What is where in a database.
#[derive(Clone, Debug)]
pub(super) struct Dialect {
    pub(super) kind: Kind,
    pub(super) times: Times,
    /// The table of events.
    pub(super) events: &'static str,
    /// Its columns: bucket, start, end or duration, data.
    pub(super) event_columns: [&'static str; 4],
    /// The table of buckets.
    pub(super) buckets: &'static str,
    /// Its columns: number, name, type, client, hostname, created, data, device. Those that are not there are NULL.
    pub(super) bucket_columns: [&'static str; 8],
    /// Whether there is a table of settings.
    pub(super) has_settings: bool,
    /// Whether data may be compressed with a dictionary that is in the database.
    pub(super) has_dictionary: bool,
}

impl Dialect {
    pub(super) fn of(database: &Database) -> Result<Dialect> {
        let connection = &database.connection;
        let found = Dialect::find(connection).map_err(Error::sqlite("read the schema", &database.path))?;
        found.ok_or_else(|| Error::Unrecognised {
            path: database.path.clone(),
            reason:
                "this is a SQLite database, but not one of ActivityWatch: expected the tables `buckets` and \
                `events`, or `bucketmodel` and `eventmodel`"
                    .to_owned(),
        })
    }

    fn find(connection: &Connection) -> rusqlite::Result<Option<Dialect>> {
        let tables = tables(connection)?;
        let has = |table: &str| tables.contains(table);
        if has("bucketmodel") && has("eventmodel") {
            return peewee(connection).map(Some);
        }
        if !has("buckets") || !has("events") {
            return Ok(None);
        }
        let buckets = columns(connection, "buckets")?;
        let events = columns(connection, "events")?;
        if !["bucketrow", "starttime"]
            .iter()
            .all(|column| events.contains(*column))
        {
            return Ok(None);
        }
        if events.contains("datastr") {
            return Ok(Some(aw_server_sqlite(&buckets)));
        }
        aw_server_rust(connection, &tables, &buckets, &events)
    }
}

fn peewee(connection: &Connection) -> rusqlite::Result<Dialect> {
    let buckets = columns(connection, "bucketmodel")?;
    Ok(Dialect {
        kind: Kind::AwServerPeewee,
        times: Times::TextAndSeconds,
        events: "eventmodel",
        event_columns: ["bucket_id", "timestamp", "duration", "datastr"],
        buckets: "bucketmodel",
        bucket_columns: [
            "key",
            "id",
            "type",
            "client",
            "hostname",
            "created",
            datastr(&buckets),
            "NULL",
        ],
        has_settings: false,
        has_dictionary: false,
    })
}

fn aw_server_sqlite(buckets: &HashSet<String>) -> Dialect {
    Dialect {
        kind: Kind::AwServerSqlite,
        times: Times::Microseconds,
        events: "events",
        event_columns: ["bucketrow", "starttime", "endtime", "datastr"],
        buckets: "buckets",
        bucket_columns: [
            "rowid",
            "id",
            "type",
            "client",
            "hostname",
            "created",
            datastr(buckets),
            "NULL",
        ],
        has_settings: false,
        has_dictionary: false,
    }
}

fn datastr(buckets: &HashSet<String>) -> &'static str {
    if buckets.contains("datastr") {
        "datastr"
    } else {
        "NULL"
    }
}

fn aw_server_rust(
    connection: &Connection,
    tables: &HashSet<String>,
    buckets: &HashSet<String>,
    events: &HashSet<String>,
) -> rusqlite::Result<Option<Dialect>> {
    let has_end = events.contains("endtime");
    if !events.contains("data") || !(has_end || events.contains("duration")) {
        return Ok(None);
    }
    let claimed: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let has_device = buckets.contains("device_id");
    let version = match u32::try_from(claimed) {
        Ok(0) | Err(_) => inferred(connection, tables, buckets, has_end)?,
        Ok(version) => version,
    };
    Ok(Some(Dialect {
        kind: Kind::AwServerRust(version),
        times: match has_end {
            true => Times::Nanoseconds,
            false => Times::NanosecondsAndDuration,
        },
        events: "events",
        event_columns: [
            "bucketrow",
            "starttime",
            if has_end { "endtime" } else { "duration" },
            "data",
        ],
        buckets: "buckets",
        bucket_columns: [
            "id",
            "name",
            "type",
            "client",
            "hostname",
            "created",
            // Before version 3 there was one that was never filled rightly.
            if buckets.contains("data") { "data" } else { "NULL" },
            if has_device { "device_id" } else { "NULL" },
        ],
        has_settings: tables.contains("key_value"),
        has_dictionary: tables.contains("compression_dict"),
    }))
}

/// The version of a schema whose file claims none.
fn inferred(
    connection: &Connection,
    tables: &HashSet<String>,
    buckets: &HashSet<String>,
    has_end: bool,
) -> rusqlite::Result<u32> {
    let has_index = |name: &str| {
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?1)";
        connection.query_row(sql, [name], |row| row.get::<_, bool>(0))
    };
    Ok(if buckets.contains("device_id") {
        7
    } else if !has_end || has_index("events_bucketrow_endtime_starttime_index")? {
        6
    } else if has_index("events_bucketrow_starttime_endtime_index")? {
        5
    } else if tables.contains("key_value") {
        4
    } else if buckets.contains("data_deprecated") {
        3
    } else if buckets.contains("data") {
        2
    } else {
        1
    })
}

/// The tables of a database. Views do not count: they store nothing.
fn tables(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    let mut statement = connection.prepare("SELECT lower(name) FROM sqlite_master WHERE type = 'table'")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<HashSet<String>> {
    let mut statement = connection.prepare("SELECT lower(name) FROM pragma_table_info(?1)")?;
    statement.query_map([table], |row| row.get(0))?.collect()
}
