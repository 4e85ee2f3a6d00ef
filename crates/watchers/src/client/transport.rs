//! Requests and answers, whatever carries them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `DELETE`
    Delete,
}

/// A request to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its path and query, from `/api/` on.
    pub path: String,
    /// Its body, JSON; `None`: it has none.
    pub body: Option<Vec<u8>>,
    /// How long the whole answer may take.
    pub patience: Duration,
}

/// What a server has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// How long to wait, by the header `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct NotSent {
    /// What has happened.
    pub reason: String,
    /// Whether the server may have carried out the request nevertheless.
    pub may_have_arrived: bool,
}

/// Something that carries requests to a server.
///
/// The client has one for HTTP. A program that needs another one (TLS, a test without a network) brings it along:
/// [`Client::with_transport`](super::Client::with_transport).
pub trait Transport: Send + Sync {
    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// When none comes. A status that says no is an answer.
    fn send(&self, request: &Request) -> Result<Answer, NotSent>;
}

/// [`Transport::send`], for threads that must not end because somebody else's code panics.
pub(super) fn send(transport: &dyn Transport, request: &Request) -> Result<Answer, NotSent> {
    catch_unwind(AssertUnwindSafe(|| transport.send(request))).unwrap_or_else(|_| {
        Err(NotSent {
            reason: "the transport panicked".to_owned(),
            may_have_arrived: true,
        })
    })
}
