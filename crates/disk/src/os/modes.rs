//! Who may read a file. All data are for their owner alone: they are somebody's history.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io;
use std::path::Path;

pub use super::system::hide_new_files;

/// The mode of a file that only its owner may use.
pub const PRIVATE_FILE: u32 = 0o600;
/// The mode of a directory that only its owner may use.
pub const PRIVATE_DIR: u32 = 0o700;
/// What anybody but the owner may do.
pub(super) const OTHERS: u32 = 0o077;
/// Everybody may make files in a directory with this bit, such as `/tmp`.
const STICKY: u32 = 0o1000;

/// A file that is created with these options is for its owner alone.
pub fn private_file(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, PRIVATE_FILE);
    options
}

/// A directory that is created with this builder is for its owner alone.
pub fn private_dir(builder: &mut DirBuilder) -> &mut DirBuilder {
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(builder, PRIVATE_DIR);
    builder
}

/// Takes a file from everybody but its owner.
///
/// # Errors
/// If the system refuses.
pub fn close_file(path: &Path) -> io::Result<()> {
    set(path, PRIVATE_FILE)
}

/// Takes a directory from everybody but its owner.
///
/// # Errors
/// If the system refuses.
pub fn close_dir(path: &Path) -> io::Result<()> {
    set(path, PRIVATE_DIR)
}

/// Lets everybody run a program.
///
/// # Errors
/// If the system refuses.
pub fn make_executable(path: &Path) -> io::Result<()> {
    set(path, 0o755)
}

#[cfg(unix)]
fn set(path: &Path, mode: u32) -> io::Result<()> {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, permissions)
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn set(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Who may do what with a file. Shown in octal, as `chmod` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    bits: u32,
    owner: u32,
}

impl Mode {
    /// A file's mode; `None` on a system without modes.
    #[must_use]
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Option<Mode> {
        use std::os::unix::fs::MetadataExt;
        Some(Mode {
            bits: metadata.mode() & 0o7777,
            owner: metadata.uid(),
        })
    }

    /// A file's mode; `None` on a system without modes.
    #[must_use]
    #[cfg(not(unix))]
    pub fn of(_metadata: &Metadata) -> Option<Mode> {
        None
    }

    /// Whether anybody but the owner may do anything with it.
    #[must_use]
    pub fn is_open(self) -> bool {
        self.bits & OTHERS != 0
    }

    /// Whether everybody may make files in it, as in `/tmp`.
    #[must_use]
    pub fn is_shared_dir(self) -> bool {
        self.bits & STICKY != 0
    }

    /// The number of the user who owns it.
    #[must_use]
    pub fn owner(self) -> u32 {
        self.owner
    }

    /// Whether it belongs to the user of this process. True where that is not known.
    #[must_use]
    pub fn is_own(self) -> bool {
        super::system::user().is_none_or(|user| user == self.owner)
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:o}", self.bits)
    }
}
