//! Files that only their owner may read: they are somebody's history.

use std::fs;
use std::io;
use std::path::Path;

use timberline_disk::DataDir;
use timberline_disk::os::modes::{self, Mode};

/// Depth of a data directory and of a directory of log files.
const DEPTH: usize = 4;

/// Warns if others than the owner can read the file with the key of the certificate. Its mode is the user's business: on some
/// systems a group of its own renews certificates.
pub(crate) fn check_key(file: &Path) {
    let mode = fs::metadata(file).ok().and_then(|metadata| Mode::of(&metadata));
    if let Some(mode) = mode.filter(|mode| mode.is_open()) {
        tracing::warn!(key = %file.display(), %mode, "others can read the key of the certificate: chmod 600 closes it to them");
    }
}

/// Closes an existing directory of ours, and what is in it, to others, or says in the log that it is open. Looks at
/// the directory alone as long as it is closed, because then nobody gets at what is in it.
pub(crate) fn close(dir: &Path) {
    let Ok(metadata) = fs::metadata(dir) else { return };
    let Some(mode) = Mode::of(&metadata).filter(|mode| metadata.is_dir() && mode.is_open()) else {
        return;
    };
    let closed = if !mode.is_own() || mode.is_shared_dir() {
        Err(io::Error::other("it belongs to others too"))
    } else if !is_ours(dir) {
        Err(io::Error::other("other files are in it"))
    } else {
        close_tree(dir, DEPTH)
    };
    match closed {
        Ok(()) => {
            tracing::warn!(dir = %dir.display(), %mode, "others could look into this directory: only its owner can now (0700)")
        }
        Err(error) => tracing::warn!(
            dir = %dir.display(), %mode, %error,
            "OTHERS CAN READ THIS DIRECTORY, and it stays so: give the data a directory of their own, or set its mode to 0700"
        ),
    }
}

/// Whether this is a data directory, or holds only log files, or nothing.
fn is_ours(dir: &Path) -> bool {
    let ends_with = |dir: &Path, end: &str| {
        fs::read_dir(dir).is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(end)))
        })
    };
    let only_log_files = || {
        fs::read_dir(dir).is_ok_and(|mut entries| {
            entries.all(|entry| {
                entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("timberline"))
            })
        })
    };
    ends_with(&dir.join(DataDir::LOG), ".seg") || only_log_files()
}

/// The directory first: from then on nobody gets at the rest.
fn close_tree(dir: &Path, depth: usize) -> io::Result<()> {
    modes::close_dir(dir)?;
    if depth == 0 {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            close_tree(&entry.path(), depth - 1)?;
        } else if kind.is_file() {
            modes::close_file(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn open_dir(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        }
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        dir
    }

    #[test]
    fn an_open_data_directory_is_closed_with_all_that_is_in_it() {
        let dir = open_dir(&["log/1.seg", "device_id"]);
        close(dir.path());
        assert_eq!(mode(dir.path()), 0o700);
        assert_eq!(mode(&dir.path().join("log")), 0o700);
        assert_eq!(mode(&dir.path().join("log/1.seg")), 0o600);
        assert_eq!(mode(&dir.path().join("device_id")), 0o600);
    }

    #[test]
    fn a_directory_of_others_stays_as_it_is() {
        let dir = open_dir(&["thesis.odt"]);
        close(dir.path());
        assert_eq!(mode(dir.path()), 0o755);
        let shared = open_dir(&[]);
        fs::set_permissions(shared.path(), Permissions::from_mode(0o1777)).unwrap();
        close(shared.path());
        assert_eq!(mode(shared.path()), 0o1777);
    }
}
