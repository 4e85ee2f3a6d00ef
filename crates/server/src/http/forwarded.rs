//! What a reverse proxy says about the request that it passes on: who the client is, and by which name it asked.
//!
//! Anybody can send these headers, so they count only from the addresses in `trusted_proxies`. Without them, everyone behind a
//! proxy on this machine would look like a program of this machine.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, request};

use crate::settings::Network;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// In a request's extensions: the name by which the client asked the proxy. It stands beside the `Host` header and does not
/// replace it: a page that had its own name point to this machine (DNS rebinding) can send this header too, and only its
/// `Host` gives it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForwardedHost(pub(crate) HeaderValue);

/// In a request's extensions: the scheme that the client used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// Takes over what a trusted proxy says, and gives back the client's address. From anybody else nothing is taken.
pub(crate) fn resolve(head: &mut request::Parts, peer: IpAddr, network: &Network) -> IpAddr {
    let trusted = |address: IpAddr| network.trusted_proxies.iter().any(|net| net.contains(address));
    if network.trusted_proxies.is_empty() || !trusted(peer) {
        return peer;
    }
    let said = Said::by(&head.headers);
    if let Some(host) = said.host.and_then(|host| HeaderValue::try_from(host).ok()) {
        head.extensions.insert(ForwardedHost(host));
    }
    match said.scheme.as_deref() {
        Some("https") => drop(head.extensions.insert(Scheme::Https)),
        Some("http") => drop(head.extensions.insert(Scheme::Http)),
        _ => {}
    }
    // Each proxy adds the address that it saw at the end. What is before the first one that is not ours, anybody may have
    // written.
    let mut client = peer;
    for text in said.chain.iter().rev() {
        let Some(address) = address(text) else { break };
        client = address;
        if !trusted(address) {
            break;
        }
    }
    client.to_canonical()
}

/// What the headers say; anybody may have written them.
#[derive(Debug, Default, PartialEq)]
struct Said {
    /// The client and the proxies in between.
    chain: Vec<String>,
    host: Option<String>,
    scheme: Option<String>,
}

impl Said {
    /// `X-Forwarded-*`; or else `Forwarded` (RFC 7239). Of host and scheme the last one counts: the nearest proxy wrote it.
    fn by(headers: &HeaderMap) -> Self {
        let last = |name| list(headers, name).pop();
        let said = Self {
            chain: list(headers, FOR),
            host: last(FORWARDED_HOST),
            scheme: last(PROTO).map(|scheme| scheme.to_ascii_lowercase()),
        };
        if said == Self::default() {
            Self::standard(headers)
        } else {
            said
        }
    }

    fn standard(headers: &HeaderMap) -> Self {
        let mut said = Self::default();
        for element in list(headers, FORWARDED) {
            for pair in element.split(';') {
                let Some((name, value)) = pair.split_once('=') else {
                    continue;
                };
                let value = value.trim().trim_matches('"').to_owned();
                match name.trim().to_ascii_lowercase().as_str() {
                    "for" => said.chain.push(value),
                    "host" => said.host = Some(value),
                    "proto" => said.scheme = Some(value.to_ascii_lowercase()),
                    _ => {}
                }
            }
        }
        said
    }
}

/// The elements of a list that may be spread over several headers. A value that is not text is ignored.
fn list(headers: &HeaderMap, name: HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter();
    let texts = values.map(|value| value.to_str().unwrap_or("unknown"));
    let elements = texts.flat_map(|text| text.split(','));
    elements
        .map(|element| element.trim().to_owned())
        .filter(|element| !element.is_empty())
        .collect()
}

/// An address as proxies write it: alone or with a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => text.split_once(':')?.0,
    };
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::HOST;

    const PROXY: &str = "127.0.0.1";

    fn resolved(peer: &str, headers: &[(&'static str, &str)]) -> (String, String, Option<Scheme>) {
        let mut settings = crate::settings::test_settings();
        settings.network.trusted_proxies = ["127.0.0.1", "10.0.0.0/8"].map(|net| net.parse().unwrap()).into();
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.headers
            .insert(HOST, HeaderValue::from_static("127.0.0.1:5600"));
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            head.headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let client = resolve(&mut head, peer.parse().unwrap(), &settings.network);
        assert_eq!(head.headers[HOST], "127.0.0.1:5600", "it stays as it is");
        let host = head.extensions.get::<ForwardedHost>();
        let host = host
            .map_or("", |ForwardedHost(host)| host.to_str().unwrap())
            .to_owned();
        (client.to_string(), host, head.extensions.get().copied())
    }

    fn client(chain: &str) -> String {
        resolved(PROXY, &[("x-forwarded-for", chain)]).0
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let headers = [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-host", "aw.example.org"),
            ("x-forwarded-proto", "HTTPS"),
        ];
        let believed = (
            "192.0.2.1".to_owned(),
            "aw.example.org".to_owned(),
            Some(Scheme::Https),
        );
        assert_eq!(resolved(PROXY, &headers), believed);
        assert_eq!(resolved("10.1.2.3", &headers), believed);
        let as_it_is = ("192.0.2.9".to_owned(), String::new(), None);
        assert_eq!(resolved("192.0.2.9", &headers), as_it_is);
        assert_eq!(resolved(PROXY, &[]).0, PROXY);
    }

    #[test]
    fn the_client_is_the_last_that_is_no_proxy_of_ours() {
        assert_eq!(client("192.0.2.1"), "192.0.2.1");
        assert_eq!(
            client("127.0.0.1, 198.51.100.7"),
            "198.51.100.7",
            "anybody may claim the first"
        );
        assert_eq!(client("198.51.100.7, 192.0.2.1, 10.0.0.3"), "192.0.2.1");
        assert_eq!(client("10.0.0.3"), "10.0.0.3");
        assert_eq!(client("192.0.2.1:4711"), "192.0.2.1");
        assert_eq!(client("[2001:db8::1]:4711"), "2001:db8::1");
        assert_eq!(client("2001:db8::1"), "2001:db8::1");
        assert_eq!(client("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(client("192.0.2.1, unknown"), PROXY);
        assert_eq!(client(", ,"), PROXY);
        let two = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "192.0.2.2")];
        assert_eq!(resolved(PROXY, &two).0, "192.0.2.2");
    }

    #[test]
    fn the_standard_header_says_the_same() {
        let text =
            "for=192.0.2.1;host=evil.example, for=\"[2001:db8::1]:47\";Proto=https;host=\"aw.example.org\"";
        let said = resolved(PROXY, &[("forwarded", text)]);
        let expected = (
            "2001:db8::1".to_owned(),
            "aw.example.org".to_owned(),
            Some(Scheme::Https),
        );
        assert_eq!(said, expected);
        let both = [("forwarded", "for=192.0.2.1"), ("x-forwarded-for", "192.0.2.2")];
        assert_eq!(resolved(PROXY, &both).0, "192.0.2.2");
    }
}
