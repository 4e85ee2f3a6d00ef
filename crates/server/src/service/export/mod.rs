//! Exports: history, or the result of a query, in the formats of other programs.
//!
//! What is exported ([`Content`]) can be read several times and gives its events a few at a time. So a format that has to
//! know all keys of the data before the first row reads everything once before it writes, and no format needs memory that
//! grows with history.
//!
//! | file | what it does |
//! |---|---|
//! | `format` | the formats; which one a client accepts |
//! | `history` | buckets of a snapshot |
//! | `result` | the result of a query |
//! | `survey` | which keys of the data become columns |
//! | `watched` | counts what is written, and stops when nobody waits for it any more |

mod format;
mod history;
mod result;
mod survey;
mod watched;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use timberline_cancel::Cancel;
use timberline_exchange::export::{
    Columns, Csv, Ical, Json, NdJson, Parquet, ParquetFolders, Sink, Sqlite, Totals,
};
use timberline_model::{ParseError, Timestamp};
use timberline_views::SegmentError;

pub use self::format::Format;
pub use self::history::HistoryContent;
pub use self::result::ResultContent;
use self::survey::Survey;
use self::watched::Watched;

/// Why an export cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No bucket is named like this.
    #[error("there is no bucket {0}")]
    NoSuchBucket(String),
    /// The request makes no sense.
    #[error("{0}")]
    Unfit(String),
    /// What is stored cannot be read.
    #[error("cannot read what is stored")]
    Read(#[from] SegmentError),
    /// The result of the query cannot be read.
    #[error("the result of the query cannot be exported: {0}")]
    Result(#[from] ParseError),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] timberline_exchange::Error),
    /// Nobody waits for it any more.
    #[error("the export was cancelled")]
    Cancelled,
}

/// What is exported. It can be read several times.
pub trait Content {
    /// Gives all of it to `sink`, without finishing it.
    ///
    /// # Errors
    /// When it cannot be read, and those of `sink`.
    fn give(&self, sink: &mut dyn Sink) -> Result<(), ExportError>;

    /// How many events there are, if that is known.
    fn events(&self) -> Option<u64>;
}

/// How an export is made.
pub struct Exporter<'a> {
    /// The keys of the data that become columns; if there are none, all.
    pub fields: Vec<String>,
    /// The time that the export says it was made at.
    pub now: Timestamp,
    /// Whether anybody still waits for it.
    pub cancel: &'a Cancel,
    /// Is told how many events have been written so far.
    pub progress: &'a dyn Fn(u64),
}

impl Exporter<'_> {
    /// Checks what can be checked before anything is written.
    ///
    /// # Errors
    /// [`ExportError::Unfit`].
    pub fn check(format: Format, fields: &[String]) -> Result<(), ExportError> {
        if fields.is_empty() || format.has_columns() {
            return Ok(());
        }
        Err(ExportError::Unfit(format!(
            "only csv and parquet have columns: {format} takes no list of fields"
        )))
    }

    /// Writes to `out`, in a format that is written from beginning to end.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn stream<W: Write + Send>(
        &self,
        content: &dyn Content,
        format: Format,
        out: W,
    ) -> Result<Totals, ExportError> {
        match format {
            Format::Json => self.write(content, Json::new(out)),
            Format::Ndjson => self.write(content, NdJson::new(out)),
            Format::Csv => self.write(content, Csv::new(out, self.columns(content)?)),
            Format::Ical => self.write(content, Ical::new(out, self.now)),
            Format::Parquet => self.write(content, Parquet::new(out, self.columns(content)?)?),
            Format::Sqlite => Err(ExportError::Unfit("a database needs a file".to_owned())),
        }
    }

    /// Writes a database to a file that is not there yet.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn database(&self, content: &dyn Content, path: &Path) -> Result<Totals, ExportError> {
        self.write(content, Sqlite::new(path, self.now)?)
    }

    /// Writes a database to a file that loses its name `path` at once.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn unnamed_database(&self, content: &dyn Content, path: &Path) -> Result<File, ExportError> {
        let (sqlite, file) = Sqlite::unnamed(path, self.now)?;
        self.write(content, sqlite)?;
        Ok(file)
    }

    /// Writes Parquet into the folders `bucket=…/month=…` below `root`, an empty directory.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn folders(&self, content: &dyn Content, root: &Path) -> Result<Totals, ExportError> {
        self.write(content, ParquetFolders::new(root, self.columns(content)?)?)
    }

    fn columns(&self, content: &dyn Content) -> Result<Columns, ExportError> {
        if !self.fields.is_empty() {
            return Ok(Columns::chosen(&self.fields));
        }
        let mut survey = Survey::default();
        self.give(content, &mut survey, &|_| {})?;
        Ok(survey.into_columns())
    }

    fn write(&self, content: &dyn Content, mut sink: impl Sink) -> Result<Totals, ExportError> {
        self.give(content, &mut sink, self.progress)?;
        Ok(sink.finish()?)
    }

    fn give(
        &self,
        content: &dyn Content,
        sink: &mut dyn Sink,
        progress: &dyn Fn(u64),
    ) -> Result<(), ExportError> {
        let mut watched = Watched::new(sink, self.cancel, progress);
        let given = content.give(&mut watched);
        if self.cancel.is_cancelled() {
            return Err(ExportError::Cancelled);
        }
        given
    }
}
