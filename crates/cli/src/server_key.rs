//! The API key or token that a command sends to a server.
//!
//! `TIMBERLINE_API_KEY` counts for every server. Otherwise it is the `api_key` of the configuration (that of `--config`, or the
//! usual ones), and only for the server that this configuration describes: nobody else may learn it.

use std::net::IpAddr;
use std::path::Path;

use ureq::http::Uri;

use crate::config::{BaseDirs, Config, Overrides};

/// The environment variable.
const VARIABLE: &str = "TIMBERLINE_API_KEY";
/// The port of a URL that names none.
const HTTP_PORT: u16 = 80;

/// The key of the environment, if there is one.
pub(crate) fn of_environment() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|key| !key.is_empty())
}

/// The key for the server at `url`, if one is known. `file` is the configuration file, if it is not a usual one.
pub(crate) fn find(url: &Uri, file: Option<&Path>) -> Option<String> {
    if let Some(key) = of_environment() {
        return Some(key);
    }
    let dirs = BaseDirs::from_env();
    // A configuration that cannot be used has no key: the server's refusal says that one is missing.
    [false, true].into_iter().find_map(|testing| {
        let overrides = Overrides {
            config: file.map(Path::to_owned),
            testing,
            ..Overrides::default()
        };
        of_config(&Config::load(overrides, &dirs).ok()?, url)
    })
}

/// The key of a configuration, if it describes the server at `url`.
fn of_config(config: &Config, url: &Uri) -> Option<String> {
    let network = &config.server.network;
    let host = url.host()?;
    let same_port = url.port_u16().unwrap_or(HTTP_PORT) == network.port;
    let same_host = is_loopback(host) || host.eq_ignore_ascii_case(&network.host);
    let key = config.server.auth.api_key.as_ref()?;
    (same_port && same_host).then(|| key.secret().to_owned())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;

    #[test]
    fn only_the_server_of_the_configuration_gets_its_key() {
        let text = "host = \"nas.lan\"\nport = 5601\n[auth]\napi_key = \"k\"\n";
        let file = ConfigFile::parse(text, Path::new("c.toml")).unwrap();
        let dirs = BaseDirs::from(|name| (name == "HOME").then(|| "/home/ann".into()));
        let config = Config::decide(file, Overrides::default(), &dirs, Path::new("")).unwrap();
        let key = |url: &str| of_config(&config, &url.parse().unwrap());
        for url in [
            "http://127.0.0.1:5601",
            "http://localhost:5601",
            "http://[::1]:5601",
            "http://NAS.lan:5601",
        ] {
            assert_eq!(key(url).as_deref(), Some("k"), "{url}");
        }
        for url in [
            "http://127.0.0.1:5600",
            "http://127.0.0.1",
            "http://evil.com:5601",
            "http://127.0.0.1.evil.com:5601",
        ] {
            assert_eq!(key(url), None, "{url}");
        }
    }
}
