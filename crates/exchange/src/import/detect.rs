//! Where ActivityWatch keeps its data.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Kind, Options, Source};

/// Which conventions for directories count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// XDG directories; Flatpak and Snap as well.
    Linux,
    /// `~/Library/Application Support`.
    MacOs,
    /// `%LOCALAPPDATA%` and `%APPDATA%`.
    Windows,
}

impl Platform {
    /// The one that this program runs on.
    #[must_use]
    pub fn current() -> Platform {
        if cfg!(windows) {
            Platform::Windows
        } else if cfg!(target_os = "macos") {
            Platform::MacOs
        } else {
            Platform::Linux
        }
    }
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Which conventions count.
    pub platform: Platform,
    /// The home directory.
    pub home: PathBuf,
    /// Environment variables that move directories: `XDG_DATA_HOME`, `XDG_CONFIG_HOME`, `LOCALAPPDATA`, `APPDATA`.
    pub environment: Vec<(String, PathBuf)>,
}

impl Places {
    /// Those of this process; `None` without a home directory.
    #[must_use]
    pub fn of_this_process() -> Option<Places> {
        let variable = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let names = ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA", "APPDATA"];
        Some(Places {
            platform: Platform::current(),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty())?,
            environment: names
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), variable(name)?)))
                .collect(),
        })
    }

    fn directory(&self, variable: &str, below_home: &str) -> PathBuf {
        let set = self.environment.iter().find(|(name, _)| name == variable);
        // XDG: relative paths are to be ignored.
        match set.filter(|(_, path)| path.is_absolute() || self.platform == Platform::Windows) {
            Some((_, path)) => path.clone(),
            None => self.home.join(below_home),
        }
    }

    /// The directories that may have a directory `activitywatch`.
    fn roots(&self) -> Vec<PathBuf> {
        match self.platform {
            Platform::Linux => {
                let mut roots = vec![
                    self.directory("XDG_DATA_HOME", ".local/share"),
                    self.directory("XDG_CONFIG_HOME", ".config"),
                ];
                for application in subdirectories(&self.home.join(".var/app")) {
                    roots.extend([application.join("data"), application.join("config")]);
                }
                let snap = self.home.join("snap/activitywatch/current");
                roots.extend([snap.join(".local/share"), snap.join(".config")]);
                roots
            }
            Platform::MacOs => vec![
                self.home.join("Library/Application Support"),
                self.home.join("Library/Preferences"),
            ],
            Platform::Windows => {
                let roots = [
                    self.directory("LOCALAPPDATA", "AppData/Local"),
                    self.directory("APPDATA", "AppData/Roaming"),
                ];
                // The Python libraries name the author's directory like the program's.
                roots
                    .iter()
                    .flat_map(|root| [root.clone(), root.join("activitywatch")])
                    .collect()
            }
        }
    }
}

/// Data of ActivityWatch.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// What it is, if it can be read.
    pub kind: Option<Kind>,
    /// Why it cannot be read.
    pub problem: Option<String>,
    /// Its size in bytes, with that of its write-ahead log.
    pub size: u64,
    /// When it was last changed.
    pub modified: Option<SystemTime>,
    /// How many buckets it has.
    pub buckets: usize,
    /// Whether a server in testing mode wrote it.
    pub testing: bool,
}

/// Looks for databases and settings of ActivityWatch's servers, newest first. Nothing is changed.
///
/// ```
/// use timberline_exchange::import::{Places, Platform, detect};
///
/// let home = tempfile::tempdir()?;
/// let places = Places { platform: Platform::Linux, home: home.path().to_owned(), environment: Vec::new() };
/// assert!(detect(&places).is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn detect(places: &Places) -> Vec<Found> {
    // Several roots may lead to one file.
    let mut paths = BTreeSet::new();
    for root in places.roots() {
        let root = root.join("activitywatch");
        for (directory, is_data) in [
            ("aw-server-rust", is_rust as fn(&str) -> bool),
            ("aw-server", is_python as fn(&str) -> bool),
        ] {
            let files = entries(&root.join(directory))
                .into_iter()
                .filter(|path| path.is_file());
            let files = files.filter(|path| {
                path.file_name()
                    .is_some_and(|name| is_data(&name.to_string_lossy()))
            });
            paths.extend(files.map(|path| fs::canonicalize(&path).unwrap_or(path)));
        }
    }
    let mut found: Vec<Found> = paths.into_iter().filter_map(examine).collect();
    found.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.path.cmp(&b.path)));
    found
}

fn is_rust(name: &str) -> bool {
    name.starts_with("sqlite") && name.ends_with(".db")
}

fn is_python(name: &str) -> bool {
    let is_database = name.starts_with("peewee-sqlite") || name.starts_with("sqlite");
    is_database && name.ends_with(".db") || matches!(name, "settings.json" | "settings-testing.json")
}

fn examine(path: PathBuf) -> Option<Found> {
    let metadata = fs::metadata(&path).ok()?;
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    let log = fs::metadata(PathBuf::from(log)).ok();
    let modified = [Some(&metadata), log.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(|file| file.modified().ok())
        .max();
    let (kind, buckets, problem) = match Source::open(&path, &Options::default()) {
        Ok(source) => (Some(source.kind()), source.buckets().len(), None),
        Err(error) => (None, 0, Some(error.to_string())),
    };
    Some(Found {
        testing: path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().contains("testing")),
        size: metadata.len() + log.map_or(0, |log| log.len()),
        path,
        kind,
        problem,
        modified,
        buckets,
    })
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default()
}

fn subdirectories(directory: &Path) -> Vec<PathBuf> {
    entries(directory)
        .into_iter()
        .filter(|path| path.is_dir())
        .collect()
}
