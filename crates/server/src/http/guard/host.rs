//! The `Host` header: under which names this server may be asked.
//!
//! On a loopback address: `127.0.0.1`, `localhost` and `[::1]` with any port, as the reference has
//! it. On any other address the reference checks nothing; we still refuse names that a stranger
//! could have registered. Names that the public DNS never gives out (`nas`, `nas.local`) pass, so
//! that watchers reach a home server without configuration. Anyone on the local network can announce
//! such a name, so a browser may use one only if it is this machine's or is configured: otherwise a
//! page called `http://x.local` could point its name at us and read everything as our own page.

use std::net::{IpAddr, Ipv6Addr};

use http::header::{ACCEPT_LANGUAGE, HOST, ORIGIN, REFERER};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::http::ApiError;
use crate::settings::Settings;

/// Names that the public DNS never resolves (RFC 6762, RFC 8375, ICANN's reservation of `.internal`).
const PRIVATE_SUFFIXES: [&str; 5] = [".local", ".lan", ".internal", ".home.arpa", ".localhost"];

#[derive(Debug)]
pub(super) struct HostRule {
    /// Whether we listen on the loopback only.
    loopback: bool,
    any: bool,
    allowed: Vec<String>,
}

/// How well a name that passed is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// An address, this machine's own name, or a configured one: a page from there is our own.
    Own,
    /// Anyone on the local network could have taken it.
    Local,
}

/// Headers that browsers send with every request or that say where a page is. Programs such as
/// watchers send none of them.
const BROWSER_HEADERS: [HeaderName; 4] = [
    ACCEPT_LANGUAGE,
    ORIGIN,
    REFERER,
    HeaderName::from_static("sec-fetch-site"),
];

impl HostRule {
    pub(super) fn new(settings: &Settings, hostname: &str) -> Self {
        let loopback = is_loopback(&settings.network.host);
        let mut allowed: Vec<String> = settings
            .access
            .allowed_hosts
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        if !loopback {
            let hostname = hostname.to_ascii_lowercase();
            allowed.extend(PRIVATE_SUFFIXES.map(|suffix| format!("{hostname}{suffix}")));
            allowed.push(hostname);
            allowed.push(settings.network.host.to_ascii_lowercase());
        }
        Self {
            loopback,
            any: settings.access.allowed_hosts.iter().any(|name| name == "*"),
            allowed,
        }
    }

    /// # Errors
    /// When the header is missing, there several times, unreadable, or names another server.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<Name, ApiError> {
        if self.any {
            return Ok(Name::Own);
        }
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts
            .next()
            .and_then(|value| value.to_str().ok())
            // Of several, a proxy may have checked another one (RFC 9112, 3.2).
            .filter(|_| hosts.next().is_none())
            .ok_or(ApiError::ForeignHost(None))?;
        self.check_name(host, headers)
    }

    /// The same for a name that a proxy was asked by.
    ///
    /// # Errors
    /// As [`HostRule::check`].
    pub(super) fn check_forwarded(&self, host: &HeaderValue, headers: &HeaderMap) -> Result<Name, ApiError> {
        if self.any {
            return Ok(Name::Own);
        }
        let host = host.to_str().map_err(|_| ApiError::ForeignHost(None))?;
        self.check_name(host, headers)
    }

    fn check_name(&self, host: &str, headers: &HeaderMap) -> Result<Name, ApiError> {
        let name = without_port(host).ok_or_else(|| ApiError::ForeignHost(Some(host.to_owned())))?;
        // What nearly every request says, before anything is computed.
        if name == "127.0.0.1" || name == "localhost" {
            return Ok(Name::Own);
        }
        let lower = name.to_ascii_lowercase();
        if lower == "localhost" || lower == "[::1]" || self.allowed.contains(&lower) {
            return Ok(Name::Own);
        }
        if self.loopback {
            // The reference's answer word for word, as long as nothing was configured.
            return Err(if self.allowed.is_empty() {
                ApiError::ForeignHost(Some(name.to_owned()))
            } else {
                ApiError::UnknownHost(name.to_owned())
            });
        }
        if is_address(&lower) {
            return Ok(Name::Own);
        }
        if is_private(&lower) && !BROWSER_HEADERS.iter().any(|header| headers.contains_key(header)) {
            return Ok(Name::Local);
        }
        Err(ApiError::UnknownHost(name.to_owned()))
    }
}

/// Whether the public DNS can never give out `name`.
fn is_private(name: &str) -> bool {
    !name.is_empty() && (!name.contains('.') || PRIVATE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)))
}

/// Whether only this machine can reach a server that listens on `host`.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn is_address(name: &str) -> bool {
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => name.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4()),
    }
}

/// `host` without `:port`; `None` if what follows the colon is not a port.
fn without_port(host: &str) -> Option<&str> {
    let name_end = match host.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at_checked(name_end)?;
    let digits = match port.strip_prefix(':') {
        Some(digits) => digits,
        None if port.is_empty() => return Some(name),
        None => return None,
    };
    digits.bytes().all(|b| b.is_ascii_digit()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(host: &str, allowed: &[&str]) -> HostRule {
        let mut settings = crate::settings::test_settings();
        settings.network.host = host.to_owned();
        settings.access.allowed_hosts = allowed.iter().map(|name| (*name).to_owned()).collect();
        HostRule::new(&settings, "Workstation")
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    http::HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn passes(rule: &HostRule, host: &'static str) -> bool {
        rule.check(&headers(&[("host", host)])).is_ok()
    }

    #[test]
    fn on_the_loopback_only_its_names_pass_with_any_port() {
        let rule = rule("127.0.0.1", &[]);
        for host in [
            "127.0.0.1",
            "127.0.0.1:5600",
            "localhost:1",
            "LOCALHOST",
            "[::1]:5600",
        ] {
            assert!(passes(&rule, host), "{host}");
        }
        for host in [
            "evil.com",
            "evil.com:5600",
            "localhost.evil.com",
            "127.0.0.1.evil.com",
            "",
            ":5600",
            "127.0.0.1:80.evil.com",
            "127.0.0.2",
            "workstation",
            "[::1",
            "192.168.1.5",
        ] {
            assert!(!passes(&rule, host), "{host}");
        }
        assert!(rule.check(&HeaderMap::new()).is_err());
    }

    #[test]
    fn the_refusal_on_the_loopback_has_the_references_words() {
        let error = rule("127.0.0.1", &[])
            .check(&headers(&[("host", "evil.com")]))
            .unwrap_err();
        assert_eq!(error.to_string(), "Host header is invalid");
    }

    #[test]
    fn on_the_network_names_that_nobody_can_register_pass() {
        let rule = rule("0.0.0.0", &[]);
        for host in [
            "192.168.1.5:5600",
            "[fe80::1]:5600",
            "nas",
            "nas.local",
            "nas.lan:5600",
            "workstation",
        ] {
            assert!(passes(&rule, host), "{host}");
        }
        assert!(!passes(&rule, "evil.com"));
    }

    /// DNS rebinding on the local network: the page `http://evil.local` has its own name point to us.
    #[test]
    fn a_browser_may_use_a_local_name_only_if_it_is_known() {
        let rule = rule("0.0.0.0", &["box.local"]);
        let browser = |host| rule.check(&headers(&[("host", host), ("accept-language", "en")]));
        for host in [
            "192.168.1.5:5600",
            "[fe80::1]:5600",
            "workstation",
            "WORKSTATION.local:5600",
            "workstation.lan",
            "box.local:5600",
            "localhost:5600",
        ] {
            assert_eq!(browser(host).ok(), Some(Name::Own), "{host}");
        }
        for host in ["evil.local", "evil", "evil.lan:5600", "workstation.evil.lan"] {
            let error = browser(host).unwrap_err().to_string();
            assert!(error.contains("allowed_hosts"), "{host}: {error}");
            for header in ["origin", "referer", "sec-fetch-site"] {
                assert!(
                    rule.check(&headers(&[("host", host), (header, "x")])).is_err(),
                    "{host}"
                );
            }
            assert_eq!(
                rule.check(&headers(&[("host", host)])).ok(),
                Some(Name::Local),
                "{host}"
            );
        }
    }

    #[test]
    fn configured_names_pass() {
        assert!(passes(
            &rule("127.0.0.1", &["Hours.example.org"]),
            "hours.example.org"
        ));
        assert!(passes(&rule("0.0.0.0", &["*"]), "anything.example.org"));
    }
}
