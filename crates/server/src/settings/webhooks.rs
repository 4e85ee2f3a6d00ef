//! Where webhooks may send to beyond this machine.

use std::net::IpAddr;
use std::str::FromStr;

use super::AddressRange;

/// Where webhooks may send to, besides this machine.
#[derive(Clone, Debug, Default)]
pub struct WebhookSettings {
    /// Hosts and ranges of addresses.
    pub allow: Vec<AllowedTarget>,
}

/// A host that webhooks may send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedTarget {
    /// A name, in lower case. It may have any address except those of this machine and of its links.
    Name(String),
    /// Addresses.
    Range(AddressRange),
}

impl FromStr for AllowedTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<AllowedTarget, String> {
        if text.contains('/') || text.parse::<IpAddr>().is_ok() {
            return text.parse().map(AllowedTarget::Range);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if text.is_empty() || !text.chars().all(plain) || text.chars().all(|c| c == '.') {
            return Err(
                "expected a name such as hooks.example.com, an address, or a range such as 192.168.1.0/24; without a port"
                    .to_owned(),
            );
        }
        Ok(AllowedTarget::Name(
            text.trim_end_matches('.').to_ascii_lowercase(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        let name = |text: &str| matches!(text.parse(), Ok(AllowedTarget::Name(_)));
        let range = |text: &str| matches!(text.parse(), Ok(AllowedTarget::Range(_)));
        assert!(name("hooks.example.com") && name("NAS.") && name("_x"));
        assert!(range("10.0.0.0/8") && range("192.168.1.2") && range("fd00::/8") && range("::1"));
        for text in ["", ".", "a:80", "http://a", "10.0.0.0/33", "*.example.com", "a b"] {
            assert!(text.parse::<AllowedTarget>().is_err(), "{text}");
        }
    }
}
