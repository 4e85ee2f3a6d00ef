//! Where a webhook may send to.
//!
//! A server that sends requests wherever it is told can be used to reach what only it can reach: the router, the metadata
//! service of a cloud, another user's program. So a webhook reaches programs of this machine, and beyond it only what the
//! configuration names. The address that is connected to is the one that was checked, whatever the name resolves to the next
//! time.

use std::net::{IpAddr, SocketAddr};

use http::Uri;
use http::uri::{Authority, PathAndQuery};

use crate::settings::AllowedTarget;

/// Why a webhook may not send somewhere, or cannot.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error(
        "url: expected an address such as http://127.0.0.1:8080/hook, with http or https and without a user"
    )]
    Malformed,
    #[error(
        "'{0}' is not on this machine: add it to webhooks.allow in the configuration if webhooks may send to it"
    )]
    NotAllowed(String),
    #[error("'{host}' has the address {address}, to which webhooks may not send")]
    AddressNotAllowed { host: String, address: IpAddr },
    #[error("this is the server itself: a delivery would cause the next one")]
    Itself,
    #[error("'{host}' cannot be resolved")]
    Unresolved { host: String, source: std::io::Error },
}

/// The URL of a webhook, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) is_https: bool,
    /// A name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) authority: Authority,
    pub(super) path: PathAndQuery,
}

impl Target {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// [`TargetError::Malformed`].
    pub(super) fn parse(url: &str) -> Result<Target, TargetError> {
        let uri: Uri = url.parse().map_err(|_| TargetError::Malformed)?;
        let parts = uri.into_parts();
        let is_https = match parts.scheme.as_ref().map(http::uri::Scheme::as_str) {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(TargetError::Malformed),
        };
        let authority = parts.authority.ok_or(TargetError::Malformed)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if authority.as_str().contains('@') || host.is_empty() {
            return Err(TargetError::Malformed);
        }
        Ok(Target {
            is_https,
            host: host.trim_end_matches('.').to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(if is_https { 443 } else { 80 }),
            path: parts
                .path_and_query
                .unwrap_or_else(|| PathAndQuery::from_static("/")),
            authority,
        })
    }

    /// Whether a webhook may have this target, as far as can be said without resolving its name.
    ///
    /// # Errors
    /// When it may not.
    pub(super) fn check(&self, allowed: &[AllowedTarget], own: &[SocketAddr]) -> Result<(), TargetError> {
        if self.is_local_name() {
            return self.check_address(IpAddr::from([127, 0, 0, 1]), allowed, own);
        }
        match self.host.parse::<IpAddr>() {
            Ok(address) => self.check_address(address, allowed, own),
            Err(_) if self.is_named(allowed) => Ok(()),
            Err(_) => Err(TargetError::NotAllowed(self.host.clone())),
        }
    }

    /// The addresses to connect to, each of them allowed.
    ///
    /// # Errors
    /// When the name cannot be resolved, or one of its addresses is not allowed.
    pub(super) async fn resolve(
        &self,
        allowed: &[AllowedTarget],
        own: &[SocketAddr],
    ) -> Result<Vec<SocketAddr>, TargetError> {
        self.check(allowed, own)?;
        let unresolved = |source| TargetError::Unresolved {
            host: self.host.clone(),
            source,
        };
        let found = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(unresolved)?;
        let addresses: Vec<SocketAddr> = found.collect();
        if addresses.is_empty() {
            return Err(unresolved(std::io::ErrorKind::NotFound.into()));
        }
        for address in &addresses {
            self.check_address(address.ip(), allowed, own)?;
        }
        Ok(addresses)
    }

    fn check_address(
        &self,
        address: IpAddr,
        allowed: &[AllowedTarget],
        own: &[SocketAddr],
    ) -> Result<(), TargetError> {
        let address = address.to_canonical();
        let is_own = |own: &SocketAddr| {
            let (ip, port) = (own.ip().to_canonical(), own.port());
            port == self.port
                && (ip == address || address.is_loopback() && (ip.is_loopback() || ip.is_unspecified()))
        };
        if own.iter().any(is_own) {
            return Err(TargetError::Itself);
        }
        let is_literal = self.host.parse::<IpAddr>().is_ok();
        let in_range = allowed
            .iter()
            .any(|allowed| matches!(allowed, AllowedTarget::Range(range) if range.contains(address)));
        let may = if address.is_loopback() {
            // Who owns a name decides what it resolves to, and must not get at this machine by that.
            is_literal || self.is_local_name() || in_range
        } else if is_literal {
            in_range
        } else {
            in_range || self.is_named(allowed) && !is_special(address)
        };
        match may {
            true => Ok(()),
            false if is_literal => Err(TargetError::NotAllowed(self.host.clone())),
            false => Err(TargetError::AddressNotAllowed {
                host: self.host.clone(),
                address,
            }),
        }
    }

    /// Whether the name always means this machine (RFC 6761).
    fn is_local_name(&self) -> bool {
        self.host == "localhost" || self.host.ends_with(".localhost")
    }

    fn is_named(&self, allowed: &[AllowedTarget]) -> bool {
        allowed
            .iter()
            .any(|allowed| matches!(allowed, AllowedTarget::Name(name) if *name == self.host))
    }
}

/// Addresses that no name should have: of links, of groups, of nothing.
fn is_special(address: IpAddr) -> bool {
    let by_kind = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    by_kind || address.is_unspecified() || address.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(list: &[&str]) -> Vec<AllowedTarget> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn own() -> Vec<SocketAddr> {
        vec!["127.0.0.1:5600".parse().unwrap()]
    }

    #[test]
    fn only_this_machine_is_a_target_unless_more_is_allowed() {
        let check = |url: &str, list: &[&str]| {
            let target = Target::parse(url).unwrap();
            target.check(&allowed(list), &own()).is_ok()
        };
        for url in [
            "http://127.0.0.1:8080/x",
            "http://127.9.9.9",
            "http://localhost",
            "https://a.localhost/",
            "http://[::1]:1/",
            "http://LOCALHOST.:9/",
        ] {
            assert!(check(url, &[]), "{url}");
        }
        for url in [
            "http://10.0.0.1/",
            "http://example.com/",
            "http://0.0.0.0/",
            "http://169.254.169.254/",
            "http://localhost.example.com/",
            "http://[::ffff:10.0.0.1]/",
            "http://127.0.0.1.example.com/",
            "http://2130706433/",
        ] {
            assert!(!check(url, &[]), "{url}");
        }
        assert!(check("http://10.0.0.1/", &["10.0.0.0/8"]) && !check("http://11.0.0.1/", &["10.0.0.0/8"]));
        assert!(check("https://Example.com/", &["example.com"]));
        assert!(!check("https://www.example.com/", &["example.com"]));
    }

    #[test]
    fn the_server_itself_is_no_target() {
        for url in [
            "http://127.0.0.1:5600/",
            "http://localhost:5600/x",
            "http://[::ffff:127.0.0.1]:5600/",
        ] {
            let error = Target::parse(url).unwrap().check(&[], &own()).unwrap_err();
            assert!(matches!(error, TargetError::Itself), "{url}: {error}");
        }
    }

    #[test]
    fn a_name_that_is_allowed_does_not_lead_to_this_machine_or_its_links() {
        let target = Target::parse("http://hooks.example.com/").unwrap();
        let check = |address: &str, list: &[&str]| {
            let address = address.parse().unwrap();
            target.check_address(address, &allowed(list), &own()).is_ok()
        };
        assert!(check("93.184.216.34", &["hooks.example.com"]));
        assert!(check("192.168.1.9", &["hooks.example.com"]));
        for address in [
            "127.0.0.1",
            "::1",
            "169.254.169.254",
            "0.0.0.0",
            "fe80::1",
            "224.0.0.1",
            "::ffff:127.0.0.1",
        ] {
            assert!(!check(address, &["hooks.example.com"]), "{address}");
        }
        assert!(!check("93.184.216.34", &["other.example.com"]));
        assert!(check("127.0.0.1", &["hooks.example.com", "127.0.0.0/8"]));
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        for url in [
            "",
            "/x",
            "ftp://127.0.0.1/",
            "http://user@127.0.0.1/",
            "http:///x",
            "127.0.0.1:80",
            "http://a b/",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        let target = Target::parse("https://[::1]/a?b=c").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("::1", 443));
        assert_eq!(target.path.as_str(), "/a?b=c");
    }
}
