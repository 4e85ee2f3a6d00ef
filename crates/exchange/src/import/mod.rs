//! Reading: what other programs recorded, as buckets, settings and a stream of events.
//!
//! | file | what it does |
//! |---|---|
//! | `detect` | finds where ActivityWatch keeps its data |
//! | `identify` | says what kind of file one is |
//! | `input` | reads a file, compressed or not |
//! | `sqlite` | the databases of all ActivityWatch servers |
//! | `json` | export files |
//! | `csv` | tables |
//! | `gather` | puts events together into batches |
//! | `text` | reads the data of an event, and repairs it if necessary |
//! | `reservation` | keeps two readers of one database apart |
//! | `report` | counts what was read and what was left out |

mod csv;
mod detect;
mod gather;
mod identify;
mod input;
mod json;
mod report;
mod reservation;
#[cfg(feature = "sqlite")]
mod sqlite;
mod text;

use std::fmt;
use std::path::{Path, PathBuf};

use timberline_model::{Data, NewEvent, Timestamp};

pub use self::csv::{ColumnType, CsvMapping};
pub use self::detect::{Found, Places, Platform, detect};
pub use self::report::{BucketReport, Note, Notes, Reason, Report};
use crate::Result;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A database of aw-server-rust, with the version of its schema.
    AwServerRust(u32),
    /// A database of aw-server, its usual storage (`peewee-sqlite.v2.db`).
    AwServerPeewee,
    /// A database of aw-server, its storage `sqlite`.
    AwServerSqlite,
    /// An export of a server: buckets with their events.
    Export,
    /// A list of events without a bucket, as older web UIs export it.
    EventList,
    /// The settings of aw-server, `settings.json`.
    Settings,
    /// A table of events.
    Csv,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::AwServerRust(version) => write!(f, "aw-server-rust database, version {version}"),
            Kind::AwServerPeewee => f.write_str("aw-server database"),
            Kind::AwServerSqlite => f.write_str("aw-server database (storage sqlite)"),
            Kind::Export => f.write_str("ActivityWatch export"),
            Kind::EventList => f.write_str("list of events"),
            Kind::Settings => f.write_str("settings of aw-server"),
            Kind::Csv => f.write_str("CSV"),
        }
    }
}

/// A bucket as the source describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceBucket {
    /// Its name, unique in the source.
    pub id: String,
    /// What kind of events it holds; `type` in JSON.
    pub type_: String,
    /// The program that filled it.
    pub client: String,
    /// The host it was filled on.
    pub hostname: String,
    /// When it was created, if the source says so.
    pub created: Option<Timestamp>,
    /// What its creator keeps with it.
    pub data: Data,
    /// When it was last changed, if the source says so.
    pub last_updated: Option<Timestamp>,
    /// The device it was synced from, if it is not from the source's own (aw-server-rust, schema 7).
    pub device: Option<String>,
}

impl SourceBucket {
    /// A bucket of which nothing but the name is known.
    fn named(id: String) -> SourceBucket {
        let unknown = || timberline_model::json::UNKNOWN.to_owned();
        SourceBucket {
            id,
            type_: unknown(),
            client: unknown(),
            hostname: unknown(),
            created: None,
            data: Data::default(),
            last_updated: None,
            device: None,
        }
    }
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key in the API: `classes`, not `settings.classes` as aw-server-rust stores it.
    pub key: String,
    /// Its value: any JSON.
    pub value: String,
}

/// Events of one bucket, in the order of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Which of the [`Source::buckets`].
    pub bucket: usize,
    /// At least one event. An id is the source's: it says nothing about events that are stored elsewhere.
    pub events: Vec<NewEvent<'static>>,
}

/// What a person can say about a file that does not say it itself.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The bucket of a file without one (CSV, lists of events). Without it, the file's name decides.
    pub bucket: Option<String>,
    /// What the columns of a CSV file mean. Without it, they must be those that the standard web UI or this crate
    /// writes.
    pub csv: Option<CsvMapping>,
}

/// How far reading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How much has been read, in a unit that only `total` shares: bytes of the file, or row numbers.
    pub done: u64,
    /// How much there is. An estimate: `done` may stop short of it.
    pub total: u64,
}

/// An opened file: identified, and ready to give its events once. Memory does not grow with the file.
pub struct Source {
    path: PathBuf,
    reader: Box<dyn Reader + Send>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, {})", self.path.display(), self.kind())
    }
}

/// What each kind of file provides.
trait Reader {
    fn kind(&self) -> Kind;
    fn buckets(&self) -> &[SourceBucket];
    fn settings(&self) -> &[Setting] {
        &[]
    }
    fn next_batch(&mut self) -> Result<Option<Batch>>;
    fn report(&self) -> &Report;
    fn progress(&self) -> Progress;
}

impl Source {
    /// Opens a file for reading, says what it is, and reads all but its events. Nothing of the file or beside it is
    /// changed.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, is of no kind that can be read, is encrypted, or is held by another program in
    /// a way that keeps it from being read rightly. [`Error::AlreadyReading`](crate::Error::AlreadyReading) while another
    /// source of this process reads the same database.
    pub fn open(path: &Path, options: &Options) -> Result<Source> {
        let reader = identify::open(path, options)?;
        Ok(Source {
            path: path.to_owned(),
            reader,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.reader.kind()
    }

    /// Its buckets. [`Batch::bucket`] and [`Report::buckets`] count in this order.
    #[must_use]
    pub fn buckets(&self) -> &[SourceBucket] {
        self.reader.buckets()
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        self.reader.settings()
    }

    /// The next events, of whatever bucket comes next; `None` after the last ones. Damage is no error: it is noted in
    /// the [`Report`].
    ///
    /// # Errors
    ///
    /// When reading cannot go on: the disk fails, or another program holds the file.
    pub fn next_batch(&mut self) -> Result<Option<Batch>> {
        self.reader.next_batch()
    }

    /// What was read and left out so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        self.reader.report()
    }

    /// How far reading has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.reader.progress()
    }
}

/// The bucket that a file is about, as far as its name says so: `aw-events-export-aw-watcher-afk_host-2024-03-01.csv`
/// is about `aw-watcher-afk_host`.
fn bucket_of_file(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut name = name.unwrap_or_default();
    for extension in [".gz", ".zst", ".csv", ".tsv", ".json"] {
        if let Some(stem) = name.strip_suffix(extension) {
            name = stem.to_owned();
        }
    }
    // Browsers number the second download of a name: "name (1).csv".
    if let Some((stem, copy)) = name.rsplit_once(" (")
        && copy
            .strip_suffix(')')
            .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
    {
        name = stem.to_owned();
    }
    for prefix in [
        "aw-events-export-",
        "aw-event-export-",
        "aw-bucket-export-",
        "aw-bucket-export_",
        "raw-events-export-",
    ] {
        if let Some(rest) = name.strip_prefix(prefix) {
            name = without_date(rest).to_owned();
            break;
        }
    }
    if name.is_empty() {
        "imported".to_owned()
    } else {
        name
    }
}

/// A name without a date behind it.
fn without_date(name: &str) -> &str {
    let Some(at) = name.len().checked_sub("-2024-03-01".len()) else {
        return name;
    };
    let is_date = |text: &str| {
        text.bytes().enumerate().all(|(at, byte)| match at {
            0 | 5 | 8 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    };
    match name.split_at_checked(at) {
        Some((stem, date)) if !stem.is_empty() && is_date(date) => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_its_bucket() {
        for (file, bucket) in [
            (
                "aw-events-export-aw-watcher-afk_host-2024-03-01.csv",
                "aw-watcher-afk_host",
            ),
            (
                "/x/aw-events-export-aw-watcher-afk_host-2024-03-01 (2).csv",
                "aw-watcher-afk_host",
            ),
            ("aw-bucket-export-b.json.gz", "b"),
            ("aw-events-export-b.csv", "b"),
            ("hours.csv", "hours"),
            (".csv", "imported"),
            ("", "imported"),
            ("aw-events-export-2024-03-01.csv", "2024-03-01"),
        ] {
            assert_eq!(bucket_of_file(Path::new(file)), bucket, "{file}");
        }
    }
}
