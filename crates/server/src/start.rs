//! From settings to a running server, and back down again.
//!
//! The order matters. The port is taken first, so that clients queue in the kernel while the store opens instead of being
//! refused. The store is closed last, when no request can reach it any more.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use timberline_backup::Automatic;
use timberline_disk::Cipher;
use timberline_query::Engine;
use timberline_views::time_trust::TimeTrust;
use timberline_views::{HeartbeatDurability, OpenReport, Store, StoreOptions};

use crate::access::Keys;
use crate::app::App;
use crate::error::ServeError;
use crate::http::Listeners;
use crate::http::guard::Guard;
use crate::http::tls::Tls;
use crate::identity::{Identity, IdentityError};
use crate::logging;
use crate::owner_only;
use crate::serve::serve;
use crate::service::erasure::{AT_STOP, ErasureTask};
use crate::service::memory::MemoryTask;
use crate::service::retention::RetentionTask;
use crate::service::scrub::ScrubTask;
use crate::service::status::{Opened, Started, disk};
use crate::service::watchers::Companions;
use crate::settings::Settings;

/// How long a stop waits for blocking tasks, such as an export to a client that stopped reading.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// A start that nothing has refused so far. If it is dropped before a store was opened, it leaves no file behind.
pub struct Start {
    settings: Settings,
    log: logging::Log,
    listeners: Listeners,
    identity: Identity,
    keys: Option<Keys>,
    tls: Option<Tls>,
    home: NewDir,
    opened: OnceLock<Opened>,
}

impl Start {
    /// Takes the port (or the socket `listen_fd` that was inherited), checks everything that can refuse a start, and makes
    /// the data directory. From here on the process logs, and its new files are readable only by their owner.
    ///
    /// # Errors
    /// [`ServeError`], with what to do about it.
    pub fn prepare(settings: Settings, listen_fd: Option<i32>) -> Result<Self, ServeError> {
        timberline_disk::os::process::set_up_allocator();
        timberline_disk::os::modes::hide_new_files();
        let log = logging::start(&settings.logging)?;
        let listeners = Listeners::open(&settings, listen_fd)?;
        let keys = Keys::new(&settings.auth, &settings.data_dir)?;
        if keys.is_none() {
            refuse_open_addresses(&listeners, settings.auth.insecure_no_auth)?;
        }
        let tls = settings.network.tls.as_ref().map(Tls::open).transpose()?;
        match &settings.network.tls {
            Some(files) => owner_only::check_key(&files.key),
            None if keys.is_some() => warn_of_readable_keys(&listeners),
            None => {}
        }
        let identity = Identity::find(&settings)?;
        Guard::new(&settings, listeners.port(), &identity.hostname)?;
        owner_only::close(&settings.data_dir);
        settings.logging.dir.iter().for_each(|dir| owner_only::close(dir));
        let home = NewDir::make(&settings.data_dir)?;
        Ok(Self {
            settings,
            log,
            listeners,
            identity,
            keys,
            tls,
            home,
            opened: OnceLock::new(),
        })
    }

    /// The settings that the server will have.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Opens the store, which encrypts with `cipher`.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn open_store(&self, cipher: Option<Arc<Cipher>>) -> Result<Store, ServeError> {
        let options = store_options(&self.settings, &self.identity, cipher.clone());
        let (store, report) = Store::open(&self.settings.data_dir, options)?;
        log_findings(&report);
        // A second store would change nothing.
        let _ = self.opened.set(Opened::new(&report, cipher));
        Ok(store)
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The addresses that the server listens on.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    /// A secret for what runs in this process, if requests need one. It opens everything, and is written nowhere.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn own_secret(&mut self) -> std::io::Result<Option<String>> {
        self.keys.as_mut().map(Keys::make_own).transpose()
    }

    /// Serves until SIGTERM or SIGINT, then closes the store. Watchers that run beside it are ended before.
    ///
    /// # Errors
    /// When a thread cannot be started, or the store cannot be closed.
    pub fn serve(self, store: Store, watchers: Companions) -> Result<(), ServeError> {
        let Self {
            settings,
            log,
            listeners,
            identity,
            keys,
            tls,
            home,
            opened,
        } = self;
        home.keep();
        keep_identity(&identity, &settings);
        let engine = Engine::new(settings.limits.queries())
            .map_err(ServeError::system("start the threads of queries"))?;
        let port = listeners.port();
        let started = Started {
            at: timberline_clock::monotonic(),
            time: store.now(),
            addresses: listeners.addresses(),
            bytes: disk::used(&settings.data_dir),
            opened: opened.into_inner().unwrap_or_default(),
        };
        let mut app = App::new(settings, identity, store, engine, port, started, log.ring())?;
        app.keys = keys;
        app.tls = tls;
        app.watchers = watchers;
        let app = Arc::new(app);
        let tasks = Tasks::start(&app)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(ServeError::system("start the runtime"))?;
        let served = runtime.block_on(serve(listeners, Arc::clone(&app)));
        app.erasure.stop_within(AT_STOP);
        // A blocking task that is still at work sees its channel closed. It must not keep the store from being closed.
        runtime.shutdown_timeout(SHUTDOWN);
        drop(tasks);
        app.keys.iter().for_each(Keys::close);
        app.webhooks.close();
        close(app)?;
        tracing::info!("stopped");
        served
    }
}

/// The background threads. Each ends when it is dropped, in this order.
struct Tasks {
    _backups: Automatic,
    _retention: Option<RetentionTask>,
    _scrub: ScrubTask,
    _memory: MemoryTask,
    _erasure: ErasureTask,
}

impl Tasks {
    fn start(app: &Arc<App>) -> Result<Self, ServeError> {
        let system = ServeError::system;
        // A thread that waits for a backup's disk must not keep the store from being closed.
        let clock = Arc::downgrade(app);
        let clock_is_trusted = move || {
            clock
                .upgrade()
                .is_some_and(|app| matches!(app.store.time_trust(), TimeTrust::Trusted(_)))
        };
        let wall_clock = || timberline_model::Timestamp::from(timberline_clock::wall());
        let wanted = app.settings.backup.clone();
        let data_dir = &app.settings.data_dir;
        Ok(Self {
            _backups: Automatic::start(
                wanted,
                data_dir,
                Arc::clone(&app.backups),
                wall_clock,
                clock_is_trusted,
            )
            .map_err(system("start the thread of the automatic backups"))?,
            _retention: RetentionTask::start(app)
                .map_err(system("start the thread that ends what is kept long enough"))?,
            _scrub: ScrubTask::start(app).map_err(system("start the thread of the scrub"))?,
            _memory: MemoryTask::start(app).map_err(system("start the thread that gives memory back"))?,
            _erasure: ErasureTask::start(app).map_err(system("start the thread that erases from backups"))?,
        })
    }
}

fn close(app: Arc<App>) -> Result<(), ServeError> {
    match Arc::try_unwrap(app) {
        Ok(app) => app.store.close().map_err(ServeError::Close),
        Err(app) => {
            // Nobody syncs the log after this.
            let newest = app.store.snapshot().seq();
            app.store.durable_blocking(newest).map_err(ServeError::Sync)?;
            tracing::warn!("something is still at work: the next start has more to do");
            Ok(())
        }
    }
}

/// Without credentials, anyone who reaches an address beyond the loopback may read and delete everything.
///
/// # Errors
/// When there is such an address, unless the settings accept it.
fn refuse_open_addresses(listeners: &Listeners, accepted: bool) -> Result<(), ServeError> {
    for address in listeners.addresses() {
        if address.ip().to_canonical().is_loopback() {
            continue;
        }
        if !accepted {
            return Err(ServeError::NoAuthentication { address });
        }
        tracing::warn!(
            %address,
            "NO AUTHENTICATION: everyone who can reach this address can read, change and delete all data"
        );
    }
    Ok(())
}

/// Without TLS, everyone on the way to an address beyond the loopback can read what clients send, also their keys.
fn warn_of_readable_keys(listeners: &Listeners) {
    let mut addresses = listeners.addresses().into_iter();
    if let Some(address) = addresses.find(|address| !address.ip().to_canonical().is_loopback()) {
        tracing::warn!(
            %address,
            "keys and data cross the network unencrypted: use TLS ([tls]), or a proxy that does (docs/access.md)"
        );
    }
}

/// The data directory. If it was made for this start and nothing came into it, it is removed again.
pub(crate) struct NewDir(Option<PathBuf>);

impl NewDir {
    pub(crate) fn make(dir: &Path) -> Result<Self, IdentityError> {
        let is_new = !dir.exists();
        timberline_disk::create_private_dir(dir).map_err(IdentityError::data_dir(dir))?;
        Ok(Self(is_new.then(|| dir.to_owned())))
    }

    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for NewDir {
    fn drop(&mut self) {
        if let Some(dir) = self.0.take() {
            // Refused if something is in it.
            let _ = std::fs::remove_dir(dir);
        }
    }
}

/// The log's segments carry the id too, so a file that cannot be written now is restored by a later start.
pub(crate) fn keep_identity(identity: &Identity, settings: &Settings) {
    if let Some(what) = identity.restored() {
        tracing::warn!(id = %identity.device_id, "the file device_id {what}; it was restored from the log's segments");
    }
    if let Err(error) = identity.keep(&settings.data_dir) {
        tracing::warn!(%error, "the file device_id cannot be written; the id stays the one in the log's segments");
    }
}

/// How a store is opened, for serving as well as for rebuilding its views.
pub fn store_options(settings: &Settings, identity: &Identity, cipher: Option<Arc<Cipher>>) -> StoreOptions {
    StoreOptions {
        device: identity.log_id(),
        segment_bytes: settings.storage.segment_bytes,
        heartbeat: match settings.storage.heartbeat_interval {
            Some(interval) => HeartbeatDurability::Interval(interval),
            None => HeartbeatDurability::Always,
        },
        cipher,
        history: settings.history.keep,
        erase_after: settings.history.erase_after,
        maintain_every: settings.history.maintain_every,
        ..StoreOptions::default()
    }
}

/// Logs what opening has found. None of it keeps the server from serving.
fn log_findings(report: &OpenReport) {
    tracing::info!(seq = report.seq.get(), folded = report.folded, "store opened");
    if let Some(torn) = &report.torn {
        tracing::warn!(
            file = %torn.path.display(),
            offset = torn.offset,
            bytes = torn.bytes,
            "the log's end was torn by a crash and cut off; nothing in it was acknowledged as durable"
        );
    }
    if let Some(reason) = &report.checkpoint_unusable {
        tracing::warn!(%reason, "the checkpoint could not be used; the views were rebuilt from the whole log");
    }
    for damage in &report.damage {
        tracing::error!(%damage, "the log is damaged; all other records are served");
    }
    for order in &report.lost_orders {
        tracing::error!(
            seq = order.get(),
            "an order to erase (purge or redaction) is lost to damage before it was carried out: what it named is shown again; \
             give the order again"
        );
    }
    for (seq, reason) in &report.unfolded {
        tracing::error!(seq = seq.get(), %reason, "a record could not be folded");
    }
}
