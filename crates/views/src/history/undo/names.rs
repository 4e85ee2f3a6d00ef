//! The order in which buckets get their earlier names back: a name must be free before another bucket gets it.

use std::collections::BTreeMap;

use super::Undone;
use crate::record::{BucketKey, Record};
use crate::view::{BucketView, Snapshot};

/// What is done to one bucket.
pub(super) struct Step<'a> {
    pub(super) key: BucketKey,
    pub(super) records: Vec<Record<'a>>,
    pub(super) undone: Undone,
    /// Names that are free before the bucket gets others.
    frees: Vec<String>,
    /// Names that it cannot do without.
    needs: Vec<String>,
    /// Names that it gets if they are free.
    wants: Vec<String>,
}

/// Who has a name, where that differs from the snapshot.
type Holders = BTreeMap<String, Option<BucketKey>>;

impl<'a> Step<'a> {
    pub(super) fn of(
        view: Option<&BucketView>,
        key: BucketKey,
        records: Vec<Record<'a>>,
        undone: Undone,
    ) -> Step<'a> {
        let mut step = Step {
            key,
            records: Vec::new(),
            undone,
            frees: Vec::new(),
            needs: Vec::new(),
            wants: Vec::new(),
        };
        let names = || view.into_iter().flat_map(|view| view.bucket.names());
        for record in &records {
            match record {
                Record::BucketListed(r) => {
                    step.frees.extend(names().map(str::to_owned));
                    let aliases = r.aliases.iter().flatten().copied();
                    step.needs
                        .extend(r.id.into_iter().chain(aliases).map(str::to_owned));
                }
                Record::BucketDeleted(_) => step.frees.extend(names().map(str::to_owned)),
                Record::BucketRestored(_) => {
                    step.needs.extend(names().take(1).map(str::to_owned));
                    step.wants.extend(names().skip(1).map(str::to_owned));
                }
                _ => {}
            }
        }
        step.records = records;
        step
    }

    /// The first name that another bucket has.
    fn lacks(&self, names: &[String], holders: &Holders, snapshot: &Snapshot) -> Option<String> {
        let holder = |name: &String| match holders.get(name) {
            Some(holder) => *holder,
            None => snapshot.bucket(name).map(BucketView::key),
        };
        let of_another = |name: &&String| holder(name).is_some_and(|key| key != self.key);
        names.iter().find(of_another).cloned()
    }
}

/// The records in an order in which every name is free before it is given. A bucket whose name another one keeps stays as
/// it is: that is a conflict.
pub(super) fn in_order<'a>(
    mut steps: Vec<Step<'a>>,
    snapshot: &Snapshot,
    undone: &mut Undone,
) -> Vec<Record<'a>> {
    let mut records = Vec::new();
    let mut holders = Holders::new();
    while !steps.is_empty() {
        let has_needs = |step: &Step<'_>| step.lacks(&step.needs, &holders, snapshot).is_none();
        let has_all =
            |step: &Step<'_>| has_needs(step) && step.lacks(&step.wants, &holders, snapshot).is_none();
        let next = steps.iter().position(has_all);
        let Some(next) = next.or_else(|| steps.iter().position(has_needs)) else {
            break;
        };
        let step = steps.remove(next);
        holders.extend(step.frees.into_iter().map(|name| (name, None)));
        holders.extend(step.needs.into_iter().map(|name| (name, Some(step.key))));
        records.extend(step.records);
        undone.add(step.undone);
    }
    for step in steps {
        if let Some(name) = step.lacks(&step.needs, &holders, snapshot) {
            undone.conflicts.push(format!(
                "a bucket cannot be called '{name}' again: another one has this id or alias by now"
            ));
        }
    }
    records
}
