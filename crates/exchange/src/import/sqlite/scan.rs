//! Reading events in the order of their rows, and going around damage.
//!
//! SQLite stops at the first page that it cannot read. But its tables are trees, so rows behind the damage can be found
//! by their numbers: from the last row that was read, ever greater numbers are tried until one answers, and then the
//! least that does.

use std::ops::ControlFlow;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Row};

use super::dialect::Dialect;
use super::open::Database;
use crate::import::Progress;
use crate::{Error, Result};

/// Up to this distance, numbers behind damage are tried closely: a page has some tens of events.
const CLOSE: i64 = 16;
/// How many close tries there are in all before distances double: some ten thousand damaged pages.
const CLOSE_TRIES: u32 = 20_000;

/// A position in the table of events.
pub(super) struct Scan {
    /// Rows up to this one have been read.
    last: i64,
    /// The first and the greatest number of a row, as far as they can be read.
    first: i64,
    greatest: i64,
    /// How many numbers have been tried behind damage.
    tries: u32,
    sql: String,
}

/// The columns of a row.
pub(super) struct Cells<'a> {
    pub(super) bucket: i64,
    pub(super) start: ValueRef<'a>,
    /// The end, or the duration.
    pub(super) span: ValueRef<'a>,
    pub(super) data: ValueRef<'a>,
}

/// What reading some rows came to.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    More,
    End,
    /// The rows `from..to` cannot be read.
    Damage {
        from: i64,
        to: i64,
        error: String,
    },
    /// A row that is larger than anything should be.
    TooLarge {
        row: i64,
    },
}

/// How a read ended early.
enum Stop {
    Damage(String),
    TooLarge,
}

impl Scan {
    pub(super) fn new(database: &Database, dialect: &Dialect) -> Result<Scan> {
        let bound = |order: &str| {
            let sql = format!(
                "SELECT rowid FROM {} ORDER BY rowid {order} LIMIT 1",
                dialect.events
            );
            database
                .connection
                .query_row(&sql, [], |row| row.get::<_, i64>(0))
        };
        let sql = format!(
            "SELECT rowid, {} FROM {} WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
            dialect.event_columns.join(", "),
            dialect.events,
        );
        // A table whose columns are not those that were found would fail at every read.
        database
            .connection
            .prepare(&sql)
            .map_err(Error::sqlite("read the events", &database.path))?;
        // An empty or damaged table has no bounds.
        let greatest = bound("DESC").or_else(|_| sequence(&database.connection, dialect.events));
        let first = bound("ASC").unwrap_or(0);
        Ok(Scan {
            last: i64::MIN,
            first,
            greatest: greatest.unwrap_or(i64::MAX),
            tries: 0,
            sql,
        })
    }

    pub(super) fn progress(&self) -> Progress {
        let count = |to: i64| u64::try_from(i128::from(to) - i128::from(self.first) + 1).unwrap_or(0);
        if self.last < self.first {
            return Progress {
                done: 0,
                total: count(self.greatest),
            };
        }
        Progress {
            done: count(self.last.min(self.greatest)),
            total: count(self.greatest),
        }
    }

    /// Reads up to `limit` rows, or until `each` has enough.
    pub(super) fn read(
        &mut self,
        database: &Database,
        limit: usize,
        mut each: impl FnMut(i64, Cells<'_>) -> ControlFlow<()>,
    ) -> Result<Step> {
        let mut count = 0;
        let result = rows(
            &database.connection,
            &self.sql,
            self.last,
            limit,
            |number, cells| {
                self.last = number;
                count += 1;
                each(number, cells)
            },
        );
        match result {
            Ok(ControlFlow::Continue(())) if count < limit => Ok(Step::End),
            Ok(_) => Ok(Step::More),
            Err(error) => match stop(&error) {
                Some(stop) => self.go_around(database, stop),
                None => Err(Error::sqlite("read the events", &database.path)(error)),
            },
        }
    }

    /// Finds the next row that can be read.
    fn go_around(&mut self, database: &Database, stop: Stop) -> Result<Step> {
        // Before the first row there may be anything.
        let from = if self.last == i64::MIN {
            self.first
        } else {
            self.last.saturating_add(1)
        };
        if let Stop::TooLarge = stop
            && let Some(row) = next_number(database, &self.sql, from)
        {
            self.last = row;
            return Ok(Step::TooLarge { row });
        }
        let error = match stop {
            Stop::Damage(error) => error,
            Stop::TooLarge => "a row is too large".to_owned(),
        };
        let readable = |after: i64| {
            rows(&database.connection, &self.sql, after, 1, |_, _| {
                ControlFlow::Continue(())
            })
            .is_ok()
        };
        let mut bad = from.saturating_sub(1);
        let mut distance = 1i64;
        let mut good = loop {
            self.tries = self.tries.saturating_add(1);
            let next = bad.saturating_add(distance);
            if next >= self.greatest {
                self.last = self.greatest;
                let to = self.greatest.saturating_add(1);
                return Ok(match from < to {
                    true => Step::Damage { from, to, error },
                    false => Step::End,
                });
            }
            if readable(next) {
                break next;
            }
            bad = next;
            distance = if self.tries > CLOSE_TRIES {
                distance.saturating_mul(2)
            } else {
                (distance * 2).min(CLOSE)
            };
        };
        while good - bad > 1 {
            let middle = bad + (good - bad) / 2;
            if readable(middle) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        self.last = good;
        Ok(Step::Damage {
            from,
            to: good.saturating_add(1),
            error,
        })
    }
}

/// The number of the row that a read would begin with, without its columns.
fn next_number(database: &Database, sql: &str, from: i64) -> Option<i64> {
    let (_, table) = sql.split_once(" FROM ")?;
    let sql = format!("SELECT rowid FROM {table}");
    let mut statement = database.connection.prepare(&sql).ok()?;
    statement
        .query_row((from.saturating_sub(1), 1), |row| row.get(0))
        .ok()
}

/// What the database says was the last number it gave to a row.
fn sequence(connection: &Connection, table: &str) -> rusqlite::Result<i64> {
    connection.query_row(
        "SELECT seq FROM sqlite_sequence WHERE name = ?1",
        [table],
        |row| row.get(0),
    )
}

fn rows(
    connection: &Connection,
    sql: &str,
    after: i64,
    limit: usize,
    mut each: impl FnMut(i64, Cells<'_>) -> ControlFlow<()>,
) -> rusqlite::Result<ControlFlow<()>> {
    let mut statement = connection.prepare(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query((after, limit))?;
    let mut last = after;
    while let Some(row) = rows.next()? {
        let number = row.get(0)?;
        // In a damaged tree a page may come again: without this, reading would never end.
        if number <= last {
            return Err(out_of_order());
        }
        last = number;
        if each(number, cells(row)?).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// What SQLite itself says of a table whose rows are not in order, where it looks.
fn out_of_order() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(code, Some("rows are out of order".to_owned()))
}

fn cells<'a>(row: &'a Row<'_>) -> rusqlite::Result<Cells<'a>> {
    Ok(Cells {
        // A number that no bucket has, if it is none.
        bucket: match row.get_ref(1)? {
            ValueRef::Integer(bucket) => bucket,
            _ => i64::MIN,
        },
        start: row.get_ref(2)?,
        span: row.get_ref(3)?,
        data: row.get_ref(4)?,
    })
}

/// Whether reading can go on behind an error.
fn stop(error: &rusqlite::Error) -> Option<Stop> {
    match error.sqlite_error_code()? {
        ErrorCode::TooBig => Some(Stop::TooLarge),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Some(Stop::Damage(error.to_string())),
        // A file that was cut off, or a bad sector.
        ErrorCode::SystemIoFailure => Some(Stop::Damage(error.to_string())),
        _ => None,
    }
}
