//! Sums of a part of a period: by what, and in which interval.

use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::column::Column;
use super::dimension::Dimension;
use super::labels::{LabelId, Labels};
use super::packed::{Packed, Sum};
use super::parts::Span;
use super::plan::Origin;
use crate::catalog::Catalog;

/// Groups spans by a dimension.
#[derive(Debug)]
pub(super) struct Grouping<'a> {
    dimension: Dimension,
    /// None: by where they are.
    column: Option<Column>,
    catalog: &'a Catalog,
    origins: Vec<Origin>,
    labels: Arc<Labels>,
    /// The labels of groups that were met: the parts of a period mostly have the same ones.
    known: Mutex<FxHashMap<Group, LabelId>>,
}

/// A group: 0 for events without a value, else the number of the value in the catalog, or of the origin, + 1.
type Group = u32;

impl<'a> Grouping<'a> {
    pub(super) fn of(
        catalog: &'a Catalog,
        labels: Arc<Labels>,
        dimension: Dimension,
        origins: Vec<Origin>,
    ) -> Grouping<'a> {
        Grouping {
            dimension,
            column: Column::of(catalog, dimension),
            catalog,
            origins,
            labels,
            known: Mutex::default(),
        }
    }

    pub(super) fn dimension(&self) -> Dimension {
        self.dimension
    }

    pub(super) fn labels(&self) -> &Arc<Labels> {
        &self.labels
    }

    #[inline]
    fn group(&self, span: &Span) -> Group {
        let (catalog, data) = (self.catalog, span.event.data);
        match &self.column {
            Some(column) => column.value(catalog, data).map_or(0, |value| value + 1),
            None => span.origin + 1,
        }
    }

    /// The labels of groups. Two of them may have the same one.
    fn labels_of(&self, groups: &[Group]) -> Vec<LabelId> {
        let mut known = self.known.lock();
        let label = |group: &Group| *known.entry(*group).or_insert_with(|| self.new_label(*group));
        groups.iter().map(label).collect()
    }

    fn new_label(&self, group: Group) -> LabelId {
        let Some(number) = group.checked_sub(1) else {
            return self.labels.number(None);
        };
        let origin = self.origins.get(number as usize);
        let name = match self.dimension {
            Dimension::Bucket => origin.map(|origin| &origin.bucket),
            Dimension::Device => origin.map(|origin| &origin.device),
            _ => return self.labels.number(self.catalog.text(number)),
        };
        let text = name.map(|name| serde_json::Value::from(name.as_str()).to_string());
        self.labels.number(text.as_deref())
    }
}

/// Nanoseconds of each group in each bin; only those that are not zero.
#[derive(Debug)]
pub(super) struct Sums {
    labels: Arc<Labels>,
    packed: Packed,
}

impl Sums {
    /// Adds up spans. `bins` has the instants at which a new bin begins, all but the first.
    pub(super) fn of(grouping: &Grouping<'_>, bins: &[i64], spans: impl Iterator<Item = Span>) -> Sums {
        let mut groups: Vec<Group> = Vec::new();
        let mut places: FxHashMap<Group, u32> = FxHashMap::default();
        let mut sums: FxHashMap<(u32, u32), i64> = FxHashMap::default();
        let mut bin = Bins { bins, at: 0 };
        for span in spans {
            let group = grouping.group(&span);
            let place = *places.entry(group).or_insert_with(|| {
                groups.push(group);
                groups.len() as u32 - 1
            });
            bin.divide(span.event.start, span.event.end(), |bin, nanos| {
                let sum = sums.entry((place, bin)).or_default();
                *sum = sum.saturating_add(nanos);
            });
        }
        let labels = grouping.labels_of(&groups);
        let sum = |((place, bin), nanos): ((u32, u32), i64)| Sum {
            label: labels.get(place as usize).copied().unwrap_or_default(),
            bin,
            nanos,
        };
        Sums {
            labels: Arc::clone(&grouping.labels),
            packed: Packed::of(sums.into_iter().map(sum).collect()),
        }
    }

    /// In the order of their labels' numbers, and of the bins.
    pub(super) fn iter(&self) -> impl Iterator<Item = Sum> {
        self.packed.iter()
    }

    /// Whether it names its groups by these numbers.
    pub(super) fn is_of(&self, labels: &Arc<Labels>) -> bool {
        Arc::ptr_eq(&self.labels, labels)
    }

    /// About the bytes it takes, without the labels.
    pub(super) fn bytes(&self) -> usize {
        self.packed.bytes()
    }
}

/// Finds the bins of spans that mostly come in order.
struct Bins<'a> {
    bins: &'a [i64],
    at: usize,
}

impl Bins<'_> {
    /// Gives the parts of a span in each of its bins. One of negative duration is in the bin of its start, whole.
    fn divide(&mut self, start: i64, end: i64, mut give: impl FnMut(u32, i64)) {
        let is_in = |at: usize| {
            let after_begin = at == 0 || self.bins.get(at - 1).is_some_and(|begin| *begin <= start);
            after_begin && self.bins.get(at).is_none_or(|end| start < *end)
        };
        if !is_in(self.at) {
            self.at = self.bins.partition_point(|begin| *begin <= start);
        }
        let (mut at, mut from) = (self.at, start);
        while let Some(next) = self.bins.get(at).filter(|next| **next < end) {
            give(at as u32, next.saturating_sub(from));
            (at, from) = (at + 1, *next);
        }
        give(at as u32, end.saturating_sub(from));
    }
}
