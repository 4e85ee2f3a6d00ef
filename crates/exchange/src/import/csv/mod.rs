//! CSV: what the standard web UI and this crate write, and any table whose columns the user has described.
//!
//! | file | what it does |
//! |---|---|
//! | `table` | rows and cells |
//! | `mapping` | what the columns mean |
//! | `row` | from a row to an event |

mod mapping;
mod row;
mod table;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use self::mapping::{ColumnType, CsvMapping};
pub(super) use self::row::time as time_from_text;

use self::mapping::Columns;
use self::table::{Row, Table};
use super::gather::Gather;
use super::input::Input;
use super::report::{BucketReport, Reason, Report};
use super::{Batch, Kind, Options, Progress, Reader, SourceBucket, bucket_of_file};
use crate::{Error, Result};

/// Buckets that one table may name.
const MAX_BUCKETS: usize = 10_000;

/// Reads a CSV file.
pub(super) struct CsvReader {
    path: PathBuf,
    table: Table<Input>,
    columns: Columns,
    buckets: Vec<SourceBucket>,
    by_name: HashMap<String, usize>,
    gather: Gather,
    report: Report,
    finished: bool,
    done: Arc<AtomicU64>,
    size: u64,
}

impl CsvReader {
    pub(super) fn open(path: &Path, options: &Options) -> Result<CsvReader> {
        let input = Input::open(path)?;
        let (done, size) = input.progress();
        let (table, columns) = begin(path, input, options)?;
        let (buckets, by_name) = match columns.bucket {
            Some(column) => named_buckets(path, options, column)?,
            None => (vec![bucket_of(path, options, &columns)], HashMap::new()),
        };
        let report = Report {
            buckets: vec![BucketReport::default(); buckets.len()],
            ..Report::default()
        };
        Ok(CsvReader {
            path: path.to_owned(),
            table,
            columns,
            buckets,
            by_name,
            gather: Gather::default(),
            report,
            finished: false,
            done,
            size,
        })
    }

    fn advance(&mut self) -> Result<bool> {
        let row = match self.table.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(false),
            Err(error) => return damage(error, &self.path, &mut self.report).map(|()| false),
        };
        let number = row.number;
        if row.too_large() {
            self.report
                .left_out
                .note(Reason::TooLarge, || format!("row {number}"));
            return Ok(true);
        }
        let bucket = match self.columns.bucket {
            Some(column) => {
                let name = row.text(column);
                self.by_name.get(row::plain(&self.columns, &name)).copied()
            }
            None => Some(0),
        };
        match bucket.and_then(|at| Some((at, self.report.buckets.get_mut(at)?))) {
            Some((at, report)) => {
                if let Some(event) = row::event(&self.columns, &row, report) {
                    self.gather.push(at, event);
                }
            }
            None => self
                .report
                .left_out
                .note(Reason::NoBucket, || format!("row {number}")),
        }
        Ok(true)
    }
}

/// Reads the first row, and finds out what the columns mean.
fn begin(path: &Path, input: Input, options: &Options) -> Result<(Table<Input>, Columns)> {
    let mut table = Table::new(input).map_err(Error::io("read", path))?;
    let delimiter = table.delimiter();
    let header = match table.next().map_err(Error::io("read", path))? {
        Some(row) => row.texts(),
        None => Vec::new(),
    };
    let columns = Columns::new(&header, options.csv.as_ref(), delimiter).map_err(|error| match error {
        Error::Mapping(reason) => Error::Mapping(format!("{}: {reason}", path.display())),
        other => other,
    })?;
    Ok((table, columns))
}

/// The bucket of a file that has only one.
fn bucket_of(path: &Path, options: &Options, columns: &Columns) -> SourceBucket {
    let id = options.bucket.clone().unwrap_or_else(|| bucket_of_file(path));
    SourceBucket {
        type_: columns.bucket_type(&id).to_owned(),
        ..SourceBucket::named(id)
    }
}

type Named = (Vec<SourceBucket>, HashMap<String, usize>);

/// The buckets of a file whose rows name them: it is read once for that.
fn named_buckets(path: &Path, options: &Options, column: usize) -> Result<Named> {
    let (mut table, columns) = begin(path, Input::open(path)?, options)?;
    let mut buckets = Vec::new();
    let mut by_name = HashMap::new();
    // Damage is noted when the events are read.
    while let Ok(Some(row)) = table.next() {
        let name = row.text(column);
        let name = row::plain(&columns, &name);
        if name.is_empty() || by_name.contains_key(name) || buckets.len() == MAX_BUCKETS {
            continue;
        }
        let name = name.to_owned();
        by_name.insert(name.clone(), buckets.len());
        buckets.push(SourceBucket {
            type_: columns.bucket_type(&name).to_owned(),
            ..SourceBucket::named(name)
        });
    }
    Ok((buckets, by_name))
}

fn damage(error: std::io::Error, path: &Path, report: &mut Report) -> Result<()> {
    // The operating system's errors have a code; decompressors' have none.
    if error.raw_os_error().is_some() {
        return Err(Error::io("read", path)(error));
    }
    report.left_out.note(Reason::Damaged, || {
        format!("the compressed data are damaged: {error}; what comes after is not read")
    });
    Ok(())
}

impl Reader for CsvReader {
    fn kind(&self) -> Kind {
        Kind::Csv
    }

    fn buckets(&self) -> &[SourceBucket] {
        &self.buckets
    }

    fn next_batch(&mut self) -> Result<Option<Batch>> {
        loop {
            if let Some(batch) = self.gather.next() {
                return Ok(Some(batch));
            }
            if self.finished || !self.advance()? {
                self.finished = true;
                self.gather.complete_all();
                return Ok(self.gather.next());
            }
        }
    }

    fn report(&self) -> &Report {
        &self.report
    }

    fn progress(&self) -> Progress {
        Progress {
            done: self.done.load(Ordering::Relaxed),
            total: self.size,
        }
    }
}

impl Row<'_> {
    fn texts(&self) -> Vec<String> {
        (0..self.len()).map(|at| self.text(at).into_owned()).collect()
    }
}
