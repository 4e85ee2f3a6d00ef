//! The API key or token that a command sends to a server.
//!
//! `TIMBERLINE_API_KEY` counts for every server. Otherwise it is the `api_key` of the configuration (that of `--config`, or the
//! usual ones), and only for the server that this configuration describes: nobody else may learn it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ureq::http::Uri;

use crate::config::{BaseDirs, Config, Overrides};

/// The environment variable.
const VARIABLE: &str = "TIMBERLINE_API_KEY";

/// The key of the environment, if there is one.
pub(crate) fn of_environment() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|key| !key.is_empty())
}

/// The key for the server at `url`, if one is known. `file` is the configuration file, if it is not a usual one.
pub(crate) fn find(url: &Uri, file: Option<&Path>) -> Option<String> {
    of_environment().or_else(|| {
        configurations(file).find_map(|config| {
            let key = config.server.auth.api_key.as_ref()?;
            describes(&config, url).then(|| key.secret().to_owned())
        })
    })
}

/// The file with the certificate of the server at `url`, if a configuration describes that server.
pub(crate) fn certificate(url: &Uri, file: Option<&Path>) -> Option<PathBuf> {
    let mut all = configurations(file).filter(|config| describes(config, url));
    all.find_map(|config| config.server.network.tls.map(|files| files.cert))
}

/// What a configuration file says, for servers with and without `--testing`. One that cannot be used says nothing: the
/// server's refusal shows that the key is missing.
fn configurations(file: Option<&Path>) -> impl Iterator<Item = Config> {
    let (dirs, file) = (BaseDirs::from_env(), file.map(Path::to_owned));
    [false, true].into_iter().filter_map(move |testing| {
        let overrides = Overrides {
            config: file.clone(),
            testing,
            ..Overrides::default()
        };
        Config::load(overrides, &dirs).ok()
    })
}

/// Whether a configuration describes the server at `url`. A key goes over https only where it is expected.
fn describes(config: &Config, url: &Uri) -> bool {
    let network = &config.server.network;
    let Some(host) = url.host() else { return false };
    let default_port = if url.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let same_port = url.port_u16().unwrap_or(default_port) == network.port;
    let same_host = is_loopback(host) || host.eq_ignore_ascii_case(&network.host);
    same_port && same_host && url.scheme_str() == Some(network.scheme())
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
        let known = |url: &str| describes(&config, &url.parse().unwrap());
        for url in [
            "http://127.0.0.1:5601",
            "http://localhost:5601",
            "http://[::1]:5601",
            "http://NAS.lan:5601",
        ] {
            assert!(known(url), "{url}");
        }
        for url in [
            "http://127.0.0.1:5600",
            "https://127.0.0.1:5601",
            "http://127.0.0.1",
            "http://evil.com:5601",
            "http://127.0.0.1.evil.com:5601",
        ] {
            assert!(!known(url), "{url}");
        }
    }
}
