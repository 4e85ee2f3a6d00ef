//! The `Origin` header: whose pages may use this server, and how far.
//!
//! As the reference has it: the server's own address and `localhost` with its port, any
//! `moz-extension://`, the one official Chrome extension, what the configuration adds, and in testing
//! mode port 27180 (the web UI's development server) and any other extension. One rule more, for
//! servers behind a proxy: a page that came from the very host that the request names is our own, if
//! that name is known to be ours.
//!
//! One rule less: an extension that nobody configured may append and not read ([`super::extension`]).
//! The reference lets any Firefox add-on read and delete everything.

use http::HeaderValue;
use regex::Regex;

use crate::http::forwarded::Scheme;
use crate::settings::{SettingError, Settings};

/// ActivityWatch's browser extension in the Chrome Web Store.
const CHROME_EXTENSION: &str = "chrome-extension://nglaklhklhcoonedhgnpgddginnjdadi";
/// Port of the web UI's development server.
const DEVELOPMENT_PORT: u16 = 27180;
/// How the origins of browser extensions begin.
const EXTENSIONS: [&str; 3] = [FIREFOX, "chrome-extension://", "safari-web-extension://"];
/// Firefox gives each installation of an add-on a random origin, so no list can name it.
const FIREFOX: &str = "moz-extension://";
/// An origin that nobody has: an expression that matches it matches every page.
const NOBODY: &str = "https://nobody.invalid";

/// What an origin may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing.
    Foreign,
    /// What [`super::extension`] permits.
    Extension,
    /// Everything: our own pages, and configured ones.
    Full,
}

#[derive(Debug)]
pub(super) struct OriginRule {
    exact: Vec<String>,
    /// Whether we speak TLS.
    secure: bool,
    patterns: Vec<Regex>,
    testing: bool,
}

impl OriginRule {
    /// # Errors
    /// When one of `cors_regex` is not a regular expression.
    pub(super) fn new(settings: &Settings, port: u16) -> Result<Self, SettingError> {
        let mut exact: Vec<String> = ["127.0.0.1", "localhost", "[::1]", &settings.network.host]
            .into_iter()
            .map(|host| format!("{}://{host}:{port}", settings.network.scheme()))
            .collect();
        if settings.testing {
            exact.push(format!("http://127.0.0.1:{DEVELOPMENT_PORT}"));
            exact.push(format!("http://localhost:{DEVELOPMENT_PORT}"));
        }
        exact.extend(settings.access.cors.iter().cloned());
        let patterns = settings
            .access
            .cors_regex
            .iter()
            .map(|pattern| whole(pattern))
            .collect::<Result<Vec<_>, _>>()?;
        if patterns.iter().any(|pattern| pattern.is_match(NOBODY)) {
            tracing::warn!("cors_regex matches every origin: any web page may read and delete all data");
        }
        Ok(Self {
            exact,
            secure: settings.network.tls.is_some(),
            patterns,
            testing: settings.testing,
        })
    }

    /// What pages of `origin` may do; `own` is the `Host` header of the request if it names us for certain, with the scheme if
    /// a proxy said it. `keyed` says that requests need credentials: then these decide about an extension, whichever it is.
    pub(super) fn trust(
        &self,
        origin: &HeaderValue,
        own: Option<(&HeaderValue, Option<Scheme>)>,
        keyed: bool,
    ) -> Trust {
        let Ok(origin) = origin.to_str() else {
            return Trust::Foreign;
        };
        let secure = self.secure.then_some(Scheme::Https);
        let own = own.map(|(host, scheme)| (host, scheme.or(secure)));
        if self.exact.iter().any(|allowed| allowed == origin)
            || is_same(origin, own)
            || self.patterns.iter().any(|pattern| pattern.is_match(origin))
        {
            return Trust::Full;
        }
        let is_known = origin == CHROME_EXTENSION || origin.starts_with(FIREFOX);
        let is_extension = EXTENSIONS.iter().any(|scheme| origin.starts_with(scheme));
        if is_known || (is_extension && (self.testing || keyed)) {
            return Trust::Extension;
        }
        Trust::Foreign
    }
}

/// Whether `origin` is the host that the request itself names. Where the scheme is not known, a host of this machine is not
/// enough: those are in the exact list already, and `https` on it is someone else's.
fn is_same(origin: &str, own: Option<(&HeaderValue, Option<Scheme>)>) -> bool {
    let Some((host, scheme)) = own.and_then(|(host, scheme)| Some((host.to_str().ok()?, scheme))) else {
        return false;
    };
    let http = origin.strip_prefix("http://") == Some(host);
    let https = origin.strip_prefix("https://") == Some(host);
    match scheme {
        Some(Scheme::Http) => http,
        Some(Scheme::Https) => https,
        None => (http || https) && !is_of_this_machine(host),
    }
}

fn is_of_this_machine(host: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|name| host == *name || host.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))
}

/// `pattern`, made to match whole origins only: `https://a\.org` must not let `https://a.org.evil`
/// through.
fn whole(pattern: &str) -> Result<Regex, SettingError> {
    Regex::new(&format!("^(?:{pattern})$")).map_err(|error| SettingError {
        key: "cors_regex".to_owned(),
        value: pattern.to_owned(),
        reason: error.to_string().lines().last().unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(change: impl FnOnce(&mut Settings)) -> OriginRule {
        let mut settings = crate::settings::test_settings();
        change(&mut settings);
        OriginRule::new(&settings, 5600).unwrap()
    }

    fn trust(rule: &OriginRule, origin: &'static str, host: &'static str) -> Trust {
        rule.trust(
            &HeaderValue::from_static(origin),
            Some((&HeaderValue::from_static(host), None)),
            false,
        )
    }

    #[test]
    fn only_the_servers_own_address_with_its_port_is_trusted() {
        let rule = rule(|_| ());
        for origin in ["http://127.0.0.1:5600", "http://localhost:5600"] {
            assert_eq!(trust(&rule, origin, "127.0.0.1:5600"), Trust::Full, "{origin}");
        }
        for origin in ["moz-extension://x", CHROME_EXTENSION] {
            assert_eq!(
                trust(&rule, origin, "127.0.0.1:5600"),
                Trust::Extension,
                "{origin}"
            );
        }
        for origin in [
            "http://127.0.0.1:1",
            "https://127.0.0.1:5600",
            "http://127.0.0.1",
            "http://evil.com",
            "http://127.0.0.1:5600.evil.com",
            "chrome-extension://abc",
            "chrome-extension://nglaklhklhcoonedhgnpgddginnjdadi.evil",
            "safari-web-extension://abc",
            "MOZ-EXTENSION://x",
            "http://127.0.0.1:27180",
            "null",
        ] {
            assert_eq!(trust(&rule, origin, "127.0.0.1:5600"), Trust::Foreign, "{origin}");
        }
        assert_eq!(trust(&rule, "https://127.0.0.1", "127.0.0.1"), Trust::Foreign);
    }

    #[test]
    fn testing_lets_the_development_server_and_extensions_in() {
        let rule = rule(|settings| settings.testing = true);
        let host = "127.0.0.1:5666";
        assert_eq!(trust(&rule, "http://127.0.0.1:27180", host), Trust::Full);
        for origin in [
            "chrome-extension://abc",
            "safari-web-extension://0A1B",
            "moz-extension://x",
        ] {
            assert_eq!(trust(&rule, origin, host), Trust::Extension, "{origin}");
        }
    }

    #[test]
    fn behind_a_proxy_the_pages_own_host_is_trusted_if_it_is_known() {
        let rule = rule(|_| ());
        let host = "hours.example.org";
        assert_eq!(trust(&rule, "https://hours.example.org", host), Trust::Full);
        assert_eq!(trust(&rule, "https://evil.org", host), Trust::Foreign);
        let origin = HeaderValue::from_static("http://evil.local");
        assert_eq!(rule.trust(&origin, None, false), Trust::Foreign);
    }

    #[test]
    fn a_scheme_that_a_proxy_says_must_be_the_pages() {
        let rule = rule(|_| ());
        let trust = |origin, host, scheme| {
            let (origin, host) = (HeaderValue::from_static(origin), HeaderValue::from_static(host));
            rule.trust(&origin, Some((&host, Some(scheme))), false)
        };
        for host in ["hours.example.org", "localhost:8443"] {
            let (http, https) = match host {
                "localhost:8443" => ("http://localhost:8443", "https://localhost:8443"),
                _ => ("http://hours.example.org", "https://hours.example.org"),
            };
            assert_eq!(trust(https, host, Scheme::Https), Trust::Full);
            assert_eq!(trust(http, host, Scheme::Https), Trust::Foreign);
            assert_eq!(trust(http, host, Scheme::Http), Trust::Full);
        }
    }

    #[test]
    fn a_server_that_speaks_tls_has_only_pages_with_https() {
        let rule = rule(|settings| {
            settings.network.tls = Some(crate::settings::TlsFiles {
                cert: "cert.pem".into(),
                key: "key.pem".into(),
            });
        });
        for (origin, host, expected) in [
            ("https://127.0.0.1:5600", "127.0.0.1:5600", Trust::Full),
            ("http://127.0.0.1:5600", "127.0.0.1:5600", Trust::Foreign),
            ("https://nas.lan:5600", "nas.lan:5600", Trust::Full),
            ("http://nas.lan:5600", "nas.lan:5600", Trust::Foreign),
        ] {
            assert_eq!(trust(&rule, origin, host), expected, "{origin}");
        }
    }

    #[test]
    fn configured_origins_and_whole_matches_of_expressions_are_trusted() {
        let rule = rule(|settings| {
            settings.access.cors = vec!["https://a.org".to_owned(), "moz-extension://mine".to_owned()];
            settings.access.cors_regex = vec![r"https://.*\.b\.org".to_owned()];
        });
        assert_eq!(trust(&rule, "https://a.org", "localhost"), Trust::Full);
        assert_eq!(trust(&rule, "moz-extension://mine", "localhost"), Trust::Full);
        assert_eq!(trust(&rule, "https://x.b.org", "localhost"), Trust::Full);
        assert_eq!(
            trust(&rule, "https://x.b.org.evil.com", "localhost"),
            Trust::Foreign
        );
    }

    #[test]
    fn a_broken_expression_is_named() {
        let mut settings = crate::settings::test_settings();
        settings.access.cors_regex = vec!["(".to_owned()];
        let error = OriginRule::new(&settings, 5600).unwrap_err().to_string();
        assert!(error.starts_with("cors_regex = (: "), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
