//! The ids of buckets by their keys: records name buckets by key, users by id.

use std::collections::HashMap;

use timberline_log::{LogReader, Record, Seq};
use timberline_views::Snapshot;
use timberline_views::record::{self, BucketKey, RecordKind};

use crate::data_dir::OpenDataDir;

/// The ids of buckets, by key. As large as the number of buckets there ever were.
#[derive(Debug, Default)]
pub(super) struct BucketNames {
    by_key: HashMap<BucketKey, String>,
    /// Where to look for the names of buckets that are gone by now; once is enough.
    unsearched: Option<LogReader>,
}

impl BucketNames {
    /// Begins with the buckets that exist now. Deleted ones are looked up when a record refers to them.
    pub(super) fn known(data: &OpenDataDir, reader: &LogReader) -> Self {
        // Views that cannot be read are no reason not to show the log, which has all names too.
        let snapshot = data.scratch().ok().and_then(|scratch| data.read(&scratch).ok());
        let known = snapshot.map_or_else(Self::default, |(snapshot, _)| Self::of(&snapshot));
        Self {
            unsearched: Some(reader.clone()),
            ..known
        }
    }

    /// The buckets in a snapshot.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let named = snapshot
            .buckets()
            .map(|view| (view.key(), view.bucket().id.clone()));
        Self {
            by_key: named.collect(),
            unsearched: None,
        }
    }

    /// Stores the id that a record gives to a bucket, or looks up the id of the bucket that the record refers to.
    pub(super) fn note(&mut self, record: &Record<'_>) {
        if names_a_bucket(record) {
            self.take_up(record);
        } else if let Ok(Some(key)) = record::Record::bucket_of(record.kind, record.payload)
            && !self.by_key.contains_key(&key)
        {
            self.search();
        }
    }

    fn take_up(&mut self, record: &Record<'_>) {
        let (bucket, id) = match record::Record::decode(record.kind, record.payload) {
            Ok(record::Record::BucketCreated(created)) => (created.bucket, created.id),
            Ok(record::Record::BucketListed(record::BucketListed {
                bucket, id: Some(id), ..
            })) => (bucket, id),
            _ => return,
        };
        self.by_key.insert(bucket, id.to_owned());
    }

    /// Reads the log for names.
    fn search(&mut self) {
        let Some(Ok(mut records)) = self.unsearched.take().map(|log| log.read_from(Seq::FIRST)) else {
            return;
        };
        while let Some(record) = records.next() {
            if let Ok(record) = record
                && names_a_bucket(&record)
            {
                self.take_up(&record);
            }
        }
    }

    pub(super) fn get(&self, key: BucketKey) -> Option<&str> {
        self.by_key.get(&key).map(String::as_str)
    }

    /// Whether some bucket has this id, or had.
    pub(super) fn has(&mut self, id: &str) -> bool {
        let known = |names: &Self| names.by_key.values().any(|known| known == id);
        known(self) || {
            self.search();
            known(self)
        }
    }
}

/// Whether a record may give a bucket an id.
fn names_a_bucket(record: &Record<'_>) -> bool {
    let kind = RecordKind::from_number(record.kind);
    matches!(kind, Some(RecordKind::BucketCreated | RecordKind::BucketListed))
}
