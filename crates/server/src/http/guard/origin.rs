//! The `Origin` header: whose pages may use this server.
//!
//! As the reference has it: the server's own address and `localhost` with its port, any
//! `moz-extension://`, the one official Chrome extension, what the configuration adds, and in testing
//! mode port 27180 (the web UI's development server) and any Chrome extension. One rule more, for
//! servers behind a proxy: a page that came from the very host that the request names is our own.

use http::HeaderValue;
use regex::Regex;

use crate::config::{ConfigError, Settings};

/// ActivityWatch's browser extension in the Chrome Web Store.
const CHROME_EXTENSION: &str = "chrome-extension://nglaklhklhcoonedhgnpgddginnjdadi";
/// Port of the web UI's development server.
const DEVELOPMENT_PORT: u16 = 27180;

#[derive(Debug)]
pub(super) struct OriginRule {
    exact: Vec<String>,
    patterns: Vec<Regex>,
    testing: bool,
}

impl OriginRule {
    /// # Errors
    /// When one of `cors_regex` is not a regular expression.
    pub(super) fn new(settings: &Settings, port: u16) -> Result<Self, ConfigError> {
        let mut exact: Vec<String> = ["127.0.0.1", "localhost", "[::1]", &settings.host]
            .into_iter()
            .map(|host| format!("http://{host}:{port}"))
            .collect();
        exact.push(CHROME_EXTENSION.to_owned());
        if settings.testing {
            exact.push(format!("http://127.0.0.1:{DEVELOPMENT_PORT}"));
            exact.push(format!("http://localhost:{DEVELOPMENT_PORT}"));
        }
        exact.extend(settings.cors.iter().cloned());
        let patterns = settings
            .cors_regex
            .iter()
            .map(|pattern| whole(pattern))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            exact,
            patterns,
            testing: settings.testing,
        })
    }

    /// Whether pages of `origin` may use the server, asked as `host` (which was already checked).
    pub(super) fn allows(&self, origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        self.exact.iter().any(|allowed| allowed == origin)
            || origin.starts_with("moz-extension://")
            || (self.testing && origin.starts_with("chrome-extension://"))
            || is_same(origin, host)
            || self.patterns.iter().any(|pattern| pattern.is_match(origin))
    }
}

/// Whether `origin` is the host that the request itself names. On the loopback that is in the exact
/// list already, and `https` on it is someone else's.
fn is_same(origin: &str, host: Option<&HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let local = ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|name| host == *name || host.strip_prefix(name).is_some_and(|r| r.starts_with(':')));
    let authority = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    !local && authority == Some(host)
}

/// `pattern`, made to match whole origins only: `https://a\.org` must not let `https://a.org.evil`
/// through.
fn whole(pattern: &str) -> Result<Regex, ConfigError> {
    Regex::new(&format!("^(?:{pattern})$")).map_err(|error| ConfigError::Value {
        key: "cors_regex".to_owned(),
        value: pattern.to_owned(),
        reason: error.to_string().lines().last().unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(change: impl FnOnce(&mut Settings)) -> OriginRule {
        let mut settings = crate::config::test_settings();
        change(&mut settings);
        OriginRule::new(&settings, 5600).unwrap()
    }

    fn allows(rule: &OriginRule, origin: &'static str, host: &'static str) -> bool {
        rule.allows(
            &HeaderValue::from_static(origin),
            Some(&HeaderValue::from_static(host)),
        )
    }

    #[test]
    fn only_the_servers_own_address_with_its_port_passes() {
        let rule = rule(|_| ());
        for origin in [
            "http://127.0.0.1:5600",
            "http://localhost:5600",
            "moz-extension://x",
            CHROME_EXTENSION,
        ] {
            assert!(allows(&rule, origin, "127.0.0.1:5600"), "{origin}");
        }
        for origin in [
            "http://127.0.0.1:1",
            "https://127.0.0.1:5600",
            "http://127.0.0.1",
            "http://evil.com",
            "http://127.0.0.1:5600.evil.com",
            "chrome-extension://abc",
            "http://127.0.0.1:27180",
            "null",
        ] {
            assert!(!allows(&rule, origin, "127.0.0.1:5600"), "{origin}");
        }
        assert!(!allows(&rule, "https://127.0.0.1", "127.0.0.1"));
    }

    #[test]
    fn testing_lets_the_development_server_and_extensions_in() {
        let rule = rule(|settings| settings.testing = true);
        assert!(allows(&rule, "http://127.0.0.1:27180", "127.0.0.1:5666"));
        assert!(allows(&rule, "chrome-extension://abc", "127.0.0.1:5666"));
    }

    #[test]
    fn behind_a_proxy_the_pages_own_host_passes() {
        let rule = rule(|_| ());
        assert!(allows(&rule, "https://hours.example.org", "hours.example.org"));
        assert!(!allows(&rule, "https://evil.org", "hours.example.org"));
    }

    #[test]
    fn configured_origins_and_whole_matches_of_expressions_pass() {
        let rule = rule(|settings| {
            settings.cors = vec!["https://a.org".to_owned()];
            settings.cors_regex = vec![r"https://.*\.b\.org".to_owned()];
        });
        assert!(allows(&rule, "https://a.org", "localhost"));
        assert!(allows(&rule, "https://x.b.org", "localhost"));
        assert!(!allows(&rule, "https://x.b.org.evil.com", "localhost"));
    }

    #[test]
    fn a_broken_expression_is_named() {
        let mut settings = crate::config::test_settings();
        settings.cors_regex = vec!["(".to_owned()];
        let error = OriginRule::new(&settings, 5600).unwrap_err().to_string();
        assert!(error.starts_with("cors_regex = (: "), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
