//! Importing into a store that this process has opened, or only comparing with one.

use std::path::Path;

use timberline_cancel::Cancel;
use timberline_exchange::import::Source;
use timberline_server::merge::{self, Merge, OwnStore, SettingsRule, Sum, Tally};
use timberline_views::Snapshot;

use super::bar::Bar;

/// Imports a source. Everything is on the disk when this returns.
///
/// # Errors
/// When the source cannot be read any more, or the store refuses. What was stored stays.
pub(crate) fn into_store(
    source: &mut Source,
    store: &OwnStore,
    rule: SettingsRule,
    bar: &Bar,
) -> anyhow::Result<Tally> {
    let before = store.snapshot();
    let tally = carry_out(source, Merge::into_store(&before, store), rule, bar)?;
    store.settle()?;
    let after = store.snapshot();
    tally.with_check(|bucket, stored| check(&before, &after, bucket, stored))
}

/// Reads a source and says what importing it would do.
///
/// # Errors
/// When it cannot be read.
pub(super) fn dry(
    source: &mut Source,
    before: &Snapshot,
    data_dir: &Path,
    rule: SettingsRule,
    bar: &Bar,
) -> anyhow::Result<Tally> {
    carry_out(source, Merge::dry(before, data_dir), rule, bar)
}

fn carry_out(source: &mut Source, merge: Merge<'_>, rule: SettingsRule, bar: &Bar) -> anyhow::Result<Tally> {
    let watch = |progress, events| bar.at(progress, events);
    Ok(merge::import(source, merge, rule, &Cancel::new(), &watch)?)
}

/// Reads back what a bucket has now. Gives back the difference if that is not what it had, and what was stored.
fn check(before: &Snapshot, after: &Snapshot, bucket: &str, stored: Sum) -> anyhow::Result<Option<String>> {
    let (before, after) = (merge::sum_of(before, bucket)?, merge::sum_of(after, bucket)?);
    let events = before.events + stored.events;
    let total = before.total + stored.total;
    Ok((after.events != events || after.total != total).then(|| {
        format!(
            "{bucket} should have {events} events with {total} ns, and has {} with {} ns",
            after.events, after.total
        )
    }))
}
