//! Where files belong: the XDG base directories
//! (<https://specifications.freedesktop.org/basedir-spec/latest/>), by hand because they are one
//! rule: the variable if it holds an absolute path, else the usual place under `HOME`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::ConfigError;

/// The three directories we use, each already ending in no application name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BaseDirs {
    home: Option<PathBuf>,
    config: Option<PathBuf>,
    data: Option<PathBuf>,
    state: Option<PathBuf>,
}

impl BaseDirs {
    /// Reads the environment of this process.
    pub(crate) fn from_env() -> Self {
        Self::from(|name| std::env::var_os(name))
    }

    /// Reads the variables through `var`, so that a test need not change the process.
    pub(crate) fn from(var: impl Fn(&str) -> Option<OsString>) -> Self {
        let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute("HOME");
        let or_home =
            |name: &str, rest: &str| absolute(name).or_else(|| home.as_ref().map(|home| home.join(rest)));
        Self {
            config: or_home("XDG_CONFIG_HOME", ".config"),
            data: or_home("XDG_DATA_HOME", ".local/share"),
            state: or_home("XDG_STATE_HOME", ".local/state"),
            home,
        }
    }

    /// The configuration file that is read when none is given; a test instance has its own.
    pub(crate) fn config_file(&self, testing: bool) -> Option<PathBuf> {
        let name = if testing {
            "config-testing.toml"
        } else {
            "config.toml"
        };
        self.config.as_ref().map(|dir| dir.join("timberline").join(name))
    }

    /// The directory of all programs' configuration.
    pub(crate) fn config_dir(self) -> Option<PathBuf> {
        self.config
    }

    /// The data directory that is used when none is given; a test instance has its own.
    ///
    /// # Errors
    /// When neither `XDG_DATA_HOME` nor `HOME` is set.
    pub(crate) fn data_dir(&self, testing: bool) -> Result<PathBuf, ConfigError> {
        self.data
            .as_ref()
            .map(|dir| dir.join(app_name(testing)))
            .ok_or(ConfigError::NoHome {
                what: "the data",
                variable: "XDG_DATA_HOME",
            })
    }

    /// The directory for log files that is used when none is given.
    pub(crate) fn log_dir(&self, testing: bool) -> Option<PathBuf> {
        self.state.as_ref().map(|dir| dir.join(app_name(testing)))
    }

    /// `path` with a leading `~/` replaced, and a relative one taken from `base`.
    pub(crate) fn resolve(&self, path: &Path, base: &Path) -> PathBuf {
        match (path.strip_prefix("~"), &self.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => base.join(path),
        }
    }
}

fn app_name(testing: bool) -> &'static str {
    if testing {
        "timberline-testing"
    } else {
        "timberline"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(vars: &[(&str, &str)]) -> BaseDirs {
        let vars: Vec<(String, OsString)> = vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), OsString::from(value)))
            .collect();
        BaseDirs::from(move |name| {
            vars.iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn without_xdg_variables_everything_is_under_home() {
        let dirs = dirs(&[("HOME", "/home/ann")]);
        assert_eq!(
            dirs.data_dir(false).unwrap(),
            Path::new("/home/ann/.local/share/timberline")
        );
        assert_eq!(
            dirs.config_file(false).unwrap(),
            Path::new("/home/ann/.config/timberline/config.toml")
        );
        assert_eq!(
            dirs.log_dir(true).unwrap(),
            Path::new("/home/ann/.local/state/timberline-testing")
        );
    }

    #[test]
    fn a_relative_xdg_variable_is_ignored_as_the_specification_demands() {
        let dirs = dirs(&[("HOME", "/home/ann"), ("XDG_DATA_HOME", "data")]);
        assert_eq!(
            dirs.data_dir(true).unwrap(),
            Path::new("/home/ann/.local/share/timberline-testing")
        );
    }

    #[test]
    fn without_home_the_error_names_the_variable() {
        let error = dirs(&[]).data_dir(false).unwrap_err().to_string();
        assert!(error.contains("XDG_DATA_HOME"), "{error}");
    }

    #[test]
    fn tilde_and_relative_paths_are_resolved() {
        let dirs = dirs(&[("HOME", "/home/ann")]);
        let base = Path::new("/etc/timberline");
        assert_eq!(dirs.resolve(Path::new("~/web"), base), Path::new("/home/ann/web"));
        assert_eq!(
            dirs.resolve(Path::new("web"), base),
            Path::new("/etc/timberline/web")
        );
        assert_eq!(dirs.resolve(Path::new("/srv"), base), Path::new("/srv"));
    }
}
