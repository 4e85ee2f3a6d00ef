//! The programs that aw-qt and aw-tauri were to start: somebody who comes from them keeps these.
//!
//! Neither list is complete without its file, which both programs write when they start for the first time. A file that cannot be
//! read names no programs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

const AW_QT: &str = "aw-qt";
const AW_TAURI: &str = "aw-tauri";

/// What both programs were told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Autostart {
    /// The programs that they start, by name, with who starts them.
    pub(in crate::supervisor) started_by: BTreeMap<String, &'static str>,
    /// The arguments that aw-tauri passes, by name.
    pub(in crate::supervisor) arguments: BTreeMap<String, Vec<String>>,
    /// Where aw-tauri looks for programs, if its file says so.
    pub(super) directories: Vec<PathBuf>,
}

/// `aw-qt/aw-qt.toml`. It can have sections of other profiles.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct QtFile {
    aw_qt: QtPart,
    aw_qt_testing: QtPart,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct QtPart {
    autostart_modules: Vec<String>,
}

/// `aw-tauri/config.toml`, as far as it matters here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TauriFile {
    discovery_paths: Vec<PathBuf>,
    autostart: TauriPart,
    module_args: BTreeMap<String, String>,
}

/// Its key `enabled` is about aw-tauri itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TauriPart {
    modules: Vec<TauriModule>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TauriModule {
    Name(String),
    Table {
        name: String,
        #[serde(default)]
        args: String,
    },
}

impl Autostart {
    /// Reads their files. `testing`: the list of aw-qt in testing mode.
    pub fn from_environment(get: impl Fn(&str) -> Option<OsString>, testing: bool) -> Autostart {
        let directory = |name: &str| get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let config = directory("XDG_CONFIG_HOME").or_else(|| Some(directory("HOME")?.join(".config")));
        let Some(config) = config.map(|config| config.join("activitywatch")) else {
            return Autostart::default();
        };
        let mut autostart = Autostart::default();
        autostart.add_tauri(read(&config.join("aw-tauri/config.toml")));
        let QtFile { aw_qt, aw_qt_testing } = read(&config.join("aw-qt/aw-qt.toml"));
        let qt = if testing { aw_qt_testing } else { aw_qt };
        for name in qt.autostart_modules {
            autostart.started_by.insert(name, AW_QT);
        }
        autostart
    }

    fn add_tauri(&mut self, file: TauriFile) {
        self.directories = file.discovery_paths;
        let mut arguments = file.module_args;
        for module in file.autostart.modules {
            let (name, args) = match module {
                TauriModule::Name(name) => (name, String::new()),
                TauriModule::Table { name, args } => (name, args),
            };
            if !args.is_empty() {
                arguments.insert(name.clone(), args);
            }
            self.started_by.insert(name, AW_TAURI);
        }
        for (name, text) in arguments {
            match shlex::split(&text) {
                Some(words) => drop(self.arguments.insert(name, without_server(words))),
                None => tracing::warn!(
                    program = name,
                    arguments = text,
                    "a quotation mark is missing in the arguments that aw-tauri's configuration has: they are not passed"
                ),
            }
        }
    }
}

/// The arguments without those that say where the server is: Timberline says that itself.
fn without_server(words: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.split_once('=').map_or(word.as_str(), |(flag, _)| flag) {
            "--testing" => {}
            "--port" | "--host" if word.contains('=') => {}
            "--port" | "--host" => drop(words.next()),
            _ => kept.push(word),
        }
    }
    kept
}

fn read<T: Default + DeserializeOwned>(path: &Path) -> T {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!(%error, file = %path.display(), "the list of programs cannot be read");
            }
            return T::default();
        }
    };
    toml::from_str(&text).unwrap_or_else(|error| {
        tracing::warn!(%error, file = %path.display(), "the list of programs cannot be read");
        T::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)], testing: bool) -> Autostart {
        let home = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            let path = home.path().join(".config/activitywatch").join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        Autostart::from_environment(|name| (name == "HOME").then(|| home.path().into()), testing)
    }

    fn names(autostart: &Autostart) -> Vec<(&str, &str)> {
        let names = autostart.started_by.iter();
        names.map(|(name, by)| (name.as_str(), *by)).collect()
    }

    #[test]
    fn the_lists_of_both_programs_are_read() {
        let qt = r#"
            [aw-qt]
            autostart_modules = ["aw-server", "aw-watcher-afk", "aw-watcher-spotify"]
            [aw-qt-testing]
            autostart_modules = ["aw-watcher-test"]
            [aw-qt-work]
            autostart_modules = ["aw-watcher-work"]
        "#;
        let tauri = r#"
            port = 5600
            discovery_paths = ["/srv/modules"]
            [autostart]
            enabled = false
            minimized = true
            modules = ["aw-watcher-input", { name = "aw-sync", args = "daemon" }, { name = "aw-watcher-x" }]
            [module_args]
            "aw-watcher-input" = "--port 5600 --poll 'every minute' --host=localhost -v"
            "aw-watcher-broken" = "'"
        "#;
        let both = [("aw-qt/aw-qt.toml", qt), ("aw-tauri/config.toml", tauri)];
        let autostart = of(&both, false);
        assert_eq!(
            names(&autostart),
            [
                ("aw-server", "aw-qt"),
                ("aw-sync", "aw-tauri"),
                ("aw-watcher-afk", "aw-qt"),
                ("aw-watcher-input", "aw-tauri"),
                ("aw-watcher-spotify", "aw-qt"),
                ("aw-watcher-x", "aw-tauri"),
            ]
        );
        assert_eq!(autostart.directories, [PathBuf::from("/srv/modules")]);
        assert_eq!(autostart.arguments["aw-sync"], ["daemon"]);
        assert_eq!(
            autostart.arguments["aw-watcher-input"],
            ["--poll", "every minute", "-v"]
        );
        assert!(!autostart.arguments.contains_key("aw-watcher-broken"));
        assert_eq!(names(&of(&both[..1], true)), [("aw-watcher-test", "aw-qt")]);
    }

    #[test]
    fn without_files_and_with_broken_ones_there_are_no_programs() {
        assert_eq!(of(&[], false), Autostart::default());
        let broken = [
            ("aw-qt/aw-qt.toml", "[aw-qt"),
            ("aw-tauri/config.toml", "autostart = 1"),
        ];
        assert_eq!(of(&broken, false), Autostart::default());
        assert_eq!(Autostart::from_environment(|_| None, false), Autostart::default());
    }
}
