//! Directories that a start makes, and removes again if it is refused.

use std::path::{Path, PathBuf};

use timberline_disk::FileStorage;

use crate::error::OpenError;
use crate::files::names::open_dir;

/// The directories that were made for a start. Dropped, those of them that are empty are removed again.
#[derive(Default)]
pub(super) struct NewDirs(Vec<PathBuf>);

impl NewDirs {
    /// Opens a directory, making it if it is not there.
    pub(super) fn open(&mut self, path: &Path) -> Result<FileStorage, OpenError> {
        if !path.is_dir() {
            self.0.push(path.to_owned());
        }
        open_dir(path)
    }

    pub(super) fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for NewDirs {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            // Refused if something is in it.
            let _ = std::fs::remove_dir(path);
        }
    }
}
