//! Entries of `cors`, `cors_regex` and `allowed_hosts` that can never match what a browser sends.
//!
//! Such an entry is a mistake that nobody would notice until a page fails with a message about something
//! else, so it stops the start.

use std::net::{IpAddr, Ipv6Addr};

use regex::Regex;

/// Ports that browsers leave out of an origin.
const DEFAULT_PORTS: [(&str, &str); 2] = [("http", "80"), ("https", "443")];

/// Whether a browser can send `origin`: `scheme://host` or `scheme://host:port`, or `null`.
pub(crate) fn check_origin(origin: &str) -> Result<(), String> {
    if origin == "null" {
        return Ok(());
    }
    if origin.contains('*') {
        return Err(
            "there are no wildcards here; give the whole origin, or an expression in cors_regex".into(),
        );
    }
    let Some((scheme, rest)) = origin.split_once("://") else {
        return Err(format!(
            "an origin begins with its scheme, such as \"https://{}\"",
            shown(origin)
        ));
    };
    if let Some(end) = rest.find(['/', '?', '#']) {
        let kept = rest.get(..end).unwrap_or_default();
        return Err(format!(
            "an origin has no path and no slash at its end; write \"{scheme}://{}\"",
            shown(kept)
        ));
    }
    if origin.chars().any(char::is_uppercase) {
        return Err("browsers send origins in lower case".into());
    }
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    if scheme.is_empty() || !scheme.bytes().all(letters) {
        return Err("this is not a scheme; an origin looks like \"https://dash.example.org\"".into());
    }
    let (host, port) = split_port(rest);
    check_name(host)?;
    match port {
        Some(port) if DEFAULT_PORTS.contains(&(scheme, port)) => Err(format!(
            "browsers leave the usual port out; write \"{scheme}://{host}\""
        )),
        Some(port) if port.starts_with('0') || port.parse::<u16>().is_err() => {
            Err("the part after the colon is not a port".into())
        }
        _ => Ok(()),
    }
}

/// Whether `pattern` is an expression, and not one that only matches what no browser sends.
pub(crate) fn check_pattern(pattern: &str) -> Result<(), String> {
    if let Err(error) = Regex::new(pattern) {
        return Err(error.to_string().lines().last().unwrap_or_default().to_owned());
    }
    if pattern.trim_end_matches('$').ends_with('/') {
        return Err("an origin has no slash at its end, so this never matches".into());
    }
    Ok(())
}

/// Whether `host` can be what a `Host` header says before the port.
pub(crate) fn check_host(host: &str) -> Result<(), String> {
    if host == "*" {
        return Ok(());
    }
    if host.contains("://") || host.contains('/') {
        return Err("this is a name without a scheme and a path, such as \"nas.example.org\"".into());
    }
    if host.parse::<Ipv6Addr>().is_ok() {
        return Err(format!("an IPv6 address stands in brackets here: \"[{host}]\""));
    }
    let (name, port) = split_port(host);
    if port.is_some() {
        return Err(format!("give the name without the port: \"{}\"", shown(name)));
    }
    // Names are compared without regard to case.
    check_name(&name.to_ascii_lowercase())
}

/// The host and what stands behind its colon.
fn split_port(text: &str) -> (&str, Option<&str>) {
    let end_of_host = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, rest) = text.split_at_checked(end_of_host).unwrap_or((text, ""));
    match rest.split_once(':') {
        Some((name, port)) if host.is_empty() => (name, Some(port)),
        Some((_, port)) => (host, Some(port)),
        None if host.is_empty() => (rest, None),
        None => (text, None),
    }
}

fn check_name(host: &str) -> Result<(), String> {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match inner.parse::<IpAddr>() {
            Ok(IpAddr::V6(_)) => Ok(()),
            _ => Err("this is not an IPv6 address".into()),
        };
    }
    if host.contains('*') {
        return Err("there are no wildcards here, but for \"*\" alone; give each name".into());
    }
    if !host.is_ascii() {
        return Err("browsers send such a name in its ASCII form, which begins with \"xn--\"".into());
    }
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if host.is_empty() || !host.bytes().all(letters) {
        return Err("this is not a host name".into());
    }
    Ok(())
}

/// Not more of a mistaken entry than a line has room for.
fn shown(text: &str) -> &str {
    let end = text.floor_char_boundary(100);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_send_is_accepted() {
        for origin in [
            "https://dash.example.org",
            "http://127.0.0.1:8080",
            "http://[::1]:5600",
            "http://localhost:3000",
            "http://nas",
            "https://xn--bcher-kva.example",
            "moz-extension://11111111-2222-3333-4444-555555555555",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "safari-web-extension://0a1b",
            "tauri://localhost",
            "null",
        ] {
            assert_eq!(check_origin(origin), Ok(()), "{origin}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_refused_with_what_to_write() {
        for (origin, advice) in [
            ("https://a.org/", "write \"https://a.org\""),
            ("https://a.org/path", "write \"https://a.org\""),
            ("chrome-extension://abc/", "write \"chrome-extension://abc\""),
            ("https://a.org?x", "write \"https://a.org\""),
            ("a.org", "\"https://a.org\""),
            ("localhost:3000", "\"https://localhost:3000\""),
            ("https://A.org", "lower case"),
            ("HTTPS://a.org", "lower case"),
            ("*", "cors_regex"),
            ("https://*.a.org", "cors_regex"),
            ("moz-extension://*", "cors_regex"),
            ("https://a.org:443", "write \"https://a.org\""),
            ("http://a.org:80", "write \"http://a.org\""),
            ("https://a.org:", "not a port"),
            ("https://a.org:0443", "not a port"),
            ("https://a.org:99999", "not a port"),
            ("https://", "not a host name"),
            ("https://ann@a.org", "not a host name"),
            ("https://a org", "not a host name"),
            (" https://a.org", "not a scheme"),
            ("https://b\u{fc}cher.example", "xn--"),
            ("http://[::1", "not a host name"),
            ("", "scheme"),
        ] {
            let reason = check_origin(origin).expect_err(origin);
            assert!(reason.contains(advice), "{origin}: {reason}");
        }
    }

    #[test]
    fn expressions_must_be_ones_and_can_match() {
        assert_eq!(check_pattern(r"https://.*\.a\.org"), Ok(()));
        assert_eq!(check_pattern("chrome-extension://.*"), Ok(()));
        for pattern in ["(", "https://a\\.org/", "^https://a\\.org/$"] {
            assert!(check_pattern(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn hosts_are_names_alone() {
        for host in ["nas", "NAS.example.org", "192.168.1.5", "[fd00::1]", "*", "a_b"] {
            assert_eq!(check_host(host), Ok(()), "{host}");
        }
        for host in [
            "nas:5600",
            "http://nas",
            "fd00::1",
            "*.example.org",
            "",
            "nas/",
            "[fd00::1]:5600",
        ] {
            assert!(check_host(host).is_err(), "{host}");
        }
    }
}
