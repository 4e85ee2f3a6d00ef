//! Computed tiles, kept until the events change that they were computed from.

use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use timberline_model::Timestamp;
use timberline_views::{BucketKey, BucketView, Seq};

use super::grid::Grid;
use super::tile::TileSpan;

/// Bytes that a tile needs beyond its spans and texts.
const OVERHEAD: usize = 256;

/// Which tile of which bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) bucket: BucketKey,
    pub(super) grid: Grid,
    pub(super) tile: i64,
}

#[derive(Debug)]
struct Entry {
    spans: Arc<[TileSpan]>,
    /// The snapshot that it was computed from.
    seq: Seq,
    bytes: usize,
}

/// The tiles, bounded in bytes: the least recently used are dropped first.
#[derive(Debug)]
pub(crate) struct Tiles {
    most: usize,
    entries: Mutex<Entries>,
}

#[derive(Debug)]
struct Entries {
    by_key: LruCache<Key, Entry, FxBuildHasher>,
    bytes: usize,
}

impl Tiles {
    pub(crate) fn new(most: usize) -> Tiles {
        Tiles {
            most,
            entries: Mutex::new(Entries {
                by_key: LruCache::unbounded_with_hasher(FxBuildHasher),
                bytes: 0,
            }),
        }
    }

    /// A tile, if it is kept and the same in this view, which is that of a snapshot at `seq`.
    pub(super) fn get(&self, key: &Key, view: &BucketView, seq: Seq) -> Option<Arc<[TileSpan]>> {
        let mut entries = self.entries.lock();
        let entry = entries.by_key.get(key)?;
        let (_, after) = key.grid.spans_of(key.tile);
        let until = Timestamp::from_nanos(key.grid.begin(after));
        let holds = entry.seq <= seq && view.touched_until(until) <= entry.seq;
        holds.then(|| Arc::clone(&entry.spans))
    }

    /// Keeps a tile, unless one of a newer snapshot is kept.
    pub(super) fn put(&self, key: Key, spans: &Arc<[TileSpan]>, seq: Seq) {
        let entry = Entry {
            spans: Arc::clone(spans),
            seq,
            bytes: bytes(spans),
        };
        let entries = &mut *self.entries.lock();
        if entries.by_key.peek(&key).is_some_and(|kept| kept.seq > seq) {
            return;
        }
        entries.bytes += entry.bytes;
        if let Some((_, replaced)) = entries.by_key.push(key, entry) {
            entries.bytes -= replaced.bytes;
        }
        while entries.bytes > self.most
            && let Some((_, oldest)) = entries.by_key.pop_lru()
        {
            entries.bytes -= oldest.bytes;
        }
    }

    /// Drops all of them.
    pub(crate) fn clear(&self) {
        let entries = &mut *self.entries.lock();
        entries.by_key.clear();
        entries.bytes = 0;
    }

    /// Bytes of what is kept.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.lock().bytes
    }
}

/// About what a tile takes. A text that several spans share counts once for each.
fn bytes(spans: &[TileSpan]) -> usize {
    let texts: usize = spans.iter().map(|span| span.span.data.len()).sum();
    OVERHEAD + size_of_val(spans) + texts
}
