//! The server that a replay goes to: a few requests of the ActivityWatch API, on one connection that is kept.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use anyhow::{Context, anyhow};
use timberline_model::Pulsetime;
use ureq::Agent;
use ureq::http::Response;

/// A server may hold a write for a minute before it gives up on it; so do we, and a little longer.
const PATIENCE: Duration = Duration::from_secs(90);
/// The most of an answer's text that is repeated.
const MOST_TEXT: u64 = 300;

/// A server, by its address.
#[derive(Clone)]
pub(super) struct Target {
    base: String,
    agent: Agent,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was carried out, or there was nothing to do.
    Taken,
    /// It was refused, for this reason.
    Refused(String),
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl Target {
    /// A server at a URL. Nothing is sent yet.
    ///
    /// # Errors
    /// When it is not a URL of plain HTTP.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let base = url.trim_end_matches('/').trim_end_matches("/api/0");
        let parsed: http::Uri = base.parse().map_err(|error| format!("{error}"))?;
        if parsed.scheme_str() != Some("http") || parsed.host().is_none() {
            return Err("expected plain HTTP, such as http://127.0.0.1:5666".to_owned());
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            // A replay goes where it was told to, whatever proxy the environment names.
            .proxy(None)
            .build();
        Ok(Self {
            base: base.to_owned(),
            agent: Agent::new_with_config(config),
        })
    }

    /// Whether something that looks like an ActivityWatch server is there.
    ///
    /// # Errors
    /// When not.
    pub(super) fn greet(&self) -> anyhow::Result<()> {
        let url = format!("{}/api/0/info", self.base);
        let answer = self.agent.get(&url).call().map_err(anyhow::Error::from);
        match answer.and_then(read).with_context(|| self.unreachable())? {
            Answer::Taken => Ok(()),
            Answer::Refused(why) => Err(anyhow!("{why}").context(self.unreachable())),
        }
    }

    fn unreachable(&self) -> String {
        format!("there is no ActivityWatch server at {}", self.base)
    }

    /// Makes a bucket; it is as well when it is there already.
    ///
    /// # Errors
    /// When no answer comes, as for the other requests.
    pub(super) fn create_bucket(&self, bucket: &str, body: &[u8]) -> anyhow::Result<Answer> {
        self.post(&format!("/buckets/{}", encoded(bucket)), body)
    }

    /// Sends a heartbeat.
    pub(super) fn heartbeat(
        &self,
        bucket: &str,
        pulsetime: Pulsetime,
        body: &[u8],
    ) -> anyhow::Result<Answer> {
        let mut path = format!("/buckets/{}/heartbeat?pulsetime=", encoded(bucket)).into_bytes();
        timberline_model::Duration::from_nanos(pulsetime.nanos()).write(&mut path);
        self.post(&String::from_utf8_lossy(&path), body)
    }

    /// Inserts events.
    pub(super) fn insert(&self, bucket: &str, body: &[u8]) -> anyhow::Result<Answer> {
        self.post(&format!("/buckets/{}/events", encoded(bucket)), body)
    }

    fn post(&self, path: &str, body: &[u8]) -> anyhow::Result<Answer> {
        let request = self
            .agent
            .post(format!("{}/api/0{path}", self.base))
            .content_type("application/json");
        read(request.send(body)?)
    }
}

/// Reads an answer to its end, so that the connection can be used again.
fn read(mut answer: Response<ureq::Body>) -> anyhow::Result<Answer> {
    let status = answer.status();
    let mut body = answer.body_mut().with_config().limit(u64::MAX).reader();
    let mut text = Vec::new();
    body.by_ref().take(MOST_TEXT).read_to_end(&mut text)?;
    io::copy(&mut body, &mut io::sink())?;
    // 304: a bucket that is there already.
    if status.is_success() || status == http::StatusCode::NOT_MODIFIED {
        return Ok(Answer::Taken);
    }
    let message = serde_json::from_slice::<serde_json::Value>(&text).ok();
    let message = message.and_then(|json| Some(json.get("message")?.as_str()?.to_owned()));
    let message = message.unwrap_or_else(|| String::from_utf8_lossy(&text).trim().to_owned());
    Ok(Answer::Refused(format!("{status}: {message}")))
}

/// A bucket's id as one segment of a path (RFC 3986: everything but unreserved characters is encoded).
fn encoded(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_plain_url() {
        for url in [
            "http://127.0.0.1:5666",
            "http://127.0.0.1:5666/",
            "http://127.0.0.1:5666/api/0/",
        ] {
            assert_eq!(Target::parse(url).unwrap().base, "http://127.0.0.1:5666");
        }
        for url in ["127.0.0.1:5666", "https://example.org", "", "ftp://a", "http://"] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_bucket_stays_one_segment_of_the_path() {
        assert_eq!(encoded("aw-watcher_a.b~"), "aw-watcher_a.b~");
        assert_eq!(encoded("a/b c%é"), "a%2Fb%20c%25%C3%A9");
    }
}
