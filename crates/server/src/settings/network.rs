//! Where clients connect, and through what.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::{Compression, SettingError};

/// Where clients connect, and what they get.
#[derive(Clone, Debug)]
pub struct Network {
    /// The address to listen on.
    pub host: String,
    /// The port to listen on.
    pub port: u16,
    /// When answers are compressed.
    pub compression: Compression,
    /// Proxies that may say who the client is.
    pub trusted_proxies: Vec<AddressRange>,
    /// The path below which a proxy shows the server.
    pub base_path: BasePath,
    /// The certificate, if the server speaks TLS.
    pub tls: Option<TlsFiles>,
}

impl Network {
    /// The scheme of the server's addresses.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

/// The files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those of its issuers, as PEM.
    pub cert: PathBuf,
    /// Its key, as PEM.
    pub key: PathBuf,
}

/// Addresses that begin alike: `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    bits: u32,
}

impl AddressRange {
    /// Whether an address is in the range. An IPv4 address is the same when it is written as IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                begin_alike(first.to_bits().into(), address.to_bits().into(), 32 - self.bits)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                begin_alike(first.to_bits(), address.to_bits(), 128 - self.bits)
            }
            _ => false,
        }
    }
}

/// Whether two addresses differ in their last bits at most.
fn begin_alike(one: u128, other: u128, last_bits: u32) -> bool {
    (one ^ other).checked_shr(last_bits).unwrap_or(0) == 0
}

impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected an address such as 127.0.0.1 or a range such as 10.0.0.0/8".to_owned();
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| wrong())?;
        let first = first.to_canonical();
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most {
            return Err(wrong());
        }
        Ok(Self { first, bits })
    }
}

/// A path below which a proxy shows the server: `/aw`, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(String);

impl BasePath {
    /// Reads `aw`, `/aw` or `/aw/`; `/` and nothing mean that there is none.
    ///
    /// # Errors
    /// When it holds characters that a path would have to escape, an empty segment, or a segment of dots.
    pub fn parse(text: &str) -> Result<Self, SettingError> {
        let inner = text.trim_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        let usable = |segment: &str| !segment.is_empty() && segment.chars().any(|c| c != '.');
        if inner.is_empty() {
            return Ok(Self::default());
        }
        let path = format!("/{inner}");
        let is_ours = ["/api", "/pages", "/metrics", "/health", "/ready"].contains(&path.as_str())
            || path.starts_with("/api/")
            || path.starts_with("/pages/");
        if !inner.chars().all(plain) || !inner.split('/').all(usable) || is_ours {
            return Err(SettingError {
                key: "base_path".to_owned(),
                value: format!("{text:?}"),
                reason:
                    "expected a path such as /aw/, of letters, digits and -._~, that is no path of the API"
                        .to_owned(),
            });
        }
        Ok(Self(path))
    }

    /// The path with a slash at its beginning and none at its end; empty if there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_addresses_that_begin_alike() {
        let holds = |range: &str, address: &str| {
            let range: AddressRange = range.parse().unwrap();
            range.contains(address.parse().unwrap())
        };
        assert!(holds("127.0.0.1", "127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("0.0.0.0/0", "192.0.2.1") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::"));
        assert!(holds("::/0", "2001:db8::1") && holds("10.0.0.0/8", "::ffff:10.0.0.1"));
        for text in [
            "",
            "x",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/x",
            "10.0.0/8",
            "10.0.0.0/-1",
        ] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_base_path_has_one_form() {
        for text in ["aw", "/aw", "/aw/", "aw/"] {
            assert_eq!(BasePath::parse(text).unwrap().as_str(), "/aw", "{text}");
        }
        assert_eq!(BasePath::parse("/a/b-1.x/").unwrap().as_str(), "/a/b-1.x");
        assert_eq!(BasePath::parse("/").unwrap().as_str(), "");
        for text in [
            "/a b", "/a//b", "/..", "/a/.", "/ä", "/a%20", "/api", "/api/x", "/a?b", "/\"", "/health",
        ] {
            assert!(BasePath::parse(text).is_err(), "{text}");
        }
    }
}
