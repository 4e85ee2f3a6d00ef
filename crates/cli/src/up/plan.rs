//! All that starting the watchers needs, so that it can be tried again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use timberline_disk::Cipher;
use timberline_log::LogError;
use timberline_server::Start;
use timberline_watchers::away::Absences;
use timberline_watchers::clock::{Clock, SystemClock};
use timberline_watchers::desktop::Session;
use timberline_watchers::modules::{Module, builtin};
use timberline_watchers::supervisor::{self, Autostart, Places, Supervisor, SupervisorOptions, Target};
use timberline_watchers::{Client, ClientOptions, OpenError, QueueError, Server, Transport, notify, tray};

use super::desk::Machine;
use super::own_server::OwnServer;
use crate::config::WatcherSettings;
use crate::server_client;

/// How long sending the last heartbeats may take on shutdown. The server runs in the same process, so it answers.
const LAST_HEARTBEATS: Duration = Duration::from_secs(5);

/// How often notifications about the time are looked for.
const ALERTS_EVERY: Duration = Duration::from_secs(60);
/// Modules send at the same moments, and merge what they send by themselves. What comes within so long goes with one request.
const GATHER: Duration = Duration::from_millis(500);

/// What to run, and where.
pub(super) struct Plan {
    modules: Modules,
    settings: WatcherSettings,
    session: Session,
    clock: Arc<dyn Clock>,
    cipher: Option<Arc<Cipher>>,
    transport: Arc<dyn Transport>,
    target: Target,
    /// The directory of the queue and of what the person has chosen.
    dir: PathBuf,
    log_dir: Option<PathBuf>,
    /// The address of the server.
    server: String,
}

/// The modules, and whether each is on.
pub(super) type Modules = Vec<(Arc<dyn Module>, bool)>;

/// Watchers at work.
pub(super) struct Running {
    pub(super) client: Client,
    pub(super) supervisor: Supervisor,
}

impl Running {
    /// Ends them, and sends what is left.
    pub(super) fn stop(self) {
        self.supervisor.stop();
        let closed = self.client.close(LAST_HEARTBEATS).wait();
        if closed.left > 0 {
            tracing::info!(
                heartbeats = closed.left,
                "some heartbeats will be sent after the next start"
            );
        }
    }
}

/// Why the watchers cannot be started now. It may pass.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotStarted {
    #[error("{error}. {}", remedy(error, dir))]
    Queue {
        #[source]
        error: OpenError,
        dir: PathBuf,
    },
    #[error("the system has no thread for the watchers ({0}). End some programs")]
    NoThread(#[source] std::io::Error),
}

/// What the person can do about a queue that cannot be opened.
fn remedy(error: &OpenError, dir: &Path) -> String {
    match error {
        OpenError::Queue(QueueError::Log(LogError::Locked { .. })) => "End the other process".to_owned(),
        OpenError::NoThread(_) => "End some programs".to_owned(),
        _ => format!(
            "Free some space on the disk, or give this user access to {dir}. If files in it are damaged, move it away: what was not sent \
             yet stays in it",
            dir = dir.display()
        ),
    }
}

impl Plan {
    /// # Errors
    /// When the system has no random bytes for a key of the watchers.
    pub(super) fn new(
        start: &mut Start,
        settings: &WatcherSettings,
        modules: Modules,
        session: Session,
        cipher: Option<Arc<Cipher>>,
        testing: bool,
    ) -> anyhow::Result<Plan> {
        let secret = start
            .own_secret()
            .context("cannot create a key for the watchers")?;
        let server = server_client::own_at(start.settings(), Some(port(start)))?;
        let logs = start.settings().logging.dir.as_ref();
        Ok(Plan {
            modules,
            settings: settings.clone(),
            session,
            clock: Arc::new(SystemClock::new()),
            cipher,
            server: server.to_string(),
            transport: Arc::new(OwnServer(server.with_own_key(secret.as_deref()))),
            target: target(start, testing),
            dir: start.settings().data_dir.join("watchers"),
            log_dir: logs.map(|dir| dir.join("watchers")),
        })
    }

    /// Starts the watchers.
    ///
    /// # Errors
    /// [`NotStarted`]. Nothing runs then.
    pub(super) fn start(&self) -> Result<Running, NotStarted> {
        let client = self.client()?;
        let variable = |name: &str| std::env::var_os(name);
        let autostart = Autostart::from_environment(variable, self.target.testing);
        let options = SupervisorOptions {
            modules: self.modules.clone(),
            places: Places::from_environment(variable, &autostart),
            programs_on: self.settings.programs.clone(),
            autostart,
            client: client.clone(),
            clock: Arc::clone(&self.clock),
            session: self.session.clone(),
            target: self.target.clone(),
            state_dir: self.dir.clone(),
            log_dir: self.log_dir.clone(),
            locks_dir: locks_dir(),
            beside: self.beside(&client),
        };
        let supervisor = Supervisor::start(options).map_err(NotStarted::NoThread)?;
        Ok(Running { client, supervisor })
    }

    /// The client that sends the events, through a queue on disk.
    fn client(&self) -> Result<Client, NotStarted> {
        let dir = self.dir.join("queue");
        // Not used: the transport knows where the server is.
        let server = Server::new("127.0.0.1", self.target.port);
        let options = ClientOptions::new(server, dir.clone()).commit_interval(GATHER);
        let options = match &self.cipher {
            Some(cipher) => options.encrypted(Arc::clone(cipher)),
            None => options,
        };
        Client::with_transport(options, Arc::clone(&self.transport), Arc::clone(&self.clock))
            .map_err(|error| NotStarted::Queue { error, dir })
    }

    /// The icon in the tray, notifications, and what both need.
    fn beside(&self, client: &Client) -> Vec<supervisor::Beside> {
        let bus = || self.session.session_bus.clone();
        let machine = Arc::new(Machine {
            server: self.server.clone(),
            bus: bus(),
        });
        let absences = Absences::new(client.clone(), self.settings.away.after);
        let mut beside: Vec<supervisor::Beside> = Vec::new();
        if self.settings.tray {
            let (bus, machine, unexplained) = (bus(), Arc::clone(&machine), absences.unexplained());
            beside.push(Box::new(move |handle| {
                Box::pin(tray::show(bus, handle, unexplained, machine))
            }));
        }
        if self.settings.away.ask {
            let (bus, machine, absences) = (bus(), Arc::clone(&machine), absences.clone());
            beside.push(Box::new(move |_| Box::pin(notify::ask(bus, absences, machine))));
        }
        if bus().is_some() && (self.settings.tray || self.settings.away.ask) {
            let machine = Arc::clone(&machine);
            beside.push(Box::new(move |_| Box::pin(absences.keep_looking(machine))));
        }
        if self.settings.alerts {
            let (bus, client) = (bus(), client.clone());
            beside.push(Box::new(move |_| {
                Box::pin(notify::alerts(bus, client, machine, ALERTS_EVERY))
            }));
        }
        let bus = bus();
        beside.push(Box::new(move |handle| Box::pin(notify::silence(bus, handle))));
        beside
    }
}

/// The modules: those are on that the configuration names, or those that are on by default.
///
/// # Errors
/// When the configuration names one that does not exist.
pub(super) fn modules(settings: &WatcherSettings) -> anyhow::Result<Modules> {
    let modules = builtin(&settings.options);
    let names = settings.modules.as_deref();
    let known: Vec<&str> = modules.iter().map(|module| module.name()).collect();
    let unknown = names
        .iter()
        .copied()
        .flatten()
        .find(|name| !known.contains(&name.as_str()));
    ensure!(
        unknown.is_none(),
        "watchers.modules: there is no module {:?}; there are {}",
        unknown.map_or("", String::as_str),
        known.join(", ")
    );
    let is_on = |module: &Arc<dyn Module>| match names {
        Some(names) => names.iter().any(|name| name == module.name()),
        None => module.is_on_by_default(),
    };
    Ok(modules
        .into_iter()
        .map(|module| {
            let on = is_on(&module);
            (module, on)
        })
        .collect())
}

/// The port that the server listens on: that of the configuration may be 0.
fn port(start: &Start) -> u16 {
    let first = start.addresses().first().map(SocketAddr::port);
    first.unwrap_or(start.settings().network.port)
}

/// The server, as passed to watchers of ActivityWatch.
fn target(start: &Start, testing: bool) -> Target {
    let settings = start.settings();
    let closed = settings
        .network
        .tls
        .is_some()
        .then(|| "the server uses https, but watchers of ActivityWatch use only http".to_owned());
    let host = match settings.network.host.as_str() {
        "" | "0.0.0.0" | "::" | "localhost" => "127.0.0.1",
        host => host,
    };
    Target {
        host: host.to_owned(),
        port: port(start),
        testing,
        closed,
    }
}

/// Where watchers of ActivityWatch keep their locks.
fn locks_dir() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    Some(cache?.join("activitywatch/client_locks"))
}
