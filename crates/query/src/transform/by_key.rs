//! What objects have for keys: one value, or the group that they form with others.

use std::sync::Arc;

use crate::catalog::{Catalog, InternedBytes, Memo, ObjectId, Table, ValueId};

/// The columns of the keys that queries have asked for.
#[derive(Debug, Default)]
struct KeyColumns(Memo<ValueId, KeyColumn>);

/// Each object's value for one key.
#[derive(Debug)]
pub(crate) struct KeyColumn {
    key: ValueId,
    /// 0: it has none; else the value's number + 1.
    values: Table,
}

impl KeyColumn {
    pub(crate) fn of(catalog: &Catalog, key: ValueId) -> Arc<KeyColumn> {
        catalog
            .memos
            .of::<KeyColumns>()
            .0
            .get_or_insert(key, || KeyColumn {
                key,
                values: Table::default(),
            })
    }

    #[inline]
    pub(crate) fn value(&self, catalog: &Catalog, object: ObjectId) -> Option<ValueId> {
        let answer = self.values.get(object).unwrap_or_else(|| {
            let value = catalog.member(object, self.key).map_or(0, |v| v + 1);
            self.values.set(catalog, object, value);
            value
        });
        answer.checked_sub(1)
    }
}

/// Names a group: dense, from 0 on.
pub(super) type GroupId = u32;

/// The groupings that queries have asked for.
#[derive(Debug, Default)]
struct Groupings(Memo<Box<[ValueId]>, Groups>);

/// Objects that have equal values for some keys form a group.
#[derive(Debug)]
pub(super) struct Groups {
    columns: Vec<Arc<KeyColumn>>,
    /// The values of each group, as bytes.
    tuples: InternedBytes,
    /// 0: it lacks one of the keys; else the group's number + 1.
    objects: Table,
}

impl Groups {
    pub(super) fn of(catalog: &Catalog, keys: Vec<ValueId>) -> Arc<Groups> {
        let columns = keys.iter().map(|key| KeyColumn::of(catalog, *key)).collect();
        let new = || Groups {
            columns,
            tuples: InternedBytes::default(),
            objects: Table::default(),
        };
        let groupings = catalog.memos.of::<Groupings>();
        groupings.0.get_or_insert(keys.into(), new)
    }

    /// The group of an object; none if it lacks one of the keys.
    #[inline]
    pub(super) fn group(&self, catalog: &Catalog, object: ObjectId) -> Option<GroupId> {
        let answer = self
            .objects
            .get(object)
            .unwrap_or_else(|| self.find(catalog, object));
        answer.checked_sub(1)
    }

    #[cold]
    fn find(&self, catalog: &Catalog, object: ObjectId) -> u32 {
        let values = self.columns.iter().map(|c| c.value(catalog, object));
        let bytes = values.map(|value| value.map(u32::to_le_bytes));
        let tuple = bytes.collect::<Option<Vec<[u8; 4]>>>();
        let group = tuple.map_or(0, |tuple| {
            let (group, grown) = self.tuples.intern(tuple.as_flattened());
            catalog.grown(grown);
            group + 1
        });
        self.objects.set(catalog, object, group);
        group
    }

    /// Groups there are so far: all numbers are less.
    pub(super) fn len(&self) -> usize {
        self.tuples.len()
    }
}
