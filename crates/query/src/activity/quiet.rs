//! Where a period can be cut so that nothing changes.
//!
//! The program fills short gaps, intersects and unites; so what it gives about an instant depends on events around that
//! instant. It depends on nothing beyond it if, in every bucket that is read, no event begins or ends within five seconds of
//! the instant (the longest gap that `flood` fills), and at most one event goes on across it, which began after all others
//! that began before it. Then the program on both sides of such a *quiet* instant gives the same as the program on all.

use timberline_model::Timestamp;
use timberline_views::{BucketView, SegmentError, TimeRange};

use crate::events::Events;
use crate::transform::PULSETIME;

/// How far from the instant asked for a quiet one is looked for, in steps.
const REACHES: [i64; 3] = [PULSETIME, 30 * 60 * 1_000_000_000, 2 * 3_600 * 1_000_000_000];

/// The farthest instant that the search for a quiet one looks at.
pub(super) const MAX_REACH: i64 = 2 * 3_600 * 1_000_000_000;

/// What is seen of the ends of a part from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edges {
    pub(super) start_quiet: bool,
    pub(super) end_quiet: bool,
}

/// Looks at all events of the buckets that were read for a part; they are cut to it.
pub(super) fn edges(buckets: &[Events], from: i64, to: i64) -> Edges {
    let mut edges = Edges {
        start_quiet: true,
        end_quiet: true,
    };
    for events in buckets {
        if events.durations().iter().any(|duration| *duration < 0) {
            return Edges {
                start_quiet: false,
                end_quiet: false,
            };
        }
        edges.start_quiet &= is_start_quiet(events, from);
        edges.end_quiet &= is_end_quiet(events, to);
    }
    edges
}

fn is_start_quiet(events: &Events, from: i64) -> bool {
    let limit = from.saturating_add(PULSETIME);
    let mut across = 0;
    for event in events.iter() {
        across += usize::from(event.start == from);
        if (event.start > from && event.start < limit) || event.end() < limit {
            return false;
        }
    }
    across <= 1
}

fn is_end_quiet(events: &Events, to: i64) -> bool {
    let limit = to.saturating_sub(PULSETIME);
    let (mut across, mut latest, mut latest_count) = (None, i64::MIN, 0);
    for event in events.iter() {
        let end = event.end();
        if event.start > limit || (end > limit && end < to) {
            return false;
        }
        if end >= to && across.replace(event.start).is_some() {
            return false;
        }
        if event.start > latest {
            (latest, latest_count) = (event.start, 0);
        }
        latest_count += usize::from(event.start == latest);
    }
    across.is_none_or(|start| start == latest && latest_count == 1)
}

/// An instant near `at` that is likely to be quiet: whether it is shows when the parts on both sides are computed.
pub(super) fn likely_quiet(buckets: &[&BucketView], at: i64) -> Result<Option<i64>, SegmentError> {
    for reach in REACHES {
        let window = (at.saturating_sub(reach), at.saturating_add(reach));
        let mut events = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            events.push(stretches(bucket, window)?);
        }
        if let Some(found) = quiet_in(&events, at, window) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Starts and ends.
fn stretches(bucket: &BucketView, (from, to): (i64, i64)) -> Result<Vec<(i64, i64)>, SegmentError> {
    let range = TimeRange {
        start: Some(Timestamp::from_nanos(from)),
        end: Some(Timestamp::from_nanos(to)),
    };
    let stretch = |event: timberline_views::EventRef<'_>| {
        let start = event.start();
        (start.nanos(), start.saturating_add(event.duration()).nanos())
    };
    bucket.events(range)?.map(|event| event.map(stretch)).collect()
}

/// The instant nearest to `at` without a start or end near it, and with at most one event of each bucket across it.
fn quiet_in(buckets: &[Vec<(i64, i64)>], at: i64, (from, to): (i64, i64)) -> Option<i64> {
    let mut edges: Vec<i64> = buckets
        .iter()
        .flatten()
        .flat_map(|(start, end)| [*start, *end])
        .collect();
    edges.retain(|edge| (from..=to).contains(edge));
    // The ends of the window are as good as edges: nothing is known beyond them.
    edges.extend([from.saturating_sub(1), to.saturating_add(1)]);
    edges.sort_unstable();
    let gaps = edges.windows(2).filter_map(|pair| match pair {
        [before, after] => Some((before.saturating_add(PULSETIME), after.saturating_sub(PULSETIME))),
        _ => None,
    });
    let candidates = gaps.filter(|(first, last)| first <= last);
    let candidates = candidates.map(|(first, last)| at.clamp(first, last));
    let single = |instant: &i64| {
        buckets.iter().all(|events| {
            let across = events
                .iter()
                .filter(|(start, end)| start < instant && end > instant);
            across.count() <= 1
        })
    };
    let found = candidates
        .filter(single)
        .min_by_key(|instant| instant.abs_diff(at));
    found.filter(|instant| (from..=to).contains(instant))
}
