//! What every request may use: the store, who we are, the limits.

use std::net::IpAddr;
use std::sync::Arc;

use http::request;
use timberline_query::Engine;
use timberline_views::{Receipt, Store};

use crate::access::{Client, Keys, is_open};
use crate::http::guard::Guard;
use crate::http::query_warnings::Logged;
use crate::http::tls::Tls;
use crate::http::{ApiError, BodyPool, Refusals};
use crate::identity::Identity;
use crate::logging::Ring;
use crate::service::categories::Versions;
use crate::service::edit::EditRequest;
use crate::service::erasure::Erasure;
use crate::service::import_run;
use crate::service::live;
use crate::service::privacy::Privacy;
use crate::service::purge::PurgeRequest;
use crate::service::purge::pending::Pending;
use crate::service::retention;
use crate::service::status::Started;
use crate::service::watchers::Companions;
use crate::service::webhooks::Webhooks;
use crate::service::write_hold::Hold;
use crate::settings::{SettingError, Settings};
use crate::web::files::sites::Sites;

/// The server, apart from its sockets.
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) identity: Identity,
    /// What is known since the start.
    pub(crate) started: Started,
    /// Everything there is to keep.
    pub(crate) store: Store,
    /// Answers queries.
    pub(crate) engine: Arc<Engine>,
    pub(crate) guard: Guard,
    /// The credentials that a request needs, if any; from the settings.
    pub(crate) keys: Option<Keys>,
    /// The certificate, if the server speaks TLS. Whoever makes the server sets it.
    pub(crate) tls: Option<Tls>,
    /// The watchers that run beside the server. Whoever makes the server sets it.
    pub(crate) watchers: Companions,
    /// What was refused.
    pub(crate) refusals: Refusals,
    pub(crate) hold: Hold,
    /// Which records have changed the categories.
    pub(crate) versions: Versions,
    /// What of events is not to be kept.
    pub(crate) privacy: Privacy,
    pub(crate) bodies: BodyPool,
    pub(crate) log: Arc<Ring>,
    /// Which warnings of queries the log has.
    pub(crate) warned: Logged,
    pub(crate) sites: Sites,
    /// Purges that were previewed and may be confirmed.
    pub(crate) purges: Pending<PurgeRequest>,
    /// The same for edits of many events.
    pub(crate) edits: Pending<EditRequest>,
    /// Brings what is erased to the copies of the data.
    pub(crate) erasure: Erasure,
    /// How the automatic backups are doing.
    pub(crate) backups: Arc<timberline_backup::Status>,
    /// How the scrub is doing.
    pub(crate) scrub: crate::service::scrub::Status,
    /// What retention holds back.
    pub(crate) retention: retention::Status,
    /// One import is stored at a time: reads for duplicates must not run during another import's writes.
    pub(crate) importing: tokio::sync::Semaphore,
    /// The imports of sources on this machine.
    pub(crate) import_runs: import_run::Runs,
    /// The readers of the live stream.
    pub(crate) live: live::Hub,
    /// Requests to other programs.
    pub(crate) webhooks: Webhooks,
    /// Held while a heartbeat of WakaTime is stored: each depends on the events around it.
    pub(crate) wakatime: parking_lot::Mutex<()>,
}

impl App {
    /// Puts the parts together. `port` is the one that clients reach us on.
    ///
    /// # Errors
    /// When a value of the configuration cannot be used.
    pub(crate) fn new(
        settings: Settings,
        identity: Identity,
        store: Store,
        engine: Engine,
        port: u16,
        started: Started,
        log: Arc<Ring>,
    ) -> Result<Self, SettingError> {
        Ok(Self {
            guard: Guard::new(&settings, port, &identity.hostname)?,
            keys: None,
            tls: None,
            watchers: None,
            refusals: Refusals::default(),
            hold: Hold::new(&settings.limits),
            privacy: Privacy::new(settings.data_dir.clone(), &store.snapshot()),
            versions: Versions::default(),
            bodies: BodyPool::new(&settings.limits),
            sites: Sites::new(&settings),
            purges: Pending::default(),
            edits: Pending::default(),
            warned: Logged::default(),
            erasure: Erasure::default(),
            backups: Arc::default(),
            scrub: crate::service::scrub::Status::default(),
            retention: retention::Status::default(),
            importing: tokio::sync::Semaphore::new(1),
            import_runs: import_run::Runs::default(),
            live: live::Hub::default(),
            webhooks: Webhooks::open(&settings.data_dir, store.snapshot().seq()),
            wakatime: parking_lot::Mutex::default(),
            settings,
            identity,
            started,
            store,
            engine: Arc::new(engine),
            log,
        })
    }

    /// Checks the credentials of a request, if any are needed, and marks it as that of a token, for the routes.
    ///
    /// # Errors
    /// When they are missing or unknown, or do not suffice.
    pub(crate) fn admit(&self, head: &mut request::Parts, address: IpAddr) -> Result<(), ApiError> {
        match &self.keys {
            Some(keys) if !is_open(head.uri.path()) => {
                let now = timberline_clock::monotonic();
                let id_of = |name: &str| Some(self.store.snapshot().bucket(name)?.bucket().id.clone());
                if let Some(granted) = keys.check(head, Client { address, now }, id_of)? {
                    head.extensions.insert(granted);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Waits until what `receipt` stands for may be acknowledged.
    ///
    /// # Errors
    /// When the disk refused it, or does not take it in time.
    pub(crate) async fn settle(&self, receipt: Receipt) -> Result<(), ApiError> {
        if !receipt.sync {
            return Ok(());
        }
        if receipt.seq <= self.store.durable_seq() {
            return Ok(());
        }
        let durable = self.store.durable(receipt.seq);
        Ok(self.hold.settle(durable, || self.store.integrity().held).await?)
    }
}
