//! The `Host` header: under which names this server may be asked.
//!
//! On a loopback address: `127.0.0.1`, `localhost` and `[::1]` with any port, as the reference has
//! it. On any other address the reference checks nothing; we still refuse names that a stranger
//! could have registered, and accept all that no public DNS gives out, so that a home server works
//! without configuration and DNS rebinding does not.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderValue;

use crate::config::Settings;
use crate::http::ApiError;

/// Names that the public DNS never resolves (RFC 6762, RFC 8375, ICANN's reservation of `.internal`).
const PRIVATE_SUFFIXES: [&str; 5] = [".local", ".lan", ".internal", ".home.arpa", ".localhost"];

#[derive(Debug)]
pub(super) struct HostRule {
    /// Whether we listen on the loopback only.
    loopback: bool,
    any: bool,
    allowed: Vec<String>,
}

impl HostRule {
    pub(super) fn new(settings: &Settings, hostname: &str) -> Self {
        let loopback = is_loopback(&settings.host);
        let mut allowed: Vec<String> = settings
            .allowed_hosts
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        if !loopback {
            allowed.push(hostname.to_ascii_lowercase());
            allowed.push(settings.host.to_ascii_lowercase());
        }
        Self {
            loopback,
            any: settings.allowed_hosts.iter().any(|name| name == "*"),
            allowed,
        }
    }

    /// # Errors
    /// When the header is missing, unreadable, or names another server.
    pub(super) fn check(&self, header: Option<&HeaderValue>) -> Result<(), ApiError> {
        if self.any {
            return Ok(());
        }
        let host = header
            .and_then(|value| value.to_str().ok())
            .ok_or(ApiError::ForeignHost)?;
        let name = without_port(host).ok_or(ApiError::ForeignHost)?;
        // What nearly every request says, before anything is computed.
        if name == "127.0.0.1" || name == "localhost" || self.accepts(name) {
            Ok(())
        } else if self.loopback && self.allowed.is_empty() {
            Err(ApiError::ForeignHost)
        } else {
            Err(ApiError::UnknownHost(name.to_owned()))
        }
    }

    fn accepts(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        if name == "localhost" || name == "[::1]" || self.allowed.contains(&name) {
            return true;
        }
        !self.loopback
            && !name.is_empty()
            && (is_address(&name)
                || !name.contains('.')
                || PRIVATE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)))
    }
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
        let mut settings = crate::config::test_settings();
        settings.host = host.to_owned();
        settings.allowed_hosts = allowed.iter().map(|name| (*name).to_owned()).collect();
        HostRule::new(&settings, "Workstation")
    }

    fn passes(rule: &HostRule, host: &'static str) -> bool {
        rule.check(Some(&HeaderValue::from_static(host))).is_ok()
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
        assert!(rule.check(None).is_err());
    }

    #[test]
    fn the_refusal_on_the_loopback_has_the_references_words() {
        let error = rule("127.0.0.1", &[])
            .check(Some(&HeaderValue::from_static("evil.com")))
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

    #[test]
    fn configured_names_pass() {
        assert!(passes(
            &rule("127.0.0.1", &["Hours.example.org"]),
            "hours.example.org"
        ));
        assert!(passes(&rule("0.0.0.0", &["*"]), "anything.example.org"));
    }
}
