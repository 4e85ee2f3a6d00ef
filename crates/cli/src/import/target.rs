//! Where an import goes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use timberline_server::identity::Identity;
use timberline_server::merge::{OwnStore, Prepared};
use timberline_server::settings::{ApiKey, Settings};
use timberline_views::Snapshot;

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::history::History;
use crate::passphrase;
use crate::server_client::ServerClient;

/// How long a server may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where an import goes.
pub(super) enum Target {
    /// A store that this process has opened.
    Own(Box<OwnStore>),
    /// A server.
    Server(ServerClient),
    /// Nowhere: what is here is only compared with.
    Dry(Box<Dry>),
}

/// What a dry run compares with.
pub(super) struct Dry {
    /// `None` if there are no data yet.
    history: Option<History>,
    empty: Snapshot,
    data_dir: PathBuf,
}

impl Dry {
    fn open(config: &Config) -> anyhow::Result<Dry> {
        let data_dir = config.server.data_dir.clone();
        let history = if data_dir.join("log").exists() {
            Some(History::open(&DataDir::open(config)?)?)
        } else {
            None
        };
        Ok(Dry {
            history,
            empty: Snapshot::default(),
            data_dir,
        })
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        self.history
            .as_ref()
            .map_or(&self.empty, |history| &history.snapshot)
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }
}

impl Target {
    /// The server that is named, or the one that runs on the data directory, or the data directory.
    ///
    /// # Errors
    /// When the data cannot be opened.
    pub(super) fn find(config: Config, server: Option<ServerClient>, dry: bool) -> anyhow::Result<Target> {
        if let Some(peer) = server {
            return Ok(Target::Server(peer));
        }
        if dry {
            return Ok(Target::Dry(Box::new(Dry::open(&config)?)));
        }
        if let Some(peer) = running(&config.server) {
            eprintln!("timberline: a server runs on these data: importing through {peer}");
            return Ok(Target::Server(peer));
        }
        let prepared = Prepared::new(config.server.clone())?;
        let key = passphrase::unlock_or_create(&config.server.data_dir, &config.encryption)?;
        let (store, report) = prepared.open(key.cipher()).context(
            "cannot open the data. If a server runs on them at another address, name it with --server URL",
        )?;
        key.keep();
        for damage in &report.damage {
            eprintln!("timberline: {damage}");
        }
        Ok(Target::Own(Box::new(store)))
    }

    /// Completes the store.
    ///
    /// # Errors
    /// When that is not possible.
    pub(super) fn close(self) -> anyhow::Result<()> {
        match self {
            Target::Own(store) => Ok(store.close()?),
            Target::Server(_) | Target::Dry(_) => Ok(()),
        }
    }
}

/// The server at the configured address, if it is the one of this data directory.
fn running(settings: &Settings) -> Option<ServerClient> {
    if !settings.data_dir.exists() {
        return None;
    }
    let ours = Identity::find(settings).ok()?.device_id;
    let host = match settings.network.host.as_str() {
        "0.0.0.0" | "" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let peer = ServerClient::parse(&format!("http://{host}:{}", settings.network.port)).ok()?;
    let key = settings.auth.api_key.as_ref();
    let peer = peer.with_key(key.map(ApiKey::secret));
    let mut answer = peer.get("/info", Some(PATIENCE)).ok()?;
    let info: serde_json::Value = serde_json::from_reader(answer.body_mut().as_reader()).ok()?;
    (info.get("device_id")?.as_str()? == ours).then_some(peer)
}
