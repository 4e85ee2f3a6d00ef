//! The databases of ActivityWatch's servers.
//!
//! | file | what it does |
//! |---|---|
//! | `open` | opens a database without changing anything, whatever state it is in |
//! | `dialect` | which server wrote it, and what its columns mean |
//! | `meta` | buckets and settings |
//! | `scan` | reads the events in the order of their rows, and goes around damage |
//! | `row` | from a row to an event |

mod dialect;
mod meta;
mod open;
mod row;
mod scan;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;

use self::dialect::Dialect;
use self::open::Database;
use self::row::Decoder;
use self::scan::{Scan, Step};
use super::gather::Gather;
use super::report::{BucketReport, Notes, Reason, Report};
use super::reservation::Reservation;
use super::{Batch, Kind, Progress, Reader, Setting, SourceBucket};
use crate::Result;

/// Rows that are read at a time.
const ROWS: usize = 8192;

/// Reads a database.
pub(super) struct SqliteReader {
    database: Database,
    dialect: Dialect,
    decoder: Decoder,
    buckets: Vec<SourceBucket>,
    settings: Vec<Setting>,
    /// The bucket of each row number in the table of buckets.
    by_row: HashMap<i64, usize>,
    scan: Scan,
    gather: Gather,
    report: Report,
    finished: bool,
    /// Dropped last: after the database is closed.
    _reservation: Reservation,
}

impl SqliteReader {
    pub(super) fn open(path: &Path, reservation: Reservation) -> Result<SqliteReader> {
        let database = Database::open(path)?;
        let dialect = Dialect::of(&database)?;
        let mut left_out = Notes::default();
        let damage = database.damage.iter();
        let remarks = damage
            .map(|damage| format!("the database is damaged: {damage}"))
            .collect();
        let meta::Buckets {
            buckets,
            by_row,
            changed,
        } = meta::buckets(&database, &dialect, &mut left_out)?;
        let settings = meta::settings(&database, &dialect, &mut left_out);
        let decoder = Decoder::new(&database, &dialect);
        let scan = Scan::new(&database, &dialect)?;
        let report = Report {
            buckets: changed
                .into_iter()
                .map(|changed| BucketReport {
                    changed,
                    ..BucketReport::default()
                })
                .collect(),
            left_out,
            remarks,
        };
        Ok(SqliteReader {
            database,
            dialect,
            decoder,
            buckets,
            settings,
            by_row,
            scan,
            gather: Gather::default(),
            report,
            finished: false,
            _reservation: reservation,
        })
    }

    /// Reads some rows; false after the last ones.
    fn advance(&mut self) -> Result<bool> {
        let Self {
            database,
            decoder,
            by_row,
            scan,
            gather,
            report,
            ..
        } = self;
        let step = scan.read(database, ROWS, |row, cells| {
            match by_row.get(&cells.bucket) {
                Some(bucket) => {
                    if let Some(report) = report.buckets.get_mut(*bucket)
                        && let Some(event) = decoder.event(row, cells, report)
                    {
                        gather.push(*bucket, event);
                    }
                }
                None => report.left_out.note(Reason::NoBucket, || {
                    format!(
                        "event {row}: row {} of the table of buckets is missing",
                        cells.bucket
                    )
                }),
            }
            // Large events fill memory before their number does.
            match gather.is_ready() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        match step {
            Step::More => Ok(true),
            Step::End => Ok(false),
            Step::Damage { from, to, error } => {
                let count = to.saturating_sub(from).unsigned_abs();
                self.report.left_out.note_many(Reason::Damaged, count, || {
                    format!("events {from} to {}: {error}", to.saturating_sub(1))
                });
                Ok(true)
            }
            Step::TooLarge { row } => {
                self.report
                    .left_out
                    .note(Reason::TooLarge, || format!("event {row}"));
                Ok(true)
            }
        }
    }
}

impl Reader for SqliteReader {
    fn kind(&self) -> Kind {
        self.dialect.kind
    }

    fn buckets(&self) -> &[SourceBucket] {
        &self.buckets
    }

    fn settings(&self) -> &[Setting] {
        &self.settings
    }

    fn next_batch(&mut self) -> Result<Option<Batch>> {
        loop {
            if let Some(batch) = self.gather.next() {
                return Ok(Some(batch));
            }
            if self.finished {
                return Ok(None);
            }
            if !self.advance()? {
                self.finished = true;
                self.gather.complete_all();
                if self.database.has_changed() {
                    self.report.remarks.push(
                        "another program changed the database while it was read: some events may be newer than others"
                            .to_owned(),
                    );
                }
            }
        }
    }

    fn report(&self) -> &Report {
        &self.report
    }

    fn progress(&self) -> Progress {
        self.scan.progress()
    }
}
