//! What is kept of activity between requests: where days can be cut, and the sums of each part.

use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use timberline_views::{Seq, Snapshot};

use super::quiet::Edges;
use super::sums::Sums;
use crate::run::Reads;
use crate::warning::Warning;

/// Bytes of an entry beyond what it points to.
const OVERHEAD: usize = 320;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A quiet instant near one, for the buckets of a program.
    Cut { program: u64, at: i64 },
    /// The ends of a part.
    Edges { program: u64, from: i64, to: i64 },
    /// The sums of a part.
    Sums {
        program: u64,
        from: i64,
        to: i64,
        /// Which sums: see [`Grouping::key`](super::sums::Grouping::key).
        by: u8,
        /// Where the part is divided.
        bins: Arc<[i64]>,
        /// The categories that count.
        wanted: Arc<str>,
    },
}

/// The answer.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Cut(Option<i64>),
    Edges(Edges),
    Sums(Arc<Sums>),
}

#[derive(Debug)]
struct Entry {
    kept: Kept,
    warnings: Arc<[Warning]>,
    seq: Seq,
    reads: Arc<Reads>,
    bytes: usize,
}

/// Bounded in bytes: the least recently used are dropped first. Nothing in it refers to the engine's catalog, so it stays when that is dropped.
#[derive(Debug)]
pub(crate) struct ActivityCache {
    most: usize,
    entries: Mutex<Entries>,
}

#[derive(Debug)]
struct Entries {
    by_key: LruCache<Key, Entry, FxBuildHasher>,
    bytes: usize,
}

impl ActivityCache {
    pub(crate) fn new(most: usize) -> ActivityCache {
        ActivityCache {
            most,
            entries: Mutex::new(Entries {
                by_key: LruCache::unbounded_with_hasher(FxBuildHasher),
                bytes: 0,
            }),
        }
    }

    /// What is kept, if it still holds.
    pub(super) fn get(&self, key: &Key, snapshot: &Snapshot) -> Option<(Kept, Arc<[Warning]>)> {
        let mut entries = self.entries.lock();
        let entry = entries.by_key.get(key)?;
        let holds = entry.reads.unchanged_since(entry.seq, snapshot);
        holds.then(|| (entry.kept.clone(), Arc::clone(&entry.warnings)))
    }

    /// Keeps an answer, unless one of a newer snapshot is kept.
    pub(super) fn put(
        &self,
        key: Key,
        kept: Kept,
        warnings: Arc<[Warning]>,
        (seq, reads): (Seq, Arc<Reads>),
    ) {
        let content = match &kept {
            Kept::Sums(sums) => sums.bytes(),
            Kept::Cut(_) | Kept::Edges(_) => 0,
        };
        let bins = match &key {
            Key::Sums { bins, .. } => bins.len() * size_of::<i64>(),
            Key::Cut { .. } | Key::Edges { .. } => 0,
        };
        let bytes = OVERHEAD + content + bins + reads.buckets.len() * 16;
        if bytes > self.most / 4 {
            return;
        }
        let entries = &mut *self.entries.lock();
        if entries.by_key.peek(&key).is_some_and(|kept| kept.seq > seq) {
            return;
        }
        entries.bytes += bytes;
        let entry = Entry {
            kept,
            warnings,
            seq,
            reads,
            bytes,
        };
        if let Some((_, replaced)) = entries.by_key.push(key, entry) {
            entries.bytes -= replaced.bytes;
        }
        while entries.bytes > self.most
            && let Some((_, oldest)) = entries.by_key.pop_lru()
        {
            entries.bytes -= oldest.bytes;
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&self) {
        let entries = &mut *self.entries.lock();
        entries.by_key.clear();
        entries.bytes = 0;
    }

    /// How many answers are kept, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let entries = self.entries.lock();
        (entries.by_key.len(), entries.bytes)
    }
}
