//! The store of a data directory, opened in this process under its lock.

use std::sync::Arc;

use timberline_disk::Cipher;
use timberline_views::record::PurgeBegun;
use timberline_views::{BucketKey, HistoryError, OpenReport, Seq, Snapshot, Store};

use super::Destination;
use crate::error::ServeError;
use crate::identity::Identity;
use crate::owner_only;
use crate::service::privacy::{Filters, Privacy};
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

    /// Where a merge stores.
    pub(super) fn destination(&self) -> Destination<'_> {
        Destination {
            store: &self.store,
            identity: &self.identity,
            hold: None,
        }
    }

    /// The privacy filters that apply.
    pub(super) fn filters(&self, snapshot: &Snapshot) -> Arc<Filters> {
        self.privacy.filters(snapshot)
    }

    /// Erases buckets from log and views. A server erases them from the backups when it starts next.
    ///
    /// # Errors
    /// When that cannot be ordered, or not be completed; the next start completes what was ordered.
    pub fn erase_buckets(&self, keys: &[BucketKey]) -> Result<(), HistoryError> {
        let orders: Vec<PurgeBegun> = keys.iter().copied().map(PurgeBegun::whole).collect();
        self.store.order_purge(&orders)?;
        self.store.complete_purges()?;
        Ok(())
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
