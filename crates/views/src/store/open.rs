//! Opening: take up the checkpoint, fold the records after it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashSet;
use timberline_disk::{Cipher, EncryptedStorage, FileStorage, KeyFile, Storage};
use timberline_log::{Damage, Incident, Log, LogError, LogOptions, LogReader, OpeningLog, Seq, TornTail};

use crate::background::compactor;
use crate::background::maintenance;
use crate::error::OpenError;
use crate::files::checkpoint::{self, Found};
use crate::files::generations;
use crate::files::heal::Healer;
use crate::fold::State;
use crate::record::{Record, RecordKind};
use crate::salvage;
use crate::store::{HeartbeatDurability, Sequencer, Shared, Store, StoreOptions};
use crate::time_trust::TrustedClock;
use crate::view::Snapshot;

/// Directory of the log in the data directory.
pub(crate) const LOG_DIR: &str = "log";
/// Directory of the views.
pub(crate) const VIEWS_DIR: &str = "views";
/// Directory of what a fold of the past does not keep in memory: files that are removed as soon as they are mapped.
const SCRATCH_DIR: &str = "scratch";

/// What opening found.
#[derive(Clone, Debug, Default)]
pub struct OpenReport {
    /// The newest record.
    pub seq: Seq,
    /// Records that were folded because no checkpoint had them.
    pub folded: u64,
    /// What was cut off the end of the log: it was never durable.
    pub torn: Option<TornTail>,
    /// Damage found on the way; the records around it are there.
    pub damage: Vec<Damage>,
    /// Records that could not be folded, with the reason (the first hundred).
    pub unfolded: Vec<(Seq, String)>,
    /// Buckets whose making is lost, and the record that spoke of them first: what is left of them has this id.
    pub recovered: Vec<(Seq, String)>,
    /// Orders to erase that are lost and that no later record says to be complete: what they named is shown again.
    pub lost_orders: Vec<Seq>,
    /// Why the checkpoint could not be used, if there was one: everything was folded anew.
    pub checkpoint_unusable: Option<String>,
    /// Events that the log had lost and that were written back from the view files of before.
    pub salvaged: u64,
    /// Events in those files that the log may have lost, and that could not be brought back with certainty.
    pub events_in_doubt: u64,
    /// View files of before that are kept because of them, or because they cannot be read: their names without the
    /// ending that they got.
    pub kept_views: Vec<String>,
}

/// Told how far a long fold is: records folded so far, and the newest seq of the log.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

impl Store {
    /// Opens the store in a data directory, which is made when it is not there.
    ///
    /// # Errors
    /// [`OpenError`]: each says what to do.
    pub fn open(path: &Path, options: StoreOptions) -> Result<(Store, OpenReport), OpenError> {
        Store::open_dir(path, options, false, &mut |_, _| {})
    }

    /// Opens the store and makes all views anew from the log. The old ones are in use until the new ones are
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
        let (store, report) = Store::open_dir(path, options, true, progress)?;
        store.compact()?;
        store.checkpoint()?;
        Ok((store, report))
    }

    fn open_dir(
        path: &Path,
        options: StoreOptions,
        anew: bool,
        progress: Progress<'_>,
    ) -> Result<(Store, OpenReport), OpenError> {
        let mut made = NewDirs::default();
        let root = Arc::new(made.open(path)?);
        let lock = root.lock_writer().map_err(LogError::from)?;
        let options = StoreOptions {
            clock_dir: Some(root),
            ..options
        };
        match Store::open_locked(path, options, anew, progress, &mut made) {
            Ok((mut store, report)) => {
                store._lock = Some(lock);
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
        anew: bool,
        progress: Progress<'_>,
        made: &mut NewDirs,
    ) -> Result<(Store, OpenReport), OpenError> {
        expect_key(path, options.cipher.is_some())?;
        let log = Arc::new(made.open(&path.join(LOG_DIR))?);
        let views = Arc::new(made.open(&path.join(VIEWS_DIR))?);
        let scratch = Arc::new(made.open(&path.join(SCRATCH_DIR))?);
        let options = StoreOptions {
            scratch: Some(encrypted(scratch, options.cipher.as_ref())),
            ..options
        };
        Store::open_on(log, views, options, anew, progress)
    }

    /// Opens a store on any storage; the caller sees to it that nobody else writes there.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_on(
        log_storage: Arc<dyn Storage>,
        views: Arc<dyn Storage>,
        options: StoreOptions,
        anew: bool,
        progress: Progress<'_>,
    ) -> Result<(Store, OpenReport), OpenError> {
        let views = encrypted(views, options.cipher.as_ref());
        let healer = Arc::new(Healer::default());
        let clock = Arc::new(TrustedClock::new(
            options.clock.clone(),
            options.clock_dir.clone(),
        ));
        let (opening, taken) = look_at_both(&log_storage, &*views, &options, &clock, anew, &healer);
        let opening = opening?;
        let mut report = OpenReport::default();
        let mut state = taken?.or_new(&mut report);
        let checkpoint = std::mem::take(&mut state.generations);
        // Until here nothing was changed: a start that is refused leaves everything as it was.
        expect_log_to_reach(log_storage.path(), opening.last_seq(), Seq(state.seq))?;
        let (log, recovery) = opening.open()?;
        report.seq = recovery.last_seq;
        report.torn = recovery.torn;
        report.damage = recovery.damage;
        report
            .damage
            .extend(generations::put_back(&log.reader(), &checkpoint)?);
        let from_nothing = state.seq == 0;
        let checkpointed = if anew { 0 } else { state.seq };
        let shared = Arc::new(Shared {
            published: ArcSwap::from_pointee(state.snapshot()),
            durability: log.durability(),
            sequencer: Mutex::new(Sequencer {
                log,
                state,
                buffer: Vec::with_capacity(1024),
            }),
            healer,
            next_file: AtomicU64::new(next_file(&*views)?),
            options,
            clock,
            log_storage,
            views,
            obsolete: Mutex::default(),
            compacting: Mutex::default(),
            checkpointed: AtomicU64::new(checkpointed),
            maintaining: Mutex::default(),
            erased_through: AtomicU64::new(0),
            purges_completed: AtomicU64::new(0),
            log_rewrites: AtomicU64::new(0),
            seen: Mutex::new(generations::Seen::of(checkpoint)),
            retry_maintenance: AtomicBool::new(false),
            past: Mutex::default(),
            recalling: Mutex::default(),
            unsaved: AtomicU64::new(0),
            saved: AtomicU64::new(0),
            woken: AtomicBool::new(true),
            closing: AtomicBool::new(false),
            sleep: Mutex::default(),
            work: Condvar::new(),
            rested: Condvar::new(),
            room: Condvar::new(),
            #[cfg(feature = "sim")]
            between: Mutex::default(),
        });
        shared.healer.serve(&shared);
        let kept = named_files(&shared.published.load()).into_iter().collect();
        fold_tail(&shared, &mut report, progress)?;
        begin_clock(&shared, report.seq);
        if from_nothing && report.log_is_incomplete() {
            salvage::salvage(&shared, &mut report)?;
        }
        clear_away(&shared, &kept, anew)?;
        let mut store = Store {
            shared,
            threads: Vec::new(),
            _lock: None,
        };
        if store.shared.options.background {
            store.start("compactor", compactor::run)?;
            store.start("history", maintenance::run)?;
        }
        Ok((store, report))
    }

    fn start(&mut self, name: &str, run: fn(&Arc<Shared>)) -> Result<(), OpenError> {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&shared));
        self.threads.push(thread.map_err(|error| OpenError::Io {
            doing: "start a thread",
            path: self.shared.views.path().display().to_string(),
            error,
        })?);
        Ok(())
    }
}

/// The directories that were made for a start. Dropped, those of them that are empty are removed again.
#[derive(Default)]
struct NewDirs(Vec<PathBuf>);

impl NewDirs {
    /// Opens a directory, making it if it is not there.
    fn open(&mut self, path: &Path) -> Result<FileStorage, OpenError> {
        if !path.is_dir() {
            self.0.push(path.to_owned());
        }
        FileStorage::open(path).map_err(|error| OpenError::Io {
            doing: "open the directory",
            path: path.display().to_string(),
            error,
        })
    }

    fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for NewDirs {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            // Refused if something is in it.
            let _ = std::fs::remove_dir(path);
        }
    }
}

/// Checks that the log has all that the views were folded from.
///
/// # Errors
/// [`OpenError::LogBehindViews`].
pub(crate) fn expect_log_to_reach(log: &Path, last: Seq, views: Seq) -> Result<(), OpenError> {
    if views <= last {
        return Ok(());
    }
    Err(OpenError::LogBehindViews {
        path: log.display().to_string(),
        log: last,
        views,
    })
}

/// Without this, a server that was told nothing of a key would add to encrypted data in the clear, and one that was
/// would add to plain data what nobody can read without it.
///
/// # Errors
/// When there is a key file and no key, or the other way round.
pub(crate) fn expect_key(path: &Path, given: bool) -> Result<(), OpenError> {
    let file = KeyFile::of(path);
    match (file.exists()?, given) {
        (true, false) => Err(OpenError::Encrypted {
            path: path.display().to_string(),
        }),
        (false, true) => Err(OpenError::NoKey {
            file: file.path().display().to_string(),
        }),
        _ => Ok(()),
    }
}

/// The views as they are to be read and written.
pub(crate) fn encrypted(views: Arc<dyn Storage>, cipher: Option<&Arc<Cipher>>) -> Arc<dyn Storage> {
    match cipher {
        Some(cipher) => Arc::new(EncryptedStorage::new(views, Arc::clone(cipher))),
        None => views,
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
            Arc::new(move || clock.stamp())
        },
        cipher: options.cipher.clone(),
        on_incident: Some(Arc::new(tell)),
        #[cfg(feature = "sim")]
        bug: options.planted_bug,
        #[cfg(feature = "sim")]
        manual_sync: options.manual_sync,
    }
}

/// Says what happened to the log's files while they were written.
fn tell(incident: &Incident) {
    match incident {
        Incident::Resumed | Incident::Back { .. } => tracing::warn!("{incident}"),
        _ => tracing::error!("{incident}"),
    }
}

/// Looks at the log and the views, side by side: with a cold cache each waits for the disk.
fn look_at_both(
    log: &Arc<dyn Storage>,
    views: &dyn Storage,
    options: &StoreOptions,
    clock: &Arc<TrustedClock>,
    anew: bool,
    healer: &Arc<Healer>,
) -> (Result<OpeningLog, LogError>, Result<Found, OpenError>) {
    let open_log = || Log::prepare(log.clone(), log_options(options, clock));
    let open_views = || {
        if anew {
            Ok(Found::None)
        } else {
            checkpoint::read(views, Some(healer))
        }
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

/// The state of the checkpoint, or the empty one.
pub(crate) fn take_up(
    views: &dyn Storage,
    healer: Option<&Arc<Healer>>,
    report: &mut OpenReport,
) -> Result<State, OpenError> {
    Ok(checkpoint::read(views, healer)?.or_new(report))
}

impl Found {
    fn or_new(self, report: &mut OpenReport) -> State {
        match self {
            Found::State(state) => *state,
            Found::None => State::new(),
            Found::Unusable(why) => {
                tracing::warn!(why, "the views cannot be used and are made anew from the log");
                report.checkpoint_unusable = Some(why);
                State::new()
            }
        }
    }
}

/// Folds what the checkpoint does not have. Heads are sealed on the way, so that memory stays bounded.
fn fold_tail(shared: &Shared, report: &mut OpenReport, progress: Progress<'_>) -> Result<(), OpenError> {
    let reader = shared.sequencer.lock().log.reader();
    let taken_up = shared.published.load_full();
    let from = taken_up.seq().next();
    if from > report.seq {
        return Ok(());
    }
    let mut records = match taken_up.position {
        Some(position) => reader.read_from_hint(from, position)?,
        None => reader.read_from(from)?,
    };
    let mut sealing = true;
    let mut erased_through = 0;
    let mut look_out = compactor::LookOut::default();
    while let Some(record) = records.next() {
        let record = match record {
            Ok(record) => record,
            Err(damage) => {
                report.lost_orders.extend(lost_order(&reader, &damage));
                report.damage.push(damage);
                continue;
            }
        };
        let folded = Record::decode(record.kind, record.payload)
            .map_err(|e| e.to_string())
            .and_then(|decoded| {
                if let Record::PurgeEnded(ended) = &decoded {
                    erased_through = erased_through.max(ended.through);
                }
                shared
                    .sequencer
                    .lock()
                    .state
                    .apply(record.seq.0, &decoded)
                    .map_err(|e| e.to_string())
            });
        if let Err(why) = folded
            && report.unfolded.len() < 100
        {
            report.unfolded.push((record.seq, why));
        }
        shared
            .unsaved
            .fetch_add(record.payload.len() as u64 + 32, Ordering::Relaxed);
        report.folded += 1;
        if look_out.is_due(record.payload) {
            progress(report.folded, report.seq.0);
            sealing = sealing && seal_full_heads(shared);
        }
    }
    report.lost_orders.retain(|order| order.get() > erased_through);
    let mut sequencer = shared.sequencer.lock();
    report.recovered = recovered(&sequencer.state);
    sequencer.state.position = Some(sequencer.log.position());
    shared.publish(&sequencer.state);
    Ok(())
}

/// The record, if what is lost was an order to erase. A header that is damaged too does not say so.
fn lost_order(reader: &LogReader, damage: &Damage) -> Option<Seq> {
    let is_order = reader.kind_of_lost(damage) == Some(RecordKind::PurgeBegun.number());
    let lost = damage.lost.as_ref().filter(|_| is_order)?;
    Some(*lost.start())
}

/// The buckets that were put together again.
pub(crate) fn recovered(state: &State) -> Vec<(Seq, String)> {
    let found = state.recovered().iter();
    found.map(|(seq, _, id)| (Seq(*seq), id.clone())).collect()
}

/// Keeps memory bounded. When it cannot (the disk is full), the start goes on with what fits in memory: the views
/// come when there is space, the events are there at once. Tells whether it could.
pub(crate) fn seal_full_heads(shared: &Shared) -> bool {
    let full: Vec<_> = {
        let sequencer = shared.sequencer.lock();
        sequencer.state.full_heads().map(|b| b.view.key).collect()
    };
    for key in full {
        if let Err(error) = shared.seal(key) {
            tracing::warn!(%error, "views cannot be written while opening; events stay in memory until they can");
            return false;
        }
    }
    true
}

/// Begins to compare the clocks, now that the log says what its newest record is.
fn begin_clock(shared: &Arc<Shared>, newest: Seq) {
    let newest_time = || {
        let reader = shared.reader().ok()?;
        let time = maintenance::time_of(&reader, newest).ok();
        (newest != Seq::NONE).then_some(time.unwrap_or(i64::MIN))
    };
    let store = Arc::downgrade(shared);
    shared.clock.begin(newest.get(), newest_time, move || {
        store
            .upgrade()
            .map_or(newest, |shared| shared.published.load().seq())
            .get()
    });
    shared.clock.trust();
}

pub(crate) fn is_view_file(name: &str) -> bool {
    name.ends_with(".view")
}

pub(crate) fn named_files(snapshot: &Snapshot) -> Vec<String> {
    snapshot
        .kept()
        .flat_map(|b| b.segments.iter())
        .map(|s| s.segment.file().to_owned())
        .collect()
}

pub(crate) fn list(views: &dyn Storage) -> Result<Vec<String>, OpenError> {
    views.list().map_err(|error| OpenError::Io {
        doing: "list the views",
        path: views.path().display().to_string(),
        error,
    })
}

/// One more than the greatest number of a view file.
fn next_file(views: &dyn Storage) -> Result<u64, OpenError> {
    let number = |name: &String| name.strip_suffix(".view")?.split_once('-')?.1.parse::<u64>().ok();
    Ok(list(views)?.iter().filter_map(number).max().unwrap_or(0) + 1)
}

impl OpenReport {
    /// Whether the log has lost something that views may still hold.
    fn log_is_incomplete(&self) -> bool {
        !self.unfolded.is_empty() || self.damage.iter().any(|damage| damage.lost.is_some())
    }
}

/// Removes view files that nothing names: left by a crash between a segment and its checkpoint, or half-written. Those
/// that the checkpoint on disk still names wait for the next one.
fn clear_away(shared: &Shared, checkpointed: &FxHashSet<String>, anew: bool) -> Result<(), OpenError> {
    let used: FxHashSet<String> = named_files(&shared.published.load()).into_iter().collect();
    for name in list(&*shared.views)?
        .into_iter()
        .filter(|n| (is_view_file(n) && !used.contains(n)) || n.ends_with(".tmp"))
    {
        if anew || checkpointed.contains(&name) {
            shared.obsolete.lock().push(name);
        } else if let Err(error) = shared.views.remove(&name) {
            tracing::warn!(name, %error, "a left-over view file could not be removed");
        }
    }
    Ok(())
}
