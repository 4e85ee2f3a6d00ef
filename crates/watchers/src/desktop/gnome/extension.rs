//! Our extension of GNOME Shell: installing and uninstalling it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment;

/// What GNOME knows the extension by.
pub const UUID: &str = "window@timberline.local";

/// The part that all versions have in common, and the parts that differ: how an extension is loaded.
const WINDOW: &str = include_str!("../../../gnome-extension/window.js");
const SINCE_45: &str = include_str!("../../../gnome-extension/shell-45.js");
const SINCE_43: &str = include_str!("../../../gnome-extension/shell-43.js");

/// GNOME Shell 45 loads extensions in another way than those before it.
const FIRST_WITH_MODULES: u32 = 45;
const OLDEST: u32 = 43;

/// The version of a GNOME Shell, such as 43 or 49.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShellVersion(pub u32);

impl ShellVersion {
    /// The one that is installed on this machine. `None`: there is none.
    #[must_use]
    pub fn installed() -> Option<ShellVersion> {
        let mut asked = Command::new("gnome-shell");
        environment::withhold(asked.arg("--version"));
        let said = asked.output().ok()?;
        ShellVersion::parse(&String::from_utf8_lossy(&said.stdout))
    }

    /// Reads a text such as `GNOME Shell 43.9`.
    fn parse(text: &str) -> Option<ShellVersion> {
        let number = text.trim().rsplit(' ').next()?;
        let major = number.split('.').next()?;
        major.parse().ok().map(ShellVersion)
    }
}

/// Why the extension was not installed or uninstalled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The extension needs a newer GNOME Shell.
    #[error("the extension needs GNOME Shell {OLDEST} or newer, and this is {0}")]
    TooOld(u32),
    /// A file or folder cannot be written or removed.
    #[error("{path} cannot be changed: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Installs the extension for this version of GNOME Shell, and returns its directory. GNOME Shell looks there when
/// the person logs in.
///
/// # Errors
/// If that GNOME Shell is too old, or the files cannot be written.
pub fn install(home: &Path, shell: ShellVersion) -> Result<PathBuf, InstallError> {
    if shell.0 < OLDEST {
        return Err(InstallError::TooOld(shell.0));
    }
    let folder = folder(home);
    write(&folder, "", |path| fs::create_dir_all(path))?;
    write(&folder, "metadata.json", |path| fs::write(path, metadata(shell)))?;
    write(&folder, "extension.js", |path| fs::write(path, program(shell)))?;
    Ok(folder)
}

/// Uninstalls it. It is no error if it was not installed.
///
/// # Errors
/// If the files cannot be removed.
pub fn uninstall(home: &Path) -> Result<(), InstallError> {
    write(&folder(home), "", |path| match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    })
}

fn folder(home: &Path) -> PathBuf {
    home.join(".local/share/gnome-shell/extensions").join(UUID)
}

fn write(folder: &Path, name: &str, how: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), InstallError> {
    let path = folder.join(name);
    how(&path).map_err(|source| InstallError::File { path, source })
}

fn program(shell: ShellVersion) -> String {
    let loading = if shell.0 < FIRST_WITH_MODULES {
        SINCE_43
    } else {
        SINCE_45
    };
    format!("{loading}\n{WINDOW}")
}

/// This version, and all others that load extensions in the same way, so that an update of GNOME needs no other files.
fn metadata(shell: ShellVersion) -> String {
    let alike = if shell.0 < FIRST_WITH_MODULES {
        OLDEST..FIRST_WITH_MODULES
    } else {
        FIRST_WITH_MODULES..shell.0.saturating_add(10)
    };
    let versions: Vec<String> = alike.map(|version| version.to_string()).collect();
    let metadata = serde_json::json!({
        "uuid": UUID,
        "name": "Timberline",
        "description": "Reports the window in front to Timberline, a program on this machine.",
        "shell-version": versions,
        "version": 1,
    });
    format!("{metadata:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_gnome_shell_prints() {
        assert_eq!(ShellVersion::parse("GNOME Shell 43.9\n"), Some(ShellVersion(43)));
        assert_eq!(ShellVersion::parse("GNOME Shell 51.beta"), Some(ShellVersion(51)));
        assert_eq!(ShellVersion::parse(""), None);
    }

    #[test]
    fn the_files_are_those_of_the_version_and_go_away_again() {
        let home = tempfile::tempdir().unwrap();
        for (version, modules) in [(43, false), (44, false), (45, true), (51, true)] {
            let folder = install(home.path(), ShellVersion(version)).unwrap();
            assert!(folder.ends_with(UUID));
            let program = fs::read_to_string(folder.join("extension.js")).unwrap();
            assert_eq!(program.contains("export default"), modules, "{version}");
            assert_eq!(program.contains("imports.gi"), !modules, "{version}");
            let metadata = fs::read(folder.join("metadata.json")).unwrap();
            let metadata: serde_json::Value = serde_json::from_slice(&metadata).unwrap();
            let versions = metadata["shell-version"].as_array().unwrap();
            assert!(
                versions.contains(&version.to_string().into()),
                "{version}: {versions:?}"
            );
            assert_eq!(versions.contains(&"44".into()), !modules);
        }
        uninstall(home.path()).unwrap();
        assert!(!folder(home.path()).exists());
        uninstall(home.path()).unwrap();
    }

    #[test]
    fn a_shell_that_is_too_old_gets_nothing() {
        let home = tempfile::tempdir().unwrap();
        let error = install(home.path(), ShellVersion(42)).unwrap_err();
        assert!(matches!(error, InstallError::TooOld(42)));
        assert!(!folder(home.path()).exists());
    }
}
