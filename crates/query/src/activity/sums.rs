//! Sums of a part of a period: by what, and in which interval.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::definition::Source;
use super::parts::Span;
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
pub(super) struct Grouping {
    dimension: Dimension,
    column: Option<Arc<KeyColumn>>,
}

/// A group: 0 for events without a value, else the number of the value in the catalog, or of the origin, + 1.
pub(super) type Group = u32;

impl Grouping {
    pub(super) fn of(catalog: &Catalog, dimension: Dimension) -> Grouping {
        let column = dimension
            .key()
            .map(|key| KeyColumn::of(catalog, catalog.string(key)));
        Grouping { dimension, column }
    }

    /// What tells it from others.
    pub(super) fn key(&self) -> u8 {
        // Buckets and devices are both told apart by origin.
        match self.dimension {
            Dimension::Bucket | Dimension::Device => u8::MAX,
            other => other as u8,
        }
    }

    #[inline]
    pub(super) fn group(&self, catalog: &Catalog, span: &Span) -> Group {
        match &self.column {
            Some(column) => column
                .value(catalog, span.event.data)
                .map_or(0, |value| value + 1),
            None => span.origin + 1,
        }
    }
}

/// Nanoseconds of each group in each bin; only those that are not zero.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) entries: Vec<Sum>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sum {
    pub(super) group: Group,
    pub(super) bin: u32,
    pub(super) nanos: i64,
}

impl Sums {
    /// Adds up spans. `bins` has the instants at which a new bin begins, all but the first.
    pub(super) fn of(
        catalog: &Catalog,
        grouping: &Grouping,
        bins: &[i64],
        spans: impl Iterator<Item = Span>,
    ) -> Sums {
        let mut sums: FxHashMap<(Group, u32), i64> = FxHashMap::default();
        let mut bin = Bins { bins, at: 0 };
        for span in spans {
            let group = grouping.group(catalog, &span);
            bin.divide(span.event.start, span.event.end(), |bin, nanos| {
                let sum = sums.entry((group, bin)).or_default();
                *sum = sum.saturating_add(nanos);
            });
        }
        let mut entries: Vec<Sum> = sums
            .into_iter()
            .map(|((group, bin), nanos)| Sum { group, bin, nanos })
            .collect();
        entries.sort_unstable_by_key(|sum| (sum.bin, sum.group));
        entries.shrink_to_fit();
        Sums { entries }
    }

    pub(super) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Sum>()
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
