//! `timberline serve`: from flags to a running server, and back down again.
//!
//! The order matters. The port is taken first, so that clients queue in the kernel while the store
//! opens instead of being refused; the store is closed last, when no request can reach it any more.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use timberline_disk::Cipher;
use timberline_query::Engine;
use timberline_views::{HeartbeatDurability, OpenReport, Store, StoreOptions, TimeTrust};

use super::passphrase;
use crate::app::App;
use crate::config::{BaseDirs, Overrides, Settings};
use crate::erasure;
use crate::http::guard::Guard;
use crate::http::{Listeners, serve};
use crate::identity::{self, Identity, IdentityError};
use crate::logging;
use crate::memory::{Caretaker, set_up_allocator};
use crate::owner_only;
use crate::retention::Keeper;
use crate::scrub::Scrub;
use timberline_backup::Automatic;

/// The flags of `serve`. Those that the reference servers have mean what they mean there.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<String>,

    /// Port to listen on [default: 5600, with --testing 5666]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Run a test instance: port 5666, its own data and configuration, laxer CORS
    #[arg(long)]
    pub testing: bool,

    /// Directory of the data [default: $XDG_DATA_HOME/timberline]
    #[arg(long, value_name = "DIR")]
    pub dbpath: Option<PathBuf>,

    /// Directory of the web UI to serve at / (a dist of aw-webui)
    #[arg(long, value_name = "DIR")]
    pub webpath: Option<PathBuf>,

    /// Device id to give out instead of the one kept in the data directory
    #[arg(long, value_name = "ID")]
    pub device_id: Option<String>,

    /// Configuration file [default: $XDG_CONFIG_HOME/timberline/config.toml]
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Directories to serve under /pages/NAME/
    #[arg(long, value_name = "NAME=DIR", value_delimiter = ',', value_parser = name_and_dir)]
    pub custom_static: Vec<(String, PathBuf)>,

    /// Encrypt the data: for a new data directory, whose passphrase is then asked for
    #[arg(long)]
    pub encrypt: bool,

    /// File with the passphrase of encrypted data [default: $TIMBERLINE_PASSPHRASE, or it is asked for]
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,

    /// Tell more: log at debug level
    #[arg(long, short)]
    pub verbose: bool,

    /// Accepted for compatibility; there is no legacy database to import from
    #[arg(long)]
    pub no_legacy_import: bool,

    /// Serve on this inherited socket instead of opening one (systemd's LISTEN_FDS needs no flag)
    #[arg(long, value_name = "FD")]
    pub listen_fd: Option<i32>,
}

impl ServeArgs {
    fn overrides(self) -> Overrides {
        Overrides {
            config: self.config,
            testing: self.testing,
            host: self.host,
            port: self.port,
            data_dir: self.dbpath,
            webpath: self.webpath,
            device_id: self.device_id,
            custom_static: self.custom_static.into_iter().collect(),
            verbose: self.verbose,
            encrypt: self.encrypt,
            passphrase_file: self.passphrase_file,
        }
    }
}

fn name_and_dir(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, dir)) if !name.is_empty() && !dir.is_empty() => Ok((name.to_owned(), PathBuf::from(dir))),
        _ => Err("expected NAME=DIR, such as my-watcher=/usr/share/my-watcher".to_owned()),
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Whatever keeps the server from starting, or from closing its store, as one line.
pub(super) fn run(args: ServeArgs) -> anyhow::Result<()> {
    set_up_allocator();
    let listen_fd = args.listen_fd;
    let settings = Settings::load(args.overrides(), &BaseDirs::from_env())?;
    owner_only::for_new_files();
    let log = logging::start(&settings)?;
    let listeners = Listeners::open(&settings, listen_fd)?;
    warn_of_open_addresses(&listeners);
    // Everything that can be refused is, before anything is made: such a start leaves no file behind.
    let identity = Identity::find(&settings)?;
    Guard::new(&settings, listeners.port(), &identity.hostname)?;
    owner_only::close(&settings.data_dir);
    settings.log_dir.iter().for_each(|dir| owner_only::close(dir));
    let home = NewDir::make(&settings.data_dir)?;
    let key = passphrase::unlock_or_create(&settings)?;
    let store = open_store(&settings, &identity, key.cipher())?;
    key.keep();
    home.keep();
    keep_identity(&identity, &settings);
    let engine = Engine::new(settings.limits.queries()).context("cannot start the threads of queries")?;
    let app = Arc::new(App::new(
        settings,
        identity,
        store,
        engine,
        listeners.port(),
        log.ring(),
    )?);

    // A thread that waits for a backup's disk must not keep the store from being closed.
    let clock = Arc::downgrade(&app);
    let wanted = app.settings.backup.clone();
    let backups = Automatic::start(
        wanted,
        &app.settings.data_dir,
        Arc::clone(&app.backups),
        move || {
            clock
                .upgrade()
                .is_some_and(|app| matches!(app.store.time_trust(), TimeTrust::Trusted(_)))
        },
    )
    .context("cannot start the thread of the automatic backups")?;
    let keeper = Keeper::start(&app).context("cannot start the thread that ends what is kept long enough")?;
    let scrub = Scrub::start(&app).context("cannot start the thread of the scrub")?;
    let caretaker = Caretaker::start(&app).context("cannot start the thread that gives memory back")?;
    let erasure = erasure::Task::start(&app).context("cannot start the thread that erases from backups")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_io()
        .enable_time()
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(serve(listeners, Arc::clone(&app)));
    app.erasure.stop_within(erasure::AT_STOP);
    // What is still in a blocking task (an export to a client that stopped reading) sees its channel
    // closed; it must not keep the store from being closed.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    drop(backups);
    drop(keeper);
    drop(scrub);
    drop(caretaker);
    drop(erasure);
    match Arc::try_unwrap(app) {
        Ok(app) => app
            .store
            .close()
            .context("cannot close the store in an orderly way")?,
        Err(app) => {
            // Nobody syncs the log after this.
            app.store
                .durable_blocking(app.store.snapshot().seq())
                .context("cannot sync the log")?;
            tracing::warn!("something is still at work: the next start has more to do");
        }
    }
    tracing::info!("stopped");
    served
}

/// Whoever reaches an address beyond the loopback may read and delete everything.
fn warn_of_open_addresses(listeners: &Listeners) {
    for address in listeners.addresses() {
        if !address.ip().to_canonical().is_loopback() {
            tracing::warn!(
                %address,
                "NO AUTHENTICATION: everyone who can reach this address can read, change and delete all data; \
                 let a firewall or a proxy with a password decide who can, or listen on 127.0.0.1 (host)"
            );
        }
    }
}

/// The data directory. If it was made for this start and nothing came into it, it is removed again.
struct NewDir(Option<PathBuf>);

impl NewDir {
    fn make(dir: &Path) -> Result<Self, IdentityError> {
        let is_new = !dir.exists();
        identity::make_dir(dir).map_err(|error| IdentityError::DataDir {
            dir: dir.to_owned(),
            error,
        })?;
        Ok(Self(is_new.then(|| dir.to_owned())))
    }

    fn keep(mut self) {
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
fn keep_identity(identity: &Identity, settings: &Settings) {
    if let Some(what) = identity.restored() {
        tracing::warn!(id = %identity.device_id, "the file device_id {what}; it was restored from the log's segments");
    }
    if let Err(error) = identity.keep(&settings.data_dir) {
        tracing::warn!(%error, "the file device_id cannot be written; the id stays the one in the log's segments");
    }
}

fn open_store(
    settings: &Settings,
    identity: &Identity,
    cipher: Option<Arc<Cipher>>,
) -> anyhow::Result<Store> {
    let options = store_options(settings, identity, cipher);
    let (store, report) = Store::open(&settings.data_dir, options)?;
    tell(&report);
    Ok(store)
}

/// How the store is opened, for serving as for rebuilding.
pub(super) fn store_options(
    settings: &Settings,
    identity: &Identity,
    cipher: Option<Arc<Cipher>>,
) -> StoreOptions {
    StoreOptions {
        device: identity.log_id(),
        segment_bytes: settings.segment_bytes,
        heartbeat: match settings.heartbeat_interval {
            Some(interval) => HeartbeatDurability::Interval(interval),
            None => HeartbeatDurability::Always,
        },
        cipher,
        history: settings.history,
        erase_after: settings.erase_after,
        maintain_every: settings.maintain_every,
        ..StoreOptions::default()
    }
}

/// Tells what opening found; none of it keeps the server from serving.
fn tell(report: &OpenReport) {
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
        tracing::warn!(%reason, "the checkpoint could not be used; everything was folded anew");
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
