//! Flushing: how a head becomes a view segment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use timberline_disk::{IoError, Storage};
use timberline_log::Seq;

use crate::error::CompactError;
use crate::head::Run;
use crate::record::BucketKey;
use crate::segment::{self, Heal, Source, ViewSegment};

/// After so many records a long fold looks for full heads.
const RECORDS_BETWEEN_FLUSHES: usize = 1024;
/// After so many bytes of records it looks for them, too.
const BYTES_BETWEEN_FLUSHES: usize = 4 << 20;

/// When a long fold, which runs without a compactor, should look for full heads.
#[derive(Debug, Default)]
pub(crate) struct FlushTrigger {
    records: usize,
    bytes: usize,
}

impl FlushTrigger {
    /// Notes a record. True when it is time to look for full heads.
    pub(crate) fn is_due(&mut self, payload: &[u8]) -> bool {
        self.records += 1;
        self.bytes += payload.len();
        let due = self.records >= RECORDS_BETWEEN_FLUSHES || self.bytes >= BYTES_BETWEEN_FLUSHES;
        if due {
            *self = FlushTrigger::default();
        }
        due
    }
}

/// The runs of a frozen head, as sources of a view segment.
pub(crate) fn head_sources(runs: &[Arc<Run>], touched: Seq) -> Vec<Source> {
    runs.iter().map(|r| Source::Run(r.clone(), touched)).collect()
}

/// Writes the rows of these sources to a new view segment; none when there are no rows.
///
/// # Errors
/// When a source is damaged or the file cannot be written.
pub(crate) fn write_segment(
    storage: &dyn Storage,
    next_number: &AtomicU64,
    key: BucketKey,
    sources: &[Source],
    healer: Option<Arc<dyn Heal>>,
) -> Result<Option<ViewSegment>, CompactError> {
    let Some(bytes) = segment::build(key.0, sources)? else {
        return Ok(None);
    };
    let number = next_number.fetch_add(1, Ordering::Relaxed);
    let file = format!("{:05}-{number:010}.view", key.0);
    storage
        .write_file(&file, &bytes)
        .map_err(IoError::at("write", storage.path().join(&file)))?;
    Ok(Some(ViewSegment::open(storage, &file, healer)?))
}
