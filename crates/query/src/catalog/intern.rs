//! Distinct things, numbered in the order in which they were first met.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;

/// Bytes that a thing costs beside itself: its slot, its allocation, its place in the index.
const OVERHEAD: usize = 56;

/// Things of which each has one number.
pub(crate) struct Interned<T: ?Sized> {
    things: boxcar::Vec<Box<T>>,
    index: Mutex<HashTable<u32>>,
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
        let hash = FxBuildHasher.hash_one(thing);
        let mut index = self.index.lock();
        let is_it = |i: &u32| self.get(*i).is_some_and(|t| t == thing);
        if let Some(found) = index.find(hash, is_it) {
            return (*found, 0);
        }
        let number = self.things.push(thing.into()) as u32;
        let rehash = |i: &u32| self.get(*i).map_or(0, |t| FxBuildHasher.hash_one(t));
        index.insert_unique(hash, number, rehash);
        (number, size_of_val(thing) + OVERHEAD)
    }

    /// The number of a thing that was met before.
    pub(crate) fn find(&self, thing: &T) -> Option<u32> {
        let hash = FxBuildHasher.hash_one(thing);
        let index = self.index.lock();
        index
            .find(hash, |i| self.get(*i).is_some_and(|t| t == thing))
            .copied()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.things.count()
    }

    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.things.get(number as usize).map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_keeps_its_number_however_many_there_are() {
        let interned = Interned::<str>::default();
        let text = |i: u32| format!("thing {i}");
        for i in 0..5_000 {
            assert_eq!(interned.intern(&text(i)).0, i);
        }
        for i in 0..5_000 {
            assert_eq!(interned.intern(&text(i)), (i, 0));
            assert_eq!(interned.find(&text(i)), Some(i));
        }
        assert_eq!(interned.len(), 5_000);
        assert_eq!(interned.find("another"), None);
    }
}
