//! Buckets and settings. Few, so they are held in memory.

use std::collections::{HashMap, HashSet};

use rusqlite::Row;
use rusqlite::types::ValueRef;
use timberline_model::json::UNKNOWN;
use timberline_model::{Data, Timestamp, json};

use super::dialect::Dialect;
use super::open::Database;
use crate::import::report::{Notes, Reason};
use crate::import::{Setting, SourceBucket};
use crate::{Error, Result};

/// Buckets in one database. A person has some ten.
const MAX_BUCKETS: usize = 100_000;
/// Bytes of all buckets, and of all settings.
const MAX_BYTES: usize = 32 << 20;
/// Settings in one database.
const MAX_SETTINGS: usize = 10_000;
/// What aw-server-rust puts before the keys of settings.
const SETTINGS_PREFIX: &str = "settings.";
/// What aw-server-rust calls the device that it runs on.
const LOCAL_DEVICE: &str = "local";

/// The buckets of a database.
pub(super) struct Buckets {
    pub(super) buckets: Vec<SourceBucket>,
    pub(super) by_row: HashMap<i64, usize>,
    /// What was changed in each.
    pub(super) changed: Vec<Notes>,
}

pub(super) fn buckets(database: &Database, dialect: &Dialect, left_out: &mut Notes) -> Result<Buckets> {
    let sql = format!(
        "SELECT {} FROM {} ORDER BY rowid",
        dialect.bucket_columns.join(", "),
        dialect.buckets
    );
    let failed = || Error::sqlite("read the table of buckets", &database.path);
    let mut statement = database.connection.prepare(&sql).map_err(failed())?;
    let mut rows = statement.query([]).map_err(failed())?;
    let mut found = Buckets {
        buckets: Vec::new(),
        by_row: HashMap::new(),
        changed: Vec::new(),
    };
    let mut names = HashSet::new();
    let mut bytes = 0;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(found),
            Err(error) => {
                left_out.note(Reason::Damaged, || format!("the table of buckets: {error}"));
                recover(database, dialect, &mut names, &mut found);
                return Ok(found);
            }
        };
        bytes += size(row, 0..dialect.bucket_columns.len());
        if found.buckets.len() == MAX_BUCKETS || bytes > MAX_BYTES {
            let count = found.buckets.len();
            left_out.note(Reason::TooLarge, || format!("buckets after the first {count}"));
            return Ok(found);
        }
        let mut changed = Notes::default();
        let Some((number, mut bucket)) = bucket(row, &mut changed) else {
            left_out.note(Reason::Field, || "a bucket without a number or name".to_owned());
            continue;
        };
        make_unique(&mut bucket, &mut names, &mut changed);
        found.by_row.insert(number, found.buckets.len());
        found.buckets.push(bucket);
        found.changed.push(changed);
    }
}

/// Adds buckets that events belong to and that cannot be read: their events may be all right.
fn recover(database: &Database, dialect: &Dialect, names: &mut HashSet<String>, found: &mut Buckets) {
    let sql = format!(
        "SELECT DISTINCT {} FROM {}",
        dialect.event_columns[0], dialect.events
    );
    let Ok(mut statement) = database.connection.prepare(&sql) else {
        return;
    };
    let Ok(mut rows) = statement.query([]) else {
        return;
    };
    // Where this table is damaged as well, nothing more can be found.
    while let Ok(Some(row)) = rows.next() {
        let Ok(number) = row.get::<_, i64>(0) else {
            continue;
        };
        if found.by_row.contains_key(&number) || found.buckets.len() == MAX_BUCKETS {
            continue;
        }
        let mut changed = Notes::default();
        let mut bucket = SourceBucket::named(format!("recovered-bucket-{number}"));
        changed.note(Reason::Damaged, || {
            "the bucket cannot be read, only its events".to_owned()
        });
        make_unique(&mut bucket, names, &mut changed);
        found.by_row.insert(number, found.buckets.len());
        found.buckets.push(bucket);
        found.changed.push(changed);
    }
}

/// Since version 7, buckets of several devices may have the same name.
fn make_unique(bucket: &mut SourceBucket, names: &mut HashSet<String>, changed: &mut Notes) {
    if names.insert(bucket.id.clone()) {
        return;
    }
    let device = bucket.device.clone().unwrap_or_else(|| "another".to_owned());
    // aw-sync names copies of buckets so.
    let base = format!("{}-synced-from-{device}", bucket.id);
    let mut name = base.clone();
    let mut count = 1u32;
    while !names.insert(name.clone()) {
        count += 1;
        name = format!("{base}-{count}");
    }
    changed.note(Reason::SameName, || {
        format!(
            "there is another bucket '{}': this one is '{name}' now",
            bucket.id
        )
    });
    bucket.id = name;
}

fn bucket(row: &Row<'_>, changed: &mut Notes) -> Option<(i64, SourceBucket)> {
    let number = match row.get_ref(0) {
        Ok(ValueRef::Integer(number)) => number,
        _ => return None,
    };
    let id = text(row, 1).filter(|id| !id.is_empty())?;
    let mut field = |at: usize, name: &str| {
        text(row, at).unwrap_or_else(|| {
            changed.note(Reason::Field, || {
                format!("{name}: is missing: it is \"{UNKNOWN}\" now")
            });
            UNKNOWN.to_owned()
        })
    };
    let (type_, client, hostname) = (field(2, "type"), field(3, "client"), field(4, "hostname"));
    let created = text(row, 5)
        .filter(|created| !created.is_empty())
        .and_then(|created| {
            let parsed = Timestamp::parse_lenient(&created);
            parsed
                .map_err(|error| changed.note(Reason::Field, || format!("created: is left out: {error}")))
                .ok()
        });
    let data = text(row, 6)
        .filter(|data| !data.is_empty())
        .map_or_else(Data::default, |data| {
            read_data(&data).unwrap_or_else(|error| {
                changed.note(Reason::Data, || format!("data: are empty now: {error}"));
                Data::default()
            })
        });
    let device = text(row, 7).filter(|device| device != LOCAL_DEVICE);
    let bucket = SourceBucket {
        id,
        type_,
        client,
        hostname,
        created,
        data,
        last_updated: None,
        device,
    };
    Some((number, bucket))
}

fn read_data(text: &str) -> std::result::Result<Data, timberline_model::DataError> {
    Data::parse(text).or_else(|error| {
        let (mended, _) = json::mend(text.as_bytes());
        str::from_utf8(&mended)
            .ok()
            .and_then(|text| Data::parse(text).ok())
            .ok_or(error)
    })
}

/// The bytes of some columns.
fn size(row: &Row<'_>, columns: std::ops::Range<usize>) -> usize {
    let sizes = columns.map(|at| match row.get_ref(at) {
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => bytes.len(),
        _ => size_of::<i64>(),
    });
    sizes.sum()
}

/// A column as text, whatever its type.
fn text(row: &Row<'_>, at: usize) -> Option<String> {
    match row.get_ref(at).ok()? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

pub(super) fn settings(database: &Database, dialect: &Dialect, left_out: &mut Notes) -> Vec<Setting> {
    let mut settings = Vec::new();
    if dialect.has_settings
        && let Err(error) = read_settings(database, left_out, &mut settings)
    {
        left_out.note(Reason::Damaged, || format!("the table of settings: {error}"));
    }
    settings
}

fn read_settings(
    database: &Database,
    left_out: &mut Notes,
    settings: &mut Vec<Setting>,
) -> rusqlite::Result<()> {
    let sql = "SELECT key, value FROM key_value ORDER BY key";
    let mut statement = database.connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        bytes += size(row, 0..2);
        let (Some(key), Some(value)) = (text(row, 0), text(row, 1)) else {
            continue;
        };
        // Other keys are the server's own notes.
        let Some(key) = key.strip_prefix(SETTINGS_PREFIX) else {
            continue;
        };
        if settings.len() == MAX_SETTINGS || bytes > MAX_BYTES {
            left_out.note(Reason::TooLarge, || {
                format!("settings after the first {}", settings.len())
            });
            break;
        }
        let value = match serde_json::from_str::<&serde_json::value::RawValue>(&value).map(|_| ()) {
            Ok(_) => value,
            Err(error) => {
                left_out.note(Reason::Setting, || format!("setting '{key}': {error}"));
                continue;
            }
        };
        settings.push(Setting {
            key: key.to_owned(),
            value,
        });
    }
    Ok(())
}
