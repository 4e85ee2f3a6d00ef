//! From the keys that records name buckets by to the ids that people know.

use std::collections::HashMap;
use std::path::Path;

use timberline_log::Record;
use timberline_views::Snapshot;
use timberline_views::record::{self, BucketKey};

use super::kind::Kind;
use super::place::Scratch;

/// The ids of buckets, by key. As large as the number of buckets there ever were.
#[derive(Debug, Default)]
pub(super) struct BucketNames {
    by_key: HashMap<BucketKey, String>,
}

impl BucketNames {
    /// The buckets that there are now. What cannot be found out this way is learnt from records on the way; so
    /// views that cannot be read are no reason not to show the log.
    pub(super) fn known(data_dir: &Path) -> Self {
        let snapshot = Scratch::new()
            .ok()
            .and_then(|scratch| timberline_views::read_only(data_dir, scratch.storage()).ok());
        snapshot.map_or_else(Self::default, |(snapshot, _)| Self::of(&snapshot))
    }

    /// The buckets in a snapshot.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let named = snapshot
            .buckets()
            .map(|view| (view.key(), view.bucket().id.clone()));
        Self {
            by_key: named.collect(),
        }
    }

    /// Takes up the name that a record gives to a bucket, if it does.
    pub(super) fn learn(&mut self, record: &Record<'_>) {
        // The others need not be decoded to learn nothing.
        if Kind::numbered(record.kind) != Some(Kind::BucketCreated) {
            return;
        }
        if let Ok(record::Record::BucketCreated(created)) =
            record::Record::decode(record.kind, record.payload)
        {
            self.by_key.insert(created.bucket, created.id.to_owned());
        }
    }

    pub(super) fn get(&self, key: BucketKey) -> Option<&str> {
        self.by_key.get(&key).map(String::as_str)
    }

    /// Whether some bucket has this id, or had.
    pub(super) fn has(&self, id: &str) -> bool {
        self.by_key.values().any(|known| known == id)
    }
}
