//! The distinct data of a head: append-only, so that snapshots read it while the sequencer adds to it.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::collections::ByteList;

/// Distinct data objects, by index. Shared between the sequencer, which appends, and snapshots, which only know
/// indexes that were there when they were taken.
#[derive(Debug)]
pub(crate) struct HeadDictionary {
    number: u64,
    texts: ByteList,
}

impl Default for HeadDictionary {
    fn default() -> HeadDictionary {
        HeadDictionary {
            number: next_dictionary(),
            texts: ByteList::default(),
        }
    }
}

/// A number that no other dictionary of this process has, in memory or on disk: what is remembered of its objects
/// goes by it.
pub(crate) fn next_dictionary() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl HeadDictionary {
    /// What it is known by in this process.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The data at an index; an index comes from a row of this head, so it is always there. If a bug gives another
    /// index, the answer is no JSON, so that nobody takes it for data.
    pub(crate) fn text(&self, index: u32) -> &str {
        self.texts.text(index).unwrap_or_else(|| {
            debug_assert!(
                false,
                "a row refers to data {index}, which its head does not have"
            );
            tracing::error!(index, "a row refers to data that its head does not have");
            ""
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
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
        let index = dictionary.texts.push(text.as_bytes());
        self.bytes += text.len();
        self.index
            .insert_unique(hash, index, |i| FxBuildHasher.hash_one(dictionary.text(*i)));
        index
    }
}
