//! Merging buckets, events and settings into a store without HTTP, by the rules of `POST /api/0/import`: an event that
//! is stored already is not stored again, privacy filters apply, buckets that exist keep their fields.
//!
//! [`OwnStore`] opens the store of a data directory in this process, under its lock. A [`Merge`] compares with one
//! snapshot and writes to an `OwnStore`, or writes nothing (a dry run).

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use timberline_disk::Cipher;
use timberline_model::{Bucket, NewBucket, NewEvent, Timestamp};
use timberline_views::{KnownEvents, OpenReport, SegmentError, Seq, Snapshot, Store, WriteError};

use crate::error::ServeError;
use crate::identity::Identity;
use crate::owner_only;
use crate::service::privacy::{Filters, Privacy, SETTING, Verdict};
use crate::service::{bucket, setting};
use crate::settings::Settings;
use crate::start::{NewDir, Start, keep_identity, store_options};

/// A data directory that is ready to be opened. Dropped before that, a new one is removed again.
pub struct Prepared {
    settings: Settings,
    identity: Identity,
    home: NewDir,
}

impl Prepared {
    /// Creates the data directory if there is none, and reads its device id.
    ///
    /// # Errors
    /// When the directory cannot be made, or its device id cannot be used.
    pub fn new(settings: Settings) -> Result<Self, ServeError> {
        timberline_disk::os::modes::hide_new_files();
        let identity = Identity::find(&settings)?;
        owner_only::close(&settings.data_dir);
        let home = NewDir::make(&settings.data_dir)?;
        Ok(Self {
            settings,
            identity,
            home,
        })
    }

    /// Opens the store, which encrypts with `cipher`.
    ///
    /// # Errors
    /// When it cannot be opened: a server has it, for one.
    pub fn open(self, cipher: Option<Arc<Cipher>>) -> Result<(OwnStore, OpenReport), ServeError> {
        let options = store_options(&self.settings, &self.identity, cipher);
        let (store, report) = Store::open(&self.settings.data_dir, options)?;
        self.home.keep();
        keep_identity(&self.identity, &self.settings);
        Ok((OwnStore::of(store, &self.settings, self.identity), report))
    }
}

/// A store that only this process writes to.
pub struct OwnStore {
    store: Store,
    identity: Identity,
    privacy: Privacy,
}

impl OwnStore {
    /// The store of a server of this process, before it is served.
    #[must_use]
    pub fn before_serving(start: &Start, store: Store) -> Self {
        Self::of(store, start.settings(), start.identity().clone())
    }

    fn of(store: Store, settings: &Settings, identity: Identity) -> Self {
        let privacy = Privacy::new(settings.data_dir.clone(), &store.snapshot());
        Self {
            store,
            identity,
            privacy,
        }
    }

    /// The store.
    #[must_use]
    pub fn into_store(self) -> Store {
        self.store
    }

    /// What is in it now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.store.snapshot()
    }

    /// Waits until all that was stored is on the disk.
    ///
    /// # Errors
    /// When the disk refuses it.
    pub fn settle(&self) -> Result<(), ServeError> {
        let newest: Seq = self.store.snapshot().seq();
        self.store.durable_blocking(newest).map_err(ServeError::Sync)
    }

    /// Closes it in an orderly way.
    ///
    /// # Errors
    /// When the views or the log cannot be completed. What was settled is safe.
    pub fn close(self) -> Result<(), ServeError> {
        self.store.close().map_err(ServeError::Close)
    }
}

/// Why a merge cannot go on. What it stored until then stays.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The store refuses a write.
    #[error("cannot store")]
    Write(#[from] WriteError),
    /// What is stored cannot be compared with.
    #[error("cannot read what is stored")]
    Read(#[from] SegmentError),
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
    into: Option<&'a OwnStore>,
    filters: Arc<Filters>,
    known: HashMap<String, KnownEvents<'a>>,
}

impl<'a> Merge<'a> {
    /// A merge into a store. `before` is its snapshot.
    #[must_use]
    pub fn into_store(before: &'a Snapshot, store: &'a OwnStore) -> Merge<'a> {
        Merge {
            filters: store.privacy.filters(before),
            before,
            into: Some(store),
            known: HashMap::new(),
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
            known: HashMap::new(),
        }
    }

    /// Makes a bucket unless it is there. Gives back whether it was made.
    ///
    /// # Errors
    /// [`MergeError`].
    pub fn bucket(&self, id: &str, fields: &NewBucket<'_>) -> Result<bool, MergeError> {
        let Some(own) = self.into else {
            return Ok(self.before.bucket(id).is_none());
        };
        let made = Bucket {
            last_updated: fields.last_updated,
            ..bucket::made(fields, id.to_owned(), &own.identity, own.store.now())
        };
        Ok(own.store.create_bucket(&made)?.0)
    }

    /// Stores those events of a bucket that are not stored yet. An event that a source has several times is stored as
    /// often, less the times it was there before.
    ///
    /// # Errors
    /// [`MergeError`]; of these events nothing is stored then.
    pub fn events(&mut self, bucket: &str, mut events: Vec<NewEvent<'static>>) -> Result<Merged, MergeError> {
        if !self.known.contains_key(bucket) {
            let known = KnownEvents::counted(self.before, bucket);
            self.known.insert(bucket.to_owned(), known);
        }
        let mut merged = Merged::default();
        let mut failed = None;
        let concerned = self.filters.concern(bucket);
        let filters = &self.filters;
        if let Some(known) = self.known.get_mut(bucket) {
            events.retain_mut(|event| {
                event.id = None;
                match kept(filters, concerned, bucket, event, known) {
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
        }
        if let Some(error) = failed {
            return Err(error.into());
        }
        if let Some(own) = self.into
            && !events.is_empty()
        {
            // Making views is slower than storing. Without this pause memory would fill.
            own.store.wait_for_room(bucket);
            own.store.insert_events(bucket, &events)?;
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
        match self.before.settings().get(key) {
            Some(here) if here == value => return Ok(SettingMerged::Same),
            Some(_) if !replace => return Ok(SettingMerged::Kept),
            _ => {}
        }
        if let Some(own) = self.into {
            own.store.set_setting(key, value)?;
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
    filters: &Filters,
    concerned: bool,
    bucket: &str,
    event: &mut NewEvent<'static>,
    known: &mut KnownEvents<'_>,
) -> Result<MergedAs, SegmentError> {
    if concerned {
        match filters.judge(bucket, &event.data) {
            Verdict::Keep => {}
            Verdict::Drop => return Ok(MergedAs::Dropped),
            Verdict::Change(data) => {
                if known.has(event)? {
                    return Ok(MergedAs::Known);
                }
                event.data = Cow::Owned(data);
            }
        }
    }
    Ok(if known.has(event)? {
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
