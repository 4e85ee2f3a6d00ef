//! Buckets: created, changed, deleted, restored, purged.

use std::sync::Arc;

use timberline_log::Seq;
use timberline_model::{Data, EventId};

use crate::fold::{BucketState, FoldError};
use crate::record::{BucketCreated, BucketKey, BucketListed, BucketUpdated, Purge};
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
        self.make_room(seq, r.id)?;
        let mut bucket = BucketState::new(r.bucket, r.made());
        bucket.view.touched = seq;
        bucket.view.changes = Changes::since(seq);
        self.listed = seq;
        self.add(bucket);
        Ok(())
    }

    /// Sees to it that a name is free. Names are given once they are: if this one is not, the record that freed it is
    /// lost.
    fn make_room(&mut self, seq: Seq, name: &str) -> Result<(), FoldError> {
        let Some(other) = self.keys.get(name).copied() else {
            return Ok(());
        };
        tracing::warn!(
            %seq,
            bucket = other.0,
            name,
            "a bucket was given the name of another: the record that freed it is lost"
        );
        if self
            .bucket(other)
            .is_none_or(|bucket| bucket.view.bucket.id == name)
        {
            return self.delete_bucket(seq, other);
        }
        self.listed = seq;
        self.keys.remove(name);
        self.names.remove(name);
        self.edit(seq, other, |b| {
            let listing = Arc::make_mut(&mut b.view.bucket);
            listing.aliases.retain(|alias| **alias != *name);
            Ok(())
        })
    }

    /// Whether an id is taken.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }

    pub(super) fn add(&mut self, bucket: BucketState) {
        let key = bucket.view.key;
        self.next_bucket = self.next_bucket.max(key.0.saturating_add(1));
        for name in bucket.view.bucket.names() {
            let name: Arc<str> = name.into();
            self.names.insert(name.clone(), key);
            self.keys.insert(name, key);
        }
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

    /// Changes the id of a bucket, its aliases, or whether it is archived.
    pub(super) fn list_bucket(&mut self, seq: Seq, r: &BucketListed<'_>) -> Result<(), FoldError> {
        let mut bucket = self.take_out(seq, r.bucket)?;
        let listing = bucket.view.bucket.after(r);
        let room = listing.names().try_for_each(|name| self.make_room(seq, name));
        if room.is_ok() {
            bucket.view.bucket = Arc::new(listing);
        }
        self.put_back(seq, bucket);
        room
    }

    /// A bucket that was taken out is there again. Caches must see it as changed.
    fn put_back(&mut self, seq: Seq, mut bucket: BucketState) {
        bucket.view.touched = seq;
        bucket.view.changes = Changes::since(seq);
        self.listed = seq;
        self.add(bucket);
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
        for name in bucket.view.bucket.names() {
            if self.keys.get(name) == Some(&key) {
                self.keys.remove(name);
                self.names.remove(name);
            }
        }
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
            // It may have lost an alias meanwhile.
            let taken = |alias: &Arc<str>| self.keys.contains_key(alias);
            if bucket.view.bucket.aliases.iter().any(taken) {
                let listing = Arc::make_mut(&mut bucket.view.bucket);
                listing.aliases.retain(|alias| !taken(alias));
            }
            self.put_back(seq, bucket);
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
