//! Merging sources, with their buckets, events and settings, into a store, by the rules of `POST /api/0/import`: an event
//! that is stored already is not stored again, privacy filters apply, buckets that exist keep their fields.
//!
//! A [`Merge`] compares with one snapshot and stores what is missing: in an [`OwnStore`], in the store of this server, or
//! nowhere (a dry run).
//!
//! | file | what it does |
//! |---|---|
//! | `own_store` | the store of a data directory that no server has |
//! | `detected` | the sources that are found on this machine |
//! | `fake` | fake data: storing them, finding them again |
//! | `source` | merges a whole source |
//! | `tally` | what was read, stored and left out |

mod detected;
mod fake;
mod own_store;
mod source;
mod tally;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use timberline_model::{Bucket, NewBucket, NewEvent, Timestamp};
use timberline_views::{KnownEvents, KnownInBucket, SegmentError, Snapshot, Store, WriteError};

use crate::app::App;
use crate::identity::Identity;
use crate::service::privacy::{Filters, Privacy, SETTING, Verdict};
use crate::service::write_hold::{Hold, HoldError};
use crate::service::{bucket, setting};

pub(crate) use detected::detected_at;
pub use detected::{changed, detected, detected_json};
pub use fake::{FakeError, check_free, fake_buckets, store_plan};
pub use own_store::{OwnStore, Prepared};
pub use source::{SettingsRule, SourceError, import};
pub use tally::{BucketTally, SettingTally, Tally, note_line, seconds};

/// Why a merge cannot go on. What it stored until then stays.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The store refuses a write.
    #[error("cannot store")]
    Write(#[from] WriteError),
    /// It waited for the store in vain.
    #[error("{0}")]
    GaveUp(String),
    /// What is stored cannot be compared with.
    #[error("cannot read what is stored")]
    Read(#[from] SegmentError),
}

impl From<HoldError> for MergeError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Write(error) => Self::Write(error),
            error => Self::GaveUp(error.to_string()),
        }
    }
}

/// Where a merge stores.
pub(crate) struct Destination<'a> {
    store: &'a Store,
    identity: &'a Identity,
    /// If there is one, writes wait while the disk is full.
    hold: Option<&'a Hold>,
}

impl Destination<'_> {
    fn write<T>(
        &self,
        bytes: usize,
        mut write: impl FnMut() -> Result<T, WriteError>,
    ) -> Result<T, MergeError> {
        match self.hold {
            Some(hold) => Ok(hold.write_blocking(bytes, write)?),
            None => Ok(write()?),
        }
    }
}

/// Events, and the exact sum of their durations in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub events: u64,
    /// Their durations.
    pub total: i128,
}

impl Sum {
    /// Counts an event.
    pub fn add(&mut self, event: &NewEvent<'_>) {
        self.events += 1;
        self.total += i128::from(event.duration.nanos());
    }
}

/// What became of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// New, and stored.
    pub stored: Sum,
    /// Stored already.
    pub known: Sum,
    /// Not stored because of a privacy filter.
    pub dropped: Sum,
}

impl Merged {
    fn add(&mut self, more: &Merged) {
        for (to, more) in [
            (&mut self.stored, more.stored),
            (&mut self.known, more.known),
            (&mut self.dropped, more.dropped),
        ] {
            to.events += more.events;
            to.total += more.total;
        }
    }
}

/// What became of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingMerged {
    /// Stored.
    Set,
    /// Another value is here, and stays.
    Kept,
    /// The same value is here.
    Same,
    /// The key or the value is longer than a setting may be.
    TooLarge,
}

/// One merge: everything is compared with `before`, so equal events of one source are all kept.
pub struct Merge<'a> {
    before: &'a Snapshot,
    into: Option<Destination<'a>>,
    filters: Arc<Filters>,
    known: KnownEvents<'a>,
}

impl<'a> Merge<'a> {
    /// A merge into a store. `before` is its snapshot.
    #[must_use]
    pub fn into_store(before: &'a Snapshot, store: &'a OwnStore) -> Merge<'a> {
        Merge {
            filters: store.filters(before),
            before,
            into: Some(store.destination()),
            known: KnownEvents::of(before),
        }
    }

    /// A merge into the store of a server, from a blocking task. `before` is its snapshot.
    pub(crate) fn into_server(before: &'a Snapshot, app: &'a App) -> Merge<'a> {
        Merge {
            filters: app.privacy.filters(before),
            before,
            into: Some(Destination {
                store: &app.store,
                identity: &app.identity,
                hold: Some(&app.hold),
            }),
            known: KnownEvents::of(before),
        }
    }

    /// A merge that stores nothing and only counts.
    #[must_use]
    pub fn dry(before: &'a Snapshot, data_dir: &Path) -> Merge<'a> {
        let rules = before.settings().get(SETTING).map_or("[]", String::as_str);
        Merge {
            filters: Arc::new(Privacy::draft_in(data_dir, rules)),
            before,
            into: None,
            known: KnownEvents::of(before),
        }
    }

    /// Makes a bucket unless it is there. Gives back whether it was made.
    ///
    /// # Errors
    /// [`MergeError`].
    pub fn bucket(&self, id: &str, fields: &NewBucket<'_>) -> Result<bool, MergeError> {
        let Some(into) = &self.into else {
            return Ok(self.before.bucket(id).is_none());
        };
        let made = Bucket {
            last_updated: fields.last_updated,
            ..bucket::made(fields, id.to_owned(), into.identity, into.store.now())
        };
        let (created, _) = into.write(id.len(), || into.store.create_bucket(&made))?;
        Ok(created)
    }

    /// Stores those events of a bucket that are not stored yet. An event that a source has several times is stored as
    /// often, less the times it was there before.
    ///
    /// # Errors
    /// [`MergeError`]; of these events nothing is stored then.
    pub fn events(&mut self, bucket: &str, mut events: Vec<NewEvent<'static>>) -> Result<Merged, MergeError> {
        let mut merged = Merged::default();
        let mut failed = None;
        let (before, filters) = (self.before, &self.filters);
        let concerned = filters.concern_sent(before, bucket);
        let judge = |data: &str| match concerned {
            true => filters.judge_sent(before, bucket, data),
            false => Verdict::Keep,
        };
        let mut known = self.known.bucket(bucket);
        events.retain_mut(|event| {
            event.id = None;
            match kept(judge(&event.data), event, &mut known) {
                Ok(merged_as) => {
                    let sum = match merged_as {
                        MergedAs::New => &mut merged.stored,
                        MergedAs::Known => &mut merged.known,
                        MergedAs::Dropped => &mut merged.dropped,
                    };
                    sum.add(event);
                    merged_as == MergedAs::New
                }
                Err(error) => {
                    failed = Some(error);
                    false
                }
            }
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        if let Some(into) = &self.into
            && !events.is_empty()
        {
            // Making views is slower than storing. Without this pause memory would fill.
            into.store.wait_for_room(bucket);
            into.write(0, || into.store.import_events(bucket, &events))?;
        }
        Ok(merged)
    }

    /// Stores a setting, unless the key has a value here and `replace` is false.
    ///
    /// # Errors
    /// [`MergeError`].
    pub fn setting(&self, key: &str, value: &str, replace: bool) -> Result<SettingMerged, MergeError> {
        if !setting::fits(key, value) {
            return Ok(SettingMerged::TooLarge);
        }
        // On a server, somebody may have set it meanwhile.
        let present = self.into.as_ref().map(|into| into.store.snapshot());
        match present.as_deref().unwrap_or(self.before).settings().get(key) {
            Some(here) if here == value => return Ok(SettingMerged::Same),
            Some(_) if !replace => return Ok(SettingMerged::Kept),
            _ => {}
        }
        if let Some(into) = &self.into {
            into.write(value.len(), || into.store.set_setting(key, value))?;
        }
        Ok(SettingMerged::Set)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MergedAs {
    New,
    Known,
    Dropped,
}

/// What becomes of an event. Filters may change it. An event that was stored before there was a filter is known in the
/// form that it has in the source.
fn kept(
    verdict: Verdict,
    event: &mut NewEvent<'static>,
    known: &mut KnownInBucket<'_, '_>,
) -> Result<MergedAs, SegmentError> {
    match verdict {
        Verdict::Keep => {}
        Verdict::Drop => return Ok(MergedAs::Dropped),
        Verdict::Change(data) => {
            if known.take(event)? {
                return Ok(MergedAs::Known);
            }
            event.data = Cow::Owned(data);
        }
    }
    Ok(if known.take(event)? {
        MergedAs::Known
    } else {
        MergedAs::New
    })
}

/// The events of a bucket in a snapshot, and the sum of their durations.
///
/// # Errors
/// When a view segment is damaged.
pub fn sum_of(snapshot: &Snapshot, bucket: &str) -> Result<Sum, SegmentError> {
    let mut sum = Sum::default();
    let Some(view) = snapshot.bucket(bucket) else {
        return Ok(sum);
    };
    for event in view.events(timberline_views::TimeRange::ALL)? {
        sum.events += 1;
        sum.total += i128::from(event?.duration().nanos());
    }
    Ok(sum)
}

/// Whether an address can name a bucket with this id.
#[must_use]
pub fn is_usable_id(id: &str) -> bool {
    bucket::is_usable_id(id)
}

/// A bucket of a source, as [`Merge::bucket`] takes it.
#[must_use]
pub fn fields(
    (type_, client, hostname): (&str, &str, &str),
    data: &timberline_model::Data,
    created: Option<Timestamp>,
    last_updated: Option<Timestamp>,
) -> NewBucket<'static> {
    NewBucket {
        id: None,
        type_: type_.to_owned(),
        client: client.to_owned(),
        hostname: hostname.to_owned(),
        created,
        data: data.clone(),
        last_updated,
        events: Vec::new(),
        left_out: None,
    }
}
