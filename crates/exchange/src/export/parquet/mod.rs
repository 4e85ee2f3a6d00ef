//! Parquet, for DuckDB, pandas, Spark and the like: typed columns, compressed with zstd.
//!
//! | column | type | encoding |
//! |---|---|---|
//! | `bucket` | string; not in folders, whose names say it | dictionary |
//! | `id` | INT64, may be null | DELTA_BINARY_PACKED |
//! | `timestamp` | TIMESTAMP(NANOS, UTC) | DELTA_BINARY_PACKED |
//! | `duration_ns` | INT64, nanoseconds | DELTA_BINARY_PACKED |
//! | a key of the data | BOOLEAN, INT64, DOUBLE, string or JSON, may be null | dictionary, where it pays |
//! | `data` | JSON: members that have no column, or do not fit its type; null if there are none | dictionary |
//!
//! | file | what it does |
//! |---|---|
//! | `group` | the rows of a row group, as columns |
//! | `folders` | a file for each bucket and month |

mod folders;
mod group;

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use timberline_model::{Bucket, NewEvent};

pub use self::folders::ParquetFolders;
use self::group::Group;
use super::{Columns, Sink, Totals, no_bucket};
use crate::Result;

/// Rows of a row group. Together with [`GROUP_BYTES`], what one writer holds in memory.
const GROUP_ROWS: usize = 128 << 10;
/// Bytes of a row group, uncompressed.
const GROUP_BYTES: usize = 32 << 20;
/// Statistics of long texts make files larger, and queries no faster.
const STATISTICS_BYTES: usize = 64;

/// Writes one Parquet file with all buckets.
pub struct Parquet<W: Write + Send> {
    file: File<W>,
    bucket: Option<String>,
    totals: Totals,
}

impl<W: Write + Send> Parquet<W> {
    /// Writes to `out`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn new(out: W, columns: Columns) -> Result<Parquet<W>> {
        Ok(Parquet {
            file: File::new(out, Arc::new(columns), true)?,
            bucket: None,
            totals: Totals::default(),
        })
    }
}

impl<W: Write + Send> Sink for Parquet<W> {
    fn bucket(&mut self, bucket: &Bucket) -> Result<()> {
        self.totals.buckets += 1;
        self.bucket = Some(bucket.id.clone());
        Ok(())
    }

    fn events(&mut self, events: &[NewEvent<'_>]) -> Result<()> {
        let bucket = self.bucket.as_deref().ok_or_else(no_bucket)?;
        for event in events {
            self.file.push(bucket, event)?;
        }
        self.totals.count(events);
        Ok(())
    }

    fn finish(&mut self) -> Result<Totals> {
        self.file.finish()?;
        Ok(self.totals)
    }
}

/// A Parquet file in the making.
struct File<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    group: Group,
}

impl<W: Write + Send> File<W> {
    fn new(out: W, columns: Arc<Columns>, with_bucket: bool) -> Result<File<W>> {
        let group = Group::new(columns, with_bucket);
        let zstd = ZstdLevel::try_new(3)?;
        let mut properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by(concat!("timberline ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(zstd))
            .set_statistics_truncate_length(Some(STATISTICS_BYTES))
            .set_column_index_truncate_length(Some(STATISTICS_BYTES));
        for name in ["id", "timestamp", "duration_ns"] {
            let path = ColumnPath::from(name);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
        let writer = SerializedFileWriter::new(out, group.schema()?, Arc::new(properties.build()))?;
        Ok(File { writer, group })
    }

    fn push(&mut self, bucket: &str, event: &NewEvent<'_>) -> Result<()> {
        self.group.push(bucket, event);
        if self.group.rows() >= GROUP_ROWS || self.group.bytes() >= GROUP_BYTES {
            self.group.write(&mut self.writer)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.group.write(&mut self.writer)?;
        self.writer.finish()?;
        Ok(())
    }
}
