//! Looking into a data directory without taking its lock and without changing anything in it, also while a server
//! writes there.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use timberline_cancel::Cancel;

use timberline_disk::{Cipher, DataDir, Storage};
use timberline_log::{Log, LogOptions, LogReader, Seq};
use timberline_model::EventId;

use super::verify::damaged_view_segments;
use crate::error::{HistoryError, OpenError};
use crate::files::checkpoint::{self, Checkpoint, Found};
use crate::files::generations;
use crate::files::healer::Healer;
use crate::files::names::{encrypted, existing, expect_key, expect_log_to_reach, list, parse_view_file};
use crate::files::open_report::OpenReport;
use crate::fold::{Replica, ReplicaError};
use crate::history::event_history::{self, EventHistory};
use crate::history::horizon::horizon;
use crate::record::{BucketKey, Record, RecordKind};
use crate::view::Snapshot;

/// How often a checkpoint is read again because the server has replaced it, and removed files that it named, while
/// it was being read.
const ATTEMPTS: usize = 5;
/// How long a server that writes a checkpoint may take for its copy.
const A_MOMENT: Duration = Duration::from_millis(300);

/// Opens the log of a data directory for reading; with its key, if the directory is encrypted.
///
/// # Errors
/// [`OpenError::NoLog`] if the directory has none, [`OpenError::Log`] if it cannot be read, [`OpenError::Encrypted`]
/// without its key.
pub fn read_log(path: &Path, cipher: Option<&Arc<Cipher>>) -> Result<LogReader, OpenError> {
    expect_key(path, cipher.is_some())?;
    Ok(log_files(path)?.with_cipher(cipher.cloned()))
}

/// Opens the log of a data directory for looking at its segments and for copying them. That needs no key; records of an
/// encrypted log cannot be read this way.
///
/// # Errors
/// [`OpenError::NoLog`] if the directory has none, [`OpenError::Log`] if it cannot be read.
pub fn log_files(path: &Path) -> Result<LogReader, OpenError> {
    let Some(log) = existing(&path.join(DataDir::LOG))? else {
        return Err(OpenError::NoLog {
            path: path.display().to_string(),
        });
    };
    Ok(LogReader::open(Arc::new(log))?)
}

/// What the log says of an event: the newest `limit` changes. `None` if it knows no bucket of this id; of several the
/// newest is meant.
///
/// # Errors
/// When the log cannot be read.
pub fn explain(
    log: &LogReader,
    bucket: &str,
    id: EventId,
    limit: usize,
) -> Result<Option<EventHistory>, HistoryError> {
    let mut key = None;
    let mut newest = Seq::NONE;
    let mut records = log.read_from(Seq::FIRST)?;
    while let Some(record) = records.next() {
        let Ok(record) = record else { continue };
        newest = record.seq;
        if record.kind == RecordKind::BucketCreated.number()
            && let Record::BucketCreated(created) = Record::decode(record.kind, record.payload)?
            && created.id == bucket
        {
            key = Some(created.bucket);
        }
    }
    let Some(key) = key else { return Ok(None) };
    let (squashed, _) = horizon(log)?;
    event_history::event_history(log, key, id, (squashed, newest), limit, &Cancel::new()).map(Some)
}

/// Reads the views of a data directory and folds in the records that they do not have yet, up to the end of the log
/// as of now: [`Snapshot::seq`] says how far that is. Events that do not fit in memory go to `spill`, which should be
/// an empty directory of its own, and an [`EncryptedStorage`](timberline_disk::EncryptedStorage) if the data are.
///
/// # Errors
/// [`OpenError`]. Damage to log or views is not an error: it is in the report.
pub fn read_only(
    path: &Path,
    cipher: Option<&Arc<Cipher>>,
    spill: Arc<dyn Storage>,
) -> Result<(Snapshot, OpenReport), OpenError> {
    read_only_with(path, &read_log(path, cipher)?, cipher, spill)
}

/// The same with a reader of the directory's log, which the caller reads as well: what is erased meanwhile is in both
/// or in none, if the reader is [`pinned`](LogReader::pinned).
///
/// # Errors
/// As [`read_only`].
pub fn read_only_with(
    path: &Path,
    reader: &LogReader,
    cipher: Option<&Arc<Cipher>>,
    spill: Arc<dyn Storage>,
) -> Result<(Snapshot, OpenReport), OpenError> {
    let mut report = OpenReport::default();
    let mut replica = Replica::of(views_on_disk(path, cipher, &mut report)?.state, Some(spill));
    let mut records = reader.read_from(replica.seq().next())?;
    while let Some(record) = records.next() {
        let record = match record {
            Ok(record) => record,
            Err(damage) => {
                report.note_damage(damage);
                continue;
            }
        };
        report.folded += 1;
        match replica.apply(&record) {
            Ok(()) => {}
            Err(ReplicaError::Compact(error)) => return Err(error.into()),
            Err(why) => report.note_unfolded(record.seq, why),
        }
    }
    let snapshot = replica.snapshot();
    report.note_recovered(replica.state());
    report.seq = snapshot.seq();
    Ok((snapshot, report))
}

/// What a server would find at its start, and whether it would start: the same checks, without the lock and without
/// changing anything, also while a server writes there. What the views lack is not folded.
///
/// # Errors
/// [`OpenError`]: what would keep a server from starting.
pub fn check_start(path: &Path, cipher: Option<&Arc<Cipher>>) -> Result<OpenReport, OpenError> {
    expect_key(path, cipher.is_some())?;
    let mut report = OpenReport::default();
    // First the views: the log of a server that writes only gets longer meanwhile.
    let Checkpoint { state, generations } = views_on_disk(path, cipher, &mut report)?;
    let views = state.seq;
    let log_dir = path.join(DataDir::LOG);
    if let Some(log) = existing(&log_dir)? {
        let options = LogOptions {
            cipher: cipher.cloned(),
            ..LogOptions::default()
        };
        let log: Arc<dyn Storage> = Arc::new(log);
        let found = Log::look(&log, &options)?;
        report.seq = found.last_seq;
        report.damage = found.damage;
        let reader = LogReader::open(log)?;
        report
            .damage
            .extend(generations::put_back(&reader, &generations)?);
    }
    expect_log_to_reach(&log_dir, report.seq, views)?;
    Ok(report)
}

/// What of the views on disk is damaged, by file: reads the checkpoint, its copy, and every view segment that the
/// checkpoint names. Nothing of it is lost as long as the log is whole.
///
/// # Errors
/// [`OpenError`]: when the files cannot be read at all.
pub fn damaged_views(path: &Path, cipher: Option<&Arc<Cipher>>) -> Result<Vec<String>, OpenError> {
    let Some(views) = existing(&path.join(DataDir::VIEWS))? else {
        return Ok(Vec::new());
    };
    let views = encrypted(Arc::new(views), cipher);
    let mut damaged = checkpoint::describe_damage(&*views)?;
    if !damaged.is_empty() {
        // A server that writes its first checkpoint has one of the two and not yet the other.
        timberline_clock::sleep(A_MOMENT);
        let still = checkpoint::describe_damage(&*views)?;
        damaged.retain(|what| still.contains(what));
    }
    let mut report = OpenReport::default();
    let snapshot = views_on_disk(path, cipher, &mut report)?.state.snapshot();
    // A segment that cannot even be opened.
    damaged.extend(report.checkpoint_unusable.filter(|_| damaged.is_empty()));
    match damaged_view_segments(&snapshot, &mut &Cancel::new()) {
        Ok(found) => damaged.extend(found),
        Err(cancelled) => {
            debug_assert!(false, "nobody else has the token, so nobody cancels it");
            damaged.push(format!("the view segments were not all read: {cancelled}"));
        }
    }
    Ok(damaged)
}

/// What the checkpoint of a data directory says, whatever has become of the view segments that it names; `None` if neither it
/// nor its copy can be used. The events of a damaged segment cannot be read from it.
pub fn last_checkpoint(path: &Path, cipher: Option<&Arc<Cipher>>) -> Option<Snapshot> {
    let views = encrypted(Arc::new(existing(&path.join(DataDir::VIEWS)).ok()??), cipher);
    let healer = Arc::new(Healer::default());
    match checkpoint::read(&*views, Some(&healer)) {
        Ok(Found::Checkpoint(checkpoint)) => Some(checkpoint.state.snapshot()),
        _ => None,
    }
}

/// The view segments on disk, whether the checkpoint names them or not: bucket and bytes of each.
///
/// # Errors
/// [`OpenError::Io`] if the directory cannot be read.
pub fn view_files(path: &Path) -> Result<Vec<(BucketKey, u64)>, OpenError> {
    let Some(views) = existing(&path.join(DataDir::VIEWS))? else {
        return Ok(Vec::new());
    };
    let bucket = |name: &String| {
        let (key, _) = parse_view_file(name)?;
        // One that the server has removed since the directory was listed is left out.
        let bytes = views.open_read(name).ok()?.len().ok()?;
        Some((key, bytes))
    };
    Ok(list(&views)?.iter().filter_map(bucket).collect())
}

/// The state of the checkpoint; the empty one if there is none, or none that can be used.
fn views_on_disk(
    path: &Path,
    cipher: Option<&Arc<Cipher>>,
    report: &mut OpenReport,
) -> Result<Checkpoint, OpenError> {
    let Some(views) = existing(&path.join(DataDir::VIEWS))? else {
        return Ok(Found::None.or_new(report));
    };
    let views = encrypted(Arc::new(views), cipher);
    let mut before = views.read_file(checkpoint::FILE).ok();
    for _ in 1..ATTEMPTS {
        let state = restore_checkpoint(&*views, report)?;
        let now = views.read_file(checkpoint::FILE).ok();
        if report.checkpoint_unusable.is_none() || now == before {
            return Ok(state);
        }
        report.checkpoint_unusable = None;
        before = now;
    }
    restore_checkpoint(&*views, report)
}

fn restore_checkpoint(views: &dyn Storage, report: &mut OpenReport) -> Result<Checkpoint, OpenError> {
    Ok(checkpoint::read(views, None)?.or_new(report))
}
