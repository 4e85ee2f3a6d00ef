//! What readers see: every bucket and setting as of one seq.

use std::collections::BTreeMap;
use std::sync::Arc;

use timberline_log::{Position, Seq};
use timberline_model::EventId;

use crate::collections::{Names, Table};
use crate::fold::BatchList;
use crate::record::BucketKey;
use crate::view::BucketView;

/// All buckets at one seq, immutable. Taking one costs a reference count, keeping one costs the memory
/// of what has changed since.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(crate) seq: Seq,
    /// Where the record after `seq` begins in the log, if it was there already: spares a start the search.
    pub(crate) position: Option<Position>,
    pub(crate) next_event: EventId,
    pub(crate) next_bucket: u32,
    pub(crate) listed: Seq,
    pub(crate) settings: Arc<BTreeMap<String, String>>,
    pub(crate) names: Names,
    pub(crate) table: Table<Arc<BucketView>>,
    pub(crate) trash: Table<Trashed>,
    /// Seqs of purges that are not complete.
    pub(crate) purges: Arc<Vec<Seq>>,
    /// Requests that must not be carried out a second time.
    pub(crate) batches: BatchList,
}

/// A deleted bucket that can still be restored.
#[derive(Clone, Debug)]
pub struct Trashed {
    pub(crate) seq: Seq,
    pub(crate) view: Arc<BucketView>,
}

/// The erasures that are ordered at a moment: [`Snapshot::erasures`].
#[derive(Clone, Debug)]
pub struct Erasures(Arc<Vec<Seq>>);

impl PartialEq for Erasures {
    fn eq(&self, other: &Erasures) -> bool {
        // Each order, and each end of one, makes another list.
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Trashed {
    /// The record that deleted it.
    pub fn deleted(&self) -> Seq {
        self.seq
    }

    /// The bucket as it was.
    pub fn view(&self) -> &BucketView {
        &self.view
    }
}

impl Snapshot {
    /// The newest record it includes.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Where the record after [`Snapshot::seq`] begins in the log, if that is known: a hint for
    /// [`LogReader::read_from_hint`](timberline_log::LogReader::read_from_hint).
    pub fn log_position(&self) -> Option<Position> {
        self.position
    }

    /// The newest order to erase that is not carried out yet. What older records hold may be on its way out.
    pub fn erasing(&self) -> Option<Seq> {
        self.purges.iter().max().copied()
    }

    /// The erasures that are ordered. They are equal for two snapshots if no order was given or carried out in between:
    /// then what was read from the log in between holds nothing that the later one no longer shows because of an erasure.
    pub fn erasures(&self) -> Erasures {
        Erasures(Arc::clone(&self.purges))
    }

    /// The newest record that made, changed or deleted a bucket: an answer that depends on which buckets there are
    /// still holds if it was made from a snapshot at or after it.
    pub fn buckets_touched(&self) -> Seq {
        self.listed
    }

    /// The bucket with this key.
    pub fn bucket_of(&self, key: BucketKey) -> Option<&BucketView> {
        self.table.get(key).map(Arc::as_ref)
    }

    /// The bucket with this id or alias.
    pub fn bucket(&self, id: &str) -> Option<&BucketView> {
        self.bucket_of(self.names.get(id)?)
    }

    /// All buckets, by id.
    pub fn buckets(&self) -> impl Iterator<Item = &BucketView> {
        let by_id = self.names.iter().map(|(name, key)| (name, self.bucket_of(key)));
        by_id.filter_map(|(name, view)| view.filter(|view| view.bucket.id == name))
    }

    /// The buckets that are not archived, by id.
    pub fn listed(&self) -> impl Iterator<Item = &BucketView> {
        self.buckets().filter(|view| !view.is_archived())
    }

    /// Number of buckets.
    pub fn bucket_count(&self) -> usize {
        self.buckets().count()
    }

    /// The buckets that were deleted and not purged.
    pub fn trashed(&self) -> impl Iterator<Item = &Trashed> {
        self.trash.values()
    }

    /// The bucket with this key, there or in the trash.
    pub fn kept_of(&self, key: BucketKey) -> Option<&BucketView> {
        self.bucket_of(key)
            .or_else(|| self.trash.get(key).map(Trashed::view))
    }

    /// The bucket with this key, and whether it is in the trash.
    pub(crate) fn anywhere(&self, key: BucketKey) -> Option<(&BucketView, bool)> {
        let there = self.bucket_of(key).map(|view| (view, false));
        there.or_else(|| self.trash.get(key).map(|trashed| (trashed.view(), true)))
    }

    /// All buckets whose events are kept: those that are there and those in the trash.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &BucketView> {
        self.buckets().chain(self.trashed().map(Trashed::view))
    }

    /// Gives back the memory of what was read of view segments. They stay in the system's cache of files, and are read
    /// from there as before.
    pub fn release_views(&self) {
        for view in self.kept() {
            for sealed in view.segments.iter() {
                sealed.segment.release();
            }
        }
    }

    /// All settings: key and value, which is JSON text.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// The same as they are shared between snapshots: while this is kept, the same address means the same settings.
    pub fn shared_settings(&self) -> &Arc<BTreeMap<String, String>> {
        &self.settings
    }
}
