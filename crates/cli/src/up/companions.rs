//! Starts the watchers together with a server, and stops them before it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use timberline_disk::Cipher;
use timberline_server::Start;
use timberline_server::watchers::{Command, CommandError, Watcher, Watchers};
use timberline_watchers::clock::{Clock, SystemClock};
use timberline_watchers::desktop::Session;
use timberline_watchers::modules::{Module, builtin};
use timberline_watchers::supervisor::{self, Handle, Places, Supervisor, SupervisorOptions, Target, Which};
use timberline_watchers::{Client, ClientOptions, Server, notify, tray};

use super::desk::Machine;
use super::{desktop, own_server::OwnServer, report};
use crate::config::WatcherSettings;
use crate::server_client;

/// How long sending the last heartbeats may take on shutdown. The server runs in the same process, so it answers.
const LAST_HEARTBEATS: Duration = Duration::from_secs(5);

/// The watchers of this process.
pub(super) struct Companions {
    handle: Handle,
    client: Client,
    supervisor: Mutex<Option<Supervisor>>,
}

impl Companions {
    /// Starts the watchers for a server that is about to serve. `None`: there is nothing to record here.
    ///
    /// # Errors
    /// When the configuration names watchers that do not exist, or the system has no thread for them.
    pub(super) fn start(
        start: &mut Start,
        settings: &WatcherSettings,
        cipher: Option<Arc<Cipher>>,
        testing: bool,
    ) -> anyhow::Result<Option<Arc<dyn Watchers>>> {
        let modules = chosen(builtin(&settings.options), settings.modules.as_deref())?;
        let session = Session::of_this_process();
        if let Some(why) = desktop::missing(&session) {
            tracing::info!("no watcher is started: {why}");
            return Ok(None);
        }
        let dir = start.settings().data_dir.join("watchers");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let client = client(start, &dir, cipher, &clock)?;
        let bus = session.session_bus.clone();
        let options = SupervisorOptions {
            modules,
            places: Places::from_environment(|name| std::env::var_os(name)),
            programs_on: settings.programs.clone(),
            client: client.clone(),
            clock,
            session,
            target: target(start, testing),
            state_dir: dir,
            log_dir: start
                .settings()
                .logging
                .dir
                .as_ref()
                .map(|dir| dir.join("watchers")),
            locks_dir: locks_dir(),
            beside: beside(bus, &client, start, settings),
        };
        let supervisor = Supervisor::start(options).context("cannot start the watchers")?;
        Ok(Some(Arc::new(Self {
            handle: supervisor.handle(),
            client,
            supervisor: Mutex::new(Some(supervisor)),
        })))
    }
}

impl Watchers for Companions {
    fn list(&self) -> Vec<Watcher> {
        self.handle.list().into_iter().map(report::watcher).collect()
    }

    fn command(&self, name: Option<&str>, command: Command) -> Result<(), CommandError> {
        let which = name.map_or(Which::All, Which::One);
        let done = match command {
            Command::Enable => self.handle.enable(which),
            Command::Disable => self.handle.disable(which),
            Command::Pause(until) => self.handle.pause(which, until),
            Command::Resume => self.handle.resume(which),
        };
        done.map_err(|error| match error {
            supervisor::CommandError::Unknown(name) => CommandError::Unknown(name),
            other => CommandError::NotKept(
                std::error::Error::source(&other).map_or_else(|| other.to_string(), ToString::to_string),
            ),
        })
    }

    fn stop(&self) {
        let supervisor = self
            .supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(supervisor) = supervisor else {
            return;
        };
        supervisor.stop();
        let closed = self.client.close(LAST_HEARTBEATS).wait();
        if closed.left > 0 {
            tracing::info!(
                heartbeats = closed.left,
                "some heartbeats wait for the next start"
            );
        }
    }
}

/// The icon in the tray, and notifications.
fn beside(
    bus: Option<String>,
    client: &Client,
    start: &Start,
    settings: &WatcherSettings,
) -> Vec<supervisor::Beside> {
    let machine = Arc::new(Machine {
        dashboard: server_client::own_url(start.settings()),
    });
    let mut beside: Vec<supervisor::Beside> = Vec::new();
    if settings.tray {
        let (bus, machine) = (bus.clone(), Arc::clone(&machine));
        beside.push(Box::new(move |handle| Box::pin(tray::show(bus, handle, machine))));
    }
    if settings.alerts {
        let (bus, client) = (bus.clone(), client.clone());
        beside.push(Box::new(move |_| Box::pin(notify::alerts(bus, client, machine))));
    }
    beside.push(Box::new(move |handle| Box::pin(notify::silence(bus, handle))));
    beside
}

/// The modules, and whether each is on: those that the configuration names, or those that are on by default.
fn chosen(
    modules: Vec<Arc<dyn Module>>,
    names: Option<&[String]>,
) -> anyhow::Result<Vec<(Arc<dyn Module>, bool)>> {
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

/// The client that sends the events, through a queue on disk.
fn client(
    start: &mut Start,
    dir: &Path,
    cipher: Option<Arc<Cipher>>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Client> {
    let secret = start.own_secret().context("cannot make a key for the watchers")?;
    let port = start.addresses().first().map(std::net::SocketAddr::port);
    let server = server_client::own_at(start.settings(), port)?.with_own_key(secret.as_deref());
    // The transport knows where the server is. What this one gives is how long heartbeats are merged.
    let options = ClientOptions::new(
        Server::new("127.0.0.1", port.unwrap_or_default()),
        dir.join("queue"),
    );
    let options = match cipher {
        Some(cipher) => options.encrypted(cipher),
        None => options,
    };
    let opened = Client::with_transport(options, Arc::new(OwnServer(server)), Arc::clone(clock));
    opened.with_context(|| format!("cannot open the queue of the watchers in {}", dir.display()))
}

/// The server, as passed to watchers of ActivityWatch.
fn target(start: &Start, testing: bool) -> Target {
    let settings = start.settings();
    let port = start.addresses().first().map(std::net::SocketAddr::port);
    let closed = settings
        .network
        .tls
        .is_some()
        .then(|| "the server speaks https only, and programs of ActivityWatch speak http".to_owned());
    let host = match settings.network.host.as_str() {
        "" | "0.0.0.0" | "::" | "localhost" => "127.0.0.1",
        host => host,
    };
    Target {
        host: host.to_owned(),
        port: port.unwrap_or(settings.network.port),
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
