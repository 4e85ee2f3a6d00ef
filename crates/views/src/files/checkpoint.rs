//! The checkpoint: the whole state at one seq, but for what lies in view segments. Opening reads it, maps the
//! segments it names, and folds only the records after it.
//!
//! One file, replaced atomically. It is written only after the log is durable up to its seq: views never know more
//! than the log. Format: `docs/format/views.md`.

// All of it comes from the disk.
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::Arc;

use bincode::{BorrowDecode, Encode};
use timberline_disk::{IoError, Storage};
use timberline_log::{Position, Seq};
use timberline_model::{Bucket, Data, Duration, EventId, Timestamp};

use crate::error::OpenError;
use crate::files::generations::Generations;
use crate::files::healer::Healer;
use crate::files::open_report::OpenReport;
use crate::fold::BucketState;
use crate::fold::State;
use crate::record::codec::{self, CONFIG, CodecError};
use crate::record::{BucketKey, EventBlock, Put};
use crate::row::Row;
use crate::segment::{Heal, SegmentError, ViewSegment};
use crate::view::Snapshot;
use crate::view::{BucketView, Changes, LastEvent, MaskedSegment};

/// Name of the file.
pub(crate) const FILE: &str = timberline_disk::DataDir::CHECKPOINT;
/// Name of the same once more. Only a checkpoint knows which rows of the segments are gone, what buckets are called when
/// the log has lost it, and which events lie in no segment yet: one damaged file must not cost that.
pub(crate) const COPY: &str = "checkpoint.copy";
const MAGIC: [u8; 8] = *b"TLVIEWCP";
const VERSION: u32 = 2;
/// A segment that cannot be opened and should have more rows than this is not believed: memory is taken for each.
const MAX_UNREADABLE_ROWS: u64 = 1 << 21;
/// magic 8 | version u32 | CRC-32 of the body u32
const HEADER: usize = 16;
/// What is wrong with a file that is not there.
const MISSING: &str = "it is missing";

#[derive(Encode, BorrowDecode)]
struct Body {
    seq: u64,
    position: Option<(u64, u64)>,
    next_event: u64,
    next_bucket: u32,
    settings: Vec<(String, String)>,
    buckets: Vec<BucketBody>,
    /// Deleted buckets, and the seq of their deletion.
    trash: Vec<(u64, BucketBody)>,
    /// Seqs of purges that are not complete.
    purges: Vec<u64>,
}

#[derive(Encode, BorrowDecode)]
struct BucketBody {
    key: BucketKey,
    id: String,
    type_: String,
    client: String,
    hostname: String,
    created: i64,
    data: String,
    last_updated: Option<i64>,
    extent: Option<(i64, i64)>,
    len: u64,
    touched: u64,
    last: Option<(u64, i64, i64)>,
    open: Option<OpenBody>,
    segments: Vec<SegmentBody>,
    head_ids: Vec<u64>,
    /// An [`EventBlock`].
    head: Vec<u8>,
}

#[derive(Encode, BorrowDecode)]
struct OpenBody {
    id: u64,
    start: i64,
    duration: i64,
    data: String,
}

#[derive(Encode, BorrowDecode)]
struct SegmentBody {
    file: String,
    hidden: Vec<u32>,
}

/// What reading the checkpoint found.
pub(crate) enum Found {
    /// None was ever written.
    None,
    /// It cannot be used, for this reason; the log has everything.
    Unusable(String),
    /// It can be used.
    Checkpoint(Box<Checkpoint>),
}

/// What a checkpoint holds.
pub(crate) struct Checkpoint {
    /// The state, but for what lies in view segments.
    pub(crate) state: State,
    /// Which versions of the log's segments there were.
    pub(crate) generations: Generations,
}

impl Found {
    /// The checkpoint, or an empty one. Why it could not be used is noted.
    pub(crate) fn or_new(self, report: &mut OpenReport) -> Checkpoint {
        let why = match self {
            Found::Checkpoint(checkpoint) => return *checkpoint,
            Found::None => None,
            Found::Unusable(why) => Some(why),
        };
        if let Some(why) = why {
            tracing::warn!(why, "the views cannot be used and are made again from the log");
            report.checkpoint_unusable = Some(why);
        }
        Checkpoint {
            state: State::new(),
            generations: Generations::new(),
        }
    }
}

/// The bytes of a checkpoint of this snapshot and of these versions of the log's segments.
///
/// # Errors
/// None in practice; an encoder error is passed on.
pub(crate) fn encode(snapshot: &Snapshot, generations: &Generations) -> Result<Vec<u8>, CodecError> {
    let buckets = snapshot
        .buckets()
        .map(bucket_body)
        .collect::<Result<Vec<_>, _>>()?;
    let trash = snapshot
        .trashed()
        .map(|deleted| Ok((deleted.seq.get(), bucket_body(&deleted.view)?)))
        .collect::<Result<Vec<_>, CodecError>>()?;
    let body = Body {
        seq: snapshot.seq.get(),
        position: snapshot.position.map(|p| (p.segment.0, p.offset)),
        next_event: snapshot.next_event.0,
        next_bucket: snapshot.next_bucket,
        settings: snapshot
            .settings
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
        buckets,
        trash,
        purges: snapshot.purges.iter().map(|seq| seq.get()).collect(),
    };
    let mut out = Vec::with_capacity(4096);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    bincode::encode_into_std_write(&body, &mut out, CONFIG)?;
    // Programs that do not know of it do not read on.
    bincode::encode_into_std_write(generations, &mut out, CONFIG)?;
    let crc = crc32fast::hash(out.get(HEADER..).unwrap_or_default());
    if let Some(place) = out.get_mut(HEADER - 4..HEADER) {
        place.copy_from_slice(&crc.to_le_bytes());
    }
    Ok(out)
}

fn bucket_body(view: &BucketView) -> Result<BucketBody, CodecError> {
    let mut rows: Vec<(Row, &str)> = view
        .memory_runs()
        .flat_map(|run| run.rows().iter().map(|row| (*row, run.text(row))))
        .collect();
    rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let block = EventBlock::from_events(rows.iter().map(|(row, text)| (row.start, row.duration, *text)));
    let mut head = Vec::new();
    block.encode(&mut head)?;
    let bucket = &view.bucket;
    Ok(BucketBody {
        key: view.key,
        id: bucket.id.clone(),
        type_: bucket.type_.clone(),
        client: bucket.client.clone(),
        hostname: bucket.hostname.clone(),
        created: bucket.created.nanos(),
        data: bucket.data.as_str().to_owned(),
        last_updated: bucket.last_updated.map(Timestamp::nanos),
        extent: view.extent.map(|(start, end)| (start.nanos(), end.nanos())),
        len: view.len,
        touched: view.touched.get(),
        last: view.last.map(|l| (l.id.0, l.start.nanos(), l.duration.nanos())),
        open: view.open.as_ref().map(|o| OpenBody {
            id: o.row.id.0,
            start: o.row.start.nanos(),
            duration: o.row.duration.nanos(),
            data: o.text().to_owned(),
        }),
        segments: view
            .segments
            .iter()
            .map(|s| SegmentBody {
                file: s.segment.file().to_owned(),
                hidden: s.hidden.to_vec(),
            })
            .collect(),
        head_ids: rows.iter().map(|(row, _)| row.id.0).collect(),
        head,
    })
}

/// Writes a checkpoint and its copy. One of the two is whole at every moment, and both are when this returns.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(storage: &dyn Storage, bytes: &[u8]) -> Result<(), IoError> {
    for file in [FILE, COPY] {
        storage
            .write_file(file, bytes)
            .map_err(IoError::at("write", storage.path().join(file)))?;
    }
    Ok(())
}

/// Reads the checkpoint, or its copy if it cannot be used, and maps the segments it names. With a healer, segments that
/// cannot be opened are no hindrance.
///
/// # Errors
/// [`OpenError::Newer`] for a format of the future, and when the directory cannot be read. Everything else makes the
/// checkpoint unusable, which costs time (the log is folded again), not data.
pub(crate) fn read(storage: &dyn Storage, healer: Option<&Arc<Healer>>) -> Result<Found, OpenError> {
    let found = read_one(storage, FILE, healer)?;
    let why = match &found {
        Found::Checkpoint(_) => {
            if let Some(healer) = healer {
                check_copy(storage, healer)?;
            }
            return Ok(found);
        }
        Found::Unusable(why) => why.as_str(),
        Found::None => MISSING,
    };
    let copy = read_one(storage, COPY, healer)?;
    if !matches!(copy, Found::Checkpoint(_)) {
        return Ok(found);
    }
    // A reader without a healer may run next to a server, which may have replaced the checkpoint between the two.
    if let Some(healer) = healer {
        tracing::warn!(
            file = %storage.path().join(FILE).display(),
            why,
            "the checkpoint cannot be used: its copy takes its place; check the disk"
        );
        healer.checkpoint_damaged();
    }
    Ok(copy)
}

/// Notices that the copy is damaged while the checkpoint is whole, and has both written again.
fn check_copy(storage: &dyn Storage, healer: &Healer) -> Result<(), OpenError> {
    let Some(why) = wrong_with(storage, COPY)? else {
        return Ok(());
    };
    let file = storage.path().join(COPY);
    if why == MISSING {
        // An earlier version wrote none, and a crash may have come before the first one.
        tracing::warn!(file = %file.display(), "the copy of the checkpoint is missing: it is written again");
        healer.want_checkpoint();
    } else {
        tracing::warn!(
            file = %file.display(),
            why,
            "the copy of the checkpoint cannot be used: it is written again; check the disk"
        );
        healer.checkpoint_damaged();
    }
    Ok(())
}

/// What is wrong with the checkpoint and with its copy, by the names of their files. Nothing, if neither is there: then
/// there has not been a reason to write one yet.
///
/// # Errors
/// When a file cannot be read.
fn damaged(storage: &dyn Storage) -> Result<Vec<(&'static str, String)>, OpenError> {
    let mut found = Vec::new();
    for file in [FILE, COPY] {
        found.extend(wrong_with(storage, file)?.map(|why| (file, why)));
    }
    if found.iter().filter(|(_, why)| why == MISSING).count() == 2 {
        found.clear();
    }
    Ok(found)
}

/// What is wrong with the checkpoint and its copy, in words.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn describe_damage(views: &dyn Storage) -> Result<Vec<String>, OpenError> {
    let text = |(file, why): (&str, String)| format!("{}: {why}", views.path().join(file).display());
    Ok(damaged(views)?.into_iter().map(text).collect())
}

/// Why a checkpoint file cannot be used, by its header and its checksum.
fn wrong_with(storage: &dyn Storage, name: &str) -> Result<Option<String>, OpenError> {
    Ok(match read_whole(storage, name)? {
        Ok(_) => None,
        Err(Found::Unusable(why)) => Some(why),
        Err(_) => Some(MISSING.to_owned()),
    })
}

fn read_one(storage: &dyn Storage, name: &str, healer: Option<&Arc<Healer>>) -> Result<Found, OpenError> {
    let bytes = match read_whole(storage, name)? {
        Ok(bytes) => bytes,
        Err(found) => return Ok(found),
    };
    match restore(storage, bytes.get(HEADER..).unwrap_or_default(), healer) {
        Ok(checkpoint) => Ok(Found::Checkpoint(Box::new(checkpoint))),
        Err(Unusable::Segment(e @ SegmentError::Newer { .. })) => Err(e.into()),
        Err(Unusable::Segment(e)) => Ok(Found::Unusable(e.to_string())),
        Err(Unusable::Contradiction(what)) => Ok(Found::Unusable(format!(
            "the checkpoint contradicts itself: {what}"
        ))),
        Err(Unusable::Codec(e)) => Ok(Found::Unusable(e.to_string())),
    }
}

/// The bytes of a checkpoint whose header and checksum hold; or why there are none.
fn read_whole(storage: &dyn Storage, name: &str) -> Result<Result<Vec<u8>, Found>, OpenError> {
    let unusable = |why: String| Ok(Err(Found::Unusable(why)));
    let bytes = match storage.read_file(name) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Err(Found::None)),
        // What an encrypted file is when it was changed or is of another key.
        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            return unusable(format!("the checkpoint cannot be decrypted: {e}"));
        }
        Err(error) => {
            return Err(IoError::at("read", storage.path().join(name))(error).into());
        }
    };
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
        return unusable("the checkpoint is shorter than its header".into());
    };
    let word = |at: usize| {
        header
            .get(at..)
            .and_then(|b| b.first_chunk::<4>())
            .map_or(0, |b| u32::from_le_bytes(*b))
    };
    if header.get(..8) != Some(MAGIC.as_slice()) {
        return unusable("the checkpoint does not begin like one".into());
    }
    if word(8) > VERSION {
        let file = storage.path().join(name).display().to_string();
        return Err(OpenError::Newer {
            file,
            version: word(8),
            known: VERSION,
        });
    }
    if word(8) < VERSION {
        return unusable("the checkpoint is of an earlier version".into());
    }
    if crc32fast::hash(rest) != word(12) {
        return unusable("the checkpoint is damaged".into());
    }
    Ok(Ok(bytes))
}

enum Unusable {
    Contradiction(&'static str),
    Segment(SegmentError),
    Codec(CodecError),
}

impl From<SegmentError> for Unusable {
    fn from(e: SegmentError) -> Unusable {
        Unusable::Segment(e)
    }
}

impl<E: Into<CodecError>> From<E> for Unusable {
    fn from(e: E) -> Unusable {
        Unusable::Codec(e.into())
    }
}

fn restore(
    storage: &dyn Storage,
    bytes: &[u8],
    healer: Option<&Arc<Healer>>,
) -> Result<Checkpoint, Unusable> {
    let (body, used): (Body, usize) = codec::decode(bytes)?;
    // An earlier program ended here.
    let generations = match bytes.get(used..).filter(|rest| !rest.is_empty()) {
        Some(rest) => codec::decode::<Generations>(rest)?.0,
        None => Generations::new(),
    };
    let mut buckets = Vec::with_capacity(body.buckets.len());
    for b in body.buckets {
        buckets.push(restore_bucket(storage, b, healer)?);
    }
    let mut trash = Vec::with_capacity(body.trash.len());
    for (seq, b) in body.trash {
        trash.push((Seq(seq), restore_bucket(storage, b, healer)?));
    }
    let settings: BTreeMap<String, String> = body.settings.into_iter().collect();
    let mut state = State::restore(
        Seq(body.seq),
        EventId(body.next_event),
        body.next_bucket,
        settings,
        buckets,
        trash,
        body.purges.into_iter().map(Seq).collect(),
    );
    state.position = body.position.map(|(segment, offset)| Position {
        segment: Seq(segment),
        offset,
    });
    Ok(Checkpoint { state, generations })
}

/// Whether these are positions of a segment with so many rows, in order, none of them twice.
fn are_positions(positions: &[u32], rows: u64) -> bool {
    positions.is_sorted_by(|a, b| a < b) && positions.last().is_none_or(|last| u64::from(*last) < rows)
}

fn open_segment(
    storage: &dyn Storage,
    key: BucketKey,
    file: &str,
    healer: Option<&Arc<Healer>>,
) -> Result<ViewSegment, SegmentError> {
    let healer = healer.map(|healer| healer.clone() as Arc<dyn Heal>);
    let segment = ViewSegment::open(storage, file, healer)?;
    if segment.header().bucket == key.0 {
        return Ok(segment);
    }
    Err(SegmentError::Damaged {
        file: file.into(),
        what: "it belongs to another bucket".into(),
    })
}

/// The segments of a bucket of which `events` events lie in segments. One that cannot even be opened is healed when it
/// is first read; how many rows it has follows from the others.
fn restore_segments(
    storage: &dyn Storage,
    key: BucketKey,
    named: Vec<SegmentBody>,
    events: u64,
    healer: Option<&Arc<Healer>>,
) -> Result<Vec<MaskedSegment>, Unusable> {
    let (mut segments, mut broken) = (Vec::with_capacity(named.len()), Vec::new());
    for s in named {
        match (open_segment(storage, key, &s.file, healer), healer) {
            (Ok(segment), _) => segments.push((segment, s.hidden)),
            (Err(e @ SegmentError::Newer { .. }), _) | (Err(e), None) => return Err(e.into()),
            (Err(e), Some(healer)) => broken.push((s, e, healer)),
        }
    }
    let shown = |rows: u64, hidden: &[u32]| rows.saturating_sub(hidden.len() as u64);
    let readable: u64 = segments.iter().map(|(s, hidden)| shown(s.rows(), hidden)).sum();
    let mut left = events.saturating_sub(readable);
    while let Some((s, error, healer)) = broken.pop() {
        // Which of them has how many does not matter, if only they have all of them together.
        let least = s.hidden.last().map_or(0, |last| u64::from(*last) + 1);
        let rows = if broken.is_empty() {
            left + s.hidden.len() as u64
        } else {
            least
        };
        left = left.saturating_sub(shown(rows, &s.hidden));
        if rows > MAX_UNREADABLE_ROWS {
            return Err(error.into());
        }
        let segment = ViewSegment::unreadable(&s.file, key.0, rows as u32, &error, healer.clone());
        if rows > 0 {
            segments.push((segment, s.hidden));
        }
    }
    let sealed = segments.into_iter().map(|(segment, hidden)| {
        if !are_positions(&hidden, segment.rows()) {
            return Err(Unusable::Contradiction("a list of hidden events is malformed"));
        }
        Ok(MaskedSegment::new(Arc::new(segment), hidden))
    });
    sealed.collect()
}

fn restore_bucket(
    storage: &dyn Storage,
    b: BucketBody,
    healer: Option<&Arc<Healer>>,
) -> Result<BucketState, Unusable> {
    let head = EventBlock::decode(&b.head)?;
    let in_memory = head.len() as u64 + u64::from(b.open.is_some());
    let segments = restore_segments(
        storage,
        b.key,
        b.segments,
        b.len.saturating_sub(in_memory),
        healer,
    )?;
    let view = BucketView {
        key: b.key,
        bucket: Arc::new(Bucket {
            id: b.id,
            type_: b.type_,
            client: b.client,
            hostname: b.hostname,
            created: Timestamp::from_nanos(b.created),
            data: Data::from_canonical(b.data),
            last_updated: b.last_updated.map(Timestamp::from_nanos),
        }),
        segments: Arc::new(segments),
        frozen: Arc::default(),
        runs: Arc::default(),
        open: None,
        last: b.last.map(|(id, start, duration)| LastEvent {
            id: EventId(id),
            start: Timestamp::from_nanos(start),
            duration: Duration::from_nanos(duration),
        }),
        extent: b
            .extent
            .map(|(start, end)| (Timestamp::from_nanos(start), Timestamp::from_nanos(end))),
        len: b.len,
        touched: Seq(b.touched),
        changes: Changes::since(Seq(b.touched)),
    };
    // The fold counts down from it, and reads rely on it.
    let sealed: u64 = view.segments.iter().map(MaskedSegment::rows).sum();
    if head.len() != b.head_ids.len() || view.len != sealed + in_memory {
        return Err(Unusable::Contradiction(
            "a bucket has not as many events as it counts",
        ));
    }
    let head_ids: Vec<EventId> = b.head_ids.into_iter().map(EventId).collect();
    let open = b.open.as_ref().map(|o| {
        let row = Row {
            start: Timestamp::from_nanos(o.start),
            duration: Duration::from_nanos(o.duration),
            id: EventId(o.id),
            data: 0,
        };
        (row, o.data.as_str())
    });
    Ok(BucketState::restore(view, &Put::of(&head_ids, &head), open))
}
