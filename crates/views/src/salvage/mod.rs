//! Events that the log has lost and old view segments still hold, written back into the log.
//!
//! A start that cannot use the checkpoint folds everything from the log. If the log is damaged, the view segments of
//! before may be the last copy of some events. What they hold is compared with what was folded; what the log has lost is
//! appended as ordinary records, each behind a marker ([`LossCause::Salvaged`]).
//!
//! Nothing that was deleted, purged or redacted may come back, so an event is taken only when that can be ruled out. All
//! rows of a view segment were shown at some moment at or after the newest record that it reflects. Every lost record
//! that could have taken an event away must be older than that moment; all later records are there and are asked. What
//! stays in doubt is left in the file, and the file is kept.

mod evidence;

use std::hash::{BuildHasher, BuildHasherDefault};

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use timberline_disk::IoError;
use timberline_log::Seq;
use timberline_model::{Duration, EventId, Timestamp};

use crate::background::compactor::flush_full_heads;
use crate::error::{HistoryError, OpenError, WriteError};
use crate::files::names::{SET_ASIDE, is_view_file, list, named_files};
use crate::files::open_report::OpenReport;
use crate::record::{BucketKey, EventBlock, EventsPut, LossCause, Lost, Record};
use crate::row::{Row, TimeRange};
use crate::salvage::evidence::{Evidence, Standing};
use crate::segment::{BLOCK_ROWS, Block, SegmentError, ViewSegment};
use crate::sequencer::Prepared;
use crate::store::Shared;
use crate::view::{BucketView, Snapshot};

/// Events of one record that brings some back.
const RECORD_EVENTS: usize = 1024;
/// Bytes of their data, about.
const RECORD_BYTES: usize = 512 << 10;

/// An old view segment, and what it holds that was not folded.
struct Old {
    file: String,
    bucket: BucketKey,
    /// The newest record that it reflects.
    newest: Seq,
    segment: ViewSegment,
    /// Rows that the fold does not have, or has with other times or data.
    different: Vec<Row>,
    /// Whether a part of it cannot be read.
    damaged: bool,
}

/// What was done.
#[derive(Default)]
struct Done {
    salvaged: u64,
    in_doubt: u64,
    kept: Vec<String>,
}

/// Writes back what only the old view segments hold, and keeps those in which something stays that could not be.
///
/// # Errors
/// When the views cannot be listed or a file cannot be renamed. When the log cannot be read or written, all the old
/// files are kept.
pub(crate) fn salvage(shared: &Shared, report: &mut OpenReport) -> Result<(), OpenError> {
    let snapshot = shared.sequencer.snapshot();
    let used: FxHashSet<String> = named_files(&snapshot).collect();
    let left: Vec<String> = (list(shared.files.storage())?.into_iter())
        .filter(|name| is_view_file(name) && !used.contains(name))
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let done = match bring_back(shared, &snapshot, &left) {
        Ok(done) => done,
        Err(error) => {
            tracing::error!(%error, "what the log has lost cannot be taken from the old view files now; they are kept");
            Done {
                kept: left,
                ..Done::default()
            }
        }
    };
    for name in &done.kept {
        shared
            .files
            .set_aside(name)
            .map_err(IoError::at("rename", shared.files.storage().path().join(name)))?;
    }
    report.seq = shared.sequencer.snapshot().seq();
    report.note_recovered(&shared.sequencer.lock().state);
    report.salvaged = done.salvaged;
    report.kept_views = done.kept;
    report.events_in_doubt = done.in_doubt;
    shared
        .healer
        .note_salvage(report.salvaged, report.events_in_doubt);
    log_outcome(shared, report);
    Ok(())
}

fn log_outcome(shared: &Shared, report: &OpenReport) {
    if report.salvaged > 0 {
        tracing::warn!(
            events = report.salvaged,
            "the log had lost events that old view files still held: they were written to the log again"
        );
    }
    if !report.kept_views.is_empty() {
        tracing::error!(
            files = %report.kept_views.iter().take(20).map(|f| format!("{f}{}", SET_ASIDE)).collect::<Vec<_>>().join(", "),
            count = report.kept_views.len(),
            events_in_doubt = report.events_in_doubt,
            directory = %shared.files.storage().path().display(),
            "the log and the checkpoint are damaged: these old view files are kept, because they may hold events that the \
             log has lost and that could not be brought back with certainty"
        );
    }
}

fn bring_back(shared: &Shared, snapshot: &Snapshot, left: &[String]) -> Result<Done, HistoryError> {
    let (mut old, mut unreadable) = (Vec::new(), Vec::new());
    for file in left {
        match Old::open(shared, file) {
            Ok(one) => old.push(one),
            Err(why) => {
                tracing::error!(file, %why, "an old view file cannot be opened");
                unreadable.push(file.clone());
            }
        }
    }
    compare(snapshot, &mut old)?;
    let asked = old
        .iter()
        .flat_map(|o| o.different.iter().map(|row| (o.bucket, row.id)));
    let evidence = Evidence::read(&shared.reader()?, asked)?;
    let trashed: FxHashSet<BucketKey> = snapshot.trashed().map(|t| t.view().key()).collect();
    // Of an event in several of them the newest segment is right.
    old.sort_by_key(|o| std::cmp::Reverse(o.newest));
    let mut taken = FxHashSet::default();
    let mut done = Done::default();
    for one in &mut old {
        let mut doubtful = 0;
        let mut rows = Vec::new();
        for row in std::mem::take(&mut one.different) {
            let folded = is_folded(snapshot, one.bucket, row.id)?;
            match evidence.judge(one.bucket, &row, one.newest, folded) {
                Standing::Accounted => {}
                Standing::Lost(_) if trashed.contains(&one.bucket) => doubtful += 1,
                Standing::Lost(row) if taken.insert((one.bucket, row.id)) => rows.push(row),
                Standing::Lost(_) => {}
                Standing::InDoubt => doubtful += 1,
            }
        }
        done.salvaged += one.write_back(shared, &rows)?;
        done.in_doubt += doubtful;
        if one.damaged || doubtful > 0 || one.newest > snapshot.seq() {
            done.kept.push(one.file.clone());
        }
    }
    done.kept.append(&mut unreadable);
    if done.salvaged > 0 {
        shared.sequencer.wait_durable(shared.sequencer.snapshot().seq())?;
    }
    Ok(done)
}

fn is_folded(snapshot: &Snapshot, bucket: BucketKey, id: EventId) -> Result<bool, SegmentError> {
    match snapshot.kept_of(bucket) {
        Some(view) => Ok(view.find(id)?.is_some()),
        None => Ok(false),
    }
}

/// Finds the rows that differ from what was folded, one bucket after the other.
fn compare(snapshot: &Snapshot, old: &mut [Old]) -> Result<(), SegmentError> {
    old.sort_by_key(|o| o.bucket.0);
    for of_bucket in old.chunk_by_mut(|a, b| a.bucket == b.bucket) {
        let view = of_bucket.first().and_then(|o| snapshot.kept_of(o.bucket));
        let folded = view.map(contents).transpose()?.unwrap_or_default();
        for one in of_bucket {
            one.compare(&folded);
        }
    }
    Ok(())
}

/// What an event has besides its id: start, duration, a hash of its data.
type Content = (Timestamp, Duration, u64);

fn contents(view: &BucketView) -> Result<FxHashMap<EventId, Content>, SegmentError> {
    let mut all = FxHashMap::default();
    let mut text = Vec::new();
    for event in view.events(TimeRange::ALL)? {
        let event = event?;
        text.clear();
        event.write_data(&mut text);
        let row = event.row();
        all.insert(row.id, (row.start, row.duration, hash(&text)));
    }
    Ok(all)
}

fn hash(text: &[u8]) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(text)
}

impl Old {
    fn open(shared: &Shared, file: &str) -> Result<Old, SegmentError> {
        let segment = ViewSegment::open(shared.files.storage(), file, None)?;
        let header = segment.header();
        Ok(Old {
            file: file.to_owned(),
            bucket: BucketKey(header.bucket),
            newest: header.greatest_seq,
            damaged: false,
            different: Vec::new(),
            segment,
        })
    }

    fn compare(&mut self, folded: &FxHashMap<EventId, Content>) {
        let segment = &self.segment;
        let Ok(dictionary) = segment.dictionary() else {
            self.damaged = true;
            return;
        };
        let mut hashes: FxHashMap<u32, u64> = FxHashMap::default();
        let mut block = Block::default();
        let mut text = Vec::new();
        for number in 0..segment.blocks() {
            if segment.read_block(number, &mut block).is_err() {
                self.damaged = true;
                continue;
            }
            for row in (0..block.len().min(BLOCK_ROWS)).filter_map(|i| block.row(i)) {
                if row.id == EventId::NONE {
                    continue;
                }
                let hashed = *hashes.entry(row.data).or_insert_with(|| {
                    text.clear();
                    dictionary.write_text(row.data, &mut text);
                    hash(&text)
                });
                if folded.get(&row.id) != Some(&(row.start, row.duration, hashed)) {
                    self.different.push(row);
                }
            }
        }
        segment.release();
    }

    /// Appends records with these events. Gives back how many there are.
    fn write_back(&mut self, shared: &Shared, rows: &[Row]) -> Result<u64, HistoryError> {
        if rows.is_empty() {
            return Ok(0);
        }
        let dictionary = self.segment.dictionary()?;
        let mut written = 0;
        let mut rest = rows;
        while !rest.is_empty() {
            let (mut events, mut bytes) = (Vec::new(), 0);
            for row in rest.iter().take(RECORD_EVENTS) {
                let mut text = Vec::new();
                dictionary.write_text(row.data, &mut text);
                bytes += text.len();
                if bytes > RECORD_BYTES && !events.is_empty() {
                    break;
                }
                events.push((
                    row.id,
                    row.start,
                    row.duration,
                    String::from_utf8_lossy(&text).into_owned(),
                ));
            }
            rest = rest.get(events.len()..).unwrap_or_default();
            written += events.len() as u64;
            put(shared, self.bucket, &events)?;
            flush_full_heads(shared);
        }
        Ok(written)
    }
}

/// Appends one record with events, behind the marker that says where they come from.
fn put(
    shared: &Shared,
    bucket: BucketKey,
    events: &[(EventId, Timestamp, Duration, String)],
) -> Result<Seq, WriteError> {
    let block = EventBlock::from_events(
        events
            .iter()
            .map(|(_, start, duration, text)| (*start, *duration, &**text)),
    );
    let records = [
        Record::Lost(Lost {
            cause: LossCause::Salvaged,
        }),
        Record::EventsPut(EventsPut {
            bucket,
            ids: events.iter().map(|(id, ..)| *id).collect(),
            events: block,
        }),
    ];
    let mut batch = Vec::with_capacity(records.len());
    for record in records {
        batch.push(Prepared::of(record, None)?);
    }
    shared.sequencer.commit_all(&mut shared.sequencer.lock(), &batch)
}
