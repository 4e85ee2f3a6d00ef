//! Why a record does not fit the state before it.

use timberline_model::EventId;

use crate::segment::SegmentError;

/// Why a record does not fit the state before it. With an undamaged log this does not happen; after damage, records
/// that build on a lost one are reported with this and passed over.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FoldError {
    /// It speaks of a bucket that is not there.
    #[error("it refers to bucket number {0}, which no record before it created")]
    NoSuchBucket(u32),
    /// It speaks of an event that is not there.
    #[error("it extends event {event} of bucket number {bucket}, which is not there")]
    NoSuchEvent {
        /// The bucket's key.
        bucket: u32,
        /// The event's id.
        event: EventId,
    },
    /// It creates what is there already.
    #[error("it creates bucket {0:?}, which is there already")]
    BucketExists(String),
    /// It brings back a bucket that was not deleted.
    #[error("it restores bucket number {0}, which is not among the deleted ones")]
    NotDeleted(u32),
    /// It gives an id that was given before.
    #[error("it gives event id {0} a second time")]
    IdReused(EventId),
    /// A view segment had to be read and is damaged.
    #[error(transparent)]
    Segment(#[from] SegmentError),
}
