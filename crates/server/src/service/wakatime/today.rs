//! The time that was spent in editors on a day, as WakaTime adds it up.

use std::collections::BTreeMap;

use serde::Deserialize;
use timberline_cancel::{Cancel, Cancelled};
use timberline_query::Period;
use timberline_views::{BucketView, EventRef, Events, SegmentError, Snapshot, TimeRange};

use super::BUCKET_TYPE;
use super::heartbeat::{UNKNOWN, USUAL_CATEGORY};

/// Nanoseconds of each name; none of them zero.
pub(crate) type Sums = BTreeMap<String, i64>;

/// Events between two looks at whether the client is still there.
const CHECK_EVERY: usize = 1024;

/// What was done on a day. Each instant counts once, so the sums of each kind add up to the total.
#[derive(Debug)]
pub(crate) struct Day {
    pub(crate) period: Period,
    pub(crate) total: i64,
    pub(crate) categories: Sums,
    pub(crate) projects: Sums,
    pub(crate) languages: Sums,
    pub(crate) editors: Sums,
    pub(crate) machines: Sums,
}

/// Why it was not added up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TodayError {
    #[error(transparent)]
    Read(#[from] SegmentError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// What of an event's data says which sums it belongs to.
#[derive(Default, Deserialize)]
struct Work {
    category: Option<String>,
    project: Option<String>,
    language: Option<String>,
}

/// The events of a bucket, the newest first.
struct Editor<'a> {
    view: &'a BucketView,
    next: Option<EventRef<'a>>,
    rest: Events<'a>,
}

impl<'a> Editor<'a> {
    fn open(view: &'a BucketView, range: TimeRange) -> Result<Editor<'a>, SegmentError> {
        let mut rest = view.events(range)?;
        Ok(Editor {
            view,
            next: rest.next().transpose()?,
            rest,
        })
    }
}

impl Day {
    /// Adds up a day, over the buckets of all editors. Where events overlap, as with two editors at once, an instant
    /// belongs to the one that began last.
    ///
    /// # Errors
    /// [`TodayError`]
    pub(crate) fn read(snapshot: &Snapshot, period: Period, cancel: &Cancel) -> Result<Day, TodayError> {
        let mut day = Day {
            period,
            total: 0,
            categories: Sums::new(),
            projects: Sums::new(),
            languages: Sums::new(),
            editors: Sums::new(),
            machines: Sums::new(),
        };
        let range = TimeRange {
            start: Some(period.start),
            end: Some(period.end),
        };
        let editors = snapshot
            .buckets()
            .filter(|view| view.bucket().type_ == BUCKET_TYPE);
        let mut editors = editors
            .map(|view| Editor::open(view, range))
            .collect::<Result<Vec<_>, _>>()?;
        let mut covered = Covered::default();
        for number in 1_usize.. {
            let latest = editors
                .iter_mut()
                .max_by_key(|editor| editor.next.as_ref().map(EventRef::start));
            let Some(editor) = latest else { break };
            let Some(event) = editor.next.take() else { break };
            day.add(editor.view, &event, &mut covered);
            editor.next = editor.rest.next().transpose()?;
            if number.is_multiple_of(CHECK_EVERY) {
                cancel.check()?;
            }
        }
        Ok(day)
    }

    /// Adds what of an event no later one covers.
    fn add(&mut self, view: &BucketView, event: &EventRef<'_>, covered: &mut Covered) {
        let start = event.start().max(self.period.start);
        let end = event
            .start()
            .saturating_add(event.duration())
            .min(self.period.end);
        let nanos = covered.cover(start.nanos(), end.nanos());
        if nanos == 0 {
            return;
        }
        let mut data = Vec::new();
        event.write_data(&mut data);
        // Data that another program wrote may have anything in these fields.
        let work: Work = serde_json::from_slice(&data).unwrap_or_default();
        self.total += nanos;
        let named = |name: Option<String>| name.unwrap_or_else(|| UNKNOWN.to_owned());
        let category = work.category.as_deref().unwrap_or(USUAL_CATEGORY);
        for (sums, name) in [
            (&mut self.categories, capitalised(category)),
            (&mut self.projects, named(work.project)),
            (&mut self.languages, named(work.language)),
            (&mut self.editors, editor(view)),
            (&mut self.machines, view.bucket().hostname.clone()),
        ] {
            *sums.entry(name).or_default() += nanos;
        }
    }
}

/// The stretches of time that later events have; the earliest is the last one. Events come with their starts descending.
#[derive(Debug, Default)]
struct Covered {
    stretches: Vec<(i64, i64)>,
}

impl Covered {
    /// Covers a stretch that begins no later than all before. Gives how much of it was not covered.
    fn cover(&mut self, start: i64, end: i64) -> i64 {
        if end <= start {
            return 0;
        }
        let (mut fresh, mut until) = (end - start, end);
        while let Some((from, to)) = self.stretches.pop_if(|(from, _)| *from <= end) {
            fresh -= to.min(end) - from;
            until = until.max(to);
        }
        self.stretches.push((start, until));
        fresh
    }
}

/// The editor of a bucket: `wakatime-vim_laptop` and `aw-watcher-vim_laptop` are both of `vim`.
fn editor(view: &BucketView) -> String {
    let bucket = view.bucket();
    let name = ["wakatime-", "aw-watcher-"]
        .iter()
        .find_map(|prefix| bucket.id.strip_prefix(prefix));
    let Some(name) = name else {
        return bucket.id.clone();
    };
    let host = format!("_{}", bucket.hostname);
    name.strip_suffix(&host).unwrap_or(name).to_owned()
}

/// `code reviewing` as `Code Reviewing`: so WakaTime shows categories.
fn capitalised(category: &str) -> String {
    let words = category.split_whitespace().map(|word| {
        let mut letters = word.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_instant_belongs_to_the_event_that_began_last(
            mut events in prop::collection::vec((0..40_i64, 0..20_i64), 0..12),
        ) {
            events.sort_by_key(|(start, _)| Reverse(*start));
            let mut covered = Covered::default();
            let found: Vec<i64> = events.iter().map(|(start, lasts)| covered.cover(*start, start + lasts)).collect();
            let mut expected = vec![0; events.len()];
            for instant in 0..60 {
                let owner = events.iter().position(|(start, lasts)| (*start..start + lasts).contains(&instant));
                if let Some(owner) = owner {
                    expected[owner] += 1;
                }
            }
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn categories_are_written_as_wakatime_writes_them() {
        assert_eq!(capitalised("coding"), "Coding");
        assert_eq!(capitalised("code  reviewing"), "Code Reviewing");
        assert_eq!(capitalised(""), "");
    }
}
