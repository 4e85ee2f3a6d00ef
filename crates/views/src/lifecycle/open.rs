//! Opening: restore the checkpoint, fold the records after it, start the threads.

use std::path::Path;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use timberline_disk::{DataDir, IoError, Storage};
use timberline_log::{Incident, Log, LogError, LogOptions, OpeningLog, Seq};
use timberline_model::Timestamp;

use super::fold_tail::{Progress, fold_tail};
use super::new_dirs::NewDirs;
use crate::background::{compactor, history};
use crate::erasure::progress::ErasureProgress;
use crate::error::OpenError;
use crate::files::checkpoint::{self, Checkpoint, Found};
use crate::files::checkpointer::Checkpointer;
use crate::files::generations;
use crate::files::healer::{Healer, Reconstruct};
use crate::files::names::{encrypted, expect_key, expect_log_to_reach, named_files};
use crate::files::open_report::OpenReport;
use crate::files::view_files::ViewFiles;
use crate::history::as_of::AsOfCache;
use crate::history::horizon::time_of;
use crate::salvage;
use crate::sequencer::{Hooks, Sequencer};
use crate::store::{HeartbeatDurability, Shared, Store, StoreOptions};
use crate::time_trust::TrustedClock;
use crate::wakeup::Wakeup;

/// Whether a start uses the views that are there, or folds the whole log again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// The views are used, as far as they can be.
    No,
    /// All views are made again from the log.
    Yes,
}

impl Store {
    /// Opens the store in a data directory, which is made when it is not there.
    ///
    /// # Errors
    /// [`OpenError`]: each says what to do.
    pub fn open(path: &Path, options: StoreOptions) -> Result<(Store, OpenReport), OpenError> {
        Store::open_dir(path, options, Rebuild::No, &mut |_, _| {})
    }

    /// Opens the store and rebuilds all views from the log. The old ones are in use until the new ones are
    /// complete: a crash on the way leaves them as they were. What a damaged log has lost and the old view segments still
    /// hold is written to the log again, as far as it is certain that it was not deleted; the other files are kept.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn rebuild(
        path: &Path,
        options: StoreOptions,
        progress: Progress<'_>,
    ) -> Result<(Store, OpenReport), OpenError> {
        let (store, report) = Store::open_dir(path, options, Rebuild::Yes, progress)?;
        store.compact()?;
        store.checkpoint()?;
        Ok((store, report))
    }

    fn open_dir(
        path: &Path,
        options: StoreOptions,
        rebuild: Rebuild,
        progress: Progress<'_>,
    ) -> Result<(Store, OpenReport), OpenError> {
        let mut made = NewDirs::default();
        let root = Arc::new(made.open(path)?);
        let lock = root.lock_writer().map_err(LogError::from)?;
        let options = StoreOptions {
            clock_dir: Some(root),
            ..options
        };
        match Store::open_locked(path, options, rebuild, progress, &mut made) {
            Ok((mut store, report)) => {
                store.lock = Some(lock);
                made.keep();
                Ok((store, report))
            }
            Err(error) => {
                lock.undo();
                Err(error)
            }
        }
    }

    fn open_locked(
        path: &Path,
        options: StoreOptions,
        rebuild: Rebuild,
        progress: Progress<'_>,
        made: &mut NewDirs,
    ) -> Result<(Store, OpenReport), OpenError> {
        expect_key(path, options.cipher.is_some())?;
        let log = Arc::new(made.open(&path.join(DataDir::LOG))?);
        let views = Arc::new(made.open(&path.join(DataDir::VIEWS))?);
        let scratch = Arc::new(made.open(&path.join(DataDir::SCRATCH))?);
        let options = StoreOptions {
            scratch: Some(encrypted(scratch, options.cipher.as_ref())),
            ..options
        };
        Store::open_on(log, views, options, rebuild, progress)
    }

    /// Opens a store on any storage; the caller sees to it that nobody else writes there.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_on(
        log_storage: Arc<dyn Storage>,
        views: Arc<dyn Storage>,
        options: StoreOptions,
        rebuild: Rebuild,
        progress: Progress<'_>,
    ) -> Result<(Store, OpenReport), OpenError> {
        let views = encrypted(views, options.cipher.as_ref());
        let healer = Arc::new(Healer::default());
        let clock = Arc::new(TrustedClock::new(
            options.clock.clone(),
            options.clock_dir.clone(),
        ));
        let (opening, read) = read_log_and_views(&log_storage, &*views, &options, &clock, rebuild, &healer);
        let opening = opening?;
        let mut report = OpenReport::default();
        let Checkpoint { state, generations } = read?.or_new(&mut report);
        // Until here nothing was changed: a start that is refused leaves everything as it was.
        expect_log_to_reach(log_storage.path(), opening.last_seq(), state.seq)?;
        let (log, recovery) = opening.open()?;
        report.seq = recovery.last_seq;
        report.torn = recovery.torn;
        report.damage = recovery.damage;
        report
            .damage
            .extend(generations::put_back(&log.reader(), &generations)?);
        let through = match rebuild {
            Rebuild::Yes => Seq::NONE,
            Rebuild::No => state.seq,
        };
        let wakeup = Arc::new(Wakeup::new());
        let checkpointer = Arc::new(Checkpointer::new(through, generations));
        let shared = Arc::new(Shared {
            sequencer: Sequencer::new(
                log,
                state,
                Arc::clone(&checkpointer),
                Arc::clone(&wakeup),
                Hooks::new(&options),
            ),
            options,
            files: ViewFiles::open(views)?,
            checkpointer,
            healer,
            erasure: ErasureProgress::default(),
            as_of: AsOfCache::default(),
            wakeup,
            clock,
            log_storage,
        });
        let store: Arc<dyn Reconstruct> = shared.clone();
        shared.healer.serve(Arc::downgrade(&store));
        catch_up(&shared, rebuild, &mut report, progress)?;
        let mut store = Store {
            shared,
            threads: Vec::new(),
            lock: None,
        };
        if store.shared.options.background {
            store.start("compactor", compactor::run)?;
            store.start("history", history::run)?;
        }
        Ok((store, report))
    }

    fn start(&mut self, name: &str, run: fn(&Arc<Shared>)) -> Result<(), OpenError> {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&shared));
        self.threads.push(thread.map_err(IoError::at(
            "start a thread for",
            self.shared.files.storage().path(),
        ))?);
        Ok(())
    }
}

fn log_options(options: &StoreOptions, clock: &Arc<TrustedClock>) -> LogOptions {
    LogOptions {
        segment_bytes: options.segment_bytes,
        device: options.device,
        sync_interval: match options.heartbeat {
            // A sync takes time of its own: begun after half the interval, it is done within it.
            HeartbeatDurability::Interval(interval) => interval / 2,
            HeartbeatDurability::Always => std::time::Duration::from_secs(1),
        },
        clock: {
            let clock = Arc::clone(clock);
            Arc::new(move || clock.stamp().nanos())
        },
        cipher: options.cipher.clone(),
        on_incident: Some(Arc::new(report_incident)),
        #[cfg(feature = "sim")]
        manual_sync: options.manual_sync,
        #[cfg(not(feature = "sim"))]
        manual_sync: false,
    }
}

/// Logs what happened to the log's files while they were written.
fn report_incident(incident: &Incident) {
    match incident {
        Incident::Resumed | Incident::Back { .. } => tracing::warn!("{incident}"),
        _ => tracing::error!("{incident}"),
    }
}

/// Reads the ends of the log and the checkpoint, side by side: with a cold cache each waits for the disk.
fn read_log_and_views(
    log: &Arc<dyn Storage>,
    views: &dyn Storage,
    options: &StoreOptions,
    clock: &Arc<TrustedClock>,
    rebuild: Rebuild,
    healer: &Arc<Healer>,
) -> (Result<OpeningLog, LogError>, Result<Found, OpenError>) {
    let open_log = || Log::prepare(log.clone(), log_options(options, clock));
    let open_views = || match rebuild {
        Rebuild::Yes => Ok(Found::None),
        Rebuild::No => checkpoint::read(views, Some(healer)),
    };
    if !options.background {
        return (open_log(), open_views());
    }
    std::thread::scope(|scope| {
        let views_opened = scope.spawn(open_views);
        let log_opened = open_log();
        let ended_badly = |_| Ok(Found::Unusable("reading the checkpoint failed".into()));
        (log_opened, views_opened.join().unwrap_or_else(ended_badly))
    })
}

/// Begins to compare the clocks, now that the log says what its newest record is.
fn begin_clock(shared: &Arc<Shared>, newest: Seq) {
    let newest_time = || {
        let reader = shared.reader().ok()?;
        let time = time_of(&reader, newest).ok();
        (newest != Seq::NONE).then_some(time.unwrap_or(Timestamp::MIN))
    };
    let store = Arc::downgrade(shared);
    shared.clock.begin(newest, newest_time, move || {
        let shared = store.upgrade();
        shared.map_or(newest, |shared| shared.sequencer.snapshot().seq())
    });
    shared.clock.trust();
}

/// Folds what the log has beyond the checkpoint, brings back what the log has lost and old view files still hold, and
/// removes the files that nothing needs any more.
fn catch_up(
    shared: &Arc<Shared>,
    rebuild: Rebuild,
    report: &mut OpenReport,
    progress: Progress<'_>,
) -> Result<(), OpenError> {
    let checkpoint = shared.sequencer.snapshot();
    let in_checkpoint: FxHashSet<String> = named_files(&checkpoint).collect();
    fold_tail(shared, report, progress)?;
    begin_clock(shared, report.seq);
    if checkpoint.seq() == Seq::NONE && report.log_is_incomplete() {
        salvage::salvage(shared, report)?;
    }
    let named = named_files(&shared.sequencer.snapshot()).collect();
    let is_obsolete = |name: &str| rebuild == Rebuild::Yes || in_checkpoint.contains(name);
    shared.files.remove_leftovers(&named, &is_obsolete)
}
