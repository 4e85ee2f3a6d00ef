//! Collections that a snapshot shares with the ones before it. A clone costs a reference count; a change copies the
//! path to what it changes and nothing else, however many buckets there are.

use std::sync::Arc;

use crate::record::BucketKey;

/// Entries of a node of a [`Table`].
const FAN_OUT: usize = 32;
/// Bits of a key that choose among them.
const BITS: u32 = FAN_OUT.trailing_zeros();

/// Values by bucket key: a radix tree, as high as its greatest key asks. One change copies at most seven nodes, also
/// for the greatest key there can be.
#[derive(Clone, Debug)]
pub(crate) struct Table<V> {
    root: Node<V>,
    /// Levels above the leaves.
    height: u32,
}

#[derive(Clone, Debug)]
enum Node<V> {
    Empty,
    Inner(Arc<[Node<V>; FAN_OUT]>),
    Leaf(Arc<[Option<V>; FAN_OUT]>),
}

/// The entry of a node `level` levels above the leaves that leads to `key`.
fn entry(key: u32, level: u32) -> usize {
    (key >> (BITS * level)) as usize % FAN_OUT
}

impl<V> Default for Table<V> {
    fn default() -> Table<V> {
        Table {
            root: Node::Empty,
            height: 0,
        }
    }
}

impl<V: Clone> Table<V> {
    pub(crate) fn get(&self, key: BucketKey) -> Option<&V> {
        if !self.reaches(key) {
            return None;
        }
        let mut node = &self.root;
        let mut level = self.height;
        loop {
            match node {
                Node::Empty => return None,
                Node::Leaf(values) => return values.get(entry(key.0, 0))?.as_ref(),
                Node::Inner(nodes) => node = nodes.get(entry(key.0, level))?,
            }
            level = level.saturating_sub(1);
        }
    }

    /// Puts a value in the place of the one with this key, or takes that away.
    pub(crate) fn set(&mut self, key: BucketKey, value: Option<V>) {
        if value.is_none() && self.get(key).is_none() {
            return;
        }
        while !self.reaches(key) {
            let lower = std::mem::replace(&mut self.root, Node::Empty);
            if !matches!(lower, Node::Empty) {
                let mut nodes = [const { Node::Empty }; FAN_OUT];
                if let Some(first) = nodes.first_mut() {
                    *first = lower;
                }
                self.root = Node::Inner(Arc::new(nodes));
            }
            self.height += 1;
        }
        self.root.set(key.0, self.height, value);
    }

    /// All values, by key.
    pub(crate) fn values(&self) -> Values<'_, V> {
        Values {
            way: vec![std::slice::from_ref(&self.root).iter()],
            leaf: [].iter(),
        }
    }

    /// Whether a key fits into a tree of this height.
    fn reaches(&self, key: BucketKey) -> bool {
        u64::from(key.0) >> (BITS * (self.height + 1)) == 0
    }
}

impl<V: Clone> Node<V> {
    fn set(&mut self, key: u32, level: u32, value: Option<V>) {
        if matches!(self, Node::Empty) {
            *self = match level {
                0 => Node::Leaf(Arc::new([const { None }; FAN_OUT])),
                _ => Node::Inner(Arc::new([const { Node::Empty }; FAN_OUT])),
            };
        }
        match self {
            Node::Empty => {}
            Node::Leaf(values) => {
                if let Some(slot) = Arc::make_mut(values).get_mut(entry(key, 0)) {
                    *slot = value;
                }
            }
            Node::Inner(nodes) => {
                if let Some(node) = Arc::make_mut(nodes).get_mut(entry(key, level)) {
                    node.set(key, level.saturating_sub(1), value);
                }
            }
        }
    }
}

/// See [`Table::values`].
pub(crate) struct Values<'a, V> {
    /// What is left of the nodes on the way down.
    way: Vec<std::slice::Iter<'a, Node<V>>>,
    leaf: std::slice::Iter<'a, Option<V>>,
}

impl<'a, V> Iterator for Values<'a, V> {
    type Item = &'a V;

    fn next(&mut self) -> Option<&'a V> {
        loop {
            if let Some(value) = self.leaf.by_ref().flatten().next() {
                return Some(value);
            }
            match self.way.last_mut()?.next() {
                None => drop(self.way.pop()),
                Some(Node::Empty) => {}
                Some(Node::Inner(nodes)) => self.way.push(nodes.iter()),
                Some(Node::Leaf(values)) => self.leaf = values.iter(),
            }
        }
    }
}

/// Names in one chunk of [`Names`], at most.
const CHUNK: usize = 512;

type Chunk = Arc<Vec<(Arc<str>, BucketKey)>>;

/// Keys by bucket id, in the order of the ids: chunks of a sorted list. A change copies one chunk and the list of
/// chunks; only making, deleting and restoring a bucket changes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// None is empty.
    chunks: Arc<Vec<Chunk>>,
}

impl Names {
    pub(crate) fn get(&self, id: &str) -> Option<BucketKey> {
        let chunk = self.chunks.get(self.chunk_of(id))?;
        let at = chunk.binary_search_by(|(name, _)| (**name).cmp(id)).ok()?;
        chunk.get(at).map(|(_, key)| *key)
    }

    pub(crate) fn insert(&mut self, id: Arc<str>, key: BucketKey) {
        let number = self.chunk_of(&id);
        let chunks = Arc::make_mut(&mut self.chunks);
        let Some(chunk) = chunks.get_mut(number) else {
            chunks.push(Arc::new(vec![(id, key)]));
            return;
        };
        let names = Arc::make_mut(chunk);
        match names.binary_search_by(|(name, _)| name.cmp(&id)) {
            Ok(at) => {
                if let Some(slot) = names.get_mut(at) {
                    slot.1 = key;
                }
            }
            Err(at) => names.insert(at, (id, key)),
        }
        if names.len() > CHUNK {
            let upper = names.split_off(CHUNK / 2);
            chunks.insert(number + 1, Arc::new(upper));
        }
    }

    pub(crate) fn remove(&mut self, id: &str) {
        if self.get(id).is_none() {
            return;
        }
        let number = self.chunk_of(id);
        let chunks = Arc::make_mut(&mut self.chunks);
        if let Some(chunk) = chunks.get_mut(number) {
            Arc::make_mut(chunk).retain(|(name, _)| **name != *id);
            if chunk.is_empty() {
                chunks.remove(number);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, BucketKey)> {
        let all = self.chunks.iter().flat_map(|chunk| chunk.iter());
        all.map(|(name, key)| (&**name, *key))
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    /// The chunk that has this id or would take it.
    fn chunk_of(&self, id: &str) -> usize {
        let first = |chunk: &Chunk| chunk.first().is_some_and(|(name, _)| **name <= *id);
        self.chunks.partition_point(first).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Keys of all sizes, so that trees of all heights come up.
    fn key() -> impl Strategy<Value = u32> {
        (any::<u32>(), 0u32..32).prop_map(|(key, shift)| key >> shift)
    }

    proptest! {
        #[test]
        fn a_table_is_a_map_and_its_clones_stay(changes in prop::collection::vec((key(), prop::option::of(0u8..9)), 0..200)) {
            let (mut table, mut plain) = (Table::default(), BTreeMap::new());
            let mut kept = Vec::new();
            for (key, value) in changes {
                kept.push((table.clone(), plain.clone()));
                table.set(BucketKey(key), value);
                match value {
                    Some(value) => drop(plain.insert(key, value)),
                    None => drop(plain.remove(&key)),
                }
                prop_assert_eq!(table.get(BucketKey(key)).copied(), value);
            }
            kept.push((table, plain));
            for (table, plain) in kept {
                prop_assert!(table.values().eq(plain.values()));
                for (key, value) in &plain {
                    prop_assert_eq!(table.get(BucketKey(*key)), Some(value));
                }
            }
        }

        #[test]
        fn names_are_a_sorted_map_and_their_clones_stay(changes in prop::collection::vec((0u32..3_000, prop::bool::weighted(0.8)), 0..3_000)) {
            let (mut names, mut plain) = (Names::default(), BTreeMap::new());
            let mut kept = Vec::new();
            for (number, (id, put)) in changes.into_iter().enumerate() {
                let id = format!("bucket-{id}");
                if number % 500 == 0 {
                    kept.push((names.clone(), plain.clone()));
                }
                let key = BucketKey(number as u32);
                if put {
                    names.insert(id.as_str().into(), key);
                    plain.insert(id, key);
                } else {
                    names.remove(&id);
                    plain.remove(&id);
                }
            }
            kept.push((names, plain));
            for (names, plain) in kept {
                prop_assert!(names.iter().eq(plain.iter().map(|(id, key)| (id.as_str(), *key))));
                prop_assert_eq!(names.len(), plain.len());
                prop_assert!(names.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= CHUNK));
                for id in (0..3_000).map(|id| format!("bucket-{id}")) {
                    prop_assert_eq!(names.get(&id), plain.get(&id).copied());
                }
            }
        }
    }

    /// What a heartbeat, or a bucket that is made, costs does not grow with the number of buckets.
    #[test]
    fn of_100_000_buckets_a_change_copies_a_path() {
        fn copied<V>(before: &Node<V>, after: &Node<V>) -> usize {
            match (before, after) {
                (Node::Inner(a), Node::Inner(b)) if Arc::ptr_eq(a, b) => 0,
                (Node::Leaf(a), Node::Leaf(b)) if Arc::ptr_eq(a, b) => 0,
                (Node::Inner(a), Node::Inner(b)) => {
                    1 + a.iter().zip(b.iter()).map(|(a, b)| copied(a, b)).sum::<usize>()
                }
                (Node::Empty, Node::Empty) => 0,
                _ => 1,
            }
        }
        let (mut table, mut names) = (Table::default(), Names::default());
        for number in 0..100_000 {
            table.set(BucketKey(number), Some(number));
            names.insert(format!("bucket-{number}").into(), BucketKey(number));
        }
        for number in [0, 31, 32, 54_321, 99_999] {
            let mut changed = table.clone();
            changed.set(BucketKey(number), Some(0));
            assert_eq!(copied(&table.root, &changed.root), 4);
            let mut more = names.clone();
            more.insert(format!("bucket-{number}-more").into(), BucketKey(200_000));
            let same = |chunk: &Chunk| more.chunks.iter().any(|other| Arc::ptr_eq(chunk, other));
            assert_eq!(names.chunks.iter().filter(|chunk| !same(chunk)).count(), 1);
        }
    }

    /// A record may name any key: it costs the path to it, not all that is below it.
    #[test]
    fn the_greatest_key_costs_one_path() {
        fn nodes<V>(node: &Node<V>) -> usize {
            match node {
                Node::Empty => 0,
                Node::Leaf(_) => 1,
                Node::Inner(below) => 1 + below.iter().map(nodes).sum::<usize>(),
            }
        }
        let mut table = Table::default();
        table.set(BucketKey(u32::MAX), Some("far"));
        assert_eq!(nodes(&table.root), 7);
        table.set(BucketKey(0), Some("near"));
        assert_eq!(nodes(&table.root), 13);
        assert!(table.values().eq(&["near", "far"]));
    }
}
