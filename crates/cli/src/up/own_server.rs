//! How the watchers send to the server in their own process: like any client, with its key and its certificate.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use timberline_watchers::{Answer, Method, NotSent, Request, Transport};
use ureq::{Error, Timeout};

use crate::server_client::ServerClient;

/// The longest answer that is read.
const LONGEST_ANSWER: u64 = 64 << 20;

/// The server in this process.
pub(super) struct OwnServer(pub(super) ServerClient);

impl Transport for OwnServer {
    fn send(&self, request: &Request) -> Result<Answer, NotSent> {
        let patience = Some(request.patience);
        let body = request.body.as_deref().unwrap_or_default();
        let sent = match request.method {
            Method::Get => self.0.get(&request.path, patience),
            Method::Post => self.0.post(&request.path, body, patience),
            Method::Delete => self.0.delete(&request.path, patience),
        };
        let answer = sent.map_err(|error| NotSent {
            may_have_arrived: may_have_arrived(&error),
            reason: format!("{} does not answer: {error}", self.0),
        })?;
        let (head, body) = answer.into_parts();
        let mut text = Vec::new();
        let mut reader = body.into_with_config().limit(LONGEST_ANSWER).reader();
        reader.read_to_end(&mut text).map_err(|error| NotSent {
            reason: format!("the answer of {} broke off: {error}", self.0),
            may_have_arrived: true,
        })?;
        let retry_after = head.headers.get("retry-after");
        Ok(Answer {
            status: head.status.as_u16(),
            retry_after: retry_after
                .and_then(|value| value.to_str().ok()?.trim().parse().ok())
                .map(Duration::from_secs),
            body: text,
        })
    }
}

/// Whether the request may have been sent before this error.
fn may_have_arrived(error: &Error) -> bool {
    match error {
        Error::HostNotFound | Error::ConnectionFailed | Error::BadUri(_) => false,
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => false,
        Error::Io(error) => error.kind() != ErrorKind::ConnectionRefused,
        _ => true,
    }
}
