//! Merging a bucket into another one, write by write.

use timberline_log::Seq;
use timberline_views::{BucketKey, BucketView, Receipt, Snapshot, Store, WriteError};

use crate::service::write_hold::{Hold, HoldError};

/// Two buckets that can be merged.
#[derive(Debug)]
pub(crate) struct Asked {
    from: BucketKey,
    to: BucketKey,
    /// The id of the bucket whose events move.
    pub(crate) bucket: String,
    /// The id of the one that they move to.
    pub(crate) into: String,
    /// How many there are.
    pub(crate) events: u64,
}

/// Why two buckets cannot be merged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("into: '{0}' is the same bucket")]
    Same(String),
    #[error(
        "into: events of the type '{from}' do not belong in a bucket of the type '{into}'; PUT /api/0/buckets/{{bucket}} changes \
         the type of a bucket, if that is what is wrong"
    )]
    OtherType { from: String, into: String },
}

/// What a merge did.
#[derive(Debug)]
pub(crate) struct Merged {
    /// How many events moved.
    pub(crate) events: u64,
    /// First and last records, the newest first: undone in this order, they take the merge back. Other clients may have
    /// written between them.
    pub(crate) ranges: Vec<(Seq, Seq)>,
    /// What to wait for.
    pub(crate) receipt: Receipt,
}

impl Asked {
    /// The buckets with these ids or aliases.
    ///
    /// # Errors
    /// When they cannot be merged.
    pub(crate) fn of(snapshot: &Snapshot, bucket: &str, into: &str) -> Result<Asked, MergeError> {
        let view = |id: &str| {
            snapshot
                .bucket(id)
                .ok_or_else(|| WriteError::NoSuchBucket(id.to_owned()))
        };
        let (from, to): (&BucketView, &BucketView) = (view(bucket)?, view(into)?);
        if from.key() == to.key() {
            return Err(MergeError::Same(into.to_owned()));
        }
        if from.bucket().type_ != to.bucket().type_ {
            return Err(MergeError::OtherType {
                from: from.bucket().type_.clone(),
                into: to.bucket().type_.clone(),
            });
        }
        Ok(Asked {
            from: from.key(),
            to: to.key(),
            bucket: from.bucket().id.clone(),
            into: to.bucket().id.clone(),
            events: from.len(),
        })
    }
}

/// Merges them. A merge that fails on the way has moved some of the events, each of which is in one of the two buckets;
/// merging again moves the rest.
///
/// # Errors
/// As every write.
pub(crate) fn merge(store: &Store, hold: &Hold, asked: &Asked) -> Result<Merged, HoldError> {
    let (mut events, mut ranges) = (0, Vec::<(Seq, Seq)>::new());
    loop {
        let part = hold.change_blocking(|| store.merge_part(asked.from, asked.to))?;
        events += part.events;
        match ranges.last_mut() {
            // Nobody else has written in between.
            Some((_, last)) if last.next() == part.first => *last = part.receipt.seq,
            _ => ranges.push((part.first, part.receipt.seq)),
        }
        if part.finished {
            ranges.reverse();
            return Ok(Merged {
                events,
                ranges,
                receipt: part.receipt,
            });
        }
    }
}
