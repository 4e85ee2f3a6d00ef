//! Where the server is, from the configuration that aw-client reads.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// A server, with the key that it wants.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    host: String,
    port: u16,
    key: Option<String>,
    commit_interval: Duration,
}

/// The configuration of aw-client, or of the server, cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not valid.
    #[error("{} is not valid: correct it, or remove it to use the defaults", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
}

/// `aw-client/aw-client.toml`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct ClientFile {
    server: ServerPart,
    client: ClientPart,
    server_testing: ServerPart,
    client_testing: ClientPart,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServerPart {
    hostname: Option<String>,
    port: Option<Port>,
}

/// aw-client's own file has the port in quotes, and people write it without.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Text(String),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ClientPart {
    commit_interval: Option<f64>,
}

/// `aw-server-rust/config.toml`, with the keys that matter here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ServerFile {
    port: Option<u16>,
    auth: AuthPart,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthPart {
    api_key: Option<String>,
}

impl Server {
    /// A server at a host and port, without a key.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Server {
        Server {
            host: host.into(),
            port,
            key: None,
            commit_interval: Duration::from_secs(10),
        }
    }

    /// The same with an API key or a token.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Server {
        self.key = Some(key.into());
        self
    }

    /// The server that the programs of ActivityWatch on this machine use: the host and port of aw-client's configuration
    /// (`aw-client/aw-client.toml`), and the API key of the server's (`aw-server-rust/config.toml`) if that describes this
    /// server. `TIMBERLINE_API_KEY` is the key for any server. Defaults: 127.0.0.1, port 5600, in testing 5666.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub fn configured(testing: bool) -> Result<Server, ConfigError> {
        Server::of_environment(|name| std::env::var_os(name), testing)
    }

    fn of_environment(
        variable: impl Fn(&str) -> Option<OsString>,
        testing: bool,
    ) -> Result<Server, ConfigError> {
        let dir = |name: &str| variable(name).filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let config = dir("XDG_CONFIG_HOME").or_else(|| Some(dir("HOME")?.join(".config")));
        let config = config.unwrap_or_default().join("activitywatch");
        let file: ClientFile = read(&config.join("aw-client/aw-client.toml"))?;
        let (server, client, port) = if testing {
            (file.server_testing, file.client_testing, 5666)
        } else {
            (file.server, file.client, 5600)
        };
        let port = match server.port {
            Some(Port::Number(port)) => port,
            Some(Port::Text(text)) => text.trim().parse().unwrap_or(port),
            None => port,
        };
        let seconds = client.commit_interval.unwrap_or(if testing { 5.0 } else { 10.0 });
        let mut found = Server {
            host: server.hostname.unwrap_or_else(|| "127.0.0.1".to_owned()),
            port,
            key: variable("TIMBERLINE_API_KEY")
                .and_then(|key| key.into_string().ok())
                .filter(|key| !key.is_empty()),
            commit_interval: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        };
        if found.key.is_none() {
            found.key = key_of_server(&config, testing, &found)?;
        }
        Ok(found)
    }

    /// Its address, such as `http://127.0.0.1:5600`.
    #[must_use]
    pub fn url(&self) -> String {
        let is_bare_v6 = self.host.contains(':') && !self.host.starts_with('[');
        if is_bare_v6 {
            format!("http://[{}]:{}", self.host, self.port)
        } else {
            format!("http://{}:{}", self.host, self.port)
        }
    }

    /// How long a heartbeat is held back for merging.
    pub(super) fn commit_interval(&self) -> Duration {
        self.commit_interval
    }

    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn is_on_this_machine(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("url", &self.url())
            .field("has_key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}

/// The server's own key: only for the server that the file describes, because no other server may learn it.
fn key_of_server(config: &Path, testing: bool, server: &Server) -> Result<Option<String>, ConfigError> {
    if !server.is_on_this_machine() {
        return Ok(None);
    }
    let name = if testing {
        "aw-server-rust/config-testing.toml"
    } else {
        "aw-server-rust/config.toml"
    };
    let file: ServerFile = read(&config.join(name))?;
    let port = file.port.unwrap_or(if testing { 5666 } else { 5600 });
    Ok(file
        .auth
        .api_key
        .filter(|key| port == server.port && !key.is_empty()))
}

/// A file that may be missing.
fn read<T: Default + serde::de::DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(T::default());
        }
        Err(source) => {
            let path = path.to_path_buf();
            return Err(ConfigError::Unreadable { path, source });
        }
    };
    toml::from_str(&text).map_err(|source| ConfigError::Invalid {
        path: path.to_path_buf(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The server of a home directory with these files below `.config/activitywatch`.
    fn found(files: &[(&str, &str)], testing: bool) -> Result<Server, ConfigError> {
        let home = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            let path = home.path().join(".config/activitywatch").join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        Server::of_environment(|name| (name == "HOME").then(|| home.path().into()), testing)
    }

    #[test]
    fn without_configuration_files_the_defaults_apply() {
        assert_eq!(
            found(&[], false).expect("defaults").url(),
            "http://127.0.0.1:5600"
        );
        let testing = found(&[], true).expect("defaults");
        assert_eq!(testing.url(), "http://127.0.0.1:5666");
        assert_eq!(testing.commit_interval(), Duration::from_secs(5));
    }

    #[test]
    fn the_file_of_aw_client_says_where_the_server_is() {
        let text = "[server]\nhostname = \"nas.lan\"\nport = \"5601\"\n[client]\ncommit_interval = 20\n\
                    [server-testing]\nhostname = \"::1\"\nport = 5700\n";
        let server = found(&[("aw-client/aw-client.toml", text)], false).expect("a server");
        assert_eq!(
            (server.url().as_str(), server.commit_interval().as_secs()),
            ("http://nas.lan:5601", 20)
        );
        let server = found(&[("aw-client/aw-client.toml", text)], true).expect("a server");
        assert_eq!(server.url(), "http://[::1]:5700");
    }

    #[test]
    fn only_the_server_that_it_describes_gets_the_key() {
        let key = (
            "aw-server-rust/config.toml",
            "port = 5601\n[auth]\napi_key = \"secret\"\n",
        );
        let client = |text| ("aw-client/aw-client.toml", text);
        let with = |text| found(&[key, client(text)], false).expect("a server");
        assert_eq!(with("[server]\nport = 5601\n").key(), Some("secret"));
        assert_eq!(with("[server]\nport = 5600\n").key(), None);
        assert_eq!(
            with("[server]\nhostname = \"nas.lan\"\nport = 5601\n").key(),
            None
        );
        assert!(!format!("{:?}", with("[server]\nport = 5601\n")).contains("secret"));
    }

    #[test]
    fn the_error_names_an_invalid_file() {
        let error = found(&[("aw-client/aw-client.toml", "[server\n")], false).expect_err("not valid");
        assert!(
            error
                .to_string()
                .contains("aw-client.toml is not valid: correct it"),
            "{error}"
        );
        assert!(std::error::Error::source(&error).is_some());
    }
}
