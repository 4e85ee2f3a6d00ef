//! A server that speaks the ActivityWatch API, by its address: requests on a connection that is kept.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use timberline_server::identity::Identity;
use timberline_server::settings::{ApiKey, Settings};
use ureq::config::Config;
use ureq::http::Response;
use ureq::http::{StatusCode, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector, NextTimeout, TcpConnector};
use ureq::{Agent, Body, RequestBuilder};

use crate::server_key;
use crate::tls_client::{TlsConnector, Trust};

/// How long it may take to reach it.
const CONNECTING: Duration = Duration::from_secs(10);

/// How long a connection is kept that nothing is sent on. Watchers send a few times a minute while nothing happens.
const KEPT: Duration = Duration::from_secs(90);

/// How long a server may take to say who it is.
const SAYING_WHO_IT_IS: Duration = Duration::from_secs(10);

/// What is escaped in an address: everything except the characters that RFC 3986 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A server.
#[derive(Clone)]
pub(crate) struct ServerClient {
    base: String,
    url: Uri,
    agent: Agent,
    /// The value of the header `Authorization`, if a key is known for this server.
    authorization: Option<String>,
}

impl ServerClient {
    /// The server at a URL, with the key for it if one is known ([`server_key`]). Nothing is sent yet.
    ///
    /// # Errors
    /// When it is not a URL of a server.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let base = url.trim_end_matches('/').trim_end_matches("/api/0");
        let parsed: Uri = base.parse().map_err(|error| format!("{error}"))?;
        if !matches!(parsed.scheme_str(), Some("http" | "https")) || parsed.host().is_none() {
            return Err("expected an address such as http://127.0.0.1:5600".to_owned());
        }
        let client = Self {
            base: base.to_owned(),
            agent: agent(Trust::System),
            authorization: bearer(server_key::find(&parsed, None)),
            url: parsed,
        };
        Ok(client.with_certificate(None))
    }

    /// The same for a command with `--config`: that file says the key and the certificate, not the usual ones.
    pub(crate) fn with_config(mut self, file: Option<&Path>) -> Self {
        if file.is_none() {
            return self;
        }
        self.authorization = bearer(server_key::find(&self.url, file));
        self.with_certificate(file)
    }

    /// The same that accepts the certificate of the configuration, if that describes this server. One that cannot be read is
    /// left to the server, which cannot use it either.
    fn with_certificate(self, file: Option<&Path>) -> Self {
        let is_https = self.url.scheme_str() == Some("https");
        let certificate = is_https
            .then(|| server_key::certificate(&self.url, file))
            .flatten();
        match certificate.map(|path| Trust::certificate_of(&path)) {
            Some(Ok(trust)) => self.with_trust(trust),
            Some(Err(_)) | None => self,
        }
    }

    /// The same that accepts these certificates.
    pub(crate) fn with_trust(mut self, trust: Trust) -> Self {
        self.agent = agent(trust);
        self
    }

    /// The same with this key, unless the environment has one.
    pub(crate) fn with_key(mut self, key: Option<&str>) -> Self {
        let key = server_key::of_environment().or(key.map(str::to_owned));
        self.authorization = bearer(key).or(self.authorization);
        self
    }

    /// The same with a key that only this process knows.
    pub(crate) fn with_own_key(mut self, key: Option<&str>) -> Self {
        self.authorization = bearer(key.map(str::to_owned)).or(self.authorization);
        self
    }

    /// Asks for a path below `/api/0`, for as long as that may take.
    ///
    /// # Errors
    /// When no answer comes; one that says no is an answer.
    pub(crate) fn get(&self, path: &str, patience: Option<Duration>) -> Result<Response<Body>, ureq::Error> {
        let request = self.authorized(self.agent.get(self.url(path))).config();
        request.timeout_global(patience).build().call()
    }

    /// Sends JSON to a path below `/api/0`.
    ///
    /// # Errors
    /// As [`ServerClient::get`].
    pub(crate) fn post(
        &self,
        path: &str,
        body: &[u8],
        patience: Option<Duration>,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = self.authorized(self.agent.post(self.url(path))).config();
        let request = request.timeout_global(patience).build();
        request.content_type("application/json").send(body)
    }

    /// Changes what is at a path, by JSON.
    ///
    /// # Errors
    /// As [`ServerClient::get`].
    pub(crate) fn patch(&self, path: &str, body: &[u8]) -> Result<Response<Body>, ureq::Error> {
        let request = self.authorized(self.agent.patch(self.url(path)));
        request.content_type("application/json").send(body)
    }

    /// Deletes what is at a path below `/api/0`.
    ///
    /// # Errors
    /// As [`ServerClient::get`].
    pub(crate) fn delete(
        &self,
        path: &str,
        patience: Option<Duration>,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = self.authorized(self.agent.delete(self.url(path))).config();
        request.timeout_global(patience).build().call()
    }

    /// Sends JSON that is made while it is sent, and waits for the answer as long as it takes.
    ///
    /// # Errors
    /// As [`ServerClient::get`]; and when the body cannot be made.
    pub(crate) fn send(
        &self,
        path: &str,
        body: &mut dyn std::io::Read,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = self.authorized(self.agent.post(self.url(path)));
        request
            .content_type("application/json")
            .send(ureq::SendBody::from_reader(body))
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        }
    }

    /// Paths are below `/api/0`, unless they say which version of the API they mean.
    fn url(&self, path: &str) -> String {
        if path.starts_with("/api/") {
            return format!("{}{path}", self.base);
        }
        format!("{}/api/0{path}", self.base)
    }
}

fn agent(trust: Trust) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECTING))
        .max_idle_age(KEPT)
        // It goes to the given address, whatever proxy the environment names.
        .proxy(None)
        .build();
    let connector = ().chain(TcpConnector::default()).chain(TlsConnector(trust));
    Agent::with_parts(config, connector, Addresses(DefaultResolver::default()))
}

/// Finds addresses. For one that is written in numbers nobody is asked, so that no thread is needed to give up on the answer.
#[derive(Debug)]
struct Addresses(DefaultResolver);

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let timeout = if host.parse::<IpAddr>().is_ok() {
            NextTimeout::default()
        } else {
            timeout
        };
        self.0.resolve(uri, config, timeout)
    }
}

fn bearer(key: Option<String>) -> Option<String> {
    key.map(|key| format!("Bearer {key}"))
}

impl fmt::Display for ServerClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl fmt::Debug for ServerClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The server at the configured address, if it is the one of this data directory.
pub(crate) fn running(settings: &Settings) -> Option<ServerClient> {
    if !settings.data_dir.exists() {
        return None;
    }
    let ours = Identity::find(settings).ok()?.device_id;
    let peer = own(settings).ok()?;
    let mut answer = peer.get("/info", Some(SAYING_WHO_IT_IS)).ok()?;
    let info: serde_json::Value = serde_json::from_reader(answer.body_mut().as_reader()).ok()?;
    (info.get("device_id")?.as_str()? == ours).then_some(peer)
}

/// The server with these settings, on this machine: with its key, and known by its certificate.
///
/// # Errors
/// When the certificate cannot be read.
pub(crate) fn own(settings: &Settings) -> anyhow::Result<ServerClient> {
    let url = own_url(settings);
    let server = ServerClient::parse(&url).map_err(|error| anyhow::anyhow!("{url}: {error}"))?;
    let server = match &settings.network.tls {
        Some(files) => server.with_trust(Trust::certificate_of(&files.cert)?),
        None => server,
    };
    let key = settings.auth.api_key.as_ref();
    Ok(server.with_key(key.map(ApiKey::secret)))
}

/// The same on another port, if one is given.
///
/// # Errors
/// As [`own`].
pub(crate) fn own_at(settings: &Settings, port: Option<u16>) -> anyhow::Result<ServerClient> {
    let mut settings = settings.clone();
    settings.network.port = port.unwrap_or(settings.network.port);
    own(&settings)
}

/// The URL at which a server with these settings answers on this machine.
pub(crate) fn own_url(settings: &Settings) -> String {
    let host = match settings.network.host.as_str() {
        "0.0.0.0" | "" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
        host => host.to_owned(),
    };
    format!("{}://{host}:{}", settings.network.scheme(), settings.network.port)
}

/// What a server said that did not do what it was asked to: its message, or the text that it sent instead of one.
pub(crate) fn refusal(status: StatusCode, text: &[u8]) -> String {
    match message(text) {
        Some(message) => format!("{status}: {message}"),
        None => format!("{status}: {}", String::from_utf8_lossy(text).trim()),
    }
}

/// The message of an answer that says no, as ActivityWatch servers send it.
pub(crate) fn message(text: &[u8]) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(text).ok()?;
    Some(json.get("message")?.as_str()?.to_owned())
}

/// A text as one segment of a path, or a value of a query (RFC 3986: everything but unreserved characters is encoded).
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_url() {
        assert!(ServerClient::parse("https://example.org/aw/").is_ok());
        for url in [
            "http://127.0.0.1:5666",
            "http://127.0.0.1:5666/",
            "http://127.0.0.1:5666/api/0/",
        ] {
            assert_eq!(
                ServerClient::parse(url).unwrap().to_string(),
                "http://127.0.0.1:5666"
            );
        }
        for url in ["127.0.0.1:5666", "", "ftp://a", "http://", "https://"] {
            assert!(ServerClient::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_bucket_stays_one_segment_of_the_path() {
        assert_eq!(encoded("aw-watcher_a.b~"), "aw-watcher_a.b~");
        assert_eq!(encoded("a/b c%é"), "a%2Fb%20c%25%C3%A9");
    }

    #[test]
    fn a_refusal_tells_the_message_or_all_there_is() {
        let refused = |text: &[u8]| refusal(StatusCode::BAD_REQUEST, text);
        assert_eq!(refused(br#"{"message":"no"}"#), "400 Bad Request: no");
        assert_eq!(refused(b"<h1>no</h1>\n"), "400 Bad Request: <h1>no</h1>");
    }
}
