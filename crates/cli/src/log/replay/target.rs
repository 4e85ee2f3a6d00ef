//! The server that a replay goes to: a few requests of the ActivityWatch API.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use timberline_model::Pulsetime;
use ureq::http::Response;

use crate::known_server::TrustArgs;
use crate::server_client::{ServerClient, encoded, refusal};

/// A server may hold a write for a minute before it gives up on it; so do we, and a little longer.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(90));
/// The most of an answer's text that is repeated.
const MAX_TEXT: u64 = 300;

/// A server to send to.
#[derive(Clone, Debug)]
pub(super) struct Target(ServerClient);

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was carried out, or there was nothing to do.
    Taken,
    /// It was refused, for this reason.
    Refused(String),
}

impl Target {
    /// The server at a URL. Nothing is sent yet.
    ///
    /// # Errors
    /// When it is no URL of a server.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        ServerClient::parse(url).map(Self)
    }

    /// The same as these flags and the configuration `file` know it.
    ///
    /// # Errors
    /// When a file with certificates cannot be read.
    pub(super) fn known_by(self, trust: &TrustArgs, file: Option<&Path>) -> anyhow::Result<Self> {
        trust.know(self.0, file).map(Self)
    }

    /// Whether something that looks like an ActivityWatch server is there.
    ///
    /// # Errors
    /// When not.
    pub(super) fn greet(&self) -> anyhow::Result<()> {
        let answer = self.0.get("/info", PATIENCE).map_err(anyhow::Error::from);
        match answer.and_then(read).with_context(|| self.unreachable())? {
            Answer::Taken => Ok(()),
            Answer::Refused(why) => Err(anyhow!("{why}").context(self.unreachable())),
        }
    }

    fn unreachable(&self) -> String {
        format!("there is no ActivityWatch server at {}", self.0)
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
        read(self.0.post(path, body, PATIENCE)?)
    }
}

/// Reads an answer to its end, so that the connection can be used again.
fn read(mut answer: Response<ureq::Body>) -> anyhow::Result<Answer> {
    let status = answer.status();
    let mut body = answer.body_mut().with_config().limit(u64::MAX).reader();
    let mut text = Vec::new();
    body.by_ref().take(MAX_TEXT).read_to_end(&mut text)?;
    io::copy(&mut body, &mut io::sink())?;
    // 304: a bucket that is there already.
    if status.is_success() || status == ureq::http::StatusCode::NOT_MODIFIED {
        return Ok(Answer::Taken);
    }
    Ok(Answer::Refused(refusal(status, &text)))
}
