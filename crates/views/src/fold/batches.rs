//! Requests that were carried out under a name of the client's, so that the same request is not carried out twice.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use timberline_log::Seq;

/// So many requests are remembered, the newest ones; up to a chunk more.
pub(crate) const REMEMBERED: usize = 10_000;
/// Entries that are copied when one is added, at most.
const CHUNK: usize = 256;

/// One request: what it is called, and the record that says that it was carried out.
pub(crate) type Entry = (Arc<str>, Seq);

/// The requests that are remembered. The fold's own: it finds them by name.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    by_name: FxHashMap<Arc<str>, Seq>,
    list: BatchList,
}

/// The same in the order in which they were carried out, as snapshots share it: adding one copies a chunk and the list of
/// chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct BatchList {
    /// All but the last have [`CHUNK`] entries.
    chunks: Arc<VecDeque<Arc<Vec<Entry>>>>,
}

/// Under which name a request is remembered. Names of tokens have no control characters.
fn name(client: &str, id: &str) -> String {
    format!("{client}\n{id}")
}

impl Batches {
    /// The record that says that a request was carried out, if that is remembered.
    pub(crate) fn find(&self, client: &str, id: &str) -> Option<Seq> {
        self.by_name.get(name(client, id).as_str()).copied()
    }

    /// Remembers a request, and forgets the oldest ones if there are too many.
    pub(crate) fn add(&mut self, client: &str, id: &str, seq: Seq) {
        self.remember((name(client, id).into(), seq));
    }

    /// Goes on from a list.
    pub(crate) fn of(entries: impl Iterator<Item = Entry>) -> Batches {
        let mut batches = Batches::default();
        entries.for_each(|entry| batches.remember(entry));
        batches
    }

    pub(crate) fn list(&self) -> &BatchList {
        &self.list
    }

    fn remember(&mut self, entry: Entry) {
        self.by_name.insert(entry.0.clone(), entry.1);
        for (name, seq) in self.list.push(entry) {
            // A name that was used again since belongs to the newer request.
            if self.by_name.get(&name) == Some(&seq) {
                self.by_name.remove(&name);
            }
        }
    }
}

impl BatchList {
    /// All entries, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// Adds an entry. Gives back those that are too old by now.
    fn push(&mut self, entry: Entry) -> Vec<Entry> {
        let chunks = Arc::make_mut(&mut self.chunks);
        match chunks.back_mut().filter(|chunk| chunk.len() < CHUNK) {
            Some(chunk) => Arc::make_mut(chunk).push(entry),
            None => chunks.push_back(Arc::new(vec![entry])),
        }
        let full = (REMEMBERED.div_ceil(CHUNK)) + 1;
        match chunks.len() > full {
            true => chunks.pop_front().map_or_else(Vec::new, |chunk| chunk.to_vec()),
            false => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered_and_earlier_lists_stay() {
        let mut batches = Batches::default();
        let before = batches.list().clone();
        let count = 3 * REMEMBERED as u64;
        for number in 1..=count {
            batches.add("laptop", &number.to_string(), Seq(number));
        }
        assert_eq!(before.iter().count(), 0);
        let kept = batches.list().iter().count();
        assert!((REMEMBERED..REMEMBERED + 2 * CHUNK).contains(&kept), "{kept}");
        assert_eq!(batches.by_name.len(), kept);
        for number in count - REMEMBERED as u64 + 1..=count {
            assert_eq!(batches.find("laptop", &number.to_string()), Some(Seq(number)));
        }
        assert_eq!(batches.find("laptop", "1"), None);
        assert_eq!(batches.find("desktop", &count.to_string()), None);
        let again = Batches::of(batches.list().iter().cloned());
        assert_eq!(again.find("laptop", &count.to_string()), Some(Seq(count)));
        assert!(again.list().iter().eq(batches.list().iter()));
    }

    #[test]
    fn a_name_that_is_used_again_is_that_of_the_newest() {
        let mut batches = Batches::default();
        batches.add("", "x", Seq(1));
        for number in 2..=REMEMBERED as u64 {
            batches.add("", &number.to_string(), Seq(number));
        }
        let newest = Seq(REMEMBERED as u64 + 1);
        batches.add("", "x", newest);
        for number in 0..2 * CHUNK as u64 {
            batches.add("", &format!("more {number}"), newest);
        }
        assert_eq!(batches.find("", "x"), Some(newest));
    }
}
