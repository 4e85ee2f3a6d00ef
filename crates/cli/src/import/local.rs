//! Importing into a store that this process has opened, or only comparing with one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;

use timberline_exchange::import::{Batch, Progress, Setting, Source, SourceBucket};
use timberline_model::NewBucket;
use timberline_server::merge::{self, Merge, Merged, OwnStore, SettingMerged, Sum};
use timberline_views::Snapshot;

use super::SettingsRule;
use super::bar::Bar;
use super::tally::{BucketTally, SettingTally, Tally};

/// Batches that were read and are not stored yet.
const BATCHES_IN_FLIGHT: usize = 2;

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

fn carry_out(
    source: &mut Source,
    mut merge: Merge<'_>,
    rule: SettingsRule,
    bar: &Bar,
) -> anyhow::Result<Tally> {
    let buckets = source.buckets().to_vec();
    let mut created = Vec::with_capacity(buckets.len());
    for bucket in &buckets {
        let usable = merge::is_usable_id(&bucket.id);
        created.push(usable && merge.bucket(&bucket.id, &new_bucket(bucket))?);
    }
    let merged = merge_events(source, &mut merge, &buckets, bar)?;
    // Settings come last: filters among them are for what comes after them, not for this history.
    let settings = merge_settings(&merge, source.settings(), rule)?;
    let report = source.report();
    let rows = buckets.iter().enumerate().map(|(at, bucket)| {
        let read = report.buckets.get(at).cloned().unwrap_or_default();
        let merged = merged.get(&at).copied().unwrap_or_default();
        let created = created.get(at).copied().unwrap_or_default();
        BucketTally::new(&bucket.id, created, read, merged)
    });
    Ok(Tally::new(source, rows.collect(), settings))
}

/// Another thread reads while this one stores.
fn merge_events(
    source: &mut Source,
    merge: &mut Merge<'_>,
    buckets: &[SourceBucket],
    bar: &Bar,
) -> anyhow::Result<BTreeMap<usize, Merged>> {
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel::<(Batch, Progress)>(BATCHES_IN_FLIGHT);
        let reading = scope.spawn(move || -> Result<(), timberline_exchange::Error> {
            while let Some(batch) = source.next_batch()? {
                // Nobody listens any more if storing has failed.
                if sender.send((batch, source.progress())).is_err() {
                    break;
                }
            }
            Ok(())
        });
        let mut merged: BTreeMap<usize, Merged> = BTreeMap::new();
        let mut events = 0;
        for (batch, progress) in receiver {
            events += batch.events.len() as u64;
            let bucket = buckets.get(batch.bucket);
            if let Some(bucket) = bucket.filter(|bucket| merge::is_usable_id(&bucket.id)) {
                let more = merge.events(&bucket.id, batch.events)?;
                add(merged.entry(batch.bucket).or_default(), &more);
            }
            bar.at(progress, events);
        }
        match reading.join() {
            Ok(read) => read?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok(merged)
    })
}

fn add(to: &mut Merged, more: &Merged) {
    for (to, more) in [
        (&mut to.stored, more.stored),
        (&mut to.known, more.known),
        (&mut to.dropped, more.dropped),
    ] {
        to.events += more.events;
        to.total += more.total;
    }
}

fn merge_settings(
    merge: &Merge<'_>,
    settings: &[Setting],
    rule: SettingsRule,
) -> anyhow::Result<SettingTally> {
    let mut tally = SettingTally::default();
    for setting in settings {
        let outcome = merge.setting(&setting.key, &setting.value, rule == SettingsRule::Replace)?;
        tally.count(&setting.key, outcome);
    }
    Ok(tally)
}

fn new_bucket(bucket: &SourceBucket) -> NewBucket<'static> {
    merge::fields(
        (&bucket.type_, &bucket.client, &bucket.hostname),
        &bucket.data,
        bucket.created,
        bucket.last_updated,
    )
}

impl SettingTally {
    /// Counts what became of a setting.
    pub(super) fn count(&mut self, key: &str, outcome: SettingMerged) {
        let list = match outcome {
            SettingMerged::Set => &mut self.set,
            SettingMerged::Same => &mut self.same,
            SettingMerged::Kept => &mut self.kept,
            SettingMerged::TooLarge => &mut self.refused,
        };
        list.push(key.to_owned());
    }
}
