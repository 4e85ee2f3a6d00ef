//! Distinct things, numbered in the order in which they were first met.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use timberline_views::columns::ByteList;

/// Bytes that a value costs in addition to itself: its slot, its allocation, its place in the index.
const OVERHEAD: usize = 56;

/// Bytes that a string costs in addition to itself: its place, and its entry in an index that has room.
const STRING_OVERHEAD: usize = ByteList::OVERHEAD + 14;

/// Parts of an index. The threads of a query that reads much for the first time all look for strings, and each look is a
/// cache miss or two: with a single lock they mostly wait for one another.
const SHARDS: usize = 16;

/// Byte strings of which each has one number: the many that a catalog has, in memory that is given back with it.
#[derive(Default)]
pub(crate) struct InternedBytes {
    strings: ByteList,
    /// Each string's entry is in the part that its hash says.
    index: [Mutex<HashTable<Entry>>; SHARDS],
}

impl std::fmt::Debug for InternedBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InternedBytes({})", self.strings.len())
    }
}

impl InternedBytes {
    /// The number of a string, and the bytes it took if it is new.
    pub(crate) fn intern(&self, string: &[u8]) -> (u32, usize) {
        let hash = hash(string);
        let mut index = self.shard(hash).lock();
        if let Some(found) = index.find(spread(hash), |e| self.is(*e, hash, string)) {
            return (found.number, 0);
        }
        let number = self.strings.push(string);
        index.insert_unique(spread(hash), Entry { hash, number }, |e| spread(e.hash));
        (number, string.len() + STRING_OVERHEAD)
    }

    /// The number of a string that was met before.
    pub(crate) fn find(&self, string: &[u8]) -> Option<u32> {
        let hash = hash(string);
        let index = self.shard(hash).lock();
        let found = index.find(spread(hash), |e| self.is(*e, hash, string));
        found.map(|e| e.number)
    }

    #[allow(clippy::indexing_slicing, reason = "a remainder of the length")]
    fn shard(&self, hash: u32) -> &Mutex<HashTable<Entry>> {
        &self.index[hash as usize % SHARDS]
    }

    fn is(&self, entry: Entry, hash: u32, string: &[u8]) -> bool {
        entry.hash == hash && self.get(entry.number) == Some(string)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.strings.len()
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&[u8]> {
        self.strings.get(number)
    }

    /// The same for strings that are text.
    #[inline]
    pub(crate) fn text(&self, number: u32) -> Option<&str> {
        self.strings.text(number)
    }
}

/// Things of which each has one number; for those of which there are few.
pub(crate) struct Interned<T: ?Sized> {
    things: boxcar::Vec<Box<T>>,
    index: Mutex<HashTable<Entry>>,
}

/// A thing's number, beside half of its hash: so that neither looking for another thing nor making room has to look
/// at this one, which is elsewhere in memory.
#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    number: u32,
}

impl<T: ?Sized> Default for Interned<T> {
    fn default() -> Interned<T> {
        Interned {
            things: boxcar::Vec::new(),
            index: Mutex::default(),
        }
    }
}

impl<T: ?Sized> std::fmt::Debug for Interned<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Interned({})", self.things.count())
    }
}

impl<T: ?Sized + Hash + Eq> Interned<T>
where
    for<'a> Box<T>: From<&'a T>,
{
    /// The number of a thing, and the bytes it took if it is new.
    pub(crate) fn intern(&self, thing: &T) -> (u32, usize) {
        let hash = hash(thing);
        let mut index = self.index.lock();
        if let Some(found) = index.find(spread(hash), |e| self.is(*e, hash, thing)) {
            return (found.number, 0);
        }
        let number = self.things.push(thing.into()) as u32;
        index.insert_unique(spread(hash), Entry { hash, number }, |e| spread(e.hash));
        (number, size_of_val(thing) + OVERHEAD)
    }

    fn is(&self, entry: Entry, hash: u32, thing: &T) -> bool {
        entry.hash == hash && self.get(entry.number).is_some_and(|t| t == thing)
    }

    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.things.get(number as usize).map(AsRef::as_ref)
    }
}

fn hash<T: ?Sized + Hash>(thing: &T) -> u32 {
    (FxBuildHasher.hash_one(thing) >> 32) as u32
}

/// The table goes by the first and the last bits of 64.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_keeps_its_number_however_many_there_are() {
        let interned = InternedBytes::default();
        let text = |i: u32| format!("thing {i}").into_bytes();
        for i in 0..5_000 {
            assert_eq!(interned.intern(&text(i)).0, i);
        }
        for i in 0..5_000 {
            assert_eq!(interned.intern(&text(i)), (i, 0));
            assert_eq!(interned.find(&text(i)), Some(i));
        }
        assert_eq!(interned.len(), 5_000);
        assert_eq!(interned.find(b"another"), None);
    }

    #[test]
    fn few_things_have_numbers_too() {
        let interned = Interned::<[u64]>::default();
        assert_eq!(interned.intern(&[1, 2]).0, 0);
        assert_eq!(interned.intern(&[3]).0, 1);
        assert_eq!(interned.intern(&[1, 2]), (0, 0));
        assert_eq!(interned.get(1), Some([3].as_slice()));
    }
}
