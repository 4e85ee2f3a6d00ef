//! Which data directory is meant: the one that the server would use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tempfile::TempDir;
use timberline_log::{FileStorage, LogReader, Storage};

use crate::config::{BaseDirs, ConfigError, ConfigFile, Overrides, Settings};

/// They come last in the help.
const HEADING: &str = "Where the data are";

/// The flags of `serve` that say where the data are.
#[derive(Clone, Debug, Args)]
pub(super) struct Place {
    /// Directory of the data [default: as for the server]
    #[arg(long, visible_alias = "data", global = true, value_name = "DIR", help_heading = HEADING)]
    dbpath: Option<PathBuf>,

    /// The data of the test instance
    #[arg(long, global = true, help_heading = HEADING)]
    testing: bool,

    /// Configuration file [default: as for the server]
    #[arg(long, short, global = true, value_name = "FILE", help_heading = HEADING)]
    config: Option<PathBuf>,
}

impl Place {
    /// What a server with these flags would go by.
    pub(super) fn settings(self) -> Result<Settings, ConfigError> {
        Settings::load(self.overrides(), &BaseDirs::from_env())
    }

    /// The same as if there were no configuration file.
    pub(super) fn settings_without_file(self) -> Result<Settings, ConfigError> {
        let (file, dirs) = (ConfigFile::default(), BaseDirs::from_env());
        Settings::decide(file, self.overrides(), &dirs, Path::new(""))
    }

    fn overrides(self) -> Overrides {
        Overrides {
            config: self.config,
            testing: self.testing,
            data_dir: self.dbpath,
            ..Overrides::default()
        }
    }
}

/// The log in a data directory, which must be there and have something in it.
///
/// # Errors
/// When it is not there, is empty, or cannot be read.
pub(super) fn open_log(data_dir: &Path) -> anyhow::Result<LogReader> {
    let reader = timberline_views::read_log(data_dir)?;
    anyhow::ensure!(
        !reader.segments()?.is_empty(),
        "the log in {} is empty: there is no segment in {}",
        data_dir.display(),
        reader.path().display()
    );
    Ok(reader)
}

/// A temporary directory for what a fold cannot keep in memory. What is put there is unlinked at once (see
/// `timberline_views::Replica`), so at most the empty directory is left when this process is killed.
pub(super) struct Scratch {
    storage: Arc<dyn Storage>,
    _dir: TempDir,
}

impl Scratch {
    /// Makes it where `TMPDIR` says.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn new() -> anyhow::Result<Self> {
        let what = "cannot make a temporary directory (TMPDIR names where)";
        let dir = tempfile::Builder::new()
            .prefix("timberline-")
            .tempdir()
            .context(what)?;
        let storage = Arc::new(FileStorage::open(dir.path()).context(what)?);
        Ok(Self { storage, _dir: dir })
    }

    pub(super) fn storage(&self) -> Arc<dyn Storage> {
        self.storage.clone()
    }
}
