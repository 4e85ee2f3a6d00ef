//! What is kept of activity between requests: where days can be cut, and the sums of each part.

use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use timberline_views::{Seq, Snapshot};

use super::dimension::Dimension;
use super::labels::Labels;
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
        /// Which sums.
        by: Dimension,
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
///
/// Sums of many groups have a shelf of their own. Either shelf may take what the other one does not need, but at least half: the titles of ten
/// years displace each other instead of the hours of each category.
#[derive(Debug)]
pub(crate) struct ActivityCache {
    most: usize,
    shelves: Mutex<Shelves>,
}

#[derive(Debug, Default)]
struct Shelves {
    few: Shelf,
    many: Shelf,
}

#[derive(Debug)]
struct Shelf {
    by_key: LruCache<Key, Entry, FxBuildHasher>,
    /// Those of the entries.
    bytes: usize,
    /// What the groups of its sums are called.
    labels: Arc<Labels>,
}

impl ActivityCache {
    pub(crate) fn new(most: usize) -> ActivityCache {
        ActivityCache {
            most,
            shelves: Mutex::default(),
        }
    }

    /// The labels by whose numbers a request adds up. Labels are never dropped one by one; if they have become too many, all of them
    /// are, and the sums with them.
    pub(super) fn labels(&self, by: Dimension) -> Arc<Labels> {
        let shelf = &mut *self.shelves.lock();
        let shelf = if by.has_many_groups() {
            &mut shelf.many
        } else {
            &mut shelf.few
        };
        if shelf.labels.bytes() > self.most / 2 {
            *shelf = Shelf::default();
        }
        Arc::clone(&shelf.labels)
    }

    /// What is kept, if it still holds.
    pub(super) fn get(&self, key: &Key, snapshot: &Snapshot) -> Option<(Kept, Arc<[Warning]>)> {
        let mut shelves = self.shelves.lock();
        let entry = shelves.of(key).by_key.get(key)?;
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
            Key::Sums { bins, wanted, .. } => bins.len() * size_of::<i64>() + wanted.len(),
            Key::Cut { .. } | Key::Edges { .. } => 0,
        };
        let bytes = OVERHEAD + content + bins + reads.buckets.len() * 16;
        if bytes > self.most / 4 {
            return;
        }
        let shelves = &mut *self.shelves.lock();
        let shelf = shelves.of(&key);
        let of_others = |sums: &Arc<Sums>| !sums.is_of(&shelf.labels);
        if matches!(&kept, Kept::Sums(sums) if of_others(sums))
            || shelf.by_key.peek(&key).is_some_and(|kept| kept.seq > seq)
        {
            return;
        }
        let entry = Entry {
            kept,
            warnings,
            seq,
            reads,
            bytes,
        };
        shelf.put(key, entry);
        shelves.shrink(self.most);
    }

    /// Drops everything.
    pub(crate) fn clear(&self) {
        *self.shelves.lock() = Shelves::default();
    }

    /// How many answers are kept, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let shelves = self.shelves.lock();
        let entries = shelves.few.by_key.len() + shelves.many.by_key.len();
        (entries, shelves.few.bytes() + shelves.many.bytes())
    }
}

impl Shelves {
    fn of(&mut self, key: &Key) -> &mut Shelf {
        match key {
            Key::Sums { by, .. } if by.has_many_groups() => &mut self.many,
            _ => &mut self.few,
        }
    }

    fn shrink(&mut self, most: usize) {
        while self.few.bytes() + self.many.bytes() > most {
            let larger = if self.many.bytes() > most / 2 {
                &mut self.many
            } else {
                &mut self.few
            };
            if !larger.drop_oldest() {
                return;
            }
        }
    }
}

impl Shelf {
    fn bytes(&self) -> usize {
        self.bytes + self.labels.bytes()
    }

    fn put(&mut self, key: Key, entry: Entry) {
        self.bytes += entry.bytes;
        if let Some((_, replaced)) = self.by_key.push(key, entry) {
            self.bytes -= replaced.bytes;
        }
    }

    fn drop_oldest(&mut self) -> bool {
        let oldest = self.by_key.pop_lru();
        if let Some((_, entry)) = &oldest {
            self.bytes -= entry.bytes;
        }
        oldest.is_some()
    }
}

impl Default for Shelf {
    fn default() -> Shelf {
        Shelf {
            by_key: LruCache::unbounded_with_hasher(FxBuildHasher),
            bytes: 0,
            labels: Arc::default(),
        }
    }
}
