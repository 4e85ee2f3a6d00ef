//! Fake data: stored by the rules of every other import, in buckets that are marked, and removed again by that mark.

use timberline_cancel::Cancel;
use timberline_exchange::import::{BucketReport, Progress};
use timberline_fake::{FakeBucket, Plan, is_fake};
use timberline_model::NewEvent;
use timberline_views::{BucketKey, BucketView, Snapshot, Trashed};

use super::{BucketTally, Merge, Merged, SourceError, Tally, fields};

/// Events of a bucket that are stored together.
const BATCH_EVENTS: usize = 8_192;

/// What a tally calls the source.
const SOURCE: &str = "fake data";

/// Why fake data cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum FakeError {
    /// Those of two plans would be mixed.
    #[error(
        "there are fake data already ({0}); remove them first (timberline fake --remove, DELETE /api/1/fake)"
    )]
    AlreadyThere(String),
    /// It is the person's own.
    #[error("there is a bucket {0} that is not fake; nothing was stored")]
    Taken(String),
}

/// Checks that the buckets of fake data are free.
///
/// # Errors
/// [`FakeError`].
pub fn check_free(snapshot: &Snapshot, plan: &Plan) -> Result<(), FakeError> {
    if let Some(view) = snapshot.buckets().find(|view| is_fake_bucket(view)) {
        return Err(FakeError::AlreadyThere(view.bucket().id.clone()));
    }
    let mut ids = plan.buckets().iter().map(|bucket| &bucket.id);
    match ids.find(|id| snapshot.bucket(id).is_some()) {
        Some(id) => Err(FakeError::Taken(id.clone())),
        None => Ok(()),
    }
}

/// The fake buckets, also those in the trash.
#[must_use]
pub fn fake_buckets(snapshot: &Snapshot) -> Vec<BucketKey> {
    let views = snapshot.buckets().chain(snapshot.trashed().map(Trashed::view));
    let fake = views.filter(|view| is_fake_bucket(view));
    let mut keys: Vec<BucketKey> = fake.map(BucketView::key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn is_fake_bucket(view: &BucketView) -> bool {
    let bucket = view.bucket();
    is_fake(&bucket.hostname, &bucket.data)
}

/// Stores a plan. `watch` is told how many days are done, and how many events.
///
/// # Errors
/// [`SourceError`]. What was stored until then stays, marked.
pub fn store_plan(
    plan: &Plan,
    mut merge: Merge<'_>,
    cancel: &Cancel,
    watch: &dyn Fn(Progress, u64),
) -> Result<Tally, SourceError> {
    let mut rows = Vec::with_capacity(plan.buckets().len());
    for bucket in plan.buckets() {
        rows.push(Row::begin(bucket, &merge)?);
    }
    let mut events = 0;
    for batch in plan.batches() {
        if cancel.is_cancelled() {
            return Err(SourceError::Cancelled);
        }
        events += batch.events.len() as u64;
        if let Some(row) = rows.get_mut(batch.bucket) {
            row.waiting.extend(batch.events);
            if row.waiting.len() >= BATCH_EVENTS {
                row.store(&mut merge)?;
            }
        }
        let progress = Progress {
            done: u64::from(batch.day),
            total: u64::from(plan.days()),
        };
        watch(progress, events);
    }
    for row in &mut rows {
        row.store(&mut merge)?;
    }
    Ok(Tally::made(SOURCE, rows.into_iter().map(Row::end).collect()))
}

/// One bucket while it is stored.
struct Row<'a> {
    bucket: &'a FakeBucket,
    created: bool,
    waiting: Vec<NewEvent<'static>>,
    read: BucketReport,
    merged: Merged,
}

impl<'a> Row<'a> {
    fn begin(bucket: &'a FakeBucket, merge: &Merge<'_>) -> Result<Self, SourceError> {
        let names = (bucket.type_, bucket.client, bucket.hostname);
        Ok(Self {
            bucket,
            created: merge.bucket(&bucket.id, &fields(names, &bucket.data, None, None))?,
            waiting: Vec::new(),
            read: BucketReport::default(),
            merged: Merged::default(),
        })
    }

    fn store(&mut self, merge: &mut Merge<'_>) -> Result<(), SourceError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(&mut self.waiting);
        for event in &events {
            self.read.events += 1;
            self.read.total += i128::from(event.duration.nanos());
        }
        self.merged.add(&merge.events(&self.bucket.id, events)?);
        Ok(())
    }

    fn end(self) -> BucketTally {
        BucketTally::new(&self.bucket.id, self.created, self.read, self.merged)
    }
}
