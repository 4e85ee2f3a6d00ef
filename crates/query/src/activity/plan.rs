//! One request about activity: the definition, and the parts into which the period is divided.

use std::sync::Arc;

use parking_lot::Mutex;
use rayon::prelude::*;
use timberline_cancel::Cancel;
use timberline_model::Timestamp;
use timberline_views::{BucketView, Snapshot};

use super::cache::{Kept, Key};
use super::definition::{Definition, Source};
use super::quiet::{Edges, MAX_REACH, likely_quiet};
use super::text::Urls;
use super::wanted::Wanted;
use crate::calendar::Calendar;
use crate::catalog::Catalog;
use crate::engine::Engine;
use crate::error::QueryError;
use crate::limits::Guard;
use crate::period::Period;
use crate::program::Prepared;
use crate::run::Reads;
use crate::scope::Scope;
use crate::warning::{Warning, Warnings};

/// Where spans come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The bucket.
    pub bucket: String,
    /// The hostname of its device.
    pub device: String,
}

impl Definition {
    /// Where spans of a source can come from.
    #[must_use]
    pub fn origins(&self, source: Source) -> Vec<Origin> {
        let mut origins = Vec::new();
        for device in &self.devices {
            let mut add = |bucket: &String| {
                origins.push(Origin {
                    bucket: bucket.clone(),
                    device: device.hostname.clone(),
                });
            };
            match source {
                Source::Activity => add(&device.window),
                Source::Browser => device.browsers.iter().for_each(|(_, bucket)| add(bucket)),
                Source::Editor => device.editors.iter().for_each(add),
            }
        }
        if let (Some(stopwatch), Source::Activity) = (&self.stopwatch, source) {
            let device = match self.devices.as_slice() {
                [only] => only.hostname.clone(),
                _ => String::new(),
            };
            origins.push(Origin {
                bucket: stopwatch.clone(),
                device,
            });
        }
        origins
    }

    /// The buckets whose events decide where a period can be cut.
    fn deciding<'a>(&'a self, source: Source) -> Vec<&'a str> {
        let mut ids: Vec<&'a str> = Vec::new();
        for device in &self.devices {
            let browsers = device.browsers.iter().map(|(_, id)| id.as_str());
            match source {
                Source::Activity => {
                    ids.push(&device.window);
                    if self.filter_afk
                        && let Some(afk) = &device.afk
                    {
                        ids.push(afk);
                        ids.extend(browsers.filter(|_| self.include_audible));
                    }
                }
                Source::Browser => {
                    ids.push(&device.window);
                    ids.extend(browsers);
                }
                Source::Editor => ids.extend(device.editors.iter().map(String::as_str)),
            }
        }
        ids
    }
}

/// A request while it runs.
pub(super) struct Plan<'a> {
    pub(super) engine: &'a Engine,
    pub(super) snapshot: &'a Snapshot,
    pub(super) catalog: Arc<Catalog>,
    pub(super) guard: Guard,
    pub(super) definition: &'a Definition,
    pub(super) source: Source,
    pub(super) parts: Arc<Prepared>,
    pub(super) wanted: Option<Wanted>,
    /// Whether it is about a past state, of which nothing is cached.
    pub(super) past: bool,
    warnings: Mutex<Warnings>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        snapshot: &'a Snapshot,
        definition: &'a Definition,
        (source, urls): (Source, Urls),
        past: bool,
        cancel: &Cancel,
    ) -> Result<Plan<'a>, QueryError> {
        let catalog = engine.catalog();
        let guard = engine.guard(cancel);
        let scope = Scope {
            guard: &guard,
            catalog: &catalog,
        };
        let wanted = Wanted::of(scope, &definition.conditions(source));
        Ok(Plan {
            parts: engine.prepare(&definition.parts_program(source, true, urls))?,
            engine,
            snapshot,
            definition,
            source,
            wanted,
            past,
            warnings: Mutex::default(),
            catalog,
            guard,
        })
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            guard: &self.guard,
            catalog: &self.catalog,
        }
    }

    pub(super) fn warn(&self, warnings: &[Warning]) {
        if !warnings.is_empty() {
            self.warnings.lock().add_all(warnings);
        }
    }

    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.warnings.into_inner().as_slice().to_vec()
    }

    /// What counts, to tell cached sums apart.
    pub(super) fn wanted_key(&self) -> Arc<str> {
        self.wanted.as_ref().map_or_else(|| "".into(), Wanted::name)
    }

    /// Whether a span with these data counts.
    pub(super) fn counts(&self, data: u32) -> bool {
        self.wanted
            .as_ref()
            .is_none_or(|wanted| wanted.has(self.scope(), data))
    }

    pub(super) fn cached(&self, key: &Key) -> Option<Kept> {
        if self.past {
            return None;
        }
        let (kept, warnings) = self.engine.activity.get(key, self.snapshot)?;
        self.warn(&warnings);
        Some(kept)
    }

    pub(super) fn keep(&self, key: Key, kept: Kept, warnings: &[Warning], reads: &Arc<Reads>) {
        if !self.past {
            let read = (self.snapshot.seq(), Arc::clone(reads));
            self.engine.activity.put(key, kept, warnings.into(), read);
        }
    }

    /// The ends of the parts of a period: its own, and quiet instants between them, about one a day. `make` computes what is
    /// asked about a part; if its ends turn out not to be quiet, it is computed again together with its neighbour. With `whole`
    /// the period is not divided.
    pub(super) fn divided<T: Send + Sync + Clone>(
        &self,
        period: Period,
        calendar: &Calendar,
        whole: bool,
        make: impl Fn(i64, i64) -> Result<(Edges, T), QueryError> + Sync,
    ) -> Result<Vec<(i64, i64, T)>, QueryError> {
        let (start, end) = (period.start.nanos(), period.end.nanos());
        let mut cuts = match whole {
            true => Vec::new(),
            false => self.cuts(start, end, calendar)?,
        };
        let mut made: Vec<(i64, i64, Edges, T)> = Vec::new();
        loop {
            let ends = bounds(start, &cuts, end);
            let known = |(from, to): &(i64, i64)| {
                let found = made.binary_search_by_key(from, |(from, ..)| *from).ok()?;
                made.get(found).filter(|(_, until, ..)| until == to).cloned()
            };
            let part = |ends: &(i64, i64)| match known(ends) {
                Some(known) => Ok(known),
                None => make(ends.0, ends.1).map(|(edges, made)| (ends.0, ends.1, edges, made)),
            };
            let parts: Result<Vec<_>, QueryError> = match ends.as_slice() {
                [only] => vec![part(only)].into_iter().collect(),
                many => self.engine.install(|| many.par_iter().map(part).collect()),
            };
            let parts = parts?;
            let good = |pair: &[(i64, i64, Edges, T)]| match pair {
                [(_, cut, before, _), (_, _, after, _)] => {
                    (before.end_quiet && after.start_quiet).then_some(*cut)
                }
                _ => None,
            };
            let kept: Vec<i64> = parts.windows(2).filter_map(good).collect();
            if kept.len() == cuts.len() {
                return Ok(parts
                    .into_iter()
                    .map(|(from, to, _, made)| (from, to, made))
                    .collect());
            }
            (cuts, made) = (kept, parts);
        }
    }

    /// Likely quiet instants inside the period, ascending, about one a day.
    fn cuts(&self, start: i64, end: i64, calendar: &Calendar) -> Result<Vec<i64>, QueryError> {
        let ids = self.definition.deciding(self.source);
        let buckets: Vec<&BucketView> = ids.iter().filter_map(|id| self.snapshot.bucket(id)).collect();
        let nanos = |instant: Timestamp| instant.nanos();
        let first = buckets.iter().filter_map(|b| b.start()).map(nanos).min();
        let last = buckets.iter().filter_map(|b| b.end()).map(nanos).max();
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(Vec::new());
        };
        let days = calendar.day_starts(start.max(first), end.min(last));
        let cut = |day: &i64| self.cut(&buckets, *day);
        let cuts: Result<Vec<Option<i64>>, QueryError> =
            self.engine.install(|| days.par_iter().map(cut).collect());
        let mut cuts: Vec<i64> = cuts?.into_iter().flatten().collect();
        cuts.retain(|cut| {
            let at = Timestamp::from_nanos(*cut);
            *cut > start && *cut < end && !buckets.iter().any(|b| b.may_reach_back_over(at))
        });
        cuts.sort_unstable();
        cuts.dedup();
        Ok(cuts)
    }

    fn cut(&self, buckets: &[&BucketView], at: i64) -> Result<Option<i64>, QueryError> {
        self.guard.check()?;
        let program = self.parts.number;
        let key = Key::Cut { program, at };
        if let Some(Kept::Cut(cut)) = self.cached(&key) {
            return Ok(cut);
        }
        let cut = likely_quiet(buckets, at)?;
        let until = Timestamp::from_nanos(at.saturating_add(MAX_REACH));
        let reads = Reads {
            buckets: buckets.iter().map(|b| (b.key(), until)).collect(),
            ..Reads::default()
        };
        self.keep(key, Kept::Cut(cut), &[], &Arc::new(reads));
        Ok(cut)
    }
}

fn bounds(start: i64, cuts: &[i64], end: i64) -> Vec<(i64, i64)> {
    let starts = [start].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([end]);
    starts.zip(ends).collect()
}
