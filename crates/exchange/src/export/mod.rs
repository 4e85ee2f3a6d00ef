//! Writing: buckets and their events in the formats of other programs.
//!
//! Every writer is a [`Sink`]: it takes one bucket after the other, and of each its events in order, a few at a time.
//! None holds more than a bounded part of them.
//!
//! | file | what it writes |
//! |---|---|
//! | `json` | the export format of ActivityWatch, and one event a line |
//! | `csv` | a table |
//! | `ical` | a calendar |
//! | `sqlite` | a database of aw-server-rust |
//! | `parquet` | columns, in one file or in folders |
//! | `columns` | which keys of the data become columns |

pub(crate) mod columns;
mod csv;
mod ical;
mod json;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "sqlite")]
mod sqlite;

use timberline_model::{Bucket, NewEvent};

pub use self::columns::Columns;
pub use self::csv::Csv;
pub(crate) use self::csv::OUR_CSV;
pub use self::ical::Ical;
pub use self::json::{Json, NdJson};
#[cfg(feature = "parquet")]
pub use self::parquet::{Parquet, ParquetFolders};
#[cfg(feature = "sqlite")]
pub use self::sqlite::Sqlite;
use crate::Result;

/// Takes buckets and events, and writes them.
pub trait Sink {
    /// Begins a bucket. Each id at most once.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn bucket(&mut self, bucket: &Bucket) -> Result<()>;

    /// Takes events of the bucket that was begun last. They keep their order; data are canonical.
    ///
    /// # Errors
    ///
    /// When they cannot be written, or before the first bucket.
    fn events(&mut self, events: &[NewEvent<'_>]) -> Result<()>;

    /// Takes a setting: its key in the API, and any JSON. Formats that have no place for settings ignore them.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn setting(&mut self, key: &str, value: &str) -> Result<()> {
        let _ = (key, value);
        Ok(())
    }

    /// Completes the file. Without it, what is written cannot be read.
    ///
    /// # Errors
    ///
    /// When the rest cannot be written.
    fn finish(&mut self) -> Result<Totals>;
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Buckets.
    pub buckets: u64,
    /// Events.
    pub events: u64,
    /// The sum of their durations in nanoseconds, exactly.
    pub total: i128,
    /// Events that have another id in the file, because theirs was taken there.
    pub renumbered: u64,
}

impl Totals {
    fn count(&mut self, events: &[NewEvent<'_>]) {
        self.events += events.len() as u64;
        for event in events {
            self.total += i128::from(event.duration.nanos());
        }
    }
}

/// What a [`Sink`] says when events come before their bucket.
fn no_bucket() -> crate::Error {
    crate::Error::Unwritable("events were given before their bucket".to_owned())
}

/// Creates a file that only its owner can read: it says what a person did all day.
#[cfg(any(feature = "sqlite", feature = "parquet"))]
fn create_private(path: &std::path::Path) -> Result<std::fs::File> {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(crate::Error::io("create", path))
}
