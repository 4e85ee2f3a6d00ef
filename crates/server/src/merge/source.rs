//! Merging a whole source.

use std::collections::BTreeMap;
use std::sync::mpsc;

use timberline_cancel::Cancel;
use timberline_exchange::import::{Batch, Progress, Setting, Source, SourceBucket};
use timberline_model::NewBucket;

use super::{BucketTally, Merge, MergeError, Merged, SettingTally, Tally, fields, is_usable_id};

/// Batches that were read and are not stored yet.
const BATCHES_IN_FLIGHT: usize = 2;

/// What happens to a setting that has another value here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsRule {
    /// It stays as it is here.
    Keep,
    /// It gets the value of the source.
    Replace,
}

/// Why a source was not merged, or not all of it. What was stored until then stays.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be read any more.
    #[error(transparent)]
    Read(#[from] timberline_exchange::Error),
    /// What it says cannot be stored.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// Somebody ended it.
    #[error("the import was cancelled")]
    Cancelled,
}

/// Reads a source to its end and merges it. `watch` is told how far reading has come, and how many events were read.
///
/// # Errors
/// [`SourceError`].
pub fn import(
    source: &mut Source,
    mut merge: Merge<'_>,
    rule: SettingsRule,
    cancel: &Cancel,
    watch: &dyn Fn(Progress, u64),
) -> Result<Tally, SourceError> {
    let buckets = source.buckets().to_vec();
    let mut created = Vec::with_capacity(buckets.len());
    for bucket in &buckets {
        let usable = is_usable_id(&bucket.id);
        created.push(usable && merge.bucket(&bucket.id, &new_bucket(bucket))?);
    }
    let merged = merge_events(source, &mut merge, &buckets, cancel, watch)?;
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
    cancel: &Cancel,
    watch: &dyn Fn(Progress, u64),
) -> Result<BTreeMap<usize, Merged>, SourceError> {
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
            if cancel.is_cancelled() {
                return Err(SourceError::Cancelled);
            }
            events += batch.events.len() as u64;
            let bucket = buckets.get(batch.bucket);
            if let Some(bucket) = bucket.filter(|bucket| is_usable_id(&bucket.id)) {
                let more = merge.events(&bucket.id, batch.events)?;
                merged.entry(batch.bucket).or_default().add(&more);
            }
            watch(progress, events);
        }
        match reading.join() {
            Ok(read) => read?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok(merged)
    })
}

fn merge_settings(
    merge: &Merge<'_>,
    settings: &[Setting],
    rule: SettingsRule,
) -> Result<SettingTally, SourceError> {
    let mut tally = SettingTally::default();
    for setting in settings {
        let outcome = merge.setting(&setting.key, &setting.value, rule == SettingsRule::Replace)?;
        tally.count(&setting.key, outcome);
    }
    Ok(tally)
}

fn new_bucket(bucket: &SourceBucket) -> NewBucket<'static> {
    fields(
        (&bucket.type_, &bucket.client, &bucket.hostname),
        &bucket.data,
        bucket.created,
        bucket.last_updated,
    )
}
