//! Buckets: created, changed, deleted, restored, purged.

use std::sync::Arc;

use timberline_log::Seq;
use timberline_model::{Data, EventId};

use crate::fold::{BucketState, FoldError};
use crate::record::{BucketCreated, BucketKey, BucketUpdated, Purge};
use crate::view::Changes;
use crate::view::Trashed;

use super::State;

impl State {
    pub(super) fn create_bucket(&mut self, seq: Seq, r: &BucketCreated<'_>) -> Result<(), FoldError> {
        if self.is_recovered(r.bucket) {
            // An earlier version did not know that the key was taken.
            return self.adopt(seq, r);
        }
        if self.buckets.contains_key(&r.bucket) || self.trash.contains_key(&r.bucket) {
            return Err(FoldError::BucketExists(r.id.to_owned()));
        }
        if let Some(other) = self.keys.get(r.id).copied() {
            // Names are given once they are free: the record that deleted the other is lost.
            tracing::warn!(
                %seq,
                bucket = other.0,
                id = r.id,
                "a bucket was made under the id of another: the record that deleted that one is lost"
            );
            self.delete_bucket(seq, other)?;
        }
        let mut bucket = BucketState::new(r.bucket, r.made());
        bucket.view.touched = seq;
        bucket.view.changes = Changes::since(seq);
        self.listed = seq;
        self.add(bucket);
        Ok(())
    }

    /// Whether an id is taken.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }

    pub(super) fn add(&mut self, bucket: BucketState) {
        let key = bucket.view.key;
        let name: Arc<str> = bucket.view.bucket.id.as_str().into();
        self.next_bucket = self.next_bucket.max(key.0.saturating_add(1));
        self.names.insert(name.clone(), key);
        self.keys.insert(name, key);
        self.table.set(key, Some(Arc::new(bucket.view.clone())));
        self.heads += bucket.head_weight();
        self.buckets.insert(key, bucket);
        self.note_growth(key);
    }

    pub(super) fn update_bucket(&mut self, seq: Seq, r: &BucketUpdated<'_>) -> Result<(), FoldError> {
        self.listed = seq;
        self.edit(seq, r.bucket, |b| {
            let bucket = Arc::make_mut(&mut b.view.bucket);
            let set = |field: &mut String, value: Option<&str>| {
                if let Some(value) = value {
                    *field = value.to_owned();
                }
            };
            set(&mut bucket.type_, r.type_);
            set(&mut bucket.client, r.client);
            set(&mut bucket.hostname, r.hostname);
            if let Some(data) = r.data {
                bucket.data = Data::from_canonical(data);
            }
            Ok(())
        })
    }

    pub(super) fn delete_bucket(&mut self, seq: Seq, key: BucketKey) -> Result<(), FoldError> {
        let bucket = self.take_out(seq, key)?;
        self.throw_away(seq, bucket);
        Ok(())
    }

    pub(super) fn throw_away(&mut self, seq: Seq, bucket: BucketState) {
        let key = bucket.view.key;
        self.trash.insert(key, (seq, bucket));
        self.show_trashed(key);
    }

    pub(super) fn take_out(&mut self, seq: Seq, key: BucketKey) -> Result<BucketState, FoldError> {
        self.listed = seq;
        let bucket = self.buckets.remove(&key).ok_or(FoldError::NoSuchBucket(key.0))?;
        self.heads = self.heads.saturating_sub(bucket.head_weight());
        let id = bucket.view.bucket.id.as_str();
        self.keys.remove(id);
        self.names.remove(id);
        self.table.set(key, None);
        Ok(bucket)
    }

    pub(super) fn restore_bucket(&mut self, seq: Seq, key: BucketKey) -> Result<(), FoldError> {
        let (_, deleted) = self.trash.get(&key).ok_or(FoldError::NotDeleted(key.0))?;
        let id = &deleted.view.bucket.id;
        if self.keys.contains_key(id.as_str()) {
            return Err(FoldError::BucketExists(id.clone()));
        }
        if let Some((_, mut bucket)) = self.trash.remove(&key) {
            // Caches must see a restored bucket as changed.
            bucket.view.touched = seq;
            bucket.view.changes = Changes::since(seq);
            self.listed = seq;
            self.add(bucket);
            self.show_trashed(key);
        }
        Ok(())
    }

    pub(super) fn begin_purge(&mut self, seq: Seq, purge: Purge<'_>) -> Result<(), FoldError> {
        Arc::make_mut(&mut self.purges).push(seq);
        let key = purge.bucket();
        if purge.is_whole() {
            let _ = self.take_out(seq, key);
            self.trash.remove(&key);
            self.show_trashed(key);
            return Ok(());
        }
        let ids: Vec<EventId> = purge.removed().flatten().copied().collect();
        if let Some((_, deleted)) = self.trash.get_mut(&key) {
            let changed = deleted.delete(&ids);
            self.show_trashed(key);
            return Ok(changed?);
        }
        match self.edit(seq, key, |b| Ok(b.delete(&ids)?)) {
            // The bucket may have been purged since.
            Err(FoldError::NoSuchBucket(_)) => Ok(()),
            result => result,
        }
    }

    /// Shows in the next snapshot what became of a deleted bucket.
    pub(super) fn show_trashed(&mut self, key: BucketKey) {
        let shown = self.trash.get(&key).map(|(seq, bucket)| Trashed {
            seq: *seq,
            view: Arc::new(bucket.view.clone()),
        });
        self.trashed.set(key, shown);
    }

    /// Changes a deleted bucket, as [`State::edit`] does one that is there.
    pub(crate) fn edit_trashed(
        &mut self,
        key: BucketKey,
        change: impl FnOnce(&mut BucketState) -> Result<(), FoldError>,
    ) -> Result<(), FoldError> {
        let (_, bucket) = self.trash.get_mut(&key).ok_or(FoldError::NoSuchBucket(key.0))?;
        let changed = change(bucket);
        self.show_trashed(key);
        changed
    }
}
