//! The state that a checkpoint holds. Opens the view segments that it names.

use std::collections::BTreeMap;
use std::sync::Arc;

use bincode::BorrowDecode;
use timberline_disk::Storage;
use timberline_log::{Position, Seq};
use timberline_model::{Bucket, Data, Duration, EventId, Timestamp};

use crate::files::generations::Generations;
use crate::files::healer::Healer;
use crate::fold::BucketState;
use crate::fold::State;
use crate::record::codec::{self, CodecError};
use crate::record::{BucketKey, EventBlock, Put};
use crate::row::Row;
use crate::segment::{Heal, SegmentError, ViewSegment};
use crate::view::{BucketView, Changes, LastEvent, Listing, MaskedSegment};

use super::Checkpoint;
use super::body::{BatchesBody, Body, BucketBody, ListingsBody, SegmentBody};

/// A segment that cannot be opened and should have more rows than this is not believed: memory is taken for each.
const MAX_UNREADABLE_ROWS: u64 = 1 << 21;

pub(super) enum Unusable {
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

pub(super) fn restore(
    storage: &dyn Storage,
    bytes: &[u8],
    healer: Option<&Arc<Healer>>,
) -> Result<Checkpoint, Unusable> {
    let (body, used): (Body, usize) = codec::decode(bytes)?;
    let mut rest = bytes.get(used..).unwrap_or_default();
    // Earlier programs ended here, or after one of the parts that follow.
    let generations = next_part::<Generations>(&mut rest)?.unwrap_or_default();
    let batches = next_part::<BatchesBody>(&mut rest)?.unwrap_or_default();
    let listings = next_part::<ListingsBody>(&mut rest)?.unwrap_or_default();
    let restored = |b| restore_bucket(storage, b, &listings, healer);
    let mut buckets = Vec::with_capacity(body.buckets.len());
    for b in body.buckets {
        buckets.push(restored(b)?);
    }
    let mut trash = Vec::with_capacity(body.trash.len());
    for (seq, b) in body.trash {
        trash.push((Seq(seq), restored(b)?));
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
    )
    .with_batches(batches.entries());
    state.position = body.position.map(|(segment, offset)| Position {
        segment: Seq(segment),
        offset,
    });
    Ok(Checkpoint { state, generations })
}

/// The next of several values that stand behind one another, if there is one.
fn next_part<'a, T: BorrowDecode<'a, ()>>(rest: &mut &'a [u8]) -> Result<Option<T>, CodecError> {
    if rest.is_empty() {
        return Ok(None);
    }
    let (part, used) = codec::decode(rest)?;
    *rest = rest.get(used..).unwrap_or_default();
    Ok(Some(part))
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
    listings: &ListingsBody,
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
    let mut listing = Listing::from(Bucket {
        id: b.id,
        type_: b.type_,
        client: b.client,
        hostname: b.hostname,
        created: Timestamp::from_nanos(b.created),
        data: Data::from_canonical(b.data),
        last_updated: b.last_updated.map(Timestamp::from_nanos),
    });
    listings.complete(b.key, &mut listing);
    let view = BucketView {
        key: b.key,
        bucket: Arc::new(listing),
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
