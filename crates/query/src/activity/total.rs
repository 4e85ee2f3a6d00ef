//! The sums of several parts together, and which groups of them are listed.

use std::cmp::Ordering;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::labels::{LabelId, Labels};
use super::sums::Sums;
use super::usage::{Label, Listed, Times, Usage};
use crate::error::QueryError;
use crate::limits::Charge;

/// The sums of each group in each bin.
#[derive(Debug)]
pub(super) struct Total {
    labels: Arc<Labels>,
    /// For each label the place of its newest entry, + 1.
    newest: Vec<u32>,
    entries: Vec<Entry>,
    charge: Charge,
}

/// A sum, and the place of the entry of the same group before it, + 1. Parts come in the order of time, so that the newest entry is
/// mostly that of the bin that is added to.
#[derive(Debug)]
struct Entry {
    bin: usize,
    nanos: i128,
    before: u32,
}

impl Total {
    /// `charge` grows with it.
    pub(super) fn new(labels: &Arc<Labels>, charge: Charge) -> Total {
        Total {
            labels: Arc::clone(labels),
            newest: Vec::new(),
            entries: Vec::new(),
            charge,
        }
    }

    /// Adds the sums of a part, whose first bin is this one of the whole.
    pub(super) fn add(&mut self, sums: &Sums, first_bin: usize) -> Result<(), QueryError> {
        debug_assert!(sums.is_of(&self.labels));
        let (labels, entries) = (self.newest.len(), self.entries.len());
        for sum in sums.iter() {
            let (label, bin) = (sum.label as usize, first_bin + sum.bin as usize);
            if label >= self.newest.len() {
                self.newest.resize(label + 1, 0);
            }
            let Some(newest) = self.newest.get_mut(label) else {
                continue;
            };
            let place = newest.checked_sub(1).map(|place| place as usize);
            match place.and_then(|place| self.entries.get_mut(place)) {
                Some(entry) if entry.bin == bin => entry.nanos += i128::from(sum.nanos),
                _ => {
                    self.entries.push(Entry {
                        bin,
                        nanos: sum.nanos.into(),
                        before: *newest,
                    });
                    *newest = self.entries.len() as u32;
                }
            }
        }
        let more = (self.newest.len() - labels) * size_of::<u32>();
        self.charge
            .grow(more + (self.entries.len() - entries) * size_of::<Entry>())
    }

    /// Lists some groups, and adds up the others.
    pub(super) fn list(&self, listed: Listed<'_>) -> Usage {
        let mut groups = self.groups();
        let count = groups.len();
        match listed {
            Listed::Longest(limit) => self.keep_longest(&mut groups, limit),
            Listed::These(labels) => {
                let wanted: FxHashMap<LabelId, ()> = labels
                    .iter()
                    .filter_map(|label| Some((self.labels.find(label.as_deref())?, ())))
                    .collect();
                groups.retain(|(label, _)| wanted.contains_key(label));
                self.keep_longest(&mut groups, usize::MAX);
            }
        }
        let total = self.bins();
        let mut others: FxHashMap<usize, i128> = total.clone();
        let list = |(label, _): &(LabelId, i128)| {
            let times = Times::of(self.bins_of(*label));
            for (bin, nanos) in &times.bins {
                *others.entry(*bin).or_default() -= nanos;
            }
            (self.labels.text(*label).map(str::to_owned), times)
        };
        let groups: Vec<(Label, Times)> = groups.iter().map(list).collect();
        Usage {
            total: Times::of(total),
            others: (count - groups.len(), Times::of(others)),
            groups,
            warnings: Vec::new(),
        }
    }

    /// The groups that have some time, and how much.
    fn groups(&self) -> Vec<(LabelId, i128)> {
        let mut groups = Vec::with_capacity(self.newest.len());
        for (label, newest) in (0..).zip(&self.newest) {
            let mut entries = self.entries_from(*newest);
            match (entries.next(), entries.next()) {
                (Some(only), None) if only.nanos != 0 => groups.push((label, only.nanos)),
                (Some(_), Some(_)) => {
                    let bins = self.bins_of(label);
                    if bins.values().any(|nanos| *nanos != 0) {
                        groups.push((label, bins.values().sum()));
                    }
                }
                _ => {}
            }
        }
        groups
    }

    /// Keeps those with the most time, and puts them in order.
    fn keep_longest(&self, groups: &mut Vec<(LabelId, i128)>, limit: usize) {
        let order = |(a, x): &(LabelId, i128), (b, y): &(LabelId, i128)| -> Ordering {
            let texts = || self.labels.text(*a).cmp(&self.labels.text(*b));
            y.cmp(x).then_with(texts)
        };
        if limit < groups.len() {
            groups.select_nth_unstable_by(limit, order);
            groups.truncate(limit);
        }
        groups.sort_unstable_by(order);
    }

    fn bins(&self) -> FxHashMap<usize, i128> {
        added_up(self.entries.iter())
    }

    fn bins_of(&self, label: LabelId) -> FxHashMap<usize, i128> {
        let newest = self.newest.get(label as usize).copied();
        added_up(self.entries_from(newest.unwrap_or_default()))
    }

    fn entries_from(&self, newest: u32) -> impl Iterator<Item = &Entry> {
        let entry = |place: u32| self.entries.get(place.checked_sub(1)? as usize);
        std::iter::successors(entry(newest), move |last| entry(last.before))
    }
}

fn added_up<'a>(entries: impl Iterator<Item = &'a Entry>) -> FxHashMap<usize, i128> {
    let mut bins: FxHashMap<usize, i128> = FxHashMap::default();
    for entry in entries {
        *bins.entry(entry.bin).or_default() += entry.nanos;
    }
    bins
}
