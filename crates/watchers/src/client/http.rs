//! HTTP, with ureq.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body, Error, Timeout};

use super::config::Server;
use super::transport::{Answer, Method, NotSent, Request, Transport};

/// How long it may take to reach the server.
const CONNECTING: Duration = Duration::from_secs(10);

/// The longest answer that is read. Exports are the longest.
const LONGEST_ANSWER: u64 = 4 << 30;

/// A server that is reached over HTTP, on connections that are kept open.
pub(super) struct Http {
    base: String,
    authorization: Option<String>,
    agent: Agent,
}

impl Http {
    pub(super) fn new(server: &Server) -> Http {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECTING))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("timberline-watchers/", env!("CARGO_PKG_VERSION")))
            .proxy(None)
            .build()
            .new_agent();
        Http {
            base: server.url(),
            authorization: server.key().map(|key| format!("Bearer {key}")),
            agent,
        }
    }

    fn call(&self, request: &Request) -> Result<Response<Body>, Error> {
        let url = format!("{}{}", self.base, request.path);
        let patience = Some(request.patience);
        match (request.method, &request.body) {
            (Method::Post, body) => {
                let call = self.authorized(self.agent.post(url)).config();
                let call = call.timeout_global(patience).build();
                call.content_type("application/json")
                    .send(body.as_deref().unwrap_or_default())
            }
            (Method::Get, _) => {
                let call = self.authorized(self.agent.get(url)).config();
                call.timeout_global(patience).build().call()
            }
            (Method::Delete, _) => {
                let call = self.authorized(self.agent.delete(url)).config();
                call.timeout_global(patience).build().call()
            }
        }
    }

    fn authorized<B>(&self, call: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.authorization {
            Some(authorization) => call.header("Authorization", authorization),
            None => call,
        }
    }
}

impl Transport for Http {
    fn send(&self, request: &Request) -> Result<Answer, NotSent> {
        let answer = self.call(request).map_err(|error| NotSent {
            may_have_arrived: may_have_arrived(&error),
            reason: format!("{} does not answer: {error}", self.base),
        })?;
        let (head, body) = answer.into_parts();
        let mut text = Vec::new();
        let mut reader = body.into_with_config().limit(LONGEST_ANSWER).reader();
        reader.read_to_end(&mut text).map_err(|error| NotSent {
            reason: format!("the answer of {} broke off: {error}", self.base),
            may_have_arrived: true,
        })?;
        let header = head
            .headers
            .get("retry-after")
            .and_then(|value| value.to_str().ok());
        Ok(Answer {
            status: head.status.as_u16(),
            retry_after: header
                .and_then(|value| value.trim().parse().ok())
                .map(Duration::from_secs),
            body: text,
        })
    }
}

/// Whether the request may have been sent before this happened.
fn may_have_arrived(error: &Error) -> bool {
    match error {
        Error::HostNotFound | Error::ConnectionFailed | Error::BadUri(_) => false,
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => false,
        Error::Io(error) => error.kind() != ErrorKind::ConnectionRefused,
        _ => true,
    }
}
