//! The records that undo others.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use timberline_model::EventId;

use super::names::{Step, in_order};
use super::{Undo, Undone};
use crate::history::event_state::{BucketAt, BucketPresence, EventState, StateAt};
use crate::history::fields::{Fields, ListedAs};
use crate::record::{
    BucketDeleted, BucketKey, BucketListed, BucketRestored, BucketUpdated, Last, Record, SettingDeleted,
    SettingSet,
};
use crate::view::BucketView;
use crate::view::Snapshot;

use super::parts::push_events;

/// The record that gives a bucket its earlier names back. It says nothing of names if they are the same: a segment of
/// the log that changes names is not squashed.
fn relisted<'a>(bucket: BucketKey, before: &'a ListedAs, after: &ListedAs) -> BucketListed<'a> {
    let renamed = (&before.id, &before.aliases) != (&after.id, &after.aliases);
    BucketListed {
        bucket,
        id: renamed.then_some(&before.id),
        aliases: renamed.then(|| before.aliases.iter().map(String::as_str).collect()),
        archived: (before.archived != after.archived).then_some(before.archived),
    }
}

impl Undo {
    /// The records that take them back, as it was found by [`Undo::stand`] on this snapshot.
    pub(crate) fn records(&self, snapshot: &Snapshot) -> (Vec<Record<'_>>, Undone) {
        let mut undone = Undone {
            heartbeats_kept: self.heartbeats,
            ..Undone::default()
        };
        if self.purges > 0 {
            undone
                .conflicts
                .push("what was purged is gone for good and cannot be brought back".to_owned());
        }
        let mut steps = Vec::new();
        for key in self.keys() {
            let (mut records, mut done) = (Vec::new(), Undone::default());
            self.bucket(snapshot, key, &mut records, &mut done);
            steps.push(Step::of(snapshot.kept_of(key), key, records, done));
        }
        let mut records = in_order(steps, snapshot, &mut undone);
        self.settings(snapshot, &mut records, &mut undone);
        (records, undone)
    }

    fn bucket<'a>(
        &'a self,
        snapshot: &Snapshot,
        key: BucketKey,
        records: &mut Vec<Record<'a>>,
        undone: &mut Undone,
    ) {
        let none = BucketAt::default();
        let before = self.before.buckets.get(&key).unwrap_or(&none);
        let after = self.after.buckets.get(&key).unwrap_or(&none);
        let Some((view, trashed)) = snapshot.anywhere(key) else {
            if after.presence != BucketPresence::Nowhere {
                undone
                    .conflicts
                    .push(format!("bucket number {} was purged since", key.0));
            }
            return;
        };
        let id = &view.bucket.id;
        let was = |trace: &BucketAt| trace.presence;
        match (was(before), was(after)) {
            (BucketPresence::There, BucketPresence::Trashed) if trashed => {
                records.push(Record::BucketRestored(BucketRestored { bucket: key }));
                undone.buckets += 1;
            }
            (BucketPresence::Nowhere | BucketPresence::Trashed, BucketPresence::There) if !trashed => {
                return self.unmake(view, before, records, undone);
            }
            _ if trashed && self.events.contains_key(&key) => {
                undone
                    .conflicts
                    .push(format!("bucket '{id}' was deleted since: restore it first"));
                return;
            }
            _ => {}
        }
        self.fields(view, key, records, undone);
        self.events(view, key, records, undone);
    }

    /// Deletes a bucket that was created or restored, if it holds the same as it did then.
    fn unmake<'a>(
        &'a self,
        view: &BucketView,
        before: &BucketAt,
        records: &mut Vec<Record<'a>>,
        undone: &mut Undone,
    ) {
        let key = view.key;
        let came_back = before.presence == BucketPresence::Trashed;
        let after = self.after.buckets.get(&key);
        let ours = match came_back {
            true => self.untouched_since(key),
            false => {
                view.len == after.map_or(0, |after| after.events.len() as u64)
                    && self.standing.changed.get(&key).is_none_or(FxHashSet::is_empty)
            }
        };
        if ours {
            records.push(Record::BucketDeleted(BucketDeleted { bucket: key }));
            undone.buckets += 1;
            undone.events_removed += view.len;
            return;
        }
        let id = &view.bucket.id;
        undone.conflicts.push(format!(
            "bucket '{id}' stays: there are other events in it by now"
        ));
        if !came_back {
            self.events(view, key, records, undone);
        }
    }

    /// Whether no record since has named what is traced of a bucket.
    fn untouched_since(&self, key: BucketKey) -> bool {
        let trace = |t: &StateAt| t.buckets.get(&key).map(|b| (b.events.clone(), b.last));
        trace(&self.after) == trace(&self.now)
    }

    fn fields<'a>(
        &'a self,
        view: &BucketView,
        key: BucketKey,
        records: &mut Vec<Record<'a>>,
        undone: &mut Undone,
    ) {
        let traces = (self.before.buckets.get(&key), self.after.buckets.get(&key));
        let (Some(before), Some(after)) = traces else {
            return;
        };
        if before.presence == BucketPresence::Nowhere || before.fields == after.fields {
            return;
        }
        let now = Fields::of(view);
        let (before, after, id) = (&before.fields, &after.fields, &view.bucket.id);
        let described = before.described != after.described;
        let listed = before.listed != after.listed;
        if described && now.described != after.described || listed && now.listed != after.listed {
            undone
                .conflicts
                .push(format!("bucket '{id}' was changed again since"));
            return;
        }
        if described {
            let [type_, client, hostname, data] = &before.described;
            records.push(Record::BucketUpdated(BucketUpdated {
                bucket: key,
                type_: Some(type_),
                client: Some(client),
                hostname: Some(hostname),
                data: Some(data),
            }));
        }
        if listed {
            records.push(Record::BucketListed(relisted(key, &before.listed, &after.listed)));
        }
        undone.buckets += 1;
    }

    fn events<'a>(
        &'a self,
        view: &BucketView,
        key: BucketKey,
        records: &mut Vec<Record<'a>>,
        undone: &mut Undone,
    ) {
        let Some(ids) = self.events.get(&key) else {
            return;
        };
        let none = FxHashSet::default();
        let changed = self.standing.changed.get(&key).unwrap_or(&none);
        let value = |trace: &'a StateAt, id: &EventId| trace.buckets.get(&key).and_then(|b| b.events.get(id));
        let (mut removed, mut back): (Vec<EventId>, BTreeMap<EventId, &'a EventState>) =
            (Vec::new(), BTreeMap::new());
        for id in ids {
            let (before, after) = (value(&self.before, id), value(&self.after, id));
            match before {
                before if before == after => {}
                _ if changed.contains(id) => {
                    let bucket = &view.bucket.id;
                    undone
                        .conflicts
                        .push(format!("event {id} of bucket '{bucket}' was changed again since"));
                }
                Some(before) => drop(back.insert(*id, before)),
                None if self.is_before_erased(key, *id) => {
                    let bucket = &view.bucket.id;
                    undone.conflicts.push(format!(
                        "event {id} of bucket '{bucket}' stays: what it was before was purged or redacted"
                    ));
                }
                None => removed.push(*id),
            }
        }
        if removed.is_empty() && back.is_empty() {
            return;
        }
        removed.sort_unstable();
        undone.events_removed += removed.len() as u64;
        undone.events_restored += back.len() as u64;
        let last = self.last(key);
        push_events(key, &removed, &back, last, records);
    }

    /// Whether what an event was before the records may be gone: a purge erased it since. That there is none in the log is
    /// then no reason to delete the event.
    fn is_before_erased(&self, key: BucketKey, id: EventId) -> bool {
        let bucket = self.now.buckets.get(&key);
        bucket
            .and_then(|bucket| bucket.erased.get(&id))
            .is_some_and(|purge| *purge > self.from)
    }

    /// The next heartbeat is compared with the same event as before, unless another write has decided that since.
    fn last(&self, key: BucketKey) -> Last {
        let last = |trace: &StateAt| trace.buckets.get(&key).and_then(|b| b.last);
        match last(&self.after) == last(&self.now) && !self.standing.decided.contains(&key) {
            true => last(&self.before).unwrap_or(Last::Newest),
            false => Last::Unchanged,
        }
    }

    fn settings<'a>(&'a self, snapshot: &Snapshot, records: &mut Vec<Record<'a>>, undone: &mut Undone) {
        let mut keys: Vec<&'a String> = self.asked.settings.iter().collect();
        keys.sort_unstable();
        for key in keys {
            let (before, after) = (self.before.settings.get(key), self.after.settings.get(key));
            if before == after {
                continue;
            }
            if snapshot.settings().get(key) != after {
                undone
                    .conflicts
                    .push(format!("setting '{key}' was changed again since"));
                continue;
            }
            records.push(match before {
                Some(value) => Record::SettingSet(SettingSet { key, value }),
                None => Record::SettingDeleted(SettingDeleted { key }),
            });
            undone.settings += 1;
        }
    }
}
