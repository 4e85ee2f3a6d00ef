//! Comparing the history of a bucket, window by window, from the newest event to the oldest.

use timberline_model::{Duration, Timestamp};

use super::changes::{Change, Event, changes};
use super::peer::Peer;

const HOUR: Duration = Duration::from_nanos(3_600_000_000_000);
/// A window with fewer events is followed by a longer one.
const FEW: usize = 2_000;
/// A window with more events is followed by a shorter one.
const MANY: usize = 20_000;

/// How many events were inserted, replaced and deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) inserted: u64,
    pub(super) replaced: u64,
    pub(super) deleted: u64,
}

impl Changed {
    pub(super) fn is_nothing(self) -> bool {
        self == Changed::default()
    }

    pub(super) fn add(&mut self, other: Changed) {
        self.inserted += other.inserted;
        self.replaced += other.replaced;
        self.deleted += other.deleted;
    }
}

/// A comparison on its way.
#[derive(Debug)]
pub(super) struct Walk {
    /// Everything from here on has been compared. `None` at the beginning.
    compared_from: Option<Timestamp>,
    /// Length of the next window.
    window: Duration,
    /// Events that were compared.
    compared: u64,
    done: bool,
}

impl Walk {
    pub(super) fn new() -> Walk {
        Walk {
            compared_from: None,
            window: HOUR,
            compared: 0,
            done: false,
        }
    }

    /// Whether the whole history has been compared.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Events that were compared so far.
    pub(super) fn compared(&self) -> u64 {
        self.compared
    }

    /// Compares the next window, and carries the changes out.
    pub(super) fn step(&mut self, bucket: &str, source: &Peer, here: &Peer) -> anyhow::Result<Changed> {
        let to = self.compared_from;
        let until = to.unwrap_or_else(|| Timestamp::from(timberline_clock::wall()));
        let from = until.saturating_add(Duration::from_nanos(-self.window.nanos()));
        // Nobody recorded anything before 1970: the last window has no beginning.
        let from = Some(from).filter(|from| from.nanos() > 0);
        let there = source.starting_in(bucket, from, to)?;
        let count = there.len();
        let changed = bring_in_step(bucket, &there, &here.starting_in(bucket, from, to)?, here)?;
        self.compared += count as u64;
        self.compared_from = from;
        self.window = next_window(self.window, count);
        self.done = from.is_none() || self.has_seen_all(bucket, source, here)?;
        Ok(changed)
    }

    /// Whether neither server has an older event.
    fn has_seen_all(&self, bucket: &str, source: &Peer, here: &Peer) -> anyhow::Result<bool> {
        Ok(source.count(bucket)? <= self.compared && here.count(bucket)? <= self.compared)
    }
}

fn next_window(window: Duration, events: usize) -> Duration {
    let nanos = window.nanos();
    match events {
        ..FEW => Duration::from_nanos(nanos.saturating_mul(2)),
        MANY.. => Duration::from_nanos((nanos / 2).max(HOUR.nanos())),
        _ => window,
    }
}

/// Makes the events here equal to those there.
pub(super) fn bring_in_step(
    bucket: &str,
    there: &[Event],
    here_now: &[Event],
    here: &Peer,
) -> anyhow::Result<Changed> {
    let changes = changes(there, here_now);
    here.change(bucket, &changes)?;
    let count = |wanted: fn(&Change) -> bool| changes.iter().filter(|change| wanted(change)).count() as u64;
    Ok(Changed {
        inserted: count(|change| matches!(change, Change::Insert(_))),
        replaced: count(|change| matches!(change, Change::Replace(..))),
        deleted: count(|change| matches!(change, Change::Delete(_))),
    })
}
