//! Records to bytes and back: bincode 2, little endian, variable-length integers, behind a version byte.
//!
//! The frame's kind says which record it is; the first byte of the payload is that kind's version. To change a
//! record, add a version here, keep decoding the old ones, and add a golden fixture.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::error::DecodeError;
use bincode::{BorrowDecode, Encode};

use timberline_model::{Duration, EventId};

use super::{
    BucketKey, EventBlock, EventsChanged, EventsInserted, EventsPut, Extension, Heartbeats, Last, Record,
    RecordKind, stored,
};

/// The most one record may make the decoder allocate at once; a damaged length beyond it is an error.
const DECODE_LIMIT: usize = 256 << 20;

/// The one bincode configuration of everything Timberline writes to disk.
pub(crate) const CONFIG: Configuration<LittleEndian, Varint, Limit<DECODE_LIMIT>> =
    bincode::config::standard().with_limit::<DECODE_LIMIT>();

/// Reads what was encoded, and tells how many bytes that took. A length in it is not to be trusted with memory: what
/// may be held at once grows with the bytes that there are. An element of a list takes one byte at least, and none of
/// ours is more than 64 times as large in memory as it can be in bytes.
pub(crate) fn decode<'a, T: BorrowDecode<'a, ()>>(bytes: &'a [u8]) -> Result<(T, usize), DecodeError> {
    match bytes.len() {
        0..=0x400 => decode_within::<T, { 64 << 10 }>(bytes),
        0x401..=0x4000 => decode_within::<T, { 1 << 20 }>(bytes),
        0x4001..=0x4_0000 => decode_within::<T, { 16 << 20 }>(bytes),
        _ => decode_within::<T, DECODE_LIMIT>(bytes),
    }
}

fn decode_within<'a, T: BorrowDecode<'a, ()>, const LIMIT: usize>(
    bytes: &'a [u8],
) -> Result<(T, usize), DecodeError> {
    bincode::borrow_decode_from_slice(bytes, CONFIG.with_limit::<LIMIT>())
}

/// Why bytes are no record.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// A kind this version of Timberline does not know.
    #[error(
        "record kind {kind} version {version} is unknown: it was written by a newer Timberline; upgrade to read it"
    )]
    Unknown {
        /// The frame's kind.
        kind: u8,
        /// The payload's version byte.
        version: u8,
    },
    /// The payload ends too early.
    #[error("the record ends too early")]
    Short,
    /// There are bytes after the record.
    #[error("the record is followed by {0} bytes that do not belong to it")]
    Trailing(usize),
    /// A block of events is malformed.
    #[error("a block of events cannot be read: {0}")]
    Block(&'static str),
    /// It gives out a number after which there is no next one, or the event id 0.
    #[error("{number} cannot be {what}")]
    Number {
        /// What it numbers.
        what: &'static str,
        /// The number.
        number: u64,
    },
    /// bincode could not write.
    #[error("a record cannot be encoded: {0}")]
    Encode(#[from] bincode::error::EncodeError),
    /// bincode could not read.
    #[error("a record cannot be decoded: {0}")]
    Decode(#[from] bincode::error::DecodeError),
}

/// The version that is written of every kind today.
const VERSION: u8 = 1;

/// What stands before the block in [`EventsInserted`].
#[derive(Encode, BorrowDecode)]
struct InsertedPrefix {
    bucket: BucketKey,
    first: u64,
}

/// What stands before the block in [`Heartbeats`].
#[derive(Encode, BorrowDecode)]
struct HeartbeatsPrefix {
    bucket: BucketKey,
    extended: Option<Extension>,
    first: u64,
    counts: Vec<u32>,
}

/// What stands before the block in [`EventsPut`].
#[derive(Encode, BorrowDecode)]
struct PutPrefix {
    bucket: BucketKey,
    ids: Vec<u64>,
}

/// What stands before the block in [`EventsChanged`].
#[derive(Encode, BorrowDecode)]
struct ChangedPrefix {
    bucket: BucketKey,
    next_event: u64,
    last: Last,
    removed: Vec<u64>,
    extended: Vec<(u64, i64)>,
    /// Each id minus the one before: mostly one byte.
    id_steps: Vec<i64>,
}

fn steps(ids: &[EventId]) -> Vec<i64> {
    let before = std::iter::once(&EventId::NONE).chain(ids);
    ids.iter()
        .zip(before)
        .map(|(id, before)| id.0.wrapping_sub(before.0).cast_signed())
        .collect()
}

fn summed(steps: &[i64]) -> Vec<EventId> {
    let sum = |id: &mut u64, step: &i64| {
        *id = id.wrapping_add(step.cast_unsigned());
        Some(EventId(*id))
    };
    steps.iter().scan(0, sum).collect()
}

impl<'a> Record<'a> {
    /// Appends the payload of this record to `out`.
    ///
    /// # Errors
    /// [`CodecError::Number`] for a number after which there is no next one, and for the event id 0. Otherwise none in
    /// practice; an encoder error is passed on.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.check_numbers()?;
        match self {
            Record::EventsInserted(r) => {
                encode_inserted(r.bucket, r.first, out)?;
                r.events.encode(out)
            }
            Record::EventsPut(r) => {
                encode_put(r.bucket, &r.ids, out)?;
                r.events.encode(out)
            }
            Record::BucketCreated(r) => versioned(r, out),
            Record::BucketUpdated(r) => versioned(r, out),
            Record::BucketListed(r) => versioned(r, out),
            Record::BucketDeleted(r) => versioned(r, out),
            Record::Heartbeat(r) => versioned(r, out),
            Record::Heartbeats(r) => {
                encode_heartbeats(r, out)?;
                r.events.encode(out)
            }
            Record::BatchTaken(r) => versioned(r, out),
            Record::EventsDeleted(r) => versioned(r, out),
            Record::SettingSet(r) => versioned(r, out),
            Record::SettingDeleted(r) => versioned(r, out),
            Record::EventsChanged(r) => {
                encode_changed(r, out)?;
                r.events.encode(out)
            }
            Record::BucketRestored(r) => versioned(r, out),
            Record::Erased(r) => versioned(r, out),
            Record::PurgeBegun(r) => versioned(r, out),
            Record::PurgeEnded(r) => versioned(r, out),
            Record::Lost(r) => versioned(r, out),
        }
    }

    /// Which bucket the record in this frame is about, without reading the rest of it; none for settings and
    /// for what is lost.
    ///
    /// # Errors
    /// As [`Record::decode`], as far as it reads.
    pub fn bucket_of(kind: u8, payload: &[u8]) -> Result<Option<BucketKey>, CodecError> {
        let (known, body) = split(kind, payload)?;
        match known {
            RecordKind::SettingSet
            | RecordKind::SettingDeleted
            | RecordKind::BatchTaken
            | RecordKind::PurgeEnded
            | RecordKind::Lost => Ok(None),
            RecordKind::Erased => Ok(decode(body)?.0),
            // The bucket is the first field of all the others.
            RecordKind::BucketCreated
            | RecordKind::BucketUpdated
            | RecordKind::BucketListed
            | RecordKind::BucketDeleted
            | RecordKind::Heartbeat
            | RecordKind::Heartbeats
            | RecordKind::EventsInserted
            | RecordKind::EventsPut
            | RecordKind::EventsDeleted
            | RecordKind::EventsChanged
            | RecordKind::BucketRestored
            | RecordKind::PurgeBegun => Ok(Some(decode(body)?.0)),
        }
    }

    /// Reads the payload of a frame of this kind.
    ///
    /// # Errors
    /// [`CodecError::Unknown`] for a kind or version of the future, the others for bytes that are no record.
    pub fn decode(kind: u8, payload: &'a [u8]) -> Result<Record<'a>, CodecError> {
        let (known, body) = split(kind, payload)?;
        let record = match known {
            RecordKind::BucketCreated => Record::BucketCreated(whole(body)?),
            RecordKind::BucketUpdated => Record::BucketUpdated(whole(body)?),
            RecordKind::BucketListed => Record::BucketListed(whole(body)?),
            RecordKind::BucketDeleted => Record::BucketDeleted(whole(body)?),
            RecordKind::Heartbeat => Record::Heartbeat(whole(body)?),
            RecordKind::EventsInserted => {
                let (prefix, used): (InsertedPrefix, usize) = decode(body)?;
                let events = EventBlock::decode(body.get(used..).unwrap_or_default())?;
                Record::EventsInserted(EventsInserted {
                    bucket: prefix.bucket,
                    first: EventId(prefix.first),
                    events,
                })
            }
            RecordKind::Heartbeats => Record::Heartbeats(decode_heartbeats(body)?),
            RecordKind::BatchTaken => Record::BatchTaken(whole(body)?),
            RecordKind::EventsPut => {
                let (prefix, used): (PutPrefix, usize) = decode(body)?;
                let events = EventBlock::decode(body.get(used..).unwrap_or_default())?;
                if prefix.ids.len() != events.len() {
                    return Err(CodecError::Block("it has not one id for each event"));
                }
                Record::EventsPut(EventsPut {
                    bucket: prefix.bucket,
                    ids: stored::ids(prefix.ids),
                    events,
                })
            }
            RecordKind::EventsDeleted => Record::EventsDeleted(whole(body)?),
            RecordKind::SettingSet => Record::SettingSet(whole(body)?),
            RecordKind::SettingDeleted => Record::SettingDeleted(whole(body)?),
            RecordKind::EventsChanged => {
                let (prefix, used): (ChangedPrefix, usize) = decode(body)?;
                let events = EventBlock::decode(body.get(used..).unwrap_or_default())?;
                if prefix.id_steps.len() != events.len() {
                    return Err(CodecError::Block("it has not one id for each event"));
                }
                Record::EventsChanged(EventsChanged {
                    bucket: prefix.bucket,
                    next_event: EventId(prefix.next_event),
                    last: prefix.last,
                    removed: stored::ids(prefix.removed),
                    extended: prefix
                        .extended
                        .into_iter()
                        .map(|(id, nanos)| (EventId(id), Duration::from_nanos(nanos)))
                        .collect(),
                    ids: summed(&prefix.id_steps),
                    events,
                })
            }
            RecordKind::BucketRestored => Record::BucketRestored(whole(body)?),
            RecordKind::Erased => Record::Erased(whole(body)?),
            RecordKind::PurgeBegun => Record::PurgeBegun(whole(body)?),
            RecordKind::PurgeEnded => Record::PurgeEnded(whole(body)?),
            RecordKind::Lost => Record::Lost(whole(body)?),
        };
        record.check_numbers()?;
        Ok(record)
    }
}

/// Writes what stands before the block of an [`EventsInserted`]: apart, because the block is encoded before the
/// sequencer gives the ids.
pub(crate) fn encode_inserted(
    bucket: BucketKey,
    first: EventId,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    versioned(
        &InsertedPrefix {
            bucket,
            first: first.0,
        },
        out,
    )
}

/// The same for [`Heartbeats`].
pub(crate) fn encode_heartbeats(r: &Heartbeats<'_>, out: &mut Vec<u8>) -> Result<(), CodecError> {
    versioned(
        &HeartbeatsPrefix {
            bucket: r.bucket,
            extended: r.extended,
            first: r.first.0,
            counts: r.counts.clone(),
        },
        out,
    )
}

fn decode_heartbeats(body: &[u8]) -> Result<Heartbeats<'static>, CodecError> {
    let (prefix, used): (HeartbeatsPrefix, usize) = decode(body)?;
    let events = EventBlock::decode(body.get(used..).unwrap_or_default())?;
    if prefix.counts.len() != events.len() + usize::from(prefix.extended.is_some()) {
        return Err(CodecError::Block("it has not one count for each event"));
    }
    if prefix.counts.is_empty() {
        return Err(CodecError::Block("it has no heartbeat"));
    }
    Ok(Heartbeats {
        bucket: prefix.bucket,
        extended: prefix.extended,
        first: EventId(prefix.first),
        counts: prefix.counts,
        events,
    })
}

/// The same for an [`EventsPut`].
pub(crate) fn encode_put(bucket: BucketKey, ids: &[EventId], out: &mut Vec<u8>) -> Result<(), CodecError> {
    versioned(
        &PutPrefix {
            bucket,
            ids: stored::numbers(ids),
        },
        out,
    )
}

/// The same for an [`EventsChanged`].
fn encode_changed(r: &EventsChanged<'_>, out: &mut Vec<u8>) -> Result<(), CodecError> {
    versioned(
        &ChangedPrefix {
            bucket: r.bucket,
            next_event: r.next_event.0,
            last: r.last,
            removed: stored::numbers(&r.removed),
            extended: (r.extended.iter())
                .map(|(id, duration)| (id.0, duration.nanos()))
                .collect(),
            id_steps: steps(&r.ids),
        },
        out,
    )
}

/// The payload of an [`EventsChanged`] that does what an [`EventsInserted`] with this payload does, whatever ids were
/// given before. The block is taken over as it is.
pub(crate) fn inserted_as_changed(
    payload: &[u8],
    inserted: &EventsInserted<'_>,
) -> Result<Vec<u8>, CodecError> {
    let body = payload.get(1..).ok_or(CodecError::Short)?;
    let (_, used): (InsertedPrefix, usize) = decode(body)?;
    let block = body.get(used..).unwrap_or_default();
    let next_event = inserted.first.plus(inserted.events.len() as u64);
    let mut out = Vec::with_capacity(block.len() + inserted.events.len() + 32);
    encode_changed(
        &EventsChanged {
            bucket: inserted.bucket,
            next_event,
            last: Last::Newest,
            removed: Vec::new(),
            extended: Vec::new(),
            ids: inserted.first.until(next_event).collect(),
            events: EventBlock::default(),
        },
        &mut out,
    )?;
    out.extend_from_slice(block);
    Ok(out)
}

/// The kind with this number, and the payload behind the version byte.
fn split(kind: u8, payload: &[u8]) -> Result<(RecordKind, &[u8]), CodecError> {
    let (&version, body) = payload.split_first().ok_or(CodecError::Short)?;
    match RecordKind::from_number(kind) {
        Some(known) if version == VERSION => Ok((known, body)),
        _ => Err(CodecError::Unknown { kind, version }),
    }
}

fn versioned(value: &impl Encode, out: &mut Vec<u8>) -> Result<(), CodecError> {
    out.push(VERSION);
    bincode::encode_into_std_write(value, out, CONFIG)?;
    Ok(())
}

fn whole<'a, T: BorrowDecode<'a, ()>>(body: &'a [u8]) -> Result<T, CodecError> {
    let (value, used) = decode(body)?;
    match body.len() - used {
        0 => Ok(value),
        n => Err(CodecError::Trailing(n)),
    }
}
