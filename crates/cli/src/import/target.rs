//! Where an import goes, and fake data.

use std::path::{Path, PathBuf};

use anyhow::Context;
use timberline_server::merge::{OwnStore, Prepared};
use timberline_views::Snapshot;

use crate::config::Config;
use crate::data_dir::OpenDataDir;
use crate::history::History;
use crate::passphrase;
use crate::server_client::{self, ServerClient};

/// Where an import goes.
pub(crate) enum Target {
    /// A store that this process has opened.
    Own(Box<OwnStore>),
    /// A server.
    Server(ServerClient),
    /// Nowhere: what is here is only compared with.
    Dry(Box<Dry>),
}

/// What a dry run compares with.
pub(crate) struct Dry {
    /// `None` if there are no data yet.
    history: Option<History>,
    empty: Snapshot,
    data_dir: PathBuf,
}

impl Dry {
    fn open(config: &Config) -> anyhow::Result<Dry> {
        let data_dir = config.server.data_dir.clone();
        let history = if data_dir.join("log").exists() {
            Some(History::open(&OpenDataDir::open(config)?)?)
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
    pub(crate) fn find(config: Config, server: Option<ServerClient>, dry: bool) -> anyhow::Result<Target> {
        if let Some(peer) = server {
            return Ok(Target::Server(peer));
        }
        if dry {
            return Ok(Target::Dry(Box::new(Dry::open(&config)?)));
        }
        if let Some(peer) = server_client::running(&config.server) {
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
    pub(crate) fn close(self) -> anyhow::Result<()> {
        match self {
            Target::Own(store) => Ok(store.close()?),
            Target::Server(_) | Target::Dry(_) => Ok(()),
        }
    }
}
