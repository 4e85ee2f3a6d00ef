//! Small files that are written atomically, and that only their owner may read.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::os::{self, modes};
use crate::random::random;

/// Makes a directory and those above it. Only the owner may look into them: they hold somebody's history.
///
/// # Errors
/// If one of them cannot be made.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    modes::private_dir(&mut builder).create(dir)?;
    // If the name cannot be made durable, a power cut at worst takes the new directory away.
    let _ = dir.parent().map(sync_dir);
    Ok(())
}

/// Writes a file that only its owner may read, replacing one of that name. Durable on return. A crash leaves the old
/// bytes or the new ones, never a mixture; it may leave a file `NAME.tmp` behind.
///
/// # Errors
/// If it cannot be written. Then the old file is still there.
pub fn write_atomically(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unnamed = dir.join(format!("{name}.tmp"));
    write_unnamed(
        &unnamed,
        OpenOptions::new().create(true).truncate(true),
        bytes,
        || fs::rename(&unnamed, dir.join(name)),
    )?;
    sync_dir(dir)
}

/// Like [`write_atomically`], but never replaces a file. Of several callers at the same time one succeeds.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if there is a file of that name; or if it cannot be written.
pub(crate) fn create_atomically(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let number = u64::from_le_bytes(random()?);
    let (path, unnamed) = (dir.join(name), dir.join(format!("{name}.{number:016x}.tmp")));
    write_unnamed(&unnamed, OpenOptions::new().create_new(true), bytes, || {
        match fs::hard_link(&unnamed, &path) {
            Ok(()) => fs::remove_file(&unnamed),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
            Err(_) if path.try_exists()? => Err(ErrorKind::AlreadyExists.into()),
            // This file system has no links: another process that creates the same file right now may lose.
            Err(_) => fs::rename(&unnamed, &path),
        }
    })?;
    sync_dir(dir)
}

/// Writes and syncs a file, then gives it its name. If that fails, the file is removed.
fn write_unnamed(
    unnamed: &Path,
    options: &mut OpenOptions,
    bytes: &[u8],
    give_name: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    modes::private_file(options);
    let write = || {
        let mut file = options.write(true).open(unnamed)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        give_name()
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(unnamed);
    })
}

/// Makes the names in a directory durable.
///
/// # Errors
/// If the disk refuses.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    // The parent of a relative path with one component is empty.
    let here = dir.as_os_str().is_empty();
    os::sync_dir(if here { Path::new(".") } else { dir })
}
