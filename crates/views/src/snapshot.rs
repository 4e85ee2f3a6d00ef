//! What readers see: every bucket and setting as of one seq.

use std::collections::BTreeMap;
use std::sync::Arc;

use timberline_log::{Position, Seq};

use crate::bucket::BucketView;
use crate::record::BucketKey;

/// Buckets in one chunk of the [`Table`]: replacing one bucket copies one chunk and the list of chunks.
const CHUNK: usize = 32;

/// An immutable picture of everything at one seq. Taking one costs a reference count, keeping one costs the memory
/// of what has changed since.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(crate) seq: u64,
    /// Where the record after `seq` begins in the log, if it was there already: spares a start the search.
    pub(crate) position: Option<Position>,
    pub(crate) next_event: u64,
    pub(crate) next_bucket: u32,
    pub(crate) listed: u64,
    pub(crate) settings: Arc<BTreeMap<String, String>>,
    pub(crate) names: Arc<BTreeMap<Arc<str>, BucketKey>>,
    pub(crate) table: Table,
    pub(crate) trash: Arc<Vec<Trashed>>,
    /// Seqs of purges that are not complete.
    pub(crate) purges: Arc<Vec<u64>>,
}

/// A deleted bucket that can still be restored.
#[derive(Clone, Debug)]
pub struct Trashed {
    pub(crate) seq: u64,
    pub(crate) view: Arc<BucketView>,
}

impl Trashed {
    /// The record that deleted it.
    pub fn deleted(&self) -> Seq {
        Seq(self.seq)
    }

    /// The bucket as it was.
    pub fn view(&self) -> &BucketView {
        &self.view
    }
}

impl Snapshot {
    /// The newest record it includes.
    pub fn seq(&self) -> Seq {
        Seq(self.seq)
    }

    /// The newest record that made, changed or deleted a bucket: an answer that depends on which buckets there are
    /// still holds if it was made from a picture at or after it.
    pub fn buckets_touched(&self) -> Seq {
        Seq(self.listed)
    }

    /// The bucket with this key.
    pub fn bucket_of(&self, key: BucketKey) -> Option<&BucketView> {
        self.table.get(key).map(Arc::as_ref)
    }

    /// The bucket with this id.
    pub fn bucket(&self, id: &str) -> Option<&BucketView> {
        self.names
            .get(id)
            .and_then(|key| self.table.get(*key))
            .map(Arc::as_ref)
    }

    /// All buckets, by id.
    pub fn buckets(&self) -> impl Iterator<Item = &BucketView> {
        self.names
            .values()
            .filter_map(|key| self.table.get(*key))
            .map(Arc::as_ref)
    }

    /// The buckets that were deleted and not purged.
    pub fn trashed(&self) -> &[Trashed] {
        &self.trash
    }

    /// All buckets whose events are kept: those that are there and those in the trash.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &BucketView> {
        self.buckets().chain(self.trash.iter().map(Trashed::view))
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

/// Buckets by key: a persistent array, so that publishing after one heartbeat does not copy every bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    chunks: Vec<Arc<[Option<Arc<BucketView>>; CHUNK]>>,
}

impl Table {
    pub(crate) fn get(&self, key: BucketKey) -> Option<&Arc<BucketView>> {
        let i = key.0 as usize;
        self.chunks.get(i / CHUNK)?.get(i % CHUNK)?.as_ref()
    }

    pub(crate) fn set(&mut self, key: BucketKey, view: Option<Arc<BucketView>>) {
        let i = key.0 as usize;
        while self.chunks.len() <= i / CHUNK {
            self.chunks.push(Arc::default());
        }
        if let Some(chunk) = self.chunks.get_mut(i / CHUNK)
            && let Some(slot) = Arc::make_mut(chunk).get_mut(i % CHUNK)
        {
            *slot = view;
        }
    }
}
