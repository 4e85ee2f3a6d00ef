//! Numbers in records that the fold counts on from: event ids and bucket keys.
//!
//! A record whose checksum holds may still say anything. Whoever reads one, the fold or a squash or an erasure, gives
//! out the next id after the greatest in it. So a record with a number after which there is no next one is no record:
//! it is neither written nor read. Nor is one that gives out event id 0: a view segment that was put together again
//! after damage writes 0 in the place of an event that is lost.

use timberline_model::EventId;

use super::codec::CodecError;
use super::{Outcome, Record};

/// Event ids are less. Ids that clients give end far below, at 2^53.
pub(crate) const IDS_END: EventId = EventId(1 << 63);

impl Record<'_> {
    /// Whether there is a next number after each that it gives out.
    ///
    /// # Errors
    /// [`CodecError::Number`] when there is not.
    pub(crate) fn check_numbers(&self) -> Result<(), CodecError> {
        match self {
            Record::BucketCreated(r) if r.bucket.0 == u32::MAX => Err(CodecError::Number {
                what: "the key of a bucket",
                number: u64::from(r.bucket.0),
            }),
            Record::Heartbeat(r) => match r.outcome {
                Outcome::Created { event, .. } => ids(Some(event)),
                Outcome::Extended { .. } => Ok(()),
            },
            Record::EventsInserted(r) => {
                ids(Some(r.first)).and_then(|()| next(r.first.plus(r.events.len() as u64)))
            }
            // Without a new event, the first id is only the one that would have come next.
            Record::Heartbeats(r) if r.events.is_empty() => next(r.first),
            Record::Heartbeats(r) => {
                ids(Some(r.first)).and_then(|()| next(r.first.plus(r.events.len() as u64)))
            }
            Record::EventsPut(r) => ids(r.ids.iter().copied()),
            Record::EventsChanged(r) => next(r.next_event).and_then(|()| ids(r.ids.iter().copied())),
            Record::Erased(r) => next(r.next_event),
            Record::BucketCreated(_)
            | Record::BucketUpdated(_)
            | Record::BucketListed(_)
            | Record::BucketDeleted(_)
            | Record::EventsDeleted(_)
            | Record::SettingSet(_)
            | Record::SettingDeleted(_)
            | Record::BatchTaken(_)
            | Record::BucketRestored(_)
            | Record::PurgeBegun(_)
            | Record::PurgeEnded(_)
            | Record::Lost(_) => Ok(()),
        }
    }
}

/// Ids that it gives out.
fn ids(ids: impl IntoIterator<Item = EventId>) -> Result<(), CodecError> {
    let mut greatest = None;
    for id in ids {
        if id == EventId::NONE {
            return Err(not_an_id(id));
        }
        greatest = greatest.max(Some(id));
    }
    greatest.map_or(Ok(()), |id| next(id.next()))
}

/// The id that comes next.
fn next(id: EventId) -> Result<(), CodecError> {
    if id <= IDS_END {
        return Ok(());
    }
    Err(not_an_id(id))
}

fn not_an_id(id: EventId) -> CodecError {
    CodecError::Number {
        what: "an event id",
        number: id.0,
    }
}
