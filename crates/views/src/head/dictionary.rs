//! The distinct data of a head: append-only, so that snapshots read it while the sequencer adds to it.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Distinct data objects, by index. Shared between the sequencer, which appends, and snapshots, which only know
/// indexes that were there when they were taken.
#[derive(Debug, Default)]
pub(crate) struct HeadDictionary {
    texts: boxcar::Vec<Box<str>>,
}

impl HeadDictionary {
    /// The data at an index; an index comes from a row of this head, so it is always there.
    pub(crate) fn text(&self, index: u32) -> &str {
        self.texts.get(index as usize).map_or("{}", |t| t)
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.count()
    }
}

/// Finds the index of a text; only the sequencer has one.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    dictionary: Arc<HeadDictionary>,
    index: HashTable<u32>,
    bytes: usize,
}

impl Interner {
    pub(crate) fn dictionary(&self) -> &Arc<HeadDictionary> {
        &self.dictionary
    }

    /// Bytes of text held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes room for some more texts at once.
    pub(crate) fn reserve(&mut self, more: usize) {
        let dictionary = &self.dictionary;
        self.index
            .reserve(more, |i| FxBuildHasher.hash_one(dictionary.text(*i)));
    }

    /// The index of this text, which is added when it is new.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        let hash = FxBuildHasher.hash_one(text);
        let dictionary = &self.dictionary;
        if let Some(found) = self.index.find(hash, |i| dictionary.text(*i) == text) {
            return *found;
        }
        let index = dictionary.texts.push(text.into()) as u32;
        self.bytes += text.len();
        self.index
            .insert_unique(hash, index, |i| FxBuildHasher.hash_one(dictionary.text(*i)));
        index
    }
}
