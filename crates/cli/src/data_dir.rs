//! Which data directory is meant: the one that the server would use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tempfile::TempDir;
use timberline_disk::{Cipher, EncryptedStorage, FileStorage, Storage};
use timberline_log::LogReader;
use timberline_views::{OpenError, OpenReport, Snapshot};

use crate::config::{BaseDirs, Config, ConfigError, ConfigFile, Encryption, Overrides};
use crate::passphrase;

/// They come last in the help.
const HEADING: &str = "Location of the data";

/// The flags of `serve` that say where the data are.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataDirArgs {
    /// Directory of the data [default: as for the server]
    #[arg(long, visible_alias = "data", global = true, value_name = "DIR", help_heading = HEADING)]
    dbpath: Option<PathBuf>,

    /// The data of the test instance
    #[arg(long, global = true, help_heading = HEADING)]
    testing: bool,

    /// Configuration file [default: as for the server]
    #[arg(long, short, global = true, value_name = "FILE", help_heading = HEADING)]
    config: Option<PathBuf>,

    /// File with the passphrase of encrypted data [default: $TIMBERLINE_PASSPHRASE, or it is asked for]
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    passphrase_file: Option<PathBuf>,
}

impl DataDirArgs {
    /// What a server with these flags would go by.
    pub(crate) fn config(self) -> Result<Config, ConfigError> {
        Config::load(self.overrides(), &BaseDirs::from_env())
    }

    /// The configuration file that was named.
    pub(crate) fn config_file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The same as if there were no configuration file.
    pub(crate) fn config_without_file(self) -> Result<Config, ConfigError> {
        let (file, dirs) = (ConfigFile::default(), BaseDirs::from_env());
        Config::decide(file, self.overrides(), &dirs, Path::new(""))
    }

    fn overrides(self) -> Overrides {
        Overrides {
            config: self.config,
            testing: self.testing,
            data_dir: self.dbpath,
            passphrase_file: self.passphrase_file,
            ..Overrides::default()
        }
    }
}

/// A data directory with the key of its files: what a command needs to read it.
pub(crate) struct OpenDataDir {
    path: PathBuf,
    cipher: Option<Arc<Cipher>>,
}

impl OpenDataDir {
    /// That of the settings. If it is encrypted, this is where the passphrase is asked for.
    ///
    /// # Errors
    /// If it is encrypted and there is no passphrase, or a wrong one.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        Self::open_at(&config.server.data_dir, &config.encryption)
    }

    /// The same for another directory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn open_at(path: &Path, encryption: &Encryption) -> anyhow::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            cipher: passphrase::unlock(path, encryption)?,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it is encrypted with.
    pub(crate) fn cipher(&self) -> Option<&Arc<Cipher>> {
        self.cipher.as_ref()
    }

    /// Its log, which must be there and have something in it.
    ///
    /// # Errors
    /// When it is not there, is empty, or cannot be read.
    pub(crate) fn log(&self) -> anyhow::Result<LogReader> {
        let reader = timberline_views::tools::read_log(&self.path, self.cipher())?;
        anyhow::ensure!(
            !reader.segments()?.is_empty(),
            "the log in {} is empty: there is no segment in {}",
            self.path.display(),
            reader.path().display()
        );
        Ok(reader)
    }

    /// What it holds as of now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read(&self, scratch: &Scratch) -> Result<(Snapshot, OpenReport), OpenError> {
        timberline_views::tools::read_only(&self.path, self.cipher(), scratch.storage())
    }

    /// The same with a reader of its log, see [`timberline_views::tools::read_only_with`].
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read_with(
        &self,
        log: &LogReader,
        scratch: &Scratch,
    ) -> Result<(Snapshot, OpenReport), OpenError> {
        timberline_views::tools::read_only_with(&self.path, log, self.cipher(), scratch.storage())
    }

    /// A temporary directory for a fold of it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn scratch(&self) -> anyhow::Result<Scratch> {
        Scratch::new(self.cipher.is_some())
    }
}

/// A temporary directory for what a fold cannot keep in memory. What is put there is unlinked at once (see
/// `timberline_views::tools::Replica`), so at most the empty directory is left when this process is killed. Of data that are
/// encrypted it is encrypted too, with a key that only this process ever had.
pub(crate) struct Scratch {
    storage: Arc<dyn Storage>,
    _dir: TempDir,
}

impl Scratch {
    /// Makes it where `TMPDIR` says.
    fn new(encrypted: bool) -> anyhow::Result<Self> {
        let what = "cannot make a temporary directory (TMPDIR names where)";
        let dir = tempfile::Builder::new()
            .prefix("timberline-")
            .tempdir()
            .context(what)?;
        let mut storage: Arc<dyn Storage> = Arc::new(FileStorage::open(dir.path()).context(what)?);
        if encrypted {
            storage = Arc::new(EncryptedStorage::new(storage, Arc::new(Cipher::ephemeral()?)));
        }
        Ok(Self { storage, _dir: dir })
    }

    pub(crate) fn storage(&self) -> Arc<dyn Storage> {
        self.storage.clone()
    }
}
