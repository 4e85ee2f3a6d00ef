//! Sums of a part of a period: by what, and in which interval.

use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::definition::Source;
use super::parts::Span;
use super::plan::Origin;
use crate::catalog::Catalog;
use crate::transform::KeyColumn;

/// What time is added up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The application in front.
    App,
    /// The title of its window.
    Title,
    /// The category.
    Category,
    /// The domain of the page in front.
    Domain,
    /// Its URL.
    Url,
    /// The editor's project.
    Project,
    /// The editor's file.
    File,
    /// The programming language.
    Language,
    /// The bucket that said so.
    Bucket,
    /// The device.
    Device,
}

impl Dimension {
    /// Its name in requests and answers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Dimension> {
        Some(match text {
            "app" => Dimension::App,
            "title" => Dimension::Title,
            "category" => Dimension::Category,
            "domain" => Dimension::Domain,
            "url" => Dimension::Url,
            "project" => Dimension::Project,
            "file" => Dimension::File,
            "language" => Dimension::Language,
            "bucket" => Dimension::Bucket,
            "device" => Dimension::Device,
            _ => return None,
        })
    }

    /// Which events are added up.
    #[must_use]
    pub fn source(self) -> Source {
        match self {
            Dimension::Domain | Dimension::Url => Source::Browser,
            Dimension::Project | Dimension::File | Dimension::Language => Source::Editor,
            _ => Source::Activity,
        }
    }

    /// The dimensions that the same spans can be added up by, itself first: while they are there, the sums by the others
    /// cost little. Of a `long` period those with many groups are left out, because they are not kept.
    pub(super) fn with_companions(self, long: bool) -> Vec<Dimension> {
        let (few, many): (&[Dimension], &[Dimension]) = match self.source() {
            Source::Activity => (&[Dimension::Category, Dimension::App], &[Dimension::Title]),
            Source::Browser => (&[Dimension::Domain], &[Dimension::Url]),
            Source::Editor => (&[Dimension::Project, Dimension::Language], &[Dimension::File]),
        };
        let many = if long { &[] } else { many };
        let others = few.iter().chain(many).copied().filter(|other| *other != self);
        [self].into_iter().chain(others).collect()
    }

    /// Whether it has so many groups that the sums of a long period would displace everything else from the cache.
    pub(super) fn has_many_groups(self) -> bool {
        matches!(self, Dimension::Title | Dimension::Url | Dimension::File)
    }

    /// The member of data; none for what the bucket says.
    fn key(self) -> Option<&'static str> {
        Some(match self {
            Dimension::App => "app",
            Dimension::Title => "title",
            Dimension::Category => "$category",
            Dimension::Domain => "$domain",
            Dimension::Url => "url",
            Dimension::Project => "project",
            Dimension::File => "file",
            Dimension::Language => "language",
            Dimension::Bucket | Dimension::Device => return None,
        })
    }
}

/// Groups spans by a dimension.
#[derive(Debug)]
pub(super) struct Grouping<'a> {
    dimension: Dimension,
    column: Option<Arc<KeyColumn>>,
    catalog: &'a Catalog,
    origins: Vec<Origin>,
    /// The labels that were made, by group: the parts of a period mostly have the same ones.
    labels: Mutex<FxHashMap<Group, SharedLabel>>,
}

/// What a group has in common, shared by the sums of many parts; none for events that do not have it.
pub(super) type SharedLabel = Option<Arc<str>>;

/// A group: 0 for events without a value, else the number of the value in the catalog, or of the origin, + 1.
type Group = u32;

impl<'a> Grouping<'a> {
    pub(super) fn of(catalog: &'a Catalog, dimension: Dimension, origins: Vec<Origin>) -> Grouping<'a> {
        let column = dimension
            .key()
            .map(|key| KeyColumn::of(catalog, catalog.string(key)));
        Grouping {
            dimension,
            column,
            catalog,
            origins,
            labels: Mutex::default(),
        }
    }

    /// What tells it from others.
    pub(super) fn key(&self) -> u8 {
        self.dimension as u8
    }

    pub(super) fn has_many_groups(&self) -> bool {
        self.dimension.has_many_groups()
    }

    #[inline]
    fn group(&self, span: &Span) -> Group {
        match &self.column {
            Some(column) => column
                .value(self.catalog, span.event.data)
                .map_or(0, |value| value + 1),
            None => span.origin + 1,
        }
    }

    fn label(&self, group: Group) -> SharedLabel {
        if let Some(label) = self.labels.lock().get(&group) {
            return label.clone();
        }
        let label = self.new_label(group);
        self.labels.lock().insert(group, label.clone());
        label
    }

    fn new_label(&self, group: Group) -> SharedLabel {
        let number = group.checked_sub(1)?;
        let origin = self.origins.get(number as usize);
        let text = match self.dimension {
            Dimension::Bucket => &origin?.bucket,
            Dimension::Device => &origin?.device,
            _ => return self.catalog.text(number).map(Arc::from),
        };
        Some(serde_json::Value::from(text.as_str()).to_string().into())
    }
}

/// Nanoseconds of each group in each bin; only those that are not zero. They name their groups themselves instead of
/// referring to the engine's catalog, because they are kept for longer: ten years have more distinct data than a catalog holds.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// The groups. Two of them may have the same label.
    labels: Box<[SharedLabel]>,
    entries: Box<[Sum]>,
}

#[derive(Clone, Copy, Debug)]
struct Sum {
    /// The place of its group among the labels.
    group: u32,
    bin: u32,
    nanos: i64,
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
        Sums {
            labels: groups.into_iter().map(|group| grouping.label(group)).collect(),
            entries: sums
                .into_iter()
                .map(|((group, bin), nanos)| Sum { group, bin, nanos })
                .collect(),
        }
    }

    /// How many sums there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// About the bytes it takes, with its part of the labels that others have too.
    pub(super) fn bytes(&self) -> usize {
        let text = |text: &Arc<str>| (text.len() + 16) / Arc::strong_count(text).max(1);
        let label = |label: &SharedLabel| size_of_val(label) + label.as_ref().map_or(0, text);
        size_of_val(&*self.entries) + self.labels.iter().map(label).sum::<usize>()
    }
}

/// The sums of several parts together: of each group in each bin.
#[derive(Debug, Default)]
pub(super) struct Total {
    places: FxHashMap<SharedLabel, usize>,
    groups: Vec<FxHashMap<usize, i128>>,
}

impl Total {
    /// Adds the sums of a part, whose first bin is this one of the whole.
    pub(super) fn add(&mut self, sums: &Sums, first_bin: usize) {
        let places: Vec<usize> = sums.labels.iter().map(|label| self.place(label)).collect();
        for sum in &sums.entries {
            let place = places.get(sum.group as usize);
            if let Some(bins) = place.and_then(|place| self.groups.get_mut(*place)) {
                *bins.entry(first_bin + sum.bin as usize).or_default() += i128::from(sum.nanos);
            }
        }
    }

    fn place(&mut self, label: &SharedLabel) -> usize {
        if let Some(place) = self.places.get(label) {
            return *place;
        }
        self.groups.push(FxHashMap::default());
        self.places.insert(label.clone(), self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// Each group with its bins.
    pub(super) fn into_groups(mut self) -> impl Iterator<Item = (SharedLabel, FxHashMap<usize, i128>)> {
        self.places.into_iter().map(move |(label, place)| {
            let bins = self.groups.get_mut(place).map(std::mem::take);
            (label, bins.unwrap_or_default())
        })
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
