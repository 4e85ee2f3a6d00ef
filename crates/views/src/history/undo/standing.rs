//! Compares a snapshot with the state after the records, and checks whether a decision made on it still holds.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_model::EventId;

use super::Undo;
use crate::error::HistoryError;
use crate::fold::State;
use crate::record::BucketKey;
use crate::view::Snapshot;
use crate::view::{BucketView, Located};

/// How things are in the snapshot that is decided on.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The events, by bucket.
    pub(super) located: FxHashMap<BucketKey, Arc<Located>>,
    /// Those that are no longer what they were after the records: changed again, come, or gone.
    pub(super) changed: FxHashMap<BucketKey, FxHashSet<EventId>>,
    /// Buckets in which a later write has decided which event the next heartbeat is compared with.
    pub(super) decided: FxHashSet<BucketKey>,
}

/// Whether a decision that was made on a snapshot still holds.
#[derive(Debug)]
pub(crate) enum Verdict {
    Holds,
    /// More was changed again since: once that is noted, the records are to be made again.
    Narrowed(News),
    /// It must be decided again, on a newer snapshot.
    Outdated,
}

/// What was changed since a decision was made.
#[derive(Debug, Default)]
pub(crate) struct News {
    changed: Vec<(BucketKey, Vec<EventId>)>,
    decided: Vec<BucketKey>,
}

impl Undo {
    /// Compares the events with what they are in a snapshot. Then it can be decided.
    ///
    /// # Errors
    /// When a view segment cannot be read.
    pub(crate) fn stand(&mut self, snapshot: &Snapshot) -> Result<(), HistoryError> {
        let mut standing = Standing::default();
        for (key, ids) in &self.events {
            let Some(view) = snapshot.kept_of(*key) else {
                continue;
            };
            let all: Vec<EventId> = ids.iter().copied().collect();
            standing.located.insert(*key, Arc::new(Located::of(view, &all)?));
            standing
                .changed
                .insert(*key, self.changed_since(view, *key, ids)?);
        }
        self.standing = standing;
        Ok(())
    }

    /// Where the events of a bucket lie in the snapshot.
    pub(crate) fn located(&self, key: BucketKey) -> Option<&Arc<Located>> {
        self.standing.located.get(&key)
    }

    /// Whether the decision that was made on a snapshot holds for a later state. Reads nothing. `unmade` are the buckets
    /// that it deletes.
    pub(crate) fn verdict(&self, snapshot: &Snapshot, state: &State, unmade: &[BucketKey]) -> Verdict {
        let same_settings = std::ptr::eq(state.settings(), &**snapshot.shared_settings());
        if !same_settings && !self.asked.settings.is_empty() {
            return Verdict::Outdated;
        }
        let mut news = News::default();
        for key in self.keys() {
            let (then, now) = match (snapshot.anywhere(key), state.anywhere(key)) {
                (None, None) => continue,
                (Some((then, was)), Some((now, is))) if was == is => (then, &now.view),
                _ => return Verdict::Outdated,
            };
            let renamed = self.names(key, then).any(|name| {
                snapshot.bucket(name).map(|view| view.key) != state.named(name).map(|b| b.view.key)
            });
            let touched = unmade.contains(&key) && then.touched != now.touched;
            if renamed || touched || !Arc::ptr_eq(&then.bucket, &now.bucket) {
                return Verdict::Outdated;
            }
            let Some(located) = self.standing.located.get(&key) else {
                continue;
            };
            let Some(mut changed) = located.changed(now) else {
                return Verdict::Outdated;
            };
            let known = self.standing.changed.get(&key);
            let is_known = |id: &EventId| known.is_some_and(|known| known.contains(id));
            let is_as_after = |id: &EventId| self.is_as_after(now, key, *id);
            if changed.iter().any(|id| is_known(id) && is_as_after(id)) {
                // It was changed again, and now changed back.
                return Verdict::Outdated;
            }
            changed.retain(|id| !is_known(id) && !is_as_after(id));
            if !changed.is_empty() {
                news.changed.push((key, changed));
            }
            if then.touched != now.touched && !self.standing.decided.contains(&key) {
                news.decided.push(key);
            }
        }
        match news.changed.is_empty() && news.decided.is_empty() {
            true => Verdict::Holds,
            false => Verdict::Narrowed(news),
        }
    }

    /// The names that a bucket has, or may get back.
    fn names<'a>(&'a self, key: BucketKey, then: &'a BucketView) -> impl Iterator<Item = &'a str> {
        let before = self.before.buckets.get(&key);
        let listed = before.into_iter().map(|before| &before.fields.listed);
        let names = listed.flat_map(|listed| std::iter::once(&listed.id).chain(&listed.aliases));
        then.bucket.names().chain(names.map(String::as_str))
    }

    /// Whether an event that has changed lately is what it was after the records. It lies in memory, if it is there.
    fn is_as_after(&self, view: &BucketView, key: BucketKey, id: EventId) -> bool {
        let was = self
            .after
            .buckets
            .get(&key)
            .and_then(|after| after.events.get(&id));
        let now = view.find_in_memory(id).map(|place| view.read(place));
        match (was, now) {
            (None, None) => true,
            (Some(v), Some(Ok(Some((row, text))))) => {
                (v.start, v.duration, &*v.text) == (row.start, row.duration, text.as_str())
            }
            _ => false,
        }
    }

    /// Notes what has changed since: that is not undone.
    pub(crate) fn narrow(&mut self, news: News) {
        for (key, changed) in news.changed {
            self.standing.changed.entry(key).or_default().extend(changed);
        }
        self.standing.decided.extend(news.decided);
    }

    /// The events that are no longer what they were after the records: changed again, come, or gone.
    fn changed_since(
        &self,
        view: &BucketView,
        key: BucketKey,
        ids: &FxHashSet<EventId>,
    ) -> Result<FxHashSet<EventId>, HistoryError> {
        let after = self.after.buckets.get(&key);
        let was = |id: &EventId| after.and_then(|after| after.events.get(id));
        // Until they are found to be what they were.
        let mut changed: FxHashSet<EventId> = ids.iter().filter(|id| was(id).is_some()).copied().collect();
        view.read_these(ids, |row, text| {
            let same = was(&row.id)
                .is_some_and(|v| (v.start, v.duration, &*v.text) == (row.start, row.duration, text));
            match same {
                true => drop(changed.remove(&row.id)),
                false => drop(changed.insert(row.id)),
            }
        })?;
        Ok(changed)
    }
}
