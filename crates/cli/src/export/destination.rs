//! Where an export is written. A file or directory appears under its name when it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::output::OutputError;

/// A file or directory, or a stream.
pub(crate) enum Destination {
    /// Made in a directory beside the name that it gets at the end; only its owner can read it.
    Named {
        /// The directory.
        scratch: TempDir,
        /// What is made in it.
        made: PathBuf,
        /// The name.
        path: PathBuf,
        /// Whether it takes the place of what has this name.
        force: bool,
    },
    /// A device or a pipe, or standard output: nothing can take its place.
    Stream(Option<PathBuf>),
}

impl Destination {
    /// The file or directory of this name, or standard output if there is none.
    ///
    /// # Errors
    /// When it is there already and `force` is not set, or nothing can be made beside it.
    pub(crate) fn open(path: Option<PathBuf>, force: bool) -> anyhow::Result<Destination> {
        let Some(path) = path else {
            return Ok(Destination::Stream(None));
        };
        // A link is followed: `/dev/stdout` is one.
        if fs::metadata(&path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            return Ok(Destination::Stream(Some(path)));
        }
        ensure!(
            force || !path.exists() || is_empty_directory(&path),
            "{} is there already; --force replaces a file",
            path.display()
        );
        let scratch = tempfile::Builder::new()
            .prefix(".timberline-export-")
            .tempdir_in(directory_of(&path))
            .with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Destination::Named {
            made: scratch.path().join("export"),
            scratch,
            path,
            force,
        })
    }

    /// Why it cannot be written to.
    pub(crate) fn cannot_write(&self, error: io::Error) -> anyhow::Error {
        match self {
            Destination::Stream(None) => OutputError::from(error).into(),
            Destination::Named { path, .. } | Destination::Stream(Some(path)) => {
                anyhow::Error::new(error).context(format!("cannot write {}", path.display()))
            }
        }
    }

    /// A writer, for formats that are written from beginning to end.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(crate) fn writer(&self) -> anyhow::Result<Box<dyn Write + Send>> {
        Ok(match self {
            Destination::Named { made, path, .. } => {
                let mut options = OpenOptions::new();
                // An attempt before this one may have begun it.
                options.write(true).create(true).truncate(true).mode(0o600);
                let file = options.open(made);
                let file = file.with_context(|| format!("cannot create {}", path.display()))?;
                Box::new(BufWriter::with_capacity(1 << 18, file))
            }
            Destination::Stream(path) => {
                Box::new(BufWriter::with_capacity(1 << 16, stream(path.as_deref())?))
            }
        })
    }

    /// Has `write` make a file or directory, for formats that need its path.
    ///
    /// # Errors
    /// Those of `write`; and when it cannot be copied to a stream.
    pub(crate) fn by_path<T>(&self, write: impl FnOnce(&Path) -> anyhow::Result<T>) -> anyhow::Result<T> {
        match self {
            Destination::Named { made, .. } => write(made),
            Destination::Stream(to) => {
                let scratch =
                    TempDir::new().context("cannot make a temporary directory (TMPDIR names where)")?;
                let path = scratch.path().join("export");
                let value = write(&path)?;
                let mut file = File::open(&path).context("cannot read the export")?;
                io::copy(&mut file, &mut stream(to.as_deref())?).context("cannot write the export")?;
                Ok(value)
            }
        }
    }

    /// Gives what was made its name.
    ///
    /// # Errors
    /// When it cannot be synced, or the name was taken meanwhile.
    pub(crate) fn complete(self) -> anyhow::Result<()> {
        let Destination::Named {
            scratch,
            made,
            path,
            force,
        } = self
        else {
            return Ok(());
        };
        let failed = || format!("cannot complete {}", path.display());
        File::open(&made)
            .and_then(|file| file.sync_all())
            .with_context(failed)?;
        rename(&made, &path, force).with_context(failed)?;
        drop(scratch);
        Ok(())
    }
}

fn stream(path: Option<&Path>) -> anyhow::Result<Box<dyn Write + Send>> {
    let Some(path) = path else {
        return Ok(Box::new(io::stdout()));
    };
    let file = OpenOptions::new().write(true).open(path);
    Ok(Box::new(
        file.with_context(|| format!("cannot open {}", path.display()))?,
    ))
}

/// Gives a file or directory its name. Only with `force` it takes the place of a file.
fn rename(made: &Path, path: &Path, force: bool) -> io::Result<()> {
    // A directory takes the place of an empty directory, and of nothing else.
    if force || made.is_dir() {
        return fs::rename(made, path);
    }
    match fs::hard_link(made, path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // The file system has no links.
        Err(_) if !path.exists() => fs::rename(made, path),
        Err(error) => Err(error),
    }
}

fn is_empty_directory(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
