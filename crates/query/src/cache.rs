//! Cached results. A result is valid until the events change that it was computed from.

use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use timberline_views::{Seq, Snapshot};

use crate::period::Period;
use crate::run::Reads;
use crate::warning::Warning;

/// Bytes that an entry needs beyond its text.
const OVERHEAD: usize = 512;
/// The most bytes of a warning: a short name and its allocation.
const WARNING_BYTES: usize = 300;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The number of the parsed program.
    pub(crate) program: u64,
    pub(crate) name: Arc<str>,
    pub(crate) period: Period,
}

/// A result, as it is answered.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// As JSON text.
    pub(crate) json: Arc<[u8]>,
    /// What it leaves out.
    pub(crate) warnings: Arc<[Warning]>,
}

/// A result, and what it was computed from.
#[derive(Debug)]
struct Entry {
    result: Kept,
    /// The snapshot.
    seq: Seq,
    reads: Reads,
}

impl Entry {
    /// Whether the result is the same on this snapshot.
    fn holds(&self, snapshot: &Snapshot) -> bool {
        self.reads.unchanged_since(self.seq, snapshot)
    }

    fn bytes(&self) -> usize {
        self.result.json.len() + self.result.warnings.len() * WARNING_BYTES + OVERHEAD
    }
}

/// The results, bounded in bytes: the least recently used are dropped first.
#[derive(Debug)]
pub(crate) struct Results {
    most: usize,
    entries: Mutex<Entries>,
}

#[derive(Debug)]
struct Entries {
    by_key: LruCache<Key, Entry, FxBuildHasher>,
    bytes: usize,
}

impl Results {
    pub(crate) fn new(most: usize) -> Results {
        Results {
            most,
            entries: Mutex::new(Entries {
                by_key: LruCache::unbounded_with_hasher(FxBuildHasher),
                bytes: 0,
            }),
        }
    }

    /// The largest result that is kept, so that one result does not displace most others.
    pub(crate) fn largest(&self) -> usize {
        self.most / 4
    }

    /// The result, if it is cached and still valid.
    pub(crate) fn get(&self, key: &Key, snapshot: &Snapshot) -> Option<Kept> {
        let mut entries = self.entries.lock();
        let entry = entries.by_key.get(key)?;
        entry.holds(snapshot).then(|| entry.result.clone())
    }

    /// Keeps a result, unless one of a newer snapshot is kept.
    pub(crate) fn put(&self, key: Key, result: Kept, seq: Seq, reads: Reads) {
        let entry = Entry { result, seq, reads };
        if entry.bytes() > self.largest() {
            return;
        }
        let entries = &mut *self.entries.lock();
        if entries.by_key.peek(&key).is_some_and(|kept| kept.seq > seq) {
            return;
        }
        entries.bytes += entry.bytes();
        if let Some((_, replaced)) = entries.by_key.push(key, entry) {
            entries.bytes -= replaced.bytes();
        }
        while entries.bytes > self.most
            && let Some((_, oldest)) = entries.by_key.pop_lru()
        {
            entries.bytes -= oldest.bytes();
        }
    }

    /// Drops all results.
    pub(crate) fn clear(&self) {
        let entries = &mut *self.entries.lock();
        entries.by_key.clear();
        entries.bytes = 0;
    }

    /// How many are kept, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let entries = self.entries.lock();
        (entries.by_key.len(), entries.bytes)
    }
}
