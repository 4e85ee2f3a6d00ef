//! Finds the programs of others, where aw-qt and aw-tauri look for them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Autostart;

/// A watcher of somebody else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Program {
    /// The name of its file.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Where programs are looked for. If there are several of one name, the first one counts.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Directories whose folders called `aw-*` have programs too.
    pub installations: Vec<PathBuf>,
    /// Directories with programs.
    pub directories: Vec<PathBuf>,
}

/// No watchers: servers, what starts watchers, and tools.
const NO_WATCHERS: [&str; 10] = [
    "aw-cli",
    "aw-client",
    "aw-notify",
    "aw-notify-rs",
    "aw-qt",
    "aw-server",
    "aw-server-rust",
    "aw-sync",
    "aw-tauri",
    "aw-webui",
];
/// Files that describe programs.
const NO_PROGRAMS: [&str; 2] = ["desktop", "spec"];
/// Folders in folders are looked into up to this depth: links may lead in a circle.
const DEPTH: usize = 5;

impl Places {
    /// The places of aw-qt (beside it, and `PATH`) and of aw-tauri (those of its file, and its usual ones).
    pub fn from_environment(get: impl Fn(&str) -> Option<OsString>, autostart: &Autostart) -> Places {
        let directory = |name: &str| get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = directory("HOME");
        let in_home = |rest: &str| home.as_ref().map(|home| home.join(rest));
        let data = directory("XDG_DATA_HOME").or_else(|| in_home(".local/share"));
        let path: Vec<PathBuf> = get("PATH")
            .map(|path| std::env::split_paths(&path).collect())
            .unwrap_or_default();
        let beside = path.iter().filter_map(|dir| {
            let real = fs::canonicalize(dir.join("aw-qt")).ok()?;
            real.parent().map(Path::to_path_buf)
        });
        let usual = ["/opt/activitywatch", "/usr/lib/activitywatch"].map(PathBuf::from);
        let of_tauri = [
            in_home("bin"),
            in_home(".local/bin"),
            data.map(|data| data.join("activitywatch/aw-tauri/modules")),
            in_home("aw-modules"),
        ];
        Places {
            installations: beside
                .chain(usual)
                .chain(autostart.directories.iter().cloned())
                .chain(of_tauri.into_iter().flatten())
                .collect(),
            directories: path.clone(),
        }
    }

    /// The programs that are there, by name.
    #[must_use]
    pub fn find(&self) -> Vec<Program> {
        let mut found = BTreeMap::new();
        for dir in &self.installations {
            look_into(dir, DEPTH, &mut found);
        }
        for dir in &self.directories {
            look_into(dir, 0, &mut found);
        }
        found
            .into_iter()
            .map(|(name, path)| Program { name, path })
            .collect()
    }
}

/// Adds the programs of a directory, and of its folders called `aw-*` down to this depth. Those in folders further up come first.
fn look_into(dir: &Path, depth: usize, found: &mut BTreeMap<String, PathBuf>) {
    let mut level = vec![dir.to_path_buf()];
    for _ in 0..=depth {
        let mut folders = Vec::new();
        for dir in level {
            look_at(&dir, found, &mut folders);
        }
        folders.sort();
        level = folders;
    }
}

/// Adds the programs of a directory, and its folders called `aw-*`.
fn look_at(dir: &Path, found: &mut BTreeMap<String, PathBuf>, folders: &mut Vec<PathBuf>) {
    // A directory that is not there has none.
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !name.starts_with("aw-") {
            continue;
        }
        let path = entry.path();
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        if metadata.is_dir() {
            folders.push(path);
        } else if metadata.permissions().mode() & 0o111 != 0 && is_watcher(&name) {
            found.entry(name).or_insert(path);
        }
    }
}

/// Whether a program called `aw-*` is a watcher.
pub(in crate::supervisor) fn is_watcher(name: &str) -> bool {
    let extension = Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str());
    !NO_WATCHERS.contains(&name) && !extension.is_some_and(|extension| NO_PROGRAMS.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: PathBuf, mode: u32) {
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, "#!/bin/sh\n").expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }

    #[test]
    fn programs_are_found_where_the_references_look() {
        let home = tempfile::tempdir().expect("a directory");
        let at = |path: &str| home.path().join(path);
        for path in [
            "aw/aw-qt",
            "aw/aw-server/aw-server",
            "aw/aw-watcher-afk/aw-watcher-afk",
            "aw/aw-watcher-afk/inner/aw-watcher-hidden",
            "aw/aw-qt.desktop",
            ".local/bin/aw-watcher-spotify",
            ".local/bin/aw-watcher-afk",
            ".local/bin/awatcher",
            "share/activitywatch/aw-tauri/modules/aw-watcher-tauri",
            "modules/aw-watcher-x/aw-watcher-x",
            "path/aw-watcher-spotify",
            "path/folder/aw-watcher-deep",
        ] {
            file(at(path), 0o755);
        }
        file(at("path/aw-watcher-text"), 0o644);
        fs::create_dir_all(at("path")).expect("a directory");
        std::os::unix::fs::symlink(at("aw/aw-qt"), at("path/aw-qt")).expect("a link");
        // A circle.
        std::os::unix::fs::symlink(at("aw"), at("aw/aw-circle")).expect("a link");
        let autostart = Autostart {
            directories: vec![at("modules")],
            ..Autostart::default()
        };
        let variable = |name: &str| match name {
            "HOME" => Some(home.path().into()),
            "XDG_DATA_HOME" => Some(at("share").into()),
            "PATH" => Some(at("path").into()),
            _ => None,
        };
        let places = Places::from_environment(variable, &autostart);
        let found = places.find();
        let found: Vec<(&str, &Path)> = found
            .iter()
            .map(|program| (program.name.as_str(), program.path.as_path()))
            .collect();
        let real = fs::canonicalize(home.path()).expect("a path");
        assert_eq!(
            found,
            [
                (
                    "aw-watcher-afk",
                    real.join("aw/aw-watcher-afk/aw-watcher-afk").as_path()
                ),
                (
                    "aw-watcher-spotify",
                    at(".local/bin/aw-watcher-spotify").as_path()
                ),
                (
                    "aw-watcher-tauri",
                    at("share/activitywatch/aw-tauri/modules/aw-watcher-tauri").as_path()
                ),
                ("aw-watcher-x", at("modules/aw-watcher-x/aw-watcher-x").as_path()),
            ]
        );
    }
}
